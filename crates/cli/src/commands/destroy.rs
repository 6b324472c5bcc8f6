//! `hatoba destroy`: preview, confirm, converge to nothing, prove that nothing is left.

use std::time::Duration;

use hatoba_engine::execute::Outcome;
use hatoba_engine::plan::{Intent, Plan};
use serde_json::{Value as Json, json};

use crate::args::{DestroyArgs, Global};
use crate::carry::{again, carry_out, finish};
use crate::confirm::ask;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::render;
use crate::render::Tone;
use crate::render::line::Line;
use crate::render::report::{Remains, proof, remains};
use crate::session::{self, Look, Session};
use crate::ui::Ui;

/// Reads may lag behind deletes: what seems left is looked for again after these times.
const PATIENCE: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];

/// Deletes everything that the stack owns.
pub(crate) async fn run(global: &Global, args: &DestroyArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let look = session.look(Intent::Absent).await?;
    let place = session.place();
    let obstacle = look.obstacle();
    if obstacle.is_none() && look.plan.steps.is_empty() {
        if let Some(error) = not_all_seen(&look, "nothing was found to delete, but not everything could be looked for")
        {
            return Err(error.document(document(&look, Json::Null, Json::Null)));
        }
        let left = remains(&session.goal, &look.seen, &look.plan);
        ui.show(&[Line::new(0).text(&format!("Nothing to destroy: {place}."))])?;
        ui.show(&proof(session.name(), &left, false))?;
        if ui.json {
            ui.document(&document(&look, Json::Null, json!(left)))?;
        }
        return Ok(0);
    }
    if !ui.json {
        ui.data(&look.text(&place, ui.out))?;
    }
    let not_done = || document(&look, Json::Null, Json::Null);
    if let Some(obstacle) = obstacle {
        return Err(obstacle.document(not_done()));
    }
    if !args.yes {
        let question = "What is deleted is gone for good. To go on, the stack's name is wanted.";
        let instead = "`hatoba plan --destroy` only shows what would go";
        ask(ui, question, session.name(), instead).await.map_err(|error| error.document(not_done()))?;
    }
    let outcome = carry_out(&look.plan, &session, ui, interrupt).await;
    conclude(&mut session, &look, &outcome, global, ui).await
}

/// Says how a destroy went, and proves it if everything was done.
///
/// # Errors
/// When something failed, or is left.
pub(crate) async fn conclude(
    session: &mut Session,
    look: &Look,
    outcome: &Outcome,
    global: &Global,
    ui: &Ui,
) -> Result<u8, Error> {
    let plan = &look.plan;
    let again = again("destroy", global);
    let unproved = || document(look, render::json::outcome(plan, outcome), Json::Null);
    finish(plan, outcome, session.facts(), &again, None, ui).map_err(|error| error.document(unproved()))?;
    let left = prove(session, plan).await.map_err(|error| error.document(unproved()))?;
    ui.show(&proof(session.name(), &left, true))?;
    let unexpected: Vec<&str> = left.iter().filter(|it| !it.expected).map(|it| it.address.as_str()).collect();
    let mut document = document(look, render::json::outcome(plan, outcome), json!(left));
    document["saved"] = render::cost_json::saved(look.cost.as_ref());
    if !unexpected.is_empty() {
        return Err(Error::new(Kind::Failed, format!("still there: {}", unexpected.join(", ")))
            .help(format!("run it again: {again}"))
            .document(document));
    }
    if let Some(saved) = look.cost.as_ref().and_then(render::cost::saved) {
        ui.show(&[Line::new(0).add(Tone::Strong, &saved)])?;
    }
    if ui.json {
        ui.document(&document)?;
    }
    Ok(0)
}

fn document(look: &Look, outcome: Json, left: Json) -> Json {
    json!({ "plan": look.document(), "outcome": outcome, "left": left, "saved": null })
}

/// Why nothing can be said about what is left: a failed read does not mean that nothing is there.
fn not_all_seen(look: &Look, help: &str) -> Option<Error> {
    let failure = look.seen.unreadable.first()?;
    Some(Error::from(failure.error.clone()).help(help).missing(look.missing.clone()))
}

/// Looks again, by name and by mark.
async fn prove(session: &mut Session, plan: &Plan) -> Result<Vec<Remains>, Error> {
    let mut pauses = PATIENCE.into_iter();
    loop {
        let look = session.look(Intent::Absent).await?;
        let help = "everything was deleted, but that could not be proved: run the same command again";
        if let Some(error) = not_all_seen(&look, help) {
            return Err(error);
        }
        let left = remains(&session.goal, &look.seen, plan);
        match pauses.next() {
            Some(pause) if left.iter().any(|it| !it.expected) => tokio::time::sleep(pause).await,
            _ => return Ok(left),
        }
    }
}
