//! The structure of a document: elements, their values, and which of them a kind of document has.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::document::{DocKind, DocProblem, Segment};
use super::text::{check_action, check_resource, check_texts, unknown_name};
use super::walk::{Statement, items};
use super::{condition, principal};
use crate::names::shown;

const TOP: [&str; 3] = ["Version", "Id", "Statement"];
const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
const CURRENT: &str = "2012-10-17";

/// Every problem in the structure of a document. An unreadable part hides only what is inside of it.
pub fn structure(kind: DocKind, document: &Value) -> Vec<DocProblem> {
    let mut found = Vec::new();
    check_texts(&[], document, &mut found);
    let Some(top) = document.as_object() else {
        found.push(
            DocProblem::error(&[], "policy-document", format!("a {} must be a mapping", kind.noun()))
                .help("it has the keys `Version` and `Statement`"),
        );
        return found;
    };
    for key in top.keys().filter(|key| !TOP.contains(&key.as_str())) {
        let mut problem =
            unknown_name(&[Segment::from(key.as_str())], "policy-element", "an element of a policy", key, &TOP);
        if ELEMENTS.contains(&key.as_str()) {
            problem.help = Some("it belongs into a statement: below `Statement`".to_owned());
        }
        found.push(problem);
    }
    check_version(top, &mut found);
    if top.get("Id").is_some_and(|id| !id.is_string()) {
        found.push(DocProblem::error(&["Id".into()], "policy-type", "`Id` must be a text"));
    }
    check_statements(kind, top, &mut found);
    found
}

fn check_version(top: &Map<String, Value>, found: &mut Vec<DocProblem>) {
    let at = [Segment::from("Version")];
    let help = format!("write `Version: \"{CURRENT}\"`");
    match top.get("Version") {
        None => found.push(
            DocProblem::warning(
                &[],
                "policy-version",
                "the policy has no `Version`, so IAM reads it by the rules of 2008-10-17",
            )
            .help(help),
        ),
        Some(Value::String(version)) if version == CURRENT || version == "2008-10-17" => {}
        Some(Value::String(version)) => found.push(
            DocProblem::error(&at, "policy-version", format!("there is no policy version `{version}`"))
                .help(format!("{help}: it names the policy language, not the day the policy was written")),
        ),
        Some(_) => found.push(
            DocProblem::error(&at, "policy-version", "`Version` must be a text").help(format!("{help}, in quotes")),
        ),
    }
}

fn check_statements(kind: DocKind, top: &Map<String, Value>, found: &mut Vec<DocProblem>) {
    let at = [Segment::from("Statement")];
    let help = "a policy needs at least one statement";
    let Some(value) = top.get("Statement") else {
        found.push(DocProblem::error(&[], "policy-statement", "the policy has no `Statement`").help(help));
        return;
    };
    if value.as_array().is_some_and(Vec::is_empty) {
        found.push(DocProblem::error(&at, "policy-statement", "`Statement` is empty").help(help));
    }
    let mut sids: BTreeMap<&str, Vec<Segment>> = BTreeMap::new();
    for (pointer, item) in items(&at, value) {
        let Some(body) = item.as_object() else {
            found.push(
                DocProblem::error(&pointer, "policy-statement", "a statement must be a mapping")
                    .help("it has the keys `Effect`, `Action` and so on"),
            );
            continue;
        };
        let statement = Statement { pointer, body };
        check_statement(kind, &statement, found);
        if let Some(sid) = statement.text("Sid").filter(|sid| kind == DocKind::Identity && !sid.is_empty()) {
            if let Some(first) = sids.get(sid) {
                let place = first.get(1).map(|index| format!(" (number {index}, counted from 0)")).unwrap_or_default();
                found.push(
                    DocProblem::error(
                        &statement.at("Sid"),
                        "policy-sid",
                        format!("another statement{place} has the `Sid` `{sid}` too"),
                    )
                    .help("a `Sid` is unique in its policy; change one of them or leave it out"),
                );
            } else {
                sids.insert(sid, statement.pointer.clone());
            }
        }
    }
}

fn check_statement(kind: DocKind, statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    for key in statement.body.keys().filter(|key| !ELEMENTS.contains(&key.as_str())) {
        let mut problem =
            unknown_name(&statement.at(key), "policy-element", "an element of a statement", key, &ELEMENTS);
        if TOP.contains(&key.as_str()) {
            problem.help = Some("it belongs to the policy, beside `Statement`".to_owned());
        }
        found.push(problem);
    }
    check_sid(kind, statement, found);
    check_effect(statement, found);
    check_actions(statement, found);
    check_resources(kind, statement, found);
    principal::check(kind, statement, found);
    if let Some(value) = statement.get("Condition") {
        condition::check(&statement.at("Condition"), value, found);
    }
}

fn check_sid(kind: DocKind, statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    match statement.get("Sid") {
        None => {}
        Some(Value::String(sid)) => {
            let bad = sid.chars().find(|c| !c.is_ascii_alphanumeric());
            // Characters outside of Latin-1 are reported by the rule for all texts.
            if let (DocKind::Identity, Some(bad)) = (kind, bad.filter(|c| u32::from(*c) <= 0xFF)) {
                found.push(
                    DocProblem::error(
                        &statement.at("Sid"),
                        "policy-sid",
                        format!("the `Sid` `{sid}` cannot contain {}", shown(bad)),
                    )
                    .help("only the letters A-Z and a-z and digits are allowed"),
                );
            }
        }
        Some(_) => found.push(DocProblem::error(&statement.at("Sid"), "policy-type", "`Sid` must be a text")),
    }
}

fn check_effect(statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    let help = "write `Effect: Allow` or `Effect: Deny`";
    match statement.get("Effect") {
        None => found
            .push(DocProblem::error(&statement.pointer, "policy-effect", "the statement has no `Effect`").help(help)),
        Some(Value::String(effect)) if effect == "Allow" || effect == "Deny" => {}
        Some(Value::String(effect)) => {
            found.push(unknown_name(&statement.at("Effect"), "policy-effect", "an effect", effect, &["Allow", "Deny"]));
        }
        Some(_) => found
            .push(DocProblem::error(&statement.at("Effect"), "policy-effect", "`Effect` must be a text").help(help)),
    }
}

/// Reports when not exactly one of two elements is there, and gives the one to look at.
fn one_of<'a>(
    statement: &Statement<'_>,
    (this, other): (&'a str, &'a str),
    code: &'static str,
    help: &str,
    found: &mut Vec<DocProblem>,
) -> Vec<&'a str> {
    let present: Vec<&str> = [this, other].into_iter().filter(|element| statement.get(element).is_some()).collect();
    match present.as_slice() {
        [] => {
            found.push(DocProblem::error(&statement.pointer, code, format!("the statement has no `{this}`")).help(help))
        }
        [_, second] => found.push(
            DocProblem::error(&statement.at(second), code, format!("the statement has both `{this}` and `{other}`"))
                .help("keep one of them"),
        ),
        _ => {}
    }
    present
}

fn check_actions(statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    let help = "name at least one, such as `ecr:GetAuthorizationToken`";
    for element in one_of(statement, ("Action", "NotAction"), "policy-action", help, found) {
        for (at, text) in list_of_texts(statement, element, "policy-action", help, found) {
            check_action(&at, text, found);
        }
    }
}

fn check_resources(kind: DocKind, statement: &Statement<'_>, found: &mut Vec<DocProblem>) {
    let code = "policy-resource";
    if kind == DocKind::Identity {
        let help = "name the ARNs it is for, or `*`";
        for element in one_of(statement, ("Resource", "NotResource"), code, help, found) {
            for (at, text) in list_of_texts(statement, element, code, help, found) {
                check_resource(&at, text, found);
            }
        }
        return;
    }
    let why = match kind {
        DocKind::EcrRepository => "a repository policy is always about its own repository; remove it",
        DocKind::Trust | DocKind::Identity => "a trust policy is always about its own role; remove it",
    };
    for element in ["Resource", "NotResource"].into_iter().filter(|element| statement.get(element).is_some()) {
        found.push(
            DocProblem::error(&statement.at(element), code, format!("a {} has no `{element}`", kind.noun())).help(why),
        );
    }
}

/// The texts of an element; reports an empty list and everything that is no text.
pub(super) fn list_of_texts<'a>(
    statement: &Statement<'a>,
    element: &str,
    code: &'static str,
    help: &str,
    found: &mut Vec<DocProblem>,
) -> Vec<(Vec<Segment>, &'a str)> {
    let Some(value) = statement.get(element) else { return Vec::new() };
    check_list(&statement.at(element), element, value, code, help, found);
    statement.texts(element)
}

/// Reports an empty list, an empty text, and everything that is no text.
pub(super) fn check_list(
    pointer: &[Segment],
    name: &str,
    value: &Value,
    code: &'static str,
    help: &str,
    found: &mut Vec<DocProblem>,
) {
    if value.as_array().is_some_and(Vec::is_empty) {
        found.push(DocProblem::error(pointer, code, format!("`{name}` is empty")).help(help));
    }
    for (at, item) in items(pointer, value) {
        match item {
            Value::String(text) if text.trim().is_empty() => {
                found.push(DocProblem::error(&at, code, format!("`{name}` has an empty text")).help(help));
            }
            Value::String(_) => {}
            Value::Number(_) => found.push(
                DocProblem::error(
                    &at,
                    "policy-type",
                    format!("`{name}` must be a text or a list of texts, not a number"),
                )
                .help("write it in quotes"),
            ),
            _ => found.push(
                DocProblem::error(&at, "policy-type", format!("`{name}` must be a text or a list of texts")).help(help),
            ),
        }
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
