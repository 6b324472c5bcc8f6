//! Who uses what in the world as it was seen, also by way of others.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::Sighting;

/// The uses among sightings.
pub(super) struct Usage<'a> {
    /// In one order, whatever order they were seen in.
    seen: Vec<&'a Sighting>,
    /// Which sightings bear an identifier.
    named: BTreeMap<&'a str, Vec<usize>>,
    /// For each sighting those that use it directly.
    users: Vec<BTreeSet<usize>>,
    /// Those that run a revision that is not the one that was seen: what that revision uses is not known.
    behind: BTreeSet<usize>,
}

impl<'a> Usage<'a> {
    /// Finds out.
    pub(super) fn new(seen: &'a [Sighting]) -> Self {
        let mut seen: Vec<&Sighting> = seen.iter().collect();
        seen.sort_by_key(|live| (live.kind.name, &live.name, &live.scope, &live.id));
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, live) in seen.iter().enumerate() {
            for name in live.names() {
                named.entry(name).or_default().push(at);
            }
        }
        let mut users = vec![BTreeSet::new(); seen.len()];
        let mut behind = BTreeSet::new();
        for (user, live) in seen.iter().enumerate() {
            for used in live.uses.iter().filter_map(|id| named.get(id.as_str())).flatten().filter(|used| **used != user)
            {
                if let Some(users) = users.get_mut(*used) {
                    users.insert(user);
                }
                let old = |used: &&Sighting| used.kind.keeps_revisions() && !live.uses.contains(&used.id);
                if seen.get(*used).is_some_and(old) {
                    behind.insert(user);
                }
            }
        }
        Self { seen, named, users, behind }
    }

    fn places(&self, live: &Sighting) -> impl Iterator<Item = usize> {
        let same = |at: &usize| self.seen.get(*at).is_some_and(|other| other.kind.name == live.kind.name);
        self.named.get(live.id.as_str()).into_iter().flatten().copied().filter(move |at| same(at))
    }

    /// Who uses it directly, in order.
    pub(super) fn users(&self, live: &Sighting) -> impl Iterator<Item = &'a Sighting> {
        let users: BTreeSet<usize> = self.places(live).filter_map(|at| self.users.get(at)).flatten().copied().collect();
        users.into_iter().filter_map(|at| self.seen.get(at).copied())
    }

    /// Who uses it, directly or by way of others, or may do so by way of a revision that was not seen. In order.
    pub(super) fn all_users(&self, live: &Sighting) -> impl Iterator<Item = &'a Sighting> {
        let mut all = self.behind.clone();
        let mut open: Vec<usize> = self.places(live).collect();
        let itself = open.clone();
        let mut visited: BTreeSet<usize> = open.iter().copied().collect();
        while let Some(at) = open.pop() {
            for user in self.users.get(at).into_iter().flatten() {
                if visited.insert(*user) {
                    all.insert(*user);
                    open.push(*user);
                }
            }
        }
        all.into_iter().filter(move |at| !itself.contains(at)).filter_map(|at| self.seen.get(at).copied())
    }
}
