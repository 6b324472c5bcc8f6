//! Who a request is from, and whom a `Principal` names.

use super::request::{Context, Principal};

/// The kind of identity behind an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Root,
    User,
    /// With its name, without path.
    Role(&'a str),
    /// With the name of its role.
    Session(&'a str),
    FederatedUser,
    Other,
}

/// The account in an ARN, if its fifth part is one.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let account = (parts.next() == Some("arn")).then(|| parts.nth(3)).flatten()?;
    (is_account(account) && parts.next().is_some()).then_some(account)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn kind(arn: &str) -> Kind<'_> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next(), parts.nth(2).unwrap_or_default());
    let last = |path: &'_ str| path.rfind('/').map_or(0, |at| at + 1);
    match (service, resource.split_once('/')) {
        (Some("iam"), None) if resource == "root" => Kind::Root,
        (Some("iam"), Some(("user", _))) => Kind::User,
        (Some("iam"), Some(("role", path))) => Kind::Role(&path[last(path)..]),
        (Some("sts"), Some(("assumed-role", rest))) => Kind::Session(rest.split('/').next().unwrap_or_default()),
        (Some("sts"), Some(("federated-user", _))) => Kind::FederatedUser,
        _ => Kind::Other,
    }
}

/// Sets the keys that follow from who asks (IAM User Guide, "AWS global condition context keys").
pub(super) fn describe(principal: &Principal, context: &mut Context) {
    let kind_name = match principal {
        Principal::Anonymous => "Anonymous",
        Principal::Account(_) => "Account",
        Principal::Arn(arn) => match kind(arn) {
            Kind::Root => "Account",
            Kind::User => "User",
            Kind::Role(_) | Kind::Session(_) => "AssumedRole",
            Kind::FederatedUser => "FederatedUser",
            Kind::Other => return,
        },
        Principal::Service(name) => {
            context.set("aws:PrincipalIsAWSService", ["true"]);
            context.set("aws:PrincipalServiceName", [name]);
            return;
        }
        Principal::Federated(provider) => {
            context.set("aws:FederatedProvider", [provider]);
            return;
        }
    };
    context.set("aws:PrincipalType", [kind_name]);
    if principal == &Principal::Anonymous {
        return;
    }
    context.set("aws:PrincipalIsAWSService", ["false"]);
    if let Some(account) = principal.account() {
        context.set("aws:PrincipalAccount", [account]);
    }
    match principal {
        Principal::Account(account) => context.set("aws:PrincipalArn", [format!("arn:aws:iam::{account}:root")]),
        Principal::Arn(arn) => {
            context.set("aws:PrincipalArn", [role_of_session(arn).unwrap_or_else(|| arn.clone())]);
            if kind(arn) == Kind::User {
                context.set("aws:username", [arn.rsplit('/').next().unwrap_or_default()]);
            }
        }
        _ => {}
    }
}

/// The ARN of a session's role, as far as the session's ARN tells it.
fn role_of_session(arn: &str) -> Option<String> {
    let (Kind::Session(role), Some(account)) = (kind(arn), account_of(arn)) else { return None };
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// One name in a `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `*`, alone or under `AWS`. The IAM User Guide ("Principal") calls both the same.
    Everyone,
    /// A text under `AWS`.
    Aws(String),
    /// A text under `Service`.
    Service(String),
    /// A text under `Federated`.
    Federated(String),
    /// A canonical user of S3: an account by another name, that no request here has.
    Canonical(String),
}

/// How exactly a `Principal` names who asks. The better, the larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Match {
    /// By the account, which passes the decision on to its own policies.
    Account,
    /// By the role of the session, or as one of everybody.
    Role,
    /// By itself.
    Itself,
}

impl Name {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::Aws(text) | Self::Service(text) | Self::Federated(text) | Self::Canonical(text) => text,
        }
    }

    /// Whether and how it names who asks. ARNs are compared as they are: a principal cannot be a pattern.
    pub(super) fn names(&self, principal: &Principal) -> Option<Match> {
        match (self, principal) {
            (Self::Everyone, Principal::Arn(_) | Principal::Account(_)) => Some(Match::Role),
            (Self::Everyone, _) => Some(Match::Itself),
            (Self::Service(own), Principal::Service(name)) => own.eq_ignore_ascii_case(name).then_some(Match::Itself),
            (Self::Federated(own), Principal::Federated(provider)) => (own == provider).then_some(Match::Itself),
            (Self::Aws(own), Principal::Arn(arn)) => names_arn(own, arn),
            (Self::Aws(own), Principal::Account(account)) => (account_named(own)? == account).then_some(Match::Account),
            _ => None,
        }
    }
}

/// The account that a text under `AWS` means as a whole.
fn account_named(text: &str) -> Option<&str> {
    if is_account(text) {
        return Some(text);
    }
    (kind(text) == Kind::Root).then(|| account_of(text)).flatten()
}

fn names_arn(own: &str, arn: &str) -> Option<Match> {
    if let Some(account) = account_named(own) {
        return (account_of(arn)? == account).then_some(Match::Account);
    }
    let (partition, asked) = (own.split(':').nth(1), arn.split(':').nth(1));
    match (kind(own), kind(arn)) {
        // A session's ARN has no path, and the names of roles are unique in their account.
        (Kind::Role(named), Kind::Session(role))
            if named == role && partition == asked && account_of(own) == account_of(arn) =>
        {
            Some(Match::Role)
        }
        (Kind::Role(_), _) => (own == arn).then_some(Match::Role),
        _ => (own == arn).then_some(Match::Itself),
    }
}

/// Whether a `NotPrincipal` leaves out who asks. IAM checks the account first, then the role, then the session, and applies the
/// statement unless every one of them is named (IAM User Guide, "NotPrincipal").
pub(super) fn leaves_out(names: &[Name], principal: &Principal) -> bool {
    if names.contains(&Name::Everyone) {
        return true;
    }
    match principal {
        Principal::Arn(arn) => {
            let root = account_of(arn).map(|account| Principal::Account(account.to_owned()));
            let role = role_of_session(arn);
            let named = |who: &Principal| names.iter().any(|name| name.names(who).is_some());
            let itself = |arn: &str| {
                names.iter().any(|name| matches!(name.names(&Principal::Arn(arn.to_owned())), Some(Match::Itself)))
            };
            let role_named = || names.iter().any(|name| matches!(name.names(principal), Some(Match::Role)));
            let account = root.is_none_or(|root| named(&root));
            match (kind(arn), role) {
                (Kind::Role(_), _) => account && role_named(),
                (Kind::Session(_), Some(_)) => account && role_named() && itself(arn),
                (Kind::Root, _) => account,
                _ => account && itself(arn),
            }
        }
        other => names.iter().any(|name| name.names(other).is_some()),
    }
}
