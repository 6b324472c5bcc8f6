//! What a whole run needs: every call that it may make for a file, as permissions. Pure.

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::iam::SizeLimit;
use hatoba_model::iam::grants::{Grant, Names};
use hatoba_model::iam::permission::{Given, Permission};
use hatoba_model::kinds::Resource as _;
use hatoba_model::kinds::grant_facts::grants_permissions;
use hatoba_model::stack::Stack;

use super::call::{Call, Form, Mode, Need, On, Run, Subject, Whole};
use crate::kinds::{drivers, iam_account, network};
use crate::{aws, rotation, survey, verify};

/// What calls outside of the kinds are for.
const SURVEY: &str = "Survey";
/// What those of the preflight are for.
pub(super) const CHECK: &str = "Check";

/// The tables of calls that belong to no kind.
pub fn shared() -> impl Iterator<Item = &'static Call> {
    [aws::CALLS, survey::CALLS, iam_account::CALLS, network::CALLS, rotation::CALLS].into_iter().flatten().copied()
}

/// The table of the calls of the preflight.
pub fn checks() -> impl Iterator<Item = &'static Call> {
    verify::CALLS.iter().copied()
}

/// What a run of a file needs, and nothing else. Replacing something and removing what has left the file is not part of
/// [`Run::Apply`]: that takes the permissions of [`Run::Destroy`] on it, too.
pub fn permissions(goal: &Goal, facts: &Facts, run: Run) -> Vec<Permission> {
    let whole = Whole { facts, goal };
    let mut all = Vec::new();
    let of_none = shared().map(|call| (SURVEY, call)).chain(checks().map(|call| (CHECK, call)));
    for (topic, call) in of_none.filter(|(_, call)| call.mode.is_part_of(run)) {
        for need in call.needs {
            if let Form::Stack(form) = need.on {
                add(&mut all, topic, need, form(&whole));
            }
        }
    }
    for driver in drivers() {
        let kind = driver.info().name;
        let topic = topic(kind);
        let wants: Vec<&Desired> = goal.resources.values().filter(|want| want.kind.name == kind).collect();
        for call in driver.calls().into_iter().filter(|call| call.mode.is_part_of(run)) {
            for need in call.needs {
                match need.on {
                    Form::Stack(form) => add(&mut all, &topic, need, form(&whole)),
                    Form::Each(form) => {
                        for want in wants
                            .iter()
                            .filter(|want| !want.existing || matches!(call.mode, Mode::Plan | Mode::Compare))
                        {
                            // What is not managed here is only ever read.
                            let run = if want.existing || run == Run::Verify { Run::Plan } else { run };
                            let subject = Subject::of_wish(want, facts, run, wants.len() > 1);
                            add(&mut all, &topic, need, form(&subject));
                        }
                    }
                }
            }
        }
    }
    all
}

/// What deploying every service of a file needs.
pub fn deploy(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let services = stack.services.iter().filter(|(_, service)| !service.common().existing);
    grants_permissions(&[Grant::Deploy(services.map(|(key, _)| key.clone()).collect())], stack, facts)
}

/// What stopping and starting every service of a file needs.
pub fn scale(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let services = stack.services.iter().filter(|(_, service)| !service.common().existing);
    grants_permissions(&[Grant::Scale(services.map(|(key, _)| key.clone()).collect())], stack, facts)
}

/// What running every task definition of a file once needs.
pub fn run(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    grants_permissions(&[Grant::Run(stack.task_definitions.keys().cloned().collect())], stack, facts)
}

/// What running commands in the tasks of every service of a file needs. A task that was run once is in the same clusters.
pub fn exec(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let mut all = vec![Permission::new("AccountWide", "ecs:DescribeTaskDefinition", "*")];
    let services = stack.services.iter().filter(|(_, service)| !service.common().existing);
    for service in services.filter_map(|(key, service)| service.arn(service.aws_name(key), stack, facts)) {
        let Some(name) = service.rsplit('/').nth(1) else { continue };
        let (cluster, tasks) = (format_args!("cluster/{name}"), format_args!("task/{name}/*"));
        let (cluster, tasks) = (facts.arn("ecs", cluster), facts.arn("ecs", tasks));
        all.push(Permission::new("FindServices", "ecs:DescribeServices", &service));
        // Fargate tasks have no container instance, the only resource that ListTasks can be limited to.
        let list = Permission::new("ListInClusters", "ecs:ListTasks", "*");
        all.push(list.given(Given::new("ArnEquals", "ecs:cluster", &cluster)));
        all.push(Permission::new("DescribeTasks", "ecs:DescribeTasks", &tasks));
        // It supports both, and asks for both.
        all.extend([cluster, tasks].map(|arn| Permission::new("RunCommands", "ecs:ExecuteCommand", arn)));
    }
    all
}

/// What a pipeline needs that pushes to every repository of a file and deploys every service.
pub fn ci(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let repositories: Names = stack.repositories.keys().cloned().collect();
    let mut all = grants_permissions(&[Grant::Push(repositories)], stack, facts);
    all.extend(deploy(stack, facts));
    all
}

/// What the grants of a role come to, those about whole runs included.
pub fn granted(grants: &[Grant], stack: &Stack, goal: &Goal, facts: &Facts) -> Vec<Permission> {
    let mut all = grants_permissions(grants, stack, facts);
    for grant in grants {
        match grant {
            Grant::Plan(_) => all.extend(permissions(goal, facts, Run::Plan)),
            Grant::Apply(_) => all.extend(permissions(goal, facts, Run::Apply)),
            Grant::Push(_) | Grant::Pull(_) | Grant::Deploy(_) | Grant::Run(_) | Grant::Logs(_) | Grant::Scale(_) => {}
        }
    }
    all
}

/// The first role whose inline policies, grants included, are larger together than IAM takes, with their characters as IAM counts them. What the
/// grants of whole runs come to is not known when the file is checked.
pub fn oversized(goal: &Goal) -> Option<(&Desired, usize)> {
    let roles = goal.resources.values().filter(|want| want.kind.name == "role");
    let mut sizes = roles.map(|want| {
        let policies = want.fields.get("inline_policies").map(Value::map_texts).unwrap_or_default();
        let size = policies.values().flat_map(|text| text.chars()).filter(|c| !c.is_whitespace()).count();
        (want, size)
    });
    sizes.find(|(_, size)| *size > SizeLimit::RoleInline.characters())
}

/// A Sid: `LogGroup`.
pub(super) fn topic(kind: &str) -> String {
    let words = kind.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect()
}

/// Adds a need on each of its resources.
pub(super) fn add(all: &mut Vec<Permission>, topic: &str, need: &Need, on: On) {
    for (resource, given) in on.0 {
        all.push(Permission { topic: topic.to_owned(), action: need.action.to_owned(), resource, given });
    }
}

#[cfg(test)]
#[path = "needed_tests.rs"]
mod tests;
