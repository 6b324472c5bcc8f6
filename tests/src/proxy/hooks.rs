//! Code of a test that runs when a call passes: the place from which a client is killed at its K-th call.

use super::protocol::Call;

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It has arrived and has no effect yet.
    Before,
    /// It has taken effect and its answer is not sent yet.
    After,
}

/// A call at a place.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The call's number since the log was cleared, from 1.
    pub k: u64,
    /// Where it is.
    pub phase: Phase,
    /// The call.
    pub call: &'a Call,
}

/// What becomes of the call after the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as if there were no hook.
    Continue,
    /// The connection is closed: before, the call takes no effect; after, its answer is lost.
    Abort,
}

/// A hook. It runs on the proxy's threads and should be quick.
pub(super) type Hook = dyn Fn(&Moment<'_>) -> Verdict + Send + Sync;
