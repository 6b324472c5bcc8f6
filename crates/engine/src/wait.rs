//! How a resource that takes its time is waited for, as a pure function.

use std::time::Duration;

use crate::snapshot::Readiness;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// That it can be used.
    Ready,
    /// That it is gone.
    Gone,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is as it should be.
    Done,
    /// Look again after this time; the text says what is waited for.
    Poll(Duration, String),
    /// It takes too long; the text says what it was doing.
    TooLong(String),
}

/// Draining tasks, stop time-outs and target deregistration add up; Terraform's limit for a service is 20 minutes.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Reads are behind for seconds. What does not show up for so long was deleted by somebody else.
const UNSEEN: Duration = Duration::from_secs(2 * 60);

/// Decides from what was seen (`None`: nothing there) after waiting for `elapsed`.
pub fn next(until: Until, seen: Option<&Readiness>, elapsed: Duration) -> Next {
    let what = match (until, seen) {
        (Until::Gone, None) | (Until::Ready, Some(Readiness::Ready)) => return Next::Done,
        (Until::Gone, Some(Readiness::Ready)) => "it is still there".to_owned(),
        (Until::Ready, None) => "it does not show up yet".to_owned(),
        (_, Some(Readiness::Settling(what) | Readiness::Deleting(what))) => what.clone(),
    };
    let limit = if seen.is_none() { UNSEEN } else { LIMIT };
    if elapsed >= limit {
        return Next::TooLong(what);
    }
    // Quick at first, because most things are; then every five seconds, because limits are shared. What takes minutes takes more of them.
    let pause = match elapsed.as_millis() {
        0..300 => 100,
        300..2_000 => 300,
        2_000..20_000 => 2_000,
        20_000..120_000 => 5_000,
        120_000..300_000 => 10_000,
        _ => 30_000,
    };
    Next::Poll(Duration::from_millis(pause), what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_when_the_goal_is_seen_and_after_the_limit() {
        assert_eq!(next(Until::Ready, Some(&Readiness::Ready), Duration::ZERO), Next::Done);
        assert_eq!(next(Until::Gone, None, Duration::ZERO), Next::Done);
        let draining = Readiness::Deleting("draining".into());
        assert!(matches!(next(Until::Gone, Some(&draining), Duration::ZERO), Next::Poll(..)));
        assert_eq!(next(Until::Gone, Some(&draining), LIMIT), Next::TooLong("draining".into()));
        assert!(matches!(next(Until::Ready, None, Duration::ZERO), Next::Poll(..)));
        assert!(matches!(next(Until::Ready, None, UNSEEN), Next::TooLong(_)));
    }

    #[test]
    fn the_longest_wait_takes_a_bounded_number_of_looks() {
        let draining = Readiness::Deleting("draining".into());
        let (mut elapsed, mut looks) = (Duration::ZERO, 0);
        while let Next::Poll(pause, _) = next(Until::Gone, Some(&draining), elapsed) {
            elapsed += pause;
            looks += 1;
        }
        assert!(looks < 90, "{looks}");
    }
}
