//! One line of a `Condition` against a request.

use super::compare::{self, Kind, Test};
use super::request::Context;
use super::template::{Resolved, Template};
use super::verdict::{UnmetCondition, Why};
use crate::iam::condition::Quantifier;

/// An operator, a key and the policy's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The operator as written.
    pub(super) operator: String,
    pub(super) quantifier: Quantifier,
    pub(super) if_exists: bool,
    pub(super) kind: Kind,
    pub(super) key: String,
    pub(super) values: Vec<Template>,
}

impl Condition {
    /// Why it is not true of a request; `None` when it is.
    ///
    /// A key with several values under an operator without `ForAllValues` or `ForAnyValue` is compared as if the policy said: one of
    /// them matches, for a negated operator: none does. The IAM User Guide leaves this case open.
    pub(super) fn unmet(&self, context: &Context) -> Option<UnmetCondition> {
        let wild = matches!(self.kind, Kind::Compare { test, .. } if test.has_wildcards());
        let expected: Vec<Resolved> = self.values.iter().map(|value| value.resolve(context, wild)).collect();
        let presented = context.get(&self.key);
        let why = match self.kind {
            Kind::Null => null(&expected, presented),
            Kind::Compare { test, negated } => self.compare(test, negated, &expected, presented),
        }?;
        Some(UnmetCondition {
            operator: self.operator.clone(),
            key: self.key.clone(),
            expected: expected.into_iter().map(|value| value.text).collect(),
            presented: presented.map(<[String]>::to_vec),
            why,
        })
    }

    fn compare(&self, test: Test, negated: bool, expected: &[Resolved], presented: Option<&[String]>) -> Option<Why> {
        let Some(presented) = presented else {
            let met = self.if_exists
                || match self.quantifier {
                    Quantifier::All => true,
                    Quantifier::Any => false,
                    Quantifier::None => negated,
                };
            return (!met).then_some(Why::Absent);
        };
        let one_met = |value: &String| expected.iter().any(|expected| test.holds(expected, value)) != negated;
        let met = match self.quantifier {
            Quantifier::All => is_empty(presented) || presented.iter().all(one_met),
            Quantifier::Any => !is_empty(presented) && presented.iter().any(one_met),
            Quantifier::None if negated => presented.iter().all(one_met),
            Quantifier::None => presented.iter().any(one_met),
        };
        if met {
            return None;
        }
        if negated {
            return Some(Why::Excluded);
        }
        if let Some(unreadable) = presented.iter().find(|value| !test.can_read(value)) {
            return Some(Why::Unreadable(unreadable.clone()));
        }
        let missing: Option<Vec<&String>> = expected.iter().map(|value| value.tokens.as_ref().err()).collect();
        Some(match missing.as_deref() {
            Some([first, ..]) => Why::NoVariable((*first).clone()),
            _ => Why::Differs,
        })
    }
}

fn null(expected: &[Resolved], presented: Option<&[String]>) -> Option<Why> {
    let absent = presented.is_none_or(is_empty);
    let met = expected.iter().any(|value| compare::is_bool(value, absent));
    (!met).then_some(if absent { Why::Absent } else { Why::Present })
}

/// Whether values come to nothing: for `Null` and for both set operators an empty text is no value (IAM User Guide, "Multivalued
/// context keys").
fn is_empty(values: &[String]) -> bool {
    values.iter().all(String::is_empty)
}
