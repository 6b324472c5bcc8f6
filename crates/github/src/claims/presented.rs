//! A token before it is made: subject, audience and the other claims that AWS can compare.

use std::collections::BTreeMap;

use hatoba_model::github::{GitHub, PROVIDER_HOST, RepositoryName, SubjectFormat};

use super::situation::Situation;
use crate::expression::Rendered;

/// The claims of GitHub that STS knows as condition keys, besides `aud` and `sub`: `token.actions.githubusercontent.com:ref`.
/// Others, such as `event_name` and `enterprise`, cannot be compared in a trust policy (list of the keys of STS in the service
/// authorization reference, since 2026-01).
pub const COMPARED: [&str; 10] = [
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
];

/// The repository whose workflows run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`, with letters as GitHub shows them.
    pub name: RepositoryName,
    /// The numbers of owner and repository.
    pub ids: Option<(u64, u64)>,
    /// How its subjects begin.
    pub format: SubjectFormat,
}

impl From<&GitHub> for Repository {
    fn from(github: &GitHub) -> Self {
        Self {
            name: github.repository.clone(),
            ids: github.owner_id.zip(github.repository_id),
            format: github.format(),
        }
    }
}

impl Repository {
    /// A repository of which only the name is known.
    pub fn named(name: RepositoryName) -> Self {
        Self { name, ids: None, format: SubjectFormat::Classic }
    }

    /// The beginnings that its subjects may have, the format of new repositories first.
    pub fn heads(&self) -> Vec<(SubjectFormat, String)> {
        let (owner, name) = (self.name.owner(), self.name.name());
        let mut heads = Vec::new();
        if let Some((owner_id, id)) = self.ids.filter(|_| self.format != SubjectFormat::Classic) {
            heads.push((SubjectFormat::Immutable, format!("repo:{owner}@{owner_id}/{name}@{id}:")));
        }
        if self.format != SubjectFormat::Immutable || heads.is_empty() {
            heads.push((SubjectFormat::Classic, format!("repo:{owner}/{name}:")));
        }
        heads
    }
}

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// How its subject begins.
    pub format: SubjectFormat,
    /// Claims by their names: `aud`, `sub`, `ref`, …
    pub claims: BTreeMap<String, String>,
    /// Claims that the token has, but whose values only a run can tell, with what they depend on.
    pub unknown: BTreeMap<String, String>,
}

impl Presented {
    /// The subject, unless only a run can tell it.
    pub fn subject(&self) -> Option<&str> {
        self.claims.get("sub").map(String::as_str)
    }

    /// The audience.
    pub fn audience(&self) -> Option<&str> {
        self.claims.get("aud").map(String::as_str)
    }
}

/// What a job says about the token that it asks for.
pub(super) struct Wanted<'a> {
    pub(super) repository: &'a Repository,
    pub(super) situation: &'a Situation,
    pub(super) environment: Option<&'a Rendered>,
    pub(super) audience: &'a Rendered,
    /// `OWNER/NAME/.github/workflows/FILE@REF`, as far as it is known.
    pub(super) job_workflow_ref: Option<String>,
    pub(super) workflow: &'a str,
}

/// The tokens that a job may present: one for each format of subject that the repository may have.
pub(super) fn tokens(wanted: &Wanted<'_>) -> Vec<Presented> {
    wanted.repository.heads().into_iter().map(|(format, head)| token(wanted, format, &head)).collect()
}

fn token(wanted: &Wanted<'_>, format: SubjectFormat, head: &str) -> Presented {
    let repository = wanted.repository;
    let mut claims = BTreeMap::new();
    let mut unknown: BTreeMap<String, String> =
        ["actor", "actor_id"].map(|claim| (claim.to_owned(), "who starts the run".to_owned())).into();
    let mut set = |name: &str, value: String| drop(claims.insert(name.to_owned(), value));
    set("iss", format!("https://{PROVIDER_HOST}"));
    set("repository", repository.name.to_string());
    set("repository_owner", repository.name.owner().to_owned());
    set("workflow", wanted.workflow.to_owned());
    set("event_name", wanted.situation.event.clone());
    set("ref", wanted.situation.git_ref.clone());
    match repository.ids {
        Some((owner, id)) => {
            set("repository_id", id.to_string());
            set("repository_owner_id", owner.to_string());
        }
        None => unknown.extend(
            ["repository_id", "repository_owner_id"]
                .map(|claim| (claim.to_owned(), "`github.repository_id` in the file".to_owned())),
        ),
    }
    match &wanted.job_workflow_ref {
        Some(text) => set("job_workflow_ref", text.clone()),
        None => drop(unknown.insert("job_workflow_ref".to_owned(), "the called workflow".to_owned())),
    }
    match (wanted.audience.known(), wanted.audience.unknown().first()) {
        (Some(audience), _) => set("aud", audience),
        (None, name) => drop(unknown.insert("aud".to_owned(), name.copied().unwrap_or_default().to_owned())),
    }
    // A job with an environment presents that instead of its branch. A colon would end the name, so GitHub writes %3A.
    // An environment whose name comes out empty is none: GitHub runs the job without one.
    match wanted.environment.map(|name| (name.known(), name.unknown())) {
        Some((Some(name), _)) if !name.is_empty() => {
            set("sub", format!("{head}environment:{}", name.replace(':', "%3A")));
            set("environment", name);
        }
        Some((None, names)) => {
            let name = names.first().copied().unwrap_or_default();
            unknown.insert("sub".to_owned(), name.to_owned());
            unknown.insert("environment".to_owned(), name.to_owned());
        }
        None | Some((Some(_), _)) => match wanted.situation.tail() {
            Some(tail) => set("sub", format!("{head}{tail}")),
            None => drop(unknown.insert("sub".to_owned(), wanted.situation.event.clone())),
        },
    }
    Presented { format, claims, unknown }
}

#[cfg(test)]
mod tests {
    use hatoba_model::yaml::{Pos, Span};

    use super::*;
    use crate::claims::Sort;

    #[test]
    fn the_claims_that_sts_compares() {
        assert!(COMPARED.is_sorted());
        assert!(COMPARED.contains(&"workflow"));
        for other in ["enterprise", "event_name", "repository_owner", "repository_visibility", "runner_environment"] {
            assert!(!COMPARED.contains(&other), "{other}");
        }
    }

    fn of(event: &str, git_ref: &str, environment: Option<&str>) -> Option<Presented> {
        let repository = Repository::named("acme/papyrus".parse().ok()?);
        let span = Span::point(Pos::START);
        let situation = Situation { event: event.into(), git_ref: git_ref.into(), sort: Sort::Exact, span };
        let environment = environment.map(Rendered::of);
        let audience = Rendered::of("sts.amazonaws.com");
        let wanted = Wanted {
            repository: &repository,
            situation: &situation,
            environment: environment.as_ref(),
            audience: &audience,
            job_workflow_ref: None,
            workflow: "deploy",
        };
        tokens(&wanted).pop()
    }

    #[test]
    fn an_empty_environment_is_none() {
        let sub = |environment| {
            let token = of("push", "refs/heads/main", environment)?;
            Some((token.subject()?.to_owned(), token.claims.get("environment").cloned()))
        };
        let branch = Some(("repo:acme/papyrus:ref:refs/heads/main".to_owned(), None));
        assert_eq!(sub(None), branch);
        assert_eq!(sub(Some("")), branch);
        let live = ("repo:acme/papyrus:environment:live".to_owned(), Some("live".to_owned()));
        assert_eq!(sub(Some("live")), Some(live));
    }

    #[test]
    fn the_subject_of_a_review_is_not_known_without_an_environment() {
        for event in ["pull_request_review", "pull_request_review_comment"] {
            let token = of(event, "refs/pull/1/merge", None);
            assert_eq!(
                token.map(|token| (token.subject().is_some(), token.unknown.contains_key("sub"))),
                Some((false, true))
            );
            let token = of(event, "refs/pull/1/merge", Some("live"));
            assert_eq!(token.as_ref().and_then(Presented::subject), Some("repo:acme/papyrus:environment:live"));
        }
    }
}
