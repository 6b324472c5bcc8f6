//! `hatoba rollback`: back to the last revision of a service that completed, through the same plan and the same convergence as a deploy.

use std::collections::BTreeMap;

use hatoba_engine::plan::Intent;
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_model::address::Address;
use hatoba_provider::deploy::{Pair, goal};
use hatoba_provider::kinds::task_definition::revision;
use hatoba_provider::rollout::previous::{From, previous};
use hatoba_rollout::previous::Choice;
use hatoba_rollout::state::last;
use serde_json::json;

use crate::args::{Global, RollbackArgs};
use crate::carry::{Run, again, complete, quoted};
use crate::commands::deploy::{chosen, not_applied, runs, seen, task_of, wish};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::render::Tone;
use crate::render::line::Line;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Brings a service back to what it was.
pub(crate) async fn run(global: &Global, args: &RollbackArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let service = chosen(&session, args.service.as_deref())?;
    let task = task_of(&session, &service)?;
    let (task, service) = (Address::new("task_definition", &task), Address::new("service", &service));
    session.begin_look();
    let (live_task, live_service) = futures::join!(seen(&session, &task), seen(&session, &service));
    let (live_task, live_service) = (live_task?, live_service?);
    let (choice, base) = target(&session, &task, &live_service).await?;
    if !ui.json {
        let text = format!("{service} goes back to {}: {}", last(&choice.task_definition), choice.why);
        ui.tell(&[Line::new(0).add(Tone::Strong, &text)]);
    }
    let as_task = Pair { want: wish(&session, &task)?, live: &live_task };
    let as_service = Pair { want: wish(&session, &service)?, live: &live_service };
    session.goal = goal(session.name(), as_task, &base, as_service, &BTreeMap::new()).map_err(not_applied)?;
    let snapshot = Snapshot { seen: vec![live_task, live_service], ..Snapshot::default() };
    let look = session.planned(snapshot, Intent::Present)?;

    let not_done = json!({ "plan": look.document(), "outcome": null, "deployments": [] });
    if !ui.json {
        ui.data(&look.text(&session.place(), ui.out))?;
    }
    if let Some(obstacle) = look.obstacle() {
        return Err(obstacle.document(not_done));
    }
    if look.plan.steps.is_empty() {
        if ui.json {
            ui.document(&not_done)?;
        }
        return Ok(0);
    }
    let mut said = again("rollback", global);
    if let Some(service) = &args.service {
        said.push_str(&format!(" {}", quoted(service)));
    }
    let run = Run { again: &said, command: Some("rollback"), follow: &args.follow };
    complete(&look, &session, run, ui, interrupt).await
}

/// The revision to go back to, and what it is like.
async fn target(session: &Session, task: &Address, service: &Sighting) -> Result<(Choice, Sighting), Error> {
    let aws = session.provider.aws();
    let runs = runs(service);
    let from = From {
        stack: session.name(),
        task,
        cluster: service.scope.as_deref().unwrap_or("default"),
        service: &service.name,
        runs,
    };
    let nowhere = |why: String| {
        Error::new(Kind::Failed, format!("{why}; nothing was changed"))
            .help("deploy an image that is known to work: `hatoba deploy --image CONTAINER=IMAGE`")
    };
    let Some(choice) = previous(aws, from).await? else {
        return Err(nowhere(format!("there is no revision to go back to from {}", last(runs))));
    };
    match revision(aws, &choice.task_definition).await? {
        Some(base) => Ok((choice, base)),
        None => Err(nowhere(format!("{} cannot be read any more", last(&choice.task_definition)))),
    }
}
