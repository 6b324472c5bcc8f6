//! The graph itself.

use std::collections::BTreeMap;

use hatoba_engine::desired::Goal;
use serde_json::{Value as Json, json};

/// A resource of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its address.
    pub(crate) address: String,
    /// Its kind, as in the address.
    pub(crate) kind: &'static str,
    /// Whether it is only used.
    pub(crate) existing: bool,
    /// What it needs, as indices of the graph, in order.
    pub(crate) needs: Vec<usize>,
}

/// Resources by address.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
}

impl Graph {
    /// The graph of a goal. Needs that lead out of the file are left out.
    pub(crate) fn of(goal: &Goal) -> Self {
        let index: BTreeMap<_, usize> = goal.resources.keys().enumerate().map(|(at, address)| (address, at)).collect();
        let nodes = goal.resources.iter().map(|(address, want)| Node {
            address: address.to_string(),
            kind: want.kind.name,
            existing: want.existing,
            needs: want.needs.iter().filter_map(|need| index.get(need).copied()).collect(),
        });
        Self { nodes: nodes.collect() }
    }

    /// For every resource, the addresses of what it needs.
    pub(crate) fn to_json(&self) -> Json {
        let nodes: BTreeMap<&str, Vec<&str>> = self
            .nodes
            .iter()
            .map(|node| {
                let needs =
                    node.needs.iter().filter_map(|need| self.nodes.get(*need)).map(|need| need.address.as_str());
                (node.address.as_str(), needs.collect())
            })
            .collect();
        json!({ "nodes": nodes })
    }

    /// Every need, as the indices of who needs and of what is needed.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.nodes.iter().enumerate().flat_map(|(from, node)| node.needs.iter().map(move |to| (from, *to)))
    }
}

/// Four resources in three layers, one with a name that needs quoting.
#[cfg(test)]
pub(super) fn sample() -> Graph {
    let node = |address: &str, kind, needs: &[usize]| Node {
        address: address.into(),
        kind,
        existing: kind == "role",
        needs: needs.to_vec(),
    };
    Graph {
        nodes: vec![
            node("cluster.papyrus", "cluster", &[]),
            node("role.\"quoted\" <b>", "role", &[]),
            node("service.papyrus", "service", &[0, 3]),
            node("task_definition.papyrus", "task_definition", &[1]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_what_each_resource_needs() {
        assert_eq!(
            sample().to_json(),
            json!({ "nodes": {
                "cluster.papyrus": [], "role.\"quoted\" <b>": [],
                "service.papyrus": ["cluster.papyrus", "task_definition.papyrus"],
                "task_definition.papyrus": ["role.\"quoted\" <b>"],
            }})
        );
    }
}
