//! ECS services on Fargate. Source: ECS API reference, `CreateService`, `UpdateService`.

mod check;
mod check_scaling;
mod parts;
mod scaling;

use std::collections::BTreeMap;

use serde_json::Value;

pub use parts::{
    Alarms, CircuitBreaker, ClientAlias, ConnectService, Ebs, LaunchType, LoadBalancer, Network, PropagateTags,
    Registry, ServiceConnect, Subnets,
};
pub use scaling::{Autoscaling, Requests, Schedule};

use super::cluster::CapacityShare;
use super::macros::{Common, Resource};
use crate::check::Check;
use crate::facts::Facts;
use crate::reference::Ref;
use crate::stack::Stack;

resource! {
    /// An ECS service: keeps a number of copies of a task running. Its key is its name, which is unique in the cluster.
    pub struct Service {
        /// The cluster: a key under `clusters`, or `{ existing: name }`. Cannot be changed later.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cluster: Option<Ref>,
        /// What runs: a key under `task_definitions`, or `{ existing: family }`, `{ existing: "family:revision" }`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub task_definition: Option<Ref>,
        /// How many copies run. Without this line one at first, and later whatever it was set to.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub desired_count: Option<u32>,
        /// When it runs. Then the schedule decides how many copies do, and `desired_count` only counts for the first start.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub schedule: Option<Schedule>,
        /// How many copies run, by how much there is to do. Then `desired_count` only counts for the first start.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub autoscaling: Option<Autoscaling>,
        /// `FARGATE`, which is what it is unless `capacity` is given.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub launch_type: Option<LaunchType>,
        /// How copies are spread over capacity providers: `[{ provider: FARGATE_SPOT, weight: 1 }]` is the cheap one.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub capacity: Vec<CapacityShare>,
        /// The version of the Fargate platform, such as `1.4.0`. Without this line AWS chooses.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub platform_version: Option<String>,
        /// Where copies run in the network, and what may reach them.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub network: Option<Network>,
        /// How many copies, in percent of `desired_count`, run at least during a deployment; 100 unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub minimum_percent: Option<u32>,
        /// How many copies, in percent of `desired_count`, run at most during a deployment; 200 unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub maximum_percent: Option<u32>,
        /// Ends a deployment whose tasks keep failing. Off unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub circuit_breaker: Option<CircuitBreaker>,
        /// Ends a deployment when an alarm goes off.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub alarms: Option<Alarms>,
        /// Target groups of load balancers.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub load_balancers: Vec<LoadBalancer>,
        /// Service discovery registries.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub registries: Vec<Registry>,
        /// How services find each other by Service Connect.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub service_connect: Option<ServiceConnect>,
        /// Whether `aws ecs execute-command` works. No unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub enable_exec: Option<bool>,
        /// Whether copies are moved so that availability zones are used evenly. Without this line AWS chooses.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub az_rebalancing: Option<bool>,
        /// For how many seconds after the start a load balancer's health checks do not count. None unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub health_check_grace_period: Option<u32>,
        /// From where tasks get tags: `none` (the default), `service` or `task_definition`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub propagate_tags: Option<PropagateTags>,
        /// Whether ECS tags tasks with cluster and service. No unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ecs_managed_tags: Option<bool>,
        /// EBS volumes for the volumes that the task definition leaves `configured_at_launch`, by their names.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub volumes: BTreeMap<String, Ebs>,
        /// Anything else that `CreateService` of the ECS API takes, in its own spelling. Wins over the keys above.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub extra: BTreeMap<String, Value>,
    }
}

impl Service {
    /// The key of the task definition, if it is of this stack.
    pub fn own_task_definition(&self) -> Option<&str> {
        self.task_definition.as_ref()?.own()
    }

    /// Whether its tasks get tags when they are started.
    pub fn tags_tasks(&self) -> bool {
        self.ecs_managed_tags == Some(true) || self.propagate_tags.is_some_and(|from| from != PropagateTags::None)
    }

    /// The name of the cluster.
    fn cluster_name(&self, stack: &Stack) -> Option<String> {
        Some(match self.cluster.as_ref()? {
            Ref::Own(key) => match stack.clusters.get(key) {
                Some(cluster) => cluster.aws_name(key).to_owned(),
                None => key.clone(),
            },
            Ref::Existing(text) => text.rsplit('/').next().unwrap_or(text).to_owned(),
        })
    }

    /// The ARN of the service, once its cluster is known.
    pub fn arn(&self, name: &str, stack: &Stack, facts: &Facts) -> Option<String> {
        Some(facts.arn("ecs", format_args!("service/{}/{name}", self.cluster_name(stack)?)))
    }
}

impl Resource for Service {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        cx.length("service", &name, 1..=255);
        cx.characters("service", &name, "letters, digits, `_` and `-`", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
        });
        if self.cluster.is_none() {
            cx.error(&[], "missing-key", "`cluster` is required")
                .help("name a key under `clusters`, or `{ existing: name }`");
        }
        if let Some(Ref::Own(key)) = &self.cluster {
            let stack = cx.stack;
            cx.reference(&["cluster"], key, "clusters", stack.clusters.keys());
        }
        if !self.existing {
            check::check(self, cx);
            check_scaling::check(self, cx);
        }
    }

    fn scope(&self, stack: &Stack) -> Option<String> {
        Some(format!("cluster `{}`", crate::check::shorten(&self.cluster_name(stack)?)))
    }

    fn output(&self, name: &str, output: &str, _: &Facts) -> Option<String> {
        // The ARN holds the cluster's name, which is another resource's: see `Service::arn`.
        (output == "name").then(|| name.to_owned())
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["name"]
    }
}
