//! The engine's port on the account in memory, undisturbed.

use async_trait::async_trait;
use hatoba_engine::cloud::{Cloud, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Goal, Resolved};
use hatoba_engine::snapshot::{Sighting, Snapshot};

use crate::world::World;

#[async_trait]
impl Cloud for World {
    async fn survey(&self, goal: &Goal) -> Snapshot {
        self.lock().survey(goal, &self.facts)
    }

    async fn look(&self, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        Ok(self.lock().look(target, Depth::Full, &self.facts))
    }

    async fn create(&self, want: &Resolved) -> Result<Receipt, CloudError> {
        let mut state = self.lock();
        let stack = state.stack.clone();
        state.create(want, &self.facts, stack.as_deref())
    }

    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        let mut state = self.lock();
        let stack = state.stack.clone();
        state.update(group, want, live, None, &self.facts, stack.as_deref())
    }

    async fn delete(&self, live: &Sighting, empty: bool) -> Result<(), CloudError> {
        self.lock().delete(live, empty, false, &self.facts)
    }

    async fn release(&self, live: &Sighting) -> Result<(), CloudError> {
        self.lock().release(live);
        Ok(())
    }
}
