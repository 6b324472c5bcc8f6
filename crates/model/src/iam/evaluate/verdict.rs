//! What is decided, and why.

use std::fmt;

use super::difference::{self, Closest};
use super::policy::Source;

/// One statement of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// What kind of policy it is in.
    pub source: Source,
    /// The policy's name, as it was given to [`super::Policy::parse`].
    pub policy: String,
    /// Its place in the policy, from 0.
    pub index: usize,
    /// Its `Sid`, if it has one that is not empty.
    pub sid: Option<String>,
}

impl fmt::Display for StatementRef {
    /// Such as ``statement 2 (`Push`) of the policy `papyrus-deploy` ``, counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.index + 1)?;
        if let Some(sid) = &self.sid {
            write!(f, " (`{sid}`)")?;
        }
        write!(f, " of the {} `{}`", self.source.noun(), self.policy)
    }
}

/// What IAM decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it, and nothing denies or limits it.
    Allowed {
        /// The first statement that does.
        by: StatementRef,
    },
    /// A statement denies it, whatever others allow.
    ExplicitDeny {
        /// The first statement that does.
        by: StatementRef,
    },
    /// No statement allows it where one must.
    ImplicitDeny {
        /// The kind of policy in which an allowing statement is missing. [`Source::Identity`] also when either an identity policy
        /// or the resource's policy could have allowed it.
        missing: Source,
        /// The allowing statement that came closest; none when there is no allowing statement at all.
        nearest: Option<Nearest>,
    },
}

impl Verdict {
    /// Whether the request goes through.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { by } => write!(f, "allowed by {by}"),
            Self::ExplicitDeny { by } => write!(f, "denied by {by}"),
            Self::ImplicitDeny { missing, nearest: None } => {
                write!(f, "denied: no {} has a statement that allows anything", missing.noun())
            }
            Self::ImplicitDeny { missing, nearest: Some(nearest) } => {
                write!(f, "denied: no {} allows it; nearest is {nearest}", missing.noun())
            }
        }
    }
}

/// The allowing statement that came closest to matching: first by action, then by principal, then by resource, then by the number of
/// unmet conditions, then by how far the presented texts agree with the expected ones, then by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// The statement.
    pub statement: StatementRef,
    first: Unmet,
    rest: Vec<Unmet>,
}

impl Nearest {
    /// `None` when nothing is unmet.
    pub(super) fn new(statement: StatementRef, unmet: Vec<Unmet>) -> Option<Self> {
        let mut unmet = unmet.into_iter();
        let first = unmet.next()?;
        Some(Self { statement, first, rest: unmet.collect() })
    }

    /// The first thing that does not fit, in the order principal, action, resource, conditions as written.
    pub fn first(&self) -> &Unmet {
        &self.first
    }

    /// Everything that does not fit, in the same order.
    pub fn unmet(&self) -> impl Iterator<Item = &Unmet> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, where {}", self.statement, self.first)
    }
}

/// Why a statement does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// It is about other principals.
    Principal(UnmetElement),
    /// It is about other actions.
    Action(UnmetElement),
    /// It is about other resources.
    Resource(UnmetElement),
    /// One of its conditions is not true.
    Condition(UnmetCondition),
}

impl Unmet {
    /// What the request would need: texts or patterns, variables replaced. Of `Not…` elements and operators what it must not have.
    pub fn expected(&self) -> &[String] {
        match self {
            Self::Principal(element) | Self::Action(element) | Self::Resource(element) => &element.expected,
            Self::Condition(condition) => &condition.expected,
        }
    }

    /// What the request has; empty when it does not have the key.
    pub fn presented(&self) -> &[String] {
        match self {
            Self::Principal(element) | Self::Action(element) | Self::Resource(element) => {
                std::slice::from_ref(&element.presented)
            }
            Self::Condition(condition) => condition.presented.as_deref().unwrap_or_default(),
        }
    }

    /// The expected and the presented text that agree the longest, and where they part. `None` when either side has no text, and
    /// for what must not match.
    pub fn closest(&self) -> Option<Closest> {
        difference::closest(self)
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(element) | Self::Action(element) | Self::Resource(element) => element.fmt(f),
            Self::Condition(condition) => condition.fmt(f),
        }
    }
}

/// An element that does not match the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmetElement {
    /// Its name as written, such as `Action` or `NotResource`.
    pub element: &'static str,
    /// Its values; in resources with variables replaced. Principals of all kinds, in the order written.
    pub expected: Vec<String>,
    /// What the request has.
    pub presented: String,
}

impl fmt::Display for UnmetElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { element, expected, presented } = self;
        if element.starts_with("Not") {
            return write!(f, "`{element}` leaves out `{presented}`");
        }
        write!(f, "`{element}` is {}, not `{presented}`", quoted(expected))
    }
}

/// A condition that is not true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmetCondition {
    /// The operator as written, such as `ForAnyValue:StringLike`.
    pub operator: String,
    /// The key as written.
    pub key: String,
    /// The policy's values, with variables replaced where they have a value.
    pub expected: Vec<String>,
    /// The request's values; `None` when the request does not have the key.
    pub presented: Option<Vec<String>>,
    /// What is wrong with them.
    pub why: Why,
}

/// Why a condition is not true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The request does not have the key.
    Absent,
    /// The request has the key, and `Null` wants it not to.
    Present,
    /// No value of the policy matches what is presented.
    Differs,
    /// A value of the policy matches, and a negated operator wants none to.
    Excluded,
    /// What is presented is not of the operator's kind: not a number, date, address, ARN, … The text in question.
    Unreadable(String),
    /// A variable in the policy's values has no value in the request. The variable's name.
    NoVariable(String),
}

impl fmt::Display for UnmetCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operator, key, expected, presented, why } = self;
        let presented = quoted(presented.as_deref().unwrap_or_default());
        match why {
            Why::Absent => write!(f, "`{operator}` needs `{key}`, which the request does not have"),
            Why::Present => write!(f, "`{operator}` wants no `{key}`, and the request has {presented}"),
            Why::Differs => {
                write!(f, "`{operator}` wants `{key}` to be {}, and the request has {presented}", quoted(expected))
            }
            Why::Excluded => {
                write!(f, "`{operator}` wants `{key}` not to be {}, and the request has {presented}", quoted(expected))
            }
            Why::Unreadable(text) => {
                write!(f, "`{operator}` cannot compare `{key}` of the request, `{text}`, with {}", quoted(expected))
            }
            Why::NoVariable(name) => {
                write!(f, "`{operator}` compares `{key}` with `${{{name}}}`, which the request does not have")
            }
        }
    }
}

/// `` `a` or `b` ``; nothing for an empty list.
fn quoted(texts: &[String]) -> String {
    if texts.is_empty() {
        return "nothing".to_owned();
    }
    let quoted: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    quoted.join(" or ")
}
