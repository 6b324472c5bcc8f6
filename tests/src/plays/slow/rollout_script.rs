//! Scenarios of deployments: what ECS tells step by step, in a few short lines.
//!
//! ```text
//! # Two tasks end with 1.
//! run: deploy
//! args: --on-failure leave
//! code: 5
//! 1 task 1 pending
//! 2 task 1 stopped EssentialContainerExited: Essential container in task exited
//! 2 container 1 exit 1
//! 2 log 1 boom
//! 3 event was unable to place a task.
//! 4 rolling back tasks failed to start.
//! 5 rolled back
//! ```
//!
//! A step lasts until whoever follows has looked twice, so that nothing depends on how fast the machine is.

use crate::error::{HarnessError, Result};

/// What a task is like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its number in the scenario.
    pub number: u32,
    /// Its last status, in capitals; `HEALTHY` and `UNHEALTHY` are those of a running one.
    pub status: String,
    /// The code and the reason with which it was stopped.
    pub stopped: Option<(String, String)>,
    /// The exit code of its container.
    pub exit: Option<i32>,
    /// The reason of its container.
    pub reason: Option<String>,
    /// What its container wrote.
    pub log: Vec<String>,
}

/// How a deployment stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is under way.
    #[default]
    InProgress,
    /// It is complete.
    Completed,
    /// It failed, and is not rolled back.
    Failed(String),
    /// It failed, and what was there before is brought back.
    RollingBack(String),
    /// What was there before runs.
    RolledBack(String),
    /// Another deployment was asked for.
    Superseded,
}

/// Everything that is told at a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// The events, oldest first.
    pub events: Vec<String>,
    /// How the deployment stands.
    pub standing: Standing,
}

/// A scenario.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Whether the deployment is the first of its service.
    pub first: bool,
    /// Whether ECS tells of service deployments.
    pub told: bool,
    /// Options of the command.
    pub args: Vec<String>,
    /// The exit code that it must end with.
    pub code: i32,
    lines: Vec<(usize, String)>,
}

impl Script {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When a line is not understood.
    pub fn read(text: &str) -> Result<Self> {
        let mut script = Self { told: true, ..Self::default() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let bad = || HarnessError::new(format!("this line of a scenario is not understood: {line}"));
            match line.split_once(": ") {
                Some(("run", what)) => script.first = what == "apply",
                Some(("service deployments", what)) => script.told = what == "told",
                Some(("args", args)) => script.args = args.split_whitespace().map(str::to_owned).collect(),
                Some(("code", code)) => script.code = code.parse().map_err(|_| bad())?,
                _ => {
                    let (step, what) = line.split_once(' ').ok_or_else(bad)?;
                    script.lines.push((step.parse().map_err(|_| bad())?, what.to_owned()));
                }
            }
        }
        // Every line has to be understood, not only those of steps that are reached.
        let last = script.lines.iter().map(|(step, _)| *step).max().unwrap_or_default();
        script.view(last)?;
        Ok(script)
    }

    /// What is told at a step.
    ///
    /// # Errors
    /// When a line is not understood.
    pub fn view(&self, step: usize) -> Result<View> {
        let mut view = View::default();
        for (_, line) in self.lines.iter().filter(|(at, _)| *at <= step) {
            take(&mut view, line).ok_or_else(|| HarnessError::new(format!("this step is not understood: {line}")))?;
        }
        Ok(view)
    }
}

fn take(view: &mut View, line: &str) -> Option<()> {
    let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
    match what {
        "task" => {
            let (task, rest) = of(view, rest)?;
            match rest.strip_prefix("stopped ") {
                Some(why) => {
                    let (code, reason) = why.split_once(": ")?;
                    task.status = "STOPPED".to_owned();
                    task.stopped = Some((code.to_owned(), reason.to_owned()));
                }
                None => task.status = rest.to_ascii_uppercase(),
            }
        }
        "container" => {
            let (task, rest) = of(view, rest)?;
            let mut words = rest.splitn(3, ' ');
            match words.next()? {
                "exit" => {
                    task.exit = Some(words.next()?.parse().ok()?);
                    task.reason = words.next().map(str::to_owned);
                }
                "reason" => task.reason = Some(words.collect::<Vec<_>>().join(" ")),
                _ => return None,
            }
        }
        "log" => {
            let (task, rest) = of(view, rest)?;
            task.log.push(rest.to_owned());
        }
        "event" => view.events.push(rest.to_owned()),
        "completed" => view.standing = Standing::Completed,
        "failed" => view.standing = Standing::Failed(rest.to_owned()),
        "rolling" => view.standing = Standing::RollingBack(rest.strip_prefix("back ")?.to_owned()),
        "rolled" => {
            let why = match &view.standing {
                Standing::RollingBack(why) => why.clone(),
                _ => String::new(),
            };
            view.standing = Standing::RolledBack(why);
        }
        "superseded" => view.standing = Standing::Superseded,
        _ => return None,
    }
    Some(())
}

/// The task with the number at the beginning, and the rest of the line.
fn of<'v, 'l>(view: &'v mut View, line: &'l str) -> Option<(&'v mut Task, &'l str)> {
    let (number, rest) = line.split_once(' ')?;
    let number = number.parse().ok()?;
    if !view.tasks.iter().any(|task| task.number == number) {
        view.tasks.push(Task { number, status: "PROVISIONING".to_owned(), ..Task::default() });
    }
    let task = view.tasks.iter_mut().find(|task| task.number == number)?;
    Some((task, rest))
}
