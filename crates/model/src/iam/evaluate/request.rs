//! What is asked: action, resource, who asks, and the condition keys that the service presents.

use std::collections::BTreeMap;

use super::who;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody: a request without credentials.
    Anonymous,
    /// An account's root user, by its 12 digits.
    Account(String),
    /// A user, role, role session (`arn:aws:sts::…:assumed-role/NAME/SESSION`) or federated user, by its ARN.
    ///
    /// A role's own ARN stands for every session of that role, for the question what the role may do.
    Arn(String),
    /// An AWS service, such as `ecs-tasks.amazonaws.com`.
    Service(String),
    /// Somebody with a token of an identity provider: the provider's ARN, or the host of one that needs none
    /// (`accounts.google.com`).
    Federated(String),
}

impl Principal {
    /// The text that policies name it by; `*` for [`Principal::Anonymous`].
    pub fn as_str(&self) -> &str {
        match self {
            Self::Anonymous => "*",
            Self::Account(text) | Self::Arn(text) | Self::Service(text) | Self::Federated(text) => text,
        }
    }

    /// The account that it belongs to, 12 digits. Services and the anonymous have none, and neither have sessions of a provider:
    /// the role that they ask for has.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Account(id) => Some(id),
            Self::Arn(arn) => who::account_of(arn),
            Self::Anonymous | Self::Service(_) | Self::Federated(_) => None,
        }
    }
}

/// The condition keys of a request. A key has one or several values; names are compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// Sets a key. Numbers, dates, booleans and addresses are given as text: `5`, `2026-08-15T09:00:00Z` or seconds since 1970,
    /// `true`, `203.0.113.7`; bytes as base64. No values at all mean the same as no key.
    pub fn set(&mut self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            self.keys.remove(&key.to_lowercase());
        } else {
            self.keys.insert(key.to_lowercase(), values);
        }
    }

    /// The values of a key; never an empty list.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.keys.get(&key.to_lowercase()).map(Vec::as_slice)
    }

    /// Every key, in lower case, with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.keys.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }
}

/// One call to AWS, as its policies see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The IAM action, such as `ecr:PutImage`.
    pub action: String,
    /// The ARN of what is acted upon, or `*` for an action without one. For `AssumeRole…` the role.
    pub resource: String,
    /// Who asks.
    pub principal: Principal,
    /// What else is known of the request.
    pub context: Context,
}

impl Request {
    /// A request whose context has what follows from principal and resource: `aws:PrincipalArn`, `aws:PrincipalAccount`,
    /// `aws:PrincipalType`, `aws:username` of a user, `aws:PrincipalIsAWSService`, `aws:PrincipalServiceName` of a service,
    /// `aws:FederatedProvider` of a token, and `aws:ResourceAccount` where the resource's ARN has one.
    ///
    /// `aws:PrincipalArn` of a session is its role's ARN, here without the role's path, which the session's ARN does not tell: set
    /// the key when the role has a path. Nothing is known of time, address and region; [`Request::with`] adds these.
    pub fn new(action: impl Into<String>, resource: impl Into<String>, principal: Principal) -> Self {
        let (action, resource) = (action.into(), resource.into());
        let mut context = Context::default();
        who::describe(&principal, &mut context);
        if let Some(account) = who::account_of(&resource) {
            context.set("aws:ResourceAccount", [account]);
        }
        Self { action, resource, principal, context }
    }

    /// The request that a token of an identity provider makes for a role: `sts:AssumeRoleWithWebIdentity`, each claim under the
    /// key that STS gives it (`HOST:claim`, from the provider's ARN). Give a claim with several values several times.
    pub fn web_identity(
        role: impl Into<String>,
        provider: impl Into<String>,
        claims: impl IntoIterator<Item = (impl AsRef<str>, impl Into<String>)>,
    ) -> Self {
        let provider = provider.into();
        let host = provider.split_once("oidc-provider/").map_or(provider.as_str(), |(_, host)| host).to_owned();
        let mut request = Self::new("sts:AssumeRoleWithWebIdentity", role, Principal::Federated(provider));
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (claim, value) in claims {
            keys.entry(format!("{host}:{}", claim.as_ref())).or_default().push(value.into());
        }
        for (key, values) in keys {
            request.context.set(&key, values);
        }
        request
    }

    /// Adds a condition key with one value, see [`Context::set`].
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.set(key, [value.into()]);
        self
    }

    /// Adds a condition key with several values, see [`Context::set`].
    #[must_use]
    pub fn with_values(mut self, key: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.context.set(key, values);
        self
    }
}
