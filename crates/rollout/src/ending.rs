//! How a deployment ended.

use std::time::Duration;

use serde::Serialize;

use crate::cause::Cause;
use crate::state::LogTail;

/// What it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What was asked for runs.
    Completed,
    /// It failed, and what ran before runs again.
    RolledBack,
    /// It cannot succeed, and was not rolled back.
    Failed,
    /// It neither succeeded nor failed in the time that it was given, and was given up.
    TimedOut,
    /// Another deployment has taken its place.
    Superseded,
}

impl Verdict {
    /// Whether what was asked for runs.
    pub fn is_good(self) -> bool {
        self == Self::Completed
    }
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// ECS: its circuit breaker, an alarm, or somebody who told it to.
    Ecs,
    /// hatoba, because it could not succeed any more.
    Hatoba,
    /// The person at the terminal.
    User,
}

/// What became of the failed deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "because")]
pub enum After {
    /// It is over.
    Over,
    /// It goes on: ECS keeps trying, as it was told to be left.
    Left,
    /// It goes on: nothing completed before it, so that there is nothing to go back to.
    NothingToGoBackTo,
    /// It goes on: rolling it back failed.
    NotRolledBack(String),
    /// It is being rolled back, and that was not done in time.
    StillRollingBack,
}

/// How a deployment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What it came to.
    pub verdict: Verdict,
    /// How long it was followed.
    pub took: Duration,
    /// Its id: `ecs-svc/1234567890123456789`.
    pub deployment: Option<String>,
    /// The ARN of the service deployment.
    pub arn: Option<String>,
    /// The revision that it was to bring.
    pub task_definition: String,
    /// How many tasks run of how many that are wanted, when it was last seen.
    pub tasks: (u32, u32),
    /// Who ended it.
    pub by: By,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// What ECS says of it.
    pub reason: Option<String>,
    /// The tasks of it that failed.
    pub failed: Vec<String>,
    /// The revision that runs instead: the one before, or the one that superseded it.
    pub instead: Option<String>,
    /// What becomes of it.
    pub after: After,
    /// The last lines of the container that failed.
    pub log: Option<LogTail>,
}
