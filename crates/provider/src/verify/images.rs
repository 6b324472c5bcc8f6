//! Images of this account and region.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_model::verify::Image;
use serde_json::Value as Json;

use super::calls::GET_DOWNLOAD_URL_FOR_LAYER;
use super::look::Look;
use crate::classify::failed;
use crate::http;
use crate::images::{self, FoundImage, Place};
use crate::kinds::repository::is_empty;

/// How many images are looked for at once.
const READS: usize = 16;
/// The largest configuration of an image that is read, in bytes. Real ones have a few thousand.
const CONFIGURATION: usize = 1 << 20;

/// These images, by their names.
pub(super) async fn read(cx: &Look<'_>, names: BTreeSet<String>) -> BTreeMap<String, Image> {
    let reads = names.into_iter().map(|name| async move {
        let image = one(cx, &name).await;
        (name, image)
    });
    stream::iter(reads).buffer_unordered(READS).collect().await
}

async fn one(cx: &Look<'_>, name: &str) -> Image {
    let Place::Here { repository, tag, digest } = images::place(cx.aws, name) else { return Image::Elsewhere };
    let want = cx.world.named("repository", &repository).filter(|want| !want.existing);
    if want.is_some_and(|want| cx.world.current(want).is_none() && cx.world.unread(&want.address).is_none()) {
        return Image::Coming;
    }
    match images::find(cx.aws, &repository, tag.as_deref(), digest.as_deref()).await {
        Ok(Some(found)) => Image::There { platforms: platforms(cx, &repository, found).await },
        Ok(None) if want.is_some() => match is_empty(cx.aws, &repository).await {
            Ok(true) => Image::Empty,
            // That the image is not there is known all the same.
            Ok(false) | Err(_) => Image::Missing,
        },
        Ok(None) => Image::Missing,
        Err(error) if error.class == Class::Gone => Image::NoRepository,
        Err(error) => Image::Unread(cx.unread(&error)),
    }
}

/// For which machines an image was built: the list names them, an image for one machine only in its configuration.
async fn platforms(cx: &Look<'_>, repository: &str, found: FoundImage) -> Result<Vec<String>, String> {
    if let Some(platforms) = found.platforms {
        return Ok(platforms.iter().map(ToString::to_string).collect());
    }
    let Some(configuration) = found.configuration else {
        return Err("its manifest names neither machines nor a configuration".to_owned());
    };
    let url = url(cx, repository, &configuration).await.map_err(|error| cx.unread(&error))?;
    let bytes = http::get(&url, CONFIGURATION).await.map_err(|error| format!("its configuration: {error}"))?;
    of_configuration(&bytes).ok_or_else(|| "its configuration names no machine".to_owned())
}

async fn url(cx: &Look<'_>, repository: &str, digest: &str) -> Result<String, CloudError> {
    let call = cx.aws.ecr().get_download_url_for_layer().repository_name(repository).layer_digest(digest);
    let answer = call.send().await.map_err(failed(&GET_DOWNLOAD_URL_FOR_LAYER))?;
    let url = answer.download_url.filter(|url| !url.is_empty());
    url.ok_or_else(|| CloudError::new(Class::Other, GET_DOWNLOAD_URL_FOR_LAYER.name, "the answer names no address"))
}

/// The machine that the configuration of an image names. (OCI image specification, "Image Configuration".)
fn of_configuration(bytes: &[u8]) -> Option<Vec<String>> {
    let configuration: Json = serde_json::from_slice(bytes).ok()?;
    let text = |key: &str| configuration.get(key).and_then(Json::as_str);
    Some(vec![format!("{}/{}", text("os")?, text("architecture")?)])
}

#[cfg(test)]
mod tests {
    use super::of_configuration;

    #[test]
    fn a_configuration_names_one_machine() {
        let of = |text: &str| of_configuration(text.as_bytes());
        assert_eq!(of(r#"{"architecture":"arm64","os":"linux","variant":"v8"}"#), Some(vec!["linux/arm64".to_owned()]));
        assert_eq!(of(r#"{"architecture":"arm64"}"#), None);
        assert_eq!(of("<html>"), None);
    }
}
