//! One step: what it expects is checked, then it acts, then it waits until the cloud has settled.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::cloud::{Class, Cloud, CloudError, Depth, Receipt, Target};
use crate::desired::Resolved;
use crate::diff::differences;
use crate::kind::{OnChange, Ownership, Unset};
use crate::owner::{TAG_REGION, TAG_STACK};
use crate::plan::{Act, Step};
use crate::resolve::{Known, fill};
use crate::retry::{Failures, SECOND_LOOK, Verdict, next_look};
use crate::snapshot::{Readiness, Sighting};
use crate::value::{OutputRef, Value};
use crate::wait::{Next, Until, next};

use super::{Event, StepEnd, StepError};

/// How long something that was there before may be missing from what reads tell: AWS's reads catch up within seconds.
const VANISHED: Duration = Duration::from_secs(5);

/// Carries out one step.
pub(super) struct Worker<'a> {
    pub(super) step: &'a Step,
    pub(super) cloud: &'a dyn Cloud,
    pub(super) clock: &'a dyn Clock,
    pub(super) seen: Option<Duration>,
    /// Whether this run has changed something by now.
    pub(super) fresh: AtomicBool,
    pub(super) events: &'a (dyn Fn(Event) + Sync),
    /// Turns true when nothing should be waited for any more.
    pub(super) stop: watch::Receiver<bool>,
    /// The wish with everything that is known by now, if the step has one.
    pub(super) want: Result<Resolved, StepError>,
}

type Outputs = Vec<(OutputRef, Value)>;

/// What has to be looked at before a call is made again.
#[derive(Clone, Copy, Debug, Default)]
struct Repeat {
    /// Each call makes another one: it is not called again before a second look.
    makes_another: bool,
    /// Others change the same, and may have done so since the first attempt.
    contested: bool,
}

/// What a look after a doubtful call tells.
enum Seen {
    /// It took effect.
    Done(Receipt),
    /// Nothing is there, or nothing that is new.
    Nothing,
    /// What is there is not what the call makes.
    Other,
}

impl Worker<'_> {
    /// Runs the step; returns how it ended and which outputs are known from now on.
    pub(super) async fn run(&self) -> (StepEnd, Outputs) {
        let mut outputs = Outputs::new();
        let end = match &self.step.act {
            Act::Create { then } => self.create(then, &mut outputs).await,
            Act::Update { groups } => self.update(groups, &mut outputs).await,
            Act::Delete { empty } => self.delete(*empty).await,
            Act::Release => self.release().await,
            Act::Settle { until } => self.settle(*until, &mut outputs).await.map(|()| StepEnd::Done),
        };
        (end.unwrap_or_else(StepEnd::Failed), outputs)
    }

    async fn create(&self, then: &[&'static str], outputs: &mut Outputs) -> Result<StepEnd, StepError> {
        let want = self.want.clone()?;
        if self.makes_another() {
            self.expect_nothing().await?;
        }
        self.calling(self.step.kind.create_call);
        let there = OnceLock::new();
        let receipt = self
            .attempt(
                Repeat { makes_another: self.makes_another(), contested: false },
                || self.cloud.create(&want),
                |doubtful| {
                    let there = &there;
                    async move {
                        // What bears our mark was made by a call of ours whose answer was lost, or else by another run.
                        let seen = self.look(Depth::Full).await?;
                        let Some(live) = seen.iter().find(|s| self.is_ours(s)).or(seen.first()) else {
                            return Ok(Seen::Nothing);
                        };
                        let want = self.want.as_ref().map_err(Clone::clone)?;
                        let differs = differences(want.kind, &want.fields, &live.fields);
                        let fixed = differs.iter().any(|change| change.call.is_none());
                        Ok(match (self.is_ours(live), doubtful) {
                            // Reads may be behind: this is the predecessor, which is gone.
                            (true, true) if fixed => Seen::Nothing,
                            (true, true) => Seen::Done(receipt_of(live)),
                            // An earlier run of this stack made it, and reads did not show it yet: it is as if it had been seen.
                            (true, false) if !fixed => {
                                let groups = want.kind.groups_of(&differs);
                                let receipt = receipt_of(live);
                                there.get_or_init(|| (live.clone(), groups));
                                Seen::Done(receipt)
                            }
                            _ => Seen::Other,
                        })
                    }
                },
            )
            .await?;
        self.remember(&receipt, outputs);
        let (live, groups) = there.into_inner().unwrap_or_else(|| (self.fresh(&want, &receipt), then.to_vec()));
        for group in groups {
            self.run_group(group, &want, &live, outputs).await?;
        }
        if self.step.kind.settles {
            self.settle(Until::Ready, outputs).await?;
        }
        Ok(StepEnd::Done)
    }

    async fn update(&self, groups: &[&'static str], outputs: &mut Outputs) -> Result<StepEnd, StepError> {
        let want = self.want.clone()?;
        let live = self.expect_unchanged().await?;
        for (at, group) in groups.iter().enumerate() {
            if at > 0 && self.is_contested(group) {
                // The calls before may have taken their time.
                self.expect_unchanged().await?;
            }
            self.run_group(group, &want, &live, outputs).await?;
        }
        if self.step.kind.settles {
            self.settle(Until::Ready, outputs).await?;
        }
        Ok(StepEnd::Done)
    }

    async fn run_group(
        &self,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
        outputs: &mut Outputs,
    ) -> Result<(), StepError> {
        self.calling(group);
        let renews = !self.step.kind.renews(group).is_empty();
        let receipt = self
            .attempt(
                Repeat {
                    makes_another: renews && group == self.step.kind.create_call,
                    contested: self.is_contested(group),
                },
                || self.cloud.update(group, want, live),
                |doubtful| async move {
                    // Groups that renew something (a new revision) must not run twice; the others may.
                    if !renews {
                        return Ok(Seen::Nothing);
                    }
                    let seen = self.look(Depth::Full).await?;
                    Ok(match seen.iter().find(|s| self.is_ours(s) && s.id != live.id) {
                        None => Seen::Nothing,
                        // Another run has done just that.
                        Some(newer) if doubtful || differences(want.kind, &want.fields, &newer.fields).is_empty() => {
                            Seen::Done(receipt_of(newer))
                        }
                        Some(_) => Seen::Other,
                    })
                },
            )
            .await?;
        self.remember(&receipt, outputs);
        Ok(())
    }

    async fn delete(&self, empty: bool) -> Result<StepEnd, StepError> {
        let Some(planned) = &self.step.live else { return Ok(StepEnd::AlreadyDone) };
        let Some(live) = self.as_planned(planned).await? else { return Ok(StepEnd::AlreadyDone) };
        if matches!(live.readiness, Readiness::Ready | Readiness::Settling(_)) {
            self.calling(self.step.kind.delete_call);
            self.attempt(
                Repeat::default(),
                || async { self.cloud.delete(planned, empty).await.map(|()| Receipt::default()) },
                |_| async { Ok(Seen::Nothing) },
            )
            .await?;
        }
        if self.step.kind.settles {
            self.settle(Until::Gone, &mut Outputs::new()).await?;
        }
        Ok(StepEnd::Done)
    }

    async fn release(&self) -> Result<StepEnd, StepError> {
        let Some(planned) = &self.step.live else { return Ok(StepEnd::AlreadyDone) };
        if self.as_planned(planned).await?.is_none() {
            return Ok(StepEnd::AlreadyDone);
        }
        self.calling("UntagResource");
        self.attempt(
            Repeat::default(),
            || async { self.cloud.release(planned).await.map(|()| Receipt::default()) },
            |_| async { Ok(Seen::Nothing) },
        )
        .await?;
        Ok(StepEnd::Done)
    }

    /// Whether the create call never fails because of what is there already: a second call makes a second one.
    pub(super) fn makes_another(&self) -> bool {
        self.step.kind.keeps_revisions()
    }

    /// Whether a group of calls of this step changes a field that others change, too.
    fn is_contested(&self, group: &str) -> bool {
        self.step
            .kind
            .contested(&self.step.changes)
            .any(|field| matches!(field.on_change, OnChange::Update(of) if of == group))
    }

    async fn settle(&self, until: Until, outputs: &mut Outputs) -> Result<(), StepError> {
        let start = self.clock.now();
        loop {
            let seen = self.look(Depth::Mark).await?;
            let planned = self.step.live.as_ref().filter(|_| until == Until::Gone);
            let live = seen.iter().find(|s| planned.is_none_or(|planned| s.id == planned.id));
            let waited = self.clock.now().saturating_sub(start);
            // A create call may answer with what was there already, whoever made it.
            if let (Act::Create { .. }, Some(live)) = (&self.step.act, live)
                && !self.is_ours(live)
            {
                return Err(self.somebody_was_faster("it was there already"));
            }
            // What was there all along does not show up late: somebody has deleted it.
            if matches!(self.step.act, Act::Update { .. }) && live.is_none() && waited >= VANISHED {
                return Err(self.gone());
            }
            match next(until, live.map(|s| &s.readiness), waited) {
                Next::Done => {
                    if let (Until::Ready, Some(live)) = (until, live) {
                        self.remember(&receipt_of(live), outputs);
                    }
                    return Ok(());
                }
                Next::TooLong(_) if live.is_none() => return Err(self.gone()),
                Next::TooLong(what) => return Err(StepError::TooLong { what, after: waited }),
                Next::Poll(pause, what) => {
                    (self.events)(Event::Waiting(self.step.id, what.clone(), waited));
                    self.rest(pause, || what).await?;
                }
            }
        }
    }

    /// Makes a call until it succeeds, fails for good, or a look shows that it took effect. The look is told whether an earlier
    /// attempt of ours may have taken effect.
    async fn attempt<C, CF, L, LF>(&self, repeat: Repeat, call: C, look: L) -> Result<Receipt, StepError>
    where
        C: Fn() -> CF,
        CF: Future<Output = Result<Receipt, CloudError>>,
        L: Fn(bool) -> LF,
        LF: Future<Output = Result<Seen, StepError>>,
    {
        let mut failures = Failures::new(self.clock.now(), self.fresh.load(Ordering::Relaxed));
        let (mut doubtful, mut tried) = (false, false);
        loop {
            if std::mem::replace(&mut tried, true) && repeat.contested {
                self.expect_unchanged().await?;
            }
            let error = match call().await {
                Ok(receipt) => {
                    self.fresh.store(true, Ordering::Relaxed);
                    return Ok(receipt);
                }
                Err(error) => error,
            };
            match failures.verdict(error.class, self.clock.now()) {
                Verdict::Again(pause) => self.pause(&error, pause).await?,
                Verdict::Look(pause) => {
                    doubtful = true;
                    let second = repeat.makes_another.then_some(SECOND_LOOK);
                    for pause in [Some(pause), second].into_iter().flatten() {
                        self.pause(&error, pause).await?;
                        if let Seen::Done(receipt) = look(true).await? {
                            return Ok(receipt);
                        }
                    }
                }
                // The name may be taken by our own call whose answer was lost, and reads may be behind.
                Verdict::Stop if error.class == Class::Exists => {
                    for looks in 0.. {
                        match (look(doubtful).await?, next_look(doubtful, looks)) {
                            (Seen::Done(receipt), _) => return Ok(receipt),
                            (Seen::Nothing, Some(pause)) => self.pause(&error, pause).await?,
                            (Seen::Nothing | Seen::Other, _) => break,
                        }
                    }
                    return Err(self.somebody_was_faster(&error));
                }
                Verdict::Stop => return Err(StepError::Cloud(error)),
            }
        }
    }

    async fn pause(&self, error: &CloudError, pause: Duration) -> Result<(), StepError> {
        (self.events)(Event::Retrying(self.step.id, error.clone(), pause));
        self.rest(pause, || error.to_string()).await
    }

    /// Waits, unless the run is told to stop before or meanwhile.
    async fn rest(&self, pause: Duration, what: impl FnOnce() -> String) -> Result<(), StepError> {
        let mut stop = self.stop.clone();
        let told = Box::pin(async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                // Nobody is left who could say so.
                std::future::pending::<()>().await;
            }
        });
        match select(told, self.clock.sleep(pause)).await {
            Either::Left(_) => Err(StepError::Interrupted(what())),
            Either::Right(_) => Ok(()),
        }
    }

    pub(super) async fn look(&self, depth: Depth) -> Result<Vec<Sighting>, StepError> {
        let scope = match (&self.step.want, &self.step.live) {
            (Some(want), _) => want.scope.clone(),
            (None, Some(live)) => live.scope.clone(),
            (None, None) => None,
        };
        let target = Target {
            address: self.step.address.clone(),
            kind: self.step.kind,
            name: self.step.name.clone(),
            scope,
            id: self.step.live.as_ref().map(|live| live.id.clone()),
            notes: self.step.live.as_ref().map(|live| live.notes.clone()).unwrap_or_default(),
        };
        let mut failures = Failures::new(self.clock.now(), self.fresh.load(Ordering::Relaxed));
        loop {
            let error = match self.cloud.look(&target, depth).await {
                Ok(seen) => return Ok(seen),
                Err(error) => error,
            };
            // A read may be repeated as it is, whatever became of it.
            match failures.verdict(error.class, self.clock.now()) {
                Verdict::Again(pause) | Verdict::Look(pause) => self.pause(&error, pause).await?,
                Verdict::Stop => return Err(StepError::Cloud(error)),
            }
        }
    }

    /// What has just been created, as far as is known without asking.
    fn fresh(&self, want: &Resolved, receipt: &Receipt) -> Sighting {
        let mut live = Sighting::new(self.step.kind, receipt.id.clone().unwrap_or_default(), &want.name);
        live.scope.clone_from(&want.scope);
        live.outputs.extend(receipt.outputs.iter().cloned());
        for field in want.kind.fields.iter().filter(|field| field.at_create) {
            if let Some(value) = want.fields.get(field.name) {
                live.fields.insert(field.name.to_owned(), value.clone());
            }
        }
        live
    }

    fn remember(&self, receipt: &Receipt, outputs: &mut Outputs) {
        for (output, value) in &receipt.outputs {
            outputs.push((OutputRef::new(&self.step.address, output), value.clone()));
        }
    }

    fn is_ours(&self, live: &Sighting) -> bool {
        if self.step.kind.ownership == Ownership::Account {
            return true;
        }
        let Some(Value::Map(tags)) = self.step.want.as_ref().and_then(|want| want.fields.get("tags")) else {
            return false;
        };
        let text = |key: &str| tags.get(key).and_then(Value::as_text);
        let (stack, region) = (text(TAG_STACK).unwrap_or_default(), text(TAG_REGION));
        live.mark
            .as_ref()
            .is_some_and(|mark| mark.is_of(stack, region) && mark.address == self.step.address.to_string())
    }

    fn calling(&self, call: &'static str) {
        (self.events)(Event::Calling(self.step.id, call));
    }
}

fn receipt_of(live: &Sighting) -> Receipt {
    Receipt { id: Some(live.id.clone()), outputs: live.outputs.iter().map(|(k, v)| (k.clone(), v.clone())).collect() }
}

/// The wish with everything that has become known by now.
pub(super) fn resolved(step: &Step, known: &Known) -> Result<Resolved, StepError> {
    let want = step.want.as_ref().ok_or_else(|| StepError::Unknown(step.address.to_string()))?;
    let mut fields = want.fields.clone();
    for value in fields.values_mut() {
        *value = fill(value, known);
        let mut missing = None;
        value.each_pending(&mut |output| missing = Some(format!("{}.{}", output.of, output.output)));
        if let Some(missing) = missing {
            return Err(StepError::Unknown(missing));
        }
    }
    for field in want.kind.fields {
        if let (Unset::Default(default), None) = (field.unset, fields.get(field.name)) {
            fields.insert(field.name.to_owned(), default());
        }
    }
    for field in want.kind.fields {
        if let Some(value) = fields.get_mut(field.name) {
            *value = crate::diff::settled(field, value, step.live.as_ref().and_then(|l| l.fields.get(field.name)));
        }
    }
    Ok(Resolved {
        address: want.address.clone(),
        kind: want.kind,
        name: want.name.clone(),
        scope: want.scope.clone(),
        fields,
    })
}
