//! What roles, users and customer-managed policies have in common: names, paths, documents and references to policies.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::{Check, shorten};
use crate::facts::Facts;
use crate::iam::{DocKind, DocProblem, Segment, SizeLimit, advice, canonical_in, document, size};
use crate::kinds::Resource as _;
use crate::names::shown;
use crate::stack::Stack;

/// How many managed policies a role or user may have by default, and at most (IAM quotas).
const ATTACHMENTS: (usize, usize) = (10, 20);

/// AWS-managed policies with their paths that files of this kind name most often, for typos and forgotten paths.
const AWS_MANAGED: [&str; 16] = [
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/AmazonECSInfrastructureRolePolicyForVolumes",
    "service-role/AmazonEC2ContainerServiceAutoscaleRole",
    "service-role/AmazonEC2ContainerServiceEventsRole",
    "service-role/AmazonEC2ContainerServiceforEC2Role",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonECS_FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AWSXRayDaemonWriteAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLogsFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
];

/// A policy document as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyDocument(pub Value);

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An IAM policy document with `Version` and `Statement`, or `{ file: policy.json }` for one in a file of its own.",
            "oneOf": [
                {
                    "type": "object",
                    "properties": {
                        "Version": { "enum": ["2012-10-17", "2008-10-17"], "description": "The version of the policy language: `2012-10-17`." },
                        "Id": { "type": "string", "description": "A name for the document, which IAM keeps and does not use." },
                        "Statement": { "type": ["array", "object"], "description": "One statement or several: `Effect`, `Action`, `Resource`, …" }
                    },
                    "required": ["Statement"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": { "file": { "type": "string", "description": "The path, relative to this file." } },
                    "required": ["file"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// The path of an IAM resource; `/` when the file gives none.
pub fn path_or_root(path: Option<&str>) -> &str {
    path.unwrap_or("/")
}

/// What a text under `managed_policies` or `permissions_boundary` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyRef<'a> {
    /// A policy of this stack, by its key.
    Own(&'a str),
    /// An AWS-managed policy: its name, with its path before it.
    AwsManaged(&'a str),
    /// Any policy, by its ARN.
    Arn(&'a str),
}

impl<'a> PolicyRef<'a> {
    /// A key under `policies` comes before an AWS-managed policy of the same name.
    pub fn new(stack: &Stack, text: &'a str) -> Self {
        if text.starts_with("arn:") {
            Self::Arn(text)
        } else if stack.policies.contains_key(text) {
            Self::Own(text)
        } else {
            Self::AwsManaged(text)
        }
    }

    /// The ARN.
    pub fn arn(self, stack: &Stack, facts: &Facts) -> String {
        match self {
            Self::Arn(arn) => arn.to_owned(),
            Self::AwsManaged(name) => {
                format!("arn:{}:iam::aws:policy/{}", facts.partition(), name.trim_start_matches('/'))
            }
            Self::Own(key) => {
                let policy = stack.policies.get(key);
                let name = policy.map_or(key, |policy| policy.aws_name(key));
                let path = path_or_root(policy.and_then(|policy| policy.path.as_deref()));
                facts.iam_arn(format_args!("policy{path}{name}"))
            }
        }
    }
}

/// Whether IAM accepts a character in the name of a role, user or policy.
pub fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | '-')
}

/// Reports a name that IAM refuses.
pub(crate) fn check_name(cx: &mut Check<'_>, what: &str, most: usize) {
    let name = cx.name();
    cx.length(what, &name, 1..=most);
    cx.characters(what, &name, "letters, digits and `+ = , . @ _ -`; a slash belongs into `path`", is_name_character);
}

/// Reports a path that IAM refuses.
pub(crate) fn check_path(cx: &mut Check<'_>, what: &str, path: Option<&str>) {
    let Some(path) = path else { return };
    let allowed = |c: char| match what {
        "policy" => is_name_character(c) || c == '/',
        _ => ('\u{21}'..='\u{7E}').contains(&c),
    };
    let short = shorten(path);
    if !path.starts_with('/') || !path.ends_with('/') {
        cx.error(&["path"], "iam-path", format!("the path `{short}` does not begin and end with a slash"))
            .help(format!("write `/{}/`", path.trim_matches('/')));
    } else if path.contains("//") {
        cx.error(&["path"], "iam-path", format!("the path `{short}` has two slashes in a row"))
            .help("write one slash between two names");
    } else if let Some(bad) = path.chars().find(|c| !allowed(*c)) {
        cx.error(&["path"], "iam-path", format!("a path cannot contain {}", shown(bad)))
            .help("write for example `/deploy/`");
    } else if path.len() > 512 {
        cx.error(&["path"], "iam-path", format!("a path has up to 512 characters; this one has {}", path.len()))
            .help("shorten it");
    } else if path.starts_with("/aws-service-role/") || path.starts_with("/aws-reserved/") {
        cx.error(&["path"], "iam-path", format!("the path `{short}` is reserved by AWS"))
            .help("choose another path, or leave it out");
    }
}

/// Reports a description that IAM refuses.
pub(crate) fn check_description(cx: &mut Check<'_>, description: Option<&str>) {
    let Some(text) = description else { return };
    let length = text.chars().count();
    if length > 1000 {
        cx.error(
            &["description"],
            "iam-description",
            format!("a description has up to 1000 characters; this one has {length}"),
        )
        .help("shorten it");
    }
    // The IAM API's pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{A1}'..='\u{FF}');
    if let Some(bad) = text.chars().find(|c| !allowed(*c)) {
        cx.error(&["description"], "iam-description", format!("a description cannot contain {}", shown(bad)))
            .help("IAM allows only Latin-1 characters here: no curly quotes, no long dashes, no other alphabets");
    }
}

/// Reports references to policies that cannot be meant.
pub(crate) fn check_attachments(cx: &mut Check<'_>, policies: &[String]) {
    for (index, text) in policies.iter().enumerate() {
        let index = index.to_string();
        check_policy_ref(cx, &["managed_policies", &index], text);
    }
    let (usual, most) = ATTACHMENTS;
    let mut arns: Vec<String> =
        policies.iter().map(|text| PolicyRef::new(cx.stack, text).arn(cx.stack, cx.facts)).collect();
    arns.sort();
    arns.dedup();
    let count = arns.len();
    let message = format!(
        "{count} managed policies are attached; AWS allows {usual} unless the quota was raised, and {most} at most"
    );
    if count > most {
        cx.error(&["managed_policies"], "too-many-policies", message)
            .help("join some of them into one policy under `policies`");
    } else if count > usual {
        cx.warn(&["managed_policies"], "too-many-policies", message)
            .help("join some of them into one policy under `policies`");
    }
}

/// Reports a reference to a policy that cannot be meant.
pub(crate) fn check_policy_ref(cx: &mut Check<'_>, below: &[&str], text: &str) {
    match PolicyRef::new(cx.stack, text) {
        PolicyRef::Own(_) => {}
        PolicyRef::Arn(arn) => check_policy_arn(cx, below, arn),
        PolicyRef::AwsManaged(name) => {
            if text.is_empty() {
                cx.error(below, "policy-reference", "the name of a policy is empty")
                    .help("remove it, or name a policy");
            } else if !name.contains('/') && name.starts_with(|c: char| !c.is_ascii_uppercase()) {
                // Names of AWS-managed policies begin with a capital letter, so one of this stack is meant.
                cx.reference(below, name, "policies", cx.stack.policies.keys());
            } else if let Some(bad) = name.chars().find(|c| !(is_name_character(*c) || *c == '/')) {
                cx.error(below, "policy-reference", format!("the name of a policy cannot contain {}", shown(bad)))
                    .help("write the name of an AWS-managed policy, a key under `policies`, or an ARN");
            } else {
                check_aws_managed(cx, below, name);
            }
        }
    }
}

fn check_policy_arn(cx: &mut Check<'_>, below: &[&str], arn: &str) {
    let facts = cx.facts;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let shaped = match parts.as_slice() {
        ["arn", _, "iam", "", account, resource] => {
            let account_fits = *account == "aws" || account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            account_fits && resource.strip_prefix("policy/").is_some_and(|name| !name.is_empty())
        }
        _ => false,
    };
    if !shaped {
        cx.error(below, "policy-reference", format!("`{}` is not the ARN of a policy", shorten(arn)))
            .help(format!("it looks like `{}`", facts.iam_arn("policy/deploy")));
        return;
    }
    let partition = facts.partition();
    if parts.get(1).is_some_and(|other| *other != partition) {
        cx.error(below, "policy-reference", format!("`{}` is in another partition than the region", shorten(arn)))
            .help(format!("in {} ARNs begin with `arn:{partition}:`", facts.region));
    } else if let Some(name) = arn.split_once(":iam::aws:policy/").map(|(_, name)| name) {
        check_aws_managed(cx, below, name);
    }
}

/// AWS has more than a thousand managed policies, and adds others: what is not among those known here is no mistake for that.
fn check_aws_managed(cx: &mut Check<'_>, below: &[&str], name: &str) {
    if AWS_MANAGED.contains(&name) {
        return;
    }
    let bare = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    // Of one name there is only one policy, whatever its path and case (IAM user guide, "IAM names").
    if let Some(known) = AWS_MANAGED.iter().copied().find(|known| bare(known).eq_ignore_ascii_case(last)) {
        cx.error(below, "policy-reference", format!("AWS has no managed policy `{}`", shorten(name)))
            .help(format!("did you mean `{known}`?"));
    } else if let Some(own) = crate::diag::nearest(name, cx.stack.policies.keys().map(String::as_str)) {
        cx.warn(below, "policy-reference", format!("`{}` is taken for a policy of AWS", shorten(name)))
            .help(format!("did you mean `{own}` under `policies`?"));
    } else if let Some(known) =
        AWS_MANAGED.iter().copied().find(|known| strsim::damerau_levenshtein(bare(known), last) <= 2)
    {
        // Names of AWS differ by whole words; one or two letters are probably a slip.
        cx.warn(below, "policy-reference", format!("`{}` is not known as a managed policy of AWS", shorten(name)))
            .help(format!("did you mean `{known}`?"));
    }
}

/// Reports everything that is wrong with a document, at its place in the file.
pub(crate) fn check_document(cx: &mut Check<'_>, below: &[&str], kind: DocKind, value: &Value) {
    let account = cx.known_account().cloned();
    let advice = advice::check(kind, value, account.as_ref());
    for problem in document::check(kind, value).into_iter().chain(advice) {
        report(cx, below, &problem);
    }
}

/// Reports inline policies one by one, and their size together.
pub(crate) fn check_inline(
    cx: &mut Check<'_>,
    policies: &BTreeMap<String, PolicyDocument>,
    computed: Option<&Value>,
    limit: SizeLimit,
) {
    for (name, policy) in policies {
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_name_character) {
            cx.error(
                &["inline_policies", name],
                "policy-name",
                format!("`{}` cannot be the name of an inline policy", shorten(name)),
            )
            .help("it has 1 to 128 letters, digits and `+ = , . @ _ -`");
        }
        check_document(cx, &["inline_policies", name], DocKind::Identity, &policy.0);
    }
    let partition = cx.facts.partition();
    let documents: Vec<Value> = policies
        .values()
        .map(|policy| &policy.0)
        .chain(computed)
        .map(|document| canonical_in(document, partition))
        .collect();
    if let Some(problem) = size::check(limit, &documents) {
        report(cx, if policies.is_empty() { &[] } else { &["inline_policies"] }, &problem);
    }
}

/// Reports a problem of a document whose place in the resource is `below`.
pub(crate) fn report(cx: &mut Check<'_>, below: &[&str], problem: &DocProblem) {
    let inside: Vec<String> = problem.pointer.iter().map(Segment::to_string).collect();
    let place: Vec<&str> = below.iter().copied().chain(inside.iter().map(String::as_str)).collect();
    let mut report = if problem.is_error() {
        cx.error(&place, problem.code, problem.message.clone())
    } else {
        cx.warn(&place, problem.code, problem.message.clone())
    };
    if let Some(help) = &problem.help {
        report.help(help.clone());
    }
}
