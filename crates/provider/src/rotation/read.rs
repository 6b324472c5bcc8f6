//! Since when parameters and secrets are what they are, and tasks run.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::types::ParameterStringFilter;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_model::verify::{Source, source};

use super::Version;
use super::calls::DESCRIBE_PARAMETERS;
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::permissions::call::calls;

calls! { aside:
    LIST_SECRET_VERSION_IDS: "secretsmanager:ListSecretVersionIds";
}

/// How many parameters one filter of `DescribeParameters` looks for: it takes 50 names, and some have two.
const NAMES: usize = 25;
/// How many reads run at once.
const READS: usize = 8;
/// The version that a task is given that asks for none. Source: Secrets Manager User Guide, "What's in a secret".
const CURRENT: &str = "AWSCURRENT";

/// The parameters among these, by what they are named: those that exist. Of other accounts and regions nothing is asked.
///
/// # Errors
/// When they could not be read.
pub async fn parameters(aws: &Aws, froms: &BTreeSet<String>) -> Result<BTreeMap<String, Version>, CloudError> {
    let mut named: Vec<(&String, String)> = Vec::new();
    for from in froms {
        let place = source(from, aws.facts());
        if let (true, Source::Parameter { name, .. }) = (place.is_here(aws.facts()), place) {
            named.push((from, name));
        }
    }
    let mut found = BTreeMap::new();
    for some in named.chunks(NAMES) {
        let names: BTreeSet<String> = some.iter().flat_map(|(_, name)| both(name)).collect();
        let versions = described(aws, names.into_iter().collect()).await?;
        for (from, name) in some {
            let version = both(name).find_map(|name| versions.get(&name));
            found.extend(version.map(|version| ((*from).clone(), version.clone())));
        }
    }
    Ok(found)
}

/// The ARN of `db-url` and of `/db-url` is the same.
fn both(name: &str) -> impl Iterator<Item = String> {
    let other = (!name.contains('/')).then(|| format!("/{name}"));
    [Some(name.to_owned()), other].into_iter().flatten()
}

async fn described(aws: &Aws, names: Vec<String>) -> Result<BTreeMap<String, Version>, CloudError> {
    let filter = ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(names)).build();
    let filter =
        filter.map_err(|error| CloudError::new(Class::Invalid, DESCRIBE_PARAMETERS.name, error.to_string()))?;
    let call = aws.ssm().describe_parameters().parameter_filters(filter).max_results(50);
    let mut pages = call.into_paginator().send();
    let mut found = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for parameter in page.map_err(failed(&DESCRIBE_PARAMETERS))?.parameters.unwrap_or_default() {
            let since = parameter.last_modified_date.and_then(|at| at.to_millis().ok());
            let version = since.map(|since| Version { number: Some(parameter.version), since });
            found.extend(parameter.name.zip(version));
        }
    }
    Ok(found)
}

/// The parameters and secrets among these.
///
/// # Errors
/// When they could not be read.
pub async fn stored(aws: &Aws, froms: &BTreeSet<String>) -> Result<BTreeMap<String, Version>, CloudError> {
    let secrets = froms.iter().filter_map(|from| match source(from, aws.facts()) {
        place @ Source::Secret { .. } if place.is_here(aws.facts()) => Some((from, place.arn().to_owned())),
        _ => None,
    });
    let secrets = stream::iter(secrets)
        .map(|(from, arn)| async move {
            let Some(stage) = stage(from) else { return Ok(None) };
            Ok(secret(aws, &arn, stage).await?.map(|version| (from.clone(), version)))
        })
        .buffer_unordered(READS)
        .try_collect::<Vec<Option<(String, Version)>>>();
    let (mut found, secrets) = futures::try_join!(parameters(aws, froms), secrets)?;
    found.extend(secrets.into_iter().flatten());
    Ok(found)
}

/// The stage whose version is given: `arn:…:secret:NAME:KEY:STAGE:VERSION`. Nothing where the version is fixed. Source: ECS Developer Guide, "Pass
/// Secrets Manager secrets through Amazon ECS environment variables".
fn stage(from: &str) -> Option<&str> {
    let mut rest = from.split(':').skip(8);
    let (stage, version) = (rest.next().unwrap_or_default(), rest.next().unwrap_or_default());
    match (stage, version) {
        (_, version) if !version.is_empty() => None,
        ("", _) => Some(CURRENT),
        (stage, _) => Some(stage),
    }
}

/// Since when a secret has the version of this stage: when that version was made.
async fn secret(aws: &Aws, arn: &str, stage: &str) -> Result<Option<Version>, CloudError> {
    let mut pages = aws.secrets().list_secret_version_ids().secret_id(arn).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&LIST_SECRET_VERSION_IDS)))? else { return Ok(None) };
        let at = page.versions().iter().find(|version| version.version_stages().iter().any(|it| it == stage));
        if let Some(at) = at {
            let since = at.created_date().and_then(|at| at.to_millis().ok());
            return Ok(since.map(|since| Version { number: None, since }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_named_never_changes() {
        let arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:papyrus/db-AbCdEf";
        assert_eq!(stage(arn), Some("AWSCURRENT"));
        assert_eq!(stage(&format!("{arn}:password::")), Some("AWSCURRENT"));
        assert_eq!(stage(&format!("{arn}:password:AWSPREVIOUS:")), Some("AWSPREVIOUS"));
        assert_eq!(stage(&format!("{arn}:::0123")), None);
    }
}
