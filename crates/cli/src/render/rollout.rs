//! Deployments that are followed: what happens, and how they end.

use hatoba_rollout::ending::{After, By, Ending, Verdict};
use hatoba_rollout::follow::Target;
use hatoba_rollout::note::{Note, TaskNow};
use hatoba_rollout::state::last;
use serde_json::{Value as Json, json};

use super::line::Line;
use super::logs::written;
use super::{Tone, one_line};
use crate::error::{Error, Kind};
use crate::progress::time;

/// How much of a task's id is enough to tell it from others.
const ID: usize = 8;

/// The beginning of a task's id.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(ID).collect()
}

/// Something that happened.
pub(crate) fn note(address: &str, note: &Note) -> Vec<Line> {
    let line = |sign: &str, tone: Tone| Line::new(2).hang(4).add(tone, sign).text(" ");
    match note {
        Note::Began { task_definition, desired, .. } => {
            let tasks = if *desired == 1 { "1 task".to_owned() } else { format!("{desired} tasks") };
            vec![
                Line::new(0)
                    .hang(4)
                    .text(&format!("· {address}: {} is being deployed, {tasks}", last(task_definition))),
            ]
        }
        Note::Task { id, ours, now } => {
            let whose = if *ours { String::new() } else { " of the revision before".to_owned() };
            let name = format!("task {}{whose}: ", short(id));
            match now {
                TaskNow::Starting(what) => vec![line("·", Tone::Faint).text(&name).add(Tone::Faint, what)],
                TaskNow::Running => vec![line("·", Tone::Add).text(&name).text("running")],
                TaskNow::Healthy => vec![line("✓", Tone::Add).text(&name).text("running and healthy")],
                TaskNow::Unhealthy => vec![line("!", Tone::Warning).text(&name).add(Tone::Warning, "unhealthy")],
                TaskNow::Stopping => vec![line("·", Tone::Faint).text(&name).add(Tone::Faint, "stopping")],
                TaskNow::Stopped { reason, cause } => {
                    let text = match (cause, reason) {
                        (Some(cause), _) => format!("stopped: {}", one_line(&cause.what)),
                        (None, Some(reason)) if is_scaling(reason) => "stopped".to_owned(),
                        (None, Some(reason)) => format!("stopped ({})", one_line(reason)),
                        (None, None) => "stopped".to_owned(),
                    };
                    let (sign, tone) = if cause.is_some() { ("✗", Tone::Error) } else { ("·", Tone::Faint) };
                    vec![
                        line(sign, tone)
                            .text(&name)
                            .add(if cause.is_some() { Tone::Plain } else { Tone::Faint }, &text),
                    ]
                }
            }
        }
        Note::Event(text) => vec![line("!", Tone::Warning).text(&event(text))],
        Note::Log { task, container, lines } => {
            let mut out =
                vec![line("·", Tone::Faint).text(&format!("the last lines of `{container}` of task {}:", short(task)))];
            out.extend(log(lines));
            out
        }
        Note::RollingBack { by, why } => {
            let who = match by {
                By::Ecs => "ECS is rolling back",
                By::Hatoba | By::User => "rolling back",
            };
            let why = if why.is_empty() { String::new() } else { format!(": {}", one_line(why)) };
            vec![line("!", Tone::Warning).text(&format!("{who}{why}"))]
        }
        Note::Unread(message) => {
            vec![line("!", Tone::Warning).add(Tone::Faint, &format!("not shown from here on: {}", one_line(message)))]
        }
    }
}

/// What ECS says of a service, as a sentence of its own. The text has been shortened, and may begin with its verb.
pub(crate) fn event(text: &str) -> String {
    let verb = ["was ", "is ", "has ", "will "].iter().any(|verb| text.starts_with(verb));
    format!("{}{}", if verb { "the service " } else { "" }, one_line(text))
}

/// Whether a task was stopped because ECS wanted fewer of its revision: it was replaced, or the count went down. No failure.
pub(crate) fn is_scaling(reason: &str) -> bool {
    reason.starts_with("Scaling activity")
}

fn log(lines: &[String]) -> impl Iterator<Item = Line> {
    let lines = lines.iter().flat_map(|line| written(line));
    lines.map(|line| Line::new(6).hang(2).add(Tone::Faint, "│ ").text(&line))
}

/// How it ended; `off` where the file wants no copy of the service.
pub(crate) fn ending(address: &str, ending: &Ending, off: bool) -> Vec<Line> {
    let revision = last(&ending.task_definition);
    let took = time(ending.took);
    let begin = |good: bool| {
        let (tone, sign) = if good { (Tone::Add, "✓") } else { (Tone::Error, "✗") };
        Line::new(0).hang(4).add(tone, sign).text(&format!(" {address}: "))
    };
    let instead = ending.instead.as_deref().map(last);
    let mut out = match ending.verdict {
        Verdict::Completed => {
            let text = match ending.tasks {
                (_, 0) if off => format!("{revision} is set; the file says `desired_count: 0`, so nothing was tried"),
                (_, 0) => {
                    format!("{revision} is set; the service is stopped, so nothing was tried: `hatoba up` starts it")
                }
                (running, desired) => format!("{revision} runs, {running} of {desired} tasks, after {took}"),
            };
            return vec![begin(true).text(&text).advice()];
        }
        Verdict::RolledBack => {
            let who = match ending.by {
                By::Ecs => "ECS rolled back",
                By::Hatoba | By::User => "rolled back",
            };
            let to = instead.map(|it| format!(" to {it}")).unwrap_or_default();
            vec![begin(false).add(Tone::Strong, &format!("{who}{to}")).text(&format!(" after {took}, from {revision}"))]
        }
        Verdict::Failed => {
            vec![begin(false).add(Tone::Strong, "failed").text(&format!(" after {took}: {revision} does not run"))]
        }
        Verdict::TimedOut => {
            let (running, desired) = ending.tasks;
            let text = match instead {
                Some(before) => format!(" after {took}: {revision} was not done by then, {before} runs again"),
                None => format!(" after {took}: {running} of {desired} tasks of {revision} run"),
            };
            vec![begin(false).add(Tone::Strong, "timed out").text(&text)]
        }
        Verdict::Superseded => {
            let by = instead.map(|it| format!(" by {it}")).unwrap_or_default();
            let text = format!(" after {took}: somebody else has deployed; whether {revision} works is not known");
            vec![begin(false).add(Tone::Strong, &format!("superseded{by}")).text(&text)]
        }
    };
    let part = |name: &str| Line::new(4).hang(2).add(Tone::Strong, name).text(": ");
    if let Some(cause) = &ending.cause {
        let text = if ending.log.is_some() { cause.below_log() } else { cause.to_string() };
        out.push(part("cause").text(&one_line(&text)));
    }
    if let Some(reason) = &ending.reason {
        out.push(part("ECS says").text(&one_line(reason)));
    }
    if let Some(task) = ending.failed.last() {
        let failed = ending.failed.len();
        let text =
            if failed == 1 { format!("1, {}", short(task)) } else { format!("{failed}, the last one {}", short(task)) };
        out.push(part("failed tasks").text(&text));
    }
    out
}

/// What comes after, in a sentence.
fn after(ending: &Ending) -> Option<String> {
    Some(match &ending.after {
        After::Over => return None,
        After::Left => "it was left as it is, as `--on-failure leave` says: ECS goes on trying".to_owned(),
        After::NothingToGoBackTo => {
            "nothing completed before it, so there is nothing to go back to: ECS goes on trying until it works, is changed or destroyed".to_owned()
        }
        After::NotRolledBack(why) => format!("it could not be rolled back ({}): ECS goes on trying", one_line(why)),
        After::StillRollingBack => "it is being rolled back, and that is not done yet".to_owned(),
    })
}

/// The error of deployments that did not complete.
pub(crate) fn error(bad: &[(&str, &Ending)], stopped: bool) -> Error {
    let said: Vec<String> = bad
        .iter()
        .map(|(address, ending)| {
            let what = match ending.verdict {
                Verdict::Completed => "completed",
                Verdict::RolledBack => "was rolled back",
                Verdict::Failed => "failed",
                Verdict::TimedOut => "timed out",
                Verdict::Superseded => "was superseded",
            };
            format!("the deployment of {address} {what}")
        })
        .collect();
    // Whoever stops it has interrupted the run.
    let kind = if stopped { Kind::Interrupted } else { Kind::Deployment };
    let mut error = Error::new(kind, said.join("; "));
    for (_, ending) in bad {
        if let Some(text) = after(ending) {
            error = error.help(text);
        }
    }
    let back = |ending: &Ending| matches!(ending.verdict, Verdict::RolledBack | Verdict::TimedOut);
    let runs: Vec<&str> = bad
        .iter()
        .filter(|(_, ending)| back(ending))
        .filter_map(|(_, ending)| Some(last(ending.instead.as_deref()?)))
        .collect();
    if !runs.is_empty() {
        error = error.help(format!("{} runs meanwhile: remove the cause, then deploy again", runs.join(", ")));
    }
    error
}

/// A deployment as JSON.
pub(crate) fn json(target: &Target, ending: Option<&Ending>) -> Json {
    json!({
        "address": target.address,
        "cluster": target.cluster,
        "service": target.service,
        "verdict": ending.map(|it| it.verdict),
        "id": ending.and_then(|it| it.deployment.clone()).or(target.deployment.clone()),
        "arn": ending.and_then(|it| it.arn.clone()),
        "task_definition": ending.map(|it| it.task_definition.clone()).or(target.task_definition.clone()),
        "before": target.before,
        "instead": ending.and_then(|it| it.instead.clone()),
        "running": ending.map(|it| it.tasks.0),
        "desired": ending.map(|it| it.tasks.1),
        "seconds": ending.map(|it| (it.took.as_secs_f64() * 10.0).round() / 10.0),
        "by": ending.filter(|it| !it.verdict.is_good()).map(|it| it.by),
        "cause": ending.and_then(|it| it.cause.as_ref()),
        "reason": ending.and_then(|it| it.reason.clone()),
        "failed_tasks": ending.map(|it| it.failed.clone()).unwrap_or_default(),
        "after": ending.filter(|it| !it.verdict.is_good()).map(|it| &it.after),
        "log": ending.and_then(|it| it.log.as_ref()).map(|log| json!({
            "task": log.task,
            "container": log.container,
            "lines": log.lines,
        })),
    })
}
