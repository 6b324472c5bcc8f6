//! One row for each command.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hatoba_tests::plays::one_off::{Sessions, running};
use hatoba_tests::proxy::{Act, Rule};
use serde_json::json;

use crate::differences::NEVER;
use crate::drift;
use crate::people::Person;
use crate::tries::{Row, Situation, covered, try_out};

/// What was seen so recently is not looked at again before it is deleted: with this pause in the first look it is.
const SLOW: Duration = Duration::from_millis(2_100);

fn nothing(_: &Person) {}

fn applied(person: &Person) {
    person.admin(&["apply", "--yes"]);
}

/// The answer to the creation of a role gets lost, so that all of the role is looked at.
fn lost(person: &Person) {
    person.world.proxy().set_rules(vec![Rule::on("iam", "CreateRole", Act::DropReply).times(3)]);
}

fn applied_then_read(person: &Person) {
    applied(person);
    drift::for_reading(person);
}

fn drifted(person: &Person) {
    // What an earlier try has left undone does not matter, but what it could not create does.
    drift::everything(person);
}

fn to_destroy(person: &Person) {
    person.world.proxy().set_rules(Vec::new());
    applied(person);
    drift::more_policies(person);
    drift::foreign_policy(person);
    person.world.proxy().set_rules(vec![Rule::on("tagging", "GetResources", Act::Delay(SLOW)).times(1)]);
}

#[test]
fn plan_needs_exactly_what_is_printed() {
    try_out(&Row {
        purpose: "plan",
        arguments: &["plan"],
        situations: &[Situation { first: applied_then_read, again: Some(nothing) }],
    });
}

#[test]
fn apply_needs_exactly_what_is_printed() {
    try_out(&Row {
        purpose: "apply",
        arguments: &["apply", "--yes"],
        situations: &[
            Situation {
                first: |person| {
                    applied(person);
                    drifted(person)
                },
                again: Some(drifted),
            },
            Situation { first: nothing, again: None },
            Situation { first: lost, again: None },
        ],
    });
}

/// An image for the machines that the example runs on, in its repository.
fn pushed(person: &Person) {
    applied(person);
    push(person, "v1", 1);
}

/// Pushes an image; another number is another image.
fn push(person: &Person, tag: &str, number: u32) {
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{number:064x}"),
            "size": 1_000,
            "platform": { "os": "linux", "architecture": "arm64" },
        }],
    });
    let image = json!({
        "repositoryName": "papyrus",
        "imageTag": tag,
        "imageManifest": index.to_string(),
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    });
    person.aws("ecr", "PutImage", &image);
}

/// Something else runs, so that there is something to deploy.
fn another(person: &Person) {
    person.admin(&["deploy", "--image", "app=public.ecr.aws/acme/papyrus:2"]);
}

#[test]
fn deploy_needs_exactly_what_is_printed() {
    try_out(&Row {
        purpose: "deploy",
        arguments: &["deploy", "--image", "app=v1"],
        situations: &[Situation { first: pushed, again: Some(another) }],
    });
}

#[test]
fn destroy_needs_exactly_what_is_printed() {
    try_out(&Row {
        purpose: "destroy",
        arguments: &["destroy", "--yes"],
        situations: &[Situation { first: to_destroy, again: Some(to_destroy) }],
    });
}

/// The same, in the middle of its life: something else runs, and runs for the second time.
fn deployed(person: &Person) {
    pushed(person);
    another(person);
}

/// Of a file that keeps only the newest of everything.
fn keeps_little(person: &Person) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stack.example.yaml");
    let less = std::fs::read_to_string(example).unwrap();
    let less = less.replacen("    cpu: 256", "    keep_revisions: 1\n    cpu: 256", 1);
    let less = less.replacen("keep_images: 10", "keep_images: 1", 1);
    assert!(less.contains("keep_revisions: 1\n") && less.contains("keep_images: 1 "), "{less}");
    person.world.write("stack.yaml", less).unwrap();
    deployed(person);
    push(person, "v2", 2);
}

/// A task that runs in a service that lets commands in, and a plugin that ends at once.
fn reachable(person: &Person) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stack.example.yaml");
    let file = std::fs::read_to_string(example).unwrap();
    let open = file.replacen("    desired_count: 1\n", "    desired_count: 1\n    enable_exec: true\n", 1);
    assert_ne!(open, file);
    person.world.write("stack.yaml", open).unwrap();
    applied(person);
    person.world.proxy().add_play(Arc::new(Sessions::new(vec![running('0', 1)])));
    let plugin = person.world.write("bin/session-manager-plugin", "#!/bin/sh\nexit 0\n").unwrap();
    std::fs::set_permissions(plugin, Permissions::from_mode(0o755)).unwrap();
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Every command that asks AWS for anything has a purpose, or shares one, and makes no call beside what is printed for it.
#[test]
fn the_other_commands_call_nothing_that_is_not_printed() {
    covered("verify", &["verify"], applied);
    covered("deploy", &["rollback"], deployed);
    covered("deploy", &["deploy", "--redeploy"], applied);
    covered("scale", &["down"], applied);
    covered("scale", &["up", "--for", "1h"], applied);
    covered("run", &["run", "papyrus", "--no-wait"], applied);
    let (_, uncalled) = covered("exec", &["exec"], reachable);
    assert_eq!(uncalled, set(&[]));
}

#[test]
fn what_looks_calls_exactly_what_is_printed() {
    let (_, uncalled) = covered("status", &["status"], applied);
    // The tasks of ministack have no network interface.
    assert_eq!(uncalled, set(&["ec2:DescribeNetworkInterfaces"]));
    let (_, uncalled) = covered("logs", &["logs"], applied);
    assert_eq!(uncalled, set(&[]));
}

#[test]
fn what_takes_away_calls_exactly_what_is_printed() {
    let (made, mut uncalled) = covered("deploy,tidy", &["deploy", "--image", "app=v1"], keeps_little);
    assert!(made.contains("ecs:DeregisterTaskDefinition"), "{made:?}");
    uncalled.retain(|action| !NEVER.iter().any(|(of, never, _)| *of == "deploy" && never == action));
    // A part of `RegisterTaskDefinition`, and no call.
    assert_eq!(uncalled, set(&["iam:PassRole"]));
    let (_, uncalled) = covered("prune", &["prune", "--yes", "--older-than", "0s"], keeps_little);
    // What is only read of what somebody has changed: `plan` has a row of its own.
    assert_eq!(uncalled, set(&["ecr:ListTagsForResource", "iam:GetPolicy", "logs:ListTagsForResource"]));
}
