//! The same command once more: it finds nothing to change, and looks at the deployment all the same.

use hatoba_tests::invocation::Run;
use serde_json::{Value, json};

use crate::world::Played;

const IMAGE: &str = "app=public.ecr.aws/acme/papyrus:v2";
const DEPLOY: [&str; 3] = ["deploy", "--image", IMAGE];
const APPLY: [&str; 2] = ["apply", "--yes"];

/// A deployment that was started and not waited for.
fn left(scenario: &str) -> Played {
    let played = Played::new(scenario);
    let command = if played.script.first { APPLY.as_slice() } else { DEPLOY.as_slice() };
    again(&played, command, &["--no-wait"], 0);
    played.world.proxy().clear_log();
    played
}

#[track_caller]
fn again(played: &Played, command: &[&str], more: &[&str], code: i32) -> Run {
    let words: Vec<&str> = command.iter().chain(more).copied().collect();
    let run = played.world.hatoba(&words).unwrap();
    assert_eq!(run.code, Some(code), "{words:?}: {run:?}");
    run
}

#[track_caller]
fn says(run: &Run, text: &str) {
    // Where lines are wrapped depends on the width of the terminal.
    let words: Vec<&str> = run.stdout.split_whitespace().chain(run.stderr.split_whitespace()).collect();
    let said = words.join(" ");
    assert!(said.contains(text), "does not say {text:?}: {run:?}");
}

#[test]
fn what_goes_on_is_followed_to_its_end() {
    for command in [DEPLOY.as_slice(), APPLY.as_slice()] {
        let played = left("run: deploy\n1 task 1 pending\n4 task 1 running\n8 completed\n");
        let run = again(&played, command, &["--every", "20ms"], 0);
        says(&run, "No changes.");
        says(&run, "service.papyrus: the deployment of papyrus:2, which was started before, goes on");
        says(&run, "✓ service.papyrus: papyrus:2 runs");
        // Now that all is settled, nothing is asked.
        played.world.proxy().clear_log();
        again(&played, command, &[], 0);
        assert_eq!(played.world.proxy().count("ecs", "DescribeServices"), 1);
    }
}

#[test]
fn what_goes_on_and_fails_is_no_success() {
    let exits = "stopped EssentialContainerExited: Essential container in task exited";
    let scenario = format!(
        "run: deploy\n1 task 1 pending\n4 task 1 {exits}\n4 container 1 exit 3\n5 task 2 {exits}\n5 container 2 exit 3\n"
    );
    let played = left(&scenario);
    let run = again(&played, &APPLY, &["--every", "20ms", "--json"], 5);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&document["outcome"], &document["error"]["kind"]), (&Value::Null, &json!("deployment")));
    // Whoever started it decided what becomes of it.
    assert_eq!(document["deployments"][0]["verdict"], json!("failed"));
    assert!(!played.play.was_stopped());

    let played = left(&scenario);
    let run = again(&played, &DEPLOY, &["--every", "20ms", "--json"], 5);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["deployments"][0]["verdict"], json!("rolled_back"));
    assert!(played.play.was_stopped());
}

#[test]
fn a_rollback_that_goes_on_is_not_undone_by_another() {
    let played = left("run: deploy\n1 task 1 pending\n4 task 1 running\n8 completed\n");
    let back = ["rollback"];
    again(&played, &DEPLOY, &["--every", "20ms"], 0);
    played.play.arm();
    // As one that was killed when ECS had been told.
    again(&played, &back, &["--no-wait"], 0);
    played.world.proxy().clear_log();
    let run = again(&played, &back, &["--every", "20ms"], 0);
    says(&run, "service.papyrus goes back to papyrus:1: a deployment that does so is under way");
    says(&run, "✓ service.papyrus: papyrus:3 runs");
    assert_eq!(played.world.proxy().count("ecs", "UpdateService"), 0);
}

#[test]
fn what_has_failed_is_no_success() {
    for (scenario, revision) in
        [("run: apply\n0 failed tasks failed to start.\n", 1), ("run: deploy\n0 failed tasks failed to start.\n", 2)]
    {
        let played = left(scenario);
        let command = if played.script.first { APPLY.as_slice() } else { DEPLOY.as_slice() };
        // Whether it is waited for or not.
        for more in [["--timeout", "1s"].as_slice(), ["--no-wait"].as_slice()] {
            let run = again(&played, command, more, 5);
            says(
                &run,
                &format!("service.papyrus: the deployment of papyrus:{revision}, which was started before, has failed"),
            );
            says(&run, "✗ service.papyrus: ");
        }
    }
}

#[test]
fn a_plan_and_whoever_does_not_wait_leave_it() {
    let played = left("run: deploy\n1 task 1 pending\n");
    let plan = played.world.hatoba(&["plan", "--detailed-exitcode"]).unwrap();
    assert_eq!(plan.code, Some(0), "{plan:?}");
    let run = again(&played, &DEPLOY, &["--no-wait"], 0);
    says(&run, "service.papyrus: the deployment goes on; it is not waited for");
    let counts = played.world.proxy().counts();
    assert!(!counts.contains_key("ecs:ListTasks"), "{counts:?}");
}

#[test]
fn what_is_stopped_has_nothing_to_wait_for() {
    let played = left("run: deploy\n1 task 1 pending\n");
    let stop = json!({ "cluster": "papyrus", "service": "papyrus", "desiredCount": 0 });
    played.world.aws("ecs", "UpdateService", &stop).unwrap();
    again(&played, &DEPLOY, &[], 0);
}
