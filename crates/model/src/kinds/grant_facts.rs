//! What grants come to in a stack: the names in `grants` as ARNs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::service::Service;
use super::task_definition::TaskDefinition;
use crate::check::Check;
use crate::facts::Facts;
use crate::iam::grants::{DeployFacts, Grant, GrantFacts, Names, policy};
use crate::kinds::Resource as _;
use crate::reference::Ref;
use crate::stack::Stack;

/// The policy that the grants of a role come to; nothing when there are none. A name that the stack does not have is left out:
/// the role's check reports it.
pub fn grants_policy(grants: &[Grant], stack: &Stack, facts: &Facts) -> Option<Value> {
    policy(&Gather { stack, facts }.all(grants))
}

/// Looks names up.
struct Gather<'a> {
    stack: &'a Stack,
    facts: &'a Facts,
}

impl Gather<'_> {
    fn all(&self, grants: &[Grant]) -> GrantFacts {
        let mut all = GrantFacts::default();
        let repositories = |names: &Names| -> Vec<String> {
            names.iter().filter_map(|key| self.computed("repositories", key, "arn")).collect()
        };
        for grant in grants {
            match grant {
                Grant::Push(names) => all.push.extend(repositories(names)),
                Grant::Pull(names) => all.pull.extend(repositories(names)),
                Grant::Deploy(names) => all.deploy.extend(names.iter().filter_map(|key| self.deploy(key))),
            }
        }
        all
    }

    fn deploy(&self, key: &str) -> Option<DeployFacts> {
        let service = self.stack.services.get(key)?;
        let service_arn = service.arn(service.aws_name(key), self.stack, self.facts)?;
        // arn:…:service/CLUSTER/NAME
        let cluster = service_arn.rsplit('/').nth(1)?.to_owned();
        let (family, task) = match service.task_definition.as_ref()? {
            Ref::Own(key) => {
                let task = self.stack.task_definitions.get(key)?;
                (task.aws_name(key), Some(task))
            }
            // Of one outside of the stack only the family is known.
            Ref::Existing(text) => (family(text), None),
        };
        let roles = task.into_iter().flat_map(|task| [&task.execution_role, &task.task_role]).flatten();
        Some(DeployFacts {
            service: service_arn,
            cluster: self.facts.arn("ecs", format_args!("cluster/{cluster}")),
            task_definition: self.facts.arn("ecs", format_args!("task-definition/{family}:*")),
            roles: roles.filter_map(|role| self.role(role)).collect(),
            log_groups: task.map(|task| self.log_groups(task).into_iter().collect()).unwrap_or_default(),
        })
    }

    fn role(&self, role: &Ref) -> Option<String> {
        match role {
            Ref::Own(key) => self.computed("roles", key, "arn"),
            Ref::Existing(text) if text.starts_with("arn:") => Some(text.clone()),
            Ref::Existing(name) => Some(self.facts.iam_arn(format_args!("role/{name}"))),
        }
    }

    fn log_groups(&self, task: &TaskDefinition) -> BTreeSet<String> {
        let group = |group: Ref| match group {
            Ref::Own(key) => self.computed("log_groups", &key, "arn"),
            Ref::Existing(text) if text.starts_with("arn:") => Some(text),
            Ref::Existing(name) => Some(self.facts.arn("logs", format_args!("log-group:{name}"))),
        };
        let containers = task.containers.values();
        containers.filter_map(|container| container.logs.as_ref()?.full().group).filter_map(group).collect()
    }

    fn computed(&self, section: &str, key: &str, output: &str) -> Option<String> {
        let resource = self.stack.find(section, key)?;
        resource.output(resource.aws_name(key), output, self.facts)
    }
}

/// The family of a task definition that is named `family`, `family:revision` or by an ARN.
fn family(text: &str) -> &str {
    let name = text.rsplit('/').next().unwrap_or(text);
    name.split(':').next().unwrap_or(name)
}

/// Reports names that the stack does not have, and services that cannot be deployed by a role.
pub(crate) fn check_grants(cx: &mut Check<'_>, grants: &[Grant]) {
    for (index, grant) in grants.iter().enumerate() {
        let (purpose, section, names) = match grant {
            Grant::Push(names) => ("push", "repositories", names),
            Grant::Pull(names) => ("pull", "repositories", names),
            Grant::Deploy(names) => ("deploy", "services", names),
        };
        let below = ["grants", &index.to_string(), purpose];
        let keys: Vec<String> = cx.stack.keys(section).into_iter().map(str::to_owned).collect();
        for (index, name) in names.iter().enumerate() {
            let index = index.to_string();
            let place: Vec<&str> = below.iter().copied().chain(names.is_list().then_some(index.as_str())).collect();
            cx.reference(&place, name, section, &keys);
            let unknown = |service: &Service| {
                service.existing && (service.cluster.is_none() || service.task_definition.is_none())
            };
            if section == "services" && cx.stack.services.get(name).is_some_and(unknown) {
                cx.error(&place, "grant-unknown", format!("what deploying `{name}` takes is unknown"))
                    .help("name its `cluster` and its `task_definition`, also with `existing: true`");
            }
        }
    }
}
