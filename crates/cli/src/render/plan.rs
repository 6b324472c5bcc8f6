//! A plan as text that a person likes to read.

use std::fmt::Write as _;

use hatoba_engine::diff::FieldChange;
use hatoba_engine::owner::is_ours;
use hatoba_engine::plan::{Act, Counts, Intent, Plan, Step, Why};
use hatoba_engine::value::Value;
use hatoba_engine::wait::Until;
use unicode_width::UnicodeWidthStr as _;

use super::value::{PENDING, SENSITIVE, block, diff, inline};
use super::{Style, safe, wrap};

/// Everything there is to say about a plan.
pub(crate) fn text(plan: &Plan, place: &str, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n", style.strong(&safe(place)));
    for step in &plan.steps {
        // Both halves of a replacement are shown as one, at the second.
        if matches!((&step.act, &step.why), (Act::Delete { .. }, Why::MustReplace(_))) {
            continue;
        }
        resource(&mut out, step, style);
    }
    for note in &plan.notes {
        let line = format!("· {}  {}: {}", note.address, safe(&note.name), safe(&note.text));
        let _ = writeln!(out, "{}", wrap(&line, style.width, ""));
    }
    if !plan.notes.is_empty() {
        out.push('\n');
    }
    for (address, reason) in &plan.unknown {
        let line = format!("? {address}: not looked at any further: {}", safe(reason));
        let _ = writeln!(out, "{}\n", style.bad(&wrap(&line, style.width, "")));
    }
    for refusal in &plan.refusals {
        let place = refusal.address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        let _ = writeln!(out, "{} {}", style.bad("refused:"), safe(&format!("{place}{}", refusal.problem)));
        let _ = writeln!(out, "{}\n", wrap(&format!("= help: {}", safe(&refusal.help)), style.width, "  "));
    }
    let _ = writeln!(out, "{}", style.strong(&summary(plan)));
    out
}

/// The last line.
pub(crate) fn summary(plan: &Plan) -> String {
    let Counts { create, update, replace, delete, release } = plan.counts();
    let total = create + update + replace + delete + release;
    let waits = plan.steps.iter().filter(|step| matches!(step.act, Act::Settle { .. })).count();
    if total + waits == 0 && plan.refusals.is_empty() && plan.unknown.is_empty() {
        return match plan.intent {
            Intent::Present => {
                let count = plan.unchanged.len();
                let resources = if count == 1 { "The one resource is".to_owned() } else { format!("All {count} resources are") };
                format!("No changes. {resources} as the file says.")
            }
            Intent::Absent => "Nothing to destroy.".to_owned(),
        };
    }
    let mut line = format!("Plan: {create} to add, {update} to change, {replace} to replace, {delete} to delete");
    for (count, what) in [(release, "to let go of"), (waits, "to wait for"), (plan.refusals.len(), "refused")] {
        if count > 0 {
            let _ = write!(line, ", {count} {what}");
        }
    }
    line.push('.');
    line
}

fn resource(out: &mut String, step: &Step, style: Style) {
    let sign = match (&step.act, &step.why) {
        (Act::Create { .. }, Why::MustReplace(_)) => style.bad("±"),
        (Act::Create { .. }, _) => style.add("+"),
        (Act::Update { .. }, _) => style.change("~"),
        (Act::Delete { .. }, _) => style.bad("-"),
        (Act::Release, _) => style.change("○"),
        (Act::Settle { .. }, _) => style.faint("…"),
    };
    let name = if step.address.name == step.name { String::new() } else { format!(" ({})", safe(&step.name)) };
    let left = format!("{}{name}", safe(&step.address.to_string()));
    let right = calls(step);
    let gap = style.width.saturating_sub(2 + left.width() + right.width());
    if right.is_empty() {
        let _ = writeln!(out, "{sign} {}", style.strong(&left));
    } else if gap >= 2 {
        let _ = writeln!(out, "{sign} {}{}{}", style.strong(&left), " ".repeat(gap), style.faint(&right));
    } else {
        let _ = writeln!(out, "{sign} {}\n{}", style.strong(&left), style.faint(&wrap(&right, style.width, "    ")));
    }
    if let Some(why) = why(step) {
        let _ = writeln!(out, "{}", style.faint(&wrap(&why, style.width, "    ")));
    }
    let new = matches!(step.act, Act::Create { .. }) && !matches!(step.why, Why::MustReplace(_));
    for change in &step.changes {
        if new { created(out, step, change, style) } else { changed(out, change, style) }
    }
    out.push('\n');
}

/// What is called, at the right of the headline.
fn calls(step: &Step) -> String {
    match &step.act {
        Act::Create { .. } if matches!(step.why, Why::MustReplace(_)) => {
            format!("{}, then {}", step.kind.delete_call, step.kind.create_call)
        }
        Act::Create { .. } => String::new(),
        Act::Update { groups } => groups.join(", "),
        Act::Delete { .. } => step.kind.delete_call.to_owned(),
        Act::Release | Act::Settle { .. } => String::new(),
    }
}

fn why(step: &Step) -> Option<String> {
    let live = step.live.as_ref();
    match (&step.act, &step.why) {
        (Act::Settle { until: Until::Ready }, _) => Some("wait until it is ready".to_owned()),
        (Act::Settle { until: Until::Gone }, _) => Some("wait until it is gone".to_owned()),
        (Act::Release, _) => Some("let go of: it stays, without hatoba's tags".to_owned()),
        (_, Why::MustReplace(field)) => Some(format!("must be replaced: `{}` cannot be changed in place", safe(field))),
        (_, Why::Adopted) => Some("exists already and is taken over".to_owned()),
        (Act::Delete { .. }, Why::NotInFile) => Some("the file no longer has it".to_owned()),
        (Act::Delete { .. }, Why::Renamed) => Some("the file gives it another name now".to_owned()),
        (Act::Delete { empty: true }, _) => {
            live.and_then(|live| live.holds.as_ref()).map(|holds| format!("with everything in it: {}", safe(holds)))
        }
        _ => None,
    }
}

fn created(out: &mut String, step: &Step, change: &FieldChange, style: Style) {
    let Some(after) = &change.after else { return };
    let after = match (change.path.as_str(), after) {
        ("tags", Value::Map(tags)) => {
            Value::Map(tags.iter().filter(|(key, _)| !is_ours(key)).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
        (_, value) => value.clone(),
    };
    if matches!(&after, Value::Map(parts) if parts.is_empty()) {
        return;
    }
    let field = step.kind.field(&change.path);
    let secret = |path: &str| change.sensitive || field.is_some_and(|field| (field.sensitive)(path));
    block(out, &change.path, &change.path, &after, 4, style, &secret);
}

fn changed(out: &mut String, change: &FieldChange, style: Style) {
    let path = safe(&change.path);
    if change.sensitive {
        let _ = writeln!(out, "    {path}  {SENSITIVE} → {SENSITIVE}, changed");
        return;
    }
    match (&change.before, &change.after) {
        (Some(Value::Doc(before)), Some(Value::Doc(after))) => {
            let _ = writeln!(out, "    {path}");
            diff(out, before, after, 6, style);
        }
        (Some(Value::Doc(before)), None) => {
            let _ = writeln!(out, "    {path}");
            diff(out, &format!("{before}\n"), "", 6, style);
        }
        (None, Some(Value::Doc(after))) => {
            let _ = writeln!(out, "    {path}");
            diff(out, "", &format!("{after}\n"), 6, style);
        }
        (before, after) => {
            let show = |value: &Option<Value>| match value {
                None => "(none)".to_owned(),
                Some(Value::Pending(_)) => PENDING.to_owned(),
                Some(value) => inline(value),
            };
            let (before, after) = (show(before), show(after));
            let line = format!("    {path}  {before} → {after}");
            if line.width() <= style.width {
                let _ = writeln!(out, "    {path}  {} → {}", style.bad(&before), style.add(&after));
            } else {
                let _ = writeln!(out, "    {path}\n      {}\n    → {}", style.bad(&before), style.add(&after));
            }
        }
    }
}
