//! The parts of a service that have a shape of their own.

use std::collections::BTreeMap;

use crate::kinds::task_definition::LogsTo;
use crate::reference::Ref;
use crate::yaml::Scalar;

words! {
    /// On what tasks run.
    pub enum LaunchType {
        /// Fargate.
        Fargate = "FARGATE" => "FARGATE",
    }
}

words! {
    /// From where tasks get tags.
    pub enum PropagateTags {
        /// From nowhere.
        None = "none" => "NONE",
        /// From the service.
        Service = "service" => "SERVICE",
        /// From the task definition.
        TaskDefinition = "task_definition" => "TASK_DEFINITION",
    }
}

/// Where copies run in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// `default` (the default subnets of the default VPC, assumed unless stated), or a list of up to 16 `subnet-…` ids.
    #[serde(skip_serializing_if = "Subnets::is_default")]
    pub subnets: Subnets,
    /// Whether copies get a public address. In a public subnet they can pull images only with one. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<bool>,
    /// Keys under `security_groups`, or `{ existing: sg-… }`; up to 5. Without this line the default group of the VPC.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<Ref>,
}

/// Subnets.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Subnets {
    /// By a word.
    Word(SubnetsWord),
    /// By their ids.
    Ids(Vec<String>),
    /// Those of the default VPC.
    #[default]
    Default,
}

words! {
    /// Subnets that need nothing but a word.
    pub enum SubnetsWord {
        /// Those of the default VPC.
        Default = "default" => "default",
    }
}

short_or_full!(Subnets: "`default`, or a list of subnet ids",
    text => |text| match SubnetsWord::read(text) {
        Some(word) => Ok(Subnets::Word(word)),
        None if text.starts_with("subnet-") => Ok(Subnets::Ids(vec![text.to_owned()])),
        None => Err(format!("`{text}` is not `default` and no list of subnet ids")),
    },
    list => Subnets::Ids);

impl Subnets {
    /// The ids; none for the default subnets.
    pub fn ids(&self) -> Option<&[String]> {
        match self {
            Self::Ids(ids) => Some(ids),
            Self::Word(SubnetsWord::Default) | Self::Default => None,
        }
    }

    fn is_default(&self) -> bool {
        self.ids().is_none()
    }
}

/// Ends a deployment whose tasks keep failing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitBreaker {
    /// Whether it is on; yes when this block is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// Whether the last deployment that worked is brought back. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<bool>,
}

/// Ends a deployment when an alarm goes off.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alarms {
    /// The names of CloudWatch alarms.
    pub names: Vec<String>,
    /// Whether it is on; yes when this block is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
    /// Whether the last deployment that worked is brought back. No unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<bool>,
}

/// A target group of a load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadBalancer {
    /// The ARN of the target group. Its target type must be `ip`.
    pub target_group: String,
    /// The container that is reached.
    pub container: String,
    /// Its port.
    pub port: u32,
}

/// A service discovery registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Registry {
    /// The ARN of the Cloud Map service.
    pub arn: String,
    /// The container, if the registry has SRV records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The port, if the registry has SRV records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
}

/// How services find each other by Service Connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConnect {
    /// The Cloud Map namespace, by name or ARN; that of the cluster unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Ports that others can use. Without any this service only uses others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ConnectService>,
    /// Where the proxy's own log goes; written like the `logs` of a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogsTo>,
}

/// A port that others can use by Service Connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectService {
    /// The name of the port in the task definition.
    pub port_name: String,
    /// The name in Cloud Map; that of the port unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    /// Under which names and ports clients reach it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<ClientAlias>,
    /// The port on which the proxy listens; chosen by ECS unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_port: Option<u32>,
}

/// Under which name and port clients reach a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientAlias {
    /// The port.
    pub port: u32,
    /// The name; `discovery_name.namespace` unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
}

/// An EBS volume that ECS makes for every task.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ebs {
    /// The role with which ECS makes it: a key under `roles`, or `{ existing: name-or-arn }`. Its trust names `ecs.amazonaws.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Ref>,
    /// GiB. Needed unless there is a `snapshot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// `gp3` and the like; chosen by EBS unless stated.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub volume_type: Option<String>,
    /// Operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<u32>,
    /// MiB per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// The KMS key, by its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The snapshot that it is made from: `snap-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// `xfs` (the default), `ext3`, `ext4` or `ntfs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<String>,
    /// Tags of the volume.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Scalar>,
}
