//! Where two texts part.

use super::pattern::{follow, same, wild};
use super::verdict::{Unmet, UnmetElement, Why};

/// The first place at which a presented text leaves an expected one. Places are counted in characters from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The place in the presented text; its length when the presented text ends too early.
    pub presented_at: usize,
    /// The place in the expected text; its length when the expected text ends before the presented one. Of a pattern, the place of
    /// its last character that could have come next.
    pub expected_at: usize,
}

/// An expected and a presented text that agree the longest, and where they part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closest {
    /// One of the expected texts.
    pub expected: String,
    /// One of the presented texts.
    pub presented: String,
    /// Where they part.
    pub difference: Difference,
}

/// The first place at which two texts differ, or `None` when they are equal. Nothing in `expected` is a wildcard.
pub fn first_difference(expected: &str, presented: &str) -> Option<Difference> {
    literal(expected, presented, false)
}

fn literal(expected: &str, presented: &str, fold: bool) -> Option<Difference> {
    let (mut one, mut other) = (expected.chars(), presented.chars());
    let mut at = 0;
    loop {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (Some(a), Some(b)) if same(a, b, fold) => at += 1,
            _ => return Some(Difference { presented_at: at, expected_at: at }),
        }
    }
}

/// The first place at which a text cannot follow a pattern any further, or `None` when it matches.
fn first_departure(pattern: &str, presented: &str, fold: bool) -> Option<Difference> {
    let progress = follow(&wild(pattern), presented, fold);
    (!progress.matches).then_some(Difference { presented_at: progress.taken, expected_at: progress.passed })
}

/// How the texts of an unmet element or condition are compared; `None` for what must not match, and for what has no first character
/// that differs.
enum Comparison {
    Literal { fold: bool },
    Pattern { fold: bool },
}

fn comparison(unmet: &Unmet) -> Option<Comparison> {
    let positive = |element: &UnmetElement| !element.element.starts_with("Not");
    match unmet {
        Unmet::Principal(element) if positive(element) => Some(Comparison::Literal { fold: false }),
        Unmet::Action(element) if positive(element) => Some(Comparison::Pattern { fold: true }),
        Unmet::Resource(element) if positive(element) => Some(Comparison::Pattern { fold: false }),
        Unmet::Condition(condition) if condition.why == Why::Differs => {
            match crate::iam::condition::Operator::split(&condition.operator).base {
                "StringEquals" => Some(Comparison::Literal { fold: false }),
                "StringEqualsIgnoreCase" => Some(Comparison::Literal { fold: true }),
                "StringLike" | "ArnEquals" | "ArnLike" => Some(Comparison::Pattern { fold: false }),
                _ => None,
            }
        }
        _ => None,
    }
}

pub(super) fn closest(unmet: &Unmet) -> Option<Closest> {
    let comparison = comparison(unmet)?;
    let mut best: Option<Closest> = None;
    for expected in unmet.expected() {
        for presented in unmet.presented() {
            let difference = match comparison {
                Comparison::Literal { fold } => literal(expected, presented, fold),
                Comparison::Pattern { fold } => first_departure(expected, presented, fold),
            };
            // One of several presented values may match when all of them must.
            let Some(difference) = difference else { continue };
            if best.as_ref().is_none_or(|best| difference > best.difference) {
                best = Some(Closest { expected: expected.clone(), presented: presented.clone(), difference });
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{Difference, first_departure, first_difference};

    fn at(presented_at: usize, expected_at: usize) -> Option<Difference> {
        Some(Difference { presented_at, expected_at })
    }

    #[test]
    fn the_first_different_character() {
        assert_eq!(first_difference("main", "main"), None);
        assert_eq!(first_difference("main", "mian"), at(1, 1));
        assert_eq!(first_difference("main", "mai"), at(3, 3));
        assert_eq!(first_difference("mai", "main"), at(3, 3));
        assert_eq!(first_difference("hä?", "hä*"), at(2, 2));
        assert_eq!(first_difference("", ""), None);
    }

    #[test]
    fn where_a_text_leaves_a_pattern() {
        assert_eq!(first_departure("repo:acme/*:ref", "repo:acme/papyrus:ref", false), None);
        assert_eq!(first_departure("repo:acme/p*", "repo:acmo/papyrus", false), at(8, 8));
        assert_eq!(first_departure("repo:acme/papyrus:*", "repo:acme@1/papyrus@2:ref", false), at(9, 9));
        assert_eq!(first_departure("v*.*", "v1-2", false), at(4, 2));
        assert_eq!(first_departure("ECR:Put*", "ecr:Get", true), at(4, 4));
    }
}
