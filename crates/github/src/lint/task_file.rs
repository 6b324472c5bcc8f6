//! Task definitions in JSON files that a workflow hands to ECS.

use hatoba_model::diag::{Diagnostic, Diagnostics, nearest};
use hatoba_model::yaml::{Node, Source, parse_lenient};

use super::{Facts, Platform};
use crate::claims::Role;
use crate::workflow::Workflow;

/// The actions that take one.
const ACTIONS: [&str; 2] =
    ["aws-actions/amazon-ecs-render-task-definition", "aws-actions/amazon-ecs-deploy-task-definition"];

/// The paths of the files that a workflow names.
pub(super) fn named(workflow: &Workflow) -> Vec<String> {
    let steps = workflow.jobs.iter().flat_map(|job| &job.steps);
    let takes = steps.filter(|step| ACTIONS.iter().any(|action| step.is_action(action)));
    let mut paths: Vec<String> = takes
        .filter_map(|step| step.with.input("task-definition"))
        .map(|input| input.value.text.trim_start_matches("./").to_owned())
        .filter(|path| !path.contains("${{") && path.ends_with(".json"))
        .collect();
    paths.dedup();
    paths
}

/// What is wrong with such a file, and what its tasks run on.
pub(super) fn check(source: &Source, facts: &Facts<'_>) -> (Diagnostics, Option<Platform>) {
    let parsed = parse_lenient(source);
    let mut found = parsed.problems;
    let Some(root) = parsed.root else { return (found, None) };
    let platform = root.get("runtimePlatform").and_then(|platform| platform.get("cpuArchitecture"));
    let fargate = root
        .get("requiresCompatibilities")
        .is_some_and(|all| all.items().iter().any(|one| one.as_str() == Some("FARGATE")));
    let platform = platform.and_then(Node::as_str).and_then(Platform::parse).or(fargate.then_some(Platform::Amd64));
    for key in ["executionRoleArn", "taskRoleArn"] {
        if let Some(node) = root.get(key) {
            found.extend(role(key, node, facts));
        }
    }
    let mut logged = None;
    for container in root.get("containerDefinitions").map(Node::items).unwrap_or_default() {
        let Some(logs) = container.get("logConfiguration") else { continue };
        if logs.get("logDriver").and_then(Node::as_str) != Some("awslogs") {
            continue;
        }
        let Some(options) = logs.get("options") else { continue };
        logged = logged.or(Some(logs.span));
        let created = options.get("awslogs-create-group").and_then(Node::as_str) == Some("true");
        let group = options.get("awslogs-group").filter(|_| !created);
        if let Some((node, name)) = group.and_then(|node| Some((node, node.as_str()?)))
            && !facts.log_groups.iter().any(|known| known == name)
        {
            let problem = Diagnostic::error(
                "task-log-group",
                format!("no log group `{name}` is in the stack: the task would stop with ResourceInitializationError"),
            );
            let help = match nearest(name, facts.log_groups.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("add `log_groups: {{ {name}: {{}} }}` to the stack file"),
            };
            found.push(problem.at(node.span).help(help));
        }
        if let Some(node) = options.get("awslogs-region")
            && node.as_str().is_some_and(|region| region != facts.region)
        {
            found.push(
                Diagnostic::error(
                    "task-log-region",
                    format!("the log group is looked for in another region than {}", facts.region),
                )
                .at(node.span)
                .help(format!("write `{}`", facts.region)),
            );
        }
    }
    if let (Some(span), None) = (logged, root.get("executionRoleArn")) {
        found.push(
            Diagnostic::error(
                "task-execution-role",
                "`awslogs` needs `executionRoleArn`: without it nobody may write the log",
            )
            .at(span)
            .help("name a role that trusts ecs-tasks.amazonaws.com and has AmazonECSTaskExecutionRolePolicy"),
        );
    }
    (found, platform)
}

fn role(key: &str, node: &Node, facts: &Facts<'_>) -> Option<Diagnostic> {
    let text = node.as_str()?;
    let role: Role = match text.parse() {
        Ok(role) => role,
        Err(error) => return Some(Diagnostic::error("task-role", format!("{error}")).at(node.span)),
    };
    if let Some(account) = facts.account.filter(|account| *account != role.account) {
        let message = format!("`{key}` names a role of the account {}, but the stack is in {account}", role.account);
        return Some(
            Diagnostic::error("task-account", message)
                .at(node.span)
                .help(format!("write `{}`", text.replace(&role.account, account))),
        );
    }
    if facts.roles.contains(&role.name) {
        return None;
    }
    let meant = nearest(&role.name, facts.roles.iter().map(String::as_str))?;
    let message = format!("`{key}` names the role `{}`, which is not in the stack", role.name);
    Some(Diagnostic::error("task-role-name", message).at(node.span).help(format!("did you mean `{meant}`?")))
}
