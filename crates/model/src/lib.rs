//! The typed stack spec: from YAML to a [`stack::Stack`] with every diagnostic at once.
//! Knows nothing of network, time or terminals.

pub mod address;
pub mod budget;
pub mod check;
pub mod diag;
pub mod facts;
pub mod github;
pub mod iam;
pub mod kinds;
pub mod load;
pub mod names;
pub mod reference;
pub mod region;
pub mod schedule;
pub mod schema;
pub mod secret;
pub mod stack;
pub mod verify;
pub mod workflows;
pub mod yaml;
