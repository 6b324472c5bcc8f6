//! What other programs read: `--json` as `docs/json.md` describes it, and saved plans; and what must stand in neither.

use std::collections::BTreeSet;

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{aws, denied, mark, nothing_to_do, run, run_json, says, text, write, writes};
use crate::rows::trust;
use crate::stack::{LEAVING, addresses, whole};

const DESCRIPTION: &str = include_str!("../../../docs/json.md");

/// The members that the n-th table of a section describes.
pub(crate) fn described(section: &str, table: usize) -> BTreeSet<String> {
    let (_, rest) = DESCRIPTION.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap_or_default();
    let mut tables: Vec<BTreeSet<String>> = Vec::new();
    let mut within = false;
    for line in section.lines() {
        match (line.starts_with('|'), within) {
            (true, false) => tables.push(BTreeSet::new()),
            (true, true) => {
                let cell = line.split('|').nth(1).unwrap_or_default();
                tables.last_mut().unwrap().extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
            }
            (false, _) => {}
        }
        within = line.starts_with('|');
    }
    tables[table].clone()
}

pub(crate) fn members(document: &Value) -> BTreeSet<String> {
    document.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

fn named(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// A plan is as described, and its steps name each other by their ids.
#[track_caller]
fn is_a_plan(plan: &Value) {
    assert_eq!(members(plan), described("`plan`", 0));
    for (at, step) in items(&plan["steps"]).iter().enumerate() {
        assert_eq!((members(step), &step["id"]), (described("`plan`", 1), &json!(at)));
        let another = |id: &Value| id != &step["id"] && items(&plan["steps"]).iter().any(|step| &step["id"] == id);
        assert!(items(&step["after"]).iter().all(another), "{step:#}");
        for change in items(&step["changes"]) {
            assert_eq!(members(change), described("`plan`", 2));
        }
        let reason = text(&step["why"]["reason"]);
        let row = DESCRIPTION.lines().find(|line| line.starts_with("| `why` | `reason`:")).unwrap();
        assert!(row.contains(&format!("`{reason}`")), "{reason} is not described");
    }
    let entries: [(&str, &[&str]); 3] = [
        ("refusals", &["address", "problem", "help"]),
        ("unknown", &["address", "reason"]),
        ("notes", &["address", "name", "text", "stays"]),
    ];
    for (list, entry) in entries {
        assert!(items(&plan[list]).iter().all(|item| members(item) == named(entry)), "{list}: {plan:#}");
    }
}

/// An error is as described.
#[track_caller]
fn is_an_error(document: &Value, kind: &str) {
    let error = &document["error"];
    assert_eq!(members(error), named(&["kind", "message", "help", "missing"]), "{document:#}");
    assert_eq!(error["kind"], kind, "{document:#}");
}

/// What a command that fails prints beside its error.
fn without_error(document: &Value) -> Value {
    let members = document.as_object().into_iter().flatten().filter(|(key, _)| *key != "error");
    members.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn step<'a>(plan: &'a Value, address: &str) -> &'a Value {
    items(&plan["steps"]).iter().find(|step| step["address"] == address).unwrap()
}

fn a_file_that_is_checked(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &whole());
    let valid = run_json(&world, &["validate"], 0);
    assert_eq!(members(&valid), named(&["valid", "stack", "resources", "diagnostics"]));
    let resources = addresses(&whole(), &LEAVING).len();
    assert_eq!(valid, json!({ "valid": true, "stack": "papyrus", "resources": resources, "diagnostics": [] }));

    write(&world, &json!({ "clusters": { "papyrus": { "capacity_provider": [] } }, "users": { "a b": {} } }));
    let invalid = run_json(&world, &["validate"], 3);
    assert_eq!(members(&invalid), named(&["valid", "diagnostics", "error"]));
    is_an_error(&invalid, "invalid");
    assert_eq!((&invalid["valid"], items(&invalid["diagnostics"]).len()), (&json!(false), 2), "{invalid:#}");
    for diagnostic in items(&invalid["diagnostics"]) {
        assert_eq!(members(diagnostic), described("`validate`", 0));
        assert_eq!((&diagnostic["severity"], &diagnostic["file"]), (&json!("error"), &json!("stack.yaml")));
    }
    let unknown = &invalid["diagnostics"][0];
    assert_eq!((&unknown["code"], &unknown["path"]), (&json!("unknown-key"), &json!("clusters.papyrus")));
    for arguments in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"], &["expand"], &["graph"]] {
        assert_eq!(run_json(&world, arguments, 3), invalid, "{arguments:?}");
    }
    assert!(world.proxy().calls().is_empty());
}

fn the_way_from_nothing_and_back(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut file = whole();
    write(&world, &file);
    let plan = run_json(&world, &["plan"], 0);
    is_a_plan(&plan);
    assert_eq!(
        (&plan["intent"], &plan["empty"], &plan["counts"]["create"]),
        (&json!("apply"), &json!(false), &json!(13))
    );
    let service = step(&plan, "service.papyrus");
    let changes = items(&service["changes"]);
    let task = changes.iter().find(|change| change["path"] == "task_definition").unwrap();
    assert_eq!((&task["before"], &task["after"]), (&Value::Null, &json!("(known after apply)")));
    assert_eq!(task["known_after_apply"], json!(["task_definition"]));
    assert!(items(&service["after"]).contains(&step(&plan, "task_definition.papyrus")["id"]), "{plan:#}");

    let unasked = run_json(&world, &["apply"], 6);
    assert_eq!(members(&unasked), named(&["plan", "outcome", "deployments", "deregistered", "error"]));
    is_an_error(&unasked, "refused");
    assert_eq!((&unasked["plan"], &unasked["outcome"]), (&plan, &Value::Null));

    world.proxy().set_rules(vec![denied("logs", "CreateLogGroup", "AccessDeniedException")]);
    let stopped = run_json(&world, &["apply", "--yes"], 4);
    is_an_error(&stopped, "denied");
    let outcome = &stopped["outcome"];
    assert_eq!(members(outcome), named(&["complete", "interrupted", "steps"]));
    assert_eq!((&outcome["complete"], &outcome["interrupted"]), (&json!(false), &json!(false)));
    assert_eq!(items(&outcome["steps"]).len(), 13);
    for step in items(&outcome["steps"]) {
        assert_eq!(members(step), named(&["id", "address", "result", "error", "code", "request_id"]));
        let result = match step["address"].as_str() {
            Some("log_group./ecs/papyrus") => "failed",
            Some("task_definition.papyrus" | "service.papyrus") => "not_tried",
            _ => "done",
        };
        assert_eq!(step["result"], result, "{step:#}");
        let failed = result == "failed";
        assert_eq!((step["error"].is_string(), step["request_id"].is_string()), (failed, failed), "{step:#}");
        assert_eq!(step["code"], if failed { json!("AccessDeniedException") } else { Value::Null });
    }
    world.proxy().set_rules(Vec::new());
    let done = run_json(&world, &["apply", "--yes"], 0);
    assert_eq!(
        (members(&done), &done["outcome"]["complete"]),
        (named(&["plan", "outcome", "deployments", "deregistered"]), &json!(true))
    );
    let deployment = items(&done["deployments"])[0].clone();
    assert_eq!(
        [&deployment["address"], &deployment["verdict"], &deployment["before"]],
        [&json!("service.papyrus"), &json!("completed"), &Value::Null]
    );
    assert!(items(&done["outcome"]["steps"]).iter().all(|step| step["result"] == "done"), "{done:#}");
    let nothing = run_json(&world, &["apply", "--yes"], 0);
    assert_eq!((&nothing["plan"]["empty"], &nothing["outcome"]), (&json!(true), &Value::Null));
    assert_eq!(items(&nothing["plan"]["unchanged"]).len(), 13);

    // Every other sort of step, and what stands in the way.
    file["parameters"]["/papyrus/level"]["value"] = json!(["info", "debug"]);
    file["log_groups"]["/ecs/papyrus"]["retention_days"] = json!(30);
    file["users"] = json!({});
    write(&world, &file);
    let plan = run_json(&world, &["plan"], 0);
    is_a_plan(&plan);
    let counts = json!({ "create": 0, "update": 1, "replace": 1, "delete": 1, "release": 0 });
    assert_eq!((&plan["counts"], items(&plan["steps"]).len()), (&counts, 4), "{plan:#}");
    let parameter = &step(&plan, "parameter./papyrus/level")["why"];
    assert_eq!(parameter, &json!({ "reason": "must_replace", "because": "type" }));
    assert_eq!(step(&plan, "user.papyrus-ci")["why"], json!({ "reason": "not_in_file" }));
    let retention = step(&plan, "log_group./ecs/papyrus");
    assert_eq!((&retention["action"], &retention["calls"]), (&json!("update"), &json!(["PutRetentionPolicy"])));
    let change = &retention["changes"][0];
    assert_eq!(
        (&change["before"], &change["after"], &change["call"]),
        (&json!(14), &json!(30), &json!("PutRetentionPolicy"))
    );
    aws(&world, "logs", "CreateLogGroup", &json!({ "logGroupName": "/quay" }));
    file["log_groups"]["/quay"] = json!({});
    write(&world, &file);
    let refused = run_json(&world, &["plan"], 6);
    is_an_error(&refused, "refused");
    is_a_plan(&without_error(&refused));
    assert_eq!((items(&refused["refusals"]).len(), &refused["refusals"][0]["address"]), (1, &json!("log_group./quay")));

    write(&world, &whole());
    let unasked = run_json(&world, &["destroy"], 6);
    is_an_error(&unasked, "refused");
    assert_eq!((&unasked["plan"]["intent"], &unasked["left"]), (&json!("destroy"), &Value::Null));
    let gone = run_json(&world, &["destroy", "--yes"], 0);
    assert_eq!(members(&gone), named(&["plan", "outcome", "left", "saved"]));
    is_a_plan(&gone["plan"]);
    assert_eq!(gone["outcome"]["complete"], true);
    let left = items(&gone["left"]);
    assert!(left.iter().all(|one| members(one) == described("`destroy`", 0) && one["expected"] == true), "{gone:#}");
    assert_eq!(left.iter().map(|one| text(&one["address"])).collect::<Vec<_>>(), ["service_linked_role.ecs"]);
    let again = run_json(&world, &["destroy", "--yes"], 0);
    assert_eq!(
        (&again["plan"]["empty"], &again["outcome"], &again["left"]),
        (&json!(true), &Value::Null, &gone["left"])
    );
}

fn retention(world: &World) -> Value {
    let question = json!({ "logGroupNamePrefix": "/wharf" });
    aws(world, "logs", "DescribeLogGroups", &question).json().unwrap()["logGroups"][0]["retentionInDays"].clone()
}

fn a_saved_plan_is_carried_out_as_it_was_or_not_at_all(kind: Kind) {
    let world = World::new(kind).unwrap();
    let keeping = |days: &str| {
        json!({
            "variables": { "level": { "default": "info" } },
            "log_groups": { "/wharf": { "retention_days": days.parse::<u32>().unwrap() } },
            "parameters": { "/wharf/level": { "value": "${var.level}" } },
        })
    };
    let refused = |arguments: &[&str], texts: &[&str]| {
        world.proxy().clear_log();
        says(&run(&world, arguments, 6), &["the saved plan no longer applies", "nothing was done"]);
        says(&run(&world, arguments, 6), texts);
        assert_eq!(writes(&world), [""; 0]);
    };
    write(&world, &keeping("14"));
    let saved = run(&world, &["plan", "--out", "approved.json"], 0);
    says(&saved, &["Saved. `hatoba apply approved.json` carries out exactly this, or nothing."]);
    let document: Value = serde_json::from_str(&world.read("approved.json").unwrap()).unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&text(&document["text"])), words(&saved.stdout), "what was shown is what was saved");
    says(&run(&world, &["apply", "approved.json"], 0), &["Done: 2 added."]);
    nothing_to_do(&world);
    refused(&["apply", "approved.json"], &["make a new one with `hatoba plan --out FILE`"]);

    // The cloud has moved; then the file.
    write(&world, &keeping("30"));
    run(&world, &["plan", "--out", "approved.json"], 0);
    aws(&world, "logs", "PutRetentionPolicy", &json!({ "logGroupName": "/wharf", "retentionInDays": 60 }));
    refused(&["apply", "approved.json", "--yes"], &[]);
    run(&world, &["plan", "--out", "approved.json"], 0);
    write(&world, &keeping("90"));
    refused(&["apply", "approved.json"], &[]);
    assert_eq!(retention(&world), 60);
    run(&world, &["plan", "--var", "level=debug", "--out", "approved.json"], 0);
    refused(&["apply", "approved.json"], &["the plan was made with --var for level; give the same values"]);
    refused(&["apply", "approved.json", "--var", "level=trace"], &[]);
    says(&run(&world, &["apply", "approved.json", "--var", "level=debug"], 0), &["Done: 2 changed."]);
    assert_eq!(retention(&world), 90);

    // Nothing is saved that would not be carried out, and nothing carried out that was not saved.
    aws(&world, "logs", "CreateLogGroup", &json!({ "logGroupName": "/quay" }));
    let mut file = keeping("90");
    file["log_groups"]["/quay"] = json!({});
    write(&world, &file);
    run(&world, &["plan", "--out", "never.json"], 6);
    assert!(world.read("never.json").is_err());
    says(&run(&world, &["apply", "stack.yaml"], 1), &["stack.yaml is no saved plan"]);
    write(&world, &keeping("90"));
    run(&world, &["plan", "--destroy", "--out", "gone.json"], 0);
    says(&run(&world, &["apply", "gone.json"], 0), &["Done: 2 deleted.", "nothing of papyrus is left."]);
    refused(&["apply", "gone.json"], &[]);
}

/// Passwords, all with one part that stands nowhere else.
const SECRETS: [&str; 3] = ["hunter2-first", "hunter2-second", "hunter2-theirs"];

fn what_is_secret_is_shown_nowhere(kind: Kind) {
    let world = World::new(kind).unwrap();
    aws(&world, "iam", "CreateRole", &json!({ "RoleName": "pier", "AssumeRolePolicyDocument": trust().to_string() }));
    let environment = json!({ "DB_PASSWORD": "${var.db_password}", "API_TOKEN": SECRETS[0], "LEVEL": "${var.level}" });
    write(
        &world,
        &json!({
            "variables": { "db_password": {}, "level": { "default": "info" } },
            "parameters": { "/papyrus/db-password": { "value": "${var.db_password}" } },
            "task_definitions": { "papyrus": {
                "cpu": 256,
                "memory": 512,
                "execution_role": { "existing": "pier" },
                "containers": { "app": { "image": "nginx:1", "environment": environment } },
            } },
        }),
    );
    let given = SECRETS.map(|secret| format!("db_password={secret}"));
    // Runs it, and looks through everything that it said and wrote.
    let hushed = |arguments: &[&str], given: &str, code: i32| {
        let run = run(&world, &[arguments, &["--var", given, "-vv"]].concat(), code);
        let saved = world.read("approved.json").unwrap_or_default();
        for part in [&run.stdout, &run.stderr, &saved] {
            assert!(!part.contains("hunter2"), "{arguments:?} gives a secret away: {run:?}\n{saved}");
        }
        run
    };
    let all: [&[&str]; 4] =
        [&["plan"], &["plan", "--json"], &["plan", "--markdown"], &["plan", "--out", "approved.json"]];
    for arguments in all {
        let run = hushed(arguments, &given[0], 0);
        says(&run, &["DB_PASSWORD", "(sensitive)", "LEVEL", "info"]);
    }
    for arguments in [&["validate"][..], &["validate", "--json"]] {
        says(&hushed(arguments, &given[0], 0), &["`DB_PASSWORD` looks like a secret"]);
    }
    says(&hushed(&["apply", "approved.json"], &given[0], 0), &["Done: 2 added."]);
    let question = json!({ "taskDefinition": "papyrus" });
    let task = |world: &World| aws(world, "ecs", "DescribeTaskDefinition", &question).json().unwrap();
    assert!(task(&world).to_string().contains(SECRETS[0]), "what is hidden from people reaches AWS");

    world.proxy().set_rules(vec![denied("ecs", "RegisterTaskDefinition", "AccessDeniedException")]);
    let stopped = hushed(&["apply", "--yes"], &given[1], 4);
    says(&stopped, &["To continue: hatoba --var db_password=… apply"]);
    hushed(&["apply", "--yes", "--json"], &given[1], 4);
    world.proxy().set_rules(Vec::new());

    let plan: Value = serde_json::from_str(&hushed(&["plan", "--json"], &given[1], 0).stdout).unwrap();
    let change = &plan["steps"][0]["changes"][0];
    let path = "containers.app.environment.DB_PASSWORD";
    assert_eq!((&change["path"], &change["sensitive"]), (&json!(path), &json!([path])), "{plan:#}");
    assert_eq!((&change["before"], &change["after"]), (&json!("(sensitive)"), &json!("(sensitive)")));
    for arguments in all {
        hushed(arguments, &given[1], 0);
    }
    hushed(&["apply", "--yes", "--json"], &given[1], 0);
    assert!(task(&world).to_string().contains(SECRETS[1]));

    // Neither is what others wrote there.
    let mut theirs = task(&world)["taskDefinition"]["containerDefinitions"].clone();
    theirs[0]["environment"] = json!([{ "name": "OTHER_SECRET", "value": SECRETS[2] }]);
    let marks = mark("papyrus", "task_definition.papyrus", "created");
    let tags: Value = marks.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let role = format!("arn:aws:iam::{}:role/pier", world.lease().account);
    let theirs = json!({
        "family": "papyrus", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "executionRoleArn": role,
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": theirs, "tags": tags,
    });
    aws(&world, "ecs", "RegisterTaskDefinition", &theirs);
    for arguments in all {
        says(&hushed(arguments, &given[1], 0), &["OTHER_SECRET"]);
    }
    hushed(&["apply", "--yes"], &given[1], 0);
    hushed(&["destroy", "--yes"], &given[1], 0);
}

on_both!(
    a_file_that_is_checked,
    the_way_from_nothing_and_back,
    a_saved_plan_is_carried_out_as_it_was_or_not_at_all,
    what_is_secret_is_shown_nowhere,
);
