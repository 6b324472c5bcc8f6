//! Starting a task, and stopping it. Source: ECS API reference, `RunTask`, `StopTask`.

use aws_sdk_ecs::operation::run_task::RunTaskError;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ContainerOverride, LaunchType,
    NetworkConfiguration, PropagateTags, TaskOverride,
};
use aws_smithy_runtime_api::client::result::SdkError;
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_rollout::state::{Task, last};

use super::home::{Capacity, Network};
use crate::aws::Aws;
use crate::classify::failed;
use crate::permissions::call::calls;
use crate::rollout::tasks::task;

calls! { aside:
    RUN_TASK: "ecs:RunTask";
    STOP_TASK: "ecs:StopTask";
}

/// A task that is to be run once.
#[derive(Clone, Debug)]
pub struct Start {
    /// What makes the call the same when it is made again: up to 64 letters, digits and hyphens.
    pub token: String,
    /// The cluster, by name or ARN.
    pub cluster: String,
    /// The ARN of the revision.
    pub task_definition: String,
    /// Its network.
    pub network: Network,
    /// On what it runs.
    pub capacity: Capacity,
    /// The version of the platform; AWS's choice where none is named.
    pub platform_version: Option<String>,
    /// Whether it gets the tags of its task definition.
    pub propagate_tags: bool,
    /// Whether ECS tags it.
    pub managed_tags: bool,
    /// Whether commands may be run in it.
    pub exec: bool,
    /// Another command for one of its containers, with the container's name.
    pub command: Option<(String, Vec<String>)>,
}

impl Start {
    /// Who has started the task, as it says itself: unlike that of every other start, so that it can be found by it. ECS takes up to
    /// 128 letters, digits, hyphens, slashes and underscores.
    pub fn started_by(&self) -> String {
        format!("hatoba/{}", self.token)
    }
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// The task.
    Task(Box<Task>),
    /// ECS started none, for this reason.
    Refused(String),
}

/// Starts a task. The same start may be made again, also when it is not known what became of it: its token makes sure that there is one
/// task.
///
/// # Errors
/// As ECS answers.
pub async fn run_task(aws: &Aws, start: &Start) -> Result<Started, CloudError> {
    let network = AwsVpcConfiguration::builder()
        .set_subnets(Some(start.network.subnets.clone()))
        .set_security_groups((!start.network.groups.is_empty()).then(|| start.network.groups.clone()))
        .assign_public_ip(if start.network.public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled })
        .build()
        .map_err(|error| CloudError::new(Class::Invalid, RUN_TASK.name, error.to_string()))?;
    let mut call = aws
        .ecs_write()
        .run_task()
        .client_token(&start.token)
        .started_by(start.started_by())
        .count(1)
        .cluster(&start.cluster)
        .task_definition(&start.task_definition)
        .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
        .set_platform_version(start.platform_version.clone())
        .set_enable_ecs_managed_tags(start.managed_tags.then_some(true))
        .set_enable_execute_command(start.exec.then_some(true))
        .set_propagate_tags(start.propagate_tags.then_some(PropagateTags::TaskDefinition));
    match &start.capacity {
        Capacity::LaunchType(launch) => call = call.launch_type(LaunchType::from(launch.as_str())),
        Capacity::Providers(providers) => {
            for (provider, weight, base) in providers {
                let share = CapacityProviderStrategyItem::builder().capacity_provider(provider);
                let share = share.weight(*weight).base(*base).build();
                let share = share.map_err(|error| CloudError::new(Class::Invalid, RUN_TASK.name, error.to_string()))?;
                call = call.capacity_provider_strategy(share);
            }
        }
    }
    if let Some((container, command)) = &start.command {
        let other = ContainerOverride::builder().name(container).set_command(Some(command.clone())).build();
        call = call.overrides(TaskOverride::builder().container_overrides(other).build());
    }
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) => return already(&error).ok_or_else(|| failed(&RUN_TASK)(error)),
    };
    if let Some(started) = answer.tasks().first() {
        return Ok(Started::Task(Box::new(task(started))));
    }
    let reason = answer.failures().first().map(|failure| {
        let reason = failure.reason().unwrap_or("no reason given");
        failure.detail().map_or_else(|| reason.to_owned(), |detail| format!("{reason}: {detail}"))
    });
    Ok(Started::Refused(reason.unwrap_or_else(|| "ECS gives no reason".to_owned())))
}

/// The task that an earlier call with the same token has started, where ECS says so by a conflict.
fn already<R>(error: &SdkError<RunTaskError, R>) -> Option<Started> {
    let Some(RunTaskError::ConflictException(conflict)) = error.as_service_error() else { return None };
    let arn = conflict.resource_ids().first()?;
    let id = last(arn).to_owned();
    Some(Started::Task(Box::new(Task { id, arn: arn.clone(), last: "PROVISIONING".to_owned(), ..Task::default() })))
}

/// Stops a task. One that has stopped already stays as it is.
///
/// # Errors
/// As ECS answers.
pub async fn stop_task(aws: &Aws, cluster: &str, task: &str, reason: &str) -> Result<(), CloudError> {
    let call = aws.ecs_write().stop_task().cluster(cluster).task(task).reason(reason);
    call.send().await.map_err(failed(&STOP_TASK)).map(drop)
}
