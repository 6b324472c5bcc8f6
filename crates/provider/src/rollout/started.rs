//! Which steps of a plan have started a deployment. Pure.

use hatoba_engine::execute::{Outcome, StepEnd};
use hatoba_engine::plan::{Act, Plan, Step};
use hatoba_engine::resolve::fill;
use hatoba_engine::value::{OutputRef, Value};
use hatoba_rollout::follow::Target;

use crate::kinds::service::DEPLOYMENT;

/// The fields of a service whose change starts a deployment: those of which the reference of `UpdateService` says so, and those with
/// which hatoba asks for one.
const STARTS: [&str; 11] = [
    "task_definition",
    "network",
    "platform_version",
    "load_balancers",
    "registries",
    "service_connect",
    "volumes",
    "capacity",
    "launch_type",
    "enable_exec",
    "extra",
];

/// The deployments that a plan has started, as it was carried out.
pub fn started(plan: &Plan, outcome: &Outcome) -> Vec<Target> {
    let done = |step: &&Step| matches!(outcome.steps.get(&step.id), Some(StepEnd::Done));
    plan.steps
        .iter()
        .filter(|step| step.kind.name == "service")
        .filter(done)
        .filter_map(|step| target(step, outcome))
        .collect()
}

fn target(step: &Step, outcome: &Outcome) -> Option<Target> {
    let before = match &step.act {
        Act::Create { .. } => None,
        Act::Update { .. } if step.changes.iter().any(|change| STARTS.contains(&change.row())) => {
            revision(step.live.as_ref()?.fields.get("task_definition")?)
        }
        Act::Update { .. } | Act::Delete { .. } | Act::Release | Act::Settle { .. } => return None,
    };
    let want = step.want.as_ref()?;
    let wanted = want.fields.get("task_definition").map(|value| fill(value, &outcome.known));
    let id = outcome.known.get(&OutputRef::new(&step.address, DEPLOYMENT));
    Some(Target {
        address: step.address.to_string(),
        cluster: want.scope.clone().unwrap_or_else(|| "default".to_owned()),
        service: step.name.clone(),
        deployment: id.and_then(Value::as_text).map(str::to_owned),
        task_definition: wanted.as_ref().and_then(revision),
        before,
    })
}

/// A revision; nothing for a family without one.
fn revision(value: &Value) -> Option<String> {
    let arn = value.as_text()?;
    hatoba_rollout::state::last(arn).contains(':').then(|| arn.to_owned())
}
