//! The port for truths of AWS that the emulators do not play.

use super::protocol::Call;
use super::reply::Reply;

/// Plays one thing over the emulator's answers: a fresh role that cannot be passed yet, a tagging API that knows all kinds.
///
/// It sees every call that reaches the emulator, also those that pass aside. State is its own, behind a lock.
pub trait Play: Send + Sync {
    /// Sees a call before it reaches the emulator; an answer given here is sent instead.
    fn before(&self, call: &Call) -> Option<Reply> {
        let _ = call;
        None
    }

    /// Sees the emulator's answer and may change it.
    fn after(&self, call: &Call, reply: &mut Reply) {
        let _ = (call, reply);
    }
}
