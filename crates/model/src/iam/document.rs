//! A policy document, and what can be wrong with one.

use std::fmt;

use serde_json::Value;

use super::lint::structure;
use super::trust_lint::lint_trust;

/// What a document is for. It decides which elements it must have and must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocKind {
    /// What a role, a user or a managed policy allows: resources, no principals.
    Identity,
    /// Who may assume a role: principals, no resources.
    Trust,
    /// Who may use an ECR repository: principals, no resources (the repository is the resource).
    EcrRepository,
}

impl DocKind {
    /// As a message names it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Identity => "policy",
            Self::Trust => "trust policy",
            Self::EcrRepository => "repository policy",
        }
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// AWS accepts it, but it is probably not meant.
    Warning,
    /// AWS refuses it, or it opens the role to strangers.
    Error,
}

/// One step of a path into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Into the value of a key.
    Key(String),
    /// Into an element of a list, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Something wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DocProblem {
    /// The path inside the document; empty for the document as a whole.
    pub pointer: Vec<Segment>,
    /// How bad it is.
    pub severity: Severity,
    /// A short name of the rule that does not change, such as `policy-effect`.
    pub code: &'static str,
    /// What is wrong: a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl DocProblem {
    /// An error at a place.
    pub fn error(pointer: &[Segment], code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.to_vec(), severity: Severity::Error, code, message: message.into(), help: None }
    }

    /// A warning at a place.
    pub fn warning(pointer: &[Segment], code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(pointer, code, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether the document cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A policy document without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    kind: DocKind,
    value: Value,
    warnings: Vec<DocProblem>,
}

impl Document {
    /// Checks a document: its structure, and for a trust policy who it lets in. Sizes are checked by
    /// [`super::size::check`], because inline policies share a limit.
    ///
    /// # Errors
    ///
    /// All problems, warnings included, when at least one of them is an error.
    pub fn parse(kind: DocKind, value: Value) -> Result<Self, Vec<DocProblem>> {
        let problems = check(kind, &value);
        if problems.iter().any(DocProblem::is_error) {
            Err(problems)
        } else {
            Ok(Self { kind, value, warnings: problems })
        }
    }

    /// What the document is for.
    pub fn kind(&self) -> DocKind {
        self.kind
    }

    /// The document as written.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What is probably not meant.
    pub fn warnings(&self) -> &[DocProblem] {
        &self.warnings
    }

    /// The document as written.
    pub fn into_value(self) -> Value {
        self.value
    }
}

/// Every problem of a document, in the order of their places: its structure, and for a trust policy who it lets in.
pub fn check(kind: DocKind, value: &Value) -> Vec<DocProblem> {
    let mut problems = structure(kind, value);
    if kind == DocKind::Trust {
        problems.extend(lint_trust(value));
    }
    problems.sort();
    problems.dedup();
    problems
}
