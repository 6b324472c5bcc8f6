//! A revision that somebody deregistered goes on running, but no service can be given it any more.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::pipeline::file;
use hatoba_tests::world::World;
use serde_json::{Map, Value, json};

use crate::helpers::{aws, nothing_to_do, run, says, write, writes};

/// A stack whose services run one task definition.
fn with(services: &[&str]) -> Value {
    let mut file = file("info");
    let one = file["services"]["papyrus"].take();
    file["services"] = services.iter().map(|name| ((*name).to_owned(), one.clone())).collect::<Map<_, _>>().into();
    file
}

fn deploy(world: &World, image: &str) {
    run(world, &["deploy", "papyrus", "--image", &format!("{image}:v1").replace('=', "=public.ecr.aws/acme/")], 0);
}

fn deregister(world: &World, revisions: &[u32]) {
    for number in revisions {
        aws(world, "ecs", "DeregisterTaskDefinition", &json!({ "taskDefinition": format!("papyrus:{number}") }));
    }
}

/// The revision that a service runs, and the images of its containers in order of their names.
fn runs(world: &World, service: &str) -> (String, Vec<String>) {
    let question = json!({ "cluster": "papyrus", "services": [service] });
    let services = aws(world, "ecs", "DescribeServices", &question).json().unwrap();
    let arn = services["services"][0]["taskDefinition"].as_str().unwrap().to_owned();
    let task = aws(world, "ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": arn })).json().unwrap();
    let containers = task["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    let part = |container: &Value, name: &str| container[name].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let mut images: Vec<_> = containers.iter().map(|it| (part(it, "name"), part(it, "image"))).collect();
    images.sort();
    (arn.rsplit('/').next().unwrap().to_owned(), images.into_iter().map(|(_, image)| image).collect())
}

fn it_is_registered_anew_once_another_service_needs_it(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &with(&["papyrus"]));
    run(&world, &["apply", "--yes"], 0);
    deploy(&world, "app=papyrus");
    // The latest revision is not the one that runs, and says something else.
    deploy(&world, "side=quay");
    let before = world.lease();
    let arn = format!("arn:aws:ecs:{}:{}:task-definition/papyrus:2", before.region, before.account);
    aws(&world, "ecs", "UpdateService", &json!({ "cluster": "papyrus", "service": "papyrus", "taskDefinition": arn }));
    deregister(&world, &[2]);
    nothing_to_do(&world);

    write(&world, &with(&["papyrus", "quay"]));
    let plan = run(&world, &["plan"], 0);
    says(&plan, &["papyrus:2 runs and was deregistered", "RegisterTaskDefinition", "service.quay"]);
    world.proxy().clear_log();
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(writes(&world)[0], "ecs:RegisterTaskDefinition");
    let anew = ("papyrus:4".to_owned(), vec!["papyrus:v1".to_owned(), "nginx:1".to_owned()]);
    assert_eq!((runs(&world, "papyrus"), runs(&world, "quay")), (anew.clone(), anew));
    nothing_to_do(&world);
}

fn the_images_stay_where_all_revisions_were_deregistered(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &with(&["papyrus"]));
    run(&world, &["apply", "--yes"], 0);
    deploy(&world, "app=papyrus");
    deregister(&world, &[1, 2]);
    nothing_to_do(&world);
    deploy(&world, "side=quay");
    let both = vec!["papyrus:v1".to_owned(), "quay:v1".to_owned()];
    assert_eq!(runs(&world, "papyrus"), ("papyrus:3".to_owned(), both.clone()));
    nothing_to_do(&world);

    deregister(&world, &[3]);
    write(&world, &with(&["papyrus", "quay"]));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(runs(&world, "quay"), ("papyrus:4".to_owned(), both));
    nothing_to_do(&world);
}

on_both!(it_is_registered_anew_once_another_service_needs_it, the_images_stay_where_all_revisions_were_deregistered);
