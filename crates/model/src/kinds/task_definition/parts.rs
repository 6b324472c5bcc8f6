//! The parts of a container that have a shape of their own.

use std::collections::BTreeMap;

use crate::kinds::text_or_list::TextOrList;
use crate::reference::Ref;
use crate::yaml::Scalar;

/// The image of a container.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Image {
    /// As `docker pull` takes it.
    Plain(String),
    /// One of a repository, or one that belongs to the pipeline.
    Full(ImageOf),
}

short_or_full!(Image: "an image such as `nginx:alpine`, or `{ repository: …, tag: … }`",
    text => |text| Ok(Image::Plain(text.to_owned())), map => Image::Full);

/// An image of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImageOf {
    /// The repository: a key under `repositories`, or `{ existing: name }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Ref>,
    /// The tag; `latest` unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Scalar>,
    /// The digest, `sha256:…`, instead of a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The image belongs to the pipeline that deploys: whatever runs is kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    /// What runs until the pipeline has deployed for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<String>,
}

/// A port of a container.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Port {
    /// A TCP port.
    Number(u32),
    /// Several TCP ports, `8000-8010`.
    Range(String),
    /// In full.
    Full(PortMapping),
}

short_or_full!(Port: "a port, a range such as `8000-8010`, or `{ port: …, protocol: … }`",
    text => |text| Ok(Port::Range(text.to_owned())),
    number => |number| u32::try_from(number).map(Port::Number).map_err(|_| format!("{number} is no port")),
    map => Port::Full);

impl Port {
    /// In full.
    pub fn full(&self) -> PortMapping {
        match self {
            Self::Number(port) => PortMapping { port: Some(*port), ..PortMapping::default() },
            Self::Range(range) => PortMapping { range: Some(range.clone()), ..PortMapping::default() },
            Self::Full(mapping) => mapping.clone(),
        }
    }
}

/// A port of a container in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PortMapping {
    /// The port: 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// Several ports instead of one: `8000-8010`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// `tcp` (the default) or `udp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<PortProtocol>,
    /// The name by which Service Connect refers to the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is spoken there, for Service Connect: `http`, `http2` or `grpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<AppProtocol>,
}

impl PortMapping {
    /// The first and the last port; none when what is written is no port or range.
    pub fn bounds(&self) -> Option<(u32, u32)> {
        match (&self.port, &self.range) {
            (Some(port), None) => Some((*port, *port)),
            (None, Some(range)) => {
                let (first, last) = range.split_once('-')?;
                Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
            }
            _ => None,
        }
    }
}

words! {
    /// The protocol of a port.
    pub enum PortProtocol {
        /// TCP.
        Tcp = "tcp" => "tcp",
        /// UDP.
        Udp = "udp" => "udp",
    }
}

words! {
    /// What is spoken at a port.
    pub enum AppProtocol {
        /// HTTP 1.1.
        Http = "http" => "http",
        /// HTTP 2.
        Http2 = "http2" => "http2",
        /// gRPC.
        Grpc = "grpc" => "grpc",
    }
}

/// Where a container's output goes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Logs {
    /// A log group of the stack.
    Group(String),
    /// In full.
    Full(LogsTo),
}

short_or_full!(Logs: "a key under `log_groups`, or `{ group: …, stream_prefix: … }`",
    text => |text| Ok(Logs::Group(text.to_owned())), map => Logs::Full);

impl Logs {
    /// In full.
    pub fn full(&self) -> LogsTo {
        match self {
            Self::Group(group) => LogsTo { group: Some(Ref::Own(group.clone())), ..LogsTo::default() },
            Self::Full(logs) => {
                let mut logs = logs.clone();
                if let (None, Some(name)) = (&logs.group, logs.existing.take()) {
                    logs.group = Some(Ref::Existing(name));
                }
                logs
            }
        }
    }
}

/// Where a container's output goes, in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogsTo {
    /// The driver: `awslogs` (CloudWatch Logs, the default), `splunk`, or `awsfirelens` (a container with `firelens`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<LogDriver>,
    /// The log group: a key under `log_groups`, or `{ existing: name }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Ref>,
    /// The name of a log group that is not managed here; the same as `group: { existing: … }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<String>,
    /// What the names of log streams begin with; `ecs` unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_prefix: Option<String>,
    /// The region of the log group; that of the stack unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whether ECS creates the group if it is missing. The execution role needs `logs:CreateLogGroup` for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_group: Option<bool>,
    /// Options of the driver, such as `mode: non-blocking` or `max-buffer-size: 25m`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Scalar>,
    /// Options of the driver whose values ECS reads when the task starts; written like `secrets`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_options: BTreeMap<String, String>,
}

words! {
    /// What takes a container's output. Fargate has these three.
    pub enum LogDriver {
        /// CloudWatch Logs.
        Awslogs = "awslogs" => "awslogs",
        /// Splunk.
        Splunk = "splunk" => "splunk",
        /// A container with `firelens`.
        Awsfirelens = "awsfirelens" => "awsfirelens" | "firelens",
    }
}

/// How ECS finds out whether a container works.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealthCheck {
    /// What runs inside the container: a line for its shell, or a list that begins with `CMD` or `CMD-SHELL`.
    pub command: TextOrList,
    /// Seconds between checks: 5 to 300; 30 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    /// Seconds after which a check has failed: 2 to 60; 5 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    /// How many failures in a row make the container unhealthy: 1 to 10; 3 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Seconds after the start in which failures do not count: up to 300; none unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_period: Option<u32>,
}

words! {
    /// What another container must have reached.
    pub enum Condition {
        /// It has been started.
        Start = "start" => "START",
        /// It has ended.
        Complete = "complete" => "COMPLETE",
        /// It has ended with exit code 0.
        Success = "success" => "SUCCESS",
        /// Its health check has passed.
        Healthy = "healthy" => "HEALTHY",
    }
}

/// Containers that come first.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum DependsOn {
    /// These have to be started.
    Names(Vec<String>),
    /// These have to reach a condition.
    Conditions(BTreeMap<String, Condition>),
}

short_or_full!(DependsOn: "a list of containers, or a mapping of containers to conditions",
    list => DependsOn::Names, nothing => DependsOn::default(), map => DependsOn::Conditions);

impl Default for DependsOn {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl DependsOn {
    /// Whether nothing comes first.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Names(names) => names.is_empty(),
            Self::Conditions(conditions) => conditions.is_empty(),
        }
    }

    /// What comes first, with its condition and its place below `depends_on`.
    pub fn each(&self) -> Vec<(&str, Condition, String)> {
        match self {
            Self::Names(names) => {
                names.iter().enumerate().map(|(at, name)| (name.as_str(), Condition::Start, at.to_string())).collect()
            }
            Self::Conditions(conditions) => {
                conditions.iter().map(|(name, condition)| (name.as_str(), *condition, name.clone())).collect()
            }
        }
    }
}

/// Where a volume appears in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mount {
    /// The volume: a key under `volumes`.
    pub volume: String,
    /// The path in the container.
    pub path: String,
    /// Whether the container cannot write to it. No unless stated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A container whose mounts are taken over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum VolumesFrom {
    /// Its name.
    Name(String),
    /// In full.
    Full(MountsOf),
}

short_or_full!(VolumesFrom: "a container, or `{ container: …, read_only: true }`",
    text => |text| Ok(VolumesFrom::Name(text.to_owned())), map => VolumesFrom::Full);

impl VolumesFrom {
    /// The container and whether it is read only.
    pub fn full(&self) -> MountsOf {
        match self {
            Self::Name(container) => MountsOf { container: container.clone(), read_only: false },
            Self::Full(full) => full.clone(),
        }
    }
}

/// A container whose mounts are taken over, in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MountsOf {
    /// The container.
    pub container: String,
    /// Whether this container cannot write to them. No unless stated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A limit of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ulimit {
    /// Where the process is warned or refused first.
    pub soft: u32,
    /// How far it may raise the soft limit itself.
    pub hard: u32,
}

/// What only Linux has.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Linux {
    /// Whether an init process forwards signals and reaps processes. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// Kernel capabilities beyond Docker's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// Kernel capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// To give; Fargate only gives `SYS_PTRACE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// To take away, such as `ALL`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// Whether a container is started again within the task.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Restart {
    /// Yes or no.
    Enabled(bool),
    /// In full.
    Full(RestartPolicy),
}

impl<'de> serde::Deserialize<'de> for Restart {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Restart;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false, or `{ attempt_period: …, ignored_exit_codes: … }`")
            }

            fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<Restart, E> {
                Ok(Restart::Enabled(on))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Restart, A::Error> {
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Restart::Full)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Restart {
    /// In full.
    pub fn full(&self) -> RestartPolicy {
        match self {
            Self::Enabled(on) => RestartPolicy { enabled: Some(*on), ..RestartPolicy::default() },
            Self::Full(policy) => policy.clone(),
        }
    }
}

/// How a container is started again within the task.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestartPolicy {
    /// Whether it is; yes when this block is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Exit codes after which it is not started again; up to 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_exit_codes: Vec<i32>,
    /// How many seconds it must have run to be started again: 60 to 1800; 300 unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_period: Option<u32>,
}

/// Makes a container the router of other containers' logs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FireLens {
    /// The router in the image: `fluentbit` or `fluentd`.
    #[serde(rename = "type")]
    pub router: Router,
    /// Its options, such as `enable-ecs-log-metadata: "true"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Scalar>,
}

words! {
    /// A router of logs.
    pub enum Router {
        /// Fluent Bit.
        Fluentbit = "fluentbit" => "fluentbit",
        /// Fluentd.
        Fluentd = "fluentd" => "fluentd",
    }
}

words! {
    /// Whether all tasks of a deployment run the same image.
    pub enum VersionConsistency {
        /// The tag is resolved once.
        Enabled = "enabled" => "enabled",
        /// Each task resolves it.
        Disabled = "disabled" => "disabled",
    }
}
