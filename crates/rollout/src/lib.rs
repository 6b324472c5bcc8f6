//! Deployments of ECS services: what they come to, and why they fail. Pure: observations go in, a verdict comes out.
//! Nothing here knows of AWS's SDK, of a clock, or of a terminal.

pub mod cause;
mod cause_table;
pub mod ending;
pub mod event;
pub mod follow;
mod identity;
mod judge;
pub mod note;
pub mod one_off;
pub mod pause;
pub mod previous;
pub mod state;
mod tasks;
