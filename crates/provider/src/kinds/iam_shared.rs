//! What roles, users and policies have in common on the wire and in normal form.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AttachedPermissionsBoundary, AttachedPolicy, PolicyDetail, Tag};
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::KindInfo;
use hatoba_engine::owner::Origin;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::iam::{canonical_in, parse_url_encoded, to_pretty_json};
use hatoba_model::kinds::iam_shared::{PolicyDocument, PolicyRef};

use crate::desire::{Desire, Wish};
use crate::tags::{self, Tags};

/// A policy document in normal form.
pub(super) fn document(document: &serde_json::Value, facts: &Facts) -> Value {
    Value::Doc(to_pretty_json(&canonical_in(document, facts.partition())))
}

/// A policy document as IAM answers it, in normal form. What cannot be read is shown as it came, so that it differs.
pub(crate) fn answered(text: &str, facts: &Facts) -> Value {
    match parse_url_encoded(text) {
        Ok(parsed) => document(&parsed, facts),
        Err(_) => Value::Doc(text.to_owned()),
    }
}

/// What is read of a role or a user, whichever call it came from. `None` for what that call does not tell.
#[derive(Debug, Default)]
pub(super) struct Principal {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) tags: Tags,
    pub(super) boundary: Option<String>,
    pub(super) attached: Option<Vec<String>>,
    pub(super) inline: Option<BTreeMap<String, Value>>,
}

impl Principal {
    /// The sighting, as far as roles and users are alike. `noun` is `role` or `user`, as in ARNs. The ARN is computed: right
    /// after a create IAM may answer with the bare unique id in its place.
    pub(super) fn sighting(self, kind: &'static KindInfo, noun: &str, facts: &Facts) -> Sighting {
        let arn = facts.iam_arn(format_args!("{noun}{}{}", self.path, self.name));
        let mut live = Sighting::new(kind, arn.clone(), &self.name);
        live.outputs.insert("arn".into(), arn.into());
        live.outputs.insert("name".into(), self.name.into());
        live.fields.insert("path".into(), self.path.into());
        if let Some(boundary) = self.boundary {
            live.uses.push(boundary.clone());
            live.fields.insert("permissions_boundary".into(), boundary.into());
        }
        if let Some(attached) = self.attached {
            live.uses.extend(attached.iter().filter(|arn| !arn.contains(":iam::aws:")).cloned());
            live.fields.insert("managed_policies".into(), Value::set(attached));
        }
        if let Some(inline) = self.inline {
            live.fields.insert("inline_policies".into(), Value::Map(inline));
        }
        live.set_tags(self.tags);
        live
    }
}

/// The ARN of a permissions boundary.
pub(super) fn boundary_arn(boundary: Option<&AttachedPermissionsBoundary>) -> Option<String> {
    boundary?.permissions_boundary_arn().map(str::to_owned)
}

/// The ARNs of attached policies.
pub(super) fn attached_arns(attached: &[AttachedPolicy]) -> Vec<String> {
    attached.iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect()
}

/// Inline policies in normal form.
pub(super) fn inline_policies(policies: &[PolicyDetail], facts: &Facts) -> BTreeMap<String, Value> {
    let read =
        |policy: &PolicyDetail| Some((policy.policy_name()?.to_owned(), answered(policy.policy_document()?, facts)));
    policies.iter().filter_map(read).collect()
}

/// Tags as IAM answers them.
pub(super) fn tags_from(tags: &[Tag]) -> Tags {
    tags::from(tags, |tag| (Some(tag.key()), Some(tag.value())))
}

/// Tags as IAM takes them.
pub(super) fn tags_to(tags: Tags) -> Result<Option<Vec<Tag>>, CloudError> {
    let build = |(key, value)| {
        let tag = Tag::builder().key(key).value(value).build();
        tag.map_err(|error| CloudError::new(Class::Invalid, "iam:Tag", error.to_string()))
    };
    tags.into_iter().map(build).collect::<Result<Vec<Tag>, _>>().map(|tags| (!tags.is_empty()).then_some(tags))
}

/// Sets what roles and users have in common, and what must come before them.
pub(super) fn wish_policies(
    mut wish: Wish,
    cx: &Desire<'_>,
    managed: &[String],
    inline: &BTreeMap<String, PolicyDocument>,
    computed: Option<(&str, serde_json::Value)>,
    boundary: Option<&str>,
) -> Wish {
    let arn = |text: &str| PolicyRef::new(cx.stack, text).arn(cx.stack, cx.facts);
    for text in managed.iter().map(String::as_str).chain(boundary) {
        if let PolicyRef::Own(key) = PolicyRef::new(cx.stack, text) {
            wish = wish.needs("policy", key);
        } else if let Some(key) = policy_with_arn(cx, text) {
            wish = wish.needs("policy", &key);
        }
    }
    let mut documents: BTreeMap<String, Value> =
        inline.iter().map(|(name, policy)| (name.clone(), document(&policy.0, cx.facts))).collect();
    documents.extend(computed.map(|(name, policy)| (name.to_owned(), document(&policy, cx.facts))));
    wish.set("managed_policies", (!managed.is_empty()).then(|| Value::set(managed.iter().map(|text| arn(text)))))
        .set("inline_policies", (!documents.is_empty()).then_some(Value::Map(documents)))
        .set("permissions_boundary", boundary.map(arn))
}

/// The policy of the stack that bears this ARN.
fn policy_with_arn(cx: &Desire<'_>, arn: &str) -> Option<String> {
    let bears = |key: &&String| cx.computed("policies", key, "arn").as_deref() == Some(arn);
    cx.stack.policies.keys().find(bears).cloned()
}

/// What to attach, then what to detach.
pub(super) fn attachments(want: &Resolved, live: &Sighting) -> (Vec<String>, Vec<String>) {
    let wanted: BTreeSet<String> = want.texts("managed_policies").into_iter().collect();
    let there: BTreeSet<String> = attached(live).into_iter().collect();
    (wanted.difference(&there).cloned().collect(), there.difference(&wanted).cloned().collect())
}

/// The ARNs of the managed policies that were seen.
pub(super) fn attached(live: &Sighting) -> Vec<String> {
    live.fields.get("managed_policies").map(Value::list_texts).unwrap_or_default()
}

/// The names of the inline policies that were seen.
pub(super) fn inline_names(live: &Sighting) -> Vec<String> {
    live.fields
        .get("inline_policies")
        .and_then(Value::as_map)
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

/// Inline policies to write, with their text, then those to delete.
pub(super) fn inline_changes(want: &Resolved, live: &Sighting) -> (Vec<(String, String)>, Vec<String>) {
    let wanted = want.fields.get("inline_policies").map(Value::map_texts).unwrap_or_default();
    let there = live.fields.get("inline_policies").map(Value::map_texts).unwrap_or_default();
    let gone = there.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
    let put = wanted.into_iter().filter(|(name, text)| there.get(name) != Some(text)).collect();
    (put, gone)
}

/// Whether a resource of this stack goes on existing when the stack goes.
pub(super) fn outlives(live: &Sighting) -> bool {
    let kept = live.fields.get("tags").is_some_and(|tags| tags.get(hatoba_engine::owner::TAG_RETAIN).is_some());
    kept || live.mark.as_ref().is_none_or(|mark| mark.origin == Origin::Adopted)
}

/// Whether AWS refused to delete something because of what still hangs on it.
pub(super) fn is_delete_conflict(error: &CloudError) -> bool {
    error.code.as_deref() == Some("DeleteConflict")
}

/// Gives sightings the spelling of the wish where they differ only in case: IAM knows one name, however it is spelled.
pub(super) fn spell_as_wanted(seen: &mut [Sighting], wanted: &[String]) {
    for name in wanted {
        if seen.iter().any(|live| live.name == *name) {
            continue;
        }
        if let Some(live) = seen.iter_mut().find(|live| live.name.eq_ignore_ascii_case(name)) {
            live.name.clone_from(name);
        }
    }
}

/// The wishes for a boundary where none was seen. The account read is asked again for these, one by one, before a change is
/// planned.
pub(super) fn without_boundary<'a>(wanted: &[&'a Desired], seen: &[Sighting]) -> Vec<&'a Desired> {
    const FIELD: &str = "permissions_boundary";
    let unseen = |want: &&Desired| seen.iter().any(|live| live.name == want.name && !live.fields.contains_key(FIELD));
    wanted.iter().copied().filter(|want| want.fields.contains_key(FIELD)).filter(unseen).collect()
}

/// Notes the boundary that a second read found.
pub(super) fn add_boundary(seen: &mut [Sighting], name: &str, boundary: Option<String>) {
    if let (Some(arn), Some(live)) = (boundary, seen.iter_mut().find(|live| live.name == name)) {
        live.uses.push(arn.clone());
        live.fields.insert("permissions_boundary".into(), arn.into());
    }
}
