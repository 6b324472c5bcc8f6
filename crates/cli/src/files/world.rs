//! AWS and the repository as one: the engine's port.

use async_trait::async_trait;
use hatoba_engine::cloud::{Cloud, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Goal, Resolved};
use hatoba_engine::kind::KindInfo;
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_provider::provider::Provider;

use super::kind::WORKFLOW;
use super::store::Files;

/// Workflow files go to the disk, everything else to AWS.
#[derive(Debug)]
pub(crate) struct World<'a> {
    /// AWS.
    pub(crate) provider: &'a Provider,
    /// The repository.
    pub(crate) files: &'a Files,
}

fn is_file(kind: &KindInfo) -> bool {
    kind.name == WORKFLOW.name
}

#[async_trait]
impl Cloud for World<'_> {
    async fn survey(&self, goal: &Goal) -> Snapshot {
        let files = self.files.survey(goal);
        let mut snapshot = self.provider.survey(goal).await;
        snapshot.seen.extend(files.seen);
        snapshot.unreadable.extend(files.unreadable);
        snapshot
    }

    async fn look(&self, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        if is_file(target.kind) {
            return self.files.look(&target.name).map(|seen| seen.into_iter().collect());
        }
        self.provider.look(target, depth).await
    }

    async fn create(&self, want: &Resolved) -> Result<Receipt, CloudError> {
        if is_file(want.kind) { self.files.create(want) } else { self.provider.create(want).await }
    }

    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        if is_file(want.kind) { self.files.update(want, live) } else { self.provider.update(group, want, live).await }
    }

    async fn delete(&self, live: &Sighting, empty: bool) -> Result<(), CloudError> {
        if is_file(live.kind) { self.files.delete(live) } else { self.provider.delete(live, empty).await }
    }

    async fn release(&self, live: &Sighting) -> Result<(), CloudError> {
        if is_file(live.kind) { self.files.release(live) } else { self.provider.release(live).await }
    }
}
