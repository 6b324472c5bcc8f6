//! What following a deployment calls.

use crate::kinds::service::{cluster, service};
use crate::permissions::call::{Form, On, Subject, Whole, calls};

calls! {
    LIST_SERVICE_DEPLOYMENTS: Apply "ecs:ListServiceDeployments" => Form::Each(service);
    DESCRIBE_SERVICE_DEPLOYMENTS: Apply "ecs:DescribeServiceDeployments" => DEPLOYMENTS;
    STOP_SERVICE_DEPLOYMENT: Apply "ecs:StopServiceDeployment" => DEPLOYMENTS;
    // Fargate tasks have no container instance, the only resource that ListTasks can be limited to.
    LIST_TASKS: Apply "ecs:ListTasks"
        => Form::Each(|s| On::any().given("ArnEquals", "ecs:cluster", s.arn("ecs", format_args!("cluster/{}", cluster(s)))));
    DESCRIBE_TASKS: Apply "ecs:DescribeTasks"
        => Form::Each(|s| On::arn(s.arn("ecs", format_args!("task/{}/*", cluster(s)))));
    GET_LOG_EVENTS: Apply "logs:GetLogEvents" => Form::Stack(logs);
}

/// A service deployment is named together with its service.
const DEPLOYMENTS: Form = Form::Each(|s: &Subject<'_>| {
    let deployments = s.arn("ecs", format_args!("service-deployment/{}/{}/*", cluster(s), s.name));
    On::arns(service(s).0.into_iter().map(|(arn, _)| arn).chain([deployments]))
});

/// The streams of the log groups that containers of the file write to, where the file has a service.
fn logs(whole: &Whole<'_>) -> On {
    let wants = || whole.goal.resources.values();
    if !wants().any(|want| want.kind.name == "service" && !want.existing) {
        return On::default();
    }
    let tasks = wants().filter(|want| want.kind.name == "task_definition" && !want.existing);
    let mut groups: Vec<String> = tasks
        .filter_map(|want| want.fields.get("containers")?.as_map())
        .flat_map(|containers| containers.values())
        .filter_map(|container| container.get("logs")?.get("group")?.as_text())
        .map(|group| whole.facts.arn("logs", format_args!("log-group:{group}:log-stream:*")))
        .collect();
    groups.sort();
    groups.dedup();
    On::arns(groups)
}
