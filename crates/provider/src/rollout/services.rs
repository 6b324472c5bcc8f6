//! Services and their deployments. Source: ECS API reference.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{CreatedAt, DeploymentRolloutState, ServiceDeploymentStatus as Status, ServiceField, Tag};
use aws_smithy_types::DateTime;
use hatoba_engine::cloud::CloudError;
use hatoba_engine::owner::TAG_STACK;
use hatoba_rollout::state::{
    Deployment, Event, Millis, RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus,
};

use super::calls::{DESCRIBE_SERVICE_DEPLOYMENTS, LIST_SERVICE_DEPLOYMENTS};
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::kinds::service::DESCRIBE_SERVICES;

/// How many services `DescribeServices` takes.
pub const SERVICES: usize = 10;
/// How many service deployments `DescribeServiceDeployments` takes.
pub const DEPLOYMENTS: usize = 20;

pub(super) fn millis(time: Option<&DateTime>) -> Option<Millis> {
    time.and_then(|time| time.to_millis().ok())
}

pub(super) fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn count(count: i32) -> u32 {
    u32::try_from(count).unwrap_or_default()
}

/// Services of a cluster by their names, at most [`SERVICES`]. Those that do not exist are left out.
///
/// # Errors
/// When they could not be read.
pub async fn services(aws: &Aws, cluster: &str, names: &[&str]) -> Result<Vec<Service>, CloudError> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let call = aws.ecs().describe_services().cluster(cluster).set_services(Some(names)).include(ServiceField::Tags);
    let answer = missing_is_none(call.send().await.map_err(failed(&DESCRIBE_SERVICES)))?;
    let services = answer.and_then(|answer| answer.services).unwrap_or_default();
    Ok(services.iter().map(service).collect())
}

/// The stack whose mark these tags are.
pub(crate) fn stack(tags: &[Tag]) -> Option<String> {
    tags.iter().find(|tag| tag.key() == Some(TAG_STACK)).and_then(|tag| tag.value()).map(str::to_owned)
}

fn service(service: &aws_sdk_ecs::types::Service) -> Service {
    let event = |event: &aws_sdk_ecs::types::ServiceEvent| Event {
        id: text(event.id()),
        at: millis(event.created_at()),
        message: text(event.message()),
    };
    Service {
        name: text(service.service_name()),
        arn: text(service.service_arn()),
        status: text(service.status()),
        task_definition: text(service.task_definition()),
        desired: count(service.desired_count()),
        running: count(service.running_count()),
        pending: count(service.pending_count()),
        deployments: service.deployments().iter().map(deployment).collect(),
        current: service.current_service_deployment().map(str::to_owned),
        events: service.events().iter().map(event).collect(),
        stack: stack(service.tags()),
    }
}

fn deployment(deployment: &aws_sdk_ecs::types::Deployment) -> Deployment {
    let rollout = deployment.rollout_state().map(|state| match state {
        DeploymentRolloutState::Completed => RolloutState::Completed,
        DeploymentRolloutState::Failed => RolloutState::Failed,
        _ => RolloutState::InProgress,
    });
    Deployment {
        id: text(deployment.id()),
        primary: deployment.status() == Some("PRIMARY"),
        task_definition: text(deployment.task_definition()),
        rollout,
        reason: deployment.rollout_state_reason().filter(|reason| !reason.is_empty()).map(str::to_owned),
        desired: count(deployment.desired_count()),
        running: count(deployment.running_count()),
        pending: count(deployment.pending_count()),
        failed: count(deployment.failed_tasks()),
        created: millis(deployment.created_at()),
    }
}

/// Service deployments by their ARNs, at most [`DEPLOYMENTS`].
///
/// # Errors
/// When they could not be read.
pub async fn service_deployments(aws: &Aws, arns: &[String]) -> Result<Vec<ServiceDeployment>, CloudError> {
    let call = aws.ecs().describe_service_deployments().set_service_deployment_arns(Some(arns.to_vec()));
    let answer = call.send().await.map_err(failed(&DESCRIBE_SERVICE_DEPLOYMENTS))?;
    let one = |it: &aws_sdk_ecs::types::ServiceDeployment| ServiceDeployment {
        arn: text(it.service_deployment_arn()),
        status: status(it.status()),
        reason: it.status_reason().filter(|reason| !reason.is_empty()).map(str::to_owned),
        target: text(it.target_service_revision().and_then(|revision| revision.arn())),
        sources: it
            .source_service_revisions()
            .iter()
            .filter_map(|revision| revision.arn().map(str::to_owned))
            .collect(),
        rollback: it.rollback().and_then(|rollback| rollback.reason()).map(str::to_owned),
        created: millis(it.created_at()),
    };
    Ok(answer.service_deployments().iter().map(one).collect())
}

fn status(status: Option<&Status>) -> ServiceDeploymentStatus {
    ServiceDeploymentStatus::of(status.map(Status::as_str).unwrap_or_default())
}

/// Which service deployments are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that were made after this time.
    Since(Millis),
    /// Those that completed.
    Completed,
    /// All.
    All,
}

/// The service deployments of a service; up to a hundred.
///
/// The client decides how often it is asked: where there is no such list, the client for reads would ask again and again.
///
/// # Errors
/// When they could not be read.
pub async fn list(
    client: &Client,
    cluster: &str,
    service: &str,
    which: Which,
) -> Result<Vec<ServiceDeployment>, CloudError> {
    let mut call = client.list_service_deployments().cluster(cluster).service(service).max_results(100);
    call = match which {
        Which::Since(since) => {
            call.created_at(CreatedAt::builder().after(DateTime::from_millis(since - 60_000)).build())
        }
        Which::Completed => call.status(Status::Successful),
        Which::All => call,
    };
    let answer = call.send().await.map_err(failed(&LIST_SERVICE_DEPLOYMENTS))?;
    let one = |it: &aws_sdk_ecs::types::ServiceDeploymentBrief| ServiceDeployment {
        arn: text(it.service_deployment_arn()),
        status: status(it.status()),
        reason: it.status_reason().filter(|reason| !reason.is_empty()).map(str::to_owned),
        target: text(it.target_service_revision_arn()),
        sources: Vec::new(),
        rollback: None,
        created: millis(it.created_at()),
    };
    Ok(answer.service_deployments().iter().map(one).collect())
}
