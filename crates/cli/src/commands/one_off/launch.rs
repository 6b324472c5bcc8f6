//! What is to be started: from the file, from what there is, and from what is said on the command line.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{SystemTime, UNIX_EPOCH};

use hatoba_engine::cloud::{Cloud as _, Depth, Target};
use hatoba_engine::desired::Desired;
use hatoba_engine::snapshot::Sighting;
use hatoba_model::address::Address;
use hatoba_provider::one_off::definition::{Definition, definition};
use hatoba_provider::one_off::home::{Capacity, Home, Network, default_subnets, home};
use hatoba_provider::one_off::start::Start;

use super::args::RunArgs;
use super::choose::{self, Where};
use crate::commands::one_service::{not_yet_ours, wish};
use crate::error::{Error, Kind};
use crate::purpose::{Purpose, refused};
use crate::render::Tone;
use crate::render::line::Line;
use crate::session::Session;
use crate::ui::Ui;
use hatoba_rollout::state::last;

/// A task that is about to be run once.
pub(crate) struct Launch {
    /// Its address: `task_definition.papyrus`.
    pub(crate) address: String,
    /// The address of the service that it is like.
    pub(crate) service: Option<String>,
    /// Its revision.
    pub(crate) definition: Definition,
    /// The container whose code counts.
    pub(crate) container: String,
    /// How it is started.
    pub(crate) start: Start,
}

/// Finds out what is to be started. Nothing is changed.
///
/// # Errors
/// When it is not clear what is meant, when something is not there or not this stack's, and when a read failed.
pub(super) async fn launch(session: &Session, args: &RunArgs, ui: &Ui) -> Result<Launch, Error> {
    let stack = &session.stack;
    let task = choose::task(stack, args.task.as_deref())?;
    let service = choose::service(stack, &task, args.service.as_deref())?;
    let cluster = choose::cluster(stack, args.cluster.as_deref(), service.as_deref())?;
    let address = Address::new("task_definition", &task);
    let (latest, of) = futures::join!(latest(session, &address), of_service(session, service.as_deref()));
    let (latest, of) = (latest?, of?);
    if let (Some(key), None, true) = (&service, &of, args.subnets.is_empty()) {
        return Err(Error::new(
            Kind::Failed,
            format!("the service `{key}` does not exist yet, and with it no network"),
        )
        .help("run `hatoba apply` first: it makes everything; or name a network: `--subnet`, `--security-group`"));
    }
    let definition = revision(session, &latest, of.as_ref(), ui).await?;
    let container = choose::container(&definition.containers, args.container.as_deref())?;
    let network = match choose::network(of.as_ref().map(|home| &home.network), args) {
        Where::Known(network) => network,
        Where::Default { groups, public_ip } => default(session, groups, public_ip).await?,
    };
    let start = Start {
        token: token(),
        cluster,
        task_definition: definition.arn.clone(),
        network,
        capacity: of.as_ref().map_or_else(|| Capacity::LaunchType("FARGATE".to_owned()), |home| home.capacity.clone()),
        platform_version: of.as_ref().and_then(|home| home.platform_version.clone()),
        propagate_tags: of.as_ref().is_some_and(|home| home.propagates_tags),
        managed_tags: of.as_ref().is_some_and(|home| home.managed_tags),
        // RunTask refuses it without a role, as which the agent would open its channels.
        exec: of.as_ref().is_some_and(|home| home.exec) && definition.task_role.is_some(),
        command: (!args.command.is_empty()).then(|| (container.clone(), args.command.clone())),
    };
    let service = service.filter(|_| of.is_some()).map(|key| Address::new("service", &key).to_string());
    Ok(Launch { address: address.to_string(), service, definition, container, start })
}

/// The latest revision, which must be this stack's.
async fn latest(session: &Session, address: &Address) -> Result<Sighting, Error> {
    let want = wish(session, address)?;
    let seen =
        session.provider.look(&Target::named(want), Depth::Full).await.map_err(refused(session, Purpose::Run))?;
    let Some(seen) = seen.into_iter().next() else {
        return Err(Error::new(Kind::Failed, format!("the task definition `{}` does not exist yet", want.name))
            .help("run `hatoba apply` first: it makes everything"));
    };
    match not_yet_ours(want, &seen).or_else(|| foreign(session.name(), want, &seen)) {
        Some(problem) => Err(problem),
        None => Ok(seen),
    }
}

/// Why a task definition is not run: it is somebody else's, and the file does not say that this is known.
fn foreign(stack: &str, want: &Desired, seen: &Sighting) -> Option<Error> {
    let whose = match &seen.mark {
        _ if want.existing => return None,
        Some(mark) if mark.stack == stack => return None,
        Some(mark) => format!("it belongs to the stack `{}`", mark.stack),
        None => "it bears no mark of this stack".to_owned(),
    };
    let error = Error::new(Kind::Refused, format!("the task definition `{}` is not run: {whose}", want.name));
    Some(
        error.help(
            "`adopt: true` takes it over with the next apply, `existing: true` says that it stays with its owner",
        ),
    )
}

async fn of_service(session: &Session, key: Option<&str>) -> Result<Option<Home>, Error> {
    let Some(key) = key else { return Ok(None) };
    let want = wish(session, &Address::new("service", key))?;
    let cluster = want.scope.as_deref().unwrap_or("default");
    home(session.provider.aws(), cluster, &want.name).await.map_err(refused(session, Purpose::Run))
}

/// The revision that the service runs; the latest where that is of another family, or cannot be run any more.
async fn revision(session: &Session, latest: &Sighting, of: Option<&Home>, ui: &Ui) -> Result<Definition, Error> {
    let read = async |arn: &str| definition(session.provider.aws(), arn).await.map_err(refused(session, Purpose::Run));
    let wanted = choose::revision(&latest.id, of.map(|home| home.task_definition.as_str()));
    match read(wanted).await? {
        Some(found) if found.active => return Ok(found),
        _ if wanted == latest.id => {}
        _ => {
            let text = format!("{} runs and was deregistered: {} is run instead", last(wanted), last(&latest.id));
            ui.tell(&[Line::new(0).add(Tone::Warning, &text)]);
            if let Some(found) = read(&latest.id).await?.filter(|found| found.active) {
                return Ok(found);
            }
        }
    }
    Err(Error::new(Kind::Failed, format!("{} was deregistered meanwhile", last(&latest.id)))
        .help("run `hatoba apply` first: it registers a revision"))
}

async fn default(session: &Session, groups: Vec<String>, public_ip: bool) -> Result<Network, Error> {
    let subnets = default_subnets(session.provider.aws()).await.map_err(refused(session, Purpose::Run))?;
    if subnets.is_empty() {
        let region = &session.facts().region;
        return Err(Error::new(Kind::Failed, format!("the region {region} has no default subnets to run the task in"))
            .help("no service of the file runs this task definition: name a network with `--subnet`, and perhaps `--security-group` and `--public-ip`"));
    }
    Ok(Network { subnets, groups, public_ip })
}

/// What makes one start different from every other: the time, and what chance adds.
fn token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    // Its keys are drawn from the operating system.
    let chance = RandomState::new().build_hasher().finish();
    format!("{now:x}-{chance:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_short_enough() {
        let (one, two) = (token(), token());
        assert_ne!(one, two);
        assert!(one.len() <= 64 && one.is_ascii(), "{one}");
    }
}
