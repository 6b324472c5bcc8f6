//! What ECS tells of a service, its deployments and its tasks, as far as it matters here. Source: ECS API reference.

use std::time::Duration;

/// Milliseconds since 1970, by the clock of AWS.
pub type Millis = i64;

/// A service, as `DescribeServices` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// The revision that was asked for last.
    pub task_definition: String,
    /// How many tasks are wanted.
    pub desired: u32,
    /// How many run.
    pub running: u32,
    /// How many are on their way.
    pub pending: u32,
    /// Its deployments.
    pub deployments: Vec<Deployment>,
    /// The ARN of the service deployment that is current, where ECS tells.
    pub current: Option<String>,
    /// Its latest events, in any order.
    pub events: Vec<Event>,
    /// The stack that it belongs to, by its mark.
    pub stack: Option<String>,
}

impl Service {
    /// The deployment that was asked for last.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.primary)
    }
}

/// How a rolling deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// `COMPLETED`.
    Completed,
    /// `FAILED`: only with a circuit breaker or alarms.
    Failed,
    /// `IN_PROGRESS`.
    InProgress,
}

/// A deployment in the list of its service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Its id: `ecs-svc/1234567890123456789`.
    pub id: String,
    /// Whether it is the one that was asked for last.
    pub primary: bool,
    /// The revision that it brings.
    pub task_definition: String,
    /// How it stands; deployment controllers other than ECS's own do not tell.
    pub rollout: Option<RolloutState>,
    /// Why it stands so.
    pub reason: Option<String>,
    /// How many tasks it wants.
    pub desired: u32,
    /// How many of its tasks run.
    pub running: u32,
    /// How many of its tasks are on their way.
    pub pending: u32,
    /// How many failed one after the other.
    pub failed: u32,
    /// When it was made.
    pub created: Option<Millis>,
}

/// How a service deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceDeploymentStatus {
    /// `PENDING`.
    Pending,
    /// `IN_PROGRESS`.
    InProgress,
    /// `SUCCESSFUL`.
    Successful,
    /// `STOP_REQUESTED`.
    StopRequested,
    /// `STOPPED`.
    Stopped,
    /// `ROLLBACK_REQUESTED`.
    RollbackRequested,
    /// `ROLLBACK_IN_PROGRESS`.
    RollbackInProgress,
    /// `ROLLBACK_SUCCESSFUL`.
    RollbackSuccessful,
    /// `ROLLBACK_FAILED`.
    RollbackFailed,
    /// One that is not known here.
    Other,
}

impl ServiceDeploymentStatus {
    /// From AWS's word.
    pub fn of(word: &str) -> Self {
        match word {
            "PENDING" => Self::Pending,
            "IN_PROGRESS" => Self::InProgress,
            "SUCCESSFUL" => Self::Successful,
            "STOP_REQUESTED" => Self::StopRequested,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_REQUESTED" => Self::RollbackRequested,
            "ROLLBACK_IN_PROGRESS" => Self::RollbackInProgress,
            "ROLLBACK_SUCCESSFUL" => Self::RollbackSuccessful,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            _ => Self::Other,
        }
    }
}

/// A service deployment, as `DescribeServiceDeployments` and `ListServiceDeployments` tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDeployment {
    /// Its ARN.
    pub arn: String,
    /// How it stands.
    pub status: ServiceDeploymentStatus,
    /// Why it stands so.
    pub reason: Option<String>,
    /// The ARN of the service revision that it brings.
    pub target: String,
    /// The ARNs of the service revisions that it takes over from; not in lists.
    pub sources: Vec<String>,
    /// Why it was rolled back.
    pub rollback: Option<String>,
    /// When it was made.
    pub created: Option<Millis>,
}

impl ServiceDeployment {
    /// Whether it is the deployment with this id: its revision bears the same number.
    pub fn is(&self, id: &str) -> bool {
        let number = id.rsplit('/').next().unwrap_or(id);
        !number.is_empty() && self.target.rsplit('/').next() == Some(number)
    }
}

/// An event of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub at: Option<Millis>,
    /// What happened.
    pub message: String,
}

/// A task, as `DescribeTasks` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// The last part of its ARN.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Who started it: the id of a deployment.
    pub started_by: Option<String>,
    /// Its revision.
    pub task_definition: String,
    /// `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, … `STOPPED`.
    pub last: String,
    /// `RUNNING` or `STOPPED`.
    pub desired: String,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub health: Option<String>,
    /// The sort of reason why it was stopped: `TaskFailedToStart`.
    pub stop_code: Option<String>,
    /// Why it was stopped.
    pub stopped_reason: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// When it was made.
    pub created: Option<Millis>,
    /// When its containers were started.
    pub started: Option<Millis>,
    /// When it had stopped.
    pub stopped: Option<Millis>,
    /// The availability zone.
    pub zone: Option<String>,
    /// Its network interface.
    pub interface: Option<String>,
    /// Its private IPv4 address.
    pub private_ip: Option<String>,
    /// Whether commands may be run in it (ECS Exec): fixed when it was started.
    pub exec: bool,
    /// How large it is, and on what it runs.
    pub size: Size,
}

/// How large a task is, and on what it runs, as far as ECS tells: what its price follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// CPU units: 1024 are one vCPU.
    pub cpu: Option<u32>,
    /// Memory in MiB.
    pub memory: Option<u32>,
    /// Its own storage in GiB.
    pub storage: Option<u32>,
    /// The architecture: `x86_64` or `arm64`.
    pub architecture: Option<String>,
    /// The operating system: `Linux`, or a Windows.
    pub platform: Option<String>,
    /// The capacity provider that it runs on; none for a launch type.
    pub capacity: Option<String>,
}

impl Task {
    /// Whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        self.last == "STOPPED"
    }
}

/// A container of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// `PENDING`, `RUNNING`, `STOPPED`.
    pub last: String,
    /// With what it ended.
    pub exit_code: Option<i32>,
    /// Why it ended, or could not start.
    pub reason: Option<String>,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub health: Option<String>,
    /// Its image.
    pub image: Option<String>,
    /// The digest of its image.
    pub digest: Option<String>,
    /// The id that its runtime gives it, once it runs.
    pub runtime_id: Option<String>,
    /// The agent that runs commands in it, where ECS put one there.
    pub exec_agent: Option<ExecAgent>,
}

/// The agent of ECS Exec in a container, `ExecuteCommandAgent`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecAgent {
    /// `PENDING`, `RUNNING` or `STOPPED`.
    pub status: String,
    /// Why it stands so.
    pub reason: Option<String>,
}

/// The last lines that a container wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogTail {
    /// The task's id.
    pub task: String,
    /// The container's name.
    pub container: String,
    /// The lines, oldest first.
    pub lines: Vec<String>,
}

/// A read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// The service.
    Service,
    /// A service deployment by its ARN.
    Deployment,
    /// The service deployments of the service.
    List,
    /// Its tasks.
    Tasks,
    /// The end of a log.
    Logs,
}

/// A read that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Which.
    pub read: Read,
    /// How it failed, with the call: `ecs:ListTasks: AccessDeniedException: …`.
    pub message: String,
    /// Whether the same read may work later.
    pub passes: bool,
}

/// What one look brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// How long the deployment has been followed.
    pub elapsed: Duration,
    /// The service; nothing when it is not there, or was not read.
    pub service: Option<Service>,
    /// The service deployment that was asked for.
    pub deployment: Option<ServiceDeployment>,
    /// The service deployments of the service, the newest first, where they were asked for.
    pub listed: Option<Vec<ServiceDeployment>>,
    /// The tasks, where they were asked for.
    pub tasks: Vec<Task>,
    /// The ends of logs that were asked for.
    pub logs: Vec<LogTail>,
    /// The reads that failed.
    pub unread: Vec<Unread>,
}

/// The last part of an ARN, or the whole text.
pub fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
