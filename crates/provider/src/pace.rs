//! Keeps calls under the limits that ECS publishes, so that a large stack does not run into a storm of throttled calls.
//!
//! It stands between the SDK and the network and so sees every call, reads and retries included. As few calls of a family are
//! in flight at a time, a single one never waits longer than a few seconds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
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

/// The header in which AWS's JSON protocols name the call: `AmazonEC2ContainerServiceV20141113.CreateService`.
const TARGET: &str = "x-amz-target";
const ECS: &str = "AmazonEC2ContainerServiceV20141113.";

/// The buckets of a session, by the place of their family.
#[derive(Debug)]
struct Pace {
    began: Instant,
    buckets: Mutex<BTreeMap<usize, Bucket>>,
}

impl Pace {
    /// Takes this call's turn; returns how long it has to wait.
    fn turn(&self, call: &str) -> Duration {
        let Some(place) = FAMILIES.iter().position(|family| family.calls.contains(&call)) else {
            return Duration::ZERO;
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(place).or_insert_with(|| Bucket::new(FAMILIES[place].limit));
        bucket.take(self.began.elapsed())
    }
}

/// A client whose calls keep to the limits.
pub(crate) fn paced(inner: SharedHttpClient) -> SharedHttpClient {
    let pace = Arc::new(Pace { began: Instant::now(), buckets: Mutex::default() });
    SharedHttpClient::new(Paced { inner, pace })
}

#[derive(Debug)]
struct Paced {
    inner: SharedHttpClient,
    pace: Arc<Pace>,
}

impl HttpClient for Paced {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(PacedConnector { inner, pace: Arc::clone(&self.pace) })
    }
}

struct PacedConnector {
    inner: SharedHttpConnector,
    pace: Arc<Pace>,
}

impl fmt::Debug for PacedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacedConnector").finish_non_exhaustive()
    }
}

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get(TARGET).unwrap_or_default();
        tracing::debug!(target, path = request.uri(), "call");
        let wait = target.strip_prefix(ECS).map_or(Duration::ZERO, |call| self.pace.turn(call));
        if wait.is_zero() {
            return self.inner.call(request);
        }
        tracing::info!(target, ?wait, "kept back, to stay under the limit of ECS");
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(wait).await;
            inner.call(request).await
        })
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
        let pace = Pace { began: Instant::now(), buckets: Mutex::default() };
        for call in ["RegisterTaskDefinition", "DeregisterTaskDefinition"].into_iter().cycle().take(20) {
            assert_eq!(pace.turn(call), Duration::ZERO);
        }
        assert!(pace.turn("RegisterTaskDefinition") > Duration::from_millis(500));
        assert_eq!(pace.turn("DescribeTaskDefinition"), Duration::ZERO);
        assert_eq!(pace.turn("GetCallerIdentity"), Duration::ZERO);
    }
}
