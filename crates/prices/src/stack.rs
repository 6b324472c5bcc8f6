//! From a stack file to what is billed of it.

use std::collections::BTreeMap;

use hatoba_model::kinds::cluster::{CapacityShare, ContainerInsights};
use hatoba_model::kinds::parameter::ParameterTier;
use hatoba_model::kinds::service::Service as ServiceSpec;
use hatoba_model::kinds::task_definition::{Architecture, Os, TaskDefinition, Volume};
use hatoba_model::stack::Stack;

use crate::shape::{Count, FREE_STORAGE, Machine, Service, Share, Task, WEEK};

/// A service that cannot be priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    /// Its address, `service.papyrus`.
    pub address: String,
    /// Why not, as the end of a sentence that begins with the address.
    pub why: String,
}

/// What is billed of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Its services.
    pub services: Vec<Service>,
    /// Services that cannot be priced.
    pub unpriced: Vec<Unpriced>,
    /// Services whose schedule has no fixed hours, so that they count as running all the time; by their addresses.
    pub open: Vec<String>,
}

impl Bill {
    /// Adds a service, or why it cannot be priced.
    pub fn add(&mut self, address: &str, service: Result<Scheduled, String>) {
        match service {
            Ok(Scheduled { service, open }) => {
                if open {
                    self.open.push(address.to_owned());
                }
                self.services.push(service);
            }
            Err(why) => self.unpriced.push(Unpriced { address: address.to_owned(), why }),
        }
    }
}

/// A service, and whether its schedule has no fixed hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// What is billed of it.
    pub service: Service,
    /// It has a schedule, but nobody can say how many hours of a week that is.
    pub open: bool,
}

/// The hours of a week as minutes. The average over months and leap years is rounded to the minute.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 0 and the minutes of a week"
)]
pub fn minutes(hours_per_week: f64) -> u32 {
    (hours_per_week * 60.0).round().clamp(0.0, f64::from(WEEK)) as u32
}

/// What is billed of the services in a file. Those that exist elsewhere (`existing: true`) are not the stack's.
pub fn bill(stack: &Stack) -> Bill {
    let mut bill = Bill::default();
    for (key, spec) in stack.services.iter().filter(|(_, spec)| !spec.existing) {
        let address = format!("service.{key}");
        bill.add(&address, service(stack, &address, spec));
    }
    bill
}

/// Keys of the ECS API that decide what a service costs. Where `extra` has one, the key of the file does not count.
const OF_SERVICE: [&str; 4] = ["desiredCount", "launchType", "capacityProviderStrategy", "networkConfiguration"];
const OF_TASK: [&str; 4] = ["cpu", "memory", "ephemeralStorage", "runtimePlatform"];

fn service(stack: &Stack, address: &str, spec: &ServiceSpec) -> Result<Scheduled, String> {
    overruled(&spec.extra, &OF_SERVICE)?;
    let key = spec.own_task_definition();
    let task = key.and_then(|key| stack.task_definitions.get(key)).filter(|task| !task.existing);
    let task = task.ok_or("runs a task definition that is not this file's")?;
    let public_ip = spec.network.as_ref().and_then(|network| network.public_ip).unwrap_or(false);
    let running = spec.running();
    let hours = spec.schedule.as_ref().map(|schedule| schedule.hours_per_week());
    let service = Service {
        address: address.to_owned(),
        task: Task { public_ip, ..task_of(task)? },
        count: Count::between(*running.start(), *running.end()),
        capacity: spec.capacity.iter().map(share).collect::<Result<_, _>>()?,
        minutes: hours.flatten().map(minutes),
    };
    Ok(Scheduled { service, open: hours == Some(None) })
}

fn overruled(extra: &BTreeMap<String, impl Sized>, keys: &[&str]) -> Result<(), String> {
    match keys.iter().find(|key| extra.contains_key(**key)) {
        Some(key) => Err(format!("sets `{key}` under `extra`, which is not looked into")),
        None => Ok(()),
    }
}

/// The size of a task, without a public address.
fn task_of(spec: &TaskDefinition) -> Result<Task, String> {
    overruled(&spec.extra, &OF_TASK)?;
    let machine = match (spec.system(), spec.architecture) {
        (Os::Linux, Some(Architecture::Arm64)) => Machine::Arm,
        (Os::Linux, _) => Machine::X86,
        (_, _) => return Err(WINDOWS.to_owned()),
    };
    let (Some(cpu), Some(memory)) = (spec.cpu, spec.memory) else {
        return Err("has no `cpu` or no `memory`".to_owned());
    };
    let storage = spec.ephemeral_storage.unwrap_or(FREE_STORAGE);
    Ok(Task { cpu: cpu.0, memory: memory.0, machine, storage, public_ip: false })
}

/// Why a task on Windows has no price.
pub const WINDOWS: &str = "runs on Windows, for which no prices are known";

fn share(share: &CapacityShare) -> Result<Share, String> {
    capacity(&share.provider, share.weight.unwrap_or(0), share.base.unwrap_or(0))
}

/// An entry of a capacity strategy.
///
/// # Errors
/// Why it has no price: it is neither `FARGATE` nor `FARGATE_SPOT`.
pub fn capacity(provider: &str, weight: u32, base: u32) -> Result<Share, String> {
    match provider {
        "FARGATE" => Ok(Share { spot: false, weight, base }),
        "FARGATE_SPOT" => Ok(Share { spot: true, weight, base }),
        other => Err(format!("runs on the capacity provider `{other}`, for which no prices are known")),
    }
}

/// What else of a stack costs something, and is in no estimate: each as a sentence's part.
pub fn not_included(stack: &Stack) -> Vec<String> {
    let mut out = Vec::new();
    for (key, spec) in stack.services.iter().filter(|(_, spec)| !spec.existing) {
        if !spec.load_balancers.is_empty() {
            out.push(format!("the load balancer of service.{key}"));
        }
        if !spec.volumes.is_empty() {
            out.push(format!("the EBS volumes of service.{key}"));
        }
    }
    for (key, spec) in stack.clusters.iter().filter(|(_, spec)| !spec.existing) {
        if matches!(spec.container_insights, Some(ContainerInsights::Enabled | ContainerInsights::Enhanced)) {
            out.push(format!("Container Insights of cluster.{key}"));
        }
    }
    for (key, spec) in &stack.task_definitions {
        if spec.volumes.values().any(|volume| matches!(volume, Volume::Full(_))) {
            out.push(format!("the file systems of task_definition.{key}"));
        }
    }
    for (key, spec) in stack.parameters.iter().filter(|(_, spec)| !spec.existing) {
        if matches!(spec.tier, Some(ParameterTier::Advanced | ParameterTier::IntelligentTiering)) {
            out.push(format!("the tier of parameter.{key}"));
        }
    }
    out
}
