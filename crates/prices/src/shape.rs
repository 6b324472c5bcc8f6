//! What is billed of a service: how large its tasks are, how many run, on what, and when.

/// The machine that a Linux task runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// Intel and AMD, 64 bits.
    X86,
    /// Arm, 64 bits (Graviton).
    Arm,
}

impl Machine {
    /// As the stack file spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }
}

/// How large one task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// CPU units: 1024 are one vCPU.
    pub cpu: u32,
    /// Memory in MiB: 1024 are billed as one GB.
    pub memory: u32,
    /// The machine it runs on.
    pub machine: Machine,
    /// Its own storage in GB; 20 are free.
    pub storage: u32,
    /// Whether it has a public IPv4 address.
    pub public_ip: bool,
}

/// How much storage of a task is free, in GB. Source: AWS Fargate pricing page.
pub const FREE_STORAGE: u32 = 20;

/// One entry of a capacity strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// On spare capacity.
    pub spot: bool,
    /// Its share of the tasks, relative to the other entries.
    pub weight: u32,
    /// How many tasks it gets before shares count.
    pub base: u32,
}

/// How many tasks run: as many as this, or, with autoscaling, between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub least: u32,
    /// At most; never below `least`.
    pub most: u32,
}

impl Count {
    /// Always the same.
    pub fn of(count: u32) -> Self {
        Self { least: count, most: count }
    }

    /// Between these two, in whichever order they are given.
    pub fn between(one: u32, other: u32) -> Self {
        Self { least: one.min(other), most: one.max(other) }
    }
}

/// How many minutes a week has.
pub const WEEK: u32 = 7 * 24 * 60;

/// What is billed of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its address, `service.papyrus`.
    pub address: String,
    /// Each of its tasks.
    pub task: Task,
    /// How many there are while it runs.
    pub count: Count,
    /// On what they run; on demand where there is no entry.
    pub capacity: Vec<Share>,
    /// On how many minutes of a week it runs, if it is on a schedule; at most [`WEEK`].
    pub minutes: Option<u32>,
}

/// How many of some tasks are on demand and how many on spare capacity: numerators over the same denominator, because weights need not
/// divide the tasks evenly. ECS places whole tasks; this is what they are on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// On demand.
    pub on_demand: u64,
    /// On spare capacity.
    pub spot: u64,
    /// What both are divided by; not zero.
    pub of: u64,
}

impl Service {
    /// How so many tasks are spread over the capacity strategy. Source: ECS API reference, `CapacityProviderStrategyItem`: the base first,
    /// the rest by weight.
    pub fn split(&self, tasks: u32) -> Split {
        let weights = |spot: bool| -> u64 {
            self.capacity.iter().filter(|share| share.spot == spot).map(|share| u64::from(share.weight)).sum()
        };
        let (demand, spare) = (weights(false), weights(true));
        let tasks = u64::from(tasks);
        let Some(first) = self.capacity.iter().max_by_key(|share| share.base) else {
            return Split { on_demand: tasks, spot: 0, of: 1 };
        };
        // ECS wants one weight above zero; without any the base is all there is to go by.
        let of = (demand + spare).max(1);
        let base = if demand + spare == 0 { tasks } else { tasks.min(first.base.into()) };
        let (based, spread) = (base * of, tasks - base);
        let (on_demand, spot) = (spread * demand, spread * spare);
        if first.spot {
            Split { on_demand, spot: spot + based, of }
        } else {
            Split { on_demand: on_demand + based, spot, of }
        }
    }

    /// Whether any task may be on spare capacity.
    pub fn uses_spot(&self) -> bool {
        self.split(self.count.most).spot > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(capacity: &[(bool, u32, u32)]) -> Service {
        Service {
            address: "service.papyrus".into(),
            task: Task { cpu: 256, memory: 512, machine: Machine::Arm, storage: 20, public_ip: true },
            count: Count::of(4),
            capacity: capacity
                .iter()
                .map(|(spot, weight, base)| Share { spot: *spot, weight: *weight, base: *base })
                .collect(),
            minutes: None,
        }
    }

    fn split(capacity: &[(bool, u32, u32)], tasks: u32) -> (u64, u64, u64) {
        let split = service(capacity).split(tasks);
        (split.on_demand, split.spot, split.of)
    }

    #[test]
    fn tasks_are_spread_by_base_and_weight() {
        assert_eq!(split(&[], 4), (4, 0, 1));
        assert_eq!(split(&[(true, 1, 0)], 4), (0, 4, 1));
        // One on demand, the other three one to two.
        assert_eq!(split(&[(false, 1, 1), (true, 2, 0)], 4), (3 + 3, 6, 3));
        assert_eq!(split(&[(false, 0, 2), (true, 1, 0)], 4), (2, 2, 1));
        assert_eq!(split(&[(false, 0, 2), (true, 1, 0)], 1), (1, 0, 1));
        assert_eq!(split(&[(true, 0, 0)], 4), (0, 4, 1));
        assert_eq!(split(&[(true, 5, 0)], 0), (0, 0, 5));
    }

    #[test]
    fn spot_counts_only_where_tasks_get_there() {
        assert!(service(&[(true, 1, 0)]).uses_spot());
        assert!(!service(&[(false, 0, 9), (true, 1, 0)]).uses_spot());
    }
}
