//! What a plan changes of what a stack costs.

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::kind::Unset;
use hatoba_engine::plan::{Act, Plan, Step};
use hatoba_engine::snapshot::{Readiness, Sighting, Snapshot};
use hatoba_engine::value::{Fields, Value};
use hatoba_prices::estimate::Range;
use hatoba_prices::shape::Service;
use hatoba_prices::stack::Bill;
use hatoba_prices::whole::{Given, StackCost, stack};

use super::live;

/// What a stack costs before and after a plan. Only what runs: what is stored, written and sent is in no plan.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// As it is.
    pub(crate) before: StackCost,
    /// As it will be.
    pub(crate) after: StackCost,
    /// What will be billed, for advice.
    pub(crate) services: Vec<Service>,
}

impl Change {
    /// Whether anything runs, or will.
    pub(crate) fn is_about_something(&self) -> bool {
        let any = |cost: &StackCost| !cost.unpriced.is_empty() || !cost.cost().hour.is_zero();
        any(&self.before) || any(&self.after)
    }

    /// How much more it costs a month, on its schedules; negative where it becomes cheaper.
    pub(crate) fn more(&self) -> Range {
        let (before, after) = (self.before.cost().scheduled, self.after.cost().scheduled);
        Range { least: after.least - before.least, most: after.most - before.most }
    }

    /// Whether the figures are only about so much.
    pub(crate) fn is_approximate(&self) -> bool {
        self.before.is_approximate() || self.after.is_approximate()
    }
}

/// What a plan changes of what the stack costs in a region.
pub(crate) fn of(region: &str, goal: &Goal, seen: &Snapshot, plan: &Plan) -> Change {
    let world = World { goal, seen, plan };
    let (before, after) = (world.before(), world.after());
    let cost = |bill: &Bill| stack(region, bill, Given::default());
    Change { before: cost(&before), after: cost(&after), services: after.services }
}

struct World<'a> {
    goal: &'a Goal,
    seen: &'a Snapshot,
    plan: &'a Plan,
}

impl<'a> World<'a> {
    /// The services that are the stack's now, or become so: what is on its way out is not billed for long.
    fn services(&self) -> impl Iterator<Item = &'a Sighting> {
        let steps = &self.plan.steps;
        let stack = self.goal.stack.as_str();
        // What the file only uses is somebody else's to pay for.
        let used = |live: &Sighting| {
            let same =
                |want: &&Desired| want.kind.name == SERVICE && want.name == live.name && want.scope == live.scope;
            self.goal.resources.values().find(same).is_some_and(|want| want.existing)
        };
        let here = self.seen.seen.iter().filter(move |live| live.kind.name == SERVICE && !used(live));
        here.filter(|live| !matches!(live.readiness, Readiness::Deleting(_))).filter(move |live| {
            live.mark.as_ref().is_some_and(|mark| mark.stack == stack)
                || steps.iter().any(|step| step.live.as_ref().is_some_and(|other| other.id == live.id))
        })
    }

    fn before(&self) -> Bill {
        let mut bill = Bill::default();
        for live in self.services() {
            let mut fields = live.fields.clone();
            let want = self.goal.resources.values().find(|want| want.address.to_string() == address(live));
            // A look before a destroy leaves out what only matters for changes.
            for (name, value) in want.iter().filter(|_| self.goal.content).flat_map(|want| &want.fields) {
                if SCALING.contains(&name.as_str()) && !fields.contains_key(name) {
                    fields.insert(name.clone(), value.clone());
                }
            }
            self.add(&mut bill, &address(live), &fields, false);
        }
        bill
    }

    fn after(&self) -> Bill {
        let mut bill = Bill::default();
        for live in self.services() {
            let of_it =
                |step: &&Step| step.kind.name == SERVICE && step.live.as_ref().is_some_and(|it| it.id == live.id);
            let step = self.plan.steps.iter().filter(of_it).find(|step| !matches!(step.act, Act::Settle { .. }));
            match step.map(|step| (&step.act, step)) {
                Some((Act::Delete { .. } | Act::Create { .. }, _)) => {}
                Some((Act::Update { .. }, step)) => {
                    self.add(&mut bill, &address(live), &wanted(step, Some(live)), true)
                }
                Some((Act::Release | Act::Settle { .. }, _)) | None => {
                    self.add(&mut bill, &address(live), &live.fields, true)
                }
            }
        }
        for step in self.plan.steps.iter().filter(|step| step.kind.name == SERVICE) {
            if matches!(step.act, Act::Create { .. }) {
                self.add(&mut bill, &step.address.to_string(), &wanted(step, None), true);
            }
        }
        bill
    }

    fn add(&self, bill: &mut Bill, address: &str, service: &Fields, after: bool) {
        let task = service.get("task_definition").and_then(|task| self.task(task, after));
        let task = task.ok_or_else(|| "runs a task definition that is not the stack's".to_owned());
        bill.add(address, task.and_then(|task| live::service(address, service, &task)));
    }

    /// The fields of the task definition that a service names, as they are or will be. Of a family the revision that was seen counts:
    /// sizes hardly ever differ.
    fn task(&self, named: &Value, after: bool) -> Option<Fields> {
        let mut pending = None;
        named.each_pending(&mut |output| pending = Some(output.of.clone()));
        if let Some(address) = pending {
            let steps = || self.plan.steps.iter().filter(|step| step.address.to_string() == address);
            let step = steps().find(|step| matches!(step.act, Act::Create { .. } | Act::Update { .. }));
            if let Some(step) = step.filter(|_| after) {
                return Some(wanted(step, step.live.as_ref()));
            }
            let want = self.goal.resources.values().find(|want| want.address.to_string() == address)?;
            return self.family(&want.name);
        }
        let named = named.as_text()?;
        let tasks = || self.seen.seen.iter().filter(|live| live.kind.name == TASK);
        match tasks().find(|live| live.id == named) {
            Some(live) => Some(live.fields.clone()),
            None => {
                let last = named.rsplit('/').next().unwrap_or(named);
                self.family(last.split(':').next().unwrap_or(last))
            }
        }
    }

    fn family(&self, name: &str) -> Option<Fields> {
        let live = self.seen.seen.iter().find(|live| live.kind.name == TASK && live.name == name)?;
        Some(live.fields.clone())
    }
}

const SERVICE: &str = "service";
const TASK: &str = "task_definition";
/// The fields of a service that say when, and how many of it, run.
const SCALING: [&str; 2] = ["schedule", "autoscaling"];

/// Where a live service stands in its stack; one that has no address yet goes by its name.
fn address(live: &Sighting) -> String {
    let marked = live.mark.as_ref().map(|mark| mark.address.clone()).filter(|address| !address.is_empty());
    marked.unwrap_or_else(|| format!("{SERVICE}.{}", live.name))
}

/// The fields as a step leaves them: what the file says, and where it leaves that to AWS what is there.
fn wanted(step: &Step, live: Option<&Sighting>) -> Fields {
    // What is seen of it beside its fields stays as it is.
    let beside = live.iter().flat_map(|live| &live.fields).filter(|(name, _)| step.kind.field(name).is_none());
    let mut fields: Fields = beside.map(|(name, value)| (name.clone(), value.clone())).collect();
    let want = step.want.as_ref().map(|want| &want.fields);
    for field in step.kind.fields {
        let left =
            live.filter(|_| matches!(field.unset, Unset::Unmanaged)).and_then(|live| live.fields.get(field.name));
        let value = want.and_then(|want| want.get(field.name)).or(left);
        fields.extend(value.map(|value| (field.name.to_owned(), value.clone())));
    }
    fields
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
