//! The resources of an account in memory, and the rules they keep.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hatoba_engine::clock::Clock;
use hatoba_engine::cloud::{Class, Cloud, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Goal, Resolved};
use hatoba_engine::kind::{KindInfo, OnChange, Unset};
use hatoba_engine::owner::{Mark, is_ours};
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_engine::value::{Fields, OutputRef, Value};
use hatoba_model::facts::Facts;
use hatoba_model::stack::Stack;

/// Kinds that AWS refuses to delete while something refers to them.
const HELD_BY_USERS: [&str; 3] = ["security_group", "cluster", "policy"];

/// A resource in memory.
#[derive(Clone, Debug)]
pub struct Thing {
    /// What it is.
    pub kind: &'static KindInfo,
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it lives, if its name is only unique there.
    pub scope: Option<String>,
    /// Its fields, with the kind's defaults.
    pub fields: Fields,
    /// What it yields.
    pub outputs: BTreeMap<String, Value>,
}

#[derive(Debug, Default)]
struct State {
    things: Vec<Thing>,
    /// Numbers for what AWS assigns: security group ids, revisions.
    next: u64,
    calls: Vec<String>,
    /// The resources of the file that is applied, for the names of outputs.
    stack: Option<Stack>,
}

/// An account in memory.
#[derive(Debug)]
pub struct World {
    facts: Facts,
    state: Mutex<State>,
}

impl World {
    /// An empty account.
    pub fn new(facts: Facts) -> Self {
        Self { facts, state: Mutex::default() }
    }

    /// Account and region.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Tells which file is applied next: its kinds know how their ARNs are made.
    pub fn set_stack(&self, stack: &Stack) {
        self.lock().stack = Some(stack.clone());
    }

    /// Everything there is.
    pub fn things(&self) -> Vec<Thing> {
        self.lock().things.clone()
    }

    /// The calls that changed something, in order: `create service.papyrus`.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// Changes, or removes, a field behind hatoba's back. Tells whether there was such a resource.
    pub fn drift(&self, kind: &str, name: &str, field: &str, value: Option<Value>) -> bool {
        let mut state = self.lock();
        let Some(thing) = state.things.iter_mut().find(|t| t.kind.name == kind && t.name == name) else { return false };
        match value {
            Some(value) => thing.fields.insert(field.to_owned(), value),
            None => thing.fields.remove(field),
        };
        true
    }

    /// Removes a resource behind hatoba's back. Tells whether there was such a resource.
    pub fn vanish(&self, kind: &str, name: &str) -> bool {
        let mut state = self.lock();
        let before = state.things.len();
        state.things.retain(|t| t.kind.name != kind || t.name != name);
        state.things.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock means that a test has failed already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sighting(&self, thing: &Thing, all: &[Thing]) -> Sighting {
        let mut live = Sighting::new(thing.kind, &thing.id, &thing.name);
        live.scope.clone_from(&thing.scope);
        live.fields = thing.fields.clone();
        live.outputs = thing.outputs.clone();
        live.mark = thing.fields.get("tags").and_then(|tags| Mark::from_tags(&tags.map_texts()));
        let used = all.iter().filter(|other| other.id != thing.id && refers(&thing.fields, other));
        live.uses = used.map(|other| other.id.clone()).collect();
        live
    }
}

/// Whether any text in the fields is the identifier or an output of another resource.
fn refers(fields: &Fields, other: &Thing) -> bool {
    fields.iter().any(|(name, value)| name != "tags" && mentions(value, other))
}

fn mentions(value: &Value, other: &Thing) -> bool {
    match value {
        Value::Text(text) => *text == other.id || other.outputs.get("arn").and_then(Value::as_text) == Some(text),
        Value::Doc(text) => text.contains(&format!("\"{}\"", other.id)),
        Value::List(items) => items.iter().any(|item| mentions(item, other)),
        Value::Map(parts) => parts.values().any(|part| mentions(part, other)),
        Value::Keep(inner) => mentions(inner, other),
        Value::Bool(_) | Value::Int(_) | Value::Pending(_) => false,
    }
}

fn refuse(class: Class, call: &str, message: impl Into<String>) -> CloudError {
    CloudError::new(class, call, message)
}

impl State {
    fn find(&mut self, kind: &str, name: &str, scope: Option<&String>) -> Option<&mut Thing> {
        self.things.iter_mut().find(|t| t.kind.name == kind && t.name == name && (scope.is_none() || t.scope.as_ref() == scope))
    }

    /// What the file's kinds can compute, and what only AWS can assign.
    fn outputs(&mut self, want: &Resolved, facts: &Facts) -> (String, BTreeMap<String, Value>) {
        self.next += 1;
        let number = self.next;
        let mut outputs = BTreeMap::new();
        if let Some(stack) = &self.stack {
            for section in Stack::SECTIONS.iter().filter(|section| Stack::kind_of(section) == Some(want.kind.name)) {
                if let Some(spec) = stack.find(section, &want.address.name) {
                    for output in spec.outputs() {
                        if let Some(value) = spec.output(&want.name, output, facts) {
                            outputs.insert((*output).to_owned(), Value::Text(value));
                        }
                    }
                }
            }
        }
        let scope = want.scope.as_deref().map(|scope| format!("{scope}/")).unwrap_or_default();
        let id = match want.kind.name {
            "security_group" => format!("sg-{number:017x}"),
            "task_definition" => facts.arn("ecs", format_args!("task-definition/{}:{number}", want.name)),
            "service" => facts.arn("ecs", format_args!("service/{scope}{}", want.name)),
            kind => outputs.get("arn").and_then(Value::as_text).map_or(format!("{kind}/{scope}{}", want.name), str::to_owned),
        };
        if want.kind.name == "task_definition" {
            outputs.insert("revision".into(), Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
        }
        outputs.entry("id".into()).or_insert_with(|| id.clone().into());
        if matches!(want.kind.name, "task_definition" | "service") {
            outputs.insert("arn".into(), id.clone().into());
        }
        (id, outputs)
    }
}

#[async_trait]
impl Cloud for World {
    async fn survey(&self, goal: &Goal) -> Snapshot {
        let state = self.lock();
        let mut snapshot = Snapshot::default();
        for thing in &state.things {
            let live = self.sighting(thing, &state.things);
            let named = goal.resources.values().any(|want| want.kind.name == thing.kind.name && want.name == thing.name);
            if named || live.mark.as_ref().is_some_and(|mark| mark.stack == goal.stack) {
                snapshot.seen.push(live);
            }
        }
        snapshot.lookups.insert(OutputRef::new("lookup.network", "vpc"), "vpc-0default".into());
        snapshot.lookups.insert(OutputRef::new("lookup.network", "subnets"), Value::set(["subnet-a", "subnet-b"]));
        snapshot
    }

    async fn look(&self, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let state = self.lock();
        Ok(state
            .things
            .iter()
            .filter(|t| t.kind.name == target.kind.name && t.name == target.name)
            .filter(|t| target.scope.is_none() || t.scope == target.scope)
            .map(|t| self.sighting(t, &state.things))
            .collect())
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
        let (id, outputs) = state.outputs(want, &self.facts);
        let mut fields = Fields::new();
        for field in want.kind.fields {
            match (want.fields.get(field.name).filter(|_| field.at_create), field.unset) {
                (Some(value), _) => {
                    if value.is_pending() {
                        return Err(refuse(Class::Invalid, call, format!("`{}` is unknown", field.name)));
                    }
                    fields.insert(field.name.to_owned(), value.clone());
                }
                (None, Unset::Default(default)) => {
                    fields.insert(field.name.to_owned(), default());
                }
                (None, _) => {}
            }
        }
        let receipt = Receipt { id: Some(id.clone()), outputs: outputs.clone().into_iter().collect() };
        state.calls.push(format!("create {}", want.address));
        state.things.push(Thing {
            kind: want.kind,
            id,
            name: want.name.clone(),
            scope: want.scope.clone(),
            fields,
            outputs,
        });
        Ok(receipt)
    }

    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        let mut state = self.lock();
        let renewed = (!want.kind.renews(group).is_empty()).then(|| state.outputs(want, &self.facts));
        let Some(thing) = state.find(want.kind.name, &live.name, want.scope.as_ref()) else {
            return Err(refuse(Class::Gone, group, format!("there is no `{}`", live.name)));
        };
        // A new revision is made of everything; other groups carry only their own fields.
        for field in want.kind.fields.iter().filter(|f| renewed.is_some() || f.on_change == OnChange::Update(group)) {
            match want.fields.get(field.name) {
                Some(value) => thing.fields.insert(field.name.to_owned(), value.clone()),
                None if matches!(field.unset, Unset::Unmanaged) => continue,
                None => thing.fields.remove(field.name),
            };
        }
        let mut receipt = Receipt::default();
        if let Some((id, outputs)) = renewed {
            receipt = Receipt { id: Some(id.clone()), outputs: outputs.clone().into_iter().collect() };
            thing.id = id;
            thing.outputs = outputs;
        }
        state.calls.push(format!("{group} {}", want.address));
        Ok(receipt)
    }

    async fn delete(&self, live: &Sighting, _: bool) -> Result<(), CloudError> {
        let mut state = self.lock();
        let Some(at) = state.things.iter().position(|t| t.id == live.id) else { return Ok(()) };
        let Some(thing) = state.things.get(at).cloned() else { return Ok(()) };
        let user = state.things.iter().find(|other| other.id != thing.id && refers(&other.fields, &thing));
        if let Some(user) = user.filter(|_| HELD_BY_USERS.contains(&thing.kind.name)) {
            // In memory nothing goes away by itself, so that waiting for it would never end.
            return Err(refuse(Class::Invalid, live.kind.delete_call, format!("`{}` is used by `{}`", thing.name, user.name)));
        }
        state.things.remove(at);
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

/// A clock on which waiting takes no time.
#[derive(Debug, Default)]
pub struct VirtualClock(Mutex<Duration>);

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
        tokio::task::yield_now().await;
    }
}
