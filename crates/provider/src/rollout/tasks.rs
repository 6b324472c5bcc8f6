//! The tasks of a service. Source: ECS API reference.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{Attachment, DesiredStatus, ManagedAgentName};
use futures::future::{join_all, try_join_all};
use hatoba_engine::cloud::CloudError;
use hatoba_rollout::state::{Container, ExecAgent, Size, Task, last};

use super::calls::{DESCRIBE_TASKS, LIST_TASKS};
use super::services::{millis, text};
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};

/// How many tasks `DescribeTasks` takes.
const TASKS: usize = 100;

/// The tasks of a service: those that run or are to run, and those that stopped within about an hour, but for those whose ids are
/// left out.
///
/// # Errors
/// When they could not be read.
pub async fn tasks(
    aws: &Aws,
    cluster: &str,
    service: &str,
    without: &BTreeSet<String>,
) -> Result<Vec<Task>, CloudError> {
    let lists =
        [DesiredStatus::Running, DesiredStatus::Stopped].map(|status| list(aws, cluster, Some(service), status));
    let mut arns = BTreeSet::new();
    for listed in join_all(lists).await {
        arns.extend(listed?.into_iter().filter(|arn| !without.contains(last(arn))));
    }
    let mut tasks = all(aws, cluster, &arns.into_iter().collect::<Vec<_>>()).await?;
    tasks.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(tasks)
}

/// All tasks of a cluster that run or are to run, whoever started them.
///
/// # Errors
/// When they could not be read.
pub(crate) async fn of_cluster(aws: &Aws, cluster: &str) -> Result<Vec<Task>, CloudError> {
    all(aws, cluster, &list(aws, cluster, None, DesiredStatus::Running).await?).await
}

async fn all(aws: &Aws, cluster: &str, arns: &[String]) -> Result<Vec<Task>, CloudError> {
    let described = try_join_all(arns.chunks(TASKS).map(|some| describe(aws, cluster, some))).await?;
    Ok(described.into_iter().flatten().collect())
}

async fn list(
    aws: &Aws,
    cluster: &str,
    service: Option<&str>,
    status: DesiredStatus,
) -> Result<Vec<String>, CloudError> {
    let call = aws.ecs().list_tasks().cluster(cluster).set_service_name(service.map(str::to_owned));
    let call = call.desired_status(status);
    let mut pages = call.into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&LIST_TASKS)))? else { break };
        arns.extend(page.task_arns().iter().cloned());
    }
    Ok(arns)
}

/// Tasks of a cluster by their ids or ARNs, at most a hundred. Those that ECS does not know, or not yet, are left out.
///
/// # Errors
/// When they could not be read.
pub async fn describe(aws: &Aws, cluster: &str, arns: &[String]) -> Result<Vec<Task>, CloudError> {
    let call = aws.ecs().describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
    let answer = call.send().await.map_err(failed(&DESCRIBE_TASKS))?;
    // Those that are forgotten meanwhile are missing.
    Ok(answer.tasks().iter().map(task).collect())
}

pub(crate) fn task(task: &aws_sdk_ecs::types::Task) -> Task {
    let detail = |name: &str| {
        let details = task.attachments().iter().flat_map(Attachment::details);
        details.filter(|detail| detail.name() == Some(name)).find_map(|detail| detail.value().map(str::to_owned))
    };
    let arn = text(task.task_arn());
    Task {
        id: last(&arn).to_owned(),
        started_by: task.started_by().filter(|by| !by.is_empty()).map(str::to_owned),
        task_definition: text(task.task_definition_arn()),
        last: text(task.last_status()),
        desired: text(task.desired_status()),
        health: task.health_status().map(|health| health.as_str().to_owned()),
        stop_code: task.stop_code().map(|code| code.as_str().to_owned()),
        stopped_reason: task.stopped_reason().filter(|reason| !reason.is_empty()).map(str::to_owned),
        containers: task.containers().iter().map(container).collect(),
        created: millis(task.created_at()),
        started: millis(task.started_at()),
        stopped: millis(task.stopped_at()),
        zone: task.availability_zone().map(str::to_owned),
        interface: detail("networkInterfaceId"),
        private_ip: detail("privateIPv4Address"),
        exec: task.enable_execute_command(),
        size: size(task),
        arn,
    }
}

fn size(task: &aws_sdk_ecs::types::Task) -> Size {
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let architecture = task.attributes().iter().find(|it| it.name() == "ecs.cpu-architecture");
    Size {
        cpu: number(task.cpu()),
        memory: number(task.memory()),
        storage: task.ephemeral_storage().and_then(|storage| u32::try_from(storage.size_in_gib()).ok()),
        architecture: architecture.and_then(|it| it.value()).map(str::to_owned),
        platform: task.platform_family().map(str::to_owned),
        capacity: task.capacity_provider_name().filter(|name| !name.is_empty()).map(str::to_owned),
    }
}

fn container(container: &aws_sdk_ecs::types::Container) -> Container {
    Container {
        name: text(container.name()),
        last: text(container.last_status()),
        exit_code: container.exit_code(),
        reason: container.reason().filter(|reason| !reason.is_empty()).map(str::to_owned),
        health: container.health_status().map(|health| health.as_str().to_owned()),
        image: container.image().map(str::to_owned),
        digest: container.image_digest().map(str::to_owned),
        runtime_id: container.runtime_id().map(str::to_owned),
        exec_agent: container
            .managed_agents()
            .iter()
            .find(|agent| agent.name() == Some(&ManagedAgentName::ExecuteCommandAgent))
            .map(|agent| ExecAgent {
                status: text(agent.last_status()),
                reason: agent.reason().filter(|reason| !reason.is_empty()).map(str::to_owned),
            }),
    }
}
