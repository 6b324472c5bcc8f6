//! A value that is one text or several.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::yaml::Scalar;

/// One text, or a list of texts. Numbers and truth values may be written without quotes and are kept letter by letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextOrList {
    /// One text.
    Text(String),
    /// A list, in the order of the file.
    List(Vec<String>),
}

impl TextOrList {
    /// The texts: one, or those of the list.
    pub fn items(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(items) => items,
        }
    }
}

impl Default for TextOrList {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl From<&str> for TextOrList {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Serialize for TextOrList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
        }
    }
}

impl<'de> Deserialize<'de> for TextOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrListVisitor;

        impl<'de> Visitor<'de> for TextOrListVisitor {
            type Value = TextOrList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of texts")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<TextOrList, D::Error> {
                inner.deserialize_any(self)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<TextOrList, E> {
                Ok(TextOrList::Text(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<TextOrList, E> {
                Ok(TextOrList::Text(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<TextOrList, E> {
                Ok(TextOrList::Text(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<TextOrList, E> {
                Ok(TextOrList::Text(value.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TextOrList, E> {
                Ok(TextOrList::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TextOrList, A::Error> {
                let mut items = Vec::new();
                while let Some(Scalar(text)) = list.next_element()? {
                    items.push(text);
                }
                Ok(TextOrList::List(items))
            }
        }

        // The name tells the YAML reader that an unquoted number is wanted as it stands in the file.
        deserializer.deserialize_newtype_struct(Scalar::NAME, TextOrListVisitor)
    }
}

impl JsonSchema for TextOrList {
    fn schema_name() -> Cow<'static, str> {
        "TextOrList".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = json_schema!({ "type": ["string", "number", "boolean"] });
        json_schema!({
            "description": "Text, or a list of texts.",
            "anyOf": [text, { "type": "array", "items": text }]
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde_json::json;

    use super::TextOrList;

    #[test]
    fn one_text_and_a_list_are_both_read_and_written_as_they_were() {
        for (json, items) in [(json!("a"), vec!["a"]), (json!(["a", "b"]), vec!["a", "b"]), (json!([]), vec![])] {
            let value: TextOrList = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(value.items(), items);
            assert_eq!(serde_json::to_value(&value).unwrap(), json);
        }
        let number: TextOrList = serde_json::from_value(json!(5)).unwrap();
        assert_eq!(number, TextOrList::from("5"));
        assert!(serde_json::from_value::<TextOrList>(json!({ "a": 1 })).is_err());
    }
}
