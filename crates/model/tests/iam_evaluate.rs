//! The evaluator against tables of requests with the verdict that AWS documents, and its reason.
//!
//! A file of `tests/iam_evaluate/` is a list of `groups`. A group has policies and `cases`; whatever a case states wins over its group.
//!
//! - `identity`, `boundary`, `session`, `resource_policy`, `key`, `trust`: a statement or a list of statements of version 2012-10-17
//!   (`version: none` and `version: 2008-10-17` change that), or a whole document (with `Statement`). `identities`: several policies.
//! - `condition`: the same as `identity` with one statement that allows everything under this condition.
//! - `action`, `on` (resource), `as` (`ARN`, `account ID`, `service NAME`, `token PROVIDER`, `anonymous`), `with` (context). With
//!   `claims` the request is `Request::web_identity`. With `trust` alone `evaluate_trust` is asked, otherwise `evaluate`.
//! - `is`: `allowed`, `denied` or `no`, then kind and place of the policy's statement, and for `no` the first unmet element or
//!   condition: `no identity 0: StringEquals aws:PrincipalTag/team differs`. `no identity: resource 0: Action`: an identity policy is
//!   missing, but the nearest statement is elsewhere; `no identity`: there is none. The kind can be left out when it is the first
//!   one given, and the place when it is 0. A reason alone (`absent`, `present`, `differs`, `excluded`, `unreadable TEXT`,
//!   `variable NAME`) is that of the only condition. `error: …` is the message about a malformed document.
//! - `also`: what else is unmet. `at`: where expected and presented text part, `[presented, expected]`.
//!
//! `SOURCE: …` comments name the page of the IAM User Guide that a group follows.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure fails the test; a table that cannot be read is one")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hatoba_model::iam::evaluate::{
    Nearest, Policies, Policy, PolicyError, Principal, Request, Source, StatementRef, Unmet, Verdict, Why, evaluate,
    evaluate_trust,
};
use hatoba_model::yaml;
use serde_json::{Map, Value, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/papyrus-deploy";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

/// Kinds of policies and the names they have in a table.
const KINDS: [(&str, Source); 6] = [
    ("identity", Source::Identity),
    ("boundary", Source::Boundary),
    ("session", Source::Session),
    ("resource_policy", Source::Resource),
    ("key", Source::Key),
    ("trust", Source::Trust),
];

const FIELDS: [&str; 20] = [
    "identity",
    "boundary",
    "session",
    "resource_policy",
    "key",
    "trust",
    "identities",
    "condition",
    "version",
    "action",
    "on",
    "as",
    "with",
    "claims",
    "is",
    "also",
    "at",
    "cases",
    "group",
    "name",
];

#[test]
fn every_case_of_the_tables_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/iam_evaluate");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut wrong, mut count, mut seen) = (Vec::new(), 0, BTreeSet::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let source = yaml::Source::new(name.clone(), fs::read_to_string(&file).unwrap());
        let root = yaml::parse(&source).unwrap_or_else(|found| panic!("{}", found.render(&source)));
        let groups: Value = yaml::decode(&root).unwrap();
        for group in groups["groups"].as_array().unwrap() {
            for case in group["cases"].as_array().unwrap() {
                count += 1;
                let case = merged(group, case);
                assert!(seen.insert(case.to_string()), "{name}: the case stands there twice: {case}");
                if let Err(problem) = check(&case) {
                    let group = case.get("group").and_then(Value::as_str).unwrap_or_default();
                    wrong.push(format!("{name}, {group}: {problem}\n  in {case}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 300, "only {count} cases were read");
}

/// A case with what its group states.
fn merged(group: &Value, case: &Value) -> Value {
    let mut fields = group.as_object().unwrap().clone();
    fields.remove("cases");
    let own = case.as_object().unwrap_or_else(|| panic!("not a case: {case}"));
    // A condition of a case takes the place of its group's policy.
    if own.contains_key("condition") {
        fields.remove("identity");
    }
    for (key, value) in own {
        match (fields.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) if key == "with" || key == "claims" => {
                old.extend(new.clone());
            }
            _ => {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
    let unknown: Vec<&String> = fields.keys().filter(|key| !FIELDS.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "unknown fields {unknown:?} in {case}");
    Value::Object(fields)
}

fn check(case: &Value) -> Result<(), String> {
    let first_kind = match case.as_object().unwrap().keys().find_map(|key| kind(key)) {
        Some(kind) => kind,
        None => Source::Identity,
    };
    let expected = expand(case, first_kind);
    let request = request(case);
    let verdict = match policies(case) {
        Ok((policies, None)) => evaluate(&request, &policies),
        Ok((_, Some(trust))) => evaluate_trust(&trust, &request),
        Err(error) => {
            let found = format!("error: {error}");
            return if found == expected { Ok(()) } else { Err(format!("expected `{expected}`, found `{found}`")) };
        }
    };
    let found = show(&verdict);
    if found != expected {
        return Err(format!("expected `{expected}`, found `{found}` ({verdict})"));
    }
    let Verdict::ImplicitDeny { nearest, .. } = verdict else {
        return if case.get("at").or(case.get("also")).is_none() { Ok(()) } else { Err("nothing is unmet".to_owned()) };
    };
    check_nearest(case, nearest.as_ref())
}

fn check_nearest(case: &Value, nearest: Option<&Nearest>) -> Result<(), String> {
    let unmet: Vec<&Unmet> = nearest.map(|nearest| nearest.unmet().collect()).unwrap_or_default();
    let also: Vec<String> = unmet.iter().skip(1).map(|unmet| show_unmet(unmet)).collect();
    let wanted: Vec<String> = case.get("also").map(list).unwrap_or_default();
    if also != wanted {
        return Err(format!("expected also {wanted:?}, found also {also:?}"));
    }
    let Some(at) = case.get("at") else { return Ok(()) };
    let closest = unmet.first().and_then(|unmet| unmet.closest()).map(|closest| closest.difference);
    let found = closest.map(|difference| json!([difference.presented_at, difference.expected_at]));
    if found.as_ref() == Some(at) { Ok(()) } else { Err(format!("expected the difference at {at}, found {found:?}")) }
}

fn kind(name: &str) -> Option<Source> {
    if name == "identities" || name == "condition" {
        return Some(Source::Identity);
    }
    KINDS.iter().find(|(own, _)| *own == name).map(|(_, source)| *source)
}

fn kind_name(source: Source) -> &'static str {
    KINDS.iter().find(|(_, own)| *own == source).unwrap().0
}

/// The full form of `is`.
fn expand(case: &Value, first: Source) -> String {
    let short = case["is"].as_str().unwrap_or_else(|| panic!("no `is` in {case}"));
    let word = short.split([' ', ':']).next().unwrap();
    if word == "error" {
        return short.to_owned();
    }
    if !["allowed", "denied", "no"].contains(&word) {
        let condition = case.get("condition").unwrap_or_else(|| panic!("no single condition in {case}"));
        let (operator, keys) = condition.as_object().unwrap().iter().next().unwrap();
        let key = keys.as_object().unwrap().keys().next().unwrap();
        return format!("no identity 0: {operator} {key} {short}");
    }
    let (head, reason) = match short.split_once(": ") {
        Some((head, reason)) => (head, Some(reason)),
        None => (short, None),
    };
    let mut words: Vec<String> = head.split(' ').map(str::to_owned).collect();
    if words.get(1).is_none_or(|word| kind(word).is_none()) {
        words.insert(1, kind_name(first).to_owned());
    }
    // `no identity` and `no identity: resource 0: …` have no place of their own.
    let elsewhere = reason.is_some_and(|reason| kind(reason.split(' ').next().unwrap()).is_some());
    if words.len() == 2 && !elsewhere && !(word == "no" && reason.is_none()) {
        words.push("0".to_owned());
    }
    let head = words.join(" ");
    reason.map_or(head.clone(), |reason| format!("{head}: {reason}"))
}

fn show(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allowed { by } => format!("allowed {}", show_ref(by)),
        Verdict::ExplicitDeny { by } => format!("denied {}", show_ref(by)),
        Verdict::ImplicitDeny { missing, nearest: None } => format!("no {}", kind_name(*missing)),
        Verdict::ImplicitDeny { missing, nearest: Some(nearest) } => {
            let reason = format!("{}: {}", show_ref(&nearest.statement), show_unmet(nearest.first()));
            if nearest.statement.source == *missing {
                format!("no {reason}")
            } else {
                format!("no {}: {reason}", kind_name(*missing))
            }
        }
    }
}

fn show_ref(statement: &StatementRef) -> String {
    let policy = if statement.policy == "0" { String::new() } else { format!("{}/", statement.policy) };
    let sid = statement.sid.as_ref().map(|sid| format!(" {sid}")).unwrap_or_default();
    format!("{} {policy}{}{sid}", kind_name(statement.source), statement.index)
}

fn show_unmet(unmet: &Unmet) -> String {
    match unmet {
        Unmet::Principal(element) | Unmet::Action(element) | Unmet::Resource(element) => element.element.to_owned(),
        Unmet::Condition(condition) => {
            let why = match &condition.why {
                Why::Absent => "absent".to_owned(),
                Why::Present => "present".to_owned(),
                Why::Differs => "differs".to_owned(),
                Why::Excluded => "excluded".to_owned(),
                Why::Unreadable(text) => format!("unreadable {text}"),
                Why::NoVariable(name) => format!("variable {name}"),
            };
            format!("{} {} {why}", condition.operator, condition.key)
        }
    }
}

/// The policies, and the trust policy when it is the only one.
fn policies(case: &Value) -> Result<(Policies, Option<Policy>), PolicyError> {
    let version = case.get("version").and_then(Value::as_str).unwrap_or("2012-10-17");
    let document = |value: &Value| {
        let whole = value.get("Statement").is_some() || !(value.is_object() || value.is_array());
        match (whole || value.get("Version").is_some(), version) {
            (true, _) => value.clone(),
            (false, "none") => json!({ "Statement": value }),
            (false, version) => json!({ "Version": version, "Statement": value }),
        }
    };
    let parse = |name: &str, source: Source| -> Result<Option<Policy>, PolicyError> {
        case.get(name).map(|value| Policy::parse(source, "0", &document(value))).transpose()
    };
    let mut policies = Policies {
        identity: parse("identity", Source::Identity)?.into_iter().collect(),
        boundary: parse("boundary", Source::Boundary)?,
        session: parse("session", Source::Session)?.map(|policy| vec![policy]),
        resource: parse("resource_policy", Source::Resource)?.or(parse("key", Source::Key)?),
    };
    if let Some(condition) = case.get("condition") {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition });
        policies.identity.push(Policy::parse(Source::Identity, "0", &document(&statement))?);
    }
    for (index, value) in case.get("identities").and_then(Value::as_array).into_iter().flatten().enumerate() {
        policies.identity.push(Policy::parse(Source::Identity, index.to_string(), &document(value))?);
    }
    let trust = parse("trust", Source::Trust)?;
    if policies == Policies::default() && trust.is_some() {
        return Ok((policies, trust));
    }
    policies.resource = policies.resource.or(trust);
    Ok((policies, None))
}

fn request(case: &Value) -> Request {
    let text = |name: &str| case.get(name).map(|value| value.as_str().unwrap().to_owned());
    let mut request = if let Some(claims) = case.get("claims") {
        let claims = claims.as_object().unwrap().iter();
        let claims = claims.flat_map(|(claim, values)| list(values).into_iter().map(move |value| (claim, value)));
        Request::web_identity(text("on").unwrap_or_else(|| ROLE.to_owned()), PROVIDER, claims)
    } else {
        let (action, resource) = if case.get("trust").is_some() {
            ("sts:AssumeRole", ROLE)
        } else {
            ("ecr:BatchGetImage", "arn:aws:ecr:us-west-2:123456789012:repository/papyrus")
        };
        Request::new(
            text("action").unwrap_or_else(|| action.to_owned()),
            text("on").unwrap_or_else(|| resource.to_owned()),
            principal(&text("as").unwrap_or_else(|| "arn:aws:iam::123456789012:user/mika".to_owned())),
        )
    };
    if let Some(action) = text("action") {
        request.action = action;
    }
    if let Some(provider) = text("as").filter(|_| case.get("claims").is_some()) {
        request.principal = principal(&provider);
    }
    for (key, values) in case.get("with").and_then(Value::as_object).unwrap_or(&Map::new()) {
        request.context.set(key, list(values));
    }
    request
}

fn principal(text: &str) -> Principal {
    match text.split_once(' ') {
        Some(("account", id)) => Principal::Account(id.to_owned()),
        Some(("service", name)) => Principal::Service(name.to_owned()),
        Some(("token", provider)) => Principal::Federated(provider.to_owned()),
        None if text == "anonymous" => Principal::Anonymous,
        _ => Principal::Arn(text.to_owned()),
    }
}

/// A text, number or truth value, or a list of these, as texts.
fn list(value: &Value) -> Vec<String> {
    let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_array().map_or_else(|| vec![one(value)], |values| values.iter().map(one).collect())
}
