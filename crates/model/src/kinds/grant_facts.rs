//! What grants come to in a stack: the names in `grants` as ARNs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::repository_place::RepositoryPlace;
use super::service::Service;
use super::task_definition::TaskDefinition;
use crate::check::Check;
use crate::diag::nearest;
use crate::facts::Facts;
use crate::iam::grants::{Grant, GrantFacts, Names, ServiceFacts, TaskFacts, permissions};
use crate::iam::permission::{self, Permission};
use crate::kinds::Resource as _;
use crate::reference::Ref;
use crate::stack::Stack;

/// The policy that the grants of a role come to; nothing when there are none. A name that the stack does not have is left out:
/// the role's check reports it. `plan` and `apply` are about calls, which are not known here: they add nothing.
pub fn grants_policy(grants: &[Grant], stack: &Stack, facts: &Facts) -> Option<Value> {
    permission::policy(&grants_permissions(grants, stack, facts))
}

/// The same, permission by permission.
pub fn grants_permissions(grants: &[Grant], stack: &Stack, facts: &Facts) -> Vec<Permission> {
    permissions(&Gather { stack, facts }.all(grants))
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
                Grant::Run(names) => all.run.extend(names.iter().filter_map(|key| self.run(key))),
                Grant::Logs(names) => all.logs.extend(names.iter().flat_map(|key| self.logs(key))),
                Grant::Scale(names) => all.scale.extend(names.iter().filter_map(|key| self.service(key))),
                Grant::Plan(_) | Grant::Apply(_) => {}
            }
        }
        all
    }

    fn service(&self, key: &str) -> Option<String> {
        let service = self.stack.services.get(key)?;
        service.arn(service.aws_name(key), self.stack, self.facts)
    }

    fn deploy(&self, key: &str) -> Option<ServiceFacts> {
        let service = self.service(key)?;
        // arn:…:service/CLUSTER/NAME
        let cluster = self.facts.arn("ecs", format_args!("cluster/{}", service.rsplit('/').nth(1)?));
        let task = match self.stack.services.get(key)?.task_definition.as_ref()? {
            Ref::Own(key) => self.task(key),
            // Of one outside of the stack only the family is known.
            Ref::Existing(text) => TaskFacts { task_definition: self.revisions(family(text)), ..TaskFacts::default() },
        };
        Some(ServiceFacts { service, cluster, task })
    }

    fn run(&self, key: &str) -> Option<TaskFacts> {
        self.stack.task_definitions.get(key)?;
        let runs = |service: &Service| service.own_task_definition() == Some(key);
        // Where no service runs it, each may lend its network.
        let lent = !self.stack.services.values().any(runs);
        let users = || self.stack.services.iter().filter(|(_, service)| lent || runs(service));
        let services: Vec<String> = users().filter_map(|(key, _)| self.service(key)).collect();
        // arn:…:service/CLUSTER/NAME
        let of_service =
            |arn: &String| Some(self.facts.arn("ecs", format_args!("cluster/{}", arn.rsplit('/').nth(1)?)));
        let own = self.stack.clusters.keys().filter_map(|key| self.computed("clusters", key, "arn"));
        let clusters: BTreeSet<String> = own.chain(services.iter().filter_map(of_service)).collect();
        let tagged = users().any(|(_, service)| service.tags_tasks());
        Some(TaskFacts { clusters: clusters.into_iter().collect(), services, lent, tagged, ..self.task(key) })
    }

    /// What is known of a task definition by its key; one that the stack does not have is its family.
    fn task(&self, key: &str) -> TaskFacts {
        let Some(task) = self.stack.task_definitions.get(key) else {
            return TaskFacts { task_definition: self.revisions(key), ..TaskFacts::default() };
        };
        let roles = [&task.execution_role, &task.task_role].into_iter().flatten();
        TaskFacts {
            task_definition: self.revisions(task.aws_name(key)),
            roles: roles.filter_map(|role| self.role(role)).collect(),
            log_groups: self.log_groups(task).into_iter().collect(),
            repositories: task.repositories().filter_map(|repository| self.repository(repository)).collect(),
            ..TaskFacts::default()
        }
    }

    /// The ARN of a repository of this account and region; others are not asked about.
    fn repository(&self, repository: &Ref) -> Option<String> {
        let place = RepositoryPlace::of(self.stack, self.facts, repository);
        place.is_here(self.facts).then(|| self.facts.arn("ecr", format_args!("repository/{}", place.name)))
    }

    fn revisions(&self, family: &str) -> String {
        self.facts.arn("ecs", format_args!("task-definition/{family}:*"))
    }

    /// The log group of this key, and those of the service of this key.
    fn logs(&self, key: &str) -> BTreeSet<String> {
        let mut groups: BTreeSet<String> = self.computed("log_groups", key, "arn").into_iter().collect();
        let service = self.stack.services.get(key).and_then(|service| service.own_task_definition());
        groups.extend(
            service
                .and_then(|key| self.stack.task_definitions.get(key))
                .map(|task| self.log_groups(task))
                .unwrap_or_default(),
        );
        groups
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
        let (purpose, sections, names): (_, &[&str], _) = match grant {
            Grant::Push(names) => ("push", &["repositories"], names),
            Grant::Pull(names) => ("pull", &["repositories"], names),
            Grant::Deploy(names) => ("deploy", &["services"], names),
            Grant::Run(names) => ("run", &["task_definitions"], names),
            Grant::Logs(names) => ("logs", &["log_groups", "services"], names),
            Grant::Scale(names) => ("scale", &["services"], names),
            Grant::Plan(_) | Grant::Apply(_) => continue,
        };
        let below = ["grants", &index.to_string(), purpose];
        for (index, name) in names.iter().enumerate() {
            let index = index.to_string();
            let place: Vec<&str> = below.iter().copied().chain(names.is_list().then_some(index.as_str())).collect();
            check_name(cx, &place, name, sections);
            if purpose == "deploy" && cx.stack.services.get(name).is_some_and(is_unknown) {
                cx.error(&place, "grant-unknown", format!("what deploying `{name}` takes is unknown"))
                    .help("name its `cluster` and its `task_definition`, also with `existing: true`");
            }
            if purpose == "logs" && sections.iter().any(|section| cx.stack.find(section, name).is_some()) {
                check_logs(cx, &place, name);
            }
        }
    }
}

/// A service of others of which too little is said.
fn is_unknown(service: &Service) -> bool {
    service.existing && (service.cluster.is_none() || service.task_definition.is_none())
}

/// Reports a name that none of these sections has.
fn check_name(cx: &mut Check<'_>, place: &[&str], name: &str, sections: &[&str]) {
    let stack = cx.stack;
    if sections.iter().any(|section| stack.find(section, name).is_some()) {
        return;
    }
    // Where the name could stand in several sections, the one with the most similar name is meant.
    let keys = |section: &&str| stack.keys(section).into_iter().map(str::to_owned).collect::<Vec<_>>();
    let near = |section: &&&str| nearest(name, keys(section).iter().map(String::as_str)).is_some();
    let meant = sections.iter().find(near).or(sections.first());
    if let Some(section) = meant {
        cx.reference(place, name, section, &keys(section));
    }
}

/// Reports a service whose containers log to no group that the file names.
fn check_logs(cx: &mut Check<'_>, place: &[&str], name: &str) {
    let gather = Gather { stack: cx.stack, facts: cx.facts };
    if gather.logs(name).is_empty() {
        cx.error(place, "grant-unknown", format!("no container of the service `{name}` logs to a group"))
            .help("give a container `logs:`, or name a key under `log_groups`");
    }
}

/// Warns where a role that pull requests can assume may change what runs, or run commands: whoever can open one could, too.
pub(crate) fn check_pull_requests(cx: &mut Check<'_>, grants: &[Grant], trust: &Value) {
    if !admits_pull_requests(trust) {
        return;
    }
    for (index, grant) in grants.iter().enumerate() {
        let (purpose, could) = match grant {
            Grant::Deploy(_) => ("deploy", "change what runs"),
            Grant::Apply(_) => ("apply", "change what runs"),
            Grant::Run(_) => ("run", "run any command with the task role and the secrets"),
            _ => continue,
        };
        let message = format!("pull requests may assume this role, and it may {purpose}");
        cx.warn(&["grants", &index.to_string(), purpose], "grant-pull-request", message)
            .help(format!(
                "whoever can open a pull request from a branch of the repository could {could}, before any review"
            ))
            .help("give pull requests a role of their own with `grants: [{ plan: true }]`");
    }
}

/// Whether a trust policy admits workflow runs of pull requests.
fn admits_pull_requests(trust: &Value) -> bool {
    let statements = match trust.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().any(|statement| {
        let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flat_map(|map| map.values());
        let subjects = conditions
            .filter_map(Value::as_object)
            .flatten()
            .filter(|(key, _)| key.to_ascii_lowercase().ends_with(":sub"))
            .flat_map(|(_, values)| match values {
                Value::Array(values) => values.as_slice(),
                one => std::slice::from_ref(one),
            });
        subjects.filter_map(Value::as_str).any(|subject| subject.ends_with(":pull_request") || subject.ends_with(":*"))
    })
}
