//! What nothing needs any more: old revisions of task definitions, and images that no task, service or kept revision uses.
//!
//! Looking and deleting are calls; what may go is decided by a pure function between them.

mod decide;
mod family;
mod remove;
mod stored;
mod used;

pub use decide::{Decision, Keep, Revision, Stored, Used, decide};
pub use family::{AT_ONCE, Family, Running, surplus};
pub use remove::{Failure, delete_retired, deregister, remove_images, retire};
pub use stored::{images, revisions};
pub use used::used;
