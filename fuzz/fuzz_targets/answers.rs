//! Anything that AWS might answer is read without a panic, and what was read does not differ from itself.
#![no_main]

use hatoba_engine::diff::differences;
use hatoba_engine::snapshot::Sighting;
use hatoba_model::facts::Facts;
use hatoba_provider::normal;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fn settled(live: Option<Sighting>) {
    let Some(live) = live else { return };
    let changes = differences(live.kind, &live.fields, &live.fields);
    assert!(changes.is_empty(), "{} differs from itself: {changes:?}", live.kind.name);
}

fuzz_target!(|text: &str| {
    let (Ok(account), Ok(region)) = ("123456789012".parse(), "us-west-2".parse()) else { return };
    let facts = Facts { account, region };
    let _ = normal::policy_document(text, &facts);
    let Ok(answer) = serde_json::from_str::<Value>(text) else { return };
    settled(normal::service(&answer));
    settled(normal::task_definition(&answer, &facts));
    let mut task = json!({ "taskDefinitionArn": "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:1" });
    if let (Some(task), Some(members)) = (task.as_object_mut(), answer.as_object()) {
        task.extend(members.clone());
    }
    settled(normal::task_definition(&json!({ "taskDefinition": task }), &facts));
});
