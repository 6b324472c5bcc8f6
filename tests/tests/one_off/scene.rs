//! A stack with a service, and with a task definition that no service runs.

use std::sync::Arc;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::{Invocation, Run};
use hatoba_tests::plays::one_off::OneOffs;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// The stack.
pub(crate) fn file() -> Value {
    let task = |command: &str| {
        json!({
            "cpu": 256, "memory": 512, "execution_role": "execution", "task_role": "work",
            "containers": { "app": { "image": "public.ecr.aws/acme/papyrus:v1", "memory": 512, "logs": "/ecs/papyrus", "command": [command] } },
        })
    };
    let role = json!({
        "trust": { "service": "ecs-tasks.amazonaws.com" },
        "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
    });
    json!({
        "log_groups": { "/ecs/papyrus": {} },
        "clusters": { "papyrus": {} },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "roles": { "execution": role, "work": { "trust": { "service": "ecs-tasks.amazonaws.com" } } },
        "task_definitions": { "papyrus": task("serve"), "report": task("report") },
        "services": { "papyrus": {
            "cluster": "papyrus", "task_definition": "papyrus", "desired_count": 1, "enable_exec": true,
            "network": { "security_groups": ["papyrus"], "public_ip": true },
        } },
    })
}

/// The stack, applied.
pub(crate) fn applied(kind: Kind) -> World {
    let world = World::new(kind).unwrap();
    world.write_stack(&file()).unwrap();
    world.hatoba(&["apply", "--yes", "--no-wait", "--skip-verify"]).unwrap().expect_code(0).unwrap();
    world
}

/// The stack, and what its tasks do.
pub(crate) fn playing(kind: Kind, play: OneOffs) -> (World, Arc<OneOffs>) {
    let world = applied(kind);
    let play = Arc::new(play);
    world.proxy().add_play(Arc::clone(&play) as _);
    (world, play)
}

/// A run that looks often.
pub(crate) fn command<'a>(world: &'a World, words: &[&str]) -> Invocation<'a> {
    let (options, command) = match words.iter().position(|word| *word == "--") {
        Some(at) => words.split_at(at),
        None => (words, &[][..]),
    };
    let often: &[&str] = if options.contains(&"--no-wait") { &[] } else { &["--every", "20ms"] };
    let words: Vec<&str> = ["run"].iter().chain(options).chain(often).chain(command).copied().collect();
    world.hatoba_command(&words).unwrap()
}

/// Runs it to its end.
pub(crate) fn run(world: &World, words: &[&str]) -> Run {
    match command(world, words).run() {
        Ok(run) => run,
        Err(error) => panic!("{error:?}"),
    }
}

/// The steps of a task whose only container writes this and ends with this code.
pub(crate) fn ends_with(code: i32, lines: &[&str]) -> Vec<Value> {
    let app = |status: &str| json!({ "name": "app", "lastStatus": status });
    let mut ended = app("STOPPED");
    ended["exitCode"] = json!(code);
    let (first, rest) = lines.split_at(lines.len().min(1));
    vec![
        json!({ "lastStatus": "PENDING", "containers": [app("PENDING")] }),
        json!({ "lastStatus": "RUNNING", "startedAt": 1, "containers": [app("RUNNING")], "log": { "app": first } }),
        json!({ "lastStatus": "DEPROVISIONING", "desiredStatus": "STOPPED", "containers": [ended] }),
        json!({
            "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited", "stoppedAt": 9, "log": { "app": rest },
        }),
    ]
}

/// The steps of a task that goes on for ever.
pub(crate) fn goes_on() -> Vec<Value> {
    let app = json!({ "name": "app", "lastStatus": "RUNNING" });
    vec![json!({ "lastStatus": "RUNNING", "startedAt": 1, "containers": [app], "log": { "app": ["working"] } })]
}
