//! What goes wrong in a run, call by call.

use std::collections::BTreeMap;

use crate::generate::Rng;

/// What happens to a call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// Too many calls; nothing happens.
    Throttled,
    /// A fault of the cloud before anything happened.
    ServerBefore,
    /// A fault of the cloud after it had happened.
    ServerAfter,
    /// The request is lost on its way; nobody can tell.
    RequestLost,
    /// It happens, and the reply is lost.
    ReplyLost,
    /// There is no connection; nothing happens.
    NotSent,
    /// Of several calls that belong together some happen, then a reply is lost.
    Torn,
    /// The caller may not do this; in this run.
    Denied,
    /// From here on the credentials have expired.
    Expired,
    /// The user asks to stop; the call goes on.
    Interrupt,
    /// The run is killed before it happens.
    CrashBefore,
    /// Of several calls that belong together some happen, then the run is killed.
    CrashTorn,
    /// It happens, and then the run is killed.
    CrashAfter,
}

/// What happens to a call that reads, after every attempt that the client makes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// Too many calls.
    Throttled,
    /// A fault of the cloud.
    Server,
    /// The caller may not do this.
    Denied,
}

const WRITES: [(&str, WriteFault); 13] = [
    ("throttled", WriteFault::Throttled),
    ("server-fault-before", WriteFault::ServerBefore),
    ("server-fault-after", WriteFault::ServerAfter),
    ("request-lost", WriteFault::RequestLost),
    ("reply-lost", WriteFault::ReplyLost),
    ("not-sent", WriteFault::NotSent),
    ("torn", WriteFault::Torn),
    ("denied", WriteFault::Denied),
    ("expired", WriteFault::Expired),
    ("interrupt", WriteFault::Interrupt),
    ("crash-before", WriteFault::CrashBefore),
    ("crash-torn", WriteFault::CrashTorn),
    ("crash-after", WriteFault::CrashAfter),
];

/// Those after which the same run goes on and gets there.
const PASSING: [WriteFault; 7] = [
    WriteFault::Throttled,
    WriteFault::ServerBefore,
    WriteFault::ServerAfter,
    WriteFault::RequestLost,
    WriteFault::ReplyLost,
    WriteFault::NotSent,
    WriteFault::Torn,
];

const READS: [(&str, ReadFault); 3] =
    [("throttled", ReadFault::Throttled), ("server-fault", ReadFault::Server), ("denied", ReadFault::Denied)];

impl WriteFault {
    /// As scenarios spell it.
    pub fn name(self) -> &'static str {
        WRITES.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    /// From its spelling.
    pub fn parse(text: &str) -> Option<Self> {
        WRITES.iter().find(|(name, _)| *name == text).map(|(_, fault)| *fault)
    }

    /// Whether the same run has to get there all the same.
    pub fn passes(self) -> bool {
        PASSING.contains(&self)
    }

    /// Whether the call took effect, or may have in part, although it failed.
    pub fn repeats(self) -> bool {
        matches!(self, Self::ServerAfter | Self::ReplyLost | Self::Torn)
    }
}

impl ReadFault {
    /// As scenarios spell it.
    pub fn name(self) -> &'static str {
        READS.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    /// From its spelling.
    pub fn parse(text: &str) -> Option<Self> {
        READS.iter().find(|(name, _)| *name == text).map(|(_, fault)| *fault)
    }
}

/// What goes wrong in one run: by the number of the call, from 1; reads and writes are counted apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// By the number of the write.
    pub writes: BTreeMap<u32, WriteFault>,
    /// By the number of the read after the survey.
    pub reads: BTreeMap<u32, ReadFault>,
}

impl Faults {
    /// Whether the run goes on and gets there all the same.
    pub fn pass(&self) -> bool {
        self.reads.is_empty() && self.writes.values().all(|fault| fault.passes())
    }

    /// Some faults by chance: calm runs, storms, single crashes, and everything mixed.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let mut faults = Self::default();
        let few = |faults: &mut Self, rng: &mut Rng, of: &[WriteFault]| {
            for _ in 0..=rng.below(3) {
                let (at, fault) = (place(rng), rng.pick(of));
                faults.writes.insert(at, fault);
            }
        };
        match rng.below(10) {
            0 => {}
            1 | 2 => few(&mut faults, rng, &PASSING),
            3 => faults.storm(rng, &[WriteFault::Throttled]),
            4 => faults.storm(rng, &PASSING),
            5 => few(&mut faults, rng, &[WriteFault::Denied, WriteFault::Expired, WriteFault::Interrupt]),
            6 => {
                for _ in 0..=rng.below(4) {
                    let (at, fault) = (number(rng, 60), rng.pick(&READS).1);
                    faults.reads.insert(at, fault);
                }
            }
            _ => {
                if rng.chance(50) {
                    few(&mut faults, rng, &PASSING);
                }
                let crashes = [WriteFault::CrashBefore, WriteFault::CrashTorn, WriteFault::CrashAfter];
                let (at, fault) = (place(rng), rng.pick(&crashes));
                faults.writes.insert(at, fault);
            }
        }
        faults
    }

    fn storm(&mut self, rng: &mut Rng, of: &[WriteFault]) {
        let percent = rng.pick(&[10, 30, 50]);
        for at in 1..=60 {
            if rng.chance(percent) {
                self.writes.insert(at, rng.pick(of));
            }
        }
    }
}

/// The number of a write: the early ones are in every run.
fn place(rng: &mut Rng) -> u32 {
    let most = rng.pick(&[6, 16, 40]);
    number(rng, most)
}

fn number(rng: &mut Rng, most: usize) -> u32 {
    u32::try_from(rng.below(most) + 1).unwrap_or(1)
}
