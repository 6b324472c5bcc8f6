//! ECS clusters: `CreateService` in a cluster that was deleted answers `ClusterNotFoundException` (ECS API reference,
//! `CreateService`). ministack makes a cluster of that name instead, without tags.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::last;
use crate::proxy::{Call, Play, Reply};

/// The clusters that were deleted, by account, region and name.
#[derive(Debug, Default)]
pub(super) struct Clusters(Mutex<BTreeSet<String>>);

/// Account, region and name of the cluster that a call is for.
fn key(call: &Call, member: &str) -> String {
    let request = call.json();
    format!("{}/{}/{}", call.account, call.region, request[member].as_str().map_or("default", last))
}

impl Play for Clusters {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != "ecs" || call.action != "CreateService" {
            return None;
        }
        let deleted = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&key(call, "cluster"));
        deleted.then(|| Reply::error(call, 400, "ClusterNotFoundException", "Cluster not found."))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ecs" || !reply.is_success() {
            return;
        }
        let mut deleted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match call.action.as_str() {
            "CreateCluster" => drop(deleted.remove(&key(call, "clusterName"))),
            "DeleteCluster" => drop(deleted.insert(key(call, "cluster"))),
            _ => {}
        }
    }
}
