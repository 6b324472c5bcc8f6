//! `hatoba destroy`: preview, confirm, converge to nothing, prove that nothing is left.

use std::time::Duration;

use hatoba_engine::plan::{Intent, Plan};
use serde_json::{Value as Json, json};

use crate::args::{DestroyArgs, Global};
use crate::carry::{again, carry_out, finish};
use crate::confirm::ask;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::render::line::Line;
use crate::render::report::{Remains, proof, remains};
use crate::render::{self, Tone};
use crate::session::{self, Session};
use crate::ui::Ui;

/// Reads may lag behind deletes: what seems left is looked for again after these times.
const PATIENCE: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];

/// Deletes everything that the stack owns.
pub(crate) async fn run(global: &Global, args: &DestroyArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let look = session.look(Intent::Absent).await?;
    let plan = &look.plan;
    let place = session.place();
    if !ui.json {
        ui.data(&render::plan::text(plan, &place, ui.out))?;
    }
    let document =
        |outcome: Json, left: Json| json!({ "plan": render::json::plan(plan), "outcome": outcome, "left": left });
    let not_done = document(Json::Null, Json::Null);
    if let Some(obstacle) = look.obstacle() {
        return Err(obstacle.document(not_done));
    }
    if plan.steps.is_empty() {
        let left = remains(&session.goal, &look.seen, &plan.notes);
        let text = format!("There is nothing to destroy: {place}.");
        ui.show(&[Line::new(0).text(&text)])?;
        if ui.json {
            ui.document(&document(Json::Null, json!(left)))?;
        } else {
            ui.show(&proof(session.stack(), &left))?;
        }
        return Ok(0);
    }
    if !args.yes {
        ui.tell(&[Line::blank(), Line::new(0).add(Tone::Warning, "What is deleted is gone for good.")]);
        let stack = session.stack().to_owned();
        let instead = "`hatoba plan --destroy` only shows what would go";
        ask(ui, "To go on, the stack's name is wanted.", &stack, instead)
            .await
            .map_err(|error| error.document(not_done))?;
    }
    let outcome = carry_out(plan, &session, ui, interrupt).await;
    let finished = finish(plan, &outcome, &again("destroy", global), ui);
    let outcome = render::json::outcome(plan, &outcome);
    if let Err(error) = finished {
        return Err(error.document(document(outcome, Json::Null)));
    }
    let left =
        prove(&mut session, plan).await.map_err(|error| error.document(document(outcome.clone(), Json::Null)))?;
    ui.show(&proof(session.stack(), &left))?;
    let unexpected: Vec<&str> = left.iter().filter(|it| !it.expected).map(|it| it.address.as_str()).collect();
    let document = document(outcome, json!(left));
    if unexpected.is_empty() {
        if ui.json {
            ui.document(&document)?;
        }
        return Ok(0);
    }
    Err(Error::new(Kind::Failed, format!("still there: {}", unexpected.join(", ")))
        .help(format!("run it again: {}", again("destroy", global)))
        .document(document))
}

/// Looks again, by name and by mark.
async fn prove(session: &mut Session, plan: &Plan) -> Result<Vec<Remains>, Error> {
    let mut pauses = PATIENCE.into_iter();
    loop {
        let look = session.look(Intent::Absent).await?;
        if let Some(failure) = look.seen.unreadable.first() {
            let error = Error::from(failure.error.clone());
            return Err(error.help("everything was deleted, but that could not be proved: run the same command again"));
        }
        let left = remains(&session.goal, &look.seen, &plan.notes);
        match pauses.next() {
            Some(pause) if left.iter().any(|it| !it.expected) => tokio::time::sleep(pause).await,
            _ => return Ok(left),
        }
    }
}
