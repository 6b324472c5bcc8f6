//! Deleted services: they drain, are INACTIVE afterwards and still shown, and keep their name, their cluster, its capacity
//! providers and their security groups in use for a while (ECS API reference, `DeleteService`; public reports).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::Count;
use crate::plays::last;
use crate::proxy::{Call, Play, Reply};

/// How long each thing takes after `DeleteService`.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until the service is shown as INACTIVE.
    pub drains: Duration,
    /// Until its name is free, its cluster can be deleted and its capacity providers can be taken away.
    pub in_use: Duration,
    /// Until the network interfaces of its tasks have let go of its security groups.
    pub interfaces: Duration,
}

/// How often each refusal was given.
#[derive(Debug, Default)]
struct Refused {
    name: Count,
    cluster: Count,
    providers: Count,
    groups: Count,
    shown: Count,
}

/// Plays deleted services.
#[derive(Debug)]
pub struct Draining {
    times: Times,
    /// Services by cluster and name, as they were last seen.
    seen: Mutex<BTreeMap<(String, String), Value>>,
    /// When each was deleted.
    deleted: Mutex<BTreeMap<(String, String), Instant>>,
    refused: Refused,
}

impl Draining {
    /// With these times.
    pub fn new(times: Times) -> Self {
        Self { times, seen: Mutex::default(), deleted: Mutex::default(), refused: Refused::default() }
    }

    /// How often a name was refused that is still taken.
    pub fn names_refused(&self) -> usize {
        self.refused.name.get()
    }

    /// How often the deletion of a cluster was refused.
    pub fn clusters_refused(&self) -> usize {
        self.refused.cluster.get()
    }

    /// How often a capacity provider was not taken away.
    pub fn providers_refused(&self) -> usize {
        self.refused.providers.get()
    }

    /// How often the deletion of a security group was refused.
    pub fn groups_refused(&self) -> usize {
        self.refused.groups.get()
    }

    /// How often a deleted service was shown.
    pub fn shown(&self) -> usize {
        self.refused.shown.get()
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<(String, String), Value>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deleted(&self) -> MutexGuard<'_, BTreeMap<(String, String), Instant>> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The services that were deleted less than this ago.
    fn younger(&self, than: Duration) -> Vec<((String, String), Value)> {
        let (deleted, seen) = (self.deleted(), self.seen());
        let young = deleted.iter().filter(|(_, at)| at.elapsed() < than);
        young.filter_map(|(key, _)| Some((key.clone(), seen.get(key)?.clone()))).collect()
    }

    /// The services of a cluster that count as users of its capacity providers: those that live, and those that drain.
    fn users(&self, cluster: &str) -> Vec<Value> {
        let (deleted, seen) = (self.deleted(), self.seen());
        let uses = |key: &(String, String)| {
            key.0 == cluster && deleted.get(key).is_none_or(|at| at.elapsed() < self.times.in_use)
        };
        seen.iter().filter(|(key, _)| uses(key)).map(|(_, service)| service.clone()).collect()
    }

    fn refuse(&self, call: &Call) -> Option<(&Count, &'static str, String)> {
        let request = call.json();
        let cluster = request["cluster"].as_str().map(last).unwrap_or_default().to_owned();
        match (call.service.as_str(), call.action.as_str()) {
            ("ecs", "CreateService") => {
                let key = (cluster, request["serviceName"].as_str().unwrap_or_default().to_owned());
                let taken = self.deleted().get(&key).is_some_and(|at| at.elapsed() < self.times.in_use);
                let message = "Unable to Start a service that is still Draining.".to_owned();
                taken.then_some((&self.refused.name, "InvalidParameterException", message))
            }
            ("ecs", "DeleteCluster") => {
                let held = self.younger(self.times.in_use).iter().any(|(key, _)| key.0 == cluster);
                let message = "The Cluster cannot be deleted while Services are active.".to_owned();
                held.then_some((&self.refused.cluster, "ClusterContainsServicesException", message))
            }
            ("ecs", "PutClusterCapacityProviders") => {
                let kept = names(&request["capacityProviders"]);
                let used = self.users(&cluster).into_iter().flat_map(|service| {
                    let strategy = service["capacityProviderStrategy"].as_array().cloned().unwrap_or_default();
                    strategy.into_iter().filter_map(|item| item["capacityProvider"].as_str().map(str::to_owned))
                });
                let taken_away = used.into_iter().any(|provider| !kept.contains(&provider));
                let message = "The specified capacity provider is in use and cannot be removed.".to_owned();
                taken_away.then_some((&self.refused.providers, "ResourceInUseException", message))
            }
            ("ec2", "DeleteSecurityGroup") => {
                let id = call.form().remove("GroupId")?;
                let held = self.younger(self.times.interfaces).into_iter().any(|(_, service)| {
                    names(&service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]).contains(&id)
                });
                let message = format!("resource {id} has a dependent object");
                held.then_some((&self.refused.groups, "DependencyViolation", message))
            }
            _ => None,
        }
    }

    /// A deleted service, as it is shown now.
    fn shown_as(&self, key: &(String, String)) -> Option<Value> {
        let at = *self.deleted().get(key)?;
        let mut service = self.seen().get(key)?.clone();
        let drains = at.elapsed() < self.times.drains;
        service["status"] = json!(if drains { "DRAINING" } else { "INACTIVE" });
        service["desiredCount"] = json!(0);
        service["runningCount"] = json!(u8::from(drains));
        Some(service)
    }

    fn describe(&self, cluster: &str, answer: &mut Value) {
        let mut services = Vec::new();
        for service in answer["services"].as_array().cloned().unwrap_or_default() {
            let key = (cluster.to_owned(), service["serviceName"].as_str().unwrap_or_default().to_owned());
            match self.shown_as(&key) {
                Some(deleted) => {
                    self.refused.shown.one_more();
                    services.push(deleted);
                }
                None => {
                    self.seen().insert(key, service.clone());
                    services.push(service);
                }
            }
        }
        let failures = answer["failures"].as_array().cloned().unwrap_or_default();
        let (gone, other): (Vec<_>, Vec<_>) = failures.into_iter().partition(|failure| {
            let name = failure["arn"].as_str().map(last).unwrap_or_default();
            self.deleted().contains_key(&(cluster.to_owned(), name.to_owned()))
        });
        for failure in gone {
            let name = failure["arn"].as_str().map(last).unwrap_or_default();
            self.refused.shown.one_more();
            services.extend(self.shown_as(&(cluster.to_owned(), name.to_owned())));
        }
        answer["services"] = services.into();
        answer["failures"] = other.into();
    }
}

fn names(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

impl Play for Draining {
    fn before(&self, call: &Call) -> Option<Reply> {
        let (count, code, message) = self.refuse(call)?;
        count.one_more();
        Some(Reply::error(call, 400, code, &message))
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ecs" || !reply.is_success() {
            return;
        }
        let (request, mut answer) = (call.json(), reply.json());
        let cluster = request["cluster"].as_str().map(last).unwrap_or_default().to_owned();
        let name = |member: &str| request[member].as_str().map(last).unwrap_or_default().to_owned();
        match call.action.as_str() {
            "CreateService" => {
                let key = (cluster, name("serviceName"));
                self.deleted().remove(&key);
                self.seen().insert(key, answer["service"].clone());
            }
            "UpdateService" => {
                self.seen().insert((cluster, name("service")), answer["service"].clone());
            }
            "DeleteService" => {
                let key = (cluster, name("service"));
                self.deleted().insert(key.clone(), Instant::now());
                if let Some(service) = self.shown_as(&key) {
                    answer["service"] = service;
                    reply.body = Bytes::from(answer.to_string());
                }
            }
            "DescribeServices" => {
                self.describe(&cluster, &mut answer);
                reply.body = Bytes::from(answer.to_string());
            }
            // AWS lists active ones only; what lists the others as well does no harm to a careful reader.
            "ListServices" => {
                let mut arns: BTreeSet<String> = names(&answer["serviceArns"]);
                let (deleted, seen) = (self.deleted(), self.seen());
                let gone = deleted.keys().filter(|key| key.0 == cluster).filter_map(|key| seen.get(key));
                arns.extend(gone.filter_map(|service| service["serviceArn"].as_str().map(str::to_owned)));
                answer["serviceArns"] = arns.into_iter().collect();
                reply.body = Bytes::from(answer.to_string());
            }
            _ => {}
        }
    }
}
