//! The variables of a repository that hand-written workflows need: what generated ones have in their text.

use std::collections::BTreeSet;

use hatoba_model::facts::Facts;
use hatoba_model::iam::grants::Grant;
use hatoba_model::kinds::Resource;
use hatoba_model::kinds::role::Role;
use hatoba_model::kinds::service::Service;
use hatoba_model::kinds::task_definition::Image;
use hatoba_model::kinds::trust::Trust;
use hatoba_model::stack::Stack;
use serde::Serialize;

/// A variable of a repository (GitHub: letters, digits and `_`, not beginning with a digit or `GITHUB_`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name: `AWS_ROLE_ARN`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it is, in words.
    pub what: String,
}

/// The variables of a stack, in an order that people expect. Where there are several of a sort, each has its key in its name; of the
/// roles, the only one that deploys is `AWS_ROLE_ARN` all the same.
pub fn variables(stack: &Stack, facts: &Facts) -> Vec<Variable> {
    let mut all = Names::default();
    all.add("AWS_ACCOUNT_ID", "", facts.account.to_string(), "the account");
    all.add("AWS_REGION", "", facts.region.to_string(), "the region");
    roles(&mut all, stack, facts);
    let uris: Vec<(&str, String)> = stack
        .repositories
        .iter()
        .filter_map(|(key, spec)| Some((key.as_str(), output(key, spec, "uri", facts)?)))
        .collect();
    if let Some((registry, _)) = uris.first().and_then(|(_, uri)| uri.split_once('/')) {
        all.add("ECR_REGISTRY", "", registry.to_owned(), "the registry of the account");
    }
    for (key, uri) in &uris {
        let name = uri.split_once('/').map_or(uri.as_str(), |(_, name)| name);
        all.add("ECR_REPOSITORY", suffix(key, uris.len()), name.to_owned(), "a repository for images");
    }
    for (key, service) in &stack.services {
        services(&mut all, stack, facts, key, service);
    }
    all.found
}

fn roles(all: &mut Names, stack: &Stack, facts: &Facts) {
    let trusted = |role: &Role| matches!(role.trust, Some(Trust::GitHub(_)));
    let roles: Vec<(&String, &Role)> = stack.roles.iter().filter(|(_, role)| trusted(role)).collect();
    let deploys = |role: &Role| role.grants.iter().any(|grant| matches!(grant, Grant::Deploy(_) | Grant::Push(_)));
    let deployers = roles.iter().filter(|(_, role)| deploys(role)).count();
    for (key, role) in &roles {
        let main = roles.len() == 1 || (deployers == 1 && deploys(role));
        let what = if deploys(role) { "the role that deploys" } else { "a role that GitHub may assume" };
        if let Some(arn) = output(key, *role, "arn", facts) {
            all.add("AWS_ROLE_ARN", if main { "" } else { key }, arn, what);
        }
    }
}

fn services(all: &mut Names, stack: &Stack, facts: &Facts, key: &str, service: &Service) {
    let suffix = suffix(key, stack.services.len());
    let name = service.aws_name(key);
    // arn:…:service/CLUSTER/NAME
    if let Some(arn) = service.arn(name, stack, facts)
        && let Some(cluster) = arn.rsplit('/').nth(1)
    {
        all.add("ECS_CLUSTER", suffix, cluster.to_owned(), "the cluster of the service");
    }
    all.add("ECS_SERVICE", suffix, name.to_owned(), "the service");
    let Some((family, task)) =
        service.own_task_definition().and_then(|key| Some((key, stack.task_definitions.get(key)?)))
    else {
        return;
    };
    all.add("ECS_TASK_DEFINITION", suffix, task.aws_name(family).to_owned(), "the family of its task definition");
    let live: Vec<&String> = task
        .containers
        .iter()
        .filter(|(_, container)| matches!(&container.image, Some(Image::Full(image)) if image.live))
        .map(|(key, _)| key)
        .collect();
    if let [container] = live.as_slice() {
        all.add("CONTAINER_NAME", suffix, (*container).clone(), "the container that is deployed");
    }
}

fn output(key: &str, resource: &impl Resource, output: &str, facts: &Facts) -> Option<String> {
    resource.output(resource.aws_name(key), output, facts)
}

fn suffix(key: &str, count: usize) -> &str {
    if count > 1 { key } else { "" }
}

/// Variables with names of their own.
#[derive(Default)]
struct Names {
    found: Vec<Variable>,
    taken: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, name: &str, suffix: &str, value: String, what: &str) {
        let mut name = name.to_owned();
        if !suffix.is_empty() {
            name.push('_');
            name.extend(suffix.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
        }
        let mut own = name.clone();
        // `a-b` and `a_b` are two keys, but would be one variable.
        let mut number = 2;
        while !self.taken.insert(own.clone()) {
            own = format!("{name}_{number}");
            number += 1;
        }
        self.found.push(Variable { name: own, value, what: what.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use serde_json::{Value, json};

    use super::*;

    fn names(stack: Value) -> Vec<String> {
        let stack: Stack = serde_json::from_value(stack).unwrap();
        let facts = Facts { account: "123456789012".parse().unwrap(), region: stack.region.clone() };
        variables(&stack, &facts).into_iter().map(|variable| format!("{}={}", variable.name, variable.value)).collect()
    }

    #[test]
    fn one_of_a_sort_needs_no_suffix() {
        let stack = json!({
            "stack": "papyrus", "region": "us-west-2",
            "roles": {
                "papyrus-deploy": { "trust": { "github": {} }, "path": "/ci/", "grants": [{ "push": "papyrus" }] },
                "papyrus-plan": { "trust": { "github": {} } },
                "execution": { "trust": { "service": "ecs-tasks.amazonaws.com" } }
            },
            "repositories": { "papyrus": { "name": "acme/papyrus" } },
            "task_definitions": { "papyrus": { "name": "web", "containers": {
                "app": { "image": { "repository": "papyrus", "live": true } }, "side": { "image": "nginx" }
            } } },
            "services": { "papyrus": { "cluster": { "existing": "shared" }, "task_definition": "papyrus" } }
        });
        assert_eq!(
            names(stack),
            [
                "AWS_ACCOUNT_ID=123456789012",
                "AWS_REGION=us-west-2",
                "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/ci/papyrus-deploy",
                "AWS_ROLE_ARN_PAPYRUS_PLAN=arn:aws:iam::123456789012:role/papyrus-plan",
                "ECR_REGISTRY=123456789012.dkr.ecr.us-west-2.amazonaws.com",
                "ECR_REPOSITORY=acme/papyrus",
                "ECS_CLUSTER=shared",
                "ECS_SERVICE=papyrus",
                "ECS_TASK_DEFINITION=web",
                "CONTAINER_NAME=app",
            ]
        );
    }

    #[test]
    fn several_of_a_sort_are_told_apart() {
        let stack = json!({
            "stack": "papyrus", "region": "us-west-2",
            "repositories": { "a-b": {}, "a/b": {} }
        });
        let names = names(stack);
        assert!(names.contains(&"ECR_REPOSITORY_A_B=a-b".to_owned()), "{names:?}");
        assert!(names.contains(&"ECR_REPOSITORY_A_B_2=a/b".to_owned()), "{names:?}");
    }
}
