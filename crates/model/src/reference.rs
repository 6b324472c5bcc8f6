//! References from one resource to another.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A reference: the key of a resource of this stack, or something that exists outside of it.
/// A text that starts with `arn:` means something outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ref {
    /// A resource of this stack, by its key.
    Own(String),
    /// A name or an ARN that is not ours.
    Existing(String),
}

impl Ref {
    /// The key of a resource of this stack.
    pub fn own(&self) -> Option<&str> {
        match self {
            Self::Own(key) => Some(key),
            Self::Existing(_) => None,
        }
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        match self {
            Self::Own(text) | Self::Existing(text) => text,
        }
    }
}

impl From<&str> for Ref {
    fn from(text: &str) -> Self {
        if text.starts_with("arn:") { Self::Existing(text.to_owned()) } else { Self::Own(text.to_owned()) }
    }
}

impl Serialize for Ref {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Own(key) => serializer.serialize_str(key),
            Self::Existing(arn) if arn.starts_with("arn:") => serializer.serialize_str(arn),
            Self::Existing(name) => serializer.collect_map([("existing", name)]),
        }
    }
}

impl<'de> Deserialize<'de> for Ref {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RefVisitor;
        impl<'de> Visitor<'de> for RefVisitor {
            type Value = Ref;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a resource of this stack, or `{ existing: name-or-arn }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ref, E> {
                Ok(Ref::from(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ref, A::Error> {
                let mut existing = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "existing" {
                        return Err(de::Error::unknown_field(&key, &["existing"]));
                    }
                    existing = Some(map.next_value::<String>()?);
                }
                existing.map(Ref::Existing).ok_or_else(|| de::Error::missing_field("existing"))
            }
        }
        deserializer.deserialize_any(RefVisitor)
    }
}

impl JsonSchema for Ref {
    fn schema_name() -> Cow<'static, str> {
        "Ref".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a resource of this stack, an ARN, or `{ existing: name-or-arn }` for something outside.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "existing": { "type": "string", "description": "A name or an ARN that is not managed here." } },
                    "required": ["existing"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
