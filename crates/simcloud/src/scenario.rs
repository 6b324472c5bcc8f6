//! Scenarios: stack files, the state of the account, and runs with what goes wrong in them, as a text that can be committed.
//!
//! ```text
//! # The reply to the creation of the cluster is lost.
//! dice 17
//! slow show 3000
//! file
//! | stack: papyrus
//! | region: us-west-2
//! | clusters: { papyrus: {} }
//! apply 1
//!   wait 5
//!   write 2 reply-lost
//! destroy 1
//! ```
//!
//! Lines under a run: `wait SECONDS` before it, `before DEED` and `between DEED` (before the survey, between survey and
//! execution), `write N FAULT` and `read N FAULT` by the number of the call, `beside apply N` and `beside destroy N` for a second
//! run at the same time.

pub mod draw;
pub mod figures;
pub mod files;
pub mod hand;
pub mod play;
pub mod shrink;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use hatoba_engine::plan::Intent;

use crate::faults::{Faults, ReadFault, WriteFault};
use crate::slow::{NAMES, Slow};
use hand::Deed;

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// Comments at its head, without `# `.
    pub about: Vec<String>,
    /// Decides how long calls take and when slow things have arrived.
    pub dice: u64,
    /// What takes its time, and how long at most.
    pub slow: Slow,
    /// The stack files. Runs name them by their number, from 1.
    pub files: Vec<String>,
    /// What others do at the start.
    pub start: Vec<Deed>,
    /// The runs, one after the other.
    pub runs: Vec<Planned>,
}

/// A run of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What is wanted.
    pub goal: Goal,
    /// Seconds since the run before.
    pub wait: u64,
    /// What others do before the survey.
    pub before: Vec<Deed>,
    /// What others do between survey and execution.
    pub between: Vec<Deed>,
    /// What goes wrong.
    pub faults: Faults,
    /// A second run at the same time.
    pub beside: Option<Goal>,
}

/// What a run is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Whether the stack is to be there.
    pub intent: Intent,
    /// The number of the file, from 1.
    pub file: usize,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.intent {
            Intent::Present => "apply",
            Intent::Absent => "destroy",
        };
        write!(f, "{verb} {}", self.file)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.about {
            writeln!(f, "# {line}")?;
        }
        writeln!(f, "dice {}", self.dice)?;
        let mut slow = String::new();
        for (name, time) in NAMES.iter().zip(self.slow.times()).filter(|(_, time)| *time > 0) {
            write!(slow, " {name} {time}")?;
        }
        if !slow.is_empty() {
            writeln!(f, "slow{slow}")?;
        }
        for file in &self.files {
            writeln!(f, "file")?;
            for line in file.lines() {
                writeln!(f, "| {line}")?;
            }
        }
        for deed in &self.start {
            writeln!(f, "{deed}")?;
        }
        for run in &self.runs {
            writeln!(f, "{}", run.goal)?;
            if run.wait > 0 {
                writeln!(f, "  wait {}", run.wait)?;
            }
            for (word, deeds) in [("before", &run.before), ("between", &run.between)] {
                for deed in deeds {
                    writeln!(f, "  {word} {deed}")?;
                }
            }
            for (at, fault) in &run.faults.writes {
                writeln!(f, "  write {at} {}", fault.name())?;
            }
            for (at, fault) in &run.faults.reads {
                writeln!(f, "  read {at} {}", fault.name())?;
            }
            if let Some(beside) = run.beside {
                writeln!(f, "  beside {beside}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut scenario = Self::default();
        for (number, line) in text.lines().enumerate() {
            scenario.line(line).ok_or_else(|| format!("line {}: what is `{line}`?", number + 1))?;
        }
        let known = |goal: &Goal| (1..=scenario.files.len()).contains(&goal.file);
        if scenario.runs.is_empty() || !scenario.runs.iter().all(|run| known(&run.goal) && run.beside.iter().all(known))
        {
            return Err("there are no runs, or one of them is of a file that is not there".to_owned());
        }
        Ok(scenario)
    }
}

impl Scenario {
    fn line(&mut self, line: &str) -> Option<()> {
        if let Some(text) = line.strip_prefix('|') {
            let file = self.files.last_mut()?;
            file.push_str(text.strip_prefix(' ').unwrap_or(text));
            file.push('\n');
            return Some(());
        }
        if let Some(comment) = line.strip_prefix('#') {
            self.about.push(comment.trim().to_owned());
            return Some(());
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with(' ') {
            return self.detail(&words);
        }
        match words.as_slice() {
            [] => {}
            ["dice", seed] => self.dice = seed.parse().ok()?,
            ["slow", times @ ..] => {
                for pair in times.chunks(2) {
                    let [name, time] = pair else { return None };
                    self.slow.set(name, time.parse().ok()?).then_some(())?;
                }
            }
            ["file"] => self.files.push(String::new()),
            ["apply" | "destroy", ..] => {
                self.runs.push(Planned {
                    goal: goal(&words)?,
                    wait: 0,
                    before: Vec::new(),
                    between: Vec::new(),
                    faults: Faults::default(),
                    beside: None,
                });
            }
            deed => self.start.push(Deed::parse(deed)?),
        }
        Some(())
    }

    fn detail(&mut self, words: &[&str]) -> Option<()> {
        let run = self.runs.last_mut()?;
        match words {
            ["wait", seconds] => run.wait = seconds.parse().ok()?,
            ["before", deed @ ..] => run.before.push(Deed::parse(deed)?),
            ["between", deed @ ..] => run.between.push(Deed::parse(deed)?),
            ["write", at, fault] => drop(run.faults.writes.insert(at.parse().ok()?, WriteFault::parse(fault)?)),
            ["read", at, fault] => drop(run.faults.reads.insert(at.parse().ok()?, ReadFault::parse(fault)?)),
            ["beside", other @ ..] => run.beside = Some(goal(other)?),
            _ => return None,
        }
        Some(())
    }
}

fn goal(words: &[&str]) -> Option<Goal> {
    let (intent, file) = match words {
        ["apply", file] => (Intent::Present, file),
        ["destroy", file] => (Intent::Absent, file),
        _ => return None,
    };
    Some(Goal { intent, file: file.parse().ok()? })
}
