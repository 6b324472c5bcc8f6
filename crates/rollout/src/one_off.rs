//! Tasks that are run once: what they do, and how they end.

use crate::cause::{Cause, CauseKind};
use crate::cause_table::of_event;
use crate::event::text;
use crate::note::TaskNow;
use crate::state::{Container, Task};
use crate::tasks::{alive, blamed, explain_by};

/// The exit code of a run whose task did not start, or was taken away before its container had ended.
pub const NOT_DONE: u8 = 5;

/// How a task that was run once has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its container ended by itself.
    Exited {
        /// With this code.
        code: i32,
        /// Why, where the code is not 0.
        cause: Option<Cause>,
    },
    /// It was stopped from outside, by somebody, by Spot or by the machine under it.
    Stopped {
        /// With what its container ended then, if it ran.
        code: Option<i32>,
        /// Why.
        cause: Cause,
    },
    /// Its container never ran.
    NotRun {
        /// Why.
        cause: Cause,
    },
}

impl End {
    /// The exit code of the command that ran it: that of the container. A 0 of a container that was stopped is no success, for its work
    /// may not be done; neither is one that never ran.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Exited { code, .. } => byte(*code),
            Self::Stopped { code: Some(code), .. } if *code != 0 => byte(*code),
            Self::Stopped { .. } | Self::NotRun { .. } => NOT_DONE,
        }
    }

    /// With what the container ended.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Exited { code, .. } => Some(*code),
            Self::Stopped { code, .. } => *code,
            Self::NotRun { .. } => None,
        }
    }

    /// Why it is no success.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Exited { cause, .. } => cause.as_ref(),
            Self::Stopped { cause, .. } | Self::NotRun { cause } => Some(cause),
        }
    }
}

/// Exit codes of processes have a byte; those of Windows containers may not fit in it.
fn byte(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(1)
}

/// What it does now. The reason of its end is told with the end.
pub fn now(task: &Task) -> TaskNow {
    if task.has_stopped() { TaskNow::Stopped { reason: None, cause: None } } else { alive(task) }
}

/// Whether its containers run or have run, so that they may have written something.
pub fn has_run(task: &Task) -> bool {
    let ended = || task.containers.iter().any(|container| container.exit_code.is_some());
    task.last == "RUNNING" || task.started.is_some() || ended()
}

/// How a task that has stopped has ended, where `container` is the one whose code counts; `log` are the last lines that it wrote.
pub fn end(task: &Task, container: &str, log: &[String]) -> End {
    let its: Option<&Container> = task.containers.iter().find(|it| it.name == container);
    let code = its.and_then(|it| it.exit_code);
    let by_itself = matches!(task.stop_code.as_deref(), None | Some("EssentialContainerExited"));
    match code {
        Some(0) if by_itself => End::Exited { code: 0, cause: None },
        Some(code) if by_itself => End::Exited { code, cause: explain_by(task, its, log).map(for_one) },
        code => {
            let failed = task.stop_code.as_deref() == Some("TaskFailedToStart") || code.is_none();
            let blamed = if failed { blamed(task) } else { its };
            let cause = explain_by(task, blamed, log).map(for_one).unwrap_or_else(|| untold(task));
            if failed { End::NotRun { cause } } else { End::Stopped { code, cause } }
        }
    }
}

/// Why ECS started none: the reason of a failure that `RunTask` answers with.
pub fn not_started(reason: &str) -> Cause {
    let reason = reason.trim().trim_end_matches('.');
    // The same reasons as for tasks of services, which come as events.
    let event = format!("(service x) was unable to place a task. Reason: {reason}.");
    match of_event(&event) {
        Some(cause) if cause.kind != CauseKind::NotPlaced => cause,
        _ if reason == "MISSING" || reason == "INACTIVE" => {
            Cause::new(CauseKind::NotPlaced, "the cluster is not there any more", "run `hatoba apply`: it makes it")
        }
        _ => Cause::new(
            CauseKind::NotPlaced,
            format!("ECS started no task: {}", text(reason)),
            "see \"API failures messages\" in the ECS developer guide",
        ),
    }
}

/// What is said of tasks of a service does not hold for one that nobody starts again.
fn for_one(cause: Cause) -> Cause {
    let advice = match cause.kind {
        CauseKind::StoppedByHand => "run it again if its work was not done",
        CauseKind::SpotReclaimed => "run it again; on FARGATE instead of FARGATE_SPOT it is not taken back",
        _ => return cause,
    };
    Cause { advice: advice.to_owned(), ..cause }
}

fn untold(task: &Task) -> Cause {
    let what = match &task.stopped_reason {
        Some(reason) => format!("the task was stopped: {}", text(reason)),
        None => "the task was stopped, and ECS gives no reason".to_owned(),
    };
    Cause::new(CauseKind::Unknown, what, "see \"Stopped task error codes\" in the ECS developer guide")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(stop_code: &str, reason: &str, containers: &[(&str, Option<i32>, Option<&str>)]) -> Task {
        let container = |(name, exit_code, reason): &(&str, Option<i32>, Option<&str>)| Container {
            name: (*name).to_owned(),
            exit_code: *exit_code,
            reason: reason.map(str::to_owned),
            ..Container::default()
        };
        Task {
            last: "STOPPED".into(),
            stop_code: Some(stop_code.to_owned()),
            stopped_reason: Some(reason.to_owned()),
            containers: containers.iter().map(container).collect(),
            ..Task::default()
        }
    }

    const EXITED: (&str, &str) = ("EssentialContainerExited", "Essential container in task exited");

    #[test]
    fn the_code_of_the_container_is_that_of_the_command() {
        for code in [0, 1, 3, 42, 255] {
            let end = end(&stopped(EXITED.0, EXITED.1, &[("app", Some(code), None)]), "app", &[]);
            assert_eq!((i32::from(end.exit_code()), end.code()), (code, Some(code)));
            assert_eq!(end.cause().is_some(), code != 0, "{end:?}");
        }
        let windows = end(&stopped(EXITED.0, EXITED.1, &[("app", Some(-1_073_741_510), None)]), "app", &[]);
        assert_eq!(windows.exit_code(), 1);
    }

    #[test]
    fn of_several_containers_the_chosen_one_counts() {
        let task = stopped(EXITED.0, EXITED.1, &[("side", Some(137), None), ("app", Some(0), None)]);
        assert_eq!(end(&task, "app", &[]), End::Exited { code: 0, cause: None });
        assert_eq!(end(&task, "side", &[]).exit_code(), 137);
    }

    #[test]
    fn what_was_stopped_before_it_ended_is_no_success() {
        let by_hand = end(&stopped("UserInitiated", "Task stopped by user", &[("app", Some(0), None)]), "app", &[]);
        assert_eq!(by_hand.exit_code(), NOT_DONE);
        assert_eq!(by_hand.cause().map(|it| it.advice.as_str()), Some("run it again if its work was not done"));
        let spot = stopped("SpotInterruption", "Your Spot Task was interrupted.", &[("app", Some(143), None)]);
        let spot = end(&spot, "app", &[]);
        assert_eq!((spot.exit_code(), spot.cause().map(|it| it.kind)), (143, Some(CauseKind::SpotReclaimed)));
        let gone =
            stopped("TerminationNotice", "Task was stopped due to instance retirement", &[("app", Some(0), None)]);
        let gone = end(&gone, "app", &[]);
        assert!(gone.cause().is_some_and(|it| it.what.contains("instance retirement")), "{gone:?}");
    }

    #[test]
    fn what_never_ran_says_why() {
        let reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                      123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:v9: not found";
        let end = end(&stopped("TaskFailedToStart", reason, &[("app", None, None)]), "app", &[]);
        assert_eq!((end.exit_code(), end.code()), (NOT_DONE, None));
        assert_eq!(end.cause().map(|it| it.kind), Some(CauseKind::ImageMissing));
        // The chosen one waited for another, which failed.
        let side = stopped(EXITED.0, EXITED.1, &[("app", None, None), ("side", Some(3), None)]);
        let side = super::end(&side, "app", &[]);
        assert_eq!(side.exit_code(), NOT_DONE);
        assert!(side.cause().is_some_and(|it| it.what.contains("`side` ended with exit code 3")), "{side:?}");
    }

    #[test]
    fn a_failure_to_start_is_told_like_an_event() {
        let reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
        assert_eq!(not_started(reason).kind, CauseKind::NoCapacity);
        assert_eq!(
            not_started("You've reached the limit on the number of vCPUs you can run concurrently").kind,
            CauseKind::Quota
        );
        assert!(not_started("MISSING").what.contains("cluster"));
        assert_eq!(not_started("ATTRIBUTE").what, "ECS started no task: ATTRIBUTE");
    }

    #[test]
    fn logs_are_looked_for_once_something_can_have_been_written() {
        let task = |last: &str, started| Task { last: last.into(), started, ..Task::default() };
        assert!(!has_run(&task("PENDING", None)));
        assert!(has_run(&task("RUNNING", None)) && has_run(&task("DEPROVISIONING", Some(1))));
        assert!(!has_run(&stopped("TaskFailedToStart", "x", &[("app", None, None)])));
        assert!(has_run(&stopped(EXITED.0, EXITED.1, &[("app", Some(0), None)])));
        assert_eq!(now(&task("PENDING", None)), TaskNow::Starting("pending".into()));
    }
}
