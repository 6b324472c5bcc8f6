//! `hatoba run`: a task of a task definition that is run once, and waited for.

use std::time::Duration;

use hatoba_engine::cloud::Class;
use hatoba_provider::one_off::start::{Started, run_task};
use hatoba_rollout::cause::{Cause, CauseKind};
use hatoba_rollout::one_off::{End, NOT_DONE, not_started};
use hatoba_rollout::state::{Task, last};

use super::args::{RunArgs, check_dashes};
use super::launch::{Launch, launch};
use super::watch::{Watch, Why};
use crate::args::Global;
use crate::carry::quoted;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::purpose::{Purpose, refused};
use crate::render::one_off as render;
use crate::rests::Rests;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Runs a task once. The exit code is that of its container.
pub(crate) async fn run(global: &Global, args: &RunArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    check_dashes("run", args.task.as_deref(), &args.stray, &args.command)?;
    let session = session::open(global, ui).await?;
    let launch = launch(&session, args, ui).await?;
    ui.tell(&render::begins(&launch));
    // From here on Ctrl-C must not leave a task behind that nobody knows of.
    let heard = interrupt.follow();
    interrupt.leaves(format!("if a task was started, this lists it: {}", running(&session, global, &launch)));
    let mut early = heard.clone();
    let starting = start(&session, global, &launch);
    tokio::pin!(starting);
    let task = tokio::select! {
        biased;
        task = &mut starting => task?,
        Ok(()) = early.changed() => {
            ui.tell(&render::awaited(args.no_wait, &running(&session, global, &launch)));
            starting.await?
        }
    };
    ui.tell(&render::started(&task));
    if args.no_wait {
        interrupt.end();
        ui.tell(&render::left(&launch, &task, &stop_with(&session, global, &launch, &task)));
        if ui.json {
            ui.document(&render::document(&launch, &task, None, None))?;
        }
        return Ok(0);
    }
    let stop = stop_with(&session, global, &launch, &task);
    interrupt.leaves(format!("if the task still runs, this stops it: {stop}"));
    let mut watch = Watch::new(&session, ui, &launch, task, stop);
    let ended = watch.run(heard, args).await;
    interrupt.end();
    let (task, took) = (watch.task(), watch.took());
    let end = ended.map_err(|error| error.document(render::document(&launch, task, None, Some(took))))?;
    let end = by_us(end, watch.why(), args.timeout);
    ui.tell(&render::ending(&launch, &end, took));
    let document = render::document(&launch, task, Some(&end), Some(took));
    match failure(&launch, &end, watch.why(), args.timeout) {
        Some(error) => Err(error.document(document)),
        None => {
            if ui.json {
                ui.document(&document)?;
            }
            Ok(end.exit_code())
        }
    }
}

/// ECS says that somebody has stopped the task; where that was this run, it says so, and why.
fn by_us(end: End, why: Option<Why>, timeout: Option<Duration>) -> End {
    let Some(why) = why else { return end };
    let ours = |cause: Cause| {
        if cause.kind != CauseKind::StoppedByHand {
            return cause;
        }
        let (what, advice) = match why {
            Why::Interrupted => ("hatoba stopped the task, for it was told to end itself".to_owned(), cause.advice),
            Why::TooLong => (
                format!("hatoba stopped the task, for it ran longer than {}", limit(timeout)),
                "give it longer: `--timeout`".to_owned(),
            ),
        };
        Cause { what, advice, ..cause }
    };
    match end {
        End::Stopped { code, cause } => End::Stopped { code, cause: ours(cause) },
        End::NotRun { cause } => End::NotRun { cause: ours(cause) },
        End::Exited { .. } => end,
    }
}

/// How long it may run.
fn limit(timeout: Option<Duration>) -> String {
    timeout.map(crate::progress::time).unwrap_or_default()
}

/// Why a run is a failure of its own, and not only of what its container did.
fn failure(launch: &Launch, end: &End, why: Option<Why>, timeout: Option<Duration>) -> Option<Error> {
    let address = &launch.address;
    // What ended by itself before it could be stopped has a code of its own.
    if matches!(end, End::Exited { .. }) {
        return None;
    }
    match why {
        Some(Why::Interrupted) => {
            return Some(Error::new(Kind::Interrupted, format!("interrupted; the task of {address} was stopped")));
        }
        Some(Why::TooLong) => {
            let message = format!("the task of {address} ran longer than {} and was stopped", limit(timeout));
            return Some(Error::new(Kind::Deployment, message).help("give it longer: `--timeout`"));
        }
        None => {}
    }
    let message = match end {
        End::NotRun { .. } => format!("the task of {address} did not run"),
        _ => format!("the task of {address} was stopped before its work was done"),
    };
    // A code of the container's own says more.
    (end.exit_code() == NOT_DONE && end.code().is_none_or(|code| code == 0))
        .then(|| Error::new(Kind::Deployment, message))
}

/// Starts the task. A call whose answer is lost is made again with the same token, which ECS answers with the task that it has started.
async fn start(session: &Session, global: &Global, launch: &Launch) -> Result<Task, Error> {
    let mut rests = Rests::new();
    // Whether one of the calls may have started it: what comes later does not take that back.
    let mut open = false;
    let started = loop {
        let error = match run_task(session.provider.aws(), &launch.start).await {
            Ok(started) => break started,
            Err(error) => error,
        };
        open |= matches!(error.class, Class::Ambiguous | Class::Server);
        if !rests.any_left() || !passes(error.class) {
            let error = refused(session, Purpose::Run)(error);
            return Err(if open { unknown(session, global, launch, error) } else { error });
        }
        tracing::info!(%error, "starting the task again");
        rests.take().await;
    };
    match started {
        Started::Task(task) => Ok(*task),
        Started::Refused(reason) => {
            let cause = not_started(&reason);
            let message = format!("no task of {} was started: {}", launch.address, cause.what);
            let document = render::refused(launch, &reason, &cause);
            Err(Error::new(Kind::Deployment, message).help(cause.advice).document(document))
        }
    }
}

/// Whether the same call may work in a moment.
pub(super) fn passes(class: Class) -> bool {
    matches!(class, Class::Throttled | Class::Server | Class::NotSent | Class::Ambiguous | Class::NotYet)
}

/// Nobody can tell whether the task was started: whoever ran the same command again would perhaps start a second one.
fn unknown(session: &Session, global: &Global, launch: &Launch, error: Error) -> Error {
    let definition = last(&launch.start.task_definition);
    let family = definition.split(':').next().unwrap_or(definition);
    let ended = aws(session, global, launch, "list-tasks", &["--family", family, "--desired-status", "STOPPED"]);
    let help = vec![
        format!(
            "whether a task was started is not known; if it runs, this lists it: {}",
            running(session, global, launch)
        ),
        format!("if it has ended, it is among these: {ended}"),
    ];
    Error { help, ..error }
}

/// The command that lists the task while it runs.
fn running(session: &Session, global: &Global, launch: &Launch) -> String {
    aws(session, global, launch, "list-tasks", &["--started-by", &launch.start.started_by()])
}

/// The command that stops the task.
fn stop_with(session: &Session, global: &Global, launch: &Launch, task: &Task) -> String {
    aws(session, global, launch, "stop-task", &["--task", &task.id])
}

/// A command of the AWS CLI in the cluster of the task. The region is that of the file, which need not be the shell's.
fn aws(session: &Session, global: &Global, launch: &Launch, command: &str, more: &[&str]) -> String {
    let mut words = vec!["aws", "ecs", command, "--region", session.facts().region.as_str()];
    if let Some(profile) = &global.profile {
        words.extend(["--profile", profile]);
    }
    words.extend(["--cluster", &launch.start.cluster]);
    words.extend(more);
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use hatoba_provider::one_off::definition::Definition;
    use hatoba_provider::one_off::home::{Capacity, Network};
    use hatoba_provider::one_off::start::Start;

    use super::*;

    fn launch() -> Launch {
        Launch {
            address: "task_definition.papyrus".into(),
            service: None,
            definition: Definition::default(),
            container: "app".into(),
            start: Start {
                token: "1".into(),
                cluster: "papyrus".into(),
                task_definition: "arn".into(),
                network: Network::default(),
                capacity: Capacity::LaunchType("FARGATE".into()),
                platform_version: None,
                propagate_tags: false,
                managed_tags: false,
                exec: false,
                command: None,
            },
        }
    }

    fn cause() -> Cause {
        Cause {
            kind: CauseKind::StoppedByHand,
            what: "somebody stopped the task".into(),
            advice: "run it again".into(),
        }
    }

    fn kind(end: &End, why: Option<Why>) -> Option<Kind> {
        failure(&launch(), end, why, Some(Duration::from_secs(60))).map(|error| error.kind)
    }

    #[test]
    fn what_this_run_has_stopped_is_laid_to_nobody_else() {
        let time = Some(Duration::from_secs(60));
        let said = |kind, why| {
            let cause = Cause { kind, ..cause() };
            by_us(End::Stopped { code: Some(143), cause }, why, time).cause().map(ToString::to_string)
        };
        let (by_hand, spot) = (CauseKind::StoppedByHand, CauseKind::SpotReclaimed);
        assert_eq!(said(by_hand, None).as_deref(), Some("somebody stopped the task — run it again"));
        let interrupted = "hatoba stopped the task, for it was told to end itself — run it again";
        assert_eq!(said(by_hand, Some(Why::Interrupted)).as_deref(), Some(interrupted));
        let long = "hatoba stopped the task, for it ran longer than 1 min 0 s — give it longer: `--timeout`";
        assert_eq!(said(by_hand, Some(Why::TooLong)).as_deref(), Some(long));
        // What took it away before hatoba did is no matter of the limit.
        assert_eq!(said(spot, Some(Why::TooLong)), said(by_hand, None));
        let never = by_us(End::NotRun { cause: cause() }, Some(Why::Interrupted), None);
        assert_eq!(never.cause().map(ToString::to_string).as_deref(), Some(interrupted));
    }

    #[test]
    fn what_the_container_did_is_its_own_and_the_rest_is_hatobas() {
        let exited = |code| End::Exited { code, cause: None };
        let stopped = |code| End::Stopped { code, cause: cause() };
        assert_eq!(kind(&exited(0), None), None);
        assert_eq!(kind(&exited(5), None), None);
        // It ended before it could be stopped.
        assert_eq!(kind(&exited(3), Some(Why::Interrupted)), None);
        assert_eq!(kind(&stopped(Some(143)), None), None);
        assert_eq!(kind(&stopped(Some(5)), None), None);
        assert_eq!(kind(&stopped(Some(0)), None), Some(Kind::Deployment));
        assert_eq!(kind(&stopped(Some(143)), Some(Why::Interrupted)), Some(Kind::Interrupted));
        assert_eq!(kind(&stopped(Some(143)), Some(Why::TooLong)), Some(Kind::Deployment));
        assert_eq!(kind(&End::NotRun { cause: cause() }, None), Some(Kind::Deployment));
    }
}
