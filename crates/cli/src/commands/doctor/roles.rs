//! The roles that GitHub may assume: from the file, or from AWS.

use hatoba_github::explain::{Change, Denial, Trust};
use hatoba_model::facts::Facts;
use hatoba_model::github::PROVIDER_HOST;
use hatoba_model::iam::Segment;
use hatoba_model::kinds::Resource as _;
use hatoba_model::kinds::trust::{Trust as Spec, principals};
use hatoba_model::load::{Loaded, STAND_IN_ACCOUNT};
use hatoba_model::names::AccountId;
use hatoba_model::yaml::{Path, Pos, Source};

/// A role that trusts GitHub.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Its key in the file; nothing for one that only AWS has.
    pub(crate) key: Option<String>,
    /// Its name in AWS.
    pub(crate) name: String,
    /// Whom it trusts.
    pub(crate) trust: Trust,
    /// Whether the policy is that of AWS, not that of the file.
    pub(crate) live: bool,
    /// The policy of the file, where that of AWS was asked for.
    pub(crate) wanted: Option<Trust>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file.
    pub(crate) file: String,
    /// Line and column.
    pub(crate) at: Pos,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.at)
    }
}

/// The account that a provider in a trust policy belongs to.
fn provider_account(document: &serde_json::Value) -> Option<AccountId> {
    let arn = principals(document).into_iter().find(|who| who.contains("oidc-provider/"))?;
    arn.split(':').nth(4)?.parse().ok().filter(|account: &AccountId| account.as_str() != STAND_IN_ACCOUNT)
}

/// Whether a trust policy lets in tokens of GitHub, or was meant to.
pub(crate) fn trusts_github(document: &serde_json::Value) -> bool {
    principals(document).into_iter().any(|who| who.contains(PROVIDER_HOST) || who.contains("actions.githubusercontent"))
}

/// The roles of the file that trust GitHub, and the account that they are in, where one is known: the given one, that of the file,
/// or the one that a trust policy of the file names.
pub(crate) fn of_file(loaded: &Loaded, account: Option<&AccountId>) -> (Vec<Role>, Option<AccountId>) {
    let stack = &loaded.stack;
    let stand_in = STAND_IN_ACCOUNT.parse().ok();
    let known = account.or(stack.account.as_ref()).cloned();
    let documents = |account: &AccountId| {
        let facts = Facts { account: account.clone(), region: stack.region.clone() };
        let roles = stack.roles.iter().filter_map(|(key, role)| {
            let document = role.trust.as_ref()?.document(stack, &facts).filter(trusts_github)?;
            let block = matches!(role.trust, Some(Spec::GitHub(_)));
            let role_arn = role.output(role.aws_name(key), "arn", &facts)?;
            let trust = Trust { role_arn, document, from_block: block };
            Some(Role { key: Some(key.clone()), name: role.aws_name(key).to_owned(), trust, live: false, wanted: None })
        });
        roles.collect::<Vec<_>>()
    };
    let Some(first) = known.clone().or(stand_in) else { return (Vec::new(), None) };
    let written = || documents(&first).iter().find_map(|role| provider_account(&role.trust.document));
    let account = known.or_else(written);
    (documents(account.as_ref().unwrap_or(&first)), account)
}

/// Where to change what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) source: &'a Source,
}

impl Places<'_> {
    fn at(&self, path: &Path) -> Place {
        let (value, exact) = self.loaded.tree.locate(path);
        let scalar = exact && self.loaded.tree.at(path).is_some_and(|node| node.as_str().is_some());
        let span = if scalar { value } else { self.loaded.tree.locate_key(path).0 };
        Place { file: self.source.name.clone(), at: span.start }
    }

    /// The line of the file that a refusal is about; nothing for a policy that only AWS has.
    pub(crate) fn of_denial(&self, role: &Role, denial: &Denial) -> Option<Place> {
        let key = role.key.as_ref().filter(|_| !role.live)?;
        let change = denial.fixes.first().map(|fix| fix.change);
        match self.loaded.stack.roles.get(key)?.trust.as_ref()? {
            Spec::Document(_) => {
                let trust = Path::of(&["roles", key, "trust"]);
                let path = denial.pointer.iter().fold(trust, |path, segment| match segment {
                    Segment::Key(key) => path.key(key.as_str()),
                    Segment::Index(index) => path.index(*index),
                });
                Some(self.at(&path))
            }
            _ => self.of_change(key, change?),
        }
    }

    /// The line of a `github:` block that a change is about: that of the role if it says it, else that of the file.
    pub(crate) fn of_change(&self, role: &str, change: Change) -> Option<Place> {
        let field = change.key();
        let own = Path::of(&["roles", role, "trust", "github"]);
        let block = Path::of(&["github"]);
        let tree = &self.loaded.tree;
        let has = |path: &Path| field.is_some_and(|field| tree.at(path).is_some_and(|node| node.get(field).is_some()));
        let path = match field {
            Some(field) if has(&own) => own.key(field),
            Some(field) if has(&block) => block.key(field),
            _ if tree.at(&block).is_some() => block,
            _ => own,
        };
        Some(self.at(&path))
    }
}
