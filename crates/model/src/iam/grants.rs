//! Grants: what a role may do, said by purpose, and the least set of permissions that it takes.
//!
//! Which action can be limited to which resource is taken from AWS's service authorization reference.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

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

/// What a role is allowed, by purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Push images to these repositories, and pull from them.
    Push(Names),
    /// Pull images from these repositories.
    Pull(Names),
    /// Bring new images into these services: register task definitions of their family with their roles, update the service, follow
    /// the deployment and read its logs.
    Deploy(Names),
}

/// What grants come to once names are resolved: ARNs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantFacts {
    /// Repositories that may be pushed to.
    pub push: Vec<String>,
    /// Repositories that may be pulled from.
    pub pull: Vec<String>,
    /// Services that may be deployed.
    pub deploy: Vec<DeployFacts>,
}

/// A service that may be deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeployFacts {
    /// The service: `arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus`.
    pub service: String,
    /// Its cluster: `arn:aws:ecs:us-west-2:123456789012:cluster/papyrus`.
    pub cluster: String,
    /// All revisions of its task definition: `arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:*`.
    pub task_definition: String,
    /// The execution role and the task role of the task definition, those that it has.
    pub roles: Vec<String>,
    /// The log groups of its containers: `arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus`.
    pub log_groups: Vec<String>,
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

/// The fewest statements that allow what is granted and nothing else, each with a `Sid`. Equal facts give equal statements, in
/// whatever order they are given. A repository that may be pushed to is not named again for pulling. Empty when nothing is granted.
pub fn statements(facts: &GrantFacts) -> Vec<Value> {
    let push: BTreeSet<&str> = facts.push.iter().map(String::as_str).collect();
    let pull: BTreeSet<&str> = facts.pull.iter().map(String::as_str).filter(|arn| !push.contains(arn)).collect();
    let deploy = &facts.deploy;
    let each = |of: fn(&DeployFacts) -> String| -> BTreeSet<String> { deploy.iter().map(of).collect() };

    let mut unscoped = Vec::new();
    if !(push.is_empty() && pull.is_empty()) {
        unscoped.push("ecr:GetAuthorizationToken");
    }
    if !deploy.is_empty() {
        unscoped.extend(["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"]);
    }
    let services = each(|facts| facts.service.clone());
    let deployments = each(|facts| format!("{}/*", facts.service.replacen(":service/", ":service-deployment/", 1)));
    let tasks = each(|facts| format!("{}/*", facts.cluster.replacen(":cluster/", ":task/", 1)));
    let clusters = each(|facts| facts.cluster.clone());
    let families = each(|facts| facts.task_definition.clone());
    let roles: BTreeSet<String> = deploy.iter().flat_map(|facts| facts.roles.iter().cloned()).collect();
    let streams: BTreeSet<String> = deploy
        .iter()
        .flat_map(|facts| &facts.log_groups)
        .map(|group| format!("{}:log-stream:*", group.strip_suffix(":*").unwrap_or(group)))
        .collect();

    let any = BTreeSet::from(["*".to_owned()]);
    let anywhere = |wanted: bool| if wanted { any.clone() } else { BTreeSet::new() };
    let owned = |arns: BTreeSet<&str>| arns.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let followed: BTreeSet<String> = services.union(&deployments).cloned().collect();
    // Fargate tasks have no container instance, the only resource that ListTasks can be limited to.
    let in_cluster = json!({ "ArnEquals": { "ecs:cluster": one_or_list(&clusters) } });
    let to_tasks = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    [
        // No resource can be named for these.
        statement("AccountWide", &unscoped, &anywhere(!unscoped.is_empty()), None),
        statement("PushImages", &PUSH, &owned(push), None),
        statement("PullImages", &PULL, &owned(pull), None),
        statement("RegisterTaskDefinitions", &["ecs:RegisterTaskDefinition", "ecs:TagResource"], &families, None),
        statement("PassTaskRoles", &["iam:PassRole"], &roles, Some(to_tasks)),
        statement(
            "UpdateServices",
            &["ecs:DescribeServices", "ecs:ListServiceDeployments", "ecs:UpdateService"],
            &services,
            None,
        ),
        statement(
            "FollowDeployments",
            &["ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"],
            &followed,
            None,
        ),
        statement("ListTasks", &["ecs:ListTasks"], &anywhere(!clusters.is_empty()), Some(in_cluster)),
        statement("DescribeTasks", &["ecs:DescribeTasks"], &tasks, None),
        statement("ReadLogs", &["logs:GetLogEvents"], &streams, None),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The policy of [`statements`]; nothing when nothing is granted.
pub fn policy(facts: &GrantFacts) -> Option<Value> {
    let statements = statements(facts);
    (!statements.is_empty()).then(|| json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// A statement, unless it is about nothing.
fn statement(sid: &str, actions: &[&str], resources: &BTreeSet<String>, condition: Option<Value>) -> Option<Value> {
    if resources.is_empty() {
        return None;
    }
    let actions: BTreeSet<String> = actions.iter().map(|action| (*action).to_owned()).collect();
    let mut statement = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Action": one_or_list(&actions),
        "Resource": one_or_list(resources)
    });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    Some(statement)
}

fn one_or_list(texts: &BTreeSet<String>) -> Value {
    match texts.iter().next() {
        Some(one) if texts.len() == 1 => json!(one),
        _ => json!(texts),
    }
}

#[cfg(test)]
#[path = "grants_tests.rs"]
mod tests;
