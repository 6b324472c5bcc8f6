//! Plans and outcomes as JSON; the schema is described in `docs/json.md`.

use hatoba_engine::diff::FieldChange;
use hatoba_engine::execute::{Outcome, StepEnd};
use hatoba_engine::plan::{Act, Intent, Plan, Step};
use hatoba_engine::value::Value;
use serde_json::{Value as Json, json};

use super::value::{PENDING, SENSITIVE};

/// A plan.
pub(crate) fn plan(plan: &Plan) -> Json {
    json!({
        "stack": plan.stack,
        "intent": match plan.intent { Intent::Present => "apply", Intent::Absent => "destroy" },
        "empty": plan.is_empty(),
        "counts": plan.counts(),
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
        "refusals": plan.refusals,
        "notes": plan.notes,
        "unchanged": plan.unchanged,
        "unknown": plan.unknown.iter().map(|(address, reason)| json!({ "address": address, "reason": reason })).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Json {
    let (action, calls): (&str, Vec<&str>) = match &step.act {
        Act::Create { then } => ("create", [step.kind.create_call].into_iter().chain(then.iter().copied()).collect()),
        Act::Update { groups } => ("update", groups.clone()),
        Act::Delete { .. } => ("delete", vec![step.kind.delete_call]),
        Act::Release => ("release", Vec::new()),
        Act::Settle { .. } => ("wait", Vec::new()),
    };
    json!({
        "id": step.id,
        "address": step.address,
        "kind": step.kind.name,
        "name": step.name,
        "aws_id": step.live.as_ref().map(|live| live.id.as_str()),
        "action": action,
        "calls": calls,
        "why": step.why,
        "after": step.after,
        "changes": step.changes.iter().map(|change| field(step, change)).collect::<Vec<_>>(),
    })
}

fn field(step: &Step, change: &FieldChange) -> Json {
    let row = step.kind.field(change.path.split(['.', '[']).next().unwrap_or_default());
    let secret = |path: &str| change.sensitive || row.is_some_and(|row| (row.sensitive)(path));
    json!({
        "path": change.path,
        "before": change.before.as_ref().map(|value| masked(value, &change.path, &secret)),
        "after": change.after.as_ref().map(|value| masked(value, &change.path, &secret)),
        "sensitive": change.sensitive,
        "call": change.call,
    })
}

fn masked(value: &Value, path: &str, secret: &dyn Fn(&str) -> bool) -> Json {
    if secret(path) {
        return SENSITIVE.into();
    }
    match value {
        Value::Pending(_) => PENDING.into(),
        Value::Keep(inner) => masked(inner, path, secret),
        Value::List(items) => items.iter().map(|item| masked(item, path, secret)).collect(),
        Value::Map(parts) => {
            parts.iter().map(|(key, part)| (key.clone(), masked(part, &format!("{path}.{key}"), secret))).collect()
        }
        Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::Doc(_) => value.to_json(),
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
                StepEnd::Failed(error) => ("failed", Some(error.to_string())),
                StepEnd::NotTried => ("not_tried", None),
            };
            Some(json!({ "id": id, "address": step.address, "result": result, "error": error }))
        })
        .collect();
    json!({ "complete": outcome.is_complete(), "interrupted": outcome.interrupted, "steps": steps })
}
