#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hatoba_model::iam::permission::policy;
use hatoba_model::iam::{DocKind, document, to_pretty_json};
use hatoba_model::load::{Options, load};
use hatoba_model::yaml::Source;
use serde_json::Value as Json;

use super::*;
use crate::desire;
use crate::kinds::service::DESCRIBE_SERVICES;
use crate::kinds::task_definition::calls::{DESCRIBE_TASK_DEFINITION, LIST_TASK_DEFINITIONS};
use crate::one_off::session::EXECUTE_COMMAND;
use crate::one_off::start::{RUN_TASK, STOP_TASK};
use crate::permissions::looking;
use crate::rollout::calls::{DESCRIBE_TASKS, GET_LOG_EVENTS, LIST_TASKS};

/// What supports no resource, so that only `*` allows it (AWS's service authorization reference).
const EVERYWHERE: [&str; 16] = [
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTaskDefinitions",
    "iam:GetAccountAuthorizationDetails",
    "iam:ListOpenIDConnectProviders",
    "iam:ListPolicies",
    "iam:ListRoles",
    "logs:DescribeLogGroups",
    "ssm:DescribeParameters",
    "tag:GetResources",
];

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(text: &str) -> Stack {
    let source = Source::new("stack.yaml", text);
    let vars = BTreeMap::new();
    let options = Options {
        env: None,
        vars: &vars,
        process_env: &|_| None,
        files: &|path| Err(format!("there is no {path} here")),
        account: Some(&facts().account),
        region: None,
    };
    load(&source, &options).map_err(|problems| problems.render(&source)).unwrap().stack
}

fn example() -> Stack {
    read(&fs::read_to_string(root().join("stack.example.yaml")).unwrap())
}

fn needed(stack: &Stack, run: Run) -> Vec<Permission> {
    permissions(&desire::goal(stack, &facts()), &facts(), run)
}

fn actions(permissions: &[Permission]) -> BTreeSet<&str> {
    permissions.iter().map(|permission| permission.action.as_str()).collect()
}

#[test]
fn the_example_needs_exactly_this() {
    let stack = example();
    let all = [
        ("plan", needed(&stack, Run::Plan)),
        ("apply", needed(&stack, Run::Apply)),
        ("destroy", needed(&stack, Run::Destroy)),
        ("verify", needed(&stack, Run::Verify)),
        ("deploy", deploy(&stack, &facts())),
        ("run", run(&stack, &facts())),
        ("exec", exec(&stack, &facts())),
        ("ci", ci(&stack, &facts())),
        ("status", looking::status(&stack, &desire::goal(&stack, &facts()), &facts())),
        ("logs", looking::logs(&stack, &facts())),
        ("tidy", looking::tidy(&stack, &facts())),
        ("prune", looking::prune(&stack, &desire::goal(&stack, &facts()), &facts())),
    ];
    for (name, permissions) in all {
        let policy = policy(&permissions).unwrap();
        assert_eq!(document::check(DocKind::Identity, &policy), [], "{name}");
        let path = root().join("crates/provider/tests/permissions").join(format!("{name}.json"));
        let text = to_pretty_json(&policy) + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
    }
}

#[test]
fn whoever_may_run_or_exec_may_make_the_calls_of_it() {
    let stack = example();
    let may = |all: &[Permission], calls: &[&Call]| {
        let actions = actions(all).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        calls.iter().map(|call| call.name).filter(|name| !actions.contains(*name)).collect::<Vec<_>>()
    };
    let reads = [&DESCRIBE_TASK_DEFINITION, &DESCRIBE_SERVICES, &DESCRIBE_TASKS];
    let once = [&RUN_TASK, &STOP_TASK, &LIST_TASK_DEFINITIONS, &GET_LOG_EVENTS];
    assert_eq!(may(&run(&stack, &facts()), &[&reads[..], &once].concat()), Vec::<&str>::new());
    let session = [&EXECUTE_COMMAND, &LIST_TASKS];
    assert_eq!(may(&exec(&stack, &facts()), &[&reads[..], &session].concat()), Vec::<&str>::new());
    // Where no service lends its network, the default subnets are looked up.
    let alone = read(
        "stack: papyrus\nregion: us-west-2\nclusters: { papyrus: {} }\n\
         task_definitions:\n  report: { cpu: 256, memory: 512, containers: { app: { image: nginx } } }\n",
    );
    assert!(actions(&run(&alone, &facts())).contains("ec2:DescribeSubnets"));
    assert!(!actions(&run(&stack, &facts())).contains("ec2:DescribeSubnets"));
}

#[test]
fn status_asks_for_the_versions_of_secrets_and_never_for_values() {
    let file = |secret: &str| {
        let stack = read(&format!(
            "stack: papyrus\nregion: us-west-2\nclusters: {{ papyrus: {{}} }}\n\
             task_definitions:\n  papyrus: {{ cpu: 256, memory: 512, execution_role: {{ existing: runs }}, containers: {{ app: {{ image: nginx, secrets: {{ DB_URL: \"{secret}\" }} }} }} }}\n\
             services:\n  web: {{ cluster: papyrus, task_definition: papyrus, network: {{ subnets: default }} }}\n"
        ));
        let all = looking::status(&stack, &desire::goal(&stack, &facts()), &facts());
        let asked = all.iter().filter(|it| it.action.starts_with("ssm:") || it.action.starts_with("secretsmanager:"));
        let asked: BTreeSet<String> = asked.map(|it| format!("{} {}", it.action, it.resource)).collect();
        asked.into_iter().collect::<Vec<_>>()
    };
    let arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:papyrus/db-AbCdEf";
    assert_eq!(file(arn), [format!("secretsmanager:ListSecretVersionIds {arn}")]);
    assert_eq!(file("ssm:/papyrus/db-url"), ["ssm:DescribeParameters *"]);
}

#[test]
fn what_takes_revisions_away_looks_everywhere_and_changes_only_its_own() {
    let stack = example();
    let goal = desire::goal(&stack, &facts());
    for all in [looking::tidy(&stack, &facts()), looking::prune(&stack, &goal, &facts())] {
        for it in all {
            let reads =
                ["BatchGet", "Describe", "Get", "List"].iter().any(|verb| it.action.contains(&format!(":{verb}")));
            // The one change that AWS limits to nothing.
            let own = it.resource.contains("papyrus") || it.action == "ecs:DeregisterTaskDefinition";
            assert!(reads || own, "{it:?}");
        }
    }
}

#[test]
fn a_task_of_no_service_may_borrow_the_network_of_each() {
    let task = "{ cpu: 256, memory: 512, containers: { app: { image: nginx } } }";
    let file = |user: &str| {
        read(&format!(
            "stack: papyrus\nregion: us-west-2\nclusters: {{ papyrus: {{}} }}\n\
             task_definitions:\n  papyrus: {task}\n  report: {task}\n\
             services:\n  web: {{ cluster: papyrus, task_definition: {user}, propagate_tags: service, network: {{ subnets: default }} }}\n"
        ))
    };
    let granted = |stack: &Stack| grants_permissions(&[Grant::Run("report".into())], stack, &facts());
    let describes = |all: &[Permission]| -> Vec<String> {
        let all = all.iter().filter(|permission| permission.action == "ecs:DescribeServices");
        all.map(|permission| permission.resource.clone()).collect()
    };
    let web = ["arn:aws:ecs:us-west-2:123456789012:service/papyrus/web"];
    let (borrowed, own) = (granted(&file("papyrus")), granted(&file("report")));
    assert_eq!([describes(&borrowed), describes(&own)], [web, web]);
    assert!(actions(&borrowed).contains("ecs:TagResource") && actions(&borrowed).contains("ec2:DescribeSubnets"));
    assert!(actions(&own).contains("ecs:TagResource") && !actions(&own).contains("ec2:DescribeSubnets"));
    // One that another service runs takes nothing of this one.
    let papyrus = grants_permissions(&[Grant::Run("papyrus".into())], &file("papyrus"), &facts());
    assert!(!actions(&papyrus).contains("ec2:DescribeSubnets"));
}

#[test]
fn whoever_may_run_in_any_cluster_may_follow_and_stop_there() {
    let stack = read(
        "stack: papyrus\nregion: us-west-2\n\
         task_definitions:\n  report: { cpu: 256, memory: 512, containers: { app: { image: nginx } } }\n",
    );
    let all = run(&stack, &facts());
    for action in ["ecs:DescribeTasks", "ecs:StopTask"] {
        let found: Vec<&str> =
            all.iter().filter(|it| it.action == action).map(|permission| permission.resource.as_str()).collect();
        assert_eq!(found, ["arn:aws:ecs:us-west-2:123456789012:task/*"], "{action}");
    }
}

#[test]
fn services_of_others_are_left_out_of_exec() {
    let file = |more: &str| {
        read(&format!(
            "stack: papyrus\nregion: us-west-2\nclusters: {{ papyrus: {{}} }}\n\
             task_definitions:\n  papyrus: {{ cpu: 256, memory: 512, containers: {{ app: {{ image: nginx }} }} }}\n\
             services:\n  web: {{ cluster: papyrus, task_definition: papyrus, network: {{ subnets: default }}{more} }}\n"
        ))
    };
    let may = |stack: &Stack| actions(&exec(stack, &facts())).contains("ecs:ExecuteCommand");
    assert!(may(&file("")) && !may(&file(", existing: true")));
}

#[test]
fn everything_at_once_only_where_there_is_nothing_else() {
    let stack = example();
    for run in [Run::Plan, Run::Apply, Run::Destroy] {
        for permission in needed(&stack, run) {
            let free = permission.resource == "*" && permission.given.is_none();
            assert!(!free || EVERYWHERE.contains(&permission.action.as_str()), "{permission:?}");
            assert!(!permission.action.contains('*'));
        }
    }
}

#[test]
fn plan_only_reads_and_the_others_include_it() {
    let stack = example();
    let (plan, apply, destroy) = (needed(&stack, Run::Plan), needed(&stack, Run::Apply), needed(&stack, Run::Destroy));
    let verify = needed(&stack, Run::Verify);
    for action in actions(&plan).union(&actions(&verify)) {
        let verb = action.split(':').nth(1).unwrap();
        assert!(["BatchGet", "Describe", "Get", "List"].iter().any(|read| verb.starts_with(read)), "{action}");
    }
    let missing = |all: &[Permission]| -> BTreeSet<String> {
        actions(&plan).difference(&actions(all)).map(|action| (*action).to_owned()).collect()
    };
    assert_eq!(missing(&apply), BTreeSet::new());
    assert_eq!(missing(&verify), BTreeSet::new());
    assert!(actions(&verify).is_subset(&actions(&apply)), "apply checks what it changes");
    // Nothing is compared with the file.
    let compared = ["ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "iam:ListRoles", "ssm:DescribeParameters"];
    assert_eq!(missing(&destroy), BTreeSet::from(compared.map(str::to_owned)));
    let deletes = |all: &[Permission]| actions(all).into_iter().any(|action| action == "iam:DeleteRole");
    assert!(!deletes(&apply) && deletes(&destroy));
}

#[test]
fn what_is_not_managed_is_only_read_and_what_stays_is_only_let_go_of() {
    let file =
        |more: &str| read(&format!("stack: papyrus\nregion: us-west-2\nlog_groups:\n  /ecs/papyrus: {{ {more} }}\n"));
    let logs = |stack: &Stack, run: Run| -> Vec<String> {
        let all = needed(stack, run);
        actions(&all).into_iter().filter_map(|action| action.strip_prefix("logs:")).map(str::to_owned).collect()
    };
    let reads = ["DescribeLogGroups", "ListTagsForResource"];
    assert_eq!(logs(&file("existing: true"), Run::Apply), reads);
    assert_eq!(logs(&file("existing: true"), Run::Destroy), reads);
    assert_eq!(
        logs(&file("retain: true"), Run::Destroy),
        ["DeleteLogGroup", "DescribeLogGroups", "ListTagsForResource", "UntagResource"]
    );
    assert_eq!(logs(&file(""), Run::Destroy), ["DeleteLogGroup", "DescribeLogGroups", "ListTagsForResource"]);
    let apply = logs(&file("retention_days: 7"), Run::Apply);
    assert!(apply.contains(&"PutRetentionPolicy".to_owned()) && !apply.contains(&"DeleteRetentionPolicy".to_owned()));
}

/// The policy of the role that may apply and deploy, where the task definition has this role.
fn granted_with(task_role: &str) -> String {
    let stack = read(&format!(
        "stack: papyrus\nregion: us-west-2\n\
         roles:\n  one: {{ trust: {{ service: ecs-tasks.amazonaws.com }} }}\n  two: {{ trust: {{ service: ecs-tasks.amazonaws.com }} }}\n  \
           ci: {{ trust: {{ service: ec2.amazonaws.com }}, grants: [{{ apply: true }}, {{ plan: true }}] }}\n\
         task_definitions:\n  papyrus: {{ cpu: 256, memory: 512, task_role: {task_role}, containers: {{ app: {{ image: nginx }} }} }}\n"
    ));
    let goal = desire::goal(&stack, &facts());
    let ci = goal.resources.values().find(|want| want.name == "ci").unwrap();
    ci.fields["inline_policies"].get("hatoba-grants").unwrap().as_text().unwrap().to_owned()
}

#[test]
fn granted_runs_follow_the_file() {
    let (one, two) = (granted_with("one"), granted_with("two"));
    let passed = |policy: &str| {
        let policy: Json = serde_json::from_str(policy).unwrap();
        let statements = policy["Statement"].as_array().unwrap().clone();
        let pass = |statement: &Json| statement["Action"].to_string().contains("\"iam:PassRole\"");
        statements.into_iter().find(pass).unwrap()["Resource"].to_string()
    };
    assert_eq!(passed(&one).trim_matches(['[', ']']), "\"arn:aws:iam::123456789012:role/one\"");
    assert_eq!(passed(&two).trim_matches(['[', ']']), "\"arn:aws:iam::123456789012:role/two\"");
    // The role's own policy is one of those that may be put.
    assert!(one.contains("iam:PutRolePolicy") && one.contains("role/ci"));
}

#[test]
fn grants_that_are_too_large_for_a_role_are_noticed() {
    let file = |groups: usize| {
        let groups: Vec<String> = (0..groups).map(|n| format!("  /ecs/papyrus/{n:04}: {{}}\n")).collect();
        read(&format!(
            "stack: papyrus\nregion: us-west-2\nroles:\n  ci: {{ trust: {{ service: ec2.amazonaws.com }}, grants: [{{ plan: true }}] }}\nlog_groups:\n{}",
            groups.concat()
        ))
    };
    assert!(oversized(&desire::goal(&file(10), &facts())).is_none());
    let goal = desire::goal(&file(100), &facts());
    let (role, size) = oversized(&goal).unwrap();
    assert!(role.name == "ci" && size > 10_240, "{size}");
}

/// All sources of this crate.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_request_is_sent_without_a_call_of_a_table() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut sent = 0;
    for file in files.iter().filter(|file| !file.ends_with("needed_tests.rs") && !file.ends_with("json.rs")) {
        let text = fs::read_to_string(file).unwrap();
        for (at, _) in text.match_indices(".send()") {
            sent += 1;
            // The error is made in the same statement, in the next one, or in the loop over the pages.
            let rest: String = text[at..].chars().take(420).collect();
            let line = text[..at].matches('\n').count() + 1;
            assert!(rest.contains("failed("), "{}:{line} sends something that names no call", file.display());
        }
    }
    assert!(sent > 100, "{sent}");
}

#[test]
fn every_call_is_named_once_and_says_what_it_needs() {
    let tables = drivers().map(|driver| (driver.info().name, driver.calls()));
    let tables = tables.chain([("shared", shared().collect()), ("checks", checks().collect())]);
    for (name, calls) in tables {
        let names: BTreeSet<&str> = calls.iter().map(|call| call.name).collect();
        assert_eq!(names.len(), calls.len(), "{name} has a call twice");
        assert!(!calls.is_empty(), "{name}");
        for call in calls {
            // Whose credentials they are may be asked by everybody.
            assert!(!call.needs.is_empty() || call.name == "sts:GetCallerIdentity", "{}", call.name);
            for need in call.needs {
                assert!(
                    need.action
                        .split_once(':')
                        .is_some_and(|(service, action)| !service.is_empty() && !action.is_empty())
                );
            }
        }
    }
}
