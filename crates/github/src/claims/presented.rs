//! A token before it is made: subject, audience and the other claims that AWS can compare.

use std::collections::BTreeMap;

use hatoba_model::github::{GitHub, PROVIDER_HOST, RepositoryName, SubjectFormat};

use super::situation::Situation;
use crate::expression::Rendered;

/// The claims of GitHub that STS knows as condition keys, besides `aud` and `sub`: `token.actions.githubusercontent.com:ref`.
/// Others, such as `event_name`, cannot be compared in a trust policy.
pub const COMPARED: [&str; 10] = [
    "actor",
    "actor_id",
    "enterprise",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
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
    match wanted.environment.map(|name| (name.known(), name.unknown())) {
        Some((Some(name), _)) => {
            set("sub", format!("{head}environment:{}", name.replace(':', "%3A")));
            set("environment", name);
        }
        Some((None, names)) => {
            let name = names.first().copied().unwrap_or_default();
            unknown.insert("sub".to_owned(), name.to_owned());
            unknown.insert("environment".to_owned(), name.to_owned());
        }
        None => set("sub", format!("{head}{}", wanted.situation.tail())),
    }
    Presented { format, claims, unknown }
}
