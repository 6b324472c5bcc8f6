//! Mermaid, for Markdown.

use super::Graph;
use crate::render::safe;

/// The graph as a Mermaid flowchart; arrows lead from a resource to what it needs. What is only used is dashed.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let mut out = String::from("flowchart RL\n");
    for (id, node) in graph.nodes.iter().enumerate() {
        let class = if node.existing { ":::existing" } else { "" };
        out.push_str(&format!("  n{id}[\"{}\"]{class}\n", escape(&node.address)));
    }
    for (from, to) in graph.edges() {
        out.push_str(&format!("  n{from} --> n{to}\n"));
    }
    if graph.nodes.iter().any(|node| node.existing) {
        out.push_str("  classDef existing stroke-dasharray: 4 3\n");
    }
    out
}

/// Mermaid takes numbered entities, with its own sign for them, in quoted labels.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in safe(text).chars() {
        if matches!(c, '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\') {
            out.push_str(&format!("#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::model::sample;

    #[test]
    fn every_resource_and_need_is_drawn() {
        assert_eq!(
            super::mermaid(&sample()),
            "flowchart RL
  n0[\"cluster.papyrus\"]
  n1[\"role.#34;quoted#34; #60;b#62;\"]:::existing
  n2[\"service.papyrus\"]
  n3[\"task_definition.papyrus\"]
  n2 --> n0
  n2 --> n3
  n3 --> n1
  classDef existing stroke-dasharray: 4 3
"
        );
    }
}
