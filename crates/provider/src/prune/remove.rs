//! Deletes what may go.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::ImageIdentifier;
use hatoba_engine::cloud::CloudError;

use super::{Revision, Stored};
use crate::aws::Aws;
use crate::classify::failed;
use crate::kinds::task_definition::{self, remove_revisions, retire_revision};
use crate::permissions::call::calls;

calls! { aside:
    BATCH_DELETE_IMAGE: "ecr:BatchDeleteImage";
}

/// How many images one call deletes.
const IMAGES: usize = 100;

/// An image that ECR did not delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The repository.
    pub repository: String,
    /// The digest.
    pub digest: String,
    /// Why, in ECR's words.
    pub reason: String,
}

/// Deregisters revisions and deletes them. Services and tasks that run one go on.
///
/// # Errors
/// At the first that AWS does not accept.
pub async fn deregister(aws: &Aws, revisions: &[Revision]) -> Result<(), CloudError> {
    remove_revisions(aws, revisions.iter().map(|revision| revision.arn.clone()).collect()).await
}

/// Deregisters a revision, so that nothing can start it any more. Services and tasks that run it go on. It may be done twice.
///
/// # Errors
/// When AWS does not deregister it.
pub async fn retire(aws: &Aws, revision: &Revision) -> Result<(), CloudError> {
    retire_revision(aws, &revision.arn).await
}

/// Tries to delete deregistered revisions; whoever may not leaves them where they are, where they are in nobody's way.
pub async fn delete_retired(aws: &Aws, revisions: &[Revision]) {
    task_definition::delete_retired(aws, revisions.iter().map(|revision| revision.arn.clone()).collect()).await;
}

/// Deletes images by their digests in the order given, which loses their tags as well.
///
/// # Errors
/// When a call failed. What ECR refused for one image is in the result.
pub async fn remove_images(aws: &Aws, images: &[Stored]) -> Result<Vec<Failure>, CloudError> {
    let mut failures = Vec::new();
    // Lists before what stands in them, in each repository.
    let mut batches: BTreeMap<(bool, &str), Vec<&Stored>> = BTreeMap::new();
    for image in images {
        batches.entry((image.parts.is_empty(), &image.repository)).or_default().push(image);
    }
    for ((_, repository), all) in batches {
        for some in all.chunks(IMAGES) {
            let ids = some.iter().map(|image| ImageIdentifier::builder().image_digest(&image.digest).build()).collect();
            let call = aws.ecr_write().batch_delete_image().repository_name(repository).set_image_ids(Some(ids));
            for failure in call.send().await.map_err(failed(&BATCH_DELETE_IMAGE))?.failures() {
                let code = failure.failure_code().map(|code| code.as_str().to_owned()).unwrap_or_default();
                // Somebody else was faster.
                if code == "ImageNotFound" {
                    continue;
                }
                failures.push(Failure {
                    repository: repository.to_owned(),
                    digest: failure.image_id().and_then(ImageIdentifier::image_digest).unwrap_or("an image").to_owned(),
                    reason: failure.failure_reason().map_or(code, str::to_owned),
                });
            }
        }
    }
    Ok(failures)
}
