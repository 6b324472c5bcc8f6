//! How long a run rested because calls had failed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::invocation::Run;
use crate::proxy::CallRecord;

/// A rest, from when to when.
type Rest = (Duration, Duration);

/// How much of a run with `-v` was covered by rests: those that it tells of, and those of the SDK between two attempts at
/// one operation, which the calls show. Rests side by side count once.
pub fn owed(run: &Run, calls: &[CallRecord]) -> Duration {
    let told = run.told.iter().filter_map(|(at, line)| Some((*at, *at + pause(line)?)));
    covered(told.chain(between_attempts(calls)).collect())
}

/// The time that a line announces: `… trying again … pause=100ms`, `… kept back … wait=1.2s`.
fn pause(line: &str) -> Option<Duration> {
    let begin = ["trying again", "kept back"].iter().any(|text| line.contains(text));
    let text = ["pause=", "wait="].iter().find_map(|key| line.split(key).nth(1)).filter(|_| begin)?;
    let text = text.split_whitespace().next()?;
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let seconds: f64 = number.parse().ok()?;
    let scale = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Some(Duration::from_secs_f64(seconds * scale))
}

fn between_attempts(calls: &[CallRecord]) -> Vec<Rest> {
    let mut last: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut rests = Vec::new();
    for call in calls.iter().filter(|call| !call.invocation.is_empty()) {
        if let Some(end) = last.insert(&call.invocation, call.end) {
            rests.push((end, call.start));
        }
    }
    rests
}

fn covered(mut rests: Vec<Rest>) -> Duration {
    rests.sort_unstable();
    let (mut sum, mut reached) = (Duration::ZERO, Duration::ZERO);
    for (begin, end) in rests {
        sum += end.saturating_sub(begin.max(reached));
        reached = reached.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{covered, pause};

    #[test]
    fn pauses_are_read_as_the_log_writes_them() {
        let line = " INFO hatoba::progress: trying again resource=role.a error=iam:CreateRole: x pause=1.5s\n";
        assert_eq!(pause(line), Some(Duration::from_millis(1500)));
        assert_eq!(pause(" INFO hatoba_provider::http: kept back, to stay wait=20ms"), Some(Duration::from_millis(20)));
        assert_eq!(pause(" INFO hatoba::session: looked took=20ms"), None);
    }

    #[test]
    fn rests_side_by_side_count_once() {
        let ms = Duration::from_millis;
        assert_eq!(covered(vec![(ms(5), ms(9)), (ms(0), ms(3)), (ms(2), ms(4)), (ms(6), ms(7))]), ms(8));
    }
}
