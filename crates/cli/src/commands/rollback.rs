//! `hatoba rollback`: back to the last revision of a service that completed, through the same plan and the same convergence as a deploy.

use std::collections::BTreeMap;

use hatoba_engine::snapshot::Sighting;
use hatoba_provider::kinds::service::{goes_back, goes_elsewhere};
use hatoba_provider::kinds::task_definition::revision;
use hatoba_provider::provenance::{Provenance, Stamp};
use hatoba_provider::rollout::previous::{From, previous};
use hatoba_rollout::state::last;

use crate::args::{Global, RollbackArgs};
use crate::carry::{Run, again, quoted};
use crate::commands::one_service::{Subject, change, chosen, look, runs, task_of};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::purpose::{Purpose, refused};
use crate::render::Tone;
use crate::render::line::Line;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Brings a service back to what it was.
pub(crate) async fn run(global: &Global, args: &RollbackArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let service = chosen(&session, args.service.as_deref())?;
    let task = task_of(&session, &service)?;
    let subject = look(&mut session, &task, &service).await?;
    let Back { to, why, base } = target(&session, &subject).await?;
    if !ui.json {
        let text = format!("{} goes back to {to}: {why}", subject.service);
        ui.tell(&[Line::new(0).add(Tone::Strong, &text)]);
    }
    let mut said = again("rollback", global);
    if let Some(service) = &args.service {
        said.push_str(&format!(" {}", quoted(service)));
    }
    let run = Run { again: &said, command: Some("rollback"), follow: &args.follow };
    let then = Provenance::of(&base).unwrap_or_default();
    session.provider.aws().stamp_with(Stamp::Rollback(Provenance { back_to: Some(to), ..then }));
    change(&mut session, subject, &base, &BTreeMap::new(), run, ui, interrupt).await
}

/// Where a rollback goes.
struct Back {
    /// The revision: `papyrus:6`.
    to: String,
    /// Why this one, in words.
    why: String,
    /// What it is like.
    base: Sighting,
}

/// The revision to go back to.
async fn target(session: &Session, subject: &Subject) -> Result<Back, Error> {
    let (task, service) = (&subject.task, &subject.live_service);
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
        Error::new(Kind::Failed, format!("{why}; nothing was changed")).help(format!(
            "deploy an image that is known to work: `hatoba deploy {} --image CONTAINER=IMAGE`",
            subject.service.name
        ))
    };
    // One more would undo a rollback that was cut short, or one of ECS.
    let current = subject.current();
    let ours = Provenance::of(current).and_then(|it| it.back_to).filter(|_| goes_elsewhere(service));
    if ours.is_some() || goes_back(service) {
        let to = ours.unwrap_or_else(|| last(runs).to_owned());
        return Ok(Back { to, why: "a deployment that does so is under way".to_owned(), base: current.clone() });
    }
    let Some(choice) = previous(aws, from).await.map_err(refused(session, Purpose::Deploy))? else {
        return Err(nowhere(format!("there is no revision to go back to from {}", last(runs))));
    };
    let to = last(&choice.task_definition).to_owned();
    match revision(aws, &choice.task_definition).await.map_err(refused(session, Purpose::Deploy))? {
        Some(base) => Ok(Back { to, why: choice.why, base }),
        None => Err(nowhere(format!("{to} cannot be read any more"))),
    }
}
