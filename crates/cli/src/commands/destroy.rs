//! `hatoba destroy`: preview, confirm, converge to nothing, prove that nothing is left.

use hatoba_engine::plan::{Intent, Note, Plan};
use serde_json::json;

use super::apply::{carry_out, finish, unknown};
use super::plan::refuse;
use crate::args::{DestroyArgs, Global};
use crate::confirm::ask;
use crate::error::{Error, Kind};
use crate::render::{self, safe};
use crate::session;
use crate::ui::Ui;

/// Kinds that go on costing money when they stay.
const COSTLY: [(&str, &str); 3] = [
    ("service", "its running tasks are paid by the second"),
    ("repository", "its images are paid by the gigabyte"),
    ("log_group", "its events are paid by the gigabyte until they expire"),
];

pub(crate) async fn run(global: &Global, args: &DestroyArgs, ui: &Ui) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let plan = session.plan(Intent::Absent).await?;
    let place = session.place();
    if !ui.json {
        ui.data(&render::plan::text(&plan, &place, ui.out));
    }
    refuse(&plan)?;
    if plan.steps.is_empty() {
        if let Some(error) = unknown(&plan) {
            return Err(error);
        }
        report(&plan, None, ui);
        return Ok(0);
    }
    if !args.yes {
        let stack = session.file.loaded.stack.stack.to_string();
        ask(ui, "This cannot be undone.", &stack, "`hatoba plan --destroy` only shows")?;
    }
    let outcome = carry_out(&plan, &session, ui).await;
    let result = finish(&plan, &outcome, ui, &format!("hatoba -f {} destroy", global.file.display()));
    if !outcome.is_complete() {
        if ui.json {
            ui.document(&json!({ "plan": render::json::plan(&plan), "outcome": render::json::outcome(&plan, &outcome), "left": null }));
        }
        return result;
    }
    // The proof: look again, by name and by mark.
    let left = session.plan(Intent::Absent).await?;
    if ui.json {
        ui.document(&json!({
            "plan": render::json::plan(&plan),
            "outcome": render::json::outcome(&plan, &outcome),
            "left": render::json::plan(&left),
        }));
    } else {
        report(&left, Some(&plan), ui);
    }
    if left.steps.is_empty() {
        return unknown(&left).map_or(result, Err);
    }
    let names: Vec<String> = left.steps.iter().map(|step| safe(&step.address.to_string())).collect();
    Err(Error::new(Kind::Failed, format!("still there: {}", names.join(", "))).help("run the same command again"))
}

/// What is left, and what of it may cost money.
fn report(left: &Plan, before: Option<&Plan>, ui: &Ui) {
    if ui.json {
        ui.document(&json!({ "plan": render::json::plan(left), "outcome": null, "left": render::json::plan(left) }));
        return;
    }
    let stays: Vec<&Note> = left.notes.iter().filter(|note| note.stays).collect();
    let gone = before.map_or(0, |plan| plan.counts().delete);
    if gone > 0 {
        ui.data(&format!("{gone} resources deleted; looked again by name and by mark.\n"));
    }
    if stays.is_empty() {
        ui.data("Nothing of this stack is left.\n");
        return;
    }
    ui.data("Nothing of this stack is left but what stays on purpose:\n");
    for note in stays {
        let cost = COSTLY.iter().find(|(kind, _)| *kind == note.address.kind);
        let cost = cost.map(|(_, why)| format!(" May cost: {why}.")).unwrap_or_default();
        ui.data(&format!("  {} ({}): {}.{cost}\n", note.address, safe(&note.name), safe(&note.text)));
    }
}
