//! `hatoba prune`: what nothing uses goes, and what runs stays.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::deploying::{file, push};
use crate::helpers::{aws, nothing_to_do, run, run_json, says, write};

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
    spec["task_definitions"]["papyrus"]["keep_revisions"] = json!(2);
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
