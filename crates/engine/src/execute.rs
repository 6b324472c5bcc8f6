//! Carries out a plan: precheck, act, settle for each step, independent steps side by side.

mod expect;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::cloud::{Cloud, CloudError};
use crate::plan::{Plan, StepId};
use crate::resolve::Known;

/// How many steps run at once over all kinds.
const PARALLEL: usize = 24;

/// What happens while a plan is carried out, for whoever wants to draw it.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step begins.
    Started(StepId),
    /// A call is about to be made: `CreateRole`.
    Calling(StepId, &'static str),
    /// A step waits for the cloud, in words, having waited so long.
    Waiting(StepId, String, Duration),
    /// A call failed in a way that passes and is tried again after this time.
    Retrying(StepId, CloudError, Duration),
    /// A step has ended.
    Ended(StepId, StepEnd),
}

/// How a step ended.
#[derive(Clone, Debug)]
pub enum StepEnd {
    /// It did what it should.
    Done,
    /// There was nothing left to do: somebody had done it already.
    AlreadyDone,
    /// It failed.
    Failed(StepError),
    /// Something that it needs failed, or the run was interrupted.
    NotTried,
}

/// Why a step failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StepError {
    /// A call failed for good.
    #[error("{0}")]
    Cloud(CloudError),
    /// The resource is not as it was when the plan was made.
    #[error("changed by someone else since this plan: {0}")]
    Stale(String),
    /// It did not become ready, or did not go away, in time.
    #[error("gave up waiting after {}: {what}", minutes(.after))]
    TooLong {
        /// What it was doing.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The run was told to stop while the step waited; what it had begun goes on in the cloud.
    #[error("stopped while waiting: {0}")]
    Interrupted(String),
    /// A value that should be known by now is not.
    #[error("the value of {0} is still unknown")]
    Unknown(String),
}

fn minutes(time: &Duration) -> String {
    format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
}

/// How a whole plan ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How each step ended.
    pub steps: BTreeMap<StepId, StepEnd>,
    /// Whether the run was told to stop.
    pub interrupted: bool,
    /// The values that are known by now, those included that its calls returned.
    pub known: Known,
}

impl Outcome {
    /// Whether every step did what it should.
    pub fn is_complete(&self) -> bool {
        self.steps.values().all(|end| matches!(end, StepEnd::Done | StepEnd::AlreadyDone))
    }

    /// The steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = (StepId, &StepError)> {
        self.steps.iter().filter_map(|(id, end)| match end {
            StepEnd::Failed(error) => Some((*id, error)),
            StepEnd::Done | StepEnd::AlreadyDone | StepEnd::NotTried => None,
        })
    }
}

/// Carries out a plan. A failed step stops only what waits for it. When `stop` turns true no further step begins,
/// calls that are under way are let finish, and nothing is waited for any more.
///
/// `seen` is when the plan's snapshot was taken, on the same clock: a deletion looks again at whose the resource is, unless that
/// was a moment ago. Without it every deletion looks again.
pub async fn execute(
    plan: &Plan,
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    seen: Option<Duration>,
    mut stop: watch::Receiver<bool>,
    events: &(dyn Fn(Event) + Sync),
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut known: Known = plan.known.clone();
    let mut open: BTreeSet<StepId> = plan.steps.iter().map(|step| step.id).collect();
    let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    loop {
        let stopped = *stop.borrow_and_update();
        outcome.interrupted |= stopped;
        give_up(plan, &mut open, &mut outcome, events, stopped);
        let fresh = outcome.steps.values().any(|end| matches!(end, StepEnd::Done));
        for id in open.clone() {
            let Some(step) = plan.steps.get(id) else { continue };
            let free = step.after.iter().all(|first| {
                outcome.steps.get(first).is_some_and(|end| matches!(end, StepEnd::Done | StepEnd::AlreadyDone))
            });
            let at_work = busy.get(step.kind.name).copied().unwrap_or_default();
            if !free || at_work >= step.kind.parallel || running.len() >= PARALLEL {
                continue;
            }
            open.remove(&id);
            *busy.entry(step.kind.name).or_default() += 1;
            events(Event::Started(id));
            let worker = step::Worker {
                step,
                cloud,
                clock,
                seen,
                fresh: AtomicBool::new(fresh),
                events,
                stop: stop.clone(),
                want: step::resolved(step, &known),
            };
            running.push(async move { (id, worker.run().await) });
        }
        if running.is_empty() {
            outcome.known = known;
            break;
        }
        tokio::select! {
            Some((id, (end, outputs))) = running.next() => {
                if let Some(step) = plan.steps.get(id) {
                    if let Some(count) = busy.get_mut(step.kind.name) {
                        *count -= 1;
                    }
                    for (output, value) in outputs {
                        known.insert(output, value);
                    }
                }
                events(Event::Ended(id, end.clone()));
                outcome.steps.insert(id, end);
            }
            Ok(()) = stop.changed(), if !stopped => {}
        }
    }
    outcome
}

/// Closes every step that can no longer run.
fn give_up(
    plan: &Plan,
    open: &mut BTreeSet<StepId>,
    outcome: &mut Outcome,
    events: &(dyn Fn(Event) + Sync),
    stopped: bool,
) {
    loop {
        let lost: Vec<StepId> = open
            .iter()
            .copied()
            .filter(|id| {
                stopped
                    || plan.steps.get(*id).is_some_and(|step| {
                        step.after.iter().any(|first| {
                            matches!(outcome.steps.get(first), Some(StepEnd::Failed(_) | StepEnd::NotTried))
                        })
                    })
            })
            .collect();
        if lost.is_empty() {
            return;
        }
        for id in lost {
            open.remove(&id);
            events(Event::Ended(id, StepEnd::NotTried));
            outcome.steps.insert(id, StepEnd::NotTried);
        }
    }
}
