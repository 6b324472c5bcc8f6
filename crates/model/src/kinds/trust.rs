//! Who may assume a role: the short ways to say it, and the policy document that they come to.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::check::Check;
use crate::diag::Diagnostic;
use crate::facts::Facts;
use crate::github::{GitHubOverrides, PROVIDER_HOST, trust_policy};
use crate::iam::service_principals::check_service;
use crate::iam::{DocKind, DocProblem, Segment, SizeLimit, canonical_in, size};
use crate::kinds::Resource as _;
use crate::kinds::iam_shared::{PolicyDocument, check_document, report};
use crate::kinds::text_or_list::TextOrList;
use crate::stack::Stack;
use crate::yaml::Path;

/// Who may assume a role.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// AWS services, by their principals: `ecs-tasks.amazonaws.com`.
    Service(TextOrList),
    /// Workflows on GitHub: the stack's `github:` block, with what is given here in its place.
    GitHub(Box<GitHubOverrides>),
    /// A trust policy as it is.
    Document(PolicyDocument),
}

impl Trust {
    /// The trust policy; nothing when the `github:` blocks do not make one.
    pub fn document(&self, stack: &Stack, facts: &Facts) -> Option<Value> {
        match self {
            Self::Service(services) => Some(services_policy(services.items())),
            Self::GitHub(overrides) => {
                let github = overrides.over(stack.github.as_ref())?;
                trust_policy(&github, facts.partition(), &facts.account, provider_host(stack)).ok()
            }
            Self::Document(document) => Some(document.0.clone()),
        }
    }

    /// Reports everything that is wrong with it.
    pub(crate) fn check(&self, cx: &mut Check<'_>) {
        match self {
            Self::Service(services) => check_services(cx, services),
            Self::GitHub(overrides) => check_github(cx, overrides),
            Self::Document(document) => check_document(cx, &["trust"], DocKind::Trust, &document.0),
        }
        if let Some(document) = self.document(cx.stack, cx.facts) {
            let document = canonical_in(&document, cx.facts.partition());
            if let Some(problem) = size::check(SizeLimit::Trust, [&document]) {
                report(cx, &["trust"], &problem);
            }
        }
    }
}

/// The host of GitHub's provider: the one of the stack, which may be an enterprise's own, or else GitHub's usual one.
fn provider_host(stack: &Stack) -> &str {
    let hosts = || stack.oidc_providers.iter().map(|(key, provider)| provider.aws_name(key));
    hosts()
        .find(|host| *host == PROVIDER_HOST)
        .or_else(|| hosts().find(|host| host.strip_prefix(PROVIDER_HOST).is_some_and(|path| path.starts_with('/'))))
        .unwrap_or(PROVIDER_HOST)
}

fn services_policy(services: &[String]) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": services }, "Action": "sts:AssumeRole" }]
    })
}

fn check_services(cx: &mut Check<'_>, services: &TextOrList) {
    if services.items().is_empty() {
        cx.error(&["trust", "service"], "trust-nobody", "no service is named")
            .help("write for example `service: ecs-tasks.amazonaws.com`");
    }
    for (index, service) in services.items().iter().enumerate() {
        let pointer: Vec<Segment> = match services {
            TextOrList::Text(_) => vec!["trust".into(), "service".into()],
            TextOrList::List(_) => vec!["trust".into(), "service".into(), index.into()],
        };
        if let Some(problem) = check_service(&pointer, service) {
            report(cx, &[], &problem);
        }
    }
}

fn check_github(cx: &mut Check<'_>, overrides: &GitHubOverrides) {
    let stack = cx.stack;
    let Some(github) = overrides.over(stack.github.as_ref()) else {
        if cx.unreadable(&["github"]) {
            return;
        }
        cx.error(&["trust", "github"], "github-missing", "no GitHub repository is named")
            .help("add a `github:` block at the top of the file (`github: { repository: acme/papyrus, branches: [main] }`), or name it here");
        return;
    };
    let written = serde_json::to_value(overrides).unwrap_or_default();
    for problem in github.check() {
        match problem.pointer.first() {
            // What this role takes from the stack's block is wrong there.
            Some(Segment::Key(field)) if written.get(field.as_str()).is_none() => cx.elsewhere(in_block(&problem)),
            _ => report(cx, &["trust", "github"], &problem),
        }
    }
}

/// A problem of the stack's `github:` block, at its place.
fn in_block(problem: &DocProblem) -> Diagnostic {
    let path = problem.pointer.iter().fold(Path::of(&["github"]), |path, segment| match segment {
        Segment::Key(key) => path.key(key.as_str()),
        Segment::Index(index) => path.index(*index),
    });
    let diagnostic = if problem.is_error() {
        Diagnostic::error(problem.code, problem.message.clone())
    } else {
        Diagnostic::warning(problem.code, problem.message.clone())
    };
    problem.help.iter().fold(diagnostic.path(path), |diagnostic, help| diagnostic.help(help.clone()))
}

/// The ARNs, accounts and services that a trust policy names, in any of its statements.
pub fn principals(document: &Value) -> Vec<&str> {
    fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(parts) => parts.values().for_each(|item| texts(item, found)),
            _ => {}
        }
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    let mut found = Vec::new();
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            if let Some(value) = statement.get(element) {
                texts(value, &mut found);
            }
        }
    }
    found
}

impl Serialize for Trust {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Service(services) => serializer.collect_map([("service", services)]),
            Self::GitHub(overrides) => serializer.collect_map([("github", overrides)]),
            Self::Document(document) => document.serialize(serializer),
        }
    }
}

const KEYS: &[&str] = &["service", "github", "Version", "Id", "Statement"];

/// A key of `trust`, checked where it stands.
struct Key(&'static str);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`service`, `github` or the elements of a trust policy")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key, E> {
                KEYS.iter().find(|key| **key == text).map(|key| Key(key)).ok_or_else(|| E::unknown_field(text, KEYS))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for Trust {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TrustVisitor;
        impl<'de> Visitor<'de> for TrustVisitor {
            type Value = Trust;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ service: … }`, `{ github: {} }`, a trust policy or `{ file: trust.json }`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Trust, A::Error> {
                let (mut service, mut github, mut document) = (None, None, Map::new());
                while let Some(Key(key)) = map.next_key()? {
                    match key {
                        "service" => service = Some(map.next_value()?),
                        "github" => github = Some(map.next_value()?),
                        key => {
                            document.insert(key.to_owned(), map.next_value()?);
                        }
                    }
                }
                match (service, github, document.is_empty()) {
                    (Some(services), None, true) => Ok(Trust::Service(services)),
                    (None, Some(overrides), true) => Ok(Trust::GitHub(Box::new(overrides))),
                    (None, None, false) => Ok(Trust::Document(PolicyDocument(Value::Object(document)))),
                    (None, None, true) => {
                        Err(de::Error::custom("nobody is named; write for example `service: ecs-tasks.amazonaws.com`"))
                    }
                    _ => Err(de::Error::custom(
                        "only one of `service`, `github` and a trust policy is possible; write a trust policy with several statements for more",
                    )),
                }
            }
        }
        deserializer.deserialize_map(TrustVisitor)
    }
}

impl JsonSchema for Trust {
    fn schema_name() -> Cow<'static, str> {
        "Trust".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let services = generator.subschema_for::<TextOrList>();
        let overrides = generator.subschema_for::<GitHubOverrides>();
        let document = generator.subschema_for::<PolicyDocument>();
        json_schema!({
            "description": "Who may assume the role: an AWS service, workflows on GitHub, or a trust policy.",
            "oneOf": [
                {
                    "type": "object",
                    "description": "AWS services, such as `ecs-tasks.amazonaws.com`.",
                    "properties": { "service": services },
                    "required": ["service"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "description": "The workflows of the `github:` block; what is given here takes the place of the block's.",
                    "properties": { "github": overrides },
                    "required": ["github"],
                    "additionalProperties": false
                },
                document
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde_json::{Value, json};

    use super::{Trust, principals};

    #[test]
    fn each_way_to_write_it_is_read_and_written_as_it_was() {
        for written in [
            json!({ "service": "ecs-tasks.amazonaws.com" }),
            json!({ "service": ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"] }),
            json!({ "github": {} }),
            json!({ "github": { "branches": ["main"] } }),
            json!({ "Version": "2012-10-17", "Statement": [] }),
        ] {
            let trust: Trust = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&trust).unwrap(), written);
        }
    }

    #[test]
    fn what_is_no_trust_is_refused() {
        for (written, part) in [
            (json!({}), "nobody is named"),
            (json!({ "servce": "ecs-tasks.amazonaws.com" }), "unknown field `servce`"),
            (json!({ "service": "ecs.amazonaws.com", "github": {} }), "only one of"),
            (json!("ecs-tasks.amazonaws.com"), "a trust policy"),
        ] {
            let error = serde_json::from_value::<Trust>(written).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn principals_are_found_in_every_shape() {
        let document: Value = json!({ "Statement": { "Principal": { "AWS": ["a", "b"], "Federated": "c" } } });
        assert_eq!(principals(&document), ["a", "b", "c"]);
        let document: Value = json!({ "Statement": [{ "Principal": "*" }, { "NotPrincipal": { "Service": "d" } }] });
        assert_eq!(principals(&document), ["*", "d"]);
    }
}
