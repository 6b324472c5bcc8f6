//! What ECS says of capacity providers: a service takes only those of its cluster, and a cluster keeps those that services use.

use std::collections::BTreeSet;

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::value::Value;

use crate::effects::refuse;
use crate::world::{State, Thing};

/// The capacity providers that a service names.
fn used_by(service: &Thing) -> BTreeSet<&String> {
    service.fields.get("capacity").and_then(Value::as_map).into_iter().flat_map(|shares| shares.keys()).collect()
}

/// The capacity providers that a cluster has.
fn those_of(cluster: &Thing) -> Vec<String> {
    cluster.fields.get("capacity_providers").map(Value::list_texts).unwrap_or_default()
}

impl State {
    /// What keeps a service from being created or changed: a capacity provider that its cluster does not have.
    pub(crate) fn lacks_capacity(&self, service: &Thing, call: &str) -> Option<CloudError> {
        let cluster = service.scope.as_ref().filter(|_| service.kind.name == "service")?;
        // What others put there has whatever it has.
        let told = |thing: &&Thing| {
            thing.kind.name == "cluster" && thing.name == *cluster && thing.fields.contains_key("capacity_providers")
        };
        let there = those_of(self.things.iter().find(told)?);
        let lacks = used_by(service).into_iter().find(|provider| !there.contains(provider))?;
        Some(refuse(Class::Invalid, call, format!("`{cluster}` does not have the capacity provider {lacks}")))
    }

    /// What keeps a cluster from being changed: a capacity provider that it would lose, and that a service uses.
    pub(crate) fn capacity_is_held(&self, cluster: &Thing, call: &str) -> Option<CloudError> {
        if cluster.kind.name != "cluster" {
            return None;
        }
        let before = those_of(self.things.iter().find(|thing| thing.id == cluster.id)?);
        let after = those_of(cluster);
        let lost: BTreeSet<&String> = before.iter().filter(|provider| !after.contains(provider)).collect();
        let uses = |thing: &&Thing| {
            thing.kind.name == "service"
                && thing.scope.as_deref() == Some(&cluster.name)
                && used_by(thing).iter().any(|provider| lost.contains(provider))
        };
        let user = self.things.iter().find(uses)?;
        Some(refuse(Class::Invalid, call, format!("a capacity provider of it is used by `{}`", user.name)))
    }
}
