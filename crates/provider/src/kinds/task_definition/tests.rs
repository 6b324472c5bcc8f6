#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_engine::diff::settled;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use proptest::prelude::*;
use proptest::strategy::Union;

use super::*;

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn stack(text: &str) -> Stack {
    let source =
        Source::new("stack.yaml", format!("stack: papyrus\nregion: us-west-2\naccount: \"123456789012\"\n{text}"));
    let (vars, nothing) = (BTreeMap::new(), |_: &str| None);
    let files = |_: &str| Err("no files".to_owned());
    let options = Options { env: None, vars: &vars, process_env: &nothing, files: &files, account: None, region: None };
    load(&source, &options).unwrap_or_else(|problems| panic!("{}", problems.render(&source))).stack
}

fn wish(stack: &Stack) -> Desired {
    let facts = facts();
    TaskDefinition.desired(&Desire { stack, facts: &facts }, "papyrus").unwrap()
}

/// What the executor hands over: defaults filled in, nothing kept by others.
fn resolved(want: &Desired) -> Fields {
    let mut fields = want.fields.clone();
    for field in INFO.fields {
        if let (Unset::Default(default), None) = (field.unset, fields.get(field.name)) {
            fields.insert(field.name.into(), default());
        }
        if let Some(value) = fields.get_mut(field.name) {
            *value = settled(field, value, None);
        }
    }
    fields
}

const SPARSE: &str = "
task_definitions:
  papyrus: { cpu: 256, memory: 512, containers: { app: { image: nginx, ports: [5000] } } }
";

const FULL: &str = r#"
roles:
  exec: { trust: { service: ecs-tasks.amazonaws.com } }
  task: { trust: { service: ecs-tasks.amazonaws.com }, path: /app/ }
repositories: { papyrus: {} }
log_groups: { /ecs/papyrus: {} }
task_definitions:
  papyrus:
    cpu: 1 vCPU
    memory: 2 GB
    architecture: ARM64
    os: linux
    execution_role: exec
    task_role: task
    ephemeral_storage: 50
    pid_mode: task
    fault_injection: true
    volumes:
      scratch:
      data: { efs: { file_system: fs-0123456789abcdef0, transit_encryption: true, transit_encryption_port: 2049, access_point: fsap-1, iam: true } }
      disk: configured_at_launch
    containers:
      app:
        image: { repository: papyrus, live: true }
        command: [serve, 1]
        entry_point: [/bin/sh]
        cpu: 128
        memory: 1024
        memory_reservation: 512
        ports: [5000, { port: 53, protocol: udp }, { port: 80, name: http, app_protocol: http2 }, 8000-8010]
        environment: { B: 2, A: "1", EMPTY: "" }
        environment_files: ["arn:aws:s3:::acme/papyrus.env"]
        secrets: { S: "ssm:/papyrus/db", N: "ssm:name", M: "secretsmanager:papyrus:key::" }
        logs: { group: /ecs/papyrus, create_group: true, options: { mode: non-blocking }, secret_options: { x: "ssm:/x" } }
        health_check: { command: curl localhost, start_period: 5 }
        depends_on: { side: healthy }
        mounts: [{ volume: scratch, path: /scratch }, { volume: data, path: /data, read_only: true }, { volume: disk, path: /disk }]
        volumes_from: [side]
        user: 1000
        working_directory: /srv
        read_only_root_filesystem: true
        stop_timeout: 120
        start_timeout: 30
        ulimits: { nofile: { soft: 1024, hard: 4096 } }
        linux: { init: true, capabilities: { add: [SYS_PTRACE], drop: [NET_RAW, ALL] } }
        docker_labels: { team: wharf }
        interactive: true
        tty: true
        system_controls: { net.ipv4.tcp_keepalive_time: 500 }
        restart: { ignored_exit_codes: [0], attempt_period: 60 }
        version_consistency: disabled
        registry_credentials: "arn:aws:secretsmanager:us-west-2:123456789012:secret:registry-AbCdEf"
        extra: { somethingNew: { inside: [1, two] }, healthCheck: { novelty: 3 } }
      side:
        image: "fluent-bit:2"
        essential: false
        firelens: { type: fluentbit, options: { a: b } }
        health_check: { command: [CMD, /check] }
    extra: { brandNew: true }
"#;

#[test]
fn a_fully_specified_task_definition_is_the_same_after_a_round_trip() {
    let stack = stack(FULL);
    let want = wish(&stack);
    let fields = resolved(&want);
    let request = normal::to_request(&fields);
    assert_eq!(normalise(&request, Like::All), fields);
    // What is written under `extra` goes out as it is, and beside it nothing is lost.
    let app = request["containerDefinitions"].as_array().unwrap().iter().find(|c| c["name"] == "app").unwrap().clone();
    assert_eq!(app["somethingNew"], json!({ "inside": [1, "two"] }));
    assert_eq!(
        app["healthCheck"],
        json!({
            "command": ["CMD-SHELL", "curl localhost"], "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 5, "novelty": 3,
        })
    );
    assert_eq!(request["brandNew"], true);
    assert_eq!((&request["cpu"], &request["memory"]), (&json!("1024"), &json!("2048")));
    assert_eq!(request["taskRoleArn"], "arn:aws:iam::123456789012:role/app/task");
    assert_eq!(app["image"], "123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:latest");
    assert_eq!(
        app["environment"],
        json!([{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }, { "name": "EMPTY", "value": "" }])
    );
    assert_eq!(
        app["secrets"],
        json!([
            { "name": "M", "valueFrom": "arn:aws:secretsmanager:us-west-2:123456789012:secret:papyrus:key::" },
            { "name": "N", "valueFrom": "arn:aws:ssm:us-west-2:123456789012:parameter/name" },
            { "name": "S", "valueFrom": "arn:aws:ssm:us-west-2:123456789012:parameter/papyrus/db" },
        ])
    );
    assert_eq!(
        app["logConfiguration"]["options"],
        json!({
            "mode": "non-blocking", "awslogs-group": "/ecs/papyrus", "awslogs-region": "us-west-2", "awslogs-stream-prefix": "ecs",
            "awslogs-create-group": "true",
        })
    );
    assert_eq!(app["dependsOn"], json!([{ "containerName": "side", "condition": "HEALTHY" }]));
    assert_eq!(
        want.needs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["log_group./ecs/papyrus", "repository.papyrus", "role.exec", "role.task"]
    );
}

#[test]
fn parameters_that_containers_read_come_first() {
    let stack = stack(
        r#"
parameters:
  /papyrus/db: { value: a }
  level: { value: b, name: log-level }
  unused: { value: c }
task_definitions:
  papyrus:
    cpu: 256
    memory: 512
    execution_role: { existing: exec }
    containers:
      app:
        image: "nginx:1"
        secrets: { DB: "ssm:/papyrus/db", LEVEL: "ssm:log-level", THEIRS: "ssm:/theirs" }
"#,
    );
    let needs: Vec<String> = wish(&stack).needs.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["parameter./papyrus/db", "parameter.level"]);
}

/// What AWS makes of a sparse request.
fn filled() -> Json {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:7",
            "family": "papyrus", "revision": 7, "status": "ACTIVE", "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"], "compatibilities": ["EC2", "FARGATE"],
            "requiresAttributes": [{ "name": "com.amazonaws.ecs.capability.task-eni" }],
            "registeredAt": 1.7e9, "registeredBy": "arn:aws:iam::123456789012:root",
            "cpu": "256", "memory": "512", "volumes": [], "placementConstraints": [], "taskRoleArn": "", "ipcMode": "",
            "enableFaultInjection": false,
            "serverInvention": "x",
            "containerDefinitions": [{
                "name": "app", "image": "nginx", "cpu": 0, "essential": true, "versionConsistency": "enabled",
                "portMappings": [{ "containerPort": 5000, "hostPort": 5000, "protocol": "tcp" }],
                "environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": [], "secrets": [], "ulimits": [],
                "linuxParameters": { "capabilities": { "add": [], "drop": [] }, "devices": [], "tmpfs": [] },
                "readonlyRootFilesystem": false, "serverDefault": { "of": "next year" },
            }],
        },
        "tags": [{ "key": "hatoba:stack", "value": "papyrus" }, { "key": "aws:cloudformation:stack", "value": "x" }],
    })
}

#[test]
fn what_aws_fills_in_is_no_difference() {
    let stack = stack(SPARSE);
    let want = wish(&stack);
    let live = live(&filled(), Some(&want.fields), &facts()).unwrap();
    let mut have = live.fields.clone();
    have.remove("tags");
    assert_eq!(differences(&INFO, &want.fields, &have), []);
    assert_eq!(live.id, "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:7");
    assert_eq!(live.name, "papyrus");
    assert_eq!(live.outputs["revision"], Value::Int(7));
    assert!(
        live.is_called("arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus"),
        "an old revision in use is its family's"
    );
}

#[test]
fn a_new_member_of_the_api_is_compared_only_where_the_file_names_it() {
    let stack = stack(&SPARSE.replace("ports: [5000]", "ports: [5000], extra: { serverDefault: { of: this year } }"));
    let want = wish(&stack);
    let live = live(&filled(), Some(&want.fields), &facts()).unwrap();
    let changes = differences(&INFO, &want.fields, &live.fields);
    let paths: Vec<&str> =
        changes.iter().map(|change| change.path.as_str()).filter(|path| !path.starts_with("tags")).collect();
    assert_eq!(paths, ["containers.app.serverDefault.of"]);
}

#[test]
fn a_definition_that_is_not_for_fargate_is_a_difference() {
    let want = wish(&stack(SPARSE));
    let mut answer = filled();
    answer["taskDefinition"]["networkMode"] = "bridge".into();
    let live = live(&answer, Some(&want.fields), &facts()).unwrap();
    let paths: Vec<String> =
        differences(&INFO, &want.fields, &live.fields).into_iter().map(|change| change.path).collect();
    assert!(paths.contains(&"extra".to_owned()), "{paths:?}");
}

#[test]
fn the_pipelines_image_stays_and_serves_when_something_else_changes() {
    let text = "
repositories: { papyrus: {} }
roles: { exec: { trust: { service: ecs-tasks.amazonaws.com } } }
task_definitions:
  papyrus:
    cpu: 256
    memory: 512
    execution_role: exec
    containers: { app: { image: { repository: papyrus, live: true, bootstrap: first }, ports: [5000], environment: { A: new } } }
";
    let want = wish(&stack(text));
    let mut answer = filled();
    answer["taskDefinition"]["containerDefinitions"][0]["image"] = "pushed@sha256:1".into();
    answer["taskDefinition"]["executionRoleArn"] = "arn:aws:iam::123456789012:role/exec".into();
    let live = live(&answer, Some(&want.fields), &facts()).unwrap();
    let changes = differences(&INFO, &want.fields, &live.fields);
    let paths: Vec<&str> =
        changes.iter().map(|change| change.path.as_str()).filter(|path| !path.starts_with("tags")).collect();
    assert_eq!(paths, ["containers.app.environment"]);
    let row = INFO.field("containers").unwrap();
    let containers = settled(row, &want.fields["containers"], live.fields.get("containers"));
    assert_eq!(containers.get("app").unwrap().get("image"), Some(&Value::text("pushed@sha256:1")));
    assert_eq!(resolved(&want)["containers"].get("app").unwrap().get("image"), Some(&Value::text("first")));
    assert_eq!(live.uses, ["arn:aws:iam::123456789012:role/exec"]);
}

#[test]
fn log_groups_are_in_use() {
    let mut answer = filled();
    answer["taskDefinition"]["containerDefinitions"][0]["logConfiguration"] = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/papyrus", "awslogs-region": "eu-west-1" } });
    let live = live(&answer, None, &facts()).unwrap();
    assert_eq!(live.uses, ["arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/papyrus"]);
}

#[test]
fn repositories_and_parameters_are_in_use() {
    let mut answer = filled();
    let container = &mut answer["taskDefinition"]["containerDefinitions"][0];
    container["image"] = "123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/papyrus:v1".into();
    container["secrets"] = json!([
        { "name": "TOKEN", "valueFrom": "arn:aws:ssm:us-west-2:123456789012:parameter/papyrus/token" },
        { "name": "PLAIN", "valueFrom": "name-of-a-parameter" },
    ]);
    let live = live(&answer, None, &facts()).unwrap();
    let used = [
        "ecr:us-west-2:123456789012:repository/acme/papyrus",
        "ssm:us-west-2:123456789012:parameter/name-of-a-parameter",
        "ssm:us-west-2:123456789012:parameter/papyrus/token",
    ];
    assert_eq!(live.uses, used.map(|used| format!("arn:aws:{used}")));
}

#[test]
fn adding_a_plain_volume_is_a_difference() {
    let text = SPARSE
        .replace("image: nginx,", "image: nginx, mounts: [{ volume: scratch, path: /s }],")
        .replace("memory: 512,", "memory: 512, volumes: { scratch: {} },");
    let want = wish(&stack(&text));
    let live = live(&filled(), Some(&want.fields), &facts()).unwrap();
    let changes = differences(&INFO, &want.fields, &live.fields);
    assert!(changes.iter().any(|change| change.path == "volumes"), "{changes:?}");
}

#[test]
fn only_values_of_secret_variables_are_hidden() {
    assert!(is_secret("containers.app.environment.DB_PASSWORD", "x"));
    assert!(is_secret("containers.app.environment[\"api-key.main\"]", "x"));
    assert!(is_secret("containers.app.logs.options.splunk-token", "x"));
    assert!(!is_secret("containers.app.logs.options.mode", "x"));
    assert!(!is_secret("containers.app.environment.LOG_LEVEL", "x"));
    assert!(is_secret("containers.app.environment.DATABASE_URL", "postgres://papyrus:hunter2@db/papyrus"));
    assert!(!is_secret("containers.app.environment.DATABASE_URL", "postgres://db/papyrus"));
    assert!(!is_secret("containers.app.secrets.DB_PASSWORD", "x"));
    assert!(!is_secret("containers.app.environment.PASSWORD_FILE", "x"));
}

#[test]
fn a_deletion_that_was_cut_short_is_recognised() {
    let arn = |revision: u64| format!("arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:{revision}");
    let half = |active: &[u64], seen| {
        may_be_half_deregistered(&active.iter().map(|revision| arn(*revision)).collect::<Vec<_>>(), &arn(seen))
    };
    assert!(!half(&[1], 1));
    assert!(!half(&[1, 2, 3], 3));
    assert!(half(&[2, 3], 3), "the first one is deregistered already");
    assert!(half(&[3], 3));
    assert!(half(&[], 3), "all are");
    assert!(half(&[1, 2], 3), "the one that was seen is");
}

#[test]
fn the_newest_marked_revision_stands_for_its_family() {
    let tags = |address: &str| {
        Tags::from([("hatoba:stack".into(), "papyrus".into()), ("hatoba:resource".into(), address.into())])
    };
    let arn = |rest: &str| format!("arn:aws:ecs:us-west-2:123456789012:{rest}");
    let marks = BTreeMap::from([
        (arn("task-definition/a:9"), tags("task_definition.a")),
        (arn("task-definition/a:10"), tags("task_definition.b")),
        (arn("cluster/papyrus"), tags("cluster.papyrus")),
    ]);
    let found = marked_families(&marks);
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [("a", (arn("task-definition/a:10").as_str(), Some("task_definition.b".to_owned())))]
    );
}

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,6}"
}

fn maybe(key: &'static str, value: impl Strategy<Value = Json> + 'static) -> BoxedStrategy<Vec<(String, Json)>> {
    prop_oneof![Just(None), value.prop_map(Some)]
        .prop_map(move |value| value.map(|v| (key.to_owned(), v)).into_iter().collect())
        .boxed()
}

fn object(members: Vec<BoxedStrategy<Vec<(String, Json)>>>) -> impl Strategy<Value = Json> {
    members.prop_map(|members| Json::Object(members.into_iter().flatten().collect()))
}

fn texts(key: &'static str, value: &'static str) -> impl Strategy<Value = Json> {
    proptest::collection::vec((word(), word()), 0..4)
        .prop_map(move |items| items.into_iter().map(|(k, v)| json!({ key: k, value: v })).collect())
}

fn port() -> impl Strategy<Value = Json> {
    object(vec![
        (1..65_536_u32).prop_map(|port| vec![("containerPort".to_owned(), port.into())]).boxed(),
        maybe("hostPort", (1..65_536_u32).prop_map(Json::from)),
        maybe("protocol", prop_oneof![Just("tcp"), Just("udp")].prop_map(Json::from)),
        maybe("name", word().prop_map(Json::from)),
        maybe("appProtocol", Just(json!("grpc"))),
        maybe("novelty", any::<bool>().prop_map(Json::from)),
    ])
}

fn container() -> impl Strategy<Value = Json> {
    let list = |items: BoxedStrategy<Json>| proptest::collection::vec(items, 0..3).prop_map(Json::Array);
    object(vec![
        word().prop_map(|name| vec![("name".to_owned(), name.into())]).boxed(),
        maybe("image", word().prop_map(Json::from)),
        maybe("cpu", (0..300_u32).prop_map(Json::from)),
        maybe("essential", any::<bool>().prop_map(Json::from)),
        maybe("command", proptest::collection::vec(word(), 0..3).prop_map(|words| json!(words))),
        maybe("portMappings", list(port().boxed())),
        maybe("environment", texts("name", "value")),
        maybe("secrets", texts("name", "valueFrom")),
        maybe(
            "dependsOn",
            texts("containerName", "condition").prop_map(|mut list| {
                for item in list.as_array_mut().into_iter().flatten() {
                    item["condition"] = "HEALTHY".into();
                }
                list
            }),
        ),
        maybe(
            "linuxParameters",
            object(vec![
                maybe("initProcessEnabled", any::<bool>().prop_map(Json::from)),
                maybe(
                    "capabilities",
                    proptest::collection::vec(word(), 0..3).prop_map(|words| json!({ "add": words, "drop": [] })),
                ),
            ]),
        ),
        maybe(
            "healthCheck",
            object(vec![
                maybe("command", Just(json!(["CMD", "true"]))),
                maybe("interval", (5..300_u32).prop_map(Json::from)),
                maybe("startPeriod", (0..3_u32).prop_map(Json::from)),
            ]),
        ),
        maybe(
            "logConfiguration",
            object(vec![
                Union::new([Just("awslogs"), Just("splunk")])
                    .prop_map(|d| vec![("logDriver".to_owned(), d.into())])
                    .boxed(),
                maybe("options", (word(), word()).prop_map(|(k, v)| json!({ "awslogs-group": v, k: "x" }))),
                maybe("secretOptions", texts("name", "valueFrom")),
            ]),
        ),
        maybe(
            "mountPoints",
            list(
                object(vec![
                    maybe("sourceVolume", word().prop_map(Json::from)),
                    maybe("readOnly", any::<bool>().prop_map(Json::from)),
                ])
                .boxed(),
            ),
        ),
        maybe("repositoryCredentials", Just(json!({ "credentialsParameter": "arn" }))),
        maybe("versionConsistency", prop_oneof![Just("enabled"), Just("disabled")].prop_map(Json::from)),
        maybe(
            "noveltyOfTheYear",
            proptest::collection::vec(0..9_i64, 0..3).prop_map(|n| json!({ "a": n, "b": 10.0, "c": null })),
        ),
    ])
}

fn task() -> impl Strategy<Value = Json> {
    let volume = object(vec![
        word().prop_map(|name| vec![("name".to_owned(), name.into())]).boxed(),
        maybe("host", Just(json!({}))),
        maybe(
            "efsVolumeConfiguration",
            object(vec![
                maybe("fileSystemId", word().prop_map(Json::from)),
                maybe("rootDirectory", prop_oneof![Just("/"), Just("/srv")].prop_map(Json::from)),
                maybe("authorizationConfig", Just(json!({ "iam": "ENABLED", "accessPointId": "fsap-1" }))),
            ]),
        ),
    ]);
    object(vec![
        maybe("cpu", (0..5_u32).prop_map(|n| (256 << n).to_string().into())),
        maybe("memory", (1..9_u32).prop_map(|n| (512 * n).to_string().into())),
        maybe(
            "runtimePlatform",
            object(vec![
                maybe("cpuArchitecture", prop_oneof![Just("ARM64"), Just("X86_64")].prop_map(Json::from)),
                maybe("operatingSystemFamily", Just(json!("LINUX"))),
            ]),
        ),
        maybe("ephemeralStorage", (20..30_u32).prop_map(|n| json!({ "sizeInGiB": n }))),
        maybe("enableFaultInjection", any::<bool>().prop_map(Json::from)),
        maybe("networkMode", prop_oneof![Just("awsvpc"), Just("bridge")].prop_map(Json::from)),
        maybe("requiresCompatibilities", prop_oneof![Just(json!(["FARGATE"])), Just(json!(["EC2", "FARGATE"]))]),
        maybe(
            "proxyConfiguration",
            texts("name", "value").prop_map(|list| json!({ "type": "APPMESH", "properties": list })),
        ),
        maybe("volumes", proptest::collection::vec(volume, 0..3).prop_map(Json::Array)),
        maybe("containerDefinitions", proptest::collection::vec(container(), 0..3).prop_map(Json::Array)),
        maybe("brandNew", word().prop_map(Json::from)),
    ])
}

proptest! {
    /// Nothing is lost on the way from the normal form to a request and back, so that what was applied reads back as wanted.
    #[test]
    fn a_request_made_from_the_normal_form_has_that_normal_form(task in task()) {
        let fields = normalise(&task, Like::All);
        prop_assert_eq!(normalise(&normal::to_request(&fields), Like::All), fields);
    }
}
