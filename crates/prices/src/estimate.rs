//! From what is billed to what it costs.

use std::iter::Sum;
use std::ops::Add;

use crate::money::Money;
use crate::shape::{Count, FREE_STORAGE, Machine, Service, WEEK};
use crate::table::{Item, Price, price};

/// How many hours a month has for every estimate: 365 × 24 / 12, as in AWS's own calculator.
pub const HOURS_PER_MONTH: u64 = 730;

/// An amount, or, with autoscaling, the least and the most that it can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub least: Money,
    /// The most.
    pub most: Money,
}

impl Range {
    /// Always the same.
    pub fn of(amount: Money) -> Self {
        Self { least: amount, most: amount }
    }

    /// Nothing at all.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    fn map(self, f: impl Fn(Money) -> Money) -> Self {
        Self { least: f(self.least), most: f(self.most) }
    }
}

impl Add for Range {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most }
    }
}

impl Sum for Range {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), Add::add)
    }
}

/// What something costs, in US dollars without tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// For an hour in which it runs.
    pub hour: Range,
    /// For a month in which it runs all the time: [`HOURS_PER_MONTH`] hours.
    pub running: Range,
    /// For a month on its schedule; without one it runs all the time.
    pub scheduled: Range,
    /// For a month in which it is stopped.
    pub stopped: Range,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            hour: self.hour + other.hour,
            running: self.running + other.running,
            scheduled: self.scheduled + other.scheduled,
            stopped: self.stopped + other.stopped,
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), Add::add)
    }
}

/// One item of what something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is billed.
    pub item: Item,
    /// What one of it costs.
    pub price: Price,
    /// What all of it costs.
    pub cost: Cost,
}

/// What a service costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCost {
    /// What is billed.
    pub service: Service,
    /// Item by item; none that costs nothing.
    pub lines: Vec<Line>,
    /// Items without a price in this region: the rest is not the whole.
    pub unknown: Vec<Item>,
}

impl ServiceCost {
    /// The sum of its items.
    pub fn cost(&self) -> Cost {
        self.lines.iter().map(|line| line.cost).sum()
    }

    /// Whether it is only about so much: Spot prices change all the time.
    pub fn varies(&self) -> bool {
        self.lines.iter().any(|line| line.item.varies())
    }
}

/// What a service costs in a region.
pub fn service(region: &str, service: &Service) -> ServiceCost {
    let (vcpu, memory, spot_vcpu, spot_memory) = match service.task.machine {
        Machine::X86 => (Item::Vcpu, Item::Memory, Item::SpotVcpu, Item::SpotMemory),
        Machine::Arm => (Item::ArmVcpu, Item::ArmMemory, Item::SpotArmVcpu, Item::SpotArmMemory),
    };
    let task = &service.task;
    let storage = task.storage.saturating_sub(FREE_STORAGE);
    // How much of each item one task needs, as a fraction, and for which tasks.
    let needs = [
        (vcpu, task.cpu, 1024, Which::OnDemand),
        (memory, task.memory, 1024, Which::OnDemand),
        (spot_vcpu, task.cpu, 1024, Which::Spot),
        (spot_memory, task.memory, 1024, Which::Spot),
        (Item::Storage, storage, 1, Which::All),
        (Item::Address, u32::from(task.public_ip), 1, Which::All),
    ];
    let mut lines = Vec::new();
    let mut unknown = Vec::new();
    for (item, amount, of, which) in needs {
        let (least, most) = (which.tasks(service, |count| count.least), which.tasks(service, |count| count.most));
        if amount == 0 || most.0 == 0 {
            continue;
        }
        let Some(price) = price(region, item) else {
            unknown.push(item);
            continue;
        };
        let hour = |(tasks, per): (u64, u64)| price.usd.fraction(u64::from(amount) * tasks, of * per);
        let hour = Range { least: hour(least), most: hour(most) };
        let running = hour.map(|hour| hour.times(HOURS_PER_MONTH));
        let minutes = u64::from(service.minutes.unwrap_or(WEEK).min(WEEK));
        let scheduled = running.map(|month| month.fraction(minutes, WEEK.into()));
        lines.push(Line { item, price, cost: Cost { hour, running, scheduled, stopped: Range::default() } });
    }
    ServiceCost { service: service.clone(), lines, unknown }
}

/// Which tasks of a service need an item.
#[derive(Clone, Copy)]
enum Which {
    All,
    OnDemand,
    Spot,
}

impl Which {
    /// How many of them there are, as a fraction.
    fn tasks(self, service: &Service, count: impl Fn(Count) -> u32) -> (u64, u64) {
        let split = service.split(count(service.count));
        match self {
            Self::All => (split.on_demand + split.spot, split.of),
            Self::OnDemand => (split.on_demand, split.of),
            Self::Spot => (split.spot, split.of),
        }
    }
}

/// What is stored, or written, in a month, whether or not anything runs. In US dollars; nothing without a price in the region.
/// The amount in GB may have a fraction.
pub fn monthly(region: &str, item: Item, gigabytes: Money, while_stopped: bool) -> Option<Line> {
    let price = price(region, item)?;
    // A GB counts as a dollar here: the product of both is exact to twelve places.
    let month = Range::of(price.usd.multiplied(gigabytes));
    let stopped = if while_stopped { month } else { Range::default() };
    let cost = Cost { hour: Range::default(), running: month, scheduled: month, stopped };
    Some(Line { item, price, cost })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;
    use crate::shape::{Share, Task};

    fn papyrus(machine: Machine, spot: bool) -> Service {
        Service {
            address: "service.papyrus".into(),
            task: Task { cpu: 256, memory: 512, machine, storage: 20, public_ip: true },
            count: Count::of(1),
            capacity: vec![Share { spot, weight: 1, base: 0 }],
            minutes: Some(45 * 60),
        }
    }

    fn total(service_: &Service, region: &str) -> [String; 4] {
        let cost = service(region, service_).cost();
        [
            cost.hour.most.to_string(),
            cost.running.most.rounded(2),
            cost.scheduled.most.rounded(2),
            cost.stopped.most.rounded(2),
        ]
    }

    #[test]
    fn a_small_service_by_hand() {
        // 0.25 × 0.04048 + 0.5 × 0.004445 + 0.005
        assert_eq!(total(&papyrus(Machine::X86, false), "us-west-2"), ["0.0173425", "12.66", "3.39", "0.00"]);
        // 0.25 × 0.04045 + 0.5 × 0.00442 + 0.005
        assert_eq!(total(&papyrus(Machine::Arm, false), "ap-northeast-1"), ["0.0173225", "12.65", "3.39", "0.00"]);
    }

    #[test]
    fn storage_above_twenty_costs_and_what_runs_not_does_not() {
        let mut service_ = papyrus(Machine::Arm, true);
        service_.task.storage = 50;
        let with = service("us-east-1", &service_);
        let storage = with.lines.iter().find(|line| line.item == Item::Storage).unwrap();
        assert_eq!(storage.cost.hour.most, Money::read("0.00333").unwrap());
        assert!(with.varies());
        service_.count = Count::of(0);
        let none = service("us-east-1", &service_);
        assert_eq!((none.lines.len(), none.cost()), (0, Cost::default()));
    }

    #[test]
    fn what_has_no_price_is_named() {
        let mut service_ = papyrus(Machine::Arm, false);
        service_.task.storage = 21;
        let cost = service("eu-central-1", &service_);
        assert_eq!(cost.unknown, [Item::ArmVcpu, Item::ArmMemory, Item::Storage]);
        assert_eq!(cost.lines.len(), 1);
    }

    #[test]
    fn what_is_stored_costs_also_while_nothing_runs() {
        let gigabytes = Money::read("2.5").unwrap();
        let images = monthly("us-east-1", Item::Images, gigabytes, true).unwrap();
        assert_eq!(
            (images.cost.running, images.cost.stopped),
            (Range::of(Money::read("0.25").unwrap()), images.cost.running)
        );
        let logs = monthly("ap-northeast-1", Item::Logs, gigabytes, false).unwrap();
        assert_eq!((logs.cost.running.most.to_string().as_str(), logs.cost.stopped.is_zero()), ("1.90", true));
        assert_eq!(monthly("eu-central-1", Item::Logs, gigabytes, false), None);
    }
}
