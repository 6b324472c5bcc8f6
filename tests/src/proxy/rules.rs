//! Faults by service, action, count and chance.

use std::time::Duration;

use super::protocol::Call;

/// What happens to a call that a rule picks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Is answered as too fast, in the protocol's true shape, and has no effect.
    Throttle,
    /// Is answered with this 5xx status and has no effect.
    Fail(u16),
    /// The connection is closed before the call takes effect.
    DropRequest,
    /// The call takes effect, then the connection is closed without an answer.
    DropReply,
    /// Takes this much longer. Rules after this one still apply.
    Delay(Duration),
    /// Is answered so and has no effect.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Is answered with this AWS error in the protocol's true shape and has no effect.
    Error {
        /// The HTTP status.
        status: u16,
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
    },
}

/// One rule. A call matches by service and action; among the matching calls, count and chance pick.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The service, or every service.
    pub service: Option<String>,
    /// The action, or every action; a last `*` stands for any rest, as in `Describe*`.
    pub action: Option<String>,
    /// Only the n-th matching call, from 1.
    pub nth: Option<u32>,
    /// At most so many times.
    pub times: Option<u32>,
    /// With this chance for each call, 0 to 1; 1 unless set. The same seed picks the same calls.
    pub probability: f64,
    /// What happens.
    pub act: Act,
}

impl Rule {
    /// A rule for one action of one service.
    pub fn on(service: &str, action: &str, act: Act) -> Self {
        Self { service: Some(service.to_owned()), action: Some(action.to_owned()), ..Self::any(act) }
    }

    /// A rule for every call.
    pub fn any(act: Act) -> Self {
        Self { service: None, action: None, nth: None, times: None, probability: 1.0, act }
    }

    /// Picks only the n-th matching call, from 1.
    #[must_use]
    pub fn nth(mut self, n: u32) -> Self {
        self.nth = Some(n);
        self
    }

    /// Picks at most so many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Picks each matching call with this chance, 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    fn matches(&self, call: &Call) -> bool {
        let service = self.service.as_ref().is_none_or(|service| *service == call.service);
        let action = self.action.as_ref().is_none_or(|action| match action.strip_suffix('*') {
            Some(prefix) => call.action.starts_with(prefix),
            None => *action == call.action,
        });
        service && action
    }
}

/// What the rules say about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// How much longer it takes.
    pub delay: Duration,
    /// What else happens to it; never [`Act::Delay`].
    pub act: Option<Act>,
}

/// The rules in force, with what they have counted.
#[derive(Debug, Default)]
pub struct Rules {
    seed: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    rule: Rule,
    seen: u32,
    fired: u32,
}

impl Rules {
    /// Puts rules in force, their counters at zero.
    pub fn new(rules: Vec<Rule>, seed: u64) -> Self {
        let entries = rules.into_iter().map(|rule| Entry { rule, seen: 0, fired: 0 }).collect();
        Self { seed, entries }
    }

    /// Decides about a call: rules in order, delays add up, the first other act that fires ends it. Rules after that one do
    /// not count the call.
    pub fn decide(&mut self, call: &Call) -> Decision {
        let mut decision = Decision::default();
        for (entry, index) in self.entries.iter_mut().zip(0u64..) {
            if !entry.rule.matches(call) {
                continue;
            }
            entry.seen += 1;
            let spent = entry.rule.times.is_some_and(|times| entry.fired >= times);
            let other = entry.rule.nth.is_some_and(|nth| nth != entry.seen);
            // Drawn from seed, rule and count, not from a running generator: other calls in between change nothing.
            if spent || other || chance(self.seed, index, entry.seen) >= entry.rule.probability {
                continue;
            }
            entry.fired += 1;
            match &entry.rule.act {
                Act::Delay(delay) => decision.delay += *delay,
                act => {
                    decision.act = Some(act.clone());
                    break;
                }
            }
        }
        decision
    }
}

/// Returns a number in [0, 1) that depends on nothing but its arguments (the mixing function of SplitMix64).
fn chance(seed: u64, rule: u64, count: u32) -> f64 {
    let mut z = seed ^ rule.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    z = z.wrapping_add(u64::from(count).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // The top 32 bits are exact in an f64.
    let top = u32::try_from(z >> 32).unwrap_or(u32::MAX);
    f64::from(top) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hyper::HeaderMap;
    use hyper::body::Bytes;

    use super::super::protocol::{Call, identify};
    use super::{Act, Rule, Rules};

    fn call(service: &str, action: &str) -> Call {
        let mut call = identify("POST", "/", &HeaderMap::new(), Bytes::new(), None);
        call.service = service.to_owned();
        call.action = action.to_owned();
        call
    }

    #[test]
    fn the_nth_matching_call_is_picked() {
        let mut rules = Rules::new(vec![Rule::on("ecs", "Create*", Act::Throttle).nth(2)], 0);
        let fired: Vec<bool> = ["CreateCluster", "ListClusters", "CreateService", "CreateService"]
            .iter()
            .map(|action| rules.decide(&call("ecs", action)).act.is_some())
            .collect();
        assert_eq!(fired, [false, false, true, false]);
        assert_eq!(rules.decide(&call("ecr", "CreateRepository")).act, None);
    }

    #[test]
    fn delays_add_up_and_the_first_other_act_wins() {
        let wait = Duration::from_millis(5);
        let rules = vec![
            Rule::any(Act::Delay(wait)),
            Rule::any(Act::Throttle).times(1),
            Rule::on("iam", "GetRole", Act::DropReply),
            Rule::any(Act::Delay(wait)),
        ];
        let mut rules = Rules::new(rules, 0);
        let first = rules.decide(&call("iam", "GetRole"));
        assert_eq!((first.delay, first.act), (wait, Some(Act::Throttle)));
        let second = rules.decide(&call("iam", "GetRole"));
        assert_eq!((second.delay, second.act), (wait, Some(Act::DropReply)));
        let third = rules.decide(&call("iam", "ListRoles"));
        assert_eq!((third.delay, third.act), (2 * wait, None));
    }

    #[test]
    fn chance_follows_the_seed_and_hits_its_share() {
        let draw = |seed| -> Vec<bool> {
            let mut rules = Rules::new(vec![Rule::any(Act::Throttle).probability(0.3)], seed);
            (0..2000).map(|_| rules.decide(&call("ecs", "x")).act.is_some()).collect()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let hits = draw(7).iter().filter(|hit| **hit).count();
        assert!((500..700).contains(&hits), "{hits} of 2000");
    }
}
