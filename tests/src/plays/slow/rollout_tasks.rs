//! What the tasks of a scenario have besides their status: ids, times, zones, network interfaces. Source: ECS API reference, `Task`; EC2
//! API reference, `DescribeNetworkInterfaces`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::rollout_script::Task;
use crate::proxy::Call;

/// What the ids of tasks are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ids {
    /// Easy to tell from others: `11111111…`.
    #[default]
    Plain,
    /// As ECS makes them.
    Lifelike,
}

impl Ids {
    /// The id of a task.
    pub(super) fn of(self, number: u32) -> String {
        match self {
            Self::Plain => number.to_string().repeat(32).chars().take(32).collect(),
            // An odd factor scatters small numbers over all digits; nothing depends on how well.
            Self::Lifelike => {
                format!("{:032x}", 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128.wrapping_mul(u128::from(number) + 5))
            }
        }
    }
}

/// Whether a task runs.
pub(super) fn is_running(task: &Task) -> bool {
    matches!(task.status.as_str(), "RUNNING" | "HEALTHY" | "UNHEALTHY")
}

/// When tasks began to run and stopped, in seconds since 1970, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Seen {
    started: BTreeMap<u32, f64>,
    stopped: BTreeMap<u32, f64>,
}

impl Seen {
    /// Tasks as they are now.
    pub(super) fn note(&mut self, tasks: &[Task]) {
        let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
        for task in tasks {
            if is_running(task) {
                self.started.entry(task.number).or_insert(now.as_secs_f64());
            } else if task.stopped.is_some() {
                self.stopped.entry(task.number).or_insert(now.as_secs_f64());
            }
        }
    }

    /// Completes a task as it is shown.
    pub(super) fn add_to(&self, shown: &mut Value, call: &Call, task: &Task) {
        let zone = ["a", "b", "c"].get(task.number as usize % 3).unwrap_or(&"a");
        shown["availabilityZone"] = json!(format!("{}{zone}", call.region));
        for (name, times) in [("startedAt", &self.started), ("stoppedAt", &self.stopped)] {
            if let Some(at) = times.get(&task.number) {
                shown[name] = json!(at);
            }
        }
        let (interface, private) = (interface(task.number), private(task.number));
        shown["attachments"] = json!([{
            "type": "ElasticNetworkInterface", "status": "ATTACHED",
            "details": [
                { "name": "networkInterfaceId", "value": interface },
                { "name": "privateIPv4Address", "value": private },
            ],
        }]);
    }
}

fn interface(number: u32) -> String {
    format!("eni-{number:017x}")
}

fn private(number: u32) -> String {
    format!("172.31.16.{}", 10 + number % 200)
}

/// The answer of `DescribeNetworkInterfaces`: those of tasks that have not stopped. Addresses are of the range for documents (RFC 5737).
pub(super) fn interfaces(tasks: &[Task]) -> String {
    let mut items = String::new();
    for task in tasks.iter().filter(|task| task.stopped.is_none()) {
        let (id, public) = (interface(task.number), 10 + task.number % 200);
        // Writing to a text does not fail.
        let _ = write!(
            items,
            "<item><networkInterfaceId>{id}</networkInterfaceId><association><publicIp>203.0.113.{public}</publicIp></association></item>"
        );
    }
    format!(
        "<DescribeNetworkInterfacesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>0</requestId>\
         <networkInterfaceSet>{items}</networkInterfaceSet></DescribeNetworkInterfacesResponse>"
    )
}
