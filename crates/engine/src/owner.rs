//! Ownership marks: the ledger is in the tags of the resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The tag that names the stack.
pub const TAG_STACK: &str = "hatoba:stack";
/// The tag that names the address within the stack.
pub const TAG_RESOURCE: &str = "hatoba:resource";
/// The tag that says whether we created the resource or took it over.
pub const TAG_ORIGIN: &str = "hatoba:origin";

/// The tag that says in which region the stack is, on what is in none: that of IAM.
pub const TAG_REGION: &str = "hatoba:region";

/// The tag that keeps `retain: true` on the resource, for when the file no longer has it.
pub const TAG_RETAIN: &str = "hatoba:retain";
/// The tag that keeps `on_destroy: empty` on the resource, for when the file no longer has it.
pub const TAG_ON_DESTROY: &str = "hatoba:on-destroy";
/// The prefix of all our tags; files must not use it.
pub const TAG_PREFIX: &str = "hatoba:";

/// How a resource came to be ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We created it, so we may delete it.
    Created,
    /// We took it over, so we only ever let go of it.
    Adopted,
}

impl Origin {
    /// As the tag spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
        }
    }
}

/// The mark of a stack on one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The stack.
    pub stack: String,
    /// The address within the stack.
    pub address: String,
    /// How it came to be ours.
    pub origin: Origin,
    /// The region of the stack, where the resource is in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Mark {
    /// Reads the mark from a resource's tags. A mark without an origin counts as adopted:
    /// in doubt nothing is deleted.
    pub fn from_tags(tags: &BTreeMap<String, String>) -> Option<Self> {
        let stack = tags.get(TAG_STACK)?.clone();
        let address = tags.get(TAG_RESOURCE).cloned().unwrap_or_default();
        let origin = match tags.get(TAG_ORIGIN).map(String::as_str) {
            Some("created") => Origin::Created,
            _ => Origin::Adopted,
        };
        Some(Self { stack, address, origin, region: tags.get(TAG_REGION).cloned() })
    }

    /// Whether this is the mark of a stack in a region. Two of one name in different regions are two, also where they meet, which is in IAM.
    /// A mark that says nothing of a region is that of every region.
    pub fn is_of(&self, stack: &str, region: Option<&str>) -> bool {
        self.stack == stack && self.region.as_deref().zip(region).is_none_or(|(theirs, ours)| theirs == ours)
    }

    /// Whose it is, in words.
    pub fn whose(&self) -> String {
        match &self.region {
            Some(region) => format!("the stack `{}` in {region}", self.stack),
            None => format!("the stack `{}`", self.stack),
        }
    }

    /// The three tags that everything has.
    pub fn tags(&self) -> [(&'static str, String); 3] {
        [
            (TAG_STACK, self.stack.clone()),
            (TAG_RESOURCE, self.address.clone()),
            (TAG_ORIGIN, self.origin.as_str().to_owned()),
        ]
    }
}

/// Whether a tag is one of ours. The prefix is reserved; a kind may keep notes of its own under it.
pub fn is_ours(key: &str) -> bool {
    key.starts_with(TAG_PREFIX)
}
