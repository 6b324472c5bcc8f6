//! From wishes and sightings to what the preflight asks about. Pure.

use std::collections::BTreeSet;

use hatoba_engine::desired::Desired;
use hatoba_engine::plan::{Act, Step};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use hatoba_model::facts::Facts as Place;
use hatoba_model::verify::{Breaker, Container, LogPlace, Network, Service, Subjects, Task};

use super::settled::{After, World, text};
use crate::kinds::repository::image::repository_arn;

/// How much is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything in the file.
    Everything,
    /// What the plan creates or changes.
    Changes,
}

/// What is to be asked.
pub fn subjects(world: World<'_>, scope: Scope, place: &Place) -> Subjects {
    let mut subjects = Subjects::default();
    for want in world.wanted("task_definition") {
        match world.after(want) {
            After::Unread(why) => drop(subjects.unread.insert(want.address.clone(), why.to_owned())),
            After::Missing => {}
            After::There(fields) => {
                let mut task = task(&fields, place);
                match scope {
                    Scope::Everything => everything(&mut task),
                    Scope::Changes => narrow(world, want, &mut task),
                }
                subjects.tasks.insert(want.address.name.clone(), task);
            }
        }
    }
    for want in world.wanted("service").filter(|want| !want.existing) {
        match world.after(want) {
            After::Unread(why) => drop(subjects.unread.insert(want.address.clone(), why.to_owned())),
            After::Missing => {}
            After::There(fields) => {
                let (network, breaker) = match scope {
                    Scope::Everything => (true, true),
                    Scope::Changes => changed_service(world, want),
                };
                let found = Service {
                    task: task_key(world, want),
                    desired_count: fields.get("desired_count").and_then(Value::as_int),
                    network: network.then(|| self::network(world, want, &fields)).flatten(),
                    breaker: breaker.then(|| self::breaker(&fields)),
                };
                subjects.services.insert(want.address.name.clone(), found);
            }
        }
    }
    subjects
}

fn task(fields: &Fields, place: &Place) -> Task {
    let os = if text(fields, "os").is_some_and(|os| os.starts_with("windows")) { "windows" } else { "linux" };
    let architecture = if text(fields, "architecture") == Some("arm64") { "arm64" } else { "amd64" };
    let containers = fields.get("containers").and_then(Value::as_map).into_iter().flatten();
    Task {
        execution_role: text(fields, "execution_role").map(str::to_owned),
        task_role: text(fields, "task_role").map(str::to_owned),
        platform: format!("{os}/{architecture}"),
        containers: containers.map(|(name, parts)| (name.clone(), container(parts, place))).collect(),
        permissions: false,
    }
}

fn container(parts: &Value, place: &Place) -> Container {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_text).map(str::to_owned);
    let image = text(parts, "image").unwrap_or_default();
    let logs = parts.get("logs").filter(|logs| text(logs, "driver").as_deref() == Some("awslogs"));
    let texts = |of: Option<&Value>| of.map(Value::map_texts).unwrap_or_default();
    Container {
        repository: repository_arn(&image, place.partition()),
        image,
        look_for_image: false,
        secrets: texts(parts.get("secrets")),
        log_secrets: texts(parts.get("logs").and_then(|logs| logs.get("secret_options"))),
        registry_credentials: text(parts, "registry_credentials"),
        logs: logs.and_then(|logs| {
            Some(LogPlace {
                region: text(logs, "region").unwrap_or_else(|| place.region.to_string()),
                group: text(logs, "group")?,
                prefix: text(logs, "stream_prefix").unwrap_or_default(),
                creates: text(logs, "create_group").as_deref() == Some("true"),
            })
        }),
    }
}

fn everything(task: &mut Task) {
    task.permissions = true;
    task.containers.values_mut().for_each(|container| container.look_for_image = true);
}

/// The steps that make or change a resource.
fn steps<'a>(world: World<'a>, address: &Address) -> impl Iterator<Item = &'a Step> {
    let does = |step: &&Step| matches!(step.act, Act::Create { .. } | Act::Update { .. });
    world.plan.steps.iter().filter(does).filter(move |step| step.address == *address)
}

/// Asks about what changes: images that others take the place of, and permissions where they or what needs them differ.
fn narrow(world: World<'_>, want: &Desired, task: &mut Task) {
    for step in steps(world, &want.address) {
        if matches!(step.act, Act::Create { .. }) {
            everything(task);
        }
        for change in &step.changes {
            let below = change.path.strip_prefix("containers");
            match (change.path.as_str(), below) {
                ("execution_role" | "task_role", _) => task.permissions = true,
                ("architecture" | "os", _) => task.containers.values_mut().for_each(|it| it.look_for_image = true),
                (_, Some(below)) => container_change(below, change.before.as_ref(), world, task),
                _ => {}
            }
        }
    }
    let arns = [&task.execution_role, &task.task_role];
    let is_of_task = |role: &&Desired| arns.into_iter().flatten().any(|arn| arn.ends_with(&format!("/{}", role.name)));
    let roles: Vec<&Desired> = world.wanted("role").filter(is_of_task).collect();
    let policies = roles.iter().flat_map(|role| role.needs.iter().filter(|need| need.kind == "policy"));
    if roles.iter().map(|role| &role.address).chain(policies).any(|address| changes_policies(world, address)) {
        task.permissions = true;
    }
}

/// Whether what a role may do changes, or whom it trusts.
fn changes_policies(world: World<'_>, address: &Address) -> bool {
    const FIELDS: [&str; 5] = ["trust", "permissions_boundary", "managed_policies", "inline_policies", "document"];
    steps(world, address).any(|step| {
        matches!(step.act, Act::Create { .. })
            || step.changes.iter().any(|change| FIELDS.iter().any(|field| change.path.starts_with(field)))
    })
}

/// `below` is the path of a change below `containers`: `.app.image`, `["my app"].secrets.DB_URL`.
fn container_change(below: &str, before: Option<&Value>, world: World<'_>, task: &mut Task) {
    const NEEDS: [&str; 3] = [".secrets", ".logs", ".registry_credentials"];
    for (name, container) in &mut task.containers {
        let plain = below.strip_prefix('.').and_then(|below| below.strip_prefix(name.as_str()));
        let quoted = || below.strip_prefix(&format!("[{name:?}]"));
        let Some(rest) = plain.or_else(quoted) else { continue };
        match rest {
            "" => {
                container.look_for_image = true;
                task.permissions = true;
            }
            ".image" => {
                container.look_for_image = true;
                let partition = container.repository.as_deref().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
                let was = before.and_then(Value::as_text).and_then(|image| repository_arn(image, partition));
                if container.repository.is_some() && was != container.repository {
                    task.permissions = true;
                }
            }
            rest if NEEDS.iter().any(|part| rest.starts_with(part)) => task.permissions = true,
            _ => {}
        }
    }
    // A container that is the only one may change as a whole.
    if below.is_empty() && !world.plan.steps.is_empty() {
        everything(task);
    }
}

/// Whether network and circuit breaker of a service are to be asked about.
fn changed_service(world: World<'_>, want: &Desired) -> (bool, bool) {
    let (mut network, mut breaker) = (false, false);
    for step in steps(world, &want.address) {
        let new = matches!(step.act, Act::Create { .. });
        let changes = |field: &str| step.changes.iter().any(|change| change.path.starts_with(field));
        network |= new || changes("network");
        breaker |= new || changes("circuit_breaker");
    }
    let groups: BTreeSet<&Address> = want.needs.iter().filter(|need| need.kind == "security_group").collect();
    network |= groups.into_iter().flat_map(|group| steps(world, group)).any(|step| {
        matches!(step.act, Act::Create { .. }) || step.changes.iter().any(|change| change.path.starts_with("egress"))
    });
    (network, breaker)
}

/// The key of the task definition of the file that a service runs.
fn task_key(world: World<'_>, want: &Desired) -> Option<String> {
    match want.fields.get("task_definition")? {
        Value::Pending(output) => output.of.strip_prefix("task_definition.").map(str::to_owned),
        other => {
            let family = other.as_text()?.rsplit('/').next()?.split(':').next()?;
            world.named("task_definition", family).map(|task| task.address.name.clone())
        }
    }
}

/// Where the tasks of a service run. Groups of the file go by their addresses: their ids may not be known yet.
fn network(world: World<'_>, want: &Desired, fields: &Fields) -> Option<Network> {
    let network = fields.get("network")?;
    let subnets = network.get("subnets").filter(|subnets| !subnets.is_pending()).map(Value::list_texts);
    let listed = match want.fields.get("network").and_then(|network| network.get("security_groups")) {
        Some(Value::List(groups)) => groups.as_slice(),
        // What is there stays.
        _ => network.get("security_groups").map(Value::items).unwrap_or_default(),
    };
    let own = |id: &str| {
        let is = |want: &&Desired| world.current(want).is_some_and(|live| live.id == id);
        world.wanted("security_group").find(is).map(|want| want.address.to_string())
    };
    let group = |group: &Value| match group {
        Value::Pending(output) => Some(output.of.clone()),
        other => other.as_text().map(|id| own(id).unwrap_or_else(|| id.to_owned())),
    };
    Some(Network {
        subnets,
        groups: listed.iter().filter_map(group).collect(),
        public_ip: network.get("public_ip").and_then(Value::as_bool).unwrap_or_default(),
    })
}

fn breaker(fields: &Fields) -> Breaker {
    let on = |switch: &str| {
        fields.get("circuit_breaker").and_then(|breaker| breaker.get(switch)).and_then(Value::as_bool) == Some(true)
    };
    match (on("enable"), on("rollback")) {
        (true, true) => Breaker::RollsBack,
        (true, false) => Breaker::On,
        (false, _) => Breaker::Off,
    }
}
