//! Plays a scenario and checks, at every call and after every run, what must always hold.

use std::time::Duration;

use hatoba_engine::clock::Clock;
use hatoba_engine::cloud::Cloud;
use hatoba_engine::desired::Goal as Wishes;
use hatoba_engine::execute::{Outcome, StepEnd, StepError, execute};
use hatoba_engine::kind::Ownership;
use hatoba_engine::lint::lint;
use hatoba_engine::owner::{Mark, Origin};
use hatoba_engine::plan::{Act, Intent, Plan, plan};
use hatoba_engine::value::Value;
use hatoba_model::address::Address;
use hatoba_model::stack::Stack;

use super::figures::{Broken, Figures, broken, counts};
use super::files::Files;
use super::{Goal, Planned, Scenario};
use crate::faults::Faults;
use crate::links::{holder, holders as holders_of};
use crate::run::{Mortal, Run};
use crate::script::{brief, facts};
use crate::slow::Slow;
use crate::timeline::Timeline;
use crate::world::{Thing, World};

/// No run may take longer than this, however slow the cloud is.
const LONGEST: Duration = Duration::from_secs(45 * 60);

/// Between survey and execution, when somebody else acts there: long enough for a person to read the plan.
const READING: Duration = Duration::from_secs(30);

/// Plays a scenario.
///
/// # Errors
/// The first promise that was broken.
pub fn play(scenario: &Scenario, files: &Files) -> Result<Figures, Broken> {
    let facts = facts().map_err(|what| Broken { promise: "the scenario can be played", what })?;
    let world = World::slow(facts, scenario.slow, scenario.dice);
    let mut play = Play { files, world, time: Timeline::default(), dice: scenario.dice, figures: Figures::default() };
    for deed in &scenario.start {
        deed.perform(&play.world);
    }
    let mut last = None;
    for run in &scenario.runs {
        last = Some(run.goal);
        play.disturbed(run)?;
    }
    match last {
        Some(goal) => play.converges(goal)?,
        None => return broken("the scenario can be played", "it has no runs"),
    }
    Ok(play.figures)
}

struct Play<'a> {
    files: &'a Files,
    world: World,
    time: Timeline,
    dice: u64,
    figures: Figures,
}

/// What a look at the account says.
struct Looked {
    plan: Plan,
    seen_at: Duration,
    /// Whether reads did not show everything as it is.
    murky: bool,
}

impl<'a> Play<'a> {
    /// The account at this moment.
    fn tick(&self) {
        self.world.lock().at(self.time.now(), self.world.facts());
    }

    fn pass(&self, time: Duration) {
        self.time.pass(time);
        self.tick();
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.dice
    }

    fn wishes(&self, goal: Goal) -> Result<(&'a Stack, &'a Wishes), Broken> {
        self.files.of(goal).ok_or(Broken { promise: "the scenario can be played", what: format!("no file for {goal}") })
    }

    fn look(&self, goal: Goal) -> Result<Looked, Broken> {
        let (_, wishes) = self.wishes(goal)?;
        self.tick();
        let seen_at = self.time.now();
        let murky = self.world.lock().is_murky();
        let seen = self.time.block_on(self.world.survey(wishes)).map_err(|stuck| stuck_at(goal, stuck.to_string()))?;
        let plan = match plan(wishes, &seen, goal.intent) {
            Ok(plan) => plan,
            Err(cycle) => return broken("every plan can be made", cycle.to_string()),
        };
        let findings = lint(wishes, &seen, &plan);
        if !findings.is_empty() {
            return broken("plans are clean", format!("{findings:?} in\n{}", brief(&plan)));
        }
        Ok(Looked { plan, seen_at, murky })
    }

    /// A run with everything that goes wrong in it.
    fn disturbed(&mut self, run: &Planned) -> Result<(), Broken> {
        self.pass(Duration::from_secs(run.wait));
        run.before.iter().for_each(|deed| deed.perform(&self.world));
        let looked = self.look(run.goal)?;
        self.are_right(run.goal, &looked)?;
        let other = run.beside.map(|goal| Ok((goal, self.look(goal)?))).transpose()?;
        if !run.between.is_empty() {
            self.pass(READING);
            run.between.iter().for_each(|deed| deed.perform(&self.world));
        }
        if !looked.plan.refusals.is_empty() {
            self.figures.refused += 1;
            return Ok(());
        }
        let held = !self.holders(&looked.plan).is_empty();
        let before = self.others();
        let calm = Faults::default();
        let (first, second) = (self.roll(), self.roll());
        let (stack, wishes) = self.wishes(run.goal)?;
        let mut one = Run::new(&self.world, &self.time, stack, wishes, &run.faults, first);
        one.alone = run.beside.is_none();
        let start = self.time.now();
        let carried = |run, looked| carry(run, looked, &self.time);
        let beside = other.as_ref().filter(|(_, looked)| looked.plan.refusals.is_empty());
        let beside = beside.map(|(goal, looked)| Ok((*goal, looked, self.wishes(*goal)?))).transpose()?;
        let ended = match &beside {
            None => self.time.block_on(carried(&one, &looked)).map(|end| (end, None)),
            Some((_, other, (stack, wishes))) => {
                let mut two = Run::new(&self.world, &self.time, stack, wishes, &calm, second);
                two.alone = false;
                let both = async { futures::join!(carried(&one, &looked), carried(&two, other)) };
                self.time.block_on(both).map(|(one, other)| (one, Some((other, counts(&two)))))
            }
        };
        let (end, other_end) = ended.map_err(|stuck| stuck_at(run.goal, stuck.to_string()))?;
        let took = self.time.now().saturating_sub(start);
        let figures = counts(&one);
        let wishes: Vec<&Wishes> =
            [wishes].into_iter().chain(beside.iter().map(|(_, _, (_, wishes))| *wishes)).collect();
        self.is_untouched(before, &wishes)?;
        if took > LONGEST {
            return broken("every run ends", format!("{} took {} min", run.goal, took.as_secs() / 60));
        }
        let disturbed = !run.between.is_empty() || beside.is_some() || held;
        let shown = || format!("in {}\n{}", run.goal, brief(&looked.plan));
        figures.hold(&looked.plan, &shown)?;
        match end.as_ref().filter(|_| !disturbed && !looked.murky) {
            Some(outcome) if outcome.is_complete() => self.stays_so(run.goal, &shown)?,
            Some(outcome) if run.faults.pass() => {
                let failed = failures(&looked.plan, outcome);
                return broken("faults that pass do not fail a run", format!("{failed} {}", shown()));
            }
            Some(_) | None => {}
        }
        let mut all = figures.figures;
        if let (Some((other_end, other_counts)), Some((goal, other, _))) = (&other_end, &beside) {
            let shown =
                || format!("in {} beside {goal}\n{}\nbeside\n{}", run.goal, brief(&looked.plan), brief(&other.plan));
            other_counts.hold(&other.plan, &shown)?;
            all += other_counts.figures;
            all.pairs += 1;
            all.stale += u64::from(other_end.as_ref().is_some_and(is_stale));
        }
        all.runs += 1;
        all.killed += u64::from(end.is_none());
        all.interrupted += u64::from(end.as_ref().is_some_and(|outcome| outcome.interrupted));
        all.stale += u64::from(end.as_ref().is_some_and(is_stale));
        all.seconds += took.as_secs();
        self.figures += all;
        self.nothing_twice(beside.is_some())
    }

    /// A refusal is right when something of somebody else, or its content, stands in the way.
    fn are_right(&self, goal: Goal, looked: &Looked) -> Result<(), Broken> {
        // Reads may show somebody else's that is gone.
        for refusal in looked.plan.refusals.iter().filter(|_| !looked.murky) {
            let Some(address) = &refusal.address else { return broken("refusals are right", format!("{refusal:?}")) };
            if self.obstacle(goal, address).is_none() {
                return broken("refusals are right", format!("{address}: {} in {goal}", refusal.problem));
            }
        }
        Ok(())
    }

    /// What stands in the way of a resource of the file, and is not hatoba's to change; or `None`.
    fn obstacle(&self, goal: Goal, address: &Address) -> Option<Option<Thing>> {
        let (_, wishes) = self.wishes(goal).ok()?;
        let want = wishes.resources.get(address)?;
        let things = self.world.things();
        let mut named = things
            .iter()
            .filter(|t| t.kind.name == want.kind.name && t.name == want.name && want.scope.is_none_or_is(&t.scope));
        let Some(there) = named.next() else { return want.existing.then_some(None) };
        let ours = there.mark().filter(|mark| mark.stack == wishes.stack);
        let theirs = ours.as_ref().is_none_or(|mark| mark.origin == Origin::Adopted);
        (theirs || there.content.is_some() || want.retain).then(|| Some(there.clone()))
    }

    /// What belongs to others and uses something that the plan deletes: the cloud does not allow that, and says so.
    fn holders(&self, plan: &Plan) -> Vec<String> {
        let state = self.world.lock();
        let deleted = plan
            .steps
            .iter()
            .filter(|step| matches!(step.act, Act::Delete { .. }))
            .filter_map(|step| step.live.as_ref());
        let mut holders = Vec::new();
        for live in deleted {
            let Some(thing) = state.things.iter().find(|thing| thing.id == live.id) else { continue };
            let all = holders_of(thing, &state.things, self.world.facts());
            holders.extend(
                all.filter(|user| user.mark().is_none_or(|mark| mark.stack != plan.stack)).map(|user| user.id.clone()),
            );
        }
        holders
    }

    /// Everything that must not be touched: what does not bear our mark.
    fn others(&self) -> Vec<Thing> {
        let theirs = |thing: &Thing| thing.mark().is_none_or(|mark| mark.stack != self.files.stack());
        self.world.things().into_iter().filter(theirs).collect()
    }

    fn is_untouched(&self, before: Vec<Thing>, wishes: &[&Wishes]) -> Result<(), Broken> {
        for thing in before {
            // What the file adopts may be changed. The one provider of the account may be shared.
            let adopts = |wishes: &&Wishes| {
                let named = |want: &&hatoba_engine::desired::Desired| {
                    want.kind.name == thing.kind.name && want.name == thing.name
                };
                wishes.resources.values().filter(named).any(|want| want.adopt)
            };
            let adopted = thing.mark().is_none() && wishes.iter().any(adopts);
            // A family that is adopted gets a new revision, and a user with another path another ARN.
            let named = thing.kind.name == "task_definition" || thing.kind.name == "user" && adopted;
            let same = |now: &Thing| now.id == thing.id || named && now.name == thing.name;
            let now = self.world.things().into_iter().find(|now| now.kind.name == thing.kind.name && same(now));
            let who = format!("{} `{}`", thing.kind.name, thing.name);
            let Some(now) = now else { return broken("nothing foreign is touched", format!("the {who} is gone")) };
            if adopted || thing.kind.ownership == Ownership::Shared {
                continue;
            }
            if now.fields != thing.fields || now.content != thing.content {
                return broken("nothing foreign is touched", format!("the {who} was changed"));
            }
        }
        Ok(())
    }

    /// A run said that everything is done: then nothing is left to do, once reads have caught up.
    fn stays_so(&self, goal: Goal, shown: &dyn Fn() -> String) -> Result<(), Broken> {
        let (_, wishes) = self.wishes(goal)?;
        // As it is, whatever reads show.
        let seen = {
            let mut state = self.world.lock();
            state.at(self.time.now(), self.world.facts());
            state.truth(wishes, self.world.facts())
        };
        let after = plan(wishes, &seen, goal.intent);
        let after = after.map_err(|cycle| Broken { promise: "every plan can be made", what: cycle.to_string() })?;
        let left = after.steps.iter().any(|step| !matches!(step.act, Act::Settle { .. }));
        if left || !after.refusals.is_empty() {
            return broken("done means done", format!("left:\n{} {}", brief(&after), shown()));
        }
        Ok(())
    }

    fn nothing_twice(&self, pair: bool) -> Result<(), Broken> {
        let twice = std::mem::take(&mut self.world.lock().twice);
        // Two runs at the same moment may each register one.
        match twice.first() {
            Some(what) if !pair => broken("nothing is made twice", what.clone()),
            Some(_) | None => Ok(()),
        }
    }

    /// Whatever happened: one undisturbed run gets there, and then nothing is left to do.
    fn converges(&mut self, goal: Goal) -> Result<(), Broken> {
        self.pass(Slow::CALM);
        let mut attempts = 0;
        let looked = loop {
            let looked = self.look(goal)?;
            let holders = self.holders(&looked.plan);
            if looked.plan.refusals.is_empty() && holders.is_empty() {
                break looked;
            }
            self.world.lock().things.retain(|thing| !holders.contains(&thing.id));
            attempts += 1;
            self.are_right(goal, &looked)?;
            if attempts > 3 {
                return broken("one rerun gets there", format!("still refused:\n{}", brief(&looked.plan)));
            }
            self.make_way(goal, &looked);
        };
        let (stack, wishes) = self.wishes(goal)?;
        let before = self.others();
        let calm = Faults::default();
        let run = Run::new(&self.world, &self.time, stack, wishes, &calm, 1);
        let start = self.time.now();
        let end =
            self.time.block_on(carry(&run, &looked, &self.time)).map_err(|stuck| stuck_at(goal, stuck.to_string()))?;
        let shown = || format!("in the last {goal}\n{}", brief(&looked.plan));
        let took = self.time.now().saturating_sub(start);
        if took > LONGEST {
            return broken("every run ends", format!("it took {} min {}", took.as_secs() / 60, shown()));
        }
        match &end {
            Some(outcome) if outcome.is_complete() => {}
            Some(outcome) => {
                return broken("one rerun gets there", format!("{} {}", failures(&looked.plan, outcome), shown()));
            }
            None => return broken("one rerun gets there", "it was killed"),
        }
        let figures = counts(&run);
        figures.hold(&looked.plan, &shown)?;
        let wishes = [wishes];
        self.is_untouched(before, &wishes)?;
        self.nothing_twice(false)?;
        self.figures += figures.figures;
        self.figures.runs += 1;
        self.figures.seconds += took.as_secs();
        self.pass(Slow::CALM);
        self.is_reached(goal, &shown)
    }

    /// Whoever stands in the way goes out of it, as the refusal says.
    fn make_way(&self, goal: Goal, looked: &Looked) {
        for address in looked.plan.refusals.iter().filter_map(|refusal| refusal.address.as_ref()) {
            match self.obstacle(goal, address) {
                Some(Some(thing)) => {
                    let mut state = self.world.lock();
                    let at = state
                        .things
                        .iter()
                        .position(|other| other.kind.name == thing.kind.name && other.id == thing.id);
                    match at {
                        Some(at) if thing.content.is_some() => {
                            if let Some(thing) = state.things.get_mut(at) {
                                thing.content = None;
                            }
                        }
                        // What is in use cannot go: it becomes the stack's again.
                        Some(at) if holder(&thing, &state.things, self.world.facts()).is_some() => {
                            if let Some(thing) = state.things.get_mut(at) {
                                give_back(thing, &looked.plan.stack, address);
                            }
                        }
                        Some(at) => state.remove(at),
                        None => {}
                    }
                }
                Some(None) => {
                    if let Some(want) = self.wishes(goal).ok().and_then(|(_, wishes)| wishes.resources.get(address)) {
                        self.world.put(want.kind.name, &want.name, Default::default());
                    }
                }
                None => {}
            }
        }
        self.pass(Slow::CALM);
    }

    fn is_reached(&self, goal: Goal, shown: &dyn Fn() -> String) -> Result<(), Broken> {
        let (_, wishes) = self.wishes(goal)?;
        let again = self.look(goal)?.plan;
        if !again.is_empty() {
            return broken("the second plan is empty", format!("{} after {}", brief(&again), shown()));
        }
        let things = self.world.things();
        let ours: Vec<&Thing> =
            things.iter().filter(|thing| thing.mark().is_some_and(|mark| mark.stack == wishes.stack)).collect();
        let kept = |thing: &Thing| {
            again.notes.iter().any(|note| note.name == thing.name && note.address.kind == thing.kind.name)
        };
        for thing in ours.iter().filter(|thing| !kept(thing)) {
            let same = |other: &&&Thing| other.kind.name == thing.kind.name && other.mark() == thing.mark();
            if ours.iter().filter(|other| !kept(other)).filter(same).count() > 1 {
                return broken("nothing is there twice", format!("{} {:?} {}", thing.kind.name, thing.mark(), shown()));
            }
            if goal.intent == Intent::Absent {
                return broken("nothing is left", format!("{} `{}` {}", thing.kind.name, thing.name, shown()));
            }
        }
        if goal.intent == Intent::Present {
            let missing = wishes.resources.keys().find(|address| !again.unchanged.contains(address));
            if let Some(missing) = missing {
                return broken("the goal is reached", format!("nothing is said about {missing} {}", shown()));
            }
        }
        Ok(())
    }
}

/// Puts the stack's mark on a resource.
fn give_back(thing: &mut Thing, stack: &str, address: &Address) {
    let mark = Mark { stack: stack.to_owned(), address: address.to_string(), origin: Origin::Created, region: None };
    let tags = thing.fields.entry("tags".to_owned()).or_insert_with(|| Value::Map(Default::default()));
    if let Value::Map(tags) = tags {
        tags.extend(mark.tags().map(|(key, value)| (key.to_owned(), value.into())));
    }
}

trait Whole {
    fn is_none_or_is(&self, other: &Option<String>) -> bool;
}

impl Whole for Option<String> {
    /// A name that is unique everywhere has no place that would have to be the same.
    fn is_none_or_is(&self, other: &Option<String>) -> bool {
        self.is_none() || self == other
    }
}

async fn carry<'r>(run: &'r Run<'r>, looked: &Looked, time: &Timeline) -> Option<Outcome> {
    let stop = run.stop.subscribe();
    let future = Box::pin(async move { execute(&looked.plan, run, time, Some(looked.seen_at), stop, &|_| {}).await });
    Mortal { run, future }.await
}

fn stuck_at(goal: Goal, what: String) -> Broken {
    Broken { promise: "every run ends", what: format!("{goal}: {what}") }
}

fn is_stale(outcome: &Outcome) -> bool {
    outcome.failed().any(|(_, error)| matches!(error, StepError::Stale(_)))
}

fn failures(plan: &Plan, outcome: &Outcome) -> String {
    let failed = outcome.steps.iter().filter_map(|(id, end)| match end {
        StepEnd::Failed(error) => Some(format!("{}: {error}", plan.steps.get(*id)?.address)),
        StepEnd::Done | StepEnd::AlreadyDone | StepEnd::NotTried => None,
    });
    format!("failed: {:?}", failed.collect::<Vec<_>>())
}
