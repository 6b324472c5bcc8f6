//! Whatever valid stack there is: it is built, found unchanged, changed into another, and taken down again.
//! `HATOBA_CASES` sets how many stacks; `HATOBA_SEED` the first seed, to look at one again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hatoba_engine::cloud::Cloud;
use hatoba_engine::desired::Goal;
use hatoba_engine::lint::lint;
use hatoba_engine::plan::{Intent, Plan, Step, plan};
use hatoba_engine::snapshot::Snapshot;
use hatoba_engine::value::Fields;
use hatoba_model::stack::Stack;
use hatoba_provider::desire::goal;
use hatoba_simcloud::generate::{Generated, Options, Rng};
use hatoba_simcloud::script::{brief, carry_out, facts, read};
use hatoba_simcloud::world::World;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    let first = number("HATOBA_SEED", 0);
    first..first + number("HATOBA_CASES", usual)
}

fn options(for_emulator: bool) -> Options {
    Options { stack: "papyrus".to_owned(), for_emulator }
}

fn load(seed: u64, generated: &Generated) -> Stack {
    let text = generated.yaml();
    read(&text, None, &facts().unwrap())
        .unwrap_or_else(|problems| panic!("seed {seed} is no valid stack:\n{problems}\n{text}"))
}

/// What is planned, checked by the lint.
async fn look(world: &World, goal: &Goal, intent: Intent) -> (Snapshot, Plan) {
    let seen = world.survey(goal).await;
    let plan = plan(goal, &seen, intent).unwrap();
    let findings = lint(goal, &seen, &plan);
    assert!(findings.is_empty(), "lint: {findings:?} in\n{}", brief(&plan));
    (seen, plan)
}

/// A plan's steps without what they were made from.
fn steps(plan: &Plan) -> String {
    let step =
        |step: &Step| format!("{:?}", (&step.address, &step.name, &step.act, &step.why, &step.changes, &step.after));
    let steps: Vec<String> = plan.steps.iter().map(step).collect();
    format!("{steps:?} {:?} {:?} {:?} {:?}", plan.refusals, plan.notes, plan.unchanged, plan.unknown)
}

/// Whether a plan does not depend on the order in which things were seen.
fn is_the_same_in_any_order(goal: &Goal, mut seen: Snapshot, before: &Plan, rng: &mut Rng) -> bool {
    for at in (1..seen.seen.len()).rev() {
        seen.seen.swap(at, rng.below(at + 1));
    }
    steps(before) == steps(&plan(goal, &seen, before.intent).unwrap())
}

/// Plans, carries out, and insists that nothing is left to do.
async fn converge(world: &World, seed: u64, stack: &Stack, intent: Intent, text: &dyn Fn() -> String) {
    world.set_stack(stack);
    let mut goal = goal(stack, world.facts());
    goal.content = intent == Intent::Absent;
    let (seen, planned) = look(world, &goal, intent).await;
    let shown = || format!("{}\n{}", brief(&planned), text());
    assert!(planned.refusals.is_empty(), "seed {seed}: refused:\n{}", shown());
    assert!(
        is_the_same_in_any_order(&goal, seen, &planned, &mut Rng::new(seed)),
        "seed {seed}: depends on the order of sightings:\n{}",
        shown()
    );
    let outcome = carry_out(&planned, world).await;
    let failed: Vec<String> =
        outcome.failed().map(|(id, error)| format!("{}: {error}", planned.steps.get(id).unwrap().address)).collect();
    assert!(outcome.is_complete(), "seed {seed}: {failed:?} in\n{}", shown());
    let (_, again) = look(world, &goal, intent).await;
    let nothing = again.steps.is_empty() && again.refusals.is_empty() && again.unknown.is_empty();
    assert!(nothing, "seed {seed}: not empty after apply:\n{}\nafter\n{}", brief(&again), shown());
    if intent == Intent::Present {
        let unchanged: BTreeSet<_> = again.unchanged.iter().collect();
        let missing: Vec<_> = goal.resources.keys().filter(|address| !unchanged.contains(address)).collect();
        assert!(missing.is_empty(), "seed {seed}: nothing is said about {missing:?}");
    }
}

fn put_existing(world: &World, generated: &Generated) {
    for (section, name) in generated.existing() {
        let kind = Stack::kind_of(section).unwrap();
        if !world.things().iter().any(|thing| thing.kind.name == kind && thing.name == name) {
            assert!(world.put(kind, &name, Fields::new()));
        }
    }
}

/// Runs something for every seed, side by side.
fn each_seed(usual: u64, run: impl Fn(u64) + Sync) {
    let range = seeds(usual);
    let next = AtomicU64::new(range.start);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= range.end {
                        return;
                    }
                    run(seed);
                }
            });
        }
    });
}

#[test]
fn every_generated_stack_is_valid_and_the_same_for_the_same_seed() {
    let kinds = Mutex::new(BTreeSet::new());
    each_seed(1000, |seed| {
        let generated = Generated::new(seed, &options(seed % 2 == 0));
        assert_eq!(generated.yaml(), Generated::new(seed, &options(seed % 2 == 0)).yaml());
        load(seed, &generated).each(&mut |address, _, _, _| {
            kinds.lock().unwrap().insert(address.kind);
        });
        load(seed, &generated.vary(seed));
    });
    if seeds(1000).count() > 100 {
        let all: BTreeSet<_> = Stack::SECTIONS.iter().filter_map(|section| Stack::kind_of(section)).collect();
        assert_eq!(kinds.into_inner().unwrap(), all, "not every kind was generated");
    }
}

/// Builds a stack, changes it into another, and takes it down.
async fn live(seed: u64) {
    let world = World::new(facts().unwrap());
    let first = Generated::new(seed, &options(false));
    put_existing(&world, &first);
    converge(&world, seed, &load(seed, &first), Intent::Present, &|| first.yaml()).await;

    let second = first.vary(seed.wrapping_add(1));
    put_existing(&world, &second);
    let stack = load(seed, &second);
    converge(&world, seed, &stack, Intent::Present, &|| format!("{}\n--- becomes\n{}", first.yaml(), second.yaml()))
        .await;

    converge(&world, seed, &stack, Intent::Absent, &|| second.yaml()).await;
    let left: Vec<String> =
        world.things().iter().filter(|thing| thing.mark().is_some()).map(|thing| thing.name.clone()).collect();
    assert!(left.is_empty(), "seed {seed}: left after destroy: {left:?}\n{}", second.yaml());
}

#[test]
fn generated_stacks_are_built_changed_and_taken_down() {
    each_seed(500, |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(seed));
    });
}
