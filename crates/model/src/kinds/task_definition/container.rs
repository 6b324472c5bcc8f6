//! A container of a task, as the file describes it. Source: ECS API reference, `ContainerDefinition`, as far as Fargate has it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::parts::{
    DependsOn, FireLens, HealthCheck, Image, Linux, Logs, Mount, Port, Restart, Ulimit, VersionConsistency, VolumesFrom,
};
use crate::yaml::Scalar;

/// A container of a task.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Container {
    /// The image: `nginx:alpine`, or `{ repository: papyrus, tag: v1 }` for one of this stack's repositories. With `live: true` the
    /// image belongs to the pipeline that deploys, and plan never reverts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The command, as a list; the image's own unless stated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<Scalar>,
    /// The entry point, as a list; the image's own unless stated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entry_point: Vec<Scalar>,
    /// CPU units that are reserved for this container out of those of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// MiB beyond which the container is killed; at least 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
    /// MiB that are kept free for the container; at least 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<u32>,
    /// Whether the task ends when this container ends. Yes unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,
    /// Ports that the container listens on: `[5000]`, or `{ port: 5000, protocol: udp }`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Environment variables. For values that nobody should see use `secrets`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Scalar>,
    /// Files with environment variables, by the ARN of their S3 object, such as `arn:aws:s3:::acme/papyrus.env`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment_files: Vec<String>,
    /// Environment variables whose values ECS reads when the task starts: `ssm:/path` for a parameter, `secretsmanager:name` for a
    /// secret (`secretsmanager:name:key::` for one key of it), or a full ARN.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Where output goes: a key under `log_groups`, or in full. Nowhere unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Logs>,
    /// How ECS finds out whether the container works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Containers that come first: a list, or `container: condition` with `start`, `complete`, `success` or `healthy`.
    #[serde(skip_serializing_if = "DependsOn::is_empty")]
    pub depends_on: DependsOn,
    /// Where the task's `volumes` appear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Containers whose mounts appear in this one, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes_from: Vec<VolumesFrom>,
    /// The user: a name or a number, also `user:group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Scalar>,
    /// The directory in which the command runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Whether the container's own file system cannot be written to. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,
    /// How many seconds the container has for a clean end: up to 120. Fargate gives 30 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<u32>,
    /// How many seconds containers that it depends on have for reaching their condition: 2 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<u32>,
    /// Limits of the operating system, such as `nofile: { soft: 65535, hard: 65535 }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// Linux only: an init process, kernel capabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux: Option<Linux>,
    /// Docker labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub docker_labels: BTreeMap<String, Scalar>,
    /// Whether standard input stays open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
    /// Whether the container has a terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// Kernel parameters, such as `net.ipv4.tcp_keepalive_time: 500`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub system_controls: BTreeMap<String, Scalar>,
    /// Whether the container is started again within the task when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// Makes this container the router of other containers' logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firelens: Option<FireLens>,
    /// Whether ECS resolves the tag of the image to one digest for all tasks of a deployment: `enabled` (the default) or `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_consistency: Option<VersionConsistency>,
    /// For a private registry outside of AWS: the ARN of the Secrets Manager secret with its user name and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_credentials: Option<String>,
    /// Anything else that a `ContainerDefinition` of the ECS API has, in its own spelling. Wins over the keys above.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}
