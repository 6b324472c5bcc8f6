//! Convergence from any state: random stacks, random remains, random faults, kills, other hands and second runs, all on a
//! virtual clock, and after every run what must always hold. `HATOBA_CASES` sets how many cases; `HATOBA_SEED` the first seed.
//! A broken promise is printed as a scenario; committed under `tests/scenarios`, it is played by every run of the tests.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "the figures go into docs/reliability.md")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use hatoba_simcloud::scenario::Scenario;
use hatoba_simcloud::scenario::draw::{Pair, SHARED, scenario};
use hatoba_simcloud::scenario::figures::{Broken, Figures};
use hatoba_simcloud::scenario::files::Files;
use hatoba_simcloud::scenario::play::play;
use hatoba_simcloud::scenario::shrink::shrink;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// Broken promises with the seeds of their cases.
type Found = BTreeMap<&'static str, Vec<(u64, Broken)>>;

/// Plays every case of a range, side by side; stops at the first broken promise unless there are to be more.
fn cases(first: u64, count: u64) -> (Figures, Found) {
    let all = number("HATOBA_KEEP_GOING", 0) > 0;
    let next = AtomicU64::new(first / SHARED);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Figures::default());
    let found: Mutex<Found> = Mutex::default();
    let end = first + count;
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let group = next.fetch_add(1, Ordering::Relaxed) * SHARED;
                    if group >= end {
                        return;
                    }
                    let pair = Pair::new(group).unwrap();
                    for seed in group.max(first)..(group + SHARED).min(end) {
                        match play(&scenario(seed, &pair), &pair.files) {
                            Ok(figures) => *total.lock().unwrap() += figures,
                            Err(broken) => {
                                stop.store(!all, Ordering::Relaxed);
                                found.lock().unwrap().entry(broken.promise).or_default().push((seed, broken));
                            }
                        }
                    }
                }
            });
        }
    });
    (total.into_inner().unwrap(), found.into_inner().unwrap())
}

#[test]
fn whatever_happened_the_next_run_gets_there() {
    let (first, count) = (number("HATOBA_SEED", 0), number("HATOBA_CASES", 2_000));
    let start = Instant::now();
    let (figures, found) = cases(first, count);
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} cases from seed {first} in {seconds:.1} s, {:.0} a second: {figures:#?}", count as f64 / seconds);
    if found.is_empty() {
        return;
    }
    for (promise, all) in &found {
        let seeds: Vec<u64> = all.iter().map(|(seed, _)| *seed).take(10).collect();
        println!("{}: {} times, as with the seeds {seeds:?}", promise, all.len());
    }
    for all in found.values() {
        let Some((seed, broken)) = all.first() else { continue };
        let small = shrink(&scenario(*seed, &Pair::new(*seed).unwrap()), broken);
        let files = Files::new(small.files.clone()).unwrap();
        let now = play(&small, &files).err().map(|broken| broken.to_string()).unwrap_or_default();
        println!("--- seed {seed}: {now}\n--- to be committed under tests/scenarios:\n{small}---");
    }
    panic!("{} cases broke a promise", found.values().map(Vec::len).sum::<usize>());
}

#[test]
fn every_recorded_scenario_keeps_its_promises() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario: Scenario = text.parse().unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        assert_eq!(scenario.to_string(), text, "{} is not written as it would be printed", path.display());
        let files =
            Files::new(scenario.files.clone()).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        if let Err(broken) = play(&scenario, &files) {
            panic!("{}: {broken}", path.display());
        }
    }
}

#[test]
fn a_scenario_is_read_as_it_is_written_and_always_ends_the_same() {
    for seed in 0..40 {
        let pair = Pair::new(seed).unwrap();
        let scenario = scenario(seed, &pair);
        assert_eq!(scenario.to_string().parse::<Scenario>().unwrap(), scenario, "seed {seed}");
        assert_eq!(play(&scenario, &pair.files), play(&scenario, &pair.files), "seed {seed}");
    }
}
