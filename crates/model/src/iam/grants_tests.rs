#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DeployFacts, Grant, GrantFacts, PUSH, policy, statements};
use crate::iam::{DocKind, document, size, to_pretty_json};

fn ecs(resource: &str) -> String {
    format!("arn:aws:ecs:us-west-2:123456789012:{resource}")
}

fn repository(name: &str) -> String {
    format!("arn:aws:ecr:us-west-2:123456789012:repository/{name}")
}

fn service(cluster: &str, name: &str) -> DeployFacts {
    DeployFacts {
        service: ecs(&format!("service/{cluster}/{name}")),
        cluster: ecs(&format!("cluster/{cluster}")),
        task_definition: ecs(&format!("task-definition/{name}:*")),
        roles: vec![
            format!("arn:aws:iam::123456789012:role/{name}-task"),
            "arn:aws:iam::123456789012:role/ecsTaskExecutionRole".to_owned(),
        ],
        log_groups: vec![format!("arn:aws:logs:us-west-2:123456789012:log-group:/ecs/{name}")],
    }
}

fn papyrus() -> GrantFacts {
    GrantFacts { push: vec![repository("papyrus")], pull: Vec::new(), deploy: vec![service("papyrus", "papyrus")] }
}

const GOLDEN: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AccountWide",
      "Effect": "Allow",
      "Action": [
        "ecr:GetAuthorizationToken",
        "ecs:DescribeTaskDefinition",
        "ecs:ListTaskDefinitions"
      ],
      "Resource": "*"
    },
    {
      "Sid": "PushImages",
      "Effect": "Allow",
      "Action": [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart"
      ],
      "Resource": "arn:aws:ecr:us-west-2:123456789012:repository/papyrus"
    },
    {
      "Sid": "RegisterTaskDefinitions",
      "Effect": "Allow",
      "Action": [
        "ecs:RegisterTaskDefinition",
        "ecs:TagResource"
      ],
      "Resource": "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:*"
    },
    {
      "Sid": "PassTaskRoles",
      "Effect": "Allow",
      "Action": "iam:PassRole",
      "Resource": [
        "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
        "arn:aws:iam::123456789012:role/papyrus-task"
      ],
      "Condition": {
        "StringEquals": {
          "iam:PassedToService": "ecs-tasks.amazonaws.com"
        }
      }
    },
    {
      "Sid": "UpdateServices",
      "Effect": "Allow",
      "Action": [
        "ecs:DescribeServices",
        "ecs:ListServiceDeployments",
        "ecs:UpdateService"
      ],
      "Resource": "arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus"
    },
    {
      "Sid": "FollowDeployments",
      "Effect": "Allow",
      "Action": [
        "ecs:DescribeServiceDeployments",
        "ecs:StopServiceDeployment"
      ],
      "Resource": [
        "arn:aws:ecs:us-west-2:123456789012:service-deployment/papyrus/papyrus/*",
        "arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus"
      ]
    },
    {
      "Sid": "ListTasks",
      "Effect": "Allow",
      "Action": "ecs:ListTasks",
      "Resource": "*",
      "Condition": {
        "ArnEquals": {
          "ecs:cluster": "arn:aws:ecs:us-west-2:123456789012:cluster/papyrus"
        }
      }
    },
    {
      "Sid": "DescribeTasks",
      "Effect": "Allow",
      "Action": "ecs:DescribeTasks",
      "Resource": "arn:aws:ecs:us-west-2:123456789012:task/papyrus/*"
    },
    {
      "Sid": "ReadLogs",
      "Effect": "Allow",
      "Action": "logs:GetLogEvents",
      "Resource": "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus:log-stream:*"
    }
  ]
}"#;

#[test]
fn push_and_deploy_of_papyrus() {
    assert_eq!(to_pretty_json(&policy(&papyrus()).unwrap()), GOLDEN);
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
}

#[test]
fn nothing_granted_is_no_policy() {
    assert_eq!(policy(&GrantFacts::default()), None);
}

#[test]
fn a_task_definition_without_roles_and_logs_passes_no_role_and_reads_no_log() {
    let bare = DeployFacts { roles: Vec::new(), log_groups: Vec::new(), ..service("c", "s") };
    let sids: Vec<Value> = statements(&GrantFacts { deploy: vec![bare], ..GrantFacts::default() })
        .into_iter()
        .map(|statement| statement["Sid"].clone())
        .collect();
    assert_eq!(
        sids,
        ["AccountWide", "RegisterTaskDefinitions", "UpdateServices", "FollowDeployments", "ListTasks", "DescribeTasks"]
    );
}

#[test]
fn several_grants_share_statements() {
    let facts = GrantFacts {
        push: vec![repository("a"), repository("b"), repository("a")],
        pull: vec![repository("c"), repository("a")],
        deploy: vec![service("one", "x"), service("one", "y")],
    };
    let all = statements(&facts);
    assert_eq!(all.len(), 10);
    assert_eq!(all[1]["Resource"], json!([repository("a"), repository("b")]));
    assert_eq!(all[2]["Resource"], json!(repository("c")), "what may be pushed is not named again");
    assert_eq!(
        all.iter().filter(|statement| statement["Resource"] == "*").count(),
        2,
        "one without and one with a condition"
    );
    let passed = all.iter().find(|statement| statement["Sid"] == "PassTaskRoles").unwrap();
    assert_eq!(passed["Resource"].as_array().unwrap().len(), 3);
}

#[test]
fn a_log_group_may_be_given_with_the_star_that_its_arn_ends_with() {
    let mut starred = papyrus();
    starred.deploy[0].log_groups[0].push_str(":*");
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
