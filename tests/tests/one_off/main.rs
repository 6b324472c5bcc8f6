//! `hatoba run` and `hatoba exec` with the real binary on both emulators: what they print, what they send, and with what they end.
//!
//! `golden/` has what a run prints, the same on both; written anew with `UPDATE_GOLDEN=1`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod exec;
mod run;
mod scene;
mod signals;
