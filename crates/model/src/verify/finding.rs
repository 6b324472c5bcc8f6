//! What the preflight has to say.

use std::fmt;

use crate::address::Address;
use crate::diag::Diagnostic;
use crate::yaml::Path;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It will not start, or not work.
    Error,
    /// It works, but probably not as meant; or it cannot be told for certain that it does not.
    Warning,
    /// It could not be found out.
    NotChecked,
}

impl Level {
    /// The word in JSON: `error`, `warning`, `not_checked`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::NotChecked => "not_checked",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::NotChecked => "not checked",
        })
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// A stable kebab-case name of this sort of finding.
    pub code: &'static str,
    /// The resource of the file that does not work for it.
    pub address: Address,
    /// The value of the file that it is about.
    pub path: Path,
    /// What is wrong, as a lowercase fragment; of what was not checked, what and why.
    pub message: String,
    /// How to fix it, in one line. Empty for what was not checked.
    pub help: String,
}

impl Finding {
    /// As a diagnostic of the file; nothing for what was not checked.
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let new = match self.level {
            Level::Error => Diagnostic::error,
            Level::Warning => Diagnostic::warning,
            Level::NotChecked => return None,
        };
        let found = new(self.code, self.message.clone()).path(self.path.clone());
        Some(if self.help.is_empty() { found } else { found.help(self.help.clone()) })
    }
}
