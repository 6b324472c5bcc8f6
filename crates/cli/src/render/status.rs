//! How services stand, for people and for machines.

use std::collections::BTreeMap;

use hatoba_engine::cloud::CloudError;
use hatoba_prices::whole::StackCost;
use hatoba_provider::provenance::Provenance;
use hatoba_provider::rotation::Newer;
use hatoba_rollout::event;
use hatoba_rollout::state::{Deployment, Event, Millis, RolloutState, Service, Task, last};
use serde_json::{Value as Json, json};

use super::cost::dollars;
use super::line::Line;
use super::rollout::{is_scaling, short};
use super::{Tone, one_line, rollout};
use crate::{provenance, rotation};

/// How many of the latest events are shown.
const EVENTS: usize = 3;
/// How many of the latest stopped tasks are shown.
const STOPPED: usize = 3;

/// A service as it was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Its address: `service.papyrus`.
    pub(crate) address: String,
    /// What ECS tells of it; nothing when there is no such service.
    pub(crate) service: Option<Service>,
    /// The other stack that the service of this name belongs to: then nothing more is told of it.
    pub(crate) whose: Option<String>,
    /// Its tasks, with those that stopped in the last hour.
    pub(crate) tasks: Vec<Task>,
    /// The ports of its containers, by the containers' names.
    pub(crate) ports: BTreeMap<String, Vec<u32>>,
    /// Why its tasks are not known.
    pub(crate) unread: Option<CloudError>,
    /// What the tasks that run cost.
    pub(crate) cost: Option<StackCost>,
    /// Where the images of the revision come from that was asked for last.
    pub(crate) provenance: Option<Provenance>,
    /// The secrets that changed after its tasks started.
    pub(crate) rotated: Vec<Newer>,
    /// Why these are not known.
    pub(crate) not_compared: Option<String>,
    /// Whether `hatoba up` would start it: it is this stack's, and the file wants it to run.
    pub(crate) starts: bool,
}

impl Standing {
    /// The tasks that stopped, the latest first.
    fn stopped(&self) -> Vec<&Task> {
        let mut stopped: Vec<&Task> = self.tasks.iter().filter(|task| task.has_stopped()).collect();
        stopped.sort_by_key(|task| std::cmp::Reverse(task.stopped));
        stopped
    }
}

/// For people. `public` are public addresses by network interface, `now` is the time by AWS's clock.
pub(crate) fn lines(standings: &[Standing], public: &BTreeMap<String, String>, place: &str, now: Millis) -> Vec<Line> {
    let mut out = vec![Line::new(0).add(Tone::Faint, place)];
    for standing in standings {
        out.push(Line::blank());
        let Some(service) = standing.service.as_ref().filter(|service| service.status != "INACTIVE") else {
            let line = Line::new(0).add(Tone::Strong, &standing.address).text(": ");
            out.push(match &standing.whose {
                Some(stack) => line.add(Tone::Warning, &format!("belongs to the stack `{stack}`")),
                None => line.add(Tone::Faint, "not there"),
            });
            continue;
        };
        out.push(head(&standing.address, service));
        out.extend(way_back(standing, service));
        out.extend(deployments(service, now));
        out.extend(standing.provenance.iter().flat_map(|provenance| origin(provenance, now)));
        out.extend(rotated(standing, now));
        out.extend(standing.cost.as_ref().map(cost));
        if let Some(error) = &standing.unread {
            out.push(row("tasks").add(Tone::Error, &format!("could not be read: {}", one_line(&error.to_string()))));
        }
        let running = standing.tasks.iter().filter(|task| !task.has_stopped());
        out.extend(running.flat_map(|task| self::task(task, standing, public, now)));
        for task in standing.stopped().into_iter().take(STOPPED) {
            let why = match task.stopped_reason.as_deref() {
                Some(reason) if is_scaling(reason) => "replaced, or one task less was wanted".to_owned(),
                Some(reason) => one_line(reason),
                None => "no reason given".to_owned(),
            };
            let line = row("stopped").text(&short(&task.id)).text(&beside(&ago(task.stopped, now)));
            out.push(line.add(Tone::Faint, &beside(&why)));
            out.extend(exits(task));
        }
        let mut events: Vec<&Event> = service.events.iter().filter(|it| event::is_news(&it.message)).collect();
        events.sort_by_key(|it| std::cmp::Reverse(it.at));
        for it in events.into_iter().take(EVENTS) {
            let text = rollout::event(event::text(&it.message));
            out.push(row("event").add(Tone::Faint, &format!("{}  ", ago(it.at, now))).text(&text));
        }
    }
    out
}

/// A text two columns from what stands before it; nothing where it is not known.
fn beside(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("  {text}") }
}

fn row(name: &str) -> Line {
    Line::new(2).hang(12).add(Tone::Faint, &format!("{name:<12}"))
}

fn head(address: &str, service: &Service) -> Line {
    let (running, desired) = (service.running, service.desired);
    let tone = match (running, desired) {
        (_, 0) => Tone::Faint,
        (running, desired) if running >= desired => Tone::Add,
        _ => Tone::Warning,
    };
    let counts = if desired == 0 && running == 0 {
        "stopped: no task is wanted".to_owned()
    } else {
        format!("{running} of {desired} tasks running")
    };
    let line = Line::new(0).add(Tone::Strong, address).text(": ").add(tone, &counts);
    if service.status == "ACTIVE" { line } else { line.text(", ").add(Tone::Warning, &service.status.to_lowercase()) }
}

/// How what is stopped is started again, whether `hatoba down` or a schedule has stopped it.
fn way_back(standing: &Standing, service: &Service) -> Option<Line> {
    let stopped = service.status == "ACTIVE" && service.desired == 0 && service.running == 0;
    let key = standing.address.strip_prefix("service.").unwrap_or(&standing.address);
    (stopped && standing.starts).then(|| row("start").add(Tone::Help, &format!("`hatoba up {key}`")).advice())
}

/// What the tasks that run cost: `$0.0149 an hour, $10.90 a month if it goes on so`.
fn cost(of: &StackCost) -> Line {
    if let Some(unpriced) = of.unpriced.first() {
        return row("cost").add(Tone::Faint, &format!("not known: it {}", unpriced.why));
    }
    let about = if of.is_approximate() { "about " } else { "" };
    let (hour, month) = (of.cost().hour.most.rounded(4), of.cost().running.most);
    row("cost").text(&format!("{about}${hour} an hour, {} a month if it goes on so", dollars(month)))
}

fn deployments(service: &Service, now: Millis) -> Vec<Line> {
    let mut out = Vec::new();
    for deployment in &service.deployments {
        let revision = last(&deployment.task_definition);
        let state = match (deployment.primary, deployment.rollout) {
            (true, None | Some(RolloutState::Completed)) => {
                out.push(row("revision").text(&format!("{revision}  started {}", ago(deployment.created, now))));
                continue;
            }
            (true, Some(RolloutState::InProgress)) => (Tone::Change, "being deployed"),
            (true, Some(RolloutState::Failed)) => (Tone::Error, "failed"),
            (false, _) => (Tone::Faint, "being replaced"),
        };
        let counts = format!(", {} of {} running", deployment.running, deployment.desired);
        let (comma, failed) = match deployment.failed {
            0 => ("", String::new()),
            failed => (", ", format!("{failed} failed")),
        };
        let line = row("revision").text(&format!("{revision}  ")).add(state.0, state.1).text(&counts);
        out.push(line.text(comma).add(Tone::Error, &failed).text(&format!("  {}", ago(deployment.created, now))));
        if let Some(reason) = deployment.reason.as_deref().filter(|_| state.0 == Tone::Error) {
            out.push(Line::new(14).hang(0).add(Tone::Faint, &one_line(reason)));
        }
    }
    out
}

/// The secrets that its tasks have an old value of.
fn rotated(standing: &Standing, now: Millis) -> Vec<Line> {
    let key = standing.address.strip_prefix("service.").unwrap_or(&standing.address);
    match (&standing.not_compared, &standing.rotated) {
        (Some(error), _) => vec![row("secrets").add(Tone::Faint, &format!("not compared: {}", one_line(error)))],
        (None, some) if some.is_empty() => Vec::new(),
        (None, some) => {
            let words = some.iter().map(|it| row("secrets").add(Tone::Warning, &rotation::words(it, now)));
            let help = format!("tasks have the old value: `hatoba deploy {key} --redeploy`");
            words.chain([Line::new(14).hang(0).add(Tone::Help, &help).advice()]).collect()
        }
    }
}

/// Who deployed it, with the whole address of the run.
fn origin(provenance: &Provenance, now: Millis) -> Vec<Line> {
    let mut words = vec![provenance::words(provenance, now)];
    // Without a run the words name the actor.
    words.extend(provenance.actor.clone().filter(|_| provenance.run.is_some()));
    let words: Vec<String> = words.iter().map(|text| one_line(text)).filter(|text| !text.is_empty()).collect();
    let mut out = vec![row("deployed").text(&words.join(", "))];
    out.extend(provenance.run.iter().map(|run| Line::new(14).hang(0).add(Tone::Faint, &one_line(run))));
    out
}

fn task(task: &Task, standing: &Standing, public: &BTreeMap<String, String>, now: Millis) -> Vec<Line> {
    let health = task.health.as_deref().filter(|health| *health != "UNKNOWN").map(str::to_lowercase);
    let state = health.clone().unwrap_or_else(|| task.last.to_lowercase());
    let tone = match (task.last.as_str(), health.as_deref()) {
        (_, Some("unhealthy")) => Tone::Error,
        ("RUNNING", _) => Tone::Add,
        _ => Tone::Change,
    };
    let line = row("task").text(&format!("{}  ", short(&task.id))).add(tone, &state);
    let zone = beside(task.zone.as_deref().unwrap_or_default());
    let mut out = vec![line.text(&zone).text(&beside(&ago(task.started.or(task.created), now)))];
    let address = task.interface.as_ref().and_then(|id| public.get(id));
    let ports: Vec<u32> = standing.ports.values().flatten().copied().collect();
    match (address, &task.private_ip) {
        // Nothing answers there yet.
        _ if task.last != "RUNNING" => {}
        (Some(ip), _) if ports.is_empty() => out.push(row("address").text(ip)),
        (Some(ip), _) => {
            let all: Vec<String> = ports.iter().map(|port| format!("http://{ip}:{port}")).collect();
            out.push(row("address").text(&all.join("  ")));
        }
        (None, Some(ip)) => out.push(row("address").text(ip).add(Tone::Faint, " (inside of the network)")),
        (None, None) => {}
    }
    for container in &task.containers {
        let Some(image) = &container.image else { continue };
        // The digest says exactly what runs, also where the file has a tag.
        let digest = container.digest.as_deref().filter(|digest| !image.contains(*digest));
        let digest = digest.map(|digest| beside(brief(digest))).unwrap_or_default();
        let image = format!("{}  {}", container.name, one_line(at_home(brief(image), &task.arn)));
        out.push(row("image").text(&image).add(Tone::Faint, &digest));
    }
    out
}

/// An image without its registry, where that is the one of the account and the region in which the task runs.
fn at_home<'a>(image: &'a str, task: &str) -> &'a str {
    let mut parts = task.split(':').skip(3);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    image.strip_prefix(&format!("{account}.dkr.ecr.{region}.amazonaws.com/")).unwrap_or(image)
}

/// A digest, or an image by its digest, with as much of it as tells it from others; `--json` has it whole.
fn brief(image: &str) -> &str {
    let end = image.find("sha256:").map(|at| at + "sha256:".len() + 12);
    end.and_then(|end| image.get(..end)).unwrap_or(image)
}

/// Containers of a stopped task that ended badly.
fn exits(task: &Task) -> Vec<Line> {
    let bad = task.containers.iter().filter(|it| it.exit_code.is_some_and(|code| code != 0) || it.reason.is_some());
    bad.map(|it| {
        let code = it.exit_code.map(|code| format!("exit code {code}")).unwrap_or_default();
        let reason = it.reason.as_deref().map(one_line).unwrap_or_default();
        let text = [code, reason].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        Line::new(14).hang(2).text(&format!("{}: {text}", it.name))
    })
    .collect()
}

/// `12 s ago`, `5 min ago`, `3 h ago`, `2 days ago`. Nothing for a time that is not known.
pub(crate) fn ago(at: Option<Millis>, now: Millis) -> String {
    let Some(at) = at else { return String::new() };
    let seconds = (now - at).max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// For machines.
pub(crate) fn document(standing: &Standing, public: &BTreeMap<String, String>) -> Json {
    let service = standing.service.as_ref();
    let deployment = |it: &Deployment| {
        let rollout = it.rollout.map(|state| match state {
            RolloutState::Completed => "completed",
            RolloutState::Failed => "failed",
            RolloutState::InProgress => "in_progress",
        });
        json!({
            "id": it.id, "primary": it.primary, "task_definition": it.task_definition, "rollout": rollout, "reason": it.reason,
            "desired": it.desired, "running": it.running, "pending": it.pending, "failed": it.failed, "created": it.created,
        })
    };
    let task = |it: &Task| {
        let containers: Vec<Json> = it
            .containers
            .iter()
            .map(|it| {
                json!({
                    "name": it.name, "status": it.last, "health": it.health, "image": it.image, "digest": it.digest,
                    "exit_code": it.exit_code, "reason": it.reason,
                })
            })
            .collect();
        json!({
            "id": it.id, "arn": it.arn, "task_definition": it.task_definition, "status": it.last, "health": it.health,
            "public_ip": it.interface.as_ref().and_then(|id| public.get(id)), "private_ip": it.private_ip, "zone": it.zone,
            "created": it.created, "started": it.started, "stopped": it.stopped, "stop_code": it.stop_code,
            "stopped_reason": it.stopped_reason, "containers": containers,
        })
    };
    let event = |it: &Event| json!({ "at": it.at, "message": it.message });
    json!({
        "address": standing.address,
        "belongs_to": standing.whose,
        "status": service.map(|it| &it.status),
        "desired": service.map(|it| it.desired),
        "running": service.map(|it| it.running),
        "pending": service.map(|it| it.pending),
        "task_definition": service.map(|it| &it.task_definition),
        "provenance": provenance::json(standing.provenance.as_ref()),
        "rotated_secrets": standing.not_compared.is_none().then(|| standing.rotated.iter().map(rotation::json).collect::<Vec<_>>()),
        "deployments": service.map(|it| it.deployments.iter().map(deployment).collect::<Vec<_>>()).unwrap_or_default(),
        "tasks": standing.tasks.iter().map(task).collect::<Vec<_>>(),
        "cost": standing.cost.as_ref().map(|of| {
            let known = of.unpriced.is_empty();
            json!({
                "currency": "USD",
                "hour": known.then(|| of.cost().hour.most.to_string()),
                "month": known.then(|| of.cost().running.most.to_string()),
                "approximate": of.is_approximate(),
                "unpriced": of.unpriced.first().map(|it| &it.why),
            })
        }),
        "events": service.map(|it| it.events.iter().map(event).collect::<Vec<_>>()).unwrap_or_default(),
    })
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
