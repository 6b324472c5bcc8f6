//! What the tasks of a service cost that run now. Pure.

use std::collections::BTreeMap;

use hatoba_prices::shape::{self, Count, FREE_STORAGE, Machine, Service};
use hatoba_prices::stack::{Bill, Scheduled, WINDOWS, capacity};
use hatoba_prices::whole::{Given, StackCost, stack};
use hatoba_rollout::state::Task;

/// What the tasks that run cost; nothing where none does. `public` are public addresses by network interface. What ECS does not tell of a
/// task is taken from what the file says of the service, if it does.
pub(crate) fn now(
    region: &str,
    address: &str,
    tasks: &[Task],
    public: &BTreeMap<String, String>,
    file: Option<&Service>,
) -> Option<StackCost> {
    // Fargate bills from the pull of the image on.
    let billed = tasks.iter().filter(|task| !task.has_stopped() && task.last != "PROVISIONING");
    let mut bill = Bill::default();
    for task in billed {
        bill.add(address, one(address, task, public, file));
    }
    // One reason is enough.
    bill.unpriced.dedup();
    (!bill.services.is_empty() || !bill.unpriced.is_empty()).then(|| stack(region, &bill, Given::default()))
}

fn one(
    address: &str,
    task: &Task,
    public: &BTreeMap<String, String>,
    file: Option<&Service>,
) -> Result<Scheduled, String> {
    let (size, file) = (&task.size, file.map(|service| &service.task));
    if size.platform.as_deref().is_some_and(|platform| platform.to_ascii_lowercase().starts_with("windows")) {
        return Err(WINDOWS.to_owned());
    }
    let (Some(cpu), Some(memory)) = (size.cpu.or(file.map(|it| it.cpu)), size.memory.or(file.map(|it| it.memory)))
    else {
        return Err("runs tasks whose size is not known".to_owned());
    };
    let machine = match size.architecture.as_deref() {
        Some("arm64") => Machine::Arm,
        Some(_) => Machine::X86,
        None => file.map_or(Machine::X86, |it| it.machine),
    };
    let storage = size.storage.or(file.map(|it| it.storage)).unwrap_or(FREE_STORAGE);
    let public_ip = task.interface.as_ref().is_some_and(|interface| public.contains_key(interface));
    let share = size.capacity.as_deref().map(|name| capacity(name, 1, 0)).transpose()?;
    let task = shape::Task { cpu, memory, machine, storage, public_ip };
    let capacity = share.into_iter().collect();
    let service = Service { address: address.to_owned(), task, count: Count::of(1), capacity, minutes: None };
    Ok(Scheduled { service, open: false })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use hatoba_prices::estimate;
    use hatoba_rollout::state::Size;

    use super::*;

    fn task(last: &str, capacity: Option<&str>) -> Task {
        let size = Size {
            cpu: Some(256),
            memory: Some(512),
            architecture: Some("arm64".into()),
            capacity: capacity.map(str::to_owned),
            ..Size::default()
        };
        Task { last: last.into(), interface: Some("eni-1".into()), size, ..Task::default() }
    }

    fn of(tasks: &[Task]) -> Option<StackCost> {
        let public = [("eni-1".to_owned(), "54.0.0.1".to_owned())].into();
        now("us-west-2", "service.papyrus", tasks, &public, None)
    }

    #[test]
    fn what_runs_costs_what_the_same_costs_in_an_estimate() {
        let two = [
            task("RUNNING", None),
            task("PENDING", Some("FARGATE_SPOT")),
            task("STOPPED", None),
            task("PROVISIONING", None),
        ];
        let cost = of(&two).unwrap();
        let shape = shape::Task { cpu: 256, memory: 512, machine: Machine::Arm, storage: 20, public_ip: true };
        let one = |capacity| Service { address: "x".into(), task: shape, count: Count::of(1), capacity, minutes: None };
        let spot = vec![capacity("FARGATE_SPOT", 1, 0).unwrap()];
        let expected = [one(Vec::new()), one(spot)].iter().map(|it| estimate::service("us-west-2", it).cost()).sum();
        assert_eq!(cost.cost(), expected);
        assert!(cost.is_approximate() && !cost.cost().hour.is_zero());
    }

    #[test]
    fn nothing_runs_and_what_has_no_price_are_two_things() {
        assert_eq!(of(&[task("STOPPED", None)]), None);
        let own = of(&[task("RUNNING", Some("my-machines")), task("RUNNING", Some("my-machines"))]).unwrap();
        assert_eq!((own.services.len(), own.unpriced.len()), (0, 1));
        let mut unknown = task("RUNNING", None);
        unknown.size.cpu = None;
        assert!(of(&[unknown]).unwrap().unpriced[0].why.contains("not known"));
    }
}
