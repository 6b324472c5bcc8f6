//! The preview of a destroy, its question, what it deletes, what it keeps and says of it, and the proof at the end.

use hatoba_model::stack::Stack;
use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{Tags, aws, denied, mark, nothing_is_left, nothing_to_do, run, says, tags_in, write, writes};
use crate::rows::arn;
use crate::stack::{addresses, whole};

fn everything_goes_once_somebody_agrees(kind: Kind) {
    let world = World::new(kind).unwrap();
    let before = Inventory::of(&world).unwrap();
    write(&world, &whole());
    run(&world, &["apply", "--yes"], 0);
    let made = Inventory::of(&world).unwrap();
    world.proxy().clear_log();

    let all = addresses(&whole(), Stack::SECTIONS);
    let previews: Vec<String> = all.iter().map(|address| format!("- {address} ")).collect();
    let count = format!("Plan: 0 to add, 0 to change, 0 to replace, {} to delete.", all.len());
    let previews: Vec<&str> = previews.iter().map(String::as_str).chain([count.as_str()]).collect();
    says(&run(&world, &["plan", "--destroy"], 0), &previews);
    // What is typed counts only at a terminal.
    for input in ["", "papyrus\n", "yes\n"] {
        let run = world.hatoba_command(&["destroy"]).unwrap().stdin(input).run().unwrap().expect_code(6).unwrap();
        says(&run, &previews);
        says(&run, &["standard input is not a terminal", "add `--yes`", "`hatoba plan --destroy` only shows"]);
    }
    assert_eq!(writes(&world), [""; 0]);
    assert_eq!(Inventory::of(&world).unwrap(), made);

    let destroyed = run(&world, &["destroy", "--yes"], 0);
    says(&destroyed, &previews);
    all.iter().for_each(|address| says(&destroyed, &[&format!("✓ {address}: deleted")]));
    let role = "service_linked_role.ecs named AWSServiceRoleFor";
    says(
        &destroyed,
        &[
            &format!("✓ Done: {} deleted.", all.len()),
            "✓ Looked again, by name and by mark: nothing of papyrus is left but what stays on purpose:",
            role,
            "None of it costs money by itself.",
        ],
    );
    nothing_is_left(&world, &before);

    world.proxy().clear_log();
    says(&run(&world, &["destroy", "--yes"], 0), &["Nothing to destroy: stack papyrus, account ", "✓ Looked, by name"]);
    assert_eq!(writes(&world), [""; 0]);
    // What was there leaves nothing behind that is in the way of the next.
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
}

/// Pushes an image, as far as ECR's bookkeeping goes.
pub(crate) fn push(world: &World, repository: &str) {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let config_type = "application/vnd.docker.container.image.v1+json";
    let layer_type = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": config_type, "size": 2, "digest": digest("a") },
        "layers": [{ "mediaType": layer_type, "size": 32, "digest": digest("b") }],
    });
    let image = json!({ "repositoryName": repository, "imageManifest": manifest.to_string(), "imageTag": "v1" });
    aws(world, "ecr", "PutImage", &image);
}

/// The tags of a repository; none when it does not exist.
pub(crate) fn repository_tags(world: &World, name: &str) -> Option<Tags> {
    let question = json!({ "resourceArn": arn(world, "ecr", &format!("repository/{name}")) });
    world.aws("ecr", "ListTagsForResource", &question).ok().map(|answer| tags_in(&answer))
}

/// The same as what the file of [`what_stays_is_said_and_why`] says, but for the word about full repositories.
fn storing(on_destroy: &str) -> Value {
    json!({
        "users": { "wharf": { "adopt": true } },
        "log_groups": { "/gone": {}, "/retained": { "retain": true } },
        "repositories": {
            "acme/bare": {},
            "acme/full": { "on_destroy": on_destroy },
            "acme/emptied": { "on_destroy": "empty" },
        },
    })
}

fn what_stays_is_said_and_why(kind: Kind) {
    let world = World::new(kind).unwrap();
    aws(&world, "iam", "CreateUser", &json!({ "UserName": "wharf" }));
    write(&world, &storing("keep"));
    run(&world, &["apply", "--yes"], 0);
    push(&world, "acme/full");
    push(&world, "acme/emptied");
    nothing_to_do(&world);

    let kept = "repository.acme/full: kept: it holds 1 image; `on_destroy: empty` would delete them with it";
    let preview = [
        kept,
        "deletes what is in it, too: 1 image",
        "< user.wharf",
        "< log_group./retained",
        "3 to delete, 2 to let go of.",
    ];
    says(&run(&world, &["plan", "--destroy"], 0), &preview);

    // Whatever stops it, the rest is done, and the same command goes on.
    world.proxy().set_rules(vec![denied("ecr", "DeleteRepository", "AccessDeniedException")]);
    let stopped = run(&world, &["destroy", "--yes"], 4);
    says(&stopped, &preview);
    says(&stopped, &["Not finished. Done: 1 deleted, 2 let go of.", "not authorized to perform: ecr:DeleteRepository"]);
    says(&stopped, &["✗ repository.acme/bare: ", "✗ repository.acme/emptied: ", "To continue: hatoba destroy"]);
    assert!(!stopped.stdout.contains("Looked"), "no proof of what was not done: {stopped:?}");
    world.proxy().set_rules(Vec::new());

    let destroyed = run(&world, &["destroy", "--yes"], 0);
    let rest = [
        "nothing of papyrus is left but what stays on purpose:",
        kept,
        "may cost money: stores 1 image",
        "log_group./retained: ",
        "may cost money: stores what was logged",
        "user.wharf: ",
        "2 of these can still cost money.",
    ];
    says(&destroyed, &["Done: 2 deleted."]);
    says(&destroyed, &rest);
    assert_eq!(repository_tags(&world, "acme/full"), Some(mark("papyrus", "repository.acme/full", "created")));
    assert_eq!((repository_tags(&world, "acme/emptied"), repository_tags(&world, "acme/bare")), (None, None));
    let user = aws(&world, "iam", "ListUserTags", &json!({ "UserName": "wharf" }));
    let group = json!({ "resourceArn": arn(&world, "logs", "log-group:/retained") });
    let group = aws(&world, "logs", "ListTagsForResource", &group);
    assert_eq!((tags_in(&user), tags_in(&group)), (Tags::new(), Tags::new()));

    world.proxy().clear_log();
    let again = run(&world, &["destroy", "--yes"], 0);
    says(&again, &["Nothing to destroy: "]);
    says(&again, &rest);
    assert_eq!(writes(&world), [""; 0]);

    // Once the file allows the loss, it goes.
    write(&world, &storing("empty"));
    says(&run(&world, &["destroy", "--yes"], 0), &["deletes what is in it, too: 1 image", "Done: 1 deleted."]);
    assert_eq!(repository_tags(&world, "acme/full"), None);
}

/// The answer to a delete is no proof of it.
fn what_is_still_there_makes_it_fail(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &json!({ "log_groups": { "/wharf": {} } }));
    run(&world, &["apply", "--yes"], 0);
    let nothing_happens = Act::Reply { status: 200, body: "{}".to_owned() };
    world.proxy().set_rules(vec![Rule::on("logs", "DeleteLogGroup", nothing_happens)]);
    let failed = run(&world, &["destroy", "--yes"], 1);
    says(&failed, &["papyrus is not gone yet:", "log_group./wharf: should be gone"]);
    says(&failed, &["error: still there: log_group./wharf", "run it again: hatoba destroy"]);
    world.proxy().set_rules(Vec::new());
    says(&run(&world, &["destroy", "--yes"], 0), &["nothing of papyrus is left."]);
}

on_both!(everything_goes_once_somebody_agrees, what_stays_is_said_and_why, what_is_still_there_makes_it_fail);
