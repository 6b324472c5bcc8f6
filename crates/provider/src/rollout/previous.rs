//! Where a rollback goes: to the last revision that completed, as ECS remembers it; else to the one before.

use std::collections::BTreeMap;

use hatoba_engine::cloud::CloudError;
use hatoba_engine::snapshot::Sighting;
use hatoba_model::address::Address;
use hatoba_rollout::previous::{Choice, Done, completed, of_deployments, of_revisions};
use hatoba_rollout::state::{ServiceDeployment, last};

use super::services::list;
use crate::aws::Aws;
use crate::classify::failed;
use crate::kinds::task_definition;
use crate::permissions::call::calls;

/// How many service revisions `DescribeServiceRevisions` takes.
const REVISIONS: usize = 20;
/// How many older revisions are asked for a mark.
const OLDER: usize = 10;

calls! { aside:
    DESCRIBE_SERVICE_REVISIONS: "ecs:DescribeServiceRevisions";
}

/// What rolls back: a service of a stack, as it is.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// The stack.
    pub stack: &'a str,
    /// The address of the task definition.
    pub task: &'a Address,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The service's name.
    pub service: &'a str,
    /// The revision that was asked for last.
    pub runs: &'a str,
}

/// The revision to go back to; nothing where there is none.
///
/// # Errors
/// When revisions could not be read. That ECS does not tell of service deployments is none.
pub async fn previous(aws: &Aws, from: From<'_>) -> Result<Option<Choice>, CloudError> {
    let told = match list(aws, from.cluster, from.service, None).await {
        Ok(listed) => by_deployments(aws, from, &listed).await,
        Err(error) => Err(error),
    };
    match told {
        Ok(Some(choice)) => return Ok(Some(choice)),
        Ok(None) => {}
        Err(error) => tracing::info!(%error, "the service deployments are not told"),
    }
    by_revisions(aws, from).await
}

async fn by_deployments(aws: &Aws, from: From<'_>, listed: &[ServiceDeployment]) -> Result<Option<Choice>, CloudError> {
    let done = completed(listed, REVISIONS);
    if done.is_empty() {
        return Ok(None);
    }
    let arns = done.iter().map(|deployment| deployment.target.clone()).collect();
    let call = aws.ecs().describe_service_revisions().set_service_revision_arns(Some(arns));
    let answer = call.send().await.map_err(failed(&DESCRIBE_SERVICE_REVISIONS))?;
    let tasks: BTreeMap<&str, &str> = answer
        .service_revisions()
        .iter()
        .filter_map(|revision| Some((revision.service_revision_arn()?, revision.task_definition()?)))
        .collect();
    let done: Vec<Done> = done
        .iter()
        .filter_map(|deployment| {
            let task_definition = (*tasks.get(deployment.target.as_str())?).to_owned();
            Some(Done { created: deployment.created, task_definition })
        })
        .collect();
    Ok(of_deployments(from.runs, &done))
}

async fn by_revisions(aws: &Aws, from: From<'_>) -> Result<Option<Choice>, CloudError> {
    let revisions = task_definition::active_revisions(aws, task_definition::family_of(from.runs)).await?;
    let number = |arn: &str| arn.rsplit_once(':').and_then(|(_, number)| number.parse().ok()).unwrap_or_default();
    let mut below: Vec<u64> = revisions.iter().map(|arn| number(arn)).collect();
    for _ in 0..OLDER {
        let Some(next) = of_revisions(number(from.runs), &below) else { return Ok(None) };
        below.retain(|other| *other != next);
        let Some(arn) = revisions.iter().find(|arn| number(arn) == next) else { continue };
        let Some(seen) = task_definition::revision(aws, arn).await? else { continue };
        if is_ours(&seen, from) {
            let why = format!(
                "the revision before {}; which ones completed is not known, because ECS told of no service deployment that did",
                last(from.runs)
            );
            return Ok(Some(Choice { task_definition: arn.clone(), why }));
        }
    }
    Ok(None)
}

fn is_ours(seen: &Sighting, from: From<'_>) -> bool {
    seen.mark.as_ref().is_some_and(|mark| mark.stack == from.stack && mark.address == from.task.to_string())
}
