//! Workflow files of GitHub Actions: what starts them, what their jobs may do, and the places of all of it.
//!
//! The reader is tolerant: what it does not know it leaves out, so that a file with a mistake in one place can still be looked at.

mod filter;
mod model;
mod read;
mod triggers;

pub use filter::{Filter, example, glob};
pub use model::{Access, Input, Job, Permissions, Step, Text, Trigger, Variable, Variables, Workflow};
pub use read::read;
