//! Who a trust policy lets in.
//!
//! AWS checks the first value of the condition on a GitHub subject and accepts `repo:*` there (observed in August 2026); this lint
//! checks every value.

use serde_json::Value;

use super::condition::{Operator, Quantifier};
use super::document::{DocProblem, Segment};
use super::text::placeholder;
use super::walk::{ConditionEntry, Statement, below, conditions, statements, texts};
use crate::diag::{all_nearest, did_you_mean};
use crate::github::{Matching, PROVIDER_HOST, audience, check_subject, check_workflow_ref};

/// The actions of a trust policy (IAM user guide, "AWS STS actions and condition keys").
const ACTIONS: [&str; 6] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";

/// Everything in a trust policy that lets in strangers, or nobody.
pub fn lint_trust(document: &Value) -> Vec<DocProblem> {
    let mut found = Vec::new();
    for statement in statements(document) {
        check_action_names(&statement, &mut found);
        if statement.text("Effect").is_some_and(|effect| effect.eq_ignore_ascii_case("Deny")) {
            continue;
        }
        check_actions_fit(&statement, &mut found);
        check_everyone(&statement, &mut found);
        for provider in github_providers(&statement) {
            check_github(&statement, &provider, &mut found);
        }
    }
    found.dedup();
    found
}

fn principals<'a>(statement: &Statement<'a>, kind: &str) -> Vec<(Vec<Segment>, &'a str)> {
    let Some(types) = statement.get("Principal").and_then(Value::as_object) else { return Vec::new() };
    types.get(kind).map(|value| texts(&below(&statement.at("Principal"), kind), value)).unwrap_or_default()
}

fn check_action_names(statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    for (at, action) in statement.texts("Action") {
        let wild = action.contains(['*', '?']);
        let known = ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action));
        if known || wild && matches_any(action) || !action.contains(':') || placeholder(action).is_some() {
            continue;
        }
        let help = did_you_mean(action, ACTIONS).unwrap_or_else(|| format!("allowed: {}", ACTIONS.join(", ")));
        found.push(
            DocProblem::error(&at, "trust-action", format!("`{action}` is not an action of a trust policy")).help(help),
        );
    }
}

/// Whether a pattern matches one of [`ACTIONS`]. Only what stands before its first wildcard is compared.
fn matches_any(pattern: &str) -> bool {
    let start = pattern.split(['*', '?']).next().unwrap_or_default().to_lowercase();
    ACTIONS.iter().any(|action| action.to_lowercase().starts_with(&start))
}

fn grants(statement: &Statement<'_>, action: &str) -> bool {
    let wanted = action.to_lowercase();
    statement.get("NotAction").is_some()
        || statement.texts("Action").iter().any(|(_, text)| {
            let text = text.to_lowercase();
            text == wanted || text.split_once(['*', '?']).is_some_and(|(start, _)| wanted.starts_with(start))
        })
}

/// Reports a kind of principal that the statement's actions can do nothing for.
fn check_actions_fit(statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    if statement.get("Action").is_none() {
        return;
    }
    let oidc = |arn: &str| !arn.contains(":saml-provider/");
    let federated = principals(statement, "Federated");
    let needs = [
        (federated.iter().any(|(_, arn)| oidc(arn)), WEB_IDENTITY, "an identity provider for OpenID Connect"),
        (federated.iter().any(|(_, arn)| !oidc(arn)), "sts:AssumeRoleWithSAML", "an identity provider for SAML"),
        (!principals(statement, "Service").is_empty(), "sts:AssumeRole", "a service"),
        (!principals(statement, "AWS").is_empty(), "sts:AssumeRole", "an account, role or user"),
    ];
    for (present, action, who) in needs {
        if present && !grants(statement, action) {
            found.push(
                DocProblem::error(
                    &statement.at("Action"),
                    "trust-action",
                    format!("{who} assumes a role by `{action}`, which the statement does not allow"),
                )
                .help(format!("write `Action: {action}`")),
            );
        }
    }
}

/// Reports a statement without a condition whose principal is everyone.
fn check_everyone(statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    if statement.get("NotPrincipal").is_some() {
        found.push(
            DocProblem::error(
                &statement.at("NotPrincipal"),
                "trust-everyone",
                "with `Allow`, `NotPrincipal` lets in everyone else in the world",
            )
            .help("name those who may assume the role under `Principal`"),
        );
    }
    let narrowed = statement.get("Condition").and_then(Value::as_object).is_some_and(|condition| !condition.is_empty());
    if narrowed {
        return;
    }
    let mut places: Vec<Vec<Segment>> =
        principals(statement, "AWS").into_iter().filter(|(_, who)| *who == "*").map(|(at, _)| at).collect();
    if statement.text("Principal") == Some("*") {
        places.push(statement.at("Principal"));
    }
    for at in places {
        found.push(
            DocProblem::error(&at, "trust-everyone", "every AWS account in the world may assume this role")
                .help("name the accounts or roles that may, or narrow it by a condition such as `aws:PrincipalOrgID`"),
        );
    }
}

/// A GitHub provider among a statement's principals.
struct Provider<'a> {
    partition: &'a str,
    /// The prefix of its condition keys.
    host: &'a str,
}

/// The GitHub providers of a statement, also those whose host is mistyped or that run on an own server.
fn github_providers<'a>(statement: &Statement<'a>) -> Vec<Provider<'a>> {
    let federated = principals(statement, "Federated");
    federated.into_iter().filter_map(|(_, arn)| provider(arn)).collect()
}

fn provider(arn: &str) -> Option<Provider<'_>> {
    let (before, host) = arn.split_once("oidc-provider/").unwrap_or(("", arn));
    let host = host.strip_prefix("https://").unwrap_or(host);
    let name = host.split('/').next().unwrap_or_default();
    let github = name.eq_ignore_ascii_case(PROVIDER_HOST)
        || !all_nearest(name, [PROVIDER_HOST]).is_empty()
        || host.ends_with("/_services/token");
    github.then(|| Provider { partition: before.split(':').nth(1).unwrap_or("aws"), host })
}

fn check_github(statement: &Statement<'_>, provider: &Provider<'_>, found: &mut Vec<DocProblem>) {
    let name = provider.host.split('/').next().unwrap_or_default();
    if !name.eq_ignore_ascii_case(PROVIDER_HOST) && !provider.host.ends_with("/_services/token") {
        for (at, arn) in principals(statement, "Federated").into_iter().filter(|(_, arn)| arn.contains(name)) {
            found.push(
                DocProblem::error(&at, "github-provider", format!("`{arn}` is not GitHub's provider"))
                    .help(format!("did you mean `{}`?", arn.replace(name, PROVIDER_HOST))),
            );
        }
    }
    let entries = conditions(statement);
    for entry in &entries {
        let operator = Operator::split(entry.operator);
        if operator.quantifier == Quantifier::All {
            found.push(
                DocProblem::error(
                    &entry.pointer,
                    "github-for-all-values",
                    format!("`{}` is true for a token without `{}`", entry.operator, entry.key),
                )
                .help(format!("write `{}`", operator.base)),
            );
        }
    }
    check_audience(statement, provider, &entries, found);
    check_subjects(statement, provider, &entries, found);
}

/// The entries for a claim. IAM compares the names of keys without case.
fn of_claim<'e, 'a>(
    entries: &'e [ConditionEntry<'a>],
    provider: &Provider<'_>,
    claim: &str,
) -> Vec<&'e ConditionEntry<'a>> {
    let (own, usual) = (format!("{}:{claim}", provider.host), format!("{PROVIDER_HOST}:{claim}"));
    entries
        .iter()
        .filter(|entry| entry.key.eq_ignore_ascii_case(&own) || entry.key.eq_ignore_ascii_case(&usual))
        .collect()
}

/// The place and the message for a claim without an entry, with the mistyped key where there is one.
fn missing(
    statement: &Statement<'_>,
    provider: &Provider<'_>,
    entries: &[ConditionEntry<'_>],
    claim: &str,
    code: &'static str,
    (message, help): (&str, String),
) -> DocProblem {
    let key = format!("{}:{claim}", provider.host);
    let mistyped = entries.iter().find(|entry| {
        let claims = ["aud", "sub", "job_workflow_ref"];
        let other = claims.iter().any(|known| *known != claim && entry.key.ends_with(&format!(":{known}")));
        !other
            && (entry.key.rsplit(':').next().is_some_and(|last| last.starts_with(claim))
                || !all_nearest(entry.key, [key.as_str()]).is_empty())
    });
    match mistyped {
        Some(entry) => DocProblem::error(
            &entry.pointer,
            code,
            format!("`{}` is not a condition key of this provider; {message}", entry.key),
        )
        .help(format!("did you mean `{key}`?")),
        None => {
            let at = if statement.get("Condition").is_some() {
                statement.at("Condition")
            } else {
                statement.pointer.clone()
            };
            DocProblem::error(&at, code, message.to_owned()).help(help)
        }
    }
}

fn check_audience(
    statement: &Statement<'_>,
    provider: &Provider<'_>,
    entries: &[ConditionEntry<'_>],
    found: &mut Vec<DocProblem>,
) {
    let code = "github-audience";
    let wanted = audience(provider.partition);
    let own = of_claim(entries, provider, "aud");
    if own.is_empty() {
        let help = format!("add `StringEquals: {{ \"{}:aud\": {wanted} }}`", provider.host);
        let message = ("nothing pins the audience of the token", help);
        found.push(missing(statement, provider, entries, "aud", code, message));
    }
    for entry in own {
        let operator = Operator::split(entry.operator);
        if operator.quantifier != Quantifier::All && (operator.base != "StringEquals" || operator.if_exists) {
            found.push(
                DocProblem::error(&entry.pointer, code, format!("`{}` does not pin the audience", entry.operator))
                    .help("move it under `StringEquals`"),
            );
        }
        for (at, text) in entry.texts() {
            if text == wanted || placeholder(text).is_some() {
                continue;
            }
            let near = all_nearest(text, [wanted, "sts.amazonaws.com", "sts.amazonaws.com.cn"]);
            let help = if near.is_empty() {
                format!("it is `{wanted}`, which the official action asks for")
            } else {
                format!("did you mean `{wanted}`?")
            };
            found.push(
                DocProblem::error(&at, code, format!("`{text}` is not the audience of tokens for AWS")).help(help),
            );
        }
    }
}

fn check_subjects(
    statement: &Statement<'_>,
    provider: &Provider<'_>,
    entries: &[ConditionEntry<'_>],
    found: &mut Vec<DocProblem>,
) {
    let mut pinned = 0;
    let mut doubtful = 0;
    for claim in ["sub", "job_workflow_ref"] {
        for entry in of_claim(entries, provider, claim) {
            let operator = Operator::split(entry.operator);
            let matching = match operator.base {
                "StringEquals" | "StringEqualsIgnoreCase" => Matching::Exact,
                "StringLike" => Matching::Pattern,
                _ => continue,
            };
            if operator.if_exists {
                doubtful += 1;
                found.push(
                    DocProblem::error(
                        &entry.pointer,
                        "github-subject",
                        format!("`{}` is true for a token without `{claim}`", entry.operator),
                    )
                    .help(format!("write `{}`", operator.base)),
                );
            } else {
                pinned += 1;
            }
            for (at, text) in entry.texts() {
                found.extend(if claim == "sub" {
                    check_subject(&at, text, matching)
                } else {
                    check_workflow_ref(&at, text, matching)
                });
            }
        }
    }
    if pinned == 0 && doubtful == 0 {
        let help = format!(
            "add `StringEquals: {{ \"{}:sub\": \"repo:acme/papyrus:ref:refs/heads/main\" }}`, with your repository",
            provider.host
        );
        let message = ("nothing says which repository's tokens are admitted, so AWS refuses the policy", help);
        found.push(missing(statement, provider, entries, "sub", "github-subject-missing", message));
    }
    let several = of_claim(entries, provider, "sub")
        .into_iter()
        .filter(|entry| {
            ["StringEquals", "StringLike", "StringEqualsIgnoreCase"].contains(&Operator::split(entry.operator).base)
        })
        .collect::<Vec<_>>();
    if let [_, second, ..] = several.as_slice() {
        found.push(
            DocProblem::warning(
                &second.pointer,
                "github-subject-twice",
                "two operators compare the subject, and a token must pass both",
            )
            .help("put all subjects into one list under `StringLike`, where one match is enough"),
        );
    }
}

#[cfg(test)]
#[path = "trust_lint_tests.rs"]
mod tests;
