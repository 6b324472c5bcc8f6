//! DOT, for Graphviz.

use super::Graph;
use crate::render::safe;

/// The graph in DOT; arrows lead from a resource to what it needs. What is only used is dashed.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph stack {\n  rankdir=RL;\n  node [shape=box, fontname=\"monospace\"];\n");
    for node in &graph.nodes {
        let dashed = if node.existing { " [style=dashed]" } else { "" };
        out.push_str(&format!("  {}{dashed};\n", quoted(&node.address)));
    }
    for (from, to) in graph.edges() {
        if let (Some(from), Some(to)) = (graph.nodes.get(from), graph.nodes.get(to)) {
            out.push_str(&format!("  {} -> {};\n", quoted(&from.address), quoted(&to.address)));
        }
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", safe(text).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::model::sample;

    #[test]
    fn names_are_quoted() {
        assert_eq!(
            super::dot(&sample()),
            r#"digraph stack {
  rankdir=RL;
  node [shape=box, fontname="monospace"];
  "cluster.papyrus";
  "role.\"quoted\" <b>" [style=dashed];
  "service.papyrus";
  "task_definition.papyrus";
  "service.papyrus" -> "cluster.papyrus";
  "service.papyrus" -> "task_definition.papyrus";
  "task_definition.papyrus" -> "role.\"quoted\" <b>";
}
"#
        );
    }
}
