//! Throttles, failures of the service, and calls that are lost on the way: a run finishes all the same, and in bounded time.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::thread;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::error::Result;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::backoff::owed;
use hatoba_tests::torture::full;
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::torture::journey::{Leg, legs};
use hatoba_tests::torture::table::Table;
use hatoba_tests::world::World;
use serde_json::json;

/// How often the undisturbed run is measured.
const MEASURES: usize = 3;

/// What a machine that does other things at the same time may add.
const OTHERS: Duration = Duration::from_secs(1);

/// What happens to calls, and to what share of them.
struct Weather {
    name: &'static str,
    faults: Vec<(Act, f64)>,
}

fn weathers() -> Vec<Weather> {
    let one = |name, act, share| Weather { name, faults: vec![(act, share)] };
    let all = vec![(Act::Throttle, 0.3), (Act::Fail(503), 0.1), (Act::DropRequest, 0.1), (Act::DropReply, 0.1)];
    vec![
        one("throttled 30 %", Act::Throttle, 0.3),
        one("503 10 %", Act::Fail(503), 0.1),
        one("requests lost 10 %", Act::DropRequest, 0.1),
        one("replies lost 10 %", Act::DropReply, 0.1),
        Weather { name: "all mixed", faults: all },
    ]
}

/// A command under faults.
struct Measured {
    wall: Duration,
    rests: Duration,
    calls: usize,
    faults: usize,
}

fn measure(world: &World, leg: &Leg) -> Result<Measured> {
    world.write("stack.yaml", &leg.file)?;
    world.proxy().clear_log();
    let run = world.hatoba(&[leg.command, "--yes", "-v"])?.expect_code(0)?;
    let calls = world.proxy().calls();
    let faults = calls.iter().filter(|call| call.fault.is_some()).count();
    Ok(Measured { wall: run.elapsed, rests: owed(&run, &calls), calls: calls.len(), faults })
}

/// An account in which nothing is done for the first time: moto reads all of AWS's policies then.
fn account(kind: Kind) -> Result<World> {
    let world = World::new(kind)?;
    world.example_parameter()?;
    world.aws("iam", "GetAccountAuthorizationDetails", &json!({}))?;
    Ok(world)
}

/// The usual wall time of each command, with as many at once as will be compared with it.
fn undisturbed(kind: Kind, legs: &[Leg; 2], at_once: usize) -> [(Duration, Inventory); 2] {
    let one = || {
        let world = account(kind).unwrap();
        legs.each_ref().map(|leg| (measure(&world, leg).unwrap().wall, Inventory::of(&world).unwrap()))
    };
    let rounds = (0..MEASURES).map(|_| {
        thread::scope(|scope| {
            let running: Vec<_> = (0..at_once).map(|_| scope.spawn(one)).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    });
    let runs: Vec<[(Duration, Inventory); 2]> = rounds.flatten().collect();
    [0, 1].map(|n| {
        let mut walls: Vec<Duration> = runs.iter().map(|run| run[n].0).collect();
        walls.sort_unstable();
        (walls[walls.len() / 2], runs[0][n].1.clone())
    })
}

/// Applies and destroys in one weather; what is wrong with the result.
fn ordeal(
    kind: Kind,
    legs: &[Leg; 2],
    usual: &[(Duration, Inventory); 2],
    weather: &Weather,
    seed: u64,
    rows: &mut Vec<Vec<String>>,
) -> Result<Vec<String>> {
    let world = account(kind)?;
    let mut broken = Vec::new();
    for (leg, (usual, there)) in legs.iter().zip(usual) {
        let rules = weather.faults.iter().map(|(act, share)| Rule::any(act.clone()).probability(*share)).collect();
        world.proxy().set_seeded_rules(rules, seed);
        let measured = measure(&world, leg);
        world.proxy().set_rules(Vec::new());
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => {
                broken.push(format!("{error:?}"));
                return Ok(broken);
            }
        };
        if let Err(error) = leg.prove(&world) {
            broken.push(format!("the second plan: {error:?}"));
        }
        let difference = Inventory::of(&world)?.against(there);
        if !difference.is_empty() {
            broken.push(format!("after {}: {difference}", leg.command));
        }
        if measured.faults == 0 {
            broken.push(format!("nothing was disturbed in the {}", leg.command));
        }
        let limit = 2 * *usual + measured.rests + OTHERS;
        if measured.wall > limit {
            broken.push(format!("{} took {:?}, more than {limit:?}", leg.command, measured.wall));
        }
        let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
        let net = measured.wall.saturating_sub(measured.rests).as_secs_f64() / usual.as_secs_f64();
        rows.push(vec![
            weather.name.to_owned(),
            leg.command.to_owned(),
            seed.to_string(),
            measured.calls.to_string(),
            measured.faults.to_string(),
            seconds(*usual),
            seconds(measured.wall),
            seconds(measured.rests),
            format!("{net:.2}"),
        ]);
    }
    Ok(broken)
}

fn ordeals(kind: Kind) {
    let legs = legs().unwrap();
    let there = legs[0].clone();
    let back = Leg { file: there.file.clone(), ..legs.last().unwrap().clone() };
    let both = [there, back];
    let seeds = if full() { 1..=5 } else { 1..=2 };
    let (alone, together) = (undisturbed(kind, &both, 1), undisturbed(kind, &both, seeds.clone().count()));
    let headings =
        ["weather", "command", "seed", "calls", "faults", "usual s", "took s", "rests s", "(took - rests) / usual"];
    let go = |weather: &Weather, usual: &[(Duration, Inventory); 2], seed: u64| {
        let mut rows = Vec::new();
        let problems = ordeal(kind, &both, usual, weather, seed, &mut rows).unwrap();
        let told = |problem| format!("{}, seed {seed}: {problem}", weather.name);
        (rows, problems.into_iter().map(told).collect())
    };
    let mut weathers = weathers();
    let mixed = weathers.pop().unwrap();
    // What takes a second or a few is measured alone; all mixed mostly waits for its rests, so its seeds go side by side.
    let mut results: Vec<(Vec<Vec<String>>, Vec<String>)> = weathers
        .iter()
        .flat_map(|weather| seeds.clone().map(|seed| go(weather, &alone, seed)).collect::<Vec<_>>())
        .collect();
    results.extend(thread::scope(|scope| {
        let (go, mixed, together) = (&go, &mixed, &together);
        let running: Vec<_> = seeds.clone().map(|seed| scope.spawn(move || go(mixed, together, seed))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    }));
    let mut table = Table::new(&headings);
    let mut broken = Vec::new();
    for (rows, problems) in results {
        rows.into_iter().for_each(|row| table.row(row));
        broken.extend(problems);
    }
    println!("Under faults on {}:\n{table}", kind.name());
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_run_finishes_in_every_weather() {
    ordeals(Kind::Ministack);
    if full() {
        ordeals(Kind::Moto);
    }
}
