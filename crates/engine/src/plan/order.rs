//! Which step has to wait for which. Knows nothing of fields.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::address::Address;

use crate::desired::Goal;
use crate::snapshot::Sighting;
use crate::wait::Until;

use super::usage::Usage;
use super::{Act, Step, StepId, Why};

/// Fills in `after` of every step.
///
/// What is created or changed waits for what it needs. A replacement waits for its predecessor under the same name. What goes away
/// waits until everything that used it, by the live references and by way of others, has gone away or has been changed.
pub(super) fn edges(steps: &mut [Step], goal: &Goal, usage: &Usage<'_>) {
    let mut after = needs(steps, goal);
    // What comes back under its name does not wait for those that wait for it to have come back.
    for (goes, user) in users_first(steps, &|live| usage.users(live).collect()) {
        if !waits_for(&after, user, goes) {
            after.entry(goes).or_default().insert(user);
        }
    }
    for (goes, user) in users_first(steps, &|live| usage.all_users(live).collect()) {
        if !waits_for(&after, goes, user) && !waits_for(&after, user, goes) {
            after.entry(goes).or_default().insert(user);
        }
    }
    for step in steps {
        step.after = after.remove(&step.id).unwrap_or_default().into_iter().collect();
    }
}

type Edges = BTreeMap<StepId, BTreeSet<StepId>>;

/// What has to be there, or to be out of the way, before a step.
fn needs(steps: &[Step], goal: &Goal) -> Edges {
    let mut building: BTreeMap<&Address, Vec<StepId>> = BTreeMap::new();
    let mut creating: BTreeMap<&Address, Vec<&Step>> = BTreeMap::new();
    let mut leaving: BTreeMap<Place<'_>, Vec<StepId>> = BTreeMap::new();
    for step in steps {
        if builds(step) {
            building.entry(&step.address).or_default().push(step.id);
        }
        if matches!(step.act, Act::Create { .. }) {
            creating.entry(&step.address).or_default().push(step);
        }
        if step.live.is_some() && leaves(step) {
            leaving.entry(place(step)).or_default().push(step.id);
        }
    }
    let mut after = Edges::new();
    for step in steps {
        let mut add = |first: StepId| {
            after.entry(step.id).or_default().insert(first);
        };
        if builds(step) || takes_away(step) {
            let wanted = goal.resources.get(&step.address);
            for first in wanted.iter().flat_map(|want| &want.needs).filter_map(|need| building.get(need)).flatten() {
                add(*first);
            }
        }
        if takes_away(step) {
            // The other half of the same change.
            building.get(&step.address).into_iter().flatten().for_each(|first| add(*first));
        }
        if matches!(step.act, Act::Create { .. }) {
            leaving.get(&place(step)).into_iter().flatten().for_each(|first| add(*first));
        }
        // An old incarnation goes after its successor has come.
        if leaves(step) {
            let successors = creating.get(&step.address).into_iter().flatten();
            successors.filter(|first| place(first) != place(step)).for_each(|first| add(first.id));
        }
    }
    after
}

/// For every step that takes something away the steps of those that use it.
fn users_first<'a>(steps: &[Step], users: &dyn Fn(&Sighting) -> Vec<&'a Sighting>) -> BTreeSet<(StepId, StepId)> {
    let mut by_id: BTreeMap<(&str, &str), Vec<&Step>> = BTreeMap::new();
    for step in steps {
        if let Some(live) = &step.live {
            by_id.entry((live.kind.name, &live.id)).or_default().push(step);
        }
    }
    let mut pairs = BTreeSet::new();
    for step in steps.iter().filter(|step| leaves(step) || takes_away(step)) {
        for user in step.live.iter().flat_map(users) {
            for used in by_id.get(&(user.kind.name, user.id.as_str())).into_iter().flatten() {
                if used.id != step.id && place(used) != place(step) {
                    // Until what it uses has been let go of, its user has to be seen: else a run that ends in between is followed by
                    // one that deletes it.
                    let together = step.why == Why::UserLetGo && used.act == Act::Release;
                    pairs.insert(if together { (used.id, step.id) } else { (step.id, used.id) });
                }
            }
        }
    }
    pairs
}

/// Whether a step waits for another, be it by way of others.
fn waits_for(after: &Edges, step: StepId, other: StepId) -> bool {
    let mut open = vec![step];
    let mut visited = BTreeSet::new();
    while let Some(step) = open.pop() {
        if step == other {
            return true;
        }
        if visited.insert(step) {
            open.extend(after.get(&step).into_iter().flatten());
        }
    }
    false
}

fn builds(step: &Step) -> bool {
    matches!(step.act, Act::Create { .. } | Act::Update { .. } | Act::Settle { until: Until::Ready })
        && !takes_away(step)
}

/// Whether a change only takes away what users have let go of.
fn takes_away(step: &Step) -> bool {
    matches!(step.act, Act::Update { .. }) && step.why == Why::UsersFirst
}

fn leaves(step: &Step) -> bool {
    matches!(step.act, Act::Delete { .. } | Act::Release | Act::Settle { until: Until::Gone })
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
