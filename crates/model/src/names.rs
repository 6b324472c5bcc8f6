//! Names and identifiers that are checked when they are read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::region::{Region, RegionError};

/// Why a text is not one of the names of this module. The message says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a stack name.
    #[error(
        "`{0}` is not a stack name: {1}; it begins with a lower-case letter and has up to 32 lower-case letters, digits and hyphens"
    )]
    Stack(String, Defect),
    /// Not an account id.
    #[error(
        "`{0}` is not an account id: {1}; an account id is 12 digits, written in quotes so that a leading zero is kept, such as \"123456789012\""
    )]
    Account(String, Defect),
}

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// A character that is not allowed, or not at its place.
    #[error("it cannot contain {}", shown(*.0))]
    Character(char),
    /// The first character is not allowed to be first.
    #[error("it cannot start with {}", shown(*.0))]
    Start(char),
    /// Too many or too few characters.
    #[error("it has {0} characters")]
    Length(usize),
    /// A number was given where a text is needed.
    #[error("it was read as a number")]
    Number,
}

/// A character as a message shows it; invisible ones by their number.
pub(crate) fn shown(c: char) -> String {
    if c == ' ' {
        "a space".to_owned()
    } else if c.is_control() || c.is_whitespace() {
        format!("the character U+{:04X}", u32::from(c))
    } else {
        format!("`{c}`")
    }
}

/// Gives a newtype over text with a `check` function everything that a text has.
macro_rules! text {
    ($Name:ident, $pattern:expr, $description:expr) => {
        impl $Name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $Name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $Name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$Name> for String {
            fn from(name: $Name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $Name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $Name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl JsonSchema for $Name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($Name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}

/// The name of a stack: `[a-z][a-z0-9-]{0,31}`. It is part of every ownership tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct StackName(String);

impl StackName {
    fn check(text: &str) -> Result<(), NameError> {
        let refuse = |defect| Err(NameError::Stack(text.to_owned(), defect));
        let Some(first) = text.chars().next() else { return refuse(Defect::Empty) };
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
            return refuse(Defect::Character(bad));
        }
        if !first.is_ascii_lowercase() {
            return refuse(Defect::Start(first));
        }
        if text.len() > 32 { refuse(Defect::Length(text.len())) } else { Ok(()) }
    }
}

text!(
    StackName,
    "^[a-z][a-z0-9-]{0,31}$",
    "A stack's name: it begins with a lower-case letter and has up to 32 lower-case letters, digits and hyphens."
);

/// The id of an AWS account: 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    fn check(text: &str) -> Result<(), NameError> {
        let refuse = |defect| Err(NameError::Account(text.to_owned(), defect));
        if text.is_empty() {
            return refuse(Defect::Empty);
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_digit()) {
            return refuse(Defect::Character(bad));
        }
        if text.len() == 12 { Ok(()) } else { refuse(Defect::Length(text.len())) }
    }
}

text!(AccountId, "^[0-9]{12}$", "The id of an AWS account: 12 digits, in quotes.");

// By hand, because the usual mistake is the id without quotes: a number, whose leading zeros are gone.
impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Text {
            fn number<E: de::Error>(number: &dyn fmt::Display) -> E {
                E::custom(NameError::Account(number.to_string(), Defect::Number))
            }
        }
        impl Visitor<'_> for Text {
            type Value = AccountId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an account id: 12 digits in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AccountId, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<AccountId, E> {
                Err(Self::number(&number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<AccountId, E> {
                Err(Self::number(&number))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<AccountId, E> {
                Err(Self::number(&number))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;

    use super::{AccountId, StackName};

    #[test]
    fn stack_names() {
        for good in ["a", "papyrus", "papyrus-2", "a1234567890123456789012345678901"] {
            assert_eq!(good.parse::<StackName>().unwrap().to_string(), good);
        }
        let message = |text: &str| text.parse::<StackName>().unwrap_err().to_string();
        assert!(message("").contains("it is empty"));
        assert!(message("Papyrus").contains("cannot contain `P`"));
        assert!(message("1papyrus").contains("cannot start with `1`"));
        assert!(message("my stack").contains("cannot contain a space"));
        assert!(message(&"a".repeat(33)).contains("it has 33 characters"));
    }

    #[test]
    fn an_account_id_without_quotes_is_answered_with_quotes() {
        assert_eq!(serde_json::from_str::<AccountId>("\"012345678901\"").unwrap().as_str(), "012345678901");
        for unquoted in ["123456789012", "-1", "1.5"] {
            let error = serde_json::from_str::<AccountId>(unquoted).unwrap_err().to_string();
            assert!(error.contains("read as a number") && error.contains("in quotes"), "{error}");
        }
        let short = "12345".parse::<AccountId>().unwrap_err().to_string();
        assert!(short.contains("it has 5 characters") && short.contains("12 digits"), "{short}");
        let dashed = "1234-5678-9012".parse::<AccountId>().unwrap_err().to_string();
        assert!(dashed.contains("cannot contain `-`"), "{dashed}");
    }

    proptest! {
        #[test]
        fn stack_names_are_exactly_the_pattern(text in "[a-z0-9-]{0,34}") {
            let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
            prop_assert_eq!(text.parse::<StackName>().is_ok(), starts && text.len() <= 32);
        }
    }
}
