//! Following one deployment: a state machine without clock and without calls. Each look goes in; what is worth telling and what to do
//! next come out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::cause::Cause;
use crate::ending::{After, By, Ending, Verdict};
use crate::event::{is_news, text};
use crate::note::Note;
use crate::state::{Look, Millis, Read, RolloutState, Service, ServiceDeployment, Task, last};
use crate::tasks::{Failure, Shown};

/// How long reads may be behind what a call has answered, unless the whole has less time.
const LAG: Duration = Duration::from_secs(10);

/// How often something is asked for that is a help and no more.
pub(crate) const TRIES: u32 = 3;

/// What is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The service's address in the stack: `service.papyrus`.
    pub address: String,
    /// Its cluster's name.
    pub cluster: String,
    /// Its name.
    pub service: String,
    /// The deployment's id, where the call that started it told.
    pub deployment: Option<String>,
    /// The revision that is brought, where it is known.
    pub task_definition: Option<String>,
    /// The revision that was asked for before; none for a new service.
    pub before: Option<String>,
}

/// What is done about a deployment that cannot succeed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// What ran before is brought back.
    Rollback,
    /// Nothing.
    Leave,
}

/// How a deployment is followed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long.
    pub timeout: Duration,
    /// What is done about one that fails, or takes longer.
    pub on_failure: OnFailure,
}

/// What the next look has to bring besides the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// The service deployment with this ARN.
    pub deployment: Option<String>,
    /// The service deployments since this time, by the clock of AWS.
    pub list: Option<Option<Millis>>,
    /// The tasks, but for those that are known to have stopped.
    pub tasks: bool,
    /// Tasks that need not be read again.
    pub stopped: BTreeSet<String>,
    /// The ends of the logs of these tasks and containers; with the revision that says where they are.
    pub logs: Vec<WantedLog>,
}

/// The end of a log that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLog {
    /// The task's id.
    pub task: String,
    /// The container.
    pub container: String,
    /// The revision of the task.
    pub task_definition: String,
}

/// How to bring back what was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// By stopping the service deployment with this ARN, so that ECS rolls it back.
    Stop(String),
    /// By updating the service to this revision.
    Revision(String),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Look again, after the usual rest.
    Look,
    /// Look again at once: something is wanted that was not asked for.
    LookNow,
    /// Bring back what was there before, and tell what came of it with [`Rollout::rolled_back`].
    RollBack(How),
    /// It has ended.
    Ended(Box<Ending>),
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is worth telling.
    pub notes: Vec<Note>,
    /// What to do next.
    pub next: Next,
}

/// Why a deployment is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It cannot succeed any more.
    Decided,
    /// Its time is over.
    OutOfTime,
    /// The person at the terminal wants it stopped.
    Asked,
}

/// Where following stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The deployment is under way.
    Following,
    /// Its rollback is about to be asked for.
    GivingUp(Why, How),
    /// What ran before is being brought back.
    RollingBack { why: Why, how: How, since: Duration },
}

/// One deployment that is followed.
#[derive(Clone, Debug)]
pub struct Rollout {
    pub(crate) target: Target,
    pub(crate) limits: Limits,
    pub(crate) id: Option<String>,
    pub(crate) arn: Option<String>,
    /// A service deployment that may be the one, until it was looked at.
    pub(crate) candidate: Option<String>,
    /// Those that were looked at, and are another one.
    pub(crate) others: BTreeSet<String>,
    pub(crate) deployment: Option<ServiceDeployment>,
    pub(crate) since: Option<Millis>,
    pub(crate) list: bool,
    pub(crate) listed: bool,
    /// How often a list was asked for in vain.
    pub(crate) list_failed: u32,
    pub(crate) phase: Phase,
    pub(crate) asked_to_stop: bool,
    pub(crate) off: BTreeSet<Read>,
    pub(crate) tasks_wanted: bool,
    pub(crate) tasks: BTreeMap<String, Shown>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) event_cause: Option<Cause>,
    pub(crate) events: BTreeSet<String>,
    pub(crate) rolling_back_told: bool,
    /// What ECS said of why it rolls back.
    pub(crate) said: Option<String>,
    /// Whether anything but this deployment had completed when it was first seen.
    pub(crate) earlier: Option<String>,
    pub(crate) service: Option<Service>,
    pub(crate) failed_since: Option<Duration>,
    pub(crate) absent_since: Option<Duration>,
    /// Since when the deployment has been missing in the list of its service.
    pub(crate) gone_since: Option<Duration>,
    pub(crate) elapsed: Duration,
}

impl Rollout {
    /// Begins to follow.
    pub fn new(target: Target, limits: Limits) -> Self {
        let id = target.deployment.clone();
        Self {
            target,
            limits,
            id,
            arn: None,
            candidate: None,
            others: BTreeSet::new(),
            deployment: None,
            since: None,
            list: false,
            listed: false,
            list_failed: 0,
            phase: Phase::Following,
            asked_to_stop: false,
            off: BTreeSet::new(),
            tasks_wanted: false,
            tasks: BTreeMap::new(),
            failures: Vec::new(),
            event_cause: None,
            events: BTreeSet::new(),
            rolling_back_told: false,
            said: None,
            earlier: None,
            service: None,
            failed_since: None,
            absent_since: None,
            gone_since: None,
            elapsed: Duration::ZERO,
        }
    }

    /// What is followed.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What the next look has to bring. The first one asks only for the service: what is complete takes one call.
    pub fn wants(&self) -> Wants {
        let on = |read: Read| !self.off.contains(&read);
        Wants {
            deployment: self.arn.clone().or(self.candidate.clone()).filter(|_| on(Read::Deployment)),
            list: (self.list && !self.listed && on(Read::List)).then_some(self.since),
            tasks: self.tasks_wanted && on(Read::Tasks),
            stopped: self.tasks.iter().filter(|(_, shown)| shown.stopped).map(|(id, _)| id.clone()).collect(),
            logs: if on(Read::Logs) { self.wanted_logs() } else { Vec::new() },
        }
    }

    /// Where it stands, in a few words: `1 of 2 running, 1 starting`.
    pub fn standing(&self) -> String {
        if self.rolling_back_told {
            return "rolling back".to_owned();
        }
        let Some(service) = &self.service else { return "looking for the deployment".to_owned() };
        let of = self.id.as_ref().and_then(|id| service.deployments.iter().find(|deployment| deployment.id == *id));
        let (running, pending, desired) = match of {
            Some(of) => (of.running, of.pending, of.desired),
            None => (service.running, service.pending, service.desired),
        };
        let mut text = format!("{running} of {desired} running");
        for (count, word) in [(pending, "starting"), (u32::try_from(self.failures.len()).unwrap_or(u32::MAX), "failed")]
        {
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        text
    }

    /// The person at the terminal wants it stopped: the next look begins to bring back what ran before.
    pub fn stop(&mut self) {
        self.asked_to_stop = true;
    }

    /// Takes in a look.
    pub fn take(&mut self, look: Look) -> Progress {
        let mut notes = Vec::new();
        self.elapsed = look.elapsed;
        let failed = !look.unread.is_empty();
        for unread in &look.unread {
            if unread.read == Read::Logs {
                self.log_failed();
            }
            if !unread.passes && self.off.insert(unread.read) {
                notes.push(Note::Unread(unread.message.clone()));
            }
        }
        if self.off.contains(&Read::Deployment) {
            // What it said last would stand for ever.
            self.deployment = None;
        }
        let service_was_read = !look.unread.iter().any(|unread| unread.read == Read::Service);
        if self.list && !self.listed && look.listed.is_none() {
            self.list_failed += 1;
            if self.list_failed >= TRIES {
                self.off.insert(Read::List);
            }
        }
        self.deployment(look.deployment, look.listed);
        // They are of tasks that were told before.
        for log in look.logs {
            self.read(log, &mut notes);
        }
        if service_was_read {
            match look.service {
                Some(service) => {
                    self.absent_since = None;
                    self.find(&service, &mut notes);
                    self.hear(&service, &mut notes);
                    self.service = Some(service);
                }
                None => {
                    self.absent_since.get_or_insert(look.elapsed);
                }
            }
        }
        for task in &look.tasks {
            self.see(task, &mut notes);
        }
        let next = match self.judge(&mut notes) {
            // What fails is not asked for again at once.
            Next::LookNow if failed => Next::Look,
            next => next,
        };
        Progress { notes, next }
    }

    /// What came of [`Next::RollBack`]: nothing when it was begun, else why it could not be, and whether ECS says that the deployment
    /// cannot be stopped any more.
    pub fn rolled_back(&mut self, failed: Option<(String, bool)>) -> Progress {
        let Phase::GivingUp(why, how) = self.phase.clone() else {
            return Progress { notes: Vec::new(), next: Next::Look };
        };
        let mut notes = Vec::new();
        let next = match (failed, &how) {
            (None, _) => {
                notes.push(Note::RollingBack { by: self.by(why), why: self.why(why) });
                self.rolling_back_told = true;
                self.phase = Phase::RollingBack { why, how, since: self.elapsed };
                Next::LookNow
            }
            // It has ended meanwhile, or ECS is rolling it back already: the next looks tell.
            (Some((_, true)), How::Stop(_)) => {
                self.phase = Phase::RollingBack { why, how, since: self.elapsed };
                Next::Look
            }
            (Some((message, _)), _) => self.give_up(why, After::NotRolledBack(message)),
        };
        Progress { notes, next }
    }

    /// How long reads may be behind what a call has answered.
    pub(crate) fn lag(&self) -> Duration {
        LAG.min(self.limits.timeout / 20)
    }

    /// Whether the service is being deleted, or is not there any more.
    pub(crate) fn is_deleted(&self) -> bool {
        let absent = self.absent_since.is_some_and(|since| self.elapsed.saturating_sub(since) >= self.lag());
        let status = self.service.as_ref().map(|service| service.status.as_str()).unwrap_or_default();
        absent || matches!(status, "DRAINING" | "INACTIVE")
    }

    pub(crate) fn by(&self, why: Why) -> By {
        if why == Why::Asked { By::User } else { By::Hatoba }
    }

    /// Why it is given up, in words.
    fn why(&self, why: Why) -> String {
        match why {
            Why::Asked => "as you wished".to_owned(),
            Why::OutOfTime => format!("it was not done after {}", minutes(self.limits.timeout)),
            Why::Decided => self.cause().map_or("it cannot succeed".to_owned(), |cause| cause.what),
        }
    }

    /// Takes in the events that are new and later than the deployment.
    fn hear(&mut self, service: &Service, notes: &mut Vec<Note>) {
        let Some(since) = self.since else { return };
        let mut events: Vec<_> = service.events.iter().filter(|event| event.at.is_some_and(|at| at >= since)).collect();
        events.sort_by_key(|event| event.at);
        for event in events {
            if !self.events.insert(event.id.clone()) {
                continue;
            }
            let text = text(&event.message).to_owned();
            let told = !self.events.insert(text.clone());
            if let Some(cause) = crate::cause::of_event(&event.message) {
                self.event_cause = Some(cause);
            }
            if !told && is_news(&event.message) {
                notes.push(Note::Event(text));
            }
        }
    }

    /// The ending with everything that is known.
    pub(crate) fn ending(&self, verdict: Verdict, by: By, after: After) -> Next {
        let service = self.service.as_ref();
        let ours = service.and_then(|service| self.ours(service));
        let tasks = ours
            .map(|ours| (ours.running, ours.desired))
            .or(service.map(|service| (service.running, service.desired)))
            .unwrap_or_default();
        let bad = !verdict.is_good() && verdict != Verdict::Superseded;
        let primary = service.and_then(Service::primary).map(|primary| primary.task_definition.clone());
        let instead = match verdict {
            Verdict::RolledBack | Verdict::TimedOut | Verdict::Superseded => {
                primary.filter(|primary| *primary != self.task_definition()).or_else(|| {
                    service
                        .map(|service| service.task_definition.clone())
                        .filter(|there| *there != self.task_definition())
                })
            }
            Verdict::Completed | Verdict::Failed => None,
        };
        let said =
            self.deployment.as_ref().and_then(|deployment| deployment.rollback.clone().or(deployment.reason.clone()));
        let reason = if self.is_deleted() {
            Some("the service was deleted meanwhile".to_owned())
        } else {
            let failed = ours.filter(|ours| ours.rollout == Some(RolloutState::Failed));
            // That it was told to stop is no news to whoever told it.
            said.or_else(|| failed.and_then(|ours| ours.reason.clone())).or(self.said.clone()).filter(|_| by == By::Ecs)
        };
        Next::Ended(Box::new(Ending {
            verdict,
            took: self.elapsed,
            deployment: self.id.clone(),
            arn: self.arn.clone(),
            task_definition: self.task_definition(),
            tasks,
            by,
            cause: if bad { self.cause() } else { None },
            reason: if bad { reason } else { None },
            failed: if bad { self.failures.iter().map(|failure| failure.task.clone()).collect() } else { Vec::new() },
            instead,
            after,
            log: if bad { self.log() } else { None },
        }))
    }

    /// What is said of a deployment that did not complete and was ended for this.
    fn verdict(&self, otherwise: Verdict) -> Verdict {
        match self.phase {
            Phase::GivingUp(Why::OutOfTime, _) | Phase::RollingBack { why: Why::OutOfTime, .. } => Verdict::TimedOut,
            Phase::Following | Phase::GivingUp(..) | Phase::RollingBack { .. } => otherwise,
        }
    }

    /// What ran before runs again.
    pub(crate) fn back(&self) -> Next {
        self.ending(self.verdict(Verdict::RolledBack), self.ended_by(), After::Over)
    }

    /// It failed, or is given up, and what ran before does not run again.
    pub(crate) fn lost(&self, after: After) -> Next {
        self.ending(self.verdict(Verdict::Failed), self.ended_by(), after)
    }

    /// Given up without bringing back what was there before.
    pub(crate) fn give_up(&self, why: Why, after: After) -> Next {
        let verdict = if why == Why::OutOfTime { Verdict::TimedOut } else { Verdict::Failed };
        self.ending(verdict, self.by(why), after)
    }

    /// The revision that is brought, as far as it is known.
    pub(crate) fn task_definition(&self) -> String {
        let known = self.target.task_definition.clone();
        let seen =
            self.service.as_ref().and_then(|service| self.ours(service)).map(|ours| ours.task_definition.clone());
        known.or(seen).unwrap_or_default()
    }

    /// Whether a task belongs to the deployment: it says so, or, where it names no deployment, it runs the revision and is no older.
    pub(crate) fn is_ours(&self, task: &Task) -> bool {
        match (&task.started_by, &self.id) {
            (Some(by), Some(id)) if by.starts_with("ecs-svc/") => by == id,
            _ => {
                let late = match (task.created, self.since) {
                    (Some(created), Some(since)) => created >= since,
                    _ => true,
                };
                late && last(&task.task_definition) == last(&self.task_definition())
            }
        }
    }
}

/// A time in words: `20 minutes`.
pub(crate) fn minutes(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{:.1} seconds", time.as_secs_f32()),
        1 => "1 second".to_owned(),
        60 => "1 minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
