//! What ends a command early: a message, what to do about it, and the exit code.

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_provider::permissions::missing::Missing;
use serde_json::{Value as Json, json};

use crate::render::missing;

/// Why a command ended, which fixes its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It failed.
    Failed,
    /// The file is invalid.
    Invalid,
    /// Credentials or permissions.
    Denied,
    /// A deployment failed, was rolled back, timed out or was superseded.
    Deployment,
    /// Refused: owner, account, stale plan, no confirmation.
    Refused,
    /// Somebody pressed Ctrl-C, or sent SIGTERM.
    Interrupted,
}

/// The exit code of `plan --detailed-exitcode` when changes are pending.
pub(crate) const PENDING: u8 = 2;

impl Kind {
    /// The exit code, as documented in the README.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Invalid => 3,
            Self::Denied => 4,
            Self::Deployment => 5,
            Self::Refused => 6,
            // 128 + SIGINT, as shells have it.
            Self::Interrupted => 130,
        }
    }

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Deployment => "deployment",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    /// What to call several failed calls: a matter of permissions only when all of them are.
    pub(crate) fn of_all(classes: impl IntoIterator<Item = Class>) -> Self {
        let mut classes = classes.into_iter().peekable();
        if classes.peek().is_some() && classes.all(|class| kind_of(class) == Self::Denied) {
            Self::Denied
        } else {
            Self::Failed
        }
    }
}

/// An error for the user.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Error {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) help: Vec<String>,
    /// The document that the command prints with `--json`, to which the error is added.
    pub(crate) document: Option<Box<Json>>,
    /// Permissions that were refused.
    pub(crate) missing: Vec<Missing>,
    /// Whether people have been told already, so that only the document and the exit code are left.
    pub(crate) told: bool,
}

impl Error {
    /// An error with a message: a sentence without its full stop.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: Vec::new(), document: None, missing: Vec::new(), told: false }
    }

    /// Adds a way out.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds what the command has to say in JSON besides the error.
    #[must_use]
    pub(crate) fn document(mut self, document: Json) -> Self {
        self.document = Some(Box::new(document));
        self
    }

    /// Adds what has to be allowed first.
    #[must_use]
    pub(crate) fn missing(mut self, missing: Vec<Missing>) -> Self {
        self.missing = missing;
        self
    }

    /// People have been told already.
    #[must_use]
    pub(crate) fn told(mut self) -> Self {
        self.told = true;
        self
    }

    /// The document for `--json`: what the command has to say, and the error.
    pub(crate) fn to_json(&self) -> Json {
        let error = json!({
            "kind": self.kind.name(),
            "message": self.message,
            "help": self.help,
            "missing": missing::json(&self.missing),
        });
        match self.document.as_deref().cloned() {
            Some(Json::Object(mut document)) => {
                document.insert("error".into(), error);
                Json::Object(document)
            }
            _ => json!({ "error": error }),
        }
    }
}

/// The kind of error that a failed call is.
pub(crate) fn kind_of(class: Class) -> Kind {
    match class {
        Class::Denied | Class::Credentials => Kind::Denied,
        Class::Gone
        | Class::Exists
        | Class::Throttled
        | Class::Busy
        | Class::NotYet
        | Class::Invalid
        | Class::Quota
        | Class::Ambiguous
        | Class::NotSent
        | Class::Server
        | Class::Other => Kind::Failed,
    }
}

/// What to do about a failed read.
pub(crate) fn way_out(class: Class) -> Option<&'static str> {
    match class {
        Class::Credentials => Some(
            "sign in first: `aws configure`, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `--profile NAME` chooses a profile",
        ),
        Class::Denied => Some("the credentials work, but may not do this; ask for the permission named above"),
        Class::NotSent => Some("check the network, HTTPS_PROXY and --endpoint-url, then run the same command again"),
        Class::Throttled | Class::Ambiguous | Class::Server => {
            Some("this passes by itself; run the same command again")
        }
        Class::Gone | Class::Exists | Class::Busy | Class::NotYet | Class::Invalid | Class::Quota | Class::Other => {
            None
        }
    }
}

impl From<CloudError> for Error {
    fn from(error: CloudError) -> Self {
        let new = Self::new(kind_of(error.class), error.to_string());
        match way_out(error.class) {
            Some(help) => new.help(help),
            None => new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_exit_code() {
        let kinds = [Kind::Failed, Kind::Invalid, Kind::Denied, Kind::Deployment, Kind::Refused, Kind::Interrupted];
        assert_eq!(kinds.map(Kind::exit_code), [1, 3, 4, 5, 6, 130]);
    }

    #[test]
    fn permissions_are_to_blame_only_when_nothing_else_is() {
        assert_eq!(Kind::of_all([Class::Denied, Class::Credentials]), Kind::Denied);
        assert_eq!(Kind::of_all([Class::Denied, Class::Busy]), Kind::Failed);
        assert_eq!(Kind::of_all([]), Kind::Failed);
    }

    #[test]
    fn an_error_joins_the_document_of_its_command() {
        let error = Error::new(Kind::Refused, "no").help("say yes").document(json!({ "plan": 1 }));
        assert_eq!(
            error.to_json(),
            json!({ "plan": 1, "error": { "kind": "refused", "message": "no", "help": ["say yes"], "missing": [] } })
        );
    }
}
