//! ECR repositories. Limits and patterns: ECR API reference.

mod lifecycle;

use std::borrow::Cow;

use serde_json::Value;

use super::macros::{Common, Resource};
use crate::check::{Check, shorten};
use crate::facts::Facts;
use crate::iam::{self, DocKind, DocProblem, Severity, SizeLimit};

/// How many exclusions from (im)mutability a repository takes.
const EXCLUSIONS: usize = 5;

resource! {
    /// An ECR repository; its key is its name.
    pub struct Repository {
        /// Whether a tag can be moved to another image: `mutable` (the default), `immutable`, or one of them for all tags but the
        /// `mutability_exclusions`: `mutable_with_exclusion`, `immutable_with_exclusion`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mutability: Option<Mutability>,
        /// One to five patterns of tags to which the opposite applies, such as `latest` or `dev-*`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub mutability_exclusions: Vec<String>,
        /// How images are encrypted: `AES256` (the default), `KMS` (with the account's key for ECR), `KMS_DSSE`, or
        /// `{ kms: arn-of-a-key }`. Cannot be changed later.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub encryption: Option<Encryption>,
        /// Whether images are scanned for known vulnerabilities when they are pushed. Off unless stated.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub scan_on_push: Option<bool>,
        /// How many images are kept: the oldest beyond that number expire. A short form of `lifecycle`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub keep_images: Option<u32>,
        /// A lifecycle policy as ECR defines it (`rules: [..]`), as a mapping or as JSON text.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lifecycle: Option<Value>,
        /// A repository policy (`Version`, `Statement`), as a mapping or as JSON text. Its statements have no `Resource`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub policy: Option<Value>,
        /// What destroy does while there are images: `keep` the repository (the default) or `empty` it, which deletes the images.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub on_destroy: Option<OnDestroy>,
    }
}

/// Whether tags can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mutability {
    /// Tags can be moved.
    Mutable,
    /// Tags cannot be moved.
    Immutable,
    /// Tags can be moved, except those that match an exclusion.
    MutableWithExclusion,
    /// Tags cannot be moved, except those that match an exclusion.
    ImmutableWithExclusion,
}

impl Mutability {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::Mutable => "MUTABLE",
            Self::Immutable => "IMMUTABLE",
            Self::MutableWithExclusion => "MUTABLE_WITH_EXCLUSION",
            Self::ImmutableWithExclusion => "IMMUTABLE_WITH_EXCLUSION",
        }
    }

    fn with_exclusion(self) -> bool {
        matches!(self, Self::MutableWithExclusion | Self::ImmutableWithExclusion)
    }
}

/// How images are encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum Encryption {
    /// With keys of S3.
    #[serde(rename = "AES256")]
    Aes256,
    /// With the account's KMS key for ECR.
    #[serde(rename = "KMS")]
    Kms,
    /// Twice, with the account's KMS key for ECR.
    #[serde(rename = "KMS_DSSE")]
    KmsDsse,
    /// With this KMS key, by its ARN.
    #[serde(rename = "kms")]
    Key(String),
    /// Twice, with this KMS key, by its ARN.
    #[serde(rename = "kms_dsse")]
    KeyDsse(String),
}

impl Encryption {
    /// The type as the API spells it.
    pub fn api(&self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms | Self::Key(_) => "KMS",
            Self::KmsDsse | Self::KeyDsse(_) => "KMS_DSSE",
        }
    }

    /// The key, where one is named.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) | Self::KeyDsse(key) => Some(key),
            Self::Aes256 | Self::Kms | Self::KmsDsse => None,
        }
    }
}

/// What destroy does with a repository that holds images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDestroy {
    /// Leaves it.
    Keep,
    /// Deletes it with its images.
    Empty,
}

/// A document that may be written as a mapping or as JSON text.
///
/// # Errors
/// When the text is no JSON.
pub fn document(written: &Value) -> Result<Cow<'_, Value>, serde_json::Error> {
    match written {
        Value::String(text) => serde_json::from_str(text).map(Cow::Owned),
        other => Ok(Cow::Borrowed(other)),
    }
}

impl Repository {
    fn check_mutability(&self, cx: &mut Check<'_>) {
        let excludes = self.mutability.is_some_and(Mutability::with_exclusion);
        if excludes && self.mutability_exclusions.is_empty() {
            cx.error(&["mutability"], "missing-exclusions", "a mutability with exclusions needs at least one pattern")
                .help("add `mutability_exclusions: [latest]`, or say `mutable` or `immutable`");
        }
        if !excludes && !self.mutability_exclusions.is_empty() {
            let (now, then) = match self.mutability {
                Some(Mutability::Immutable) => ("immutable", "immutable_with_exclusion"),
                _ => ("mutable", "mutable_with_exclusion"),
            };
            cx.error(
                &["mutability_exclusions"],
                "exclusions-unused",
                format!("a repository that is `{now}` takes no exclusions"),
            )
            .help(format!("write `mutability: {then}`"));
        }
        if self.mutability_exclusions.len() > EXCLUSIONS {
            let count = self.mutability_exclusions.len();
            cx.error(
                &["mutability_exclusions"],
                "too-many",
                format!("ECR takes at most {EXCLUSIONS} patterns; there are {count}"),
            )
            .help("cover several tags by one pattern with `*`");
        }
        for (at, pattern) in self.mutability_exclusions.iter().enumerate() {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '*' | '-');
            if pattern.is_empty() || pattern.len() > 128 || !pattern.chars().all(fits) {
                let at = at.to_string();
                let message = format!("`{}` is not a pattern of tags", shorten(pattern));
                cx.error(&["mutability_exclusions", &at], "exclusion-pattern", message)
                    .help("allowed are 1 to 128 letters, digits and `. _ - *`");
            }
        }
    }

    fn check_lifecycle(&self, cx: &mut Check<'_>) {
        if self.keep_images.is_some() && self.lifecycle.is_some() {
            cx.error(&["keep_images"], "either-or", "`keep_images` and `lifecycle` exclude each other")
                .help("remove `keep_images`, and give `lifecycle` a rule with `countType: imageCountMoreThan`");
        }
        if self.keep_images == Some(0) {
            cx.error(&["keep_images"], "keep-none", "ECR keeps at least one image")
                .help("write 1 or more, or remove the line to keep all");
        }
        if let Some(written) = &self.lifecycle {
            match document(written) {
                Ok(policy) => lifecycle::check(&policy, cx),
                Err(error) => {
                    cx.error(&["lifecycle"], "not-json", format!("the lifecycle policy is no JSON: {error}"))
                        .help("write it as YAML: `lifecycle: { rules: [ … ] }`");
                }
            }
        }
    }

    fn check_policy(&self, cx: &mut Check<'_>) {
        let Some(written) = &self.policy else { return };
        let policy = match document(written) {
            Ok(policy) => policy,
            Err(error) => {
                cx.error(&["policy"], "not-json", format!("the repository policy is no JSON: {error}"))
                    .help("write it as YAML: `policy: { Version: \"2012-10-17\", Statement: [ … ] }`");
                return;
            }
        };
        let mut problems = iam::document::check(DocKind::EcrRepository, &policy);
        problems.extend(iam::size::check(SizeLimit::EcrRepository, [&*policy]));
        for problem in &problems {
            report(cx, problem, written.is_string());
        }
    }
}

/// Reports a problem of the policy at its place; inside a text there are no places.
fn report(cx: &mut Check<'_>, problem: &DocProblem, in_text: bool) {
    let segments: Vec<String> = problem.pointer.iter().map(ToString::to_string).collect();
    let mut below = vec!["policy"];
    if !in_text {
        below.extend(segments.iter().map(String::as_str));
    }
    let mut report = match problem.severity {
        Severity::Error => cx.error(&below, problem.code, &problem.message),
        Severity::Warning => cx.warn(&below, problem.code, &problem.message),
    };
    if let Some(help) = &problem.help {
        report.help(help);
    }
}

/// Whether a name follows ECR's pattern: parts of lower-case letters and digits, joined by `.`, `_`, `__` or hyphens, and by slashes.
fn is_name(name: &str) -> bool {
    name.split('/').all(|part| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let mut ends = part.chars().next().is_some_and(plain) && part.chars().next_back().is_some_and(plain);
        for joint in part.split(plain).filter(|joint| !joint.is_empty()) {
            ends &= matches!(joint, "." | "_" | "__") || joint.chars().all(|c| c == '-');
        }
        ends
    })
}

impl Resource for Repository {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        cx.length("repository", &name, 2..=256);
        if !is_name(&name) {
            let place: &[&str] = if self.name.is_some() { &["name"] } else { &[] };
            let lower = name.to_ascii_lowercase();
            let mut report =
                cx.error(place, "repository-name", format!("`{}` cannot be the name of a repository", shorten(&name)));
            report.help("lower-case letters and digits, joined by single `.` or `_`, hyphens and `/`: `acme/papyrus`");
            if is_name(&lower) {
                report.help(format!("did you mean `{}`?", shorten(&lower)));
            }
        } else if name.starts_with(|c: char| c.is_ascii_digit()) {
            let place: &[&str] = if self.name.is_some() { &["name"] } else { &[] };
            cx.error(place, "repository-name", "the name of a repository starts with a letter")
                .help("put a letter before the digit");
        }
        if let Some(key) = self.encryption.as_ref().and_then(Encryption::key) {
            let below = if matches!(self.encryption, Some(Encryption::Key(_))) { "kms" } else { "kms_dsse" };
            cx.kms_key(&["encryption", below], key);
            if key.starts_with("arn:") && key.contains(":alias/") {
                // ECR answers with the key that the alias stood for at the time, which could never be compared.
                cx.error(&["encryption", below], "kms-alias", "an alias does not name a key for good")
                    .help("give the key's own ARN: `aws kms describe-key --key-id ALIAS --query KeyMetadata.Arn`");
            }
        }
        self.check_mutability(cx);
        self.check_lifecycle(cx);
        self.check_policy(cx);
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.arn("ecr", format_args!("repository/{name}"))),
            "uri" => {
                let (account, region) = (&facts.account, &facts.region);
                Some(format!("{account}.dkr.ecr.{region}.{}/{name}", region.dns_suffix()))
            }
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name", "uri"]
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_follow_the_pattern_of_ecr() {
        for good in ["papyrus", "acme/papyrus", "a1", "a.b_c__d--e/f"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["Papyrus", "a..b", "a___b", "-a", "a-", "a//b", "a/", "", "a._b", "päpyrus"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
