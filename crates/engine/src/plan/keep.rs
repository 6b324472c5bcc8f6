//! What stays although it was to be deleted, because something that stays uses it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::snapshot::Sighting;
use crate::value::Value;
use crate::wait::Until;

use super::usage::Usage;
use super::{Act, Note, Step, Why};

/// Takes out every deletion of something that is used for good. What is used by what was to be deleted, and now stays, stays, too.
///
/// Most things are only found by their name or their mark. Where one is let go of, no later plan sees it, and none would know why to keep
/// what it uses: that is let go of together with it. What lives in another resource, as a service does, is found there without a mark.
pub(super) fn keep_used(steps: &mut Vec<Step>, usage: &Usage<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    while let Some((at, user)) =
        steps.iter().enumerate().find_map(|(at, step)| Some((at, used_for_good(step, steps, usage)?)))
    {
        let unseen = user.scope.is_none();
        let released = steps.iter().any(|other| other.act == Act::Release && is_of(other, user));
        match steps.get_mut(at) {
            Some(step) if unseen && released => (step.act, step.why) = (Act::Release, Why::UserLetGo),
            _ => {
                let step = steps.remove(at);
                let text = format!("kept: the {} `{}` uses it, and stays", user.kind.title, user.name);
                notes.push(Note { address: step.address, name: step.name, text, stays: true });
            }
        }
    }
    for (id, step) in steps.iter_mut().enumerate() {
        step.id = id;
    }
    notes
}

/// Who uses something that is to be deleted, and stays.
fn used_for_good<'a>(step: &Step, steps: &[Step], usage: &Usage<'a>) -> Option<&'a Sighting> {
    if !matches!(step.act, Act::Delete { .. }) || matches!(step.why, Why::MustReplace(_)) {
        return None;
    }
    let live = step.live.as_ref()?;
    let mut names = live.names();
    names.extend(live.outputs.get("uri").and_then(Value::as_text));
    let stays = |user: &&Sighting| {
        let mut steps = steps.iter().filter(|other| is_of(other, user));
        !steps.any(|other| match (&other.act, &other.want) {
            (Act::Delete { .. } | Act::Settle { until: Until::Gone }, _) => true,
            (Act::Update { .. }, Some(want)) => !want.fields.values().any(|value| mentions(value, &names)),
            _ => false,
        })
    };
    usage.users(live).find(stays)
}

/// Whether a step changes this one.
pub(super) fn is_of(step: &Step, live: &Sighting) -> bool {
    step.live.as_ref().is_some_and(|there| there.id == live.id && there.kind.name == live.kind.name)
}

/// Whether a value names one of these, be it with a revision, a tag or a digest.
fn mentions(value: &Value, names: &BTreeSet<&str>) -> bool {
    match value {
        Value::Text(text) => names.iter().any(|name| {
            let rest = text.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
        }),
        Value::List(items) => items.iter().any(|item| mentions(item, names)),
        Value::Map(parts) => parts.values().any(|part| mentions(part, names)),
        Value::Keep(inner) => mentions(inner, names),
        Value::Doc(text) => principals(text).iter().any(|principal| names.contains(principal.as_str())),
        Value::Bool(_) | Value::Int(_) | Value::Pending(_) => false,
    }
}

/// Whom a policy document names as principals. What it names as resources is not used by its owner.
fn principals(document: &str) -> Vec<String> {
    fn texts(value: &Json, into: &mut Vec<String>) {
        match value {
            Json::String(text) => into.push(text.clone()),
            Json::Array(items) => items.iter().for_each(|item| texts(item, into)),
            Json::Object(parts) => parts.values().for_each(|part| texts(part, into)),
            _ => {}
        }
    }
    let document: Json = serde_json::from_str(document).unwrap_or_default();
    let statements = match document.get("Statement") {
        Some(Json::Array(statements)) => statements.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let mut found = Vec::new();
    statements.iter().filter_map(|statement| statement.get("Principal")).for_each(|who| texts(who, &mut found));
    found
}
