//! ECS task definitions: AWS gives back every member of the registration and fills in defaults for containers
//! (ECS API reference, `ContainerDefinition`). The emulators forget some members and fill in few defaults. A deregistered revision
//! can start nothing any more (ECS API reference, `DeregisterTaskDefinition`); the emulators take it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::{last, members};
use crate::proxy::{Call, Play, Reply};

/// What was registered, by ARN.
#[derive(Debug, Default)]
pub(super) struct TaskDefinitions(Mutex<BTreeMap<String, Revision>>);

/// One revision.
#[derive(Debug, Default)]
struct Revision {
    /// The members of its registration.
    registered: Map<String, Value>,
    /// The tags of its registration.
    tags: Value,
    /// The latest answer that shows it.
    answer: Value,
    /// Whether it was deregistered.
    inactive: bool,
}

impl TaskDefinitions {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Revision>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps in mind what was deregistered.
    fn deregistered(&self, arn: &str) {
        if let Some(revision) = self.known().get_mut(arn) {
            revision.inactive = true;
        }
    }

    /// A family without a revision stands for its latest active one (ECS API reference, `DescribeTaskDefinition`), and for none where
    /// all are deregistered. ministack takes the highest number that was ever given, be it inactive or deleted. None where that is the
    /// right one.
    fn latest_active(&self, call: &Call, name: &str) -> Option<Reply> {
        let known = self.known();
        let of_family = || known.iter().filter(|(arn, _)| parts(arn).0 == name);
        let (_, latest) = of_family().max_by_key(|(arn, _)| parts(arn).1)?;
        let active = of_family().filter(|(_, revision)| !revision.inactive).max_by_key(|(arn, _)| parts(arn).1);
        latest.inactive.then(|| match active {
            Some((_, active)) => Reply::new(call, 200, active.answer.to_string()),
            None => Reply::error(call, 400, "ClientException", "Unable to describe task definition."),
        })
    }

    /// The refusal of a call that would start something from a deregistered revision.
    fn refused(&self, call: &Call) -> Option<Reply> {
        let code = match call.action.as_str() {
            "CreateService" | "UpdateService" => "ClientException",
            "RunTask" => "InvalidParameterException",
            _ => return None,
        };
        let request = call.json();
        let asked = request.get("taskDefinition")?.as_str()?;
        let known = self.known();
        let (_, revision) = known.iter().find(|(arn, _)| *arn == asked || last(arn) == asked)?;
        revision.inactive.then(|| Reply::error(call, 400, code, "TaskDefinition is inactive"))
    }
}

/// Family and number.
fn parts(arn: &str) -> (&str, u64) {
    let (family, revision) = last(arn).split_once(':').unwrap_or_default();
    (family, revision.parse().unwrap_or_default())
}

impl Play for TaskDefinitions {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != "ecs" {
            return None;
        }
        if call.action != "DescribeTaskDefinition" {
            return self.refused(call);
        }
        self.latest_active(call, call.json().get("taskDefinition")?.as_str()?)
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.action == "DeregisterTaskDefinition" && reply.is_success() {
            if let Some(arn) = reply.json().pointer("/taskDefinition/taskDefinitionArn").and_then(Value::as_str) {
                self.deregistered(arn);
            }
            return;
        }
        let registers = call.action == "RegisterTaskDefinition";
        let shows = call.action == "DescribeTaskDefinition";
        if call.service != "ecs" || !(registers || shows) || !reply.is_success() {
            return;
        }
        let mut answer = reply.json();
        let Some(shown) = answer.get_mut("taskDefinition").and_then(Value::as_object_mut) else { return };
        let Some(arn) = shown.get("taskDefinitionArn").and_then(Value::as_str).map(str::to_owned) else { return };
        let mut known = self.known();
        if registers {
            let mut request = members(&call.json());
            let tags = request.remove("tags").unwrap_or_else(|| json!([]));
            known.insert(arn.clone(), Revision { registered: request, tags, ..Revision::default() });
        }
        if let Some(revision) = known.get(&arn) {
            for (name, value) in &revision.registered {
                if name == "containerDefinitions" {
                    let containers = value.as_array().into_iter().flatten().map(container).collect();
                    shown.insert(name.clone(), Value::Array(containers));
                } else if !shown.contains_key(name)
                    || matches!(name.as_str(), "enableFaultInjection" | "proxyConfiguration")
                {
                    shown.insert(name.clone(), value.clone());
                }
            }
        }
        shown.entry("enableFaultInjection").or_insert(json!(false));
        if let Some(revision) = known.get_mut(&arn) {
            revision.answer = answer.clone();
            // moto answers a registration without them.
            if registers && !revision.answer["tags"].is_array() {
                revision.answer["tags"] = revision.tags.clone();
            }
        }
        reply.body = Bytes::from(answer.to_string());
    }
}

/// A container with everything that AWS fills in.
fn container(registered: &Value) -> Value {
    let mut container = members(&json!({
        "cpu": 0, "essential": true, "environment": [], "mountPoints": [], "volumesFrom": [], "portMappings": [],
        "systemControls": [], "versionConsistency": "enabled",
    }));
    container.extend(members(registered));
    let mappings = container.get("portMappings").and_then(Value::as_array).cloned().unwrap_or_default();
    let mappings = mappings.into_iter().map(|mapping| {
        let mut mapping = members(&mapping);
        mapping.entry("protocol").or_insert_with(|| json!("tcp"));
        if let Some(port) = mapping.get("containerPort").cloned() {
            mapping.entry("hostPort").or_insert(port);
        }
        Value::Object(mapping)
    });
    container.insert("portMappings".into(), mappings.collect());
    // The order of variables is not kept.
    for list in ["environment", "secrets"] {
        if let Some(items) = container.get_mut(list).and_then(Value::as_array_mut) {
            items.reverse();
        }
    }
    if let Some(health) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        for (name, value) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            health.entry(name).or_insert_with(|| json!(value));
        }
    }
    if let Some(linux) = container.get_mut("linuxParameters").and_then(Value::as_object_mut) {
        let mut capabilities = members(&json!({ "add": [], "drop": [] }));
        capabilities.extend(linux.get("capabilities").map(members).unwrap_or_default());
        linux.insert("capabilities".into(), capabilities.into());
        linux.entry("devices").or_insert_with(|| json!([]));
        linux.entry("tmpfs").or_insert_with(|| json!([]));
    }
    Value::Object(container)
}
