//! The `Principal` element: who a resource policy is about.

use serde_json::Value;

use super::document::{DocKind, DocProblem, Segment};
use super::lint::check_list;
use super::service_principals::check_service;
use super::text::{placeholder, unknown_name};
use super::walk::{Statement, below, texts};

const TYPES: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

/// Providers that are named by their host instead of by an ARN (IAM user guide, "AWS JSON policy elements: Principal").
const HOST_PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

/// Reports a principal that is missing, forbidden or malformed.
pub(super) fn check(kind: DocKind, statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    let code = "policy-principal";
    let present: Vec<&str> =
        ["Principal", "NotPrincipal"].into_iter().filter(|element| statement.get(element).is_some()).collect();
    if kind == DocKind::Identity {
        for element in present {
            found.push(
                DocProblem::error(&statement.at(element), code, format!("a policy of a role or user has no `{element}`"))
                    .help("it is about whoever it is attached to; remove the principal, or move the statement to the trust policy"),
            );
        }
        return;
    }
    match present.as_slice() {
        [] => {
            found.push(DocProblem::error(&statement.pointer, code, "the statement has no `Principal`").help(format!(
                "a {} must say who it is about, such as `Service: ecs-tasks.amazonaws.com`",
                kind.noun()
            )))
        }
        [_, second] => found.push(
            DocProblem::error(&statement.at(second), code, "the statement has both `Principal` and `NotPrincipal`")
                .help("keep one of them"),
        ),
        _ => {}
    }
    for element in present {
        let at = statement.at(element);
        match statement.get(element) {
            Some(Value::String(text)) if text == "*" => {}
            Some(Value::Object(types)) if types.is_empty() => {
                found.push(DocProblem::error(&at, code, format!("`{element}` is empty")).help("name who it is about"));
            }
            Some(Value::Object(types)) => {
                for (name, value) in types {
                    check_type(&below(&at, name.as_str()), name, value, found);
                }
            }
            Some(Value::String(text)) if placeholder(text).is_none() => found.push(
                DocProblem::error(&at, code, format!("`{element}` must say what kind of principal `{text}` is"))
                    .help(format!("write `{}: {text}` below it", guess_type(text))),
            ),
            Some(Value::String(_)) | None => {}
            Some(_) => found.push(
                DocProblem::error(&at, code, format!("`{element}` must be `*` or a mapping"))
                    .help(format!("its keys are {}", TYPES.join(", "))),
            ),
        }
    }
}

fn guess_type(text: &str) -> &'static str {
    if text.contains(":oidc-provider/") || text.contains(":saml-provider/") {
        "Federated"
    } else if text.contains("amazonaws.") {
        "Service"
    } else {
        "AWS"
    }
}

fn check_type(pointer: &[Segment], name: &str, value: &Value, found: &mut Vec<DocProblem>) {
    if !TYPES.contains(&name) {
        found.push(unknown_name(pointer, "policy-principal", "a kind of principal", name, &TYPES));
        return;
    }
    check_list(pointer, name, value, "policy-principal", "name at least one", found);
    for (at, text) in texts(pointer, value) {
        if placeholder(text).is_some() || text.starts_with("${") || text.trim().is_empty() {
            continue;
        }
        match name {
            "AWS" => found.extend(check_aws(&at, text)),
            "Service" => found.extend(check_service(&at, text)),
            "Federated" => found.extend(check_federated(&at, text)),
            _ => {}
        }
    }
}

fn check_aws(pointer: &[Segment], text: &str) -> Option<DocProblem> {
    let refuse = |message: String, help: &str| Some(DocProblem::error(pointer, "policy-principal", message).help(help));
    if text == "*" {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return if text.len() == 12 {
            None
        } else {
            refuse(
                format!("`{text}` is not an account id: it has {} digits", text.len()),
                "an account id has 12 digits",
            )
        };
    }
    if is_unique_id(text) {
        return refuse(
            format!("`{text}` is the unique id of a role or user that was deleted"),
            "IAM refuses it; write the ARN of the role or user",
        );
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam" | "sts", "", _, _] if text.contains(['*', '?']) => refuse(
            format!("`{text}` is not a principal: it cannot be a pattern"),
            "name the account's root ARN, and narrow it with the condition key `aws:PrincipalArn`",
        ),
        ["arn", _, "iam" | "sts", "", account, resource] => {
            let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            let known = ["root", "user/", "role/", "assumed-role/", "federated-user/"];
            if !digits && *account != "cloudfront" {
                refuse(
                    format!("`{text}` is not a principal: `{account}` is not an account id"),
                    "an account id has 12 digits",
                )
            } else if known
                .iter()
                .any(|start| if start.ends_with('/') { resource.starts_with(start) } else { resource == start })
            {
                None
            } else if resource.starts_with("oidc-provider/") || resource.starts_with("saml-provider/") {
                refuse(format!("`{text}` is an identity provider"), "write it under `Federated` instead of `AWS`")
            } else {
                refuse(
                    format!("`{text}` cannot be a principal"),
                    "a principal is an account, a role, a user or a session; groups and policies are not",
                )
            }
        }
        _ if text.contains(".amazonaws.com") => {
            refuse(format!("`{text}` is a service"), "write it under `Service` instead of `AWS`")
        }
        _ => refuse(
            format!("`{text}` is not a principal"),
            "write a 12-digit account id, `*`, or an ARN such as `arn:aws:iam::123456789012:role/papyrus`",
        ),
    }
}

/// `AROA…` and `AIDA…`: what is left of a role or user in a policy after its deletion.
fn is_unique_id(text: &str) -> bool {
    ["AROA", "AIDA"].iter().any(|start| text.starts_with(start))
        && text.len() >= 16
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn check_federated(pointer: &[Segment], text: &str) -> Option<DocProblem> {
    let refuse =
        |message: String, help: String| Some(DocProblem::error(pointer, "policy-federated", message).help(help));
    let example = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    if HOST_PROVIDERS.contains(&text) {
        return None;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", account, resource] => {
            let provider = ["oidc-provider/", "saml-provider/"].iter().find_map(|start| resource.strip_prefix(start));
            match provider {
                _ if text.contains(['*', '?']) => refuse(
                    format!("`{text}` is not a provider: it cannot be a pattern"),
                    format!("name one provider, such as `{example}`"),
                ),
                None => refuse(
                    format!("`{text}` is not a provider"),
                    format!("the ARN of a provider contains `oidc-provider/` or `saml-provider/`, such as `{example}`"),
                ),
                Some(host) if host.contains("://") => refuse(
                    format!("`{text}` is not the ARN of a provider: it contains a URL"),
                    "leave out `https://` in the ARN".to_owned(),
                ),
                Some(_) if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) => refuse(
                    format!("`{text}` is not a provider: `{account}` is not an account id"),
                    "an account id has 12 digits".to_owned(),
                ),
                Some(_) => None,
            }
        }
        _ => refuse(
            format!("`{text}` is not the ARN of a provider"),
            format!("write the provider's ARN, such as `{example}`"),
        ),
    }
}
