//! What Application Auto Scaling keeps of a service: one scalable target, and by their names actions on a schedule and policies. Its
//! normal form, and the calls that lead from what is there to what is wanted. Pure.
//!
//! Sources: Application Auto Scaling API reference, `RegisterScalableTarget`, `PutScheduledAction`, `PutScalingPolicy`.

use std::collections::BTreeMap;

use hatoba_engine::value::{Fields, Value};
use hatoba_model::kinds::service::{Autoscaling, Schedule, Service as Spec};
use hatoba_model::schedule::{Expression, hours_per_week};
use serde::{Deserialize, Serialize};

/// Our actions. What bears another name is somebody else's.
pub(super) const START: &str = "hatoba-start";
pub(super) const STOP: &str = "hatoba-stop";
pub(super) const UNTIL: &str = "hatoba-until";
const OUR_ACTIONS: [&str; 3] = [START, STOP, UNTIL];

/// Our policies: the name, the key in the file, and the metric of each.
const POLICIES: [(&str, &str, &str); 3] = [
    ("hatoba-cpu", "cpu", "ECSServiceAverageCPUUtilization"),
    ("hatoba-memory", "memory", "ECSServiceAverageMemoryUtilization"),
    ("hatoba-requests", "requests", "ALBRequestCountPerTarget"),
];

/// For how many seconds AWS waits between two changes unless told otherwise (API reference, for ECS services).
const COOLDOWN: i64 = 300;

/// What is shown where a target should be and is not.
const NO_TARGET: &str = "not set up";

/// The fewest and the most copies.
pub(super) type Bounds = (i32, i32);

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scaling {
    pub(super) target: Option<Target>,
    pub(super) actions: BTreeMap<String, Action>,
    pub(super) policies: BTreeMap<String, Policy>,
}

/// Between what numbers the count is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) bounds: Bounds,
    /// Whether nothing happens on schedule.
    pub(super) suspended: bool,
}

/// Something that happens on a schedule: the target gets other bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Action {
    pub(super) schedule: String,
    pub(super) timezone: String,
    pub(super) bounds: (Option<i32>, Option<i32>),
    /// Whether it only happens from or to a certain date, which we never say.
    pub(super) dated: bool,
}

/// Something measured that is kept to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Policy {
    pub(super) metric: String,
    pub(super) label: Option<String>,
    pub(super) value: f64,
    pub(super) scale_in_cooldown: Option<i32>,
    pub(super) scale_out_cooldown: Option<i32>,
    pub(super) scale_in: bool,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Do {
    Register { bounds: Bounds, suspended: bool },
    Deregister,
    PutAction(String, Action),
    DeleteAction(String),
    PutPolicy(String, Policy),
    DeletePolicy(String),
}

/// Nothing runs.
pub(super) const NOTHING: Bounds = (0, 0);

impl Action {
    /// At `at(…)` in UTC, or by a cron expression in its zone, these bounds.
    pub(super) fn new(schedule: &str, timezone: &str, bounds: Bounds) -> Self {
        Self {
            schedule: schedule.to_owned(),
            timezone: timezone.to_owned(),
            bounds: (Some(bounds.0), Some(bounds.1)),
            dated: false,
        }
    }

    fn both(&self) -> Option<Bounds> {
        Some((self.bounds.0?, self.bounds.1?))
    }
}

impl Scaling {
    /// Whether there is something on the target that we did not put there.
    fn has_others(&self) -> bool {
        !self.others().is_empty()
    }

    /// The names of what others put there.
    pub(super) fn others(&self) -> Vec<&str> {
        let actions = self.actions.keys().filter(|name| !OUR_ACTIONS.contains(&name.as_str()));
        let policies = self.policies.keys().filter(|name| POLICIES.iter().all(|(ours, ..)| ours != name));
        actions.chain(policies).map(String::as_str).collect()
    }

    /// Whether the target keeps the service at nothing.
    pub(super) fn is_stopped(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.bounds == NOTHING)
    }

    /// Between which numbers the service runs when it does. While it is stopped the start tells, else what we noted.
    pub(super) fn running(&self, mark: Option<&str>) -> Option<Bounds> {
        let target = self.target.as_ref().map(|target| target.bounds).filter(|bounds| *bounds != NOTHING);
        let start = || self.actions.get(START).and_then(Action::both);
        target.or_else(start).or_else(|| read_mark(mark?).map(|(bounds, _)| bounds))
    }
}

/// What our tag says of the target: `2` where only a schedule starts copies, `1-4` where load decides between these numbers.
fn mark_of(bounds: Bounds, by_load: bool) -> String {
    if by_load { format!("{}-{}", bounds.0, bounds.1) } else { bounds.1.to_string() }
}

/// The bounds that a tag names, and whether load decides between them.
fn read_mark(mark: &str) -> Option<(Bounds, bool)> {
    match mark.split_once('-') {
        Some((min, max)) => Some(((min.parse().ok()?, max.parse().ok()?), true)),
        None => mark.parse().ok().map(|count| ((count, count), false)),
    }
}

/// How many copies a new service begins with.
pub(super) fn first_count(spec: &Spec) -> u32 {
    let running = spec.running();
    match spec.desired_count {
        // The schedule starts it.
        Some(0) if spec.schedule.as_ref().is_some_and(|schedule| schedule.start.is_some()) => 0,
        Some(count) => count.clamp(*running.start(), *running.end()),
        None => *running.start(),
    }
}

/// The fields of a service of the file.
pub(super) fn wish(spec: &Spec) -> Fields {
    let mut fields = Fields::new();
    if let Some(schedule) = &spec.schedule {
        let count = spec.autoscaling.is_none().then(|| *spec.running().start());
        fields.insert("schedule".into(), schedule_wish(schedule, count));
    }
    if let Some(autoscaling) = &spec.autoscaling {
        fields.insert("autoscaling".into(), autoscaling_wish(spec, autoscaling));
    }
    fields
}

fn schedule_wish(schedule: &Schedule, count: Option<u32>) -> Value {
    let mut parts = BTreeMap::from([("timezone".to_owned(), Value::text(schedule.zone().as_str()))]);
    for (name, expression) in [("start", &schedule.start), ("stop", &schedule.stop)] {
        parts.extend(expression.as_ref().map(|expression| (name.to_owned(), Value::text(expression.to_string()))));
    }
    parts.extend(count.map(|count| ("count".to_owned(), Value::from(count))));
    parts.extend(effect(schedule.start.as_ref(), schedule.stop.as_ref()));
    Value::Map(parts)
}

/// What a schedule comes to, in words.
fn effect(start: Option<&Expression>, stop: Option<&Expression>) -> Option<(String, Value)> {
    let hours = hours_per_week(start, stop)?;
    let rounded = (hours * 10.0).round() / 10.0;
    Some(("runs".to_owned(), Value::Text(format!("{rounded} h of 168 h a week"))))
}

fn autoscaling_wish(spec: &Spec, autoscaling: &Autoscaling) -> Value {
    let bounds = autoscaling.bounds();
    let mut parts = BTreeMap::from([
        ("min".to_owned(), Value::from(*bounds.start())),
        ("max".to_owned(), Value::from(*bounds.end())),
    ]);
    for (name, percent) in [("cpu", autoscaling.cpu), ("memory", autoscaling.memory)] {
        parts.extend(percent.map(|percent| (name.to_owned(), Value::from(percent))));
    }
    if let Some(requests) = &autoscaling.requests {
        let label = requests.label(spec).unwrap_or_default();
        let value =
            [("per_copy", Value::from(requests.per_copy.unwrap_or_default())), ("target_group", Value::Text(label))];
        parts.insert("requests".to_owned(), Value::map(value));
    }
    if POLICIES.iter().any(|(_, key, _)| parts.contains_key(*key)) {
        let cooldowns = [
            ("scale_in_cooldown", autoscaling.scale_in_cooldown),
            ("scale_out_cooldown", autoscaling.scale_out_cooldown),
        ];
        for (name, seconds) in cooldowns {
            let seconds = seconds.map(i64::from).filter(|seconds| *seconds != COOLDOWN);
            parts.extend(seconds.map(|seconds| (name.to_owned(), Value::Int(seconds))));
        }
        if autoscaling.scale_in == Some(false) {
            parts.insert("scale_in".to_owned(), false.into());
        }
    }
    Value::Map(parts)
}

/// The fields that what is there comes to. Without our tag it is not ours, and counts as not there.
pub(super) fn normal(have: &Scaling, mark: Option<&str>, is_down: bool) -> Fields {
    let mut fields = Fields::new();
    let Some((noted, by_load)) = mark.and_then(read_mark) else { return fields };
    let running = have.running(mark).unwrap_or(noted);
    let scheduled = schedule_parts(have, running, by_load, is_down);
    if !scheduled.is_empty() {
        fields.insert("schedule".into(), Value::Map(scheduled));
    }
    if by_load {
        fields.insert("autoscaling".into(), Value::Map(load_parts(have, running)));
    }
    fields
}

fn schedule_parts(have: &Scaling, running: Bounds, by_load: bool, is_down: bool) -> BTreeMap<String, Value> {
    let mut parts = BTreeMap::new();
    let mut put = |name: &str, value: Value| drop(parts.insert(name.to_owned(), value));
    let (start, stop) = (have.actions.get(START), have.actions.get(STOP));
    let mut zones: Vec<&str> = [start, stop].into_iter().flatten().map(|action| action.timezone.as_str()).collect();
    zones.dedup();
    if !zones.is_empty() {
        put("timezone", Value::Text(zones.join(", ")));
    }
    for (name, action) in [("start", start), ("stop", stop)] {
        let Some(action) = action else { continue };
        put(name, Value::text(&action.schedule));
        if action.dated {
            put(&format!("{name}_dated"), true.into());
        }
    }
    let read = |action: Option<&Action>| action.and_then(|action| action.schedule.parse::<Expression>().ok());
    if let Some((name, value)) = effect(read(start).as_ref(), read(stop).as_ref()) {
        put(&name, value);
    }
    if let Some(stop) = stop.filter(|stop| stop.both() != Some(NOTHING)) {
        put("stop_count", Value::Text(shown(stop.bounds)));
    }
    let starts_so = start.is_none_or(|start| start.both() == Some(running));
    let count = match (&have.target, start) {
        (None, _) if !by_load => Some(Value::text(NO_TARGET)),
        (_, Some(start)) if !starts_so => {
            Some(Value::Text(format!("{}, from the start on {}", range(running), shown(start.bounds))))
        }
        _ if by_load => None,
        _ if running.0 == running.1 => Some(Value::from(running.0)),
        _ => Some(Value::Text(range(running))),
    };
    if let Some(count) = count {
        put("count", count);
    }
    if !is_down && have.target.as_ref().is_some_and(|target| target.suspended) {
        put("suspended", true.into());
    }
    parts
}

fn load_parts(have: &Scaling, running: Bounds) -> BTreeMap<String, Value> {
    let mut parts = BTreeMap::new();
    let mut put = |name: &str, value: Value| drop(parts.insert(name.to_owned(), value));
    put("min", running.0.into());
    put("max", if have.target.is_some() { running.1.into() } else { Value::text(NO_TARGET) });
    let mut ours = Vec::new();
    for (name, key, metric) in POLICIES {
        let Some(policy) = have.policies.get(name) else { continue };
        ours.push(policy);
        let value = match &policy.label {
            _ if policy.metric != metric => Value::text(&policy.metric),
            Some(label) => Value::map([("per_copy", number(policy.value)), ("target_group", Value::text(label))]),
            None => number(policy.value),
        };
        put(key, value);
    }
    let cooldown = |of: fn(&Policy) -> Option<i32>| {
        let mut all: Vec<i64> = ours.iter().map(|policy| of(policy).map_or(COOLDOWN, i64::from)).collect();
        all.dedup();
        match all.as_slice() {
            [] | [COOLDOWN] => None,
            [only] => Some(Value::Int(*only)),
            several => Some(Value::Text(several.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))),
        }
    };
    let cooldowns = [
        ("scale_in_cooldown", cooldown(|policy| policy.scale_in_cooldown)),
        ("scale_out_cooldown", cooldown(|policy| policy.scale_out_cooldown)),
    ];
    for (name, value) in cooldowns {
        if let Some(value) = value {
            put(name, value);
        }
    }
    let grow_only = ours.iter().filter(|policy| !policy.scale_in).count();
    if grow_only > 0 {
        let all = grow_only == ours.len();
        put("scale_in", if all { false.into() } else { Value::text("of some") });
    }
    parts
}

/// A whole number as such; a fraction as its text.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a fraction of nothing was looked at just before, and targets are small"
)]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { Value::Int(value as i64) } else { Value::Text(value.to_string()) }
}

fn range((min, max): Bounds) -> String {
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}

fn shown(bounds: (Option<i32>, Option<i32>)) -> String {
    let one = |bound: Option<i32>| bound.map_or_else(|| "any".to_owned(), |bound| bound.to_string());
    match bounds {
        (Some(min), Some(max)) => range((min, max)),
        (min, max) => format!("{} to {}", one(min), one(max)),
    }
}

/// What the fields of a wish come to as things of AWS, and the tag that tells of them. Nothing where they say nothing of it.
pub(super) fn wanted(fields: &Fields) -> Option<(Scaling, String)> {
    let part = |field: &str, name: &str| fields.get(field).and_then(|value| value.get(name));
    let int = |field, name| part(field, name).and_then(Value::as_int).and_then(|number| i32::try_from(number).ok());
    let by_load = fields.contains_key("autoscaling");
    let bounds = match (by_load, fields.contains_key("schedule")) {
        (true, _) => (int("autoscaling", "min")?, int("autoscaling", "max")?),
        (false, true) => int("schedule", "count").map(|count| (count, count))?,
        (false, false) => return None,
    };
    let mut scaling = Scaling { target: Some(Target { bounds, suspended: false }), ..Scaling::default() };
    let zone = part("schedule", "timezone").and_then(Value::as_text).unwrap_or("UTC");
    for (name, key, bounds) in [(START, "start", bounds), (STOP, "stop", NOTHING)] {
        if let Some(expression) = part("schedule", key).and_then(Value::as_text) {
            scaling.actions.insert(name.to_owned(), Action::new(expression, zone, bounds));
        }
    }
    let scale_in = part("autoscaling", "scale_in").and_then(Value::as_bool).unwrap_or(true);
    for (name, key, metric) in POLICIES {
        let Some(value) = part("autoscaling", key) else { continue };
        let target = value.get("per_copy").or(Some(value)).and_then(Value::as_int);
        let policy = Policy {
            metric: metric.to_owned(),
            label: value.get("target_group").and_then(Value::as_text).map(str::to_owned),
            value: target.and_then(|target| i32::try_from(target).ok()).map(f64::from)?,
            scale_in_cooldown: int("autoscaling", "scale_in_cooldown"),
            scale_out_cooldown: int("autoscaling", "scale_out_cooldown"),
            scale_in,
        };
        scaling.policies.insert(name.to_owned(), policy);
    }
    Some((scaling, mark_of(bounds, by_load)))
}

/// The calls that lead from what is there to what is wanted, in an order in which each may be the last. A service that is down stays so.
pub(super) fn steps(want: Option<&Scaling>, have: &Scaling, is_down: bool, desired: i64) -> Vec<Do> {
    let Some(want) = want else {
        return match &have.target {
            // With the target goes everything on it.
            Some(_) if !have.has_others() => vec![Do::Deregister],
            _ => remove(&Scaling::default(), have),
        };
    };
    let mut steps = Vec::new();
    let running = want.target.as_ref().map_or(NOTHING, |target| target.bounds);
    let bounds = match &have.target {
        _ if is_down => NOTHING,
        // A service of which nothing runs waits for its schedule, instead of being started at the wrong time.
        None if desired == 0 && want.actions.contains_key(START) => NOTHING,
        Some(target) if target.bounds == NOTHING && !want.actions.is_empty() => NOTHING,
        _ => running,
    };
    if have.target.as_ref().is_none_or(|target| target.bounds != bounds || target.suspended != is_down) {
        steps.push(Do::Register { bounds, suspended: is_down });
    }
    let changed = |name: &String, action: &Action| have.actions.get(name) != Some(action);
    let actions = want.actions.iter().filter(|(name, action)| changed(name, action));
    steps.extend(actions.map(|(name, action)| Do::PutAction(name.clone(), action.clone())));
    let same = |policy: &Policy, there: &Policy| {
        let seconds = |cooldown: Option<i32>| cooldown.map_or(COOLDOWN, i64::from);
        Policy { scale_in_cooldown: None, scale_out_cooldown: None, ..policy.clone() }
            == Policy { scale_in_cooldown: None, scale_out_cooldown: None, ..there.clone() }
            && seconds(policy.scale_in_cooldown) == seconds(there.scale_in_cooldown)
            && seconds(policy.scale_out_cooldown) == seconds(there.scale_out_cooldown)
    };
    let policies =
        want.policies.iter().filter(|(name, policy)| have.policies.get(*name).is_none_or(|there| !same(policy, there)));
    steps.extend(policies.map(|(name, policy)| Do::PutPolicy(name.clone(), policy.clone())));
    steps.extend(remove(want, have));
    steps
}

/// Takes away what is ours and no more wanted. The end of an `up --for` is not the file's to decide.
fn remove(want: &Scaling, have: &Scaling) -> Vec<Do> {
    let actions =
        [START, STOP].into_iter().filter(|name| have.actions.contains_key(*name) && !want.actions.contains_key(*name));
    let policies = POLICIES.iter().map(|(name, ..)| *name);
    let policies = policies.filter(|name| have.policies.contains_key(*name) && !want.policies.contains_key(*name));
    let actions = actions.map(|name| Do::DeleteAction(name.to_owned()));
    actions.chain(policies.map(|name| Do::DeletePolicy(name.to_owned()))).collect()
}

#[cfg(test)]
#[path = "scaling_tests.rs"]
mod tests;
