//! The engine's port on the account in memory, with the rules that AWS keeps: names are taken, creates bear marks, what is
//! in use stays, and a service takes its time to go.

use std::collections::BTreeSet;

use async_trait::async_trait;
use hatoba_engine::cloud::{Class, Cloud, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Goal, Resolved};
use hatoba_engine::kind::{OnChange, Unset};
use hatoba_engine::owner::{Mark, Origin, TAG_RETAIN, is_ours};
use hatoba_engine::snapshot::{ReadFailure, Readiness, Sighting, Snapshot};
use hatoba_engine::value::{OutputRef, Value};
use hatoba_model::address::Address;

use crate::links::{holder, providers, uses};
use crate::world::{Thing, World};

/// How many looks find a service that is draining.
const DRAINING: u32 = 2;

/// How the ids of security groups begin that were assigned here.
const OWN_GROUP: &str = "sg-00000";

/// The tag by which a repository tells what destroy may do with its images.
const TAG_ON_DESTROY: &str = "hatoba:on-destroy";

fn refuse(class: Class, call: &str, message: impl Into<String>) -> CloudError {
    CloudError::new(class, call, message)
}

fn receipt(thing: &Thing) -> Receipt {
    Receipt { id: Some(thing.id.clone()), outputs: thing.outputs.clone().into_iter().collect() }
}

impl World {
    fn sighting(&self, thing: &Thing, stack: Option<&str>, all: &[Thing]) -> Sighting {
        let mut live = Sighting::new(thing.kind, &thing.id, &thing.name);
        live.scope.clone_from(&thing.scope);
        live.fields = thing.fields.clone();
        live.outputs = thing.outputs.clone();
        live.mark = thing.mark();
        live.uses = uses(thing, &self.facts);
        live.holds.clone_from(&thing.content);
        if thing.leaving.is_some() {
            live.readiness = Readiness::Deleting("draining".into());
        }
        if thing.kind.name == "oidc_provider" {
            let others = all.iter().filter(|other| providers(other).contains(&thing.id) && outlives(other, stack));
            live.held_by = others.map(|other| format!("role `{}`", other.name)).collect();
        }
        let note = thing.fields.get("tags").and_then(|tags| tags.get(TAG_ON_DESTROY)).and_then(Value::as_text);
        live.notes.extend(note.map(|text| ("on_destroy".to_owned(), text.to_owned())));
        live
    }

    /// Whether AWS looks for what this identifier means when it is named in a create.
    fn would_know(&self, id: &str, thing: &Thing) -> bool {
        match thing.kind.name {
            "role" | "user" => id.starts_with(&self.facts.iam_arn("policy/")),
            "service" => id.contains(":cluster/") || id.starts_with(OWN_GROUP),
            "security_group" => id.starts_with(OWN_GROUP),
            _ => false,
        }
    }
}

/// Whether a role goes on existing when the stack goes.
fn outlives(role: &Thing, stack: Option<&str>) -> bool {
    let retained = role.fields.get("tags").is_some_and(|tags| tags.get(TAG_RETAIN).is_some());
    let ours = |mark: Mark| Some(mark.stack.as_str()) == stack && mark.origin == Origin::Created;
    retained || !role.mark().is_some_and(ours)
}

#[async_trait]
impl Cloud for World {
    async fn survey(&self, goal: &Goal) -> Snapshot {
        let state = self.lock();
        let mut snapshot = Snapshot::default();
        for thing in &state.things {
            let named =
                goal.resources.values().any(|want| want.kind.name == thing.kind.name && want.name == thing.name);
            if !named && thing.mark().is_none_or(|mark| mark.stack != goal.stack) {
                continue;
            }
            if !state.unreadable.contains(&(thing.kind.name.to_owned(), thing.name.clone())) {
                snapshot.seen.push(self.sighting(thing, Some(&goal.stack), &state.things));
            }
        }
        for (kind, name) in &state.unreadable {
            let addresses: Vec<Address> = goal
                .resources
                .values()
                .filter(|want| want.kind.name == kind && want.name == *name)
                .map(|want| want.address.clone())
                .collect();
            let error = refuse(Class::Denied, "Describe", "not allowed");
            snapshot.unreadable.extend((!addresses.is_empty()).then_some(ReadFailure { addresses, error }));
        }
        snapshot.lookups.insert(OutputRef::new("lookup.network", "vpc"), "vpc-0default".into());
        snapshot.lookups.insert(OutputRef::new("lookup.network", "subnets"), Value::set(["subnet-a", "subnet-b"]));
        snapshot
    }

    async fn look(&self, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let mut state = self.lock();
        let meant = |t: &Thing| {
            t.kind.name == target.kind.name
                && t.name == target.name
                && (target.scope.is_none() || t.scope == target.scope)
        };
        let found = state.things.iter().filter(|t| meant(t)).map(|t| self.sighting(t, None, &state.things)).collect();
        for thing in state.things.iter_mut().filter(|t| meant(t)) {
            thing.leaving = thing.leaving.map(|looks| looks.saturating_sub(1));
        }
        state.things.retain(|thing| thing.leaving != Some(0));
        Ok(found)
    }

    async fn create(&self, want: &Resolved) -> Result<Receipt, CloudError> {
        let mut state = self.lock();
        let call = want.kind.create_call;
        if state.find(want.kind.name, &want.name, want.scope.as_ref()).is_some() {
            return Err(refuse(Class::Exists, call, format!("`{}` exists", want.name)));
        }
        if want.kind.field("tags").is_some() && Mark::from_tags(&want.tags()).is_none() {
            return Err(refuse(Class::Invalid, call, "created without a mark"));
        }
        let mut thing = state.fresh(want, &self.facts);
        for field in want.kind.fields {
            match (want.fields.get(field.name).filter(|_| field.at_create), field.unset) {
                (Some(value), _) if value.is_pending() => {
                    return Err(refuse(Class::Invalid, call, format!("`{}` is unknown", field.name)));
                }
                (Some(value), _) => drop(thing.fields.insert(field.name.to_owned(), value.clone())),
                (None, Unset::Default(default)) => drop(thing.fields.insert(field.name.to_owned(), default())),
                (None, _) => {}
            }
        }
        let missing: BTreeSet<String> = uses(&thing, &self.facts)
            .into_iter()
            .filter(|id| self.would_know(id, &thing) && !state.things.iter().any(|t| t.is_called(id)))
            .collect();
        if let Some(id) = missing.first() {
            return Err(refuse(Class::Invalid, call, format!("there is no {id}")));
        }
        let receipt = receipt(&thing);
        state.calls.push(format!("create {}", want.address));
        state.things.push(thing);
        Ok(receipt)
    }

    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        let mut state = self.lock();
        let renewed = (!want.kind.renews(group).is_empty()).then(|| state.fresh(want, &self.facts));
        let Some(thing) = state.find(want.kind.name, &live.name, want.scope.as_ref()) else {
            return Err(refuse(Class::Gone, group, format!("there is no `{}`", live.name)));
        };
        if thing.leaving.is_some() {
            return Err(refuse(Class::Invalid, group, format!("`{}` is draining", live.name)));
        }
        // A new revision is made of everything; other groups carry only their own fields.
        let whole = group == want.kind.create_call;
        for field in want.kind.fields.iter().filter(|f| whole || f.on_change == OnChange::Update(group)) {
            match want.fields.get(field.name) {
                Some(value) if value.is_pending() => {
                    return Err(refuse(Class::Invalid, group, format!("`{}` is unknown", field.name)));
                }
                Some(value) => drop(thing.fields.insert(field.name.to_owned(), value.clone())),
                None if matches!(field.unset, Unset::Unmanaged) => {}
                None => drop(thing.fields.remove(field.name)),
            }
        }
        let mut answer = Receipt::default();
        if let Some(renewed) = renewed {
            thing.id.clone_from(&renewed.id);
            thing.outputs.clone_from(&renewed.outputs);
            answer = receipt(&renewed);
        }
        state.calls.push(format!("{group} {}", want.address));
        Ok(answer)
    }

    async fn delete(&self, live: &Sighting, empty: bool) -> Result<(), CloudError> {
        let mut state = self.lock();
        let Some(at) = state.things.iter().position(|t| t.id == live.id) else { return Ok(()) };
        let Some(thing) = state.things.get(at).cloned() else { return Ok(()) };
        if let Some(user) = holder(&thing, &state.things, &self.facts) {
            // Steps are ordered so that nothing is in use when it goes: waiting for others would never end here.
            return Err(refuse(
                Class::Invalid,
                live.kind.delete_call,
                format!("`{}` is used by `{}`", thing.name, user.name),
            ));
        }
        if thing.content.is_some() && !empty {
            return Err(refuse(Class::Invalid, live.kind.delete_call, format!("`{}` is not empty", thing.name)));
        }
        match state.things.get_mut(at).filter(|t| t.kind.name == "service") {
            Some(service) => service.leaving = Some(DRAINING),
            None => drop(state.things.remove(at)),
        }
        state.calls.push(format!("delete {}.{}", live.kind.name, live.name));
        Ok(())
    }

    async fn release(&self, live: &Sighting) -> Result<(), CloudError> {
        let mut state = self.lock();
        if let Some(thing) = state.things.iter_mut().find(|t| t.id == live.id)
            && let Some(Value::Map(tags)) = thing.fields.get_mut("tags")
        {
            tags.retain(|key, _| !is_ours(key));
        }
        state.calls.push(format!("release {}.{}", live.kind.name, live.name));
        Ok(())
    }
}
