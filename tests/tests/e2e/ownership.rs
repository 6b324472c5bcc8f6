//! What is not ours, for every kind: refused with the way out, and untouched; adopted when the file says so, and let go of
//! at the end; used when the file says so.

use std::collections::BTreeSet;
use std::thread;

use hatoba_model::stack::Stack;
use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::json;

use crate::helpers::{Tags, aws, global_mark, mark, nothing_to_do, run, says, write, writes};
use crate::rows::{Consent, Row, file, rows};

#[test]
fn every_kind_has_its_row() {
    let rows: BTreeSet<&str> = rows().iter().map(|row| row.section).collect();
    let sections: BTreeSet<&str> = Stack::SECTIONS.iter().copied().collect();
    assert_eq!(rows, sections);
}

/// Runs a check for every kind that the emulator can do: each in an account of its own, or, where accounts are slow to make, in
/// one file with all that are alike.
fn each(kind: Kind, check: fn(&World, &[Row])) {
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.only.is_none_or(|only| only == kind)).collect();
    let groups: Vec<Vec<Row>> = match kind {
        Kind::Ministack => rows.into_iter().map(|row| vec![row]).collect(),
        Kind::Moto => {
            let (shared, own) = rows.into_iter().partition(|row| row.consent == Consent::Shared);
            vec![shared, own]
        }
    };
    let threads: Vec<_> =
        groups.into_iter().map(|group| thread::spawn(move || check(&World::new(kind).unwrap(), &group))).collect();
    let broken = threads.into_iter().map(thread::JoinHandle::join).filter(Result::is_err).count();
    assert_eq!(broken, 0, "{broken} broke, see above");
}

fn make(world: &World, rows: &[Row], tags: impl Fn(&Row) -> Tags) {
    for row in rows {
        (row.make)(world, &tags(row));
    }
    are(world, rows, tags);
}

/// All exist, with exactly these tags.
#[track_caller]
fn are(world: &World, rows: &[Row], tags: impl Fn(&Row) -> Tags) {
    for row in rows {
        assert_eq!(row.tags(world), Some(tags(row)), "the tags of {}", row.address());
    }
}

/// All are as they were, and nobody tried to change anything.
#[track_caller]
fn untouched(world: &World, rows: &[Row], tags: impl Fn(&Row) -> Tags) {
    assert_eq!(writes(world), [""; 0]);
    are(world, rows, tags);
}

/// Each is refused, with its problem and the ways out.
#[track_caller]
fn refuses(world: &World, arguments: &[&str], rows: &[Row], texts: &[&str]) {
    let run = run(world, arguments, 6);
    for row in rows {
        says(&run, &[&format!("refused: {}: ", row.address())]);
    }
    says(&run, texts);
}

fn unmarked(_: &Row) -> Tags {
    Tags::new()
}

fn theirs(row: &Row) -> Tags {
    mark("quay", &row.address(), "created")
}

fn is_shared(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.consent == Consent::Shared)
}

fn without_a_mark(world: &World, rows: &[Row]) {
    make(world, rows, unmarked);
    write(world, &file(rows, &[]));
    if !is_shared(rows) {
        for arguments in [&["plan"][..], &["plan", "--detailed-exitcode"], &["apply", "--yes"]] {
            refuses(world, arguments, rows, &["exists already and is not hatoba's", "with `adopt: true`"]);
        }
    }
    run(world, &["destroy", "--yes"], 0);
    untouched(world, rows, unmarked);

    if !is_shared(rows) {
        write(world, &file(rows, &["adopt"]));
    }
    says(&run(world, &["apply", "--yes"], 0), &["exists already and is taken over"]);
    are(world, rows, |row| match row.section {
        "oidc_providers" | "policies" | "roles" | "users" => global_mark(world, &row.address(), "adopted"),
        _ => mark("papyrus", &row.address(), "adopted"),
    });
    nothing_to_do(world);
    let run = run(world, &["destroy", "--yes"], 0);
    let count = format!("{} let go of.", rows.len());
    says(&run, &["0 to delete", &count, "nothing of papyrus is left but what stays on purpose:"]);
    for row in rows {
        says(&run, &[&format!("< {}", row.address()), &row.address()]);
    }
    are(world, rows, unmarked);
}

fn with_the_mark_of_another_stack(world: &World, rows: &[Row]) {
    make(world, rows, theirs);
    write(world, &file(rows, &[]));
    if is_shared(rows) {
        // All stacks use the same one; whose it is stays as it is.
        says(&run(world, &["apply", "--yes"], 0), &["No changes."]);
        run(world, &["destroy", "--yes"], 0);
        return untouched(world, rows, theirs);
    }
    for words in [&[][..], &["adopt"]] {
        write(world, &file(rows, words));
        for arguments in [&["plan"][..], &["apply", "--yes"]] {
            let problem = "belongs to the stack `quay`";
            refuses(world, arguments, rows, &[problem, "another `name:`", "`existing: true`"]);
        }
    }
    let run = run(world, &["destroy", "--yes"], 0);
    for row in rows {
        says(&run, &[&row.address(), "belongs to the stack `quay`; left alone"]);
    }
    untouched(world, rows, theirs);

    write(world, &file(rows, &["existing"]));
    nothing_to_do(world);
    untouched(world, rows, theirs);
}

fn what_has_no_mark_is_refused_until_it_is_adopted(kind: Kind) {
    each(kind, without_a_mark);
}

fn what_has_the_mark_of_another_stack_is_refused(kind: Kind) {
    each(kind, with_the_mark_of_another_stack);
}

/// What is in no region is that of the stack's region. The same file in another one must not take it away from there.
fn what_is_in_no_region_belongs_to_the_region_of_its_stack(kind: Kind) {
    let world = World::new(kind).unwrap();
    let (here, there) = (world.lease().region.clone(), "eu-west-1");
    let role = json!({ "trust": { "service": "ecs-tasks.amazonaws.com" } });
    let mut file = json!({
        "roles": { "wharf": role, "quay": role },
        "oidc_providers": { "github": { "url": "https://token.actions.githubusercontent.com" } },
        "log_groups": { "/wharf": {} },
    });
    write(&world, &file);
    run(&world, &["apply", "--yes"], 0);
    world.proxy().clear_log();

    let way_out = format!("`destroy` with `--region {here}`");
    let whose = format!("the role `wharf` belongs to the stack `papyrus` in {here}");
    for arguments in [&["plan", "--region", there][..], &["apply", "--yes", "--region", there]] {
        says(&run(&world, arguments, 6), &["refused: role.wharf: ", &whose, &way_out]);
    }
    let left = format!("belongs to the stack `papyrus` in {here}; left alone");
    says(&run(&world, &["destroy", "--yes", "--region", there], 0), &["role.wharf", &left]);
    assert_eq!(writes(&world), [""; 0]);

    // What the file there does not have is not that stack's to delete either.
    file.as_object_mut().unwrap().remove("roles");
    write(&world, &file);
    let elsewhere = run(&world, &["apply", "--yes", "--region", there], 0);
    says(&elsewhere, &["1 to add, 0 to change, 0 to replace, 0 to delete"]);
    run(&world, &["destroy", "--yes", "--region", there], 0);
    let roles = aws(&world, "iam", "ListRoles", &json!({})).elements("RoleName");
    assert!(["wharf", "quay"].iter().all(|name| roles.iter().any(|role| role == name)), "{roles:?}");

    let branches = json!({ "repository": "acme/papyrus", "branches": ["main"] });
    let trusts = json!({ "pier": { "trust": { "github": {} } } });
    write(&world, &json!({ "github": branches, "oidc_providers": file["oidc_providers"], "roles": trusts }));
    run(&world, &["apply", "--yes", "--region", there], 0);

    file["roles"] = json!({ "wharf": role, "quay": role });
    write(&world, &file);
    nothing_to_do(&world);
    let done = run(&world, &["destroy", "--yes"], 0);
    says(&done, &["oidc_provider.github", "kept: still trusted by role `pier`"]);
    let providers = aws(&world, "iam", "ListOpenIDConnectProviders", &json!({})).elements("Arn");
    assert_eq!(providers.len(), 1, "{providers:?}");
    let roles = aws(&world, "iam", "ListRoles", &json!({})).elements("RoleName");
    assert!(!roles.iter().any(|role| role == "wharf"), "{roles:?}");
}

on_both!(
    what_has_no_mark_is_refused_until_it_is_adopted,
    what_has_the_mark_of_another_stack_is_refused,
    what_is_in_no_region_belongs_to_the_region_of_its_stack,
);
