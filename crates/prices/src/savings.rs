//! What would make a stack cheaper.

use hatoba_model::kinds::task_definition::Cpu;
use hatoba_model::kinds::task_definition::size::{CPUS, memory_sizes};

use crate::estimate::{self, Cost};
use crate::money::Money;
use crate::shape::{Count, Machine, Service, Share};

/// Something that makes services cheaper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Weekdays from nine to six instead of all the time.
    Schedule,
    /// Spare capacity.
    Spot,
    /// ARM instead of x86.
    Arm,
    /// The next smaller size of Fargate.
    Smaller,
    /// One task of each service.
    OneTask,
}

/// A measure, and what the services cost a month with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The last of what is done.
    pub measure: Measure,
    /// What the services then cost at most a month, on their schedules.
    pub monthly: Money,
}

impl Way {
    /// Whether it suffices, to the cent.
    pub fn is_within(&self, limit: Money) -> bool {
        self.monthly.to_cents() <= limit
    }
}

/// Minutes of a week from nine to six on weekdays.
const OFFICE_HOURS: u32 = 5 * 9 * 60;

/// What services cost at most a month, on their schedules; the sum of what has a price.
pub fn monthly(region: &str, services: &[Service]) -> Money {
    services.iter().map(|service| estimate::service(region, service).cost()).sum::<Cost>().scheduled.most
}

/// Ways to bring services below a limit, those that suffice alone in the order of how little they change. When none does, they are
/// added up, one after another, until they do, or to the end.
pub fn ways(region: &str, services: &[Service], limit: Money) -> Vec<Way> {
    let now = monthly(region, services);
    let all = [Measure::Schedule, Measure::Spot, Measure::Arm, Measure::Smaller, Measure::OneTask];
    let with = |services: &[Service], measure| -> Vec<Service> {
        services.iter().map(|it| taken(region, it, measure)).collect()
    };
    let alone: Vec<Way> = all
        .iter()
        .map(|measure| Way { measure: *measure, monthly: monthly(region, &with(services, *measure)) })
        .collect();
    let enough: Vec<Way> = alone.iter().copied().filter(|way| way.is_within(limit)).collect();
    if !enough.is_empty() {
        return enough;
    }
    let mut out = Vec::new();
    let mut services = services.to_vec();
    let mut before = now;
    for measure in all {
        services = with(&services, measure);
        let after = monthly(region, &services);
        if after < before {
            out.push(Way { measure, monthly: after });
        }
        if after.to_cents() <= limit {
            break;
        }
        before = after;
    }
    out
}

/// The service with a measure taken, or as it is where the measure does not apply to it.
fn taken(region: &str, service: &Service, measure: Measure) -> Service {
    let mut service = service.clone();
    match measure {
        Measure::Schedule => service.minutes = Some(service.minutes.unwrap_or(OFFICE_HOURS).min(OFFICE_HOURS)),
        Measure::Spot => service.capacity = vec![Share { spot: true, weight: 1, base: 0 }],
        Measure::Arm => {
            let mut on_arm = service.clone();
            on_arm.task.machine = Machine::Arm;
            if estimate::service(region, &on_arm).unknown.is_empty() {
                service = on_arm;
            }
        }
        Measure::Smaller => (service.task.cpu, service.task.memory) = smaller(service.task.cpu, service.task.memory),
        Measure::OneTask => {
            let one = |count: u32| count.min(1);
            service.count = Count { least: one(service.count.least), most: one(service.count.most) };
        }
    }
    service
}

/// The next smaller size: half of the CPU with as much of the memory as goes with it, or, for the smallest CPU, the next smaller memory.
fn smaller(cpu: u32, memory: u32) -> (u32, u32) {
    let fits = |cpu: u32, below: u32| memory_sizes(Cpu(cpu)).into_iter().filter(|size| *size <= below).max();
    let half = CPUS.into_iter().filter(|size| *size < cpu).max();
    match half.and_then(|half| Some((half, fits(half, memory)?))) {
        Some(size) => size,
        None => (cpu, fits(cpu, memory.saturating_sub(1)).unwrap_or(memory)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;
    use crate::shape::Task;

    fn service(cpu: u32, memory: u32, count: u32) -> Service {
        Service {
            address: "service.papyrus".into(),
            task: Task { cpu, memory, machine: Machine::X86, storage: 20, public_ip: true },
            count: Count::of(count),
            capacity: Vec::new(),
            minutes: None,
        }
    }

    fn measures(services: &[Service], limit: &str) -> Vec<Measure> {
        ways("us-east-1", services, Money::read(limit).unwrap()).into_iter().map(|way| way.measure).collect()
    }

    #[test]
    fn what_suffices_alone_is_named_and_nothing_else() {
        // 1 vCPU and 2 GB: 39.69 with its address, 10.63 in office hours, 15.12 on Spot, 32.48 on ARM, 21.67 at half the size.
        let one = [service(1024, 2048, 1)];
        assert_eq!(measures(&one, "20"), [Measure::Schedule, Measure::Spot]);
        assert_eq!(measures(&one, "35"), [Measure::Schedule, Measure::Spot, Measure::Arm, Measure::Smaller]);
    }

    #[test]
    fn what_does_not_suffice_alone_is_added_up() {
        let one = [service(1024, 2048, 1)];
        assert_eq!(measures(&one, "5"), [Measure::Schedule, Measure::Spot]);
        // Nothing will do: everything that helps is named.
        let few = measures(&one, "0.01");
        assert_eq!(few, [Measure::Schedule, Measure::Spot, Measure::Arm, Measure::Smaller]);
    }

    #[test]
    fn sizes_become_smaller_by_one_and_stay_sizes_of_fargate() {
        assert_eq!(
            [smaller(1024, 2048), smaller(1024, 8192), smaller(512, 1024)],
            [(512, 2048), (512, 4096), (256, 1024)]
        );
        assert_eq!([smaller(256, 2048), smaller(256, 512)], [(256, 1024), (256, 512)]);
    }
}
