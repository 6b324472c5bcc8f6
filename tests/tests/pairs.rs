//! Two at once: two runs of the same stack, or a run and a pipeline. Neither does damage, nothing is made twice, each reaches its
//! goal or says what stopped it, and one more run converges.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use hatoba_tests::emulator::Kind;
use hatoba_tests::error::{HarnessError, Result};
use hatoba_tests::invocation::Run;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::full;
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::torture::journey::{Leg, forget, legs};
use hatoba_tests::torture::table::Table;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// How many interleavings are under way at once.
const WORKERS: usize = 3;

/// How long an apply may wait for what a destroy has taken away: two minutes are what something new is given to be found.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the pipeline deploys.
const DEPLOYED: &str = "public.ecr.aws/docker/library/httpd:2.4";

/// Whom an apply meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pair {
    SecondApply,
    Destroy,
    Deploy,
}

impl Pair {
    const ALL: [Self; 3] = [Self::SecondApply, Self::Destroy, Self::Deploy];

    fn name(self) -> &'static str {
        match self {
            Self::SecondApply => "apply and apply",
            Self::Destroy => "apply and destroy",
            Self::Deploy => "apply and a deploy from CI",
        }
    }
}

/// The states that pairs begin and end with.
struct Ways {
    /// The example, from nothing.
    example: Leg,
    /// The example with another size: the image stays the pipeline's.
    resized: Leg,
    /// What is there after each of them, undisturbed.
    after_example: Inventory,
    after_resized: Inventory,
    /// What stays after a destroy.
    after_destroy: Inventory,
}

/// An account with what the example takes for granted.
fn prepared(kind: Kind) -> World {
    let world = World::new(kind).unwrap();
    world.example_parameter().unwrap();
    world
}

impl Ways {
    fn of(kind: Kind) -> Self {
        let example = legs().unwrap()[0].clone();
        let file = example.file.replace("memory: 512", "memory: 1024");
        assert_ne!(file, example.file, "the example has another size now");
        let resized = Leg { name: "resized", command: "apply", file };
        let world = World::new(kind).unwrap();
        let after = |leg: &Leg| {
            leg.run(&world).unwrap();
            Inventory::of(&world).unwrap()
        };
        let (after_example, after_resized) = (after(&example), after(&resized));
        let after_destroy = after(&destroy(&resized));
        Self { example, resized, after_example, after_resized, after_destroy }
    }
}

fn destroy(leg: &Leg) -> Leg {
    Leg { name: "destroy", command: "destroy", file: leg.file.clone() }
}

/// How one interleaving ended.
struct Met {
    pair: Pair,
    seed: u64,
    /// How each run ended; none for the pipeline.
    codes: Vec<Option<i32>>,
    troubles: Vec<String>,
}

/// Calls that take longer, some of them much longer: which ones follows from the seed.
fn delays(seed: u64, world: &World) {
    let rule = |millis, share| Rule::any(Act::Delay(Duration::from_millis(millis))).probability(share);
    world.proxy().set_seeded_rules(vec![rule(10, 0.5), rule(60, 0.3), rule(250, 0.1)], seed);
}

/// How much later the second begins.
fn head_start(seed: u64) -> Duration {
    Duration::from_millis(seed * 83 % 700)
}

/// Runs both at once.
fn together<A, B>(seed: u64, world: &World, one: impl FnOnce() -> A + Send, two: impl FnOnce() -> B + Send) -> (A, B)
where
    A: Send,
    B: Send,
{
    delays(seed, world);
    let both = thread::scope(|scope| {
        let one = scope.spawn(one);
        // Twice in three times the second comes when the first is under way.
        thread::sleep(if seed.is_multiple_of(3) { Duration::ZERO } else { head_start(seed) });
        let two = two();
        (one.join().unwrap(), two)
    });
    world.proxy().set_rules(Vec::new());
    both
}

/// Both reach their goal, or stop because of the other one. What a destroy has taken away from under an apply is not always
/// seen before the call that needs it: then AWS says what is missing.
fn judge(run: &Run, against_destroy: bool, troubles: &mut Vec<String>) -> Option<i32> {
    let words: Vec<&str> = run.stderr.split_whitespace().collect();
    let said = words.join(" ");
    let stopped = match run.code {
        Some(0) => true,
        Some(6) => {
            let half_gone = against_destroy && said.contains("stands in the way; nothing was changed");
            half_gone || said.contains("changed by someone else since this plan")
        }
        Some(1) => {
            let told = ["To continue: hatoba ", "run it again: hatoba "].iter().any(|text| said.contains(text));
            against_destroy && told && (said.contains("✗ ") || said.contains("still there: "))
        }
        // The other one deployed while this one followed its own deployment, or took the service away.
        Some(5) => {
            said.contains("was superseded") || (against_destroy && said.contains("the service was deleted meanwhile"))
        }
        _ => false,
    };
    if !stopped {
        troubles.push(format!("ended otherwise than with 0, or with 5 or 6 and the reason: {run:?}"));
    }
    run.code
}

/// The run afterwards: it converges, and nothing is left to do or there too often.
fn afterwards(world: &World, leg: &Leg, goal: &Inventory, troubles: &mut Vec<String>) {
    world.proxy().clear_log();
    let run = leg.run(world);
    let calls = world.proxy().calls().iter().map(|call| call.to_json().to_string()).collect::<Vec<_>>().join("\n");
    let said = run.as_ref().map(|run| run.stdout.clone()).unwrap_or_default();
    let result = run.and_then(|_| leg.prove(world)).and_then(|()| Inventory::of(world));
    match result.map(|is| is.against(goal)) {
        Ok(difference) if difference.is_empty() => {}
        Ok(difference) => troubles.push(format!("after {} alone: {difference}", leg.name)),
        Err(error) => troubles.push(format!("{} alone: {error:?}\nit had said\n{said}\nand called\n{calls}", leg.name)),
    }
}

fn apply_and_apply(world: &World, ways: &Ways, seed: u64, troubles: &mut Vec<String>) -> Result<Vec<Option<i32>>> {
    let (leg, goal) = if seed.is_multiple_of(2) {
        ways.example.run(world)?;
        (&ways.resized, &ways.after_resized)
    } else {
        (&ways.example, &ways.after_example)
    };
    world.write("stack.yaml", &leg.file)?;
    let go = || world.hatoba(&["apply", "--yes"]);
    let (one, two) = together(seed, world, go, go);
    let codes = [one?, two?].iter().map(|run| judge(run, false, troubles)).collect();
    let extra = Inventory::of(world)?.against(goal).extra;
    if !extra.is_empty() {
        troubles.push(format!("made twice: {extra:?}"));
    }
    afterwards(world, leg, goal, troubles);
    Ok(codes)
}

fn apply_and_destroy(world: &World, ways: &Ways, seed: u64, troubles: &mut Vec<String>) -> Result<Vec<Option<i32>>> {
    ways.example.run(world)?;
    let leg = &ways.resized;
    world.write("stack.yaml", &leg.file)?;
    let go = |command| world.hatoba_command(&[command, "--yes"])?.limit(PATIENCE).run();
    let apply = || go("apply");
    let destroy_run = || go("destroy");
    let (one, two) = if seed.is_multiple_of(2) {
        together(seed, world, apply, destroy_run)
    } else {
        let (two, one) = together(seed, world, destroy_run, apply);
        (one, two)
    };
    let codes = [one?, two?].iter().map(|run| judge(run, true, troubles)).collect();
    if seed % 4 < 2 {
        // How many revisions there are depends on who came first.
        leg.run(world)?;
        leg.prove(world)?;
        let difference = Inventory::of(world)?.against(&ways.after_resized);
        let lost: Vec<_> = difference.missing.into_iter().filter(|thing| !thing.contains(" revision of ")).collect();
        if !(difference.extra.is_empty() && lost.is_empty()) {
            troubles.push(format!("after apply alone: too much: {:?}, missing: {lost:?}", difference.extra));
        }
    }
    afterwards(world, &destroy(leg), &ways.after_destroy, troubles);
    Ok(codes)
}

/// What a pipeline does: the latest revision with another image, and the service on it.
fn deploy(world: &World) -> Result<()> {
    let client = world.client();
    let call = |action, parameters: &Value| {
        let failed = |error| HarnessError::caused(format!("the deploy: {action}"), error);
        client.call("ecs", action, parameters).and_then(|answer| answer.ok()).map_err(failed)?.json()
    };
    let latest = call("DescribeTaskDefinition", &json!({ "taskDefinition": "papyrus" }))?;
    let members = [
        "family",
        "cpu",
        "memory",
        "networkMode",
        "requiresCompatibilities",
        "runtimePlatform",
        "executionRoleArn",
        "taskRoleArn",
        "containerDefinitions",
    ];
    let mut revision = json!({});
    for member in members {
        revision[member] = latest["taskDefinition"][member].clone();
    }
    revision["containerDefinitions"][0]["image"] = json!(DEPLOYED);
    let arn = call("RegisterTaskDefinition", &revision)?["taskDefinition"]["taskDefinitionArn"].clone();
    call("UpdateService", &json!({ "cluster": "papyrus", "service": "papyrus", "taskDefinition": arn }))?;
    Ok(())
}

/// Image and memory of the revision that the service is on, and of the latest one.
fn revisions(world: &World) -> Result<[(String, String); 2]> {
    let services = world.aws("ecs", "DescribeServices", &json!({ "cluster": "papyrus", "services": ["papyrus"] }))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |name: String| -> Result<(String, String)> {
        let answer = world.aws("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": name }))?.json()?;
        let task = &answer["taskDefinition"];
        Ok((text(&task["containerDefinitions"][0]["image"]), text(&task["memory"])))
    };
    Ok([of(text(&services.json()?["services"][0]["taskDefinition"]))?, of("papyrus".to_owned())?])
}

fn apply_and_deploy(world: &World, ways: &Ways, seed: u64, troubles: &mut Vec<String>) -> Result<Vec<Option<i32>>> {
    ways.example.run(world)?;
    let leg = &ways.resized;
    world.write("stack.yaml", &leg.file)?;
    let (deployed, applied) = together(seed, world, || deploy(world), || world.hatoba(&["apply", "--yes"]));
    if let Err(error) = deployed {
        troubles.push(format!("the pipeline failed: {error:?}"));
    }
    let code = judge(&applied?, false, troubles);
    leg.run(world)?;
    leg.prove(world)?;
    let goal = (DEPLOYED.to_owned(), "1024".to_owned());
    let is = revisions(world)?;
    if is.iter().any(|is| *is != goal) {
        troubles.push(format!("the service and the latest revision have {is:?} instead of {goal:?}"));
    }
    // The pipeline's own revision is one more. Where it had read the one before ours, and came after ours, one with both follows.
    let mut extra = Inventory::of(world)?.against(&ways.after_resized).extra;
    let explained = ["active revision of papyrus (3 instead of 2)", "active revision of papyrus (4 instead of 2)"];
    extra.retain(|thing| !explained.contains(&thing.as_str()));
    if !extra.is_empty() {
        troubles.push(format!("made twice: {extra:?}"));
    }
    afterwards(world, &destroy(leg), &ways.after_destroy, troubles);
    Ok(vec![code])
}

/// One interleaving in an account that is as good as new. Returns the account if it is so again afterwards.
fn meet(world: World, ways: &Ways, pair: Pair, seed: u64) -> (Met, Option<World>) {
    let mut troubles = Vec::new();
    let codes = match pair {
        Pair::SecondApply => apply_and_apply(&world, ways, seed, &mut troubles),
        Pair::Destroy => apply_and_destroy(&world, ways, seed, &mut troubles),
        Pair::Deploy => apply_and_deploy(&world, ways, seed, &mut troubles),
    };
    let codes = codes.unwrap_or_else(|error| {
        troubles.push(format!("{error:?}"));
        Vec::new()
    });
    let clean = |world: World| -> Result<Option<World>> {
        if pair == Pair::SecondApply {
            destroy(&ways.resized).run(&world)?;
        }
        forget(&world)?;
        let empty = Inventory::of(&world)?.things().next().is_none();
        Ok(empty.then_some(world))
    };
    let spare = if troubles.is_empty() { clean(world).unwrap() } else { None };
    (Met { pair, seed, codes, troubles }, spare)
}

fn all(kind: Kind, seeds: u64) {
    let began = Instant::now();
    let ways = Ways::of(kind);
    let tasks = Pair::ALL.into_iter().flat_map(|pair| (0..seeds).map(move |seed| (pair, seed)));
    let queue: Mutex<VecDeque<(Pair, u64)>> = Mutex::new(tasks.collect());
    let mut met = Vec::new();
    thread::scope(|scope| {
        let worker = || {
            let (mut met, mut spare) = (Vec::new(), None);
            loop {
                let Some((pair, seed)) = queue.lock().unwrap().pop_front() else { return met };
                let world = spare.take().unwrap_or_else(|| prepared(kind));
                let (one, left) = meet(world, &ways, pair, seed);
                met.push(one);
                spare = left;
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            met.extend(worker.join().unwrap());
        }
    });
    report(kind, &met, began);
}

fn report(kind: Kind, met: &[Met], began: Instant) {
    let mut table = Table::new(&[
        kind.name(),
        "interleavings",
        "runs that converged",
        "runs that stopped with 6",
        "other",
        "broken",
    ]);
    for pair in Pair::ALL {
        let here: Vec<&Met> = met.iter().filter(|met| met.pair == pair).collect();
        let mut codes: BTreeMap<Option<i32>, usize> = BTreeMap::new();
        here.iter().flat_map(|met| &met.codes).for_each(|code| *codes.entry(*code).or_default() += 1);
        let done = codes.remove(&Some(0)).unwrap_or_default();
        let stale = codes.remove(&Some(6)).unwrap_or_default();
        let broken = here.iter().filter(|met| !met.troubles.is_empty()).count();
        let other: usize = codes.values().sum();
        let counts = [here.len(), done, stale, other, broken].map(|count| count.to_string());
        table.row([pair.name().to_owned()].into_iter().chain(counts).collect());
    }
    println!("Two at once on {}, {:.0?}:\n{table}", kind.name(), began.elapsed());
    let broken: Vec<String> = met
        .iter()
        .filter(|met| !met.troubles.is_empty())
        .map(|met| format!("{}, seed {}:\n  {}", met.pair.name(), met.seed, met.troubles.join("\n  ")))
        .collect();
    assert!(broken.is_empty(), "{} of {} interleavings:\n{}", broken.len(), met.len(), broken.join("\n"));
}

#[test]
fn two_at_once_do_no_damage_on_ministack() {
    all(Kind::Ministack, if full() { 50 } else { 5 });
}

#[test]
fn two_at_once_do_no_damage_on_moto() {
    if full() {
        all(Kind::Moto, 10);
    }
}
