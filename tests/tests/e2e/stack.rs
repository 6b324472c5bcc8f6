//! A stack with every kind.

use std::collections::BTreeSet;

use hatoba_model::stack::Stack;
use serde_json::{Value, json};

use crate::rows::document;

/// The sections of [`whole`] in an order in which each may leave the file: what uses others goes before them.
pub(crate) const LEAVING: [&str; 11] = [
    "services",
    "task_definitions",
    "security_groups",
    "clusters",
    "repositories",
    "log_groups",
    "parameters",
    "users",
    "roles",
    "policies",
    "oidc_providers",
];

/// A service and everything that it takes, and one of each kind that it does not take.
pub(crate) fn whole() -> Value {
    let tasks = json!({ "service": "ecs-tasks.amazonaws.com" });
    json!({
        "tags": { "project": "portfolio" },
        "oidc_providers": {
            "issuer": { "url": "https://issuer.example.com/papyrus", "client_ids": ["sts.amazonaws.com"] },
        },
        "policies": { "papyrus-read": { "document": document() } },
        "roles": {
            "papyrus-execution": {
                "trust": tasks,
                "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
            },
            "papyrus-task": {
                "trust": tasks,
                "managed_policies": ["papyrus-read"],
                "inline_policies": { "read": document() },
            },
        },
        "users": { "papyrus-ci": { "managed_policies": ["papyrus-read"] } },
        "log_groups": { "/ecs/papyrus": { "retention_days": 14 } },
        "repositories": { "acme/papyrus": { "scan_on_push": true, "keep_images": 10 } },
        "clusters": {
            "papyrus": { "capacity_providers": ["FARGATE", "FARGATE_SPOT"], "container_insights": "disabled" },
        },
        "security_groups": {
            "papyrus": { "description": "papyrus service", "ingress": [{ "port": 5000, "from": ["0.0.0.0/0"] }] },
        },
        "parameters": { "/papyrus/level": { "value": "info" } },
        "task_definitions": {
            "papyrus": {
                "cpu": 256,
                "memory": 512,
                "execution_role": "papyrus-execution",
                "task_role": "papyrus-task",
                "containers": { "app": { "image": "nginx:1", "ports": [5000], "logs": "/ecs/papyrus" } },
            },
        },
        "services": {
            "papyrus": {
                "cluster": "papyrus",
                "task_definition": "papyrus",
                "desired_count": 1,
                "network": { "subnets": "default", "public_ip": true, "security_groups": ["papyrus"] },
            },
        },
    })
}

/// A file without some of its sections.
pub(crate) fn without(file: &Value, sections: &[&str]) -> Value {
    let kept = file.as_object().into_iter().flatten().filter(|(section, _)| !sections.contains(&section.as_str()));
    kept.map(|(section, value)| (section.clone(), value.clone())).collect()
}

/// The addresses of some sections of a file.
pub(crate) fn addresses(file: &Value, sections: &[&str]) -> BTreeSet<String> {
    let of = |section: &&str| {
        let kind = Stack::kind_of(section).unwrap_or_default();
        let keys = file[*section].as_object().cloned().unwrap_or_default();
        keys.into_iter().map(move |(key, _)| format!("{kind}.{key}"))
    };
    sections.iter().flat_map(of).collect()
}
