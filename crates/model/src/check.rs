//! The rules that AWS would only tell later: what a kind's check may ask and report.

use std::ops::RangeInclusive;

use crate::diag::Diagnostic;
use crate::facts::Facts;
use crate::load::STAND_IN_ACCOUNT;
use crate::names::{AccountId, shown};
use crate::stack::Stack;
use crate::yaml::Path;

/// What a resource's check works with.
#[derive(Debug)]
pub struct Check<'a> {
    /// The whole stack, for references.
    pub stack: &'a Stack,
    /// Account and region; a stand-in account when the file names none.
    pub facts: &'a Facts,
    section: &'static str,
    key: &'a str,
    name: &'a str,
    /// Names that are in the file but could not be read; references to them are not reported again.
    dropped: &'a [Path],
    found: Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    /// A check of `section.key`, whose name in AWS is `name`.
    pub fn new(
        stack: &'a Stack,
        facts: &'a Facts,
        section: &'static str,
        key: &'a str,
        name: &'a str,
        dropped: &'a [Path],
    ) -> Self {
        Self { stack, facts, section, key, name, dropped, found: Vec::new() }
    }

    /// Everything that was reported.
    pub fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }

    /// The name in AWS of what is checked.
    pub fn name(&self) -> String {
        self.name.to_owned()
    }

    /// The key of what is checked.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The account, unless the file names none and none is known yet.
    pub fn known_account(&self) -> Option<&'a AccountId> {
        Some(&self.facts.account).filter(|account| account.as_str() != STAND_IN_ACCOUNT)
    }

    /// The path of something below the resource. A segment of digits is a place in a list.
    pub fn path(&self, below: &[&str]) -> Path {
        let mut path = Path::root().key(self.section).key(self.key);
        for segment in below {
            path = match segment.parse::<usize>() {
                Ok(index) => path.index(index),
                Err(_) => path.key(*segment),
            };
        }
        path
    }

    /// Reports an error at a place below the resource.
    pub fn error(&mut self, below: &[&str], code: &'static str, message: impl Into<String>) -> Report<'_> {
        let diagnostic = Diagnostic::error(code, message).path(self.path(below));
        self.report(diagnostic)
    }

    /// Reports something that works but is probably not meant.
    pub fn warn(&mut self, below: &[&str], code: &'static str, message: impl Into<String>) -> Report<'_> {
        let diagnostic = Diagnostic::warning(code, message).path(self.path(below));
        self.report(diagnostic)
    }

    fn report(&mut self, diagnostic: Diagnostic) -> Report<'_> {
        let at = self.found.len();
        self.found.push(diagnostic);
        Report { found: &mut self.found, at }
    }

    /// Reports a name whose length is outside the limits.
    pub fn length(&mut self, what: &str, name: &str, limits: RangeInclusive<usize>) {
        let length = name.chars().count();
        if !limits.contains(&length) {
            let (least, most) = (limits.start(), limits.end());
            self.error(
                &self.name_place(),
                "name-length",
                format!("the name of a {what} has {least} to {most} characters; `{}` has {length}", shorten(name)),
            )
            .help("choose another key, or give a `name:`");
        }
    }

    /// Reports a name with characters that AWS refuses.
    pub fn characters(&mut self, what: &str, name: &str, allowed: &str, is_allowed: impl Fn(char) -> bool) {
        if let Some(bad) = name.chars().find(|c| !is_allowed(*c)) {
            self.error(
                &self.name_place(),
                "name-characters",
                format!("the name of a {what} cannot contain {}", shown(bad)),
            )
            .help(format!("allowed: {allowed}"));
        }
    }

    fn name_place(&self) -> Vec<&'static str> {
        if self.name == self.key { Vec::new() } else { vec!["name"] }
    }

    /// Reports a text that is no ARN of the service.
    pub fn arn(&mut self, below: &[&str], text: &str, service: &str) {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let shaped = matches!(parts.as_slice(), ["arn", _, s, _, _, resource] if *s == service && !resource.is_empty());
        if !shaped {
            let resource = match service {
                "elasticloadbalancing" => "targetgroup/papyrus/0123456789abcdef",
                "secretsmanager" => "secret:papyrus-AbCdEf",
                "servicediscovery" => "service/srv-0123456789abcdef",
                _ => "…",
            };
            let example = self.facts.arn(service, resource).replace(STAND_IN_ACCOUNT, "123456789012");
            self.error(below, "not-an-arn", format!("`{}` is not an ARN of `{service}`", shorten(text)))
                .help(format!("it looks like `{example}`"));
        }
    }

    /// Reports a text that is not the ARN of a KMS key or of an alias of one, in the region of the stack (KMS API reference, "Key
    /// identifiers": keys are used in their own region only).
    pub fn kms_key(&mut self, below: &[&str], text: &str) {
        let example = |resource: &str| self.facts.arn("kms", resource).replace(STAND_IN_ACCOUNT, "123456789012");
        let key = example("key/1234abcd-12ab-34cd-56ef-1234567890ab");
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "kms", region, account, resource] = parts.as_slice() else {
            let help = match text.strip_prefix("alias/") {
                Some(alias) => {
                    format!("write the alias with its ARN, `{}`", example(&format!("alias/{}", shorten(alias))))
                }
                None if is_key_id(text) => format!("write the key with its ARN, `{}`", example(&format!("key/{text}"))),
                None => format!("it looks like `{key}`"),
            };
            self.error(below, "not-an-arn", format!("`{}` is not an ARN of `kms`", shorten(text))).help(help);
            return;
        };
        let alias = |name: &str| {
            (1..=250).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | ':'))
        };
        let shaped = account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && (resource.strip_prefix("key/").is_some_and(is_key_id)
                || resource.strip_prefix("alias/").is_some_and(alias));
        if !shaped {
            self.error(below, "kms-key", format!("`{}` is not the ARN of a KMS key", shorten(text))).help(format!(
                "it looks like `{key}`, that of a key for several regions like `{}`, that of an alias like `{}`",
                example("key/mrk-1234abcd12ab34cd56ef1234567890ab"),
                example("alias/papyrus")
            ));
        } else if *partition != self.facts.partition() || *region != self.facts.region.as_str() {
            let here = self.facts.region.as_str().to_owned();
            self.error(below, "kms-region", format!("this KMS key is in `{}`, the stack in `{here}`", shorten(region)))
                .help(format!("name a key of {here}: `aws kms list-aliases --region {here}` shows them"));
        }
    }

    /// Reports a reference to something that the stack does not have. `among` are the keys of the section `section`.
    pub fn reference<'k>(
        &mut self,
        below: &[&str],
        key: &str,
        section: &str,
        among: impl IntoIterator<Item = &'k String>,
    ) -> bool {
        let keys: Vec<&String> = among.into_iter().collect();
        if keys.iter().any(|k| *k == key) || self.was_dropped(section, key) {
            return true;
        }
        let mut report =
            self.error(below, "unknown-reference", format!("there is no `{}` under `{section}`", shorten(key)));
        if let Some(near) = crate::diag::nearest(key, keys.iter().map(|k| k.as_str())) {
            report.help(format!("did you mean `{near}`?"));
        } else if keys.is_empty() {
            report.help(format!(
                "add it under `{section}:`, or write `{{ existing: … }}` for one that is not managed here"
            ));
        } else {
            let names: Vec<&str> = keys.iter().take(8).map(|k| k.as_str()).collect();
            report.help(format!(
                "there are: {}; for one that is not managed here write `{{ existing: … }}`",
                names.join(", ")
            ));
        }
        false
    }

    /// Reports something at a place that is not below the resource, such as in the head of the file.
    pub fn elsewhere(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Whether something at a path of the file could not be read, so that its absence is no second mistake.
    pub fn unreadable(&self, keys: &[&str]) -> bool {
        let path = Path::of(keys);
        self.dropped.iter().any(|dropped| dropped.contains(&path) || path.contains(dropped))
    }

    /// Whether something at or below a place below the resource could not be read.
    pub fn unreadable_within(&self, below: &[&str]) -> bool {
        let path = self.path(below);
        self.dropped.iter().any(|dropped| path.contains(dropped) || dropped.contains(&path))
    }

    fn was_dropped(&self, section: &str, key: &str) -> bool {
        let section_path = Path::root().key(section);
        let path = section_path.clone().key(key);
        self.dropped.iter().any(|dropped| *dropped == path || *dropped == section_path)
    }

    /// The two nearest of the allowed numbers, as text.
    pub fn nearest_number(&self, number: u32, allowed: &[u32]) -> String {
        let below = allowed.iter().filter(|a| **a < number).max();
        let above = allowed.iter().filter(|a| **a > number).min();
        let texts: Vec<String> = [below, above].into_iter().flatten().map(u32::to_string).collect();
        texts.join(" and ")
    }
}

/// A report that can still be given its way out.
#[derive(Debug)]
pub struct Report<'a> {
    found: &'a mut Vec<Diagnostic>,
    at: usize,
}

impl Report<'_> {
    /// Adds what to do about it.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        if let Some(diagnostic) = self.found.get_mut(self.at) {
            diagnostic.help.push(help.into());
        }
        self
    }
}

/// Whether a text is the id of a KMS key: a UUID, or `mrk-` and 32 hexadecimal digits (KMS API reference).
fn is_key_id(text: &str) -> bool {
    let hex = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit());
    let groups: Vec<&str> = text.split('-').collect();
    match groups.as_slice() {
        ["mrk", digits] => hex(digits, 32),
        [a, b, c, d, e] => hex(a, 8) && hex(b, 4) && hex(c, 4) && hex(d, 4) && hex(e, 12),
        _ => false,
    }
}

/// A text short enough for a message.
pub fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    let start: String = text.chars().take(57).collect();
    format!("{start}…")
}
