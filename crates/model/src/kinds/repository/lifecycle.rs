//! What ECR refuses in a lifecycle policy. Source: ECR user guide, "Lifecycle policy properties".

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::check::{Check, shorten};
use crate::diag::nearest;

/// The longest policy, in characters (`PutLifecyclePolicy`).
const LONGEST: usize = 30_720;

const TOP: &[&str] = &["rules"];
const RULE: &[&str] = &["rulePriority", "description", "selection", "action"];
const SELECTION: &[&str] =
    &["tagStatus", "tagPrefixList", "tagPatternList", "storageClass", "countType", "countUnit", "countNumber"];
const ACTION: &[&str] = &["type", "targetStorageClass"];
const TAG_STATUS: &[&str] = &["tagged", "untagged", "any"];
const COUNT_TYPES: &[&str] = &["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"];
const ACTIONS: &[&str] = &["expire", "transition"];
const CLASSES: &[&str] = &["standard", "archive"];

/// Reports everything in a lifecycle policy that ECR would refuse.
pub(super) fn check(policy: &Value, cx: &mut Check<'_>) {
    let Some(top) = policy.as_object() else {
        cx.error(&["lifecycle"], "lifecycle-shape", "a lifecycle policy is a mapping with `rules`")
            .help("write `lifecycle: { rules: [ … ] }`, or `keep_images: 10`");
        return;
    };
    known(top, TOP, &["lifecycle"], cx);
    let Some(rules) = top.get("rules").and_then(Value::as_array).filter(|rules| !rules.is_empty()) else {
        cx.error(
            &["lifecycle"],
            "lifecycle-rules",
            "a lifecycle policy needs a list of `rules` with at least one rule",
        )
        .help("to keep everything, remove `lifecycle`");
        return;
    };
    let length = policy.to_string().chars().count();
    if length > LONGEST {
        cx.error(
            &["lifecycle"],
            "lifecycle-length",
            format!("the policy has {length} characters; ECR takes {LONGEST}"),
        )
        .help("merge rules, or shorten their descriptions");
    }
    let mut priorities = BTreeSet::new();
    let highest = rules.iter().filter_map(priority).max();
    for (at, rule) in rules.iter().enumerate() {
        let at = at.to_string();
        let place = ["lifecycle", "rules", at.as_str()];
        let Some(rule) = rule.as_object() else {
            cx.error(&place, "lifecycle-shape", "a rule is a mapping")
                .help("it has `rulePriority`, `selection` and `action`");
            continue;
        };
        known(rule, RULE, &place, cx);
        match rule.get("rulePriority").and_then(Value::as_i64) {
            Some(number) if number >= 1 => {
                if !priorities.insert(number) {
                    cx.error(
                        &[&place[..], &["rulePriority"]].concat(),
                        "lifecycle-priority",
                        format!("two rules have the priority {number}"),
                    )
                    .help("number the rules 1, 2, 3, …; lower numbers are applied first");
                }
            }
            _ => {
                cx.error(&place, "lifecycle-priority", "a rule needs a `rulePriority` of 1 or more")
                    .help("number the rules 1, 2, 3, …; lower numbers are applied first");
            }
        }
        selection(rule, &place, highest, cx);
    }
}

fn priority(rule: &Value) -> Option<i64> {
    rule.get("rulePriority").and_then(Value::as_i64)
}

fn selection(rule: &Map<String, Value>, place: &[&str], highest: Option<i64>, cx: &mut Check<'_>) {
    let action = object(rule, "action", ACTION, place, cx);
    let Some(selection) = object(rule, "selection", SELECTION, place, cx) else { return };
    let place = &[place, &["selection"]].concat();
    let at = |key| [&place[..], &[key]].concat();
    let filled = |key: &str| selection.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    match one_of(selection, "tagStatus", TAG_STATUS, place, cx) {
        Some("tagged") if !filled("tagPrefixList") && !filled("tagPatternList") => {
            cx.error(place, "lifecycle-tags", "`tagStatus: tagged` needs a `tagPatternList` or a `tagPrefixList`")
                .help("`tagPatternList: [\"*\"]` selects all tagged images");
        }
        Some("any") if priority(&Value::Object(rule.clone())) < highest => {
            cx.error(
                &at("tagStatus"),
                "lifecycle-any-last",
                "the rule with `tagStatus: any` must have the highest `rulePriority`",
            )
            .help("it would otherwise take the images away from the rules after it");
        }
        _ => {}
    }
    if filled("tagPrefixList") && filled("tagPatternList") {
        cx.error(&at("tagPrefixList"), "either-or", "`tagPrefixList` and `tagPatternList` exclude each other")
            .help("a prefix `v` is the pattern `v*`");
    }
    let count = one_of(selection, "countType", COUNT_TYPES, place, cx);
    let number = selection.get("countNumber").and_then(Value::as_i64);
    if number.is_none_or(|number| number < 1) {
        cx.error(place, "lifecycle-count", "a selection needs a `countNumber` of 1 or more")
            .help("so many images, or so many days, depending on `countType`");
    }
    let unit = selection.get("countUnit").and_then(Value::as_str);
    match count {
        Some("imageCountMoreThan") if unit.is_some() => {
            cx.error(&at("countUnit"), "lifecycle-unit", "`countType: imageCountMoreThan` takes no `countUnit`")
                .help("remove it");
        }
        Some(other) if other != "imageCountMoreThan" && unit != Some("days") => {
            cx.error(place, "lifecycle-unit", format!("`countType: {other}` needs `countUnit: days`"))
                .help("add `countUnit: days`");
        }
        _ => {}
    }
    if selection.contains_key("storageClass") {
        one_of(selection, "storageClass", CLASSES, place, cx);
    }
    let Some(action) = action else { return };
    let Some(what) = one_of(action, "type", ACTIONS, &[&place[..place.len() - 1], &["action"]].concat(), cx) else {
        return;
    };
    match (count, what) {
        (Some("sinceImagePulled"), "expire") => {
            cx.error(
                &at("countType"),
                "lifecycle-action",
                "`sinceImagePulled` can only move images to the archive, not expire them",
            )
            .help("use `action: { type: transition, targetStorageClass: archive }`, or `countType: sinceImagePushed`");
        }
        (Some("sinceImageTransitioned"), "transition") => {
            cx.error(
                &at("countType"),
                "lifecycle-action",
                "`sinceImageTransitioned` counts images in the archive, which can only expire",
            )
            .help("use `action: { type: expire }`");
        }
        (Some("sinceImageTransitioned"), _) if number.is_some_and(|days| days < 90) => {
            cx.error(&at("countNumber"), "lifecycle-archive", "images stay in the archive for at least 90 days")
                .help("write 90 or more");
        }
        _ => {}
    }
    if what == "transition" && action.get("targetStorageClass").and_then(Value::as_str) != Some("archive") {
        cx.error(
            &[&place[..place.len() - 1], &["action"]].concat(),
            "lifecycle-action",
            "a transition needs `targetStorageClass: archive`",
        )
        .help("add `targetStorageClass: archive`");
    }
}

fn object<'r>(
    rule: &'r Map<String, Value>,
    key: &str,
    keys: &[&str],
    place: &[&str],
    cx: &mut Check<'_>,
) -> Option<&'r Map<String, Value>> {
    let found = rule.get(key).and_then(Value::as_object);
    match found {
        Some(found) => known(found, keys, &[place, &[key]].concat(), cx),
        None => {
            cx.error(place, "missing-key", format!("a rule needs `{key}`"))
                .help(format!("its keys are: {}", keys.join(", ")));
        }
    }
    found
}

/// The text of a key that must be one of a few words.
fn one_of<'r>(
    map: &'r Map<String, Value>,
    key: &str,
    words: &[&'static str],
    place: &[&str],
    cx: &mut Check<'_>,
) -> Option<&'r str> {
    let Some(text) = map.get(key).and_then(Value::as_str) else {
        cx.error(place, "missing-key", format!("`{key}` is required"))
            .help(format!("it is one of: {}", words.join(", ")));
        return None;
    };
    if words.contains(&text) {
        return Some(text);
    }
    let mut report =
        cx.error(&[place, &[key]].concat(), "lifecycle-value", format!("`{key}` cannot be `{}`", shorten(text)));
    match nearest(text, words.iter().copied()) {
        Some(near) => report.help(format!("did you mean `{near}`?")),
        None => report.help(format!("it is one of: {}", words.join(", "))),
    };
    None
}

fn known(map: &Map<String, Value>, keys: &[&str], place: &[&str], cx: &mut Check<'_>) {
    for key in map.keys().filter(|key| !keys.contains(&key.as_str())) {
        let message = format!("a lifecycle policy has no `{}` here", shorten(key));
        let mut report = cx.error(&[place, &[key.as_str()]].concat(), "unknown-key", message);
        match nearest(key, keys.iter().copied()) {
            Some(near) => report.help(format!("did you mean `{near}`?")),
            None => report.help(format!("the keys here are: {}", keys.join(", "))),
        };
    }
}
