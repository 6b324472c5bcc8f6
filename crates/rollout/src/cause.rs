//! Why a task does not run, in one line: the cause and what to do about it.

use std::fmt;

use serde::Serialize;

/// What sort of cause it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The image, or its tag, is not in the repository.
    ImageMissing,
    /// The image may not be pulled.
    ImageDenied,
    /// The image was built for other machines.
    WrongArchitecture,
    /// The registry could not be reached.
    NoRoute,
    /// The registry asks for fewer pulls.
    PullLimit,
    /// The image could not be pulled for another reason.
    ImageNotPulled,
    /// The image does not fit on the disk.
    NoSpace,
    /// A secret may not be read.
    SecretDenied,
    /// A secret does not exist.
    SecretMissing,
    /// A secret could not be read for another reason.
    SecretUnreadable,
    /// The log group does not exist.
    LogGroupMissing,
    /// The log may not be written.
    LogsDenied,
    /// A volume could not be mounted.
    VolumeNotMounted,
    /// The task could not be set up for another reason.
    InitFailed,
    /// A role cannot be assumed.
    RoleNotAssumed,
    /// There was no network interface.
    NoInterface,
    /// A container could not be started.
    CannotStart,
    /// It was killed for its memory.
    OutOfMemory,
    /// It was killed.
    Killed,
    /// It ended with a code other than 0.
    Exited,
    /// It ended with 0.
    Ended,
    /// Its own health check fails.
    Unhealthy,
    /// The health check of the load balancer fails.
    BalancerUnhealthy,
    /// There is no room in Fargate.
    NoCapacity,
    /// A quota of the account is used up.
    Quota,
    /// A task could not be placed for another reason.
    NotPlaced,
    /// Minimum and maximum leave no room for a new task.
    NoRoom,
    /// Spot took it back.
    SpotReclaimed,
    /// Somebody stopped it.
    StoppedByHand,
    /// Something else.
    Unknown,
}

impl CauseKind {
    /// After how many tasks that stopped for it a deployment cannot be expected to succeed any more; none for causes that pass,
    /// or that may.
    ///
    /// What does not depend on chance needs one. What may be a program that had to wait for another, two; those that a fresh role
    /// or a slow start explains, three, which is also the least that the circuit breaker of ECS takes.
    pub fn decisive_after(self) -> Option<u32> {
        match self {
            Self::ImageMissing
            | Self::WrongArchitecture
            | Self::NoSpace
            | Self::SecretMissing
            | Self::LogGroupMissing
            | Self::CannotStart => Some(1),
            Self::ImageDenied
            | Self::NoRoute
            | Self::ImageNotPulled
            | Self::SecretDenied
            | Self::SecretUnreadable
            | Self::LogsDenied
            | Self::VolumeNotMounted
            | Self::InitFailed
            | Self::OutOfMemory
            | Self::Killed
            | Self::Exited
            | Self::Ended => Some(2),
            Self::RoleNotAssumed | Self::Unhealthy | Self::BalancerUnhealthy => Some(3),
            Self::PullLimit
            | Self::NoInterface
            | Self::NoCapacity
            | Self::Quota
            | Self::NotPlaced
            | Self::NoRoom
            | Self::SpotReclaimed
            | Self::StoppedByHand
            | Self::Unknown => None,
        }
    }

    /// Whether it depends on the program: of a service with many tasks some may fail, and half of them have to.
    pub fn is_of_the_program(self) -> bool {
        matches!(self, Self::OutOfMemory | Self::Killed | Self::Exited | Self::Ended)
            || matches!(self, Self::Unhealthy | Self::BalancerUnhealthy)
    }

    /// Whether it says something about the deployment: that a task was taken away does not.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::SpotReclaimed | Self::StoppedByHand)
    }
}

/// What to do where only the program can tell.
pub(crate) const READ_LOG: &str = "read its log";

/// A cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What sort it is.
    pub kind: CauseKind,
    /// What is wrong: `the image is not there`.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Cause {
    pub(crate) fn new(kind: CauseKind, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { kind, what: what.into(), advice: advice.into() }
    }

    /// As one line below the last lines of the log, where nobody has to be sent for them.
    pub fn below_log(&self) -> String {
        format!("{} — {}", self.what, self.advice.replace(READ_LOG, "its last lines are above"))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} — {}", self.what, self.advice)
    }
}

/// What is known of a task that stopped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopped<'a> {
    /// The sort of reason: `EssentialContainerExited`.
    pub stop_code: Option<&'a str>,
    /// The reason of the task.
    pub reason: Option<&'a str>,
    /// The container that it is about.
    pub container: Option<&'a str>,
    /// The reason of that container.
    pub container_reason: Option<&'a str>,
    /// With what it ended.
    pub exit_code: Option<i32>,
    /// The last lines that it wrote.
    pub log: &'a [String],
}

pub use crate::cause_table::{classify, of_event};
