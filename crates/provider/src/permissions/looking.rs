//! What the commands need that look, and those that take away what nothing needs any more: `status`, `logs`, `prune`, and the end of a deploy
//! that leaves old revisions behind. Pure.

use hatoba_engine::desired::Goal;
use hatoba_model::facts::Facts;
use hatoba_model::iam::grants::Grant;
use hatoba_model::iam::permission::{Given, Permission};
use hatoba_model::kinds::Resource as _;
use hatoba_model::kinds::grant_facts::grants_permissions;
use hatoba_model::stack::Stack;

use super::call::Run;
use super::needed::permissions;

const EVERYWHERE: &str = "AccountWide";

/// What showing how the services of a file stand needs: their tasks and addresses, and since when the secrets are what they are.
pub fn status(stack: &Stack, goal: &Goal, facts: &Facts) -> Vec<Permission> {
    let services = services(stack, facts);
    if services.is_empty() {
        return Vec::new();
    }
    // Neither can be limited to a resource.
    let everywhere = ["ec2:DescribeNetworkInterfaces", "ecs:DescribeTaskDefinition"];
    let mut all: Vec<Permission> = everywhere.map(|action| Permission::new(EVERYWHERE, action, "*")).into();
    for (cluster, service) in services {
        all.push(Permission::new("FindServices", "ecs:DescribeServices", service));
        // Fargate tasks have no container instance, the only resource that ListTasks can be limited to.
        let list = Permission::new("ListInClusters", "ecs:ListTasks", "*");
        let arn = facts.arn("ecs", format_args!("cluster/{cluster}"));
        all.push(list.given(Given::new("ArnEquals", "ecs:cluster", arn)));
        let tasks = facts.arn("ecs", format_args!("task/{cluster}/*"));
        all.push(Permission::new("DescribeTasks", "ecs:DescribeTasks", tasks));
    }
    // The same parameters and secrets as `verify` looks for; of a secret its versions are asked for, without their values.
    for permission in permissions(goal, facts, Run::Verify) {
        match permission.action.as_str() {
            "ssm:DescribeParameters" => all.push(Permission { topic: EVERYWHERE.to_owned(), ..permission }),
            "secretsmanager:DescribeSecret" => {
                all.push(Permission::new("ListVersions", "secretsmanager:ListSecretVersionIds", permission.resource));
            }
            _ => {}
        }
    }
    all
}

/// What reading the logs of the services of a file needs.
pub fn logs(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let services = services(stack, facts);
    if services.is_empty() {
        return Vec::new();
    }
    let mut all = vec![Permission::new(EVERYWHERE, "ecs:DescribeTaskDefinition", "*")];
    all.extend(services.iter().map(|(_, arn)| Permission::new("FindServices", "ecs:DescribeServices", arn)));
    let read = grants_permissions(&[Grant::Logs(stack.services.keys().cloned().collect())], stack, facts);
    all.extend(read.into_iter().filter(|permission| permission.action == "logs:FilterLogEvents"));
    all
}

/// What taking old revisions away needs once a deploy or an apply has brought a new one. It goes with the permissions of these.
pub fn tidy(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let mut all = revisions(stack, facts);
    if all.is_empty() {
        return all;
    }
    // Where a rollback would go.
    let services = facts.arn("ecs", "service/*");
    for action in ["ecs:DescribeServiceRevisions", "ecs:ListServiceDeployments"] {
        all.push(Permission::new("FindRollbacks", action, &services));
    }
    let brought = facts.arn("ecs", "service-revision/*");
    all.push(Permission::new("FindRollbacks", "ecs:DescribeServiceRevisions", brought));
    all
}

/// What `prune` needs: what `plan` reads, what runs in the region, and to take away revisions and images of the file.
pub fn prune(stack: &Stack, goal: &Goal, facts: &Facts) -> Vec<Permission> {
    let mut all = permissions(goal, facts, Run::Plan);
    all.extend(revisions(stack, facts));
    let own = stack.repositories.iter().filter(|(_, repository)| !repository.common().existing);
    for arn in own.filter_map(|(key, repository)| repository.output(repository.aws_name(key), "arn", facts)) {
        for action in ["ecr:BatchDeleteImage", "ecr:BatchGetImage", "ecr:DescribeImages"] {
            all.push(Permission::new("RemoveImages", action, &arn));
        }
    }
    all
}

/// To take away revisions of the file's task definitions. Whatever runs one, in any cluster of the region and of any stack, keeps it.
fn revisions(stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let own = stack.task_definitions.iter().filter(|(_, task)| !task.common().existing);
    let families: Vec<String> =
        own.map(|(key, task)| facts.arn("ecs", format_args!("task-definition/{}:*", task.aws_name(key)))).collect();
    if families.is_empty() {
        return Vec::new();
    }
    // None of them can be limited to a resource, and the lists not to clusters that are not known.
    let everywhere = [
        "ecs:DeregisterTaskDefinition",
        "ecs:DescribeTaskDefinition",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
    ];
    let mut all: Vec<Permission> = everywhere.map(|action| Permission::new(EVERYWHERE, action, "*")).into();
    for (action, sort) in [("ecs:DescribeServices", "service/*"), ("ecs:DescribeTasks", "task/*")] {
        all.push(Permission::new("FindWhatRuns", action, facts.arn("ecs", sort)));
    }
    all.extend(families.iter().map(|family| Permission::new("DeleteRevisions", "ecs:DeleteTaskDefinitions", family)));
    all
}

/// The services of a file, those of others included, with the names of their clusters.
fn services(stack: &Stack, facts: &Facts) -> Vec<(String, String)> {
    let arns = stack.services.iter().filter_map(|(key, service)| service.arn(service.aws_name(key), stack, facts));
    // arn:…:service/CLUSTER/NAME
    arns.filter_map(|arn| Some((arn.rsplit('/').nth(1)?.to_owned(), arn))).collect()
}
