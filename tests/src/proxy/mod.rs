//! The proxy between a client and an emulator: it counts, slows, breaks, and plays what the emulators do not.
//!
//! | file | what |
//! |---|---|
//! | `server` | the [`Proxy`] handle, its socket and its settings |
//! | `forward` | the way of one call through the proxy |
//! | `protocol` | which service and action a request is for |
//! | `reply` | answers the proxy makes itself, in each protocol's true shape |
//! | `rules` | faults by service, action, count and chance |
//! | `hooks` | code of a test that runs at the K-th call |
//! | `log` | counts, times and round-trip depth |
//! | `play` | the port for truths of AWS that the emulators do not play |
//! | `tagging`, `observe` | the first of them: a tagging API that knows all kinds |
//! | `control` | the proxy's own addresses, for scripts |

mod control;
mod forward;
pub mod hooks;
pub mod log;
pub mod observe;
pub mod play;
pub mod protocol;
pub mod reply;
pub mod rules;
mod server;
pub mod tagging;

pub use forward::ASIDE_HEADER;
pub use hooks::{Moment, Phase, Verdict};
pub use log::{CallRecord, depth};
pub use play::Play;
pub use protocol::Call;
pub use reply::Reply;
pub use rules::{Act, Rule};
pub use server::{Config, Proxy};
