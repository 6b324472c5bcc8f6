//! Which runs of workflows a role admits, as far as its `trust: { github: … }` says.

use crate::github::{GitHub, RepositoryName};

/// What a run presents of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// A push to a branch, or a run by hand or by schedule on it.
    Branch(String),
    /// Any one branch: the default branch, whose name the file does not have.
    SomeBranch,
    /// A push of a tag.
    Tag(String),
    /// A job in an environment, whatever started it.
    Environment(String),
    /// A pull request.
    PullRequest,
}

impl Run {
    /// In words: `the branch main`.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Branch(name) => format!("the branch `{name}`"),
            Self::SomeBranch => "a branch".to_owned(),
            Self::Tag(name) => format!("the tag `{name}`"),
            Self::Environment(name) => format!("the environment `{name}`"),
            Self::PullRequest => "pull requests".to_owned(),
        }
    }

    /// The line of a `github:` block that admits it.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Branch(name) => format!("branches: [{name}]"),
            Self::SomeBranch => "branches: [main]".to_owned(),
            Self::Tag(name) => format!("tags: [\"{name}\"]"),
            Self::Environment(name) => format!("environments: [{name}]"),
            Self::PullRequest => "pull_requests: true".to_owned(),
        }
    }

    /// The end of the subject that such a run presents.
    fn context(&self) -> Option<String> {
        match self {
            Self::Branch(name) => Some(format!("ref:refs/heads/{name}")),
            Self::SomeBranch => None,
            Self::Tag(name) => Some(format!("ref:refs/tags/{name}")),
            Self::Environment(name) => Some(format!("environment:{}", name.replace(':', "%3A"))),
            Self::PullRequest => Some("pull_request".to_owned()),
        }
    }
}

/// Whether a `github:` block admits a run of this repository. A pattern of branches counts as admitted where the block has the same
/// pattern, or a wider one.
pub(super) fn admits(github: &GitHub, repository: &RepositoryName, run: &Run) -> bool {
    let ours = github.repository == *repository;
    let subjects = github.token_subjects();
    let Some(context) = run.context() else {
        return ours && (!github.branches.is_empty() || subjects.iter().any(|subject| subject.ends_with(":*")));
    };
    let (owner, name) = (repository.owner(), repository.name());
    let classic = format!("repo:{owner}/{name}:{context}");
    // Which ids another repository has is not known here; for the block's own they are in its subjects.
    let immutable = github.owner_id.zip(github.repository_id).filter(|_| ours);
    let immutable = immutable.map(|(owner_id, id)| format!("repo:{owner}@{owner_id}/{name}@{id}:{context}"));
    let presented: Vec<String> = immutable.into_iter().chain([classic]).collect();
    subjects.iter().any(|pattern| presented.iter().any(|subject| covers(pattern.as_bytes(), subject.as_bytes())))
}

/// Whether a pattern of IAM's `StringLike` matches a text: `*` stands for any characters, `?` for one.
fn covers(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far into the text it reaches.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some(b'*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(c), _) if *c == b'?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            (_, Some((at, reached))) => {
                star = Some((at, reached + 1));
                p = at + 1;
                t = reached + 1;
            }
            (_, None) => return false,
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == b'*')
}

/// A branch or tag as IAM's patterns write it, in the syntax of GitHub's filters; nothing where there is no way to write it.
/// IAM's `*` also stands for slashes, GitHub's does not, but `**` does. GitHub has nothing for exactly one character.
/// (GitHub, "Workflow syntax", filter pattern cheat sheet.)
pub(super) fn filter(pattern: &str) -> Option<String> {
    let mut out = String::new();
    for (at, c) in pattern.char_indices() {
        match c {
            '*' => out.push_str("**"),
            '?' => return None,
            '+' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '!' if at == 0 => out.push_str("\\!"),
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use serde_json::{Value, json};

    use super::*;

    fn github(block: Value) -> GitHub {
        serde_json::from_value(block).unwrap()
    }

    #[test]
    fn a_run_is_admitted_by_what_it_presents() {
        let block = github(json!({
            "repository": "acme/papyrus", "owner_id": 1, "repository_id": 2, "subject_format": "immutable",
            "branches": ["main", "release/*"], "environments": ["live:eu"]
        }));
        let repository = block.repository.clone();
        for (run, admitted) in [
            (Run::Branch("main".into()), true),
            (Run::Branch("release/1/2".into()), true),
            (Run::Branch("release/*".into()), true),
            (Run::Branch("mainly".into()), false),
            (Run::SomeBranch, true),
            (Run::Environment("live:eu".into()), true),
            (Run::Environment("live".into()), false),
            (Run::Tag("v1".into()), false),
            (Run::PullRequest, false),
        ] {
            assert_eq!(admits(&block, &repository, &run), admitted, "{run:?}");
        }
        let other: RepositoryName = "acme/quay".parse().unwrap();
        assert!(!admits(&block, &other, &Run::Branch("main".into())));
        assert!(!admits(&block, &other, &Run::SomeBranch));
    }

    #[test]
    fn stars_are_tried_at_every_place() {
        for (pattern, text, is) in [
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "a-b-c", false),
            ("*", "", true),
            ("v?.?", "v1.2", true),
            ("v?.?", "v12", false),
            ("", "a", false),
        ] {
            assert_eq!(covers(pattern.as_bytes(), text.as_bytes()), is, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns_are_written_as_github_reads_them() {
        assert_eq!(filter("release/*").as_deref(), Some("release/**"));
        assert_eq!(filter("c++").as_deref(), Some("c\\+\\+"));
        assert_eq!(filter("!main").as_deref(), Some("\\!main"));
        assert_eq!(filter("v?"), None);
    }
}
