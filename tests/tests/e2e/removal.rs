//! What left the file is deleted, whatever kind it is; what was adopted or retained is let go of; what only changed its key
//! stays, and what changed its name is made anew before the old one goes.

use std::collections::BTreeSet;

use hatoba_model::stack::Stack;
use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{Tags, aws, mark, nothing_is_left, nothing_to_do, run, run_json, says, tags_in, text, write};
use crate::rows::{arn, trust};
use crate::stack::{LEAVING, addresses, whole, without};

/// The plan deletes exactly these, because they left the file.
#[track_caller]
fn deletes(world: &World, expected: &BTreeSet<String>) {
    let plan = run_json(world, &["plan", "--detailed-exitcode"], 2);
    let steps = plan["steps"].as_array().cloned().unwrap_or_default();
    for step in &steps {
        assert_eq!((&step["action"], &step["why"]["reason"]), (&json!("delete"), &json!("not_in_file")), "{step:#}");
    }
    let deleted: BTreeSet<String> = steps.iter().map(|step| text(&step["address"])).collect();
    assert_eq!(&deleted, expected);
    assert_eq!(plan["counts"]["delete"], json!(expected.len()));
}

/// What goes on existing in any case, so that a file is never empty.
fn kept() -> Value {
    json!({ "log_groups": { "/kept": {} } })
}

fn with_kept(mut file: Value) -> Value {
    file["log_groups"]["/kept"] = json!({});
    file
}

#[test]
fn the_whole_stack_has_every_kind() {
    let sections: BTreeSet<&str> = Stack::SECTIONS.iter().copied().collect();
    assert_eq!(LEAVING.into_iter().collect::<BTreeSet<_>>(), sections);
    assert!(sections.iter().all(|section| whole()[*section].is_object()));
}

fn everything_removed_at_once_is_deleted(kind: Kind) {
    let world = World::new(kind).unwrap();
    let empty = with_kept(without(&whole(), &LEAVING));
    write(&world, &empty);
    run(&world, &["apply", "--yes"], 0);
    let before = Inventory::of(&world).unwrap();
    write(&world, &with_kept(whole()));
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);

    write(&world, &empty);
    let removed = addresses(&whole(), Stack::SECTIONS);
    deletes(&world, &removed);
    let run = run(&world, &["apply", "--yes"], 0);
    for address in &removed {
        says(&run, &[&format!("- {address} "), &format!("✓ {address}: deleted")]);
    }
    says(&run, &["not in the file any more"]);
    nothing_to_do(&world);
    nothing_is_left(&world, &before);
}

fn one_kind_after_the_other_is_deleted(kind: Kind) {
    let world = World::new(kind).unwrap();
    let all = whole();
    write(&world, &with_kept(all.clone()));
    run(&world, &["apply", "--yes"], 0);
    for (at, section) in LEAVING.iter().enumerate() {
        write(&world, &with_kept(without(&all, &LEAVING[..=at])));
        deletes(&world, &addresses(&all, &[*section]));
        run(&world, &["apply", "--yes"], 0);
        nothing_to_do(&world);
    }
}

fn group_tags(world: &World, name: &str) -> Option<Tags> {
    let groups = aws(world, "logs", "DescribeLogGroups", &json!({ "logGroupNamePrefix": name })).json().unwrap();
    groups["logGroups"].as_array()?.iter().find(|group| group["logGroupName"] == name)?;
    let arn = arn(world, "logs", &format!("log-group:{name}"));
    Some(tags_in(&aws(world, "logs", "ListTagsForResource", &json!({ "resourceArn": arn }))))
}

fn what_was_adopted_or_retained_is_let_go_of(kind: Kind) {
    let world = World::new(kind).unwrap();
    aws(&world, "logs", "CreateLogGroup", &json!({ "logGroupName": "/adopted" }));
    let groups = json!({ "/kept": {}, "/adopted": { "adopt": true }, "/retained": { "retain": true } });
    write(&world, &json!({ "log_groups": groups }));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(group_tags(&world, "/adopted"), Some(mark("papyrus", "log_group./adopted", "adopted")));

    write(&world, &kept());
    let run = run(&world, &["apply", "--yes"], 0);
    says(&run, &["< log_group./adopted", "< log_group./retained", "0 to delete, 2 to let go of."]);
    nothing_to_do(&world);
    for name in ["/adopted", "/retained"] {
        assert_eq!(group_tags(&world, name), Some(Tags::new()), "{name}");
    }
}

fn another_key_keeps_it_and_another_name_makes_a_new_one(kind: Kind) {
    let world = World::new(kind).unwrap();
    let file = |key: &str, name: &str| json!({ "log_groups": { key: { "name": name } } });
    write(&world, &file("web", "/wharf"));
    run(&world, &["apply", "--yes"], 0);

    write(&world, &file("site", "/wharf"));
    let plan = run_json(&world, &["plan"], 0);
    assert_eq!((&plan["counts"]["update"], &plan["counts"]["delete"]), (&json!(1), &json!(0)), "{plan:#}");
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    assert_eq!(group_tags(&world, "/wharf"), Some(mark("papyrus", "log_group.site", "created")));

    write(&world, &file("site", "/quay"));
    let run = run(&world, &["apply", "--yes"], 0);
    says(
        &run,
        &["+ log_group.site named /quay", "- log_group.site named /wharf", "the file gives it another name now"],
    );
    nothing_to_do(&world);
    assert_eq!(group_tags(&world, "/wharf"), None);
    assert_eq!(group_tags(&world, "/quay"), Some(mark("papyrus", "log_group.site", "created")));
}

fn what_others_own_stays_when_it_leaves_the_file(kind: Kind) {
    let world = World::new(kind).unwrap();
    let role = json!({ "RoleName": "wharf", "AssumeRolePolicyDocument": trust().to_string() });
    aws(&world, "iam", "CreateRole", &role);
    let mut file = kept();
    file["roles"] = json!({ "wharf": { "existing": true } });
    write(&world, &file);
    run(&world, &["apply", "--yes"], 0);
    write(&world, &kept());
    nothing_to_do(&world);
    aws(&world, "iam", "GetRole", &json!({ "RoleName": "wharf" }));
}

on_both!(
    everything_removed_at_once_is_deleted,
    one_kind_after_the_other_is_deleted,
    what_was_adopted_or_retained_is_let_go_of,
    another_key_keeps_it_and_another_name_makes_a_new_one,
    what_others_own_stays_when_it_leaves_the_file,
);
