//! The tasks of a deployment, and why they failed.

use crate::cause::{Cause, Stopped, classify};
use crate::follow::{Rollout, TRIES, WantedLog};
use crate::note::{Note, TaskNow};
use crate::state::{Container, LogTail, Task};

/// Of how many tasks the log is read.
const LOGS: usize = 3;

/// A task as it was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    now: Option<TaskNow>,
    pub(crate) stopped: bool,
}

/// A task of the deployment that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) task: String,
    pub(crate) cause: Cause,
    seen: Task,
    container: Option<String>,
    /// How often its log was asked for in vain; none when it is not wanted any more.
    tries: Option<u32>,
    lines: Vec<String>,
}

impl Rollout {
    /// Takes in a task.
    pub(crate) fn see(&mut self, task: &Task, notes: &mut Vec<Note>) {
        let ours = self.is_ours(task);
        let known = self.tasks.get(&task.id).cloned();
        if known.as_ref().is_some_and(|shown| shown.stopped) {
            return;
        }
        // What had stopped before it was ever shown, and is not of this deployment, is the past.
        let past = known.is_none() && !ours && task.has_stopped();
        let now = if past { None } else { Some(self.now(task, ours)) };
        let before = known.and_then(|shown| shown.now);
        // Of what is replaced only its end is worth a line.
        let told = ours || matches!(now, Some(TaskNow::Stopped { .. }));
        if let Some(now) = now.clone().filter(|now| told && Some(now) != before.as_ref()) {
            notes.push(Note::Task { id: task.id.clone(), ours, now });
        }
        if let (true, Some(TaskNow::Stopped { cause: Some(cause), .. })) = (ours, &now)
            && cause.kind.is_failure()
        {
            let container = blamed(task).map(|container| container.name.clone());
            let exited = blamed(task).is_some_and(|container| container.exit_code.is_some());
            let tries = (exited && self.failures.len() < LOGS).then_some(0);
            self.failures.push(Failure {
                task: task.id.clone(),
                cause: cause.clone(),
                seen: task.clone(),
                container,
                tries,
                lines: Vec::new(),
            });
        }
        self.tasks.insert(task.id.clone(), Shown { now, stopped: task.has_stopped() });
    }

    fn now(&self, task: &Task, ours: bool) -> TaskNow {
        if task.has_stopped() {
            let cause = if ours { explain(task, &[]) } else { None };
            return TaskNow::Stopped { reason: task.stopped_reason.clone(), cause };
        }
        alive(task)
    }

    /// Takes in the end of a log.
    pub(crate) fn read(&mut self, log: LogTail, notes: &mut Vec<Note>) {
        let is = |failure: &&mut Failure| {
            failure.task == log.task
                && failure.container.as_deref() == Some(log.container.as_str())
                && failure.tries.is_some()
        };
        let Some(failure) = self.failures.iter_mut().find(is) else { return };
        if log.lines.is_empty() {
            failure.tries = failure.tries.map(|tries| tries + 1).filter(|tries| *tries < TRIES);
            return;
        }
        failure.tries = None;
        failure.cause = explain(&failure.seen, &log.lines).unwrap_or_else(|| failure.cause.clone());
        failure.lines.clone_from(&log.lines);
        // What fails the same way again is told once.
        let told = self.failures.iter().any(|other| other.task != log.task && other.lines == log.lines);
        if !told {
            notes.push(Note::Log { task: log.task, container: log.container, lines: log.lines });
        }
    }

    /// A log could not be read.
    pub(crate) fn log_failed(&mut self) {
        for failure in &mut self.failures {
            failure.tries = failure.tries.map(|tries| tries + 1).filter(|tries| *tries < TRIES);
        }
    }

    /// Whether the end of a log is wanted that was not asked for yet.
    pub(crate) fn has_new_log(&self) -> bool {
        self.failures.iter().any(|failure| failure.tries == Some(0))
    }

    /// The logs whose end is wanted: it comes a moment after the container has ended.
    pub(crate) fn wanted_logs(&self) -> Vec<WantedLog> {
        let wanted = self.failures.iter().filter(|failure| failure.tries.is_some());
        wanted
            .filter_map(|failure| {
                Some(WantedLog {
                    task: failure.task.clone(),
                    container: failure.container.clone()?,
                    task_definition: failure.seen.task_definition.clone(),
                })
            })
            .collect()
    }

    /// The cause that most of the failed tasks share, of those the latest; else what the service says.
    pub(crate) fn cause(&self) -> Option<Cause> {
        let count = |cause: &Cause| self.failures.iter().filter(|failure| failure.cause.kind == cause.kind).count();
        let most = self.failures.iter().map(|failure| &failure.cause).max_by_key(|cause| count(cause));
        most.or(self.event_cause.as_ref()).cloned()
    }

    /// The last lines of a container that failed for the cause.
    pub(crate) fn log(&self) -> Option<LogTail> {
        let kind = self.cause()?.kind;
        let of = |failure: &&Failure| failure.cause.kind == kind && !failure.lines.is_empty();
        let failure = self.failures.iter().rev().find(of)?;
        Some(LogTail {
            task: failure.task.clone(),
            container: failure.container.clone().unwrap_or_default(),
            lines: failure.lines.clone(),
        })
    }

    /// Whether so many tasks failed in such a way that the deployment cannot be expected to succeed any more.
    pub(crate) fn is_decided(&self) -> bool {
        let desired = self.service.as_ref().map_or(1, |service| service.desired);
        self.failures.iter().any(|failure| {
            let kind = failure.cause.kind;
            let Some(mut needed) = kind.decisive_after() else { return false };
            let like = |other: &&Failure| {
                other.cause.kind == kind || (kind.is_of_the_program() && other.cause.kind.is_of_the_program())
            };
            if kind.is_of_the_program() {
                needed = needed.max(desired.div_ceil(2));
            }
            self.failures.iter().filter(like).count() >= needed as usize
        })
    }
}

/// What a task does that has not stopped.
pub(crate) fn alive(task: &Task) -> TaskNow {
    if task.desired == "STOPPED" || matches!(task.last.as_str(), "DEACTIVATING" | "STOPPING" | "DEPROVISIONING") {
        return TaskNow::Stopping;
    }
    match (task.last.as_str(), task.health.as_deref()) {
        ("RUNNING", Some("HEALTHY")) => TaskNow::Healthy,
        ("RUNNING", Some("UNHEALTHY")) => TaskNow::Unhealthy,
        ("RUNNING", _) => TaskNow::Running,
        (other, _) => TaskNow::Starting(other.to_ascii_lowercase()),
    }
}

/// The container that a task failed for: one that says why, else one that ended with an error, else one that ended.
pub(crate) fn blamed(task: &Task) -> Option<&Container> {
    let by = |of: &dyn Fn(&Container) -> bool| task.containers.iter().find(|container| of(container));
    by(&|container| container.reason.is_some() && container.exit_code != Some(0))
        .or_else(|| by(&|container| container.exit_code.is_some_and(|code| code != 0)))
        .or_else(|| by(&|container| container.exit_code.is_some()))
        .or(task.containers.first().filter(|_| task.containers.len() == 1))
}

fn explain(task: &Task, log: &[String]) -> Option<Cause> {
    explain_by(task, blamed(task), log)
}

/// Why it stopped, as this container tells.
pub(crate) fn explain_by(task: &Task, container: Option<&Container>, log: &[String]) -> Option<Cause> {
    classify(&Stopped {
        stop_code: task.stop_code.as_deref(),
        reason: task.stopped_reason.as_deref(),
        container: container.map(|container| container.name.as_str()),
        container_reason: container.and_then(|container| container.reason.as_deref()),
        exit_code: container.and_then(|container| container.exit_code),
        log,
    })
}
