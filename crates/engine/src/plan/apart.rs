//! Changes that are taken apart: what users hold is added before they change, and taken away after.

use crate::desired::Desired;
use crate::diff::{FieldChange, differences, settled};
use crate::kind::Unset;
use crate::owner::Mark;
use crate::snapshot::Sighting;
use crate::value::Value;

use super::keep::is_of;
use super::usage::Usage;
use super::{Act, Step, Why};

/// Takes apart every update that takes something away from users that change in the same plan.
pub(super) fn grow_before_shrink(steps: &mut Vec<Step>, usage: &Usage<'_>) {
    let mut later = Vec::new();
    for at in 0..steps.len() {
        let Some(step) = steps.get(at).filter(|step| shrinks(step)) else { continue };
        let users: Vec<&Sighting> = step.live.iter().flat_map(|live| usage.users(live)).collect();
        if !steps.iter().any(|other| users.iter().any(|user| is_of(other, user))) {
            continue;
        }
        let Some(step) = steps.get_mut(at) else { continue };
        match halves(step) {
            Some((grow, shrink)) => {
                *step = grow;
                later.push(shrink);
            }
            None => step.why = Why::UsersFirst,
        }
    }
    for mut step in later {
        step.id = steps.len();
        steps.push(step);
    }
}

/// The fields of which items are taken away that users may hold.
fn shrinking<'s>(want: &'s Desired, live: &'s Sighting) -> impl Iterator<Item = (&'static str, Value)> + use<'s> {
    want.kind.fields.iter().filter(|field| field.users_first).filter_map(|field| {
        let wanted = want.fields.get(field.name).map(Value::list_texts).unwrap_or_default();
        let there = live.fields.get(field.name).map(Value::list_texts).unwrap_or_default();
        let goes = there.iter().any(|item| !wanted.contains(item));
        goes.then(|| (field.name, Value::set(wanted.into_iter().chain(there))))
    })
}

fn shrinks(step: &Step) -> bool {
    match (&step.act, &step.want, &step.live) {
        (Act::Update { .. }, Some(want), Some(live)) => shrinking(want, live).next().is_some(),
        _ => false,
    }
}

/// The update without what it takes away, and what it takes away; nothing if it does nothing else.
fn halves(step: &Step) -> Option<(Step, Step)> {
    let (want, live) = (step.want.as_ref()?, step.live.as_ref()?);
    let mut grown = want.clone();
    grown.fields.extend(shrinking(want, live).map(|(name, value)| (name.to_owned(), value)));
    let changes = differences(want.kind, &grown.fields, &live.fields);
    if changes.is_empty() {
        return None;
    }
    let between = after(&grown, live);
    let rest = differences(want.kind, &want.fields, &between.fields);
    let grow = Step { act: update(&grown, &changes), changes, want: Some(grown), ..step.clone() };
    let shrink =
        Step { act: update(want, &rest), why: Why::UsersFirst, changes: rest, live: Some(between), ..step.clone() };
    Some((grow, shrink))
}

fn update(want: &Desired, changes: &[FieldChange]) -> Act {
    Act::Update { groups: want.kind.groups_of(changes) }
}

/// How a resource looks once an update has been made.
fn after(want: &Desired, live: &Sighting) -> Sighting {
    let mut live = live.clone();
    for field in want.kind.fields {
        match (want.fields.get(field.name), field.unset) {
            (Some(value), _) => {
                let value = settled(field, value, live.fields.get(field.name));
                live.fields.insert(field.name.to_owned(), value);
            }
            (None, Unset::Default(default)) => drop(live.fields.insert(field.name.to_owned(), default())),
            (None, Unset::Absent) => drop(live.fields.remove(field.name)),
            (None, Unset::Unmanaged) => {}
        }
    }
    if let Some(tags) = want.fields.get("tags") {
        live.mark = Mark::from_tags(&tags.map_texts());
    }
    live
}
