//! The parts of a subject.

/// A subject that begins with `repo:`, or a pattern for some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The user or organisation.
    pub owner: &'a str,
    /// Its number, in the immutable form.
    pub owner_id: Option<&'a str>,
    /// The repository without its owner.
    pub name: &'a str,
    /// Its number, in the immutable form.
    pub id: Option<&'a str>,
    /// What follows the repository.
    pub tail: Tail<'a>,
}

/// The end of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail<'a> {
    /// A branch.
    Branch(&'a str),
    /// A tag.
    Tag(&'a str),
    /// An environment.
    Environment(&'a str),
    /// A pull request.
    PullRequest,
    /// Something else.
    Other(&'a str),
}

impl<'a> Subject<'a> {
    /// Takes a subject apart; nothing when it does not begin with `repo:OWNER/NAME:`.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (owner, rest) = text.trim().strip_prefix("repo:")?.split_once('/')?;
        let (name, tail) = rest.split_once(':')?;
        let parts = |part: &'a str| part.split_once('@').map_or((part, None), |(name, id)| (name, Some(id)));
        let ((owner, owner_id), (name, id)) = (parts(owner), parts(name));
        Some(Self { owner, owner_id, name, id, tail: Tail::parse(tail) })
    }

    /// Whether it has the numbers of owner and repository.
    pub fn is_immutable(&self) -> bool {
        self.owner_id.is_some() || self.id.is_some()
    }
}

impl<'a> Tail<'a> {
    fn parse(text: &'a str) -> Self {
        if let Some(branch) = text.strip_prefix("ref:refs/heads/") {
            Self::Branch(branch)
        } else if let Some(tag) = text.strip_prefix("ref:refs/tags/") {
            Self::Tag(tag)
        } else if let Some(name) = text.strip_prefix("environment:") {
            Self::Environment(name)
        } else if text == "pull_request" {
            Self::PullRequest
        } else {
            Self::Other(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let classic = Subject::parse("repo:acme/papyrus:ref:refs/heads/a:b");
        assert_eq!(
            classic,
            Some(Subject { owner: "acme", owner_id: None, name: "papyrus", id: None, tail: Tail::Branch("a:b") })
        );
        let immutable = Subject::parse("repo:acme@1/papyrus@2:environment:live");
        assert_eq!(
            immutable,
            Some(Subject {
                owner: "acme",
                owner_id: Some("1"),
                name: "papyrus",
                id: Some("2"),
                tail: Tail::Environment("live")
            })
        );
        assert_eq!(Subject::parse("repository_owner:acme"), None);
    }
}
