//! Services of the file as wishes, and wishes as requests. Source: ECS API reference, `CreateService`, `UpdateService`.

use std::collections::BTreeSet;

use hatoba_engine::desired::Resolved;
use hatoba_engine::diff::{FieldChange, differences};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::kinds::Resource;
use hatoba_model::kinds::service::{Ebs, Network, Service as Spec, ServiceConnect};
use hatoba_model::reference::Ref;
use serde_json::{Map, Value as Json, json};

use super::power::{TAG_DOWN, TAG_SCALING, begins_stopped};
use super::scaling::wanted;
use super::{INFO, normal};
use crate::desire::Desire;
use crate::kinds::network;
use crate::kinds::task_definition::{Object, logs, role_arn, tags_json};
use crate::shape::merge;

/// The service as `CreateService` takes it, but for what may only be known later: task definition and network.
pub(super) fn to_api(cx: &Desire<'_>, spec: &Spec) -> Json {
    let mut service = Object::default();
    let launch_type = spec.capacity.is_empty().then(|| spec.launch_type.map_or("FARGATE", |launch| launch.api()));
    service
        .set("launchType", launch_type)
        .list(
            "capacityProviderStrategy",
            spec.capacity.iter().map(|share| {
                json!({
                    "capacityProvider": share.provider,
                    "weight": share.weight.unwrap_or_default(),
                    "base": share.base.unwrap_or_default(),
                })
            }),
        )
        .set("platformVersion", spec.platform_version.as_deref());
    let mut deployment = Object::default();
    deployment
        .set("minimumHealthyPercent", spec.minimum_percent)
        .set("maximumPercent", spec.maximum_percent)
        .set("deploymentCircuitBreaker", spec.circuit_breaker.as_ref().map(|breaker| {
            json!({ "enable": breaker.enable.unwrap_or(true), "rollback": breaker.rollback.unwrap_or_default() })
        }))
        .set("alarms", spec.alarms.as_ref().map(|alarms| {
            json!({
                "alarmNames": alarms.names,
                "enable": alarms.enable.unwrap_or(true),
                "rollback": alarms.rollback.unwrap_or_default(),
            })
        }));
    service.set("deploymentConfiguration", Some(deployment.done()));
    service
        .list(
            "loadBalancers",
            spec.load_balancers.iter().map(|balancer| {
                json!({
                    "targetGroupArn": balancer.target_group,
                    "containerName": balancer.container,
                    "containerPort": balancer.port,
                })
            }),
        )
        .list(
            "serviceRegistries",
            spec.registries.iter().map(|registry| {
                let mut json = Object::default();
                let port = if registry.container.is_some() { "containerPort" } else { "port" };
                json.set("registryArn", Some(registry.arn.as_str()))
                    .set("containerName", registry.container.as_deref())
                    .set(port, registry.port);
                json.done()
            }),
        )
        .set("serviceConnectConfiguration", spec.service_connect.as_ref().map(|connect| service_connect(cx, connect)))
        .set("enableExecuteCommand", spec.enable_exec)
        .set("availabilityZoneRebalancing", spec.az_rebalancing.map(|on| if on { "ENABLED" } else { "DISABLED" }))
        .set("healthCheckGracePeriodSeconds", spec.health_check_grace_period)
        .set("propagateTags", spec.propagate_tags.map(|propagate| propagate.api()))
        .set("enableECSManagedTags", spec.ecs_managed_tags)
        .list(
            "volumeConfigurations",
            spec.volumes.iter().map(|(name, ebs)| json!({ "name": name, "managedEBSVolume": managed_volume(cx, ebs) })),
        );
    let mut json = service.done();
    merge(&mut json, &json!(spec.extra));
    json
}

fn service_connect(cx: &Desire<'_>, spec: &ServiceConnect) -> Json {
    let mut connect = Object::default();
    connect
        .set("enabled", Some(true))
        .set("namespace", spec.namespace.as_deref())
        .list(
            "services",
            spec.services.iter().map(|port| {
                let mut service = Object::default();
                service
                    .set("portName", Some(port.port_name.as_str()))
                    .set("discoveryName", port.discovery_name.as_deref())
                    .list(
                        "clientAliases",
                        port.aliases.iter().map(|alias| {
                            let mut json = Object::default();
                            json.set("port", Some(alias.port)).set("dnsName", alias.dns_name.as_deref());
                            json.done()
                        }),
                    )
                    .set("ingressPortOverride", port.ingress_port);
                service.done()
            }),
        )
        .set("logConfiguration", spec.logs.as_ref().map(|spec| logs(cx, spec)));
    connect.done()
}

fn managed_volume(cx: &Desire<'_>, spec: &Ebs) -> Json {
    let tags: Vec<Json> = spec.tags.iter().map(|(key, value)| json!({ "key": key, "value": value.as_str() })).collect();
    let mut ebs = Object::default();
    ebs.set("roleArn", spec.role.as_ref().and_then(|role| role_arn(cx, role)))
        .set("sizeInGiB", spec.size)
        .set("volumeType", spec.volume_type.as_deref())
        .set("iops", spec.iops)
        .set("throughput", spec.throughput)
        .set("encrypted", spec.encrypted)
        .set("kmsKeyId", spec.kms_key.as_deref())
        .set("snapshotId", spec.snapshot.as_deref())
        .set("filesystemType", spec.filesystem.as_deref())
        .set("tagSpecifications", (!tags.is_empty()).then(|| json!([{ "resourceType": "volume", "tags": tags }])));
    ebs.done()
}

/// What the file says of the network; ids that are not known yet stay open.
pub(super) fn network(cx: &Desire<'_>, spec: &Network) -> Value {
    let subnets = match spec.subnets.ids() {
        Some(ids) => Value::set(ids),
        None => Value::List(vec![network::subnets()]),
    };
    let mut groups: Vec<Value> = spec
        .security_groups
        .iter()
        .map(|group| match group {
            Ref::Own(key) => match cx.stack.security_groups.get(key) {
                // A group outside of the stack has its id in the place of a name.
                Some(spec) if spec.common().existing && spec.aws_name(key).starts_with("sg-") => {
                    Value::text(spec.aws_name(key))
                }
                Some(_) => Value::pending(format_args!("security_group.{key}"), "id"),
                None => Value::text(key),
            },
            Ref::Existing(id) => Value::text(id),
        })
        .collect();
    groups.sort_by_cached_key(|group| group.as_text().map(str::to_owned));
    // Without any, ECS takes the default group of the VPC, and may say so on reads.
    let groups = if groups.is_empty() { Value::Keep(Box::new(Value::List(groups))) } else { Value::List(groups) };
    Value::map([
        ("subnets", subnets),
        ("security_groups", groups),
        ("public_ip", Value::Bool(spec.public_ip.unwrap_or_default())),
    ])
}

/// The task definition: its ARN, or, for one of another owner, its family with or without a revision.
pub(super) fn task_definition(cx: &Desire<'_>, reference: &Ref) -> Value {
    match reference {
        Ref::Own(key) => Value::pending(format_args!("task_definition.{key}"), "arn"),
        Ref::Existing(text) if text.contains(':') && !text.starts_with("arn:") => {
            Value::Text(cx.facts.arn("ecs", format_args!("task-definition/{text}")))
        }
        Ref::Existing(text) => Value::text(text),
    }
}

/// The request that creates a service.
pub(super) fn creation(want: &Resolved) -> Json {
    let mut body = normal::to_members(&want.fields);
    // Refused for a service without a load balancer, even 0.
    if want.int("health_check_grace_period") == Some(0) {
        body.remove("healthCheckGracePeriodSeconds");
    }
    body.insert("cluster".into(), want.text("cluster").unwrap_or_default().into());
    body.insert("serviceName".into(), want.name.as_str().into());
    body.insert("taskDefinition".into(), want.text("task_definition").unwrap_or_default().into());
    let mut tags = want.tags();
    // It tells of what the next calls make.
    tags.extend(wanted(&want.fields).map(|(_, mark)| (TAG_SCALING.to_owned(), mark)));
    if let Some(memory) = begins_stopped(want) {
        tags.insert(TAG_DOWN.to_owned(), memory.to_owned());
        body.insert("desiredCount".into(), 0.into());
    }
    if !tags.is_empty() {
        body.insert("tags".into(), tags_json(&tags));
    }
    Json::Object(body)
}

/// Fields that only count for tasks that start later, so that a change of them asks for new tasks.
const LATER: [&str; 3] = ["capacity", "launch_type", "enable_exec"];
/// Fields of which every change starts new tasks. Source: ECS API reference, `UpdateService`.
const DEPLOYED: [&str; 7] =
    ["task_definition", "network", "platform_version", "load_balancers", "registries", "service_connect", "volumes"];

/// Whether a change of a service starts a deployment, and with it new tasks.
pub fn starts_deployment(change: &FieldChange) -> bool {
    let row = change.row();
    LATER.contains(&row) || DEPLOYED.contains(&row) || change.path.starts_with("extra.vpcLatticeConfigurations")
}

/// The request that brings a service from what it is to what is wanted. It holds only what differs: a network or a Service
/// Connect block that did not change would start a deployment all the same.
pub(super) fn change(want: &Resolved, live: &Sighting) -> Json {
    let changes = differences(&INFO, &want.fields, &live.fields);
    let changed: BTreeSet<&str> = changes.iter().map(FieldChange::row).filter(|row| *row != "tags").collect();
    let fields: Fields = want
        .fields
        .iter()
        .filter(|(row, _)| changed.contains(row.as_str()) && *row != "extra")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut body = normal::to_members(&fields);
    // A service changes to a launch type by giving up its strategy.
    body.remove("launchType");
    if changed.contains("task_definition") {
        body.insert("taskDefinition".into(), want.text("task_definition").unwrap_or_default().into());
    }
    for row in changed.iter().filter(|row| !want.fields.contains_key(**row)) {
        reset(row, &mut body);
    }
    if changed.contains("extra") {
        extra(want, live, &mut body);
    }
    if LATER.iter().any(|row| changed.contains(row)) {
        body.insert("forceNewDeployment".into(), true.into());
    }
    body.insert("cluster".into(), want.text("cluster").unwrap_or_default().into());
    body.insert("service".into(), want.name.as_str().into());
    Json::Object(body)
}

/// A member that is left out stays as it is: what takes a setting back has to be said.
fn reset(row: &str, body: &mut Map<String, Json>) {
    let mut put = |member: &str, value: Json| {
        body.insert(member.to_owned(), value);
    };
    match row {
        "capacity" => put("capacityProviderStrategy", json!([])),
        "load_balancers" => put("loadBalancers", json!([])),
        "registries" => put("serviceRegistries", json!([])),
        "volumes" => put("volumeConfigurations", json!([])),
        "service_connect" => put("serviceConnectConfiguration", json!({ "enabled": false })),
        "circuit_breaker" | "alarms" => {
            let (member, value) = match row {
                "alarms" => ("alarms", json!({ "alarmNames": [], "enable": false, "rollback": false })),
                _ => ("deploymentCircuitBreaker", json!({ "enable": false, "rollback": false })),
            };
            let deployment = body.entry("deploymentConfiguration").or_insert_with(|| json!({}));
            merge(deployment, &Json::Object([(member.to_owned(), value)].into_iter().collect()));
        }
        _ => {}
    }
}

fn extra(want: &Resolved, live: &Sighting, body: &mut Map<String, Json>) {
    let part = |fields: &Fields, name: &str| fields.get("extra").and_then(|extra| extra.get(name)).cloned();
    let names: BTreeSet<String> = [&want.fields, &live.fields]
        .into_iter()
        .filter_map(|fields| fields.get("extra")?.as_map())
        .flat_map(|extra| extra.keys().cloned())
        .collect();
    for name in names {
        let (wanted, there) = (part(&want.fields, &name), part(&live.fields, &name));
        if wanted == there {
            continue;
        }
        let value = match (&wanted, &there, name.as_str()) {
            (None, _, "deploymentConfiguration") => {
                json!({ "strategy": "ROLLING", "bakeTimeInMinutes": 0, "lifecycleHooks": [] })
            }
            (None, _, "deploymentController") => json!({ "type": "ECS" }),
            (None, Some(Value::List(_)), _) => json!([]),
            // There is no way to say that it should not be there.
            (None, ..) => continue,
            (Some(value), ..) => {
                let alone = Fields::from([("extra".to_owned(), Value::map([(name.clone(), value.clone())]))]);
                normal::to_members(&alone).remove(&name).unwrap_or(Json::Null)
            }
        };
        merge(body.entry(name).or_insert_with(|| json!({})), &value);
    }
}
