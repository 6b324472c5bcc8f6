//! The line below a plan, and the tables.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_prices::stack::{bill, not_included};
use hatoba_prices::whole::{Given, stack};

use super::super::Style;
use super::super::line::write_all;
use super::*;
use crate::cost::testkit::{change, file, stack as read};

fn line(from: Option<&str>, to: &str) -> Option<String> {
    plan(&change(from, to))
}

#[test]
fn the_line_below_a_plan() {
    let one = file("us-east-1", "", "");
    let two = file("us-east-1", "desired_count: 2", "");
    assert_eq!(
        line(None, &one).unwrap(),
        "Cost: $0.00 → $12.66 a month (+$12.66); images, logs and traffic come on top."
    );
    assert_eq!(
        line(Some(&two), &file("us-east-1", "desired_count: 1", "")).unwrap(),
        "Cost: $25.32 → $12.66 a month (-$12.66); images, logs and traffic come on top."
    );
    assert_eq!(line(Some(&one), &one).unwrap(), "Cost: $12.66 a month; images, logs and traffic come on top.");
    let spot = file("us-east-1", "capacity: [{ provider: FARGATE_SPOT, weight: 1 }]", "");
    assert_eq!(
        line(None, &spot).unwrap(),
        "Cost: about $0.00 → $6.52 a month (+$6.52); images, logs and traffic come on top."
    );
    assert_eq!(line(None, &file("us-east-1", "desired_count: 0", "")), None);
    assert_eq!(
        line(None, &file("eu-south-2", "", "")).unwrap(),
        "Cost: not known; images, logs and traffic come on top. Not in it: service.papyrus, which has no known price of vCPU; memory; public IPv4 address in eu-south-2."
    );
}

#[test]
fn what_a_destroy_saved() {
    let one = file("us-east-1", "", "");
    let empty = "stack: papyrus\nregion: us-east-1\nclusters: { papyrus: {} }\n";
    assert_eq!(saved(&change(Some(&one), empty)).unwrap(), "Saved: $12.66 a month that its tasks cost.");
    assert_eq!(saved(&change(Some(empty), empty)), None);
}

fn shown(text: &str, given: Given, budget: Option<Money>) -> String {
    let file = read(text);
    let cost = stack(file.region.as_str(), &bill(&file), given);
    let not_included = not_included(&file);
    let around = Around { stack: file.stack.as_str(), not_included: &not_included, budget };
    write_all(&tables(&cost, &around), Style::PLAIN)
}

#[test]
fn the_tables_of_a_stack() {
    let text = file(
        "us-east-1",
        "capacity: [{ provider: FARGATE_SPOT, weight: 1 }], schedule: { start: \"cron(0 9 ? * MON-FRI *)\", stop: \"cron(0 18 ? * MON-FRI *)\" }",
        "architecture: arm64, ephemeral_storage: 30",
    );
    let given = Given { images: Money::read("2.5"), logs: None };
    assert_eq!(
        shown(&text, given, Some(Money::cents(150))),
        "\
Cost of stack papyrus in us-east-1: an estimate in US dollars

service.papyrus: 1 task of 0.25 vCPU and 0.5 GB, arm64, on Spot, 45 h a week
                            price   an hour  month 24/7  scheduled  stopped
  vCPU, ARM, Spot      0.01030969  0.002577        1.88       0.50     0.00
  memory, ARM, Spot    0.00113349  0.000567        0.41       0.11     0.00
  storage above 20 GB    0.000111  0.001110        0.81       0.22     0.00
  public IPv4 address       0.005  0.005000        3.65       0.98     0.00
  together                         0.009254        6.76       1.81     0.00

images in ECR: $0.25 a month
logs taken in: $0.50 for each GB taken in; `--logs GB` adds so many

Together about $7.01 a month running all the time (730 hours)
         about $2.06 a month on its schedule
         $0.25 a month stopped
Budget $1.50 a month: exceeded by $0.31

Not included: tax, traffic, stored logs, secrets, the free tier, discounts.
Spot prices change all the time: one moment of them counts here.
Prices as read on 2024-02-08 or later; `hatoba cost --json` and docs/cost.md
name the source of each.
"
    );
}

#[test]
fn regions_are_compared_by_what_they_cost() {
    let spec = read(&file("us-west-2", "", "architecture: arm64"));
    let of = |region: &'static str| (region, stack(region, &bill(&spec), Given::default()));
    let text = write_all(&compared(&[of("us-west-2"), of("ap-northeast-1"), of("eu-central-1")]), Style::PLAIN);
    assert_eq!(
        text,
        "
Its services in every region whose prices are known
  region           an hour  month 24/7  scheduled
  us-west-2 *     0.014875       10.86      10.86
  ap-northeast-1  0.017323       12.65      12.65
Not all prices are known for eu-central-1.
* About: a price is assumed, or changes all the time.
"
    );
}
