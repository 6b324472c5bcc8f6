//! Ctrl-C and SIGTERM at any moment of an apply: the first lets running calls finish, the second leaves at once, and the next
//! run converges after either.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::error::Result;
use hatoba_tests::invocation::{Run, Signal};
use hatoba_tests::proxy::{Act, CallRecord, Rule};
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::torture::journey::{Leg, legs};
use hatoba_tests::torture::table::Table;
use hatoba_tests::torture::{full, reads};
use hatoba_tests::world::World;

/// How long each call takes at least.
const LATENCY: Duration = Duration::from_millis(200);
/// How much longer than it should anything may take on a busy machine.
const SLACK: Duration = Duration::from_millis(400);
/// How much longer writes take where a second signal comes while they are under way.
const WRITES: Duration = Duration::from_secs(3);
/// How long after the first signal the second one comes: what comes sooner counts as the same one.
const LATER: Duration = Duration::from_millis(500);
/// How long after the start the first signal comes at the earliest: signals are heard by then.
const EARLIEST: Duration = Duration::from_millis(150);
const WORKERS: usize = 3;

/// One interrupted run.
struct Case {
    signal: Signal,
    /// How long after the first signal the second one comes.
    second: Option<Duration>,
    /// When the first one comes, as a share of the undisturbed run.
    share: f64,
}

/// What is seen when nobody interrupts.
struct Usual {
    leg: Leg,
    took: Duration,
    /// With writes that take longer.
    took_slow: Duration,
    after: Inventory,
}

impl Usual {
    fn of(kind: Kind) -> Self {
        let leg = legs().unwrap()[0].clone();
        let world = world(kind, false);
        let took = leg.run(&world).unwrap().elapsed;
        let after = Inventory::of(&world).unwrap();
        let took_slow = leg.run(&self::world(kind, true)).unwrap().elapsed;
        Self { leg, took, took_slow, after }
    }
}

fn world(kind: Kind, slow: bool) -> World {
    let world = World::new(kind).unwrap();
    world.proxy().set_latency(LATENCY);
    if slow {
        let delay = |action| Rule { service: None, ..Rule::on("", action, Act::Delay(WRITES)) };
        let begins = ["Create*", "Put*", "Attach*", "Register*", "Authorize*", "Revoke*"];
        world.proxy().set_rules(begins.into_iter().map(delay).collect());
    }
    world
}

/// Whether an action begins something new.
fn begins(call: &CallRecord) -> bool {
    ["Create", "Register"].iter().any(|begin| call.action.starts_with(begin))
}

fn interrupted(kind: Kind, usual: &Usual, case: &Case) -> Result<(bool, Vec<String>)> {
    let world = world(kind, case.second.is_some());
    let mut troubles = Vec::new();
    let whole = if case.second.is_some() { usual.took_slow } else { usual.took };
    let at = EARLIEST + whole.saturating_sub(EARLIEST).mul_f64(case.share);
    let mut invocation = usual.leg.prepare(&world)?.signal_at(at, case.signal);
    if let Some(later) = case.second {
        invocation = invocation.signal_at(at + later, case.signal);
    }
    let began = world.proxy().now();
    let run = invocation.run()?;
    let calls = world.proxy().calls();
    let wrote = calls.iter().any(|call| !reads(&call.action));
    let ended = run.code == Some(0);
    if !ended {
        match case.second {
            None => first(&run, &calls, began + at, at, &mut troubles),
            Some(later) => second(&run, at + later, &mut troubles),
        }
    } else if run.elapsed > at + SLACK {
        // What was under way when the signal came may have been the last of all.
        let begun = calls.iter().filter(|call| begins(call) && call.start > began + at + SLACK).count();
        if begun > 0 {
            troubles.push(format!("went on as if nothing had been said: {run:?}"));
        }
    }
    world.proxy().set_rules(Vec::new());
    world.proxy().settle(Duration::from_secs(20))?;
    usual.leg.run(&world)?;
    usual.leg.prove(&world)?;
    let difference = Inventory::of(&world)?.against(&usual.after);
    if !difference.is_empty() {
        troubles.push(format!("after the next run: {difference}"));
    }
    Ok((wrote && !ended, troubles))
}

/// After one signal: nothing new begins, nothing is cut off, it is told how to continue.
fn first(run: &Run, calls: &[CallRecord], signal: Duration, at: Duration, troubles: &mut Vec<String>) {
    if run.code != Some(130) {
        troubles.push(format!("ended otherwise than with 130: {run:?}"));
    }
    // A step that has begun looks first, and then makes its call.
    let late: Vec<String> = calls
        .iter()
        .filter(|call| begins(call) && call.start > signal + LATENCY + SLACK)
        .map(|call| format!("{} {:?} after the signal", call.name(), call.start.saturating_sub(signal)))
        .collect();
    if !late.is_empty() {
        troubles.push(format!("begun after the signal: {late:?}"));
    }
    let wrote = calls.iter().any(|call| !reads(&call.action));
    let cut: Vec<String> = calls.iter().filter(|call| call.status.is_none()).map(CallRecord::name).collect();
    if wrote && !cut.is_empty() {
        troubles.push(format!("not let finish: {cut:?}"));
    }
    // The longest step that was under way: a role with all that belongs to it.
    if run.elapsed > at + 6 * LATENCY + 2 * SLACK {
        troubles.push(format!("went on for {:?} after the signal: {run:?}", run.elapsed.saturating_sub(at)));
    }
    let words: Vec<&str> = run.stderr.split_whitespace().collect();
    if wrote && !words.join(" ").contains("hatoba apply") {
        troubles.push(format!("does not say how to continue: {run:?}"));
    }
}

/// After two signals: it is gone, whatever was under way.
fn second(run: &Run, at: Duration, troubles: &mut Vec<String>) {
    if run.code != Some(130) {
        troubles.push(format!("ended otherwise than with 130: {run:?}"));
    }
    if run.elapsed > at + SLACK {
        troubles.push(format!("stayed {:?} after the second signal: {run:?}", run.elapsed.saturating_sub(at)));
    }
}

fn cases() -> Vec<Case> {
    let count: u32 = if full() { 25 } else { 5 };
    let mut cases = Vec::new();
    for n in 0..count {
        // The golden ratio spreads moments evenly, however many there are.
        let share = (0.31 + f64::from(n) * 0.618_034).fract();
        for signal in [Signal::Int, Signal::Term] {
            cases.push(Case { signal, second: None, share });
        }
        let signal = if n % 2 == 0 { Signal::Int } else { Signal::Term };
        cases.push(Case { signal, second: Some(LATER), share });
    }
    cases
}

#[test]
fn an_interrupt_leaves_a_state_from_which_the_next_run_converges() {
    let kind = Kind::Ministack;
    let usual = Usual::of(kind);
    let queue: Mutex<VecDeque<Case>> = Mutex::new(cases().into());
    let mut results = Vec::new();
    thread::scope(|scope| {
        let worker = || {
            let mut results = Vec::new();
            loop {
                let Some(case) = queue.lock().unwrap().pop_front() else { return results };
                let result = interrupted(kind, &usual, &case);
                let (midway, troubles) = result.unwrap_or_else(|error| (false, vec![format!("{error:?}")]));
                results.push((case, midway, troubles));
            }
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            results.extend(worker.join().unwrap());
        }
    });
    let mut table = Table::new(&["signal", "moments", "in the middle of writes", "broken"]);
    let rows = [
        ("SIGINT", Signal::Int, false),
        ("SIGTERM", Signal::Term, false),
        ("SIGINT twice", Signal::Int, true),
        ("SIGTERM twice", Signal::Term, true),
    ];
    for (name, signal, twice) in rows {
        let here: Vec<_> =
            results.iter().filter(|(case, ..)| case.signal == signal && case.second.is_some() == twice).collect();
        let midway = here.iter().filter(|(_, midway, _)| *midway).count();
        let broken = here.iter().filter(|(.., troubles)| !troubles.is_empty()).count();
        assert!(midway > 0 || !broken.eq(&0), "{name} never came while something was being written");
        table.row([name.to_owned()].into_iter().chain([here.len(), midway, broken].map(|n| n.to_string())).collect());
    }
    println!("Interrupted on {}:\n{table}", kind.name());
    let broken: Vec<String> = results
        .iter()
        .filter(|(.., troubles)| !troubles.is_empty())
        .map(|(case, _, troubles)| {
            format!("{:?} at {:.2}, second {:?}:\n  {}", case.signal, case.share, case.second, troubles.join("\n  "))
        })
        .collect();
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}
