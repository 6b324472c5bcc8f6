//! What exists: the result of looking at the cloud once.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::address::Address;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudError;
use crate::desired::OnDestroy;
use crate::kind::KindInfo;
use crate::owner::{Mark, TAG_RETAIN};
use crate::value::{Fields, OutputRef, Value};

/// What one look at the cloud found. A failed read is data here, never "does not exist".
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What was found, by name or by mark.
    pub seen: Vec<Sighting>,
    /// Values of lookups that are no resources of the stack, such as the default subnets.
    pub lookups: BTreeMap<OutputRef, Value>,
    /// Lookups that found nothing, with what to do about it; by the key of the lookup.
    pub missing: BTreeMap<String, String>,
    /// What could not be read.
    pub unreadable: Vec<ReadFailure>,
}

/// A read that failed.
#[derive(Debug)]
pub struct ReadFailure {
    /// The resources whose state is therefore unknown.
    pub addresses: Vec<Address>,
    /// What happened.
    pub error: CloudError,
}

/// One resource as it is.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// What it is.
    pub kind: &'static KindInfo,
    /// AWS's own identifier: an ARN, or an id such as `sg-…`.
    pub id: String,
    /// Its name in AWS.
    pub name: String,
    /// Where it lives if its name is only unique there: the cluster of a service.
    pub scope: Option<String>,
    /// Our mark, or another stack's.
    pub mark: Option<Mark>,
    /// All fields that were read, in normal form, including `tags`.
    pub fields: Fields,
    /// Whether it can be used.
    pub readiness: Readiness,
    /// What other resources may refer to: `arn`, `id`, `uri`.
    pub outputs: BTreeMap<String, Value>,
    /// Identifiers of what it uses: these can only be deleted after it.
    pub uses: Vec<String>,
    /// Who else holds on to it, in words; a shared resource with holders is kept.
    pub held_by: Vec<String>,
    /// What is inside that would go with it, in words: `3 images`.
    pub holds: Option<String>,
    /// What ends with it when it is deleted, in words: `stops 1 task`.
    pub ends: Vec<String>,
    /// What its own tag says of its content, for when the file no longer has it.
    pub on_destroy: OnDestroy,
    /// What whoever reads a plan should know of it though nothing changes it: `stopped by …`.
    pub remarks: Vec<String>,
    /// What the provider wants to find again when it changes or deletes this resource.
    pub notes: BTreeMap<String, String>,
}

impl Sighting {
    /// A ready sighting with nothing but an identity; the rest is filled in by the reader.
    pub fn new(kind: &'static KindInfo, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            name: name.into(),
            scope: None,
            mark: None,
            fields: Fields::new(),
            readiness: Readiness::Ready,
            outputs: BTreeMap::new(),
            uses: Vec::new(),
            held_by: Vec::new(),
            holds: None,
            ends: Vec::new(),
            on_destroy: OnDestroy::Plain,
            remarks: Vec::new(),
            notes: BTreeMap::new(),
        }
    }

    /// Sets the tags, and with them the mark. `aws:` tags belong to AWS and are left out (AWS reserves the prefix).
    pub fn set_tags(&mut self, tags: BTreeMap<String, String>) {
        let tags: BTreeMap<_, _> =
            tags.into_iter().filter(|(k, _)| !k.to_ascii_lowercase().starts_with("aws:")).collect();
        self.mark = Mark::from_tags(&tags);
        self.on_destroy = OnDestroy::from_tags(&tags);
        self.fields.insert("tags".into(), Value::texts(tags));
    }

    /// Whether its own tag says that it is to be left in place, for when the file no longer has it.
    pub fn is_retained(&self) -> bool {
        self.fields.get("tags").is_some_and(|tags| tags.get(TAG_RETAIN).is_some())
    }

    /// Whether another resource's `uses` means this one.
    pub fn is_called(&self, id: &str) -> bool {
        self.id == id || self.arns().any(|arn| arn == id)
    }

    /// What another resource's `uses` may call this one: its identifier, and its ARNs (that of a revision, that of a family).
    pub fn names(&self) -> BTreeSet<&str> {
        self.arns().chain([self.id.as_str()]).collect()
    }

    fn arns(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().filter(|(output, _)| output.ends_with("arn")).filter_map(|(_, value)| value.as_text())
    }
}

/// Whether a resource can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// It can.
    Ready,
    /// Not yet, in words.
    Settling(String),
    /// It is going away, in words; its name may be taken until then.
    Deleting(String),
}
