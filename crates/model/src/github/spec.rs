//! What a stack file says about the GitHub repository that deploys it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::subject::{Matching, check_subject, is_login, is_repository_character};
use crate::iam::{DocProblem, Segment};
use crate::names::shown;

/// A GitHub repository: `OWNER/NAME`, spelled as GitHub spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName {
    text: String,
    slash: usize,
}

impl RepositoryName {
    /// The user or organisation.
    pub fn owner(&self) -> &str {
        &self.text[..self.slash]
    }

    /// The repository without its owner.
    pub fn name(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// `OWNER/NAME`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Why a text is not a repository of GitHub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// The text contains the repository, and something around it.
    #[error("`{0}` is more than the name of a repository; did you mean `{1}`?")]
    Address(String, String),
    /// There is not exactly one slash.
    #[error("`{0}` is not a repository; write `OWNER/NAME`, such as `acme/papyrus`")]
    Shape(String),
    /// The owner is not one.
    #[error(
        "`{0}` is not a repository: its owner `{1}` is not a GitHub name; it has up to 39 letters, digits and hyphens"
    )]
    Owner(String, String),
    /// The name has a character that it cannot have.
    #[error("`{0}` is not a repository: its name cannot contain {shown}; it has letters, digits and `- _ .`", shown = shown(*.1))]
    Name(String, char),
    /// The name is too long.
    #[error("`{0}` is not a repository: its name has more than 100 characters")]
    Length(String),
}

impl TryFrom<String> for RepositoryName {
    type Error = RepositoryError;

    fn try_from(text: String) -> Result<Self, RepositoryError> {
        let plain = plain_repository(&text);
        if plain != text && plain.split('/').count() == 2 {
            return Err(RepositoryError::Address(text, plain));
        }
        let Some((owner, name)) = text.split_once('/').filter(|(_, name)| !name.is_empty() && !name.contains('/'))
        else {
            return Err(RepositoryError::Shape(text));
        };
        if !is_login(owner) {
            let owner = owner.to_owned();
            return Err(RepositoryError::Owner(text, owner));
        }
        if let Some(bad) = name.chars().find(|c| !is_repository_character(*c)) {
            return Err(RepositoryError::Name(text, bad));
        }
        if name.len() > 100 {
            return Err(RepositoryError::Length(text));
        }
        let slash = owner.len();
        Ok(Self { text, slash })
    }
}

/// The text without what an address has around a repository's name.
fn plain_repository(text: &str) -> String {
    let starts = ["https://", "http://", "ssh://", "git@", "www.", "github.com/", "github.com:", "repo:"];
    let rest = starts.iter().fold(text, |rest, start| rest.strip_prefix(start).unwrap_or(rest));
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).to_owned()
}

impl FromStr for RepositoryName {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, RepositoryError> {
        Self::try_from(text.to_owned())
    }
}

impl From<RepositoryName> for String {
    fn from(name: RepositoryName) -> Self {
        name.text
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl JsonSchema for RepositoryName {
    fn schema_name() -> Cow<'static, str> {
        "RepositoryName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}$",
            "description": "A GitHub repository: OWNER/NAME, with the letters in the case that GitHub shows."
        })
    }
}

/// How the subjects of a repository's tokens begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectFormat {
    /// `repo:OWNER@OWNER_ID/NAME@REPOSITORY_ID:…`: what repositories created, renamed or transferred on or after 2026-07-15 send.
    Immutable,
    /// `repo:OWNER/NAME:…`: what older repositories send, unless they chose the other.
    Classic,
    /// Either.
    Both,
}

/// The GitHub repository whose workflows may assume a role, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitHub {
    /// The repository: `OWNER/NAME`, with the letters in the case that GitHub shows.
    pub repository: RepositoryName,
    /// The owner's number. Repositories created, renamed or transferred on or after 2026-07-15 have it in their tokens; then both
    /// numbers are needed. `gh api repos/OWNER/NAME --jq '.owner.id, .id'` shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<u64>,
    /// The repository's number; see `owner_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<u64>,
    /// Branches whose workflow runs are admitted: `main`. `*` and `?` stand for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// Tags whose workflow runs are admitted: `v*.*.*`. `*` and `?` stand for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Environments whose jobs are admitted: `production`. A job with an environment is admitted by that alone, not by its branch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Whether workflow runs of pull requests are admitted. Anyone who can open one from a branch of the repository then is, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pull_requests: bool,
    /// Further subjects, as they stand in the token: `repo:acme/papyrus:environment:production`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Which beginning of subjects to admit: `immutable` (`repo:OWNER@OWNER_ID/NAME@REPOSITORY_ID:…`), `classic` (`repo:OWNER/NAME:…`)
    /// or `both`. Repositories created, renamed or transferred on or after 2026-07-15 send the immutable one, older ones the classic
    /// one unless they chose otherwise. The default is `both` when the two numbers are given, else `classic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_format: Option<SubjectFormat>,
}

impl GitHub {
    /// The format that holds when none is written.
    pub fn format(&self) -> SubjectFormat {
        self.subject_format.unwrap_or(if self.ids().is_some() { SubjectFormat::Both } else { SubjectFormat::Classic })
    }

    fn ids(&self) -> Option<(u64, u64)> {
        self.owner_id.zip(self.repository_id)
    }

    /// The values for a condition on `sub`, each once: the immutable form, the classic form, then [`GitHub::subjects`].
    pub fn token_subjects(&self) -> Vec<String> {
        let (owner, name) = (self.repository.owner(), self.repository.name());
        let immutable = self
            .ids()
            .filter(|_| self.format() != SubjectFormat::Classic)
            .map(|(owner_id, repository_id)| format!("repo:{owner}@{owner_id}/{name}@{repository_id}:"));
        let classic = (self.format() != SubjectFormat::Immutable).then(|| format!("repo:{owner}/{name}:"));
        let mut subjects = Vec::new();
        for head in immutable.into_iter().chain(classic) {
            subjects.extend(self.branches.iter().map(|branch| format!("{head}ref:refs/heads/{branch}")));
            subjects.extend(self.tags.iter().map(|tag| format!("{head}ref:refs/tags/{tag}")));
            // GitHub writes a colon in an environment's name as %3A, because colons separate the parts of a subject.
            subjects
                .extend(self.environments.iter().map(|name| format!("{head}environment:{}", name.replace(':', "%3A"))));
            if self.pull_requests {
                subjects.push(format!("{head}pull_request"));
            }
        }
        subjects.extend(self.subjects.iter().cloned());
        let mut once: Vec<String> = Vec::new();
        for subject in subjects {
            if !once.contains(&subject) {
                once.push(subject);
            }
        }
        once
    }

    /// Everything wrong with the block. Pointers are paths inside of it.
    pub fn check(&self) -> Vec<DocProblem> {
        let mut found = Vec::new();
        self.check_ids(&mut found);
        check_refs("branches", "branch", "refs/heads/", &self.branches, &mut found);
        check_refs("tags", "tag", "refs/tags/", &self.tags, &mut found);
        for (index, name) in self.environments.iter().enumerate() {
            let at = place("environments", index);
            if name.trim().is_empty() || name.trim() != name {
                found.push(
                    DocProblem::error(
                        &at,
                        "github-environment",
                        "the name of an environment is empty or has spaces around it",
                    )
                    .help("write it as GitHub shows it"),
                );
            }
            check_latin(&at, name, &mut found);
        }
        for (index, subject) in self.subjects.iter().enumerate() {
            let at = place("subjects", index);
            // All subjects come under one operator: with one pattern among them, all of them are patterns.
            found.extend(check_subject(&at, subject, Matching::Pattern));
            check_latin(&at, subject, &mut found);
        }
        let nothing = self.branches.is_empty()
            && self.tags.is_empty()
            && self.environments.is_empty()
            && self.subjects.is_empty();
        if nothing && !self.pull_requests {
            found.push(
                DocProblem::error(&[], "github-nothing-selected", "nothing says which workflow runs are admitted")
                    .help("give at least one of `branches`, `tags`, `environments`, `pull_requests: true`, `subjects`; for example `branches: [main]`"),
            );
        }
        found
    }

    fn check_ids(&self, found: &mut Vec<DocProblem>) {
        let show = format!("`gh api repos/{} --jq '.owner.id, .id'` shows both", self.repository);
        let lonely = match (self.owner_id, self.repository_id) {
            (Some(_), None) => Some(("owner_id", "repository_id")),
            (None, Some(_)) => Some(("repository_id", "owner_id")),
            _ => None,
        };
        if let Some((given, missing)) = lonely {
            let message = format!("`{given}` needs `{missing}` beside it");
            found.push(DocProblem::error(&[given.into()], "github-ids", message).help(show));
        } else if self.ids().is_none() {
            match self.subject_format {
                Some(SubjectFormat::Immutable | SubjectFormat::Both) => found.push(
                    DocProblem::error(
                        &["subject_format".into()],
                        "github-ids",
                        "immutable subjects contain the numbers of owner and repository, which are not given",
                    )
                    .help(format!("give `owner_id` and `repository_id`; {show}")),
                ),
                Some(SubjectFormat::Classic) => {}
                None => found.push(
                    DocProblem::warning(
                        &["repository".into()],
                        "github-ids",
                        "a repository created, renamed or transferred on or after 2026-07-15 would not be admitted without its numbers",
                    )
                    .help(format!("give `owner_id` and `repository_id` ({show}), or write `subject_format: classic`")),
                ),
            }
        }
    }
}

fn place(field: &str, index: usize) -> [Segment; 2] {
    [field.into(), index.into()]
}

fn check_latin(pointer: &[Segment], text: &str, found: &mut Vec<DocProblem>) {
    if let Some(bad) = text.chars().find(|c| u32::from(*c) > 0xFF) {
        let message = format!("`{text}` contains `{bad}`, which IAM refuses in a trust policy");
        found.push(
            DocProblem::error(pointer, "policy-characters", message)
                .help("only the characters up to U+00FF are allowed; `?` stands for any one"),
        );
    }
}

/// The rules of git for the names of branches and tags (`git check-ref-format`), with `*` and `?` allowed as wildcards.
fn check_refs(field: &str, noun: &str, prefix: &str, names: &[String], found: &mut Vec<DocProblem>) {
    let code = "github-ref";
    for (index, name) in names.iter().enumerate() {
        let at = place(field, index);
        let bad = name.chars().find(|c| c.is_whitespace() || c.is_control() || "~^:\\[".contains(*c));
        if name.is_empty() {
            found.push(
                DocProblem::error(&at, code, format!("the name of a {noun} is empty")).help("`*` means all of them"),
            );
        } else if let Some(short) = name.strip_prefix(prefix).or_else(|| name.strip_prefix(&prefix["refs/".len()..])) {
            found.push(
                DocProblem::error(&at, code, format!("`{name}` is not the name of a {noun}"))
                    .help(format!("write `{short}`, without `refs/`")),
            );
        } else if let Some(bad) = bad {
            found.push(
                DocProblem::error(&at, code, format!("the name of a {noun} cannot contain {}", shown(bad)))
                    .help("write it as `git` shows it"),
            );
        } else if name.contains("..")
            || name.contains("@{")
            || name.contains("${")
            || name.contains("//")
            || name.starts_with('/')
            || name.ends_with(['/', '.'])
        {
            found.push(
                DocProblem::error(&at, code, format!("`{name}` cannot be the name of a {noun}"))
                    .help("write it as `git` shows it"),
            );
        }
        check_latin(&at, name, found);
    }
}

/// The `github:` of one role: fields over those of the stack's `github:` block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GitHubOverrides {
    /// Another repository than the stack's. The numbers of the stack's repository then do not hold for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryName>,
    /// The owner's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<u64>,
    /// The repository's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_id: Option<u64>,
    /// Branches, instead of the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<String>>,
    /// Tags, instead of the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Environments, instead of the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<String>>,
    /// Whether pull requests are admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_requests: Option<bool>,
    /// Further subjects, instead of the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// Which beginning of subjects to admit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_format: Option<SubjectFormat>,
}

impl GitHubOverrides {
    /// The block that holds for the role; nothing when neither names a repository. Each field given here replaces the stack's.
    pub fn over(&self, stack: Option<&GitHub>) -> Option<GitHub> {
        let repository = self.repository.clone().or_else(|| stack.map(|stack| stack.repository.clone()))?;
        let same = stack.filter(|stack| stack.repository == repository);
        let list = |own: &Option<Vec<String>>, theirs: fn(&GitHub) -> &Vec<String>| {
            own.clone().or_else(|| stack.map(|stack| theirs(stack).clone())).unwrap_or_default()
        };
        // Subjects written out name the repository, so those of the stack do not hold for another one.
        let subjects = self.subjects.clone().or_else(|| same.map(|stack| stack.subjects.clone())).unwrap_or_default();
        Some(GitHub {
            owner_id: self.owner_id.or(same.and_then(|stack| stack.owner_id)),
            repository_id: self.repository_id.or(same.and_then(|stack| stack.repository_id)),
            branches: list(&self.branches, |stack| &stack.branches),
            tags: list(&self.tags, |stack| &stack.tags),
            environments: list(&self.environments, |stack| &stack.environments),
            pull_requests: self.pull_requests.unwrap_or_else(|| stack.is_some_and(|stack| stack.pull_requests)),
            subjects,
            subject_format: self.subject_format.or(same.and_then(|stack| stack.subject_format)),
            repository,
        })
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
