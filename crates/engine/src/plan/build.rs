//! Puts decisions together into a plan.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::address::Address;

use crate::desired::{Desired, Goal};
use crate::graph::{Cycle, order};
use crate::kind::Ownership;
use crate::owner::{Mark, Origin};
use crate::resolve::{Known, fill};
use crate::snapshot::{Sighting, Snapshot};
use crate::value::OutputRef;

use super::apart::grow_before_shrink;
use super::decide::{self, Action, Decision};
use super::keep::keep_used;
use super::order::edges;
use super::usage::Usage;
use super::{Act, Intent, Note, Plan, Refusal, Step, Why};

/// Plans the way from what was seen to the goal.
///
/// # Errors
/// When the resources of the goal depend on each other in a circle.
///
/// # Guarantees
/// The same arguments give the same plan. Nothing whose state could not be read is touched, nor anything that depends on it.
/// Nothing without this stack's mark is deleted.
pub fn plan(goal: &Goal, seen: &Snapshot, intent: Intent) -> Result<Plan, Cycle> {
    let mut builder = Builder::new(goal, seen, intent);
    match intent {
        Intent::Present => builder.present()?,
        Intent::Absent => builder.absent(),
    }
    Ok(builder.finish())
}

struct Builder<'a> {
    goal: &'a Goal,
    seen: &'a Snapshot,
    intent: Intent,
    /// Which sighting stands for which resource of the file.
    current: BTreeMap<&'a Address, &'a Sighting>,
    /// Outputs that are known and that no step of this plan makes anew.
    known: Known,
    /// Addresses whose state is unknown, with the reason.
    unknown: BTreeMap<Address, String>,
    /// Why something may be there that was not seen and that nobody can name.
    unread: BTreeSet<String>,
    usage: Usage<'a>,
    refused: BTreeSet<Address>,
    steps: Vec<Step>,
    refusals: Vec<Refusal>,
    notes: Vec<Note>,
    unchanged: Vec<Address>,
}

impl<'a> Builder<'a> {
    fn new(goal: &'a Goal, seen: &'a Snapshot, intent: Intent) -> Self {
        let mut by_name: BTreeMap<(&str, &str), Vec<&Sighting>> = BTreeMap::new();
        for sighting in &seen.seen {
            by_name.entry((sighting.kind.name, &sighting.name)).or_default().push(sighting);
        }
        let mut current: BTreeMap<&Address, &Sighting> = BTreeMap::new();
        for (address, want) in &goal.resources {
            let named = by_name.get(&(want.kind.name, want.name.as_str()));
            if let Some(sighting) = named.and_then(|named| pick(goal, want, named)) {
                current.insert(address, sighting);
            }
        }
        let mut known: Known = seen.lookups.clone();
        for (address, sighting) in &current {
            for (output, value) in &sighting.outputs {
                known.insert(OutputRef::new(address, output), value.clone());
            }
        }
        let mut unknown = BTreeMap::new();
        let mut unread = BTreeSet::new();
        for failure in &seen.unreadable {
            if failure.addresses.is_empty() {
                unread.insert(failure.error.to_string());
            }
            for address in &failure.addresses {
                unknown.insert(address.clone(), failure.error.to_string());
            }
        }
        Self {
            goal,
            seen,
            intent,
            current,
            known,
            unknown,
            unread,
            usage: Usage::new(&seen.seen),
            refused: BTreeSet::new(),
            steps: Vec::new(),
            refusals: Vec::new(),
            notes: Vec::new(),
            unchanged: Vec::new(),
        }
    }

    fn present(&mut self) -> Result<(), Cycle> {
        let nodes = self.goal.resources.iter().map(|(address, want)| (address.clone(), want.needs.clone())).collect();
        for address in order(&nodes)? {
            let Some(want) = self.goal.resources.get(&address) else { continue };
            if let Some(reason) = self.blocked(want) {
                self.unknown.entry(address).or_insert(reason);
                continue;
            }
            self.decide(want);
        }
        self.leftovers(Why::NotInFile);
        Ok(())
    }

    fn absent(&mut self) {
        self.keep_needs_of_unknown();
        for (address, want) in &self.goal.resources {
            if self.unknown.contains_key(address) {
                continue;
            }
            if want.existing {
                if let Some(live) = self.current.get(address) {
                    let text = "used, never touched (`existing: true`)".to_owned();
                    self.notes.push(Note { address: address.clone(), name: live.name.clone(), text, stays: true });
                }
                continue;
            }
            if let Some(live) = self.current.get(address) {
                let decision = decide::absent(self.goal, address, live, Some(want), Why::Destroy);
                self.take(address, Some(live), decision);
            }
        }
        self.leftovers(Why::Destroy);
    }

    /// What is needed by something whose state is unknown may be in use: it stays.
    fn keep_needs_of_unknown(&mut self) {
        let mut open: Vec<Address> = self.unknown.keys().cloned().collect();
        while let Some(user) = open.pop() {
            for need in self.goal.resources.get(&user).into_iter().flat_map(|want| &want.needs) {
                let touched = |need| {
                    self.goal
                        .resources
                        .get(need)
                        .is_some_and(|want| !want.existing && want.kind.ownership != Ownership::Account)
                };
                if touched(need) && !self.unknown.contains_key(need) {
                    self.unknown.insert(need.clone(), format!("{user} may still use it, and its state is unknown"));
                    open.push(need.clone());
                }
            }
        }
    }

    /// Who may still use something that the file no longer has, because its own state is unknown or it could not be changed.
    fn may_use(&self, leftover: &Sighting) -> Option<&Address> {
        // What was not read may use anything if it uses other things at all, or is not in the file itself.
        let unread = self.seen.unreadable.iter().flat_map(|failure| &failure.addresses);
        let unread = unread
            .into_iter()
            .find(|address| self.goal.resources.get(address).is_none_or(|want| !want.needs.is_empty()));
        let blocked = || {
            let uses = |live: &Sighting| live.uses.iter().any(|id| leftover.is_called(id));
            self.unknown.keys().find(|address| self.current.get(address).is_some_and(|live| uses(live)))
        };
        unread.or_else(blocked)
    }

    /// What bears our mark and stands for nothing in the file.
    fn leftovers(&mut self, why: Why) {
        let current: BTreeSet<*const Sighting> = self.current.values().map(|live| std::ptr::from_ref(*live)).collect();
        // In one order, whatever order they were seen in.
        let mut seen: Vec<&'a Sighting> = self.seen.seen.iter().collect();
        seen.sort_by_key(|live| (live.kind.name, &live.name, &live.scope, &live.id));
        for live in seen {
            let Some(mark) = live.mark.as_ref().filter(|mark| self.goal.owns(mark)) else { continue };
            if current.contains(&std::ptr::from_ref(live)) {
                continue;
            }
            let name = mark.address.split_once('.').map_or(live.name.as_str(), |(_, name)| name);
            let address = Address::new(live.kind.name, name);
            // The same address with another name: the old incarnation of a resource that was given a new name.
            let renamed = self.intent == Intent::Present && self.goal.resources.contains_key(&address);
            if renamed && (self.refused.contains(&address) || self.unknown.contains_key(&address)) {
                continue;
            }
            let text = match (self.may_use(live), self.unread.first()) {
                (Some(user), _) => Some(format!("kept: {user} may still use it, and its state is unknown")),
                // Whatever was not seen goes as well when everything goes.
                (None, Some(reason)) if self.intent == Intent::Present => {
                    Some(format!("kept: something that could not be looked for may still use it ({reason})"))
                }
                (None, _) => None,
            };
            if let Some(text) = text {
                self.notes.push(Note { address, name: live.name.clone(), text, stays: true });
                continue;
            }
            let why = if renamed { Why::Renamed } else { why.clone() };
            let decision = match self.goal.resources.get(&address).filter(|want| renamed && want.retain) {
                // That the file says so now is enough, whatever was noted on the old one.
                Some(want) => decide::absent(self.goal, &address, live, Some(want), why),
                None => decide::absent(self.goal, &address, live, None, why),
            };
            self.take(&address, Some(live), decision);
        }
    }

    /// Why nothing can be said about this resource: its own state or that of something it needs could not be read.
    fn blocked(&self, want: &Desired) -> Option<String> {
        if let Some(reason) = self.unknown.get(&want.address) {
            return Some(reason.clone());
        }
        let need = want.needs.iter().find(|need| self.unknown.contains_key(need))?;
        Some(format!("the state of {need} is unknown"))
    }

    fn decide(&mut self, want: &Desired) {
        let mut want = want.clone();
        let mut problem = None;
        for value in want.fields.values_mut() {
            *value = fill(value, &self.known);
            value.each_pending(&mut |output| {
                if let Some(missing) = self.seen.missing.get(&output.of) {
                    problem = Some(missing.clone());
                }
            });
        }
        if let Some(problem) = problem {
            self.refused.insert(want.address.clone());
            let help = "name them in the file instead of relying on the default".to_owned();
            self.refusals.push(Refusal { address: Some(want.address.clone()), problem, help });
            return;
        }
        let live = self.current.get(&want.address).copied();
        for (live, text) in live.iter().flat_map(|live| live.remarks.iter().map(move |text| (live, text))) {
            let (address, name) = (want.address.clone(), live.name.clone());
            self.notes.push(Note { address, name, text: text.clone(), stays: false });
        }
        let used = |live: &Sighting| {
            let user = self.usage.users(live).find(|user| !self.goes(user))?;
            Some(format!("the {} `{}`", user.kind.title, user.name))
        };
        let decision = decide::present(self.goal, &want, live, &used);
        self.take(&want.address, live, decision);
    }

    /// Whether this plan deletes it because the file no longer has it, and with it everything that uses it.
    fn goes(&self, live: &Sighting) -> bool {
        let mut open = vec![live];
        let mut visited = BTreeSet::new();
        while let Some(live) = open.pop() {
            if !self.is_left_over(live) {
                return false;
            }
            if visited.insert((live.kind.name, &live.id)) {
                open.extend(self.usage.users(live));
            }
        }
        self.seen.unreadable.is_empty()
    }

    /// Whether it is ours to delete, and stands for nothing in the file.
    fn is_left_over(&self, live: &Sighting) -> bool {
        let ours = |mark: &Mark| self.goal.owns(mark) && mark.origin == Origin::Created;
        let current = || self.current.values().any(|current| std::ptr::eq(*current, live));
        live.mark.as_ref().is_some_and(ours) && !live.is_retained() && !current()
    }

    fn take(&mut self, address: &Address, live: Option<&Sighting>, decision: Decision) {
        match decision {
            Decision::Nothing => self.unchanged.push(address.clone()),
            Decision::Leave(note) => self.notes.push(note),
            Decision::Refuse(refusal) => {
                self.refused.insert(address.clone());
                self.refusals.push(refusal);
            }
            Decision::Do(action) => self.push(address, live, *action),
            Decision::Replace { delete, create } => {
                self.push(address, live, *delete);
                self.push(address, None, *create);
            }
        }
    }

    fn push(&mut self, address: &Address, live: Option<&Sighting>, action: Action) {
        let kind = match (&action.want, live) {
            (Some(want), _) => want.kind,
            (None, Some(live)) => live.kind,
            (None, None) => return,
        };
        let name = match (&action.want, live) {
            (Some(want), _) => want.name.clone(),
            (None, Some(live)) => live.name.clone(),
            (None, None) => return,
        };
        match &action.act {
            Act::Create { .. } => self.renew(address, None),
            Act::Update { groups } => {
                for group in groups {
                    for output in kind.renews(group) {
                        self.renew(address, Some(output));
                    }
                }
            }
            Act::Delete { .. } | Act::Release | Act::Settle { .. } => {}
        }
        let id = self.steps.len();
        self.steps.push(Step {
            id,
            address: address.clone(),
            kind,
            name,
            act: action.act,
            why: action.why,
            changes: action.changes,
            after: Vec::new(),
            live: live.cloned(),
            want: action.want,
        });
    }

    /// An output of this address, or every one, will be another than what was seen.
    fn renew(&mut self, address: &Address, output: Option<&str>) {
        let of = address.to_string();
        let first = OutputRef::new(&of, "");
        let outputs: Vec<OutputRef> = self
            .known
            .range(first..)
            .map(|(known, _)| known)
            .take_while(|known| known.of == of)
            .filter(|known| output.is_none_or(|output| known.output == output))
            .cloned()
            .collect();
        for output in outputs {
            self.known.remove(&output);
        }
    }

    fn finish(mut self) -> Plan {
        self.notes.extend(keep_used(&mut self.steps, &self.usage));
        grow_before_shrink(&mut self.steps, &self.usage);
        edges(&mut self.steps, self.goal, &self.usage);
        self.unchanged.sort();
        self.notes.sort_by(|a, b| a.address.cmp(&b.address).then_with(|| a.name.cmp(&b.name)));
        Plan {
            stack: self.goal.stack.clone(),
            intent: self.intent,
            steps: self.steps,
            refusals: self.refusals,
            notes: self.notes,
            unchanged: self.unchanged,
            unknown: self.unknown.into_iter().collect(),
            unread: self.unread.into_iter().collect(),
            known: self.known,
        }
    }
}

/// The sighting that stands for a resource of the file: the one with its name and scope; ours before a stranger's.
/// A resource whose key in the file was changed is found by its name, and gets the new address with its tags.
fn pick<'a>(goal: &Goal, want: &Desired, named: &[&'a Sighting]) -> Option<&'a Sighting> {
    let address = want.address.to_string();
    named.iter().copied().filter(|s| want.scope.is_none() || s.scope == want.scope).min_by_key(|s| match &s.mark {
        Some(mark) if goal.owns(mark) && mark.address == address => (0, s.id.clone()),
        Some(mark) if goal.owns(mark) => (1, s.id.clone()),
        None => (2, s.id.clone()),
        Some(_) => (3, s.id.clone()),
    })
}
