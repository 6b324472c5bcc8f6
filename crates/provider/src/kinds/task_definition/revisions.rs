//! The revisions of a family, for those who look at all of them and not only at the latest.

use hatoba_engine::cloud::CloudError;
use hatoba_engine::owner::Mark;

use super::{calls, live, normal};
use crate::aws::Aws;

/// The ARNs of the active revisions, the newest first.
pub(crate) async fn active_revisions(aws: &Aws, family: &str) -> Result<Vec<String>, CloudError> {
    calls::revisions(aws, family, "ACTIVE").await
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
