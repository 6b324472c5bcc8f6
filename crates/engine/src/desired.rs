//! What should exist: the file's resources in the engine's terms.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::address::Address;

use crate::kind::KindInfo;
use crate::owner::{Mark, TAG_ON_DESTROY};
use crate::snapshot::Sighting;
use crate::value::Fields;

/// Everything that should exist, or, for a destroy, everything that should not.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The stack's name.
    pub stack: String,
    /// The region of the stack; nothing where it does not matter.
    pub region: Option<String>,
    /// The resources of the file.
    pub resources: BTreeMap<Address, Desired>,
    /// Whether the survey is for a deletion: what is inside resources is counted (`holds`), and what only matters
    /// for changes may be left out.
    pub content: bool,
}

impl Goal {
    /// Whether a mark is that of this stack in this region.
    pub fn owns(&self, mark: &Mark) -> bool {
        mark.is_of(&self.stack, self.region.as_deref())
    }

    /// Whether a resource bears the mark of this stack in this region.
    pub fn has_marked(&self, live: &Sighting) -> bool {
        live.mark.as_ref().is_some_and(|mark| self.owns(mark))
    }
}

/// One resource of the file.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Where it stands in the stack.
    pub address: Address,
    /// What it is.
    pub kind: &'static KindInfo,
    /// Its name in AWS.
    pub name: String,
    /// The fields that the file sets, in normal form; without tags.
    pub fields: Fields,
    /// Its tags without the mark.
    pub tags: BTreeMap<String, String>,
    /// What must exist before it.
    pub needs: BTreeSet<Address>,
    /// Where it lives if its name is only unique there: the cluster of a service.
    pub scope: Option<String>,
    /// `existing: true`: looked up, never touched.
    pub existing: bool,
    /// `adopt: true`: taken over when it exists without an owner.
    pub adopt: bool,
    /// `retain: true`: left in place, without our mark, on removal and destroy.
    pub retain: bool,
    /// Free-standing wishes that its deletion has to respect, such as `on_destroy: empty`.
    pub on_destroy: OnDestroy,
}

impl Desired {
    /// Whether this is how a resource is called: its kind, its name and, where names are only unique there, where it is.
    pub fn names(&self, live: &Sighting) -> bool {
        self.kind.name == live.kind.name && self.name == live.name && (self.scope.is_none() || self.scope == live.scope)
    }
}

/// What destroy may do with what is inside a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDestroy {
    /// Nothing special.
    Plain,
    /// Its content may be deleted with it.
    Empty,
    /// If it has content, it stays.
    KeepIfFull,
}

impl OnDestroy {
    /// What a resource's own tag says.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Self {
        match tags.get(TAG_ON_DESTROY).map(String::as_str) {
            Some("empty") => Self::Empty,
            Some(_) | None => Self::Plain,
        }
    }

    /// Whether the content of the resource may be deleted with it.
    pub fn may_empty(self) -> bool {
        self == Self::Empty
    }
}

/// A desired resource in which every value is known: what a create or an update sends.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it stands in the stack.
    pub address: Address,
    /// What it is.
    pub kind: &'static KindInfo,
    /// Its name in AWS.
    pub name: String,
    /// Where it lives if its name is only unique there.
    pub scope: Option<String>,
    /// All fields, with defaults and with `tags` including the mark.
    pub fields: Fields,
}

impl Resolved {
    /// The tags to send, including the mark.
    pub fn tags(&self) -> BTreeMap<String, String> {
        self.fields.get("tags").map(crate::value::Value::map_texts).unwrap_or_default()
    }

    /// The text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_text()
    }

    /// The number of a field.
    pub fn int(&self, field: &str) -> Option<i64> {
        self.fields.get(field)?.as_int()
    }

    /// The switch of a field.
    pub fn bool(&self, field: &str) -> Option<bool> {
        self.fields.get(field)?.as_bool()
    }

    /// The texts of a list field; empty when unset.
    pub fn texts(&self, field: &str) -> Vec<String> {
        self.fields.get(field).map(crate::value::Value::list_texts).unwrap_or_default()
    }
}
