//! `hatoba verify` against the emulators: silent on a healthy stack, and each seeded fault is found, where it stands in the file.
//!
//! The stack is brought up first, so that what is seeded is the only thing wrong. What the emulators cannot show, the proxy plays: the
//! configuration of an image, and the endpoints of a network.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use hatoba_tests::client::Answer;
use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::reads;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// Makes two tests of each function that takes an emulator.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod ministack {
            $(#[test] fn $name() { super::$name(hatoba_tests::emulator::Kind::Ministack); })*
        }
        mod moto {
            $(#[test] fn $name() { super::$name(hatoba_tests::emulator::Kind::Moto); })*
        }
    };
}

on_both! {
    a_healthy_stack_is_silent,
    tag_missing,
    digest_missing,
    image_for_another_machine,
    image_of_one_machine_for_another,
    execution_role_missing,
    role_does_not_trust_ecs,
    role_may_not_pull,
    role_may_not_write_the_log,
    role_may_not_read_the_parameter,
    role_may_not_read_the_secret,
    secret_missing,
    parameter_missing,
    log_group_missing,
    subnet_without_a_route,
    subnet_missing,
    no_public_address_and_no_nat,
    security_group_lets_no_https_out,
    a_policy_denies,
    a_boundary_leaves_it_out,
    circuit_breaker_without_rollback,
}

const APP: &str = "task_definitions.papyrus.containers.app";
const CONTAINER: &str = "/task_definitions/papyrus/containers/app";

fn allow(actions: &[&str]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

/// A stack in which everything is checked and nothing is wrong.
fn healthy(world: &World) -> Value {
    let arn = format!("arn:aws:secretsmanager:us-west-2:{}:secret:papyrus/key", world.lease().account);
    json!({
        "roles": {
            "execution": {
                "trust": { "service": "ecs-tasks.amazonaws.com" },
                "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
                "inline_policies": { "secrets": allow(&["ssm:GetParameters", "secretsmanager:GetSecretValue"]) },
            },
            "task": { "trust": { "service": "ecs-tasks.amazonaws.com" } },
        },
        "repositories": { "papyrus": { "on_destroy": "empty" } },
        "log_groups": { "/ecs/papyrus": {} },
        "clusters": { "papyrus": { "capacity_providers": ["FARGATE"] } },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": { "papyrus": {
            "cpu": 256,
            "memory": 512,
            "architecture": "arm64",
            "execution_role": "execution",
            "task_role": "task",
            "containers": { "app": {
                "image": { "repository": "papyrus", "tag": "v1" },
                "secrets": { "DB_URL": "ssm:/papyrus/db-url", "KEY": secret_arn(world).unwrap_or(arn) },
                "logs": "/ecs/papyrus",
            } },
        } },
        "services": { "papyrus": {
            "cluster": "papyrus",
            "task_definition": "papyrus",
            "desired_count": 1,
            "network": { "subnets": "default", "public_ip": true, "security_groups": ["papyrus"] },
            "circuit_breaker": { "rollback": true },
        } },
    })
}

#[track_caller]
fn aws(world: &World, service: &str, action: &str, parameters: &Value) -> Answer {
    match world.aws(service, action, parameters) {
        Ok(answer) => answer,
        Err(error) => panic!("{error:?}"),
    }
}

fn secret_arn(world: &World) -> Option<String> {
    let secret = world.aws("secretsmanager", "DescribeSecret", &json!({ "SecretId": "papyrus/key" })).ok()?;
    Some(secret.json().ok()?["ARN"].as_str()?.to_owned())
}

fn write(world: &World, file: &Value) {
    let mut file = file.clone();
    file["stack"] = json!("papyrus");
    file["region"] = json!(world.lease().region);
    world.write("stack.yaml", format!("{file:#}")).unwrap();
}

#[track_caller]
fn run(world: &World, arguments: &[&str], code: i32) -> Run {
    match world.hatoba(arguments).and_then(|run| run.expect_code(code)) {
        Ok(run) => run,
        Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
    }
}

/// Pushes an image, with this as its manifest.
fn push(world: &World, tag: &str, media_type: &str, manifest: &Value) {
    let image = json!({
        "repositoryName": "papyrus",
        "imageTag": tag,
        "imageManifest": manifest.to_string(),
        "imageManifestMediaType": media_type,
    });
    aws(world, "ecr", "PutImage", &image);
}

/// Pushes a list with one image for this kind of machine.
fn push_for(world: &World, tag: &str, architecture: &str) {
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{:064x}", tag.len()),
            "size": 1_000,
            "annotations": { "tag": tag },
            "platform": { "os": "linux", "architecture": architecture },
        }],
    });
    push(world, tag, INDEX, &index);
}

/// An account with the healthy stack, and its file.
fn up(kind: Kind) -> (World, Value) {
    let world = World::new(kind).unwrap();
    world.example_parameter().unwrap();
    aws(&world, "secretsmanager", "CreateSecret", &json!({ "Name": "papyrus/key", "SecretString": "x" }));
    let file = healthy(&world);
    write(&world, &file);
    run(&world, &["apply", "--yes"], 0);
    push_for(&world, "v1", "arm64");
    (world, file)
}

/// What `verify` finds.
#[track_caller]
fn found(world: &World, file: &Value, code: i32) -> Vec<Value> {
    write(world, file);
    let run = run(world, &["verify", "--json"], code);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["ok"], code == 0, "{document:#}");
    document["findings"].as_array().unwrap().clone()
}

/// The fault is all that is found: an error with this code, at this place, in these words.
#[track_caller]
fn is_found(world: &World, file: &Value, code: &str, path: &str, words: &[&str]) {
    let found = found(world, file, 1);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((finding["severity"].as_str(), finding["code"].as_str()), (Some("error"), Some(code)), "{finding:#}");
    assert_eq!(finding["path"], path, "{finding:#}");
    let line = finding["line"].as_u64().and_then(|line| usize::try_from(line).ok()).unwrap();
    let text = world.read("stack.yaml").unwrap();
    let last = path.rsplit('.').next().unwrap_or_default();
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    assert!(shown.contains(&format!("\"{last}\"")), "line {line} is {shown:?}, not about {last}");
    for word in words {
        assert!(finding["message"].as_str().unwrap().contains(word), "does not say {word:?}: {finding:#}");
    }
    assert!(!finding["help"].as_str().unwrap_or_default().is_empty(), "{finding:#}");
}

/// Changes one value of the file; null takes it away.
fn with(file: &Value, pointer: &str, value: Value) -> Value {
    let mut file = file.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = file.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(parent.remove(&key.replace("~1", "/"))),
        value => drop(parent.insert(key.replace("~1", "/"), value)),
    }
    file
}

fn a_healthy_stack_is_silent(kind: Kind) {
    let (world, file) = up(kind);
    world.proxy().clear_log();
    assert_eq!(found(&world, &file, 0), Vec::<Value>::new());
    let writes: Vec<_> = world.proxy().calls().into_iter().filter(|call| !reads(&call.action)).collect();
    assert!(writes.is_empty(), "{writes:?}");
    let run = run(&world, &["verify"], 0);
    assert_eq!(run.stdout, "Checked 1 task definition and 1 service: nothing in the way.\n");
}

fn tag_missing(kind: Kind) {
    let (world, file) = up(kind);
    let file = with(&file, &format!("{CONTAINER}/image/tag"), json!("v2"));
    is_found(&world, &file, "image-missing", &format!("{APP}.image"), &["/papyrus:v2"]);
}

fn digest_missing(kind: Kind) {
    let (world, file) = up(kind);
    let digest = format!("sha256:{}", "5".repeat(64));
    let image = json!({ "repository": "papyrus", "digest": digest });
    let file = with(&file, &format!("{CONTAINER}/image"), image);
    is_found(&world, &file, "image-missing", &format!("{APP}.image"), &["/papyrus@sha256:555"]);
}

fn image_for_another_machine(kind: Kind) {
    let (world, file) = up(kind);
    push_for(&world, "amd64", "amd64");
    let file = with(&file, &format!("{CONTAINER}/image/tag"), json!("amd64"));
    let words = ["built for linux/amd64", "runs on linux/arm64"];
    is_found(&world, &file, "image-platform", &format!("{APP}.image"), &words);
}

/// Serves a text once, and returns its address.
fn serve(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let _ = stream.read(&mut [0; 4096]);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    });
    format!("http://{address}/configuration")
}

fn image_of_one_machine_for_another(kind: Kind) {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let (world, file) = up(kind);
    let part = |digit: &str, media_type: &str| json!({ "mediaType": media_type, "digest": format!("sha256:{}", digit.repeat(64)), "size": 100 });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part("c", "application/vnd.oci.image.config.v1+json"),
        "layers": [part("1", "application/vnd.oci.image.layer.v1.tar+gzip")],
    });
    push(&world, "one", MANIFEST, &manifest);
    let url = serve(json!({ "architecture": "amd64", "os": "linux" }).to_string());
    let answer = json!({ "downloadUrl": url, "layerDigest": format!("sha256:{}", "c".repeat(64)) });
    let reply = Act::Reply { status: 200, body: answer.to_string() };
    world.proxy().set_rules(vec![Rule::on("ecr", "GetDownloadUrlForLayer", reply)]);
    let file = with(&file, &format!("{CONTAINER}/image/tag"), json!("one"));
    is_found(&world, &file, "image-platform", &format!("{APP}.image"), &["built for linux/amd64"]);
}

fn execution_role_missing(kind: Kind) {
    let (world, file) = up(kind);
    let file = with(&file, "/task_definitions/papyrus/execution_role", json!({ "existing": "nobody" }));
    let path = "task_definitions.papyrus.execution_role";
    is_found(&world, &file, "role-missing", path, &["no role `nobody`"]);
}

fn role_does_not_trust_ecs(kind: Kind) {
    let (world, file) = up(kind);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }],
    });
    aws(&world, "iam", "CreateRole", &json!({ "RoleName": "wharf", "AssumeRolePolicyDocument": trust.to_string() }));
    let file = with(&file, "/task_definitions/papyrus/task_role", json!({ "existing": "wharf" }));
    let path = "task_definitions.papyrus.task_role";
    is_found(&world, &file, "role-trust", path, &["`wharf`", "ecs-tasks.amazonaws.com"]);
}

/// Everything that the execution role needs but these actions.
fn without(file: &Value, actions: &[&str]) -> Value {
    let all = [
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "ssm:GetParameters",
        "secretsmanager:GetSecretValue",
    ];
    let kept: Vec<&str> = all.into_iter().filter(|action| !actions.contains(action)).collect();
    let file = with(file, "/roles/execution/managed_policies", Value::Null);
    with(&file, "/roles/execution/inline_policies", json!({ "needed": allow(&kept) }))
}

fn role_may_not_pull(kind: Kind) {
    let (world, file) = up(kind);
    let file = without(&file, &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]);
    let words = ["`execution`", "ecr:BatchGetImage, ecr:GetDownloadUrlForLayer", ":repository/papyrus"];
    is_found(&world, &file, "role-pull", &format!("{APP}.image"), &words);
}

fn role_may_not_write_the_log(kind: Kind) {
    let (world, file) = up(kind);
    let file = without(&file, &["logs:CreateLogStream"]);
    let words = ["logs:CreateLogStream on", ":log-group:/ecs/papyrus:log-stream:ecs/app/"];
    is_found(&world, &file, "role-logs", &format!("{APP}.logs"), &words);
}

fn role_may_not_read_the_parameter(kind: Kind) {
    let (world, file) = up(kind);
    let file = without(&file, &["ssm:GetParameters"]);
    is_found(
        &world,
        &file,
        "role-secret",
        &format!("{APP}.secrets.DB_URL"),
        &["ssm:GetParameters", "parameter/papyrus/db-url"],
    );
}

fn role_may_not_read_the_secret(kind: Kind) {
    let (world, file) = up(kind);
    let file = without(&file, &["secretsmanager:GetSecretValue"]);
    is_found(
        &world,
        &file,
        "role-secret",
        &format!("{APP}.secrets.KEY"),
        &["secretsmanager:GetSecretValue", "secret:papyrus/key"],
    );
}

fn secret_missing(kind: Kind) {
    let (world, file) = up(kind);
    aws(
        &world,
        "secretsmanager",
        "DeleteSecret",
        &json!({ "SecretId": "papyrus/key", "ForceDeleteWithoutRecovery": true }),
    );
    is_found(&world, &file, "secret-missing", &format!("{APP}.secrets.KEY"), &["no secret `papyrus/key"]);
}

fn parameter_missing(kind: Kind) {
    let (world, file) = up(kind);
    aws(&world, "ssm", "DeleteParameter", &json!({ "Name": "/papyrus/db-url" }));
    is_found(&world, &file, "parameter-missing", &format!("{APP}.secrets.DB_URL"), &["no parameter `/papyrus/db-url`"]);
}

fn log_group_missing(kind: Kind) {
    let (world, file) = up(kind);
    let file = with(&file, &format!("{CONTAINER}/logs"), json!({ "existing": "/ecs/wharf" }));
    is_found(&world, &file, "log-group-missing", &format!("{APP}.logs"), &["no log group `/ecs/wharf`"]);
}

/// A network with one subnet that leads nowhere, and a group in it.
fn cul_de_sac(world: &World) -> (String, String) {
    let vpc = aws(world, "ec2", "CreateVpc", &json!({ "CidrBlock": "10.9.0.0/16" })).elements("vpcId")[0].clone();
    let subnet = json!({ "VpcId": vpc, "CidrBlock": "10.9.1.0/24" });
    let subnet = aws(world, "ec2", "CreateSubnet", &subnet).elements("subnetId")[0].clone();
    let group = json!({ "GroupName": "quay", "GroupDescription": "quay", "VpcId": vpc });
    (subnet, aws(world, "ec2", "CreateSecurityGroup", &group).elements("groupId")[0].clone())
}

fn subnet_without_a_route(kind: Kind) {
    let (world, file) = up(kind);
    let (subnet, group) = cul_de_sac(&world);
    let network = json!({ "subnets": [subnet], "public_ip": true, "security_groups": [group] });
    let file = with(&file, "/services/papyrus/network", network);
    let words =
        [subnet.as_str(), "no route to the internet", "ecr.api, ecr.dkr, logs, s3, secretsmanager, ssm missing"];
    is_found(&world, &file, "network-no-route", "services.papyrus.network.subnets", &words);
}

fn subnet_missing(kind: Kind) {
    let (world, file) = up(kind);
    let file = with(&file, "/services/papyrus/network/subnets", json!(["subnet-0123456789abcdef0"]));
    is_found(&world, &file, "subnet-missing", "services.papyrus.network.subnets", &["subnet-0123456789abcdef0"]);
}

fn no_public_address_and_no_nat(kind: Kind) {
    let (world, file) = up(kind);
    let file = with(&file, "/services/papyrus/network/public_ip", json!(false));
    is_found(&world, &file, "network-no-address", "services.papyrus.network.public_ip", &["no public address"]);
}

fn security_group_lets_no_https_out(kind: Kind) {
    let (world, file) = up(kind);
    let egress = json!([{ "port": 5432, "to": ["10.0.0.0/8"] }]);
    let file = with(&file, "/security_groups/papyrus/egress", egress);
    is_found(
        &world,
        &file,
        "security-group-egress",
        "services.papyrus.network.security_groups",
        &["(papyrus)", "no HTTPS out"],
    );
}

fn a_policy_denies(kind: Kind) {
    let (world, file) = up(kind);
    let deny = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": "NoPulls", "Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*" }],
    });
    let file = with(&file, "/roles/execution/inline_policies/stop", deny);
    is_found(&world, &file, "role-pull", &format!("{APP}.image"), &["ecr:BatchGetImage on", "`NoPulls`", "denies it"]);
}

fn a_boundary_leaves_it_out(kind: Kind) {
    let (world, mut file) = up(kind);
    file["policies"] = json!({ "limit": { "document": allow(&["ecr:*", "logs:*", "secretsmanager:*"]) } });
    let file = with(&file, "/roles/execution/permissions_boundary", json!("limit"));
    let words = ["ssm:GetParameters", "no permissions boundary allows it"];
    is_found(&world, &file, "role-secret", &format!("{APP}.secrets.DB_URL"), &words);
}

fn circuit_breaker_without_rollback(kind: Kind) {
    let (world, file) = up(kind);
    let without = with(&file, "/services/papyrus/circuit_breaker", json!({ "rollback": false }));
    let found = found(&world, &without, 0);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((finding["severity"].as_str(), finding["code"].as_str()), (Some("warning"), Some("circuit-breaker")));
    let run = run(&world, &["verify"], 0);
    assert!(run.stdout.contains("warning: the circuit breaker") && run.stdout.contains("1 warning."), "{run:?}");
    // Of a service that runs nothing there is nothing to say.
    let nothing = with(&without, "/services/papyrus/desired_count", json!(0));
    assert_eq!(self::found(&world, &nothing, 0), Vec::<Value>::new());
}

#[test]
fn endpoints_take_the_place_of_the_internet() {
    let (world, file) = up(Kind::Ministack);
    let (subnet, group) = cul_de_sac(&world);
    let network = json!({ "subnets": [subnet], "public_ip": false, "security_groups": [group] });
    let file = with(&file, "/services/papyrus/network", network);
    let endpoints = |names: &[&str]| {
        let one = |name: &&str| {
            format!(
                "<item><vpcEndpointId>vpce-{name}</vpcEndpointId><vpcEndpointType>Interface</vpcEndpointType><serviceName>com.amazonaws.us-west-2.{name}</serviceName><state>available</state><privateDnsEnabled>true</privateDnsEnabled></item>"
            )
        };
        let items: String = names.iter().map(one).collect();
        let body = format!(
            "<DescribeVpcEndpointsResponse><vpcEndpointSet>{items}</vpcEndpointSet></DescribeVpcEndpointsResponse>"
        );
        world.proxy().set_rules(vec![Rule::on("ec2", "DescribeVpcEndpoints", Act::Reply { status: 200, body })]);
    };
    endpoints(&["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"]);
    assert_eq!(found(&world, &file, 0), Vec::<Value>::new());
    endpoints(&["ecr.api", "ecr.dkr", "logs", "ssm", "secretsmanager"]);
    is_found(&world, &file, "network-no-route", "services.papyrus.network.subnets", &["(s3 missing)"]);
    // No endpoint leads to another registry.
    endpoints(&["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"]);
    let file = with(&file, &format!("{CONTAINER}/image"), json!("nginx:1"));
    let errors: Vec<Value> = found(&world, &file, 1).into_iter().filter(|it| it["severity"] == "error").collect();
    assert!(errors.len() == 1 && errors[0]["message"].as_str().unwrap().contains("cannot pull nginx:1"), "{errors:#?}");
}

#[test]
fn what_cannot_be_read_is_never_fine() {
    let (world, file) = up(Kind::Ministack);
    let denied = |service: &str, action: &str| {
        let message =
            format!("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {service}:{action}");
        let code = if service == "ec2" { "UnauthorizedOperation" } else { "AccessDeniedException" };
        Rule::on(service, action, Act::Error { status: 403, code: code.to_owned(), message })
    };
    for (service, action, about) in [
        ("ecr", "BatchGetImage", "the image "),
        ("iam", "GetPolicyVersion", "what the role `execution` may do"),
        ("ssm", "DescribeParameters", "the parameter `/papyrus/db-url`"),
        ("secretsmanager", "DescribeSecret", "the secret `papyrus/key"),
        ("ec2", "DescribeRouteTables", "its routes"),
    ] {
        world.proxy().set_rules(vec![denied(service, action)]);
        let found = found(&world, &file, 0);
        let says = |it: &Value| it["severity"] == "not_checked" && it["message"].as_str().unwrap().contains(about);
        assert!(!found.is_empty() && found.iter().all(says), "{action}: {found:#?}");
        let run = run(&world, &["verify"], 0);
        assert!(run.stdout.contains("not checked: ") && !run.stdout.contains("nothing in the way"), "{run:?}");
        // What it takes is printed, ready to be allowed.
        assert!(
            run.stderr.contains("apply and verify need it") && run.stderr.contains(&format!("\"{service}:{action}\"")),
            "{run:?}"
        );
    }
}

#[test]
fn apply_refuses_what_would_not_start_and_plan_never_asks() {
    let (world, file) = up(Kind::Ministack);
    let file = with(&file, &format!("{CONTAINER}/image/tag"), json!("v2"));
    write(&world, &file);
    world.proxy().clear_log();
    run(&world, &["plan"], 0);
    let asked = |action: &str| world.proxy().calls().iter().filter(|call| call.action == action).count();
    assert_eq!(asked("BatchGetImage"), 0);
    let plans = world.proxy().calls().len();
    world.proxy().clear_log();
    let refused = run(&world, &["apply", "--yes"], 1);
    assert!(refused.stderr.contains("there is no image") && refused.stderr.contains("--skip-verify"), "{refused:?}");
    assert!(world.proxy().calls().iter().all(|call| reads(&call.action)));
    // Only the image changes, so only the image is looked for.
    assert_eq!((asked("BatchGetImage"), world.proxy().calls().len()), (1, plans + 1));
    let document = run_json(&world, &["apply", "--yes", "--json"], 1);
    assert_eq!(document["findings"][0]["code"], "image-missing", "{document:#}");
    assert_eq!((document["outcome"].is_null(), document["error"]["kind"].as_str()), (true, Some("failed")));
    run(&world, &["apply", "--yes", "--skip-verify"], 0);
}

fn run_json(world: &World, arguments: &[&str], code: i32) -> Value {
    serde_json::from_str(&run(world, arguments, code).stdout).unwrap()
}

#[test]
fn the_first_apply_is_silent_although_nothing_is_there_yet() {
    let world = World::new(Kind::Ministack).unwrap();
    world.example_parameter().unwrap();
    world.write("stack.yaml", include_str!("../../stack.example.yaml")).unwrap();
    let run = run(&world, &["apply", "--yes"], 0);
    for word in ["warning", "not checked", "error"] {
        assert!(!run.stderr.contains(word), "says {word:?}: {run:?}");
    }
    assert!(world.proxy().calls().len() <= 40, "{} calls", world.proxy().calls().len());
}
