//! Everything that is in an account, whoever made it: a witness that knows nothing of marks and plans.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use crate::error::Result;
use crate::world::{EXAMPLE_PARAMETER, World};

/// How often each thing is there: `role papyrus-task`, `active revision of papyrus`. What is numbered anew
/// each time is left out, so that two accounts that were brought to the same state are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory(BTreeMap<String, usize>);

/// What one inventory has and another has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What is there too often.
    pub extra: Vec<String>,
    /// What is not there, or too rarely.
    pub missing: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.extra.is_empty() && self.missing.is_empty()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too much: {:?}, missing: {:?}", self.extra, self.missing)
    }
}

impl Inventory {
    /// Looks at everything that hatoba knows how to make. The calls pass aside of the proxy's log and faults.
    ///
    /// # Errors
    /// When a read fails.
    pub fn of(world: &World) -> Result<Self> {
        let mut all = Self::default();
        all.iam(world)?;
        all.containers(world)?;
        let groups = world.aws("ec2", "DescribeSecurityGroups", &json!({}))?;
        // The names of groups that rules refer to are among them; they are equal where the groups are.
        all.add("security group", groups.elements("groupName").into_iter().filter(|name| name != "default"));
        let logs = world.aws("logs", "DescribeLogGroups", &json!({}))?.json()?;
        all.add("log group", texts(&logs["logGroups"], "logGroupName"));
        let scaling = |action| world.aws("application-autoscaling", action, &json!({ "ServiceNamespace": "ecs" }));
        let targets = scaling("DescribeScalableTargets")?.json()?;
        all.add("scalable target", texts(&targets["ScalableTargets"], "ResourceId"));
        let actions = scaling("DescribeScheduledActions")?.json()?;
        all.add("scheduled action", texts(&actions["ScheduledActions"], "ScheduledActionName"));
        let policies = scaling("DescribeScalingPolicies")?.json()?;
        all.add("scaling policy", texts(&policies["ScalingPolicies"], "PolicyName"));
        let parameters = world.aws("ssm", "DescribeParameters", &json!({}))?.json()?;
        // The one that the example takes for granted is nobody's.
        let names = texts(&parameters["Parameters"], "Name").into_iter().filter(|name| name != EXAMPLE_PARAMETER);
        all.add("parameter", names);
        Ok(all)
    }

    /// What is there, in order.
    pub fn things(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How this one differs from what it should be.
    pub fn against(&self, expected: &Self) -> Difference {
        let more = |a: &Self, b: &Self| {
            let surplus = |(thing, count): (&String, &usize)| {
                let other = b.0.get(thing).copied().unwrap_or_default();
                (*count > other).then(|| format!("{thing} ({count} instead of {other})"))
            };
            a.0.iter().filter_map(surplus).collect()
        };
        Difference { extra: more(self, expected), missing: more(expected, self) }
    }

    fn add(&mut self, what: &str, names: impl IntoIterator<Item = String>) {
        for name in names {
            *self.0.entry(format!("{what} {name}")).or_default() += 1;
        }
    }

    fn iam(&mut self, world: &World) -> Result<()> {
        // The default is a hundred at once.
        let many = json!({ "MaxItems": 1000 });
        self.add("role", world.aws("iam", "ListRoles", &many)?.elements("RoleName"));
        self.add("user", world.aws("iam", "ListUsers", &many)?.elements("UserName"));
        let own = json!({ "MaxItems": 1000, "Scope": "Local" });
        self.add("policy", world.aws("iam", "ListPolicies", &own)?.elements("PolicyName"));
        let providers = world.aws("iam", "ListOpenIDConnectProviders", &json!({}))?;
        self.add("OIDC provider", providers.elements("Arn").iter().map(|arn| last(arn, ":oidc-provider/")));
        Ok(())
    }

    fn containers(&mut self, world: &World) -> Result<()> {
        let repositories = world.aws("ecr", "DescribeRepositories", &json!({}))?.json()?;
        self.add("repository", texts(&repositories["repositories"], "repositoryName"));
        let clusters = world.aws("ecs", "ListClusters", &json!({}))?.json()?;
        for cluster in strings(&clusters["clusterArns"]) {
            let name = last(&cluster, ":cluster/");
            let services = world.aws("ecs", "ListServices", &json!({ "cluster": name }))?.json()?;
            let arns = strings(&services["serviceArns"]);
            self.add("service", arns.iter().map(|arn| last(arn, ":service/")));
            self.add("cluster", [name]);
        }
        for status in ["ACTIVE", "INACTIVE"] {
            let revisions = world.aws("ecs", "ListTaskDefinitions", &json!({ "status": status }))?.json()?;
            let arns = strings(&revisions["taskDefinitionArns"]);
            // Without its number: those of deleted revisions are not given again.
            let family = |arn: &String| last(arn, ":task-definition/").split(':').next().unwrap_or_default().to_owned();
            self.add(&format!("{} revision of", status.to_lowercase()), arns.iter().map(family));
        }
        Ok(())
    }
}

fn last(arn: &str, infix: &str) -> String {
    arn.split_once(infix).map_or(arn, |(_, name)| name).to_owned()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item[key].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::Inventory;

    #[test]
    fn what_is_there_twice_or_not_at_all_is_told() {
        let (mut is, mut should) = (Inventory::default(), Inventory::default());
        should.add("role", ["a".to_owned(), "b".to_owned()]);
        assert!(should.against(&should).is_empty());
        is.add("role", ["a".to_owned(), "a".to_owned()]);
        let difference = is.against(&should);
        assert_eq!(difference.extra, ["role a (2 instead of 1)"]);
        assert_eq!(difference.missing, ["role b (1 instead of 0)"]);
    }
}
