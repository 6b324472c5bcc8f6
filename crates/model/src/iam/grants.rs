//! Grants: what a role may do, said by purpose, and the least set of permissions that it takes.
//!
//! Which action can be limited to which resource is taken from AWS's service authorization reference.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::permission::{self, Given, Permission};

/// One or several keys of resources of the stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Names(Vec<String>);

impl Names {
    /// The keys, as written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether they were written as a list, in which each has its own place.
    pub fn is_list(&self) -> bool {
        self.0.len() != 1
    }
}

impl From<&str> for Names {
    fn from(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            several => serializer.collect_seq(several),
        }
    }
}

// By hand, so that a wrong value is told what was expected instead of "no variant matched".
impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a resource of this stack, or a list of names")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names::from(name))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                if names.is_empty() {
                    return Err(de::Error::invalid_length(0, &self));
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonSchema for Names {
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a resource of this stack, or a list of names.",
            "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }]
        })
    }
}

/// Everything in the file: `true` or `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Everything;

impl Serialize for Everything {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

impl<'de> Deserialize<'de> for Everything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TrueOrAll;
        impl Visitor<'_> for TrueOrAll {
            type Value = Everything;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true` or `all` (everything in this file)")
            }

            fn visit_bool<E: de::Error>(self, yes: bool) -> Result<Everything, E> {
                if yes { Ok(Everything) } else { Err(E::invalid_value(Unexpected::Bool(yes), &self)) }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Everything, E> {
                if text == "all" { Ok(Everything) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
            }
        }
        deserializer.deserialize_any(TrueOrAll)
    }
}

impl JsonSchema for Everything {
    fn schema_name() -> Cow<'static, str> {
        "Everything".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Everything in this file.", "enum": [true, "all"] })
    }
}

/// What a role is allowed, by purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Push images to these repositories, and pull from them.
    Push(Names),
    /// Pull images from these repositories.
    Pull(Names),
    /// Bring new images into these services, or older revisions back: find the image, register task definitions of their family with
    /// their roles, update the service, follow the deployment and read its logs.
    Deploy(Names),
    /// Run tasks of these task definitions: start them with their roles, follow and stop them, and read their logs.
    Run(Names),
    /// Read the logs of these log groups, or of the containers of these services.
    Logs(Names),
    /// Stop and start these services: change how many tasks they run, and their schedule.
    Scale(Names),
    /// Read what `hatoba plan` reads, for pull requests: nothing can be changed.
    Plan(Everything),
    /// What `hatoba apply` needs: create and change what is in this file, but delete nothing of it.
    Apply(Everything),
}

/// What grants come to once names are resolved: ARNs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantFacts {
    /// Repositories that may be pushed to.
    pub push: Vec<String>,
    /// Repositories that may be pulled from.
    pub pull: Vec<String>,
    /// Services that may be deployed.
    pub deploy: Vec<ServiceFacts>,
    /// Task definitions that may be run.
    pub run: Vec<TaskFacts>,
    /// Log groups that may be read: `arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus`.
    pub logs: Vec<String>,
    /// Services that may be stopped and started: `arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus`.
    pub scale: Vec<String>,
}

/// A service and what it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// The service: `arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus`.
    pub service: String,
    /// Its cluster: `arn:aws:ecs:us-west-2:123456789012:cluster/papyrus`.
    pub cluster: String,
    /// What it runs.
    pub task: TaskFacts,
}

/// A task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFacts {
    /// All its revisions: `arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:*`.
    pub task_definition: String,
    /// Its execution role and its task role, those that it has.
    pub roles: Vec<String>,
    /// The log groups of its containers: `arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus`.
    pub log_groups: Vec<String>,
    /// The repositories of the stack that its images come from.
    pub repositories: Vec<String>,
    /// The clusters that it may run in: `arn:aws:ecs:us-west-2:123456789012:cluster/papyrus`.
    pub clusters: Vec<String>,
    /// The services whose revision and network a task of it takes: `arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus`.
    pub services: Vec<String>,
    /// Whether none of these runs it: each may lend its network, and without one the default network is taken.
    pub lent: bool,
    /// Whether tasks get tags.
    pub tagged: bool,
}

const PULL: [&str; 4] =
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"];
const PUSH: [&str; 8] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
];
/// To find the image that a tag means, and its platforms.
const RESOLVE: &str = "ecr:BatchGetImage";

/// What is granted, permission by permission.
pub fn permissions(facts: &GrantFacts) -> Vec<Permission> {
    let mut all = Many::default();
    if !(facts.push.is_empty() && facts.pull.is_empty()) {
        all.add("LogInToEcr", "ecr:GetAuthorizationToken", "*");
    }
    facts.push.iter().for_each(|arn| all.each("PushImages", &PUSH, arn));
    facts.pull.iter().for_each(|arn| all.each("PullImages", &PULL, arn));
    facts.deploy.iter().for_each(|service| all.deploy(service));
    facts.run.iter().for_each(|task| all.run(task));
    facts.logs.iter().for_each(|group| all.read_logs(group));
    facts.scale.iter().for_each(|service| all.scale(service));
    all.0
}

/// The fewest statements that allow what is granted and nothing else. See [`permission::statements`].
pub fn statements(facts: &GrantFacts) -> Vec<Value> {
    permission::statements(&permissions(facts))
}

/// The policy of [`statements`]; nothing when nothing is granted.
pub fn policy(facts: &GrantFacts) -> Option<Value> {
    permission::policy(&permissions(facts))
}

/// Permissions in the making.
#[derive(Default)]
struct Many(Vec<Permission>);

impl Many {
    fn add(&mut self, topic: &str, action: &str, resource: impl Into<String>) {
        self.0.push(Permission::new(topic, action, resource));
    }

    fn each(&mut self, topic: &str, actions: &[&str], resource: &str) {
        actions.iter().for_each(|action| self.add(topic, action, resource));
    }

    fn deploy(&mut self, facts: &ServiceFacts) {
        facts.task.repositories.iter().for_each(|arn| self.add("FindImages", RESOLVE, arn));
        // Neither can be limited to a resource. Revisions are listed when the latest has no mark.
        let everywhere = ["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"];
        self.each("AccountWide", &everywhere, "*");
        let change = ["ecs:RegisterTaskDefinition", "ecs:TagResource"];
        self.each("RegisterTaskDefinitions", &change, &facts.task.task_definition);
        self.pass(&facts.task.roles);
        let update = ["ecs:DescribeServices", "ecs:ListServiceDeployments", "ecs:UpdateService"];
        self.each("UpdateServices", &update, &facts.service);
        let deployments = format!("{}/*", facts.service.replacen(":service/", ":service-deployment/", 1));
        for resource in [&facts.service, &deployments] {
            let follow = ["ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"];
            self.each("FollowDeployments", &follow, resource);
        }
        // What a deployment that completed has brought: where a rollback goes.
        let revisions = format!("{}/*", facts.service.replacen(":service/", ":service-revision/", 1));
        for resource in [&facts.service, &revisions] {
            self.add("ReadServiceRevisions", "ecs:DescribeServiceRevisions", resource);
        }
        // Fargate tasks have no container instance, the only resource that ListTasks can be limited to.
        self.0.push(Permission::new("ListInClusters", "ecs:ListTasks", "*").given(in_cluster(&facts.cluster)));
        self.add("DescribeTasks", "ecs:DescribeTasks", below(&facts.cluster, "task"));
        facts.task.log_groups.iter().for_each(|group| self.add("ReadLogs", "logs:GetLogEvents", streams(group)));
    }

    fn run(&mut self, facts: &TaskFacts) {
        // Revisions are listed when the latest has no mark.
        self.each("AccountWide", &["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], "*");
        if facts.lent || facts.services.is_empty() {
            self.add("AccountWide", "ec2:DescribeSubnets", "*");
        }
        facts.services.iter().for_each(|service| self.add("FindNetworks", "ecs:DescribeServices", service));
        let run = Permission::new("RunTasks", "ecs:RunTask", &facts.task_definition);
        let mut places: Vec<String> = facts.clusters.iter().map(|cluster| below(cluster, "task")).collect();
        if facts.clusters.is_empty() {
            // The cluster is named by whoever runs it.
            places.extend(
                facts.task_definition.split_once(":task-definition/").map(|(head, _)| format!("{head}:task/*")),
            );
            self.0.push(run.clone());
        }
        self.0.extend(facts.clusters.iter().map(|cluster| run.clone().given(in_cluster(cluster))));
        for tasks in &places {
            self.each("FollowTasks", &["ecs:DescribeTasks", "ecs:StopTask"], tasks);
            if facts.tagged {
                // Whoever starts a task with tags must be allowed to tag what this call makes, and nothing else.
                let tag = Permission::new("TagTasks", "ecs:TagResource", tasks);
                self.0.push(tag.given(Given::new("StringEquals", "ecs:CreateAction", "RunTask")));
            }
        }
        self.pass(&facts.roles);
        facts.log_groups.iter().for_each(|group| self.add("ReadLogs", "logs:GetLogEvents", streams(group)));
    }

    fn pass(&mut self, roles: &[String]) {
        for role in roles {
            let to_tasks = Given::new("StringEquals", "iam:PassedToService", "ecs-tasks.amazonaws.com");
            self.0.push(Permission::new("PassTaskRoles", "iam:PassRole", role).given(to_tasks));
        }
    }

    fn read_logs(&mut self, group: &str) {
        self.add("ReadLogs", "logs:GetLogEvents", streams(group));
        let group = group.strip_suffix(":*").unwrap_or(group);
        // The reference names the group with and without the star at its end.
        for resource in [group.to_owned(), format!("{group}:*")] {
            self.each("SearchLogs", &["logs:DescribeLogStreams", "logs:FilterLogEvents"], &resource);
        }
    }

    fn scale(&mut self, service: &str) {
        let change = ["ecs:DescribeServices", "ecs:TagResource", "ecs:UntagResource", "ecs:UpdateService"];
        self.each("ScaleServices", &change, service);
        let autoscaling = |action: &str| format!("application-autoscaling:{action}");
        for action in ["DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions"] {
            self.add("AccountWide", &autoscaling(action), "*");
        }
        // The ids of scalable targets are AWS's to choose.
        let Some((head, _)) = service.split_once(":service/") else { return };
        let targets = format!("{}:scalable-target/*", head.replacen(":ecs:", ":application-autoscaling:", 1));
        for action in
            ["DeleteScheduledAction", "DeregisterScalableTarget", "PutScheduledAction", "RegisterScalableTarget"]
        {
            self.add("ScheduleServices", &autoscaling(action), &targets);
        }
        // The first scalable target of an account, such as that which ends an `up --for`, brings this role along.
        if let Some((partition, account)) = partition_and_account(service) {
            let role = format!("arn:{partition}:iam::{account}:role/aws-service-role/{SCALING_SERVICE}/*");
            let make = Permission::new("MakeScalingRole", "iam:CreateServiceLinkedRole", role);
            self.0.push(make.given(Given::new("StringEquals", "iam:AWSServiceName", SCALING_SERVICE)));
        }
    }
}

/// As which service Application Auto Scaling acts on ECS.
const SCALING_SERVICE: &str = "ecs.application-autoscaling.amazonaws.com";

/// Of an ARN.
fn partition_and_account(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.split(':');
    Some((parts.nth(1)?, parts.nth(2)?))
}

fn in_cluster(cluster: &str) -> Given {
    Given::new("ArnEquals", "ecs:cluster", cluster)
}

/// Everything of this sort in a cluster.
fn below(cluster: &str, sort: &str) -> String {
    format!("{}/*", cluster.replacen(":cluster/", &format!(":{sort}/"), 1))
}

/// The streams of a log group.
fn streams(group: &str) -> String {
    format!("{}:log-stream:*", group.strip_suffix(":*").unwrap_or(group))
}

#[cfg(test)]
#[path = "grants_tests.rs"]
mod tests;
