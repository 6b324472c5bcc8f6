//! Which image stays: the one that runs, whatever the latest revision says; and nothing is brought over what somebody else has brought
//! meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::on_both;
use hatoba_tests::pipeline::file;
use hatoba_tests::proxy::{Act, Rule, Verdict};
use hatoba_tests::world::World;
use serde_json::json;

use crate::helpers::{aws, denied, nothing_to_do, run, run_json, says, write, writes};

/// An account with the stack in it, and the image `v1` deployed as the second revision.
fn deployed(kind: Kind) -> World {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    deploy(&world, "app", "v1", 0);
    world
}

fn image(name: &str, tag: &str) -> String {
    format!("{name}=public.ecr.aws/acme/papyrus:{tag}")
}

#[track_caller]
fn deploy(world: &World, name: &str, tag: &str, code: i32) -> Run {
    run(world, &["deploy", "--image", &image(name, tag)], code)
}

/// The revision that the service runs, the tags of its images `app` and `side`, and the level.
fn running(world: &World) -> [String; 4] {
    let question = json!({ "cluster": "papyrus", "services": ["papyrus"] });
    let services = aws(world, "ecs", "DescribeServices", &question).json().unwrap();
    let arn = services["services"][0]["taskDefinition"].as_str().unwrap().to_owned();
    let task = aws(world, "ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": arn })).json().unwrap();
    let containers = task["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    let of = |name: &str| containers.iter().find(|container| container["name"] == name).unwrap().clone();
    let tag = |name: &str| of(name)["image"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let level = of("app")["environment"][0]["value"].as_str().unwrap().to_owned();
    [arn.rsplit('/').next().unwrap().to_owned(), tag("app"), tag("side"), level]
}

/// Brings the service to a revision, as ECS does when it rolls back, and as somebody else does who deploys.
fn bring(world: &World, revision: u32) {
    let (region, account) = (&world.lease().region, &world.lease().account);
    let arn = format!("arn:aws:ecs:{region}:{account}:task-definition/papyrus:{revision}");
    aws(world, "ecs", "UpdateService", &json!({ "cluster": "papyrus", "service": "papyrus", "taskDefinition": arn }));
}

/// The run is refused its `UpdateService`: it ends between its two calls.
#[track_caller]
fn cut_short(world: &World, arguments: &[&str]) {
    world.proxy().set_rules(vec![denied("ecs", "UpdateService", "AccessDeniedException")]);
    run(world, arguments, 4);
    world.proxy().set_rules(Vec::new());
    world.proxy().clear_log();
}

fn after_a_rollback_the_plan_is_empty_and_the_image_that_runs_stays(kind: Kind) {
    let world = deployed(kind);
    world.proxy().clear_log();
    nothing_to_do(&world);
    assert_eq!(world.proxy().count("ecs", "DescribeTaskDefinition"), 1);
    deploy(&world, "app", "broken", 0);
    bring(&world, 2);

    world.proxy().clear_log();
    nothing_to_do(&world);
    assert_eq!(world.proxy().count("ecs", "DescribeTaskDefinition"), 2, "one more for the family");
    says(&run(&world, &["apply", "--yes"], 0), &["No changes."]);
    assert_eq!(writes(&world), Vec::<String>::new());

    write(&world, &file("debug"));
    let plan = run_json(&world, &["plan"], 0).to_string();
    assert!(plan.contains("containers.app.environment.LEVEL") && !plan.contains("containers.app.image"), "{plan}");
    world.proxy().clear_log();
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(writes(&world), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
    assert_eq!(running(&world), ["papyrus:4", "v1", "1", "debug"]);
    nothing_to_do(&world);
}

fn what_was_registered_before_a_run_was_cut_short_is_not_registered_again(kind: Kind) {
    let world = deployed(kind);
    cut_short(&world, &["deploy", "--image", &image("app", "v2")]);
    // The image that was never brought belongs to nobody.
    nothing_to_do(&world);
    deploy(&world, "app", "v2", 0);
    assert_eq!(writes(&world), ["ecs:UpdateService"]);
    assert_eq!(running(&world), ["papyrus:3", "v2", "1", "info"]);

    write(&world, &file("debug"));
    cut_short(&world, &["apply", "--yes"]);
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(writes(&world), ["ecs:UpdateService"]);
    assert_eq!(running(&world), ["papyrus:4", "v2", "1", "debug"]);

    // An apply does not bring what a deploy was about to bring.
    cut_short(&world, &["deploy", "--image", &image("app", "v3")]);
    write(&world, &file("trace"));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(running(&world), ["papyrus:6", "v2", "1", "trace"]);
    nothing_to_do(&world);

    cut_short(&world, &["rollback"]);
    run(&world, &["rollback"], 0);
    assert_eq!(writes(&world), ["ecs:UpdateService"]);
    assert_eq!(running(&world)[0], "papyrus:7");
}

/// Runs hatoba, and does something else when a call of it has arrived for the first time; the rule makes time for that.
fn meanwhile(world: &World, arguments: &[&str], action: &'static str, rule: Rule, other: impl FnOnce()) -> Run {
    let arrived = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&arrived);
    world.proxy().set_hook(move |moment| {
        if moment.call.action == action {
            seen.store(true, Ordering::Release);
        }
        Verdict::Continue
    });
    world.proxy().set_rules(vec![rule]);
    let run = thread::scope(|scope| {
        let run = scope.spawn(|| world.hatoba(arguments).unwrap());
        while !arrived.load(Ordering::Acquire) && !run.is_finished() {
            thread::sleep(Duration::from_millis(2));
        }
        other();
        run.join().unwrap()
    });
    world.proxy().clear_hook();
    world.proxy().set_rules(Vec::new());
    run
}

fn what_somebody_else_deploys_meanwhile_is_not_overwritten(kind: Kind) {
    let world = deployed(kind);
    let slow = Rule::on("ecs", "RegisterTaskDefinition", Act::Delay(Duration::from_millis(1_500)));
    let throttled = Rule::on("ecs", "UpdateService", Act::Throttle).times(3);
    let deploy_side = ["deploy", "--image", &image("side", "v9")];
    // Between the plan and the step, and between a call that was refused for now and the next attempt.
    for (action, rule) in [("RegisterTaskDefinition", slow), ("UpdateService", throttled)] {
        bring(&world, 2);
        let ended = meanwhile(&world, &deploy_side, action, rule, || bring(&world, 1));
        assert_eq!(ended.code, Some(6), "{action}: {ended:?}");
        let told = "changed by someone else since this plan: `task_definition` of the service `papyrus` is papyrus:1 now, not papyrus:2";
        says(&ended, &[told]);
        assert_eq!(running(&world)[0], "papyrus:1", "{action}");
    }
    // Once more: now it is made from what runs.
    deploy(&world, "side", "v9", 0);
    assert_eq!(running(&world)[1..], ["1", "v9", "info"]);
    nothing_to_do(&world);
}

fn two_deploys_of_different_containers_lose_no_image(kind: Kind) {
    let world = deployed(kind);
    // The first one has registered its revision and is about to look at the service; the second one comes and is done before.
    let look = Rule::on("ecs", "DescribeServices", Act::Delay(Duration::from_secs(8))).nth(2);
    let first = ["deploy", "--image", &image("app", "v2")];
    let second = || drop(deploy(&world, "side", "v9", 0));
    let ended = meanwhile(&world, &first, "RegisterTaskDefinition", look, || {
        thread::sleep(Duration::from_millis(500));
        second();
    });
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert_eq!(running(&world)[1..], ["v1", "v9", "info"]);
    nothing_to_do(&world);
    run(&world, &first, 0);
    assert_eq!(running(&world)[1..], ["v2", "v9", "info"]);
    nothing_to_do(&world);
}

fn a_revision_that_somebody_else_registers_meanwhile_stays_the_latest(kind: Kind) {
    let world = deployed(kind);
    deploy(&world, "app", "broken", 0);
    bring(&world, 2);
    // The plan is made from the second revision while the third is the latest; the fourth is somebody else's.
    let question = json!({ "taskDefinition": "papyrus:3" });
    let latest = aws(&world, "ecs", "DescribeTaskDefinition", &question).json().unwrap()["taskDefinition"].clone();
    let mut theirs = json!({});
    for member in [
        "family",
        "cpu",
        "memory",
        "networkMode",
        "requiresCompatibilities",
        "executionRoleArn",
        "containerDefinitions",
    ] {
        theirs[member] = latest[member].clone();
    }
    let register = || drop(aws(&world, "ecs", "RegisterTaskDefinition", &theirs));
    let slow = Rule::on("ecs", "RegisterTaskDefinition", Act::Delay(Duration::from_millis(1_500)));
    let arguments = ["deploy", "--image", &image("side", "v9")];
    let ended = meanwhile(&world, &arguments, "RegisterTaskDefinition", slow, register);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    says(&ended, &["changed by someone else since this plan", "revision 4 was registered meanwhile"]);
    assert_eq!(running(&world)[0], "papyrus:2");
}

fn what_was_started_is_followed_although_something_else_fails(kind: Kind) {
    let world = World::new(kind).unwrap();
    let two = |level: &str| {
        let mut two = file(level);
        for section in ["task_definitions", "services"] {
            two[section]["quay"] = two[section]["papyrus"].clone();
        }
        two["services"]["quay"]["task_definition"] = json!("quay");
        two
    };
    write(&world, &two("info"));
    run(&world, &["apply", "--yes"], 0);
    write(&world, &two("debug"));
    world.proxy().set_rules(vec![denied("ecs", "RegisterTaskDefinition", "AccessDeniedException").nth(2)]);
    let ended = run_json(&world, &["apply", "--yes"], 4);
    assert_eq!((&ended["outcome"]["complete"], &ended["error"]["kind"]), (&json!(false), &json!("denied")));
    let deployments = ended["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 1, "{ended:#}");
    assert_eq!(deployments[0]["verdict"], json!("completed"));
}

fn a_family_that_is_named_without_a_revision_is_not_taken_for_somebody_elses_change(kind: Kind) {
    let world = World::new(kind).unwrap();
    for family in ["quay", "pier"] {
        let containers = json!([{ "name": "app", "image": "nginx:1" }]);
        let task = json!({
            "family": family, "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": containers,
        });
        aws(&world, "ecs", "RegisterTaskDefinition", &task);
    }
    let file = |family: &str| {
        json!({
            "clusters": { "papyrus": {} },
            "security_groups": { "papyrus": { "description": "papyrus" } },
            "services": { "papyrus": {
                "cluster": "papyrus", "task_definition": { "existing": family },
                "network": { "security_groups": ["papyrus"], "public_ip": true },
            } },
        })
    };
    write(&world, &file("quay"));
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    // The call has its effect, and its answer is lost: the look before the next attempt finds what is wanted.
    write(&world, &file("pier"));
    world.proxy().set_rules(vec![Rule::on("ecs", "UpdateService", Act::DropReply).times(1)]);
    run(&world, &["apply", "--yes"], 0);
    world.proxy().set_rules(Vec::new());
    nothing_to_do(&world);
}

on_both!(
    a_family_that_is_named_without_a_revision_is_not_taken_for_somebody_elses_change,
    after_a_rollback_the_plan_is_empty_and_the_image_that_runs_stays,
    what_was_registered_before_a_run_was_cut_short_is_not_registered_again,
    what_somebody_else_deploys_meanwhile_is_not_overwritten,
    two_deploys_of_different_containers_lose_no_image,
    a_revision_that_somebody_else_registers_meanwhile_stays_the_latest,
    what_was_started_is_followed_although_something_else_fails
);
