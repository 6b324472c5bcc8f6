//! An independent check of plans: what must hold of every plan, whatever made it.

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::Goal;
use crate::kind::Ownership;
use crate::owner::Origin;
use crate::plan::{Act, Intent, Plan, Step, Why};
use crate::snapshot::{Sighting, Snapshot};
use crate::wait::Until;

/// Something a plan must never do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The step.
    pub step: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Checks a plan against the rules of ownership and order, without using any of the planner's code.
/// A finding is a defect of the planner: such a plan is not carried out.
pub fn lint(goal: &Goal, seen: &Snapshot, plan: &Plan) -> Vec<Finding> {
    let mut names: BTreeMap<(&str, &str), Vec<Option<&str>>> = BTreeMap::new();
    for live in &seen.seen {
        names.entry((live.kind.name, &live.name)).or_default().push(live.scope.as_deref());
    }
    let freed: BTreeSet<(&str, &str)> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.act, Act::Delete { .. } | Act::Settle { .. }))
        .map(|step| (step.kind.name, step.name.as_str()))
        .collect();
    let mut findings = Vec::new();
    let mut find = |step: &Step, problem: String| findings.push(Finding { step: step.id, problem });
    for step in &plan.steps {
        let marked = step.live.as_ref().and_then(|live| live.mark.as_ref());
        match &step.act {
            Act::Delete { empty } => {
                match marked {
                    None => find(step, "deletes something without a mark".into()),
                    Some(mark) if !goal.owns(mark) => find(step, format!("deletes what belongs to {}", mark.whose())),
                    Some(mark) if mark.origin != Origin::Created => {
                        find(step, "deletes something that was adopted".into())
                    }
                    Some(_) => {}
                }
                if retained(goal, step) {
                    find(step, "deletes something that is to be retained".into());
                }
                if step.kind.ownership == Ownership::Account {
                    find(step, "deletes something that belongs to the account".into());
                }
                if step.kind.ownership == Ownership::Shared && step.live.as_ref().is_some_and(|l| !l.held_by.is_empty())
                {
                    find(step, "deletes something that others hold".into());
                }
                if !empty && step.live.as_ref().is_some_and(|live| live.holds.is_some()) {
                    find(step, "deletes content without leave".into());
                }
            }
            Act::Release => {
                if marked.is_none_or(|mark| !goal.owns(mark)) {
                    find(step, "releases what is not ours".into());
                }
            }
            Act::Update { groups } => {
                if groups.is_empty() {
                    find(step, "updates nothing".into());
                }
                if step.live.is_none() {
                    find(step, "updates something that was not seen".into());
                }
                if step.kind.ownership == Ownership::Tags && marked.is_some_and(|mark| !goal.owns(mark)) {
                    find(step, "changes what belongs to another stack".into());
                }
                if goal.resources.get(&step.address).is_some_and(|want| want.existing) {
                    find(step, "changes what is only to be used".into());
                }
            }
            Act::Create { .. } => {
                let scope = step.want.as_ref().and_then(|want| want.scope.as_deref());
                let name = (step.kind.name, step.name.as_str());
                let taken = names.get(&name).is_some_and(|scopes| scope.is_none() || scopes.contains(&scope));
                if taken && !freed.contains(&name) {
                    find(step, "creates what exists".into());
                }
                if plan.intent == Intent::Absent {
                    find(step, "creates during a destroy".into());
                }
                if step.kind.field("tags").is_some()
                    && step.want.as_ref().is_none_or(|want| !want.fields.contains_key("tags"))
                {
                    find(step, "creates without a mark".into());
                }
            }
            Act::Settle { .. } => {}
        }
        if plan.unknown.iter().any(|(address, _)| *address == step.address) {
            find(step, "touches something whose state is unknown".into());
        }
        for first in &step.after {
            if *first >= plan.steps.len() || *first == step.id {
                find(step, format!("waits for step {first}, which does not exist"));
            }
        }
    }
    findings.extend(circle(plan));
    let uses = Uses::new(seen, plan);
    findings.extend(plan.steps.iter().flat_map(|step| too_early(&uses, plan, step)));
    findings
}

/// Whether the file, or else the note on the resource itself, says that it is left in place.
fn retained(goal: &Goal, step: &Step) -> bool {
    let Some(live) = &step.live else { return false };
    goal.resources.values().find(|want| want.names(live)).map_or(live.is_retained(), |want| want.retain)
}

/// Who uses what, and which steps there are for it.
struct Uses<'a> {
    users: BTreeMap<&'a str, Vec<&'a Sighting>>,
    steps: BTreeMap<(&'a str, &'a str), Vec<&'a Step>>,
}

impl<'a> Uses<'a> {
    fn new(seen: &'a Snapshot, plan: &'a Plan) -> Self {
        let mut it = Self { users: BTreeMap::new(), steps: BTreeMap::new() };
        for live in &seen.seen {
            for used in &live.uses {
                it.users.entry(used).or_default().push(live);
            }
        }
        for step in &plan.steps {
            if let Some(live) = &step.live {
                it.steps.entry(id(live)).or_default().push(step);
            }
        }
        it
    }

    fn users(&self, live: &'a Sighting) -> impl Iterator<Item = &'a Sighting> {
        live.names().into_iter().filter_map(|name| self.users.get(name)).flatten().copied()
    }

    fn steps(&self, live: &'a Sighting) -> impl Iterator<Item = &'a Step> {
        self.steps.get(&id(live)).into_iter().flatten().copied()
    }
}

fn id(live: &Sighting) -> (&str, &str) {
    (live.kind.name, &live.id)
}

fn goes(step: &Step) -> bool {
    matches!(step.act, Act::Delete { .. } | Act::Settle { until: Until::Gone })
}

/// A deletion that does not wait for what is done to a user of the resource, be it by way of others; a replacement of what is used.
fn too_early<'a>(uses: &Uses<'a>, plan: &'a Plan, step: &'a Step) -> Vec<Finding> {
    let (Act::Delete { .. }, Some(live)) = (&step.act, &step.live) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut find = |problem: String| findings.push(Finding { step: step.id, problem });
    if matches!(step.why, Why::MustReplace(_)) {
        for user in uses.users(live).filter(|user| id(user) != id(live) && !uses.steps(user).any(goes)) {
            find(format!("replaces what {} uses", user.name));
        }
        return findings;
    }
    let first = before(plan, step.id);
    let mut open = vec![live];
    let mut visited = BTreeSet::from([id(live)]);
    while let Some(used) = open.pop() {
        for user in uses.users(used) {
            if !visited.insert(id(user)) {
                continue;
            }
            open.push(user);
            for its in uses.steps(user).filter(|its| !first.contains(&its.id)) {
                // Two that use each other cannot both be last.
                if !goes(its) || !before(plan, its.id).contains(&step.id) {
                    find(format!("deletes what {} uses before step {}", user.name, its.id));
                }
            }
        }
    }
    findings
}

/// Everything that has to be done before a step.
fn before(plan: &Plan, step: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let mut open = vec![step];
    while let Some(step) = open.pop().and_then(|id| plan.steps.get(id)) {
        open.extend(step.after.iter().filter(|first| all.insert(**first)));
    }
    all
}

/// A plan whose steps wait for each other would never end.
fn circle(plan: &Plan) -> Option<Finding> {
    let mut waiting: BTreeMap<usize, BTreeSet<usize>> =
        plan.steps.iter().map(|step| (step.id, step.after.iter().copied().collect())).collect();
    loop {
        let free: Vec<usize> = waiting.iter().filter(|(_, after)| after.is_empty()).map(|(id, _)| *id).collect();
        if free.is_empty() {
            break;
        }
        for id in &free {
            waiting.remove(id);
        }
        for after in waiting.values_mut() {
            after.retain(|id| !free.contains(id));
        }
    }
    let (step, _) = waiting.into_iter().next()?;
    Some(Finding { step, problem: "waits for itself in a circle".into() })
}
