//! What plans change of the cost, over goals and snapshots as the provider makes them.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::Path;

use hatoba_engine::plan::Intent;
use hatoba_prices::money::Money;
use hatoba_prices::stack;

use super::super::testkit::{applied, change, file, planned, stack as read, wanted};
use super::*;

/// 0.25 × 0.03238 + 0.5 × 0.00356 + 0.005, in Oregon.
const ARM: &str = "0.014875";

fn hours(change: &Change) -> [Money; 2] {
    [change.before.cost().hour.most, change.after.cost().hour.most]
}

fn money(text: &str) -> Money {
    Money::read(text).unwrap()
}

fn arm(service: &str) -> String {
    file("us-west-2", service, "architecture: arm64")
}

#[test]
fn what_is_new_and_what_is_unchanged() {
    let new = change(None, &arm(""));
    assert_eq!(hours(&new), [Money::ZERO, money(ARM)]);
    assert_eq!(new.more().most, money(ARM).times(730));
    let goal = wanted(&read(&arm("")));
    let steps = planned(&goal, &applied(&goal), Intent::Present).steps;
    let steps: Vec<_> = steps.iter().map(|step| (step.address.to_string(), &step.changes)).collect();
    assert!(steps.is_empty(), "{steps:#?}");
    let same = change(Some(&arm("")), &arm(""));
    assert_eq!(hours(&same), [money(ARM), money(ARM)]);
    assert_eq!(same.more(), Range::default());
    assert!(same.is_approximate(), "the price of ARM in Oregon is assumed");
}

#[test]
fn counts_sizes_and_capacity_are_those_of_the_plan() {
    let three = change(Some(&arm("desired_count: 1")), &arm("desired_count: 3"));
    assert_eq!(hours(&three), [money(ARM), money(ARM).times(3)]);
    let none = change(Some(&arm("desired_count: 2")), &arm("desired_count: 0"));
    assert_eq!(hours(&none), [money(ARM).times(2), Money::ZERO]);
    // Where the file names no number, the one that is there stays.
    let kept = change(Some(&arm("desired_count: 2")), &arm(""));
    assert_eq!(hours(&kept), [money(ARM).times(2); 2]);
    // Another revision of the task definition: 0.25 × 0.04048 + 0.5 × 0.004445 + 0.005
    let intel = change(Some(&arm("")), &file("us-west-2", "", "architecture: x86_64"));
    assert_eq!(hours(&intel), [money(ARM), money("0.0173425")]);
    let spot = change(Some(&arm("")), &arm("capacity: [{ provider: FARGATE_SPOT, weight: 1 }]"));
    assert!(hours(&spot)[1] < hours(&spot)[0]);
    // And back: what the file no longer says is not taken from what is there.
    let back = change(Some(&arm("capacity: [{ provider: FARGATE_SPOT, weight: 1 }]")), &arm(""));
    assert_eq!(hours(&back)[1], money(ARM));
}

#[test]
fn what_goes_is_saved_and_what_is_let_go_of_is_not() {
    let goal = wanted(&read(&arm("desired_count: 2")));
    let seen = applied(&goal);
    let gone = super::of("us-west-2", &goal, &seen, &planned(&goal, &seen, Intent::Absent));
    assert_eq!(hours(&gone), [money(ARM).times(2), Money::ZERO]);
    let empty = "stack: papyrus\nregion: us-west-2\nclusters: { papyrus: {} }\n";
    assert_eq!(hours(&change(Some(&arm("")), empty)), [money(ARM), Money::ZERO]);
    let retained = wanted(&read(&arm("retain: true")));
    let seen = applied(&retained);
    let kept = super::of("us-west-2", &retained, &seen, &planned(&retained, &seen, Intent::Absent));
    assert_eq!(hours(&kept), [money(ARM); 2]);
    // With its schedule, which a look before a destroy leaves out.
    let office = "retain: true, schedule: { start: \"cron(0 9 ? * MON-FRI *)\", stop: \"cron(0 18 ? * MON-FRI *)\" }";
    let mut scheduled = wanted(&read(&arm(office)));
    let mut seen = applied(&scheduled);
    for live in seen.seen.iter_mut().filter(|live| live.kind.name == SERVICE) {
        live.fields.remove("schedule");
    }
    scheduled.content = true;
    let kept = super::of("us-west-2", &scheduled, &seen, &planned(&scheduled, &seen, Intent::Absent));
    assert_eq!((kept.more().most, kept.before.services[0].service.minutes), (Money::ZERO, Some(45 * 60)));
}

#[test]
fn what_is_stopped_costs_nothing_and_what_is_leaving_is_not_counted() {
    let goal = wanted(&read(&arm("")));
    let mut seen = applied(&goal);
    let at = seen.seen.iter().position(|live| live.kind.name == SERVICE).unwrap();
    seen.seen[at].fields.insert("running".into(), false.into());
    let stopped = super::of("us-west-2", &goal, &seen, &planned(&goal, &seen, Intent::Present));
    assert_eq!(hours(&stopped), [Money::ZERO; 2]);
    assert!(!stopped.is_about_something());
    assert_eq!(stopped.awake.cost().hour.most, money(ARM));
    // Its count is remembered; where that is not read, one copy counts.
    seen.seen[at].fields.insert("desired_count".into(), Value::Int(0));
    let stopped = super::of("us-west-2", &goal, &seen, &planned(&goal, &seen, Intent::Present));
    assert_eq!((hours(&stopped), stopped.awake.cost().hour.most), ([Money::ZERO; 2], money(ARM)));
    seen.seen[at].fields.remove("running");
    seen.seen[at].readiness = Readiness::Deleting("draining".into());
    let again = super::of("us-west-2", &goal, &seen, &planned(&goal, &seen, Intent::Present));
    assert_eq!(hours(&again), [Money::ZERO, money(ARM)]);
}

#[test]
fn schedules_and_bounds_are_read_from_the_normal_form() {
    let goal = wanted(&read(&arm("")));
    let mut seen = applied(&goal);
    let live = seen.seen.iter_mut().find(|live| live.kind.name == SERVICE).unwrap();
    let part = |key: &str, value: &str| (key.to_owned(), Value::text(value));
    let schedule = Value::map([part("start", "cron(0 9 ? * MON-FRI *)"), part("stop", "cron(0 18 ? * MON-FRI *)")]);
    live.fields.insert("schedule".into(), schedule);
    live.fields.insert("desired_count".into(), Value::Int(0));
    let seen_service = |seen: &Snapshot| {
        let change = super::of("us-west-2", &goal, seen, &planned(&goal, seen, Intent::Absent));
        change.before
    };
    let office = seen_service(&seen);
    assert_eq!(office.services[0].service.minutes, Some(45 * 60));
    assert_eq!(office.cost().hour.most, money(ARM), "outside of its hours it is as large as when it starts");
    let live = seen.seen.iter_mut().find(|live| live.kind.name == SERVICE).unwrap();
    live.fields.insert("autoscaling".into(), Value::map([("min", Value::Int(2)), ("max", Value::Int(5))]));
    live.fields.insert("schedule".into(), Value::map([part("stop", "cron(0 18 ? * MON-FRI *)")]));
    let busy = seen_service(&seen);
    assert_eq!((busy.cost().hour.least, busy.cost().hour.most), (money(ARM).times(2), money(ARM).times(5)));
    assert_eq!(busy.open, ["service.papyrus"]);
}

#[test]
fn what_has_no_price_is_named_with_the_reason() {
    let windows = change(
        None,
        &file("us-west-2", "", "os: windows_server_2022_core, ephemeral_storage: 30")
            .replace("256, memory: 512", "1024, memory: 2048"),
    );
    assert_eq!((windows.after.unpriced.len(), windows.after.services.len()), (1, 0));
    assert!(windows.after.unpriced[0].why.contains("Windows") && windows.is_about_something());
    let foreign = arm("").replace("task_definition: papyrus", "task_definition: { existing: other }");
    assert!(change(None, &foreign).after.unpriced[0].why.contains("not the stack's"));
    assert!(!change(None, &arm("existing: true")).is_about_something());
}

/// The file as it was read and what the provider makes of it come to the same.
#[test]
fn the_file_and_its_normal_form_cost_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/spec/good");
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.example.yaml")];
    files.extend(
        ["load-balanced", "short-and-long", "scheduled", "extra"].map(|name| folder.join(format!("{name}.yaml"))),
    );
    let mut services = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let stack = read(&text);
        let goal = wanted(&stack);
        let seen = Snapshot::default();
        let plan = planned(&goal, &seen, Intent::Present);
        let made = super::of(stack.region.as_str(), &goal, &seen, &plan);
        let mut expected = stack::bill(&stack).services;
        // An order of their own.
        let mut found = made.services.clone();
        expected.sort_by(|a, b| a.address.cmp(&b.address));
        found.sort_by(|a, b| a.address.cmp(&b.address));
        assert_eq!(found, expected, "{}", file.display());
        services += expected.len();
    }
    assert!(services >= 8, "{services}");
}
