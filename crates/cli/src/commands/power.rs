//! `hatoba down` and `hatoba up`: services stopped and started, through the same plan and the same convergence as everything else.

use std::time::Duration;

use futures::future::join_all;
use hatoba_engine::desired::Desired;
use hatoba_engine::plan::Intent;
use hatoba_engine::snapshot::{Readiness, Sighting, Snapshot};
use hatoba_model::address::Address;
use hatoba_model::kinds::Resource as _;
use hatoba_model::schedule::day::moment;
use hatoba_model::stack::Stack;
use hatoba_provider::deploy::Pair;
use hatoba_provider::down::{Power, goal, is_off_in_file};
use hatoba_provider::kinds::service::whole;
use serde_json::json;

use crate::args::{DownArgs, FollowArgs, Global, UpArgs};
use crate::carry::{Run, again, complete, quoted};
use crate::commands::one_service::not_yet_ours;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::purpose::{Purpose, refused};
use crate::render::Tone;
use crate::render::line::Line;
use crate::session::{self, Session, time_at_aws};
use crate::ui::Ui;

/// Stops services.
pub(crate) async fn down(global: &Global, args: &DownArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let session = session::open(global, ui).await?;
    let said = words("down", global, &args.services, None);
    let costs = still_costs(&session.stack);
    let ran = run(session, &args.services, &Power::Down, &said, ui, interrupt).await?;
    if ran.services > 0 {
        ui.tell(&costs);
    }
    Ok(ran.code)
}

/// Starts services.
pub(crate) async fn up(global: &Global, args: &UpArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let session = session::open(global, ui).await?;
    let power = match args.span {
        None => Power::Up,
        Some(span) => Power::Until(end(span, session.provider.aws().clock_ahead())?),
    };
    let said = words("up", global, &args.services, args.span);
    Ok(run(session, &args.services, &power, &said, ui, interrupt).await?.code)
}

/// What a run came to.
struct Ran {
    code: u8,
    /// How many services are as they were to be.
    services: usize,
}

/// When so much time has passed, by the clock of AWS.
fn end(span: Duration, ahead: Option<i64>) -> Result<String, Error> {
    let seconds = time_at_aws(ahead).saturating_add(span).as_secs();
    moment(seconds).ok_or_else(|| Error::new(Kind::Failed, "the clock of this machine is wrong"))
}

/// The command that continues.
fn words(command: &str, global: &Global, services: &[String], span: Option<Duration>) -> String {
    let span = span.map(|span| vec!["--for".to_owned(), format!("{}m", span.as_secs() / 60)]).unwrap_or_default();
    let words = services.iter().map(|word| quoted(word)).chain(span);
    [again(command, global)].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

async fn run(
    mut session: Session,
    named: &[String],
    power: &Power,
    said: &str,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<Ran, Error> {
    let chosen = chosen(&session, named)?;
    session.begin_look();
    let seen = seen(&session, &chosen).await?;
    let mut pairs = Vec::new();
    for (want, live) in chosen.iter().zip(&seen) {
        let theirs = live.as_ref().and_then(|live| not_yet_ours(want, live));
        // One of several must not keep the others running, and paid for.
        let alone = !named.is_empty() || (chosen.len() == 1 && theirs.is_some());
        match theirs.or_else(|| unfit(want, live.as_ref(), power)) {
            None => pairs.extend(live.as_ref().map(|live| Pair { want, live })),
            Some(problem) if alone => return Err(problem),
            Some(problem) => ui.tell(&[Line::new(0).add(Tone::Faint, &problem.to_string()).advice()]),
        }
    }
    session.goal = goal(session.name(), &pairs, power);
    let seen = pairs.iter().map(|pair| Sighting { remarks: Vec::new(), ..pair.live.clone() }).collect();
    let look = session.planned(Snapshot { seen, ..Snapshot::default() }, Intent::Present)?;

    let not_done = json!({ "plan": look.document(), "outcome": null, "deployments": [], "deregistered": [] });
    if let Some(obstacle) = look.obstacle() {
        if !ui.json {
            ui.data(&look.text(&session.place(), ui.out))?;
        }
        return Err(obstacle.document(not_done));
    }
    if look.plan.steps.is_empty() {
        match ui.json {
            true => ui.document(&not_done)?,
            false => ui.data(&format!("{}\n", nothing_to_do(power, pairs.len())))?,
        }
        return Ok(Ran { code: 0, services: pairs.len() });
    }
    if !ui.json {
        ui.data(&look.text(&session.place(), ui.out))?;
    }
    let run = Run { again: said, command: Some("scale"), follow: &FollowArgs::NONE };
    let code = complete(&look, &session, run, ui, interrupt).await?;
    if let Power::Until(moment) = power {
        let text = format!(
            "Until {} UTC: then they are stopped, whether or not this machine is on.",
            moment.replace('T', " ")
        );
        ui.tell(&[Line::new(0).text(&text)]);
    }
    Ok(Ran { code, services: pairs.len() })
}

fn nothing_to_do(power: &Power, count: usize) -> String {
    let (service, is) = if count == 1 { ("service", "is") } else { ("services", "are") };
    match (power, count) {
        (_, 0) => "There is no service to change.".to_owned(),
        (Power::Down, _) => format!("Nothing to do: {count} {service} {is} stopped."),
        (Power::Up | Power::Until(_), _) => format!("Nothing to do: {count} {service} {is} not stopped."),
    }
}

/// The services that are meant: the named ones, or all that are the stack's own.
fn chosen(session: &Session, named: &[String]) -> Result<Vec<Desired>, Error> {
    let services = &session.stack.services;
    if services.is_empty() {
        return Err(Error::new(Kind::Invalid, "the file has no service"));
    }
    let mut keys: Vec<&String> = if named.is_empty() { services.keys().collect() } else { named.iter().collect() };
    keys.sort();
    keys.dedup();
    let mut chosen = Vec::new();
    for key in keys {
        match services.get(key) {
            None => {
                let known = services.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                return Err(Error::new(Kind::Invalid, format!("the file has no service `{key}`"))
                    .help(format!("it has {known}")));
            }
            Some(service) if service.common().existing && named.is_empty() => {}
            Some(service) if service.common().existing => {
                let message = format!("the service `{key}` is not this stack's: the file says `existing: true`");
                return Err(Error::new(Kind::Refused, message));
            }
            Some(_) => chosen.extend(session.goal.resources.get(&Address::new("service", key)).cloned()),
        }
    }
    Ok(chosen)
}

/// The services as they are.
async fn seen(session: &Session, chosen: &[Desired]) -> Result<Vec<Option<Sighting>>, Error> {
    let read = join_all(chosen.iter().map(|want| whole(session.provider.aws(), want))).await;
    let mut seen = Vec::new();
    for result in read {
        seen.push(result.map_err(refused(session, Purpose::Scale))?);
    }
    Ok(seen)
}

/// Why a service can be neither stopped nor started.
fn unfit(want: &Desired, live: Option<&Sighting>, power: &Power) -> Option<Error> {
    let name = &want.name;
    match live.map(|live| &live.readiness) {
        None => Some(
            Error::new(Kind::Failed, format!("the service `{name}` does not exist"))
                .help("run `hatoba apply` first: it makes everything"),
        ),
        Some(Readiness::Deleting(_)) => {
            Some(Error::new(Kind::Failed, format!("the service `{name}` is being deleted")))
        }
        Some(_) if *power != Power::Down && is_off_in_file(want) => Some(
            Error::new(Kind::Refused, format!("the file says `desired_count: 0` for the service `{name}`"))
                .help("write how many copies should run, and run `hatoba apply`"),
        ),
        Some(_) => None,
    }
}

/// What goes on costing when no task runs.
fn still_costs(stack: &Stack) -> Vec<Line> {
    let mut what = Vec::new();
    let many =
        |count: usize, one: &str, many: &str| if count == 1 { one.to_owned() } else { format!("{count} {many}") };
    let repositories = stack.repositories.values().filter(|repository| !repository.common().existing).count();
    if repositories > 0 {
        what.push(format!("the images in {}", many(repositories, "the repository", "repositories")));
    }
    let groups = stack.log_groups.values().filter(|group| !group.common().existing).count();
    if groups > 0 {
        what.push(format!("the logs kept in {}", many(groups, "the log group", "log groups")));
    }
    what.push("one-off tasks of `hatoba run` until they end".to_owned());
    if stack.services.values().any(|service| !service.load_balancers.is_empty()) {
        what.push("load balancers, which are not this stack's".to_owned());
    }
    let text = format!(
        "What was stopped costs nothing any more, neither tasks nor public addresses. What goes on costing: {}.",
        what.join("; ")
    );
    vec![Line::new(0).hang(0).text(&text)]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn the_end_follows_the_clock_of_aws() {
        let (near, far) =
            (end(Duration::from_secs(60), None).unwrap(), end(Duration::from_secs(60), Some(86_400)).unwrap());
        assert!(near < far, "{near} {far}");
        assert_eq!(near.len(), "2026-11-21T20:00:00".len());
    }
}
