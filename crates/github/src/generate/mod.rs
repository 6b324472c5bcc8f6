//! Workflow files: their text, the line that says whose they are, and the parts of them that belong to their readers.

mod actions;
mod content;
mod deploy;
mod drift;
pub mod header;
pub mod keep;
mod plan;
mod steps;
mod switch;
mod yaml;

pub use content::{Call, CallError, content};
