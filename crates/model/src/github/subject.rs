//! The `sub` claim of a GitHub Actions token, and how open a condition on it is.
//!
//! A job's subject is `repo:OWNER/NAME:` and one of `ref:refs/heads/BRANCH`, `ref:refs/tags/TAG`, `pull_request`, `environment:NAME`.
//! Repositories created, renamed or transferred on or after 2026-07-15 have `repo:OWNER@OWNER_ID/NAME@REPOSITORY_ID:` in front of it.

use crate::iam::{DocProblem, Segment, placeholder};
use crate::names::shown;

/// How a condition compares a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Letter by letter: `StringEquals`, `StringEqualsIgnoreCase`.
    Exact,
    /// As a pattern, where `*` and `?` stand for others: `StringLike`.
    Pattern,
}

const WILD: [char; 2] = ['*', '?'];
const FORMAT: &str = "github-subject";
const OPEN: &str = "github-subject-open";
const WIDE: &str = "github-subject-wide";

/// Claims that a customised subject template can put into a subject (GitHub, "OpenID Connect reference").
const CLAIMS: [&str; 21] = [
    "actor",
    "actor_id",
    "base_ref",
    "context",
    "enterprise",
    "enterprise_id",
    "event_name",
    "head_ref",
    "job_workflow_ref",
    "job_workflow_sha",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_id",
    "runner_environment",
    "sha",
    "workflow",
    "workflow_ref",
];

/// Those of [`CLAIMS`] that say who owns the repository, and so may stand first.
const OWNING: [&str; 7] = [
    "enterprise",
    "enterprise_id",
    "job_workflow_ref",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
];

/// Collects what is wrong with one value.
struct Findings<'a> {
    pointer: &'a [Segment],
    text: &'a str,
    found: Vec<DocProblem>,
}

impl Findings<'_> {
    fn error(&mut self, code: &'static str, message: String, help: impl Into<String>) {
        self.found.push(DocProblem::error(self.pointer, code, message).help(help));
    }

    fn warn(&mut self, message: String, help: impl Into<String>) {
        self.found.push(DocProblem::warning(self.pointer, WIDE, message).help(help));
    }

    fn malformed(&mut self, why: &str, help: impl Into<String>) {
        let message = format!("`{}` is not a subject of GitHub: {why}", self.text);
        self.error(FORMAT, message, help);
    }

    /// Reports what is wrong whatever the value is of. Gives whether more can be said.
    fn text_rules(&mut self, matching: Matching) -> bool {
        let text = self.text;
        if let Some(bad) = text
            .chars()
            .next()
            .filter(|c| c.is_whitespace())
            .or_else(|| text.chars().last().filter(|c| c.is_whitespace()))
        {
            self.error(FORMAT, format!("`{text}` starts or ends with {}", shown(bad)), "remove it: it is compared too");
            return false;
        }
        if matching == Matching::Exact && text.contains(WILD) {
            let message = format!("`{text}` is compared letter by letter here, so `*` and `?` match only themselves");
            self.error("github-literal-wildcard", message, "move it under `StringLike`");
            return false;
        }
        true
    }
}

/// Everything wrong with one value of a condition on `sub`: its format, and whether it lets in strangers. Nothing is said about a text
/// with an unreplaced `<PLACEHOLDER>`; the rule for all texts reports that.
pub fn check_subject(pointer: &[Segment], text: &str, matching: Matching) -> Vec<DocProblem> {
    let mut findings = Findings { pointer, text, found: Vec::new() };
    if text.is_empty() {
        findings.malformed("it is empty", "write for example `repo:acme/papyrus:ref:refs/heads/main`");
    } else if placeholder(text).is_none() && findings.text_rules(matching) {
        match text.strip_prefix("repo:") {
            Some(rest) => check_repo(&mut findings, rest),
            None => check_other_start(&mut findings),
        }
    }
    findings.found.dedup();
    findings.found
}

/// A subject that does not start with `repo:`.
fn check_other_start(findings: &mut Findings<'_>) {
    let text = findings.text;
    let literal = text.split(WILD).next().unwrap_or_default();
    if literal.len() < text.len() && "repo:".starts_with(literal) {
        let message = format!("`{text}` admits every repository on GitHub");
        return findings.error(
            OPEN,
            message,
            "name the owner and the repository: `repo:acme/papyrus:ref:refs/heads/main`",
        );
    }
    if let Some(path) = github_path(text) {
        let (owner_and_name, tail) = path;
        return findings.malformed("it is an address", format!("did you mean `repo:{owner_and_name}:{tail}`?"));
    }
    let (first, rest) = text.split_once(':').unwrap_or((text, ""));
    if first.eq_ignore_ascii_case("repo") {
        return findings.malformed("letters count as they are", format!("did you mean `repo:{rest}`?"));
    }
    if OWNING.contains(&first) {
        let who = rest.split([':', '/']).next().unwrap_or_default();
        if who.is_empty() || who.contains(WILD) {
            let message = format!("`{text}` does not say whose repositories it admits");
            return findings.error(OPEN, message, format!("write a whole value after `{first}:`"));
        }
        return custom(findings, first);
    }
    if looks_like_repository(first) {
        return findings.malformed("it does not start with `repo:`", format!("did you mean `repo:{text}`?"));
    }
    if first == "ref" || first == "environment" || first == "pull_request" || CLAIMS.contains(&first) {
        let message = format!("`{text}` names no repository, so every repository on GitHub can match it");
        return findings.error(
            OPEN,
            message,
            format!("did you mean `repo:acme/papyrus:{text}`, with your repository?"),
        );
    }
    findings.malformed("it does not start with `repo:`", "write for example `repo:acme/papyrus:ref:refs/heads/main`");
}

fn custom(findings: &mut Findings<'_>, claim: &str) {
    findings.found.push(
        DocProblem::warning(
            findings.pointer,
            "github-subject-custom",
            format!(
                "`{}` only matches where the subject template of the repository was customised with `{claim}`",
                findings.text
            ),
        )
        .help("`gh api repos/OWNER/NAME/actions/oidc/customization/sub` shows the template"),
    );
}

fn looks_like_repository(text: &str) -> bool {
    text.split_once('/').is_some_and(|(owner, name)| is_login(owner) && !name.is_empty() && !name.contains('/'))
}

/// `OWNER/NAME` and a subject's tail, from an address on github.com.
fn github_path(text: &str) -> Option<(String, String)> {
    let path = ["https://", "http://", "ssh://git@", "git@", "www."]
        .iter()
        .fold(text, |rest, start| rest.strip_prefix(start).unwrap_or(rest));
    let path = path.strip_prefix("github.com")?.strip_prefix(['/', ':'])?;
    let (path, tail) = path.split_once(':').unwrap_or((path, "ref:refs/heads/main"));
    let mut parts = path.split('/');
    let (owner, name) = (parts.next()?, parts.next().unwrap_or("NAME"));
    let name = name.strip_suffix(".git").unwrap_or(name);
    let tail = match (parts.next(), parts.next()) {
        (Some("tree"), Some(branch)) => format!("ref:refs/heads/{branch}"),
        _ => tail.to_owned(),
    };
    Some((format!("{owner}/{name}"), tail))
}

/// Whether a text is shaped like the name of a GitHub user or organisation. Underscores occur in managed users.
pub(super) fn is_login(text: &str) -> bool {
    text.len() <= 39
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether a character can be part of a repository's name.
pub(super) fn is_repository_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A part of the form `NAME` or `NAME@ID`.
fn name_and_id(part: &str) -> (&str, Option<&str>) {
    part.split_once('@').map_or((part, None), |(name, id)| (name, Some(id)))
}

/// What follows `repo:`.
fn check_repo(findings: &mut Findings<'_>, rest: &str) {
    let text = findings.text;
    if let Some((repository, tail)) = github_path(rest) {
        return findings.malformed("it contains an address", format!("did you mean `repo:{repository}:{tail}`?"));
    }
    let (owner, after) = match rest.split_once('/') {
        Some((owner, after)) if !owner.contains(':') => (owner, Some(after)),
        _ => (rest.split(':').next().unwrap_or_default(), None),
    };
    let (login, owner_id) = name_and_id(owner);
    if login.contains(WILD) {
        let whom = match login.split(WILD).next() {
            None | Some("") => "every repository on GitHub".to_owned(),
            Some(start) => format!("the repositories of everyone whose name begins with `{start}`"),
        };
        let message = format!("`{text}` admits {whom}");
        return findings.error(OPEN, message, "write out the owner: `repo:acme/papyrus:ref:refs/heads/main`");
    }
    let Some(after) = after else {
        return findings.malformed(
            "it has no `OWNER/NAME` after `repo:`",
            "write for example `repo:acme/papyrus:ref:refs/heads/main`",
        );
    };
    if !is_login(login) {
        return findings
            .malformed(&format!("`{login}` is not the name of a GitHub owner"), "it has letters, digits and hyphens");
    }
    check_id(findings, owner_id);
    let (repository, tail) = after.split_once(':').map_or((after, None), |(repository, tail)| (repository, Some(tail)));
    let (name, repository_id) = name_and_id(repository);
    let narrow = check_repository_name(findings, login, name, tail);
    if narrow {
        check_id(findings, repository_id);
        if owner_id.is_some() != repository_id.is_some() {
            findings.malformed(
                "one of owner and repository has an id, the other has none",
                format!("write `repo:{login}@OWNER_ID/{name}@REPOSITORY_ID:…`, or leave both ids out"),
            );
        }
    }
    match tail {
        Some(_) if name.contains('/') && !name.contains(WILD) => {}
        Some(tail) => check_tail(findings, &text[..text.len() - tail.len()], tail),
        None if narrow && !repository.contains(WILD) && !repository.contains('/') => findings.malformed(
            "it does not say which branch, tag or environment",
            format!("did you mean `{text}:ref:refs/heads/main`?"),
        ),
        None => {}
    }
}

fn check_id(findings: &mut Findings<'_>, id: Option<&str>) {
    let Some(id) = id else { return };
    if id.contains(WILD) {
        let message =
            format!("`{}` leaves an id open, so it also matches a later owner of the same name", findings.text);
        findings.warn(message, "write the numbers: `gh api repos/OWNER/NAME --jq '.owner.id, .id'`");
    } else if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        findings.malformed(
            &format!("`{id}` is not an id"),
            "an id is a number: `gh api repos/OWNER/NAME --jq '.owner.id, .id'`",
        );
    }
}

/// Reports a repository's name that is malformed or a pattern. Gives whether it is an ordinary name.
fn check_repository_name(findings: &mut Findings<'_>, login: &str, name: &str, tail: Option<&str>) -> bool {
    let text = findings.text;
    if name.contains(WILD) {
        let which = match name.split(WILD).next() {
            None | Some("") => format!("every repository of `{login}`"),
            Some(start) => format!("every repository of `{login}` whose name begins with `{start}`"),
        };
        let events = if tail.is_none() { ", pull requests included" } else { "" };
        findings.warn(format!("`{text}` admits {which}{events}"), "name the repositories one by one");
        return false;
    }
    if let Some((short, rest)) = name.split_once('/') {
        let rest = rest.trim_start_matches("tree/");
        let meant = tail.map_or_else(|| rest.to_owned(), |tail| format!("{rest}:{tail}"));
        let fixed = if TAILS.iter().any(|form| meant.starts_with(form)) {
            meant
        } else {
            fix_tail(&meant).map_or_else(|| format!("ref:refs/heads/{meant}"), |(_, fixed)| fixed)
        };
        findings.malformed(
            "a colon follows the repository's name",
            format!("did you mean `repo:{login}/{short}:{fixed}`?"),
        );
        return false;
    }
    if name.is_empty() {
        findings
            .malformed("the repository's name is empty", "write for example `repo:acme/papyrus:ref:refs/heads/main`");
        return false;
    }
    if let Some(short) = name.strip_suffix(".git") {
        findings
            .malformed("`.git` is not part of a repository's name", format!("did you mean `repo:{login}/{short}`?"));
        return false;
    }
    if let Some(bad) = name.chars().find(|c| !is_repository_character(*c)) {
        findings.malformed(
            &format!("the name of a repository cannot contain {}", shown(bad)),
            "it has letters, digits and `- _ .`",
        );
        return false;
    }
    true
}

/// What a subject can end with.
const TAILS: [&str; 4] = ["ref:refs/heads/", "ref:refs/tags/", "pull_request", "environment:"];

/// What follows the repository. `head` is everything before it.
fn check_tail(findings: &mut Findings<'_>, head: &str, tail: &str) {
    let text = findings.text;
    let literal = tail.split(WILD).next().unwrap_or_default();
    if tail.starts_with(WILD) {
        let message = format!("`{text}` admits every branch, tag and environment, and pull requests");
        return findings.warn(message, format!("name what may deploy: `{head}ref:refs/heads/main`"));
    }
    let wild = literal.len() < tail.len();
    if tail == "pull_request" || wild && TAILS.iter().any(|form| form.starts_with(literal)) {
        return;
    }
    if let Some(branch) = tail.strip_prefix("ref:refs/heads/").filter(|branch| !branch.is_empty()) {
        if let Some(start) = branch.strip_suffix('*').filter(|start| start.ends_with(|c: char| c.is_alphanumeric())) {
            let message = format!("`{text}` also admits branches such as `{start}-hotfix`");
            findings
                .warn(message, format!("write `{head}ref:refs/heads/{start}`, or `{start}/*` for what is below it"));
        }
        return;
    }
    if ["ref:refs/tags/", "environment:"]
        .iter()
        .any(|form| tail.strip_prefix(form).is_some_and(|name| !name.is_empty()))
    {
        return;
    }
    let first = tail.split(':').next().unwrap_or_default();
    if first.len() < tail.len() && CLAIMS.contains(&first) || tail.starts_with("pull_request:") {
        return custom(findings, first);
    }
    match fix_tail(tail) {
        Some((why, fixed)) => findings.malformed(why, format!("did you mean `{head}{fixed}`?")),
        None => findings.malformed(
            &format!("`{tail}` is not a branch, a tag, an environment or `pull_request`"),
            format!(
                "after `{head}` comes `ref:refs/heads/BRANCH`, `ref:refs/tags/TAG`, `environment:NAME` or `pull_request`"
            ),
        ),
    }
}

/// The usual ways to mistype the end of a subject: why it is wrong, and what was probably meant.
fn fix_tail(tail: &str) -> Option<(&'static str, String)> {
    const FIXES: [(&str, &str, &str); 18] = [
        ("refs/heads/", "`ref:` is missing before `refs/`", "ref:refs/heads/"),
        ("refs/tags/", "`ref:` is missing before `refs/`", "ref:refs/tags/"),
        ("ref:heads/", "`refs/` is missing after `ref:`", "ref:refs/heads/"),
        ("ref:tags/", "`refs/` is missing after `ref:`", "ref:refs/tags/"),
        ("ref:ref/heads/", "it is `refs/`", "ref:refs/heads/"),
        ("ref:ref/tags/", "it is `refs/`", "ref:refs/tags/"),
        ("ref:refs/head/", "it is `refs/heads/`", "ref:refs/heads/"),
        ("ref:refs/tag/", "it is `refs/tags/`", "ref:refs/tags/"),
        ("ref:refs/branches/", "it is `refs/heads/`", "ref:refs/heads/"),
        ("ref/refs/", "a colon follows `ref`", "ref:refs/"),
        ("heads/", "a branch is `ref:refs/heads/…`", "ref:refs/heads/"),
        ("tags/", "a tag is `ref:refs/tags/…`", "ref:refs/tags/"),
        ("branch:", "a branch is `ref:refs/heads/…`", "ref:refs/heads/"),
        ("branches:", "a branch is `ref:refs/heads/…`", "ref:refs/heads/"),
        ("tag:", "a tag is `ref:refs/tags/…`", "ref:refs/tags/"),
        ("env:", "it is `environment:`", "environment:"),
        ("environments:", "it is `environment:`", "environment:"),
        ("environment/", "a colon follows `environment`", "environment:"),
    ];
    for (start, why, fixed) in FIXES {
        if let Some(rest) = tail.strip_prefix(start).filter(|rest| !rest.is_empty()) {
            return Some((why, format!("{fixed}{rest}")));
        }
    }
    let request = tail.to_lowercase().replace(['-', '_', ' ', ':', '*'], "");
    if ["pr", "prs", "pullrequest", "pullrequests", "pullrequesttarget"].contains(&request.as_str()) {
        return Some(("it is `pull_request`", "pull_request".to_owned()));
    }
    let branch = tail.strip_prefix("ref:").filter(|branch| !branch.is_empty() && !branch.starts_with("refs"))?;
    Some(("`refs/heads/` is missing after `ref:`", format!("ref:refs/heads/{branch}")))
}

/// Everything wrong with one value of a condition on `job_workflow_ref`, which is `OWNER/NAME/.github/workflows/FILE@REF`.
pub fn check_workflow_ref(pointer: &[Segment], text: &str, matching: Matching) -> Vec<DocProblem> {
    let mut findings = Findings { pointer, text, found: Vec::new() };
    if placeholder(text).is_some() || !findings.text_rules(matching) {
        return findings.found;
    }
    let example = "write for example `acme/papyrus/.github/workflows/deploy.yml@refs/heads/main`";
    let code = "github-workflow-ref";
    let owner = text.split('/').next().unwrap_or_default();
    if owner.contains(WILD) {
        findings.error(OPEN, format!("`{text}` admits workflows of every owner that matches `{owner}`"), example);
        return findings.found;
    }
    let mut parts = text.splitn(3, '/');
    let (_, name, file) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
    if name.contains(WILD) {
        findings.warn(
            format!("`{text}` admits workflows of every repository of `{owner}` that matches"),
            "name the repository",
        );
    } else if !is_login(owner)
        || !file.is_some_and(|file| file.starts_with(".github/workflows/") || file.contains(WILD))
    {
        findings.error(code, format!("`{text}` is not a workflow file"), example);
    } else if !text.contains('@') && !text.ends_with('*') {
        findings.error(code, format!("`{text}` does not say at which branch or tag"), example);
    }
    findings.found
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
