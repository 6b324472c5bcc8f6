//! The dependency graph of a file, drawn in three ways.

mod dot;
mod layout;
mod mermaid;
mod svg;

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::desired::Goal;

pub(crate) use dot::dot;
pub(crate) use mermaid::mermaid;
pub(crate) use svg::svg;

/// Resources by address, each with the addresses that it needs.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// The graph of a goal. Needs that lead out of the file are left out.
    pub(crate) fn of(goal: &Goal) -> Self {
        let nodes = goal.resources.iter().map(|(address, want)| {
            let needs = want.needs.iter().filter(|need| goal.resources.contains_key(need)).map(ToString::to_string);
            (address.to_string(), needs.collect())
        });
        Self { nodes: nodes.collect() }
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Graph {
    let mut graph = Graph::default();
    for (node, needs) in [
        ("service.papyrus", vec!["cluster.papyrus", "task_definition.papyrus"]),
        ("task_definition.papyrus", vec!["role.\"quoted\" <b>"]),
        ("cluster.papyrus", vec![]),
        ("role.\"quoted\" <b>", vec![]),
    ] {
        graph.nodes.insert(node.to_owned(), needs.into_iter().map(str::to_owned).collect());
    }
    graph
}
