//! ECS task definitions for Fargate. Source: ECS API reference, `RegisterTaskDefinition`.

mod check;
mod check_container;
mod container;
mod parts;
pub mod size;
mod volume;

use std::collections::BTreeMap;

use serde_json::Value;

pub use container::Container;
pub use parts::{
    AppProtocol, Capabilities, Condition, DependsOn, FireLens, HealthCheck, Image, ImageOf, Linux, LogDriver, Logs,
    LogsTo, Mount, MountsOf, Port, PortMapping, PortProtocol, Restart, RestartPolicy, Router, Ulimit,
    VersionConsistency, VolumesFrom,
};
pub use size::{Cpu, Memory};
pub use volume::{Efs, Volume, VolumeOf, VolumeWord};

use super::macros::{Common, Resource};
use crate::check::Check;
use crate::facts::Facts;
use crate::reference::Ref;

resource! {
    /// A task definition: what runs together on Fargate. Its key is its family. Every change makes a new revision.
    pub struct TaskDefinition {
        /// CPU units: 256, 512, 1024, 2048, 4096, 8192 or 16384. 1024 are one vCPU; `0.25 vCPU` can be written, too.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cpu: Option<Cpu>,
        /// Memory in MiB, or `2 GB`. Which sizes there are depends on `cpu`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub memory: Option<Memory>,
        /// `x86_64` (the default) or `arm64`, which is cheaper. The images must be built for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub architecture: Option<Architecture>,
        /// `linux` (the default), or a Windows Server, such as `windows_server_2022_core`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub os: Option<Os>,
        /// The role with which ECS pulls images, reads secrets and writes logs: a key under `roles`, or `{ existing: name-or-arn }`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub execution_role: Option<Ref>,
        /// The role that the containers have: a key under `roles`, or `{ existing: name-or-arn }`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub task_role: Option<Ref>,
        /// GiB of the task's own storage: 21 to 200. Without this line 20.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ephemeral_storage: Option<u32>,
        /// Volumes by their names: `{}` on the task's own storage, `{ efs: { file_system: fs-… } }`, or `configured_at_launch`.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub volumes: BTreeMap<String, Volume>,
        /// `task`: the containers see each other's processes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pid_mode: Option<PidMode>,
        /// Whether the task accepts requests of AWS Fault Injection Service. No unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub fault_injection: Option<bool>,
        /// The containers by their names.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub containers: BTreeMap<String, Container>,
        /// How many of the newest revisions are kept, besides those that run; 10 unless stated. A deploy and `hatoba prune` deregister older ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub keep_revisions: Option<u32>,
        /// Anything else that `RegisterTaskDefinition` of the ECS API takes, in its own spelling. Wins over the keys above.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub extra: BTreeMap<String, Value>,
    }
}

words! {
    /// The architecture of the processor.
    pub enum Architecture {
        /// Intel and AMD, 64 bits.
        X8664 = "x86_64" => "X86_64" | "amd64" | "x64",
        /// Arm, 64 bits (Graviton).
        Arm64 = "arm64" => "ARM64" | "aarch64",
    }
}

words! {
    /// The operating system. Those that Fargate runs.
    pub enum Os {
        /// Linux.
        Linux = "linux" => "LINUX",
        /// Windows Server 2019 Full.
        Windows2019Full = "windows_server_2019_full" => "WINDOWS_SERVER_2019_FULL",
        /// Windows Server 2019 Core.
        Windows2019Core = "windows_server_2019_core" => "WINDOWS_SERVER_2019_CORE",
        /// Windows Server 2022 Full.
        Windows2022Full = "windows_server_2022_full" => "WINDOWS_SERVER_2022_FULL",
        /// Windows Server 2022 Core.
        Windows2022Core = "windows_server_2022_core" => "WINDOWS_SERVER_2022_CORE",
        /// Windows Server 2025 Full.
        Windows2025Full = "windows_server_2025_full" => "WINDOWS_SERVER_2025_FULL",
        /// Windows Server 2025 Core.
        Windows2025Core = "windows_server_2025_core" => "WINDOWS_SERVER_2025_CORE",
    }
}

words! {
    /// Whose processes the containers see.
    pub enum PidMode {
        /// Those of the task.
        Task = "task" => "task",
    }
}

impl TaskDefinition {
    /// The operating system, where none is written: Linux.
    pub fn system(&self) -> Os {
        self.os.unwrap_or(Os::Linux)
    }

    /// The machine that its images have to be built for, in the words of the OCI and of `docker build --platform`.
    pub fn platform(&self) -> &'static str {
        match (self.system(), self.architecture) {
            (Os::Linux, Some(Architecture::Arm64)) => "linux/arm64",
            (Os::Linux, _) => "linux/amd64",
            (_, _) => "windows/amd64",
        }
    }

    /// The keys of log groups of this stack that its containers write to.
    pub fn own_log_groups(&self) -> impl Iterator<Item = String> {
        self.containers.values().filter_map(|container| match container.logs.as_ref()?.full().group? {
            Ref::Own(key) => Some(key),
            Ref::Existing(_) => None,
        })
    }

    /// The repositories that its images come from.
    pub fn repositories(&self) -> impl Iterator<Item = &Ref> {
        self.containers.values().filter_map(|container| match container.image.as_ref()? {
            Image::Full(image) => image.repository.as_ref(),
            Image::Plain(_) => None,
        })
    }

    /// The keys of those that are of this stack.
    pub fn own_repositories(&self) -> impl Iterator<Item = &str> {
        self.repositories().filter_map(Ref::own)
    }

    /// Where its containers and their log drivers read secrets from, as written.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.containers.values().flat_map(|container| {
            let options = container.logs.iter().flat_map(|logs| match logs {
                Logs::Full(full) => full.secret_options.values().map(String::as_str).collect(),
                Logs::Group(_) => Vec::new(),
            });
            container.secrets.values().map(String::as_str).chain(options)
        })
    }
}

impl Resource for TaskDefinition {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        cx.length("task definition", &name, 1..=255);
        cx.characters("task definition", &name, "letters, digits, `_` and `-`", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
        });
        if !self.existing {
            check::check(self, cx);
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "family" => Some(name.to_owned()),
            "family_arn" => Some(facts.arn("ecs", format_args!("task-definition/{name}"))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["family", "family_arn"]
    }
}
