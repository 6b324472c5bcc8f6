//! `hatoba run`: ends of every sort, and what is sent.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::on_both;
use hatoba_tests::plays::one_off::OneOffs;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::scene::{applied, command, ends_with, file, goes_on, playing, run};

/// Times differ from run to run.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n', ',']) {
        let bare = word.trim_end_matches([' ', '\n', ',']);
        let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
        if number && out.ends_with("after ") {
            out.push_str(&word.replace(bare, "N"));
        } else {
            out.push_str(word);
        }
    }
    out
}

/// Both streams and the exit code.
#[track_caller]
fn golden(name: &str, run: &Run, world: &World) {
    let lease = world.lease();
    let text =
        format!("--- stdout\n{}--- stderr\n{}--- exit code {}\n", run.stdout, run.stderr, run.code.unwrap_or(-1));
    let text = text.replace(lease.account.as_str(), "123456789012").replace(lease.region.as_str(), "REGION");
    let shown = without_times(&text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/one_off/golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &shown).unwrap();
    }
    assert_eq!(shown, fs::read_to_string(&path).unwrap_or_default(), "{}: {run:?}", path.display());
}

fn it_ends_well(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(ends_with(0, &["3 migrations to apply", "  done"])));
    let run = run(&world, &["papyrus", "--", "./manage", "migrate", "it's now"]);
    golden("it_ends_well", &run, &world);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "3 migrations to apply\n  done\n"), "{run:?}");
    let request = play.requests().remove(0);
    let token = request["clientToken"].as_str().unwrap();
    assert_eq!(request["startedBy"], json!(format!("hatoba/{token}")));
    assert_eq!(request["cluster"], json!("papyrus"));
    assert_eq!((&request["launchType"], &request["enableExecuteCommand"]), (&json!("FARGATE"), &json!(true)));
    let command = json!(["./manage", "migrate", "it's now"]);
    assert_eq!(request["overrides"], json!({ "containerOverrides": [{ "name": "app", "command": command }] }));
    // The network is that of the service as it is.
    let service = json!({ "cluster": "papyrus", "services": ["papyrus"] });
    let service = world.aws("ecs", "DescribeServices", &service).unwrap().json().unwrap()["services"][0].clone();
    let sorted = |network: &Value, member: &str| {
        let mut ids: Vec<String> = network["awsvpcConfiguration"][member]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        assert!(!ids.is_empty(), "{network}");
        ids
    };
    let (sent, there) = (&request["networkConfiguration"], &service["networkConfiguration"]);
    for member in ["subnets", "securityGroups"] {
        assert_eq!(sorted(sent, member), sorted(there, member));
    }
    assert_eq!(sent["awsvpcConfiguration"]["assignPublicIp"], json!("ENABLED"));
    assert_eq!(request["taskDefinition"], service["taskDefinition"]);
}

fn it_ends_with_an_error(kind: Kind) {
    let (world, _) = playing(kind, OneOffs::new(ends_with(3, &["Traceback:", "\tKeyError: 'DB_URL'"])));
    let run = run(&world, &["papyrus"]);
    golden("it_ends_with_an_error", &run, &world);
    assert_eq!(run.code, Some(3), "{run:?}");
}

fn its_image_is_missing(kind: Kind) {
    let reason = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref \
                  public.ecr.aws/acme/papyrus:v1: public.ecr.aws/acme/papyrus:v1: not found";
    let app = json!({ "name": "app", "lastStatus": "STOPPED", "reason": reason });
    let (world, _) = playing(
        kind,
        OneOffs::new(vec![
            json!({ "lastStatus": "PENDING" }),
            json!({ "lastStatus": "STOPPED", "stopCode": "TaskFailedToStart", "stoppedReason": reason, "containers": [app] }),
        ]),
    );
    let run = run(&world, &["papyrus"]);
    golden("its_image_is_missing", &run, &world);
    assert_eq!(run.code, Some(5), "{run:?}");
}

fn there_is_no_capacity(kind: Kind) {
    let reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    let (world, play) = playing(kind, OneOffs::refusing(reason));
    let run = run(&world, &["papyrus"]);
    golden("there_is_no_capacity", &run, &world);
    assert_eq!((run.code, play.started()), (Some(5), 0), "{run:?}");
}

fn a_lost_reply_starts_no_second_task(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(ends_with(0, &["done"])));
    world.proxy().set_rules(vec![Rule::on("ecs", "RunTask", Act::DropReply).nth(1)]);
    let run = run(&world, &["papyrus"]);
    golden("a_lost_reply", &run, &world);
    let requests = play.requests();
    assert_eq!((run.code, requests.len(), play.started()), (Some(0), 2, 1), "{run:?}");
    assert_eq!(requests[0], requests[1]);
    assert!(requests[0]["clientToken"].as_str().is_some_and(|token| token.len() > 16), "{requests:?}");
}

fn without_any_answer_nobody_is_told_to_try_again(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    world.proxy().set_rules(vec![Rule::on("ecs", "RunTask", Act::DropReply)]);
    let run = run(&world, &["papyrus"]);
    assert_eq!((run.code, play.started()), (Some(1), 1), "{run:?}");
    assert!(run.stderr.contains("whether a task was started is not known"), "{run:?}");
    assert!(!run.stderr.contains("run the same command again"), "{run:?}");
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let list = format!("aws ecs list-tasks --region {} --cluster papyrus", world.lease().region);
    let by = play.requests()[0]["startedBy"].as_str().unwrap().to_owned();
    for command in [format!("{list} --started-by {by}"), format!("{list} --family papyrus --desired-status STOPPED")] {
        assert!(said.contains(&command), "{command}: {run:?}");
    }
}

fn what_comes_after_a_lost_reply_does_not_take_it_back(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    let rule = |act| Rule::on("ecs", "RunTask", act);
    world.proxy().set_rules(vec![rule(Act::DropReply).nth(1), rule(Act::Throttle)]);
    let run = run(&world, &["papyrus"]);
    assert_eq!((run.code, play.started()), (Some(1), 1), "{run:?}");
    assert!(run.stderr.contains("Rate exceeded"), "{run:?}");
    assert!(run.stderr.contains("whether a task was started is not known"), "{run:?}");
}

fn it_is_refused(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    let message = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:RunTask on resource: x because no \
                   identity-based policy allows the ecs:RunTask action";
    let act = Act::Error { status: 400, code: "AccessDeniedException".into(), message: message.into() };
    world.proxy().set_rules(vec![Rule::on("ecs", "RunTask", act)]);
    let run = run(&world, &["papyrus"]);
    golden("it_is_refused", &run, &world);
    assert_eq!((run.code, play.started()), (Some(4), 0), "{run:?}");
}

fn without_a_service_it_takes_the_default_network(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(ends_with(0, &[])));
    let done = run(&world, &["report"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let network = play.requests()[0]["networkConfiguration"]["awsvpcConfiguration"].clone();
    assert!(network["subnets"].as_array().is_some_and(|subnets| !subnets.is_empty()), "{network}");
    assert_eq!(network["assignPublicIp"], json!("ENABLED"));
    assert_eq!(play.requests()[0]["overrides"], Value::Null);
    let named = run(&world, &["report", "--subnet", "subnet-1", "--security-group", "sg-1", "--public-ip=false"]);
    assert_eq!(named.code, Some(0), "{named:?}");
    let network = play.requests()[1]["networkConfiguration"]["awsvpcConfiguration"].clone();
    let expected = json!({ "subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED" });
    assert_eq!(network, expected);
}

fn it_runs_on_what_the_service_runs_on(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut spec = file();
    spec["clusters"]["papyrus"] = json!({ "capacity_providers": ["FARGATE", "FARGATE_SPOT"] });
    spec["services"]["papyrus"]["capacity"] = json!([{ "provider": "FARGATE_SPOT", "weight": 2 }]);
    spec["services"]["papyrus"]["propagate_tags"] = json!("service");
    spec["services"]["papyrus"]["enable_exec"] = json!(false);
    world.write_stack(&spec).unwrap();
    world.hatoba(&["apply", "--yes", "--no-wait", "--skip-verify"]).unwrap().expect_code(0).unwrap();
    let play = Arc::new(OneOffs::new(ends_with(0, &["done"])));
    world.proxy().add_play(Arc::clone(&play) as _);
    let run = run(&world, &["report", "--service", "papyrus"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let request = play.requests().remove(0);
    let strategy = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 2, "base": 0 }]);
    assert_eq!([&request["capacityProviderStrategy"], &request["launchType"]], [&strategy, &Value::Null]);
    // Those of the service ECS gives to no task that is not the service's.
    assert_eq!(
        [&request["propagateTags"], &request["enableExecuteCommand"]],
        [&json!("TASK_DEFINITION"), &Value::Null]
    );
    assert!(request["taskDefinition"].as_str().unwrap().ends_with("task-definition/report:1"), "{request}");
}

fn without_a_task_role_no_commands_are_run_in_it(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut spec = file();
    spec["task_definitions"]["report"].as_object_mut().unwrap().remove("task_role");
    world.write_stack(&spec).unwrap();
    world.hatoba(&["apply", "--yes", "--no-wait", "--skip-verify"]).unwrap().expect_code(0).unwrap();
    let play = Arc::new(OneOffs::new(ends_with(0, &["done"])));
    world.proxy().add_play(Arc::clone(&play) as _);
    for (task, exec) in [("report", Value::Null), ("papyrus", json!(true))] {
        let run = run(&world, &[task, "--service", "papyrus"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(play.requests().pop().unwrap()["enableExecuteCommand"], exec, "{task}");
    }
}

fn what_is_not_ours_or_not_there_is_not_run(kind: Kind) {
    let world = World::new(kind).unwrap();
    world.write_stack(&file()).unwrap();
    let none = run(&world, &["report"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.stderr.contains("the task definition `report` does not exist yet"), "{none:?}");
    let parameters = json!({
        "family": "report", "containerDefinitions": [{ "name": "app", "image": "nginx" }], "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
    });
    world.aws("ecs", "RegisterTaskDefinition", &parameters).unwrap();
    let foreign = run(&world, &["report"]);
    assert_eq!(foreign.code, Some(6), "{foreign:?}");
    assert!(foreign.stderr.contains("it bears no mark of this stack"), "{foreign:?}");
    assert!(!world.proxy().counts().contains_key("ecs:RunTask"));
    let several = run(&world, &[]);
    assert_eq!(several.code, Some(3), "{several:?}");
    assert!(several.stderr.contains("`papyrus`, `report`"), "{several:?}");
}

fn json_is_one_document(kind: Kind) {
    let (world, _) = playing(kind, OneOffs::new(ends_with(7, &["said"])));
    let run = run(&world, &["papyrus", "--json", "--", "false"]);
    assert_eq!(run.code, Some(7), "{run:?}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let part = |name: &str| document[name].clone();
    assert_eq!([part("exit_code"), part("container"), part("status")], [json!(7), json!("app"), json!("STOPPED")]);
    assert_eq!([part("address"), part("service")], [json!("task_definition.papyrus"), json!("service.papyrus")]);
    assert_eq!([part("command"), part("stop_code")], [json!(["false"]), json!("EssentialContainerExited")]);
    assert_eq!(document["containers"][0]["exit_code"], json!(7));
    assert_eq!(document["cause"]["kind"], json!("exited"));
    assert!(document.get("error").is_none(), "{document:#}");
    // The lines are talk then.
    assert!(run.stderr.contains("said"), "{run:?}");
    let refusing = OneOffs::refusing("RESOURCE:ENI");
    let (world, _) = playing(kind, refusing);
    let none = command(&world, &["papyrus", "--json"]).run().unwrap();
    let document: Value = serde_json::from_str(&none.stdout).unwrap();
    assert_eq!((none.code, &document["task"], &document["reason"]), (Some(5), &Value::Null, &json!("RESOURCE:ENI")));
    assert_eq!(document["error"]["kind"], json!("deployment"));
}

fn what_is_not_waited_for_is_left(kind: Kind) {
    let (world, play) = playing(kind, OneOffs::new(goes_on()));
    world.proxy().clear_log();
    let run = run(&world, &["papyrus", "--no-wait"]);
    assert_eq!((run.code, play.started()), (Some(0), 1), "{run:?}");
    let stop = format!("aws ecs stop-task --region {} --cluster papyrus --task 1111", world.lease().region);
    assert!(run.stderr.contains(&stop), "{run:?}");
    assert!(!world.proxy().counts().contains_key("ecs:DescribeTasks"));
}

fn the_emulators_own_task_is_started(kind: Kind) {
    let world = applied(kind);
    let run = run(&world, &["papyrus", "--no-wait", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let asked = json!({ "cluster": "papyrus", "tasks": [document["task"]] });
    let there = world.aws("ecs", "DescribeTasks", &asked).unwrap().json().unwrap()["tasks"][0].clone();
    assert_eq!(there["taskArn"], document["task"]);
    assert!(there["startedBy"].as_str().unwrap().starts_with("hatoba/"), "{there}");
}

on_both!(
    it_ends_well,
    it_ends_with_an_error,
    its_image_is_missing,
    there_is_no_capacity,
    a_lost_reply_starts_no_second_task,
    without_any_answer_nobody_is_told_to_try_again,
    what_comes_after_a_lost_reply_does_not_take_it_back,
    it_is_refused,
    without_a_service_it_takes_the_default_network,
    it_runs_on_what_the_service_runs_on,
    without_a_task_role_no_commands_are_run_in_it,
    what_is_not_ours_or_not_there_is_not_run,
    json_is_one_document,
    what_is_not_waited_for_is_left,
    the_emulators_own_task_is_started,
);
