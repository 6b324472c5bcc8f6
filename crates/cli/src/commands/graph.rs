//! `hatoba graph`.

use hatoba_model::facts::Facts;
use hatoba_model::load::STAND_IN_ACCOUNT;

use crate::args::{Global, GraphArgs, GraphFormat};
use crate::error::{Error, Kind};
use crate::files;
use crate::graph::{Graph, dot, mermaid, svg};
use crate::session;
use crate::ui::Ui;

/// Prints the dependency graph of the file.
pub(crate) fn run(global: &Global, args: &GraphArgs, ui: &Ui) -> Result<u8, Error> {
    let stack = session::read(global, ui)?.loaded.stack;
    let account = match &stack.account {
        Some(account) => account.clone(),
        None => STAND_IN_ACCOUNT.parse().map_err(|error| Error::new(Kind::Failed, format!("{error}")))?,
    };
    let place = Facts { account, region: stack.region.clone() };
    let goal = files::goal(&stack, &place, &session::root(global)?.call).map_err(session::not_callable)?;
    let graph = Graph::of(&goal);
    if ui.json {
        ui.document(&graph.to_json())?;
        return Ok(0);
    }
    ui.data(&match args.format {
        GraphFormat::Mermaid => mermaid(&graph),
        GraphFormat::Dot => dot(&graph),
        GraphFormat::Svg => svg(&graph),
    })?;
    Ok(0)
}
