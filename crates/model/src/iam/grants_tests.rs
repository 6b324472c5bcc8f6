#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Grant, GrantFacts, PUSH, ServiceFacts, TaskFacts, policy, statements};
use crate::iam::{DocKind, document, size, to_pretty_json};

fn ecs(resource: &str) -> String {
    format!("arn:aws:ecs:us-west-2:123456789012:{resource}")
}

fn repository(name: &str) -> String {
    format!("arn:aws:ecr:us-west-2:123456789012:repository/{name}")
}

fn task(name: &str) -> TaskFacts {
    TaskFacts {
        task_definition: ecs(&format!("task-definition/{name}:*")),
        roles: vec![
            format!("arn:aws:iam::123456789012:role/{name}-task"),
            "arn:aws:iam::123456789012:role/ecsTaskExecutionRole".to_owned(),
        ],
        log_groups: vec![group(name)],
        repositories: vec![repository(name)],
        ..TaskFacts::default()
    }
}

fn group(name: &str) -> String {
    format!("arn:aws:logs:us-west-2:123456789012:log-group:/ecs/{name}")
}

fn service(cluster: &str, name: &str) -> ServiceFacts {
    ServiceFacts {
        service: ecs(&format!("service/{cluster}/{name}")),
        cluster: ecs(&format!("cluster/{cluster}")),
        task: task(name),
    }
}

fn papyrus() -> GrantFacts {
    GrantFacts {
        push: vec![repository("papyrus")],
        deploy: vec![service("papyrus", "papyrus")],
        ..GrantFacts::default()
    }
}

#[track_caller]
fn golden(name: &str, facts: &GrantFacts) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grants").join(format!("{name}.json"));
    let text = to_pretty_json(&policy(facts).unwrap()) + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default(), "{}", path.display());
}

#[test]
fn push_and_deploy_of_papyrus() {
    golden("push-and-deploy", &papyrus());
}

#[test]
fn run_logs_and_scale_of_papyrus() {
    let clusters = vec![ecs("cluster/papyrus")];
    let services = vec![ecs("service/papyrus/papyrus")];
    let run = vec![TaskFacts { clusters, services, tagged: true, ..task("papyrus") }];
    golden("run", &GrantFacts { run, ..GrantFacts::default() });
    golden("logs", &GrantFacts { logs: vec![group("papyrus")], ..GrantFacts::default() });
    let scale = vec![ecs("service/papyrus/papyrus")];
    golden("scale", &GrantFacts { scale, ..GrantFacts::default() });
}

#[test]
fn grants_are_read_from_single_key_mappings() {
    let grants: Vec<Grant> =
        serde_json::from_value(json!([{ "push": "papyrus" }, { "pull": ["a", "b"] }, { "deploy": "papyrus" }]))
            .unwrap();
    assert_eq!(grants[1], Grant::Pull(["a".to_owned(), "b".to_owned()].into_iter().collect()));
    assert_eq!(
        serde_json::to_value(&grants).unwrap(),
        json!([{ "push": "papyrus" }, { "pull": ["a", "b"] }, { "deploy": "papyrus" }])
    );
    let error = |value: Value| serde_json::from_value::<Grant>(value).unwrap_err().to_string();
    assert!(error(json!({ "puhs": "x" })).contains("unknown variant `puhs`"));
    assert!(error(json!({ "push": 5 })).contains("the name of a resource of this stack, or a list of names"));
    assert!(error(json!({ "push": [] })).contains("invalid length 0"));
    let all: Vec<Grant> = serde_json::from_value(json!([{ "plan": true }, { "apply": "all" }])).unwrap();
    assert_eq!(serde_json::to_value(&all).unwrap(), json!([{ "plan": true }, { "apply": true }]));
    for value in [json!(false), json!("papyrus"), json!(["papyrus"])] {
        assert!(error(json!({ "plan": value })).contains("everything in this file"));
    }
}

#[test]
fn nothing_granted_is_no_policy() {
    assert_eq!(policy(&GrantFacts::default()), None);
}

#[test]
fn a_task_definition_without_roles_and_logs_passes_no_role_and_reads_no_log() {
    let bare = TaskFacts { task_definition: ecs("task-definition/s:*"), ..TaskFacts::default() };
    let bare = ServiceFacts { task: bare, ..service("c", "s") };
    let text = policy(&GrantFacts { deploy: vec![bare], ..GrantFacts::default() }).unwrap().to_string();
    assert!(text.contains("ecs:RegisterTaskDefinition"));
    assert!(!text.contains("iam:PassRole") && !text.contains("logs:") && !text.contains("ecr:"), "{text}");
}

#[test]
fn several_grants_share_statements() {
    let facts = GrantFacts {
        push: vec![repository("a"), repository("b"), repository("a")],
        pull: vec![repository("c"), repository("a")],
        deploy: vec![service("one", "x"), service("one", "y")],
        ..GrantFacts::default()
    };
    let all = statements(&facts);
    assert_eq!(
        all.iter().filter(|statement| statement["Resource"] == "*").count(),
        2,
        "one without and one with a condition"
    );
    let with = |action: &str| {
        let has = |statement: &&Value| statement["Action"].to_string().contains(&format!("\"{action}\""));
        all.iter().filter(has).map(|statement| statement["Resource"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(with("ecr:PutImage"), [json!([repository("a"), repository("b")])]);
    assert_eq!(with("ecr:GetDownloadUrlForLayer"), [json!([repository("a"), repository("b"), repository("c")])]);
    assert_eq!(with("iam:PassRole")[0].as_array().unwrap().len(), 3);
    assert_eq!(with("ecs:RegisterTaskDefinition").len(), 1);
}

#[test]
fn a_log_group_may_be_given_with_the_star_that_its_arn_ends_with() {
    let mut starred = papyrus();
    starred.deploy[0].task.log_groups[0].push_str(":*");
    assert_eq!(statements(&starred), statements(&papyrus()));
}

proptest! {
    #[test]
    fn statements_are_valid_and_do_not_depend_on_order(
        push in proptest::collection::vec("[a-c]", 0..4),
        pull in proptest::collection::vec("[a-c]", 0..4),
        deploy in proptest::collection::vec(("[a-b]", "[a-c]"), 0..4),
    ) {
        let facts = GrantFacts {
            push: push.iter().map(|name| repository(name)).collect(),
            pull: pull.iter().map(|name| repository(name)).collect(),
            deploy: deploy.iter().map(|(cluster, name)| service(cluster, name)).collect(),
            ..GrantFacts::default()
        };
        let mut reversed = facts.clone();
        reversed.push.reverse();
        reversed.pull.reverse();
        reversed.deploy.reverse();
        prop_assert_eq!(statements(&facts), statements(&reversed));
        if let Some(policy) = policy(&facts) {
            prop_assert_eq!(document::check(DocKind::Identity, &policy), []);
            prop_assert!(size(&policy) < 6_144);
        }
        // Least privilege: nothing is allowed on what was not granted, and no pushing where only pulling was.
        for statement in statements(&facts) {
            let actions = statement["Action"].to_string();
            let resources = statement["Resource"].to_string();
            prop_assert!(statement["Resource"] != "*" || !PUSH.iter().any(|action| actions.contains(action)));
            if actions.contains("ecr:PutImage") {
                for name in ["a", "b", "c"] {
                    prop_assert_eq!(resources.contains(&format!("{}\"", repository(name))), push.iter().any(|pushed| pushed == name));
                }
            }
        }
    }
}
