//! Where images come from: kept in tags of the revision, shown, and no difference.

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::deploying::{file, push};
use crate::helpers::{Tags, aws, nothing_to_do, run, run_json, says, write};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Runs the binary as a workflow of GitHub Actions does.
#[track_caller]
fn as_run(world: &World, number: &str, actor: &str, arguments: &[&str]) -> Run {
    let command = world.hatoba_command(arguments).unwrap();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/papyrus"),
        ("GITHUB_RUN_ID", number),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_SHA", COMMIT),
        ("GITHUB_ACTOR", actor),
    ];
    let command = variables.into_iter().fold(command, |command, (name, value)| command.env(name, value));
    command.run().and_then(|run| run.expect_code(0)).unwrap()
}

/// The tags of the latest revision.
fn tags(world: &World) -> Tags {
    let question = json!({ "taskDefinition": "papyrus", "include": ["TAGS"] });
    let answer = aws(world, "ecs", "DescribeTaskDefinition", &question).json().unwrap();
    let tags = answer["tags"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tags.iter().map(|tag| (text(&tag["key"]), text(&tag["value"]))).collect()
}

fn url(number: &str) -> String {
    format!("https://github.com/acme/papyrus/actions/runs/{number}")
}

fn the_origin_of_an_image_goes_where_the_image_goes(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    as_run(&world, "1", "octocat", &["apply", "--yes"]);
    assert_eq!(tags(&world)["hatoba:run"], url("1"));
    nothing_to_do(&world);

    push(&world, "v1", "arm64");
    as_run(&world, "2", "dependabot[bot]", &["deploy", "--image", "app=v1"]);
    let deployed = tags(&world);
    assert_eq!(deployed["hatoba:run"], url("2"));
    assert_eq!(deployed["hatoba:commit"], COMMIT);
    assert_eq!(deployed["hatoba:actor"], "dependabot-bot");
    assert!(deployed["hatoba:deployed-at"].starts_with("20"), "{deployed:?}");
    nothing_to_do(&world);

    // The file changes something else: the image stays, and is still of the run that deployed it.
    write(&world, &file("debug"));
    let plan = run(&world, &["plan"], 0);
    says(&plan, &["image kept: app runs …/papyrus@sha256:", "ago by run 2, commit 0123456)"]);
    assert!(!plan.stdout.contains("hatoba:run"), "{plan:?}");
    let document = run_json(&world, &["plan"], 0);
    assert_eq!(document["kept_images"][0]["container"], "app");
    assert_eq!(document["kept_images"][0]["provenance"]["run"], url("2"));
    as_run(&world, "3", "octocat", &["apply", "--yes"]);
    let after = tags(&world);
    assert_eq!(after, deployed);
    nothing_to_do(&world);

    says(&run(&world, &["status"], 0), &["ago by run 2, commit 0123456, dependabot-bot", &url("2")]);
    let service = run_json(&world, &["status"], 0)["services"][0].clone();
    assert_eq!(service["provenance"]["run"], url("2"));
    assert_eq!(service["provenance"]["commit"], COMMIT);

    push(&world, "v22", "arm64");
    as_run(&world, "4", "octocat", &["deploy", "--image", "app=v22"]);
    assert_eq!(tags(&world)["hatoba:run"], url("4"));
    // Back to the image of the second run.
    as_run(&world, "5", "octocat", &["rollback"]);
    assert_eq!(tags(&world)["hatoba:run"], url("2"));
    nothing_to_do(&world);
}

fn whoever_deploys_without_a_run_leaves_only_the_time(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut spec = file("info");
    // As many as a file may have: with those that say whose it is, there is room for three.
    let many: Tags = (0..44).map(|number| (format!("tag{number}"), "x".to_owned())).collect();
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    let first = tags(&world);
    assert!(first.contains_key("hatoba:deployed-at"), "{first:?}");
    assert!(!first.contains_key("hatoba:run"), "{first:?}");

    spec["task_definitions"]["papyrus"]["tags"] = json!(many);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    push(&world, "v1", "arm64");
    as_run(&world, "2", "octocat", &["deploy", "--image", "app=v1"]);
    let full = tags(&world);
    assert_eq!((full.len(), full["hatoba:run"].clone()), (50, url("2")));
    assert!(!full.contains_key("hatoba:actor"), "{full:?}");
    nothing_to_do(&world);
}

fn what_is_let_go_of_keeps_no_tag_of_ours(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut spec = file("info");
    spec["task_definitions"]["papyrus"]["retain"] = json!(true);
    write(&world, &spec);
    as_run(&world, "1", "octocat", &["apply", "--yes"]);
    run(&world, &["destroy", "--yes"], 0);
    let left = tags(&world);
    assert!(!left.keys().any(|key| key.starts_with("hatoba:")), "{left:?}");
}

on_both!(
    the_origin_of_an_image_goes_where_the_image_goes,
    whoever_deploys_without_a_run_leaves_only_the_time,
    what_is_let_go_of_keeps_no_tag_of_ours,
);
