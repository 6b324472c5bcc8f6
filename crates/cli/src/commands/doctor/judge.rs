//! What the roles say to the tokens of a job.

use hatoba_github::claims::{Case, Presented, Role as Asked, Sort, Token};
use hatoba_github::explain::{Change, Denial, Fix, Outcome, explain};
use hatoba_model::iam::Segment;
use hatoba_model::yaml::Path;

use super::roles::{Place, Places, Role};

/// What one role says to one token.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// The role's name.
    pub(crate) role: String,
    /// Whether the policy is that of AWS.
    pub(crate) live: bool,
    /// What it says.
    pub(crate) outcome: Outcome,
    /// The line that a refusal is about.
    pub(crate) place: Option<Place>,
    /// The element of a policy that was not made from a `github:` block.
    pub(crate) element: Option<String>,
}

/// A token and what the roles say to it.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// The token.
    pub(crate) presented: Presented,
    /// What each role says; none when no role is known.
    pub(crate) verdicts: Vec<Verdict>,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The job gets the role.
    Allowed,
    /// It does not.
    Denied,
    /// In one of the two formats of subjects it does, in the other not.
    Partly,
    /// It does not even get a token.
    NoToken,
    /// Only a run can tell.
    Unknown,
}

impl Status {
    /// The word in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Partly => "partly",
            Self::NoToken => "no-token",
            Self::Unknown => "unknown",
        }
    }
}

/// What a job asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// This role.
    Role(Asked),
    /// A role by a text that is no ARN, or whose value is not known.
    Text(String),
    /// A role that a workflow of another repository names.
    Elsewhere,
}

/// A job in one situation.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) file: String,
    pub(crate) job: String,
    /// The job of a called workflow.
    pub(crate) called: Option<(String, String)>,
    pub(crate) event: String,
    pub(crate) git_ref: String,
    pub(crate) words: String,
    pub(crate) wish: Wish,
    /// The ARN of the role that is meant, where the one that is asked for has another path.
    pub(crate) other_path: Option<String>,
    pub(crate) doubt: Option<String>,
    pub(crate) tokens: Vec<Answered>,
    pub(crate) status: Status,
    choice: bool,
}

/// What one token comes to.
pub(crate) fn answer(presented: &Presented, roles: &[&Role], places: Places<'_>) -> Answered {
    let verdict = |role: &&Role| {
        let mut outcome = explain(&role.trust, presented);
        if let Outcome::Denied(denial) = &mut outcome
            && let Some(wanted) = &role.wanted
            && matches!(explain(wanted, presented), Outcome::Allowed { .. })
        {
            denial.fixes.insert(
                0,
                Fix {
                    change: Change::Elsewhere,
                    cause: "The file lets this token in, but AWS has another policy.".to_owned(),
                    advice: "`hatoba plan` shows the difference, `hatoba apply` brings the file's to AWS".to_owned(),
                },
            );
            denial.fixes.truncate(1);
        }
        let (place, element) = match &outcome {
            Outcome::Denied(denial) => (places.of_denial(role, denial), element(role, denial)),
            _ => (None, None),
        };
        Verdict { role: role.name.clone(), live: role.live, outcome, place, element }
    };
    let mut verdicts: Vec<Verdict> = roles.iter().map(verdict).collect();
    // The role that comes closest says most.
    verdicts.sort_by_key(|verdict| std::cmp::Reverse(closeness(&verdict.outcome)));
    Answered { presented: presented.clone(), verdicts }
}

fn element(role: &Role, denial: &Denial) -> Option<String> {
    let path = denial.pointer.iter().fold(Path::root(), |path, segment| match segment {
        Segment::Key(key) => path.key(key.as_str()),
        Segment::Index(index) => path.index(*index),
    });
    (role.live || !role.trust.from_block).then(|| path.to_string()).filter(|path| !path.is_empty())
}

fn closeness(outcome: &Outcome) -> (u8, usize) {
    match outcome {
        Outcome::Allowed { .. } => (3, 0),
        Outcome::Unknown { .. } => (2, 0),
        Outcome::Denied(denial) => (1, denial.closest.as_ref().map_or(0, |closest| closest.difference.presented_at)),
        Outcome::Unreadable(_) => (0, 0),
    }
}

/// What all roles together say to a token.
pub(crate) fn status_of(answered: &Answered) -> Status {
    let has = |wanted: fn(&Outcome) -> bool| answered.verdicts.iter().any(|verdict| wanted(&verdict.outcome));
    if has(|outcome| matches!(outcome, Outcome::Allowed { .. })) {
        Status::Allowed
    } else if answered.verdicts.is_empty() || has(|outcome| matches!(outcome, Outcome::Unknown { .. })) {
        Status::Unknown
    } else {
        Status::Denied
    }
}

/// What becomes of a case. `missing` says whether a role that the file does not have is known not to exist.
pub(crate) fn judge(case: &Case<'_>, roles: &[Role], exists: &dyn Fn(&Asked) -> bool, places: Places<'_>) -> Judged {
    let wish = match &case.login {
        None => Wish::Elsewhere,
        Some(login) => match login.role.known() {
            Some(text) => text.parse().map_or(Wish::Text(text), Wish::Role),
            None => Wish::Text(login.role.shown()),
        },
    };
    let arn = |role: &Role| role.trust.role_arn.parse::<Asked>().ok();
    let other_path = match &wish {
        Wish::Role(asked) => roles.iter().filter_map(arn).find(|role| asked.differs_in_path(role)),
        Wish::Text(_) | Wish::Elsewhere => None,
    };
    let candidates: Vec<&Role> = match &wish {
        Wish::Role(_) if other_path.is_some() => Vec::new(),
        Wish::Role(asked) => {
            let same = |role: &Asked| role.name == asked.name && role.account == asked.account;
            roles.iter().filter(|role| arn(role).as_ref().is_some_and(same)).collect()
        }
        Wish::Text(text) if !text.contains("${{") => Vec::new(),
        Wish::Text(_) | Wish::Elsewhere => roles.iter().collect(),
    };
    let mut tokens: Vec<Answered> = case.presented.iter().map(|token| answer(token, &candidates, places)).collect();
    if case.situation.sort == Sort::Other {
        let verdicts = tokens.iter_mut().flat_map(|token| &mut token.verdicts);
        verdicts.for_each(|verdict| narrow(verdict, &case.situation.event));
    }
    let each: Vec<Status> = tokens.iter().map(status_of).collect();
    let all = |status: Status| each.iter().all(|one| *one == status);
    let gone = other_path.is_some()
        || matches!(&wish, Wish::Role(asked) if candidates.is_empty() && !exists(asked))
        || matches!(&wish, Wish::Text(text) if !text.contains("${{"));
    let status = if case.token != Token::Given {
        Status::NoToken
    } else if gone || all(Status::Denied) {
        Status::Denied
    } else if all(Status::Allowed) {
        Status::Allowed
    } else if each.contains(&Status::Allowed) && each.contains(&Status::Denied) {
        Status::Partly
    } else {
        Status::Unknown
    };
    let called = case.called.map(|(file, job)| (file.source.name.clone(), job.id.text.clone()));
    Judged {
        file: case.workflow.source.name.clone(),
        job: case.job.id.text.clone(),
        called,
        event: case.situation.event.clone(),
        git_ref: case.situation.git_ref.clone(),
        words: case.situation.words(),
        wish,
        other_path: other_path.map(|role| role.to_string()),
        doubt: case.doubt.clone(),
        tokens,
        status,
        choice: case.situation.sort == Sort::Choice,
    }
}

/// A branch that stands for all others is nothing to trust.
fn narrow(verdict: &mut Verdict, event: &str) {
    let Outcome::Denied(denial) = &mut verdict.outcome else { return };
    for fix in &mut denial.fixes {
        let (key, what) = match fix.change {
            Change::Branches => ("branches", "every branch"),
            Change::Tags => ("tags", "every tag"),
            _ => continue,
        };
        fix.cause = format!("The workflow starts on {what}, the role trusts only some.");
        fix.advice = format!("say which under `on: {event}: {key}`; where only branches are named, tags start nothing");
    }
}

/// Where a person chooses the branch, one that works is enough.
pub(crate) fn settle_choices(all: &mut Vec<Judged>) {
    type Same = (String, String, Option<(String, String)>, Wish);
    let same = |one: &Judged| -> Same { (one.file.clone(), one.job.clone(), one.called.clone(), one.wish.clone()) };
    let good: Vec<Same> = all.iter().filter(|one| one.choice && one.status == Status::Allowed).map(same).collect();
    all.retain(|one| !one.choice || one.status == Status::Allowed || !good.contains(&same(one)));
}
