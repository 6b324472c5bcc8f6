//! `hatoba prune`: what nothing uses goes, and what runs stays.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::{Run, Signal};
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::deploying::{file, push};
use crate::helpers::{aws, denied, nothing_to_do, run, run_json, says, write};

/// The tags that are left in the repository.
fn tags(world: &World) -> BTreeSet<String> {
    let answer = aws(world, "ecr", "DescribeImages", &json!({ "repositoryName": "papyrus" })).json().unwrap();
    let images = answer["imageDetails"].as_array().unwrap().clone();
    let tags = images.iter().flat_map(|image| image["imageTags"].as_array().cloned().unwrap_or_default());
    tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

/// The numbers of the active revisions.
fn revisions(world: &World) -> Vec<u64> {
    let call = json!({ "familyPrefix": "papyrus", "status": "ACTIVE" });
    let answer = aws(world, "ecs", "ListTaskDefinitions", &call).json().unwrap();
    let number = |arn: &Value| arn.as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    answer["taskDefinitionArns"].as_array().unwrap().iter().map(number).collect()
}

fn set(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

// moto keeps a service's first deployment in its list for good, and with it the revision that it brought.
#[test]
fn what_runs_stays_and_what_nothing_uses_goes() {
    let world = World::new(Kind::Ministack).unwrap();
    let mut spec = file("info");
    spec["repositories"]["papyrus"]["keep_images"] = json!(1);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    for tag in ["a", "bb", "ccc", "dddd"] {
        push(&world, tag, "arm64");
        run(&world, &["deploy", "--image", &format!("app={tag}")], 0);
    }
    // The newest image is not the one that runs, and the newest of all is nowhere used.
    run(&world, &["deploy", "--image", "app=a"], 0);
    // ECR counts in seconds.
    sleep(Duration::from_millis(1_100));
    push(&world, "eeeee", "arm64");
    assert_eq!(revisions(&world), [1, 2, 3, 4, 5, 6]);
    // Only now, because deploys would take the old ones away.
    spec["task_definitions"]["papyrus"]["keep_revisions"] = json!(2);
    write(&world, &spec);

    // What was pushed today is left alone, unless that is asked for.
    let shown = run_json(&world, &["prune", "--dry-run"], 0);
    assert_eq!(shown["images"], json!([]));
    let asked = ["prune", "--older-than", "0s", "--dry-run"];
    says(&run(&world, &asked, 0), &["papyrus: revisions 1-4", "repository papyrus: 2 images", "stay"]);
    assert_eq!((revisions(&world).len(), tags(&world).len()), (6, 5), "a dry run deleted something");
    // Nobody there to ask.
    run(&world, &["prune", "--older-than", "0s"], 6);

    let done = run_json(&world, &["prune", "--older-than", "0s", "--yes"], 0);
    assert_eq!((done["deleted"].as_bool(), done["failures"].clone()), (Some(true), json!([])));
    assert_eq!(revisions(&world), [5, 6]);
    // `a` runs, `dddd` stands in the revision that is kept, `eeeee` is the newest.
    assert_eq!(tags(&world), set(&["a", "dddd", "eeeee"]));
    nothing_to_do(&world);
    says(&run(&world, &["prune", "--older-than", "0s", "--yes"], 0), &["Nothing to prune"]);
    run(&world, &["destroy", "--yes"], 0);
}

/// Deploys three images one after the other with a file that keeps two revisions, and returns what the last one said.
fn three_deploys(world: &World, rules: Vec<Rule>) -> Run {
    let mut spec = file("info");
    spec["task_definitions"]["papyrus"]["keep_revisions"] = json!(2);
    write(world, &spec);
    run(world, &["apply", "--yes"], 0);
    world.proxy().set_rules(rules);
    for tag in ["a", "bb"] {
        push(world, tag, "arm64");
        run(world, &["deploy", "--image", &format!("app={tag}")], 0);
    }
    push(world, "ccc", "arm64");
    run(world, &["deploy", "--image", "app=ccc"], 0)
}

#[test]
fn a_deploy_leaves_as_many_revisions_as_the_file_keeps() {
    let world = World::new(Kind::Ministack).unwrap();
    let last = three_deploys(&world, Vec::new());
    says(&last, &["papyrus: old revision 2 deregistered"]);
    assert_eq!(revisions(&world), [3, 4]);
    nothing_to_do(&world);
    // An apply that makes a new one does the same, and tells which.
    let mut spec = file("debug");
    spec["task_definitions"]["papyrus"]["keep_revisions"] = json!(2);
    write(&world, &spec);
    let applied = run_json(&world, &["apply", "--yes"], 0);
    assert!(applied["deregistered"][0]["arn"].as_str().unwrap().ends_with(":task-definition/papyrus:3"), "{applied}");
    assert_eq!(revisions(&world), [4, 5]);
    // What a rollback would go back to is kept, also where that is not among the newest.
    run(&world, &["rollback"], 0);
    run(&world, &["destroy", "--yes"], 0);
}

#[test]
fn what_runs_elsewhere_is_not_deregistered_by_a_deploy() {
    let world = World::new(Kind::Ministack).unwrap();
    let mut spec = file("info");
    spec["task_definitions"]["papyrus"]["keep_revisions"] = json!(1);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    // Somebody runs the first revision by hand, in another cluster.
    aws(&world, "ecs", "CreateCluster", &json!({ "clusterName": "other" }));
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let service = json!({
        "cluster": "other", "serviceName": "other", "taskDefinition": "papyrus:1", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": network,
    });
    aws(&world, "ecs", "CreateService", &service);
    for tag in ["a", "bb", "ccc"] {
        push(&world, tag, "arm64");
        run(&world, &["deploy", "--image", &format!("app={tag}")], 0);
    }
    // The newest, the one that runs elsewhere, and the one that a rollback would go back to.
    assert_eq!(revisions(&world), [1, 3, 4]);
}

#[test]
fn a_role_that_may_not_deregister_deploys_all_the_same() {
    let world = World::new(Kind::Ministack).unwrap();
    let last = three_deploys(&world, vec![denied("ecs", "DeregisterTaskDefinition", "AccessDeniedException")]);
    says(&last, &["papyrus: old revisions stay", "ecs:DeregisterTaskDefinition"]);
    assert_eq!(revisions(&world), [1, 2, 3, 4]);
}

/// Without a word of it in the file there are ten: nothing is asked before there can be more.
#[test]
fn few_revisions_are_not_even_counted() {
    let world = World::new(Kind::Ministack).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    push(&world, "a", "arm64");
    world.proxy().clear_log();
    run(&world, &["deploy", "--image", "app=a"], 0);
    let calls: Vec<String> = world.proxy().calls().iter().map(|call| call.name()).collect();
    assert!(
        !calls.iter().any(|call| call.contains("ListTaskDefinitions") || call.contains("ListClusters")),
        "{calls:?}"
    );
}

/// A service of another hand, in another cluster, stopped, with an image of this stack's repository; and what is left of the images.
fn left_beside(image: impl Fn(&str) -> String) -> BTreeSet<String> {
    let world = World::new(Kind::Ministack).unwrap();
    let mut spec = file("info");
    spec["repositories"]["papyrus"]["keep_images"] = json!(1);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    let digest = push(&world, "theirs", "arm64");
    push(&world, "old", "arm64");
    sleep(Duration::from_millis(1_100));
    push(&world, "newest", "arm64");
    let account = &world.lease().account;
    let image = format!("{account}.dkr.ecr.us-west-2.amazonaws.com/papyrus{}", image(&digest));
    aws(&world, "ecs", "CreateCluster", &json!({ "clusterName": "other" }));
    let task = json!({
        "family": "other", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{ "name": "app", "image": image, "essential": true }],
    });
    aws(&world, "ecs", "RegisterTaskDefinition", &task);
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-1"] } });
    let service = json!({
        "cluster": "other", "serviceName": "other", "taskDefinition": "other", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network,
    });
    aws(&world, "ecs", "CreateService", &service);
    run(&world, &["prune", "--older-than", "0s", "--yes"], 0);
    tags(&world)
}

#[test]
fn what_another_stack_runs_stays() {
    assert_eq!(left_beside(|digest| format!("@{digest}")), set(&["newest", "theirs"]));
}

/// Which digest a tag meant when a stopped service was deployed, nothing tells.
#[test]
fn where_a_stopped_service_has_a_tag_all_images_stay() {
    assert_eq!(left_beside(|_| ":theirs".to_owned()), set(&["newest", "old", "theirs"]));
}

/// The revisions that one deploy takes away where several were left behind.
fn left_behind(world: &World) {
    three_deploys(world, vec![denied("ecs", "DeregisterTaskDefinition", "AccessDeniedException")]);
    push(world, "dddd", "arm64");
    assert_eq!(revisions(world), [1, 2, 3, 4]);
}

#[test]
fn what_went_before_a_failure_is_told() {
    let world = World::new(Kind::Ministack).unwrap();
    left_behind(&world);
    world.proxy().set_rules(vec![denied("ecs", "DeregisterTaskDefinition", "AccessDeniedException").nth(2)]);
    let deployed = run(&world, &["deploy", "--image", "app=dddd"], 0);
    says(&deployed, &["papyrus: old revision 1 deregistered", "papyrus: other old revisions stay"]);
    assert_eq!(revisions(&world), [2, 3, 4, 5]);
}

#[test]
fn a_throttle_is_waited_for() {
    let world = World::new(Kind::Ministack).unwrap();
    left_behind(&world);
    world.proxy().set_rules(vec![Rule::on("ecs", "DeregisterTaskDefinition", Act::Throttle).times(2)]);
    let deployed = run(&world, &["deploy", "--image", "app=dddd"], 0);
    says(&deployed, &["papyrus: old revisions 1-3 deregistered"]);
    assert_eq!(revisions(&world), [4, 5]);
}

#[test]
fn who_interrupts_it_has_the_verdict_all_the_same() {
    let world = World::new(Kind::Ministack).unwrap();
    left_behind(&world);
    // Only who takes old revisions away looks for clusters.
    world.proxy().set_rules(vec![Rule::on("ecs", "ListClusters", Act::Delay(Duration::from_secs(40)))]);
    let command = world.hatoba_command(&["deploy", "--image", "app=dddd"]).unwrap();
    let deployed = command.signal_at(Duration::from_secs(12), Signal::Int).run().unwrap();
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    says(&deployed, &["papyrus:5 runs", "interrupted: old revisions stay until the next deploy"]);
    assert!(deployed.elapsed < Duration::from_secs(35), "{deployed:?}");
    assert_eq!(revisions(&world), [1, 2, 3, 4, 5]);
}

#[test]
fn what_others_register_in_between_holds_nothing_up() {
    let world = World::new(Kind::Ministack).unwrap();
    let mut spec = file("info");
    spec["task_definitions"]["papyrus"]["keep_revisions"] = json!(2);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    for tag in ["a", "bb"] {
        for _ in 0..9 {
            let theirs = json!({
                "family": "papyrus",
                "containerDefinitions": [{ "name": "app", "image": "nginx:1", "memory": 128 }],
            });
            aws(&world, "ecs", "RegisterTaskDefinition", &theirs);
        }
        push(&world, tag, "arm64");
        run(&world, &["deploy", "--image", &format!("app={tag}")], 0);
    }
    // 1, 11 and 21 are ours. 11 is where a rollback goes; the first is behind more of theirs than go at once.
    let left = revisions(&world);
    assert!(!left.contains(&1), "{left:?}");
    assert_eq!(left.len(), 20);
}
