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
        "`{0}` is not a stack name: {1}; allowed are a lower-case letter, then up to 31 lower-case letters, digits and hyphens"
    )]
    Stack(String, Defect),
    /// Not an account id.
    #[error(
        "`{0}` is not an account id: {1}; an account id is 12 digits, written in quotes so that a leading zero is kept, such as \"123456789012\""
    )]
    Account(String, Defect),
    /// Not the key of a resource.
    #[error(
        "`{0}` cannot be the key of a resource: {1}; allowed are 1 to 512 of: letters, digits and `_ . / + = , @ # -`"
    )]
    Logical(String, Defect),
    /// Not an ARN.
    #[error("`{0}` is not an ARN: {1}; an ARN looks like `arn:aws:iam::123456789012:role/papyrus`")]
    Arn(String, Defect),
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
    /// The parts between the colons are not those of an ARN.
    #[error("{0}")]
    Shape(&'static str),
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
    "A stack's name: a lower-case letter, then up to 31 lower-case letters, digits and hyphens."
);

/// The key of a resource in the file: 1 to 512 of `[A-Za-z0-9_./+=,@#-]`, the union of what the kinds allow as names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct LogicalName(String);

impl LogicalName {
    fn check(text: &str) -> Result<(), NameError> {
        let refuse = |defect| Err(NameError::Logical(text.to_owned(), defect));
        if text.is_empty() {
            return refuse(Defect::Empty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_./+=,@#-".contains(c);
        if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
            return refuse(Defect::Character(bad));
        }
        if text.len() > 512 { refuse(Defect::Length(text.len())) } else { Ok(()) }
    }
}

text!(LogicalName, "^[A-Za-z0-9_./+=,@#-]{1,512}$", "The key of a resource: letters, digits and `_ . / + = , @ # -`.");

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

/// An Amazon Resource Name. Only its shape is checked: six parts, of which partition, service and resource are not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Arn(String);

impl Arn {
    /// Puts an ARN together.
    ///
    /// # Errors
    ///
    /// When a part is empty that must not be, or when a part before the resource contains a colon.
    pub fn new(partition: &str, service: &str, region: &str, account: &str, resource: &str) -> Result<Self, NameError> {
        let text = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        if [partition, service, region, account].iter().any(|part| part.contains(':')) {
            return Err(NameError::Arn(text, Defect::Shape("a part before the resource contains a colon")));
        }
        Self::try_from(text)
    }

    fn check(text: &str) -> Result<(), NameError> {
        let refuse = |shape| Err(NameError::Arn(text.to_owned(), Defect::Shape(shape)));
        if text.is_empty() {
            return Err(NameError::Arn(String::new(), Defect::Empty));
        }
        if let Some(bad) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(NameError::Arn(text.to_owned(), Defect::Character(bad)));
        }
        match text.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", "", ..] => refuse("its partition is empty"),
            ["arn", _, "", ..] => refuse("its service is empty"),
            ["arn", _, _, _, _, ""] => refuse("its resource is empty"),
            ["arn", _, _, _, _, _] => Ok(()),
            ["arn", ..] => refuse("it has fewer than six parts"),
            _ => refuse("it does not start with `arn:`"),
        }
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }

    /// `aws`, `aws-cn`, …
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// `iam`, `ecs`, …
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region; empty for global services.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account; empty for some services, `aws` for what AWS owns.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Everything after the fifth colon: `role/papyrus`.
    pub fn resource(&self) -> &str {
        self.part(5)
    }
}

text!(Arn, "^arn:[^:\\s]+:[^:\\s]+:[^:\\s]*:[^:\\s]*:\\S+$", "An Amazon Resource Name.");

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;

    use super::{AccountId, Arn, LogicalName, StackName};

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

    #[test]
    fn logical_names_cover_log_groups_and_paths() {
        for good in ["/ecs/papyrus", "a", "x_y.z/1+2=3,4@5#6-7"] {
            assert!(good.parse::<LogicalName>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "papyrus:1", "波止場"] {
            assert!(bad.parse::<LogicalName>().is_err(), "{bad}");
        }
        assert!("a".repeat(513).parse::<LogicalName>().is_err());
    }

    #[test]
    fn arns_come_apart() {
        let arn: Arn = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus:*".parse().unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "logs", "us-west-2", "123456789012", "log-group:/ecs/papyrus:*")
        );
        let role: Arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy".parse().unwrap();
        assert_eq!((role.region(), role.account()), ("", "aws"));
        for bad in
            ["", "papyrus", "arn:aws:iam", "arn::iam::1:x", "arn:aws:::1:x", "arn:aws:iam::1:", "arn:aws:iam::1:a b"]
        {
            assert!(bad.parse::<Arn>().is_err(), "{bad}");
        }
        assert!(Arn::new("aws", "iam", "", "1:2", "role/x").is_err());
    }

    proptest! {
        #[test]
        fn an_arn_is_its_parts(
            service in "[a-z]{1,8}", region in "([a-z]{2}-[a-z]{4}-1)?", account in "([0-9]{12})?", resource in "[a-z:/]{1,20}",
        ) {
            let arn = Arn::new("aws", &service, &region, &account, &resource).unwrap();
            prop_assert_eq!(arn.service(), service);
            prop_assert_eq!(arn.region(), region);
            prop_assert_eq!(arn.account(), account);
            prop_assert_eq!(arn.resource(), resource);
            prop_assert_eq!(arn.to_string().parse::<Arn>().unwrap(), arn);
        }

        #[test]
        fn stack_names_are_exactly_the_pattern(text in "[a-z0-9-]{0,34}") {
            let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
            prop_assert_eq!(text.parse::<StackName>().is_ok(), starts && text.len() <= 32);
        }
    }
}
