//! What `hatoba down` and `hatoba up` want: services as they are, but stopped or running, and nothing else of the file. Pure.

use std::collections::BTreeSet;

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;

use crate::deploy::{Pair, as_it_is};
use crate::kinds::service::power::{Seen, readable};

/// What is wanted of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Power {
    /// Nothing runs.
    Down,
    /// They run as before.
    Up,
    /// They run as before until this moment, written `2026-11-21T20:00:00`, in UTC.
    Until(String),
}

/// A goal of services that are as they are, but for whether they run.
pub fn goal(stack: &str, services: &[Pair<'_>], power: &Power) -> Goal {
    let resources = services.iter().map(|pair| (pair.want.address.clone(), wish(*pair, power))).collect();
    Goal { stack: stack.to_owned(), region: None, resources, content: false }
}

fn wish(pair: Pair<'_>, power: &Power) -> Desired {
    let mut want = as_it_is(pair, pair.live, BTreeSet::new());
    let running = match power {
        Power::Down => Value::Bool(false),
        Power::Up => Value::Bool(true),
        Power::Until(moment) => Value::Text(format!("until {}", readable(moment))),
    };
    if *power != Power::Down && want.fields.get("running") != Some(&running) {
        want.fields.insert("copies".into(), Value::Int(copies(pair)));
    }
    want.fields.insert("running".into(), running);
    want
}

/// How many copies are started: as many as ran before, else as many as run now, else what the file says, else one.
fn copies(pair: Pair<'_>) -> i64 {
    let before = remembered(pair.live);
    let number = |value: Option<&Value>| value.and_then(Value::as_int).filter(|count| *count > 0);
    let part = |field: &str, name: &str| number(pair.want.fields.get(field).and_then(|value| value.get(name)));
    before
        .or_else(|| number(pair.live.fields.get("desired_count")))
        .or_else(|| number(pair.want.fields.get("desired_count")))
        .or_else(|| part("schedule", "count"))
        .or_else(|| part("autoscaling", "min"))
        .unwrap_or(1)
}

/// How many copies of a service ran before it was stopped, as its tag remembers.
pub fn remembered(live: &Sighting) -> Option<i64> {
    Seen::of(live)?.remembered()
}

/// Whether the file wants no copy of a service: then it is not `up` that starts one.
pub fn is_off_in_file(want: &Desired) -> bool {
    want.fields.get("desired_count") == Some(&Value::Int(0))
}
