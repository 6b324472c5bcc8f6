//! `hatoba plan`.

use hatoba_engine::plan::Intent;

use crate::args::{Global, PlanArgs};
use crate::error::{Error, PENDING};
use crate::render::line::Line;
use crate::render::{Tone, markdown, missing};
use crate::saved::Saved;
use crate::session;
use crate::ui::Ui;

/// Shows what apply would do.
pub(crate) async fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let intent = if args.destroy { Intent::Absent } else { Intent::Present };
    let look = session.look(intent).await?;
    let place = session.place();
    let obstacle = look.obstacle();
    match (&obstacle, ui.json) {
        (Some(obstacle), true) => return Err(obstacle.clone().document(look.document())),
        (None, true) => ui.document(&look.document())?,
        (_, false) if args.markdown => {
            ui.data(&markdown::plan(&look.plan, &place, look.cost_line().as_deref(), &look.beside, ui.out.options))?
        }
        (_, false) => ui.data(&look.text(&place, ui.out))?,
    }
    if let Some(obstacle) = obstacle {
        return Err(obstacle);
    }
    // What could not be looked for stands in the plan; what it takes to look for it is no part of it.
    ui.tell(&missing::lines(&look.missing));
    if let Some(path) = &args.out {
        Saved::new(&look.plan, &place, global).write(path)?;
        let text = format!("Saved. `hatoba apply {}` carries out exactly this, or nothing.", path.display());
        ui.tell(&[Line::new(0).add(Tone::Faint, &text)]);
    }
    Ok(if args.detailed_exitcode && !look.plan.is_empty() { PENDING } else { 0 })
}
