//! What follows a failed write, as a pure function. The only place that decides on retries of writes.

use std::time::Duration;

use crate::cloud::Class;

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same call again after this time.
    Again(Duration),
    /// First look what the call did, after this time.
    Look(Duration),
    /// It has failed.
    Stop,
}

/// How long each class of failure is given in all.
fn patience(class: Class) -> Duration {
    match class {
        // Security groups wait for the network interfaces of stopped tasks, services for draining tasks:
        // the limits that Terraform's users live with are 15 and 20 minutes.
        Class::Busy => Duration::from_secs(20 * 60),
        // IAM usually catches up in single-digit seconds; two minutes is what other tools allow.
        Class::NotYet => Duration::from_secs(2 * 60),
        Class::Throttled => Duration::from_secs(5 * 60),
        Class::Server | Class::NotSent | Class::Ambiguous => Duration::from_secs(60),
        Class::Gone
        | Class::Exists
        | Class::Denied
        | Class::Credentials
        | Class::Invalid
        | Class::Quota
        | Class::Other => Duration::ZERO,
    }
}

/// What follows the `attempt`-th failure (from 1) of a write that has been tried for `elapsed` so far.
pub fn verdict(class: Class, attempt: u32, elapsed: Duration) -> Verdict {
    if elapsed >= patience(class) {
        return Verdict::Stop;
    }
    let (first, most) = match class {
        Class::Busy => (500, 10_000),
        Class::NotYet => (250, 2_000),
        Class::Throttled => (500, 8_000),
        _ => (100, 4_000),
    };
    let pause = Duration::from_millis((first << (attempt.clamp(1, 8) - 1)).min(most));
    match class {
        Class::Ambiguous | Class::Server => Verdict::Look(pause),
        _ => Verdict::Again(pause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_failures_are_reported_at_once() {
        for class in [Class::Denied, Class::Invalid, Class::Quota, Class::Credentials, Class::Exists] {
            assert_eq!(verdict(class, 1, Duration::ZERO), Verdict::Stop, "{class:?}");
        }
    }

    #[test]
    fn a_lost_reply_is_followed_by_a_look_and_never_by_a_blind_second_call() {
        for attempt in 1..10 {
            assert!(matches!(verdict(Class::Ambiguous, attempt, Duration::ZERO), Verdict::Look(_)));
        }
    }

    #[test]
    fn every_wait_ends() {
        for class in [Class::Busy, Class::NotYet, Class::Throttled, Class::Server, Class::NotSent, Class::Ambiguous] {
            let mut elapsed = Duration::ZERO;
            let mut attempt = 0;
            loop {
                attempt += 1;
                match verdict(class, attempt, elapsed) {
                    Verdict::Again(pause) | Verdict::Look(pause) => {
                        assert!(pause > Duration::ZERO);
                        elapsed += pause;
                    }
                    Verdict::Stop => break,
                }
                assert!(attempt < 1_000, "{class:?} is retried for ever");
            }
        }
    }
}
