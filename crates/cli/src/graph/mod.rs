//! The dependency graph of a file, drawn in three ways.

mod dot;
mod layout;
mod mermaid;
mod model;
mod svg;

pub(crate) use dot::dot;
pub(crate) use mermaid::mermaid;
pub(crate) use model::Graph;
pub(crate) use svg::svg;
