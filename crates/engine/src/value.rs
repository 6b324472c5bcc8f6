//! The values that plans compare and show: the one normal form of a field, for spec and live alike.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The fields of one resource in normal form, by their name in the kind's field table.
pub type Fields = BTreeMap<String, Value>;

/// A value in normal form. Two values are equal exactly when AWS would treat them as equal:
/// whatever is unordered is sorted, and server defaults are filled in before a value is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// A long text, such as a policy document in canonical form; differences are shown line by line.
    Doc(String),
    /// An ordered list, or a set in sorted order.
    List(Vec<Value>),
    /// Named parts.
    Map(BTreeMap<String, Value>),
    /// Only known once another resource has been created or renewed.
    Pending(OutputRef),
    /// Owned by somebody else: what is there stays; the inner value serves only where nothing is there yet.
    Keep(Box<Value>),
}

/// A value that a resource, or a lookup, yields: the `id` of `security_group.papyrus`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutputRef {
    /// The address of the resource, or the key of a lookup.
    pub of: String,
    /// The name of the output.
    pub output: String,
}

impl OutputRef {
    /// The output `output` of `of`.
    pub fn new(of: impl ToString, output: impl Into<String>) -> Self {
        Self { of: of.to_string(), output: output.into() }
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A set of texts: sorted, without duplicates.
    pub fn set<I, T>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        let mut texts: Vec<String> = items.into_iter().map(Into::into).collect();
        texts.sort();
        texts.dedup();
        Self::List(texts.into_iter().map(Self::Text).collect())
    }

    /// Named parts from pairs.
    pub fn map<I, K>(items: I) -> Self
    where
        I: IntoIterator<Item = (K, Value)>,
        K: Into<String>,
    {
        Self::Map(items.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// Named texts, such as tags.
    pub fn texts<I, K, T>(items: I) -> Self
    where
        I: IntoIterator<Item = (K, T)>,
        K: Into<String>,
        T: Into<String>,
    {
        Self::map(items.into_iter().map(|(k, v)| (k, Self::text(v))))
    }

    /// A value that is only known after `of` has been applied.
    pub fn pending(of: impl ToString, output: impl Into<String>) -> Self {
        Self::Pending(OutputRef::new(of, output))
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Doc(text) => Some(text),
            Self::Keep(inner) => inner.as_text(),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Keep(inner) => inner.as_int(),
            _ => None,
        }
    }

    /// The switch, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(on) => Some(*on),
            Self::Keep(inner) => inner.as_bool(),
            _ => None,
        }
    }

    /// The items; nothing for anything but a list.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            Self::Keep(inner) => inner.items(),
            _ => &[],
        }
    }

    /// The texts of a list of texts, in order.
    pub fn list_texts(&self) -> Vec<String> {
        self.items().iter().filter_map(|v| v.as_text().map(str::to_owned)).collect()
    }

    /// The parts, if it has named parts.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Map(parts) => Some(parts),
            Self::Keep(inner) => inner.as_map(),
            _ => None,
        }
    }

    /// The named part.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The texts of named texts, such as tags.
    pub fn map_texts(&self) -> BTreeMap<String, String> {
        let Some(parts) = self.as_map() else { return BTreeMap::new() };
        parts.iter().filter_map(|(k, v)| Some((k.clone(), v.as_text()?.to_owned()))).collect()
    }

    /// Whether any part of it is only known later.
    pub fn is_pending(&self) -> bool {
        let mut found = false;
        self.each_pending(&mut |_| found = true);
        found
    }

    /// Calls `f` for every output that it waits for.
    pub fn each_pending(&self, f: &mut dyn FnMut(&OutputRef)) {
        match self {
            Self::Pending(output) => f(output),
            Self::Keep(inner) => inner.each_pending(f),
            Self::List(items) => items.iter().for_each(|v| v.each_pending(f)),
            Self::Map(parts) => parts.values().for_each(|v| v.each_pending(f)),
            Self::Bool(_) | Self::Int(_) | Self::Text(_) | Self::Doc(_) => {}
        }
    }

    /// As plain JSON: what `--json` prints and what ECS requests are built from.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(on) => (*on).into(),
            Self::Int(number) => (*number).into(),
            Self::Text(text) | Self::Doc(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(parts) => parts.iter().map(|(k, v)| (k.clone(), v.to_json())).collect(),
            Self::Pending(_) => serde_json::Value::Null,
            Self::Keep(inner) => inner.to_json(),
        }
    }

    /// From JSON. `null` members are dropped, as absent and null mean the same to AWS;
    /// a fraction becomes its text, which compares as exactly as a number would.
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        Some(match json {
            serde_json::Value::Null => return None,
            serde_json::Value::Bool(on) => Self::Bool(*on),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Text(number.to_string()),
            },
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::List(items.iter().filter_map(Self::from_json).collect()),
            serde_json::Value::Object(parts) => {
                Self::Map(parts.iter().filter_map(|(k, v)| Some((k.clone(), Self::from_json(v)?))).collect())
            }
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(on: bool) -> Self {
        Self::Bool(on)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}
