//! Mermaid, for Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Graph;

/// The graph as a Mermaid flowchart; arrows lead from a resource to what it needs.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let ids: BTreeMap<&String, usize> = graph.nodes.keys().enumerate().map(|(id, node)| (node, id)).collect();
    let mut out = String::from("flowchart LR\n");
    for (node, id) in &ids {
        let _ = writeln!(out, "  n{id}[\"{}\"]", escape(node));
    }
    for (node, needs) in &graph.nodes {
        for need in needs {
            if let (Some(from), Some(to)) = (ids.get(node), ids.get(need)) {
                let _ = writeln!(out, "  n{from} --> n{to}");
            }
        }
    }
    out
}

/// Mermaid takes entities in quoted labels.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('#', "&#35;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_resource_and_need_is_drawn() {
        let text = super::mermaid(&super::super::sample());
        assert_eq!(
            text,
            "flowchart LR\n  n0[\"cluster.papyrus\"]\n  n1[\"role.&quot;quoted&quot; &lt;b&gt;\"]\n  n2[\"service.papyrus\"]\n  \
             n3[\"task_definition.papyrus\"]\n  n2 --> n0\n  n2 --> n3\n  n3 --> n1\n"
        );
    }
}
