//! Where a rollback goes: to the last revision that completed, as ECS remembers it; where it remembers nothing, to the one before.

use std::collections::BTreeMap;

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::snapshot::Sighting;
use hatoba_model::address::Address;
use hatoba_rollout::previous::{Choice, Done, completed, of_deployments, of_revisions};
use hatoba_rollout::state::{ServiceDeployment, last};

use super::services::{Which, list};
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

/// The revision to go back to; nothing where there is none. Only where ECS knows no service deployment at all of the service, or has no such
/// operation, the revisions are gone by.
///
/// # Errors
/// When service deployments or revisions could not be read.
pub async fn previous(aws: &Aws, from: From<'_>) -> Result<Option<Choice>, CloudError> {
    match told(aws, from, Which::Completed).await? {
        Some(done) if !done.is_empty() => by_deployments(aws, from, &done).await,
        // That none completed is not that there are none.
        Some(_) if told(aws, from, Which::All).await?.is_some_and(|all| !all.is_empty()) => Ok(None),
        _ => by_revisions(aws, from).await,
    }
}

/// The service deployments that ECS tells of; nothing where it has no such operation.
async fn told(aws: &Aws, from: From<'_>, which: Which) -> Result<Option<Vec<ServiceDeployment>>, CloudError> {
    let once = list(aws.ecs_write(), from.cluster, from.service, which).await;
    let listed = match once {
        Err(error) if passes(error.class) && !is_unknown(&error) => {
            list(aws.ecs(), from.cluster, from.service, which).await
        }
        other => other,
    };
    match listed {
        Ok(listed) => Ok(Some(listed)),
        Err(error) if is_unknown(&error) => {
            tracing::info!(%error, "service deployments are not told");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the same read may work in a moment.
fn passes(class: Class) -> bool {
    matches!(class, Class::Throttled | Class::Busy | Class::Ambiguous | Class::NotSent | Class::Server)
}

/// Whether an answer says that there is no such operation: in the words of AWS, or, as servers that only speak like AWS do, with a failure that
/// is in no words of ECS.
fn is_unknown(error: &CloudError) -> bool {
    let said = ["UnknownOperationException", "InvalidAction", "NotImplemented", "HTTP 500", "HTTP 501"];
    error.code.as_deref().is_some_and(|code| said.contains(&code))
}

async fn by_deployments(aws: &Aws, from: From<'_>, listed: &[ServiceDeployment]) -> Result<Option<Choice>, CloudError> {
    let done = completed(listed, REVISIONS);
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
                "the revision before {}; which ones completed is not known, because ECS tells of no service deployments",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::calls::LIST_SERVICE_DEPLOYMENTS;

    fn error(class: Class, code: Option<&str>) -> CloudError {
        CloudError { code: code.map(str::to_owned), ..CloudError::new(class, LIST_SERVICE_DEPLOYMENTS.name, "no") }
    }

    #[test]
    fn only_an_operation_that_is_not_there_is_no_failed_read() {
        assert!(is_unknown(&error(Class::Ambiguous, Some("HTTP 500"))));
        assert!(is_unknown(&error(Class::Invalid, Some("UnknownOperationException"))));
        for (class, code) in [
            (Class::Denied, Some("AccessDeniedException")),
            (Class::Throttled, Some("ThrottlingException")),
            (Class::Server, Some("ServerException")),
            (Class::Ambiguous, None),
            (Class::Ambiguous, Some("HTTP 503")),
            (Class::NotSent, None),
            (Class::Invalid, Some("InvalidParameterException")),
        ] {
            assert!(!is_unknown(&error(class, code)), "{class:?} {code:?}");
        }
    }
}
