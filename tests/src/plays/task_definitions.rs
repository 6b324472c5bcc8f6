//! ECS task definitions: AWS gives back every member of the registration and fills in defaults for containers
//! (ECS API reference, `ContainerDefinition`). The emulators forget some members and fill in few defaults.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::members;
use crate::proxy::{Call, Play, Reply};

/// The registrations by ARN.
#[derive(Debug, Default)]
pub(super) struct TaskDefinitions(Mutex<BTreeMap<String, Map<String, Value>>>);

impl Play for TaskDefinitions {
    fn after(&self, call: &Call, reply: &mut Reply) {
        let registers = call.action == "RegisterTaskDefinition";
        let shows = call.action == "DescribeTaskDefinition";
        if call.service != "ecs" || !(registers || shows) || !reply.is_success() {
            return;
        }
        let mut answer = reply.json();
        let Some(shown) = answer.get_mut("taskDefinition").and_then(Value::as_object_mut) else { return };
        let Some(arn) = shown.get("taskDefinitionArn").and_then(Value::as_str).map(str::to_owned) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if registers {
            let mut request = members(&call.json());
            request.remove("tags");
            known.insert(arn.clone(), request);
        }
        if let Some(registered) = known.get(&arn) {
            for (name, value) in registered {
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
