//! Which step has to wait for which. Knows nothing of fields.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::address::Address;

use crate::desired::Goal;

use super::{Act, Step, StepId};

/// Fills in `after` of every step.
///
/// What is created or changed waits for what it needs. What goes away waits until everything that used it, by the
/// live references, has gone away or has been changed. A replacement waits for its predecessor under the same name.
pub(super) fn edges(steps: &mut [Step], goal: &Goal) {
    let mut building: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
    let mut creating: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
    let mut created: BTreeSet<Place<'_>> = BTreeSet::new();
    let mut leaving: BTreeMap<Place<'_>, Vec<&Step>> = BTreeMap::new();
    let mut leaving_by_id: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in steps.iter() {
        if builds(step) {
            building.entry(&step.address).or_default().push(step);
        }
        if matches!(step.act, Act::Create { .. }) {
            creating.entry(&step.address).or_default().push(step);
            created.insert(place(step));
        }
        if let Some(live) = step.live.as_ref().filter(|_| leaves(step)) {
            leaving.entry(place(step)).or_default().push(step);
            for id in live.names() {
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
            for first in leaving.get(&place(step)).into_iter().flatten() {
                edges.insert((step.id, first.id));
            }
        }
        // Whoever uses something that leaves has to go, or to be changed, before. What comes back under the same name does not
        // wait for them: they may wait for it to have come back.
        for used in
            step.live.iter().flat_map(|live| &live.uses).filter_map(|id| leaving_by_id.get(id.as_str())).flatten()
        {
            let comes_back = created.contains(&place(used));
            if used.id != step.id && place(used) != place(step) && !comes_back {
                edges.insert((used.id, step.id));
            }
        }
        // An old incarnation goes after its successor has come.
        if leaves(step) {
            for first in creating.get(&step.address).into_iter().flatten().filter(|first| place(first) != place(step)) {
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

/// What can exist only once: a kind, a name and, for names that are unique only there, where it lives.
type Place<'a> = (&'a str, &'a str, Option<&'a str>);

fn place(step: &Step) -> Place<'_> {
    let scope = match (&step.want, &step.live) {
        (Some(want), _) => want.scope.as_deref(),
        (None, Some(live)) => live.scope.as_deref(),
        (None, None) => None,
    };
    (step.kind.name, &step.name, scope)
}
