//! What is there: active revisions of the families of the stack, and images of its repositories.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hatoba_engine::cloud::CloudError;
use serde_json::Value as Json;

use super::{Revision, Stored};
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::images::place;
use crate::kinds::task_definition::{active_revisions, described, revision_of};
use crate::permissions::call::calls;

calls! { aside:
    DESCRIBE_IMAGES: "ecr:DescribeImages";
    BATCH_GET_IMAGE: "ecr:BatchGetImage";
}

/// How many reads run at once: ECS allows a burst of 50.
const READS: usize = 16;
/// How many images one call of `BatchGetImage` takes.
const IMAGES: usize = 100;
/// What a list of images calls itself.
const LISTS: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// The active revisions of a family; those that bear the mark of the stack are its own.
///
/// # Errors
/// When one could not be read.
pub async fn revisions(aws: &Aws, stack: &str, family: &str) -> Result<Vec<Revision>, CloudError> {
    let arns = active_revisions(aws, family).await?;
    stream::iter(arns)
        .map(|arn| async move {
            let Some((mark, images)) = described(aws, &arn).await? else { return Ok(None) };
            Ok(Some(Revision {
                family: family.to_owned(),
                number: revision_of(&arn),
                ours: mark.is_some_and(|mark| mark.stack == stack),
                images: images.iter().map(|image| place(aws, image)).collect(),
                arn,
            }))
        })
        .buffered(READS)
        .try_filter_map(|revision| async move { Ok(revision) })
        .try_collect()
        .await
}

/// The images of a repository; none when there is no such repository.
///
/// # Errors
/// When they could not be read.
pub async fn images(aws: &Aws, repository: &str) -> Result<Vec<Stored>, CloudError> {
    let mut details: Vec<ImageDetail> = Vec::new();
    let mut pages = aws.ecr().describe_images().repository_name(repository).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&DESCRIBE_IMAGES)))? else { return Ok(Vec::new()) };
        details.extend(page.image_details.unwrap_or_default());
    }
    let parts = parts(aws, repository, &details).await?;
    let one = |detail: ImageDetail| {
        let digest = detail.image_digest?;
        Some(Stored {
            repository: repository.to_owned(),
            tags: detail.image_tags.unwrap_or_default(),
            bytes: detail.image_size_in_bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
            // What has no time is as young as can be, and stays.
            pushed: detail.image_pushed_at.map_or(i64::MAX, |time| time.secs()),
            parts: parts.get(&digest).map(|(parts, _)| parts.clone()).unwrap_or_default(),
            subject: parts.get(&digest).and_then(|(_, subject)| subject.clone()),
            digest,
        })
    };
    Ok(details.into_iter().filter_map(one).collect())
}

/// What a manifest refers to: what it is a list of, and what it says something about.
type Refers = (Vec<String>, Option<String>);

/// By their digests, what manifests refer to. An image whose sort is not said may be a list; signatures have no tags.
async fn parts(aws: &Aws, repository: &str, details: &[ImageDetail]) -> Result<BTreeMap<String, Refers>, CloudError> {
    let may_be = |detail: &&ImageDetail| {
        detail.image_tags().is_empty() || detail.image_manifest_media_type().is_none_or(|sort| LISTS.contains(&sort))
    };
    let ids: Vec<ImageIdentifier> = details
        .iter()
        .filter(may_be)
        .filter_map(|detail| Some(ImageIdentifier::builder().image_digest(detail.image_digest()?).build()))
        .collect();
    let mut found = BTreeMap::new();
    for some in ids.chunks(IMAGES) {
        let call = aws.ecr().batch_get_image().repository_name(repository).set_image_ids(Some(some.to_vec()));
        let answer = call.send().await.map_err(failed(&BATCH_GET_IMAGE))?;
        for image in answer.images() {
            let digest = image.image_id().and_then(ImageIdentifier::image_digest);
            let (Some(digest), Some(manifest)) = (digest, image.image_manifest()) else { continue };
            found.insert(digest.to_owned(), refers(manifest));
        }
    }
    Ok(found)
}

/// The digests in a manifest.
fn refers(manifest: &str) -> Refers {
    let manifest: Json = serde_json::from_str(manifest).unwrap_or_default();
    let digests = manifest.get("manifests").and_then(Json::as_array).into_iter().flatten();
    let parts = digests.filter_map(|part| part.get("digest")?.as_str().map(str::to_owned)).collect();
    (parts, manifest.pointer("/subject/digest").and_then(Json::as_str).map(str::to_owned))
}
