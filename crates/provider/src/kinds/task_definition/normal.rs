//! The normal form of a task definition. Source: ECS API reference, `TaskDefinition`, and what AWS fills in on reads.

use hatoba_engine::value::{Fields, Value};
use serde_json::{Map, Value as Json, json};

use crate::shape::Shape::{
    Custom, Named, NumberText, Object, Objects, Only, PairWords, Pairs, Plain, Switch, Texts, Word,
};
use crate::shape::{Fixed, Like, Member, Parts, read, write};

const fn new(api: &'static str, name: &'static str, shape: crate::shape::Shape) -> Member {
    Member::new(api, name, shape)
}

/// A switch that is off when it is absent.
const fn off(api: &'static str, name: &'static str) -> Member {
    Member::same(api, name, Plain, Fixed::Bool(false))
}

static TASK: &[Member] = &[
    new("cpu", "cpu", NumberText),
    new("memory", "memory", NumberText),
    new("runtimePlatform", "", Object(PLATFORM)),
    new("executionRoleArn", "execution_role", Plain),
    new("taskRoleArn", "task_role", Plain),
    new("ephemeralStorage", "", Object(&[Member::same("sizeInGiB", "ephemeral_storage", Plain, Fixed::Int(20))])),
    new("volumes", "volumes", Named("name", VOLUME, ON_TASK)),
    new("pidMode", "pid_mode", Plain),
    Member::shown("enableFaultInjection", "fault_injection", Plain, Fixed::Bool(false)),
    new("containerDefinitions", "containers", Named("name", CONTAINER, "")),
    // What only `extra` can say.
    Member::same("networkMode", "networkMode", Plain, Fixed::Text("awsvpc")),
    new("requiresCompatibilities", "requiresCompatibilities", Texts),
    new("ipcMode", "ipcMode", Plain),
    new("proxyConfiguration", "proxyConfiguration", Object(PROXY)),
    new("placementConstraints", "placementConstraints", Plain),
    new("inferenceAccelerators", "inferenceAccelerators", Plain),
];

/// What a volume is that the API says nothing of but the name. An empty map would count as no volume.
const ON_TASK: &str = "on the task's storage";

static PLATFORM: &[Member] = &[
    Member::shown("cpuArchitecture", "architecture", Word, Fixed::Text("X86_64")),
    Member::shown("operatingSystemFamily", "os", Word, Fixed::Text("LINUX")),
];

static PROXY: &[Member] = &[
    Member::same("type", "type", Plain, Fixed::Text("APPMESH")),
    new("containerName", "containerName", Plain),
    new("properties", "properties", Pairs("name", "value")),
];

static VOLUME: &[Member] = &[
    new("efsVolumeConfiguration", "efs", Object(EFS)),
    off("configuredAtLaunch", "configured_at_launch"),
    // The server may add an empty object.
    new("host", "host", Plain),
    new("dockerVolumeConfiguration", "dockerVolumeConfiguration", Plain),
    new("fsxWindowsFileServerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration", Plain),
];

const ON_OFF: crate::shape::Shape = Switch("ENABLED", "DISABLED");

static EFS: &[Member] = &[
    new("fileSystemId", "file_system", Plain),
    Member::same("rootDirectory", "root_directory", Plain, Fixed::Text("/")),
    Member::same("transitEncryption", "transit_encryption", ON_OFF, Fixed::Text("DISABLED")),
    new("transitEncryptionPort", "transit_encryption_port", Plain),
    new("authorizationConfig", "", Object(EFS_ACCESS)),
];

static EFS_ACCESS: &[Member] =
    &[new("accessPointId", "access_point", Plain), Member::same("iam", "iam", ON_OFF, Fixed::Text("DISABLED"))];

static CONTAINER: &[Member] = &[
    new("image", "image", Plain),
    new("command", "command", Plain),
    new("entryPoint", "entry_point", Plain),
    Member::same("cpu", "cpu", Plain, Fixed::Int(0)),
    new("memory", "memory", Plain),
    new("memoryReservation", "memory_reservation", Plain),
    Member::shown("essential", "essential", Plain, Fixed::Bool(true)),
    new("portMappings", "ports", Custom(read_ports, write_ports)),
    new("environment", "environment", Pairs("name", "value")),
    new("environmentFiles", "environment_files", Only("value", ("type", "s3"))),
    new("secrets", "secrets", Pairs("name", "valueFrom")),
    new("logConfiguration", "logs", Custom(read_logs, write_logs)),
    new("healthCheck", "health_check", Object(HEALTH)),
    new("dependsOn", "depends_on", PairWords("containerName", "condition")),
    new("mountPoints", "mounts", Objects(MOUNT)),
    new("volumesFrom", "volumes_from", Objects(VOLUMES_FROM)),
    new("user", "user", Plain),
    new("workingDirectory", "working_directory", Plain),
    off("readonlyRootFilesystem", "read_only_root_filesystem"),
    new("stopTimeout", "stop_timeout", Plain),
    new("startTimeout", "start_timeout", Plain),
    new("ulimits", "ulimits", Named("name", ULIMIT, "")),
    new("linuxParameters", "linux", Object(LINUX)),
    new("dockerLabels", "docker_labels", Plain),
    off("interactive", "interactive"),
    off("pseudoTerminal", "tty"),
    new("systemControls", "system_controls", Pairs("namespace", "value")),
    new("restartPolicy", "restart", Object(RESTART)),
    new("firelensConfiguration", "firelens", Object(FIRELENS)),
    Member::same("versionConsistency", "version_consistency", Plain, Fixed::Text("enabled")),
    new("repositoryCredentials", "", Object(&[new("credentialsParameter", "registry_credentials", Plain)])),
    // What Fargate has not; it may stand in a definition that was made for EC2.
    off("privileged", "privileged"),
    off("disableNetworking", "disableNetworking"),
    new("hostname", "hostname", Plain),
    new("links", "links", Plain),
    new("dnsServers", "dnsServers", Plain),
    new("dnsSearchDomains", "dnsSearchDomains", Plain),
    new("extraHosts", "extraHosts", Plain),
    new("dockerSecurityOptions", "dockerSecurityOptions", Plain),
    new("credentialSpecs", "credentialSpecs", Plain),
    new("resourceRequirements", "resourceRequirements", Plain),
];

static HEALTH: &[Member] = &[
    new("command", "command", Plain),
    Member::shown("interval", "interval", Plain, Fixed::Int(30)),
    Member::shown("timeout", "timeout", Plain, Fixed::Int(5)),
    Member::shown("retries", "retries", Plain, Fixed::Int(3)),
    Member::same("startPeriod", "start_period", Plain, Fixed::Int(0)),
];

static MOUNT: &[Member] =
    &[new("sourceVolume", "volume", Plain), new("containerPath", "path", Plain), off("readOnly", "read_only")];

static VOLUMES_FROM: &[Member] = &[new("sourceContainer", "container", Plain), off("readOnly", "read_only")];

static ULIMIT: &[Member] = &[new("softLimit", "soft", Plain), new("hardLimit", "hard", Plain)];

static LINUX: &[Member] = &[
    off("initProcessEnabled", "init"),
    new("capabilities", "capabilities", Object(&[new("add", "add", Texts), new("drop", "drop", Texts)])),
    new("devices", "devices", Plain),
    new("tmpfs", "tmpfs", Plain),
    new("sharedMemorySize", "sharedMemorySize", Plain),
    new("maxSwap", "maxSwap", Plain),
    new("swappiness", "swappiness", Plain),
];

static RESTART: &[Member] = &[
    new("enabled", "enabled", Plain),
    new("ignoredExitCodes", "ignored_exit_codes", Plain),
    Member::same("restartAttemptPeriod", "attempt_period", Plain, Fixed::Int(300)),
];

static FIRELENS: &[Member] = &[new("type", "type", Plain), new("options", "options", Plain)];

// The port of the host is that of the container, as both share one address: what the server fills in there is left out.
static PORT: &[Member] = &[
    new("containerPort", "port", Plain),
    new("containerPortRange", "range", Plain),
    Member::same("protocol", "protocol", Plain, Fixed::Text("tcp")),
    new("name", "name", Plain),
    new("appProtocol", "app_protocol", Plain),
];

fn read_ports(json: &Json, like: Like<'_>) -> Value {
    let items = json.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ports: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut item = item.clone();
            if let Some(item) = item.as_object_mut() {
                item.remove("hostPort");
                item.remove("hostPortRange");
            }
            let parts = read(&item, PORT, like);
            // As short as the file may be.
            match (parts.len(), parts.get("port"), parts.get("range")) {
                (1, Some(port), None) => port.clone(),
                (1, None, Some(range)) => range.clone(),
                _ => Value::Map(parts),
            }
        })
        .collect();
    let number = |port: &Value| port.as_int().or_else(|| port.get("port")?.as_int());
    ports.sort_by_cached_key(|port| (number(port), port.to_json().to_string()));
    Value::List(ports)
}

fn write_ports(ports: &Value) -> Json {
    let full = |port: &Value| match port {
        Value::Int(_) => Parts::from([("port".to_owned(), port.clone())]),
        Value::Text(_) => Parts::from([("range".to_owned(), port.clone())]),
        other => other.as_map().cloned().unwrap_or_default(),
    };
    let explicit = |port: &Value| {
        let mut parts = full(port);
        // What AWS fills in.
        parts.entry("protocol".to_owned()).or_insert_with(|| "tcp".into());
        write(&parts, PORT)
    };
    ports.items().iter().map(explicit).collect()
}

static LOGS: &[Member] = &[
    new("logDriver", "driver", Plain),
    new("options", "options", Plain),
    new("secretOptions", "secret_options", Pairs("name", "valueFrom")),
];

/// The options of `awslogs` that have a name of their own in the file.
const AWSLOGS: [(&str, &str); 4] = [
    ("awslogs-group", "group"),
    ("awslogs-region", "region"),
    ("awslogs-stream-prefix", "stream_prefix"),
    ("awslogs-create-group", "create_group"),
];

pub(crate) fn read_logs(json: &Json, like: Like<'_>) -> Value {
    let mut parts = read(json, LOGS, like);
    if parts.get("driver").and_then(Value::as_text) == Some("awslogs")
        && let Some(Value::Map(mut options)) = parts.remove("options")
    {
        for (api, name) in AWSLOGS {
            if let Some(option) = options.remove(api) {
                parts.insert(name.to_owned(), option);
            }
        }
        if !options.is_empty() {
            parts.insert("options".to_owned(), Value::Map(options));
        }
    }
    Value::Map(parts)
}

pub(crate) fn write_logs(logs: &Value) -> Json {
    let mut parts = logs.as_map().cloned().unwrap_or_default();
    if parts.get("driver").and_then(Value::as_text) == Some("awslogs") {
        let mut options = match parts.remove("options") {
            Some(Value::Map(options)) => options,
            _ => Parts::new(),
        };
        for (api, name) in AWSLOGS {
            if let Some(option) = parts.remove(name) {
                options.insert(api.to_owned(), option);
            }
        }
        parts.insert("options".to_owned(), Value::Map(options));
    }
    write(&parts, LOGS)
}

/// The fields of a task definition in the API's JSON. `like` are the fields that are wanted of it, if they are known.
pub(super) fn normalise(json: &Json, rows: &[&str], like: Like<'_>) -> Fields {
    let mut json = json.clone();
    let fargate = json.get("requiresCompatibilities").is_some_and(|needs| *needs == json!(["FARGATE"]));
    if let (true, Some(json)) = (fargate, json.as_object_mut()) {
        json.remove("requiresCompatibilities");
    }
    split(read(&json, TASK, like), rows)
}

/// Fields that have no row stand under `extra`.
pub(crate) fn split(parts: Parts, rows: &[&str]) -> Fields {
    let (mut fields, extra): (Fields, Parts) = parts.into_iter().partition(|(name, _)| rows.contains(&name.as_str()));
    if !extra.is_empty() {
        fields.insert("extra".to_owned(), Value::Map(extra));
    }
    fields
}

/// What is under `extra` among the others, as the tables know it.
pub(crate) fn join(fields: &Fields) -> Parts {
    let mut parts: Parts =
        fields.iter().filter(|(name, _)| *name != "extra").map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Some(Value::Map(extra)) = fields.get("extra") {
        parts.extend(extra.clone());
    }
    parts
}

/// The request that registers these fields, without family and tags.
pub(super) fn to_request(fields: &Fields) -> Json {
    let mut parts = join(fields);
    parts.remove("tags");
    let mut json = write(&parts, TASK);
    if let Some(object) = json.as_object_mut() {
        object.entry("networkMode").or_insert_with(|| "awsvpc".into());
        object.entry("requiresCompatibilities").or_insert_with(|| json!(["FARGATE"]));
    }
    json
}

fn containers(json: &Json) -> &[Json] {
    json.get("containerDefinitions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The images of the containers.
pub(super) fn images(json: &Json) -> impl Iterator<Item = &str> {
    containers(json).iter().filter_map(|container| container.get("image")?.as_str())
}

/// What the containers read their secrets from: ARNs, and names of parameters.
pub(super) fn secrets(json: &Json) -> impl Iterator<Item = &str> {
    let secrets = containers(json).iter().filter_map(|container| container.get("secrets")?.as_array()).flatten();
    secrets.filter_map(|secret| secret.get("valueFrom")?.as_str())
}

/// The log groups that the containers write to, by region and name.
pub(super) fn log_groups(json: &Json) -> Vec<(Option<String>, String)> {
    containers(json)
        .iter()
        .filter_map(|container| {
            let options: &Map<String, Json> = container.get("logConfiguration")?.get("options")?.as_object()?;
            let text = |key: &str| options.get(key).and_then(Json::as_str).map(str::to_owned);
            Some((text("awslogs-region"), text("awslogs-group")?))
        })
        .collect()
}
