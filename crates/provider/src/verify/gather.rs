//! Everything that is asked, read in as few calls and as few round trips as it takes.

use std::collections::BTreeSet;

use futures::future::join_all;
use hatoba_engine::cloud::CloudError;
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts as Place;
use hatoba_model::verify::{Fact, Facts, LogPlace, Source, Subjects, leaves_open, repository_of, source};
use serde_json::Value as Json;

use super::calls::GET_REPOSITORY_POLICY;
use super::look::Look;
use super::settled::{After, World};
use super::{identity, images, network, stored};
use crate::aws::Aws;
use crate::classify::failed;

/// Reads what it takes to judge. A read that fails is part of the facts; the errors are returned besides.
pub async fn gather(aws: &Aws, world: World<'_>, subjects: &Subjects) -> (Facts, Vec<CloudError>) {
    let cx = Look::new(aws, world);
    let asked = Asked::of(subjects, aws.facts());
    let mut of_network = Facts::default();
    let (images, roles, found, log_groups, ()) = futures::join!(
        images::read(&cx, asked.images),
        identity::roles(&cx, asked.roles),
        stored::read(&cx, asked.stored),
        stored::log_groups(&cx, asked.logs),
        network::read(&cx, subjects, &mut of_network),
    );
    let mut facts = Facts { images, roles, stored: found, log_groups, ..of_network };
    policies_of_resources(&cx, subjects, &mut facts).await;
    (facts, cx.failed())
}

/// What has to be asked for.
#[derive(Debug, Default)]
struct Asked {
    images: BTreeSet<String>,
    roles: BTreeSet<String>,
    stored: BTreeSet<Source>,
    logs: BTreeSet<LogPlace>,
}

impl Asked {
    fn of(subjects: &Subjects, place: &Place) -> Self {
        let mut asked = Self::default();
        for task in subjects.tasks.values() {
            let images = task.containers.values().filter(|container| container.look_for_image);
            asked.images.extend(images.map(|container| container.image.clone()));
            if !task.permissions {
                continue;
            }
            asked.roles.extend([&task.execution_role, &task.task_role].into_iter().flatten().cloned());
            for container in task.containers.values() {
                asked.logs.extend(container.logs.clone());
                let from = container.secrets.values().chain(container.log_secrets.values());
                let from = from.chain(&container.registry_credentials);
                asked.stored.extend(from.map(|from| source(from, place)));
            }
        }
        asked
    }
}

/// The policies of repositories and secrets that may allow what a role's own do not.
async fn policies_of_resources(cx: &Look<'_>, subjects: &Subjects, facts: &mut Facts) {
    let place = cx.aws.facts();
    let tasks = subjects.tasks.values().filter(|task| task.permissions);
    let open: BTreeSet<String> = tasks.flat_map(|task| leaves_open(task, facts, place)).collect();
    let read = open.into_iter().map(|arn| async move {
        let policy = match repository_of(&arn, place) {
            Some(name) => repository_policy(cx, name).await,
            None => stored::policy(cx, &arn).await,
        };
        (arn, policy)
    });
    for (arn, policy) in join_all(read).await {
        let Some(policy) = policy else { continue };
        match facts.stored.get_mut(&arn) {
            Some(Fact::There(stored)) => stored.policy = Some(policy),
            _ => drop(facts.repository_policies.insert(arn, policy)),
        }
    }
}

async fn repository_policy(cx: &Look<'_>, name: &str) -> Option<Json> {
    if let Some(want) = cx.world.named("repository", name)
        && let After::There(fields) = cx.world.after(want)
    {
        return serde_json::from_str(fields.get("policy").and_then(Value::as_text)?).ok();
    }
    let call = cx.aws.ecr().get_repository_policy().repository_name(name).send();
    // Where it cannot be read, the policies of the role alone are judged.
    let answer = call.await.map_err(failed(&GET_REPOSITORY_POLICY)).ok()?;
    serde_json::from_str(answer.policy_text()?).ok()
}
