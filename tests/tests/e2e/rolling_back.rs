//! `hatoba rollback`: back to what completed before, and deploys that are made from what runs.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::pipeline::file;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{aws, denied, nothing_to_do, run, run_json, said, says, write, writes};

fn image(name: &str, tag: &str) -> String {
    format!("{name}=public.ecr.aws/acme/papyrus:{tag}")
}

fn deploy(world: &World, name: &str, tag: &str) {
    run(world, &["deploy", "--image", &image(name, tag)], 0);
}

/// The revision that the service runs, and the images of its containers `app` and `side`.
fn running(world: &World) -> (String, [String; 2]) {
    let question = json!({ "cluster": "papyrus", "services": ["papyrus"] });
    let services = aws(world, "ecs", "DescribeServices", &question).json().unwrap();
    let arn = services["services"][0]["taskDefinition"].as_str().unwrap().to_owned();
    let task = aws(world, "ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": arn })).json().unwrap();
    let containers = task["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    let tag = |name: &str| {
        let container = containers.iter().find(|container| container["name"] == name).unwrap();
        container["image"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    };
    (arn.rsplit('/').next().unwrap().to_owned(), ["app", "side"].map(tag))
}

fn a_rollback_brings_back_the_revision_before_and_the_plan_stays_empty(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    let early = run(&world, &["rollback"], 1);
    says(&early, &["does not exist yet", "run `hatoba apply` first: it makes everything"]);
    assert!(!said(&early).contains("deploy"), "{early:?}");
    run(&world, &["apply", "--yes"], 0);
    says(&run(&world, &["rollback"], 1), &["there is no revision to go back to from papyrus:1", "nothing was changed"]);
    deploy(&world, "app", "v1");
    deploy(&world, "app", "v2");
    assert_eq!(running(&world), ("papyrus:3".to_owned(), ["v2".to_owned(), "1".to_owned()]));

    let back = run(&world, &["rollback", "papyrus"], 0);
    says(
        &back,
        &[
            "service.papyrus goes back to papyrus:2",
            "the revision before papyrus:3",
            "✓ service.papyrus: papyrus:4 runs",
        ],
    );
    assert_eq!(running(&world), ("papyrus:4".to_owned(), ["v1".to_owned(), "1".to_owned()]));
    nothing_to_do(&world);

    says(&run(&world, &["rollback", "quay"], 3), &["has no service `quay`", "`papyrus`"]);
}

fn a_rollback_goes_to_what_completed_where_ecs_remembers_it(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    deploy(&world, "app", "v1");
    deploy(&world, "app", "v2");
    deploy(&world, "app", "v3");
    // The deployment of v2 never completed.
    let (region, account) = (&world.lease().region, &world.lease().account);
    let revision = |number: u32| format!("arn:aws:ecs:{region}:{account}:service-revision/papyrus/papyrus/{number}");
    let task = |number: u32| format!("arn:aws:ecs:{region}:{account}:task-definition/papyrus:{number}");
    let done = |number: u32| {
        json!({
            "serviceDeploymentArn": format!("arn:aws:ecs:{region}:{account}:service-deployment/papyrus/papyrus/{number}"),
            "targetServiceRevisionArn": revision(number), "status": "SUCCESSFUL", "createdAt": 1_700_000_000 + number,
        })
    };
    let listed = json!({ "serviceDeployments": [done(1), done(2), done(4)] });
    let revisions: Vec<Value> =
        [1, 2, 4].map(|n| json!({ "serviceRevisionArn": revision(n), "taskDefinition": task(n) })).into();
    let reply = |action: &str, body: Value| Rule::on("ecs", action, Act::Reply { status: 200, body: body.to_string() });
    world.proxy().set_rules(vec![
        reply("ListServiceDeployments", listed),
        reply("DescribeServiceRevisions", json!({ "serviceRevisions": revisions })),
    ]);
    let back = run_json(&world, &["rollback"], 0);
    assert_eq!(back["deployments"][0]["verdict"], json!("completed"));
    assert_eq!(running(&world), ("papyrus:5".to_owned(), ["v1".to_owned(), "1".to_owned()]));
}

fn a_rollback_does_not_guess_where_ecs_tells(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    deploy(&world, "app", "v1");
    deploy(&world, "app", "v2");
    let (region, account) = (&world.lease().region, &world.lease().account);
    let revision = format!("arn:aws:ecs:{region}:{account}:service-revision/papyrus/papyrus/3");
    let deployment = |status: &str| {
        let arn = format!("arn:aws:ecs:{region}:{account}:service-deployment/papyrus/papyrus/3");
        json!({ "serviceDeployments": [{
            "serviceDeploymentArn": arn, "targetServiceRevisionArn": revision, "status": status, "createdAt": 1_700_000_000,
        }] })
    };
    let task = format!("arn:aws:ecs:{region}:{account}:task-definition/papyrus:3");
    let revisions = json!({ "serviceRevisions": [{ "serviceRevisionArn": revision, "taskDefinition": task }] });
    let reply = |action: &str, body: Value| Rule::on("ecs", action, Act::Reply { status: 200, body: body.to_string() });
    let list = "ListServiceDeployments";
    let none = || reply(list, json!({ "serviceDeployments": [] })).nth(1);
    let nowhere = ["there is no revision to go back to from papyrus:3", "nothing was changed"];
    world.proxy().clear_log();
    let refused = |rules: Vec<Rule>, code: i32, texts: &[&str]| {
        world.proxy().set_rules(rules);
        says(&run(&world, &["rollback"], code), texts);
    };
    // Only what runs has completed; nothing has.
    refused(vec![reply(list, deployment("SUCCESSFUL")), reply("DescribeServiceRevisions", revisions)], 1, &nowhere);
    refused(vec![none(), reply(list, deployment("IN_PROGRESS"))], 1, &nowhere);
    // What cannot be read is not missing.
    let refusal = denied("ecs", list, "AccessDeniedException");
    refused(vec![refusal], 4, &["ecs:ListServiceDeployments", "hatoba permissions --for deploy"]);
    let told = || reply(list, deployment("SUCCESSFUL"));
    let refusal = denied("ecs", "DescribeServiceRevisions", "AccessDeniedException");
    refused(vec![told(), refusal], 4, &["ecs:DescribeServiceRevisions"]);
    assert_eq!(writes(&world), Vec::<String>::new());
    // A throttle passes.
    let throttle = Rule::on("ecs", list, Act::Throttle).times(2);
    let empty = reply(list, json!({ "serviceDeployments": [] }));
    world.proxy().set_rules(vec![throttle, empty]);
    run(&world, &["rollback"], 0);
    assert_eq!(running(&world), ("papyrus:4".to_owned(), ["v1".to_owned(), "1".to_owned()]));
}

fn a_deploy_is_made_from_the_revision_that_runs(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    deploy(&world, "app", "v1");
    deploy(&world, "app", "broken");
    // ECS has rolled back: the latest revision is not the one that runs.
    let (region, account) = (&world.lease().region, &world.lease().account);
    let before = format!("arn:aws:ecs:{region}:{account}:task-definition/papyrus:2");
    let back = json!({ "cluster": "papyrus", "service": "papyrus", "taskDefinition": before });
    aws(&world, "ecs", "UpdateService", &back);
    world.proxy().clear_log();
    let deployed = run(&world, &["deploy", "--image", &image("side", "v9")], 0);
    says(&deployed, &["made from papyrus:2, which runs, not from papyrus:3, the latest"]);
    assert_eq!(running(&world), ("papyrus:4".to_owned(), ["v1".to_owned(), "v9".to_owned()]));
    assert_eq!(writes(&world), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
}

fn another_count_starts_no_deployment(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    let first = run_json(&world, &["apply", "--yes"], 0);
    assert_eq!(first["deployments"][0]["verdict"], json!("completed"));
    let mut more = file("info");
    more["services"]["papyrus"]["desired_count"] = json!(2);
    write(&world, &more);
    let counted = run_json(&world, &["apply", "--yes"], 0);
    assert_eq!((&counted["outcome"]["complete"], &counted["deployments"]), (&json!(true), &json!([])));
}

on_both!(
    another_count_starts_no_deployment,
    a_rollback_brings_back_the_revision_before_and_the_plan_stays_empty,
    a_rollback_goes_to_what_completed_where_ecs_remembers_it,
    a_rollback_does_not_guess_where_ecs_tells,
    a_deploy_is_made_from_the_revision_that_runs
);
