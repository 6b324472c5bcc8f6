//! What other people and other tools do to the account.

use std::fmt;

use hatoba_engine::kind::OnChange;
use hatoba_engine::owner::{TAG_RESOURCE, TAG_STACK, is_ours};
use hatoba_engine::value::{Fields, Value};

use crate::links::holder;
use crate::world::World;

/// The stack to which others' marked resources belong.
pub const OTHERS: &str = "harbour";

/// One deed of another hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What is done.
    pub verb: Verb,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The field, for a drift.
    pub field: Option<String>,
}

/// What another hand does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Creates it, without a mark.
    Put,
    /// Creates it, with another stack's mark.
    PutMarked,
    /// Deletes it.
    Vanish,
    /// Takes the mark off.
    Unmark,
    /// Gives it another stack's mark.
    Remark,
    /// Changes a field.
    Drift,
    /// Puts something inside.
    Fill,
}

const VERBS: [(&str, Verb); 7] = [
    ("put", Verb::Put),
    ("put-marked", Verb::PutMarked),
    ("vanish", Verb::Vanish),
    ("unmark", Verb::Unmark),
    ("remark", Verb::Remark),
    ("drift", Verb::Drift),
    ("fill", Verb::Fill),
];

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = VERBS.iter().find(|(_, verb)| *verb == self.verb).map_or("", |(word, _)| word);
        write!(f, "{verb} {} {}", self.kind, self.name)?;
        match &self.field {
            Some(field) => write!(f, " {field}"),
            None => Ok(()),
        }
    }
}

impl Deed {
    /// From the words of a line.
    pub(super) fn parse(words: &[&str]) -> Option<Self> {
        let (verb, kind, name, field) = match words {
            [verb, kind, name] => (verb, kind, name, None),
            [verb, kind, name, field] => (verb, kind, name, Some((*field).to_owned())),
            _ => return None,
        };
        let verb = VERBS.iter().find(|(word, _)| word == verb).map(|(_, verb)| *verb)?;
        ((verb == Verb::Drift) == field.is_some()).then_some(())?;
        Some(Self { verb, kind: (*kind).to_owned(), name: (*name).to_owned(), field })
    }

    /// Does it. What AWS would refuse, or what there is nothing to do to, is left.
    pub(super) fn perform(&self, world: &World) {
        let there = world.things().iter().any(|thing| thing.kind.name == self.kind && thing.name == self.name);
        match self.verb {
            Verb::Put if !there => self.put(world),
            Verb::PutMarked if !there => {
                self.put(world);
                self.remark(world);
            }
            Verb::Put | Verb::PutMarked => {}
            Verb::Vanish => self.vanish(world),
            Verb::Unmark => drop(world.change(&self.kind, &self.name, |thing| {
                if let Some(Value::Map(tags)) = thing.fields.get_mut("tags") {
                    tags.retain(|key, _| !is_ours(key));
                }
            })),
            Verb::Remark => self.remark(world),
            Verb::Drift => self.drift(world),
            Verb::Fill => {
                world.change(&self.kind, &self.name, |thing| thing.content = Some("3 images".to_owned()));
            }
        }
    }

    fn put(&self, world: &World) {
        let mut fields = Fields::new();
        if self.kind == "oidc_provider" {
            fields.insert("url".to_owned(), format!("https://{}", self.name).into());
        }
        world.put(&self.kind, &self.name, fields);
    }

    fn vanish(&self, world: &World) {
        let mut state = world.lock();
        let at = state.things.iter().position(|thing| thing.kind.name == self.kind && thing.name == self.name);
        let Some((at, thing)) = at.and_then(|at| Some((at, state.things.get(at)?.clone()))) else { return };
        if holder(&thing, &state.things, world.facts()).is_none() && thing.leaving.is_none() {
            state.remove(at);
        }
    }

    fn remark(&self, world: &World) {
        world.change(&self.kind, &self.name, |thing| {
            let address = format!("{}.theirs", thing.kind.name);
            if let Value::Map(tags) =
                thing.fields.entry("tags".to_owned()).or_insert_with(|| Value::Map(Default::default()))
            {
                tags.retain(|key, _| !is_ours(key));
                tags.insert(TAG_STACK.to_owned(), OTHERS.into());
                tags.insert(TAG_RESOURCE.to_owned(), address.into());
            }
        });
    }

    /// Only what can be changed in place: the rest would be another resource.
    fn drift(&self, world: &World) {
        let Some(name) = &self.field else { return };
        world.change(&self.kind, &self.name, |thing| {
            let changes = |field: &'static hatoba_engine::kind::Field| matches!(field.on_change, OnChange::Update(_));
            if !thing.kind.field(name).is_some_and(changes) || thing.kind.name == "task_definition" || name == "tags" {
                return;
            }
            let other = match thing.fields.get(name) {
                Some(Value::Bool(on)) => Value::Bool(!on),
                Some(Value::Int(number)) => Value::Int(number + 1),
                Some(Value::Text(_)) if name == "description" => "changed by hand".into(),
                Some(Value::List(_)) => Value::List(Vec::new()),
                Some(Value::Map(_)) if name != "network" => Value::Map(Default::default()),
                _ => return,
            };
            thing.fields.insert(name.clone(), other);
        });
    }
}
