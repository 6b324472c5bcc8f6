//! The planner: a pure, deterministic, synchronous function of goal, snapshot and policy.

mod apart;
mod build;
mod decide;
mod keep;
mod order;
mod usage;

use std::collections::BTreeMap;

use hatoba_model::address::Address;
use serde::Serialize;

pub use build::plan;

use crate::desired::Desired;
use crate::diff::FieldChange;
use crate::kind::KindInfo;
use crate::snapshot::Sighting;
use crate::value::{OutputRef, Value};
use crate::wait::Until;

/// What the caller wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Everything in the file exists, nothing else of ours does.
    Present,
    /// Nothing of ours exists.
    Absent,
}

/// A plan: steps in an order that respects dependencies, and what will not be done and why.
#[derive(Debug)]
pub struct Plan {
    /// The stack.
    pub stack: String,
    /// What the caller wanted.
    pub intent: Intent,
    /// The steps; a step comes after everything in its `after`.
    pub steps: Vec<Step>,
    /// What stands in the way; a plan with refusals is not carried out.
    pub refusals: Vec<Refusal>,
    /// What is kept, let go of or left alone, and why.
    pub notes: Vec<Note>,
    /// Resources that are as they should be.
    pub unchanged: Vec<Address>,
    /// Resources whose state could not be read, with the reason.
    pub unknown: Vec<(Address, String)>,
    /// Why not everything that bears the stack's mark could be looked for: there may be more than was seen.
    pub unread: Vec<String>,
    /// Values that were known when the plan was made.
    pub known: BTreeMap<OutputRef, Value>,
}

impl Plan {
    /// Whether there is nothing to do and nothing in the way.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.refusals.is_empty() && self.unknown.is_empty()
    }

    /// How many resources are created, changed, replaced and deleted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            match (&step.act, &step.why) {
                (Act::Create { .. }, Why::MustReplace(_)) => counts.replace += 1,
                (Act::Delete { .. }, Why::MustReplace(_)) => {}
                (Act::Create { .. }, _) => counts.create += 1,
                // The second half of a change.
                (Act::Update { .. }, Why::UsersFirst) if self.changes_before(step) => {}
                (Act::Update { .. }, _) => counts.update += 1,
                (Act::Delete { .. }, _) => counts.delete += 1,
                (Act::Release, _) => counts.release += 1,
                (Act::Settle { .. }, _) => {}
            }
        }
        counts
    }

    /// Whether another step of the plan changes the same resource.
    fn changes_before(&self, step: &Step) -> bool {
        let same = |other: &Step| other.address == step.address && other.id != step.id;
        self.steps.iter().any(|other| same(other) && matches!(other.act, Act::Update { .. }))
    }
}

/// How many resources a plan touches, by what happens to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New ones.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Deleted and created anew.
    pub replace: usize,
    /// Deleted.
    pub delete: usize,
    /// Let go of.
    pub release: usize,
}

/// The number of a step within its plan.
pub type StepId = usize;

/// One action on one resource.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// Where the resource stands in the stack.
    pub address: Address,
    /// What it is.
    pub kind: &'static KindInfo,
    /// Its name in AWS.
    pub name: String,
    /// What is done.
    pub act: Act,
    /// Why.
    pub why: Why,
    /// The differences, for reading; for creates the fields that are set.
    pub changes: Vec<FieldChange>,
    /// The steps that must be done before.
    pub after: Vec<StepId>,
    /// The resource as it was seen; the step expects to find it so.
    pub live: Option<Sighting>,
    /// The wish, with its values settled as far as they are known; includes the mark.
    pub want: Option<Desired>,
}

impl Step {
    /// The calls that carry it out, as AWS spells them, in order: one for each group of fields that change together.
    pub fn calls(&self) -> Vec<&'static str> {
        match &self.act {
            Act::Create { then } => std::iter::once(self.kind.create_call)
                .chain(then.iter().flat_map(|group| self.calls_of(group)))
                .collect(),
            Act::Update { groups } => groups.iter().flat_map(|group| self.calls_of(group)).collect(),
            Act::Delete { .. } => vec![self.kind.delete_call],
            Act::Release | Act::Settle { .. } => Vec::new(),
        }
    }

    /// The calls of one of its groups.
    pub fn calls_of<'a>(&self, group: &'a str) -> Vec<&'a str> {
        let known = self.kind.groups.iter().find(|known| known.name == group);
        match (known.and_then(|known| known.calls), &self.want, &self.live) {
            (Some(calls), Some(want), Some(live)) => calls(want, live),
            _ => vec![group],
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Creates it, then runs the groups of calls for what the create call does not carry.
    Create {
        /// The groups, in order.
        then: Vec<&'static str>,
    },
    /// Changes it in place.
    Update {
        /// The groups of calls, in order.
        groups: Vec<&'static str>,
    },
    /// Deletes it.
    Delete {
        /// Whether its content may go with it.
        empty: bool,
    },
    /// Takes our mark off and leaves it.
    Release,
    /// Waits for it.
    Settle {
        /// What for.
        until: Until,
    },
}

/// Why a step is in the plan. For reading only: nothing may branch on it when the plan is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason", content = "because")]
pub enum Why {
    /// It does not exist.
    NotFound,
    /// Fields differ.
    FieldsDiffer,
    /// It exists without an owner and the file says `adopt: true`, or it is one that everybody shares.
    Adopted,
    /// This field cannot be changed in place.
    MustReplace(String),
    /// The file no longer has it.
    NotInFile,
    /// The file gives this resource another name now.
    Renamed,
    /// Everything is to go.
    Destroy,
    /// It is still changing from an earlier action.
    NotSettled,
    /// It is taken away from what stays, once its users have changed.
    UsersFirst,
    /// What uses it is let go of, and stays.
    UserLetGo,
}

/// Something that stands in the way of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Where.
    pub address: Option<Address>,
    /// What stands in the way.
    pub problem: String,
    /// The way out.
    pub help: String,
}

/// Something that is left as it is, on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where.
    pub address: Address,
    /// Its name in AWS.
    pub name: String,
    /// What happens to it and why.
    pub text: String,
    /// Whether it goes on existing, and so may go on costing.
    pub stays: bool,
}
