//! `hatoba deploy --redeploy`: new tasks with the same images, so that they read their secrets anew.

use hatoba_engine::cloud::Class;
use hatoba_model::address::Address;
use hatoba_provider::rollout::act;
use hatoba_provider::rollout::services::services;
use hatoba_rollout::follow::Target;
use hatoba_rollout::state::{Deployment, Service};
use serde_json::json;

use crate::args::{DeployArgs, Global};
use crate::carry::{again, quoted};
use crate::commands::one_service::{chosen, not_yet_ours, seen, task_of, wish};
use crate::error::{Error, Kind};
use crate::follow::{Started, follow};
use crate::interrupt::Interrupt;
use crate::purpose::{Purpose, refused};
use crate::render::Tone;
use crate::render::line::Line;
use crate::rests::Rests;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Starts new tasks, and follows them to their verdict.
pub(crate) async fn run(global: &Global, args: &DeployArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let session = session::open(global, ui).await?;
    let key = chosen(&session, args.service.as_deref())?;
    // Of this stack, and not only used.
    task_of(&session, &key)?;
    let address = Address::new("service", &key);
    let want = wish(&session, &address)?;
    let cluster = want.scope.clone().unwrap_or_else(|| "default".to_owned());
    let live = seen(&session, &address).await?;
    if let Some(problem) = not_yet_ours(want, &live) {
        return Err(problem);
    }
    if live.mark.as_ref().is_none_or(|mark| mark.stack != session.name()) {
        let message = format!("the service `{}` exists, but is not this stack's; nothing was changed", live.name);
        return Err(Error::new(Kind::Refused, message).help("`hatoba plan` says how to take it over"));
    }
    let service = there(&session, &cluster, &want.name).await?;
    let mut document = json!({ "plan": null, "outcome": null, "deployments": [], "deregistered": [] });
    if service.desired == 0 {
        let text = format!("{address}: no task is wanted: what is started next reads its secrets then");
        ui.tell(&[Line::new(0).add(Tone::Faint, &text)]);
        if ui.json {
            ui.document(&document)?;
        }
        return Ok(0);
    }
    let (deployment, revision) = begin(&session, &cluster, &service).await?;
    ui.tell(&[Line::new(0).add(Tone::Strong, &format!("{address}: new tasks with the same images"))]);
    let target = Target {
        address: address.to_string(),
        cluster,
        service: service.name,
        deployment,
        task_definition: revision,
        before: Some(service.task_definition),
    };
    let mut said = again("deploy", global);
    said.push_str(&args.service.iter().map(|service| format!(" {}", quoted(service))).collect::<String>());
    said.push_str(" --redeploy");
    let started = Started { deployments: vec![target], interrupted: false, again: &said };
    let followed = follow(started, &args.follow, &session, ui, interrupt).await;
    document["deployments"] = followed.deployments;
    if let Some(error) = followed.error {
        return Err(error.document(document));
    }
    if ui.json {
        ui.document(&document)?;
    }
    Ok(0)
}

/// Begins it once: what was not accepted is asked for again, and a lost answer is followed by a look.
async fn begin(session: &Session, cluster: &str, service: &Service) -> Result<(Option<String>, Option<String>), Error> {
    let mut rests = Rests::new();
    loop {
        let error = match act::redeploy(session.provider.aws(), cluster, &service.name).await {
            Ok(begun) => return Ok(begun),
            Err(error) => error,
        };
        let passes = match error.class {
            Class::Throttled | Class::NotSent => true,
            Class::Ambiguous | Class::Server => {
                let now = there(session, cluster, &service.name).await?;
                if let Some(begun) = primary(&now).filter(|it| Some(&it.id) != primary(service).map(|it| &it.id)) {
                    return Ok((Some(begun.id.clone()), Some(begun.task_definition.clone())));
                }
                true
            }
            _ => false,
        };
        if !passes || !rests.any_left() {
            return Err(refused(session, Purpose::Deploy)(error));
        }
        rests.take().await;
    }
}

fn primary(service: &Service) -> Option<&Deployment> {
    service.deployments.iter().find(|deployment| deployment.primary)
}

/// The service, as it is.
async fn there(session: &Session, cluster: &str, name: &str) -> Result<Service, Error> {
    let found = services(session.provider.aws(), cluster, &[name]).await.map_err(refused(session, Purpose::Deploy))?;
    found
        .into_iter()
        .find(|service| service.status == "ACTIVE")
        .ok_or_else(|| Error::new(Kind::Failed, format!("the service `{name}` is gone; nothing was changed")))
}
