//! What is worth telling while a deployment is followed.

use crate::cause::Cause;
use crate::ending::By;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The deployment was found.
    Began {
        /// Its id.
        deployment: String,
        /// Its revision.
        task_definition: String,
        /// How many tasks it wants.
        desired: u32,
    },
    /// A task has changed.
    Task {
        /// The last part of its ARN.
        id: String,
        /// Whether it belongs to the deployment; else it is one that the deployment replaces.
        ours: bool,
        /// What it does now.
        now: TaskNow,
    },
    /// The service says something.
    Event(String),
    /// What a container wrote last.
    Log {
        /// The task.
        task: String,
        /// The container.
        container: String,
        /// The lines, oldest first.
        lines: Vec<String>,
    },
    /// What was there before is being brought back.
    RollingBack {
        /// By whom.
        by: By,
        /// Why.
        why: String,
    },
    /// Something cannot be read and is not asked for again.
    Unread(String),
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskNow {
    /// It is on its way: `provisioning`, `pending`, `activating`.
    Starting(String),
    /// It runs.
    Running,
    /// It runs, and its health checks succeed.
    Healthy,
    /// Its health checks fail.
    Unhealthy,
    /// It is being stopped.
    Stopping,
    /// It has stopped.
    Stopped {
        /// Why, where that is no trouble.
        reason: Option<String>,
        /// Why, where it is.
        cause: Option<Cause>,
    },
}
