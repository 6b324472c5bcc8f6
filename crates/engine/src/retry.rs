//! What follows a failed call of a step, as a pure function. The only place that decides on retries of writes.

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

/// How long each class of failure is given in all. `fresh`: this run has changed something before.
fn patience(class: Class, fresh: bool) -> Duration {
    match class {
        // Security groups wait for the network interfaces of stopped tasks, services for draining tasks:
        // the limits that Terraform's users live with are 15 and 20 minutes.
        Class::Busy => Duration::from_secs(20 * 60),
        // IAM usually catches up in single-digit seconds; two minutes is what other tools allow.
        Class::NotYet if fresh => Duration::from_secs(2 * 60),
        // The same words are told of what is wrong for good. Only a run just before this one can have made what is not known yet.
        Class::NotYet => Duration::from_secs(30),
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

/// However often the class of the failures changes: nothing is tried for longer.
const LONGEST: Duration = Duration::from_secs(20 * 60);

/// The failures of one write so far.
#[derive(Clone, Copy, Debug)]
pub struct Failures {
    start: Duration,
    fresh: bool,
    /// The latest class, how often it has failed so in a row, and since when.
    row: Option<(Class, u32, Duration)>,
}

impl Failures {
    /// None yet; `now` is the time of the first attempt. `fresh`: this run has changed something before.
    pub fn new(now: Duration, fresh: bool) -> Self {
        Self { start: now, fresh, row: None }
    }

    /// What follows one more failure. Each class has its own patience: something that was busy for ten minutes may well be
    /// throttled once.
    pub fn verdict(&mut self, class: Class, now: Duration) -> Verdict {
        let (attempt, since) = match self.row {
            Some((same, attempt, since)) if same == class => (attempt + 1, since),
            // The first failure of all came after the first attempt.
            None => (1, self.start),
            Some(_) => (1, now),
        };
        self.row = Some((class, attempt, since));
        if now.saturating_sub(self.start) >= LONGEST {
            return Verdict::Stop;
        }
        verdict(class, self.fresh, attempt, now.saturating_sub(since))
    }
}

/// What follows the `attempt`-th failure (from 1) of one class in a row, after `elapsed`.
fn verdict(class: Class, fresh: bool, attempt: u32, elapsed: Duration) -> Verdict {
    if elapsed >= patience(class, fresh) {
        return Verdict::Stop;
    }
    let (first, most) = match class {
        // What is busy for minutes is so for more of them.
        Class::Busy if elapsed >= Duration::from_secs(5 * 60) => (500, 30_000),
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

/// How long after a first look that found nothing a second one is made, before a call is repeated that would make a second
/// thing: reads of ECS may be behind for a moment.
pub const SECOND_LOOK: Duration = Duration::from_secs(4);

/// When to look again for something that the cloud says exists and that a look did not find, after so many looks that found
/// nothing. Only worth while if it is probably ours, because an earlier call's answer was lost: reads of IAM may be behind for
/// several seconds.
pub fn next_look(doubtful: bool, looks: u32) -> Option<Duration> {
    (doubtful && looks < 6).then(|| Duration::from_millis(500 << looks.min(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_failures_are_reported_at_once() {
        for class in [Class::Denied, Class::Invalid, Class::Quota, Class::Credentials, Class::Exists] {
            assert_eq!(verdict(class, true, 1, Duration::ZERO), Verdict::Stop, "{class:?}");
        }
    }

    #[test]
    fn what_this_run_cannot_have_made_is_waited_for_only_briefly() {
        let half_a_minute = Duration::from_secs(30);
        assert!(matches!(verdict(Class::NotYet, true, 9, half_a_minute), Verdict::Again(_)));
        assert_eq!(verdict(Class::NotYet, false, 9, half_a_minute), Verdict::Stop);
        assert!(matches!(verdict(Class::NotYet, false, 1, Duration::ZERO), Verdict::Again(_)));
    }

    #[test]
    fn a_lost_reply_is_followed_by_a_look_and_never_by_a_blind_second_call() {
        for attempt in 1..10 {
            assert!(matches!(verdict(Class::Ambiguous, true, attempt, Duration::ZERO), Verdict::Look(_)));
        }
    }

    #[test]
    fn each_class_has_its_own_patience_and_all_of_them_end() {
        let mut failures = Failures::new(Duration::ZERO, true);
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        assert!(matches!(failures.verdict(Class::Busy, minutes(0)), Verdict::Again(_)));
        assert!(matches!(failures.verdict(Class::Busy, minutes(10)), Verdict::Again(_)));
        assert!(matches!(failures.verdict(Class::Throttled, minutes(10)), Verdict::Again(_)));
        assert_eq!(failures.verdict(Class::Throttled, minutes(15)), Verdict::Stop);
        let mut alternating = Failures::new(Duration::ZERO, true);
        let classes = [Class::Busy, Class::Throttled].into_iter().cycle().zip(0..1_000_u64);
        let stopped =
            classes.map(|(class, at)| alternating.verdict(class, minutes(at))).position(|v| v == Verdict::Stop);
        assert_eq!(stopped, Some(20));
    }

    #[test]
    fn what_is_probably_ours_is_looked_for_until_reads_have_caught_up() {
        assert_eq!(next_look(false, 0), None);
        let waited: Duration = (0..).map_while(|looks| next_look(true, looks)).sum();
        assert!(waited > Duration::from_secs(15) && waited < Duration::from_secs(60), "{waited:?}");
    }

    #[test]
    fn every_wait_ends() {
        for class in [Class::Busy, Class::NotYet, Class::Throttled, Class::Server, Class::NotSent, Class::Ambiguous] {
            let mut elapsed = Duration::ZERO;
            let mut attempt = 0;
            loop {
                attempt += 1;
                match verdict(class, true, attempt, elapsed) {
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
