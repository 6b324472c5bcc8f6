//! Where the repository is that a reference means, however it is written: by its key, its name, its ARN, or its URI.

use super::macros::Resource as _;
use crate::facts::Facts;
use crate::names::Region;
use crate::reference::Ref;
use crate::stack::Stack;

/// A repository of ECR, of any account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryPlace {
    /// The account that it belongs to.
    pub account: String,
    /// The region that it is in.
    pub region: String,
    /// The host that images are pulled from: `123456789012.dkr.ecr.us-west-2.amazonaws.com`.
    pub registry: String,
    /// Its name.
    pub name: String,
}

impl RepositoryPlace {
    /// Finds out. A name alone means this account and region.
    pub fn of(stack: &Stack, facts: &Facts, repository: &Ref) -> Self {
        let here = |name: &str| Self::new(facts, facts.account.as_str(), facts.region.as_str(), name);
        let text = match repository {
            Ref::Own(key) => return here(stack.repositories.get(key).map_or(key, |spec| spec.aws_name(key))),
            Ref::Existing(text) => text,
        };
        if let ["arn", _, _, region, account, resource] = text.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            return Self::new(facts, account, region, resource.strip_prefix("repository/").unwrap_or(resource));
        }
        Self::of_uri(text).unwrap_or_else(|| here(text))
    }

    fn new(facts: &Facts, account: &str, region: &str, name: &str) -> Self {
        let suffix = region.parse::<Region>().map_or(facts.region.dns_suffix(), |region| region.dns_suffix());
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            registry: format!("{account}.dkr.ecr.{region}.{suffix}"),
            name: name.to_owned(),
        }
    }

    fn of_uri(text: &str) -> Option<Self> {
        let (registry, name) = text.split_once('/')?;
        let (account, rest) = registry.split_once(".dkr.ecr.")?;
        let region = rest.split('.').next()?;
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            registry: registry.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Whether it is in the stack's account and region.
    pub fn is_here(&self, facts: &Facts) -> bool {
        self.account == facts.account.as_str() && self.region == facts.region.as_str()
    }

    /// Where images are pulled from, without a tag.
    pub fn uri(&self) -> String {
        format!("{}/{}", self.registry, self.name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use std::collections::BTreeMap;

    use super::*;
    use crate::load::{Options, load};
    use crate::yaml::Source;

    #[test]
    fn every_spelling_means_the_same() {
        let facts = Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let source = Source::new("stack.yaml", "stack: papyrus\nregion: us-west-2\nlog_groups: { /papyrus: {} }\n");
        let (vars, nothing) = (BTreeMap::new(), |_: &str| None);
        let files = |_: &str| Err("no files".to_owned());
        let options =
            Options { env: None, vars: &vars, process_env: &nothing, files: &files, account: None, region: None };
        let stack = load(&source, &options).unwrap().stack;
        let of = |text: &str| RepositoryPlace::of(&stack, &facts, &Ref::Existing(text.to_owned()));
        let uri = "123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/papyrus";
        for text in ["acme/papyrus", "arn:aws:ecr:us-west-2:123456789012:repository/acme/papyrus", uri] {
            let place = of(text);
            assert_eq!((place.uri().as_str(), place.name.as_str(), place.is_here(&facts)), (uri, "acme/papyrus", true));
        }
        for text in [
            "arn:aws:ecr:us-east-1:123456789012:repository/papyrus",
            "210987654321.dkr.ecr.us-west-2.amazonaws.com/papyrus",
        ] {
            assert!(!of(text).is_here(&facts), "{text}");
        }
    }
}
