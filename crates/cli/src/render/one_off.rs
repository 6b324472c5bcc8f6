//! Tasks that are run once: how they go, and what came of them.

use std::time::Duration;

use hatoba_provider::log_events::LogEvent;
use hatoba_provider::one_off::definition::Part;
use hatoba_rollout::cause::{Cause, CauseKind};
use hatoba_rollout::note::{Note, TaskNow};
use hatoba_rollout::one_off::End;
use hatoba_rollout::state::{Task, last};
use serde_json::{Value as Json, json};

use super::line::Line;
use super::logs::{Streams, lines};
use super::rollout::{self, short};
use super::{Tone, one_line};
use crate::carry::quoted;
use crate::commands::one_off::Launch;
use crate::progress::time;

/// What is about to be started.
pub(crate) fn begins(launch: &Launch) -> Vec<Line> {
    let start = &launch.start;
    let like = match &launch.service {
        Some(service) => format!(", like the tasks of {service}"),
        None => String::new(),
    };
    let text = format!(
        "· {}: {} is run once in the cluster {}{like}",
        launch.address,
        last(&start.task_definition),
        start.cluster
    );
    let mut out = vec![Line::new(0).hang(4).text(&text)];
    if let Some((container, command)) = &start.command {
        let words = command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        out.push(Line::new(2).hang(4).text(&format!("· `{container}` runs: {}", one_line(&words))));
    }
    out
}

/// It was started.
pub(crate) fn started(task: &Task) -> Vec<Line> {
    vec![Line::new(2).hang(4).text(&format!("· task {}: started", short(&task.id)))]
}

/// It is not waited for.
pub(crate) fn left(launch: &Launch, task: &Task, stop: &str) -> Vec<Line> {
    let text = format!("{}: the task {} goes on; it is not waited for", launch.address, task.id);
    vec![Line::new(0).add(Tone::Faint, &text), command("to stop it", stop)]
}

/// A signal came before it is known whether it was started.
pub(crate) fn awaited(stays: bool, find: &str) -> Vec<Line> {
    let then = if stays { "which names the task" } else { "then it is stopped" };
    let text =
        format!(" waiting for the answer of RunTask, {then}; once more leaves at once, and perhaps a task behind");
    let warning = Line::new(2).hang(4).add(Tone::Warning, "!").text(&text);
    vec![warning, command("whether one runs", find)]
}

/// A command. What is pasted must not be broken.
fn command(what: &str, command: &str) -> Line {
    Line::new(2).whole().add(Tone::Help, "= help:").text(&format!(" {what}: {command}"))
}

/// How it stands now.
pub(crate) fn note(task: &Task, now: &TaskNow) -> Vec<Line> {
    rollout::note("", &Note::Task { id: task.id.clone(), ours: true, now: now.clone() })
}

/// What cannot be read, once.
pub(crate) fn unread(message: &str) -> Vec<Line> {
    rollout::note("", &Note::Unread(message.to_owned()))
}

/// Its container writes where it cannot be read.
pub(crate) fn no_log(container: &str) -> Vec<Line> {
    let text = format!(
        "`{container}` does not write to CloudWatch Logs: its lines are not shown; `logs: GROUP` names a log group"
    );
    vec![Line::new(2).hang(4).add(Tone::Faint, &format!("· {text}"))]
}

/// It is being stopped.
pub(crate) fn stopping(by_hand: bool, stop: &str) -> Vec<Line> {
    let text = match by_hand {
        true => "stopping the task, and waiting for its end; once more leaves at once",
        false => "it has run for too long: stopping the task",
    };
    let warning = Line::new(2).hang(4).add(Tone::Warning, "!").text(&format!(" {text}"));
    vec![warning, command("if it still runs, this stops it", stop)]
}

/// What it wrote. Of one container alone as it is, apart from what a terminal would take for a command.
pub(crate) fn log(event: &LogEvent, several: bool, streams: &mut Streams) -> Vec<Line> {
    if several {
        return lines(event, streams, false);
    }
    let plain = |text: &str| Line::new(0).whole().text(&text.trim_end_matches('\r').replace('\t', "    "));
    match event.message.is_empty() {
        true => vec![Line::blank()],
        false => event.message.lines().map(plain).collect(),
    }
}

/// How it ended.
pub(crate) fn ending(launch: &Launch, end: &End, took: Duration) -> Vec<Line> {
    let (container, took) = (&launch.container, time(took));
    let good = matches!(end, End::Exited { code: 0, .. });
    let (tone, sign) = if good { (Tone::Add, "✓") } else { (Tone::Error, "✗") };
    let begin = Line::new(0).hang(4).add(tone, sign).text(&format!(" {}: ", launch.address));
    let text = match end {
        End::Exited { code, .. } => format!("`{container}` ended with exit code {code} after {took}"),
        End::Stopped { code: Some(code), .. } => {
            format!("stopped after {took}, `{container}` ended with exit code {code} then")
        }
        End::Stopped { code: None, .. } => format!("stopped after {took}"),
        End::NotRun { .. } => format!("did not run, after {took}"),
    };
    let mut out = vec![begin.text(&text)];
    // That it ended with this code was said.
    let news = |cause: &&Cause| cause.kind != CauseKind::Exited || !cause.what.contains("ended with exit code");
    let by_other = matches!(end, End::NotRun { .. });
    if let Some(cause) = end.cause().filter(|cause| by_other || news(cause)) {
        // What it wrote was shown as it came.
        let shown = |part: &Part| part.name == *container && part.logs.is_some();
        let told = launch.definition.containers.iter().any(shown);
        let text = if told { cause.below_log() } else { cause.to_string() };
        out.push(Line::new(4).hang(2).add(Tone::Strong, "cause").text(&format!(": {}", one_line(&text))));
    }
    out
}

/// A run as JSON.
pub(crate) fn document(launch: &Launch, task: &Task, end: Option<&End>, took: Option<Duration>) -> Json {
    let containers: Vec<Json> = task
        .containers
        .iter()
        .map(|it| {
            json!({
                "name": it.name, "status": it.last, "exit_code": it.exit_code, "reason": it.reason, "image": it.image,
                "digest": it.digest,
            })
        })
        .collect();
    let mut document = about(launch);
    let more = json!({
        "task": task.arn,
        "status": task.last,
        "exit_code": end.and_then(End::code),
        "stop_code": task.stop_code,
        "reason": task.stopped_reason,
        "cause": end.and_then(End::cause),
        "containers": containers,
        "created": task.created,
        "started": task.started,
        "stopped": task.stopped,
        "seconds": took.map(|took| (took.as_secs_f64() * 10.0).round() / 10.0),
    });
    merge(&mut document, more);
    document
}

/// A run that came to no task.
pub(crate) fn refused(launch: &Launch, reason: &str, cause: &Cause) -> Json {
    let mut document = document(launch, &Task::default(), None, None);
    merge(&mut document, json!({ "task": null, "status": null, "reason": reason, "cause": cause }));
    document
}

fn about(launch: &Launch) -> Json {
    json!({
        "address": launch.address,
        "task_definition": launch.start.task_definition,
        "cluster": launch.start.cluster,
        "service": launch.service,
        "container": launch.container,
        "command": launch.start.command.as_ref().map(|(_, command)| command),
    })
}

fn merge(document: &mut Json, more: Json) {
    if let (Json::Object(document), Json::Object(more)) = (document, more) {
        document.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::line::write_all;

    fn event(message: &str) -> LogEvent {
        LogEvent { id: String::new(), at: 1, stream: "ecs/app/3f2a91c0ffee".into(), message: message.into() }
    }

    #[test]
    fn lines_of_one_container_stay_as_they_are_but_for_escapes() {
        let shown =
            |message: &str, several| write_all(&log(&event(message), several, &mut Streams::default()), Style::PLAIN);
        assert_eq!(shown("  File \"a.py\", line 3\n\tx", false), "  File \"a.py\", line 3\n    x\n");
        assert_eq!(shown("", false), "\n");
        assert_eq!(shown("red \u{1b}[31m", false), "red \\u{1b}[31m\n");
        assert_eq!(shown("hello", true), "3f2a91c0 app | hello\n");
    }
}
