//! `docs/cost.md` says what the code does: its prices, its sources, and its calculation by hand.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hatoba_model::kinds::cluster::CapacityShare;
use hatoba_model::kinds::service::Schedule;
use hatoba_model::kinds::task_definition::Architecture;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use hatoba_prices::money::Money;
use hatoba_prices::stack::bill;
use hatoba_prices::table::{Item, price, regions};
use hatoba_prices::whole::{Given, stack};

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
}

/// The rows of the table in a section, cell by cell, without its head.
fn rows(section: &str) -> Vec<Vec<String>> {
    let document = file("docs/cost.md");
    let (_, rest) = document.split_once(&format!("\n## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap().to_owned();
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.map(cells).collect()
}

fn money(text: &str) -> Money {
    Money::read(text).unwrap_or_else(|| panic!("{text} is no number"))
}

#[test]
fn the_prices_are_those_of_the_table() {
    let mut written = BTreeSet::new();
    for row in rows("The prices") {
        let [key, places, usd, source] = &row[..] else { panic!("{row:?}") };
        let item = Item::ALL.into_iter().find(|item| format!("`{}`", item.key()) == *key).unwrap();
        for region in places.split(", ") {
            let found = price(region, item).unwrap_or_else(|| panic!("{key} has no price in {region}"));
            assert_eq!((found.usd, found.source.key), (money(usd), source.as_str()), "{key} in {region}");
            assert!(written.insert((region.to_owned(), item)), "{key} in {region} stands there twice");
        }
    }
    let known = regions().into_iter().flat_map(|region| Item::ALL.map(|item| (region, item)));
    let mut spot = 0;
    for (region, item) in known {
        match price(region, item) {
            Some(price) if price.source.key == "usual-spot" => spot += 1,
            Some(_) => assert!(written.remove(&(region.to_owned(), item)), "{item:?} in {region} is not written down"),
            None => {}
        }
    }
    assert_eq!((written.len(), spot > 0), (0, true), "{written:?}");
}

#[test]
fn the_sources_are_those_of_the_table() {
    let all = regions().into_iter().flat_map(|region| Item::ALL.map(|item| price(region, item)));
    let known: BTreeMap<&str, _> = all.flatten().map(|price| (price.source.key, price.source)).collect();
    let written = rows("The sources");
    for row in &written {
        let [key, what, date, assumed] = &row[..] else { panic!("{row:?}") };
        let source = known.get(key.as_str()).unwrap_or_else(|| panic!("{key} is no source of any price"));
        let assumed = assumed == "assumed";
        assert_eq!((source.what, source.date, source.assumed), (what.as_str(), date.as_str(), assumed), "{key}");
    }
    assert_eq!(written.len(), known.len());
}

/// The example of this repository.
fn example() -> Stack {
    let options = Options {
        env: None,
        vars: &BTreeMap::new(),
        process_env: &|_| None,
        files: &|_| Err("there is no such file".to_owned()),
        account: None,
        region: None,
    };
    load(&Source::new("stack.example.yaml", file("stack.example.yaml")), &options).unwrap().stack
}

/// `0.25 × 0.04048 + 0.5 × 0.004445 + 0.005`
fn calculated(text: &str) -> Money {
    let product = |text: &str| match text.split_once(" × ") {
        Some((a, b)) => money(a).multiplied(money(b)),
        None => money(text),
    };
    text.split(" + ").map(product).sum()
}

#[test]
fn the_calculation_by_hand_is_what_hatoba_calculates() {
    let written = rows("By hand");
    let mut cases = BTreeSet::new();
    for row in &written {
        let [region, machine, capacity, formula, hour, running, scheduled, stopped] = &row[..] else {
            panic!("{row:?}")
        };
        assert_eq!(calculated(formula), money(hour), "{formula}");
        let mut file = example();
        file.region = region.parse().unwrap();
        file.task_definitions.get_mut("papyrus").unwrap().architecture = Architecture::read(machine);
        let service = file.services.get_mut("papyrus").unwrap();
        let provider = if capacity == "Spot" { "FARGATE_SPOT" } else { "FARGATE" };
        service.capacity = vec![CapacityShare { provider: provider.to_owned(), weight: Some(1), base: None }];
        service.schedule = Some(Schedule {
            start: "cron(0 9 ? * MON-FRI *)".parse().ok(),
            stop: "cron(0 18 ? * MON-FRI *)".parse().ok(),
            ..Schedule::default()
        });
        let found = stack(region, &bill(&file), Given::default());
        assert!(found.unpriced.is_empty() && found.open.is_empty(), "{found:?}");
        let cost = found.cost();
        assert_eq!(cost.hour.most, money(hour), "{row:?}");
        let months = [cost.running, cost.scheduled, cost.stopped].map(|month| month.most.rounded(2));
        assert_eq!(months, [running.clone(), scheduled.clone(), stopped.clone()], "{row:?}");
        cases.insert((region.clone(), machine.clone(), capacity.clone()));
    }
    assert_eq!((written.len(), cases.len()), (12, 12), "three regions, two machines, two capacities");
}

#[test]
fn the_example_itself_costs_what_is_written_for_it() {
    let file = example();
    let found = stack(file.region.as_str(), &bill(&file), Given::default());
    let row = rows("By hand").into_iter().find(|row| row[..3] == ["us-west-2", "arm64", "Spot"]).unwrap();
    assert_eq!(found.cost().running.most.rounded(2), row[5]);
}
