//! model
pub mod address;
