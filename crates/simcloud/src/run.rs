//! One run on the account in memory: what goes wrong with its calls, what it may do, and what it did.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use hatoba_engine::clock::Clock;
use hatoba_engine::cloud::{Class, Cloud, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Goal, OnDestroy, Resolved};
use hatoba_engine::kind::Ownership;
use hatoba_engine::owner::{Origin, TAG_ON_DESTROY, TAG_RETAIN};
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_engine::value::Value;
use hatoba_model::stack::Stack;
use tokio::sync::watch;

use crate::effects::refuse;
use crate::faults::{Faults, ReadFault, WriteFault};
use crate::generate::Rng;
use crate::timeline::Timeline;
use crate::world::{State, Thing, World};

/// The port of one run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) world: &'a World,
    pub(crate) time: &'a Timeline,
    pub(crate) stack: &'a Stack,
    pub(crate) goal: &'a Goal,
    pub(crate) faults: &'a Faults,
    /// Whether no other run of the same stack is under way.
    pub(crate) alone: bool,
    /// Turned true by an interrupt.
    pub(crate) stop: watch::Sender<bool>,
    /// Decides how long calls take.
    pub(crate) dice: Mutex<Rng>,
    pub(crate) reads: AtomicU32,
    pub(crate) writes: AtomicU32,
    /// Writes that took effect.
    pub(crate) effects: AtomicU32,
    /// Faults that happened and after which the run calls again.
    pub(crate) repeats: AtomicU32,
    /// Faults that happened.
    pub(crate) met: AtomicU32,
    pub(crate) crashed: AtomicBool,
    expired: AtomicBool,
    /// What the run did and must never do.
    pub(crate) wrongs: Mutex<Vec<String>>,
}

fn bump(count: &AtomicU32) -> u32 {
    count.fetch_add(1, Ordering::Relaxed) + 1
}

fn lost(call: &str) -> CloudError {
    refuse(Class::Ambiguous, call, "no answer in time")
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        world: &'a World,
        time: &'a Timeline,
        stack: &'a Stack,
        goal: &'a Goal,
        faults: &'a Faults,
        seed: u64,
    ) -> Self {
        let (stop, _) = watch::channel(false);
        Self {
            world,
            time,
            stack,
            goal,
            faults,
            alone: true,
            stop,
            dice: Mutex::new(Rng::new(seed)),
            reads: AtomicU32::new(0),
            writes: AtomicU32::new(0),
            effects: AtomicU32::new(0),
            repeats: AtomicU32::new(0),
            met: AtomicU32::new(0),
            crashed: AtomicBool::new(false),
            expired: AtomicBool::new(false),
            wrongs: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::Relaxed)
    }

    /// A part of the time that a call takes.
    async fn travel(&self) {
        let millis = self.dice.lock().unwrap_or_else(PoisonError::into_inner).number() % 40 + 2;
        self.time.sleep(Duration::from_millis(millis)).await;
    }

    /// The account at this moment.
    fn account(&self) -> MutexGuard<'_, State> {
        let mut state = self.world.lock();
        state.at(self.time.now(), &self.world.facts);
        state
    }

    fn wrong(&self, what: String) {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Nothing of this run happens any more.
    async fn crash<T>(&self) -> T {
        self.crashed.store(true, Ordering::Relaxed);
        std::future::pending().await
    }

    /// Goes on only in a run that was not killed.
    async fn alive(&self) {
        if self.has_crashed() {
            std::future::pending().await
        }
    }

    async fn read<T>(&self, call: &str, read: impl FnOnce(&mut State) -> T) -> Result<T, CloudError> {
        self.travel().await;
        self.alive().await;
        let fault = self.faults.reads.get(&bump(&self.reads));
        if self.expired.load(Ordering::Relaxed) {
            return Err(refuse(Class::Credentials, call, "the token has expired"));
        }
        if let Some(fault) = fault {
            bump(&self.met);
            return Err(match fault {
                ReadFault::Throttled => refuse(Class::Throttled, call, "rate exceeded"),
                ReadFault::Server => refuse(Class::Server, call, "internal error"),
                ReadFault::Denied => refuse(Class::Denied, call, "not allowed"),
            });
        }
        let answer = read(&mut self.account());
        self.travel().await;
        Ok(answer)
    }

    /// `change` gets the account, and whether only a part of it shall happen.
    async fn write<T>(
        &self,
        call: &str,
        change: impl FnOnce(&mut State, bool) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        self.travel().await;
        self.alive().await;
        let fault = self.faults.writes.get(&bump(&self.writes)).copied();
        if self.expired.load(Ordering::Relaxed) {
            return Err(refuse(Class::Credentials, call, "the token has expired"));
        }
        if let Some(fault) = fault {
            bump(&self.met);
            if fault.repeats() {
                bump(&self.repeats);
            }
        }
        match fault {
            Some(WriteFault::Throttled) => return Err(refuse(Class::Throttled, call, "rate exceeded")),
            Some(WriteFault::ServerBefore) => return Err(refuse(Class::Server, call, "internal error")),
            Some(WriteFault::NotSent) => return Err(refuse(Class::NotSent, call, "connection refused")),
            Some(WriteFault::Denied) => return Err(refuse(Class::Denied, call, "not allowed")),
            Some(WriteFault::RequestLost) => {
                self.time.sleep(Duration::from_secs(5)).await;
                return Err(lost(call));
            }
            Some(WriteFault::Expired) => {
                self.expired.store(true, Ordering::Relaxed);
                return Err(refuse(Class::Credentials, call, "the token has expired"));
            }
            Some(WriteFault::CrashBefore) => return self.crash().await,
            Some(WriteFault::Interrupt) => drop(self.stop.send_replace(true)),
            Some(
                WriteFault::ServerAfter
                | WriteFault::ReplyLost
                | WriteFault::Torn
                | WriteFault::CrashTorn
                | WriteFault::CrashAfter,
            )
            | None => {}
        }
        let torn = matches!(fault, Some(WriteFault::Torn | WriteFault::CrashTorn));
        let answer = change(&mut self.account(), torn);
        if answer.is_ok() {
            bump(&self.effects);
        }
        match (fault, answer) {
            (Some(WriteFault::CrashTorn | WriteFault::CrashAfter), _) => self.crash().await,
            (Some(WriteFault::ServerAfter), Ok(_)) => Err(refuse(Class::Server, call, "internal error")),
            (Some(WriteFault::ReplyLost | WriteFault::Torn), Ok(_)) => {
                self.time.sleep(Duration::from_secs(5)).await;
                Err(lost(call))
            }
            (_, answer) => {
                self.travel().await;
                answer
            }
        }
    }

    /// Whether a thing bears this stack's mark.
    fn ours(&self, thing: &Thing) -> bool {
        thing.mark().is_some_and(|mark| mark.stack == self.goal.stack)
    }

    fn may_delete(&self, thing: &Thing, empty: bool) {
        let who = format!("{} `{}`", thing.kind.name, thing.name);
        let Some(mark) = thing.mark().filter(|mark| mark.stack == self.goal.stack) else {
            return self.wrong(format!("deletes the {who}, which is not ours"));
        };
        if mark.origin != Origin::Created {
            self.wrong(format!("deletes the {who}, which was adopted"));
        }
        let want = self
            .goal
            .resources
            .values()
            .find(|want| want.kind.name == thing.kind.name && want.name == thing.name && want.scope == thing.scope);
        let tag =
            |name: &str| thing.fields.get("tags").and_then(|tags| tags.get(name)).and_then(Value::as_text).is_some();
        // Of what the file has, the file says whether it may go; otherwise the note on it counts.
        let retained = match want {
            Some(want) => want.retain,
            None => tag(TAG_RETAIN),
        };
        if retained {
            self.wrong(format!("deletes the {who}, which is to be retained"));
        }
        let may_empty = match want {
            Some(want) => want.on_destroy == OnDestroy::Empty,
            None => {
                thing.fields.get("tags").and_then(|tags| tags.get(TAG_ON_DESTROY)).and_then(Value::as_text)
                    == Some("empty")
            }
        };
        if thing.content.is_some() && empty && !may_empty {
            self.wrong(format!("deletes the {who} with its content"));
        }
    }

    fn may_change(&self, thing: &Thing, want: &Resolved) {
        if self.ours(thing) || thing.kind.ownership == Ownership::Shared {
            return;
        }
        let file = self.goal.resources.get(&want.address);
        let adopted = thing.mark().is_none() && file.is_some_and(|file| file.adopt);
        // The other run may let go of it between our look and our call.
        let let_go = !self.alone && thing.mark().is_none();
        if !adopted && !let_go {
            self.wrong(format!("changes the {} `{}`, which is not ours", thing.kind.name, thing.name));
        }
    }
}

#[async_trait]
impl Cloud for Run<'_> {
    async fn survey(&self, goal: &Goal) -> Snapshot {
        self.travel().await;
        let snapshot = self.account().survey(goal, &self.world.facts);
        self.travel().await;
        snapshot
    }

    async fn look(&self, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        self.read("Describe", |state| state.look(target, depth, &self.world.facts)).await
    }

    async fn create(&self, want: &Resolved) -> Result<Receipt, CloudError> {
        self.write(want.kind.create_call, |state, _| {
            let there = state.find(want.kind.name, &want.name, want.scope.as_ref());
            if let Some(there) = there.filter(|there| there.kind.name == "task_definition" && !self.ours(there)) {
                self.wrong(format!("registers a revision of `{}`, which is not ours", there.name));
            }
            let answer = state.create(want, &self.world.facts, Some(self.stack));
            // What an earlier run made is changed as if it had been seen.
            if answer.as_ref().is_err_and(|error| error.class == Class::Exists) {
                let groups = u32::try_from(want.kind.groups.len()).unwrap_or(u32::MAX);
                self.repeats.fetch_add(groups, Ordering::Relaxed);
            }
            answer
        })
        .await
    }

    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        self.write(group, |state, torn| {
            if let Some(thing) = state.find(want.kind.name, &live.name, want.scope.as_ref()) {
                self.may_change(thing, want);
            }
            let mut rng = Rng::new(state.rng.number());
            state.update(group, want, live, torn.then_some(&mut rng), &self.world.facts, Some(self.stack))
        })
        .await
    }

    async fn delete(&self, live: &Sighting, empty: bool) -> Result<(), CloudError> {
        self.write(live.kind.delete_call, |state, torn| {
            let before = state.things.iter().find(|thing| thing.id == live.id).cloned();
            let answer = state.delete(live, empty, torn, &self.world.facts);
            // What the cloud refuses has not happened.
            if let (Ok(()), Some(thing)) = (&answer, &before) {
                self.may_delete(thing, empty);
            }
            answer
        })
        .await
    }

    async fn release(&self, live: &Sighting) -> Result<(), CloudError> {
        self.write("UntagResource", |state, _| {
            if let Some(thing) = state.things.iter().find(|thing| thing.id == live.id)
                && thing.mark().is_some_and(|mark| mark.stack != self.goal.stack)
            {
                self.wrong(format!("takes another stack's mark off the {} `{}`", thing.kind.name, thing.name));
            }
            state.release(live);
            Ok(())
        })
        .await
    }
}

/// A future of a run, which ends when the run is killed.
pub(crate) struct Mortal<'r, F> {
    pub(crate) run: &'r Run<'r>,
    pub(crate) future: Pin<Box<F>>,
}

impl<F: Future> Future for Mortal<'_, F> {
    /// Nothing for a run that was killed.
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = self.future.as_mut().poll(cx);
        match poll {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.run.has_crashed() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
