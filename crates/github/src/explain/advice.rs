//! What is behind a refusal, from how the expected and the presented value differ.

use hatoba_model::iam::evaluate::{Closest, Unmet, UnmetCondition, Why};

use super::outcome::Trust;
use super::subject::{Subject, Tail};
use crate::claims::{COMPARED, Presented};

/// Which part of a `github:` block a fix is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// `repository`.
    Repository,
    /// `owner_id` and `repository_id`.
    Ids,
    /// `subject_format`.
    Format,
    /// `branches`.
    Branches,
    /// `tags`.
    Tags,
    /// `environments`.
    Environments,
    /// `pull_requests`.
    PullRequests,
    /// `subjects`.
    Subjects,
    /// The trust policy itself.
    Policy,
    /// The workflow file.
    Workflow,
    /// The setting of the repository on GitHub, or of the account.
    Elsewhere,
}

impl Change {
    /// The key of a `github:` block.
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::Repository => Some("repository"),
            Self::Ids => Some("owner_id"),
            Self::Format => Some("subject_format"),
            Self::Branches => Some("branches"),
            Self::Tags => Some("tags"),
            Self::Environments => Some("environments"),
            Self::PullRequests => Some("pull_requests"),
            Self::Subjects => Some("subjects"),
            Self::Policy | Self::Workflow | Self::Elsewhere => None,
        }
    }
}

/// A cause, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Where.
    pub change: Change,
    /// Why it is refused: a sentence.
    pub cause: String,
    /// What to write: a fragment in lower case.
    pub advice: String,
}

impl Fix {
    fn new(change: Change, cause: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { change, cause: cause.into(), advice: advice.into() }
    }
}

/// Causes of a refusal, the likeliest first.
pub fn fixes(trust: &Trust, presented: &Presented, unmet: &Unmet, closest: Option<&Closest>) -> Vec<Fix> {
    let mut found = match unmet {
        Unmet::Principal(element) => principal(trust, &element.expected, &element.presented),
        Unmet::Action(_) => vec![Fix::new(
            Change::Policy,
            "A token of GitHub assumes a role by sts:AssumeRoleWithWebIdentity.",
            "write `Action: sts:AssumeRoleWithWebIdentity`",
        )],
        Unmet::Resource(_) => Vec::new(),
        Unmet::Condition(condition) => of_condition(presented, condition, closest),
    };
    if !trust.from_block {
        found.iter_mut().for_each(|fix| in_policy(fix, unmet));
    }
    found
}

/// The advice for a policy that was written by hand: there is no list of branches in it.
fn in_policy(fix: &mut Fix, unmet: &Unmet) {
    let (Unmet::Condition(condition), Some(value)) = (unmet, unmet.presented().first()) else { return };
    let add = format!("add `{value}` to the values of `{}`", condition.key);
    fix.advice = match fix.change {
        Change::Branches | Change::Tags => format!("{add}, or do not start the workflow there"),
        Change::Environments | Change::Subjects | Change::Format => add,
        Change::Ids if condition.key.ends_with(":sub") => {
            format!("{add}; `trust: {{ github: {{}} }}` computes both forms from the `github:` block")
        }
        Change::PullRequests => {
            format!(
                "do not sign in on pull requests, or give them a role of their own that may only read and has `{value}`"
            )
        }
        _ => return,
    };
}

fn principal(trust: &Trust, expected: &[String], presented: &str) -> Vec<Fix> {
    let account = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
    let host = |arn: &str| arn.split_once("oidc-provider/").map(|(_, host)| host.to_owned());
    let own = account(presented);
    let mut found = Vec::new();
    for other in expected {
        if host(other).is_some() && host(other) == host(presented) && account(other) != own {
            found.push(Fix::new(
                Change::Policy,
                format!(
                    "The policy names the provider of the account {}, but the role is in {own}. A role can only trust a provider of its own account.",
                    account(other)
                ),
                format!("write `{presented}`"),
            ));
        }
    }
    if found.is_empty() {
        let names = if expected.is_empty() { "nobody".to_owned() } else { expected.join(", ") };
        found.push(Fix::new(
            Change::Policy,
            format!("{} trusts {names}.", trust.role_arn.rsplit('/').next().unwrap_or_default()),
            format!("write `Principal: {{ Federated: \"{presented}\" }}`"),
        ));
    }
    found
}

fn of_condition(presented: &Presented, condition: &UnmetCondition, closest: Option<&Closest>) -> Vec<Fix> {
    let claim = condition.key.rsplit(':').next().unwrap_or_default();
    let mut found = Vec::new();
    if condition.why == Why::Absent {
        found.push(absent(claim, &condition.key));
        return found;
    }
    let texts = condition.presented.as_deref().unwrap_or_default();
    let Some(value) = texts.first() else { return found };
    // A slip of the pen in what is nearest explains more than anything else.
    if let Some(closest) = closest {
        found.extend(slips(&condition.operator, &closest.expected, value));
    }
    match claim {
        "aud" => found.extend(audience(&condition.expected, value)),
        "sub" => found.extend(subject(presented, condition, value)),
        "repository_id" | "repository_owner_id" => found.push(Fix::new(
            Change::Ids,
            "The number is that of another repository or owner. A repository that is deleted and made again gets another one.",
            format!("write {value}"),
        )),
        "job_workflow_ref" => found.push(Fix::new(
            Change::Policy,
            "job_workflow_ref is the file whose job runs, with its branch or tag: of a reusable workflow the called file, not the calling one.",
            format!("write `{value}`"),
        )),
        _ => {}
    }
    let mut once: Vec<Fix> = Vec::new();
    for fix in found {
        if !once.contains(&fix) {
            once.push(fix);
        }
    }
    once
}

fn absent(claim: &str, key: &str) -> Fix {
    if claim == "environment" {
        return Fix::new(
            Change::Workflow,
            "The job has no `environment:`, so its token has no such claim.",
            "give the job the environment, or compare something else",
        );
    }
    if key.contains(':') && (claim == "aud" || claim == "sub" || COMPARED.contains(&claim)) {
        return Fix::new(
            Change::Policy,
            format!("`{key}` is not a key of the provider that this token is from."),
            format!("write `token.actions.githubusercontent.com:{claim}`"),
        );
    }
    Fix::new(
        Change::Policy,
        format!("STS does not compare the claim `{claim}` of GitHub, so the condition is never true."),
        format!("remove it; STS compares aud, sub and {}", COMPARED.join(", ")),
    )
}

/// Mistakes that any value may have.
fn slips(operator: &str, expected: &str, presented: &str) -> Option<Fix> {
    let plain = operator.rsplit(':').next().unwrap_or(operator);
    if plain.starts_with("StringEquals") && expected.contains(['*', '?']) {
        return Some(Fix::new(
            Change::Policy,
            format!("{operator} compares `*` and `?` letter by letter; they are patterns only under StringLike."),
            format!("move `{expected}` under StringLike"),
        ));
    }
    if expected.trim() == presented && expected != presented {
        return Some(Fix::new(
            Change::Policy,
            "There is a space at the beginning or the end of what the policy expects.",
            format!("write `{presented}`"),
        ));
    }
    if expected.eq_ignore_ascii_case(presented) && expected != presented {
        return Some(Fix::new(
            Change::Repository,
            "They differ in the case of letters alone, and case counts. GitHub sends names as it shows them.",
            format!("write `{presented}`"),
        ));
    }
    None
}

fn audience(expected: &[String], presented: &str) -> Vec<Fix> {
    let usual = ["sts.amazonaws.com", "sts.amazonaws.com.cn"];
    if presented.starts_with("https://") {
        return vec![Fix::new(
            Change::Workflow,
            "The token was asked for without an audience, so it has GitHub's own: the address of the owner.",
            format!(
                "ask for `{}`, as aws-actions/configure-aws-credentials does",
                expected.first().map_or(usual[0], String::as_str)
            ),
        )];
    }
    if usual.contains(&presented) {
        return vec![Fix::new(
            Change::Policy,
            format!("`{presented}` is the audience of tokens for AWS."),
            format!("write `{presented}`"),
        )];
    }
    vec![Fix::new(
        Change::Workflow,
        format!("The step asks for the audience `{presented}`."),
        "remove `audience:` from the step: the default is right",
    )]
}

fn subject(presented: &Presented, condition: &UnmetCondition, value: &str) -> Vec<Fix> {
    let Some(own) = Subject::parse(value) else {
        return vec![Fix::new(
            Change::Elsewhere,
            "The subject has a form of its own: the template of the repository or its organisation was customised.",
            "`gh api repos/OWNER/NAME/actions/oidc/customization/sub` shows it; list the subject as it is under `subjects`",
        )];
    };
    let expected: Vec<Subject<'_>> = condition.expected.iter().filter_map(|text| Subject::parse(text)).collect();
    if expected.is_empty() {
        return vec![Fix::new(
            Change::Policy,
            "What the policy expects is no subject of GitHub.",
            format!("write `{value}`"),
        )];
    }
    let same_head = |other: &&Subject<'_>| heads_agree(other, &own);
    if expected.iter().any(|other| same_head(&other)) {
        let tails: Vec<Tail<'_>> = expected.iter().filter(same_head).map(|other| other.tail).collect();
        return vec![tail(presented, own.tail, &tails)];
    }
    let mut found: Vec<Fix> = expected.iter().filter_map(|other| head(other, &own)).collect();
    found.dedup();
    found.truncate(1);
    // The end may be wrong, too; nothing is gained by mending the beginning alone.
    let tails: Vec<Tail<'_>> = expected.iter().map(|other| other.tail).collect();
    if !tails.iter().any(|other| tail_agrees(*other, own.tail)) {
        found.push(tail(presented, own.tail, &tails));
    }
    found
}

/// Whether a pattern of IAM matches a text: `*` any run, `?` one character.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at, from));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((star, taken)) = back else { return false };
                back = Some((star, taken + 1));
                (at, from) = (star + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

fn heads_agree(expected: &Subject<'_>, own: &Subject<'_>) -> bool {
    let ids = match (expected.id, own.id, expected.owner_id, own.owner_id) {
        (Some(a), Some(b), Some(c), Some(d)) => like(a, b) && like(c, d),
        (None, None, None, None) => true,
        _ => false,
    };
    ids && like(expected.owner, own.owner) && like(expected.name, own.name)
}

fn tail_agrees(expected: Tail<'_>, own: Tail<'_>) -> bool {
    match (expected, own) {
        (Tail::Branch(a), Tail::Branch(b))
        | (Tail::Tag(a), Tail::Tag(b))
        | (Tail::Environment(a), Tail::Environment(b)) => like(a, b),
        (Tail::Other(pattern), _) => pattern.contains('*'),
        (a, b) => a == b,
    }
}

/// What differs before the last part.
fn head(expected: &Subject<'_>, own: &Subject<'_>) -> Option<Fix> {
    let names = (expected.owner == own.owner, expected.name == own.name);
    let folded = expected.owner.eq_ignore_ascii_case(own.owner) && expected.name.eq_ignore_ascii_case(own.name);
    if names != (true, true) && folded {
        return Some(Fix::new(
            Change::Repository,
            "Owner or repository differ in the case of letters, and case counts. GitHub sends names as it shows them.",
            format!("write `{}/{}`", own.owner, own.name),
        ));
    }
    if names == (true, true) && own.is_immutable() && !expected.is_immutable() {
        let ids = own.owner_id.zip(own.id).map(|(owner, id)| format!("`owner_id: {owner}` and `repository_id: {id}`"));
        return Some(Fix::new(
            Change::Ids,
            "The token has the immutable form of the subject, with numbers after `@`; the policy expects the classic one. Repositories created, renamed or transferred on or after 2026-07-15 present the immutable form.",
            format!("give {} to `github:`", ids.unwrap_or_else(|| "`owner_id` and `repository_id`".to_owned())),
        ));
    }
    if names == (true, true) && !own.is_immutable() && expected.is_immutable() {
        return Some(Fix::new(
            Change::Format,
            "The token has the classic form of the subject; the policy expects the immutable one, with numbers after `@`.",
            "write `subject_format: both`, or let the repository present the immutable form",
        ));
    }
    if names == (true, true) {
        return Some(Fix::new(
            Change::Ids,
            "The names agree but the numbers do not: this is another repository, made after the first one was deleted, or under a new owner of the name.",
            format!(
                "if it is meant: `owner_id: {}`, `repository_id: {}`",
                own.owner_id.unwrap_or("?"),
                own.id.unwrap_or("?")
            ),
        ));
    }
    Some(match names {
        (false, true) => Fix::new(
            Change::Repository,
            format!(
                "The token is from `{}/{}`, the policy trusts `{}/{}`: a fork, or a repository that moved.",
                own.owner, own.name, expected.owner, expected.name
            ),
            "trust the repository that runs the workflow, or run it in the one that is trusted",
        ),
        (true, false) => Fix::new(
            Change::Repository,
            format!(
                "The token is from `{}/{}`, the policy trusts `{}/{}`: another repository, or one that was renamed.",
                own.owner, own.name, expected.owner, expected.name
            ),
            format!("write `repository: {}/{}`", own.owner, own.name),
        ),
        _ => Fix::new(
            Change::Repository,
            format!("The token is from another repository, `{}/{}`.", own.owner, own.name),
            format!("write `repository: {}/{}` if it is meant", own.owner, own.name),
        ),
    })
}

/// What differs in the last part: which `github:` list has to have what.
fn tail(presented: &Presented, own: Tail<'_>, expected: &[Tail<'_>]) -> Fix {
    let event = presented.claims.get("event_name").map(String::as_str).unwrap_or_default();
    let refs = expected.iter().any(|tail| matches!(tail, Tail::Branch(_) | Tail::Tag(_)));
    let environments: Vec<&str> = expected
        .iter()
        .filter_map(|tail| if let Tail::Environment(name) = tail { Some(*name) } else { None })
        .collect();
    match own {
        Tail::Environment(name) if refs => Fix::new(
            Change::Environments,
            format!("A job with `environment: {name}` presents that in place of its branch or tag."),
            format!("add `{name}` to `environments`"),
        ),
        Tail::Environment(name) => Fix::new(
            Change::Environments,
            format!("The environment `{name}` is not among those that are trusted."),
            format!("add `{name}` to `environments`"),
        ),
        Tail::PullRequest => Fix::new(
            Change::PullRequests,
            "A run for a pull request presents `pull_request` in place of its branch.",
            "do not sign in on pull requests, or give them a role of their own that may only read, with `pull_requests: true`",
        ),
        Tail::Branch(name) if expected.contains(&Tail::Tag(name)) => Fix::new(
            Change::Branches,
            format!("`{name}` is a branch here, and the policy expects a tag of that name."),
            format!("add `{name}` to `branches`"),
        ),
        Tail::Tag(name) if expected.contains(&Tail::Branch(name)) => Fix::new(
            Change::Tags,
            format!("`{name}` is a tag here, and the policy expects a branch of that name."),
            format!("add `{name}` to `tags`"),
        ),
        Tail::Branch(_) | Tail::Tag(_) if !refs && !environments.is_empty() => Fix::new(
            Change::Workflow,
            format!(
                "The policy expects a job with an environment ({}), and this one has none.",
                environments.join(", ")
            ),
            format!("give the job `environment: {}`", environments.first().copied().unwrap_or_default()),
        ),
        Tail::Branch(name) => Fix::new(
            Change::Branches,
            format!("The branch `{name}` is not among those that are trusted."),
            format!("add `{name}` to `branches`, or do not start the workflow there (`on: {event}: branches`)"),
        ),
        Tail::Tag(name) => Fix::new(
            Change::Tags,
            format!("The tag `{name}` is not among those that are trusted."),
            format!("add `{name}` to `tags`, or do not start the workflow there (`on: {event}: tags`)"),
        ),
        Tail::Other(text) => Fix::new(
            Change::Subjects,
            format!("`{text}` is not what GitHub sends by itself: the template of the subject was customised."),
            "list the subject as it is under `subjects`",
        ),
    }
}

#[cfg(test)]
#[path = "advice_tests.rs"]
mod tests;
