//! Workflow files: the one kind of resource that lives in the repository instead of AWS.

mod disk;
mod kind;
mod root;
mod store;
mod wish;
mod world;

pub(crate) use kind::WORKFLOW;
pub(crate) use root::{Root, top};
pub(crate) use store::Files;
pub(crate) use wish::goal;
pub(crate) use world::World;
