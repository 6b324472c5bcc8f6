//! Keeps calls under the limits of ECS once it has refused one, so that a large stack does not run into a storm of throttles.
//!
//! Until then nothing is held back: accounts differ, and small stacks never get there. It is asked between the SDK and the
//! network, and so for every call, reads and retries included. As few calls of a family are in flight at a time, only those
//! few are refused in all, and a single one never waits longer than a few seconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
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
    family(50, 20.0, &["DescribeServiceDeployments", "ListServiceDeployments"]),
    family(50, 20.0, &["DescribeServiceRevisions"]),
    family(100, 20.0, &["DescribeTasks", "ListTasks"]),
];

/// The header in which AWS's JSON protocols name the call: `AmazonEC2ContainerServiceV20141113.CreateService`.
pub(crate) const TARGET: &str = "x-amz-target";
const ECS: &str = "AmazonEC2ContainerServiceV20141113.";

/// The buckets of a session, by the place of their family; a family that was never throttled has none.
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
        let Some(place) = target.strip_prefix(ECS).and_then(place_of) else { return Duration::ZERO };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get_mut(&place).map_or(Duration::ZERO, |bucket| bucket.take(self.began.elapsed()))
    }

    /// Hears that a call of ECS was refused as too fast: from now on its family keeps to the limit.
    fn refused(&self, call: &str) {
        let Some(place) = place_of(call) else { return };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.entry(place).or_insert_with(|| Bucket::empty(FAMILIES[place].limit, self.began.elapsed()));
    }
}

fn place_of(call: &str) -> Option<usize> {
    FAMILIES.iter().position(|family| family.calls.contains(&call))
}

/// Looks into every answer for a throttle.
#[derive(Debug)]
pub(crate) struct Watch(pub(crate) Arc<Pace>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "WatchForThrottles"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let is_throttled = matches!(response.status().as_u16(), 400 | 429)
            && response
                .body()
                .bytes()
                .is_some_and(|body| String::from_utf8_lossy(body).contains("ThrottlingException"));
        let call = config.load::<Metadata>().filter(|call| call.service() == "ECS");
        if let Some(call) = call.filter(|_| is_throttled) {
            self.0.refused(call.name());
        }
        Ok(())
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
    fn a_family_is_held_back_only_after_one_of_its_calls_was_refused() {
        let pace = Pace::default();
        let turn = |call: &str| pace.turn(&format!("{ECS}{call}"));
        for _ in 0..100 {
            assert_eq!(turn("RegisterTaskDefinition"), Duration::ZERO);
        }
        pace.refused("RegisterTaskDefinition");
        assert!(turn("DeregisterTaskDefinition") > Duration::from_millis(500));
        assert!(turn("RegisterTaskDefinition") > Duration::from_millis(1500));
        assert_eq!(turn("DescribeTaskDefinition"), Duration::ZERO);
        assert_eq!(pace.turn("Logs_20140328.CreateLogGroup"), Duration::ZERO);
    }
}
