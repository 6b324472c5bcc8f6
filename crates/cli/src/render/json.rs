//! Plans and outcomes as JSON. The schema is described in `docs/json.md` and only ever grows.

use hatoba_engine::diff::FieldChange;
use hatoba_engine::execute::{Outcome, StepEnd, StepError};
use hatoba_engine::plan::{Act, Intent, Plan, Step};
use serde_json::{Map, Value as Json, json};

use super::value::{Node, PENDING, SENSITIVE, Secrets, join};

/// A plan.
pub(crate) fn plan(plan: &Plan) -> Json {
    let unknown = plan.unknown.iter().map(|(address, reason)| json!({ "address": address, "reason": reason }));
    json!({
        "stack": plan.stack,
        "intent": match plan.intent { Intent::Present => "apply", Intent::Absent => "destroy" },
        "empty": plan.is_empty(),
        "counts": plan.counts(),
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
        "refusals": plan.refusals,
        "notes": plan.notes,
        "unchanged": plan.unchanged,
        "unknown": unknown.collect::<Vec<_>>(),
        "unread": plan.unread,
    })
}

fn step(step: &Step) -> Json {
    let action = match &step.act {
        Act::Create { .. } => "create",
        Act::Update { .. } => "update",
        Act::Delete { .. } => "delete",
        Act::Release => "release",
        Act::Settle { .. } => "wait",
    };
    json!({
        "id": step.id,
        "address": step.address,
        "kind": step.kind.name,
        "name": step.name,
        "aws_id": step.live.as_ref().map(|live| live.id.as_str()),
        "action": action,
        "calls": step.calls(),
        "why": step.why,
        "after": step.after,
        "changes": step.changes.iter().map(|change| field(step, change)).collect::<Vec<_>>(),
    })
}

fn field(step: &Step, change: &FieldChange) -> Json {
    let secrets = Secrets::new(step, change);
    let mut places = Places::default();
    let mut side = |value: &Option<hatoba_engine::value::Value>| {
        value.as_ref().map(|value| plain(&secrets.node(value, &change.path), &change.path, &mut places))
    };
    let (before, after) = (side(&change.before), side(&change.after));
    json!({
        "path": change.path,
        "before": before,
        "after": after,
        "sensitive": places.sensitive,
        "known_after_apply": places.pending,
        "call": change.call.as_deref().map(|group| step.calls_of(group).join(", ")),
    })
}

/// Where the text of a value is not the value itself.
#[derive(Default)]
struct Places {
    sensitive: Vec<String>,
    pending: Vec<String>,
}

fn plain(node: &Node, path: &str, places: &mut Places) -> Json {
    let note = |list: &mut Vec<String>| {
        if !list.iter().any(|known| known == path) {
            list.push(path.to_owned());
        }
    };
    match node {
        // Words are switches and numbers, which JSON spells the same way.
        Node::Word(word) => word.parse().unwrap_or_else(|_| Json::String(word.clone())),
        Node::Text(text) | Node::Doc(text) => text.as_str().into(),
        Node::Hidden => {
            note(&mut places.sensitive);
            SENSITIVE.into()
        }
        Node::Pending => {
            note(&mut places.pending);
            PENDING.into()
        }
        Node::List(items) => {
            items.iter().enumerate().map(|(at, item)| plain(item, &format!("{path}[{at}]"), places)).collect()
        }
        Node::Map(parts) => {
            let parts = parts.iter().map(|(key, part)| (key.clone(), plain(part, &join(path, key), places)));
            Json::Object(parts.collect::<Map<_, _>>())
        }
    }
}

/// How a plan ended.
pub(crate) fn outcome(plan: &Plan, outcome: &Outcome) -> Json {
    let steps: Vec<Json> = outcome
        .steps
        .iter()
        .filter_map(|(id, end)| {
            let step = plan.steps.get(*id)?;
            let (result, error) = match end {
                StepEnd::Done => ("done", None),
                StepEnd::AlreadyDone => ("already_done", None),
                StepEnd::Failed(error) => ("failed", Some(error)),
                StepEnd::NotTried => ("not_tried", None),
            };
            let cloud = error.and_then(|error| match error {
                StepError::Cloud(error) => Some(error),
                StepError::Stale(_) | StepError::TooLong { .. } | StepError::Interrupted(_) | StepError::Unknown(_) => {
                    None
                }
            });
            Some(json!({
                "id": id,
                "address": step.address,
                "result": result,
                "error": error.map(ToString::to_string),
                "code": cloud.and_then(|error| error.code.as_deref()),
                "request_id": cloud.and_then(|error| error.request_id.as_deref()),
            }))
        })
        .collect();
    json!({ "complete": outcome.is_complete(), "interrupted": outcome.interrupted, "steps": steps })
}

#[cfg(test)]
mod tests {
    use hatoba_engine::value::Value;

    use super::super::testkit;
    use super::*;

    #[test]
    fn secrets_and_unknowns_are_named_by_their_place() {
        let after = Value::map([
            ("a.b", Value::text("open")),
            ("password", Value::text("hunter2")),
            ("id", Value::pending("group.papyrus", "id")),
            ("n", Value::Int(3)),
        ]);
        let plan = testkit::plan(vec![testkit::create("papyrus", vec![testkit::set("parts", after)])]);
        let json = super::plan(&plan);
        assert!(!json.to_string().contains("hunter2"));
        let change = &json["steps"][0]["changes"][0];
        assert_eq!(change["sensitive"], json!(["parts.password"]));
        assert_eq!(change["known_after_apply"], json!(["parts.id"]));
        assert_eq!(change["after"]["n"], json!(3));
        assert_eq!(change["after"]["a.b"], json!("open"));
        assert_eq!(json["counts"]["create"], json!(1));
        assert_eq!(json["empty"], json!(false));
    }
}
