//! What resources will be like after an apply: the wish where it is ours, else what is there. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::diff::settled;
use hatoba_engine::kind::Unset;
use hatoba_engine::plan::Plan;
use hatoba_engine::resolve::fill;
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_engine::value::{Fields, OutputRef, Value};
use hatoba_model::address::Address;

/// What is wanted, what was seen, and what is going to be done.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// What is wanted.
    pub goal: &'a Goal,
    /// What was seen.
    pub seen: &'a Snapshot,
    /// What is going to be done.
    pub plan: &'a Plan,
}

/// A resource of the file after an apply.
#[derive(Clone, Debug)]
pub(super) enum After<'a> {
    /// It has these fields.
    There(Cow<'a, Fields>),
    /// It is not ours, and not there.
    Missing,
    /// It could not be read.
    Unread(&'a str),
}

impl<'a> World<'a> {
    /// The wishes of a kind.
    pub(super) fn wanted(self, kind: &'static str) -> impl Iterator<Item = &'a Desired> {
        self.goal.resources.values().filter(move |want| want.kind.name == kind)
    }

    /// The wish for the resource of this kind and name.
    pub(super) fn named(self, kind: &'static str, name: &str) -> Option<&'a Desired> {
        self.wanted(kind).find(|want| want.name == name)
    }

    /// The resource as it was seen; ours before another of the same name.
    pub(super) fn current(self, want: &Desired) -> Option<&'a Sighting> {
        self.seen.seen.iter().filter(|live| want.names(live)).min_by_key(|live| !self.goal.has_marked(live))
    }

    /// Why the state of a resource is not known.
    pub(super) fn unread(self, address: &Address) -> Option<&'a str> {
        let failed = self.seen.unreadable.iter().any(|failure| failure.addresses.contains(address));
        self.plan.unknown.iter().find(|(of, _)| of == address && failed).map(|(_, why)| why.as_str())
    }

    /// A resource after an apply.
    pub(super) fn after(self, want: &'a Desired) -> After<'a> {
        if let Some(why) = self.unread(&want.address) {
            return After::Unread(why);
        }
        let live = self.current(want).map(|live| &live.fields);
        if want.existing {
            return live.map_or(After::Missing, |fields| After::There(Cow::Borrowed(fields)));
        }
        let known: &BTreeMap<OutputRef, Value> = &self.plan.known;
        let mut fields = Fields::new();
        for field in want.kind.fields {
            let there = live.and_then(|live| live.get(field.name));
            let value = match (want.fields.get(field.name), field.unset) {
                (Some(value), _) => Some(settled(field, &fill(value, known), there)),
                (None, Unset::Unmanaged) => there.cloned(),
                (None, Unset::Absent) => None,
                (None, Unset::Default(default)) => Some(default()),
            };
            fields.extend(value.map(|value| (field.name.to_owned(), value)));
        }
        After::There(Cow::Owned(fields))
    }
}

/// The text of a field.
pub(super) fn text<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.get(name).and_then(Value::as_text)
}
