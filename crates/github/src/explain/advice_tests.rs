#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_model::github::SubjectFormat;
use serde_json::{Value, json};

use super::super::{Denial, Outcome, explain};
use super::*;

const HOST: &str = "token.actions.githubusercontent.com";

fn presented(claims: &[(&str, &str)]) -> Presented {
    let mut all: BTreeMap<String, String> = [("aud", "sts.amazonaws.com"), ("event_name", "push")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    all.extend(claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Presented { format: SubjectFormat::Classic, claims: all, unknown: BTreeMap::new() }
}

fn trust(condition: Value) -> Trust {
    Trust {
        role_arn: "arn:aws:iam::123456789012:role/papyrus-deploy".to_owned(),
        from_block: true,
        document: json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Federated": format!("arn:aws:iam::123456789012:oidc-provider/{HOST}") },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition
            }]
        }),
    }
}

fn on_sub(operator: &str, expected: Value) -> Trust {
    trust(json!({
        "StringEquals": { format!("{HOST}:aud"): "sts.amazonaws.com" },
        operator: { format!("{HOST}:sub"): expected },
    }))
}

#[track_caller]
fn denial(trust: &Trust, presented: &Presented) -> Denial {
    match explain(trust, presented) {
        Outcome::Denied(denial) => *denial,
        other => panic!("{other:?}"),
    }
}

/// The first cause and its advice.
#[track_caller]
fn first(expected: Value, sub: &str) -> (Change, String) {
    let denial = denial(&on_sub("StringLike", expected), &presented(&[("sub", sub)]));
    let Some(fix) = denial.fixes.first() else { panic!("{denial:?}") };
    (fix.change, format!("{} {}", fix.cause, fix.advice))
}

#[test]
fn each_cause_is_named() {
    let main = "repo:acme/papyrus:ref:refs/heads/main";
    for (expected, sub, change, text) in [
        (main, "repo:acme/papyrus:ref:refs/heads/mian", Change::Branches, "add `mian` to `branches`"),
        (main, "repo:acme/papyrus:ref:refs/tags/v1.0.0", Change::Tags, "add `v1.0.0` to `tags`"),
        ("repo:acme/papyrus:ref:refs/tags/main", main, Change::Branches, "is a branch here"),
        (main, "repo:acme/papyrus:ref:refs/tags/main", Change::Tags, "is a tag here"),
        (main, "repo:acme/papyrus:environment:live", Change::Environments, "in place of its branch"),
        ("repo:acme/papyrus:environment:live", main, Change::Workflow, "give the job `environment: live`"),
        (
            "repo:acme/papyrus:environment:live",
            "repo:acme/papyrus:environment:test",
            Change::Environments,
            "add `test`",
        ),
        (main, "repo:acme/papyrus:pull_request", Change::PullRequests, "presents `pull_request`"),
        (main, "repo:acme@1/papyrus@2:ref:refs/heads/main", Change::Ids, "`owner_id: 1` and `repository_id: 2`"),
        ("repo:acme@1/papyrus@2:ref:refs/heads/main", main, Change::Format, "`subject_format: both`"),
        (
            "repo:acme@1/papyrus@2:ref:refs/heads/main",
            "repo:acme@1/papyrus@3:ref:refs/heads/main",
            Change::Ids,
            "numbers do not",
        ),
        ("repo:Acme/papyrus:ref:refs/heads/main", main, Change::Repository, "case of letters"),
        ("repo:Acme/papyrus:pull_request", main, Change::Repository, "case of letters"),
        (main, "repo:mallory/papyrus:ref:refs/heads/main", Change::Repository, "a fork"),
        (main, "repo:acme/scroll:ref:refs/heads/main", Change::Repository, "was renamed"),
        (main, "repo:other/scroll:ref:refs/heads/main", Change::Repository, "another repository"),
        ("repo:acme/papyrus:ref:refs/heads/main ", main, Change::Policy, "a space"),
        (main, "repository_owner:acme:ref:x", Change::Elsewhere, "customised"),
        ("acme/papyrus", main, Change::Policy, "no subject of GitHub"),
        (main, "repo:acme/papyrus:ref:refs/heads/main:job_workflow_ref:x", Change::Branches, "not among"),
    ] {
        let (found, said) = first(json!(expected), sub);
        assert!(found == change && said.contains(text), "{expected} {sub}: {found:?} {said}");
    }
}

#[test]
fn a_pattern_under_string_equals() {
    let trust = on_sub("StringEquals", json!("repo:acme/papyrus:*"));
    let denial = denial(&trust, &presented(&[("sub", "repo:acme/papyrus:ref:refs/heads/main")]));
    assert!(denial.fixes[0].advice.contains("under StringLike"), "{denial:?}");
}

#[test]
fn the_nearest_of_several_is_pointed_at() {
    let expected = json!(["repo:acme/papyrus:ref:refs/tags/v*", "repo:acme/papyrus:ref:refs/heads/main"]);
    let denial =
        denial(&on_sub("StringLike", expected), &presented(&[("sub", "repo:acme/papyrus:ref:refs/heads/dev")]));
    let pointer: Vec<String> = denial.pointer.iter().map(ToString::to_string).collect();
    assert_eq!(pointer, ["Statement", "0", "Condition", "StringLike", &format!("{HOST}:sub"), "1"]);
    assert_eq!(denial.closest.map(|closest| closest.difference.presented_at), Some(33));
    assert_eq!(denial.message, "the subject (sub) does not match");
}

#[test]
fn a_policy_written_by_hand_has_no_lists_of_branches() {
    let mut trust = on_sub("StringLike", json!("repo:acme/papyrus:ref:refs/heads/main"));
    trust.from_block = false;
    for (sub, text) in [
        ("repo:acme/papyrus:ref:refs/heads/dev", "add `repo:acme/papyrus:ref:refs/heads/dev` to the values of"),
        ("repo:acme@1/papyrus@2:ref:refs/heads/main", "`trust: { github: {} }` computes both forms"),
        ("repo:acme/papyrus:pull_request", "has `repo:acme/papyrus:pull_request`"),
    ] {
        let denial = denial(&trust, &presented(&[("sub", sub)]));
        assert!(denial.fixes[0].advice.contains(text), "{denial:?}");
    }
}

#[test]
fn audiences() {
    for (expected, aud, change, text) in [
        ("sts.amazon.com", "sts.amazonaws.com", Change::Policy, "write `sts.amazonaws.com`"),
        ("sts.amazonaws.com", "https://github.com/acme", Change::Workflow, "without an audience"),
        ("sts.amazonaws.com", "sts.amazon.com", Change::Workflow, "remove `audience:`"),
    ] {
        let trust = trust(json!({ "StringEquals": { format!("{HOST}:aud"): expected } }));
        let denial = denial(&trust, &presented(&[("aud", aud)]));
        let fix = &denial.fixes[0];
        let said = format!("{} {}", fix.cause, fix.advice);
        assert!(fix.change == change && said.contains(text), "{said}");
    }
}

#[test]
fn claims_that_are_not_there() {
    let found = |key: &str| {
        let trust = trust(json!({ "StringEquals": { key: "x" } }));
        denial(&trust, &presented(&[("sub", "repo:acme/papyrus:pull_request")])).fixes[0].clone()
    };
    assert!(found(&format!("{HOST}:event_name")).cause.contains("STS does not compare"));
    assert_eq!(found(&format!("{HOST}:environment")).change, Change::Workflow);
    assert!(found("token.actions.githubusercontent.co:sub").cause.contains("not a key of the provider"));
}

#[test]
fn another_accounts_provider_and_another_provider() {
    let mut trust = on_sub("StringLike", json!("repo:acme/papyrus:*"));
    let token = presented(&[("sub", "repo:acme/papyrus:pull_request")]);
    trust.document["Statement"][0]["Principal"]["Federated"] =
        json!(format!("arn:aws:iam::210987654321:oidc-provider/{HOST}"));
    let other = denial(&trust, &token);
    assert!(
        other.fixes[0].cause.contains("provider of the account 210987654321, but the role is in 123456789012"),
        "{other:?}"
    );
    trust.document["Statement"][0]["Principal"] = json!({ "Service": "ecs-tasks.amazonaws.com" });
    let service = denial(&trust, &token);
    assert_eq!(service.message, "the policy trusts another provider");
}

#[test]
fn what_only_a_run_can_tell_is_no_refusal() {
    let mut token = presented(&[("sub", "repo:acme/papyrus:pull_request")]);
    token.unknown.insert("actor".into(), "who starts the run".into());
    let mut condition = json!({ "StringEquals": { format!("{HOST}:actor"): "hana" } });
    assert!(matches!(explain(&trust(condition.clone()), &token), Outcome::Unknown { claim, .. } if claim == "actor"));
    // What is known to fail fails all the same.
    condition["StringEquals"][format!("{HOST}:aud")] = json!("other");
    assert_eq!(denial(&trust(condition), &token).key.as_deref(), Some(&*format!("{HOST}:aud")));
}

#[test]
fn allowed_by_its_statement_and_denied_by_another() {
    let mut trust = on_sub("StringLike", json!("repo:acme/papyrus:*"));
    let token = presented(&[("sub", "repo:acme/papyrus:ref:refs/heads/main")]);
    assert_eq!(explain(&trust, &token), Outcome::Allowed { statement: 0, sid: None });
    let mut deny = trust.document["Statement"][0].clone();
    deny["Effect"] = json!("Deny");
    let single = trust.document["Statement"][0].clone();
    trust.document["Statement"] = json!([single, deny]);
    let denial = denial(&trust, &token);
    assert_eq!((denial.statement, denial.message.as_str()), (Some(1), "statement 2 denies it, whatever others allow"));
    trust.document["Statement"] = json!([]);
    assert!(!matches!(explain(&trust, &token), Outcome::Allowed { .. }));
    trust.document = json!("x");
    assert!(matches!(explain(&trust, &token), Outcome::Unreadable(_)));
}
