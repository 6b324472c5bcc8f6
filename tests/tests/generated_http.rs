//! Generated stacks over HTTP: built, found unchanged, taken down, nothing of them left. `HATOBA_CASES` sets how many for
//! each emulator, `HATOBA_SEED` the first.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::atomic::{AtomicU64, Ordering};

use hatoba_engine::plan::Intent;
use hatoba_simcloud::generate::{Generated, Options};
use hatoba_tests::converge::{Session, brief};
use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;
use serde_json::json;

/// How many stacks each emulator is given.
const CASES: u64 = 40;
/// How many are under way at once: the emulators answer one call after another anyway.
const AT_ONCE: usize = 4;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// Builds a stack and takes it down; the error says where it broke.
async fn live(session: &Session, seed: u64) -> Result<(), String> {
    let options = Options { stack: format!("gen-{seed}"), for_emulator: true };
    let text = Generated::new(seed, &options).yaml();
    let stack = session.read(&text)?;
    let step = |what: &'static str| {
        let text = &text;
        move |problem: String| format!("{what}: {problem}\n{text}")
    };
    session.apply(&stack, Intent::Present).await.map_err(step("apply"))?;
    let again = session.plan(&stack, Intent::Present).await.map_err(step("plan after apply"))?;
    if !again.is_empty() {
        return Err(format!("not empty after apply: {:#?}\n{text}", brief(&again)));
    }
    session.apply(&stack, Intent::Absent).await.map_err(step("destroy"))?;
    let left = session.plan(&stack, Intent::Absent).await.map_err(step("plan after destroy"))?;
    if !left.steps.is_empty() {
        return Err(format!("left after destroy: {:#?}\n{text}", brief(&left)));
    }
    Ok(())
}

/// Makes what the generated stacks use of others.
fn theirs(world: &World) {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    world.aws("iam", "CreateRole", &json!({ "RoleName": "theirs", "AssumeRolePolicyDocument": trust })).unwrap();
    world.aws("ecs", "CreateCluster", &json!({ "clusterName": "theirs" })).unwrap();
    let task = json!({
        "family": "theirs", "networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{ "name": "app", "image": "nginx", "essential": true }],
    });
    for _ in 0..3 {
        world.aws("ecs", "RegisterTaskDefinition", &task).unwrap();
    }
}

fn run(kind: Kind) {
    // One account for all: an account is costly in moto.
    let world = World::new(kind).unwrap();
    theirs(&world);
    let first = number("HATOBA_SEED", 0);
    let last = first + number("HATOBA_CASES", CASES);
    let next = AtomicU64::new(first);
    let broken: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let session = runtime.block_on(Session::open(world.lease(), &world.endpoint())).unwrap();
                    let mut broken = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= last {
                            return broken;
                        }
                        if let Err(problem) = runtime.block_on(live(&session, seed)) {
                            broken.push(format!("seed {seed} on {}: {problem}", kind.name()));
                        }
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "{} of {} broke:\n{}", broken.len(), last - first, broken.join("\n\n"));
}

#[test]
fn generated_stacks_converge_on_ministack() {
    run(Kind::Ministack);
}

#[test]
fn generated_stacks_converge_on_moto() {
    run(Kind::Moto);
}
