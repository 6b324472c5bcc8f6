//! How large a tree is, to bound what anchors and aliases make of a file.

use super::tree::{Node, NodeValue};

/// How much an anchored node adds wherever it is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Values, the node itself included.
    pub(super) nodes: usize,
    /// Bytes of text, keys included.
    pub(super) bytes: usize,
    /// Levels of mappings and lists.
    pub(super) height: usize,
}

impl Measure {
    pub(super) fn of(node: &Node) -> Self {
        match &node.value {
            NodeValue::Null => Self { nodes: 1, bytes: 0, height: 0 },
            NodeValue::Scalar { text, .. } => Self { nodes: 1, bytes: text.len(), height: 0 },
            NodeValue::List(items) => Self::around(items.iter().map(Self::of)),
            NodeValue::Map(entries) => Self::around(entries.iter().map(|entry| {
                let value = Self::of(&entry.value);
                Self { bytes: value.bytes + entry.key.len(), ..value }
            })),
        }
    }

    /// A mapping or list with these parts.
    fn around(parts: impl Iterator<Item = Self>) -> Self {
        parts.fold(Self { nodes: 1, bytes: 0, height: 1 }, |sum, part| Self {
            nodes: sum.nodes + part.nodes,
            bytes: sum.bytes + part.bytes,
            height: sum.height.max(part.height + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Pos, Span};
    use serde_json::json;

    #[test]
    fn counts_values_text_and_levels() {
        let measure = |value| Measure::of(&Node::from_json(Span::point(Pos::START), &value));
        assert_eq!(measure(json!(null)), Measure { nodes: 1, bytes: 0, height: 0 });
        assert_eq!(measure(json!([])), Measure { nodes: 1, bytes: 0, height: 1 });
        assert_eq!(measure(json!({"ab": [1, "xyz"], "c": {"d": []}})), Measure { nodes: 6, bytes: 8, height: 3 });
    }
}
