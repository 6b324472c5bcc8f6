//! The trust policy that admits a repository's workflows.

use serde_json::{Map, Value, json};

use super::spec::GitHub;
use crate::iam::DocProblem;
use crate::names::AccountId;

/// The host of GitHub's provider of tokens.
pub const PROVIDER_HOST: &str = "token.actions.githubusercontent.com";

/// The audience that the official action asks for, outside of China.
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// The audience of tokens for a partition.
pub fn audience(partition: &str) -> &'static str {
    if partition == "aws-cn" { "sts.amazonaws.com.cn" } else { AUDIENCE }
}

/// The trust policy of a role that the workflows of a repository may assume: one statement that pins audience and subjects. Its size
/// is for the caller to check ([`crate::iam::SizeLimit::Trust`]).
///
/// `provider_host` is the provider's URL without `https://`: [`PROVIDER_HOST`], with a path for an enterprise's own issuer.
///
/// # Errors
///
/// What [`GitHub::check`] finds, when an error is among it.
pub fn trust_policy(
    github: &GitHub,
    partition: &str,
    account: &AccountId,
    provider_host: &str,
) -> Result<Value, Vec<DocProblem>> {
    let problems = github.check();
    if problems.iter().any(DocProblem::is_error) {
        return Err(problems);
    }
    let subjects = github.token_subjects();
    // Keys under several operators must all match, so one pattern takes all subjects with it under StringLike.
    let pattern = subjects.iter().any(|subject| subject.contains(['*', '?']));
    let subjects = match subjects.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    let (aud, sub) = (format!("{provider_host}:aud"), format!("{provider_host}:sub"));
    let mut equals = Map::new();
    equals.insert(aud, json!(audience(partition)));
    let mut condition = Map::new();
    if pattern {
        condition.insert("StringEquals".to_owned(), Value::Object(equals));
        condition.insert("StringLike".to_owned(), json!({ sub: subjects }));
    } else {
        equals.insert(sub, subjects);
        condition.insert("StringEquals".to_owned(), Value::Object(equals));
    }
    Ok(json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:{partition}:iam::{account}:oidc-provider/{provider_host}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition
        }]
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{PROVIDER_HOST, trust_policy};
    use crate::github::GitHub;
    use crate::iam::{DocKind, SizeLimit, document, size};
    use crate::names::AccountId;

    fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    fn policy(github: Value) -> Value {
        let github: GitHub = serde_json::from_value(github).unwrap();
        trust_policy(&github, "aws", &account(), PROVIDER_HOST).unwrap()
    }

    #[test]
    fn one_branch_is_compared_letter_by_letter() {
        assert_eq!(
            policy(json!({ "repository": "acme/papyrus", "branches": ["main"] })),
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" },
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {
                            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                            "token.actions.githubusercontent.com:sub": "repo:acme/papyrus:ref:refs/heads/main"
                        }
                    }
                }]
            })
        );
    }

    #[test]
    fn one_pattern_takes_all_subjects_under_string_like() {
        let policy = policy(json!({ "repository": "acme/papyrus", "branches": ["main"], "tags": ["v*.*.*"] }));
        assert_eq!(
            policy["Statement"][0]["Condition"],
            json!({
                "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" },
                "StringLike": {
                    "token.actions.githubusercontent.com:sub": [
                        "repo:acme/papyrus:ref:refs/heads/main",
                        "repo:acme/papyrus:ref:refs/tags/v*.*.*"
                    ]
                }
            })
        );
    }

    #[test]
    fn china_has_its_own_partition_and_audience() {
        let github: GitHub =
            serde_json::from_value(json!({ "repository": "acme/papyrus", "branches": ["main"] })).unwrap();
        let policy = trust_policy(&github, "aws-cn", &account(), "token.actions.githubusercontent.com/acme").unwrap();
        let statement = &policy["Statement"][0];
        assert_eq!(
            statement["Principal"]["Federated"],
            "arn:aws-cn:iam::123456789012:oidc-provider/token.actions.githubusercontent.com/acme"
        );
        let equals = &statement["Condition"]["StringEquals"];
        assert_eq!(equals["token.actions.githubusercontent.com/acme:aud"], "sts.amazonaws.com.cn");
        assert_eq!(document::check(DocKind::Trust, &policy), []);
    }

    #[test]
    fn a_block_that_selects_nothing_gives_no_policy() {
        let github: GitHub = serde_json::from_value(json!({ "repository": "acme/papyrus" })).unwrap();
        let problems = trust_policy(&github, "aws", &account(), PROVIDER_HOST).unwrap_err();
        assert!(problems.iter().any(|p| p.code == "github-nothing-selected"), "{problems:?}");
    }

    proptest! {
        #[test]
        fn what_is_generated_passes_the_lint(
            owner in "[a-zA-Z0-9][a-zA-Z0-9-]{0,9}",
            name in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,9}[a-z]",
            ids in proptest::option::of((1_u64.., 1_u64..)),
            branches in proptest::collection::vec("[a-z]{1,6}(/[a-z0-9*]{1,6})?", 0..3),
            tags in proptest::collection::vec("v[0-9*]{1,3}", 0..3),
            environments in proptest::collection::vec("[a-z][a-z :]{0,6}[a-z]", 0..3),
            pull_requests: bool,
        ) {
            let block = json!({
                "repository": format!("{owner}/{name}"),
                "owner_id": ids.map(|ids| ids.0),
                "repository_id": ids.map(|ids| ids.1),
                "branches": branches, "tags": tags, "environments": environments, "pull_requests": pull_requests,
            });
            let github: GitHub = serde_json::from_value(block).unwrap();
            let Ok(policy) = trust_policy(&github, "aws", &account(), PROVIDER_HOST) else {
                prop_assert!(github.check().iter().any(crate::iam::DocProblem::is_error));
                return Ok(());
            };
            let errors: Vec<_> = document::check(DocKind::Trust, &policy).into_iter().filter(|p| p.is_error()).collect();
            prop_assert_eq!(errors, []);
            prop_assert!(size::check(SizeLimit::Trust, [&policy]).is_none_or(|p| p.code == "policy-size"));
        }
    }
}
