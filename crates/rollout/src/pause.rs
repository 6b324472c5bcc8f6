//! How long to rest between two looks, and how long to look at all.

use std::time::Duration;

/// How long a deployment is followed unless stated. ECS pulls an image in a minute or two, waits 40 seconds after a start before a
/// task without health checks counts, and up to five minutes until a load balancer lets go of old tasks; its circuit breaker needs
/// three failed starts. Terraform waits for a service as long; the waiter of the SDK half as long.
pub const TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// The longest rest unless stated.
pub const LONGEST: Duration = Duration::from_secs(5);

/// How many reads of tasks a second are left to others: the API refills 20 a second for an account and region ("Request throttling
/// for the Amazon ECS API"), a look at one service takes up to three.
const PER_SECOND: f64 = 15.0;
const READS: f64 = 3.0;

/// How long to rest after so much time with so many deployments that are still followed. Quick at first, because what is complete
/// shows at once; never longer than `longest`, unless the limits of the API want it.
pub fn pause(elapsed: Duration, followed: usize, longest: Duration) -> Duration {
    let usual = match elapsed.as_millis() {
        0..3_000 => Duration::from_millis(500),
        3_000..20_000 => Duration::from_secs(2),
        _ => LONGEST,
    };
    let followed = u32::try_from(followed).unwrap_or(u32::MAX);
    let owed = Duration::from_secs_f64((f64::from(followed) - 1.0).clamp(0.0, 1_000.0) * READS / PER_SECOND);
    usual.min(longest).max(owed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_up_to_the_longest_and_respect_the_limits_of_the_api() {
        let after = |seconds| pause(Duration::from_secs(seconds), 1, LONGEST);
        assert_eq!([0, 5, 60].map(after), [500, 2_000, 5_000].map(Duration::from_millis));
        assert_eq!(pause(Duration::from_secs(60), 1, Duration::from_millis(50)), Duration::from_millis(50));
        // A hundred services with three reads each stay under the rate.
        assert!(300.0 / pause(Duration::from_secs(60), 100, LONGEST).as_secs_f64() <= 20.0);
        assert!(pause(Duration::ZERO, usize::MAX, LONGEST) <= Duration::from_secs(200));
    }
}
