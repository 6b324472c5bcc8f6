//! The resources of an account in memory, and what others do to them behind hatoba's back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hatoba_engine::clock::Clock;
use hatoba_engine::desired::Resolved;
use hatoba_engine::kind::{KindInfo, Unset};
use hatoba_engine::owner::Mark;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;
use hatoba_model::stack::Stack;
use hatoba_provider::kinds::drivers;

use crate::generate::Rng;
use crate::slow::Slow;

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
    /// What is inside, in words: `3 images`.
    pub content: Option<String>,
    /// Until when it goes on going away; none while it stays.
    pub leaving: Option<Leaving>,
    /// From when reads by name show it.
    pub(crate) shown: Duration,
    /// From when the search by mark finds it.
    pub(crate) listed: Duration,
    /// From when it can be used and written to.
    pub(crate) usable: Duration,
}

/// How long something goes on going away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// So many more looks find it.
    Looks(u32),
    /// Until this moment.
    Until(Duration),
}

/// Something that is gone, and that reads by name still show.
#[derive(Clone, Debug)]
pub(crate) struct Ghost {
    pub(crate) thing: Thing,
    pub(crate) until: Duration,
}

impl Thing {
    /// Whether an identifier means this one.
    pub(crate) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.outputs.get("arn").and_then(Value::as_text) == Some(id)
    }

    /// Whose it is.
    pub fn mark(&self) -> Option<Mark> {
        self.fields.get("tags").and_then(|tags| Mark::from_tags(&tags.map_texts()))
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) things: Vec<Thing>,
    /// Numbers for what AWS assigns: security group ids, revisions.
    next: u64,
    pub(crate) calls: Vec<String>,
    /// The resources of the file that is applied, for the names of outputs.
    pub(crate) stack: Option<Arc<Stack>>,
    /// Kind and name of what cannot be read at the moment.
    pub(crate) unreadable: BTreeSet<(String, String)>,
    /// What takes its time; without it everything happens at once, and a service drains from look to look.
    pub(crate) slow: Option<Slow>,
    /// The present moment.
    pub(crate) now: Duration,
    /// Decides how long things take.
    pub(crate) rng: Rng,
    pub(crate) ghosts: Vec<Ghost>,
    /// Security groups that network interfaces hold on to, and until when.
    pub(crate) held: Vec<(String, Duration)>,
    /// The content of the newest revision of each family.
    pub(crate) revisions: BTreeMap<String, Option<Fields>>,
    /// Revisions that were registered although they were there.
    pub(crate) twice: Vec<String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            next: 0,
            calls: Vec::new(),
            stack: None,
            unreadable: BTreeSet::new(),
            slow: None,
            now: Duration::ZERO,
            rng: Rng::new(0),
            ghosts: Vec::new(),
            held: Vec::new(),
            revisions: BTreeMap::new(),
            twice: Vec::new(),
        }
    }
}

/// An account in memory.
#[derive(Debug)]
pub struct World {
    pub(crate) facts: Facts,
    state: Mutex<State>,
}

impl World {
    /// An empty account.
    pub fn new(facts: Facts) -> Self {
        Self { facts, state: Mutex::default() }
    }

    /// An empty account where things take their time; how long is decided from the seed.
    pub fn slow(facts: Facts, slow: Slow, seed: u64) -> Self {
        let state = State { slow: Some(slow), rng: Rng::new(seed), ..State::default() };
        Self { facts, state: Mutex::new(state) }
    }

    /// Account and region.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Tells which file is applied next: its kinds know how their ARNs are made.
    pub fn set_stack(&self, stack: &Stack) {
        self.lock().stack = Some(Arc::new(stack.clone()));
    }

    /// Everything there is.
    pub fn things(&self) -> Vec<Thing> {
        self.lock().things.clone()
    }

    /// The calls that changed something since this was asked last, in order: `create service.papyrus`.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Creates a resource that nobody marked. Tells whether there is such a kind.
    pub fn put(&self, kind: &str, name: &str, fields: Fields) -> bool {
        let Some(kind) = drivers().map(|driver| driver.info()).find(|info| info.name == kind) else { return false };
        let mut state = self.lock();
        let mut thing = state.assign(kind, name, None, BTreeMap::new(), &self.facts);
        let defaults = kind.fields.iter().filter_map(|field| match field.unset {
            Unset::Default(default) => Some((field.name.to_owned(), default())),
            Unset::Unmanaged | Unset::Absent => None,
        });
        thing.fields = defaults.chain(fields).collect();
        state.things.push(thing);
        true
    }

    /// Changes something about a resource behind hatoba's back. Tells whether there was such a resource.
    pub fn change(&self, kind: &str, name: &str, change: impl FnOnce(&mut Thing)) -> bool {
        let mut state = self.lock();
        let found = state.things.iter_mut().find(|t| t.kind.name == kind && t.name == name);
        found.map(change).is_some()
    }

    /// Changes, or removes, a field. `path` may lead into named parts: `containers.app.image`.
    pub fn drift(&self, kind: &str, name: &str, path: &str, value: Option<Value>) -> bool {
        self.change(kind, name, |thing| set(&mut thing.fields, path, value))
    }

    /// Removes a resource behind hatoba's back. Tells whether there was such a resource.
    pub fn vanish(&self, kind: &str, name: &str) -> bool {
        let mut state = self.lock();
        let before = state.things.len();
        state.things.retain(|t| t.kind.name != kind || t.name != name);
        state.things.len() < before
    }

    /// Registers a new revision with another image and brings it into the services, as a pipeline does. Tells whether there
    /// was such a family.
    pub fn deploy(&self, family: &str, container: &str, image: &str) -> bool {
        let mut state = self.lock();
        let at = state.things.iter().position(|t| t.kind.name == "task_definition" && t.name == family);
        let Some(old) = at.and_then(|at| state.things.get(at).cloned()) else { return false };
        let mut new = state.assign(old.kind, family, None, old.outputs.clone(), &self.facts);
        new.fields = old.fields;
        set(&mut new.fields, &format!("containers.{container}.image"), Some(image.into()));
        let id = new.id.clone();
        state.things.retain(|t| t.id != old.id);
        state.things.push(new);
        for service in state.things.iter_mut().filter(|t| t.kind.name == "service") {
            if service.fields.get("task_definition").and_then(Value::as_text) == Some(&old.id) {
                service.fields.insert("task_definition".into(), id.clone().into());
            }
        }
        true
    }

    /// Makes a resource unreadable, or everything readable again.
    pub fn unreadable(&self, which: Option<(&str, &str)>) {
        let mut state = self.lock();
        match which {
            Some((kind, name)) => drop(state.unreadable.insert((kind.to_owned(), name.to_owned()))),
            None => state.unreadable.clear(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock means that a test has failed already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(fields: &mut Fields, path: &str, value: Option<Value>) {
    match (path.split_once('.'), value) {
        (Some((first, rest)), value) if matches!(fields.get(first), Some(Value::Map(_))) => {
            if let Some(Value::Map(parts)) = fields.get_mut(first) {
                set(parts, rest, value);
            }
        }
        (_, Some(value)) => drop(fields.insert(path.to_owned(), value)),
        (_, None) => drop(fields.remove(path)),
    }
}

impl State {
    pub(crate) fn find(&mut self, kind: &str, name: &str, scope: Option<&String>) -> Option<&mut Thing> {
        self.things
            .iter_mut()
            .find(|t| t.kind.name == kind && t.name == name && (scope.is_none() || t.scope.as_ref() == scope))
    }

    /// A resource without fields, with what AWS assigns to a new one.
    pub(crate) fn fresh(&mut self, want: &Resolved, facts: &Facts, stack: Option<&Stack>) -> Thing {
        let outputs = Self::computed(want, facts, stack);
        let mut thing = self.assign(want.kind, &want.name, want.scope.clone(), outputs, facts);
        if let Some(slow) = self.slow {
            let [shown, listed, usable] = slow.birth(want.kind.name, &mut self.rng).map(|time| self.now + time);
            (thing.shown, thing.listed, thing.usable) = (shown, listed, usable);
        }
        thing
    }

    /// The outputs that follow from names alone.
    fn computed(want: &Resolved, facts: &Facts, stack: Option<&Stack>) -> BTreeMap<String, Value> {
        let section = Stack::SECTIONS.iter().find(|section| Stack::kind_of(section) == Some(want.kind.name));
        let spec = section.and_then(|section| stack?.find(section, &want.address.name));
        let outputs = spec.into_iter().flat_map(|spec| {
            let output =
                |output: &&str| Some(((*output).to_owned(), Value::Text(spec.output(&want.name, output, facts)?)));
            spec.outputs().iter().filter_map(output)
        });
        outputs.collect()
    }

    fn assign(
        &mut self,
        kind: &'static KindInfo,
        name: &str,
        scope: Option<String>,
        mut outputs: BTreeMap<String, Value>,
        facts: &Facts,
    ) -> Thing {
        self.next += 1;
        let number = self.next;
        let id = match kind.name {
            "security_group" => format!("sg-{number:017x}"),
            "task_definition" => facts.arn("ecs", format_args!("task-definition/{name}:{number}")),
            "service" => facts.arn("ecs", format_args!("service/{}/{name}", scope.as_deref().unwrap_or("default"))),
            "cluster" => facts.arn("ecs", format_args!("cluster/{name}")),
            "oidc_provider" => facts.iam_arn(format_args!("oidc-provider/{name}")),
            _ => match outputs.get("arn").and_then(Value::as_text) {
                Some(arn) => arn.to_owned(),
                None if matches!(kind.name, "role" | "user" | "policy") => {
                    facts.iam_arn(format_args!("{}/{name}", kind.name))
                }
                None => format!("{}/{name}", kind.name),
            },
        };
        match kind.name {
            "security_group" => drop(outputs.insert("id".into(), id.as_str().into())),
            "task_definition" => {
                outputs.insert("revision".into(), Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
                outputs.insert("arn".into(), id.as_str().into());
            }
            _ => drop(outputs.entry("arn".into()).or_insert_with(|| id.as_str().into())),
        }
        Thing {
            kind,
            id,
            name: name.to_owned(),
            scope,
            fields: Fields::new(),
            outputs,
            content: None,
            leaving: None,
            shown: Duration::ZERO,
            listed: Duration::ZERO,
            usable: Duration::ZERO,
        }
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
