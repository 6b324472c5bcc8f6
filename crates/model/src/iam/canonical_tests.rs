//! The normal form under changes that mean nothing, and under changes that do.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::canonical;

/// One or several words: as a text when there is one and `bare` says so.
fn one_or_more(words: &'static str) -> impl Strategy<Value = Value> {
    (proptest::collection::vec(words, 1..4), any::<bool>()).prop_map(|(list, bare)| match list.as_slice() {
        [one] if bare => json!(one),
        _ => json!(list),
    })
}

fn statement() -> impl Strategy<Value = Value> {
    (
        proptest::option::of("[A-Z][a-z]{0,4}"),
        proptest::bool::ANY,
        one_or_more("ec[rs]:[A-C]{1,2}"),
        one_or_more("arn:aws:ecr:us-west-2:123456789012:repository/[a-c]{1,2}"),
        proptest::option::of(one_or_more("12345678901[0-9]")),
        proptest::option::of((
            prop_oneof![Just("StringLike"), Just("StringEquals")],
            "aws:[a-c]{1,2}",
            one_or_more("[a-c*]{1,3}"),
        )),
    )
        .prop_map(|(sid, allow, action, resource, principal, condition)| {
            let mut statement = Map::new();
            statement.insert("Action".into(), action);
            statement.insert("Resource".into(), resource);
            statement.insert("Effect".into(), json!(if allow { "Allow" } else { "Deny" }));
            if let Some(sid) = sid {
                statement.insert("Sid".into(), json!(sid));
            }
            if let Some(principal) = principal {
                statement.insert("Principal".into(), json!({ "AWS": principal }));
            }
            if let Some((operator, key, values)) = condition {
                statement.insert("Condition".into(), json!({ operator: { key: values } }));
            }
            Value::Object(statement)
        })
}

fn document() -> impl Strategy<Value = Value> {
    proptest::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// The same document, written differently: lists reversed and with a repetition, single texts as lists and the other way round,
/// keys in another order.
fn rewritten(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().rev().map(|(key, value)| (key.clone(), rewritten(value, key))).collect())
        }
        Value::Array(list) if list.len() == 1 => rewritten(&list[0], ""),
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().rev().map(|item| rewritten(item, "")).collect();
            list.extend(list.first().cloned());
            Value::Array(list)
        }
        Value::String(text) if ["Action", "Resource", "AWS"].contains(&key) || key.starts_with("aws:") => json!([text]),
        Value::String(text) if key.is_empty() && text.len() == 12 && text.starts_with("1234") => {
            json!(format!("arn:aws:iam::{text}:root"))
        }
        other => other.clone(),
    }
}

/// The places of every text that carries a meaning of its own.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found))
        }
        _ => found.push(at.to_owned()),
    }
}

proptest! {
    #[test]
    fn another_way_to_write_it_changes_nothing(document in document()) {
        prop_assert_eq!(canonical(&document), canonical(&rewritten(&document, "")));
    }

    #[test]
    fn the_normal_form_is_its_own_normal_form(document in document()) {
        let once = canonical(&document);
        prop_assert_eq!(canonical(&once).to_string(), once.to_string());
    }

    #[test]
    fn the_normal_form_is_written_the_same_way_each_time(document in document()) {
        prop_assert_eq!(canonical(&document).to_string(), canonical(&rewritten(&document, "")).to_string());
    }

    #[test]
    fn any_new_text_changes_it(document in document(), which: proptest::sample::Index) {
        let mut all = Vec::new();
        places(&document, "", &mut all);
        let place = which.get(&all);
        let mut changed = document.clone();
        if let Some(text) = changed.pointer_mut(place) {
            *text = json!("something-new");
        }
        prop_assert_ne!(canonical(&document), canonical(&changed), "{}", place);
    }
}
