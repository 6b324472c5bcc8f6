//! What has to hold for every service in every region.

use hatoba_prices::estimate::{self, Cost, Range, ServiceCost};
use hatoba_prices::money::Money;
use hatoba_prices::savings::{monthly, ways};
use hatoba_prices::shape::{Count, Machine, Service, Share, Task, WEEK};
use hatoba_prices::table::regions;
use proptest::prelude::*;

fn share() -> impl Strategy<Value = Share> {
    (any::<bool>(), 0_u32..=1000, 0_u32..=20).prop_map(|(spot, weight, base)| Share { spot, weight, base })
}

fn service() -> impl Strategy<Value = Service> {
    let task = (1_u32..=64, 1_u32..=240, any::<bool>(), 20_u32..=200, any::<bool>()).prop_map(
        |(cpu, memory, arm, storage, public_ip)| Task {
            cpu: cpu * 256,
            memory: memory * 512,
            machine: if arm { Machine::Arm } else { Machine::X86 },
            storage,
            public_ip,
        },
    );
    let count = (0_u32..=50, 0_u32..=50).prop_map(|(one, other)| Count::between(one, other));
    let minutes = proptest::option::of(0..=WEEK);
    (task, count, proptest::collection::vec(share(), 0..=2), minutes).prop_map(|(task, count, capacity, minutes)| {
        Service { address: "service.papyrus".to_owned(), task, count, capacity, minutes }
    })
}

fn region() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(regions())
}

fn of(region: &str, service: &Service) -> ServiceCost {
    estimate::service(region, service)
}

/// Neither the hour nor any month becomes cheaper.
fn grows(less: &ServiceCost, more: &ServiceCost) -> bool {
    let not_below = |less: Range, more: Range| less.least <= more.least && less.most <= more.most;
    let (less, more) = (less.cost(), more.cost());
    not_below(less.hour, more.hour)
        && not_below(less.running, more.running)
        && not_below(less.scheduled, more.scheduled)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn more_of_anything_never_costs_less(it in service(), region in region(), more in 1_u32..=8) {
        let base = of(region, &it);
        let mut larger: Vec<Service> = vec![it.clone(); 5];
        larger[0].task.cpu += more * 256;
        larger[1].task.memory += more * 512;
        larger[2].task.storage += more;
        larger[3].count = Count { least: it.count.least + more, most: it.count.most + more };
        larger[4].task.public_ip = true;
        for service in &larger {
            prop_assert!(grows(&base, &of(region, service)), "{service:?}");
        }
        if let Some(minutes) = it.minutes {
            let longer = Service { minutes: Some((minutes + more).min(WEEK)), ..it };
            prop_assert!(grows(&base, &of(region, &longer)));
        }
    }

    #[test]
    fn stopped_is_not_above_the_schedule_and_the_schedule_not_above_running(it in service(), region in region()) {
        let cost = of(region, &it).cost();
        for of in [|range: Range| range.least, |range: Range| range.most] {
            prop_assert!(of(cost.stopped) <= of(cost.scheduled));
            prop_assert!(of(cost.scheduled) <= of(cost.running));
        }
        prop_assert!(cost.running.least <= cost.running.most);
        prop_assert!(cost.stopped.is_zero());
        if it.minutes.is_none() {
            prop_assert_eq!(cost.scheduled, cost.running);
        }
    }

    #[test]
    fn the_parts_are_the_whole(it in service(), region in region()) {
        let cost = of(region, &it);
        let sum: Cost = cost.lines.iter().map(|line| line.cost).sum();
        prop_assert_eq!(sum, cost.cost());
        // Tasks are neither lost nor invented when they are spread.
        let split = it.split(it.count.most);
        prop_assert_eq!(split.on_demand + split.spot, u64::from(it.count.most) * split.of);
    }

    #[test]
    fn a_service_costs_as_much_as_its_tasks_one_by_one(it in service(), region in region()) {
        // Without base and Spot there is nothing that depends on how many there are.
        let alone = Service { capacity: Vec::new(), count: Count::of(1), ..it.clone() };
        let all = Service { capacity: Vec::new(), count: Count::of(it.count.most), ..it.clone() };
        let (alone, all) = (of(region, &alone).cost(), of(region, &all).cost());
        let off = all.hour.most - alone.hour.most.times(it.count.most.into());
        // Each item of each task is rounded at the twelfth place.
        let most = Money::read("0.000000000001").unwrap_or_default().times(6 * u64::from(it.count.most));
        prop_assert!(off <= most && -off <= most, "{off}");
    }

    #[test]
    fn what_is_advised_is_cheaper(services in proptest::collection::vec(service(), 1..=3), region in region()) {
        let now = monthly(region, &services);
        let limit = now.fraction(1, 3);
        prop_assume!(now.to_cents() > limit);
        let ways = ways(region, &services, limit);
        prop_assert!(ways.iter().all(|way| way.monthly < now), "{ways:?}");
        let enough = ways.iter().filter(|way| way.is_within(limit)).count();
        prop_assert!(enough == ways.len() || enough <= 1, "either all do, or the last of the sum does: {ways:?}");
    }

    #[test]
    fn money_that_is_written_can_be_read(units in 0_u64..=u64::MAX) {
        let money = Money::read("0.000000000001").unwrap_or_default().times(units);
        prop_assert_eq!(Money::read(&money.to_string()), Some(money));
    }
}
