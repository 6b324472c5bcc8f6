#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_engine::diff::{FieldChange, differences, settled};
use hatoba_engine::kind::Unset;
use hatoba_engine::resolve::{Known, fill};
use hatoba_engine::value::OutputRef;
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;

use super::*;

const AROUND: &str = "stack: papyrus
region: us-west-2
clusters: { papyrus: { capacity_providers: [FARGATE, FARGATE_SPOT], name: wharf } }
security_groups: { papyrus: { description: papyrus } }
task_definitions:
  papyrus: { cpu: 256, memory: 512, containers: { app: { image: nginx, ports: [{ port: 5000, name: http }] } }, volumes: {} }
";

const NETWORK: &str = "network: { subnets: default, public_ip: true, security_groups: [papyrus] }";
const TASK: &str = "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:3";

fn stack(spec: &str) -> Stack {
    let source = Source::new(
        "stack.yaml",
        format!("{AROUND}services:\n  papyrus: {{ cluster: papyrus, task_definition: papyrus, {NETWORK}{spec} }}\n"),
    );
    let (vars, nothing) = (BTreeMap::new(), |_: &str| None);
    let files = |_: &str| Err("no files".to_owned());
    let options = Options { env: None, vars: &vars, process_env: &nothing, files: &files, account: None, region: None };
    load(&source, &options).unwrap_or_else(|problems| panic!("{}", problems.render(&source))).stack
}

fn wish(spec: &str) -> Desired {
    let facts = Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() };
    let mut want = Service.desired(&Desire { stack: &stack(spec), facts: &facts }, "papyrus").unwrap();
    let known = Known::from([
        (OutputRef::new("task_definition.papyrus", "arn"), TASK.into()),
        (OutputRef::new("security_group.papyrus", "id"), "sg-1".into()),
        (OutputRef::new("lookup.network", "subnets"), Value::set(["subnet-b", "subnet-a"])),
    ]);
    for value in want.fields.values_mut() {
        *value = fill(value, &known);
    }
    want
}

/// What the executor hands over.
fn resolved(want: &Desired, live: Option<&Sighting>) -> Resolved {
    let mut fields = want.fields.clone();
    fields.insert("tags".into(), Value::texts([("hatoba:stack", "papyrus")]));
    for field in INFO.fields {
        if let (Unset::Default(default), None) = (field.unset, fields.get(field.name)) {
            fields.insert(field.name.into(), default());
        }
        if let Some(value) = fields.get_mut(field.name) {
            *value = settled(field, value, live.and_then(|live| live.fields.get(field.name)));
        }
    }
    Resolved { address: want.address.clone(), kind: &INFO, name: want.name.clone(), scope: want.scope.clone(), fields }
}

/// What AWS answers for a service that was created with as little as possible.
fn answer() -> Json {
    json!({
        "serviceArn": "arn:aws:ecs:us-west-2:123456789012:service/wharf/papyrus", "serviceName": "papyrus",
        "clusterArn": "arn:aws:ecs:us-west-2:123456789012:cluster/wharf", "status": "ACTIVE",
        "desiredCount": 4, "runningCount": 1, "pendingCount": 0, "launchType": "FARGATE", "platformVersion": "1.4.0",
        "platformFamily": "Linux", "taskDefinition": TASK, "loadBalancers": [], "serviceRegistries": [],
        "deploymentConfiguration": {
            "strategy": "ROLLING", "bakeTimeInMinutes": 0, "maximumPercent": 200, "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {
                "enable": false, "rollback": false, "resetOnHealthyTask": true,
                "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 },
            },
            "alarms": { "alarmNames": [], "enable": false, "rollback": false },
        },
        "deployments": [{ "status": "PRIMARY", "taskDefinition": TASK }], "events": [], "roleArn": "arn",
        "networkConfiguration": { "awsvpcConfiguration": {
            "subnets": ["subnet-b", "subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED",
        } },
        "healthCheckGracePeriodSeconds": 0, "schedulingStrategy": "REPLICA", "deploymentController": { "type": "ECS" },
        "createdBy": "arn", "enableECSManagedTags": false, "propagateTags": "NONE", "enableExecuteCommand": false,
        "availabilityZoneRebalancing": "ENABLED", "placementConstraints": [], "placementStrategy": [],
        "resourceManagementType": "CUSTOMER", "tags": [{ "key": "hatoba:stack", "value": "papyrus" }],
    })
}

fn paths(want: &Desired, live: &Sighting) -> Vec<String> {
    let changes = differences(&INFO, &want.fields, &live.fields);
    changes.into_iter().map(|change| change.path).filter(|path| !path.starts_with("tags")).collect()
}

#[test]
fn what_aws_fills_in_is_no_difference() {
    for spec in ["", ", circuit_breaker: { enable: false }", ", platform_version: LATEST", ", minimum_percent: 100"] {
        let want = wish(spec);
        let live = live(&answer(), Some(&want.fields), None).unwrap();
        assert_eq!(paths(&want, &live), [""; 0], "{spec}");
    }
    // As older services answer, and an emulator or two.
    let mut bare = answer();
    for key in [
        "deploymentConfiguration",
        "propagateTags",
        "enableExecuteCommand",
        "enableECSManagedTags",
        "deploymentController",
    ] {
        bare.as_object_mut().unwrap().remove(key);
    }
    let want = wish("");
    assert_eq!(paths(&want, &live(&bare, Some(&want.fields), None).unwrap()), [""; 0]);
}

#[test]
fn a_service_is_what_it_uses_and_where_it_is() {
    let live = live(&answer(), None, None).unwrap();
    assert_eq!(
        (live.id.as_str(), live.scope.as_deref()),
        ("arn:aws:ecs:us-west-2:123456789012:service/wharf/papyrus", Some("wharf"))
    );
    for used in ["cluster/wharf", "task-definition/papyrus:3", "task-definition/papyrus"] {
        assert!(live.uses.contains(&format!("arn:aws:ecs:us-west-2:123456789012:{used}")), "{used}: {:?}", live.uses);
    }
    assert!(live.uses.contains(&"sg-1".to_owned()));
    let mut going = answer();
    going["status"] = "DRAINING".into();
    assert_eq!(
        super::live(&going, None, None).unwrap().readiness,
        Readiness::Deleting("draining, 1 task still running".into())
    );
    going["status"] = "INACTIVE".into();
    assert!(super::live(&going, None, None).is_none());
}

#[test]
fn a_create_says_everything_and_nothing_that_is_refused() {
    let body = api::creation(&resolved(&wish(", circuit_breaker: { rollback: true }"), None));
    assert_eq!(
        body,
        json!({
            "cluster": "wharf", "serviceName": "papyrus", "taskDefinition": TASK, "desiredCount": 1, "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": {
                "subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED",
            } },
            "deploymentConfiguration": {
                "minimumHealthyPercent": 100, "maximumPercent": 200, "deploymentCircuitBreaker": { "enable": true, "rollback": true },
            },
            "enableExecuteCommand": false, "enableECSManagedTags": false, "propagateTags": "NONE",
            "tags": [{ "key": "hatoba:stack", "value": "papyrus" }],
        })
    );
    let body =
        api::creation(&resolved(&wish(", capacity: [{ provider: FARGATE_SPOT, weight: 1 }], desired_count: 0"), None));
    assert_eq!(body["launchType"], Json::Null, "ECS refuses both");
    assert_eq!(
        body["capacityProviderStrategy"],
        json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0 }])
    );
    assert_eq!(body["desiredCount"], 0);
}

/// The body of the update from `answer` to `spec`.
fn update(answer: &Json, spec: &str) -> Json {
    let want = wish(spec);
    let live = live(answer, Some(&want.fields), None).unwrap();
    let mut body = api::change(&resolved(&want, Some(&live)), &live);
    let members = body.as_object_mut().unwrap();
    assert_eq!((members.remove("cluster"), members.remove("service")), (Some("wharf".into()), Some("papyrus".into())));
    body
}

#[test]
fn an_update_sends_only_what_differs() {
    assert_eq!(update(&answer(), ", desired_count: 2"), json!({ "desiredCount": 2 }));
    assert_eq!(
        update(&answer(), ", maximum_percent: 150, desired_count: 4"),
        json!({ "deploymentConfiguration": { "maximumPercent": 150 } })
    );
    assert_eq!(
        update(&answer(), ", circuit_breaker: {}"),
        json!({ "deploymentConfiguration": { "deploymentCircuitBreaker": { "enable": true, "rollback": false } } })
    );
    // Tasks that run already would keep where they run, and that nobody can look into them.
    assert_eq!(
        update(&answer(), ", enable_exec: true"),
        json!({ "enableExecuteCommand": true, "forceNewDeployment": true })
    );
    assert_eq!(
        update(&answer(), ", capacity: [{ provider: FARGATE, weight: 1 }]"),
        json!({ "capacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1, "base": 0 }], "forceNewDeployment": true })
    );
}

#[test]
fn what_is_no_longer_wanted_is_taken_back_in_words() {
    let mut answer = answer();
    let service = answer.as_object_mut().unwrap();
    service.remove("launchType");
    service.insert("capacityProviderStrategy".into(), json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]));
    service["deploymentConfiguration"] = json!({
        "maximumPercent": 150, "minimumHealthyPercent": 50, "strategy": "ROLLING", "bakeTimeInMinutes": 5,
        "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        "alarms": { "alarmNames": ["errors"], "enable": true, "rollback": false },
    });
    service.insert("serviceRegistries".into(), json!([{ "registryArn": "arn" }]));
    service["deployments"][0]["serviceConnectConfiguration"] = json!({ "enabled": true, "namespace": "papyrus" });
    assert_eq!(
        update(&answer, ""),
        json!({
            "capacityProviderStrategy": [], "serviceRegistries": [], "serviceConnectConfiguration": { "enabled": false },
            "deploymentConfiguration": {
                "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0, "lifecycleHooks": [],
                "deploymentCircuitBreaker": { "enable": false, "rollback": false },
                "alarms": { "alarmNames": [], "enable": false, "rollback": false },
            },
            "forceNewDeployment": true,
        })
    );
}

#[test]
fn service_connect_is_read_from_the_primary_deployment() {
    let want = wish(", service_connect: { services: [{ port_name: http, aliases: [{ port: 80, dns_name: web }] }] }");
    let mut answer = answer();
    answer["deployments"][0]["serviceConnectConfiguration"] = json!({
        "enabled": true, "namespace": "the-clusters-own",
        "services": [{ "portName": "http", "discoveryName": "http", "clientAliases": [{ "port": 80, "dnsName": "web" }] }],
    });
    assert_eq!(paths(&want, &live(&answer, Some(&want.fields), None).unwrap()), [""; 0]);
}

#[test]
fn members_of_the_api_under_extra_are_sent_and_compared() {
    let spec = ", extra: { deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true, resetOnHealthyTask: false } }, novelty: { a: 1 } }";
    let want = wish(spec);
    let body = api::creation(&resolved(&want, None));
    assert_eq!(body["novelty"], json!({ "a": 1 }));
    let breaker = json!({ "enable": true, "rollback": true, "resetOnHealthyTask": false });
    assert_eq!(body["deploymentConfiguration"]["deploymentCircuitBreaker"], breaker);
    assert_eq!(
        update(&answer(), &format!("{spec}, desired_count: 4")),
        json!({ "novelty": { "a": 1 }, "deploymentConfiguration": { "deploymentCircuitBreaker": breaker } })
    );
    let mut there = answer();
    there["novelty"] = json!({ "a": 1 });
    there["deploymentConfiguration"]["deploymentCircuitBreaker"] = breaker;
    assert_eq!(paths(&want, &live(&there, Some(&want.fields), None).unwrap()), [""; 0]);
}

#[test]
fn a_family_without_a_revision_means_any_of_its_revisions() {
    let wanted = Fields::from([("task_definition".to_owned(), Value::text("papyrus"))]);
    assert_eq!(task_definition(TASK, Some(&wanted)), "papyrus".into());
    let other = Fields::from([("task_definition".to_owned(), Value::text("scroll"))]);
    assert_eq!(task_definition(TASK, Some(&other)), TASK.into());
}

#[test]
fn what_starts_new_tasks_starts_a_deployment() {
    let starts = |path: &str| {
        let (before, after) = (None, Some(Value::Int(1)));
        api::starts_deployment(&FieldChange { path: path.to_owned(), before, after, call: None, sensitive: false })
    };
    let rows: Vec<&str> = INFO.fields.iter().map(|field| field.name).filter(|row| starts(row)).collect();
    let expected = [
        "task_definition",
        "launch_type",
        "capacity",
        "platform_version",
        "network",
        "load_balancers",
        "registries",
        "service_connect",
        "enable_exec",
        "volumes",
    ];
    assert_eq!(rows, expected);
    assert!(starts("network.security_groups") && starts("extra.vpcLatticeConfigurations"));
    assert!(!starts("extra.placementStrategy") && !starts("tags.network"));
}

#[test]
fn a_look_says_what_runs_in_the_words_of_the_plan() {
    let mut service = answer();
    service["taskDefinition"] = TASK.into();
    let family = last(TASK).split(':').next().unwrap();
    let target = |seen: &Sighting| Target {
        address: Address::new("service", "papyrus"),
        kind: &INFO,
        name: "papyrus".into(),
        scope: None,
        id: None,
        notes: seen.notes.clone(),
    };
    let of = |wanted: &str| {
        let want = Fields::from([("task_definition".to_owned(), wanted.into())]);
        hint(&target(&live(&service, Some(&want), None).unwrap()))
    };
    assert_eq!(task_definition(TASK, of(family).as_ref()), family.into());
    assert_eq!(task_definition(TASK, of("quay").as_ref()), TASK.into());
    assert_eq!(of(TASK), None);
}
