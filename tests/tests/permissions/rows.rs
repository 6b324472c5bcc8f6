//! One row for each command.

use std::time::Duration;

use hatoba_tests::proxy::{Act, Rule};
use serde_json::json;

use crate::drift;
use crate::people::Person;
use crate::tries::{Row, Situation, try_out};

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
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{:064x}", 1),
            "size": 1_000,
            "platform": { "os": "linux", "architecture": "arm64" },
        }],
    });
    let image = json!({
        "repositoryName": "papyrus",
        "imageTag": "v1",
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
