//! What is said at the end: what was done, what failed and why, what is left.

use std::collections::BTreeMap;

use hatoba_engine::cloud::Class;
use hatoba_engine::desired::Goal;
use hatoba_engine::execute::{Outcome, StepEnd, StepError};
use hatoba_engine::plan::{Act, Plan, Step};
use hatoba_engine::snapshot::{Readiness, Sighting, Snapshot};
use hatoba_engine::value::Value;
use hatoba_provider::down::is_scaled;
use serde::Serialize;

use super::change::{Action, changes};
use super::line::Line;
use super::plan::let_go_because;
use super::{Tone, one_line};

/// How a run ended, for people. `again` is the command that continues.
pub(crate) fn outcome(plan: &Plan, outcome: &Outcome, again: &str) -> Vec<Line> {
    let done = |id: usize| matches!(outcome.steps.get(&id), Some(StepEnd::Done | StepEnd::AlreadyDone));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in changes(plan) {
        if done(change.step.id) {
            *counts.entry(past(change.action)).or_default() += 1;
        }
    }
    let order = ["added", "changed", "replaced", "deleted", "let go of", "ready now"];
    let parts: Vec<String> =
        order.iter().filter_map(|what| counts.get(what).map(|count| format!("{count} {what}"))).collect();
    let done = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    if outcome.is_complete() {
        return vec![Line::new(0).add(Tone::Add, "✓").text(&format!(" Done: {done}."))];
    }
    let mut out = vec![Line::blank(), Line::new(0).add(Tone::Strong, "Not finished.").text(&format!(" Done: {done}."))];
    for (id, error) in outcome.failed() {
        let Some(step) = plan.steps.get(id) else { continue };
        out.push(
            Line::new(2)
                .add(Tone::Error, "✗ ")
                .add(Tone::Strong, &step.address.to_string())
                .text(": ")
                .text(&one_line(&error.to_string())),
        );
        if let Some(help) = help(error) {
            out.push(Line::help(6, help));
        }
        if let StepError::Cloud(error) = error
            && let Some(id) = &error.request_id
        {
            out.push(Line::new(6).hang(8).add(Tone::Faint, &format!("= AWS request id: {id}")));
        }
    }
    let not_tried: Vec<String> = outcome
        .steps
        .iter()
        .filter(|(_, end)| matches!(end, StepEnd::NotTried))
        .filter_map(|(id, _)| plan.steps.get(*id).map(|step| step.address.to_string()))
        .collect();
    if !not_tried.is_empty() {
        out.push(Line::new(2).add(Tone::Faint, "· ").text(&format!("not tried: {}", not_tried.join(", "))));
    }
    out.push(Line::new(0).text("Nothing is lost. To continue: ").add(Tone::Strong, again));
    out
}

fn past(action: Action) -> &'static str {
    match action {
        Action::Create => "added",
        Action::Update => "changed",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Release => "let go of",
        Action::Wait => "ready now",
    }
}

/// What to do about a failed step, where the class tells.
fn help(error: &StepError) -> Option<&'static str> {
    match error {
        StepError::Stale(_) => Some("look at it with `hatoba plan` first"),
        StepError::TooLong { .. } => Some("it may still get there; run the same command again"),
        StepError::Interrupted(_) => Some("it goes on in AWS; the next run takes it from there"),
        StepError::Unknown(_) => Some("this is a defect of hatoba; please report it"),
        StepError::Cloud(error) => match error.class {
            Class::Denied => Some("these credentials may not do this; ask for the permission named in the message"),
            Class::Credentials => Some("sign in again, then run the same command"),
            Class::Quota => Some("a quota of the account is used up: ask AWS to raise it, or delete something"),
            Class::Throttled | Class::Busy | Class::NotYet | Class::Server | Class::NotSent | Class::Ambiguous => {
                Some("this passes by itself; run the same command again")
            }
            Class::Gone | Class::Exists | Class::Invalid | Class::Other => None,
        },
    }
}

/// One thing that still exists after a destroy.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Remains {
    /// Its address.
    pub(crate) address: String,
    /// Its name in AWS.
    pub(crate) name: String,
    /// AWS's identifier.
    pub(crate) aws_id: String,
    /// Why it is there.
    pub(crate) why: String,
    /// What of it may cost money.
    pub(crate) cost: Option<String>,
    /// Whether it was meant to stay.
    pub(crate) expected: bool,
}

/// What a look after a destroy found: by mark whatever names this stack, by name whatever the file names. The plan that was
/// carried out only says why something was kept: this is the check of what the planner led to.
pub(crate) fn remains(goal: &Goal, seen: &Snapshot, plan: &Plan) -> Vec<Remains> {
    let mut out = Vec::new();
    for live in &seen.seen {
        let ours = live.mark.as_ref().filter(|mark| goal.owns(mark));
        let wanted = goal.resources.values().find(|want| want.names(live));
        let address = match (ours, wanted) {
            (Some(mark), _) if !mark.address.is_empty() => mark.address.clone(),
            (_, Some(want)) => want.address.to_string(),
            (Some(_), None) => format!("{}.{}", live.kind.name, live.name),
            (None, None) => continue,
        };
        let note = plan.notes.iter().find(|note| note.address.kind == live.kind.name && note.name == live.name);
        let released = plan
            .steps
            .iter()
            .find(|step| step.act == Act::Release && step.kind.name == live.kind.name && step.name == live.name);
        let (why, expected) = match (&live.readiness, ours, note) {
            (Readiness::Deleting(what), _, _) => (format!("going away: {what}"), true),
            (_, _, Some(note)) => (note.text.clone(), true),
            (_, None, None) => match released {
                Some(step) => (format!("let go of: {}{}", let_go_because(step), goes_on(step)), true),
                None => ("not hatoba's".to_owned(), true),
            },
            (_, Some(_), None) => ("should be gone".to_owned(), false),
        };
        out.push(Remains {
            address,
            name: live.name.clone(),
            aws_id: live.id.clone(),
            why,
            cost: cost(live).or_else(|| released.filter(|step| is_moved(step)).map(|_| "tasks are started".to_owned())),
            expected,
        });
    }
    out.sort_by(|a, b| (a.expected, &a.address, &a.aws_id).cmp(&(b.expected, &b.address, &b.aws_id)));
    out
}

/// What goes on at Application Auto Scaling once a service is let go of.
pub(super) fn goes_on(step: &Step) -> &'static str {
    if is_moved(step) { ", with its schedule and its autoscaling" } else { "" }
}

/// Whether a schedule or a load of the file's moves what a step is about.
fn is_moved(step: &Step) -> bool {
    step.live.as_ref().is_some_and(is_scaled)
}

/// What of a resource may cost money while it stays: what it stores, and what it runs.
fn cost(live: &Sighting) -> Option<String> {
    if let Some(holds) = &live.holds {
        return Some(format!("stores {holds}"));
    }
    if live.kind.name == "log_group" {
        return Some("stores what was logged".to_owned());
    }
    match live.fields.get("desired_count").and_then(Value::as_int) {
        Some(count) if count > 0 => Some(format!("runs {count} {}", if count == 1 { "task" } else { "tasks" })),
        _ => None,
    }
}

/// The proof for people. `again` says that it follows a destroy.
pub(crate) fn proof(stack: &str, remains: &[Remains], again: bool) -> Vec<Line> {
    let looked = if again { "Looked again" } else { "Looked" };
    let (expected, left): (Vec<&Remains>, Vec<&Remains>) = remains.iter().partition(|it| it.expected);
    let mut out = Vec::new();
    if left.is_empty() {
        let but = if expected.is_empty() { "." } else { " but what stays on purpose:" };
        let text = format!(" {looked}, by name and by mark: nothing of {stack} is left{but}");
        out.push(Line::new(0).add(Tone::Add, "✓").text(&text));
    } else {
        let text = format!(" {looked}, by name and by mark: {stack} is not gone yet:");
        out.push(Line::new(0).add(Tone::Error, "✗").text(&text));
        out.extend(left.iter().map(|it| entry(it, Tone::Error)));
        if !expected.is_empty() {
            out.push(Line::new(0).text("What stays on purpose:"));
        }
    }
    out.extend(expected.iter().map(|it| entry(it, Tone::Strong)));
    let costly = remains.iter().filter(|it| it.cost.is_some()).count();
    if costly > 0 {
        out.push(Line::new(0).add(Tone::Warning, &format!("{costly} of these can still cost money.")));
    } else if !remains.is_empty() {
        out.push(Line::new(0).text("None of it costs money by itself."));
    }
    out
}

fn entry(remains: &Remains, tone: Tone) -> Line {
    let mut line = Line::new(2).hang(4).add(tone, &remains.address);
    if !remains.address.ends_with(&format!(".{}", remains.name)) {
        line = line.text(&format!("  named {}", remains.name));
    }
    line = line.text(": ").text(&remains.why);
    match &remains.cost {
        Some(cost) => line.text("; ").add(Tone::Warning, &format!("may cost money: {cost}")),
        None => line,
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
