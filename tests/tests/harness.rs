//! Tests of the harness itself: what the other tests stand on.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hatoba_tests::client::{Client, plain};
use hatoba_tests::emulator::{Emulator, Kind, python};
use hatoba_tests::proxy::{Act, Call, Phase, Play, Reply, Rule, Verdict};
use hatoba_tests::world::World;
use serde_json::{Value, json};

fn clusters(world: &World) -> Vec<String> {
    let answer = world.aws("ecs", "ListClusters", &json!({})).unwrap().json().unwrap();
    answer["clusterArns"].as_array().unwrap().iter().map(|arn| arn.as_str().unwrap().to_owned()).collect()
}

fn listens(endpoint: &str) -> bool {
    TcpStream::connect(endpoint.trim_start_matches("http://")).is_ok()
}

fn wait_until_gone(endpoint: &str) {
    let began = Instant::now();
    while listens(endpoint) {
        assert!(began.elapsed() < Duration::from_secs(5), "{endpoint} still listens");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_emulator_starts_forgets_on_reset_and_ends_with_its_owner() {
    for kind in Kind::ALL {
        let emulator = Emulator::start(kind).unwrap();
        assert!(emulator.endpoint().starts_with("http://127.0.0.1:"));
        let world = World::of(emulator.lease()).unwrap();
        world.aws("ecs", "CreateCluster", &json!({ "clusterName": "papyrus" })).unwrap();
        assert_eq!(clusters(&world).len(), 1, "{kind:?}");
        emulator.reset().unwrap();
        assert_eq!(clusters(&world).len(), 0, "{kind:?}");
        let endpoint = emulator.endpoint().to_owned();
        drop(emulator);
        wait_until_gone(&endpoint);
    }
}

#[test]
fn an_emulator_ends_when_its_owner_is_killed() {
    python().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    // Stands for a test process: all it does is to hold the pipe open.
    let mut owner = Command::new("sleep").arg("60").stdout(Stdio::piped()).spawn().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("emulators/serve.sh");
    let mut emulator = Command::new(script)
        .args(["ministack", &port.to_string()])
        .stdin(owner.stdout.take().unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !listens(&endpoint) {
        assert_eq!(emulator.try_wait().unwrap(), None, "it ended by itself");
        thread::sleep(Duration::from_millis(10));
    }
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_until_gone(&endpoint);
    emulator.wait().unwrap();
}

#[test]
fn leases_do_not_see_each_other() {
    for kind in Kind::ALL {
        let (one, other) = (World::new(kind).unwrap(), World::new(kind).unwrap());
        assert_ne!(one.lease().account, other.lease().account);
        one.aws("ecs", "CreateCluster", &json!({ "clusterName": "papyrus" })).unwrap();
        let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        one.aws("iam", "CreateRole", &json!({ "RoleName": "papyrus-task", "AssumeRolePolicyDocument": trust }))
            .unwrap();
        assert!(clusters(&one)[0].contains(&one.lease().account), "{kind:?}");
        assert_eq!(clusters(&other), Vec::<String>::new(), "{kind:?}");
        let roles = |world: &World| world.aws("iam", "ListRoles", &json!({})).unwrap().elements("RoleName");
        assert_eq!((roles(&one), roles(&other)), (vec!["papyrus-task".to_owned()], Vec::new()), "{kind:?}");
        let caller = other.aws("sts", "GetCallerIdentity", &json!({})).unwrap();
        assert_eq!(caller.elements("Account"), [other.lease().account.clone()], "{kind:?}");
    }
}

#[test]
fn the_proxy_names_and_counts_calls_of_every_protocol() {
    for kind in Kind::ALL {
        let world = World::new(kind).unwrap();
        let client = world.client();
        for (service, action) in [
            ("sts", "GetCallerIdentity"),
            ("iam", "ListRoles"),
            ("ec2", "DescribeSecurityGroups"),
            ("ecr", "DescribeRepositories"),
            ("ecs", "ListClusters"),
            ("logs", "DescribeLogGroups"),
            ("ssm", "DescribeParameters"),
            ("tagging", "GetResources"),
            ("ecs", "ListClusters"),
        ] {
            let answer = client.call(service, action, &json!({})).unwrap();
            assert_eq!(answer.status, 200, "{kind:?} {service}:{action}: {}", answer.body);
        }
        world.aws("iam", "ListUsers", &json!({})).unwrap();
        let counts = world.proxy().counts();
        assert_eq!(counts.len(), 8, "calls aside are not counted: {counts:?}");
        assert_eq!(counts["ecs:ListClusters"], 2);
        assert_eq!(counts["ec2:DescribeSecurityGroups"], 1);
        let calls = world.proxy().calls();
        assert!(calls.iter().zip(1..).all(|(call, n)| call.seq == n && call.status == Some(200)), "{calls:?}");
        assert_eq!(world.proxy().depth(), 9, "one after the other");
        world.proxy().clear_log();
        assert!(world.proxy().counts().is_empty());
    }
}

#[test]
fn throttling_has_each_protocols_own_shape() {
    let world = World::new(Kind::Ministack).unwrap();
    world.proxy().set_rules(vec![Rule::any(Act::Throttle)]);
    let client = world.client();
    for (service, action) in [("ecs", "CreateCluster"), ("ecr", "DescribeRepositories"), ("logs", "CreateLogGroup")] {
        let answer = client.call(service, action, &json!({ "clusterName": "papyrus" })).unwrap();
        assert_eq!((answer.status, answer.content_type.as_str()), (400, "application/x-amz-json-1.1"));
        assert_eq!(answer.json().unwrap()["__type"], "ThrottlingException");
    }
    for (service, action) in [("iam", "ListRoles"), ("sts", "GetCallerIdentity")] {
        let answer = client.call(service, action, &json!({})).unwrap();
        assert_eq!((answer.status, answer.content_type.as_str()), (400, "text/xml"));
        assert!(
            answer.body.starts_with("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"),
            "{}",
            answer.body
        );
    }
    let answer = client.call("ec2", "DescribeVpcs", &json!({})).unwrap();
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("<Response><Errors><Error><Code>RequestLimitExceeded</Code>"), "{}", answer.body);
    assert!(clusters(&world).is_empty(), "a throttled call has no effect");
    assert!(world.proxy().calls().iter().all(|call| call.fault == Some("throttle")));
}

#[test]
fn a_dropped_request_has_no_effect_and_a_dropped_reply_has() {
    for kind in Kind::ALL {
        let world = World::new(kind).unwrap();
        world.proxy().set_rules(vec![
            Rule::on("ecs", "CreateCluster", Act::DropRequest).nth(1),
            Rule::on("ecs", "CreateCluster", Act::DropReply).nth(1),
            Rule::on("ecs", "ListClusters", Act::Fail(503)),
        ]);
        let client = world.client();
        client.call("ecs", "CreateCluster", &json!({ "clusterName": "first" })).unwrap_err();
        assert_eq!(clusters(&world).len(), 0, "{kind:?}");
        client.call("ecs", "CreateCluster", &json!({ "clusterName": "second" })).unwrap_err();
        assert_eq!(clusters(&world).len(), 1, "{kind:?}");
        assert_eq!(client.call("ecs", "ListClusters", &json!({})).unwrap().status, 503);
        let faults: Vec<_> = world.proxy().calls().iter().map(|call| (call.status, call.fault)).collect();
        assert_eq!(faults, [(None, Some("drop_request")), (None, Some("drop_reply")), (Some(503), Some("fail"))]);
    }
}

#[test]
fn a_stated_reply_or_error_is_given_instead() {
    let world = World::new(Kind::Ministack).unwrap();
    world.proxy().set_rules(vec![
        Rule::on("ecs", "ListClusters", Act::Reply { status: 200, body: r#"{"clusterArns":["x"]}"#.to_owned() }),
        Rule::on(
            "iam",
            "Get*",
            Act::Error { status: 404, code: "NoSuchEntity".to_owned(), message: "a < b".to_owned() },
        ),
    ]);
    let client = world.client();
    assert_eq!(client.call("ecs", "ListClusters", &json!({})).unwrap().json().unwrap()["clusterArns"][0], "x");
    let answer = client.call("iam", "GetRole", &json!({ "RoleName": "papyrus" })).unwrap();
    assert_eq!(
        (answer.status, answer.elements("Code"), answer.elements("Message")),
        (404, vec!["NoSuchEntity".to_owned()], vec!["a < b".to_owned()])
    );
}

#[test]
fn latency_is_added_to_every_call_and_depth_tells_calls_side_by_side() {
    let world = World::new(Kind::Ministack).unwrap();
    world.aws("ecs", "ListClusters", &json!({})).unwrap();
    world.proxy().set_latency(Duration::from_millis(300));
    let client = world.client();
    let batch = || {
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| client.call("ecs", "ListClusters", &json!({})).unwrap());
            }
        });
    };
    batch();
    batch();
    let calls = world.proxy().calls();
    assert_eq!(calls.len(), 10);
    assert!(calls.iter().all(|call| call.end - call.start >= Duration::from_millis(300)), "{calls:?}");
    assert_eq!(world.proxy().depth(), 2, "{calls:?}");
}

/// Makes one of each kind through the proxy, all tagged, and returns what the tagging API should list.
fn make_tagged(world: &World) -> BTreeSet<String> {
    let (account, region) = (&world.lease().account, &world.lease().region);
    let upper = json!([{ "Key": "hatoba:stack", "Value": "papyrus" }]);
    let lower = json!([{ "key": "hatoba:stack", "value": "papyrus" }]);
    world.aws("ecr", "CreateRepository", &json!({ "repositoryName": "papyrus", "tags": upper })).unwrap();
    world
        .aws(
            "logs",
            "CreateLogGroup",
            &json!({ "logGroupName": "/ecs/papyrus", "tags": { "hatoba:stack": "papyrus" } }),
        )
        .unwrap();
    world.aws("ecs", "CreateCluster", &json!({ "clusterName": "papyrus", "tags": lower })).unwrap();
    let task = json!({
        "family": "papyrus", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{ "name": "app", "image": "nginx", "essential": true }], "tags": lower,
    });
    world.aws("ecs", "RegisterTaskDefinition", &task).unwrap();
    let vpc = world.aws("ec2", "DescribeVpcs", &json!({})).unwrap().elements("vpcId")[0].clone();
    let group = json!({
        "GroupName": "papyrus", "GroupDescription": "papyrus", "VpcId": vpc,
        "TagSpecification": [{ "ResourceType": "security-group", "Tag": upper }],
    });
    let group = world.aws("ec2", "CreateSecurityGroup", &group).unwrap().elements("groupId")[0].clone();
    let subnet = world.aws("ec2", "DescribeSubnets", &json!({})).unwrap().elements("subnetId")[0].clone();
    let service = json!({
        "cluster": "papyrus", "serviceName": "papyrus", "taskDefinition": "papyrus", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": [subnet], "securityGroups": [group] } }, "tags": lower,
    });
    world.aws("ecs", "CreateService", &service).unwrap();
    world
        .aws(
            "ssm",
            "PutParameter",
            &json!({ "Name": "/papyrus/level", "Type": "String", "Value": "info", "Tags": upper }),
        )
        .unwrap();
    [
        format!("arn:aws:ecr:{region}:{account}:repository/papyrus"),
        format!("arn:aws:logs:{region}:{account}:log-group:/ecs/papyrus"),
        format!("arn:aws:ecs:{region}:{account}:cluster/papyrus"),
        format!("arn:aws:ecs:{region}:{account}:task-definition/papyrus:1"),
        format!("arn:aws:ecs:{region}:{account}:service/papyrus/papyrus"),
        format!("arn:aws:ec2:{region}:{account}:security-group/{group}"),
        format!("arn:aws:ssm:{region}:{account}:parameter/papyrus/level"),
    ]
    .into()
}

fn find(world: &World, request: &Value) -> BTreeSet<String> {
    let answer = world.aws("tagging", "GetResources", request).unwrap().json().unwrap();
    let list = answer["ResourceTagMappingList"].as_array().unwrap();
    let arns: BTreeSet<String> = list.iter().map(|item| item["ResourceARN"].as_str().unwrap().to_owned()).collect();
    assert_eq!(arns.len(), list.len(), "nothing twice: {answer}");
    arns
}

#[test]
fn the_tagging_api_knows_every_kind() {
    let stack = json!({ "TagFilters": [{ "Key": "hatoba:stack", "Values": ["papyrus"] }] });
    for kind in Kind::ALL {
        let world = World::new(kind).unwrap();
        let made = make_tagged(&world);
        assert_eq!(find(&world, &stack), made, "{kind:?}");
        world.proxy().set_complete_tagging(false);
        let own = find(&world, &stack);
        assert!(own.is_subset(&made) && own.len() < made.len(), "{kind:?} lists all by itself: {own:?}");
        world.proxy().set_complete_tagging(true);

        let arn = |part: &str| made.iter().find(|arn| arn.contains(part)).unwrap().clone();
        let group = arn("security-group").rsplit('/').next().unwrap().to_owned();
        world
            .aws("logs", "UntagResource", &json!({ "resourceArn": arn("log-group"), "tagKeys": ["hatoba:stack"] }))
            .unwrap();
        world.aws("ec2", "DeleteTags", &json!({ "ResourceId": [group], "Tag": [{ "Key": "hatoba:stack" }] })).unwrap();
        world.aws("ssm", "DeleteParameter", &json!({ "Name": "/papyrus/level" })).unwrap();
        world.aws("ecr", "DeleteRepository", &json!({ "repositoryName": "papyrus" })).unwrap();
        let left: BTreeSet<String> = made.iter().filter(|arn| arn.contains(":ecs:")).cloned().collect();
        assert_eq!(find(&world, &stack), left, "{kind:?}");

        world
            .aws(
                "ec2",
                "CreateTags",
                &json!({ "ResourceId": [group], "Tag": [{ "Key": "hatoba:stack", "Value": "papyrus" }] }),
            )
            .unwrap();
        assert_eq!(
            find(&world, &json!({ "ResourceTypeFilters": ["ec2:security-group"] })),
            [arn("security-group")].into(),
            "{kind:?}"
        );
    }
}

/// A client program: makes a cluster for each argument, one after the other, and says when each was answered.
const CREATE: &str = r#"
import os, sys, urllib.request
scope = os.environ["AWS_ACCESS_KEY_ID"] + "/20260101/us-west-2/ecs/aws4_request"
for name in sys.argv[1:]:
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], ('{"clusterName":"%s"}' % name).encode(), {
        "Authorization": "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host, Signature=0" % scope,
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.CreateCluster"})).read()
    print(name, flush=True)
"#;

#[test]
fn a_program_is_killed_before_or_after_its_kth_call_takes_effect() {
    let python = python().unwrap();
    for kind in Kind::ALL {
        for (phase, effects) in [(Phase::Before, 1), (Phase::After, 2)] {
            let world = World::new(kind).unwrap();
            world.write("create.py", CREATE).unwrap();
            let run = world.command(&python, &["create.py", "a", "b", "c"]).kill_at(2, phase).run().unwrap();
            assert_eq!((run.code, run.signal, run.stdout.as_str()), (None, Some(9), "a\n"), "{run:?}");
            assert_eq!(clusters(&world).len(), effects, "{kind:?} {phase:?}");
            let run = world.command(&python, &["create.py", "c"]).run().unwrap().expect_code(0).unwrap();
            assert_eq!(run.stdout, "c\n", "the hook is gone");
        }
    }
}

#[test]
fn a_program_sees_only_its_own_world() {
    let world = World::new(Kind::Ministack).unwrap();
    let run = world.command("env", &[]).env("HATOBA_ENV", "staging").run().unwrap().expect_code(0).unwrap();
    let names: BTreeSet<&str> = run.stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert!(names.contains("AWS_ENDPOINT_URL") && names.contains("HATOBA_ENV"), "{names:?}");
    assert!(!names.contains("CARGO_MANIFEST_DIR"), "cargo sets it for this test: {names:?}");
    assert!(run.stdout.contains(&format!("AWS_ENDPOINT_URL={}", world.endpoint())));
    assert!(run.stdout.contains(&format!("HOME={}", world.home().display())));

    world.write("sub/note", "in the world").unwrap();
    let run = world.command("cat", &["sub/note", "-"]).stdin("\nand from the test").run().unwrap();
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "in the world\nand from the test"));
    let late = world.command("sleep", &["60"]).limit(Duration::from_millis(100)).run().unwrap_err();
    assert!(format!("{late:?}").starts_with("still running after 100ms"), "{late:?}");
    let failed = world.command("sh", &["-c", "echo why >&2; exit 3"]).run().unwrap().expect_code(0).unwrap_err();
    assert!(format!("{failed:?}").contains("exit code 3") && format!("{failed:?}").contains("why"), "{failed:?}");
}

#[test]
fn a_play_answers_and_changes_answers() {
    struct Propagation(AtomicUsize);
    impl Play for Propagation {
        fn before(&self, call: &Call) -> Option<Reply> {
            let early = call.name() == "ecs:CreateCluster" && self.0.fetch_add(1, Ordering::Relaxed) == 0;
            early.then(|| {
                Reply::error(call, 400, "InvalidParameterException", "Unable to assume the service linked role.")
            })
        }
        fn after(&self, call: &Call, reply: &mut Reply) {
            if call.name() == "ecs:ListClusters" {
                reply.body = r#"{"clusterArns":[],"nextToken":"more"}"#.into();
            }
        }
    }
    let world = World::new(Kind::Ministack).unwrap();
    world.proxy().add_play(Arc::new(Propagation(AtomicUsize::new(0))));
    let create = || world.client().call("ecs", "CreateCluster", &json!({ "clusterName": "papyrus" })).unwrap();
    assert_eq!((create().status, create().status), (400, 200));
    let list = world.client().call("ecs", "ListClusters", &json!({})).unwrap();
    assert_eq!(list.json().unwrap()["nextToken"], "more");
}

#[test]
fn a_call_of_a_client_that_went_away_still_takes_effect() {
    let world = World::new(Kind::Ministack).unwrap();
    let arrived = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&arrived);
    world.proxy().set_hook(move |moment| {
        count.fetch_add(usize::from(moment.phase == Phase::Before), Ordering::Relaxed);
        Verdict::Continue
    });
    // The client is gone long before the call goes on to the emulator.
    world.proxy().set_latency(Duration::from_millis(200));
    let (host, body) = (world.endpoint().replace("http://", ""), r#"{"clusterName":"papyrus"}"#);
    let mut client = TcpStream::connect(&host).unwrap();
    let scope = format!("{}/20260101/us-west-2/ecs/aws4_request", world.lease().access_key);
    write!(
        client,
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: AmazonEC2ContainerServiceV20141113.CreateCluster\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    while arrived.load(Ordering::Relaxed) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    drop(client);
    assert_eq!(clusters(&world).len(), 0, "not yet");
    world.proxy().settle(Duration::from_secs(5)).unwrap();
    assert_eq!(clusters(&world).len(), 1);
}

#[tokio::test]
async fn the_harness_works_inside_another_runtime() {
    let world = World::new(Kind::Ministack).unwrap();
    assert_eq!(clusters(&world), Vec::<String>::new());
    let hook = world.proxy();
    hook.on_call(1, Phase::Before, |_| Verdict::Abort);
    world.client().call("ecs", "ListClusters", &json!({})).unwrap_err();
    assert_eq!(world.client().call("ecs", "ListClusters", &json!({})).unwrap().status, 200);
}

#[test]
fn the_proxy_is_a_program_too() {
    let emulator = Emulator::shared(Kind::Moto).unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_hatoba-proxy"))
        .args(["--upstream", emulator.endpoint(), "--moto", "--until-eof", "--latency-ms", "1", "--log"])
        .arg(log.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let address = address.trim();
    let lease = emulator.lease();
    let answer =
        Client::new(address, &lease.access_key, &lease.region).call("sts", "GetCallerIdentity", &json!({})).unwrap();
    assert_eq!(answer.elements("Account"), [lease.account], "the access key names the account");
    let summary = plain("GET", &format!("{address}/_hatoba_proxy/summary")).unwrap().json().unwrap();
    assert_eq!(summary, json!({ "calls": 1, "depth": 1, "counts": { "sts:GetCallerIdentity": 1 } }));
    assert_eq!(plain("POST", &format!("{address}/_hatoba_proxy/latency/0")).unwrap().status, 200);
    assert_eq!(plain("POST", &format!("{address}/_hatoba_proxy/nonsense")).unwrap().status, 404);
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    let line: Value = serde_json::from_str(std::fs::read_to_string(log.path()).unwrap().trim()).unwrap();
    assert_eq!((line["seq"].as_u64(), line["action"].as_str()), (Some(1), Some("GetCallerIdentity")));
}
