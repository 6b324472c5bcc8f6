//! The one differ, driven by field tables.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kind::{Compare, Field, KindInfo, OnChange, Unset};
use crate::value::{Fields, Value};

/// One difference between wish and reality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where, below the resource: `containers.app.environment.LOG_LEVEL`.
    pub path: String,
    /// What is there.
    pub before: Option<Value>,
    /// What should be there.
    pub after: Option<Value>,
    /// The group of calls that changes it; none when the resource has to be replaced, or is new.
    pub call: Option<String>,
    /// Whether the values must not be shown.
    pub sensitive: bool,
}

impl FieldChange {
    /// The field of the table that it is in: `containers`.
    pub fn row(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or_default()
    }
}

/// Every difference between what is wanted and what is there.
/// A field that a reader did not fill counts as not there.
pub fn differences(kind: &'static KindInfo, want: &Fields, have: &Fields) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in kind.fields {
        let default;
        let want = match (want.get(field.name), field.unset) {
            (Some(value), _) => Some(value),
            (None, Unset::Unmanaged) => continue,
            (None, Unset::Absent) => None,
            (None, Unset::Default(value)) => {
                default = value();
                Some(&default)
            }
        };
        compare(field, field.name.to_owned(), want, have.get(field.name), &mut changes);
    }
    changes
}

/// The fields as a create would send them, as changes from nothing. Defaults that the file does not name are left out.
pub fn creation(kind: &'static KindInfo, want: &Fields) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for field in kind.fields {
        if let Some(value) = want.get(field.name) {
            let value = strip(value);
            if !is_empty(&value) {
                changes.push(change(field, field.name.to_owned(), None, Some(value)));
            }
        }
    }
    changes
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        Value::Map(parts) => parts.is_empty(),
        _ => false,
    }
}

/// What ends up there if `want` is applied over `have`: values that others own are kept, lists that need only
/// include are joined. The result has no `Keep` in it.
pub fn settled(field: &Field, want: &Value, have: Option<&Value>) -> Value {
    if field.compare == Compare::Includes {
        let all: BTreeSet<String> =
            want.list_texts().into_iter().chain(have.map(Value::list_texts).unwrap_or_default()).collect();
        return Value::set(all);
    }
    keep(want, have)
}

fn keep(want: &Value, have: Option<&Value>) -> Value {
    match want {
        Value::Keep(otherwise) => have.cloned().unwrap_or_else(|| strip(otherwise)),
        Value::Map(parts) => {
            Value::Map(parts.iter().map(|(k, v)| (k.clone(), keep(v, have.and_then(|h| h.get(k))))).collect())
        }
        other => strip(other),
    }
}

/// Without any `Keep`.
fn strip(value: &Value) -> Value {
    match value {
        Value::Keep(inner) => strip(inner),
        Value::Map(parts) => Value::Map(parts.iter().map(|(k, v)| (k.clone(), strip(v))).collect()),
        Value::List(items) => Value::List(items.iter().map(strip).collect()),
        other => other.clone(),
    }
}

fn change(field: &Field, path: String, before: Option<Value>, after: Option<Value>) -> FieldChange {
    let call = match field.on_change {
        OnChange::Update(group) => Some(group.to_owned()),
        OnChange::Replace => None,
    };
    let sensitive = [&before, &after].into_iter().flatten().any(|value| field.hides(&path, value));
    FieldChange { path, before, after, call, sensitive }
}

fn compare(field: &Field, path: String, want: Option<&Value>, have: Option<&Value>, out: &mut Vec<FieldChange>) {
    match (want, have) {
        (None, None) => {}
        (Some(Value::Keep(_)), Some(_)) => {}
        (Some(want), Some(have)) if field.compare == Compare::Includes => {
            let (wanted, there) = (want.list_texts(), have.list_texts());
            if !wanted.iter().all(|item| there.contains(item)) {
                out.push(change(field, path, Some(have.clone()), Some(settled(field, want, Some(have)))));
            }
        }
        (Some(Value::Map(wanted)), Some(Value::Map(there))) => {
            let keys: BTreeSet<&String> = wanted.keys().chain(there.keys()).collect();
            for key in keys {
                compare(field, join(&path, key), wanted.get(key), there.get(key), out);
            }
        }
        (Some(want), Some(have)) => {
            if want != have {
                out.push(change(field, path, Some(have.clone()), Some(strip(want))));
            }
        }
        (Some(want), None) => {
            let want = strip(want);
            // An empty set and no set are the same to AWS.
            if !is_empty(&want) {
                out.push(change(field, path, None, Some(want)));
            }
        }
        (None, Some(have)) => {
            if !is_empty(have) {
                out.push(change(field, path, Some(have.clone()), None));
            }
        }
    }
}

/// `a.b`, or `a["b.c"]` where the key would not be readable as a path.
fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if plain { format!("{path}.{key}") } else { format!("{path}[{key:?}]") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Group, Ownership};

    static KIND: KindInfo = KindInfo {
        name: "thing",
        title: "thing",
        create_call: "CreateThing",
        delete_call: "DeleteThing",
        fields: &[
            Field::update("size", "PutSize").default(|| Value::Int(1)),
            Field::update("parts", "PutParts").sensitive(|path, _| path.ends_with("password")),
            Field::update("guests", "AddGuest").includes(),
            Field::replace("colour"),
            Field::update("server_owned", "PutOwned").unmanaged(),
        ],
        groups: &[Group::new("PutSize"), Group::new("PutParts"), Group::new("AddGuest"), Group::new("PutOwned")],
        ownership: Ownership::Tags,
        settles: false,
        parallel: 4,
    };

    fn fields(items: &[(&str, Value)]) -> Fields {
        items.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect()
    }

    #[test]
    fn a_default_is_wanted_and_what_the_server_owns_is_not_looked_at() {
        let have = fields(&[("size", Value::Int(1)), ("server_owned", "x".into())]);
        assert_eq!(differences(&KIND, &Fields::new(), &have), []);
        let have = fields(&[("size", Value::Int(2))]);
        let changes = differences(&KIND, &Fields::new(), &have);
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].path.as_str(), &changes[0].after), ("size", &Some(Value::Int(1))));
    }

    #[test]
    fn maps_are_compared_part_by_part() {
        let want = fields(&[("parts", Value::texts([("a", "1"), ("password", "new"), ("x.y", "z")]))]);
        let have =
            fields(&[("size", Value::Int(1)), ("parts", Value::texts([("a", "1"), ("b", "2"), ("password", "old")]))]);
        let changes = differences(&KIND, &want, &have);
        let paths: Vec<_> = changes.iter().map(|c| (c.path.as_str(), c.sensitive)).collect();
        assert_eq!(paths, [("parts.b", false), ("parts.password", true), ("parts[\"x.y\"]", false)]);
    }

    #[test]
    fn what_somebody_else_owns_is_kept() {
        let want = fields(&[("parts", Value::map([("image", Value::Keep(Box::new("first".into())))]))]);
        let have = fields(&[("size", Value::Int(1)), ("parts", Value::texts([("image", "theirs")]))]);
        assert_eq!(differences(&KIND, &want, &have), []);
        let settled = settled(&KIND.fields[1], &want["parts"], have.get("parts"));
        assert_eq!(settled, Value::texts([("image", "theirs")]));
        assert_eq!(creation(&KIND, &want)[0].after, Some(Value::texts([("image", "first")])));
    }

    #[test]
    fn a_list_that_must_include_only_ever_grows() {
        let want = fields(&[("guests", Value::set(["me"]))]);
        let have = fields(&[("size", Value::Int(1)), ("guests", Value::set(["you"]))]);
        assert_eq!(differences(&KIND, &want, &have)[0].after, Some(Value::set(["me", "you"])));
        let have = fields(&[("size", Value::Int(1)), ("guests", Value::set(["me", "you"]))]);
        assert_eq!(differences(&KIND, &want, &have), []);
    }

    #[test]
    fn empty_and_absent_are_the_same() {
        let have = fields(&[("size", Value::Int(1)), ("parts", Value::Map(Default::default()))]);
        assert_eq!(differences(&KIND, &Fields::new(), &have), []);
    }
}
