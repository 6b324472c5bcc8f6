//! What is asked about: task definitions and services as they will be after an apply.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::facts::Facts as Place;
use crate::yaml::Path;

/// Everything that is to be checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Task definitions by their key in the file.
    pub tasks: BTreeMap<String, Task>,
    /// Services by their key in the file.
    pub services: BTreeMap<String, Service>,
    /// Resources whose state could not be read, with the reason: nothing is asked about them.
    pub unread: BTreeMap<Address, String>,
}

/// A task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// The role with which ECS pulls images, reads secrets and writes logs: its ARN.
    pub execution_role: Option<String>,
    /// The role of the containers: its ARN.
    pub task_role: Option<String>,
    /// The machine that it runs on, as images name it: `linux/arm64`.
    pub platform: String,
    /// Its containers by their names.
    pub containers: BTreeMap<String, Container>,
    /// Whether roles, secrets and log groups are to be checked.
    pub permissions: bool,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// The image.
    pub image: String,
    /// The ARN of the ECR repository that it is pulled from, of whatever account and region.
    pub repository: Option<String>,
    /// Whether the image is to be looked for.
    pub look_for_image: bool,
    /// Where its variables come from: ARNs or names, by variable.
    pub secrets: BTreeMap<String, String>,
    /// Where the options of its log driver come from, by option.
    pub log_secrets: BTreeMap<String, String>,
    /// The ARN of the secret with which its registry is asked.
    pub registry_credentials: Option<String>,
    /// Where its output goes, with the driver `awslogs`.
    pub logs: Option<LogPlace>,
}

/// Where the driver `awslogs` writes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// The region.
    pub region: String,
    /// The name of the group.
    pub group: String,
    /// What the names of streams begin with.
    pub prefix: String,
    /// Whether the driver makes the group.
    pub creates: bool,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The key of the task definition of the file that it runs; none for another.
    pub task: Option<String>,
    /// How many copies run; none where that is not known yet.
    pub desired_count: Option<i64>,
    /// Where its tasks run, if that is to be checked.
    pub network: Option<Network>,
    /// Its circuit breaker, if that is to be checked.
    pub breaker: Option<Breaker>,
}

/// Where tasks run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The ids of the subnets; none where they are not known.
    pub subnets: Option<Vec<String>>,
    /// The security groups: ids, or addresses of those that are of the file. Empty for the default group of the VPC.
    pub groups: Vec<String>,
    /// Whether tasks get public addresses.
    pub public_ip: bool,
}

/// What ECS does when new tasks do not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// It goes on trying.
    Off,
    /// It stops trying, and leaves things as they are.
    On,
    /// It goes back to what ran before.
    RollsBack,
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// In the Parameter Store.
    Parameter {
        /// Its ARN.
        arn: String,
        /// Its name, with the slash in front if it has a path.
        name: String,
    },
    /// In the Secrets Manager.
    Secret {
        /// Its ARN, perhaps without the six characters that AWS adds.
        arn: String,
    },
}

impl Source {
    /// Its ARN.
    pub fn arn(&self) -> &str {
        match self {
            Self::Parameter { arn, .. } | Self::Secret { arn } => arn,
        }
    }

    /// The region that it is in.
    pub fn region(&self) -> &str {
        self.arn().split(':').nth(3).unwrap_or_default()
    }

    /// The account that it is in.
    pub fn account(&self) -> &str {
        self.arn().split(':').nth(4).unwrap_or_default()
    }

    /// Whether it is in this account and region.
    pub fn is_here(&self, place: &Place) -> bool {
        self.region() == place.region.as_str() && self.account() == place.account.as_str()
    }
}

/// What the `valueFrom` of a container means: an ARN of either service, or the name of a parameter. (ECS API reference, `Secret`.)
pub fn source(from: &str, place: &Place) -> Source {
    if let Some(rest) = from.strip_prefix("arn:") {
        let parts: Vec<&str> = rest.split(':').collect();
        if parts.get(1) == Some(&"secretsmanager") {
            // What follows the name chooses a key or a version.
            let arn = from.split(':').take(7).collect::<Vec<_>>().join(":");
            return Source::Secret { arn };
        }
        let name = from.split_once(":parameter").map_or(from, |(_, name)| name);
        let plain = name.trim_start_matches('/');
        // `parameter/db-url` is `db-url`, and `parameter/papyrus/db-url` is `/papyrus/db-url`.
        let name = if plain.contains('/') { format!("/{plain}") } else { plain.to_owned() };
        return Source::Parameter { arn: from.to_owned(), name };
    }
    let arn = place.arn("ssm", format_args!("parameter/{}", from.trim_start_matches('/')));
    Source::Parameter { arn, name: from.to_owned() }
}

/// A value of a task definition of the file.
pub(super) fn in_task(key: &str, below: &[&str]) -> Path {
    below.iter().fold(Path::of(&["task_definitions", key]), |path, step| path.key(*step))
}

/// A value of a service of the file.
pub(super) fn in_service(key: &str, below: &[&str]) -> Path {
    below.iter().fold(Path::of(&["services", key]), |path, step| path.key(*step))
}
