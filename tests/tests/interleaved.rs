//! Two deploys of different containers and an apply of something else at the same moment: each ends with 0 or says why not, and no image
//! that a run has brought is lost.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::pipeline;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::full;
use hatoba_tests::torture::table::Table;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// What the service runs: the tags of both images, and the level.
fn runs(world: &World) -> BTreeMap<&'static str, String> {
    let ask = |action: &str, question: Value| world.aws("ecs", action, &question).unwrap().json().unwrap();
    let services = ask("DescribeServices", json!({ "cluster": "papyrus", "services": ["papyrus"] }));
    let revision = services["services"][0]["taskDefinition"].clone();
    let task = ask("DescribeTaskDefinition", json!({ "taskDefinition": revision }));
    let containers = task["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    let of = |name: &str| containers.iter().find(|container| container["name"] == name).unwrap().clone();
    let tag = |name: &str| of(name)["image"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let level = of("app")["environment"][0]["value"].as_str().unwrap().to_owned();
    [("app", tag("app")), ("side", tag("side")), ("level", level)].into()
}

/// Calls that take longer, which follows from the seed. Whoever follows a deployment looks late enough that nobody can be done with one
/// between the look and the call of somebody else: only ECS itself could keep that apart, and its deployments take minutes.
fn delays(seed: u64, world: &World) {
    let rule = |action: &str, millis, share| {
        Rule::on("ecs", action, Act::Delay(Duration::from_millis(millis))).probability(share)
    };
    let rules = vec![
        rule("DescribeServices", 150, 1.0),
        rule("Describe*", 60, 0.5),
        rule("Register*", 20, 0.5),
        rule("Register*", 300, 0.3),
        rule("List*", 100, 0.3),
    ];
    world.proxy().set_seeded_rules(rules, seed);
}

/// Ended with 0, or said that somebody else was faster.
fn judge(run: &Run) -> std::result::Result<bool, String> {
    let words: Vec<&str> = run.stderr.split_whitespace().collect();
    let said = words.join(" ");
    match run.code {
        Some(0) => Ok(true),
        Some(6) if said.contains("changed by someone else since this plan") => Ok(false),
        // Another one began with what this one had brought, and was faster than the look at the deployment.
        Some(5) if said.contains("was superseded") => Ok(false),
        _ => Err(format!("ended otherwise than with 0, or with 5 or 6 and the reason: {run:?}")),
    }
}

/// One interleaving; how many of the three ended with 0.
fn meet(world: &World, seed: u64, troubles: &mut Vec<String>) -> usize {
    let goal: BTreeMap<&str, String> =
        [("app", format!("a{seed}")), ("side", format!("s{seed}")), ("level", format!("l{seed}"))].into();
    world.write_stack(&pipeline::file(&goal["level"])).unwrap();
    let image = |name: &str| format!("{name}=public.ecr.aws/acme/papyrus:{}", goal[name]);
    let (app, side) = (image("app"), image("side"));
    let commands: [(&str, &[&str]); 3] = [
        ("app", &["deploy", "--image", &app, "--every", "50ms"]),
        ("side", &["deploy", "--image", &side, "--every", "50ms"]),
        ("level", &["apply", "--yes", "--every", "50ms"]),
    ];
    delays(seed, world);
    let ended: Vec<(&str, Run)> = thread::scope(|scope| {
        let started = commands.iter().zip(0_u64..).map(|((what, command), at)| {
            // One after the other comes when those before it are under way, or all come at once.
            thread::sleep(Duration::from_millis(if seed.is_multiple_of(3) { 0 } else { at * (seed * 83 % 500) / 2 }));
            (*what, scope.spawn(move || world.hatoba(command).unwrap()))
        });
        let started: Vec<_> = started.collect();
        started.into_iter().map(|(what, run)| (what, run.join().unwrap())).collect()
    });
    world.proxy().set_rules(Vec::new());
    let is = runs(world);
    let mut good = 0;
    for (what, run) in &ended {
        match judge(run) {
            Ok(true) if is[what] == goal[what] => good += 1,
            Ok(true) => troubles.push(format!("{what} is {} although {} was brought: {ended:?}", is[what], goal[what])),
            Ok(false) => {}
            Err(trouble) => troubles.push(trouble),
        }
    }
    // Those that stopped reach their goal alone, and the plan is empty after each.
    for (what, command) in commands.iter().filter(|(what, _)| is[what] != goal[what]) {
        let run = world.hatoba(command).unwrap();
        if run.code != Some(0) {
            troubles.push(format!("{what}, alone: {run:?}"));
        }
    }
    if runs(world) != goal {
        troubles.push(format!("the service runs {:?} instead of {goal:?}", runs(world)));
    }
    let plan = world.hatoba(&["plan", "--detailed-exitcode"]).unwrap();
    if plan.code != Some(0) {
        troubles.push(format!("the plan is not empty: {plan:?}"));
    }
    good
}

fn all(kind: Kind, seeds: u64) {
    let began = Instant::now();
    let world = World::new(kind).unwrap();
    world.write_stack(&pipeline::file("info")).unwrap();
    world.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
    let (mut good, mut troubles) = (0, Vec::new());
    for seed in 0..seeds {
        let mut here = Vec::new();
        good += meet(&world, seed, &mut here);
        troubles.extend(here.into_iter().map(|trouble| format!("seed {seed}: {trouble}")));
    }
    let mut table = Table::new(&["emulator", "interleavings", "runs", "ended with 0", "broken"]);
    let numbers = [seeds.to_string(), (3 * seeds).to_string(), good.to_string(), troubles.len().to_string()];
    table.row([kind.name().to_owned()].into_iter().chain(numbers).collect());
    println!("Two deploys and an apply at once, {:.0?}:\n{table}", began.elapsed());
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

#[test]
fn no_image_is_lost_on_ministack() {
    all(Kind::Ministack, if full() { 100 } else { 8 });
}

#[test]
fn no_image_is_lost_on_moto() {
    all(Kind::Moto, if full() { 40 } else { 5 });
}
