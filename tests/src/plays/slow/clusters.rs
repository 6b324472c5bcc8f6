//! Clusters whose capacity providers are being set up, and deleted clusters, which stay visible as INACTIVE (ECS API reference,
//! `Cluster`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{Count, Times};
use crate::plays::last;
use crate::proxy::{Call, Play, Reply};

/// Shows new clusters as PROVISIONING for a while, in which they can be used by nothing, and deleted ones as INACTIVE for ever.
#[derive(Debug)]
pub struct Provisioning {
    lag: Duration,
    changed: Times,
    /// Deleted clusters as they were.
    deleted: Mutex<BTreeMap<String, Value>>,
    shown: Count,
    refused: Count,
    inactive: Count,
}

impl Provisioning {
    /// New and changed clusters are PROVISIONING for so long.
    pub fn new(lag: Duration) -> Self {
        Self {
            lag,
            changed: Times::default(),
            deleted: Mutex::default(),
            shown: Count::default(),
            refused: Count::default(),
            inactive: Count::default(),
        }
    }

    /// How often a cluster was shown as PROVISIONING.
    pub fn shown(&self) -> usize {
        self.shown.get()
    }

    /// How many calls came too early.
    pub fn refused(&self) -> usize {
        self.refused.get()
    }

    /// How often a deleted cluster was shown.
    pub fn inactive(&self) -> usize {
        self.inactive.get()
    }

    fn deleted(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_new(&self, cluster: &str) -> bool {
        self.changed.since(cluster).is_some_and(|age| age < self.lag)
    }
}

fn cluster_of(call: &Call) -> String {
    let request = call.json();
    request["cluster"].as_str().or(request["clusterName"].as_str()).map(last).unwrap_or_default().to_owned()
}

impl Play for Provisioning {
    fn before(&self, call: &Call) -> Option<Reply> {
        let needs = ["CreateService", "PutClusterCapacityProviders", "UpdateCluster", "DeleteCluster"];
        if call.service != "ecs" || !needs.contains(&call.action.as_str()) || !self.is_new(&cluster_of(call)) {
            return None;
        }
        self.refused.one_more();
        let (code, message) = match call.action.as_str() {
            "CreateService" => ("ClusterNotFoundException", "Cluster not found."),
            "PutClusterCapacityProviders" => (
                "UpdateInProgressException",
                "The specified cluster is in a busy state. Cluster attachments are updating.",
            ),
            _ => ("ClientException", "Cluster was not ACTIVE."),
        };
        Some(Reply::error(call, 400, code, message))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ecs" || !reply.is_success() {
            return;
        }
        let mut answer = reply.json();
        match call.action.as_str() {
            "CreateCluster" | "PutClusterCapacityProviders" => {
                let cluster = cluster_of(call);
                self.deleted().remove(&cluster);
                self.changed.again(&cluster);
            }
            "DeleteCluster" => {
                let cluster = cluster_of(call);
                self.changed.forget(&cluster);
                self.deleted().insert(cluster, answer["cluster"].clone());
            }
            "DescribeClusters" => {
                for cluster in answer["clusters"].as_array_mut().into_iter().flatten() {
                    if cluster["clusterName"].as_str().is_some_and(|name| self.is_new(name)) {
                        self.shown.one_more();
                        cluster["status"] = json!("PROVISIONING");
                        cluster["attachmentsStatus"] = json!("UPDATE_IN_PROGRESS");
                    }
                }
                let failures = answer["failures"].as_array().cloned().unwrap_or_default();
                let mut missing = Vec::new();
                for failure in failures {
                    let name = failure["arn"].as_str().map(last).unwrap_or_default();
                    let Some(mut cluster) = self.deleted().get(name).cloned() else {
                        missing.push(failure);
                        continue;
                    };
                    self.inactive.one_more();
                    cluster["status"] = json!("INACTIVE");
                    if let Some(clusters) = answer["clusters"].as_array_mut() {
                        clusters.push(cluster);
                    }
                }
                answer["failures"] = missing.into();
                reply.body = Bytes::from(answer.to_string());
            }
            _ => {}
        }
    }
}
