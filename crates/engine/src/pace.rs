//! How fast calls may follow each other: a token bucket, as a pure function of the time.

use std::time::Duration;

/// What AWS allows for a family of calls: so many at once, and then so many per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// How many calls may be made at once after a rest.
    pub burst: u32,
    /// How many calls per second are allowed in the long run; more than zero.
    pub per_second: f64,
}

/// A bucket of tokens: every call takes one, and time fills it up again.
#[derive(Clone, Debug)]
pub struct Bucket {
    limit: Limit,
    /// Tokens at `at`; below zero when calls wait for tokens that are still to come.
    tokens: f64,
    at: Duration,
}

impl Bucket {
    /// A bucket that was found empty at `now`: AWS has just refused a call.
    pub fn empty(limit: Limit, now: Duration) -> Self {
        Self { limit, tokens: 0.0, at: now }
    }

    /// Takes a token at `now`, and returns after which time the call may be made. Calls are let through in the order
    /// in which they ask.
    pub fn take(&mut self, now: Duration) -> Duration {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.limit.per_second).min(f64::from(self.limit.burst));
        self.at = self.at.max(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / self.limit.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { burst: 3, per_second: 2.0 };

    fn seconds(time: f64) -> Duration {
        Duration::from_secs_f64(time)
    }

    #[test]
    fn after_a_refusal_calls_go_at_the_rate() {
        let mut bucket = Bucket::empty(LIMIT, seconds(7.0));
        let waits: Vec<Duration> = (0..4).map(|_| bucket.take(seconds(7.0))).collect();
        assert_eq!(waits, [0.5, 1.0, 1.5, 2.0].map(seconds));
    }

    #[test]
    fn a_rest_fills_the_bucket_but_not_beyond_the_burst() {
        let mut bucket = Bucket::empty(LIMIT, Duration::ZERO);
        assert_eq!(bucket.take(seconds(0.5)), Duration::ZERO);
        let waits: Vec<Duration> = (0..4).map(|_| bucket.take(seconds(3600.0))).collect();
        assert_eq!(waits, [0.0, 0.0, 0.0, 0.5].map(seconds));
    }

    #[test]
    fn in_any_second_no_more_pass_than_the_limit_allows() {
        let mut bucket = Bucket::empty(LIMIT, Duration::ZERO);
        let asks = (0..40).map(|n| seconds(f64::from(n) / 10.0));
        let passes: Vec<Duration> = asks.map(|now| now + bucket.take(now)).collect();
        for start in &passes {
            let within = passes.iter().filter(|at| *at >= start && **at < *start + seconds(1.0)).count();
            assert!(within <= 3, "{within} in the second from {start:?}");
        }
    }
}
