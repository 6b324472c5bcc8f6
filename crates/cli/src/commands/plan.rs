//! `hatoba plan`.

use hatoba_engine::plan::{Intent, Plan};

use crate::args::{Global, PlanArgs};
use crate::error::{Error, Kind};
use crate::render;
use crate::saved::Saved;
use crate::session;
use crate::ui::Ui;

pub(crate) async fn run(global: &Global, args: &PlanArgs, ui: &Ui) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let intent = if args.destroy { Intent::Absent } else { Intent::Present };
    let plan = session.plan(intent).await?;
    let place = session.place();
    if args.markdown {
        ui.data(&render::markdown::plan(&plan, &place));
    } else if ui.json {
        ui.document(&render::json::plan(&plan));
    } else {
        ui.data(&render::plan::text(&plan, &place, ui.out));
    }
    if let Some(path) = &args.out {
        refuse(&plan)?;
        Saved::new(&plan, &place, global).write(path)?;
        ui.say(&format!("saved; `hatoba apply {}` carries out exactly this", path.display()));
    }
    refuse(&plan)?;
    Ok(if args.detailed_exitcode && !plan.is_empty() { 2 } else { 0 })
}

/// A plan with refusals, or with holes, is not carried out.
pub(crate) fn refuse(plan: &Plan) -> Result<(), Error> {
    if !plan.refusals.is_empty() {
        let count = plan.refusals.len();
        let what = if count == 1 { "something is".to_owned() } else { format!("{count} things are") };
        return Err(Error::new(Kind::Refused, format!("{what} refused, so nothing is done"))
            .help("the way out of each is shown above"));
    }
    Ok(())
}
