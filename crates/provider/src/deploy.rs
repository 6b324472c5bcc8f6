//! What a deploy and a rollback want: other images for a service as it is, or what an older revision was, and nothing else of the file.
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::owner::is_ours;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::address::Address;

/// Why images cannot be deployed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeployError {
    /// The task definition that runs has no such container: the file has one that was never applied.
    #[error("the task definition `{task}` has no container `{container}` yet")]
    NoContainer {
        /// The task definition.
        task: String,
        /// The container.
        container: String,
    },
}

/// A resource of the file, and what it is like now.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The file's wish.
    pub want: &'a Desired,
    /// What is there.
    pub live: &'a Sighting,
}

/// A goal of two resources: the task definition as it is in the revision `base`, but with other images (by container), and the service as
/// it is with the task definition that the file names.
///
/// The latest revision, which the new one follows, need not be the one to begin with: after a rollback an older one runs.
///
/// # Errors
/// When that revision lacks one of the containers.
pub fn goal(
    stack: &str,
    task: Pair<'_>,
    base: &Sighting,
    service: Pair<'_>,
    images: &BTreeMap<String, String>,
) -> Result<Goal, DeployError> {
    let mut wanted = as_it_is(task, base, BTreeSet::new());
    for (container, image) in images {
        let place = match wanted.fields.get_mut("containers") {
            Some(Value::Map(containers)) => containers.get_mut(container),
            _ => None,
        };
        let Some(Value::Map(parts)) = place else {
            return Err(DeployError::NoContainer { task: task.want.name.clone(), container: container.clone() });
        };
        parts.insert("image".into(), Value::text(image));
    }
    let mut runs = as_it_is(service, service.live, BTreeSet::from([task.want.address.clone()]));
    if let Some(revision) = service.want.fields.get("task_definition") {
        runs.fields.insert("task_definition".into(), revision.clone());
    }
    let resources = [wanted, runs].map(|want| (want.address.clone(), want)).into();
    Ok(Goal { stack: stack.to_owned(), region: None, resources, content: false })
}

/// The wish that it is as it was there.
pub(crate) fn as_it_is(pair: Pair<'_>, there: &Sighting, needs: BTreeSet<Address>) -> Desired {
    let mut fields = there.fields.clone();
    let tags = fields.remove("tags").map(|tags| tags.map_texts()).unwrap_or_default();
    let tags = tags.into_iter().filter(|(key, _)| !is_ours(key)).collect();
    // What the file says of its end, and was not applied yet, is no part of a deploy.
    let (retain, on_destroy) = (pair.live.is_retained(), pair.live.on_destroy);
    Desired { fields, tags, needs, retain, on_destroy, ..pair.want.clone() }
}
