//! Ctrl-C and time limits: a task that nobody waits for any more is stopped.

use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::{Run, Signal};
use hatoba_tests::on_both;
use hatoba_tests::plays::one_off::OneOffs;
use hatoba_tests::proxy::{Act, Rule};
use serde_json::json;

use crate::scene::{command, ends_with, goes_on, playing};

fn a_signal_stops_the_task(kind: Kind) {
    for signal in [Signal::Int, Signal::Term] {
        let (world, play) = playing(kind, OneOffs::new(goes_on()));
        let run = command(&world, &["papyrus"]).signal_at(Duration::from_secs(4), signal).run().unwrap();
        assert_eq!(run.code, Some(130), "{run:?}");
        assert!(run.stderr.contains("interrupted; the task of task_definition.papyrus was stopped"), "{run:?}");
        let stopped = play.stopped().unwrap();
        assert_eq!(stopped["reason"], json!("hatoba run was interrupted"), "{stopped}");
        assert!(stopped["task"].as_str().unwrap().ends_with(&"1".repeat(32)), "{stopped}");
        // A second signal may leave before StopTask has answered.
        let stop = format!("aws ecs stop-task --region {} --cluster papyrus --task 1111", world.lease().region);
        assert!(run.stderr.contains(&stop), "{run:?}");
        let said = words(&run);
        assert!(said.contains("cause: hatoba stopped the task") && !said.contains("somebody"), "{run:?}");
    }
}

/// `timeout` of GNU coreutils signals its child, and then the group that the child is in.
fn two_signals_at_once_are_one(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    world.proxy().set_rules(vec![Rule::on("ecs", "StopTask", Act::Delay(Duration::from_secs(1)))]);
    let first = Duration::from_secs(4);
    let run = command(&world, &["papyrus"])
        .signal_at(first, Signal::Term)
        .signal_at(first + Duration::from_millis(40), Signal::Term)
        .run()
        .unwrap();
    assert_eq!((run.code, play.stopped().is_some()), (Some(130), true), "{run:?}");
    assert!(run.stderr.contains("interrupted; the task of task_definition.papyrus was stopped"), "{run:?}");
}

fn whoever_leaves_at_once_is_told_of_the_task(kind: Kind) {
    let (world, _) = playing(kind, OneOffs::new(goes_on()));
    let first = Duration::from_secs(4);
    let left = |action: &str| {
        world.proxy().set_rules(vec![Rule::on("ecs", action, Act::Delay(Duration::from_secs(20)))]);
        let run = command(&world, &["papyrus"])
            .signal_at(first, Signal::Term)
            .signal_at(first + Duration::from_secs(1), Signal::Term)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(130), "{run:?}");
        run.stderr.split_once("error: interrupted").unwrap().1.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let region = &world.lease().region;
    let stop = format!("this stops it: aws ecs stop-task --region {region} --cluster papyrus --task 1111");
    let said = left("StopTask");
    assert!(said.contains(&stop), "{said}");
    let said = left("RunTask");
    let list = format!("this lists it: aws ecs list-tasks --region {region} --cluster papyrus --started-by ");
    assert!(said.contains(&list), "{said}");
}

/// What was said, in one line.
fn words(run: &Run) -> String {
    run.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn a_signal_before_the_answer_leaves_no_task_behind(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    world.proxy().set_rules(vec![Rule::on("ecs", "RunTask", Act::Delay(Duration::from_secs(6)))]);
    let run = command(&world, &["papyrus"]).signal_at(Duration::from_secs(4), Signal::Int).run().unwrap();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert_eq!((play.started(), play.stopped().is_some()), (1, true), "{run:?}");
    assert!(run.stderr.contains("waiting for the answer of RunTask, then it is stopped"), "{run:?}");
    let by = play.requests()[0]["startedBy"].as_str().unwrap().to_owned();
    assert!(run.stderr.contains(&format!("--cluster papyrus --started-by {by}\n")), "{run:?}");
}

fn what_takes_too_long_is_stopped(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    let run = command(&world, &["papyrus", "--timeout", "300ms"]).run().unwrap();
    assert_eq!((run.code, play.stopped().is_some()), (Some(5), true), "{run:?}");
    assert!(run.stderr.contains("ran longer than 0.3 s and was stopped"), "{run:?}");
    let said = words(&run);
    assert!(said.contains("cause: hatoba stopped the task, for it ran longer than 0.3 s — give it longer"), "{run:?}");
    assert!(said.contains("if it still runs, this stops it: aws ecs stop-task"), "{run:?}");
    assert!(!said.contains("somebody"), "{run:?}");
}

fn what_cannot_be_stopped_says_how(kind: Kind) {
    let (world, _) = playing(kind, OneOffs::new(goes_on()));
    let act = Act::Error { status: 400, code: "AccessDeniedException".into(), message: "no".into() };
    world.proxy().set_rules(vec![Rule::on("ecs", "StopTask", act)]);
    let run = command(&world, &["papyrus", "--timeout", "300ms"]).run().unwrap();
    assert_eq!(run.code, Some(5), "{run:?}");
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let stop = format!("aws ecs stop-task --region {} --cluster papyrus --task 1111", world.lease().region);
    for text in ["could not be stopped and goes on", &format!("help: to stop it: {stop}"), "\"ecs:StopTask\""] {
        assert!(said.contains(text), "{text}: {run:?}");
    }
}

fn a_log_that_may_not_be_read_does_not_end_it(kind: Kind) {
    let (world, _) = playing(kind, OneOffs::new(ends_with(0, &["unseen"])));
    let act = Act::Error { status: 400, code: "AccessDeniedException".into(), message: "no".into() };
    world.proxy().set_rules(vec![Rule::on("logs", "GetLogEvents", act)]);
    let run = command(&world, &["papyrus"]).run().unwrap();
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stderr.contains("\"logs:GetLogEvents\""), "{run:?}");
}

on_both!(
    a_signal_stops_the_task,
    two_signals_at_once_are_one,
    whoever_leaves_at_once_is_told_of_the_task,
    a_signal_before_the_answer_leaves_no_task_behind,
    what_takes_too_long_is_stopped,
    what_cannot_be_stopped_says_how,
    a_log_that_may_not_be_read_does_not_end_it,
);
