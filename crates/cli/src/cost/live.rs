//! From the normal form of a service and its task definition, live or wanted, to what is billed of them.

use hatoba_engine::value::{Fields, Value};
use hatoba_model::schedule::{Expression, hours_per_week};
use hatoba_prices::shape::{Count, FREE_STORAGE, Machine, Service, Share, Task};
use hatoba_prices::stack::{Scheduled, WINDOWS, capacity, minutes};

/// What is billed of a service with these fields, whose tasks have those.
///
/// # Errors
/// Why it has no price, as the end of a sentence that begins with the address.
pub(crate) fn service(address: &str, service: &Fields, task: &Fields) -> Result<Scheduled, String> {
    let public_ip = service.get("network").and_then(|network| network.get("public_ip")?.as_bool()).unwrap_or(false);
    if let Some(other) = text(service, "launch_type").filter(|launch| *launch != "FARGATE") {
        return Err(format!("has the launch type {other}, for which no prices are known"));
    }
    let schedule =
        service.get("schedule").filter(|schedule| !matches!(schedule, Value::Map(parts) if parts.is_empty()));
    let hours = schedule.map(hours);
    let service = Service {
        address: address.to_owned(),
        task: Task { public_ip, ..task_of(task)? },
        count: count(service, schedule),
        capacity: shares(service)?,
        minutes: hours.flatten().map(minutes),
    };
    Ok(Scheduled { service, open: hours == Some(None) })
}

fn text<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.get(name)?.as_text()
}

/// A number of tasks; AWS has no negative ones.
fn tasks(value: Option<&Value>) -> Option<u32> {
    u32::try_from(value?.as_int()?).ok()
}

/// How many tasks run while it is not stopped: as many as autoscaling allows, or as the schedule starts, or as are wanted.
fn count(service: &Fields, schedule: Option<&Value>) -> Count {
    if service.get("running") == Some(&Value::Bool(false)) {
        // Somebody stopped it by hand: what the file says holds when it is started again.
        return Count::of(0);
    }
    let wanted = tasks(service.get("desired_count"));
    if let Some(bounds) = service.get("autoscaling").filter(|bounds| bounds.get("max").is_some()) {
        let least = tasks(bounds.get("min")).unwrap_or(1);
        return Count::between(least, tasks(bounds.get("max")).unwrap_or(least));
    }
    Count::of(match schedule {
        Some(schedule) => tasks(schedule.get("count")).or(wanted.filter(|count| *count > 0)).unwrap_or(1),
        None => wanted.unwrap_or(1),
    })
}

/// How many hours of a week a schedule is, if that can be said.
fn hours(schedule: &Value) -> Option<f64> {
    let read = |key: &str| schedule.get(key).and_then(Value::as_text).and_then(|text| text.parse::<Expression>().ok());
    hours_per_week(read("start").as_ref(), read("stop").as_ref())
}

fn shares(service: &Fields) -> Result<Vec<Share>, String> {
    let Some(entries) = service.get("capacity").and_then(Value::as_map) else { return Ok(Vec::new()) };
    let number = |entry: &Value, key: &str| tasks(entry.get(key)).unwrap_or(0);
    entries.iter().map(|(provider, entry)| capacity(provider, number(entry, "weight"), number(entry, "base"))).collect()
}

/// The size of a task, without a public address.
fn task_of(task: &Fields) -> Result<Task, String> {
    let number = |name: &str| tasks(task.get(name));
    if text(task, "os").is_some_and(|os| os.starts_with("windows")) {
        return Err(WINDOWS.to_owned());
    }
    let (Some(cpu), Some(memory)) = (number("cpu"), number("memory")) else {
        return Err("runs tasks whose size is not known".to_owned());
    };
    let machine = if text(task, "architecture") == Some("arm64") { Machine::Arm } else { Machine::X86 };
    let storage = number("ephemeral_storage").unwrap_or(FREE_STORAGE);
    Ok(Task { cpu, memory, machine, storage, public_ip: false })
}
