//! Decoding errors in words for someone who writes their first stack file.

use super::{Diagnostic, list_of, nearest, units};
use crate::yaml::{DecodeError, DecodeErrorKind, Path, Segment};

impl From<&DecodeError> for Diagnostic {
    fn from(error: &DecodeError) -> Self {
        let path = &error.path;
        let diagnostic = match &error.kind {
            DecodeErrorKind::UnknownField { field, expected } => unknown_key(path, field, expected),
            DecodeErrorKind::MissingField { field } => {
                let example = match field.as_str() {
                    "stack" if path.is_root() => "stack: papyrus",
                    "region" if path.is_root() => "region: us-west-2",
                    "max_monthly" => "max_monthly: 20",
                    "repository" if *path == Path::of(&["github"]) => "repository: acme/papyrus",
                    _ => &format!("{field}: …"),
                };
                Self::error("missing-key", format!("the key `{field}` is missing{}", within(path)))
                    .help(format!("add a line such as `{example}`"))
            }
            DecodeErrorKind::WrongType { expected, found } => {
                Self::error("wrong-type", format!("{} must be {expected}, found {found}", subject(path)))
            }
            DecodeErrorKind::UnknownVariant { variant, expected } => {
                let diagnostic =
                    Self::error("unknown-value", format!("{} cannot be `{}`", subject(path), cut(variant)));
                allowed(diagnostic, variant, expected, "allowed")
            }
            DecodeErrorKind::Invalid(message) => {
                let (message, advice) = apart(message);
                let diagnostic = Self::error("invalid-value", message);
                advice.into_iter().fold(diagnostic, |diagnostic, advice| diagnostic.help(advice))
            }
        };
        let diagnostic = match &error.kind {
            DecodeErrorKind::WrongType { found, .. } => {
                units::meant(path, found).into_iter().fold(diagnostic, Self::help)
            }
            _ => diagnostic,
        };
        let diagnostic = diagnostic.at(error.span).path(path.clone());
        error.help.iter().fold(diagnostic, |diagnostic, advice| diagnostic.help(advice.clone()))
    }
}

impl From<DecodeError> for Diagnostic {
    fn from(error: DecodeError) -> Self {
        Self::from(&error)
    }
}

fn unknown_key(path: &Path, field: &str, expected: &[String]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("unknown-key", format!("unknown key `{}`{}", cut(field), within(path)));
    if field.starts_with('\u{3000}') {
        diagnostic = diagnostic.help("it begins with a full-width space (U+3000): indent with ordinary spaces");
    }
    // `port:80` in `{ port:80 }` is one word to YAML, and so is `A=1`.
    if let Some((key, value)) = field.split_once([':', '=', '\u{ff1a}'])
        && field.len() <= LONGEST
    {
        diagnostic =
            diagnostic.help(format!("if `{key}` is the key, write a colon and a space after it: `{key}: {value}`"));
    }
    let ours = ELSEWHERE.iter().find(|(other, ours)| *other == field && expected.iter().any(|key| key == ours));
    if let Some((_, ours)) = ours {
        return diagnostic.help(format!("here it is called `{ours}`"));
    }
    if path.is_root() {
        // Whoever looks for a section wants to see them all.
        let mut keys: Vec<&str> = expected.iter().map(String::as_str).collect();
        keys.sort_unstable();
        let diagnostic = match nearest(field, keys.iter().copied()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        };
        return diagnostic.help(format!("allowed here: `{}`", keys.join("`, `")));
    }
    allowed(diagnostic, field, expected, "allowed here")
}

/// What the ECS and IAM API, docker compose and other tools call what a stack file has under another name.
const ELSEWHERE: &[(&str, &str)] = &[
    ("assumeRolePolicyDocument", "trust"),
    ("AssumeRolePolicyDocument", "trust"),
    ("assignPublicIp", "public_ip"),
    ("capacityProviderStrategy", "capacity"),
    ("containerDefinitions", "containers"),
    ("cpuArchitecture", "architecture"),
    ("deploymentCircuitBreaker", "circuit_breaker"),
    ("env", "environment"),
    ("environmentFiles", "environment_files"),
    ("env_file", "environment_files"),
    ("executionRoleArn", "execution_role"),
    ("family", "name"),
    ("healthcheck", "health_check"),
    ("imageTagMutability", "mutability"),
    ("logConfiguration", "logs"),
    ("logging", "logs"),
    ("managedPolicyArns", "managed_policies"),
    ("maximumPercent", "maximum_percent"),
    ("minimumHealthyPercent", "minimum_percent"),
    ("mountPoints", "mounts"),
    ("networkConfiguration", "network"),
    ("operatingSystemFamily", "os"),
    ("policyDocument", "document"),
    ("portMappings", "ports"),
    ("replicas", "desired_count"),
    ("retentionInDays", "retention_days"),
    ("retention_in_days", "retention_days"),
    ("runtimePlatform", "architecture"),
    ("securityGroups", "security_groups"),
    ("taskRoleArn", "task_role"),
    ("thumbprintList", "thumbprints"),
    ("clientIdList", "client_ids"),
];

/// A type's own message, apart from the advice after its first semicolon outside of a quoted value.
fn apart(message: &str) -> (String, Option<String>) {
    let mut quoted = false;
    for (at, c) in message.char_indices() {
        match c {
            '`' => quoted = !quoted,
            ';' if !quoted && message[at..].starts_with("; ") && !message[at..].starts_with("; `") => {
                return (message[..at].to_owned(), Some(message[at + 2..].to_owned()));
            }
            _ => {}
        }
    }
    (message.to_owned(), None)
}

/// Adds what was probably meant and what is allowed.
fn allowed(diagnostic: Diagnostic, name: &str, expected: &[String], label: &str) -> Diagnostic {
    let names = || expected.iter().map(String::as_str);
    let diagnostic = match nearest(name, names()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    };
    if expected.is_empty() {
        return diagnostic.help("nothing is allowed here");
    }
    diagnostic.help(format!("{label}: {}", list_of(name, names())))
}

/// How many characters of a name written by the user a message repeats.
const LONGEST: usize = 80;

/// A name, cut if it is long.
fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST { name.to_owned() } else { name.chars().take(LONGEST).chain(['…']).collect() }
}

/// ` in services.papyrus`, or ` at the top level`.
fn within(path: &Path) -> String {
    if path.is_root() { " at the top level".to_owned() } else { format!(" in {path}") }
}

/// What a value is called: by its key, or by its place in a list.
fn subject(path: &Path) -> String {
    match path.segments() {
        [] => "the file".to_owned(),
        [.., Segment::Key(list), Segment::Index(index)] => format!("item {} of `{list}`", index + 1),
        [.., Segment::Index(index)] => format!("item {}", index + 1),
        [.., Segment::Key(key)] => format!("`{key}`"),
    }
}
