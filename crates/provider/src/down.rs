//! What `hatoba down` and `hatoba up` want: services as they are, but stopped or running, and nothing else of the file. Pure.

use std::collections::BTreeSet;

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::diff::differences;
use hatoba_engine::plan::{Act, Note, Plan, Refusal, Step};
use hatoba_engine::snapshot::{Readiness, Sighting};
use hatoba_engine::value::Value;

use crate::deploy::{Pair, as_it_is};
use crate::kinds::service::power::{REMEMBERED, Seen, count_of, readable};

/// What is wanted of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Power {
    /// Nothing runs.
    Down,
    /// They run as before.
    Up,
    /// They run as before until this moment, written `2026-11-21T20:00:00`, in UTC.
    Until(String),
}

/// A goal of services that are as they are, but for whether they run.
pub fn goal(stack: &str, services: &[Pair<'_>], power: &Power) -> Goal {
    let resources = services.iter().map(|pair| (pair.want.address.clone(), wish(*pair, power))).collect();
    Goal { stack: stack.to_owned(), region: None, resources, content: false }
}

fn wish(pair: Pair<'_>, power: &Power) -> Desired {
    let mut want = as_it_is(pair, pair.live, BTreeSet::new());
    let idle = want.fields.get("running") == Some(&Value::text("no copy"));
    if *power == Power::Down && idle && is_off_in_file(pair.want) {
        // Nobody stops what the file lets run no copy of: nothing would start it again.
        return want;
    }
    let running = match power {
        Power::Down => Value::Bool(false),
        Power::Up => Value::Bool(true),
        Power::Until(moment) => Value::Text(format!("until {}", readable(moment))),
    };
    if *power != Power::Down && want.fields.get("running") != Some(&running) {
        want.fields.insert("copies".into(), Value::Int(copies(pair)));
    }
    want.fields.insert("running".into(), running);
    want
}

/// How many copies are started: what the file says; where it leaves that open, as many as ran before, else as many as run now, else as many
/// as the file begins with, else one. Never more or fewer than what scales it allows.
fn copies(pair: Pair<'_>) -> i64 {
    let said = match pair.want.fields.get("desired_count") {
        Some(Value::Int(count)) if *count > 0 => Some(*count),
        _ => None,
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_int).filter(|count| *count > 0);
    let part = |field: &str, name: &str| number(pair.want.fields.get(field).and_then(|value| value.get(name)));
    let copies = said
        .or_else(|| remembered(pair.live))
        .or_else(|| number(pair.live.fields.get("desired_count")))
        .or_else(|| number(pair.want.fields.get("desired_count")))
        .or_else(|| part("schedule", "count"))
        .or_else(|| part("autoscaling", "min"))
        .unwrap_or(1);
    Seen::of(pair.live).map_or(copies, |seen| seen.allowed(copies))
}

/// What stands in the way of letting go of services: whoever gets one back that `hatoba down` holds stopped would not know how it ran, and one
/// that runs by an `up --for` would be stopped by nobody.
/// Where the file wants no copy it is as it should be, and what takes its place remembers for it.
pub fn held_back(goal: &Goal, plan: &Plan) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let rests = |step: &Step| goal.resources.get(&step.address).is_some_and(is_off_in_file);
    let follows = |step: &Step| {
        let heir = |other: &Step| other.want.as_ref().is_some_and(|want| want.fields.contains_key(REMEMBERED));
        plan.steps.iter().any(|other| other.address == step.address && heir(other))
    };
    for step in plan.steps.iter().filter(|step| step.act == Act::Release && !rests(step) && !follows(step)) {
        let Some(seen) = step.live.as_ref().and_then(Seen::of).filter(Seen::is_down) else { continue };
        let problem = match seen.ends() {
            Some(end) => format!("is let go of, but runs until {end} (`hatoba up --for`), and would then be stopped"),
            None => {
                "is let go of, but `hatoba down` holds it stopped, and its tags, which go, say how it ran".to_owned()
            }
        };
        refusals.push(Refusal {
            address: Some(step.address.clone()),
            problem,
            help: format!(
                "run `hatoba up {}` first, with the service in the file, so that it stays as it was",
                step.address.name
            ),
        });
    }
    refusals
}

/// Whether a schedule or a load of the file's goes on moving a service that is let go of.
pub fn is_scaled(live: &Sighting) -> bool {
    Seen::of(live).is_some_and(|seen| seen.is_scaled())
}

/// Lets services that take the place of others begin as those are: where `hatoba down` holds the predecessor stopped, the successor is
/// created with no copy and the same memory, so that `hatoba up` starts it. A predecessor is a service of the same address that is on its
/// way out, or that goes because its name, its cluster or what cannot be changed in place is another one now.
///
/// Returns what whoever reads the plan should know of them.
pub fn stays_stopped(goal: &mut Goal, seen: &[Sighting]) -> Vec<Note> {
    let (mut notes, stack) = (Vec::new(), goal.stack.clone());
    for want in goal.resources.values_mut().filter(|want| want.kind.name == "service" && !want.existing) {
        let before: Vec<Seen> = predecessors(&stack, want, seen).into_iter().flatten().filter_map(Seen::of).collect();
        let held: Option<Vec<String>> = before.iter().map(Seen::held).collect();
        let text = if let Some(memory) = held.and_then(|held| held.into_iter().next()) {
            want.fields.insert("running".into(), false.into());
            want.fields.insert("desired_count".into(), Value::Int(0));
            want.fields.insert(REMEMBERED.into(), Value::Text(memory));
            "begins stopped, as `hatoba down` left the one that it replaces; `hatoba up` starts it".to_owned()
        } else if let Some(end) = before.iter().find_map(Seen::ends) {
            format!(
                "the one that it replaces runs until {end} (`hatoba up --for`); this one has no end until `hatoba up --for` sets it"
            )
        } else {
            continue;
        };
        notes.push(Note { address: want.address.clone(), name: want.name.clone(), text, stays: false });
    }
    notes
}

/// The services that a wish takes the place of; nothing where what is there is changed in place.
fn predecessors<'a>(stack: &str, want: &Desired, seen: &'a [Sighting]) -> Option<Vec<&'a Sighting>> {
    let services = || seen.iter().filter(|live| live.kind.name == want.kind.name);
    let stays = |live: &Sighting| {
        let fixed = || differences(want.kind, &want.fields, &live.fields).iter().any(|change| change.call.is_none());
        !matches!(live.readiness, Readiness::Deleting(_)) && !fixed()
    };
    if services().filter(|live| want.names(live)).any(stays) {
        return None;
    }
    let address = want.address.to_string();
    let ours = |live: &&Sighting| live.mark.as_ref().is_some_and(|mark| mark.stack == stack && mark.address == address);
    Some(services().filter(ours).collect())
}

/// How many copies a service is to remember that is created stopped.
pub fn to_remember(want: &Desired) -> Option<i64> {
    count_of(want.fields.get(REMEMBERED)?.as_text()?)
}

/// How many copies of a service ran before it was stopped, as its tag remembers.
pub fn remembered(live: &Sighting) -> Option<i64> {
    Seen::of(live)?.remembered()
}

/// Whether the file wants no copy of a service: then it is not `up` that starts one.
pub fn is_off_in_file(want: &Desired) -> bool {
    want.fields.get("desired_count") == Some(&Value::Int(0)) && !want.fields.contains_key(REMEMBERED)
}

#[cfg(test)]
#[path = "down_tests.rs"]
mod tests;
