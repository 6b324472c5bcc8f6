//! Secrets that were changed after the tasks started that were given them: a task reads its secrets once, when it starts.
//!
//! When a parameter or a secret got its present version is compared with when tasks were made. Values are never read.

mod calls;
mod judge;
mod read;

pub(crate) use calls::CALLS;
pub use judge::{Newer, Secret, Version, newer, of_goal, secrets};
pub use read::{parameters, stored};
