//! Reading services: by tens, cluster by cluster.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::desired::Desired;
use hatoba_engine::snapshot::ReadFailure;
use serde_json::{Value as Json, json};

use super::scaling::Scaling;
use super::{DESCRIBE_SERVICES, INFO, LIST_SERVICES, last, live, scaling_calls, seen};
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::json::json_call;
use crate::survey::{Found, Survey};

/// How many services `DescribeServices` takes.
const SOME: usize = 10;

/// Services of a cluster by their names, at most ten. A cluster that does not exist has none.
pub(super) async fn describe(aws: &Aws, cluster: &str, names: &[&str]) -> Result<Vec<Json>, CloudError> {
    let body = json!({ "cluster": cluster, "services": names, "include": ["TAGS"] });
    let answer = json_call!(&DESCRIBE_SERVICES, aws.ecs().describe_services(), &body);
    let Some(answer) = missing_is_none(answer)? else { return Ok(Vec::new()) };
    let list = |key: &str| answer.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    for failure in list("failures") {
        let reason = failure.get("reason").and_then(Json::as_str).unwrap_or("no reason given");
        if reason != "MISSING" {
            let arn = failure.get("arn").and_then(Json::as_str).unwrap_or(cluster);
            return Err(CloudError::new(Class::Other, DESCRIBE_SERVICES.name, format!("{arn}: {reason}")));
        }
    }
    Ok(list("services"))
}

/// What Application Auto Scaling has of those of these services that the file or their tags connect with it, by their names. A deletion
/// does not ask.
async fn scalings(
    cx: &Survey<'_>,
    cluster: &str,
    services: &[(&Json, Option<&Desired>)],
) -> Result<BTreeMap<String, Scaling>, CloudError> {
    let asked = services.iter().filter(|(service, want)| {
        let wants = |field| want.is_some_and(|want| !want.existing && want.fields.contains_key(field));
        !cx.goal.content && (wants("schedule") || wants("autoscaling") || seen(service, None).tells_of_target())
    });
    let names: Vec<&str> = asked.map(|(service, _)| name_of(service)).collect();
    let ids: Vec<String> = names.iter().map(|name| scaling_calls::id(cluster, name)).collect();
    let mut found = scaling_calls::read(cx.aws, &ids).await?;
    Ok(names.iter().zip(&ids).filter_map(|(name, id)| Some(((*name).to_owned(), found.remove(id)?))).collect())
}

fn name_of(service: &Json) -> &str {
    service.get("serviceName").and_then(Json::as_str).unwrap_or_default()
}

/// The names of all services of a cluster.
async fn list(aws: &Aws, cluster: &str) -> Result<BTreeSet<String>, CloudError> {
    let mut pages = aws.ecs().list_services().cluster(cluster).max_results(100).into_paginator().send();
    let mut names = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&LIST_SERVICES)))? else { break };
        names.extend(page.service_arns().iter().map(|arn| last(arn).to_owned()));
    }
    Ok(names)
}

/// Services of a cluster by tens, side by side.
async fn describe_all(aws: &Aws, cluster: &str, names: &[&str]) -> Vec<(Vec<String>, Result<Vec<Json>, CloudError>)> {
    let reads = names.chunks(SOME).map(|some| async move {
        (some.iter().map(|name| (*name).to_owned()).collect(), describe(aws, cluster, some).await)
    });
    join_all(reads).await
}

/// Whether ECS Express Mode manages a service: what plain calls change, it changes back.
fn is_express(service: &Json) -> bool {
    let is = |key: &str, value: &str| service.get(key).and_then(Json::as_str) == Some(value);
    is("resourceManagementType", "ECS") && !is("status", "INACTIVE")
}

fn express(name: &str) -> CloudError {
    let text =
        format!("the service `{name}` is managed by ECS Express Mode: choose another `name:`, or delete it there");
    CloudError::new(Class::Invalid, DESCRIBE_SERVICES.name, text)
}

type Wants<'a> = BTreeMap<&'a str, Vec<&'a Desired>>;

pub(super) async fn survey(cx: &Survey<'_>) -> Found {
    let mut clusters: Wants<'_> = Wants::new();
    for want in cx.wanted(INFO.name) {
        clusters.entry(want.scope.as_deref().unwrap_or("default")).or_default().push(want);
    }
    let (marked, found) = futures::join!(
        marked_clusters(cx),
        join_all(clusters.iter().map(|(cluster, wants)| of_cluster(cx, cluster, wants)))
    );
    let mut all = Found::default();
    let mut take = |found: Found| {
        all.seen.extend(found.seen);
        all.failures.extend(found.failures);
    };
    found.into_iter().for_each(&mut take);
    match marked {
        Ok(marked) => {
            let others = marked.iter().filter(|cluster| !clusters.contains_key(cluster.as_str()));
            join_all(others.map(|cluster| of_cluster(cx, cluster, &[]))).await.into_iter().for_each(&mut take);
        }
        Err(error) => take(Found::failure(cx.addresses(INFO.name), error)),
    }
    all
}

/// The clusters that bear the mark, and those of services that do.
async fn marked_clusters(cx: &Survey<'_>) -> Result<BTreeSet<String>, CloudError> {
    let marks = cx.marks().await?;
    let of = |arn: &String| {
        if !arn.contains(":ecs:") {
            return None;
        }
        let (_, rest) = arn.split_once(":cluster/").or_else(|| arn.split_once(":service/"))?;
        rest.split('/').next().map(str::to_owned)
    };
    Ok(marks.keys().filter_map(of).collect())
}

/// The wanted services of a cluster, and those that bear the mark though nobody wants them any more.
async fn of_cluster(cx: &Survey<'_>, cluster: &str, wants: &[&Desired]) -> Found {
    let names: Vec<&str> = wants.iter().map(|want| want.name.as_str()).collect();
    let (listed, wanted) = futures::join!(list(cx.aws, cluster), describe_all(cx.aws, cluster, &names));
    let mut found = Found::default();
    let addresses = |of: &dyn Fn(&str) -> bool| {
        wants.iter().filter(|want| of(&want.name)).map(|want| want.address.clone()).collect()
    };
    for (some, result) in wanted {
        match result {
            Ok(services) => {
                let pairs: Vec<(&Json, Option<&Desired>)> = services
                    .iter()
                    .map(|service| (service, wants.iter().copied().find(|want| want.name == name_of(service))))
                    .collect();
                let mut scalings = match scalings(cx, cluster, &pairs).await {
                    Ok(scalings) => scalings,
                    Err(error) => {
                        let addresses = addresses(&|name| some.iter().any(|n| n == name));
                        found.failures.push(ReadFailure { addresses, error });
                        continue;
                    }
                };
                for (service, want) in pairs {
                    let name = name_of(service);
                    if is_express(service) {
                        found.failures.push(ReadFailure { addresses: addresses(&|n| n == name), error: express(name) });
                        continue;
                    }
                    found.seen.extend(live(service, want.map(|want| &want.fields), scalings.remove(name)));
                }
            }
            Err(error) => {
                found
                    .failures
                    .push(ReadFailure { addresses: addresses(&|name| some.iter().any(|n| n == name)), error });
            }
        }
    }
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            found.failures.push(ReadFailure { addresses: addresses(&|_| true), error });
            return found;
        }
    };
    let others: Vec<&str> = listed.iter().map(String::as_str).filter(|name| !names.contains(name)).collect();
    for (_, result) in describe_all(cx.aws, cluster, &others).await {
        match result {
            Ok(services) => {
                let seen = services.iter().filter_map(|service| live(service, None, None));
                found.seen.extend(seen.filter(|live| cx.goal.has_marked(live)));
            }
            Err(error) => found.failures.push(ReadFailure { addresses: addresses(&|_| true), error }),
        }
    }
    found
}
