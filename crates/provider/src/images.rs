//! Images in ECR: whether one is there, under which digest, and for which machines it was built.

use std::fmt;

use aws_sdk_ecr::types::{Image, ImageFailureCode, ImageIdentifier};
use hatoba_engine::cloud::{Class, CloudError};
use serde_json::Value as Json;

use crate::aws::Aws;
use crate::classify::failed;
use crate::kinds::repository::image::repository_arn;
use crate::permissions::call::calls;

calls! { aside:
    BATCH_GET_IMAGE: "ecr:BatchGetImage";
}

/// What `BatchGetImage` may answer with: what Docker and the OCI call an image for one machine, and a list of those.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// The machine that an image was built for, in the words of the OCI: `linux/arm64`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    /// `linux`, `windows`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a repository of the session's account and region.
    Here {
        /// The repository's name.
        repository: String,
        /// The tag.
        tag: Option<String>,
        /// The digest.
        digest: Option<String>,
    },
    /// In a registry that this session cannot ask.
    Elsewhere,
}

/// An image that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    /// The digest: `sha256:…`.
    pub digest: String,
    /// For which machines, where its manifest lists them. None for an image of one machine, which only its configuration names.
    pub platforms: Option<Vec<Platform>>,
    /// The digest of the configuration of an image of one machine.
    pub configuration: Option<String>,
}

/// Splits the name of an image.
pub fn place(aws: &Aws, image: &str) -> Place {
    let facts = aws.facts();
    let Some(arn) = repository_arn(image, facts.partition()) else { return Place::Elsewhere };
    let here = facts.arn("ecr", "repository/");
    let Some(repository) = arn.strip_prefix(&here) else { return Place::Elsewhere };
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest.to_owned())),
        None => (image, None),
    };
    // After the last slash a colon begins the tag.
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag.to_owned());
    Place::Here { repository: repository.to_owned(), tag, digest }
}

/// Looks for an image in a repository of this account and region; without tag and digest for `latest`. None when it is not there.
///
/// # Errors
/// When it cannot be read, also when the repository does not exist.
pub async fn find(
    aws: &Aws,
    repository: &str,
    tag: Option<&str>,
    digest: Option<&str>,
) -> Result<Option<FoundImage>, CloudError> {
    let id = match digest {
        Some(digest) => ImageIdentifier::builder().image_digest(digest),
        None => ImageIdentifier::builder().image_tag(tag.unwrap_or("latest")),
    };
    let call = aws.ecr().batch_get_image().repository_name(repository).image_ids(id.build());
    let call = call.set_accepted_media_types(Some(MANIFESTS.map(str::to_owned).to_vec()));
    let answer = call.send().await.map_err(failed(&BATCH_GET_IMAGE))?;
    let Some(image) = answer.images().first() else {
        // A registry upstream that does not answer does not mean that there is no image.
        let others = answer.failures().iter().filter_map(|failure| failure.failure_code());
        return match others.into_iter().find(|code| **code != ImageFailureCode::ImageNotFound) {
            Some(code) => Err(CloudError::new(Class::Other, BATCH_GET_IMAGE.name, code.as_str())),
            None => Ok(None),
        };
    };
    let digest = image.image_id().and_then(ImageIdentifier::image_digest);
    let digest =
        digest.ok_or_else(|| CloudError::new(Class::Other, BATCH_GET_IMAGE.name, "the answer names no digest"))?;
    let configuration = configuration(image);
    Ok(Some(FoundImage { digest: digest.to_owned(), platforms: platforms(image), configuration }))
}

/// The machines that a list of manifests names. Attestations are no images: they call their machine `unknown`.
fn platforms(image: &Image) -> Option<Vec<Platform>> {
    let manifest: Json = serde_json::from_str(image.image_manifest()?).ok()?;
    let manifests = manifest.get("manifests")?.as_array()?;
    let text = |of: &Json, key: &str| of.pointer(&format!("/platform/{key}")).and_then(Json::as_str).map(str::to_owned);
    let mut platforms: Vec<Platform> = manifests
        .iter()
        .filter_map(|manifest| {
            Some(Platform { os: text(manifest, "os")?, architecture: text(manifest, "architecture")? })
        })
        .filter(|platform| platform.os != "unknown")
        .collect();
    platforms.sort();
    platforms.dedup();
    // A list need not say for which machines its items are.
    (!platforms.is_empty()).then_some(platforms)
}

/// The digest of the configuration that a manifest of one machine names.
fn configuration(image: &Image) -> Option<String> {
    let manifest: Json = serde_json::from_str(image.image_manifest()?).ok()?;
    Some(manifest.pointer("/config/digest")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use serde_json::json;

    use super::*;

    fn of(manifest: &Json) -> Option<Vec<String>> {
        let image = Image::builder().image_manifest(manifest.to_string()).build();
        platforms(&image).map(|platforms| platforms.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_list_of_manifests_names_machines_and_attestations_are_none() {
        let entry = |os: &str, architecture: &str| json!({ "digest": "sha256:0", "platform": { "os": os, "architecture": architecture } });
        let index =
            json!({ "manifests": [entry("linux", "arm64"), entry("unknown", "unknown"), entry("linux", "amd64")] });
        assert_eq!(of(&index).unwrap(), ["linux/amd64", "linux/arm64"]);
        assert_eq!(of(&json!({ "manifests": [{ "digest": "sha256:0" }] })), None);
        assert_eq!(of(&json!({ "config": { "digest": "sha256:0" }, "layers": [] })), None);
    }
}
