//! Where a resource stands in a stack: `service.papyrus`.

use std::fmt;

use serde::{Serialize, Serializer};

/// The name of a resource kind, one of the list in [`crate::kinds`].
pub type KindName = &'static str;

/// The address of a resource: its kind and its key in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind: `service`.
    pub kind: KindName,
    /// The key in the file: `papyrus`.
    pub name: String,
}

impl Address {
    /// The address of `name` of `kind`.
    pub fn new(kind: KindName, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
