//! What the commands about one service have in common: which service is meant, what it is like now, and changing its revision.

use std::collections::BTreeMap;

use hatoba_engine::cloud::{Cloud as _, Depth, Target};
use hatoba_engine::desired::Desired;
use hatoba_engine::plan::Intent;
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_engine::value::Value;
use hatoba_model::address::Address;
use hatoba_provider::deploy::{DeployError, Pair, goal};
use hatoba_provider::kinds::task_definition::{other_that_runs, revision, runs_of, stands_for};
use hatoba_rollout::state::last;
use serde_json::json;

use crate::carry::{Run, complete, settle};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::purpose::{Purpose, refused};
use crate::session::Session;
use crate::ui::Ui;

/// The service that is meant: the named one, or the only one of the file.
pub(super) fn chosen(session: &Session, named: Option<&str>) -> Result<String, Error> {
    let services = &session.stack.services;
    let known = services.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let key = match (named, services.len()) {
        (Some(name), _) => name.to_owned(),
        (None, 1) => services.keys().next().cloned().unwrap_or_default(),
        (None, 0) => return Err(Error::new(Kind::Invalid, "the file has no service")),
        (None, _) => {
            return Err(Error::new(Kind::Invalid, "the file has several services, and none is named")
                .help(format!("name one of them: {known}")));
        }
    };
    match services.get(&key) {
        None => {
            Err(Error::new(Kind::Invalid, format!("the file has no service `{key}`")).help(format!("it has {known}")))
        }
        Some(service) if service.existing => Err(Error::new(
            Kind::Refused,
            format!("the service `{key}` is not this stack's: the file says `existing: true`"),
        )),
        Some(_) => Ok(key),
    }
}

/// The key of the task definition that the service runs.
pub(super) fn task_of(session: &Session, service: &str) -> Result<String, Error> {
    let runs = session.stack.services.get(service).and_then(|service| service.own_task_definition());
    let owned = |key: &&str| session.stack.task_definitions.get(*key).is_some_and(|task| !task.existing);
    match runs.filter(owned) {
        Some(key) => Ok(key.to_owned()),
        None => Err(Error::new(
            Kind::Refused,
            format!("the service `{service}` runs a task definition that is not this stack's"),
        )),
    }
}

/// A service of the file with its task definition, as they are now.
pub(super) struct Subject {
    pub(super) task: Address,
    pub(super) service: Address,
    /// The latest revision.
    pub(super) live_task: Sighting,
    /// The revision that runs, where it is another one of the family: after a rollback, or when somebody registered one.
    pub(super) running: Option<Sighting>,
    pub(super) live_service: Sighting,
}

impl Subject {
    /// The revision that runs.
    pub(super) fn current(&self) -> &Sighting {
        self.running.as_ref().unwrap_or(&self.live_task)
    }
}

/// Reads a service and its task definition, by their keys.
pub(super) async fn look(session: &mut Session, task: &str, service: &str) -> Result<Subject, Error> {
    let (task, service) = (Address::new("task_definition", task), Address::new("service", service));
    session.begin_look();
    let (latest, live_service) = futures::join!(looked(session, &task), seen(session, &service));
    let live_service = live_service?;
    let live_task = match latest? {
        Some(latest) => latest,
        None => deregistered(session, &task, &live_service).await?,
    };
    // A service of another family is brought back to that of the file.
    let running = match other_that_runs(&live_task, &live_service) {
        Some(arn) => revision(session.provider.aws(), arn).await.map_err(refused(session, Purpose::Deploy))?,
        None => None,
    };
    let subject = Subject { task, service, live_task, running, live_service };
    // Whose a family is, its latest revision tells, as in every plan.
    for (address, live) in [(&subject.service, &subject.live_service), (&subject.task, &subject.live_task)] {
        if let Some(problem) = not_yet_ours(wish(session, address)?, live) {
            return Err(problem);
        }
    }
    Ok(subject)
}

/// Why something is left alone that the file wants to be taken over: only an apply does that, which shows first what it changes.
pub(super) fn not_yet_ours(want: &Desired, live: &Sighting) -> Option<Error> {
    (want.adopt && live.mark.is_none()).then(|| {
        let message = format!("{} is not hatoba's yet; nothing was changed", want.address);
        Error::new(Kind::Refused, message).help("`hatoba apply` takes it over first, as `adopt: true` says")
    })
}

/// The other stack that a service belongs to, where the file does not say that it is only used.
pub(super) fn another<'s>(session: &Session, want: &Desired, stack: Option<&'s str>) -> Option<&'s str> {
    stack.filter(|stack| *stack != session.name() && !want.existing)
}

/// Why a service is not looked into: it is another stack's.
pub(super) fn of_another(session: &Session, want: &Desired, stack: Option<&str>) -> Option<Error> {
    let stack = another(session, want, stack)?;
    let message = format!("the service `{}` belongs to the stack `{stack}`", want.name);
    Some(
        Error::new(Kind::Refused, message).help("name that stack's file, or give the service another name in this one"),
    )
}

/// Plans a new revision, made from `base` with these images, shows the plan and carries it out.
pub(super) async fn change(
    session: &mut Session,
    subject: Subject,
    base: &Sighting,
    images: &BTreeMap<String, String>,
    run: Run<'_>,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<u8, Error> {
    let as_task = Pair { want: wish(session, &subject.task)?, live: subject.current() };
    let as_service = Pair { want: wish(session, &subject.service)?, live: &subject.live_service };
    session.goal = goal(session.name(), as_task, base, as_service, images).map_err(not_applied)?;
    let stands = match subject.running {
        Some(running) => stands_for(&wish(session, &subject.task)?.fields, subject.live_task, running),
        None => subject.live_task,
    };
    let snapshot = Snapshot { seen: vec![stands, subject.live_service], ..Snapshot::default() };
    let settled = match images.len() {
        0 => format!("{} is set to {} already.", subject.service, last(&base.id)),
        1 => format!("{} has this image already.", subject.service),
        _ => format!("{} has these images already.", subject.service),
    };
    let mut look = session.planned(snapshot, Intent::Present)?;
    look.beside.settled = Some(settled);

    let not_done = json!({ "plan": look.document(), "outcome": null, "deployments": [], "deregistered": [] });
    if !ui.json {
        ui.data(&look.text(&session.place(), ui.out))?;
    }
    if let Some(obstacle) = look.obstacle() {
        return Err(obstacle.document(not_done));
    }
    if look.plan.steps.is_empty() {
        return settle(&look, session, run, ui, interrupt).await;
    }
    complete(&look, session, run, ui, interrupt).await
}

/// The revision that was asked for last.
pub(super) fn runs(service: &Sighting) -> &str {
    service.fields.get("task_definition").and_then(Value::as_text).unwrap_or_default()
}

/// What the file wants of a resource.
pub(super) fn wish<'a>(session: &'a Session, address: &Address) -> Result<&'a Desired, Error> {
    session.goal.resources.get(address).ok_or_else(|| Error::new(Kind::Failed, format!("{address} is not in the file")))
}

/// The revision that runs of a family that has no active one left: somebody has deregistered them all.
async fn deregistered(session: &Session, task: &Address, service: &Sighting) -> Result<Sighting, Error> {
    let want = wish(session, task)?;
    let found = match runs_of(&want.name, service) {
        Some(arn) => revision(session.provider.aws(), arn).await.map_err(refused(session, Purpose::Deploy))?,
        None => None,
    };
    found.ok_or_else(|| missing(want))
}

/// A resource as it is now.
pub(super) async fn seen(session: &Session, address: &Address) -> Result<Sighting, Error> {
    looked(session, address).await?.ok_or_else(|| wish(session, address).map_or_else(|error| error, missing))
}

async fn looked(session: &Session, address: &Address) -> Result<Option<Sighting>, Error> {
    let want = wish(session, address)?;
    let seen = session.provider.look(&Target::named(want), Depth::Full).await;
    Ok(seen.map_err(refused(session, Purpose::Deploy))?.into_iter().next())
}

fn missing(want: &Desired) -> Error {
    let text = format!("the {} `{}` does not exist yet; nothing was changed", want.kind.title, want.name);
    let help = "run `hatoba apply` first: it makes everything";
    Error::new(Kind::Failed, text).help(help)
}

fn not_applied(error: DeployError) -> Error {
    Error::new(Kind::Failed, format!("{error}; nothing was changed")).help("run `hatoba apply` first")
}
