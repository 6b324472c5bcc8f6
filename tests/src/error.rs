//! The one error of the harness: what was tried and why it did not work.

use std::error::Error as StdError;
use std::fmt;

/// Says what the harness could not do. `unwrap` in a test prints the whole chain.
#[derive(thiserror::Error)]
#[error("{what}")]
pub struct HarnessError {
    what: String,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What every fallible function of the harness returns.
pub type Result<T> = std::result::Result<T, HarnessError>;

impl HarnessError {
    /// Makes an error without a cause.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    /// Makes an error with its cause.
    pub fn caused(what: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}

// A derived `Debug` would show the cause of a failed `unwrap` as nested structs.
impl fmt::Debug for HarnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
