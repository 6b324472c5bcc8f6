//! What the file may say about when a service runs and how many copies of it, and what follows from it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use hatoba_model::kinds::service::Service;
use hatoba_model::load::{Options, load};
use hatoba_model::schedule::Expression;
use hatoba_model::schedule::day::year;
use hatoba_model::yaml::Source;
use proptest::prelude::*;

fn service(body: &str) -> Service {
    let (vars, nothing) = (BTreeMap::new(), |_: &str| None);
    let files = |_: &str| Err("there are no files here".to_owned());
    let options = Options { env: None, vars: &vars, process_env: &nothing, files: &files, account: None, region: None };
    let text = format!(
        "stack: papyrus\nregion: us-west-2\nclusters: {{ papyrus: {{ capacity_providers: [FARGATE] }} }}
task_definitions: {{ papyrus: {{ cpu: 256, memory: 512, containers: {{ app: {{ image: nginx, ports: [80] }} }} }} }}
services: {{ papyrus: {{ cluster: papyrus, task_definition: papyrus, network: {{ public_ip: true }}, {body} }} }}\n"
    );
    let source = Source::new("stack.yaml", text);
    let loaded = load(&source, &options).map_err(|found| found.render(&source)).unwrap();
    loaded.stack.services["papyrus"].clone()
}

/// The days of a year, as `month/day`, on which it happens.
fn days(expression: &str, of: u16) -> Vec<String> {
    let Expression::Cron(cron) = expression.parse().unwrap() else { return Vec::new() };
    year(of).filter(|day| cron.on(*day)).map(|day| format!("{}/{}", day.month, day.day)).collect()
}

#[test]
fn days_are_those_of_the_calendar() {
    for (expression, expected) in [
        ("cron(0 9 L 2-4 ? *)", "2/28 3/31 4/30"),
        ("cron(0 9 1W 8-11 ? *)", "8/3 9/1 10/1 11/2"),
        ("cron(0 9 15W 8-11 ? *)", "8/14 9/15 10/15 11/16"),
        ("cron(0 9 31W 1-7 ? *)", "1/30 3/31 5/29 7/31"),
        ("cron(0 9 ? 1-2 2#1 *)", "1/5 2/2"),
        ("cron(0 9 ? 1-3 FRI#5 *)", "1/30"),
        ("cron(0 9 ? 1-3 6L *)", "1/30 2/27 3/27"),
        ("cron(0 9 ? JAN sat-Mon *)", "1/3 1/4 1/5 1/10 1/11 1/12 1/17 1/18 1/19 1/24 1/25 1/26 1/31"),
        ("cron(0 9 1/10 6 ? 2026)", "6/1 6/11 6/21"),
        ("cron(0 9 1 */4 ? *)", "1/1 5/1 9/1"),
        ("cron(0 9 ? 5 L *)", "5/2 5/9 5/16 5/23 5/30"),
    ] {
        assert_eq!(days(expression, 2026).join(" "), expected, "{expression}");
    }
    assert!(days("cron(0 9 1/10 6 ? 2026)", 2027).is_empty());
}

#[test]
fn every_slip_is_named() {
    for (text, part) in [
        ("cron(0 9 * * MON-FRI *)", "cannot both be given"),
        ("cron(0 9 ? * ? *)", "one of the two days must choose"),
        ("cron(0 9 ? * MON-FRI)", "this one 5"),
        ("cron(0 9 ? * MON-FRI * *)", "this one 7"),
        ("cron(60 9 ? * MON *)", "`60` is no minute; allowed: 0 to 59"),
        ("cron(0 24 ? * MON *)", "`24` is no hour; allowed: 0 to 23"),
        ("cron(0 18-9 ? * MON *)", "`18-9` is no hour"),
        ("cron(0 9 0 * ? *)", "`0` is no day of the month; allowed: 1 to 31"),
        ("cron(0 9 L-3 * ? *)", "`L-3` is no day of the month"),
        ("cron(0 9 ? 13 MON *)", "`13` is no month; allowed: 1 to 12 or JAN to DEC"),
        ("cron(0 9 ? * 0 *)", "`0` is no day of the week; allowed: 1 to 7 or SUN to SAT"),
        ("cron(0 9 ? * MON#6 *)", "`MON#6` is no day of the week"),
        ("cron(0 9 ? * MON 1969)", "`1969` is no year; allowed: 1970 to 2199"),
        ("cron(*/0 9 ? * MON *)", "`*/0` is no minute"),
        ("cron(+5 9 ? * MON *)", "`+5` is no minute"),
        ("cron(0 9 31 2,4 ? *)", "never happens"),
        ("cron(0 9 29 2 ? 2027)", "never happens"),
        ("0 9 * * 1-5", "a schedule of crontab"),
        ("rate(0 minutes)", "is no rate"),
        ("rate(5 weeks)", "is no rate"),
        ("rate(5)", "is no rate"),
        ("at(2026-02-29T18:00:00)", "is no moment"),
        ("at(2026-12-24 18:00:00)", "is no moment"),
        ("at(2026-12-24T18:00:00Z)", "is no moment"),
        ("at(2026-12-24T24:00:00)", "is no moment"),
        ("daily", "is no schedule of AWS"),
        ("Cron(0 9 * * ? *)", "is no schedule of AWS"),
        ("cron", "is no schedule of AWS"),
        ("", "is no schedule of AWS"),
    ] {
        let said = text.parse::<Expression>().unwrap_err().to_string();
        assert!(said.contains(part), "{text}: {said}");
    }
}

#[test]
fn spaces_make_no_difference() {
    for (text, normal) in [
        (" cron( 0  9 ? * MON-FRI * ) ", "cron(0 9 ? * MON-FRI *)"),
        ("rate( 1  day )", "rate(1 day)"),
        ("at( 2028-02-29T18:00:00 )", "at(2028-02-29T18:00:00)"),
    ] {
        let read: Expression = text.parse().unwrap();
        assert_eq!(read.to_string(), normal);
        assert_eq!(normal.parse::<Expression>().unwrap(), read);
    }
}

#[test]
fn how_many_run_follows_from_the_file() {
    let both = "schedule: { start: \"cron(0 9 * * ? *)\", stop: \"cron(0 18 * * ? *)\"";
    for (body, expected) in [
        ("retain: true".to_owned(), 1..=1),
        ("desired_count: 0".to_owned(), 0..=0),
        (format!("{both} }}"), 1..=1),
        (format!("{both} }}, desired_count: 3"), 3..=3),
        // The schedule starts something, and the count is about the first start.
        (format!("{both} }}, desired_count: 0"), 1..=1),
        (format!("{both}, count: 2 }}, desired_count: 3"), 2..=2),
        (format!("{both} }}, autoscaling: {{ min: 2, max: 5, cpu: 50 }}"), 2..=5),
        ("autoscaling: { max: 5, cpu: 50 }".to_owned(), 1..=5),
    ] {
        let service = service(&body);
        assert_eq!(service.running(), expected, "{body}");
        assert_eq!(service.is_scaled(), body.contains("sc"), "{body}");
    }
}

#[test]
fn the_hours_of_a_schedule_are_those_of_a_week() {
    let office = service(
        "schedule: { start: \"cron(0 9 ? * MON-FRI *)\", stop: \"cron(0 18 ? * MON-FRI *)\", timezone: Asia/Tokyo }",
    );
    let schedule = office.schedule.unwrap();
    assert_eq!((schedule.hours_per_week(), schedule.zone().as_str()), (Some(45.0), "Asia/Tokyo"));
    let by_hand = service("schedule: { stop: \"cron(0 18 ? * MON-FRI *)\" }").schedule.unwrap();
    assert_eq!((by_hand.hours_per_week(), by_hand.zone().as_str()), (None, "UTC"));
}

#[test]
fn a_target_group_is_named_by_its_load_balancer() {
    let arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012";
    let balancer = format!("{arn}:loadbalancer/app/papyrus/0123456789abcdef");
    let of = |more: &str, group: &str| {
        let service = service(&format!(
            "load_balancers: [{{ target_group: \"{arn}:targetgroup/web/1\", container: app, port: 80 }}{more}],
             autoscaling: {{ max: 2, requests: {{ per_copy: 10, load_balancer: \"{balancer}\"{group} }} }}"
        ));
        service.autoscaling.as_ref().unwrap().requests.as_ref().unwrap().label(&service)
    };
    assert_eq!(of("", "").unwrap(), "app/papyrus/0123456789abcdef/targetgroup/web/1");
    let second = format!(", {{ target_group: \"{arn}:targetgroup/api/2\", container: app, port: 80 }}");
    let named = format!(", target_group: \"{arn}:targetgroup/api/2\"");
    assert_eq!(of(&second, &named).unwrap(), "app/papyrus/0123456789abcdef/targetgroup/api/2");
}

proptest! {
    /// Over a day and a night the hours are what the clock says.
    #[test]
    fn daily_hours_are_the_difference_of_the_times(start in 0_u32..1440, stop in 0_u32..1440) {
        prop_assume!(start != stop);
        let text = |at: u32| format!("cron({} {} * * ? *)", at % 60, at / 60).parse::<Expression>().unwrap();
        let minutes = (stop + 1440 - start) % 1440;
        let hours = hatoba_model::schedule::hours_per_week(Some(&text(start)), Some(&text(stop))).unwrap();
        prop_assert!((hours - f64::from(7 * minutes) / 60.0).abs() < 1e-9);
    }

    /// No text makes the reader panic, and what it takes it takes again as it prints it.
    #[test]
    fn any_text_is_read_or_refused(text in "(cron|at|rate)?\\(?[0-9 *?/,#LWA-F-]{0,24}\\)?") {
        if let Ok(read) = text.parse::<Expression>() {
            prop_assert_eq!(read.to_string().parse::<Expression>().unwrap(), read);
        }
    }
}
