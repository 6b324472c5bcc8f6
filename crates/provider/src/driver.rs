//! What a resource kind has to provide.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hatoba_engine::cloud::{Class, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::KindInfo;
use hatoba_engine::snapshot::Sighting;
use hatoba_model::address::Address;

use crate::aws::Aws;
use crate::desire::Desire;
use crate::permissions::call::Call;
use crate::survey::{Found, Survey};

/// The calls of one kind. None of them waits, loops until something happens, or retries.
#[async_trait]
pub trait Driver: Send + Sync {
    /// The kind's field table and habits.
    fn info(&self) -> &'static KindInfo;

    /// Every call that is made for the kind.
    fn calls(&self) -> Vec<&'static Call>;

    /// What the tagging API calls the kind: `ecr:repository`. None for kinds that it does not find in the stack's region.
    fn tagging_type(&self) -> Option<&'static str>;

    /// The wish for the resource with this key, in normal form. Pure.
    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired>;

    /// Wishes of this kind that follow from other wishes without standing in the file. Pure.
    fn implied(&self, _: &Desire<'_>, _: &BTreeMap<Address, Desired>) -> Vec<Desired> {
        Vec::new()
    }

    /// Reads all resources of the kind that are wanted by name, and all that bear the stack's mark,
    /// in as few calls as possible.
    async fn survey(&self, cx: &Survey<'_>) -> Found;

    /// Reads one resource again; nothing there is an empty list.
    ///
    /// # Errors
    /// When the read failed.
    async fn look(&self, aws: &Aws, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError>;

    /// Creates the resource with its tags in one call.
    ///
    /// # Errors
    /// As AWS answers.
    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError>;

    /// Carries out one group of calls of an update.
    ///
    /// # Errors
    /// As AWS answers.
    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError>;

    /// Deletes the resource; that it is gone already is success.
    ///
    /// # Errors
    /// As AWS answers.
    async fn delete(&self, aws: &Aws, live: &Sighting, empty: bool) -> Result<(), CloudError>;

    /// Takes these tags off.
    ///
    /// # Errors
    /// As AWS answers.
    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError>;
}

/// A plan named a group of calls that the kind's driver does not know: a defect of the field table.
pub fn no_such_group(kind: &KindInfo, group: &str) -> CloudError {
    CloudError::new(Class::Other, group, format!("a {} has no such group of calls", kind.title))
}
