//! Which step has to wait for which. Knows nothing of fields.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::address::Address;

use crate::desired::Goal;
use crate::value::Value;

use super::{Act, Step, StepId};

/// Fills in `after` of every step.
///
/// What is created or changed waits for what it needs. What goes away waits until everything that used it, by the
/// live references, has gone away or has been changed. A replacement waits for its predecessor under the same name.
pub(super) fn edges(steps: &mut [Step], goal: &Goal) {
    let mut building: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
    let mut creating: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
    let mut leaving: BTreeMap<(&str, &str), Vec<&Step>> = BTreeMap::new();
    let mut leaving_by_id: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in steps.iter() {
        if builds(step) {
            building.entry(&step.address).or_default().push(step);
        }
        if matches!(step.act, Act::Create { .. }) {
            creating.entry(&step.address).or_default().push(step);
        }
        if let Some(live) = step.live.as_ref().filter(|_| leaves(step)) {
            leaving.entry((step.kind.name, &step.name)).or_default().push(step);
            let arn = live.outputs.get("arn").and_then(Value::as_text);
            for id in [Some(live.id.as_str()), arn.filter(|arn| *arn != live.id)].into_iter().flatten() {
                leaving_by_id.entry(id).or_default().push(step);
            }
        }
    }
    let mut edges: BTreeSet<(StepId, StepId)> = BTreeSet::new();
    for step in steps.iter() {
        if builds(step)
            && let Some(want) = goal.resources.get(&step.address)
        {
            for first in want.needs.iter().filter_map(|need| building.get(need)).flatten() {
                edges.insert((step.id, first.id));
            }
        }
        if matches!(step.act, Act::Create { .. }) {
            for first in leaving.get(&(step.kind.name, step.name.as_str())).into_iter().flatten() {
                edges.insert((step.id, first.id));
            }
        }
        // Whoever uses something that leaves has to go, or to be changed, before.
        for used in step.live.iter().flat_map(|live| &live.uses).filter_map(|id| leaving_by_id.get(id.as_str())).flatten() {
            if used.id != step.id && !same_name(used, step) {
                edges.insert((used.id, step.id));
            }
        }
        // An old incarnation goes after its successor has come.
        if leaves(step) {
            for first in creating.get(&step.address).into_iter().flatten().filter(|first| first.name != step.name) {
                edges.insert((step.id, first.id));
            }
        }
    }
    for (then, first) in edges {
        if let Some(step) = steps.get_mut(then) {
            step.after.push(first);
        }
    }
}

fn builds(step: &Step) -> bool {
    matches!(step.act, Act::Create { .. } | Act::Update { .. } | Act::Settle { until: crate::wait::Until::Ready })
}

fn leaves(step: &Step) -> bool {
    matches!(step.act, Act::Delete { .. } | Act::Release | Act::Settle { until: crate::wait::Until::Gone })
}

fn same_name(a: &Step, b: &Step) -> bool {
    a.kind.name == b.kind.name && a.name == b.name
}
