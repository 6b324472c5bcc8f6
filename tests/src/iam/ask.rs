//! One call, as it is made and as policies see it, and what came of it.

use std::fmt;

use hatoba_model::iam::evaluate::{Request, Verdict};
use serde_json::Value;

use crate::client::{Answer, Client};
use crate::error::{HarnessError, Result};

/// What was decided about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It went through, whatever became of it then.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitly denied",
            Self::ImplicitDeny => "not allowed",
        })
    }
}

impl From<&Verdict> for Outcome {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Allowed { .. } => Self::Allowed,
            Verdict::ExplicitDeny { .. } => Self::ExplicitDeny,
            Verdict::ImplicitDeny { .. } => Self::ImplicitDeny,
        }
    }
}

/// A call.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The service, as [`Client::call`] wants it.
    pub service: &'static str,
    /// The API's name of the call, which is that of the IAM action too.
    pub call: &'static str,
    /// What it is called with.
    pub parameters: Value,
    /// As policies see it, but for the keys that describe the caller.
    pub request: Request,
}

impl Ask {
    /// Makes the call.
    ///
    /// # Errors
    /// When no answer came, or when the caller was not even recognized.
    pub fn put(&self, client: &Client) -> Result<Outcome> {
        outcome(&client.call(self.service, self.call, &self.parameters)?)
    }
}

/// What an answer says about permission. Messages name an explicit deny as those of AWS do; those about roles do not.
///
/// # Errors
/// When the caller was not recognized: a fault of the test, not a verdict.
pub fn outcome(answer: &Answer) -> Result<Outcome> {
    for fault in
        ["SignatureDoesNotMatch", "InvalidClientTokenId", "UnrecognizedClient", "IncompleteSignature", "MissingAuth"]
    {
        if answer.body.contains(fault) {
            return Err(HarnessError::new(format!("the caller was not recognized: {}", answer.body)));
        }
    }
    Ok(if !answer.body.contains("AccessDenied") {
        Outcome::Allowed
    } else if answer.body.contains("explicit deny") {
        Outcome::ExplicitDeny
    } else {
        Outcome::ImplicitDeny
    })
}
