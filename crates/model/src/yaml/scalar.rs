//! What an unquoted word means: nothing, a truth value, a number or text.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// The meaning of an unquoted scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved {
    /// Empty, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits with a sign.
    Int(i64),
    /// A whole number above `i64::MAX`.
    UInt(u64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Anything else.
    Text,
}

/// Resolves an unquoted scalar by the core schema of YAML 1.2 (section 10.3.2), on the side of text where that schema would
/// lose information.
///
/// `yes`, `no`, `on` and `off` are text, as in YAML 1.2. Numbers with a leading zero (`012345678901` is an AWS account), numbers
/// beyond 64 bits, `.inf` and `.nan` are text too, although the core schema reads them as numbers.
pub fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Bool(true),
        "false" | "False" | "FALSE" => return Resolved::Bool(false),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole_len = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = unsigned.split_at(whole_len);
    if whole.len() > 1 && whole.starts_with('0') {
        return Resolved::Text;
    }
    if rest.is_empty() && !whole.is_empty() {
        return text.parse().map(Resolved::Int).or_else(|_| text.parse().map(Resolved::UInt)).unwrap_or(Resolved::Text);
    }
    if !is_fraction(whole, rest) {
        return Resolved::Text;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Resolved::Float(number),
        _ => Resolved::Text,
    }
}

/// Digits of another base, without a sign.
fn radix(digits: &str, base: u32) -> Resolved {
    // `from_str_radix` would accept a sign here, YAML does not.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Resolved::Text;
    }
    if let Ok(number) = i64::from_str_radix(digits, base) {
        return Resolved::Int(number);
    }
    u64::from_str_radix(digits, base).map_or(Resolved::Text, Resolved::UInt)
}

/// Whether `whole` followed by `rest` is `1.`, `1.5`, `.5`, `1e3`, `1.5E-3` and so on; `whole` is digits only.
fn is_fraction(whole: &str, rest: &str) -> bool {
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.strip_prefix('.') {
        Some(fraction) => digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => mantissa.is_empty() && !whole.is_empty(),
    };
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_ok && exponent_ok
}

/// Text that may also be written as a number or a truth value without quotes, such as the value of an environment variable.
///
/// Keeps what the file says letter by letter: `1.10` is `1.10`, not `1.1`. Elsewhere an unquoted number where text is wanted
/// is an error, because most such numbers are mistakes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalar(pub String);

impl Scalar {
    /// The newtype name by which the YAML deserializer knows that the text is wanted as it stands in the file.
    pub(crate) const NAME: &str = "$hatoba::yaml::Scalar";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        scalar.0
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number or true/false")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Scalar, D::Error> {
                inner.deserialize_any(self)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }
        }

        deserializer.deserialize_newtype_struct(Self::NAME, ScalarVisitor)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Scalar")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Text; a number or true/false may be written without quotes.",
            "type": ["string", "number", "boolean"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_words_and_text() {
        for (text, meaning) in [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("NULL", Resolved::Null),
            ("True", Resolved::Bool(true)),
            ("false", Resolved::Bool(false)),
            ("0", Resolved::Int(0)),
            ("-0", Resolved::Int(0)),
            ("+12", Resolved::Int(12)),
            ("123456789012", Resolved::Int(123_456_789_012)),
            ("-9223372036854775808", Resolved::Int(i64::MIN)),
            ("18446744073709551615", Resolved::UInt(u64::MAX)),
            ("0x1f", Resolved::Int(31)),
            ("0o17", Resolved::Int(15)),
            ("0.5", Resolved::Float(0.5)),
            (".5", Resolved::Float(0.5)),
            ("5.", Resolved::Float(5.0)),
            ("1e3", Resolved::Float(1000.0)),
            ("-1.5E-3", Resolved::Float(-0.0015)),
        ] {
            assert_eq!(resolve(text), meaning, "{text:?}");
        }
    }

    #[test]
    fn what_stays_text() {
        for text in [
            "012345678901",
            "00",
            "01.5",
            "18446744073709551616",
            "1e400",
            ".inf",
            ".nan",
            ".",
            "-",
            "+",
            "1_000",
            "0x",
            "0x-1",
            "0o8",
            "1e",
            "e3",
            "1.2.3",
            "2012-10-17",
            "12:30",
            "yes",
            "no",
            "on",
            "off",
            "TrUe",
            "nUll",
            "256m",
            "e",
            "١٢",
        ] {
            assert_eq!(resolve(text), Resolved::Text, "{text:?}");
        }
    }
}
