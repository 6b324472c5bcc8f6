//! Running the binary, and what it did.

use std::sync::Arc;
use std::time::Duration;

use hatoba_tests::client::Answer;
use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::proxy::Play;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// How long a truth lasts unless a test says otherwise: longer than a run needs to get there.
pub(crate) const LAG: Duration = Duration::from_millis(1500);

/// A world in which this is played.
pub(crate) fn world<P: Play + 'static>(play: P) -> (World, Arc<P>) {
    let world = World::new(Kind::Ministack).unwrap();
    let play = Arc::new(play);
    world.proxy().add_play(Arc::clone(&play) as _);
    (world, play)
}

/// Writes a stack file for the stack `papyrus`.
pub(crate) fn write(world: &World, file: &Value) {
    world.write_stack(file).unwrap();
}

/// Runs the binary to its end, which must be this exit code.
#[track_caller]
pub(crate) fn run(world: &World, arguments: &[&str], code: i32) -> Run {
    world.proxy().clear_log();
    match world.hatoba(arguments).and_then(|run| run.expect_code(code)) {
        Ok(run) => run,
        Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
    }
}

/// Applies, and says what is waited for.
#[track_caller]
pub(crate) fn apply(world: &World) -> Run {
    run(world, &["apply", "--yes", "-v"], 0)
}

/// Destroys; the plan of another destroy must be empty.
#[track_caller]
pub(crate) fn destroy(world: &World) -> Run {
    let run = run(world, &["destroy", "--yes", "-v"], 0);
    nothing_to_destroy(world);
    run
}

/// The plan is empty.
#[track_caller]
pub(crate) fn nothing_to_do(world: &World) {
    says(&run_unlogged(world, &["plan", "--detailed-exitcode"]), &["No changes."]);
}

/// The plan to destroy is empty.
#[track_caller]
pub(crate) fn nothing_to_destroy(world: &World) {
    run_unlogged(world, &["plan", "--destroy", "--detailed-exitcode"]);
}

#[track_caller]
fn run_unlogged(world: &World, arguments: &[&str]) -> Run {
    match world.hatoba(arguments).and_then(|run| run.expect_code(0)) {
        Ok(run) => run,
        Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
    }
}

/// Everything that a run said, in one line.
pub(crate) fn said(run: &Run) -> String {
    let words: Vec<&str> = run.stdout.split_whitespace().chain(run.stderr.split_whitespace()).collect();
    words.join(" ")
}

/// Each of these texts is part of what a run said.
#[track_caller]
pub(crate) fn says(run: &Run, texts: &[&str]) {
    let said = said(run);
    for text in texts {
        assert!(said.contains(text), "does not say {text:?}: {run:?}");
    }
}

/// How often an action succeeded since the last run began.
pub(crate) fn done(world: &World, name: &str) -> usize {
    let calls = world.proxy().calls();
    calls.iter().filter(|call| call.name() == name && call.status.is_some_and(|status| status < 300)).count()
}

/// How often an action was tried since the last run began.
pub(crate) fn tried(world: &World, name: &str) -> usize {
    world.proxy().calls().iter().filter(|call| call.name() == name).count()
}

/// Calls AWS as somebody else, who must succeed.
#[track_caller]
pub(crate) fn aws(world: &World, service: &str, action: &str, parameters: &Value) -> Answer {
    match world.aws(service, action, parameters) {
        Ok(answer) => answer,
        Err(error) => panic!("{error:?}"),
    }
}

/// Trust in the tasks of ECS.
pub(crate) fn tasks() -> Value {
    json!({ "trust": { "service": "ecs-tasks.amazonaws.com" } })
}

/// A task definition with this role.
pub(crate) fn task(role: &str) -> Value {
    json!({ "cpu": 256, "memory": 512, "execution_role": role, "containers": { "app": { "image": "nginx:1" } } })
}

/// A cluster with a service.
pub(crate) fn site() -> Value {
    json!({
        "roles": { "execution": tasks() },
        "clusters": { "papyrus": { "capacity_providers": ["FARGATE", "FARGATE_SPOT"] } },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": { "web": task("execution") },
        "services": { "web": service() },
    })
}

/// A service of [`site`].
pub(crate) fn service() -> Value {
    json!({
        "cluster": "papyrus", "task_definition": "web", "desired_count": 1,
        "network": { "subnets": "default", "public_ip": true, "security_groups": ["papyrus"] },
    })
}

/// A policy document.
pub(crate) fn document() -> Value {
    let bucket = "arn:aws:s3:::papyrus/*";
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": bucket }] })
}
