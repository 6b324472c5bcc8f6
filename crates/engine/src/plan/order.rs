//! Which step has to wait for which. Knows nothing of fields.

use std::collections::BTreeSet;

use crate::desired::Goal;

use super::{Act, Step, StepId};

/// Fills in `after` of every step.
///
/// What is created or changed waits for what it needs. What goes away waits until everything that used it, by the
/// live references, has gone away or has been changed. A replacement waits for its predecessor under the same name.
pub(super) fn edges(steps: &mut [Step], goal: &Goal) {
    let mut edges: BTreeSet<(StepId, StepId)> = BTreeSet::new();
    for step in steps.iter() {
        if matches!(step.act, Act::Create { .. } | Act::Update { .. } | Act::Settle { .. }) {
            if let Some(want) = goal.resources.get(&step.address) {
                for first in steps.iter().filter(|first| builds(first) && want.needs.contains(&first.address)) {
                    edges.insert((first.id, step.id));
                }
            }
        }
        if let Act::Create { .. } = step.act {
            for first in steps.iter().filter(|first| leaves(first) && same_name(first, step)) {
                edges.insert((first.id, step.id));
            }
        }
        if leaves(step) {
            let Some(live) = &step.live else { continue };
            for first in steps.iter().filter(|first| first.id != step.id && !same_name(first, step)) {
                let uses = first.live.as_ref().is_some_and(|user| user.uses.iter().any(|id| live.is_called(id)));
                if uses {
                    edges.insert((first.id, step.id));
                }
            }
            // An old incarnation goes after its successor has come.
            for first in steps.iter().filter(|first| {
                first.address == step.address && first.name != step.name && matches!(first.act, Act::Create { .. })
            }) {
                edges.insert((first.id, step.id));
            }
        }
    }
    for (first, then) in edges {
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
