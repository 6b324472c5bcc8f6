//! The preflight on AWS: what is asked about, and the reads that answer it. Judging is `hatoba_model::verify`'s.

mod calls;
mod gather;
mod identity;
mod images;
mod look;
mod network;
mod settled;
mod stored;
mod subjects;

pub(crate) use calls::CALLS;
pub use gather::gather;
pub use settled::World;
pub use subjects::{Scope, subjects};
