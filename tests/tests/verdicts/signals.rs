//! Signals while a deployment is followed, and the document of `--json`.

use std::time::Duration;

use hatoba_tests::invocation::Signal;
use serde_json::{Value, json};

use crate::world::{Played, run};

/// Nothing ever comes of it.
const STUCK: &str = "run: deploy\n1 task 1 pending\n";

#[test]
fn a_signal_leaves_the_deployment_running_and_says_so() {
    for signal in [Signal::Int, Signal::Term] {
        let played = Played::new(STUCK);
        let run = played.command(&[]).signal_at(Duration::from_secs(3), signal).run().unwrap();
        assert_eq!(run.code, Some(130), "{run:?}");
        assert!(run.stderr.contains("the deployment of service.papyrus goes on"), "{run:?}");
        assert!(!played.play.was_stopped(), "{run:?}");
    }
}

#[test]
fn json_has_the_verdict_with_its_cause() {
    let played = Played::new(
        "run: deploy\n1 task 1 stopped EssentialContainerExited: Essential container in task exited\n1 container 1 exit 3\n1 log 1 boom\n\
         1 task 2 stopped EssentialContainerExited: Essential container in task exited\n1 container 2 exit 3\n1 log 2 bang\n",
    );
    let run = played.command(&["--json"]).run().unwrap();
    assert_eq!(run.code, Some(5), "{run:?}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["outcome"]["complete"], json!(true));
    assert_eq!(document["error"]["kind"], json!("deployment"));
    let deployment = &document["deployments"][0];
    let part = |name: &str| deployment[name].clone();
    assert_eq!(
        [part("address"), part("verdict"), part("by"), part("failed_tasks")],
        [json!("service.papyrus"), json!("rolled_back"), json!("hatoba"), json!(["1".repeat(32), "2".repeat(32)])]
    );
    assert_eq!(deployment["cause"]["kind"], json!("exited"));
    assert_eq!(deployment["log"]["lines"], json!(["bang"]));
    assert!(deployment["arn"].as_str().unwrap().contains(":service-deployment/papyrus/papyrus/"), "{deployment:#}");
    assert!(played.play.was_stopped());
}

#[test]
fn without_waiting_nothing_is_asked() {
    let played = Played::new(STUCK);
    played.world.proxy().clear_log();
    let run = played.world.hatoba(&["deploy", "--image", "app=public.ecr.aws/acme/papyrus:v2", "--no-wait"]).unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    let counts = played.world.proxy().counts();
    assert!(!counts.contains_key("ecs:ListTasks"), "{counts:?}");
}

#[test]
fn what_is_complete_at_the_first_look_takes_one_call() {
    let played = Played::new("run: deploy\n0 completed\n");
    played.world.proxy().clear_log();
    let run = run(&played);
    assert_eq!(run.code, Some(0), "{run:?}");
    let counts = played.world.proxy().counts();
    let asked = |action: &str| counts.get(action).copied().unwrap_or_default();
    // The deploy's own look, those before and after the change, and the one that follows.
    assert_eq!(asked("ecs:DescribeServices"), 4, "{counts:?}");
    let others = ["ecs:ListTasks", "ecs:DescribeTasks", "ecs:DescribeServiceDeployments", "ecs:ListServiceDeployments"];
    assert_eq!(others.map(asked), [0; 4], "{counts:?}");
}
