//! A task definition of the file in the API's own JSON.

use hatoba_model::kinds::repository_place::RepositoryPlace;
use hatoba_model::kinds::task_definition::{
    Container, Efs, HealthCheck, Image, ImageOf, LogDriver, LogsTo, Port, TaskDefinition, Volume,
};
use hatoba_model::kinds::text_or_list::TextOrList;
use hatoba_model::reference::Ref;
use hatoba_model::yaml::Scalar;
use serde_json::{Map, Value as Json, json};

use crate::desire::Desire;
use crate::shape::merge;

/// An object in the making; what is not there is left out.
#[derive(Debug, Default)]
pub(crate) struct Object(Map<String, Json>);

impl Object {
    /// Sets a member, if there is a value.
    pub(crate) fn set(&mut self, key: &str, value: Option<impl Into<Json>>) -> &mut Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    /// Sets a list, if it is not empty.
    pub(crate) fn list(&mut self, key: &str, items: impl IntoIterator<Item = impl Into<Json>>) -> &mut Self {
        let items: Vec<Json> = items.into_iter().map(Into::into).collect();
        self.set(key, (!items.is_empty()).then_some(items))
    }

    pub(crate) fn done(&mut self) -> Json {
        Json::Object(std::mem::take(&mut self.0))
    }
}

/// The task definition as `RegisterTaskDefinition` takes it, without family and tags.
pub(super) fn to_api(cx: &Desire<'_>, spec: &TaskDefinition) -> Json {
    let mut task = Object::default();
    task.set("cpu", spec.cpu.map(|cpu| cpu.to_string()))
        .set("memory", spec.memory.map(|memory| memory.to_string()))
        .set("networkMode", Some("awsvpc"))
        .set("requiresCompatibilities", Some(json!(["FARGATE"])))
        .set("executionRoleArn", spec.execution_role.as_ref().and_then(|role| role_arn(cx, role)))
        .set("taskRoleArn", spec.task_role.as_ref().and_then(|role| role_arn(cx, role)))
        .set("ephemeralStorage", spec.ephemeral_storage.map(|size| json!({ "sizeInGiB": size })))
        .set("pidMode", spec.pid_mode.map(|mode| mode.api()))
        .set("enableFaultInjection", spec.fault_injection);
    let mut platform = Object::default();
    platform
        .set("cpuArchitecture", spec.architecture.map(|architecture| architecture.api()))
        .set("operatingSystemFamily", spec.os.map(|os| os.api()));
    task.set("runtimePlatform", Some(platform.done()));
    task.list("volumes", spec.volumes.iter().map(|(name, spec)| volume(name, spec)));
    task.list("containerDefinitions", spec.containers.iter().map(|(name, spec)| container(cx, name, spec)));
    let mut json = task.done();
    merge(&mut json, &json!(spec.extra));
    json
}

/// The ARN of a role.
pub(crate) fn role_arn(cx: &Desire<'_>, role: &Ref) -> Option<String> {
    match role {
        Ref::Own(key) => cx.computed("roles", key, "arn"),
        Ref::Existing(arn) if arn.starts_with("arn:") => Some(arn.clone()),
        Ref::Existing(name) => Some(cx.facts.iam_arn(format_args!("role/{name}"))),
    }
}

/// The name of a log group.
pub(crate) fn log_group(cx: &Desire<'_>, group: &Ref) -> String {
    match group {
        Ref::Own(_) => cx.name_of("log_groups", group),
        Ref::Existing(text) => match text.split_once(":log-group:") {
            Some((_, name)) => name.trim_end_matches(":*").to_owned(),
            None => text.clone(),
        },
    }
}

/// Where ECS reads a secret: `ssm:/path` and `secretsmanager:name` become ARNs.
pub(super) fn value_from(cx: &Desire<'_>, from: &str) -> String {
    if let Some(name) = from.strip_prefix("ssm:") {
        return cx.facts.arn("ssm", format_args!("parameter/{}", name.trim_start_matches('/')));
    }
    match from.strip_prefix("secretsmanager:") {
        Some(name) => cx.facts.arn("secretsmanager", format_args!("secret:{name}")),
        None => from.to_owned(),
    }
}

fn volume(name: &str, spec: &Volume) -> Json {
    let spec = spec.full();
    let mut volume = Object::default();
    volume.set("name", Some(name)).set("efsVolumeConfiguration", spec.efs.as_ref().map(efs));
    volume.set("configuredAtLaunch", spec.configured_at_launch.then_some(true));
    volume.done()
}

fn efs(spec: &Efs) -> Json {
    let on_off = |on: bool| if on { "ENABLED" } else { "DISABLED" };
    let mut access = Object::default();
    access.set("accessPointId", spec.access_point.as_deref()).set("iam", spec.iam.map(on_off));
    let access = access.done();
    let mut efs = Object::default();
    efs.set("fileSystemId", Some(spec.file_system.as_str()))
        .set("rootDirectory", spec.root_directory.as_deref())
        .set("transitEncryption", spec.transit_encryption.map(on_off))
        .set("transitEncryptionPort", spec.transit_encryption_port)
        .set("authorizationConfig", access.as_object().is_some_and(|access| !access.is_empty()).then_some(access));
    efs.done()
}

/// The image that a new task definition starts with.
pub(super) fn image(cx: &Desire<'_>, image: &Image) -> String {
    match image {
        Image::Plain(text) => text.clone(),
        Image::Full(ImageOf { live: true, bootstrap: Some(bootstrap), .. }) => bootstrap.clone(),
        Image::Full(image) => {
            let uri =
                image.repository.as_ref().and_then(|repository| repository_uri(cx, repository)).unwrap_or_default();
            match &image.digest {
                Some(digest) => format!("{uri}@{digest}"),
                None => format!("{uri}:{}", image.tag.as_ref().map_or("latest", Scalar::as_str)),
            }
        }
    }
}

/// Where images of a repository are pulled from. Nothing for one that the stack does not have.
pub fn repository_uri(cx: &Desire<'_>, repository: &Ref) -> Option<String> {
    match repository {
        Ref::Own(key) => cx.computed("repositories", key, "uri"),
        Ref::Existing(_) => Some(RepositoryPlace::of(cx.stack, cx.facts, repository).uri()),
    }
}

fn pairs<'a>(key: &str, value: &str, items: impl IntoIterator<Item = (&'a String, String)>) -> Vec<Json> {
    items.into_iter().map(|(name, text)| json!({ key: name, value: text })).collect()
}

fn texts(scalars: &[Scalar]) -> impl Iterator<Item = &str> {
    scalars.iter().map(Scalar::as_str)
}

fn container(cx: &Desire<'_>, name: &str, spec: &Container) -> Json {
    let mut container = Object::default();
    container
        .set("name", Some(name))
        .set("image", spec.image.as_ref().map(|image| self::image(cx, image)))
        .list("command", texts(&spec.command))
        .list("entryPoint", texts(&spec.entry_point))
        .set("cpu", spec.cpu)
        .set("memory", spec.memory)
        .set("memoryReservation", spec.memory_reservation)
        .set("essential", spec.essential)
        .list("portMappings", spec.ports.iter().map(port))
        .list("environment", pairs("name", "value", spec.environment.iter().map(|(k, v)| (k, v.to_string()))))
        .list("environmentFiles", spec.environment_files.iter().map(|arn| json!({ "value": arn, "type": "s3" })))
        .list("secrets", pairs("name", "valueFrom", spec.secrets.iter().map(|(k, v)| (k, value_from(cx, v)))))
        .set("logConfiguration", spec.logs.as_ref().map(|spec| logs(cx, &spec.full())))
        .set("healthCheck", spec.health_check.as_ref().map(health_check))
        .list("dependsOn", spec.depends_on.each().into_iter().map(|(name, condition, _)| {
            json!({ "containerName": name, "condition": condition.api() })
        }))
        .list("mountPoints", spec.mounts.iter().map(|mount| {
            json!({ "sourceVolume": mount.volume, "containerPath": mount.path, "readOnly": mount.read_only })
        }))
        .list("volumesFrom", spec.volumes_from.iter().map(|from| {
            let from = from.full();
            json!({ "sourceContainer": from.container, "readOnly": from.read_only })
        }))
        .set("user", spec.user.as_ref().map(Scalar::as_str))
        .set("workingDirectory", spec.working_directory.as_deref())
        .set("readonlyRootFilesystem", spec.read_only_root_filesystem)
        .set("stopTimeout", spec.stop_timeout)
        .set("startTimeout", spec.start_timeout)
        .list("ulimits", spec.ulimits.iter().map(|(name, limit)| {
            json!({ "name": name, "softLimit": limit.soft, "hardLimit": limit.hard })
        }))
        .set("linuxParameters", spec.linux.as_ref().map(|linux| {
            let mut parameters = Object::default();
            parameters.set("initProcessEnabled", linux.init).set(
                "capabilities",
                linux.capabilities.as_ref().map(|capabilities| json!({ "add": capabilities.add, "drop": capabilities.drop })),
            );
            parameters.done()
        }))
        .set("dockerLabels", (!spec.docker_labels.is_empty()).then(|| json!(spec.docker_labels)))
        .set("interactive", spec.interactive)
        .set("pseudoTerminal", spec.tty)
        .list("systemControls", pairs("namespace", "value", spec.system_controls.iter().map(|(k, v)| (k, v.to_string()))))
        .set("restartPolicy", spec.restart.as_ref().map(|restart| {
            let restart = restart.full();
            let mut policy = Object::default();
            policy
                .set("enabled", Some(restart.enabled.unwrap_or(true)))
                .list("ignoredExitCodes", restart.ignored_exit_codes)
                .set("restartAttemptPeriod", restart.attempt_period);
            policy.done()
        }))
        .set("firelensConfiguration", spec.firelens.as_ref().map(|firelens| {
            json!({ "type": firelens.router.api(), "options": firelens.options })
        }))
        .set("versionConsistency", spec.version_consistency.map(|consistency| consistency.api()))
        .set("repositoryCredentials", spec.registry_credentials.as_ref().map(|arn| json!({ "credentialsParameter": arn })));
    let mut json = container.done();
    merge(&mut json, &json!(spec.extra));
    json
}

fn port(port: &Port) -> Json {
    let mapping = port.full();
    let mut json = Object::default();
    json.set("containerPort", mapping.port)
        .set("containerPortRange", mapping.range)
        .set("protocol", mapping.protocol.map(|protocol| protocol.api()))
        .set("name", mapping.name)
        .set("appProtocol", mapping.app_protocol.map(|protocol| protocol.api()));
    json.done()
}

/// A log configuration, as containers and Service Connect have it.
pub(crate) fn logs(cx: &Desire<'_>, spec: &LogsTo) -> Json {
    let driver = spec.driver.unwrap_or(LogDriver::Awslogs);
    let mut options = Object::default();
    if driver == LogDriver::Awslogs {
        options
            .set("awslogs-group", spec.group.as_ref().map(|group| log_group(cx, group)))
            .set("awslogs-region", Some(spec.region.clone().unwrap_or_else(|| cx.facts.region.to_string())))
            // Fargate refuses `awslogs` without a prefix.
            .set("awslogs-stream-prefix", Some(spec.stream_prefix.as_deref().unwrap_or("ecs")))
            .set("awslogs-create-group", spec.create_group.filter(|create| *create).map(|_| "true"));
    }
    for (name, value) in &spec.options {
        options.set(name, Some(value.as_str()));
    }
    let mut logs = Object::default();
    logs.set("logDriver", Some(driver.api())).set("options", Some(options.done())).list(
        "secretOptions",
        pairs("name", "valueFrom", spec.secret_options.iter().map(|(k, v)| (k, value_from(cx, v)))),
    );
    logs.done()
}

fn health_check(spec: &HealthCheck) -> Json {
    let command = match &spec.command {
        TextOrList::Text(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        TextOrList::List(items) => items.clone(),
    };
    let mut check = Object::default();
    check
        .list("command", command)
        .set("interval", spec.interval)
        .set("timeout", spec.timeout)
        .set("retries", spec.retries)
        .set("startPeriod", spec.start_period);
    check.done()
}
