//! The session of a preflight, and the reads of it that failed.

use std::sync::{Mutex, PoisonError};

use hatoba_engine::cloud::CloudError;

use super::settled::World;
use crate::aws::Aws;

/// A look at what the preflight asks about.
#[derive(Debug)]
pub(super) struct Look<'a> {
    pub(super) aws: &'a Aws,
    pub(super) world: World<'a>,
    failed: Mutex<Vec<CloudError>>,
}

impl<'a> Look<'a> {
    pub(super) fn new(aws: &'a Aws, world: World<'a>) -> Self {
        Self { aws, world, failed: Mutex::default() }
    }

    /// Keeps an error, and says it in words.
    pub(super) fn unread(&self, error: &CloudError) -> String {
        // A poisoned lock only means that another read panicked.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(error.clone());
        error.to_string()
    }

    /// The errors that were kept.
    pub(super) fn failed(self) -> Vec<CloudError> {
        self.failed.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
