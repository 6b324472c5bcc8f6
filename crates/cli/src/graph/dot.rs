//! DOT, for Graphviz.

use std::fmt::Write as _;

use super::Graph;

/// The graph in DOT; arrows lead from a resource to what it needs.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph stack {\n  rankdir=LR;\n  node [shape=box];\n");
    for node in graph.nodes.keys() {
        let _ = writeln!(out, "  {};", quoted(node));
    }
    for (node, needs) in &graph.nodes {
        for need in needs {
            let _ = writeln!(out, "  {} -> {};", quoted(node), quoted(need));
        }
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_quoted() {
        let text = super::dot(&super::super::sample());
        assert!(text.contains("  \"task_definition.papyrus\" -> \"role.\\\"quoted\\\" <b>\";\n"), "{text}");
        assert!(text.starts_with("digraph stack {") && text.ends_with("}\n"));
    }
}
