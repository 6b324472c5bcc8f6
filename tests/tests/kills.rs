//! A run that was killed anywhere is repeated, and the repetition reaches the goal: nothing twice, nothing left over.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use hatoba_tests::emulator::Kind;
use hatoba_tests::error::Result;
use hatoba_tests::proxy::Phase;
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::torture::journey::{Leg, forget, legs};
use hatoba_tests::torture::table::Table;
use hatoba_tests::torture::{full, reads};
use hatoba_tests::world::World;

/// How many journeys are under way at once.
const WORKERS: usize = 3;

/// How many more calls than the undisturbed run a leg may make: that depends a little on which answers come first.
const MARGIN: u64 = 3;

/// How often every leg is killed at least, also in the short version.
const LEAST: usize = 10;

/// A leg as it goes when nobody disturbs it.
struct Undisturbed {
    leg: Leg,
    /// How many calls it makes.
    calls: u64,
    /// How many of them are made before there is a plan.
    looks: u64,
    /// What is there afterwards.
    after: Inventory,
}

/// What went wrong at a point.
enum Trouble {
    Rerun(String),
    Plan(String),
    Duplicate(String),
    Leftover(String),
    Lost(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rerun(text) => write!(f, "the rerun failed: {text}"),
            Self::Plan(text) => write!(f, "the second plan is not empty: {text}"),
            Self::Duplicate(text) => write!(f, "too much: {text}"),
            Self::Leftover(text) => write!(f, "left over: {text}"),
            Self::Lost(text) => write!(f, "lost: {text}"),
        }
    }
}

/// A point of the matrix.
struct Point {
    leg: &'static str,
    /// `before 17 ecs:CreateCluster`.
    at: String,
    troubles: Vec<Trouble>,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}:", self.leg, self.at)?;
        self.troubles.iter().try_for_each(|trouble| write!(f, "\n  {trouble}"))
    }
}

fn undisturbed(kind: Kind) -> Vec<Undisturbed> {
    let world = World::new(kind).unwrap();
    let go = |leg: Leg| {
        let looks = leg.looks(&world).unwrap();
        world.proxy().clear_log();
        leg.run(&world).unwrap();
        let calls = world.proxy().calls().len();
        leg.prove(&world).unwrap();
        Undisturbed {
            leg,
            calls: u64::try_from(calls).unwrap(),
            looks: u64::try_from(looks).unwrap(),
            after: Inventory::of(&world).unwrap(),
        }
    };
    legs().unwrap().into_iter().map(go).collect()
}

/// Kills one leg at a call, repeats it, and looks what became of it. None when there is no such call.
fn point(world: &World, leg: &Leg, goal: &Inventory, k: u64, phase: Phase) -> Result<Option<Point>> {
    let killed = leg.prepare(world)?.kill_at(k, phase).run()?;
    if killed.signal.is_none() {
        killed.expect_code(0)?;
        return Ok(None);
    }
    let call = world.proxy().calls().into_iter().find(|call| call.seq == k);
    let name = call.map(|call| call.name()).unwrap_or_default();
    let mut troubles = Vec::new();
    if let Err(error) = leg.run(world) {
        troubles.push(Trouble::Rerun(format!("{error:?}")));
    } else {
        if let Err(error) = leg.prove(world) {
            troubles.push(Trouble::Plan(format!("{error:?}")));
        }
        let difference = Inventory::of(world)?.against(goal);
        let extra: fn(String) -> Trouble =
            if leg.command == "destroy" { Trouble::Leftover } else { Trouble::Duplicate };
        troubles.extend(difference.extra.into_iter().map(extra));
        troubles.extend(difference.missing.into_iter().map(Trouble::Lost));
    }
    let moment = match phase {
        Phase::Before => "before",
        Phase::After => "after",
    };
    Ok(Some(Point { leg: leg.name, at: format!("{moment} {k} {name}"), troubles }))
}

/// Whether a leg is killed at this call by the matrix itself; the looks have a cheaper test of their own.
fn is_killed(way: &Undisturbed, k: u64) -> bool {
    full() || (k > way.looks && way.leg.name != "putting back")
}

/// The legs of the journey with kills at the k-th call: from nothing through every leg that has such a call, and back.
fn way_through(ways: &[Undisturbed], k: u64) -> Vec<(&Undisturbed, Leg)> {
    let Some((back, there)) = ways.split_last() else { return Vec::new() };
    let has_it = |way: &Undisturbed| k <= way.calls + MARGIN && is_killed(way, k);
    let mut end = there.iter().rposition(has_it).unwrap_or(0);
    // A destroy of what a removal leaves would be a smaller one.
    if there.get(end).is_some_and(|way| way.leg.name == "removal") {
        end += 1;
    }
    let mut legs: Vec<_> = there.iter().take(end + 1).map(|way| (way, way.leg.clone())).collect();
    let file = legs.last().map(|(_, leg)| leg.file.clone()).unwrap_or_default();
    legs.push((back, Leg { file, ..back.leg.clone() }));
    legs
}

/// One account from nothing and back, every leg killed at its k-th call. Legs without such a call are run undisturbed.
/// Returns the account if it is as good as new afterwards.
fn journey(
    mut world: World,
    ways: &[Undisturbed],
    k: u64,
    phase: Phase,
    points: &mut Vec<Point>,
) -> Result<Option<World>> {
    let kind = world.lease().kind;
    let legs = way_through(ways, k);
    for (n, (way, leg)) in legs.iter().enumerate() {
        if k > way.calls + MARGIN || !is_killed(way, k) {
            leg.run(&world)?;
            continue;
        }
        let Some(point) = point(&world, leg, &way.after, k, phase)? else { continue };
        let troubled = !point.troubles.is_empty();
        points.push(point);
        if troubled && n + 1 == legs.len() {
            return Ok(None);
        }
        if troubled {
            // What comes next is not to suffer from it.
            world = World::new(kind)?;
            legs.iter().take(n + 1).try_for_each(|(_, leg)| leg.run(&world).map(drop))?;
        }
    }
    forget(&world)?;
    let left: Vec<String> = Inventory::of(&world)?.things().map(str::to_owned).collect();
    Ok(left.is_empty().then_some(world))
}

/// Kills every leg during its first look. Nothing has been written then, so that the repetition is an undisturbed run.
fn looks(world: &World, ways: &[Undisturbed], points: &mut Vec<Point>) -> Result<()> {
    for way in ways {
        let before = Inventory::of(world)?;
        for k in 1..=way.looks {
            // Before or after a read is the same to the account; the complete version does both.
            let killed = way.leg.prepare(world)?.kill_at(k, Phase::After).run()?;
            let calls = world.proxy().calls();
            let mut troubles = Vec::new();
            if killed.signal != Some(9) || calls.iter().any(|call| !reads(&call.action)) {
                troubles.push(Trouble::Rerun(format!("not killed while it looked: {killed:?} {calls:?}")));
            }
            points.push(Point { leg: way.leg.name, at: format!("after {k}, looking"), troubles });
        }
        let difference = Inventory::of(world)?.against(&before);
        if !difference.is_empty() {
            let troubles = vec![Trouble::Rerun(format!("killed looks changed something: {difference}"))];
            points.push(Point { leg: way.leg.name, at: "looking".to_owned(), troubles });
        }
        way.leg.run(world)?;
    }
    Ok(())
}

/// What a worker takes on.
#[derive(Clone, Copy)]
enum Task {
    Looks,
    Journey(u64, Phase),
}

fn matrix(kind: Kind, step: usize) {
    let began = Instant::now();
    let ways = undisturbed(kind);
    let most = ways.iter().map(|way| way.calls).max().unwrap();
    let first = if full() { 1 } else { ways.iter().map(|way| way.looks).min().unwrap() + 1 };
    let ks = (first..=most + MARGIN).step_by(if full() { 1 } else { step });
    let journeys = ks.flat_map(|k| [Task::Journey(k, Phase::Before), Task::Journey(k, Phase::After)]);
    let looking = (!full()).then_some(Task::Looks);
    let queue: Mutex<VecDeque<Task>> = Mutex::new(looking.into_iter().chain(journeys).collect());
    let mut points = Vec::new();
    thread::scope(|scope| {
        let worker = || {
            let (mut points, mut spare) = (Vec::new(), None);
            loop {
                let Some(task) = queue.lock().unwrap().pop_front() else { return points };
                // moto reads all of AWS's policies for each new account, which takes seconds.
                let world = spare.take().unwrap_or_else(|| World::new(kind).unwrap());
                match task {
                    Task::Looks => looks(&world, &ways, &mut points).unwrap(),
                    Task::Journey(k, phase) => spare = journey(world, &ways, k, phase, &mut points).unwrap(),
                }
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            points.extend(worker.join().unwrap());
        }
    });
    report(kind, &ways, &points, began);
}

fn report(kind: Kind, ways: &[Undisturbed], points: &[Point], began: Instant) {
    let mut table = Table::new(&[
        kind.name(),
        "calls",
        "points tried",
        "reruns failed",
        "second plans not empty",
        "duplicates",
        "left over",
        "lost",
    ]);
    let mut broken = Vec::new();
    for way in ways {
        let here: Vec<&Point> = points.iter().filter(|point| point.leg == way.leg.name).collect();
        assert!(here.len() >= LEAST, "{} was killed only {} times", way.leg.name, here.len());
        let count = |which: fn(&Trouble) -> bool| {
            here.iter().filter(|point| point.troubles.iter().any(which)).count().to_string()
        };
        table.row(vec![
            way.leg.name.to_owned(),
            way.calls.to_string(),
            here.len().to_string(),
            count(|trouble| matches!(trouble, Trouble::Rerun(_))),
            count(|trouble| matches!(trouble, Trouble::Plan(_))),
            count(|trouble| matches!(trouble, Trouble::Duplicate(_))),
            count(|trouble| matches!(trouble, Trouble::Leftover(_))),
            count(|trouble| matches!(trouble, Trouble::Lost(_))),
        ]);
        broken.extend(here.into_iter().filter(|point| !point.troubles.is_empty()));
    }
    println!("Killed and run again on {}, {:.0?}:\n{table}", kind.name(), began.elapsed());
    let told: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{} of {} points:\n{}", broken.len(), points.len(), told.join("\n"));
}

#[test]
fn a_killed_run_is_repeated_and_reaches_the_goal_on_ministack() {
    matrix(Kind::Ministack, 1);
}

#[test]
fn a_killed_run_is_repeated_and_reaches_the_goal_on_moto() {
    matrix(Kind::Moto, 7);
}
