//! ECS services: moto forgets the circuit breaker, percentages and capacity strategy, ministack resets the launch type and
//! forgets a few switches. AWS keeps every member of the request, merges `deploymentConfiguration` one level deep, and fills
//! in defaults (ECS API reference, `Service`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::{last, members};
use crate::proxy::{Call, Play, Reply};

/// Members that the emulators keep well themselves, or that are no state.
const LEFT: &[&str] = &[
    "cluster",
    "service",
    "serviceName",
    "taskDefinition",
    "desiredCount",
    "tags",
    "clientToken",
    "forceNewDeployment",
];
/// Members that AWS shows on the primary deployment instead of the service.
const ON_DEPLOYMENT: &[&str] = &["serviceConnectConfiguration", "volumeConfigurations"];

/// The members of each service, by account, region, cluster and name.
#[derive(Debug, Default)]
pub(super) struct Services(Mutex<BTreeMap<String, Map<String, Value>>>);

impl Play for Services {
    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ecs" || !reply.is_success() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let request = call.json();
        let cluster = request["cluster"].as_str().map_or("default", last).to_owned();
        let named = request["serviceName"].as_str().or(request["service"].as_str()).map(last).unwrap_or_default();
        let key = |name: &str| format!("{}/{}/{cluster}/{name}", call.account, call.region);
        match call.action.as_str() {
            "CreateService" => {
                known.insert(key(named), created(&request));
            }
            "UpdateService" => {
                if let Some(service) = known.get_mut(&key(named)) {
                    updated(service, &request);
                }
            }
            "DeleteService" => {
                known.remove(&key(named));
                return;
            }
            "DescribeServices" => {}
            _ => return,
        }
        let mut answer = reply.json();
        let show = |service: &mut Value| {
            let name = service["serviceName"].as_str().unwrap_or_default().to_owned();
            if let Some(members) = known.get(&key(&name)) {
                overlay(service, members);
            }
        };
        match &mut answer {
            answer if answer["services"].is_array() => {
                answer["services"].as_array_mut().into_iter().flatten().for_each(show);
            }
            answer if answer["service"].is_object() => show(&mut answer["service"]),
            _ => return,
        }
        reply.body = Bytes::from(answer.to_string());
    }
}

fn kept(request: &Value) -> Map<String, Value> {
    members(request).into_iter().filter(|(name, _)| !LEFT.contains(&name.as_str())).collect()
}

fn created(request: &Value) -> Map<String, Value> {
    let mut service = kept(request);
    let strategy = service.get("capacityProviderStrategy").and_then(Value::as_array).is_some_and(|s| !s.is_empty());
    if !strategy {
        service.entry("launchType").or_insert_with(|| json!("FARGATE"));
    }
    service.entry("propagateTags").or_insert_with(|| json!("NONE"));
    service.entry("enableECSManagedTags").or_insert_with(|| json!(false));
    service.entry("enableExecuteCommand").or_insert_with(|| json!(false));
    service.entry("availabilityZoneRebalancing").or_insert_with(|| json!("ENABLED"));
    service.entry("platformVersion").or_insert_with(|| json!("LATEST"));
    service.entry("healthCheckGracePeriodSeconds").or_insert_with(|| json!(0));
    let mut deployment = members(&json!({
        "strategy": "ROLLING", "bakeTimeInMinutes": 0, "maximumPercent": 200, "minimumHealthyPercent": 100,
        "deploymentCircuitBreaker": {
            "enable": false, "rollback": false, "resetOnHealthyTask": true,
            "thresholdConfiguration": { "type": "BOUNDED_PERCENT", "value": 50 },
        },
        "alarms": { "alarmNames": [], "enable": false, "rollback": false },
    }));
    deploy(&mut deployment, &service.remove("deploymentConfiguration").unwrap_or_default());
    service.insert("deploymentConfiguration".into(), deployment.into());
    service
}

fn updated(service: &mut Map<String, Value>, request: &Value) {
    for (name, value) in kept(request) {
        match name.as_str() {
            "deploymentConfiguration" => {
                let mut deployment = service.get("deploymentConfiguration").map(members).unwrap_or_default();
                deploy(&mut deployment, &value);
                service.insert(name, deployment.into());
            }
            "capacityProviderStrategy" => {
                let gives_up = value.as_array().is_some_and(Vec::is_empty);
                if gives_up {
                    service.remove(&name);
                    service.insert("launchType".into(), json!("FARGATE"));
                } else {
                    service.insert(name, value);
                    service.remove("launchType");
                }
            }
            _ => {
                service.insert(name, value);
            }
        }
    }
}

/// One level is merged; of the circuit breaker only what was not sent of its optional members is kept.
fn deploy(deployment: &mut Map<String, Value>, request: &Value) {
    for (name, value) in members(request) {
        if name == "deploymentCircuitBreaker" {
            let mut breaker = deployment.get(&name).map(members).unwrap_or_default();
            breaker.insert("rollback".into(), json!(false));
            breaker.extend(members(&value));
            deployment.insert(name, breaker.into());
        } else {
            deployment.insert(name, value);
        }
    }
}

fn overlay(service: &mut Value, kept: &Map<String, Value>) {
    let strategy = kept.get("capacityProviderStrategy").is_some();
    let Some(shown) = service.as_object_mut() else { return };
    shown.remove(if strategy { "launchType" } else { "capacityProviderStrategy" });
    for (name, value) in kept.iter().filter(|(name, _)| !ON_DEPLOYMENT.contains(&name.as_str())) {
        let value = match name.as_str() {
            "capacityProviderStrategy" => filled(value, &json!({ "weight": 0, "base": 0 })),
            "networkConfiguration" => {
                let mut value = value.clone();
                if let Some(network) = value.get_mut("awsvpcConfiguration").and_then(Value::as_object_mut) {
                    network.entry("assignPublicIp").or_insert_with(|| json!("DISABLED"));
                    network.entry("securityGroups").or_insert_with(|| json!([]));
                }
                value
            }
            _ => value.clone(),
        };
        shown.insert(name.clone(), value);
    }
    let on_deployment: Vec<_> = kept.iter().filter(|(name, _)| ON_DEPLOYMENT.contains(&name.as_str())).collect();
    if on_deployment.is_empty() {
        return;
    }
    let deployments = shown.entry("deployments").or_insert_with(|| json!([]));
    if deployments.as_array().is_none_or(Vec::is_empty) {
        *deployments = json!([{ "id": "ecs-svc/1", "status": "PRIMARY" }]);
    }
    for deployment in deployments.as_array_mut().into_iter().flatten().filter(|d| d["status"] == "PRIMARY") {
        for (name, value) in &on_deployment {
            deployment[name.as_str()] = (*value).clone();
        }
    }
}

/// Every item of a list with the members that it lacks.
fn filled(list: &Value, defaults: &Value) -> Value {
    let fill = |item: &Value| {
        let mut all = members(defaults);
        all.extend(members(item));
        Value::Object(all)
    };
    list.as_array().map(|items| items.iter().map(fill).collect()).unwrap_or_default()
}
