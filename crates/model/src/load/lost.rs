//! Top-level keys that syntax errors made unreadable: what is said of their absence would tell a reader nothing new.

use crate::load::Options;
use crate::yaml::{DecodeError, DecodeErrorKind, Node, Path};

/// What could not be read.
pub(super) struct Lost {
    keys: Vec<String>,
    /// Whether resources may be missing that the file has under other keys: those of an app or of an environment.
    pub(super) resources: bool,
}

impl Lost {
    /// What it means that these keys could not be read.
    pub(super) fn new(tree: &Node, options: &Options<'_>, keys: Vec<String>) -> Self {
        let mut lost = Self { keys, resources: false };
        let apps = tree.get("apps").is_some();
        lost.resources = lost.has("apps")
            || (options.env.is_some() && lost.has("environments"))
            // Names and roles of apps are made from these.
            || (apps && (lost.has("github") || lost.has("stack")));
        lost
    }

    /// Whether this top-level key could not be read.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|lost| lost == key)
    }

    /// Their places.
    pub(super) fn sections(&self) -> impl Iterator<Item = Path> {
        self.keys.iter().map(|key| Path::root().key(key.as_str()))
    }

    /// Whether an error is there only because of them.
    pub(super) fn explains(&self, error: &DecodeError) -> bool {
        matches!(&error.kind, DecodeErrorKind::MissingField { field } if error.path.is_root() && self.has(field))
    }
}
