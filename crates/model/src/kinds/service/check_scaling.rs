//! What Application Auto Scaling would only tell when it is set up, or never: schedules and bounds that contradict each other.

use super::Service;
use super::scaling::{Autoscaling, Schedule};
use crate::check::{Check, shorten};
use crate::schedule::Expression;

/// More tasks than a service may have (Amazon ECS service quotas: 5000 tasks a service).
const MOST_TASKS: u32 = 5000;

pub(super) fn check(service: &Service, cx: &mut Check<'_>) {
    if let Some(schedule) = &service.schedule {
        check_schedule(service, schedule, cx);
    }
    if let Some(autoscaling) = &service.autoscaling {
        check_autoscaling(service, autoscaling, cx);
    }
}

fn check_schedule(service: &Service, schedule: &Schedule, cx: &mut Check<'_>) {
    let place = ["schedule"];
    if schedule.start.is_none() && schedule.stop.is_none() && !cx.unreadable_within(&place) {
        cx.error(&place, "missing-key", "`start` or `stop` is required")
            .help("`schedule: { start: \"cron(0 9 ? * MON-FRI *)\", stop: \"cron(0 18 ? * MON-FRI *)\", timezone: Asia/Tokyo }`");
    }
    for (key, expression) in [("start", &schedule.start), ("stop", &schedule.stop)] {
        if let Some(Expression::Rate(_)) = expression {
            cx.warn(
                &["schedule", key],
                "rate-schedule",
                "`rate(…)` counts from the moment at which the schedule is made, whenever that is",
            )
            .help("say when: `cron(0 9 ? * MON-FRI *)`");
        }
    }
    if schedule.hours_per_week() == Some(0.0) {
        cx.error(&["schedule", "stop"], "never-runs", "it stops in the minute in which it starts: it never runs")
            .help("choose a later time, or write `desired_count: 0` instead of the schedule");
    }
    match schedule.count {
        Some(0) => {
            cx.error(&["schedule", "count"], "out-of-range", "a schedule that starts no copy starts nothing")
                .help("write a number from 1 on, or remove the schedule and write `desired_count: 0`");
        }
        Some(count) if count > MOST_TASKS => {
            cx.error(&["schedule", "count"], "out-of-range", "a service runs at most 5000 tasks")
                .help("write a smaller number");
        }
        Some(_) if service.autoscaling.is_some() => {
            cx.error(&["schedule", "count"], "either-or", "`count` and `autoscaling` exclude each other")
                .help("remove `count`: the start brings back `min` and `max` of `autoscaling`");
        }
        _ => {}
    }
}

fn check_autoscaling(service: &Service, autoscaling: &Autoscaling, cx: &mut Check<'_>) {
    let bounds = autoscaling.bounds();
    match autoscaling.max {
        None if !cx.unreadable_within(&["autoscaling", "max"]) => {
            cx.error(&["autoscaling"], "missing-key", "`max` is required")
                .help("it is the most that you are ready to pay for: `autoscaling: { min: 1, max: 4, cpu: 70 }`");
        }
        Some(max) if max > MOST_TASKS => {
            cx.error(&["autoscaling", "max"], "out-of-range", "a service runs at most 5000 tasks")
                .help("write a smaller number");
        }
        Some(0) => {
            cx.error(&["autoscaling", "max"], "out-of-range", "with `max: 0` nothing ever runs")
                .help("write a number from 1 on; `hatoba down` stops a service");
        }
        Some(max) if bounds.is_empty() => {
            cx.error(
                &["autoscaling", "max"],
                "out-of-range",
                format!("at least {} and at most {max} copies: no number is both", bounds.start()),
            )
            .help("raise `max`, or lower `min`");
        }
        _ => {
            if let Some(count) = service.desired_count.filter(|count| !bounds.contains(count) && *count > 0) {
                cx.warn(
                    &["desired_count"],
                    "desired-count",
                    format!("{count} is not between `min` and `max` of `autoscaling`, which decides"),
                )
                .help("remove the line");
            }
        }
    }
    for (key, percent) in [("cpu", autoscaling.cpu), ("memory", autoscaling.memory)] {
        if percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
            cx.error(&["autoscaling", key], "out-of-range", format!("`{key}` is 1 to 100 percent"))
                .help("70 leaves room for a peak until the next copy runs");
        }
    }
    let measured = autoscaling.cpu.is_some() || autoscaling.memory.is_some();
    if !measured && autoscaling.requests.is_none() && !cx.unreadable_within(&["autoscaling"]) {
        cx.warn(
            &["autoscaling"],
            "no-target",
            "without `cpu`, `memory` or `requests` nothing changes the number of copies",
        )
        .help("add what to keep to: `cpu: 70`");
    }
    if autoscaling.min == Some(0) && measured && autoscaling.requests.is_none() {
        cx.warn(
            &["autoscaling", "min"],
            "no-way-back",
            "with no copy running there is no usage to measure: nothing starts one again",
        )
        .help("write `min: 1`");
    }
    requests(service, autoscaling, cx);
}

fn requests(service: &Service, autoscaling: &Autoscaling, cx: &mut Check<'_>) {
    let Some(requests) = &autoscaling.requests else { return };
    let place = ["autoscaling", "requests"];
    if requests.per_copy.is_none_or(|count| count == 0) && !cx.unreadable_within(&[place[0], place[1], "per_copy"]) {
        cx.error(&place, "missing-key", "`per_copy` is required: how many requests a minute a copy should get")
            .help("`requests: { per_copy: 1000, load_balancer: arn:… }`");
    }
    if requests.load_balancer.is_empty() {
        if !cx.unreadable_within(&[place[0], place[1], "load_balancer"]) {
            cx.error(&place, "missing-key", "`load_balancer` is required: the ARN of the application load balancer")
                .help("AWS counts the requests of a target group by load balancer");
        }
        return;
    }
    if !requests.load_balancer.contains(":loadbalancer/app/") {
        cx.error(
            &[place[0], place[1], "load_balancer"],
            "not-an-arn",
            format!("`{}` is not the ARN of an application load balancer", shorten(&requests.load_balancer)),
        )
        .help("it looks like `arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/papyrus/0123456789abcdef`");
        return;
    }
    if let Some(group) = &requests.target_group {
        cx.arn(&[place[0], place[1], "target_group"], group, "elasticloadbalancing");
    } else if service.load_balancers.len() != 1 {
        cx.error(&place, "missing-key", "`target_group` is required unless the service has one load balancer")
            .help("write the ARN of the target group whose requests count");
    }
}
