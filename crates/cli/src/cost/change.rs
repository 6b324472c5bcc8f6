//! What a plan changes of what a stack costs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::desired::Goal;
use hatoba_engine::kind::Unset;
use hatoba_engine::plan::{Act, Plan, Step};
use hatoba_engine::snapshot::{Readiness, Sighting, Snapshot};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use hatoba_prices::estimate::Range;
use hatoba_prices::shape::Service;
use hatoba_prices::stack::Bill;
use hatoba_prices::whole::{Given, StackCost, stack};
use hatoba_provider::down::{is_off_in_file, remembered, to_remember};

use super::live;

/// What a stack costs before and after a plan. Only what runs: what is stored, written and sent is in no plan.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// As it is.
    pub(crate) before: StackCost,
    /// As it will be.
    pub(crate) after: StackCost,
    /// As it will be once `hatoba up` has started what is stopped: what a budget is about.
    pub(crate) awake: StackCost,
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
    let world = World::new(goal, seen, plan);
    let (before, after, awake) = (world.before(), world.after(false), world.after(true));
    let cost = |bill: &Bill| stack(region, bill, Given::default());
    Change { before: cost(&before), after: cost(&after), awake: cost(&awake), services: awake.services }
}

const SERVICE: &str = "service";
const TASK: &str = "task_definition";
/// The fields of a service that say when, and how many of it, run.
const SCALING: [&str; 2] = ["schedule", "autoscaling"];
/// The fields of both that decide what is billed.
const BILLED: [&str; 13] = [
    "architecture",
    "autoscaling",
    "capacity",
    "cpu",
    "desired_count",
    "ephemeral_storage",
    "launch_type",
    "memory",
    "network",
    "os",
    "running",
    "schedule",
    "task_definition",
];

/// Services and task definitions, and what the plan does to them.
struct World<'a> {
    goal: &'a Goal,
    plan: &'a Plan,
    /// The services that are the stack's now, or become so.
    services: Vec<&'a Sighting>,
    /// What is done to a service, by its identifier.
    done: BTreeMap<&'a str, &'a Step>,
    /// The steps that make a revision of a task definition, by its address.
    revisions: BTreeMap<&'a Address, &'a Step>,
    /// The task definitions that are there, by their identifiers and by their names.
    tasks: BTreeMap<&'a str, &'a Sighting>,
}

impl<'a> World<'a> {
    fn new(goal: &'a Goal, seen: &'a Snapshot, plan: &'a Plan) -> Self {
        let mut done = BTreeMap::new();
        let mut revisions = BTreeMap::new();
        for step in &plan.steps {
            match (step.kind.name, &step.act, &step.live) {
                (TASK, Act::Create { .. } | Act::Update { .. }, _) => drop(revisions.insert(&step.address, step)),
                (SERVICE, Act::Update { .. } | Act::Delete { .. } | Act::Release, Some(live)) => {
                    done.insert(live.id.as_str(), step);
                }
                _ => {}
            }
        }
        let of_kind = |kind: &'static str| seen.seen.iter().filter(move |live| live.kind.name == kind);
        let tasks = of_kind(TASK).flat_map(|live| [(live.name.as_str(), live), (live.id.as_str(), live)]).collect();
        // What the file only uses is somebody else's to pay for.
        let wants = goal.resources.values().filter(|want| want.existing && want.kind.name == SERVICE);
        let used: BTreeSet<_> = wants.map(|want| (&want.name, &want.scope)).collect();
        let ours = |live: &&Sighting| {
            // What is on its way out is not billed for long.
            let leaves = matches!(live.readiness, Readiness::Deleting(_));
            !leaves
                && (goal.has_marked(live) || done.contains_key(live.id.as_str()))
                && !used.contains(&(&live.name, &live.scope))
        };
        let services = of_kind(SERVICE).filter(ours).collect();
        Self { goal, plan, services, done, revisions, tasks }
    }

    fn before(&self) -> Bill {
        let mut bill = Bill::default();
        for live in &self.services {
            let address = address(live);
            self.add(&mut bill, &address, &self.whole(live, &address), false);
        }
        bill
    }

    /// The fields of a service. A look before a destroy leaves out what only matters for changes: that the file tells.
    fn whole(&self, live: &'a Sighting, address: &Address) -> Cow<'a, Fields> {
        let mut fields = Cow::Borrowed(&live.fields);
        if let Some(want) = self.goal.resources.get(address).filter(|_| self.goal.content) {
            for name in SCALING.into_iter().filter(|name| !live.fields.contains_key(*name)) {
                let value = want.fields.get(name).map(|value| (name.to_owned(), value.clone()));
                fields.to_mut().extend(value);
            }
        }
        fields
    }

    /// With what is stopped by hand at nothing, or as if it was started again.
    fn after(&self, awake: bool) -> Bill {
        let mut bill = Bill::default();
        let mut add = |address: &Address, mut fields: Fields, live: Option<&Sighting>| {
            // Where the file wants no copy, nobody can start it.
            let want = self.goal.resources.get(address);
            let off = want.is_some_and(is_off_in_file);
            if awake && !off && fields.get("running") == Some(&Value::Bool(false)) {
                fields.remove("running");
                // Of a file that names no count, the one that was remembered comes back.
                if fields.get("desired_count") == Some(&Value::Int(0)) {
                    let count = live.and_then(remembered).or_else(|| want.and_then(to_remember)).unwrap_or(1);
                    fields.insert("desired_count".into(), Value::Int(count));
                }
            }
            self.add(&mut bill, address, &fields, true);
        };
        for live in &self.services {
            match self.done.get(live.id.as_str()) {
                Some(step) if matches!(step.act, Act::Delete { .. }) => {}
                Some(step) if matches!(step.act, Act::Update { .. }) => {
                    add(&address(live), wanted(step, Some(live)), Some(live))
                }
                // Let go of, it goes on running.
                _ => {
                    let address = address(live);
                    add(&address, self.whole(live, &address).into_owned(), Some(live));
                }
            }
        }
        for step in self.plan.steps.iter().filter(|step| step.kind.name == SERVICE) {
            if matches!(step.act, Act::Create { .. }) {
                add(&step.address, wanted(step, None), None);
            }
        }
        bill
    }

    fn add(&self, bill: &mut Bill, address: &Address, service: &Fields, after: bool) {
        let address = address.to_string();
        let task = service.get("task_definition").and_then(|task| self.task(task, after));
        let task = task.ok_or_else(|| "runs a task definition that is not the stack's".to_owned());
        bill.add(&address, task.and_then(|task| live::service(&address, service, &task)));
    }

    /// The fields of the task definition that a service names, as they are or will be. Of a family the revision that was seen counts:
    /// sizes hardly ever differ.
    fn task(&self, named: &Value, after: bool) -> Option<Cow<'a, Fields>> {
        let mut pending = None;
        named.each_pending(&mut |output| pending = Some(output.of.clone()));
        if let Some(of) = pending {
            let address = Address::new(TASK, of.strip_prefix(TASK)?.strip_prefix('.')?);
            if let Some(step) = self.revisions.get(&address).filter(|_| after) {
                return Some(Cow::Owned(wanted(step, step.live.as_ref())));
            }
            let want = self.goal.resources.get(&address)?;
            return self.tasks.get(want.name.as_str()).map(|live| Cow::Borrowed(&live.fields));
        }
        let named = named.as_text()?;
        let family = named.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or(named);
        let live = self.tasks.get(named).or_else(|| self.tasks.get(family))?;
        Some(Cow::Borrowed(&live.fields))
    }
}

/// Where a live service stands in its stack; one that has no address yet goes by its name.
fn address(live: &Sighting) -> Address {
    let marked = live.mark.as_ref().and_then(|mark| mark.address.strip_prefix(SERVICE)?.strip_prefix('.'));
    Address::new(SERVICE, marked.unwrap_or(&live.name))
}

/// The fields as a step leaves them: what the file says, and where it leaves that to AWS what is there.
fn wanted(step: &Step, live: Option<&Sighting>) -> Fields {
    let mut fields = Fields::new();
    for name in BILLED {
        let field = step.kind.field(name);
        let stays = field.is_none_or(|field| matches!(field.unset, Unset::Unmanaged));
        let there = live.filter(|_| stays).and_then(|live| live.fields.get(name));
        let value = step.want.as_ref().and_then(|want| want.fields.get(name)).or(there);
        fields.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    fields
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
