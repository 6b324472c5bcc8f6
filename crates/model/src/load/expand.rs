//! The short form: `apps:` becomes the resources that a container on Fargate needs.
//!
//! Everything is made in the tree, with the place of the app, so that later messages point there. What the file says
//! explicitly under the same keys is laid over it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::diag::{Diagnostic, Diagnostics};
use crate::github::audience;
use crate::kinds::service::{Autoscaling, Schedule};
use crate::names::{Region, StackName};
use crate::yaml::{Node, NodeValue, Path, Scalar, Segment, decode_lenient, merge};

/// The image that runs until the first one has been pushed.
const BOOTSTRAP_IMAGE: &str = "public.ecr.aws/docker/library/nginx:alpine";

/// A container that is built in GitHub Actions and runs on Fargate: the short form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// The port that the container listens on. Without it nothing can reach the container.
    pub port: Option<u16>,
    /// From where the port can be reached: CIDR blocks. The whole internet unless stated.
    pub from: Option<Vec<String>>,
    /// CPU units: 256 (the default), 512, 1024, 2048, 4096, 8192 or 16384. 1024 are one vCPU.
    pub cpu: Option<u32>,
    /// Memory in MiB; 512 unless stated. Which values are legal depends on `cpu`.
    pub memory: Option<u32>,
    /// `x86_64` (the default) or `arm64`, which is cheaper. The image must be built for it.
    pub architecture: Option<String>,
    /// How many copies run; 1 unless stated.
    pub count: Option<u32>,
    /// When it runs, to pay for no more: `{ start: "cron(0 9 ? * MON-FRI *)", stop: "cron(0 18 ? * MON-FRI *)", timezone: Asia/Tokyo }`.
    pub schedule: Option<Schedule>,
    /// How many copies run, by how much there is to do: `{ min: 1, max: 4, cpu: 70 }`.
    pub autoscaling: Option<Autoscaling>,
    /// Run on spare capacity: much cheaper, but AWS may take it away with two minutes' notice.
    pub spot: Option<bool>,
    /// The command, if it is not the image's own.
    pub command: Option<Vec<String>>,
    /// Environment variables.
    pub environment: BTreeMap<String, Scalar>,
    /// Environment variables whose values come from SSM or Secrets Manager: `ssm:/path` or `secretsmanager:name`.
    pub secrets: BTreeMap<String, String>,
    /// An image that does not come from this stack's repository; then no repository is made.
    pub image: Option<String>,
    /// How many days logs are kept; 14 unless stated.
    pub log_retention_days: Option<u32>,
    /// How many images the repository keeps; 10 unless stated.
    pub keep_images: Option<u32>,
}

/// What of the apps could not be read.
#[derive(Default)]
pub(super) struct Expanded {
    /// Whether none of them could.
    pub(super) unreadable: bool,
    /// Where, in the long form, values are missing or stand in for those that could not; what is wrong there is said of the short form.
    pub(super) dropped: Vec<Path>,
}

/// Replaces `apps:` by what it stands for. Environments of one account live side by side: in `env` every resource whose name is
/// not the stack's has the environment in its name.
pub(super) fn apps(tree: &mut Node, env: Option<&str>, found: &mut Diagnostics) -> Expanded {
    let Some(entry) = tree.remove("apps") else { return Expanded::default() };
    let place = Path::root().key("apps");
    if !entry.value.is_map() && !entry.value.is_null() {
        let message = format!("`apps` must be a mapping of names to apps, not {}", entry.value.describe());
        found.push(Diagnostic::error("wrong-type", message).at(entry.value.span).path(place));
        return Expanded { unreadable: true, dropped: Vec::new() };
    }
    let decoded = decode_lenient::<BTreeMap<String, App>>(&entry.value);
    for error in decoded.errors {
        found.push(Diagnostic::from(error.below(&place)));
    }
    let apps = decoded.value.unwrap_or_default();
    let stack = tree.get("stack").and_then(Node::as_str).unwrap_or("stack").to_owned();
    let mut dropped: Vec<Path> = decoded.dropped.iter().flat_map(|path| in_long_form(path, &stack)).collect();
    if stack.parse::<StackName>().is_err() {
        dropped.extend(named_after(&stack));
    }
    // GitHub's tokens bear another audience in China.
    let region = tree.get("region").and_then(Node::as_str).and_then(|region| region.parse::<Region>().ok());
    let github = tree.get("github").filter(|github| !github.is_null());
    let github = github.map(|_| audience(region.map_or("aws", |region| region.partition())).to_owned());
    let mut expanded = Node::map(entry.key_span);
    for (name, app) in &apps {
        let span = entry.value.entry(name).map_or(entry.key_span, |app| app.key_span);
        let mut resources = resources(&stack, name, app);
        if let Some(env) = env {
            name_after(env, &mut resources);
        }
        let mut resources = Node::from_json(span, &resources);
        if let Some(written) = entry.value.get(name) {
            point(&mut resources, name, written);
        }
        merge(&mut expanded, resources);
    }
    if !apps.is_empty() {
        merge(&mut expanded, Node::from_json(entry.key_span, &shared(&stack, &apps, github.as_deref())));
    }
    // What the file says explicitly wins, key by key.
    merge(&mut expanded, std::mem::replace(tree, Node::map(entry.key_span)));
    *tree = ordered(expanded);
    Expanded { unreadable: false, dropped }
}

/// What bears the name of the stack. A stack name that is none is said to be none once, not of each of these.
fn named_after(stack: &str) -> Vec<Path> {
    let roles = ["execution", "deploy"].map(|role| Path::of(&["roles", &format!("{stack}-{role}")]));
    roles.into_iter().chain([Path::of(&["clusters", stack])]).collect()
}

/// Where, in the long form, something of an app that could not be read would stand. The path begins with the name of the app.
fn in_long_form(path: &Path, stack: &str) -> Vec<Path> {
    let (Some(Segment::Key(name)), rest) = (path.segments().first(), path.segments().get(1..).unwrap_or_default())
    else {
        return Vec::new();
    };
    let Some(Segment::Key(field)) = rest.first() else {
        let sections = ["security_groups", "task_definitions", "services", "repositories"];
        let own = sections.into_iter().map(|section| Path::of(&[section, name]));
        let beside =
            [Path::of(&["roles", &format!("{name}-task")]), Path::of(&["log_groups", &format!("/ecs/{name}")])];
        return own.chain(beside).chain(named_after(stack)).collect();
    };
    let places = PLACES.iter().filter(|(of, _)| of == field);
    let written = places.map(|(_, way)| {
        way.iter().fold(Path::root(), |path, key| path.key(if *key == "*" { name.as_str() } else { *key }))
    });
    // One block of addresses is a part of one rule; everywhere else what is below has the same form in both.
    let below = if field == "from" { &[] } else { rest.get(1..).unwrap_or_default() };
    written.map(|place| below.iter().fold(place, |place, segment| place.step(segment.clone()))).collect()
}

/// Names the resources of an app after the environment too. Services need it not: they live in the environment's own cluster.
fn name_after(env: &str, resources: &mut Value) {
    let named = resources.as_object_mut().into_iter().flatten().filter(|(section, _)| *section != "services");
    for (_, specs) in named {
        for (key, spec) in specs.as_object_mut().into_iter().flatten() {
            spec["name"] = json!(format!("{key}-{env}"));
        }
    }
}

/// Where the values of an app end up.
const PLACES: &[(&str, &[&str])] = &[
    ("port", &["task_definitions", "*", "containers", "app", "ports"]),
    ("from", &["security_groups", "*", "ingress"]),
    ("cpu", &["task_definitions", "*", "cpu"]),
    ("memory", &["task_definitions", "*", "memory"]),
    ("architecture", &["task_definitions", "*", "architecture"]),
    ("count", &["services", "*", "desired_count"]),
    ("schedule", &["services", "*", "schedule"]),
    ("autoscaling", &["services", "*", "autoscaling"]),
    ("spot", &["services", "*", "capacity"]),
    ("command", &["task_definitions", "*", "containers", "app", "command"]),
    ("environment", &["task_definitions", "*", "containers", "app", "environment"]),
    ("secrets", &["task_definitions", "*", "containers", "app", "secrets"]),
    ("image", &["task_definitions", "*", "containers", "app", "image"]),
    ("keep_images", &["repositories", "*", "keep_images"]),
];

/// Gives the values of an app the places where they were written.
fn point(resources: &mut Node, name: &str, app: &Node) {
    for (field, way) in PLACES {
        let Some(written) = app.entry(field) else { continue };
        let target =
            way.iter().try_fold(&mut *resources, |node, key| node.get_mut(if *key == "*" { name } else { key }));
        if let Some(target) = target {
            place_at(target, &written.value);
        }
    }
}

/// Gives a tree the places of another, as far as the two are alike.
fn place_at(node: &mut Node, written: &Node) {
    node.span = written.span;
    match &mut node.value {
        NodeValue::Map(entries) => {
            for entry in entries {
                entry.key_span = written.entry(&entry.key).map_or(written.span, |other| other.key_span);
                place_at(&mut entry.value, written.get(&entry.key).unwrap_or(written));
            }
        }
        NodeValue::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                place_at(item, written.items().get(at).unwrap_or(written));
            }
        }
        NodeValue::Null | NodeValue::Scalar { .. } => {}
    }
}

/// The resources of one app.
fn resources(stack: &str, name: &str, app: &App) -> Value {
    let group = format!("/ecs/{name}");
    let image = match &app.image {
        Some(image) => json!(image),
        None => json!({ "repository": name, "live": true, "bootstrap": BOOTSTRAP_IMAGE }),
    };
    let mut container = json!({ "image": image, "logs": group });
    let mut set = |key: &str, value: Value| {
        if let Some(container) = container.as_object_mut() {
            container.insert(key.to_owned(), value);
        }
    };
    if let Some(port) = app.port {
        set("ports", json!([port]));
    }
    if let Some(command) = &app.command {
        set("command", json!(command));
    }
    if !app.environment.is_empty() {
        set("environment", json!(app.environment));
    }
    if !app.secrets.is_empty() {
        set("secrets", json!(app.secrets));
    }
    let ingress = match app.port {
        Some(port) => {
            let from = app.from.clone().unwrap_or_else(|| vec!["0.0.0.0/0".to_owned()]);
            json!([{ "port": port, "from": from }])
        }
        None => json!([]),
    };
    let least = app.autoscaling.as_ref().and_then(|autoscaling| autoscaling.min);
    let provider = if app.spot == Some(true) { "FARGATE_SPOT" } else { "FARGATE" };
    let mut all = json!({
        "roles": { format!("{name}-task"): { "trust": { "service": "ecs-tasks.amazonaws.com" } } },
        "log_groups": { &group: { "retention_days": app.log_retention_days.unwrap_or(14) } },
        "security_groups": { name: { "description": format!("{name} service"), "ingress": ingress } },
        "task_definitions": { name: {
            "cpu": app.cpu.unwrap_or(256),
            "memory": app.memory.unwrap_or(512),
            "architecture": app.architecture.as_deref().unwrap_or("x86_64"),
            "execution_role": format!("{stack}-execution"),
            "task_role": format!("{name}-task"),
            "containers": { "app": container },
        } },
        "services": { name: {
            "cluster": stack,
            "task_definition": name,
            "desired_count": app.count.or(least).unwrap_or(1),
            "network": { "subnets": "default", "public_ip": true, "security_groups": [name] },
            "capacity": [{ "provider": provider, "weight": 1 }],
            "circuit_breaker": { "rollback": true },
        } },
    });
    let service = &mut all["services"][name];
    if let Some(schedule) = &app.schedule {
        service["schedule"] = json!(schedule);
    }
    if let Some(autoscaling) = &app.autoscaling {
        service["autoscaling"] = json!(autoscaling);
    }
    if app.image.is_none()
        && let Some(all) = all.as_object_mut()
    {
        let repository =
            json!({ "keep_images": app.keep_images.unwrap_or(10), "scan_on_push": true, "on_destroy": "empty" });
        all.insert("repositories".to_owned(), json!({ name: repository }));
    }
    all
}

/// What all apps of a stack share; `github` is the audience of GitHub's tokens, if GitHub deploys the stack.
fn shared(stack: &str, apps: &BTreeMap<String, App>, github: Option<&str>) -> Value {
    let execution = json!({
        "trust": { "service": "ecs-tasks.amazonaws.com" },
        "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
    });
    let mut roles = json!({ format!("{stack}-execution"): execution });
    let secrets: Vec<&String> = apps.values().flat_map(|app| app.secrets.values()).collect();
    if let (Some(statement), Some(role)) = (secret_statement(&secrets), roles.get_mut(format!("{stack}-execution"))) {
        role["inline_policies"] = json!({ "secrets": { "Version": "2012-10-17", "Statement": statement } });
    }
    let mut all = json!({
        "clusters": { stack: { "capacity_providers": ["FARGATE", "FARGATE_SPOT"], "container_insights": "disabled" } },
    });
    if let Some(audience) = github {
        let mut grants = Vec::new();
        for (name, app) in apps {
            if app.image.is_none() {
                grants.push(json!({ "push": name }));
            }
            grants.push(json!({ "deploy": name }));
        }
        roles[format!("{stack}-deploy")] = json!({ "trust": { "github": {} }, "grants": grants });
        all["oidc_providers"] = json!({ "github": {
            "url": "https://token.actions.githubusercontent.com", "client_ids": [audience],
        } });
    }
    all["roles"] = roles;
    all
}

/// The managed execution policy does not include reading secrets.
fn secret_statement(secrets: &[&String]) -> Option<Value> {
    let mut parameters = BTreeSet::new();
    let mut stored = BTreeSet::new();
    for secret in secrets {
        if let Some(name) = secret.strip_prefix("ssm:") {
            let name = name.trim_start_matches('/');
            parameters.insert(format!("arn:${{partition}}:ssm:${{region}}:${{account}}:parameter/{name}"));
        } else if let Some(name) = secret.strip_prefix("secretsmanager:") {
            // What follows the name chooses a key or a version: `name:key:stage:id`. AWS adds six characters to the name.
            let name = name.split(':').next().unwrap_or(name);
            stored.insert(format!("arn:${{partition}}:secretsmanager:${{region}}:${{account}}:secret:{name}-??????"));
        } else if let Some(("ssm", arn)) = service_of(secret) {
            parameters.insert(arn);
        } else if let Some(("secretsmanager", arn)) = service_of(secret) {
            stored.insert(arn.split(':').take(7).collect::<Vec<_>>().join(":"));
        }
    }
    let mut statements = Vec::new();
    if !parameters.is_empty() {
        statements.push(json!({
            "Sid": "ReadParameters", "Effect": "Allow", "Action": "ssm:GetParameters", "Resource": parameters,
        }));
    }
    if !stored.is_empty() {
        statements.push(json!({
            "Sid": "ReadSecrets", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": stored,
        }));
    }
    (!statements.is_empty()).then(|| Value::Array(statements))
}

/// The service of an ARN, and the ARN.
fn service_of(text: &str) -> Option<(&str, String)> {
    let mut parts = text.split(':');
    (parts.next() == Some("arn")).then_some(())?;
    Some((parts.nth(1)?, text.to_owned()))
}

/// The keys of the head first, then the sections in the order of the kinds.
fn ordered(mut tree: Node) -> Node {
    let mut result = Node::map(tree.span);
    let head = ["stack", "region", "account", "tags", "github"];
    for key in head.into_iter().chain(crate::stack::Stack::SECTIONS.iter().copied()) {
        if let Some(entry) = tree.remove(key) {
            result.insert(entry.key, entry.key_span, entry.value);
        }
    }
    for entry in tree.entries() {
        result.insert(entry.key.clone(), entry.key_span, entry.value.clone());
    }
    result
}
