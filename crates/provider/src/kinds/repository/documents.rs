//! The documents of a repository in normal form: lifecycle policy and repository policy.

use std::error::Error;

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::value::Value;
use hatoba_model::iam::CanonicalDocument;
use hatoba_model::kinds::repository::{Repository as Spec, document};
use serde_json::{Map, Value as Json, json};

use super::{GET_LIFECYCLE_POLICY, GET_REPOSITORY_POLICY};
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};

/// The order in which the keys of a lifecycle policy are usually written.
const ORDER: [&str; 14] = [
    "rules",
    "rulePriority",
    "description",
    "selection",
    "tagStatus",
    "tagPrefixList",
    "tagPatternList",
    "storageClass",
    "countType",
    "countUnit",
    "countNumber",
    "action",
    "type",
    "targetStorageClass",
];

/// The lifecycle policy that the file wants.
pub(super) fn lifecycle_wish(spec: &Spec) -> Option<Value> {
    if let Some(count) = spec.keep_images {
        let policy = json!({ "rules": [{
            "rulePriority": 1,
            "description": format!("keep the last {count} images"),
            "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count },
            "action": { "type": "expire" },
        }] });
        return Some(lifecycle(&policy));
    }
    // A text that is no JSON was reported when the file was checked.
    let policy = document(spec.lifecycle.as_ref()?).ok()?;
    Some(lifecycle(&policy))
}

/// The repository policy that the file wants.
pub(super) fn policy_wish(written: &Json, partition: &str) -> Value {
    match document(written) {
        Ok(policy) => Value::Doc(CanonicalDocument::new(&policy, partition).to_pretty_json()),
        Err(_) => Value::Doc(written.to_string()),
    }
}

/// The lifecycle policy that is there.
pub(super) async fn read_lifecycle(aws: &Aws, name: &str) -> Result<Option<Value>, CloudError> {
    let call = aws.ecr().get_lifecycle_policy().repository_name(name);
    let answer = missing_is_none(call.send().await.map_err(failed(&GET_LIFECYCLE_POLICY)))?;
    Ok(answer.and_then(|answer| answer.lifecycle_policy_text).map(|text| match serde_json::from_str(&text) {
        Ok(policy) => lifecycle(&policy),
        Err(_) => Value::Doc(text),
    }))
}

/// The repository policy that is there.
pub(super) async fn read_policy(aws: &Aws, name: &str) -> Result<Option<Value>, CloudError> {
    let call = aws.ecr().get_repository_policy().repository_name(name);
    let answer = missing_is_none(call.send().await.map_err(failed(&GET_REPOSITORY_POLICY)))?;
    Ok(answer.and_then(|answer| answer.policy_text).map(|text| match serde_json::from_str::<Json>(&text) {
        Ok(policy) => Value::Doc(CanonicalDocument::new(&policy, aws.facts().partition()).to_pretty_json()),
        Err(_) => Value::Doc(text),
    }))
}

/// The normal form of a lifecycle policy: rules by priority, lists of tags sorted, empty lists left out, keys in one order.
pub(super) fn lifecycle(policy: &Json) -> Value {
    let mut policy = ordered(policy);
    if let Some(rules) = policy.get_mut("rules").and_then(Json::as_array_mut) {
        rules.sort_by_key(|rule| rule.get("rulePriority").and_then(Json::as_i64));
    }
    Value::Doc(format!("{policy:#}"))
}

fn ordered(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<(&String, Json)> = map
                .iter()
                .filter(|(_, value)| value.as_array().is_none_or(|list| !list.is_empty()))
                .map(|(key, value)| match key.as_str() {
                    "tagPatternList" | "tagPrefixList" => (key, sorted(value)),
                    _ => (key, ordered(value)),
                })
                .collect();
            let place = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
            entries.sort_by(|(one, _), (other, _)| place(one).cmp(&place(other)).then_with(|| one.cmp(other)));
            Json::Object(entries.into_iter().map(|(key, value)| (key.clone(), value)).collect::<Map<_, _>>())
        }
        Json::Array(list) => Json::Array(list.iter().map(ordered).collect()),
        other => other.clone(),
    }
}

fn sorted(list: &Json) -> Json {
    let Some(items) = list.as_array() else { return list.clone() };
    let mut items = items.clone();
    items.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    Json::Array(items)
}

/// The document without white space, which counts towards the limits.
pub(super) fn compact(text: &str) -> String {
    match serde_json::from_str::<Json>(text) {
        Ok(document) => document.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// A number of images in words; `more` when not all of them were counted.
pub(super) fn count(images: usize, more: bool) -> Option<String> {
    match images {
        0 => None,
        count if more => Some(format!("{count} images or more")),
        1 => Some("1 image".into()),
        count => Some(format!("{count} images")),
    }
}

/// A request that could not even be built.
pub(super) fn invalid(call: &str, error: &dyn Error) -> CloudError {
    CloudError::new(Class::Invalid, call, error.to_string())
}
