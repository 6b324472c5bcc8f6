//! What the stack may cost.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::yaml::Scalar;

/// The largest amount that can be written, in US dollars.
const MOST: u64 = 1_000_000_000;

/// What the stack may cost. `plan` and `apply` refuse a plan that would cost more, by the estimate of `hatoba cost`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// US dollars a month, such as 20 or 12.50.
    pub max_monthly: Dollars,
}

/// An amount of US dollars, to the cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars {
    cents: u64,
}

impl Dollars {
    /// The amount in cents.
    pub fn cents(self) -> u64 {
        self.cents
    }

    fn read(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("`{}` is {what}; write US dollars such as 20 or 12.50", crate::check::shorten(text));
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(wrong("no amount of money"));
        }
        if fraction.trim_end_matches('0').len() > 2 {
            return Err(wrong("more exact than a cent"));
        }
        let dollars = whole.parse::<u64>().ok().filter(|dollars| *dollars <= MOST);
        let dollars = dollars.ok_or_else(|| wrong("more than anybody has to spend"))?;
        let cents =
            fraction.bytes().chain([b'0', b'0']).take(2).fold(0, |cents, digit| cents * 10 + u64::from(digit - b'0'));
        match dollars * 100 + cents {
            0 => Err(format!("`{}` allows nothing at all; leave `budget` out, or write more than 0", text.trim())),
            cents => Ok(Self { cents }),
        }
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Scalar::deserialize(deserializer)?.as_str()).map_err(de::Error::custom)
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "US dollars, to the cent.",
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "maximum": MOST },
                { "type": "string", "pattern": "^\\s*[0-9]+(\\.[0-9]{1,2}0*)?\\s*$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::Dollars;

    #[test]
    fn dollars_are_read_to_the_cent() {
        let cents = |text: &str| Dollars::read(text).map(Dollars::cents);
        assert_eq!([cents("20"), cents("12.5"), cents("12.50"), cents("0.01")], [Ok(2000), Ok(1250), Ok(1250), Ok(1)]);
        assert_eq!(cents("7.000"), Ok(700));
        for (text, says) in [
            ("$20", "no amount of money"),
            ("-5", "no amount of money"),
            ("1e3", "no amount of money"),
            (".5", "no amount of money"),
            ("", "no amount of money"),
            ("0.001", "more exact than a cent"),
            ("99999999999", "more than anybody"),
            ("0", "allows nothing at all"),
        ] {
            let error = cents(text).unwrap_err();
            assert!(error.contains(says) && error.contains("; "), "{text}: {error}");
        }
    }

    #[test]
    fn dollars_are_written_as_they_are_read() {
        for text in ["20.00", "12.50", "0.07"] {
            assert_eq!(Dollars::read(text).unwrap().to_string(), text);
        }
    }
}
