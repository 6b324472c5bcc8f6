//! What tasks and services of the account run, in every cluster of the region.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hatoba_engine::cloud::CloudError;
use hatoba_rollout::state::Task;

use super::Used;
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::images::{Place, place};
use crate::permissions::call::calls;
use crate::rollout::services::SERVICES;
use crate::rollout::tasks::of_cluster;

calls! { aside:
    LIST_CLUSTERS: "ecs:ListClusters";
    LIST_SERVICES: "ecs:ListServices";
    DESCRIBE_SERVICES: "ecs:DescribeServices";
    DESCRIBE_TASK_DEFINITION: "ecs:DescribeTaskDefinition";
}

/// How many reads run at once: ECS allows a burst of 50.
const READS: usize = 16;

/// Reads it. Also what belongs to nobody of this stack counts: another stack may run an image of this one.
///
/// # Errors
/// When anything could not be read: then nothing may be deleted.
pub async fn used(aws: &Aws) -> Result<Used, CloudError> {
    let found = running(aws).await?;
    let (mut all, mut idle) = (Used::default(), BTreeSet::new());
    for (services, tasks) in found {
        idle.extend(services.idle);
        all.revisions.extend(services.revisions);
        for task in tasks {
            all.revisions.extend(Some(task.task_definition).filter(|arn| !arn.is_empty()));
            for container in task.containers {
                all.digests.extend(container.digest);
                all.images.extend(container.image.map(|image| place(aws, &image)));
            }
        }
    }
    // A revision that runs may be deregistered since, and is then found nowhere else.
    let images: Vec<(String, BTreeSet<String>)> = stream::iter(all.revisions.clone())
        .map(|revision| async move { images_of(aws, &revision).await.map(|images| (revision, images)) })
        .buffer_unordered(READS)
        .try_collect()
        .await?;
    for (revision, images) in images {
        for place in images.iter().map(|image| place(aws, image)) {
            if let (Place::Here { repository, digest: None, .. }, true) = (&place, idle.contains(&revision)) {
                all.unsure.insert(repository.clone());
            }
            all.images.insert(place);
        }
    }
    Ok(all)
}

/// What services and tasks of every cluster of the region run.
pub(super) async fn running(aws: &Aws) -> Result<Vec<(Services, Vec<Task>)>, CloudError> {
    let mut clusters = Vec::new();
    let mut pages = aws.ecs().list_clusters().into_paginator().send();
    while let Some(page) = pages.next().await {
        clusters.extend(page.map_err(failed(&LIST_CLUSTERS))?.cluster_arns().iter().cloned());
    }
    stream::iter(clusters)
        .map(|cluster| async move { futures::try_join!(services(aws, &cluster), of_cluster(aws, &cluster)) })
        .buffer_unordered(READS)
        .try_collect()
        .await
}

/// What services name.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// Each of them.
    pub(super) each: Vec<Serves>,
    /// The revisions that they and their deployments have.
    pub(super) revisions: BTreeSet<String>,
    /// Those of services that run nothing at the moment.
    idle: BTreeSet<String>,
}

/// A service.
#[derive(Debug)]
pub(super) struct Serves {
    /// Its cluster.
    pub(super) cluster: String,
    /// Its name.
    pub(super) name: String,
    /// The revision that was asked for last.
    pub(super) runs: String,
}

async fn services(aws: &Aws, cluster: &str) -> Result<Services, CloudError> {
    let mut names = Vec::new();
    let mut pages = aws.ecs().list_services().cluster(cluster).into_paginator().send();
    while let Some(page) = pages.next().await {
        names.extend(page.map_err(failed(&LIST_SERVICES))?.service_arns().iter().cloned());
    }
    let mut used = Services::default();
    for some in names.chunks(SERVICES) {
        let call = aws.ecs().describe_services().cluster(cluster).set_services(Some(some.to_vec()));
        for service in call.send().await.map_err(failed(&DESCRIBE_SERVICES))?.services() {
            let idle = service.running_count() == 0 && service.status() != Some("INACTIVE");
            used.idle.extend(service.task_definition().filter(|_| idle).map(str::to_owned));
            used.each.extend(service.service_name().zip(service.task_definition()).map(|(name, runs)| Serves {
                cluster: cluster.to_owned(),
                name: name.to_owned(),
                runs: runs.to_owned(),
            }));
            used.revisions.extend(service.task_definition().map(str::to_owned));
            let deployments = service.deployments().iter().filter_map(|deployment| deployment.task_definition());
            used.revisions.extend(deployments.map(str::to_owned));
            let sets = service.task_sets().iter().filter_map(|set| set.task_definition());
            used.revisions.extend(sets.map(str::to_owned));
        }
    }
    Ok(used)
}

async fn images_of(aws: &Aws, revision: &str) -> Result<BTreeSet<String>, CloudError> {
    let call = aws.ecs().describe_task_definition().task_definition(revision).send().await;
    let answer = missing_is_none(call.map_err(failed(&DESCRIBE_TASK_DEFINITION)))?;
    let containers =
        answer.and_then(|answer| answer.task_definition).map(|task| task.container_definitions.unwrap_or_default());
    Ok(containers.into_iter().flatten().filter_map(|container| container.image).collect())
}
