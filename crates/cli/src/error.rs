//! What ends a command early: a message, what to do about it, and the exit code.

use hatoba_engine::cloud::{Class, CloudError};

/// Why a command ended, which fixes its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It failed.
    Failed,
    /// The file is invalid.
    Invalid,
    /// Credentials or permissions.
    Denied,
    /// Refused: owner, account, stale plan, no confirmation.
    Refused,
}

impl Kind {
    /// The exit code, as documented in `docs/json.md` and the README.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Invalid => 3,
            Self::Denied => 4,
            Self::Refused => 6,
        }
    }

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Refused => "refused",
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
    /// Whether everything has been said already, so that only the exit code is left.
    pub(crate) told: bool,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: Vec::new(), told: false }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Everything has been printed; only the exit code is left.
    pub(crate) fn told(kind: Kind) -> Self {
        Self { told: true, ..Self::new(kind, "") }
    }
}

/// The exit code's kind for a failed call.
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

impl From<CloudError> for Error {
    fn from(error: CloudError) -> Self {
        let new = Self::new(kind_of(error.class), error.to_string());
        match error.class {
            Class::Credentials => new.help(
                "sign in first: `aws configure`, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; \
                 `--profile NAME` chooses a profile",
            ),
            Class::Denied => new.help("the credentials work, but may not do this; ask for the permission named above"),
            Class::NotSent => new.help("check the network, HTTPS_PROXY and --endpoint-url, then run the same command again"),
            _ => new,
        }
    }
}
