//! What ECS would only tell when the task definition is registered, or when a task starts: the task as a whole.

use std::collections::BTreeMap;

use super::check_container::check_container;
use super::size::{CPUS, memory_sizes, nearest_pairs};
use super::{Architecture, Condition, Container, Image, LogDriver, Os, TaskDefinition};
use crate::check::{Check, shorten};
use crate::kinds::api_members::{self, check_extra};
use crate::reference::Ref;

/// How many containers a task has at most (ECS service quotas).
const MOST_CONTAINERS: usize = 10;

pub(super) fn check(task: &TaskDefinition, cx: &mut Check<'_>) {
    size(task, cx);
    platform(task, cx);
    roles(task, cx);
    volumes(task, cx);
    extra(task, cx);
    if task.containers.is_empty() {
        cx.error(&[], "missing-key", "`containers` is required")
            .help("for example `containers: { app: { image: nginx:alpine, ports: [80] } }`");
        return;
    }
    if task.containers.len() > MOST_CONTAINERS {
        let count = task.containers.len();
        cx.error(
            &["containers"],
            "too-many",
            format!("a task has at most {MOST_CONTAINERS} containers; there are {count}"),
        )
        .help("put some of them into a task definition of their own");
    }
    if task.containers.values().all(|container| container.essential == Some(false)) {
        cx.error(&["containers"], "no-essential", "no container is essential, so that the task would never end")
            .help("remove `essential: false` from the container that does the work");
    }
    for (name, container) in &task.containers {
        check_container(task, name, container, cx);
    }
    shares(task, cx);
    ports(task, cx);
    order(task, cx);
}

fn size(task: &TaskDefinition, cx: &mut Check<'_>) {
    for (key, missing, example) in
        [("cpu", task.cpu.is_none(), "cpu: 256"), ("memory", task.memory.is_none(), "memory: 512")]
    {
        if missing {
            cx.error(&[], "missing-key", format!("`{key}` is required"))
                .help(format!("the smallest size is `{example}`"));
        }
    }
    // In the place of what could not be read of an app stands a default, of which the author knows nothing.
    if cx.unreadable_within(&["cpu"]) || cx.unreadable_within(&["memory"]) {
        return;
    }
    let (Some(cpu), Some(memory)) = (task.cpu, task.memory) else { return };
    let sizes = memory_sizes(cpu);
    if sizes.contains(&memory.0) {
        return;
    }
    let near = nearest_pairs(cpu, memory).join(" or ");
    if sizes.is_empty() {
        let known = CPUS.map(|cpu| cpu.to_string()).join(", ");
        cx.error(&["cpu"], "fargate-size", format!("Fargate has no size with {cpu} CPU units"))
            .help(format!("it has {known}; near is {near}"));
    } else {
        cx.error(&["memory"], "fargate-size", format!("Fargate has no size with {cpu} CPU units and {memory} MiB"))
            .help(format!("the nearest: {near}"));
    }
}

fn platform(task: &TaskDefinition, cx: &mut Check<'_>) {
    let os = task.system();
    if os != Os::Linux {
        if task.architecture == Some(Architecture::Arm64) {
            cx.error(&["architecture"], "platform", "Windows on Fargate only runs on x86_64")
                .help("write `architecture: x86_64`, or `os: linux`");
        }
        if let Some(cpu) = task.cpu.filter(|cpu| cpu.0 < 1024) {
            cx.error(
                &["cpu"],
                "platform",
                format!("Windows on Fargate needs at least one vCPU; these are {cpu} CPU units"),
            )
            .help("write `cpu: 1024` with `memory: 2048` or more");
        }
        if task.pid_mode.is_some() {
            cx.error(&["pid_mode"], "platform", "Windows has no `pid_mode`").help("remove the line");
        }
    }
    if let Some(size) = task.ephemeral_storage.filter(|size| !(21..=200).contains(size)) {
        let help = if size <= 20 {
            "20 GiB are there without this line; remove it"
        } else {
            "for more, mount an EFS file system"
        };
        cx.error(&["ephemeral_storage"], "out-of-range", format!("`ephemeral_storage` is 21 to 200 GiB, not {size}"))
            .help(help);
    }
    if task.keep_revisions == Some(0) {
        cx.error(&["keep_revisions"], "keep-none", "the newest revision is always kept").help("write 1 or more");
    }
}

fn roles(task: &TaskDefinition, cx: &mut Check<'_>) {
    let stack = cx.stack;
    for (key, role) in [("execution_role", &task.execution_role), ("task_role", &task.task_role)] {
        if let Some(Ref::Own(role)) = role {
            cx.reference(&[key], role, "roles", stack.roles.keys());
        }
    }
    if task.execution_role.is_some() {
        return;
    }
    if let Some((name, why)) =
        task.containers.iter().find_map(|(name, container)| Some((name, needs_execution_role(container)?)))
    {
        cx.error(&["containers", name], "no-execution-role", format!("{why} needs an `execution_role`")).help(
            "add a role with `trust: { service: ecs-tasks.amazonaws.com }` and \
             `managed_policies: [service-role/AmazonECSTaskExecutionRolePolicy]`, and name it in `execution_role:`",
        );
    }
}

/// Why ECS itself needs permissions for this container.
fn needs_execution_role(container: &Container) -> Option<&'static str> {
    let from_ecr = match &container.image {
        Some(Image::Plain(image)) => image.contains(".dkr.ecr."),
        Some(Image::Full(image)) => image.repository.is_some(),
        None => false,
    };
    let logs = container.logs.as_ref().map(super::Logs::full);
    if from_ecr {
        Some("pulling an image from ECR")
    } else if logs.as_ref().is_some_and(|logs| logs.driver.unwrap_or(LogDriver::Awslogs) == LogDriver::Awslogs) {
        Some("writing to CloudWatch Logs")
    } else if !container.secrets.is_empty() || logs.is_some_and(|logs| !logs.secret_options.is_empty()) {
        Some("reading `secrets`")
    } else if !container.environment_files.is_empty() {
        Some("reading `environment_files`")
    } else if container.registry_credentials.is_some() {
        Some("reading `registry_credentials`")
    } else {
        None
    }
}

fn volumes(task: &TaskDefinition, cx: &mut Check<'_>) {
    for (name, volume) in &task.volumes {
        let place = ["volumes", name.as_str()];
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > 255 || !name.chars().all(fits) {
            cx.error(&place, "volume-name", format!("`{}` cannot be the name of a volume", shorten(name)))
                .help("allowed are 1 to 255 letters, digits, `_` and `-`");
        }
        if !task.containers.values().any(|container| container.mounts.iter().any(|mount| mount.volume == *name)) {
            cx.warn(&place, "unused-volume", format!("no container mounts the volume `{}`", shorten(name)))
                .help("mount it with `mounts: [{ volume: …, path: /data }]`, or remove it");
        }
        let volume = volume.full();
        let Some(efs) = &volume.efs else { continue };
        let efs_place = |key| ["volumes", name.as_str(), "efs", key];
        if volume.configured_at_launch {
            cx.error(&place, "either-or", "`efs` and `configured_at_launch` exclude each other")
                .help("remove one of the two");
        }
        if task.system() != Os::Linux {
            cx.error(&["volumes", name, "efs"], "platform", "Windows tasks cannot mount EFS file systems")
                .help("write `os: linux`");
        }
        if !efs.file_system.starts_with("fs-") {
            cx.error(
                &efs_place("file_system"),
                "file-system-id",
                format!("`{}` is no EFS file system", shorten(&efs.file_system)),
            )
            .help("its id looks like `fs-0123456789abcdef0`");
        }
        if efs.access_point.as_ref().is_some_and(|point| !point.starts_with("fsap-")) {
            cx.error(&efs_place("access_point"), "access-point-id", "this is no EFS access point")
                .help("its id looks like `fsap-0123456789abcdef0`");
        }
        if efs.access_point.is_some() && efs.root_directory.as_ref().is_some_and(|root| root != "/") {
            cx.error(&efs_place("root_directory"), "either-or", "an access point has its own root directory")
                .help("remove `root_directory`");
        }
        if (efs.access_point.is_some() || efs.iam == Some(true)) && efs.transit_encryption != Some(true) {
            cx.error(
                &["volumes", name, "efs"],
                "transit-encryption",
                "`access_point` and `iam` need encryption in transit",
            )
            .help("add `transit_encryption: true`");
        }
        if efs.iam == Some(true) && task.task_role.is_none() {
            cx.error(&efs_place("iam"), "no-task-role", "`iam: true` needs a `task_role`, which decides on access")
                .help("add `task_role:`");
        }
        if efs.transit_encryption_port.is_some_and(|port| !(1..=65_535).contains(&port)) {
            cx.error(&efs_place("transit_encryption_port"), "out-of-range", "a port is 1 to 65535")
                .help("remove the line to let EFS choose");
        }
    }
}

fn extra(task: &TaskDefinition, cx: &mut Check<'_>) {
    let ours = [
        ("family", "name"),
        ("containerDefinitions", "containers"),
        ("tags", "tags"),
        ("cpu", "cpu"),
        ("memory", "memory"),
    ];
    for (api, key) in ours {
        if task.extra.contains_key(api) {
            cx.error(&["extra", api], "extra-known", format!("`{api}` is written as `{key}`"))
                .help(format!("move it to `{key}:`"));
        }
    }
    check_extra(cx, &["extra"], &task.extra, &api_members::TASK_DEFINITION);
    if task.extra.get("networkMode").is_some_and(|mode| mode != "awsvpc") {
        cx.error(&["extra", "networkMode"], "not-on-fargate", "Fargate only has the network mode `awsvpc`")
            .help("remove the line");
    }
    for key in ["placementConstraints", "inferenceAccelerators", "ipcMode"] {
        if task.extra.contains_key(key) {
            cx.error(&["extra", key], "not-on-fargate", format!("Fargate has no `{key}`")).help("remove the line");
        }
    }
}

/// What the containers reserve must fit into the task.
fn shares(task: &TaskDefinition, cx: &mut Check<'_>) {
    let sum = |share: &dyn Fn(&Container) -> Option<u32>| -> u64 {
        task.containers.values().filter_map(share).map(u64::from).sum()
    };
    let cpu = sum(&|container| container.cpu);
    if let Some(whole) = task.cpu.filter(|whole| cpu > u64::from(whole.0)) {
        cx.error(&["cpu"], "shares", format!("the containers reserve {cpu} CPU units, the task has {whole}"))
            .help("raise `cpu` of the task, or lower that of its containers");
    }
    let memory = sum(&|container| container.memory_reservation.or(container.memory));
    if let Some(whole) = task.memory.filter(|whole| memory > u64::from(whole.0)) {
        cx.error(&["memory"], "shares", format!("the containers reserve {memory} MiB, the task has {whole}"))
            .help("raise `memory` of the task, or lower that of its containers");
    }
}

/// All containers of a task share one network interface, and so its ports.
fn ports(task: &TaskDefinition, cx: &mut Check<'_>) {
    let mut taken: Vec<(u32, u32, super::PortProtocol, &str)> = Vec::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (name, container) in &task.containers {
        for (at, port) in container.ports.iter().enumerate() {
            let mapping = port.full();
            let at = at.to_string();
            let place = ["containers", name.as_str(), "ports", at.as_str()];
            if let Some(named) = &mapping.name
                && let Some(other) = names.insert(named.clone(), name)
            {
                cx.error(&place, "port-name", format!("a port of `{other}` has the name `{}` as well", shorten(named)))
                    .help("the names of ports are unique within a task");
            }
            let Some((first, last)) = mapping.bounds() else { continue };
            let protocol = mapping.protocol.unwrap_or(super::PortProtocol::Tcp);
            let clash = taken.iter().find(|(from, to, other, _)| *other == protocol && first <= *to && *from <= last);
            if let Some((_, _, _, other)) = clash {
                cx.error(
                    &place,
                    "port-clash",
                    format!("{} port {first} is taken by `{other}`", protocol.text().to_uppercase()),
                )
                .help("all containers of a task share one address; let one of them listen on another port");
            }
            taken.push((first, last, protocol, name));
        }
    }
}

/// Containers that wait for each other.
fn order(task: &TaskDefinition, cx: &mut Check<'_>) {
    let mut waits: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, container) in &task.containers {
        for (other, condition, at) in container.depends_on.each() {
            let place = ["containers", name.as_str(), "depends_on", at.as_str()];
            let Some(first) = task.containers.get(other) else {
                let mut report =
                    cx.error(&place, "unknown-container", format!("there is no container `{}`", shorten(other)));
                match crate::diag::nearest(other, task.containers.keys().map(String::as_str)) {
                    Some(near) => report.help(format!("did you mean `{near}`?")),
                    None => report.help("name a container of this task definition"),
                };
                continue;
            };
            waits.entry(name).or_default().push(other);
            if condition == Condition::Healthy && first.health_check.is_none() {
                cx.error(
                    &place,
                    "no-health-check",
                    format!("`{other}` has no `health_check`, so that it never becomes healthy"),
                )
                .help(format!("give `{other}` a `health_check`, or wait for `start`"));
            }
            let ends = matches!(condition, Condition::Complete | Condition::Success);
            if ends && first.essential != Some(false) {
                let word = condition.text();
                cx.error(
                    &place,
                    "essential-ends",
                    format!("`{other}` is essential: when it ends, so does the task, and `{word}` comes too late"),
                )
                .help(format!("give `{other}` the line `essential: false`"));
            }
        }
    }
    for name in task.containers.keys() {
        if let Some(circle) = circle(&waits, name) {
            cx.error(
                &["containers", name, "depends_on"],
                "circle",
                format!("containers wait for each other: {}", circle.join(" → ")),
            )
            .help("remove one of these `depends_on`");
            return;
        }
    }
}

/// The way from a container back to itself.
fn circle<'a>(waits: &BTreeMap<&'a str, Vec<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = vec![vec![start]];
    let mut seen = Vec::new();
    while let Some(way) = ways.pop() {
        for next in waits.get(way.last()?).into_iter().flatten() {
            let longer = [way.as_slice(), &[*next]].concat();
            if *next == start {
                return Some(longer);
            }
            if !seen.contains(next) {
                seen.push(*next);
                ways.push(longer);
            }
        }
    }
    None
}
