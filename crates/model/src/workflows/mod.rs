//! Workflow files of the repository: what the file says about them, and what they are made from.

mod admit;
mod check;
mod cron;
mod facts;
mod roles;
mod spec;

pub(crate) use check::check;
pub use facts::{Deploy, Switch, What, WorkflowFacts, facts};
pub use spec::{FOLDER, Purpose, Workflow, address, in_environment};
