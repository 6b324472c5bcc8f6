//! How deployments end, each as a scenario with the real binary: the last lines that it prints and its exit code.
//!
//! `scenarios/` has what ECS tells (see `hatoba_tests::plays::slow::rollout_script`), `golden/` what hatoba makes of it; written anew with
//! `UPDATE_GOLDEN=1`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod again;
mod signals;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Played, run};

fn here(kind: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts").join(kind).join(format!("{name}.txt"))
}

/// Times differ from run to run.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_start_matches('(').trim_end();
        let digits = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
        if digits && (word.starts_with('(') || out.ends_with("after ")) {
            out.push_str(&word.replace(bare, "N"));
        } else {
            out.push_str(word);
        }
    }
    out
}

/// What is told from the deployment's beginning on, and the exit code.
fn golden(name: &str) {
    let played = Played::new(&fs::read_to_string(here("scenarios", name)).unwrap());
    let run = run(&played);
    let begin = run.stderr.find("· service.papyrus: ").unwrap_or_default();
    let tail = run.stderr.get(begin..).unwrap_or_default();
    let shown = format!("{}exit code {}\n", without_times(tail), run.code.unwrap_or(-1));
    let path = here("golden", name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &shown).unwrap();
    }
    assert_eq!(shown, fs::read_to_string(&path).unwrap_or_default(), "{}: {run:?}", path.display());
    assert_eq!(run.code, Some(played.script.code), "{run:?}");
    // Whatever people are told, a program must not take anything but what was asked for as done.
    let good = shown.contains("✓ service.papyrus");
    assert_eq!(good, played.script.code == 0, "{shown}");
}

macro_rules! verdicts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                golden(stringify!($name));
            }
        )*

        #[test]
        fn every_scenario_is_run() {
            let mut there: Vec<String> = fs::read_dir(here("scenarios", "x").parent().unwrap())
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            there.sort();
            assert_eq!(there, [$(stringify!($name)),*]);
        }
    };
}

verdicts! {
    completes
    completes_after_a_slow_start
    completes_without_service_deployments
    deadline
    deadline_left
    exits_with_1_at_once
    exits_with_1_left
    fails_on_the_first_deployment
    health_check_fails
    image_missing
    image_missing_without_service_deployments
    no_capacity
    no_route_to_ecr
    out_of_memory
    rolled_back_by_the_circuit_breaker
    rolled_back_without_service_deployments
    secret_unreadable
    stopped_without_rollback
    superseded_by_another_deploy
    wrong_architecture
}
