//! What a step expects to find before it acts: what the plan was made from, owned by whom it was.

use std::time::Duration;

use crate::cloud::Depth;
use crate::kind::{Field, Ownership};
use crate::snapshot::Sighting;
use crate::value::Value;

use super::StepError;
use super::step::Worker;

/// What was seen so recently need not be looked at again before it is deleted: the window in which somebody else
/// could change the owner is then no wider than between a look and the deletion.
const FRESH: Duration = Duration::from_secs(2);

impl Worker<'_> {
    /// Before something goes: whether it is still there. It has to be whose it was.
    pub(super) async fn as_planned(&self, planned: &Sighting) -> Result<Option<Sighting>, StepError> {
        let fresh = self.seen.is_some_and(|seen| self.clock.now().saturating_sub(seen) < FRESH);
        let seen = if fresh { vec![planned.clone()] } else { self.look(Depth::Mark).await? };
        let newer = self.makes_another() && seen.iter().all(|s| s.id != planned.id);
        if newer && !seen.is_empty() {
            return Err(self.newer());
        }
        let Some(live) = seen.into_iter().find(|s| s.id == planned.id) else { return Ok(None) };
        if same_owner(&live, planned) { Ok(Some(live)) } else { Err(self.other_owner()) }
    }

    /// Before something is created that would be created a second time without an error.
    pub(super) async fn expect_nothing(&self) -> Result<(), StepError> {
        match self.look(Depth::Mark).await?.first() {
            None => Ok(()),
            Some(_) => Err(self.somebody_was_faster("it was not there")),
        }
    }

    pub(super) fn gone(&self) -> StepError {
        StepError::Stale(format!("the {} `{}` is gone", self.step.kind.title, self.step.name))
    }

    fn newer(&self) -> StepError {
        StepError::Stale(format!("the {} `{}` has a newer revision", self.step.kind.title, self.step.name))
    }

    fn other_owner(&self) -> StepError {
        StepError::Stale(format!("the {} `{}` has another owner now", self.step.kind.title, self.step.name))
    }

    pub(super) fn somebody_was_faster(&self, why: impl std::fmt::Display) -> StepError {
        let (title, name) = (self.step.kind.title, &self.step.name);
        StepError::Stale(format!("somebody else has created the {title} `{name}` ({why})"))
    }

    /// Before something is changed: it must be there, and be whose it was.
    pub(super) async fn expect_unchanged(&self) -> Result<Sighting, StepError> {
        let planned = self.step.live.as_ref().ok_or_else(|| StepError::Stale("it was not seen".into()))?;
        if self.step.kind.ownership == Ownership::Account {
            return Ok(planned.clone());
        }
        let contested: Vec<&Field> = self.step.kind.contested(&self.step.changes).collect();
        let seen = self.look(if contested.is_empty() { Depth::Mark } else { Depth::Full }).await?;
        if seen.iter().all(|s| s.id != planned.id) {
            return Err(if self.makes_another() && !seen.is_empty() { self.newer() } else { self.gone() });
        }
        let Some(live) = seen.iter().find(|live| live.id == planned.id && same_owner(live, planned)) else {
            return Err(self.other_owner());
        };
        match contested.into_iter().find(|field| self.was_changed(field, live, planned)) {
            None => Ok(planned.clone()),
            Some(field) => Err(self.changed(field, live, planned)),
        }
    }

    /// Whether somebody has given a field another value than the plan saw, and not the one that is wanted.
    fn was_changed(&self, field: &Field, live: &Sighting, planned: &Sighting) -> bool {
        let is = live.fields.get(field.name);
        let wanted = || self.want.as_ref().ok().and_then(|want| want.fields.get(field.name));
        is != planned.fields.get(field.name) && is != wanted()
    }

    fn changed(&self, field: &Field, live: &Sighting, planned: &Sighting) -> StepError {
        // The last part of an ARN says enough.
        let of = |live: &Sighting| {
            let value = live.fields.get(field.name).and_then(Value::as_text).unwrap_or("something else");
            value.rsplit('/').next().unwrap_or(value).to_owned()
        };
        let (title, name) = (self.step.kind.title, &self.step.name);
        StepError::Stale(format!("`{}` of the {title} `{name}` is {} now, not {}", field.name, of(live), of(planned)))
    }
}

fn same_owner(live: &Sighting, planned: &Sighting) -> bool {
    match (&live.mark, &planned.mark) {
        (Some(live), Some(planned)) => live == planned,
        (None, None) => true,
        _ => false,
    }
}
