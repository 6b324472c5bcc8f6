//! What it costs: `hatoba cost`, the line below a plan, budgets, and what a destroy saves.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::documents::{described, members};
use crate::helpers::{nothing_to_do, run, run_json, said, says, write, writes};
use crate::stack::whole;

/// The stack with every kind, with so many copies of its service and with this budget.
fn file(copies: u32, budget: Option<&str>) -> Value {
    let mut file = whole();
    file["services"]["papyrus"]["desired_count"] = json!(copies);
    if let Some(budget) = budget {
        file["budget"] = json!({ "max_monthly": budget });
    }
    file
}

/// The file alone is enough: no credentials, no network.
fn the_file_alone_tells_what_it_costs(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file(2, Some("20")));
    let alone = |arguments: &[&str]| {
        let command = world.hatoba_command(arguments).unwrap();
        command.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY").run().unwrap()
    };
    let cost = alone(&["cost"]).expect_code(0).unwrap();
    says(
        &cost,
        &[
            "Cost of stack papyrus in us-west-2",
            "service.papyrus: 2 tasks of 0.25 vCPU and 0.5 GB, x86_64",
            "together 0.034685 25.32 25.32 0.00",
            "Together $25.32 a month running all the time (730 hours)",
            "$0.00 a month stopped",
            "Budget $20.00 a month: exceeded by $5.32",
        ],
    );
    says(
        &alone(&["cost", "--images", "2.5", "--logs", "1"]),
        &["images in ECR: $0.25 a month", "$0.25 a month stopped"],
    );
    let elsewhere = alone(&["cost", "--region", "ap-northeast-1", "--compare"]).expect_code(0).unwrap();
    says(
        &elsewhere,
        &["Together $29.79 a month", "us-west-2 0.034685 25.32 25.32", "ap-northeast-1 0.040810 29.79 29.79"],
    );
    let nowhere = alone(&["cost", "--region", "eu-south-2"]).expect_code(0).unwrap();
    says(&nowhere, &["service.papyrus: not in the sum", "no known price of vCPU", "Together it cannot be said"]);
    says(&nowhere, &["Budget $20.00 a month: cannot be checked"]);
    // What is stored and written is not what a budget is about.
    let stored = alone(&["cost", "--images", "500"]).expect_code(0).unwrap();
    says(&stored, &["images in ECR: $50.00 a month", "Budget $20.00 a month: exceeded by $5.32"]);
    let unknown: Value = serde_json::from_str(&alone(&["cost", "--region", "eu-south-2", "--json"]).stdout).unwrap();
    assert_eq!(unknown["budget"], json!({ "max_monthly": "20.00", "exceeded": null }));
    alone(&["cost", "--region", "eu-south-2", "--logs", "1"]).expect_code(1).unwrap();
    alone(&["cost", "--images", "much"]).expect_code(1).unwrap();

    let document: Value = serde_json::from_str(&alone(&["cost", "--json"]).stdout).unwrap();
    assert_eq!(members(&document), described("`cost`", 0));
    assert_eq!(document["cost"]["running"], json!({ "least": "25.32005", "most": "25.32005" }), "{document:#}");
    assert_eq!(document["budget"], json!({ "max_monthly": "20.00", "exceeded": true }));
    assert_eq!(document["services"][0]["items"][0]["price"], json!("0.04048"));
    // Every price has a source, and every source a date.
    let sources = document["sources"].as_array().unwrap();
    for item in document["services"][0]["items"].as_array().unwrap() {
        let source = sources.iter().find(|source| source["key"] == item["source"]).unwrap();
        assert!(source["date"].as_str().unwrap().starts_with("202"), "{source}");
    }
    assert!(world.proxy().calls().is_empty());
}

fn a_plan_says_what_it_costs_and_a_destroy_what_it_saves(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file(1, None));
    says(
        &run(&world, &["plan"], 0),
        &["Cost: $0.00 → $12.66 a month (+$12.66); images, logs and traffic come on top."],
    );
    says(&run(&world, &["plan", "--markdown"], 0), &["Cost: \\$0.00 → \\$12.66 a month (+\\$12.66);"]);
    let document = run_json(&world, &["plan"], 0);
    assert_eq!(document["cost"]["after"]["scheduled"]["most"], json!("12.660025"), "{document:#}");
    assert_eq!(document["cost"]["more"]["most"], json!("12.660025"));
    says(&run(&world, &["apply", "--yes"], 0), &["Cost: $0.00 → $12.66 a month"]);
    says(&run(&world, &["plan"], 0), &["No changes.", "Cost: $12.66 a month;"]);

    // The count that is there, not that of the file before.
    write(&world, &file(3, None));
    says(&run(&world, &["plan"], 0), &["Cost: $12.66 → $37.98 a month (+$25.32)"]);
    run(&world, &["apply", "--yes"], 0);
    let mut small = file(3, None);
    small["task_definitions"]["papyrus"]["architecture"] = json!("arm64");
    write(&world, &small);
    says(&run(&world, &["plan"], 0), &["Cost: about $37.98 → $32.58 a month (-$5.40)"]);
    // A stack in which nothing runs has no such line.
    write(&world, &file(0, None));
    run(&world, &["apply", "--yes"], 0);
    assert!(!said(&run(&world, &["plan"], 0)).contains("Cost:"));
    nothing_to_do(&world);

    write(&world, &file(2, None));
    run(&world, &["apply", "--yes"], 0);
    says(&run(&world, &["plan", "--destroy"], 0), &["Cost: $25.32 → $0.00 a month (-$25.32)"]);
    says(&run(&world, &["destroy", "--yes"], 0), &["Saved: $25.32 a month that its tasks cost."]);
    assert!(!said(&run(&world, &["destroy", "--yes"], 0)).contains("Saved"));
}

fn a_budget_is_kept_to(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file(2, Some("20")));
    let too_much = [
        "it would cost $25.32 a month, $5.32 more than the budget of $20.00; nothing was changed",
        "with `schedule: {",
        "with `capacity: [{ provider: FARGATE_SPOT, weight: 1 }]` on its services: about $13.07 a month",
        "with one copy of each service: about $12.66 a month",
    ];
    for arguments in [&["plan"][..], &["apply", "--yes"], &["plan", "--markdown"], &["plan", "--out", "saved.json"]] {
        says(&run(&world, arguments, 6), &too_much);
    }
    let refused = run_json(&world, &["plan"], 6);
    assert_eq!(
        (&refused["error"]["kind"], &refused["cost"]["after"]["running"]["most"]),
        (&json!("refused"), &json!("25.32005"))
    );
    assert_eq!(writes(&world), [""; 0]);

    write(&world, &file(1, Some("20")));
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    // What is there already is no excuse; getting rid of it is always allowed.
    write(&world, &file(1, Some("12.65")));
    says(&run(&world, &["apply", "--yes"], 6), &["$0.01 more than the budget of $12.65"]);
    run(&world, &["destroy", "--yes"], 0);

    let mut windows = file(1, Some("200"));
    let task = &mut windows["task_definitions"]["papyrus"];
    (task["os"], task["cpu"], task["memory"]) = (json!("windows_server_2022_core"), json!(1024), json!(2048));
    write(&world, &windows);
    says(
        &run(&world, &["plan"], 6),
        &[
            "the budget of $200.00 a month cannot be checked: service.papyrus runs on Windows, for which no prices are known",
        ],
    );
}

on_both!(
    the_file_alone_tells_what_it_costs,
    a_plan_says_what_it_costs_and_a_destroy_what_it_saves,
    a_budget_is_kept_to
);
