//! The revisions of a family, for those who look at all of them and not only at the latest.

use hatoba_engine::cloud::CloudError;
use hatoba_engine::owner::Mark;
use hatoba_engine::snapshot::Sighting;

use super::{calls, live, normal};
use crate::aws::Aws;

/// The ARNs of the active revisions, the newest first.
pub(crate) async fn active_revisions(aws: &Aws, family: &str) -> Result<Vec<String>, CloudError> {
    calls::revisions(aws, family, "ACTIVE").await
}

/// A revision by its ARN, as it is; nothing where it is gone.
///
/// # Errors
/// When it could not be read.
pub async fn revision(aws: &Aws, arn: &str) -> Result<Option<Sighting>, CloudError> {
    let answer = calls::describe(aws, arn).await?;
    Ok(answer.and_then(|answer| live(&answer, None, aws.facts())))
}

/// The mark of a revision and the images of its containers; nothing when it is gone.
pub(crate) async fn described(aws: &Aws, arn: &str) -> Result<Option<(Option<Mark>, Vec<String>)>, CloudError> {
    let Some(answer) = calls::describe(aws, arn).await? else { return Ok(None) };
    let images = answer.get("taskDefinition").into_iter().flat_map(normal::images).map(str::to_owned).collect();
    Ok(live(&answer, None, aws.facts()).map(|live| (live.mark, images)))
}

/// Deregisters revisions in this order, and deletes them.
pub(crate) async fn remove_revisions(aws: &Aws, arns: Vec<String>) -> Result<(), CloudError> {
    calls::deregister(aws, &arns).await?;
    calls::delete(aws, arns).await
}

/// Deregisters a revision, so that nothing can start it any more.
pub(crate) async fn retire_revision(aws: &Aws, arn: &str) -> Result<(), CloudError> {
    calls::deregister(aws, &[arn.to_owned()]).await
}

/// Tries to delete deregistered revisions, which is no matter: they are of no more use to anybody.
pub(crate) async fn delete_retired(aws: &Aws, arns: Vec<String>) {
    if let Err(error) = calls::delete(aws, arns).await {
        tracing::info!(%error, "deregistered revisions are not deleted");
    }
}
