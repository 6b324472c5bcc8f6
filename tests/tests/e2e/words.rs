//! What is said beside the plan: doubts about names, and every call.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::json;

use crate::helpers::{run, run_json, says, write};

fn nothing_to_adopt_is_noted(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &json!({ "log_groups": { "/ecs/papyrus": { "adopt": true }, "/ecs/other": {} } }));
    let note = "`adopt: true`, but there is no log group `/ecs/papyrus`: it would be made anew";
    let plan = run(&world, &["plan"], 0);
    says(&plan, &[&format!("note: log_group./ecs/papyrus: {note}"), "is the name right?", "2 to add"]);
    says(&run(&world, &["plan", "--markdown"], 0), &["> [!WARNING]", "but there is no log group"]);
    let warnings = run_json(&world, &["plan"], 0)["warnings"].clone();
    assert_eq!((warnings.as_array().map(Vec::len), &warnings[0]["text"]), (Some(1), &json!(note)));
    // It is a doubt and no obstacle, and once it is there it is nothing to doubt.
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(run_json(&world, &["plan"], 0)["warnings"], json!([]));
}

fn every_call_is_said_without_what_is_in_it(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &json!({ "log_groups": { "/ecs/papyrus": { "tags": { "note": "not-to-be-said" } } } }));
    world.proxy().clear_log();
    let once = run(&world, &["plan", "-v"], 0);
    assert!(!once.stderr.contains(" ms, request"), "{once:?}");
    world.proxy().clear_log();
    let twice = run(&world, &["apply", "--yes", "-vv"], 0);
    let said: Vec<&str> = twice.stderr.lines().filter(|line| line.contains(" ms, request ")).collect();
    let calls = world.proxy().calls();
    assert_eq!(said.len(), calls.len(), "{said:#?}\n{calls:#?}");
    says(
        &twice,
        &[
            "STS GetCallerIdentity: 200 in ",
            "CloudWatch Logs DescribeLogGroups: 200 in ",
            "CloudWatch Logs CreateLogGroup: 200 in ",
        ],
    );
    assert!(!twice.stderr.contains("not-to-be-said") && !twice.stderr.contains("Credential"), "{twice:?}");
}

on_both!(nothing_to_adopt_is_noted, every_call_is_said_without_what_is_in_it);
