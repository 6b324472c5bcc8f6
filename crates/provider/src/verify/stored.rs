//! Parameters, secrets and log groups, without a look at what is in them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssm::types::ParameterStringFilter;
use futures::future::join_all;
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_model::verify::{Fact, LogPlace, Source, Stored};
use serde_json::Value as Json;

use super::calls::{DESCRIBE_LOG_GROUPS, DESCRIBE_PARAMETERS, DESCRIBE_SECRET, GET_RESOURCE_POLICY};
use super::look::Look;
use super::settled::After;
use crate::classify::{failed, missing_is_none};

/// How many parameters one filter of `DescribeParameters` looks for: it takes 50 names, and some have two.
const NAMES: usize = 25;

/// These parameters and secrets, by their ARNs as they are named. Those of other accounts and regions are not asked for.
pub(super) async fn read(cx: &Look<'_>, sources: BTreeSet<Source>) -> BTreeMap<String, Fact<Stored>> {
    let mut found = BTreeMap::new();
    let (mut parameters, mut secrets) = (Vec::new(), Vec::new());
    for source in sources.into_iter().filter(|source| source.is_here(cx.aws.facts())) {
        match source {
            Source::Secret { arn } => secrets.push(arn),
            Source::Parameter { arn, name } => {
                let slashed = format!("/{name}");
                let own = cx.world.named("parameter", &name).or_else(|| cx.world.named("parameter", &slashed));
                match own.map(|want| cx.world.after(want)) {
                    Some(After::There(_)) => {
                        let stored = Stored { arn: arn.clone(), ..Stored::default() };
                        found.insert(arn, Fact::There(stored));
                    }
                    Some(After::Unread(why)) => drop(found.insert(arn, Fact::Unread(why.to_owned()))),
                    Some(After::Missing) => drop(found.insert(arn, Fact::Missing)),
                    None => parameters.push((arn, name)),
                }
            }
        }
    }
    let secrets = secrets.into_iter().map(|arn| async move {
        let secret = secret(cx, &arn).await;
        (arn, secret)
    });
    let chunks = parameters.chunks(NAMES).map(|chunk| self::parameters(cx, chunk));
    let (parameters, secrets) = futures::join!(join_all(chunks), join_all(secrets));
    found.extend(parameters.into_iter().flatten());
    found.extend(secrets);
    found
}

/// At most as many parameters as one filter takes.
async fn parameters(cx: &Look<'_>, some: &[(String, String)]) -> BTreeMap<String, Fact<Stored>> {
    // The ARN of `db-url` and of `/db-url` is the same.
    let both = |name: &String| {
        let other = (!name.contains('/')).then(|| format!("/{name}"));
        [Some(name.clone()), other].into_iter().flatten()
    };
    let names: Vec<String> = some.iter().flat_map(|(_, name)| both(name)).collect();
    let keys = parameter_keys(cx, names).await;
    let fact = |arn: &String, name: &String| match &keys {
        Err(error) => Fact::Unread(cx.unread(error)),
        Ok(keys) => match both(name).find_map(|name| keys.get(&name)) {
            Some(key) => Fact::There(Stored { arn: arn.clone(), key: key.clone(), policy: None }),
            None => Fact::Missing,
        },
    };
    some.iter().map(|(arn, name)| (arn.clone(), fact(arn, name))).collect()
}

/// Those of the parameters that exist, with the keys that they are encrypted with.
async fn parameter_keys(cx: &Look<'_>, names: Vec<String>) -> Result<BTreeMap<String, Option<String>>, CloudError> {
    let filter = ParameterStringFilter::builder().key("Name").option("Equals").set_values(Some(names)).build();
    let filter =
        filter.map_err(|error| CloudError::new(Class::Invalid, DESCRIBE_PARAMETERS.name, error.to_string()))?;
    let call = cx.aws.ssm().describe_parameters().parameter_filters(filter).max_results(50);
    let mut pages = call.into_paginator().send();
    let mut keys = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(&DESCRIBE_PARAMETERS))?;
        let parameters = page.parameters.unwrap_or_default();
        keys.extend(parameters.into_iter().filter_map(|parameter| Some((parameter.name?, parameter.key_id))));
    }
    Ok(keys)
}

async fn secret(cx: &Look<'_>, arn: &str) -> Fact<Stored> {
    let call = cx.aws.secrets().describe_secret().secret_id(arn).send();
    match missing_is_none(call.await.map_err(failed(&DESCRIBE_SECRET))) {
        Err(error) => Fact::Unread(cx.unread(&error)),
        // What is about to be deleted cannot be read.
        Ok(Some(secret)) if secret.deleted_date.is_none() => Fact::There(Stored {
            arn: secret.arn.unwrap_or_else(|| arn.to_owned()),
            key: secret.kms_key_id.filter(|key| !key.is_empty()),
            policy: None,
        }),
        Ok(_) => Fact::Missing,
    }
}

/// The own policy of a secret, if it has one.
pub(super) async fn policy(cx: &Look<'_>, arn: &str) -> Option<Json> {
    let call = cx.aws.secrets().get_resource_policy().secret_id(arn).send();
    // Where it cannot be read, the policies of the role alone are judged.
    let answer = call.await.map_err(failed(&GET_RESOURCE_POLICY)).ok()?;
    serde_json::from_str(&answer.resource_policy?).ok()
}

/// These log groups, by region and name.
pub(super) async fn log_groups(cx: &Look<'_>, places: BTreeSet<LogPlace>) -> BTreeMap<(String, String), Fact<()>> {
    let here = places.into_iter().filter(|place| place.region == cx.aws.facts().region.as_str() && !place.creates);
    let reads = here.map(|place| async move {
        let fact = match cx.world.named("log_group", &place.group).map(|want| cx.world.after(want)) {
            Some(After::There(_)) => Fact::There(()),
            Some(After::Unread(why)) => Fact::Unread(why.to_owned()),
            Some(After::Missing) => Fact::Missing,
            None => log_group(cx, &place.group).await,
        };
        ((place.region, place.group), fact)
    });
    join_all(reads).await.into_iter().collect()
}

/// A prefix is no name: the exact one is looked for among what it finds.
async fn log_group(cx: &Look<'_>, name: &str) -> Fact<()> {
    let mut pages = cx.aws.logs().describe_log_groups().log_group_name_prefix(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        match page.map_err(failed(&DESCRIBE_LOG_GROUPS)) {
            Err(error) => return Fact::Unread(cx.unread(&error)),
            Ok(page) if page.log_groups().iter().any(|group| group.log_group_name() == Some(name)) => {
                return Fact::There(());
            }
            Ok(_) => {}
        }
    }
    Fact::Missing
}
