//! Scenarios by chance.

use hatoba_engine::plan::Intent;
use hatoba_model::address::Address;
use hatoba_model::stack::Stack;

use super::files::Files;
use super::hand::{Deed, Verb};
use super::{Goal, Planned, Scenario};
use crate::faults::Faults;
use crate::generate::{Generated, Options, Rng};
use crate::slow::Slow;

/// How many scenarios have the same stack files: to make files takes longer than to play with them.
pub const SHARED: u64 = 8;

/// Two stack files of which the second is the first one some time later, with what they say is there already.
#[derive(Debug)]
pub struct Pair {
    /// The files.
    pub files: Files,
    existing: Vec<Deed>,
}

impl Pair {
    /// The files of the scenario with this seed.
    ///
    /// # Errors
    /// When a generated file is not valid.
    pub fn new(seed: u64) -> Result<Self, String> {
        let seed = seed / SHARED;
        let first = Generated::new(seed, &Options { stack: "papyrus".to_owned(), for_emulator: false });
        let second = first.vary(seed.wrapping_add(1));
        let mut existing: Vec<Deed> = Vec::new();
        for (section, name) in first.existing().into_iter().chain(second.existing()) {
            let kind = Stack::kind_of(section).ok_or("a section without a kind")?.to_owned();
            let deed = Deed { verb: Verb::Put, kind, name, field: None };
            if !existing.contains(&deed) {
                existing.push(deed);
            }
        }
        Ok(Self { files: Files::new(vec![first.yaml(), second.yaml()])?, existing })
    }
}

/// The scenario with this seed; `pair` is that of the same seed.
pub fn scenario(seed: u64, pair: &Pair) -> Scenario {
    let mut rng = Rng::new(seed ^ 0x70_72_74);
    let slow = if rng.chance(30) { Slow::default() } else { Slow::random(&mut rng) };
    let mut start = pair.existing.clone();
    if rng.chance(25) {
        for _ in 0..=rng.below(3) {
            let (kind, name) = place(&mut rng, pair);
            // Some of them are in the way.
            let name = if rng.chance(40) { name } else { format!("{name}-theirs") };
            let verb = rng.pick(&[Verb::Put, Verb::PutMarked]);
            start.push(Deed { verb, kind, name, field: None });
        }
    }
    let goals: &[Goal] = match rng.below(10) {
        0 => &[APPLY],
        1 => &[APPLY, DESTROY],
        2..5 => &[APPLY, APPLY_SECOND],
        5 | 6 => &[APPLY, APPLY_SECOND, DESTROY_SECOND],
        7 => &[APPLY, APPLY_SECOND, APPLY],
        8 => &[APPLY_SECOND, DESTROY_SECOND, APPLY_SECOND],
        _ => &[APPLY, APPLY_SECOND, DESTROY],
    };
    let mut runs: Vec<Planned> = Vec::new();
    for goal in goals {
        // A first attempt, and sometimes another one that is disturbed as well.
        for _ in 0..=usize::from(rng.chance(25)) {
            runs.push(run(*goal, pair, &mut rng));
        }
    }
    Scenario {
        about: Vec::new(),
        dice: rng.number() % 1_000_000,
        slow,
        files: pair.files.texts().to_vec(),
        start,
        runs,
    }
}

const APPLY: Goal = Goal { intent: Intent::Present, file: 1 };
const APPLY_SECOND: Goal = Goal { intent: Intent::Present, file: 2 };
const DESTROY: Goal = Goal { intent: Intent::Absent, file: 1 };
const DESTROY_SECOND: Goal = Goal { intent: Intent::Absent, file: 2 };

fn run(goal: Goal, pair: &Pair, rng: &mut Rng) -> Planned {
    let wait = rng.pick(&[5, 8, 15, 20, 60, 200, 300]);
    let before = if rng.chance(15) { deeds(rng, pair) } else { Vec::new() };
    let between = if rng.chance(10) { deeds(rng, pair) } else { Vec::new() };
    let beside = rng.chance(10).then(|| {
        if rng.chance(60) { goal } else { rng.pick(&[APPLY, APPLY_SECOND, Goal { intent: Intent::Absent, ..goal }]) }
    });
    Planned { goal, wait, before, between, faults: Faults::random(rng), beside }
}

fn deeds(rng: &mut Rng, pair: &Pair) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for _ in 0..=rng.below(2) {
        let (kind, name) = place(rng, pair);
        let verb = rng.pick(&[
            Verb::Put,
            Verb::PutMarked,
            Verb::Vanish,
            Verb::Vanish,
            Verb::Unmark,
            Verb::Remark,
            Verb::Drift,
            Verb::Drift,
            Verb::Fill,
        ]);
        let (kind, name) = match verb {
            Verb::Fill => match repository(rng, pair) {
                Some(name) => ("repository".to_owned(), name),
                None => continue,
            },
            _ => (kind, name),
        };
        let field = match verb {
            Verb::Drift => match field(&kind, rng) {
                Some(field) => Some(field),
                None => continue,
            },
            _ => None,
        };
        deeds.push(Deed { verb, kind, name, field });
    }
    deeds
}

/// The kind and the name of a resource of one of the files. A service has to stand in a cluster, which is more than others
/// need to be made, and the service-linked role is nobody's.
fn place(rng: &mut Rng, pair: &Pair) -> (String, String) {
    let places: Vec<(Address, String)> = pair
        .files
        .places()
        .filter(|(address, _)| address.kind != "service_linked_role" && address.kind != "service")
        .collect();
    if places.is_empty() {
        return ("log_group".to_owned(), "/theirs".to_owned());
    }
    let (address, name) = rng.pick(&places);
    (address.kind.to_string(), name)
}

fn repository(rng: &mut Rng, pair: &Pair) -> Option<String> {
    let names: Vec<String> =
        pair.files.places().filter(|(address, _)| address.kind == "repository").map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| rng.pick(&names))
}

fn field(kind: &str, rng: &mut Rng) -> Option<String> {
    let info = hatoba_provider::kinds::drivers().map(|driver| driver.info()).find(|info| info.name == kind)?;
    (!info.fields.is_empty())
        .then(|| rng.pick(&info.fields.iter().map(|field| field.name).collect::<Vec<_>>()).to_owned())
}
