//! Which permissions the calls of this crate need, and what follows from that: policies, and what to add after a refusal.

pub mod call;
pub mod looking;
pub mod missing;
pub mod needed;
