//! Keeps calls under the limits that ECS publishes, so that a large stack does not run into a storm of throttled calls.
//!
//! It is asked between the SDK and the network, and so for every call, reads and retries included. As few calls of a family are
//! in flight at a time, a single one never waits longer than a few seconds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hatoba_engine::pace::{Bucket, Limit};

/// Calls that share a limit.
struct Family {
    limit: Limit,
    calls: &'static [&'static str],
}

const fn family(burst: u32, per_second: f64, calls: &'static [&'static str]) -> Family {
    Family { limit: Limit { burst, per_second }, calls }
}

/// "Request throttling for the Amazon ECS API" in the ECS API reference: burst, refill per second, calls. Per account and region.
const FAMILIES: &[Family] = &[
    family(
        20,
        1.0,
        &["CreateCluster", "DeleteCluster", "PutClusterCapacityProviders", "UpdateCluster", "UpdateClusterSettings"],
    ),
    family(50, 20.0, &["DescribeClusters", "ListClusters"]),
    family(20, 1.0, &["RegisterTaskDefinition", "DeregisterTaskDefinition"]),
    family(50, 20.0, &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"]),
    family(5, 1.0, &["DeleteTaskDefinitions"]),
    family(20, 10.0, &["TagResource", "UntagResource"]),
    family(50, 20.0, &["ListTagsForResource"]),
    family(50, 5.0, &["CreateService", "UpdateService", "DeleteService"]),
    family(100, 20.0, &["DescribeServices", "ListServices"]),
    family(100, 20.0, &["DescribeTasks", "ListTasks"]),
];

const ECS: &str = "AmazonEC2ContainerServiceV20141113.";

/// The buckets of a session, by the place of their family.
#[derive(Debug)]
pub(crate) struct Pace {
    began: Instant,
    buckets: Mutex<BTreeMap<usize, Bucket>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { began: Instant::now(), buckets: Mutex::default() }
    }
}

impl Pace {
    /// Takes the turn of a call, named as in `X-Amz-Target`; returns how long it has to wait.
    pub(crate) fn turn(&self, target: &str) -> Duration {
        let place =
            target.strip_prefix(ECS).and_then(|call| FAMILIES.iter().position(|family| family.calls.contains(&call)));
        let Some(place) = place else { return Duration::ZERO };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(place).or_insert_with(|| Bucket::new(FAMILIES[place].limit));
        bucket.take(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_call_belongs_to_one_family() {
        let calls: Vec<&str> = FAMILIES.iter().flat_map(|family| family.calls).copied().collect();
        assert_eq!(calls.iter().collect::<BTreeSet<_>>().len(), calls.len());
    }

    #[test]
    fn calls_of_a_family_share_their_limit_and_others_do_not_wait() {
        let pace = Pace::default();
        let turn = |call: &str| pace.turn(&format!("{ECS}{call}"));
        for call in ["RegisterTaskDefinition", "DeregisterTaskDefinition"].into_iter().cycle().take(20) {
            assert_eq!(turn(call), Duration::ZERO);
        }
        assert!(turn("RegisterTaskDefinition") > Duration::from_millis(500));
        assert_eq!(turn("DescribeTaskDefinition"), Duration::ZERO);
        assert_eq!(pace.turn("Logs_20140328.CreateLogGroup"), Duration::ZERO);
    }
}
