//! What calls do to the account: the rules that AWS keeps. Names are taken, creates bear marks, what is in use stays, what was
//! just made is not known everywhere, and a service takes its time to go.

use std::collections::BTreeSet;
use std::time::Duration;

use hatoba_engine::cloud::{Class, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Goal, OnDestroy, Resolved};
use hatoba_engine::kind::{Field, OnChange, Unset};
use hatoba_engine::owner::{Mark, Origin, TAG_RETAIN, is_ours};
use hatoba_engine::snapshot::{ReadFailure, Readiness, Sighting, Snapshot};
use hatoba_engine::value::{Fields, OutputRef, Value};
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::stack::Stack;

use crate::generate::Rng;
use crate::links::{holder, providers, uses};
use crate::slow::{draw, is_iam};
use crate::world::{Ghost, Leaving, State, Thing};

/// How many looks find a service that is draining, where no time passes.
const DRAINING: u32 = 2;

/// How the ids of security groups begin that were assigned here.
const OWN_GROUP: &str = "sg-00000";

pub(crate) fn refuse(class: Class, call: &str, message: impl Into<String>) -> CloudError {
    CloudError::new(class, call, message)
}

fn receipt(thing: &Thing) -> Receipt {
    Receipt { id: Some(thing.id.clone()), outputs: thing.outputs.clone().into_iter().collect() }
}

fn sighting(thing: &Thing, goal: Option<&Goal>, all: &[Thing], facts: &Facts, now: Duration) -> Sighting {
    let mut live = Sighting::new(thing.kind, &thing.id, &thing.name);
    live.scope.clone_from(&thing.scope);
    live.fields = thing.fields.clone();
    live.outputs = thing.outputs.clone();
    live.mark = thing.mark();
    live.uses = uses(thing, facts);
    live.holds.clone_from(&thing.content);
    if thing.leaving.is_some() {
        live.readiness = Readiness::Deleting("draining".into());
    } else if thing.kind.settles && thing.usable > now {
        live.readiness = Readiness::Settling("it is being set up".into());
    }
    if thing.kind.name == "oidc_provider" {
        let others = all.iter().filter(|other| providers(other).contains(&thing.id) && outlives(other, goal));
        live.held_by = others.map(|other| format!("role `{}`", other.name)).collect();
    }
    let tags = thing.fields.get("tags").map(Value::map_texts).unwrap_or_default();
    live.on_destroy = OnDestroy::from_tags(&tags);
    live
}

/// Whether a role goes on existing when the stack goes.
fn outlives(role: &Thing, goal: Option<&Goal>) -> bool {
    let retained = role.fields.get("tags").is_some_and(|tags| tags.get(TAG_RETAIN).is_some());
    let ours = |mark: Mark| goal.is_some_and(|goal| goal.owns(&mark)) && mark.origin == Origin::Created;
    retained || !role.mark().is_some_and(ours)
}

/// Whether AWS looks for what this identifier means when it is named in a create.
fn would_know(id: &str, thing: &Thing, facts: &Facts) -> bool {
    match thing.kind.name {
        "role" | "user" => id.starts_with(&facts.iam_arn("policy/")),
        "service" => id.contains(":cluster/") || id.starts_with(OWN_GROUP),
        "security_group" => id.starts_with(OWN_GROUP),
        _ => false,
    }
}

impl State {
    pub(crate) fn survey(&self, goal: &Goal, facts: &Facts) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let named = |thing: &Thing| {
            goal.resources.values().any(|want| want.kind.name == thing.kind.name && want.name == thing.name)
        };
        let shown = self.things.iter().filter(|thing| {
            let ours = || thing.mark().is_some_and(|mark| goal.owns(&mark));
            if named(thing) { thing.shown <= self.now } else { thing.listed <= self.now && ours() }
        });
        for thing in shown.chain(self.ghosts(&|thing| named(thing))) {
            if !self.unreadable.contains(&(thing.kind.name.to_owned(), thing.name.clone())) {
                snapshot.seen.push(sighting(thing, Some(goal), &self.things, facts, self.now));
            }
        }
        for (kind, name) in &self.unreadable {
            let addresses: Vec<Address> = goal
                .resources
                .values()
                .filter(|want| want.kind.name == kind && want.name == *name)
                .map(|want| want.address.clone())
                .collect();
            let error = refuse(Class::Denied, "Describe", "not allowed");
            snapshot.unreadable.push(ReadFailure { addresses, error });
        }
        snapshot.lookups.insert(OutputRef::new("lookup.network", "vpc"), "vpc-0default".into());
        snapshot.lookups.insert(OutputRef::new("lookup.network", "subnets"), Value::set(["subnet-a", "subnet-b"]));
        snapshot
    }

    /// What is gone, is still shown, and has no successor that is shown.
    fn ghosts<'a>(&'a self, meant: &'a dyn Fn(&Thing) -> bool) -> impl Iterator<Item = &'a Thing> {
        self.ghosts.iter().map(|ghost| &ghost.thing).filter(move |thing| {
            let back = |other: &Thing| {
                other.kind.name == thing.kind.name
                    && other.name == thing.name
                    && other.scope == thing.scope
                    && other.shown <= self.now
            };
            meant(thing) && !self.things.iter().any(back)
        })
    }

    pub(crate) fn look(&mut self, target: &Target, depth: Depth, facts: &Facts) -> Vec<Sighting> {
        let meant = |t: &Thing| {
            t.kind.name == target.kind.name
                && t.name == target.name
                && (target.scope.is_none() || t.scope == target.scope)
        };
        let shown = self.things.iter().filter(|t| meant(t) && t.shown <= self.now);
        let all = shown.chain(self.ghosts(&meant));
        let mut found: Vec<Sighting> = all.map(|t| sighting(t, None, &self.things, facts, self.now)).collect();
        if depth == Depth::Mark {
            found.iter_mut().for_each(|live| live.fields.retain(|field, _| field == "tags"));
        }
        for thing in self.things.iter_mut().filter(|t| meant(t)) {
            if let Some(Leaving::Looks(looks)) = &mut thing.leaving {
                *looks = looks.saturating_sub(1);
            }
        }
        self.things.retain(|thing| thing.leaving != Some(Leaving::Looks(0)));
        found
    }

    /// What keeps a request from being accepted that leads to this thing.
    fn refers_badly(&self, thing: &Thing, call: &str, facts: &Facts) -> Option<CloudError> {
        let ids: BTreeSet<String> = uses(thing, facts).into_iter().collect();
        for id in ids {
            let used = self.things.iter().find(|t| t.is_called(&id));
            match used {
                Some(used) if used.kind.settles && used.leaving.is_some() => {
                    return Some(refuse(Class::Invalid, call, format!("{id} is not active")));
                }
                Some(used) if used.usable > self.now && is_iam(used.kind.name) => {
                    return Some(refuse(Class::NotYet, call, format!("{id} is not known yet")));
                }
                Some(used) if used.usable > self.now => {
                    return Some(refuse(Class::Invalid, call, format!("{id} is not ready")));
                }
                None if would_know(&id, thing, facts) => {
                    return Some(refuse(Class::Invalid, call, format!("there is no {id}")));
                }
                Some(_) | None => {}
            }
        }
        None
    }

    pub(crate) fn create(
        &mut self,
        want: &Resolved,
        facts: &Facts,
        stack: Option<&Stack>,
    ) -> Result<Receipt, CloudError> {
        let call = want.kind.create_call;
        let there = self.find(want.kind.name, &want.name, want.scope.as_ref()).map(|thing| thing.clone());
        match (&there, want.kind.name) {
            (Some(thing), _) if thing.leaving.is_some() => {
                return Err(refuse(Class::Busy, call, format!("`{}` is still draining", want.name)));
            }
            // The answer names the cluster that there is, and nothing about it is changed.
            (Some(thing), "cluster") => return Ok(receipt(thing)),
            // One more revision of the family.
            (None, _) | (Some(_), "task_definition") => {}
            (Some(_), _) => return Err(refuse(Class::Exists, call, format!("`{}` exists", want.name))),
        }
        if want.kind.field("tags").is_some() && Mark::from_tags(&want.tags()).is_none() {
            return Err(refuse(Class::Invalid, call, "created without a mark"));
        }
        let mut thing = self.fresh(want, facts, stack);
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
        let wrong = self.refers_badly(&thing, call, facts).or_else(|| self.lacks_capacity(&thing, call));
        if let Some(error) = wrong {
            return Err(error);
        }
        let receipt = receipt(&thing);
        self.calls.push(format!("create {}", want.address));
        self.registers(&thing);
        self.things.retain(|other| there.as_ref().is_none_or(|there| there.id != other.id));
        self.things.push(thing);
        Ok(receipt)
    }

    /// Takes down every revision, and tells about one that is the same as the one before.
    pub(crate) fn registers(&mut self, thing: &Thing) {
        if thing.kind.name != "task_definition" {
            return;
        }
        let mut content = thing.fields.clone();
        content.remove("tags");
        let before: &mut Option<Fields> = self.revisions.entry(thing.name.clone()).or_default();
        if before.as_ref() == Some(&content) {
            self.twice.push(format!("the same revision of `{}` was registered twice", thing.name));
        }
        *before = Some(content);
    }

    /// `torn`: the group is several calls, and only some of them took effect.
    pub(crate) fn update(
        &mut self,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
        torn: Option<&mut Rng>,
        facts: &Facts,
        stack: Option<&Stack>,
    ) -> Result<Receipt, CloudError> {
        let now = self.now;
        let renewed = (!want.kind.renews(group).is_empty()).then(|| self.fresh(want, facts, stack));
        let Some(thing) = self.find(want.kind.name, &live.name, want.scope.as_ref()) else {
            return Err(refuse(Class::Gone, group, format!("there is no `{}`", live.name)));
        };
        if thing.leaving.is_some() {
            return Err(refuse(Class::Invalid, group, format!("`{}` is draining", live.name)));
        }
        if thing.usable > now && is_iam(thing.kind.name) {
            return Err(refuse(Class::NotYet, group, format!("`{}` is not known yet", live.name)));
        }
        let mut changed = thing.clone();
        let capacity = thing.fields.get("capacity").cloned();
        // A new revision is made of everything; other groups carry only their own fields.
        let whole = group == want.kind.create_call;
        let mut torn = torn.filter(|_| renewed.is_none());
        for field in want.kind.fields.iter().filter(|f| whole || f.on_change == OnChange::Update(group)) {
            if want.fields.get(field.name).is_some_and(Value::is_pending) {
                return Err(refuse(Class::Invalid, group, format!("`{}` is unknown", field.name)));
            }
            put(field, want.fields.get(field.name), &mut changed.fields, torn.as_deref_mut());
        }
        let mut answer = Receipt::default();
        if let Some(renewed) = renewed {
            changed.id = renewed.id;
            changed.outputs = renewed.outputs;
            answer = receipt(&changed);
        }
        let before = uses(
            &self.find(want.kind.name, &live.name, want.scope.as_ref()).cloned().unwrap_or(changed.clone()),
            facts,
        );
        let held = self.capacity_is_held(&changed, group);
        // Only a call that names capacity providers is held against those of the cluster.
        let named = changed.fields.get("capacity") != capacity.as_ref();
        let lacks = named.then(|| self.lacks_capacity(&changed, group)).flatten();
        if let Some(error) = held.or(lacks) {
            return Err(error);
        }
        if uses(&changed, facts) != before
            && let Some(error) = self.refers_badly(&changed, group, facts)
        {
            return Err(error);
        }
        if whole {
            self.registers(&changed);
        }
        if let Some(thing) = self.find(want.kind.name, &live.name, want.scope.as_ref()) {
            *thing = changed;
        }
        self.calls.push(format!("{group} {}", want.address));
        Ok(answer)
    }

    /// `torn`: the deletion is several calls, and the last one did not take effect.
    pub(crate) fn delete(&mut self, live: &Sighting, empty: bool, torn: bool, facts: &Facts) -> Result<(), CloudError> {
        let call = live.kind.delete_call;
        let Some(at) = self.things.iter().position(|t| t.id == live.id) else { return Ok(()) };
        let Some(thing) = self.things.get(at).cloned() else { return Ok(()) };
        if let Some(user) = holder(&thing, &self.things, facts) {
            // Steps are ordered so that nothing is in use when it goes: where no time passes, waiting for others would never end.
            let class = if self.slow.is_some() { Class::Busy } else { Class::Invalid };
            return Err(refuse(class, call, format!("`{}` is used by `{}`", thing.name, user.name)));
        }
        if self.held.iter().any(|(id, until)| *id == thing.id && *until > self.now) {
            return Err(refuse(Class::Busy, call, format!("`{}` is held by a network interface", thing.name)));
        }
        if thing.content.is_some() && !empty {
            return Err(refuse(Class::Invalid, call, format!("`{}` is not empty", thing.name)));
        }
        if torn {
            if let Some(thing) = self.things.get_mut(at).filter(|t| matches!(t.kind.name, "role" | "user")) {
                thing.fields.remove("managed_policies");
                thing.fields.remove("inline_policies");
            }
            return Ok(());
        }
        let drain = self.slow.map(|slow| draw(slow.drain, &mut self.rng));
        match self.things.get_mut(at).filter(|t| t.kind.name == "service") {
            Some(service) if service.leaving.is_none() => {
                let leaving = drain.map_or(Leaving::Looks(DRAINING), |drain| Leaving::Until(self.now + drain));
                service.leaving = Some(leaving);
            }
            Some(_) => {}
            None => self.remove(at),
        }
        self.calls.push(format!("delete {}.{}", live.kind.name, live.name));
        Ok(())
    }

    pub(crate) fn release(&mut self, live: &Sighting) {
        if let Some(thing) = self.things.iter_mut().find(|t| t.id == live.id)
            && let Some(Value::Map(tags)) = thing.fields.get_mut("tags")
        {
            tags.retain(|key, _| !is_ours(key));
        }
        self.calls.push(format!("release {}.{}", live.kind.name, live.name));
    }

    /// Whether reads do not show everything as it is.
    pub(crate) fn is_murky(&self) -> bool {
        let hidden = |thing: &Thing| thing.shown > self.now || thing.listed > self.now;
        !self.ghosts.is_empty() || self.things.iter().any(hidden)
    }

    /// What a survey would show if reads were never behind and nothing took its time.
    pub(crate) fn truth(&self, goal: &Goal, facts: &Facts) -> Snapshot {
        let mut now = Self::default();
        now.things = self.things.iter().filter(|thing| thing.leaving.is_none()).cloned().collect();
        now.now = Duration::MAX;
        now.survey(goal, facts)
    }

    /// Takes a thing away; reads may go on showing it.
    pub(crate) fn remove(&mut self, at: usize) {
        let thing = self.things.remove(at);
        if thing.kind.name == "task_definition" {
            self.revisions.remove(&thing.name);
        }
        if let Some(slow) = self.slow {
            let until = self.now + slow.showing(thing.kind.name, &mut self.rng);
            if until > self.now && thing.leaving.is_none() {
                self.ghosts.push(Ghost { thing, until });
            }
        }
    }

    /// Lets everything happen that is due at this time.
    pub(crate) fn at(&mut self, now: Duration, facts: &Facts) {
        self.now = self.now.max(now);
        let now = self.now;
        while let Some(at) =
            self.things.iter().position(|t| matches!(t.leaving, Some(Leaving::Until(end)) if end <= now))
        {
            if let (Some(slow), Some(thing)) = (self.slow, self.things.get(at)) {
                let groups: Vec<String> =
                    uses(thing, facts).into_iter().filter(|id| id.starts_with(OWN_GROUP)).collect();
                let until = now + draw(slow.hold, &mut self.rng);
                self.held.extend(groups.into_iter().map(|id| (id, until)));
            }
            self.remove(at);
        }
        self.ghosts.retain(|ghost| ghost.until > now);
        self.held.retain(|(_, until)| *until > now);
    }
}

/// Writes one field as its group of calls does; a torn group leaves out some of it.
fn put(field: &Field, want: Option<&Value>, there: &mut Fields, torn: Option<&mut Rng>) {
    match (want, torn) {
        (Some(value), None) => drop(there.insert(field.name.to_owned(), value.clone())),
        (None, None) if matches!(field.unset, Unset::Unmanaged) => {}
        (None, None) => drop(there.remove(field.name)),
        (Some(Value::Map(wanted)), Some(rng)) => {
            let parts = there.entry(field.name.to_owned()).or_insert_with(|| Value::Map(Default::default()));
            if let Value::Map(parts) = parts {
                // Our own tags travel together.
                let kept = |key: &str| key.starts_with("hatoba:");
                let ours = rng.chance(50);
                for (key, value) in wanted {
                    if if kept(key) { ours } else { rng.chance(50) } {
                        parts.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (want, Some(rng)) => {
            if rng.chance(50) {
                put(field, want, there, None);
            }
        }
    }
}
