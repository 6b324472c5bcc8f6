//! Where a rollback goes: to the last revision that completed, as ECS remembers it; where it remembers nothing, to the one before.

use std::collections::BTreeMap;

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::snapshot::Sighting;
use hatoba_model::address::Address;
use hatoba_rollout::previous::{Choice, Done, completed, of_deployments, of_revisions};
use hatoba_rollout::state::{Millis, ServiceDeployment, last};

use super::services::{Which, list};
use crate::aws::Aws;
use crate::classify::failed;
use crate::kinds::service::DESCRIBE_SERVICES;
use crate::kinds::task_definition::{self, family_of, revision_of};
use crate::permissions::call::calls;

/// How many service revisions `DescribeServiceRevisions` takes.
const REVISIONS: usize = 20;
/// How many older revisions are asked for a mark.
const OLDER: usize = 10;
/// How many service deployments are listed at most.
const LISTED: usize = 100;
/// How long after a service was made its first deployment is begun at the latest: an hour, in milliseconds.
const FIRST: Millis = 3_600_000;

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

/// The revision to go back to; nothing where there is none. Only where ECS knows no service deployment at all of the service, has forgotten
/// those that were before, or has no such operation, the revisions are gone by.
///
/// # Errors
/// When service deployments or revisions could not be read.
pub async fn previous(aws: &Aws, from: From<'_>) -> Result<Option<Choice>, CloudError> {
    let untold = "ECS tells of no service deployments";
    let Some(done) = told(aws, from, Which::Completed).await? else { return by_revisions(aws, from, untold).await };
    if let Some(choice) = by_deployments(aws, from, &done).await? {
        return Ok(Some(choice));
    }
    // That none completed is not that there are none.
    let all = told(aws, from, Which::All).await?.unwrap_or_default();
    if all.is_empty() {
        return by_revisions(aws, from, untold).await;
    }
    if begins_with(&all, created(aws, from).await?) {
        return Ok(None);
    }
    by_revisions(aws, from, "ECS has forgotten the deployments before it, as it does after 90 days").await
}

/// When the service was made.
async fn created(aws: &Aws, from: From<'_>) -> Result<Option<Millis>, CloudError> {
    let answer = aws.ecs().describe_services().cluster(from.cluster).services(from.service).send().await;
    let answer = answer.map_err(failed(&DESCRIBE_SERVICES))?;
    let created = answer.services().first().and_then(|service| service.created_at());
    Ok(created.and_then(|at| at.to_millis().ok()))
}

/// The service deployments that ECS tells of; nothing where it has no such operation.
async fn told(aws: &Aws, from: From<'_>, which: Which) -> Result<Option<Vec<ServiceDeployment>>, CloudError> {
    let once = list(aws.ecs_write(), from.cluster, from.service, which).await;
    let listed = match once {
        // It may be unknown, or have failed for once.
        Err(error) if says_nothing(&error) => list(aws.ecs_write(), from.cluster, from.service, which).await,
        Err(error) if passes(error.class) => list(aws.ecs(), from.cluster, from.service, which).await,
        other => other,
    };
    match listed {
        Ok(listed) => Ok(Some(listed)),
        Err(error) if is_unknown(&error) || says_nothing(&error) => {
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

/// Whether an answer says that there is no such operation.
fn is_unknown(error: &CloudError) -> bool {
    let said = ["UnknownOperationException", "InvalidAction", "NotImplemented"];
    error.code.as_deref().is_some_and(|code| said.contains(&code))
}

/// Whether a failure is in no words of ECS. Twice in a row it is as good as an operation that is not there.
fn says_nothing(error: &CloudError) -> bool {
    error.code.as_deref().is_some_and(|code| ["HTTP 500", "HTTP 501"].contains(&code))
}

/// Whether the first deployment of a service that was made then is among these. ECS keeps those of the last 90 days (ECS developer guide, "View
/// service history"), and no more than [`LISTED`] are listed. Where it is not known it is taken for so: a guess would change what runs.
fn begins_with(all: &[ServiceDeployment], created: Option<Millis>) -> bool {
    let first = all.iter().filter_map(|deployment| deployment.created).min();
    let known = created.zip(first);
    all.len() < LISTED && known.is_none_or(|(created, first)| first <= created + FIRST)
}

async fn by_deployments(aws: &Aws, from: From<'_>, listed: &[ServiceDeployment]) -> Result<Option<Choice>, CloudError> {
    // Each deployment of the same revision has a service revision of its own.
    for some in completed(listed, LISTED).chunks(REVISIONS) {
        let arns = some.iter().map(|deployment| deployment.target.clone()).collect();
        let call = aws.ecs().describe_service_revisions().set_service_revision_arns(Some(arns));
        let answer = call.send().await.map_err(failed(&DESCRIBE_SERVICE_REVISIONS))?;
        let tasks: BTreeMap<&str, &str> = answer
            .service_revisions()
            .iter()
            .filter_map(|revision| Some((revision.service_revision_arn()?, revision.task_definition()?)))
            .collect();
        let done = |deployment: &&ServiceDeployment| {
            let task_definition = (*tasks.get(deployment.target.as_str())?).to_owned();
            Some(Done { created: deployment.created, task_definition })
        };
        let done: Vec<Done> = some.iter().filter_map(done).collect();
        if let Some(choice) = of_deployments(from.runs, &done) {
            return Ok(Some(choice));
        }
    }
    Ok(None)
}

/// Goes by the numbers, for this reason.
async fn by_revisions(aws: &Aws, from: From<'_>, because: &str) -> Result<Option<Choice>, CloudError> {
    let revisions = task_definition::active_revisions(aws, family_of(from.runs)).await?;
    let mut below: Vec<u64> = revisions.iter().map(|arn| revision_of(arn)).collect();
    for _ in 0..OLDER {
        let Some(next) = of_revisions(revision_of(from.runs), &below) else { return Ok(None) };
        below.retain(|other| *other != next);
        let Some(arn) = revisions.iter().find(|arn| revision_of(arn) == next) else { continue };
        let Some(seen) = task_definition::revision(aws, arn).await? else { continue };
        if is_ours(&seen, from) {
            let why = format!(
                "the revision before {}; which ones completed is not known, because {because}",
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
        assert!(says_nothing(&error(Class::Ambiguous, Some("HTTP 500"))));
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
            let error = error(class, code);
            assert!(!is_unknown(&error) && !says_nothing(&error), "{class:?} {code:?}");
        }
    }

    #[test]
    fn what_was_forgotten_is_not_what_never_was() {
        let day = 24 * FIRST;
        let of = |created: Millis| ServiceDeployment {
            arn: String::new(),
            status: hatoba_rollout::state::ServiceDeploymentStatus::Successful,
            reason: None,
            target: String::new(),
            sources: Vec::new(),
            rollback: None,
            created: Some(created),
        };
        assert!(begins_with(&[of(101 * day), of(100 * day)], Some(100 * day)));
        assert!(begins_with(&[of(100 * day)], None));
        assert!(!begins_with(&[of(100 * day)], Some(5 * day)));
        let many: Vec<ServiceDeployment> = (0..100).map(|at| of(at * day)).collect();
        assert!(!begins_with(&many, Some(0)));
    }
}
