//! What the server fills in, and in which forms it gives back what was sent: a second plan is empty all the same.

use hatoba_tests::plays::slow::defaults::Defaults;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{destroy, done, nothing_to_do, run, site, tried, world, write};

/// A stack in which every row of [`Defaults`] has something to fill in.
fn file() -> Value {
    let mut file = site();
    file["roles"]["volumes"] = json!({ "trust": { "service": "ecs.amazonaws.com" } });
    file["repositories"] = json!({ "acme/papyrus": { "encryption": "KMS" } });
    file["log_groups"] = json!({ "/ecs/papyrus": {} });
    file["security_groups"]["wharf"] = json!({ "description": "wharf" });
    file["task_definitions"]["web"] = json!({
        "cpu": 256, "memory": 512, "execution_role": "execution", "architecture": "arm64",
        "volumes": {
            "scratch": {},
            "shared": { "efs": { "file_system": "fs-0123456789abcdef0", "transit_encryption": true } },
            "data": { "configured_at_launch": true },
        },
        "extra": { "proxyConfiguration": {
            "containerName": "side",
            "properties": [{ "name": "AppPorts", "value": "80" }, { "name": "EgressIgnoredIPs", "value": "169.254.170.2" }],
        } },
        "containers": {
            "app": {
                "image": "nginx:1",
                "ports": [{ "port": 80, "name": "web" }, 5000],
                "environment": { "ALPHA": "1", "BETA": "2", "GAMMA": "3" },
                "secrets": { "DB_URL": "ssm:/papyrus/db-url", "KEY": "ssm:/papyrus/key" },
                "health_check": { "command": "curl -f http://localhost/" },
                "linux": { "init": true, "capabilities": { "drop": ["ALL"] } },
                "restart": {},
                "logs": "/ecs/papyrus",
                "mounts": [{ "volume": "scratch", "path": "/scratch" }, { "volume": "shared", "path": "/shared" }, { "volume": "data", "path": "/data" }],
            },
            "side": { "image": "busybox:1", "essential": false },
        },
    });
    let service = &mut file["services"]["web"];
    service["capacity"] =
        json!([{ "provider": "FARGATE_SPOT", "weight": 1 }, { "provider": "FARGATE", "weight": 1, "base": 1 }]);
    service["network"]["security_groups"] = json!(["papyrus", "wharf"]);
    service["network"].as_object_mut().unwrap().remove("public_ip");
    service["service_connect"] = json!({ "namespace": "papyrus", "services": [{ "port_name": "web" }] });
    service["volumes"] = json!({ "data": { "role": "volumes", "size": 20 } });
    service["circuit_breaker"] = json!({ "rollback": true });
    file
}

/// Its secrets and its way to the internet are nobody's concern here.
fn apply(world: &World) {
    run(world, &["apply", "--yes", "--skip-verify"], 0);
}

#[test]
fn what_the_server_fills_in_is_no_difference() {
    let (world, play) = world(Defaults::default());
    write(&world, &file());
    apply(&world);
    nothing_to_do(&world);
    assert_eq!(play.unseen(), [""; 0], "these rows had nothing to fill in");
    apply(&world);
    assert_eq!(tried(&world, "ecs:RegisterTaskDefinition") + tried(&world, "ecs:UpdateService"), 0);

    // A real difference is still one, and only that is sent.
    let mut changed = file();
    changed["task_definitions"]["web"]["containers"]["app"]["environment"]["BETA"] = json!("3");
    write(&world, &changed);
    run(&world, &["plan", "--detailed-exitcode"], 2);
    apply(&world);
    assert_eq!((done(&world, "ecs:RegisterTaskDefinition"), done(&world, "ecs:UpdateService")), (1, 1));
    nothing_to_do(&world);
    destroy(&world);
}
