//! A plan as text that a person likes to read.

use std::collections::BTreeMap;

use hatoba_engine::kind::Ownership;
use hatoba_engine::owner::Origin;
use hatoba_engine::plan::{Act, Intent, Plan, Step, Why};
use hatoba_engine::snapshot::Readiness;
use hatoba_engine::wait::Until;

use super::beside::Beside;
use super::change::{Action, Change, changes, summary};
use super::line::{Line, write_all};
use super::report::goes_on;
use super::{Style, Tone, fields, one_line};

/// Everything there is to say about a plan. The place is `stack papyrus, account 123456789012, region us-west-2`.
pub(crate) fn text(plan: &Plan, place: &str, style: Style) -> String {
    text_with(plan, place, &Beside::default(), style)
}

/// The same with what stands beside it.
pub(crate) fn text_with(plan: &Plan, place: &str, beside: &Beside, style: Style) -> String {
    let what = match plan.intent {
        Intent::Present => "Plan for",
        Intent::Absent => "Plan to destroy",
    };
    let mut out = vec![Line::new(0).add(Tone::Strong, &format!("{what} {place}")), Line::blank()];
    let resources: Vec<Vec<Line>> = changes(plan).iter().map(|change| resource(change, beside, style)).collect();
    for (at, lines) in resources.iter().enumerate() {
        out.extend(lines.iter().cloned());
        // Headlines without anything below stay together.
        if lines.len() > 1 || resources.get(at + 1).is_none_or(|next| next.len() > 1) {
            out.push(Line::blank());
        }
    }
    for part in [notes(plan), beside.lines(), unread(plan), unknown(plan), refusals(plan)] {
        if !part.is_empty() {
            out.extend(part);
            out.push(Line::blank());
        }
    }
    let last = match &beside.settled {
        Some(settled) if plan.is_empty() => format!("No changes. {settled}"),
        _ => summary(plan),
    };
    out.push(Line::new(0).add(Tone::Strong, &last));
    write_all(&out, style)
}

/// One resource: what happens to it, why, and its fields.
pub(crate) fn resource(change: &Change<'_>, beside: &Beside, style: Style) -> Vec<Line> {
    let mut out = vec![headline(change)];
    let updates = change.action == Action::Update;
    let beside = beside.of(&change.step.address).iter().filter(|_| updates).cloned();
    out.extend(
        reasons(change).into_iter().chain(beside).map(|reason| Line::new(4).hang(0).add(Tone::Faint, &reason).advice()),
    );
    out.extend(fields::lines(change, style));
    out
}

/// The sign, the address, the name in AWS where it differs, and at the right what is done.
fn headline(change: &Change<'_>) -> Line {
    let step = change.step;
    let mut line = Line::new(0)
        .add(change.action.tone(), change.action.sign())
        .text(" ")
        .add(Tone::Strong, &step.address.to_string());
    if step.name != step.address.name {
        line = line.text(&format!("  named {}", step.name));
    }
    let right = match &step.act {
        Act::Update { .. } => step.calls().join(", "),
        Act::Create { .. } if change.action == Action::Replace => "replace".to_owned(),
        Act::Create { .. } => "create".to_owned(),
        Act::Delete { .. } => "delete".to_owned(),
        Act::Release => "let go of".to_owned(),
        Act::Settle { .. } => "wait".to_owned(),
    };
    line.right(Tone::Faint, &right)
}

/// Why, in sentences without a full stop.
pub(crate) fn reasons(change: &Change<'_>) -> Vec<String> {
    let step = change.step;
    let mut out = Vec::new();
    match (&step.act, &step.why) {
        (Act::Settle { until }, _) => {
            let until = match until {
                Until::Ready => "until it is ready",
                Until::Gone => "until it is gone",
            };
            out.push(match step.live.as_ref().map(|live| &live.readiness) {
                Some(Readiness::Settling(what) | Readiness::Deleting(what)) => format!("{until}; now: {what}"),
                Some(Readiness::Ready) | None => until.to_owned(),
            });
        }
        (_, Why::MustReplace(field)) => out.push(format!("must be replaced: `{field}` cannot be changed")),
        (_, Why::Adopted) => {
            out.push("exists already and is taken over: from now on it bears hatoba's tags".to_owned())
        }
        (_, Why::NotInFile) => out.push("not in the file any more".to_owned()),
        (_, Why::Renamed) => out.push("the file gives it another name now".to_owned()),
        (_, Why::UsersFirst) => out.push("taken away once its users have let go of it".to_owned()),
        (_, Why::NotFound | Why::FieldsDiffer | Why::Destroy | Why::NotSettled | Why::UserLetGo) => {}
    }
    if step.act == Act::Release {
        out.push(format!("{}: it stays, without hatoba's tags{}", let_go_because(step), goes_on(step)));
    }
    if change.action == Action::Create && step.kind.ownership == Ownership::Account {
        out.push("one for the whole account; hatoba never changes or deletes it".to_owned());
    }
    let deletes = change.deletes.unwrap_or(step);
    if let (Act::Delete { .. }, Some(live)) = (&deletes.act, &deletes.live) {
        out.extend(live.holds.iter().map(|holds| format!("deletes what is in it, too: {holds}")));
        out.extend(live.ends.iter().cloned());
    }
    out
}

/// Why something of ours that is let go of is not deleted.
pub(crate) fn let_go_because(step: &Step) -> &'static str {
    let mark = step.live.as_ref().and_then(|live| live.mark.as_ref());
    if step.why == Why::UserLetGo {
        "what uses it is let go of, too"
    } else if mark.is_some_and(|mark| mark.origin == Origin::Adopted) {
        "hatoba took it over and did not create it"
    } else {
        "`retain: true`"
    }
}

/// What is left alone, and why.
pub(crate) fn notes(plan: &Plan) -> Vec<Line> {
    let mut out = Vec::new();
    for note in &plan.notes {
        let named = if note.name == note.address.name { String::new() } else { format!("  named {}", note.name) };
        out.push(
            Line::new(0)
                .hang(4)
                .add(Tone::Faint, "=")
                .text(" ")
                .add(Tone::Strong, &note.address.to_string())
                .text(&named)
                .text(": ")
                .text(&note.text)
                .advice(),
        );
    }
    out
}

/// What could not be read; one entry for each reason.
fn unknown(plan: &Plan) -> Vec<Line> {
    let mut by_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (address, reason) in &plan.unknown {
        by_reason.entry(reason).or_default().push(address.to_string());
    }
    let mut out = Vec::new();
    for (reason, addresses) in by_reason {
        out.push(Line::new(0).hang(4).add(Tone::Error, "unknown").text(": ").add(Tone::Strong, &addresses.join(", ")));
        out.push(Line::new(4).hang(0).text(&one_line(reason)));
    }
    out
}

/// Why there may be more than is shown.
fn unread(plan: &Plan) -> Vec<Line> {
    let mut out = Vec::new();
    for reason in &plan.unread {
        let text = ": there may be more of this stack than is shown, because not everything could be looked for";
        out.push(Line::new(0).hang(4).add(Tone::Warning, "note").text(text));
        out.push(Line::new(4).hang(0).text(&one_line(reason)));
    }
    out
}

/// What stands in the way, and the way out.
fn refusals(plan: &Plan) -> Vec<Line> {
    let mut out = Vec::new();
    for refusal in &plan.refusals {
        let mut line = Line::new(0).hang(4).add(Tone::Error, "refused").text(": ");
        if let Some(address) = &refusal.address {
            line = line.add(Tone::Strong, &address.to_string()).text(": ");
        }
        out.push(line.text(&refusal.problem));
        out.push(Line::help(2, &refusal.help));
    }
    out
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
