//! A stack whose images belong to the pipeline: what tests deploy to.

use serde_json::{Value, json};

/// One service with the containers `app` and `side`, whose images belong to the pipeline and whose other fields, as the `LEVEL` of `app`,
/// belong to the file. Has neither a name nor a region.
#[must_use]
pub fn file(level: &str) -> Value {
    let live = json!({ "repository": { "existing": "acme/papyrus" }, "live": true, "bootstrap": "nginx:1" });
    json!({
        "roles": { "execution": {
            "trust": { "service": "ecs-tasks.amazonaws.com" },
            "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
        } },
        "clusters": { "papyrus": {} },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": { "papyrus": {
            "cpu": 256, "memory": 512, "execution_role": "execution",
            "containers": { "app": { "image": live, "environment": { "LEVEL": level } }, "side": { "image": live } },
        } },
        "services": { "papyrus": {
            "cluster": "papyrus", "task_definition": "papyrus", "network": { "security_groups": ["papyrus"], "public_ip": true },
        } },
    })
}
