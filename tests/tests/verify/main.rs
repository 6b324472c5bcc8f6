//! `hatoba verify` against the emulators: silent on a healthy stack, and each seeded fault is found, where it stands in the file.
//!
//! The stack is brought up first, so that what is seeded is the only thing wrong. What the emulators cannot show, the proxy plays: the
//! configuration of an image, and the endpoints of a network.
//!
//! | file | what |
//! |---|---|
//! | `stack` | the healthy stack, and asking what is wrong with it |
//! | `apply` | what is asked before an apply, and what cannot be read |
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod apply;
mod stack;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use hatoba_tests::emulator::Kind;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::reads;
use serde_json::{Value, json};

use stack::{APP, CONTAINER, allow, aws, cul_de_sac, found, is_found, push, push_for, run, up, with};

use hatoba_tests::on_both;

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
