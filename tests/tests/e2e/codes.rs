//! Accounts, credentials, permissions, the network: what stops a run, how far it came, and the exit code that a script sees.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::on_both;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{aws, denied, nothing_to_do, run, run_json, says, write, writes};
use crate::stack::whole;

/// Every command that asks AWS something.
const ONLINE: [&[&str]; 4] = [&["plan"], &["plan", "--destroy"], &["apply", "--yes"], &["destroy", "--yes"]];

fn one_log_group() -> Value {
    json!({ "log_groups": { "/wharf": { "retention_days": 14 } } })
}

/// The calls since the log was cleared, which it then is again.
fn calls(world: &World) -> Vec<String> {
    let calls = world.proxy().calls().iter().map(|call| call.name()).collect();
    world.proxy().clear_log();
    calls
}

/// Runs the binary with other variables of the environment.
#[track_caller]
fn run_with(world: &World, variables: &[(&str, Option<&str>)], arguments: &[&str], code: i32) -> Run {
    let mut command = world.hatoba_command(arguments).unwrap();
    for (name, value) in variables {
        command = match value {
            Some(value) => command.env(name, value),
            None => command.without_env(name),
        };
    }
    match command.limit(Duration::from_secs(60)).run().and_then(|run| run.expect_code(code)) {
        Ok(run) => run,
        Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
    }
}

fn a_wrong_file_or_command_line_asks_nothing(kind: Kind) {
    let world = World::new(kind).unwrap();
    for arguments in ONLINE {
        says(&run(&world, arguments, 3), &["cannot read stack.yaml", "name the file with `-f FILE`"]);
    }
    write(&world, &json!({ "log_group": {}, "repositories": { "acme/papyrus": { "scan_on_push": "sometimes" } } }));
    for arguments in ONLINE.into_iter().chain([&["validate"][..], &["expand"], &["graph"]]) {
        let run = run(&world, arguments, 3);
        // All at once, with where and with the way out.
        says(
            &run,
            &[
                "stack.yaml:2:",
                "`log_group`",
                "stack.yaml:5:",
                "did you mean `log_groups`?",
                "scan_on_push",
                "has 2 errors",
            ],
        );
        assert_eq!(run.stdout, "", "{run:?}");
    }
    write(&world, &one_log_group());
    let wrong: [(&[&str], &str); 4] = [
        (&["validat", "--json"], "a similar subcommand exists: 'validate'"),
        (&["apply", "--force"], "unexpected argument '--force'"),
        (&["plan", "--var", "level"], "write it as NAME=VALUE"),
        (&[], "Usage: hatoba"),
    ];
    for (arguments, text) in wrong {
        let run = run(&world, arguments, 1);
        says(&run, &[text]);
        assert_eq!(run.stdout, "", "{run:?}");
    }
    assert_eq!(calls(&world), [""; 0]);
}

fn another_account_is_refused_after_one_question(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut file = one_log_group();
    file["account"] = json!("123456789012");
    write(&world, &file);
    for arguments in ONLINE {
        let run = run(&world, arguments, 6);
        let belong = format!("these credentials belong to {}", world.lease().account);
        says(&run, &["stack.yaml is for the account 123456789012", &belong, "--profile NAME"]);
        assert_eq!(calls(&world), ["sts:GetCallerIdentity"], "{arguments:?}");
    }
    file["account"] = json!(world.lease().account);
    write(&world, &file);
    says(&run(&world, &["plan"], 0), &["+ log_group./wharf"]);
}

/// A twelve-digit key is an account of this emulator.
#[test]
fn a_profile_that_is_asked_for_counts_more_than_keys_in_the_environment() {
    let world = World::new(Kind::Ministack).unwrap();
    write(&world, &one_log_group());
    let keys = "[harbour]\naws_access_key_id = 210987654321\naws_secret_access_key = test\n";
    let credentials = world.write("credentials", keys).unwrap();
    let credentials = credentials.to_str().unwrap();
    let with = [("AWS_SHARED_CREDENTIALS_FILE", Some(credentials))];
    let there = "Plan for stack papyrus, account 210987654321";
    says(&run_with(&world, &with, &["plan", "--profile", "harbour"], 0), &[there]);
    // AWS's own order for what nobody asked for by name.
    let named = [with[0], ("AWS_PROFILE", Some("harbour"))];
    let here = format!("Plan for stack papyrus, account {}", world.lease().account);
    says(&run_with(&world, &named, &["plan"], 0), &[&here]);
    world.proxy().clear_log();
    says(&run_with(&world, &with, &["apply", "--yes", "--profile", "harbor"], 4), &["(profile `harbor`)", "harbor"]);
    assert_eq!(calls(&world), [""; 0]);
}

fn without_credentials_nothing_is_asked(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &one_log_group());
    let none = [("AWS_ACCESS_KEY_ID", None), ("AWS_SECRET_ACCESS_KEY", None)];
    for arguments in ONLINE {
        says(&run_with(&world, &none, arguments, 4), &["sign in first: `aws configure`"]);
        assert_eq!(calls(&world), [""; 0]);
    }
    says(&run_with(&world, &none, &["plan", "--profile", "harbour"], 4), &["(profile `harbour`)", "sign in first"]);
    assert_eq!(calls(&world), [""; 0]);

    for code in ["ExpiredToken", "InvalidClientTokenId"] {
        let message = "The security token included in the request is not good".to_owned();
        let act = Act::Error { status: 403, code: code.to_owned(), message };
        world.proxy().set_rules(vec![Rule::on("sts", "GetCallerIdentity", act)]);
        for arguments in ONLINE {
            says(&run(&world, arguments, 4), &[code, "is not good", "sign in first"]);
            assert_eq!(calls(&world), ["sts:GetCallerIdentity"]);
        }
    }
}

fn one_denied_write_stops_what_needs_it_and_nothing_else(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &whole());
    world.proxy().set_rules(vec![denied("logs", "CreateLogGroup", "AccessDeniedException")]);
    let run_denied = run(&world, &["apply", "--yes"], 4);
    says(
        &run_denied,
        &[
            "Not finished. Done: 10 added.",
            "✗ log_group./ecs/papyrus: ",
            "AccessDeniedException",
            "is not authorized to perform: logs:CreateLogGroup",
            "= help: these credentials may not do this",
            "not tried: task_definition.papyrus, service.papyrus",
            "To continue: hatoba apply",
        ],
    );
    assert_eq!(run_denied.stderr.matches("not authorized").count(), 2, "as it happens, and at the end: {run_denied:?}");
    // Everything else is there, and only the rest is left to do.
    let plan = run_json(&world, &["plan"], 0);
    let steps = plan["steps"].as_array().cloned().unwrap_or_default();
    let left: Vec<&str> = steps.iter().filter_map(|step| step["address"].as_str()).collect();
    assert_eq!(left, ["log_group./ecs/papyrus", "task_definition.papyrus", "service.papyrus"]);
    assert!(steps.iter().all(|step| step["action"] == "create"), "{plan:#}");
    assert_eq!(plan["unchanged"].as_array().map(Vec::len), Some(10), "{plan:#}");

    // A mistake that no permission mends is another exit code.
    let act =
        Act::Error { status: 400, code: "InvalidParameterException".to_owned(), message: "no such luck".to_owned() };
    world.proxy().set_rules(vec![Rule::on("logs", "CreateLogGroup", act)]);
    says(&run(&world, &["apply", "--yes"], 1), &["InvalidParameterException", "no such luck", "Done: nothing."]);

    world.proxy().set_rules(Vec::new());
    says(&run(&world, &["apply", "--yes"], 0), &["Done: 3 added."]);
    nothing_to_do(&world);

    // What cannot be read is not missing.
    world.proxy().set_rules(vec![denied("logs", "DescribeLogGroups", "AccessDeniedException")]);
    world.proxy().clear_log();
    for arguments in ONLINE {
        says(&run(&world, arguments, 4), &["log_group./ecs/papyrus", "not authorized", "nothing was changed"]);
    }
    assert_eq!(writes(&world), [""; 0]);
    world.proxy().set_rules(Vec::new());
    nothing_to_do(&world);
}

fn an_endpoint_where_nobody_listens_is_told_soon(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &one_log_group());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let began = Instant::now();
    for arguments in ONLINE {
        let run = run_with(&world, &[("AWS_ENDPOINT_URL", Some(&url))], arguments, 1);
        says(&run, &["sts:GetCallerIdentity", "check the network"]);
    }
    let run = run_with(&world, &[], &["--endpoint-url", &url, "plan"], 1);
    says(&run, &["check the network, HTTPS_PROXY and --endpoint-url"]);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(calls(&world), [""; 0]);
}

/// Takes connections and never answers. One test for both emulators: none is asked.
#[test]
fn an_endpoint_that_never_answers_is_given_up() {
    let world = World::new(Kind::Ministack).unwrap();
    write(&world, &one_log_group());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let run = run_with(&world, &[("AWS_ENDPOINT_URL", Some(&url))], &["apply", "--yes"], 1);
    says(&run, &["sts:GetCallerIdentity", "run the same command again"]);
    assert!(run.elapsed < Duration::from_secs(30), "{run:?}");
}

/// Scripts set variables to nothing. One test for both emulators: none is asked.
#[test]
fn an_empty_endpoint_is_said_to_be_empty() {
    let world = World::new(Kind::Ministack).unwrap();
    write(&world, &one_log_group());
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IAM"] {
        let run = run_with(&world, &[(name, Some(""))], &["plan"], 1);
        says(&run, &[&format!("{name} in the environment is empty: leave it out, or give it a URL")]);
    }
    says(&run_with(&world, &[], &["--endpoint-url", "", "plan"], 1), &["the endpoint URL that was given is empty"]);
    assert_eq!(calls(&world), [""; 0]);
}

fn changes_that_are_pending_have_a_code(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &one_log_group());
    let detailed = ["plan", "--detailed-exitcode"];
    says(&run(&world, &detailed, 2), &["+ log_group./wharf"]);
    run(&world, &["plan"], 0);
    run(&world, &["plan", "--destroy", "--detailed-exitcode"], 0);
    run(&world, &["apply", "--yes"], 0);
    run(&world, &detailed, 0);
    run(&world, &["plan", "--destroy", "--detailed-exitcode"], 2);
    aws(&world, "logs", "PutRetentionPolicy", &json!({ "logGroupName": "/wharf", "retentionInDays": 30 }));
    run(&world, &detailed, 2);
    run(&world, &[&detailed[..], &["--markdown"]].concat(), 2);
    run_json(&world, &detailed, 2);
    run(&world, &["destroy", "--yes"], 0);
    run(&world, &["plan", "--destroy", "--detailed-exitcode"], 0);
}

on_both!(
    a_wrong_file_or_command_line_asks_nothing,
    another_account_is_refused_after_one_question,
    without_credentials_nothing_is_asked,
    one_denied_write_stops_what_needs_it_and_nothing_else,
    an_endpoint_where_nobody_listens_is_told_soon,
    changes_that_are_pending_have_a_code,
);
