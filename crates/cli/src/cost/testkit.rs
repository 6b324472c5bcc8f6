//! Stacks of one service, as the provider wants and sees them.
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::kind::Unset;
use hatoba_engine::owner::{Mark, Origin};
use hatoba_engine::plan::{Intent, Plan, plan};
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use hatoba_provider::desire::goal;

use super::change::{self, Change};

/// A file with one service of one task: 0.25 vCPU, 0.5 GB, ARM, a public address; more keys of the service and of the task definition
/// may be given.
pub(crate) fn file(region: &str, service: &str, task: &str) -> String {
    format!(
        "stack: papyrus
region: {region}
clusters: {{ papyrus: {{ capacity_providers: [FARGATE, FARGATE_SPOT] }} }}
task_definitions:
  papyrus: {{ cpu: 256, memory: 512, containers: {{ app: {{ image: \"nginx:1\" }} }}, {task} }}
services:
  papyrus: {{ cluster: papyrus, task_definition: papyrus, network: {{ subnets: [subnet-0123456789abcdef0], public_ip: true }}, {service} }}
"
    )
}

/// Reads a file.
pub(crate) fn stack(text: &str) -> Stack {
    let options = Options {
        env: None,
        vars: &BTreeMap::new(),
        process_env: &|_| None,
        files: &|_| Err("there is no such file".to_owned()),
        account: None,
        region: None,
    };
    load(&Source::new("stack.yaml", text), &options).unwrap_or_else(|found| panic!("{found:?}")).stack
}

/// What a file wants.
pub(crate) fn wanted(stack: &Stack) -> Goal {
    let account = "123456789012".parse().unwrap_or_else(|error| panic!("{error}"));
    goal(stack, &Facts { account, region: stack.region.clone() })
}

/// Everything that a file wants, as it is once it was applied.
pub(crate) fn applied(goal: &Goal) -> Snapshot {
    let resources = goal.resources.values().filter(|want| !want.existing);
    Snapshot { seen: resources.map(live).collect(), ..Snapshot::default() }
}

fn live(want: &Desired) -> Sighting {
    let mut live = Sighting::new(want.kind, id(&want.address.to_string()), &want.name);
    live.scope.clone_from(&want.scope);
    let address = want.address.to_string();
    let mark = Mark { stack: "papyrus".into(), address, origin: Origin::Created, region: None };
    let mut tags = want.tags.clone();
    tags.extend(mark.tags().map(|(key, value)| (key.to_owned(), value)));
    live.fields = want.fields.iter().map(|(name, value)| (name.clone(), settled(value))).collect();
    // What the file leaves out reads as its default.
    for field in want.kind.fields {
        if let Unset::Default(default) = field.unset {
            live.fields.entry(field.name.to_owned()).or_insert_with(default);
        }
    }
    live.set_tags(tags);
    live.outputs.insert("arn".into(), Value::text(&live.id));
    live
}

fn id(address: &str) -> String {
    format!("arn:aws:test:::{address}:1")
}

/// A value as it reads once everything exists.
fn settled(value: &Value) -> Value {
    match value {
        Value::Pending(output) => Value::Text(id(&output.of)),
        Value::Keep(inner) => settled(inner),
        other => other.clone(),
    }
}

/// The plan from what there is to what a file wants.
pub(crate) fn planned(goal: &Goal, seen: &Snapshot, intent: Intent) -> Plan {
    plan(goal, seen, intent).unwrap_or_else(|cycle| panic!("{cycle}"))
}

/// What the way from one file to another costs; from nothing where there was none.
pub(crate) fn change(from: Option<&str>, to: &str) -> Change {
    let to = stack(to);
    let goal = wanted(&to);
    let seen = from.map(|from| applied(&wanted(&stack(from)))).unwrap_or_default();
    change::of(to.region.as_str(), &goal, &seen, &planned(&goal, &seen, Intent::Present))
}
