//! What passed: counts, times and round-trip depth.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::protocol::Call;

/// One call that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Its number, from 1, in the order of arrival.
    pub seq: u64,
    /// When it arrived, since the proxy started.
    pub start: Duration,
    /// When its answer was ready, since the proxy started.
    pub end: Duration,
    /// The service, as in [`Call::service`].
    pub service: String,
    /// The action, as in [`Call::action`].
    pub action: String,
    /// The status that was sent; none when the connection was closed instead.
    pub status: Option<u16>,
    /// What the proxy did to it: `throttle`, `drop_reply`, ...; none when it passed.
    pub fault: Option<&'static str>,
    /// As in [`Call::invocation`]: attempts of the SDK at one operation share it.
    pub invocation: String,
}

impl CallRecord {
    /// Returns `service:action`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.action)
    }

    /// Returns the record as one JSON object with the times in microseconds.
    pub fn to_json(&self) -> Value {
        json!({
            "seq": self.seq,
            "start_us": micros(self.start),
            "end_us": micros(self.end),
            "service": self.service,
            "action": self.action,
            "status": self.status,
            "fault": self.fault,
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the round-trip depth: the length of the longest chain of calls in which each starts after the one before has
/// ended. It is what latency multiplies with: calls side by side count once.
pub fn depth(calls: &[CallRecord]) -> usize {
    let mut spans: Vec<(Duration, Duration)> = calls.iter().map(|call| (call.end, call.start)).collect();
    spans.sort_unstable();
    // The classic choice of most intervals that do not overlap: always the one that ends first.
    let mut free_from = None;
    let mut length = 0;
    for (end, start) in spans {
        if free_from.is_none_or(|free| start >= free) {
            free_from = Some(end);
            length += 1;
        }
    }
    length
}

/// The log of one proxy.
#[derive(Debug)]
pub(super) struct Log {
    epoch: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bumped by `clear`, so that a call from before does not land in the new log.
    era: u64,
    next: u64,
    running: usize,
    done: Vec<CallRecord>,
    file: Option<File>,
}

/// A call that has arrived and not ended.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) seq: u64,
    era: u64,
    start: Duration,
}

impl Log {
    pub(super) fn new(file: Option<File>) -> Self {
        Self { epoch: Instant::now(), state: Mutex::new(State { file, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> Ticket {
        let mut state = self.state();
        state.next += 1;
        state.running += 1;
        Ticket { seq: state.next, era: state.era, start: self.epoch.elapsed() }
    }

    pub(super) fn end(&self, ticket: &Ticket, call: &Call, status: Option<u16>, fault: Option<&'static str>) {
        let mut state = self.state();
        state.running = state.running.saturating_sub(1);
        let record = CallRecord {
            seq: ticket.seq,
            start: ticket.start,
            end: self.epoch.elapsed(),
            service: call.service.clone(),
            action: call.action.clone(),
            status,
            fault,
            invocation: call.invocation.clone(),
        };
        if let Some(file) = state.file.as_mut() {
            // A full disk must not break the calls.
            let _ = writeln!(file, "{}", record.to_json());
        }
        if ticket.era == state.era {
            state.done.push(record);
        }
    }

    /// Now, in the time of the records.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(super) fn running(&self) -> usize {
        self.state().running
    }

    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.era += 1;
        state.next = 0;
        state.done.clear();
    }

    pub(super) fn calls(&self) -> Vec<CallRecord> {
        let mut calls = self.state().done.clone();
        calls.sort_unstable_by_key(|call| call.seq);
        calls
    }
}

/// Counts calls by `service:action`.
pub fn counts(calls: &[CallRecord]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.name()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CallRecord, depth};

    fn calls(spans: &[(u64, u64)]) -> Vec<CallRecord> {
        let record = |(start, end): &(u64, u64)| CallRecord {
            seq: 0,
            start: Duration::from_millis(*start),
            end: Duration::from_millis(*end),
            service: "ecs".to_owned(),
            action: "ListClusters".to_owned(),
            status: Some(200),
            fault: None,
            invocation: String::new(),
        };
        spans.iter().map(record).collect()
    }

    #[test]
    fn depth_counts_what_comes_after_another() {
        assert_eq!(depth(&[]), 0);
        assert_eq!(depth(&calls(&[(0, 10), (1, 9), (2, 11)])), 1, "side by side");
        assert_eq!(depth(&calls(&[(0, 10), (10, 20), (20, 30)])), 3, "one after the other");
        assert_eq!(depth(&calls(&[(0, 10), (0, 30), (10, 20), (31, 40)])), 3, "a slow one beside two quick ones");
    }

    #[test]
    fn depth_does_not_depend_on_the_order_of_the_log() {
        let mut spans = calls(&[(0, 4), (5, 9), (3, 6), (9, 12), (1, 2), (2, 3)]);
        let before = depth(&spans);
        spans.reverse();
        // 1-2, 2-3, 3-6 (or 5-9), 9-12.
        assert_eq!((before, depth(&spans)), (4, 4));
    }
}
