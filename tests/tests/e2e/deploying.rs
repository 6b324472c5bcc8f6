//! `hatoba deploy`: other images, through the same plan, and the file does not take them back.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{aws, nothing_to_do, run, run_json, says, write, writes};

/// A stack with one service whose image belongs to the pipeline.
pub(crate) fn file(level: &str) -> Value {
    json!({
        "roles": { "execution": {
            "trust": { "service": "ecs-tasks.amazonaws.com" },
            "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
        } },
        "repositories": { "papyrus": { "on_destroy": "empty" } },
        "clusters": { "papyrus": {} },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": { "papyrus": {
            "cpu": 256,
            "memory": 512,
            "architecture": "arm64",
            "execution_role": "execution",
            "containers": {
                "app": {
                    "image": { "repository": "papyrus", "live": true, "bootstrap": "nginx:1" },
                    "environment": { "LEVEL": level },
                },
                "side": { "image": "fluent-bit:2", "essential": false },
            },
        } },
        "services": { "papyrus": {
            "cluster": "papyrus",
            "task_definition": "papyrus",
            "network": { "security_groups": ["papyrus"], "public_ip": true },
        } },
    })
}

/// Pushes an image that was built for one kind of machine, and returns its digest.
pub(crate) fn push(world: &World, tag: &str, architecture: &str) -> String {
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{:064x}", tag.len()),
            "size": 1_000,
            "annotations": { "tag": tag },
            "platform": { "os": "linux", "architecture": architecture },
        }],
    });
    let image = json!({
        "repositoryName": "papyrus",
        "imageTag": tag,
        "imageManifest": index.to_string(),
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    });
    let answer = aws(world, "ecr", "PutImage", &image).json().unwrap();
    answer["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned()
}

/// The image of the container `app` in the revision that the service runs.
pub(crate) fn running(world: &World) -> String {
    let question = json!({ "cluster": "papyrus", "services": ["papyrus"] });
    let services = aws(world, "ecs", "DescribeServices", &question).json().unwrap();
    let question = json!({ "taskDefinition": services["services"][0]["taskDefinition"] });
    let task = aws(world, "ecs", "DescribeTaskDefinition", &question).json().unwrap();
    let containers = task["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    let app = containers.iter().find(|container| container["name"] == "app").unwrap();
    app["image"].as_str().unwrap().to_owned()
}

fn a_deploy_changes_the_image_and_nothing_takes_it_back(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    let early = run(&world, &["deploy", "--image", "app=v1"], 1);
    says(&early, &["hatoba apply"]);
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(running(&world), "nginx:1");
    let first = push(&world, "v1", "arm64");

    let deployed = run(&world, &["deploy", "--image", "app=v1"], 0);
    says(&deployed, &["task_definition.papyrus", "service.papyrus", "containers.app.image"]);
    assert!(running(&world).ends_with(&format!("/papyrus@{first}")), "{}", running(&world));
    nothing_to_do(&world);
    world.proxy().clear_log();
    says(
        &run(&world, &["deploy", "papyrus", "--image", "app=v1"], 0),
        &["No changes. service.papyrus has this image already."],
    );
    assert_eq!(writes(&world), Vec::<String>::new());

    // The file changes something else: the image stays.
    write(&world, &file("debug"));
    let plan = run_json(&world, &["plan"], 0);
    assert!(!plan.to_string().contains("containers.app.image"), "{plan:#}");
    // A deploy does not bring what the file says besides.
    let mut more = file("debug");
    more["services"]["papyrus"]["retain"] = json!(true);
    more["task_definitions"]["papyrus"]["tags"] = json!({ "team": "wharf" });
    write(&world, &more);
    let second = push(&world, "v2", "arm64");
    let deployed = run_json(&world, &["deploy", "--image", &format!("app={second}")], 0);
    let steps = deployed["plan"]["steps"].as_array().unwrap().clone();
    let changed: Vec<&Value> =
        steps.iter().flat_map(|step| step["changes"].as_array().unwrap()).map(|change| &change["path"]).collect();
    assert_eq!(changed, ["containers.app.image", "task_definition"]);
    write(&world, &file("debug"));
    run(&world, &["apply", "--yes"], 0);
    assert!(running(&world).ends_with(&second), "{}", running(&world));
    nothing_to_do(&world);
}

fn what_cannot_run_is_not_deployed(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    push(&world, "intel", "amd64");
    world.proxy().clear_log();
    let refused = |image: &str, code: i32, texts: &[&str]| {
        says(&run(&world, &["deploy", "--image", image], code), texts);
    };
    let whole = "for an image of another registry give its whole name, as public.ecr.aws/docker/library/nginx:1.29";
    refused("app=v9", 1, &["there is no image", "papyrus:v9", "push it first", whole]);
    says(&run(&world, &["deploy"], 1), &["--image CONTAINER=IMAGE", "--redeploy", "SERVICE may be left out"]);
    says(&run(&world, &["deploy", "--yes", "--image", "app=v9"], 1), &["`hatoba deploy` never asks"]);
    refused("app=intel", 6, &["was built for linux/amd64", "runs on linux/arm64", "--platform linux/arm64"]);
    refused("side=v1", 6, &["the image of the container `side` belongs to the file"]);
    refused("ap=v1", 3, &["has no container `ap`", "`app`, `side`"]);
    refused("app", 1, &["write it as CONTAINER=IMAGE"]);
    says(&run(&world, &["deploy", "quay", "--image", "app=v1"], 3), &["has no service `quay`", "`papyrus`"]);
    assert_eq!(writes(&world), Vec::<String>::new());
    assert_eq!(running(&world), "nginx:1");

    // A repository that is not the stack's is known by its name, also with a slash in it.
    let mut theirs = file("info");
    theirs["task_definitions"]["papyrus"]["containers"]["app"]["image"] =
        json!({ "repository": { "existing": "acme/quay" }, "live": true, "bootstrap": "nginx:1" });
    write(&world, &theirs);
    refused("app=v1", 1, &["there is no repository `acme/quay`"]);
    assert_eq!(running(&world), "nginx:1");
    write(&world, &file("info"));

    // A registry that hatoba cannot ask is believed.
    let elsewhere = run(&world, &["deploy", "--image", "app=public.ecr.aws/acme/papyrus:v3"], 0);
    says(&elsewhere, &["in a registry that hatoba does not ask"]);
    assert_eq!(running(&world), "public.ecr.aws/acme/papyrus:v3");
    nothing_to_do(&world);
}

/// What `apply` has not taken over yet is left alone by everything else.
fn what_is_to_be_adopted_is_left_to_an_apply(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut adopted = file("info");
    write(&world, &adopted);
    run(&world, &["apply", "--yes"], 0);
    let digest = push(&world, "v1", "arm64");
    let question = json!({ "cluster": "papyrus", "services": ["papyrus"] });
    let service = aws(&world, "ecs", "DescribeServices", &question).json().unwrap()["services"][0].clone();
    let unmark = |arn: &Value| {
        let keys = ["hatoba:stack", "hatoba:resource", "hatoba:origin"];
        aws(&world, "ecs", "UntagResource", &json!({ "resourceArn": arn, "tagKeys": keys }));
    };
    let refused = |words: &[&str], address: &str| {
        world.proxy().clear_log();
        let problem = format!("{address} is not hatoba's yet; nothing was changed");
        says(&run(&world, words, 6), &[&problem, "`hatoba apply` takes it over first"]);
        assert_eq!(writes(&world), Vec::<String>::new());
    };
    for section in ["services", "task_definitions"] {
        adopted[section]["papyrus"]["adopt"] = json!(true);
    }
    write(&world, &adopted);
    unmark(&service["taskDefinition"]);
    for words in [&["deploy", "--image", "app=v1"][..], &["rollback"], &["run"]] {
        refused(words, "task_definition.papyrus");
    }
    unmark(&service["serviceArn"]);
    let all: [&[&str]; 6] = [
        &["deploy", "--image", "app=v1"],
        &["deploy", "--redeploy"],
        &["rollback"],
        &["down"],
        &["up"],
        &["up", "papyrus", "--for", "2h"],
    ];
    for words in all {
        refused(words, "service.papyrus");
    }
    run(&world, &["apply", "--yes"], 0);
    run(&world, &["deploy", "--image", "app=v1"], 0);
    assert!(running(&world).ends_with(&digest), "{}", running(&world));

    // One of several does not keep the others running.
    adopted["services"]["quay"] = adopted["services"]["papyrus"].clone();
    adopted["services"]["quay"].as_object_mut().unwrap().remove("adopt");
    write(&world, &adopted);
    run(&world, &["apply", "--yes"], 0);
    unmark(&service["serviceArn"]);
    says(&run(&world, &["down"], 0), &["service.papyrus is not hatoba's yet", "service.quay"]);
    let count = |name: &str| {
        let question = json!({ "cluster": "papyrus", "services": [name] });
        aws(&world, "ecs", "DescribeServices", &question).json().unwrap()["services"][0]["desiredCount"].clone()
    };
    assert_eq!((count("papyrus"), count("quay")), (json!(1), json!(0)));
}

on_both!(
    what_is_to_be_adopted_is_left_to_an_apply,
    a_deploy_changes_the_image_and_nothing_takes_it_back,
    what_cannot_run_is_not_deployed
);
