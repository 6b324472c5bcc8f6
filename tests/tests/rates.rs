//! A large stack against the limits that ECS publishes: it is built and taken down without a storm of throttles.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its figures"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::plays::rates::Rates;
use hatoba_tests::torture::full;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// ECS registers twenty task definitions at once, and then one a second: these take a few seconds.
const SOME: usize = 26;
/// These take five minutes.
const MANY: usize = 300;

/// How many of a hundred calls to ECS may be refused.
const MOST_PERCENT: usize = 2;
/// How many in any case: as many as are in flight when the first is refused.
const MOST_AT_ONCE: usize = 8;

fn stack(services: usize, region: &str) -> Value {
    let names: Vec<String> = (1..=services).map(|n| format!("papyrus-{n:03}")).collect();
    let each = |make: &dyn Fn(&str) -> Value| -> BTreeMap<String, Value> {
        names.iter().map(|name| (name.clone(), make(name))).collect()
    };
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }],
    });
    json!({
        "stack": "papyrus",
        "region": region,
        "roles": { "execution": { "trust": trust, "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"] } },
        "log_groups": { "/ecs/papyrus": { "retention_days": 30 } },
        "clusters": { "papyrus": {} },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": each(&|name| json!({
            "cpu": 256, "memory": 512, "execution_role": "execution",
            "containers": { "app": { "image": "public.ecr.aws/docker/library/nginx:1.29", "logs": "/ecs/papyrus" } },
            "name": name,
        })),
        "services": each(&|name| json!({
            "cluster": "papyrus", "task_definition": name, "desired_count": 1,
            "network": { "subnets": "default", "security_groups": ["papyrus"], "public_ip": true },
        })),
    })
}

#[test]
fn a_large_stack_keeps_to_the_limits_of_ecs() {
    let world = World::new(Kind::Ministack).unwrap();
    let services = if full() { MANY } else { SOME };
    world.write("stack.yaml", stack(services, &world.lease().region).to_string()).unwrap();
    let rates = Arc::new(Rates::default());
    world.proxy().add_play(Arc::clone(&rates) as _);
    for (command, limit) in [("apply", Duration::from_secs(600)), ("destroy", Duration::from_secs(1200))] {
        world.proxy().clear_log();
        let run =
            world.hatoba_command(&[command, "--yes"]).unwrap().limit(limit).run().unwrap().expect_code(0).unwrap();
        let calls = world.proxy().calls();
        let calls = calls.iter().filter(|call| call.service == "ecs").count();
        let refused = rates.take_refused();
        println!("{command} of {services} services: {} calls to ECS, {refused} refused, {:.0?}", calls, run.elapsed);
        let most = (calls * MOST_PERCENT / 100).max(MOST_AT_ONCE);
        assert!(refused > 0, "the limits were not met: nothing was tested");
        assert!(refused <= most, "{refused} of {} calls to ECS were refused", calls);
    }
    world.hatoba(&["plan", "--destroy", "--detailed-exitcode"]).unwrap().expect_code(0).unwrap();
}
