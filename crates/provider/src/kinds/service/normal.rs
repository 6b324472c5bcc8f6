//! The normal form of a service. Source: ECS API reference, `Service`, and what AWS fills in on reads.

use hatoba_engine::value::{Fields, Value};
use serde_json::{Map, Value as Json};

use crate::kinds::task_definition::{join, read_logs, split, write_logs};
use crate::shape::Shape::{Custom, Decimal, Named, Object, Objects, Plain, Switch, Texts, Word};
use crate::shape::{Fixed, Like, Member, Shape, read, write};

const fn new(api: &'static str, name: &'static str, shape: Shape) -> Member {
    Member::new(api, name, shape)
}

const fn off(api: &'static str, name: &'static str) -> Member {
    Member::shown(api, name, Plain, Fixed::Bool(false))
}

const ON_OFF: Shape = Switch("ENABLED", "DISABLED");

/// Members that `deploymentConfiguration` has in the API and that stand beside it in the file.
const DEPLOYMENT: [&str; 4] = ["maximumPercent", "minimumHealthyPercent", "deploymentCircuitBreaker", "alarms"];

static SERVICE: &[Member] = &[
    new("desiredCount", "desired_count", Plain),
    new("launchType", "launch_type", Plain),
    new("capacityProviderStrategy", "capacity", Named("capacityProvider", CAPACITY, "")),
    new("platformVersion", "platform_version", Plain),
    new("networkConfiguration", "", Object(&[new("awsvpcConfiguration", "network", Object(NETWORK))])),
    Member::shown("minimumHealthyPercent", "minimum_percent", Plain, Fixed::Int(100)),
    Member::shown("maximumPercent", "maximum_percent", Plain, Fixed::Int(200)),
    new("deploymentCircuitBreaker", "circuit_breaker", Object(BREAKER)),
    new("alarms", "alarms", Object(ALARMS)),
    new("loadBalancers", "load_balancers", Objects(LOAD_BALANCER)),
    new("serviceRegistries", "registries", Objects(REGISTRY)),
    new("serviceConnectConfiguration", "service_connect", Object(CONNECT)),
    off("enableExecuteCommand", "enable_exec"),
    new("availabilityZoneRebalancing", "az_rebalancing", ON_OFF),
    Member::shown("healthCheckGracePeriodSeconds", "health_check_grace_period", Plain, Fixed::Int(0)),
    Member::shown("propagateTags", "propagate_tags", Word, Fixed::Text("NONE")),
    off("enableECSManagedTags", "ecs_managed_tags"),
    new("volumeConfigurations", "volumes", Named("name", VOLUME, "")),
    // What only `extra` can say.
    new("deploymentConfiguration", "deploymentConfiguration", Object(DEPLOYMENT_REST)),
    new(
        "deploymentController",
        "deploymentController",
        Object(&[Member::same("type", "type", Plain, Fixed::Text("ECS"))]),
    ),
    Member::same("schedulingStrategy", "schedulingStrategy", Plain, Fixed::Text("REPLICA")),
    new("placementConstraints", "placementConstraints", Plain),
    new("placementStrategy", "placementStrategy", Plain),
    new("vpcLatticeConfigurations", "vpcLatticeConfigurations", Plain),
];

static CAPACITY: &[Member] =
    &[Member::shown("weight", "weight", Plain, Fixed::Int(0)), Member::shown("base", "base", Plain, Fixed::Int(0))];

static NETWORK: &[Member] = &[
    new("subnets", "subnets", Texts),
    new("securityGroups", "security_groups", Texts),
    Member::shown("assignPublicIp", "public_ip", ON_OFF, Fixed::Text("DISABLED")),
];

// Its threshold and when it is reset have defaults that older services do not show: compared where the file names them.
static BREAKER: &[Member] = &[off("enable", "enable"), off("rollback", "rollback")];

static ALARMS: &[Member] = &[new("alarmNames", "names", Texts), off("enable", "enable"), off("rollback", "rollback")];

static LOAD_BALANCER: &[Member] = &[
    new("targetGroupArn", "target_group", Plain),
    new("loadBalancerName", "loadBalancerName", Plain),
    new("containerName", "container", Plain),
    new("containerPort", "port", Plain),
    new("advancedConfiguration", "advancedConfiguration", Plain),
];

static REGISTRY: &[Member] = &[
    new("registryArn", "arn", Plain),
    new("containerName", "container", Plain),
    new("containerPort", "port", Plain),
    new("port", "srv_port", Plain),
];

static CONNECT: &[Member] = &[
    off("enabled", "enabled"),
    new("namespace", "namespace", Plain),
    new("services", "services", Custom(read_connect, write_connect)),
    new("logConfiguration", "logs", Custom(read_logs, write_logs)),
    new("accessLogConfiguration", "accessLogConfiguration", Plain),
];

static CONNECT_SERVICE: &[Member] = &[
    new("portName", "port_name", Plain),
    new("discoveryName", "discovery_name", Plain),
    new("clientAliases", "aliases", Objects(&[new("port", "port", Plain), new("dnsName", "dns_name", Plain)])),
    new("ingressPortOverride", "ingress_port", Plain),
    new("timeout", "timeout", Plain),
    new("tls", "tls", Plain),
];

/// The name in Cloud Map is that of the port unless stated.
fn read_connect(json: &Json, like: Like<'_>) -> Value {
    let items = json.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut services: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut parts = read(item, CONNECT_SERVICE, like);
            if parts.get("discovery_name") == parts.get("port_name") {
                parts.remove("discovery_name");
            }
            Value::Map(parts)
        })
        .collect();
    services.sort_by_cached_key(|service| service.to_json().to_string());
    Value::List(services)
}

fn write_connect(services: &Value) -> Json {
    services.items().iter().filter_map(Value::as_map).map(|parts| write(parts, CONNECT_SERVICE)).collect()
}

static VOLUME: &[Member] = &[new("managedEBSVolume", "", Object(EBS))];

static EBS: &[Member] = &[
    new("roleArn", "role", Plain),
    new("sizeInGiB", "size", Plain),
    new("volumeType", "type", Plain),
    new("iops", "iops", Plain),
    new("throughput", "throughput", Plain),
    new("encrypted", "encrypted", Plain),
    new("kmsKeyId", "kms_key", Plain),
    new("snapshotId", "snapshot", Plain),
    Member::same("filesystemType", "filesystem", Plain, Fixed::Text("xfs")),
    new("volumeInitializationRate", "volumeInitializationRate", Plain),
    new("tagSpecifications", "tagSpecifications", Plain),
];

static DEPLOYMENT_REST: &[Member] = &[
    Member::same("strategy", "strategy", Plain, Fixed::Text("ROLLING")),
    Member::same("bakeTimeInMinutes", "bakeTimeInMinutes", Plain, Fixed::Int(0)),
    new("lifecycleHooks", "lifecycleHooks", Plain),
    new("linearConfiguration", "linearConfiguration", Object(&[new("stepPercent", "stepPercent", Decimal)])),
    new("canaryConfiguration", "canaryConfiguration", Object(&[new("canaryPercent", "canaryPercent", Decimal)])),
];

/// Puts the four members of `deploymentConfiguration` beside it.
fn hoist(json: &mut Map<String, Json>) {
    let mut found = Vec::new();
    if let Some(Json::Object(deployment)) = json.get_mut("deploymentConfiguration") {
        found.extend(DEPLOYMENT.into_iter().filter_map(|key| Some((key.to_owned(), deployment.remove(key)?))));
    }
    json.extend(found);
}

/// The opposite of [`hoist`].
fn lower(json: &mut Map<String, Json>) {
    let found: Vec<(String, Json)> =
        DEPLOYMENT.into_iter().filter_map(|key| Some((key.to_owned(), json.remove(key)?))).collect();
    if found.is_empty() {
        return;
    }
    if let Json::Object(deployment) = json.entry("deploymentConfiguration").or_insert_with(|| Json::Object(Map::new()))
    {
        deployment.extend(found);
    }
}

/// What the service object does not show: it stands on the deployment that counts.
const OF_DEPLOYMENT: [&str; 3] = ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

fn primary(json: &mut Map<String, Json>) {
    let deployments = json.get("deployments").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(primary) =
        deployments.iter().find(|deployment| deployment.get("status").is_some_and(|status| status == "PRIMARY"))
    else {
        return;
    };
    let found: Vec<(String, Json)> = OF_DEPLOYMENT
        .into_iter()
        .filter(|key| !json.contains_key(*key))
        .filter_map(|key| Some((key.to_owned(), primary.get(key)?.clone())))
        .collect();
    json.extend(found);
}

/// The fields of a service in the API's JSON, without cluster, task definition and tags.
pub(super) fn normalise(json: &Json, rows: &[&str], like: Like<'_>) -> Fields {
    let mut json = json.as_object().cloned().unwrap_or_default();
    primary(&mut json);
    hoist(&mut json);
    let mut parts = read(&Json::Object(json), SERVICE, like);
    // What is switched off is the same as what is not there.
    let is_off = |value: Option<&Value>, switch: &str| {
        value.is_some_and(|value| value.get(switch) == Some(&Value::Bool(false)) && value.get("names").is_none())
    };
    for (name, switch) in [("circuit_breaker", "enable"), ("alarms", "enable"), ("service_connect", "enabled")] {
        if is_off(parts.get(name), switch) {
            parts.remove(name);
        }
    }
    split(parts, rows)
}

/// These fields as members of a request.
pub(super) fn to_members(fields: &Fields) -> Map<String, Json> {
    let mut parts = join(fields);
    for name in ["tags", "cluster", "task_definition", "schedule", "autoscaling", "running", "copies", "remembered"] {
        parts.remove(name);
    }
    let mut json = match write(&parts, SERVICE) {
        Json::Object(json) => json,
        _ => Map::new(),
    };
    lower(&mut json);
    json
}
