//! `hatoba status`: how the services stand.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use hatoba_model::address::Address;
use hatoba_model::kinds::task_definition::Port;
use hatoba_prices::stack::bill;
use hatoba_provider::addresses::public_addresses;
use hatoba_provider::down::is_off_in_file;
use hatoba_provider::kinds::task_definition::revision;
use hatoba_provider::provenance::Provenance;
use hatoba_provider::rollout::services::services;
use hatoba_provider::rollout::tasks::tasks;
use hatoba_provider::rotation::secrets;
use serde_json::Value as Json;

use crate::args::{Global, StatusArgs};
use crate::commands::one_service::{another, chosen, wish};
use crate::cost::now::now as running_cost;
use crate::error::Error;
use crate::purpose::{Purpose, refused};
use crate::render::status::{Standing, document, lines};
use crate::rotation;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Shows how every service of the file stands, or the one that is named.
pub(crate) async fn run(global: &Global, args: &StatusArgs, ui: &Ui) -> Result<u8, Error> {
    let session = session::open(global, ui).await?;
    let keys: Vec<String> = match &args.service {
        Some(_) => vec![chosen(&session, args.service.as_deref())?],
        None => session.stack.services.keys().cloned().collect(),
    };
    let mut standings = try_join_all(keys.iter().map(|key| standing(&session, key))).await?;
    let interfaces: BTreeSet<String> =
        standings.iter().flat_map(|it| it.tasks.iter().filter_map(|task| task.interface.clone())).collect();
    let interfaces: Vec<String> = interfaces.into_iter().collect();
    let public = public_addresses(session.provider.aws(), &interfaces).await;
    let public = public.map_err(refused(&session, Purpose::Status))?;
    let (now, region) = (now(&session), session.facts().region.as_str());
    let bill = bill(&session.stack);
    for it in &mut standings {
        let file = bill.services.iter().find(|service| service.address == it.address);
        it.cost = running_cost(region, &it.address, &it.tasks, &public, file);
    }
    let unread = standings.iter().find_map(|it| it.unread.clone().map(|error| (it.address.clone(), error)));
    let unread = unread.map(|(address, error)| {
        let error = refused(&session, Purpose::Status)(error);
        Error { message: format!("the tasks of {address} could not be read: {}", error.message), ..error }
    });
    let all: Vec<Json> = standings.iter().map(|it| document(it, &public)).collect();
    let whole = serde_json::json!({ "stack": session.name(), "services": all });
    ui.show(&lines(&standings, &public, &session.place(), now))?;
    match unread {
        Some(error) => Err(error.document(whole)),
        None => {
            if ui.json {
                ui.document(&whole)?;
            }
            Ok(0)
        }
    }
}

/// The time by the clock of AWS, in milliseconds since 1970.
pub(crate) fn now(session: &Session) -> i64 {
    session.now()
}

async fn standing(session: &Session, key: &str) -> Result<Standing, Error> {
    let address = Address::new("service", key);
    let want = wish(session, &address)?;
    let cluster = want.scope.clone().unwrap_or_else(|| "default".to_owned());
    let aws = session.provider.aws();
    let (name, none) = (want.name.clone(), BTreeSet::new());
    let names = [name.as_str()];
    let (found, tasks) = futures::join!(services(aws, &cluster, &names), tasks(aws, &cluster, &name, &none));
    let (tasks, unread) = match tasks {
        Ok(tasks) => (tasks, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let found = found.map_err(refused(session, Purpose::Status))?;
    let (address, service) = (address.to_string(), found.into_iter().next());
    // What is deleted is nobody's any more.
    let there = service.as_ref().filter(|service| service.status != "INACTIVE");
    if let Some(whose) = there.and_then(|service| another(session, want, service.stack.as_deref())) {
        return Ok(Standing { address, whose: Some(whose.to_owned()), ..Standing::default() });
    }
    let revision = match &service {
        Some(service) => revision(aws, &service.task_definition).await,
        None => Ok(None),
    };
    // What cannot be read of these is worth a line, and no failure.
    let rotated = match &revision {
        Ok(Some(it)) => rotation::of_tasks(session, &secrets(&it.fields), &tasks).await,
        Ok(None) => Ok(Vec::new()),
        Err(error) => Err(error.clone()),
    };
    let (rotated, not_compared) = match rotated {
        Ok(rotated) => (rotated, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let provenance = revision.ok().flatten().as_ref().and_then(Provenance::of);
    let ports = ports(session, key);
    let starts = !want.existing && !is_off_in_file(want);
    Ok(Standing {
        address,
        service,
        whose: None,
        tasks,
        unread,
        ports,
        cost: None,
        provenance,
        rotated,
        not_compared,
        starts,
    })
}

/// The ports of the containers, by the containers' names.
fn ports(session: &Session, key: &str) -> BTreeMap<String, Vec<u32>> {
    let task = session.stack.services.get(key).and_then(|service| service.own_task_definition());
    let Some(task) = task.and_then(|key| session.stack.task_definitions.get(key)) else { return BTreeMap::new() };
    let port = |port: &Port| port.full().bounds().map(|(first, _)| first);
    task.containers.iter().map(|(name, it)| (name.clone(), it.ports.iter().filter_map(port).collect())).collect()
}
