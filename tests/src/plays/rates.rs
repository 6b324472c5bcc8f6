//! The limits of ECS: what comes faster is refused, and has no effect.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::proxy::{Call, Play, Reply};

/// Burst and refill per second of the calls that share a limit, per account and region. Source: "Request throttling for the
/// Amazon ECS API" in the ECS API reference.
const FAMILIES: &[(f64, f64, &[&str])] = &[
    (
        20.0,
        1.0,
        &["CreateCluster", "DeleteCluster", "PutClusterCapacityProviders", "UpdateCluster", "UpdateClusterSettings"],
    ),
    (50.0, 20.0, &["DescribeClusters", "ListClusters"]),
    (20.0, 1.0, &["RegisterTaskDefinition", "DeregisterTaskDefinition"]),
    (50.0, 20.0, &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"]),
    (5.0, 1.0, &["DeleteTaskDefinitions"]),
    (20.0, 10.0, &["TagResource", "UntagResource"]),
    (50.0, 20.0, &["ListTagsForResource"]),
    (50.0, 5.0, &["CreateService", "UpdateService", "DeleteService"]),
    (100.0, 20.0, &["DescribeServices", "ListServices"]),
    (100.0, 20.0, &["DescribeTasks", "ListTasks"]),
];

/// Refuses the calls of ECS that come faster than AWS lets them.
#[derive(Debug)]
pub struct Rates {
    began: Instant,
    /// What each family has left, and when it was last asked, in seconds.
    left: Mutex<BTreeMap<usize, (f64, f64)>>,
    refused: AtomicUsize,
}

impl Rates {
    /// How many calls were refused since this was last asked.
    pub fn take_refused(&self) -> usize {
        self.refused.swap(0, Ordering::Relaxed)
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { began: Instant::now(), left: Mutex::default(), refused: AtomicUsize::new(0) }
    }
}

impl Play for Rates {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != "ecs" {
            return None;
        }
        let place = FAMILIES.iter().position(|(_, _, calls)| calls.contains(&call.action.as_str()))?;
        let (burst, per_second, _) = FAMILIES[place];
        let now = self.began.elapsed().as_secs_f64();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, at) = left.entry(place).or_insert((burst, now));
        *tokens = (*tokens + (now - *at) * per_second).min(burst);
        *at = now;
        if *tokens < 1.0 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Some(Reply::throttled(call));
        }
        *tokens -= 1.0;
        None
    }
}
