//! One presented value against one value of a policy.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::pattern;
use super::{date, template::Resolved};

/// How an operator compares, without prefix, `IfExists` and negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// Texts; `fold`: without case, `like`: `*` and `?` are wildcards.
    Text { fold: bool, like: bool },
    /// ARNs, part by part.
    Arn,
    /// Decimal numbers.
    Number(Relation),
    /// Points in time.
    Date(Relation),
    /// `true` and `false`.
    Bool,
    /// Bytes in base64.
    Binary,
    /// An address in a network.
    Address,
}

/// How two ordered values must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asks whether the key is there.
    Null,
    /// Compares values; `negated`: none may match.
    Compare { test: Test, negated: bool },
}

/// The kind of an operator without prefix and `IfExists`, or `None` for one that IAM does not have. Names are case-sensitive.
pub(super) fn kind(base: &str) -> Option<Kind> {
    let text = |fold, like| Test::Text { fold, like };
    let (test, negated) = match base {
        "Null" => return Some(Kind::Null),
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(true, false), false),
        "StringNotEqualsIgnoreCase" => (text(true, false), true),
        "StringLike" => (text(false, true), false),
        "StringNotLike" => (text(false, true), true),
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Bool" => (Test::Bool, false),
        "BinaryEquals" => (Test::Binary, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        _ => {
            let (test, relation): (fn(Relation) -> Test, &str) = match base.strip_prefix("Numeric") {
                Some(relation) => (Test::Number, relation),
                None => (Test::Date, base.strip_prefix("Date")?),
            };
            match relation {
                "Equals" => (test(Relation::Equal), false),
                "NotEquals" => (test(Relation::Equal), true),
                "LessThan" => (test(Relation::Less), false),
                "LessThanEquals" => (test(Relation::LessOrEqual), false),
                "GreaterThan" => (test(Relation::Greater), false),
                "GreaterThanEquals" => (test(Relation::GreaterOrEqual), false),
                _ => return None,
            }
        }
    };
    Some(Kind::Compare { test, negated })
}

impl Test {
    /// Whether the policy's values may have variables (IAM User Guide, "Where you can use policy variables": with string and ARN
    /// operators).
    pub(super) fn has_variables(self) -> bool {
        matches!(self, Self::Text { .. } | Self::Arn)
    }

    /// Whether `*` and `?` in the policy's values are wildcards.
    pub(super) fn has_wildcards(self) -> bool {
        matches!(self, Self::Text { like: true, .. } | Self::Arn)
    }

    /// Whether a presented value is of the operator's kind at all.
    pub(super) fn can_read(self, presented: &str) -> bool {
        match self {
            Self::Text { .. } => true,
            Self::Arn => pattern::is_arn(presented),
            Self::Number(_) => number(presented).is_some(),
            Self::Date(_) => date::parse(presented).is_some(),
            Self::Bool => boolean(presented).is_some(),
            Self::Binary => bytes(presented).is_some(),
            Self::Address => presented.parse::<IpAddr>().is_ok(),
        }
    }

    /// Whether a presented value matches one of the policy's. What cannot be read matches nothing.
    pub(super) fn holds(self, expected: &Resolved, presented: &str) -> bool {
        let Ok(tokens) = &expected.tokens else { return false };
        match self {
            Self::Text { fold, .. } => pattern::matches(tokens, presented, fold),
            Self::Arn => pattern::arn_matches(tokens, presented),
            Self::Number(relation) => both(number, presented, &expected.text)
                .is_some_and(|(presented, expected)| relates(presented, expected, relation)),
            Self::Date(relation) => both(date::parse, presented, &expected.text)
                .is_some_and(|(presented, expected)| relation.holds(presented.cmp(&expected))),
            Self::Bool => both(boolean, presented, &expected.text).is_some_and(|(one, other)| one == other),
            Self::Binary => both(bytes, presented, &expected.text).is_some_and(|(one, other)| one == other),
            Self::Address => presented.parse().is_ok_and(|address| in_network(address, &expected.text)),
        }
    }
}

fn both<'a, T>(read: impl Fn(&'a str) -> Option<T>, one: &'a str, other: &'a str) -> Option<(T, T)> {
    Some((read(one)?, read(other)?))
}

/// A number: whole ones are compared exactly.
#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Decimal(f64),
}

fn number(text: &str) -> Option<Number> {
    // Rust also reads `inf` and `nan`.
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    if let Ok(whole) = text.parse() {
        return Some(Number::Whole(whole));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Number::Decimal)
}

fn relates(one: Number, other: Number, relation: Relation) -> bool {
    // A whole number loses digits here; the decimal beside it has no more of them.
    let decimal = |number| match number {
        Number::Whole(whole) => whole as f64,
        Number::Decimal(decimal) => decimal,
    };
    let ordering = match (one, other) {
        (Number::Whole(one), Number::Whole(other)) => Some(one.cmp(&other)),
        _ => decimal(one).partial_cmp(&decimal(other)),
    };
    ordering.is_some_and(|ordering| relation.holds(ordering))
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The bytes that a base64 text stands for; its padding may be missing.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut found = Vec::new();
    let (mut held, mut count) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            found.push(u8::try_from(held >> count & 0xFF).ok()?);
        }
    }
    Some(found)
}

/// Whether an address is in `ADDRESS/BITS`, or equals `ADDRESS` (IAM User Guide, "IP address condition operators": without bits it is
/// `/32`, for IPv6 `/128`).
fn in_network(address: IpAddr, network: &str) -> bool {
    let (start, bits) = match network.split_once('/') {
        Some((start, bits)) => (start, Some(bits)),
        None => (network, None),
    };
    let bits = |most: u32| match bits {
        None => Some(most),
        Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok().filter(|bits| *bits <= most),
        Some(_) => None,
    };
    match (start.parse(), address) {
        (Ok(IpAddr::V4(start)), IpAddr::V4(address)) => bits(32)
            .is_some_and(|bits| (start.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or_default() == 0),
        (Ok(IpAddr::V6(start)), IpAddr::V6(address)) => bits(128)
            .is_some_and(|bits| (start.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or_default() == 0),
        _ => false,
    }
}

/// A value for a test that has neither variables nor wildcards, or `true`/`false` of `Null`.
pub(super) fn is_bool(resolved: &Resolved, wanted: bool) -> bool {
    boolean(&resolved.text) == Some(wanted)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::{Kind, kind};
    use crate::iam::evaluate::request::Context;
    use crate::iam::evaluate::template::Template;

    fn holds(operator: &str, expected: &str, presented: &str) -> bool {
        let Some(Kind::Compare { test, .. }) = kind(operator) else { unreachable!() };
        let resolved = Template::parse(expected).unwrap().resolve(&Context::default(), test.has_wildcards());
        test.holds(&resolved, presented)
    }

    #[test]
    fn numbers() {
        assert!(holds("NumericEquals", "10", "1e1"));
        assert!(holds("NumericEquals", "0.5", ".5"));
        assert!(holds("NumericEquals", "-0", "0"));
        assert!(!holds("NumericEquals", "9007199254740993", "9007199254740992"));
        assert!(holds("NumericLessThan", "9", "-10.5"));
        for unreadable in ["", "ten", "nan", "inf", "1_000", "0x10", "1e999"] {
            assert!(!holds("NumericGreaterThanEquals", "0", unreadable), "{unreadable}");
            assert!(!holds("NumericGreaterThanEquals", unreadable, "0"), "{unreadable}");
        }
    }

    #[test]
    fn bytes_in_base64() {
        assert!(holds("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA"));
        assert!(!holds("BinaryEquals", "QmluYXJ5", "QmluYXJ6"));
        assert!(!holds("BinaryEquals", "%%%%", "%%%%"));
        assert!(!holds("BinaryEquals", "A", "A"));
    }

    #[test]
    fn addresses() {
        assert!(holds("IpAddress", "203.0.113.0/24", "203.0.113.255"));
        assert!(holds("IpAddress", "203.0.113.9/24", "203.0.113.1"));
        assert!(holds("IpAddress", "0.0.0.0/0", "255.0.0.1"));
        assert!(holds("IpAddress", "::/0", "2001:db8::1"));
        assert!(holds("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678:9::a"));
        assert!(!holds("IpAddress", "2001:db8::/33", "2001:db8:8000::"));
        assert!(holds("IpAddress", "203.0.113.7", "203.0.113.7"));
        for no_network in ["203.0.113.0/33", "203.0.113.0/", "203.0.113.0/+8", "203.0.113", "::/129", "papyrus"] {
            assert!(!holds("IpAddress", no_network, "203.0.113.7"), "{no_network}");
        }
    }
}
