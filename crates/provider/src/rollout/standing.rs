//! Deployments that a look has found under way or failed, whoever started them. Pure.

use hatoba_engine::desired::Goal;
use hatoba_engine::snapshot::Snapshot;
use hatoba_rollout::follow::Target;

use crate::kinds::service::standing::Standing;

/// A deployment that is not over, or has failed.
#[derive(Clone, Debug)]
pub struct Unsettled {
    /// What there is to follow.
    pub target: Target,
    /// Whether it had failed already.
    pub failed: bool,
}

/// The deployments of the services of a goal that go on or have failed, as they were seen; in the order of their addresses.
pub fn unsettled(goal: &Goal, seen: &Snapshot) -> Vec<Unsettled> {
    let services = goal.resources.values().filter(|want| want.kind.name == "service" && !want.existing);
    let found = services.filter_map(|want| {
        let live = seen.seen.iter().find(|live| want.names(live))?;
        let standing = Standing::of(live)?;
        let target = Target {
            address: want.address.to_string(),
            cluster: live.scope.clone().unwrap_or_else(|| "default".to_owned()),
            service: live.name.clone(),
            deployment: Some(standing.id),
            task_definition: Some(standing.task_definition),
            before: standing.before,
        };
        Some(Unsettled { target, failed: standing.failed })
    });
    found.collect()
}
