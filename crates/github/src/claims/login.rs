//! The step that asks GitHub for a token and AWS for a role.

use super::context::Scope;
use crate::expression::Rendered;
use crate::workflow::Step;

/// The action that nearly every workflow signs in to AWS with.
pub const CONFIGURE: &str = "aws-actions/configure-aws-credentials";

/// What a step signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login<'a> {
    /// The step.
    pub step: &'a Step,
    /// `role-to-assume`.
    pub role: Rendered,
    /// `aws-region`.
    pub region: Option<Rendered>,
    /// The audience of the token.
    pub audience: Rendered,
}

/// The login of a step; nothing when it asks for no token, because it works with keys, a file, or the credentials that are there.
pub fn login<'a>(step: &'a Step, scope: &Scope<'_>, audience: &str) -> Option<Login<'a>> {
    if !step.is_action(CONFIGURE) {
        return None;
    }
    let input = |name: &str| step.with.input(name).filter(|given| !given.value.text.is_empty());
    let other = ["aws-access-key-id", "web-identity-token-file"];
    let chained = input("role-chaining").is_some_and(|given| given.value.text == "true");
    if chained || other.iter().any(|name| input(name).is_some()) {
        return None;
    }
    let scope = Scope { step: Some(step), ..scope.clone() };
    let render = |name: &str| input(name).map(|given| scope.render(&given.value.text));
    Some(Login {
        step,
        role: render("role-to-assume")?,
        region: render("aws-region"),
        audience: render("audience").unwrap_or_else(|| Rendered::of(audience)),
    })
}

/// A role by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Its account.
    pub account: String,
    /// Its path, `/` or `/ci/`. AWS finds no role by an ARN with another path, although no two names of an account are alike.
    pub path: String,
    /// Its name, without its path.
    pub name: String,
}

impl Role {
    /// Whether both are the same role but for the path, which one of them has wrong.
    pub fn differs_in_path(&self, other: &Self) -> bool {
        self.account == other.account && self.name == other.name && self.path != other.path
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, account, path, name } = self;
        write!(f, "arn:{partition}:iam::{account}:role{path}{name}")
    }
}

/// Why a text is not the ARN of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// It has no ARN's form.
    #[error("`{0}` is not the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME")]
    Shape(String),
    /// Its account is no account.
    #[error("`{1}` in `{0}` is not an account: it has 12 digits")]
    Account(String, String),
}

impl std::str::FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let shape = || RoleError::Shape(text.to_owned());
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return Err(shape()) };
        let whole = resource.strip_prefix("role").filter(|whole| whole.starts_with('/')).ok_or_else(shape)?;
        let (path, name) = whole.split_at(whole.rfind('/').map_or(0, |slash| slash + 1));
        if name.is_empty() {
            return Err(shape());
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RoleError::Account(text.to_owned(), (*account).to_owned()));
        }
        Ok(Self {
            partition: (*partition).to_owned(),
            account: (*account).to_owned(),
            path: path.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_by_their_arns() {
        let role = |text: &str| text.parse::<Role>();
        for (path, arn) in [
            ("/ci/", "arn:aws:iam::123456789012:role/ci/papyrus-deploy"),
            ("/", "arn:aws:iam::123456789012:role/papyrus-deploy"),
        ] {
            let parts = |role: Role| (role.account.clone(), role.path.clone(), role.name.clone(), role.to_string());
            let wanted = ("123456789012".to_owned(), path.to_owned(), "papyrus-deploy".to_owned(), arn.to_owned());
            assert_eq!(role(arn).map(parts), Ok(wanted));
        }
        for text in [
            "papyrus-deploy",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/ci/",
            "arn:aws:iam::123456789012:roles/ci",
            "arn:aws:sts::1:role/x",
            "",
        ] {
            assert!(matches!(role(text), Err(RoleError::Shape(_))), "{text}");
        }
        assert!(matches!(role("arn:aws:iam::12345:role/x"), Err(RoleError::Account(..))));
    }
}
