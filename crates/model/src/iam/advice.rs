//! What IAM accepts in a policy, but what does not do what its author meant: all of it warnings.

use serde_json::Value;

use super::document::{DocKind, DocProblem};
use super::walk::{Statement, statements, texts};
use crate::names::AccountId;

/// Actions that cannot be limited to resources. A statement that tries allows nothing. Source: service authorization reference.
const ONLY_ALL: [&str; 21] = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScheduledActions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:DescribeRegistry",
    "ecr:GetAuthorizationToken",
    "ecr:GetRegistryScanningConfiguration",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListAccountSettings",
    "ecs:ListClusters",
    "ecs:ListServices",
    "ecs:ListTaskDefinitionFamilies",
    "ecs:ListTaskDefinitions",
    "ecs:PutAccountSetting",
    "iam:ListOpenIDConnectProviders",
    "iam:ListPolicies",
    "iam:ListRoles",
    "logs:DescribeLogGroups",
];

/// Whether an action can only be allowed on all resources.
pub fn only_all(action: &str) -> bool {
    ONLY_ALL.iter().any(|known| known.eq_ignore_ascii_case(action))
}

/// Reports what a document says but AWS does not do. `account` is the stack's own, where it is known.
pub fn check(kind: DocKind, document: &Value, account: Option<&AccountId>) -> Vec<DocProblem> {
    let mut found = Vec::new();
    for statement in statements(document) {
        if kind == DocKind::Identity {
            not_on_all(&statement, &mut found);
        }
        if let Some(account) = account {
            other_account(kind, &statement, account, &mut found);
        }
    }
    found
}

fn not_on_all(statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    let resources = statement.texts("Resource");
    let limited = !resources.is_empty() && resources.iter().all(|(_, text)| *text != "*");
    if !limited || statement.text("Effect") != Some("Allow") {
        return;
    }
    for (at, action) in statement.texts("Action") {
        if only_all(action) {
            found.push(
                DocProblem::warning(
                    &at,
                    "policy-only-all",
                    format!("`{action}` cannot be limited to resources, so this statement does not allow it"),
                )
                .help("move it to a statement of its own with `Resource: \"*\"`"),
            );
        }
    }
}

/// An account number copied from elsewhere. Resources of other accounts can be meant, but seldom are.
fn other_account(kind: DocKind, statement: &Statement<'_>, own: &AccountId, found: &mut Vec<DocProblem>) {
    let named = match kind {
        DocKind::Identity => statement.texts("Resource"),
        // A role can only be assumed through a provider of its own account.
        DocKind::Trust => statement
            .get("Principal")
            .and_then(|principal| principal.get("Federated"))
            .map(|value| texts(&[statement.at("Principal"), vec!["Federated".into()]].concat(), value))
            .unwrap_or_default(),
        DocKind::EcrRepository => Vec::new(),
    };
    for (at, text) in named {
        let account = text.split(':').nth(4).filter(|_| text.starts_with("arn:")).unwrap_or_default();
        let complete = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if complete && account != own.as_str() {
            found.push(
                DocProblem::warning(
                    &at,
                    "policy-account",
                    format!("this names the account {account}, but the stack is for the account {own}"),
                )
                .help("write `${account}`, which stands for the stack's own account, unless the other one is meant"),
            );
        }
    }
}

/// Whether documents let someone register task definitions without letting them hand over the roles of the task, which ECS demands
/// for it. The place is that of the action.
pub fn lacks_pass_role<'a>(documents: impl IntoIterator<Item = &'a Value> + Clone) -> bool {
    let allows = |wanted: &str| {
        documents.clone().into_iter().any(|document| {
            statements(document).iter().any(|statement| {
                statement.text("Effect") == Some("Allow")
                    && (statement.get("NotAction").is_some()
                        || statement.texts("Action").iter().any(|(_, action)| covers(action, wanted)))
            })
        })
    };
    allows("ecs:RegisterTaskDefinition") && !allows("iam:PassRole")
}

/// Whether an action of a policy, which may end in `*`, means `wanted`.
fn covers(action: &str, wanted: &str) -> bool {
    let (action, wanted) = (action.to_ascii_lowercase(), wanted.to_ascii_lowercase());
    match action.split_once('*') {
        Some((start, _)) => wanted.starts_with(start),
        None => action == wanted,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde_json::json;

    use super::*;

    fn codes(kind: DocKind, statement: &Value) -> Vec<&'static str> {
        let account = "123456789012".parse().unwrap();
        check(kind, &json!({ "Statement": [statement] }), Some(&account)).iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn actions_without_resources_need_all() {
        let limited = |resource: Value| json!({ "Effect": "Allow", "Action": ["ecs:DescribeTaskDefinition", "ecs:UpdateService"], "Resource": resource });
        assert_eq!(
            codes(DocKind::Identity, &limited(json!("arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus*"))),
            ["policy-only-all"]
        );
        assert!(codes(DocKind::Identity, &limited(json!("*"))).is_empty());
        assert!(
            codes(DocKind::Identity, &limited(json!(["arn:aws:ecs:us-west-2:123456789012:service/a/b", "*"])))
                .is_empty()
        );
    }

    #[test]
    fn only_whole_numbers_of_other_accounts_are_reported() {
        let on = |resource: &str| json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": resource });
        assert_eq!(
            codes(DocKind::Identity, &on("arn:aws:ecs:us-west-2:000123456789:cluster/papyrus")),
            ["policy-account"]
        );
        for fine in [
            "arn:aws:ecs:us-west-2:123456789012:cluster/papyrus",
            "arn:aws:s3:::scrolls/*",
            "arn:aws:ecs:*:*:cluster/*",
            "*",
        ] {
            assert!(codes(DocKind::Identity, &on(fine)).is_empty(), "{fine}");
        }
        let trust = json!({ "Effect": "Allow", "Principal": { "Federated": ["arn:aws:iam::000123456789:oidc-provider/x"], "AWS": "arn:aws:iam::000123456789:root" } });
        assert_eq!(codes(DocKind::Trust, &trust), ["policy-account"]);
    }

    #[test]
    fn registering_needs_pass_role() {
        let policy = |actions: Value| json!({ "Statement": { "Effect": "Allow", "Action": actions, "Resource": "*" } });
        assert!(lacks_pass_role(&[policy(json!(["ecs:RegisterTaskDefinition", "ecs:UpdateService"]))]));
        assert!(!lacks_pass_role(&[policy(json!("ecs:RegisterTaskDefinition")), policy(json!("iam:Pass*"))]));
        assert!(!lacks_pass_role(&[policy(json!("ecs:UpdateService"))]));
        assert!(!lacks_pass_role(&[policy(json!("*"))]));
    }
}
