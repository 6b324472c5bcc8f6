//! `permissions` as a command: where the account comes from, and that what it prints is a file.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{run, run_json, says, write};
use crate::stack::whole;

const ACCOUNT: &str = "123456789012";

fn the_account_is_named_or_asked_for(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut file = whole();
    write(&world, &file);
    let named = run_json(&world, &["permissions", "--for", "plan", "--account", ACCOUNT], 0);
    assert_eq!((&named["account"], &named["for"]), (&json!(ACCOUNT), &json!(["plan"])));
    assert_eq!(world.proxy().calls().len(), 0, "nothing is asked");
    let asked = run_json(&world, &["permissions", "--for", "plan"], 0);
    assert_eq!(asked["account"], json!(world.lease().account));
    let calls: Vec<String> = world.proxy().calls().iter().map(|call| call.name()).collect();
    assert_eq!(calls, ["sts:GetCallerIdentity"]);
    let nobody = world.hatoba_command(&["permissions", "--for", "plan"]).unwrap();
    let nobody = nobody.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY").run().unwrap();
    assert_eq!(nobody.code, Some(4), "{nobody:?}");
    says(&nobody, &["--account 123456789012"]);
    file["account"] = json!("210987654321");
    write(&world, &file);
    let of_the_file = run_json(&world, &["permissions", "--for", "plan,destroy"], 0);
    assert_eq!(of_the_file["account"], json!("210987654321"));
    says(
        &run(&world, &["permissions", "--for", "plan", "--account", ACCOUNT], 6),
        &["is for the account 210987654321"],
    );
    assert!(run(&world, &["permissions", "--for", "pla"], 1).stderr.contains("'plan'"));
}

fn a_printed_role_is_a_role_of_the_file(kind: Kind) {
    let world = World::new(kind).unwrap();
    for github in [false, true] {
        let mut file = whole();
        if github {
            file["github"] = json!({ "repository": "acme/papyrus", "branches": ["main"] });
        }
        for purpose in ["plan", "apply", "destroy", "deploy", "ci", "apply,destroy"] {
            write(&world, &file);
            let role =
                run(&world, &["permissions", "--for", purpose, "--account", ACCOUNT, "--as", "papyrus-run"], 0).stdout;
            // Both are mappings: the printed one is a file of its own with a head.
            let head = if github { "github: { repository: acme/papyrus, branches: [main] }\n" } else { "" };
            world.write("role.yaml", format!("stack: papyrus\nregion: us-west-2\n{head}{role}")).unwrap();
            let valid = run(&world, &["validate", "-f", "role.yaml"], 0);
            assert!(valid.stdout.contains("is valid"), "{purpose}: {valid:?}");
        }
    }
}

fn what_is_larger_than_a_policy_is_several(kind: Kind) {
    let world = World::new(kind).unwrap();
    let groups: serde_json::Map<String, Value> =
        (0..150).map(|n| (format!("/ecs/papyrus/{n:04}"), json!({}))).collect();
    write(&world, &json!({ "log_groups": groups }));
    let document = run_json(&world, &["permissions", "--for", "apply", "--account", ACCOUNT], 0);
    let sizes: Vec<u64> = document["characters"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= 6_144), "{sizes:?}");
    says(
        &run(&world, &["permissions", "--for", "apply", "--account", ACCOUNT], 0),
        &["policies, because one may have 6,144 characters"],
    );
    let role = run(&world, &["permissions", "--for", "apply", "--account", ACCOUNT, "--as", "papyrus-apply"], 0).stdout;
    assert!(role.starts_with("policies:\n") && role.contains("managed_policies:"), "{role}");
}

on_both!(
    the_account_is_named_or_asked_for,
    a_printed_role_is_a_role_of_the_file,
    what_is_larger_than_a_policy_is_several
);
