use serde_json::{Value, json};

use super::lint_trust;
use crate::iam::{DocKind, Severity, document};

const AUD: &str = "token.actions.githubusercontent.com:aud";
const SUB: &str = "token.actions.githubusercontent.com:sub";
const ARN: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

fn github(condition: Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": ARN },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition
        }]
    })
}

fn good() -> Value {
    github(
        json!({ "StringEquals": { AUD: "sts.amazonaws.com" }, "StringLike": { SUB: ["repo:acme/papyrus:ref:refs/heads/main"] } }),
    )
}

fn service(name: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": name }, "Action": "sts:AssumeRole" }]
    })
}

/// One line for each problem: how bad, where, what.
fn said(document: &Value) -> Vec<String> {
    let line = |p: crate::iam::DocProblem| {
        let place: Vec<String> = p.pointer.iter().map(ToString::to_string).collect();
        let kind = if p.severity == Severity::Error { "E" } else { "W" };
        format!("{kind} {} {}: {} | {}", p.code, place.join("/"), p.message, p.help.unwrap_or_default())
    };
    document::check(DocKind::Trust, document).into_iter().map(line).collect()
}

fn only(document: &Value, parts: &[&str]) {
    let said = said(document);
    assert!(said.len() == 1, "{document:#}\n{said:#?}");
    for part in parts {
        assert!(said[0].contains(part), "expected {part} in {}", said[0]);
    }
}

#[test]
fn the_usual_policies_pass() {
    let immutable = "repo:acme@1/papyrus@2:environment:production";
    for policy in [
        good(),
        github(json!({ "StringEquals": { AUD: "sts.amazonaws.com", SUB: immutable } })),
        github(json!({ "StringEquals": { AUD: ["sts.amazonaws.com"] }, "StringEqualsIgnoreCase": { SUB: immutable } })),
        github(json!({ "StringEquals": {
            AUD: "sts.amazonaws.com",
            "token.actions.githubusercontent.com:job_workflow_ref": "acme/papyrus/.github/workflows/deploy.yml@refs/heads/main"
        } })),
        service("ecs-tasks.amazonaws.com"),
    ] {
        assert_eq!(said(&policy), Vec::<String>::new());
    }
}

#[test]
fn the_audience_is_pinned_exactly() {
    let sub = json!({ SUB: "repo:acme/papyrus:pull_request" });
    let with = |operator: &str, value: &str| {
        let mut condition = json!({ "StringLike": sub });
        condition[operator][AUD] = json!(value);
        github(condition)
    };
    only(
        &with("StringEquals", "sts.amazon.com"),
        &["E github-audience", "/StringEquals/", "did you mean `sts.amazonaws.com`?"],
    );
    only(&with("StringEquals", "https://github.com/acme"), &["which the official action asks for"]);
    only(&with("StringLike", "sts.amazonaws.com"), &["`StringLike` does not pin the audience"]);
    only(&with("StringEqualsIfExists", "sts.amazonaws.com"), &["does not pin the audience"]);
    only(
        &github(json!({ "StringLike": sub })),
        &["E github-audience Statement/0/Condition:", "nothing pins the audience"],
    );
    let mistyped = github(
        json!({ "StringLike": sub, "StringEquals": { "token.actions.githubusercontent.com:audience": "sts.amazonaws.com" } }),
    );
    only(&mistyped, &[":audience` is not a condition key", "did you mean `token.actions.githubusercontent.com:aud`?"]);
}

#[test]
fn every_element_of_the_subject_is_checked() {
    let with = |subjects: Value| {
        github(json!({ "StringEquals": { AUD: "sts.amazonaws.com" }, "StringLike": { SUB: subjects } }))
    };
    let fine = "repo:acme/papyrus:ref:refs/heads/main";
    only(&with(json!([fine, "*"])), &["E github-subject-open", "/1:", "every repository on GitHub"]);
    only(&with(json!([fine, "repo:*"])), &["E github-subject-open", "/1:"]);
    only(&with(json!([fine, fine, "repo:acme*/papyrus:pull_request"])), &["E github-subject-open", "/2:"]);
    only(&with(json!(["repo:acme/*", fine])), &["W github-subject-wide", "/0:"]);
    only(&with(json!("repo:*/*")), &["E github-subject-open"]);
    only(&with(json!("repo:acme/papyrus:heads/main")), &["did you mean `repo:acme/papyrus:ref:refs/heads/main`?"]);
}

#[test]
fn a_policy_without_a_subject_is_refused() {
    let aud = json!({ AUD: "sts.amazonaws.com" });
    only(&github(json!({ "StringEquals": aud })), &["E github-subject-missing Statement/0/Condition:"]);
    let negative = github(json!({ "StringEquals": aud, "StringNotLike": { SUB: "repo:mallory/*" } }));
    only(&negative, &["E github-subject-missing"]);
    let mistyped = github(
        json!({ "StringEquals": aud, "StringLike": { "token.action.githubusercontent.com:sub": "repo:acme/papyrus:pull_request" } }),
    );
    only(&mistyped, &["E github-subject-missing", "did you mean `token.actions.githubusercontent.com:sub`?"]);
    let optional =
        github(json!({ "StringEquals": aud, "StringLikeIfExists": { SUB: "repo:acme/papyrus:pull_request" } }));
    only(&optional, &["E github-subject ", "write `StringLike`"]);
    let mut none = good();
    none["Statement"][0].as_object_mut().map(|statement| statement.remove("Condition"));
    let both = said(&none);
    assert!(
        both.len() == 2 && both[0].contains("github-audience") && both[1].contains("github-subject-missing"),
        "{both:#?}"
    );
}

#[test]
fn for_all_values_is_refused() {
    let policy = github(
        json!({ "StringEquals": { AUD: "sts.amazonaws.com" }, "ForAllValues:StringLike": { SUB: "repo:acme/papyrus:pull_request" } }),
    );
    only(&policy, &["E github-for-all-values", "true for a token without", "write `StringLike`"]);
}

#[test]
fn a_literal_wildcard_is_explained() {
    let policy = github(json!({ "StringEquals": { AUD: "sts.amazonaws.com", SUB: "repo:acme/papyrus:*" } }));
    only(&policy, &["E github-literal-wildcard", "move it under `StringLike`"]);
}

#[test]
fn two_operators_on_the_subject_are_a_warning() {
    let policy = github(json!({
        "StringEquals": { AUD: "sts.amazonaws.com", SUB: "repo:acme/papyrus:ref:refs/heads/main" },
        "StringLike": { SUB: "repo:acme/papyrus:ref:refs/tags/v*" }
    }));
    only(&policy, &["W github-subject-twice", "must pass both"]);
}

#[test]
fn the_provider_is_named_by_its_arn() {
    let with = |arn: &str| {
        let mut policy = good();
        policy["Statement"][0]["Principal"]["Federated"] = json!(arn);
        policy
    };
    only(&with("token.actions.githubusercontent.com"), &["E policy-federated", "write the provider's ARN"]);
    only(
        &with("arn:aws:iam::123456789012:oidc-provider/https://token.actions.githubusercontent.com"),
        &["leave out `https://`"],
    );
    only(&with("arn:aws:iam::12:oidc-provider/token.actions.githubusercontent.com"), &["`12` is not an account id"]);
    only(
        &with("arn:aws:iam::123456789012:oidc-provider/token.action.githubusercontent.com"),
        &[
            "E github-provider",
            "did you mean `arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com`?",
        ],
    );
}

#[test]
fn other_providers_are_left_alone() {
    let mut policy = good();
    policy["Statement"][0]["Principal"]["Federated"] =
        json!("arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC");
    policy["Statement"][0]["Condition"] =
        json!({ "StringEquals": { "oidc.eks.us-west-2.amazonaws.com/id/ABC:aud": "x" } });
    assert_eq!(lint_trust(&policy), []);
}

#[test]
fn actions_fit_the_principal() {
    let mut policy = good();
    policy["Statement"][0]["Action"] = json!("sts:AssumeRole");
    only(&policy, &["E trust-action Statement/0/Action:", "write `Action: sts:AssumeRoleWithWebIdentity`"]);
    policy["Statement"][0]["Action"] = json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]);
    assert_eq!(said(&policy), Vec::<String>::new());
    let mut tasks = service("ecs-tasks.amazonaws.com");
    tasks["Statement"][0]["Action"] = json!("sts:AssumeRoles");
    let lines = said(&tasks);
    assert!(lines.iter().any(|line| line.contains("did you mean `sts:AssumeRole`?")), "{lines:#?}");
    tasks["Statement"][0]["Action"] = json!(["sts:AssumeRole", "s3:GetObject"]);
    only(&tasks, &["`s3:GetObject` is not an action of a trust policy"]);
}

#[test]
fn services_are_spelled_right() {
    only(&service("ecs-task.amazonaws.com"), &["E policy-service", "did you mean `ecs-tasks.amazonaws.com`?"]);
    only(&service("ecs-tasks.amazon.com"), &["E policy-service", "did you mean `ecs-tasks.amazonaws.com`?"]);
}

#[test]
fn nobody_lets_in_the_whole_world() {
    for principal in [json!("*"), json!({ "AWS": "*" })] {
        let mut policy = service("ecs-tasks.amazonaws.com");
        policy["Statement"][0]["Principal"] = principal;
        only(&policy, &["E trust-everyone"]);
        policy["Statement"][0]["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } });
        assert_eq!(said(&policy), Vec::<String>::new());
    }
    let mut policy = service("x");
    policy["Statement"][0] =
        json!({ "Effect": "Allow", "NotPrincipal": { "AWS": "123456789012" }, "Action": "sts:AssumeRole" });
    only(&policy, &["lets in everyone else"]);
}

#[test]
fn a_denial_may_be_as_broad_as_it_likes() {
    let mut policy = good();
    let denial = json!({
        "Effect": "Deny", "Principal": { "Federated": ARN }, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringLike": { SUB: "*" } }
    });
    if let Some(list) = policy["Statement"].as_array_mut() {
        list.push(denial);
    }
    assert_eq!(said(&policy), Vec::<String>::new());
}

#[test]
fn a_copied_example_only_complains_about_its_placeholders() {
    let mut policy = github(json!({
        "StringEquals": { AUD: "sts.amazonaws.com" },
        "StringLike": { SUB: ["repo:<ORG>/<REPO_NAME>:ref:refs/heads/main", "repo:<ORG>/<REPO_NAME>:ref:refs/tags/v*.*.*"] }
    }));
    policy["Statement"][0]["Principal"]["Federated"] =
        json!("arn:aws:iam::<ACCOUNT_ID>:oidc-provider/token.actions.githubusercontent.com");
    let lines = said(&policy);
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains("policy-placeholder")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("12-digit account id")), "{lines:#?}");
}

#[test]
fn a_single_statement_without_a_list_is_checked_too() {
    let mut policy =
        github(json!({ "StringEquals": { AUD: "sts.amazon.com", SUB: "repo:acme/papyrus:pull_request" } }));
    policy["Statement"] = policy["Statement"][0].clone();
    only(&policy, &["E github-audience Statement/Condition/StringEquals/"]);
}
