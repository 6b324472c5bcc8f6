//! What ECS would only tell when the service is created, or when a task starts.

use super::{LoadBalancer, Network, Service};
use crate::check::{Check, shorten};
use crate::diag::nearest;
use crate::kinds::api_members::{self, check_extra};
use crate::kinds::cluster::{FARGATE_PROVIDERS, check_strategy, is_slip};
use crate::kinds::task_definition::{Os, TaskDefinition};
use crate::reference::Ref;
use crate::secret;

pub(super) fn check(service: &Service, cx: &mut Check<'_>) {
    let stack = cx.stack;
    let task = match &service.task_definition {
        None => {
            cx.error(&[], "missing-key", "`task_definition` is required").help("name a key under `task_definitions`");
            None
        }
        Some(Ref::Own(key)) => {
            cx.reference(&["task_definition"], key, "task_definitions", stack.task_definitions.keys());
            stack.task_definitions.get(key).filter(|task| !task.existing)
        }
        Some(Ref::Existing(_)) => None,
    };
    match &service.network {
        None => {
            cx.error(&[], "missing-key", "`network` is required")
                .help("`network: { subnets: default, public_ip: true, security_groups: [KEY] }`");
        }
        Some(network) => check_network(network, cx),
    }
    capacity(service, task, cx);
    percent(service, cx);
    if service.desired_count.is_some_and(|count| count > 5000) {
        cx.error(&["desired_count"], "out-of-range", "a service runs at most 5000 tasks")
            .help("write a smaller number");
    }
    for (index, balancer) in service.load_balancers.iter().enumerate() {
        load_balancer(balancer, &index.to_string(), task, cx);
    }
    if let Some(seconds) = service.health_check_grace_period.filter(|seconds| *seconds > 2_147_483_647) {
        cx.error(&["health_check_grace_period"], "out-of-range", format!("{seconds} seconds are too many"))
            .help("write a smaller number");
    }
    for (index, registry) in service.registries.iter().enumerate() {
        let index = index.to_string();
        cx.arn(&["registries", &index, "arn"], &registry.arn, "servicediscovery");
        if let (Some(container), Some(task)) = (&registry.container, task) {
            known_container(container, &["registries", &index, "container"], task, cx);
        }
    }
    service_connect(service, task, cx);
    volumes(service, task, cx);
    alarms(service, cx);
    if let Some(logs) = service.service_connect.as_ref().and_then(|connect| connect.logs.as_ref()) {
        let place = ["service_connect", "logs", "options"];
        logs.options.iter().for_each(|(option, value)| secret::check_option(cx, &place, option, value.as_str()));
    }
    for (api, key) in [
        ("serviceName", "name"),
        ("cluster", "cluster"),
        ("taskDefinition", "task_definition"),
        ("desiredCount", "desired_count"),
        ("networkConfiguration", "network"),
        ("tags", "tags"),
    ] {
        if service.extra.contains_key(api) {
            cx.error(&["extra", api], "extra-known", format!("`{api}` is written as `{key}`"))
                .help(format!("move it to `{key}:`"));
        }
    }
    check_extra(cx, &["extra"], &service.extra, &api_members::SERVICE);
    if service.extra.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON") {
        cx.error(&["extra", "schedulingStrategy"], "not-on-fargate", "Fargate has no daemon services")
            .help("remove the line");
    }
    if service.extra.contains_key("placementConstraints") || service.extra.contains_key("placementStrategy") {
        cx.error(&["extra"], "not-on-fargate", "Fargate takes no placement constraints and strategies")
            .help("remove them");
    }
}

fn check_network(network: &Network, cx: &mut Check<'_>) {
    let stack = cx.stack;
    if network.subnets.ids().is_none()
        && network.public_ip != Some(true)
        && !cx.unreadable_within(&["network", "public_ip"])
    {
        cx.warn(
            &["network"],
            "no-public-ip",
            "the subnets of the default VPC are public: without a public address tasks cannot pull their image from there",
        )
        .help("add `public_ip: true`, or name private subnets with a NAT gateway or VPC endpoints under `subnets:`");
    }
    if let Some(ids) = network.subnets.ids() {
        if ids.is_empty() || ids.len() > 16 {
            cx.error(
                &["network", "subnets"],
                "out-of-range",
                format!("a service has 1 to 16 subnets, not {}", ids.len()),
            )
            .help("`subnets: default` means those of the default VPC");
        }
        for (index, id) in ids.iter().enumerate() {
            if !shaped(id, "subnet-") {
                cx.error(
                    &["network", "subnets", &index.to_string()],
                    "subnet-id",
                    format!("`{}` is no subnet", shorten(id)),
                )
                .help("its id looks like `subnet-0123456789abcdef0`");
            }
        }
    }
    if network.security_groups.len() > 5 {
        let count = network.security_groups.len();
        cx.error(
            &["network", "security_groups"],
            "out-of-range",
            format!("a service has at most 5 security groups, not {count}"),
        )
        .help("merge the rules of some of them");
    }
    for (index, group) in network.security_groups.iter().enumerate() {
        let index = index.to_string();
        let place = ["network", "security_groups", index.as_str()];
        match group {
            // An id needs no `existing`: no security group can be called so.
            Ref::Own(id) if shaped(id, "sg-") => {}
            Ref::Own(key) => {
                cx.reference(&place, key, "security_groups", stack.security_groups.keys());
            }
            Ref::Existing(id) if shaped(id, "sg-") => {}
            Ref::Existing(id) => {
                cx.error(&place, "security-group-id", format!("`{}` is no id of a security group", shorten(id)))
                    .help("its id looks like `sg-0123456789abcdef0`; one of this file is named by its key alone");
            }
        }
        if network.security_groups.iter().take(index.parse().unwrap_or_default()).any(|other| other == group) {
            cx.error(&place, "security-group-twice", format!("`{}` is there twice", shorten(group.text())))
                .help("remove one of the two");
        }
    }
}

/// Whether a text looks like an id of EC2.
fn shaped(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| rest.len() >= 8 && rest.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn capacity(service: &Service, task: Option<&TaskDefinition>, cx: &mut Check<'_>) {
    if service.launch_type.is_some() && !service.capacity.is_empty() {
        cx.error(&["launch_type"], "either-or", "`launch_type` and `capacity` exclude each other")
            .help("remove `launch_type`; `capacity: [{ provider: FARGATE, weight: 1 }]` means the same");
    }
    check_strategy(cx, &["capacity"], &service.capacity, true);
    let stack = cx.stack;
    let cluster = service.cluster.as_ref().and_then(Ref::own).and_then(|key| Some((key, stack.clusters.get(key)?)));
    let known = |provider: &str| FARGATE_PROVIDERS.contains(&provider);
    for (index, share) in service.capacity.iter().enumerate() {
        if share.provider == "FARGATE_SPOT" && task.is_some_and(|task| task.system() != Os::Linux) {
            let index = index.to_string();
            cx.error(&["capacity", &index, "provider"], "platform", "FARGATE_SPOT does not run Windows")
                .help("use `FARGATE`");
        }
    }
    if let Some((key, cluster)) = cluster
        && !cluster.existing
        && !cx.unreadable(&["clusters", key, "capacity_providers"])
        // A slip there is reported there.
        && cluster.capacity_providers.iter().all(|provider| known(provider) || !is_slip(provider))
    {
        let lacking = |provider: &str| known(provider) && !cluster.capacity_providers.iter().any(|has| has == provider);
        let at: Vec<usize> =
            (0..service.capacity.len()).filter(|at| lacking(&service.capacity[*at].provider)).collect();
        let mut names: Vec<&str> = at.iter().map(|at| service.capacity[*at].provider.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if let Some(first) = at.first() {
            let shown = names.join("` and `");
            let (noun, index) = (if names.len() == 1 { "provider" } else { "providers" }, first.to_string());
            cx.error(
                &["capacity", &index, "provider"],
                "provider-not-in-cluster",
                format!("the cluster `{key}` does not have the capacity {noun} `{shown}`"),
            )
            .help(format!("add `{shown}` to `clusters.{key}.capacity_providers`"));
        }
    }
    if let Some(version) = &service.platform_version {
        let fits = version == "LATEST"
            || (version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok()));
        if !fits {
            cx.error(
                &["platform_version"],
                "platform-version",
                format!("`{}` is no platform version", shorten(version)),
            )
            .help("`LATEST`, or such as `1.4.0`");
        }
    }
}

/// With too little room between the two a deployment can neither stop nor start a task.
fn percent(service: &Service, cx: &mut Check<'_>) {
    let least = service.minimum_percent.unwrap_or(100);
    let most = service.maximum_percent.unwrap_or(200);
    if least > 100 {
        cx.error(&["minimum_percent"], "out-of-range", format!("`minimum_percent` is 0 to 100, not {least}"))
            .help("100 keeps all copies running during a deployment");
    }
    if !(100..=200).contains(&most) {
        let message = format!("`maximum_percent` is 100 to 200, not {most}");
        let help = "200 lets all new copies start before the old ones stop";
        if most < 100 {
            cx.error(&["maximum_percent"], "out-of-range", message).help(help);
        } else {
            cx.warn(&["maximum_percent"], "out-of-range", message).help(help);
        }
    }
    let count = service.desired_count.unwrap_or(1);
    // ECS rounds the lower limit up and the upper one down.
    let lower = (u64::from(count) * u64::from(least)).div_ceil(100);
    let upper = u64::from(count) * u64::from(most) / 100;
    if count > 0 && least <= 100 && lower >= upper {
        let place = if service.maximum_percent.is_some() { "maximum_percent" } else { "minimum_percent" };
        let message = format!(
            "with {} at least {lower} and at most {upper} may run: a deployment could neither stop nor start one",
            if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
        );
        // Without `desired_count` the number is somebody else's, who may choose one that fits.
        let mut report = match service.desired_count {
            Some(_) => cx.error(&[place], "no-room", message),
            None => cx.warn(&[place], "no-room", message),
        };
        report.help("write `maximum_percent: 200`, or lower `minimum_percent`");
    }
    if most <= 100 && service.az_rebalancing == Some(true) {
        cx.error(&["az_rebalancing"], "no-room", "`az_rebalancing` needs a `maximum_percent` above 100")
            .help("write `maximum_percent: 200`");
    }
}

fn known_container(container: &str, place: &[&str], task: &TaskDefinition, cx: &mut Check<'_>) -> bool {
    if task.containers.contains_key(container) {
        return true;
    }
    let names: Vec<&str> = task.containers.keys().map(String::as_str).collect();
    let mut report =
        cx.error(place, "unknown-container", format!("the task definition has no container `{}`", shorten(container)));
    match nearest(container, names.iter().copied()) {
        Some(near) => report.help(format!("did you mean `{near}`?")),
        None => report.help(format!("there are: {}", names.join(", "))),
    };
    false
}

fn load_balancer(balancer: &LoadBalancer, index: &str, task: Option<&TaskDefinition>, cx: &mut Check<'_>) {
    cx.arn(&["load_balancers", index, "target_group"], &balancer.target_group, "elasticloadbalancing");
    let Some(task) = task else { return };
    if !known_container(&balancer.container, &["load_balancers", index, "container"], task, cx) {
        return;
    }
    let Some(container) = task.containers.get(&balancer.container) else { return };
    let bounds: Vec<(u32, u32)> = container.ports.iter().filter_map(|port| port.full().bounds()).collect();
    if !bounds.iter().any(|(first, last)| (*first..=*last).contains(&balancer.port)) {
        let mut report = cx.error(
            &["load_balancers", index, "port"],
            "unknown-port",
            format!("the container `{}` has no port {}", shorten(&balancer.container), balancer.port),
        );
        if bounds.is_empty() {
            report.help(format!("add `ports: [{}]` to the container", balancer.port));
        } else {
            let ports: Vec<String> = bounds.iter().map(|(first, _)| first.to_string()).collect();
            report.help(format!("its ports: {}", ports.join(", ")));
        }
    }
}

fn service_connect(service: &Service, task: Option<&TaskDefinition>, cx: &mut Check<'_>) {
    let (Some(connect), Some(task)) = (&service.service_connect, task) else { return };
    let names: Vec<String> = task
        .containers
        .values()
        .flat_map(|container| container.ports.iter().filter_map(|port| port.full().name))
        .collect();
    for (index, port) in connect.services.iter().enumerate() {
        if !names.contains(&port.port_name) {
            let place = ["service_connect", "services", &index.to_string(), "port_name"].map(str::to_owned);
            let place: Vec<&str> = place.iter().map(String::as_str).collect();
            let mut report = cx.error(
                &place,
                "unknown-port",
                format!("no port of the task definition is called `{}`", shorten(&port.port_name)),
            );
            match nearest(&port.port_name, names.iter().map(String::as_str)) {
                Some(near) => report.help(format!("did you mean `{near}`?")),
                None => report.help("give the port a name: `ports: [{ port: 5000, name: http }]`"),
            };
        }
    }
}

fn volumes(service: &Service, task: Option<&TaskDefinition>, cx: &mut Check<'_>) {
    let stack = cx.stack;
    for (name, volume) in &service.volumes {
        if let Some(task) = task
            && !task.volumes.get(name).is_some_and(|volume| volume.full().configured_at_launch)
        {
            cx.error(
                &["volumes", name],
                "unknown-volume",
                format!("the task definition has no volume `{}` that is configured at launch", shorten(name)),
            )
            .help(format!("add `volumes: {{ {name}: configured_at_launch }}` to the task definition"));
        }
        match &volume.role {
            None => {
                cx.error(&["volumes", name], "missing-key", "`role` is required")
                    .help("a role with `trust: { service: ecs.amazonaws.com }` and the managed policy `service-role/AmazonECSInfrastructureRolePolicyForVolumes`");
            }
            Some(Ref::Own(key)) => {
                cx.reference(&["volumes", name, "role"], key, "roles", stack.roles.keys());
            }
            Some(Ref::Existing(_)) => {}
        }
        if let Some(key) = &volume.kms_key {
            cx.kms_key(&["volumes", name, "kms_key"], key);
            if volume.encrypted == Some(false) {
                cx.error(
                    &["volumes", name, "encrypted"],
                    "either-or",
                    "`kms_key` and `encrypted: false` exclude each other",
                )
                .help("remove one of the two");
            }
        }
        if volume.size.is_none() && volume.snapshot.is_none() {
            cx.error(&["volumes", name], "missing-key", "`size` is required unless there is a `snapshot`")
                .help("`size: 10` is 10 GiB");
        }
    }
    let Some(task) = task else { return };
    for (name, _) in task.volumes.iter().filter(|(_, volume)| volume.full().configured_at_launch) {
        if !service.volumes.contains_key(name) {
            cx.error(
                &[],
                "missing-volume",
                format!("the task definition leaves the volume `{}` to be configured here", shorten(name)),
            )
            .help(format!("add `volumes: {{ {name}: {{ role: …, size: 10 }} }}`"));
        }
    }
}

fn alarms(service: &Service, cx: &mut Check<'_>) {
    let Some(alarms) = &service.alarms else { return };
    if alarms.names.is_empty() && alarms.enable != Some(false) {
        cx.error(&["alarms"], "missing-key", "`names` is required").help("name CloudWatch alarms, or remove the block");
    }
}
