//! What a cloud takes its time over, and the account's rules about it. All times are virtual.

use std::time::Duration;

use crate::generate::Rng;

/// The longest that each thing may take, in milliseconds; 0 for at once. How long it takes in a case is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slow {
    /// Until a new role, user, policy or provider can be used by other services and written to.
    pub propagate: u64,
    /// Until reads by name show what is new, and no longer show what is gone.
    pub show: u64,
    /// Until the search by mark finds what is new.
    pub list: u64,
    /// Until the tasks of a deleted service have stopped.
    pub drain: u64,
    /// Until the network interfaces of a deleted service let go of its security groups.
    pub hold: u64,
    /// Until a new cluster is active.
    pub provision: u64,
}

/// The names of the times in scenarios.
pub(crate) const NAMES: [&str; 6] = ["propagate", "show", "list", "drain", "hold", "provision"];

/// The longest of each that scenarios draw. Nothing that is on its way for longer than [`Slow::CALM`] is among them.
const MOST: [u64; 6] = [12_000, 8_000, 90_000, 60_000, 40_000, 10_000];

/// ECS reads are behind for a moment only.
const SHOW_AT_MOST: u64 = 3_000;

impl Slow {
    /// After this time everything has arrived.
    pub const CALM: Duration = Duration::from_secs(300);

    /// Some of it, by chance.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut slow = Self::default();
        for (name, most) in NAMES.iter().zip(MOST) {
            if rng.chance(40) {
                let part = rng.number() % most + 1;
                slow.set(name, part);
            }
        }
        slow
    }

    /// The times by name.
    pub(crate) fn times(&self) -> [u64; 6] {
        [self.propagate, self.show, self.list, self.drain, self.hold, self.provision]
    }

    /// The same with one of the times at once.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.set(name, 0);
        self
    }

    /// Sets a time by name. Tells whether there is such a time.
    pub(crate) fn set(&mut self, name: &str, time: u64) -> bool {
        let field = match name {
            "propagate" => &mut self.propagate,
            "show" => &mut self.show,
            "list" => &mut self.list,
            "drain" => &mut self.drain,
            "hold" => &mut self.hold,
            "provision" => &mut self.provision,
            _ => return false,
        };
        *field = time;
        true
    }

    /// When a new thing of this kind is shown by name, found by mark, and usable, after it was made.
    pub(crate) fn birth(&self, kind: &str, rng: &mut Rng) -> [Duration; 3] {
        let show = self.showing(kind, rng);
        let usable = if is_iam(kind) {
            draw(self.propagate, rng)
        } else if kind == "cluster" {
            draw(self.provision, rng)
        } else {
            Duration::ZERO
        };
        // Roles, users, policies, services and security groups are found without the index.
        let indexed = matches!(kind, "repository" | "log_group" | "cluster" | "parameter" | "task_definition");
        let listed = if indexed { draw(self.list, rng).max(show) } else { show };
        [show, listed, usable]
    }

    /// For how long reads by name go on as before.
    pub(crate) fn showing(&self, kind: &str, rng: &mut Rng) -> Duration {
        let most = if is_iam(kind) { self.show } else { self.show.min(SHOW_AT_MOST) };
        draw(most, rng)
    }
}

pub(crate) fn is_iam(kind: &str) -> bool {
    matches!(kind, "role" | "user" | "policy" | "oidc_provider")
}

/// Half of the time at once, otherwise anything up to the longest.
pub(crate) fn draw(most: u64, rng: &mut Rng) -> Duration {
    if most == 0 || rng.chance(50) { Duration::ZERO } else { Duration::from_millis(rng.number() % most + 1) }
}
