//! One tree laid over another.

use std::collections::HashMap;

use super::tree::{Entry, Node, NodeValue};

/// Lays `overlay` over `base`: mappings are merged key by key, at every depth; everything else, lists too, replaces what was
/// there; a key set to nothing in the overlay is taken out (RFC 7396, JSON merge patch).
///
/// Keys keep their place, new ones follow in the order of the overlay. What comes from the overlay keeps its spans. An overlay
/// that is nothing changes nothing.
pub fn merge(base: &mut Node, overlay: Node) {
    match (&mut base.value, overlay.value) {
        (_, NodeValue::Null) => {}
        (NodeValue::Map(entries), NodeValue::Map(changes)) => merge_entries(entries, changes),
        (_, value) => {
            *base = Node { value, span: overlay.span };
            strip(base);
        }
    }
}

fn merge_entries(entries: &mut Vec<Entry>, changes: Vec<Entry>) {
    let positions: HashMap<String, usize> =
        entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
    let mut removed = vec![false; entries.len()];
    for mut change in changes {
        match positions.get(&change.key) {
            Some(&at) if change.value.is_null() => removed[at] = true,
            Some(&at) => {
                let entry = &mut entries[at];
                if !(entry.value.is_map() && change.value.is_map()) {
                    entry.key_span = change.key_span;
                }
                if entry.value.is_null() {
                    // Nothing is an empty mapping here, not an overlay without effect.
                    entry.value = Node::map(change.value.span);
                }
                merge(&mut entry.value, change.value);
            }
            None if change.value.is_null() => {}
            None => {
                strip(&mut change.value);
                entries.push(change);
            }
        }
    }
    let mut removed = removed.into_iter();
    entries.retain(|_| !removed.next().unwrap_or(false));
}

/// Takes out the keys set to nothing: below something new there is nothing to take out.
fn strip(node: &mut Node) {
    if let NodeValue::Map(entries) = &mut node.value {
        entries.retain(|entry| !entry.value.is_null());
        entries.iter_mut().for_each(|entry| strip(&mut entry.value));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;
    use crate::yaml::{Source, parse};

    fn tree(text: &str) -> Node {
        parse(&Source::new("stack.yaml", text)).unwrap()
    }

    fn merged(base: &str, overlay: &str) -> String {
        let mut base = tree(base);
        merge(&mut base, tree(overlay));
        base.to_json().to_string()
    }

    #[test]
    fn mappings_merge_and_the_rest_replaces() {
        let base = "a: {x: 1, y: 2}\nb: [1, 2]\nc: text\nd:\n";
        assert_eq!(merged(base, "a: {y: 3, z: 4}\n"), r#"{"a":{"x":1,"y":3,"z":4},"b":[1,2],"c":"text","d":null}"#);
        assert_eq!(
            merged(base, "b: [9]\nc: {k: v}\ne: 5\n"),
            r#"{"a":{"x":1,"y":2},"b":[9],"c":{"k":"v"},"d":null,"e":5}"#
        );
        assert_eq!(merged("a: {x: 1}\n", "a: 7\n"), r#"{"a":7}"#);
        assert_eq!(merged("a:\n", "a: {x: 1, y: }\n"), r#"{"a":{"x":1}}"#);
    }

    #[test]
    fn nothing_takes_a_key_out() {
        assert_eq!(merged("a: 1\nb: 2\nc: 3\n", "b: ~\nx: ~\n"), r#"{"a":1,"c":3}"#);
        assert_eq!(merged("a: 1\n", "b: {c: ~, d: {e: ~}, f: [~]}\n"), r#"{"a":1,"b":{"d":{},"f":[null]}}"#);
        let mut base = tree("a: 1\n");
        let span = base.span;
        merge(&mut base, Node::null(span));
        assert_eq!(base, tree("a: 1\n"));
    }

    #[test]
    fn places_of_the_overlay_survive() {
        let mut base = tree("a: {x: 1}\nb: 2\n");
        merge(&mut base, tree("\n\na: {x: 5}\n"));
        let x = base.get("a").unwrap().entry("x").unwrap();
        assert_eq!((x.key_span.start.line, x.value.span.start.line), (3, 3));
        assert_eq!(base.entry("a").unwrap().key_span.start.line, 1);
        assert_eq!(base.entry("b").unwrap().value.span.start.line, 2);
    }
}
