//! Tables that turn the JSON of an API into the one normal form and back.
//!
//! A table says for every member of an object how the file calls it, what shape its value has, and what the server fills in
//! when it is absent. Reading and writing go by the same table, so that what was read can be sent again. Members that are in no
//! table keep the API's own spelling.

use std::collections::BTreeMap;

use hatoba_engine::value::Value;
use serde_json::{Map, Value as Json};

/// The shape of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// As it is, in its order.
    Plain,
    /// A whole number that the API writes as a text.
    NumberText,
    /// A number that may have a fraction.
    Decimal,
    /// A word that the API writes in capitals.
    Word,
    /// A switch that the API writes as one of two words: on, off.
    Switch(&'static str, &'static str),
    /// An object.
    Object(&'static [Member]),
    /// A list of texts whose order means nothing.
    Texts,
    /// A list of objects whose order means nothing.
    Objects(&'static [Member]),
    /// A list of objects, each with one text that names it and one that is its value.
    Pairs(&'static str, &'static str),
    /// A list of objects, each with one text that names it and one word in capitals.
    PairWords(&'static str, &'static str),
    /// A list of objects that each have one text that names it, and the text that stands for an object with nothing else.
    Named(&'static str, &'static [Member], &'static str),
    /// A list of objects of which one text is all that is left when the other member, always the same, is taken away.
    Only(&'static str, (&'static str, &'static str)),
    /// Whatever these two functions make of it.
    Custom(fn(&Json, Like<'_>) -> Value, fn(&Value) -> Json),
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// As the API calls it.
    pub(crate) api: &'static str,
    /// As the file calls it. Empty: its own members stand in its place.
    pub(crate) name: &'static str,
    /// The shape of its value.
    pub(crate) shape: Shape,
    /// What its absence means.
    pub(crate) absent: Absent,
}

/// What the absence of a member means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Absent {
    /// That it is absent.
    Itself,
    /// The same as this value, which the normal form leaves out.
    Same(Fixed),
    /// This value, which the normal form shows.
    Shown(Fixed),
}

/// A constant of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fixed {
    /// A switch.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A text.
    Text(&'static str),
}

impl Fixed {
    fn json(self) -> Json {
        match self {
            Self::Bool(on) => on.into(),
            Self::Int(number) => number.into(),
            Self::Text(text) => text.into(),
        }
    }
}

impl Member {
    /// A member that stays absent when it is absent.
    pub(crate) const fn new(api: &'static str, name: &'static str, shape: Shape) -> Self {
        Self { api, name, shape, absent: Absent::Itself }
    }

    /// A member whose absence means this value; the normal form leaves it out.
    pub(crate) const fn same(api: &'static str, name: &'static str, shape: Shape, fixed: Fixed) -> Self {
        Self { api, name, shape, absent: Absent::Same(fixed) }
    }

    /// A member whose absence means this value; the normal form shows it.
    pub(crate) const fn shown(api: &'static str, name: &'static str, shape: Shape, fixed: Fixed) -> Self {
        Self { api, name, shape, absent: Absent::Shown(fixed) }
    }
}

/// Which members that are in no table are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Like<'a> {
    /// All: they are wanted.
    All,
    /// Those that are wanted as well. Others are new defaults of the server that this table does not know yet;
    /// taking them for differences would make a new revision on every run.
    Wanted(Option<&'a Value>),
}

impl<'a> Like<'a> {
    pub(crate) fn at(self, key: &str) -> Self {
        match self {
            Self::All => Self::All,
            Self::Wanted(want) => Self::Wanted(want.and_then(|want| want.get(key))),
        }
    }

    fn keeps(self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Wanted(want) => want.is_some_and(|want| want.get(key).is_some()),
        }
    }
}

/// Parts by name.
pub(crate) type Parts = BTreeMap<String, Value>;

/// The normal form of an object. Empty parts are left out: nothing and an empty list are the same to ECS.
pub(crate) fn read(json: &Json, members: &[Member], like: Like<'_>) -> Parts {
    let mut parts = Parts::new();
    let empty = Map::new();
    let object = json.as_object().unwrap_or(&empty);
    for (key, value) in object {
        if !members.iter().any(|member| member.api == key) && like.keeps(key) {
            insert(&mut parts, key, plain(value));
        }
    }
    for member in members {
        if let (true, Shape::Object(inner)) = (member.name.is_empty(), member.shape) {
            parts.extend(read(object.get(member.api).unwrap_or(&Json::Null), inner, like));
            continue;
        }
        let given = object.get(member.api).filter(|given| !is_nothing(given));
        let fixed;
        let given = match (given, member.absent) {
            (Some(given), Absent::Same(same)) if *given == same.json() => continue,
            (Some(given), _) => given,
            (None, Absent::Shown(shown)) => {
                fixed = shown.json();
                &fixed
            }
            (None, _) => continue,
        };
        if let Some(value) = value_of(given, member.shape, like.at(member.name)) {
            insert(&mut parts, member.name, Some(value));
        }
    }
    parts
}

fn insert(parts: &mut Parts, key: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !is_empty(value)) {
        parts.insert(key.to_owned(), value);
    }
}

fn is_nothing(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::Object(_) => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        Value::Map(parts) => parts.is_empty(),
        _ => false,
    }
}

/// JSON as it is, without nulls and empty objects; `10.0` is `10`.
fn plain(json: &Json) -> Option<Value> {
    match json {
        Json::Number(number) if !number.is_i64() => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15);
            // The cast is exact: whole and far below 2^53.
            Some(whole.map_or_else(|| Value::text(number.to_string()), |n| Value::Int(n as i64)))
        }
        Json::Array(items) => Some(Value::List(items.iter().filter_map(plain).collect())),
        Json::Object(members) => {
            let parts = members.iter().filter_map(|(k, v)| Some((k.clone(), plain(v).filter(|v| !is_empty(v))?)));
            Some(Value::Map(parts.collect()))
        }
        other => Value::from_json(other),
    }
}

fn value_of(json: &Json, shape: Shape, like: Like<'_>) -> Option<Value> {
    let list = || json.as_array().map(Vec::as_slice).unwrap_or_default();
    Some(match shape {
        Shape::Plain | Shape::Decimal => return plain(json),
        Shape::NumberText => match json.as_str().and_then(|text| text.parse().ok()) {
            Some(number) => Value::Int(number),
            None => return plain(json),
        },
        Shape::Word => Value::text(json.as_str()?.to_ascii_lowercase()),
        Shape::Switch(on, _) => Value::Bool(json.as_str()?.eq_ignore_ascii_case(on)),
        Shape::Object(members) => Value::Map(read(json, members, like)),
        Shape::Texts => Value::set(list().iter().filter_map(Json::as_str)),
        Shape::Objects(members) => {
            let mut items: Vec<Value> = list().iter().map(|item| Value::Map(read(item, members, like))).collect();
            items.sort_by_cached_key(|item| item.to_json().to_string());
            Value::List(items)
        }
        Shape::Pairs(key, value) | Shape::PairWords(key, value) => {
            let word = matches!(shape, Shape::PairWords(..));
            Value::Map(
                list()
                    .iter()
                    .filter_map(|item| {
                        let value = item.get(value).and_then(Json::as_str).unwrap_or_default();
                        let value = if word { value.to_ascii_lowercase() } else { value.to_owned() };
                        Some((item.get(key)?.as_str()?.to_owned(), Value::Text(value)))
                    })
                    .collect(),
            )
        }
        Shape::Named(key, members, bare) => Value::Map(
            list()
                .iter()
                .filter_map(|item| {
                    let mut item = item.clone();
                    let name = item.as_object_mut()?.remove(key)?.as_str()?.to_owned();
                    let parts = read(&item, members, like.at(&name));
                    let value = if parts.is_empty() && !bare.is_empty() { bare.into() } else { Value::Map(parts) };
                    Some((name, value))
                })
                .collect(),
        ),
        Shape::Only(key, _) => Value::List(
            list().iter().filter_map(|item| item.get(key).and_then(Json::as_str).map(Value::text)).collect(),
        ),
        Shape::Custom(read, _) => read(json, like),
    })
}

/// The API's JSON of a normal form.
pub(crate) fn write(parts: &Parts, members: &[Member]) -> Json {
    let mut object = Map::new();
    let mut taken: Vec<&str> = Vec::new();
    for member in members {
        if let (true, Shape::Object(inner)) = (member.name.is_empty(), member.shape) {
            let own: Parts = parts
                .iter()
                .filter(|(key, _)| inner.iter().any(|m| m.name == *key))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            taken.extend(inner.iter().map(|member| member.name));
            if !own.is_empty() {
                object.insert(member.api.to_owned(), write(&own, inner));
            }
        } else if !member.name.is_empty() {
            taken.push(member.name);
            if let Some(value) = parts.get(member.name).filter(|value| !is_empty(value)) {
                object.insert(member.api.to_owned(), json_of(value, member.shape));
            }
        }
    }
    for (key, value) in parts.iter().filter(|(key, _)| !taken.contains(&key.as_str())) {
        object.insert(key.clone(), value.to_json());
    }
    Json::Object(object)
}

pub(crate) fn json_of(value: &Value, shape: Shape) -> Json {
    let parts = || value.as_map().cloned().unwrap_or_default();
    match shape {
        Shape::Plain | Shape::Texts => value.to_json(),
        Shape::NumberText => value.as_int().map_or_else(|| value.to_json(), |number| number.to_string().into()),
        Shape::Decimal => match value.as_text().and_then(|text| text.parse::<f64>().ok()) {
            Some(number) => number.into(),
            None => value.to_json(),
        },
        Shape::Word => value.as_text().unwrap_or_default().to_ascii_uppercase().into(),
        Shape::Switch(on, off) => (if value.as_bool() == Some(true) { on } else { off }).into(),
        Shape::Object(members) => write(&parts(), members),
        Shape::Objects(members) => {
            value.items().iter().map(|item| write(item.as_map().unwrap_or(&Parts::new()), members)).collect()
        }
        Shape::Pairs(key, inner) | Shape::PairWords(key, inner) => {
            let word = matches!(shape, Shape::PairWords(..));
            value
                .map_texts()
                .into_iter()
                .map(|(name, text)| {
                    let text = if word { text.to_ascii_uppercase() } else { text };
                    Json::Object([(key.to_owned(), name.into()), (inner.to_owned(), text.into())].into_iter().collect())
                })
                .collect()
        }
        Shape::Named(key, members, _) => parts()
            .iter()
            .map(|(name, value)| {
                let mut object = Map::new();
                object.insert(key.to_owned(), name.as_str().into());
                if let Json::Object(rest) = write(value.as_map().unwrap_or(&Parts::new()), members) {
                    object.extend(rest);
                }
                Json::Object(object)
            })
            .collect(),
        Shape::Only(key, (other, fixed)) => value
            .list_texts()
            .into_iter()
            .map(|text| {
                Json::Object([(key.to_owned(), text.into()), (other.to_owned(), fixed.into())].into_iter().collect())
            })
            .collect(),
        Shape::Custom(_, write) => write(value),
    }
}

/// Lays `over` over `base`, object by object; everything else is replaced as a whole.
pub(crate) fn merge(base: &mut Json, over: &Json) {
    match (base, over) {
        (Json::Object(base), Json::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(key) {
                    Some(inner) => merge(inner, value),
                    None => {
                        base.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (base, over) => *base = over.clone(),
    }
}
