//! What happened in a scenario, and what must hold of it.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use hatoba_engine::plan::{Act, Plan};

use crate::run::Run;

/// What happened in a scenario, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Runs that were carried out, the undisturbed ones at the end included.
    pub runs: u64,
    /// Calls that changed something or tried to.
    pub writes: u64,
    /// Reads of single resources.
    pub reads: u64,
    /// Faults that were met.
    pub faults: u64,
    /// Runs that were killed.
    pub killed: u64,
    /// Runs that were interrupted.
    pub interrupted: u64,
    /// Plans that were refused, because something of somebody else was in the way.
    pub refused: u64,
    /// Runs that stopped because somebody else had changed something.
    pub stale: u64,
    /// Runs beside another one.
    pub pairs: u64,
    /// Virtual seconds that passed in runs.
    pub seconds: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.writes += other.writes;
        self.reads += other.reads;
        self.faults += other.faults;
        self.killed += other.killed;
        self.interrupted += other.interrupted;
        self.refused += other.refused;
        self.stale += other.stale;
        self.pairs += other.pairs;
        self.seconds += other.seconds;
    }
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which one, in a few fixed words.
    pub promise: &'static str,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

pub(super) fn broken<T>(promise: &'static str, what: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, what: what.into() })
}

/// What a run did.
pub(super) struct Counts {
    pub(super) figures: Figures,
    effects: u64,
    repeats: u64,
    wrongs: Vec<String>,
}

pub(super) fn counts(run: &Run<'_>) -> Counts {
    let number = |count: &AtomicU32| u64::from(count.load(Ordering::Relaxed));
    let figures = Figures {
        writes: number(&run.writes),
        reads: number(&run.reads),
        faults: number(&run.met),
        ..Figures::default()
    };
    let wrongs = run.wrongs.lock().map(|wrongs| wrongs.clone()).unwrap_or_default();
    Counts { figures, effects: number(&run.effects), repeats: number(&run.repeats), wrongs }
}

impl Counts {
    /// What the run did to single resources was right, and there were not too many calls.
    pub(super) fn hold(&self, plan: &Plan, shown: &dyn Fn() -> String) -> Result<(), Broken> {
        if let Some(wrong) = self.wrongs.first() {
            return broken("nothing foreign is touched, nothing is lost", format!("{wrong} {}", shown()));
        }
        let due: usize = plan
            .steps
            .iter()
            .map(|step| match &step.act {
                Act::Create { then } => 1 + then.len(),
                Act::Update { groups } => groups.len(),
                Act::Delete { .. } | Act::Release => 1,
                Act::Settle { .. } => 0,
            })
            .sum();
        let due = due as u64 + self.repeats;
        if self.effects > due {
            return broken("nothing is done twice", format!("{} changes instead of {due} {}", self.effects, shown()));
        }
        // A wait of a few minutes is some forty looks.
        let most = 20 + 70 * plan.steps.len() as u64 + 8 * self.figures.faults;
        let calls = self.figures.writes + self.figures.reads;
        if calls > most {
            return broken("calls are bounded", format!("{calls} instead of at most {most} {}", shown()));
        }
        Ok(())
    }
}
