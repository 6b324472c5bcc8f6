//! What the file may say about task definitions and services.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_model::kinds::task_definition::{Architecture, Os};
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;

const HEAD: &str = "
stack: papyrus
region: us-west-2
account: \"123456789012\"
roles: { exec: { trust: { service: ecs-tasks.amazonaws.com } } }
repositories: { papyrus: {} }
log_groups: { /ecs/papyrus: {} }
clusters: { papyrus: { capacity_providers: [FARGATE] } }
security_groups: { papyrus: { description: papyrus } }
";

/// The stack with its warnings, or its errors; each problem as `code path: message | help`.
fn read(text: &str) -> Result<(Stack, Vec<String>), Vec<String>> {
    let (vars, nothing) = (BTreeMap::new(), |_: &str| None);
    let files = |_: &str| Err("there are no files here".to_owned());
    let options = Options { env: None, vars: &vars, process_env: &nothing, files: &files, account: None, region: None };
    let source = Source::new("stack.yaml", format!("{HEAD}{text}"));
    let show = |problem: &hatoba_model::diag::Diagnostic| {
        let path = problem.path.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {path}: {} | {}", problem.code, problem.message, problem.help.join("; "))
    };
    match load(&source, &options) {
        Ok(loaded) => Ok((loaded.stack, loaded.warnings.iter().map(show).collect())),
        Err(found) => Err(found.iter().map(show).collect()),
    }
}

fn task(body: &str) -> Result<(Stack, Vec<String>), Vec<String>> {
    read(&format!("task_definitions:\n  papyrus: {{ cpu: 256, memory: 512, execution_role: exec, {body} }}\n"))
}

fn container(body: &str) -> Result<(Stack, Vec<String>), Vec<String>> {
    task(&format!("containers: {{ app: {{ image: nginx, {body} }} }}"))
}

const APP: &str = "task_definitions:
  papyrus: { cpu: 256, memory: 512, containers: { app: { image: nginx, ports: [{ port: 5000, name: http }] } } }
";

fn service(body: &str) -> Result<(Stack, Vec<String>), Vec<String>> {
    let network =
        if body.contains("network:") { "" } else { ", network: { public_ip: true, security_groups: [papyrus] }" };
    read(&format!("{APP}services:\n  papyrus: {{ cluster: papyrus, task_definition: papyrus{network}, {body} }}\n"))
}

/// Every case must give exactly one error, with this code, at this path, and both texts in it.
#[track_caller]
fn refused(result: Result<(Stack, Vec<String>), Vec<String>>, code_and_path: &str, texts: &[&str]) {
    assert!(result.is_err(), "not refused: {code_and_path}");
    let errors = result.unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with(&format!("{code_and_path}: ")), "{errors:#?}");
    for text in texts {
        assert!(errors[0].contains(text), "no `{text}` in {errors:#?}");
    }
    assert!(!errors[0].ends_with("| "), "no way out: {errors:#?}");
}

#[test]
fn words_and_sizes_are_read_in_the_spellings_of_aws() {
    let (stack, warnings) =
        read("task_definitions: { papyrus: { cpu: 1 vCPU, memory: 2GB, architecture: X86_64, os: LINUX, containers: { app: { image: nginx } } } }").unwrap();
    let task = &stack.task_definitions["papyrus"];
    assert_eq!((task.cpu.unwrap().0, task.memory.unwrap().0), (1024, 2048));
    assert_eq!((task.architecture, task.os), (Some(Architecture::X8664), Some(Os::Linux)));
    assert_eq!(warnings, [""; 0]);
    refused(task_with("architecture: amr64"), "unknown-value task_definitions.papyrus.architecture", &["arm64"]);
}

fn task_with(body: &str) -> Result<(Stack, Vec<String>), Vec<String>> {
    task(&format!("{body}, containers: {{ app: {{ image: nginx }} }}"))
}

#[test]
fn sizes_that_fargate_does_not_have() {
    let sized = |cpu: u32, memory: u32| {
        read(&format!(
            "task_definitions: {{ papyrus: {{ cpu: {cpu}, memory: {memory}, containers: {{ app: {{ image: nginx }} }} }} }}"
        ))
    };
    refused(
        sized(256, 4096),
        "fargate-size task_definitions.papyrus.memory",
        &["`cpu: 256` with `memory: 2048`", "`cpu: 512` with `memory: 4096`"],
    );
    refused(
        sized(300, 512),
        "fargate-size task_definitions.papyrus.cpu",
        &["256, 512, 1024", "`cpu: 256` with `memory: 512`"],
    );
    refused(
        read("task_definitions: { papyrus: { cpu: 256, containers: { app: { image: nginx } } } }"),
        "missing-key task_definitions.papyrus",
        &["`memory` is required"],
    );
    refused(
        task_with("ephemeral_storage: 20"),
        "out-of-range task_definitions.papyrus.ephemeral_storage",
        &["21 to 200", "remove it"],
    );
}

#[test]
fn windows_has_rules_of_its_own() {
    let windows = |body: &str| {
        read(&format!(
            "task_definitions: {{ papyrus: {{ os: windows_server_2022_core, memory: 2048, {body}, containers: {{ app: {{ image: nginx }} }} }} }}"
        ))
    };
    assert!(windows("cpu: 1024").is_ok());
    refused(windows("cpu: 1024, architecture: arm64"), "platform task_definitions.papyrus.architecture", &["x86_64"]);
    refused(windows("cpu: 512"), "platform task_definitions.papyrus.cpu", &["at least one vCPU"]);
}

#[test]
fn what_ecs_does_itself_needs_an_execution_role() {
    let without = |container: &str| {
        read(&format!(
            "task_definitions: {{ papyrus: {{ cpu: 256, memory: 512, containers: {{ app: {{ {container} }} }} }} }}"
        ))
    };
    assert!(without("image: nginx").is_ok());
    let place = "no-execution-role task_definitions.papyrus.containers.app";
    refused(
        without("image: nginx, logs: /ecs/papyrus"),
        place,
        &["CloudWatch Logs", "AmazonECSTaskExecutionRolePolicy"],
    );
    refused(without("image: { repository: papyrus }"), place, &["ECR"]);
    refused(without("image: nginx, secrets: { A: \"ssm:/a\" }"), place, &["secrets"]);
}

#[test]
fn references_of_a_container() {
    let place = |below: &str| format!("unknown-reference task_definitions.papyrus.containers.app.{below}");
    refused(container("logs: /ecs/papyrsu"), &place("logs"), &["did you mean `/ecs/papyrus`?"]);
    assert!(container("logs: { existing: /ecs/other }").is_ok());
    assert!(container("logs: { group: { existing: /ecs/other }, stream_prefix: app }").is_ok());
    refused(
        task("containers: { app: { image: { repository: papyrsu } } }"),
        &place("image.repository"),
        &["did you mean `papyrus`?"],
    );
    refused(
        container("mounts: [{ volume: data, path: /data }]"),
        "unknown-volume task_definitions.papyrus.containers.app.mounts[0].volume",
        &["volumes:"],
    );
    refused(
        container("depends_on: [side]"),
        "unknown-container task_definitions.papyrus.containers.app.depends_on[0]",
        &["`side`"],
    );
}

#[test]
fn images() {
    let image = |image: &str| task(&format!("containers: {{ app: {{ image: {image} }} }}"));
    let place = |code: &str, below: &str| format!("{code} task_definitions.papyrus.containers.app{below}");
    assert!(image("{ repository: papyrus, live: true, bootstrap: nginx }").is_ok());
    assert!(image("{ live: true, bootstrap: ghcr.io/acme/papyrus }").is_ok());
    assert!(image("{ repository: { existing: other }, tag: 1.10 }").is_ok());
    refused(image("{ tag: v1 }"), &place("missing-key", ".image"), &["`repository`"]);
    refused(
        image("{ repository: papyrus, bootstrap: nginx }"),
        &place("bootstrap-unused", ".image.bootstrap"),
        &["`live: true`"],
    );
    refused(image("https://ghcr.io/acme/papyrus"), &place("image", ".image"), &["without `https://`"]);
    refused(image("{ repository: papyrus, digest: abc }"), &place("digest", ".image.digest"), &["sha256:"]);
    refused(task("containers: { app: { ports: [80] } }"), &place("missing-key", ""), &["`image` is required"]);
}

#[test]
fn ports_are_shared_by_all_containers() {
    let both = |first: &str, second: &str| {
        task(&format!(
            "containers: {{ app: {{ image: nginx, ports: [{first}] }}, side: {{ image: nginx, ports: [{second}] }} }}"
        ))
    };
    let place = "port-clash task_definitions.papyrus.containers.side.ports[0]";
    refused(both("80", "80"), place, &["TCP port 80 is taken by `app`"]);
    refused(both("8000-8010", "8005"), place, &["taken by `app`"]);
    assert!(both("80", "{ port: 80, protocol: udp }").is_ok());
    refused(
        container("ports: [70000]"),
        "out-of-range task_definitions.papyrus.containers.app.ports[0]",
        &["1 to 65535"],
    );
    refused(container("ports: [http]"), "port task_definitions.papyrus.containers.app.ports[0]", &["`5000`"]);
}

#[test]
fn containers_that_wait_for_each_other() {
    let place = |code: &str, below: &str| format!("{code} task_definitions.papyrus.containers.{below}");
    let waits = |condition: &str, side: &str| {
        task(&format!(
            "containers: {{ app: {{ image: nginx, depends_on: {{ side: {condition} }} }}, side: {{ image: nginx, {side} }} }}"
        ))
    };
    assert!(waits("HEALTHY", "health_check: { command: \"true\" }").is_ok());
    refused(waits("healthy", "cpu: 1"), &place("no-health-check", "app.depends_on.side"), &["`health_check`"]);
    refused(waits("success", "cpu: 1"), &place("essential-ends", "app.depends_on.side"), &["`essential: false`"]);
    refused(waits("start", "depends_on: [app]"), &place("circle", "app.depends_on"), &["app → side → app"]);
    refused(
        task("containers: { app: { image: nginx, essential: false } }"),
        "no-essential task_definitions.papyrus.containers",
        &["essential"],
    );
}

#[test]
fn values_that_look_secret_are_pointed_out_and_numbers_are_not() {
    let (_, warnings) =
        container("environment: { DB_PASSWORD: hunter22, TOKEN_TTL: soonish, MAX_TOKENS: 4096, LOG_LEVEL: info }")
            .unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0]
            .starts_with("secret-in-environment task_definitions.papyrus.containers.app.environment.DB_PASSWORD")
    );
    assert!(warnings[0].contains("ssm put-parameter") && !warnings[0].contains("hunter22"), "{warnings:?}");
    refused(
        container("environment: { A: x }, secrets: { A: \"ssm:/a\" }"),
        "variable-twice task_definitions.papyrus.containers.app.environment.A",
        &["`secrets`"],
    );
    refused(
        container("secrets: { A: /papyrus/a }"),
        "secret-source task_definitions.papyrus.containers.app.secrets.A",
        &["`ssm:/path`"],
    );
}

#[test]
fn limits_of_fargate() {
    let place = |code: &str, below: &str| format!("{code} task_definitions.papyrus.containers.app.{below}");
    refused(container("stop_timeout: 300"), &place("out-of-range", "stop_timeout"), &["0 to 120", "write 120"]);
    refused(
        container("health_check: { command: x, interval: 1 }"),
        &place("out-of-range", "health_check.interval"),
        &["5 to 300"],
    );
    refused(
        container("health_check: { command: [curl, x] }"),
        &place("health-command", "health_check.command"),
        &["`CMD-SHELL`"],
    );
    refused(
        container("ulimits: { nofiles: { soft: 1, hard: 2 } }"),
        &place("ulimit", "ulimits.nofiles"),
        &["did you mean `nofile`?"],
    );
    refused(
        container("linux: { capabilities: { add: [NET_ADMIN] } }"),
        &place("not-on-fargate", "linux.capabilities.add[0]"),
        &["SYS_PTRACE"],
    );
    refused(
        container("extra: { privileged: true }"),
        &place("not-on-fargate", "extra.privileged"),
        &["Fargate has no `privileged`"],
    );
    refused(container("memory: 4096"), "shares task_definitions.papyrus.memory", &["reserve 4096 MiB"]);
    let errors = container("privileged: true").unwrap_err();
    assert!(errors[0].starts_with("unknown-key"), "{errors:?}");
}

#[test]
fn a_service_and_its_cluster() {
    assert!(service("desired_count: 0").is_ok());
    refused(
        service("capacity: [{ provider: FARGATE_SPOT, weight: 1 }]"),
        "provider-not-in-cluster services.papyrus.capacity[0].provider",
        &["add `FARGATE_SPOT` to `clusters.papyrus.capacity_providers`"],
    );
    refused(
        service("launch_type: FARGATE, capacity: [{ provider: FARGATE, weight: 1 }]"),
        "either-or services.papyrus.launch_type",
        &["remove"],
    );
    refused(
        read(&format!(
            "{APP}services: {{ papyrus: {{ cluster: papyrsu, task_definition: papyrus, network: {{ public_ip: true }} }} }}"
        )),
        "unknown-reference services.papyrus.cluster",
        &["did you mean `papyrus`?"],
    );
    refused(
        read(&format!("{APP}services: {{ papyrus: {{ cluster: papyrus, task_definition: papyrus }} }}")),
        "missing-key services.papyrus",
        &["`network` is required", "subnets: default"],
    );
    let errors = service("desired_count: -1").unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn a_deployment_needs_room() {
    refused(
        service("desired_count: 1, maximum_percent: 150"),
        "no-room services.papyrus.maximum_percent",
        &["at least 1 and at most 1"],
    );
    assert!(service("desired_count: 2, maximum_percent: 150").is_ok());
    assert!(service("desired_count: 1, minimum_percent: 0, maximum_percent: 100").is_ok());
    refused(service("minimum_percent: 120"), "out-of-range services.papyrus.minimum_percent", &["0 to 100"]);
    let (_, warnings) = service("maximum_percent: 150").unwrap();
    assert!(warnings.iter().any(|warning| warning.starts_with("no-room")), "{warnings:?}");
}

#[test]
fn a_services_network_and_load_balancers() {
    refused(
        service("network: { subnets: [vpc-1], security_groups: [papyrus] }"),
        "subnet-id services.papyrus.network.subnets[0]",
        &["subnet-0123"],
    );
    refused(
        service("network: { public_ip: true, security_groups: [papyrsu] }"),
        "unknown-reference services.papyrus.network.security_groups[0]",
        &["`papyrus`"],
    );
    assert!(
        service("network: { subnets: [subnet-0123456789abcdef0], security_groups: [sg-0123456789abcdef0] }").is_ok()
    );
    let balanced = |container: &str, port: u32| {
        let group = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/papyrus/0123456789abcdef";
        service(&format!("load_balancers: [{{ target_group: \"{group}\", container: {container}, port: {port} }}]"))
    };
    assert!(balanced("app", 5000).is_ok());
    refused(balanced("app", 80), "unknown-port services.papyrus.load_balancers[0].port", &["its ports: 5000"]);
    refused(
        balanced("apps", 5000),
        "unknown-container services.papyrus.load_balancers[0].container",
        &["did you mean `app`?"],
    );
    refused(
        service("service_connect: { services: [{ port_name: htp }] }"),
        "unknown-port services.papyrus.service_connect.services[0].port_name",
        &["did you mean `http`?"],
    );
}
