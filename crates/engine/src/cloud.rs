//! The engine's only door to the outside: the port that a provider implements.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use hatoba_model::address::Address;
use serde::{Deserialize, Serialize};

use crate::desired::{Desired, Goal, Resolved};
use crate::kind::KindInfo;
use crate::snapshot::{Sighting, Snapshot};
use crate::value::Value;

/// A cloud, real or in memory. Its calls neither wait nor retry, and each may be repeated safely
/// after a look at what the first one did.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Looks at everything that the goal names, and at everything that bears the stack's mark.
    async fn survey(&self, goal: &Goal) -> Snapshot;

    /// Looks at one resource again. Nothing there is an empty list, never an error.
    ///
    /// # Errors
    /// When the read failed, so that nothing is known.
    async fn look(&self, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError>;

    /// Creates a resource, with its mark in the same call.
    ///
    /// # Errors
    /// As the cloud answers; [`Class::Exists`] when the name is taken.
    async fn create(&self, want: &Resolved) -> Result<Receipt, CloudError>;

    /// Carries out one group of calls of an update.
    ///
    /// # Errors
    /// As the cloud answers.
    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError>;

    /// Deletes a resource. That it is gone already is success. `empty` allows to delete its content with it.
    ///
    /// # Errors
    /// As the cloud answers; [`Class::Busy`] while something still uses it.
    async fn delete(&self, live: &Sighting, empty: bool) -> Result<(), CloudError>;

    /// Takes our mark off a resource and leaves it otherwise as it is.
    ///
    /// # Errors
    /// As the cloud answers.
    async fn release(&self, live: &Sighting) -> Result<(), CloudError>;
}

/// Which resource to look at.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it stands in the stack.
    pub address: Address,
    /// What it is.
    pub kind: &'static KindInfo,
    /// Its name in AWS.
    pub name: String,
    /// Where it lives if its name is only unique there.
    pub scope: Option<String>,
    /// Its identifier, where one is known.
    pub id: Option<String>,
    /// What the provider noted on the sighting that the plan was made from; nothing where there was none.
    pub notes: BTreeMap<String, String>,
}

impl Target {
    /// What the file wants, by its name; for a look that no plan was made from.
    pub fn named(want: &Desired) -> Self {
        Self {
            address: want.address.clone(),
            kind: want.kind,
            name: want.name.clone(),
            scope: want.scope.clone(),
            id: None,
            notes: BTreeMap::new(),
        }
    }
}

/// How much a look has to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Whether it exists, whether it is ready, and whose it is.
    Mark,
    /// All its fields.
    Full,
}

/// What a create or an update returned.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// The identifier, where the call returned or renewed one.
    pub id: Option<String>,
    /// Outputs that are known from now on.
    pub outputs: Vec<(String, Value)>,
}

impl Receipt {
    /// A receipt with an identifier that is also the `arn`.
    pub fn arn(arn: impl Into<String>) -> Self {
        let arn = arn.into();
        Self { id: Some(arn.clone()), outputs: vec![("arn".into(), Value::Text(arn))] }
    }
}

/// What kind of failure it was: what may be done about it follows from this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The resource is not there.
    Gone,
    /// The name is taken.
    Exists,
    /// Too many calls; the same call later succeeds.
    Throttled,
    /// Something else is under way or still in use; the same call later succeeds.
    Busy,
    /// Something we made has not reached every part of the cloud yet.
    NotYet,
    /// The caller may not do this.
    Denied,
    /// There are no valid credentials.
    Credentials,
    /// The cloud refuses the request as it is.
    Invalid,
    /// A quota is used up.
    Quota,
    /// No answer: it may or may not have taken effect.
    Ambiguous,
    /// The request certainly never left.
    NotSent,
    /// The cloud had a fault of its own and said so.
    Server,
    /// Anything else.
    Other,
}

/// A call that failed.
#[derive(Clone, Debug)]
pub struct CloudError {
    /// What kind of failure.
    pub class: Class,
    /// The service and the call: `ecs:CreateService`.
    pub call: String,
    /// The code that the service answered.
    pub code: Option<String>,
    /// What the service said.
    pub message: String,
    /// The request's id, for AWS support.
    pub request_id: Option<String>,
}

impl CloudError {
    /// A failure that has no answer of a service behind it.
    pub fn new(class: Class, call: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, call: call.into(), code: None, message: message.into(), request_id: None }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.call)?;
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for CloudError {}
