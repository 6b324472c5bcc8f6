//! Calls that are refused because something that they need was made a moment ago. Codes and messages as AWS words them; where a
//! message is nowhere documented it is that of public reports.

use std::time::Duration;

use serde_json::Value;

use super::{Count, Times};
use crate::client::elements;
use crate::plays::last;
use crate::proxy::{Call, Play, Reply};

/// What a successful call made, and what a call needs: names, in any spelling that both agree on.
type Names = fn(&Call) -> Vec<String>;

/// How a call is refused: status, code and message.
type Refusal = fn(&Call, &str) -> (u16, &'static str, String);

/// What happens to a call that needs something that was not seen to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// It was there before.
    Passes,
    IsRefused,
    /// It is refused, and what it needs comes about by being asked for.
    ComesAbout,
}

/// Refuses calls that need something that is younger than the lag.
#[derive(Debug)]
pub struct Lag {
    lag: Duration,
    made: Names,
    needed: Names,
    refusal: Refusal,
    absent: Absent,
    births: Times,
    refused: Count,
}

impl Lag {
    fn new(lag: Duration, made: Names, needed: Names, refusal: Refusal) -> Self {
        Self { lag, made, needed, refusal, absent: Absent::Passes, births: Times::default(), refused: Count::default() }
    }

    /// A new role cannot be passed yet: `RegisterTaskDefinition` refuses it.
    pub fn roles_cannot_be_passed(lag: Duration) -> Self {
        Self::new(lag, made_roles, passed_roles, |_, _| (400, "ClientException", "Role is not valid".to_owned()))
    }

    /// ECS cannot assume a new role yet: `CreateService` refuses the one that is to make its volumes.
    pub fn roles_cannot_be_assumed(lag: Duration) -> Self {
        Self::new(lag, made_roles, volume_roles, |_, role| {
            let message = format!(
                "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role \
                 being passed has the proper trust relationship and permissions and that your IAM user has permissions \
                 to pass this role."
            );
            (400, "InvalidParameterException", message)
        })
    }

    /// A new role or user is not known as a principal yet: IAM refuses trust in it.
    pub fn principals_are_unknown_to_iam(lag: Duration) -> Self {
        let play = Self::new(lag, made_principals, named_principals::<TRUST>, |_, name| {
            (400, "MalformedPolicyDocument", format!("Invalid principal in policy: \"AWS\":\"{name}\""))
        });
        Self { absent: Absent::IsRefused, ..play }
    }

    /// A new role or user is not known as a principal yet: ECR refuses a repository policy that names it.
    pub fn principals_are_unknown_to_ecr(lag: Duration) -> Self {
        let play = Self::new(lag, made_principals, named_principals::<POLICY>, |_, _| {
            let text = "Invalid parameter at 'PolicyText' failed to satisfy constraint: \
                        'Invalid repository policy provided'";
            (400, "InvalidParameterException", text.to_owned())
        });
        Self { absent: Absent::IsRefused, ..play }
    }

    /// IAM does not find what it has just made.
    pub fn iam_does_not_find(lag: Duration) -> Self {
        let made = |call: &Call| if call.action.starts_with("Create") { iam_names(call) } else { Vec::new() };
        let needed = |call: &Call| {
            let takes_off = ["Create", "Delete", "Detach", "Untag", "List"].iter().any(|t| call.action.starts_with(t));
            if takes_off && call.action != "CreateAccessKey" { Vec::new() } else { iam_names(call) }
        };
        Self::new(lag, made, needed, |_, name| {
            let message = match name.split_once(' ') {
                Some(("policy", arn)) => format!("Policy {arn} does not exist or is not attachable."),
                Some((noun, name)) => format!("The {noun} with name {name} cannot be found."),
                None => name.to_owned(),
            };
            (404, "NoSuchEntity", message)
        })
    }

    /// ECS cannot use its service-linked role yet; where it is missing, ECS makes it on the first call, which fails.
    pub fn service_linked_role(lag: Duration) -> Self {
        let made = |call: &Call| match call.action.as_str() {
            "CreateServiceLinkedRole" => vec!["ecs".to_owned()],
            _ => Vec::new(),
        };
        let needed = |call: &Call| match (call.service.as_str(), call.action.as_str()) {
            ("ecs", "CreateCluster" | "CreateService") => vec!["ecs".to_owned()],
            _ => Vec::new(),
        };
        let play = Self::new(lag, made, needed, |_, _| {
            let message =
                "Unable to assume the service linked role. Please verify that the ECS service linked role exists.";
            (400, "InvalidParameterException", message.to_owned())
        });
        Self { absent: Absent::ComesAbout, ..play }
    }

    /// `CreateService` does not find a cluster that was made a moment ago.
    pub fn clusters_are_not_found(lag: Duration) -> Self {
        Self::new(
            lag,
            made_clusters,
            |call| services_of(call, |_| true),
            |_, _| (400, "ClusterNotFoundException", "Cluster not found.".to_owned()),
        )
    }

    /// The capacity providers of a cluster cannot be used right after they were set.
    pub fn capacity_providers_are_not_associated(lag: Duration) -> Self {
        let needed = |call: &Call| services_of(call, |request| request["capacityProviderStrategy"].is_array());
        Self::new(lag, made_clusters, needed, |_, _| {
            let message = "The specified capacity provider strategy cannot contain a capacity provider that is not \
                           associated with the cluster.";
            (400, "InvalidParameterException", message.to_owned())
        })
    }

    /// EC2 does not find a security group that was made a moment ago when rules are added to it.
    pub fn security_groups_are_not_found(lag: Duration) -> Self {
        let needed = |call: &Call| {
            let adds = call.service == "ec2" && call.action.starts_with("AuthorizeSecurityGroup");
            call.form().remove("GroupId").filter(|_| adds).into_iter().collect()
        };
        Self::new(
            lag,
            |_| Vec::new(),
            needed,
            |_, id| (400, "InvalidGroup.NotFound", format!("The security group '{id}' does not exist")),
        )
    }

    /// How many calls were refused.
    pub fn refused(&self) -> usize {
        self.refused.get()
    }
}

impl Play for Lag {
    fn before(&self, call: &Call) -> Option<Reply> {
        let young = (self.needed)(call).into_iter().find(|name| match self.births.since(name) {
            Some(age) => age < self.lag,
            None if self.absent == Absent::ComesAbout => {
                self.births.first(name);
                true
            }
            None => self.absent == Absent::IsRefused,
        })?;
        self.refused.one_more();
        let (status, code, message) = (self.refusal)(call, &young);
        Some(Reply::error(call, status, code, &message))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if !reply.is_success() {
            return;
        }
        for name in (self.made)(call) {
            self.births.first(&name);
        }
        // Its name is the id, which only the answer tells.
        if call.service == "ec2" && call.action == "CreateSecurityGroup" {
            elements(&reply.text(), "groupId").iter().for_each(|id| self.births.first(id));
        }
    }
}

fn is_iam(call: &Call, action: &str) -> bool {
    call.service == "iam" && call.action == action
}

fn field(call: &Call, name: &str) -> Option<String> {
    call.form().remove(name)
}

fn made_roles(call: &Call) -> Vec<String> {
    field(call, "RoleName").filter(|_| is_iam(call, "CreateRole")).into_iter().collect()
}

fn made_principals(call: &Call) -> Vec<String> {
    let user = field(call, "UserName").filter(|_| is_iam(call, "CreateUser"));
    made_roles(call).into_iter().chain(user).collect()
}

fn passed_roles(call: &Call) -> Vec<String> {
    if call.name() != "ecs:RegisterTaskDefinition" {
        return Vec::new();
    }
    let request = call.json();
    let roles = ["executionRoleArn", "taskRoleArn"].iter().filter_map(|member| request[*member].as_str());
    roles.map(|arn| last(arn).to_owned()).collect()
}

fn volume_roles(call: &Call) -> Vec<String> {
    if call.name() != "ecs:CreateService" {
        return Vec::new();
    }
    principals_in(&call.json()["volumeConfigurations"].to_string())
}

const TRUST: bool = true;
const POLICY: bool = false;

fn named_principals<const IN_TRUST: bool>(call: &Call) -> Vec<String> {
    match call.action.as_str() {
        "CreateRole" if IN_TRUST => field(call, "AssumeRolePolicyDocument"),
        "UpdateAssumeRolePolicy" if IN_TRUST => field(call, "PolicyDocument"),
        "SetRepositoryPolicy" if !IN_TRUST => call.json()["policyText"].as_str().map(str::to_owned),
        _ => None,
    }
    .map(|document| principals_in(&document))
    .unwrap_or_default()
}

/// The names of the roles and users whose ARNs stand in a text.
fn principals_in(text: &str) -> Vec<String> {
    let named = |noun: &str| -> Vec<String> {
        let rests = text.split(noun).skip(1);
        rests.filter_map(|rest| rest.split(['"', '\\']).next()).map(|path| last(path).to_owned()).collect()
    };
    [named(":role/"), named(":user/")].concat()
}

/// What a call of IAM is about, as `role NAME`, `user NAME` and `policy ARN`. The ARN of a new policy is computed.
fn iam_names(call: &Call) -> Vec<String> {
    if call.service != "iam" {
        return Vec::new();
    }
    let form = call.form();
    let name = |noun: &str, key: &str| form.get(key).map(|value| format!("{noun} {value}"));
    if call.action == "CreatePolicy" {
        let path = form.get("Path").map_or("/", String::as_str);
        let name = form.get("PolicyName").map(String::as_str).unwrap_or_default();
        return vec![format!("policy arn:aws:iam::{}:policy{path}{name}", call.account)];
    }
    [name("role", "RoleName"), name("user", "UserName"), name("policy", "PolicyArn")].into_iter().flatten().collect()
}

fn made_clusters(call: &Call) -> Vec<String> {
    let request = call.json();
    match (call.service.as_str(), call.action.as_str()) {
        ("ecs", "CreateCluster") => request["clusterName"].as_str().map(str::to_owned).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The cluster of a new service whose request is such a one.
fn services_of(call: &Call, such: fn(&Value) -> bool) -> Vec<String> {
    if call.service != "ecs" || call.action != "CreateService" {
        return Vec::new();
    }
    let request = call.json();
    request["cluster"].as_str().filter(|_| such(&request)).map(|cluster| last(cluster).to_owned()).into_iter().collect()
}
