//! `hatoba apply`: plan, ask, converge.

use hatoba_engine::plan::Intent;
use hatoba_provider::provenance::Stamp;
use serde_json::json;

use crate::args::{ApplyArgs, Global};
use crate::carry::{Run, again, carry_out, complete, settle};
use crate::commands::destroy::conclude;
use crate::commands::verify;
use crate::confirm::ask;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::provenance;
use crate::render;
use crate::saved::Saved;
use crate::session;
use crate::ui::Ui;

/// Brings AWS to what the file says, or carries out a saved plan.
pub(crate) async fn run(mut global: Global, args: &ApplyArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let saved = args.saved.as_deref().map(Saved::read).transpose()?;
    if let (Some(saved), Some(path)) = (&saved, &args.saved) {
        saved.must_be_of(&global, path)?;
        saved.fill(&mut global);
    }
    let mut session = session::open(&global, ui).await?;
    let destroy = saved.as_ref().is_some_and(|saved| saved.destroy);
    let look = session.look(if destroy { Intent::Absent } else { Intent::Present }).await?;
    let place = session.place();
    let not_done = json!({ "plan": look.document(), "outcome": null, "deployments": [], "deregistered": [] });
    if !ui.json {
        ui.data(&look.text(&place, ui.out))?;
    }
    if let Some(saved) = &saved {
        saved.must_equal(&look.plan, &place).map_err(|error| error.document(not_done.clone()))?;
    }
    if let Some(obstacle) = look.obstacle() {
        return Err(obstacle.document(not_done));
    }
    ui.tell(&render::missing::lines(&look.missing));
    let said = again("apply", &global);
    let run = Run { again: &said, command: None, follow: &args.follow };
    if look.plan.steps.is_empty() {
        if !destroy {
            return settle(&look, &session, run, ui, interrupt).await;
        }
        if ui.json {
            ui.document(&not_done)?;
        }
        return Ok(0);
    }
    if !destroy && !args.skip_verify {
        verify::before_apply(&session, &look, &not_done, ui).await?;
    }
    if saved.is_none() && !args.yes {
        let instead = "or save the plan with `hatoba plan --out FILE` and apply that";
        ask(ui, "Apply these changes?", "yes", instead).await.map_err(|error| error.document(not_done))?;
    }
    if destroy {
        let outcome = carry_out(&look.plan, &session, ui, interrupt).await;
        return conclude(&mut session, &look, &outcome, &global, ui).await;
    }
    session.provider.aws().stamp_with(Stamp::apply(provenance::here(&session), &session.goal));
    complete(&look, &session, run, ui, interrupt).await
}
