//! What AWS takes its time over, and what it tells late or in its own way: the emulators are consistent at once. A test puts
//! the plays that it needs before its proxy; none of them is on unless asked for.
//!
//! | file | what |
//! |---|---|
//! | `lag` | a call refused because something that it needs was made a moment ago |
//! | `draining` | deleted services that drain, and what they keep in use meanwhile |
//! | `clusters` | clusters that are being provisioned, and deleted ones that stay visible |
//! | `egress` | the rule for IPv6 that a new security group gets in a network with IPv6 |
//! | `principals` | principals that were deleted, in the policies that name them |
//! | `guardrail` | trust in GitHub that IAM does not accept |
//! | `pages` | pages without items, with a token for the next one |
//! | `index` | a tagging API that is behind |
//! | `defaults` | members that ECS fills in |
//! | `rollouts`, `rollout_script`, `rollout_tasks` | deployments that take time, fail, roll back and are superseded, from small scenarios |

pub mod clusters;
pub mod defaults;
pub mod draining;
pub mod egress;
pub mod guardrail;
pub mod index;
pub mod lag;
pub mod pages;
pub mod principals;
pub mod rollout_script;
mod rollout_tasks;
pub mod rollouts;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When each thing happened.
#[derive(Debug, Default)]
struct Times(Mutex<BTreeMap<String, Instant>>);

impl Times {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It happens now, unless it has happened.
    fn first(&self, what: &str) {
        self.lock().entry(what.to_owned()).or_insert_with(Instant::now);
    }

    /// It happens now, whether or not it has happened before.
    fn again(&self, what: &str) {
        self.lock().insert(what.to_owned(), Instant::now());
    }

    fn forget(&self, what: &str) {
        self.lock().remove(what);
    }

    /// How long ago it happened; none when it has not.
    fn since(&self, what: &str) -> Option<Duration> {
        self.lock().get(what).map(Instant::elapsed)
    }
}

/// How often a play has shown itself: a test whose play never did has tested nothing.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Count {
    fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
