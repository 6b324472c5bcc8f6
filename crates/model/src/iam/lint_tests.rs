use proptest::prelude::*;
use serde_json::{Value, json};

use super::structure;
use crate::iam::{DocKind, Document, Severity, lint_trust};

fn lines(kind: DocKind, document: &Value) -> Vec<String> {
    let line = |p: crate::iam::DocProblem| {
        let place: Vec<String> = p.pointer.iter().map(ToString::to_string).collect();
        let severity = if p.severity == Severity::Error { "E" } else { "W" };
        format!("{severity} {} {}: {} | {}", p.code, place.join("/"), p.message, p.help.unwrap_or_default())
    };
    structure(kind, document).into_iter().map(line).collect()
}

fn identity(more: &Value) -> Value {
    changed(json!({ "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" }), more)
}

fn repository(more: &Value) -> Value {
    changed(json!({ "Effect": "Allow", "Principal": { "AWS": "123456789012" }, "Action": "ecr:BatchGetImage" }), more)
}

/// A policy of one statement; a null removes an element.
fn changed(mut statement: Value, more: &Value) -> Value {
    if let (Some(statement), Some(more)) = (statement.as_object_mut(), more.as_object()) {
        for (key, value) in more {
            if value.is_null() {
                statement.remove(key);
            } else {
                statement.insert(key.clone(), value.clone());
            }
        }
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn only(kind: DocKind, document: &Value, parts: &[&str]) {
    let lines = lines(kind, document);
    assert!(lines.len() == 1, "{document:#}\n{lines:#?}");
    for part in parts {
        assert!(lines[0].contains(part), "expected {part} in {}", lines[0]);
    }
}

#[test]
fn good_documents_have_no_problems() {
    let service = "arn:aws:ecs:us-west-2:123456789012:service/papyrus/papyrus";
    let seven_statements = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Sid": "ECRAuth", "Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*" },
            { "Sid": "ECRPushPullRepoScoped", "Effect": "Allow", "Action": ["ecr:PutImage", "ecr:ListImages"],
              "Resource": "arn:aws:ecr:us-west-2:123456789012:repository/papyrus" },
            { "Sid": "ECRCreateRepoOptional", "Effect": "Allow", "Action": ["ecr:CreateRepository"], "Resource": "*",
              "Condition": { "StringEquals": { "aws:RequestedRegion": "us-west-2" } } },
            { "Sid": "ECSDescribe", "Effect": "Allow", "Action": ["ecs:DescribeServices"],
              "Resource": ["arn:aws:ecs:us-west-2:123456789012:cluster/papyrus", service,
                           "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus*"] },
            { "Sid": "ECSRegisterTaskDef", "Effect": "Allow", "Action": ["ecs:RegisterTaskDefinition"], "Resource": "*" },
            { "Sid": "ECSUpdateService", "Effect": "Allow", "Action": ["ecs:UpdateService"], "Resource": service },
            { "Sid": "PassTaskRoles", "Effect": "Allow", "Action": ["iam:PassRole"],
              "Resource": ["arn:aws:iam::123456789012:role/ecsTaskExecutionRole", "arn:aws:iam::123456789012:role/papyrus-task"],
              "Condition": { "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } } }
        ]
    });
    assert_eq!(lines(DocKind::Identity, &seven_statements), Vec::<String>::new());
    assert_eq!(lines(DocKind::EcrRepository, &repository(&json!({ "Sid": "new statement" }))), Vec::<String>::new());
    for principal in [
        json!("*"),
        json!({ "AWS": ["arn:aws:iam::123456789012:role/papyrus", "arn:aws:iam::123456789012:root", "*"] }),
        json!({ "Service": "lambda.amazonaws.com", "AWS": "arn:aws:sts::123456789012:assumed-role/papyrus/session" }),
    ] {
        assert_eq!(
            lines(DocKind::EcrRepository, &repository(&json!({ "Principal": principal }))),
            Vec::<String>::new()
        );
    }
}

#[test]
fn the_frame() {
    let kind = DocKind::Identity;
    only(kind, &json!([]), &["E policy-document", "must be a mapping"]);
    only(
        kind,
        &json!({ "Version": "2012-10-17", "Statement": [] }),
        &["E policy-statement Statement:", "a policy needs at least one statement"],
    );
    only(kind, &json!({ "Version": "2012-10-17" }), &["has no `Statement`"]);
    only(kind, &json!({ "Version": "2012-10-17", "Statement": ["x"] }), &["E policy-statement Statement/0:"]);
    let mut policy = identity(&json!({}));
    policy["Version"] = json!("2025-01-01");
    only(kind, &policy, &["E policy-version Version:", "not the day"]);
    policy["Version"] = json!(2012);
    only(kind, &policy, &["must be a text"]);
    policy.as_object_mut().map(|top| top.remove("Version"));
    only(kind, &policy, &["W policy-version", "2008-10-17"]);
    let mut policy = identity(&json!({}));
    policy["Statment"] = json!([]);
    only(kind, &policy, &["E policy-element Statment:", "did you mean `Statement`?"]);
    let mut policy = identity(&json!({}));
    policy["Effect"] = json!("Allow");
    only(kind, &policy, &["E policy-element Effect:", "belongs into a statement"]);
}

#[test]
fn statements_of_identity_policies() {
    for (more, parts) in [
        (json!({ "Effect": "allow" }), ["E policy-effect Statement/0/Effect:", "did you mean `Allow`?"]),
        (json!({ "Effect": null }), ["E policy-effect Statement/0:", "has no `Effect`"]),
        (json!({ "Efect": "Allow" }), ["E policy-element", "did you mean `Effect`?"]),
        (json!({ "Version": "2012-10-17" }), ["E policy-element", "beside `Statement`"]),
        (json!({ "Action": null }), ["E policy-action Statement/0:", "has no `Action`"]),
        (json!({ "NotAction": "ecr:*" }), ["E policy-action", "both `Action` and `NotAction`"]),
        (json!({ "Action": [] }), ["E policy-action Statement/0/Action:", "is empty"]),
        (
            json!({ "Action": ["ecr:PutImage", "PutImage"] }),
            ["E policy-action Statement/0/Action/1:", "`ecr:GetAuthorizationToken`"],
        ),
        (json!({ "Action": 5 }), ["E policy-type", "not a number"]),
        (json!({ "Resource": null }), ["E policy-resource Statement/0:", "has no `Resource`"]),
        (json!({ "NotResource": "*" }), ["E policy-resource", "both `Resource` and `NotResource`"]),
        (
            json!({ "Resource": ["*", "papyrus"] }),
            ["E policy-resource Statement/0/Resource/1:", "neither `*` nor an ARN"],
        ),
        (json!({ "Resource": "arn:aws:iam::<ACCOUNT_ID>:role/x" }), ["E policy-placeholder", "12-digit account id"]),
        (json!({ "Principal": "*" }), ["E policy-principal Statement/0/Principal:", "has no `Principal`"]),
        (json!({ "Sid": "Push images" }), ["E policy-sid", "cannot contain a space"]),
        (json!({ "Sid": "配備" }), ["E policy-characters Statement/0/Sid:", "U+914D"]),
        (
            json!({ "Condition": { "StringEqual": { "a:b": "c" } } }),
            ["E policy-operator Statement/0/Condition/StringEqual:", "did you mean `StringEquals`?"],
        ),
    ] {
        only(DocKind::Identity, &identity(&more), &parts);
    }
}

#[test]
fn sids_are_unique_in_identity_policies_only() {
    let twice = |policy: Value| json!({ "Version": "2012-10-17", "Statement": [policy["Statement"][0], policy["Statement"][0]] });
    let sid = json!({ "Sid": "A" });
    only(DocKind::Identity, &twice(identity(&sid)), &["E policy-sid Statement/1/Sid:", "number 0"]);
    assert_eq!(lines(DocKind::EcrRepository, &twice(repository(&sid))), Vec::<String>::new());
}

#[test]
fn resource_policies_have_principals_and_no_resources() {
    for (more, parts) in [
        (json!({ "Resource": "*" }), ["E policy-resource", "always about its own repository"]),
        (json!({ "Principal": null }), ["E policy-principal Statement/0:", "has no `Principal`"]),
        (
            json!({ "Principal": { "Aws": "*" } }),
            ["E policy-principal Statement/0/Principal/Aws:", "did you mean `AWS`?"],
        ),
        (json!({ "Principal": { "AWS": "12345" } }), ["E policy-principal Statement/0/Principal/AWS:", "has 5 digits"]),
        (json!({ "Principal": { "AWS": 123_456_789_012_u64 } }), ["E policy-type", "write it in quotes"]),
        (json!({ "Principal": { "AWS": "AROAEXAMPLEEXAMPLEEX" } }), ["E policy-principal", "was deleted"]),
        (
            json!({ "Principal": { "AWS": "arn:aws:iam::123456789012:role/*" } }),
            ["E policy-principal", "aws:PrincipalArn"],
        ),
        (
            json!({ "Principal": { "AWS": "arn:aws:iam::123456789012:group/x" } }),
            ["E policy-principal", "groups and policies are not"],
        ),
        (json!({ "Principal": { "AWS": "ecs-tasks.amazonaws.com" } }), ["E policy-principal", "under `Service`"]),
        (
            json!({ "Principal": "ecs-tasks.amazonaws.com" }),
            ["E policy-principal", "write `Service: ecs-tasks.amazonaws.com`"],
        ),
        (json!({ "Principal": {} }), ["E policy-principal", "is empty"]),
        (json!({ "NotPrincipal": "*" }), ["E policy-principal", "both `Principal` and `NotPrincipal`"]),
    ] {
        only(DocKind::EcrRepository, &repository(&more), &parts);
    }
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let policy = json!({
        "Versoin": "2012-10-17",
        "Statement": [
            { "Effect": "allow", "Action": "PutImage", "Resource": "papyrus" },
            { "Effect": "Deny", "Action": "ecr:*", "Principal": "*" }
        ]
    });
    let found = lines(DocKind::Identity, &policy);
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(
        Document::parse(DocKind::Identity, policy).is_err_and(|problems| problems.len() == 7 && problems.is_sorted())
    );
}

#[test]
fn a_parsed_document_keeps_its_warnings() {
    let document = Document::parse(
        DocKind::Identity,
        json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }),
    );
    assert!(document.is_ok_and(|document| document.warnings().len() == 1 && document.kind() == DocKind::Identity));
}

/// Any JSON, made of words that mean something in a policy, so that deep places are reached.
fn anything() -> impl Strategy<Value = Value> {
    let words = [
        "Version",
        "Statement",
        "Effect",
        "Allow",
        "Action",
        "ecr:*",
        "Resource",
        "*",
        "Principal",
        "AWS",
        "Federated",
        "Service",
        "Condition",
        "StringLike",
        "token.actions.githubusercontent.com:sub",
        "repo:acme/*",
        "Sid",
        "<X>",
        "${a:b}",
        "é配",
        "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com",
        "",
    ];
    let word = proptest::sample::select(words.as_slice().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let leaf = prop_oneof![
        word.clone().prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_problem_of_any_document_has_a_place_that_exists(document in anything()) {
        for kind in [DocKind::Identity, DocKind::Trust, DocKind::EcrRepository] {
            for problem in structure(kind, &document).into_iter().chain(lint_trust(&document)) {
                let mut at = &document;
                for segment in &problem.pointer {
                    let next = match segment {
                        crate::iam::Segment::Key(key) => at.get(key),
                        crate::iam::Segment::Index(index) => at.get(index),
                    };
                    prop_assert!(next.is_some(), "{:?} is not in {}", problem, document);
                    at = next.unwrap_or(&Value::Null);
                }
            }
        }
    }
}
