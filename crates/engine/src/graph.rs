//! The dependency graph by address.

use std::collections::{BTreeMap, BTreeSet};

/// A circle of dependencies, as the path that leads back to its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these depend on each other in a circle: {}", .0.join(" → "))]
pub struct Cycle(pub Vec<String>);

/// Orders `nodes` so that each comes after what it needs; ties by name, so the order is always the same.
/// Needs outside of `nodes` are ignored.
///
/// # Errors
/// The first circle.
pub fn order<K: Ord + Clone + ToString>(nodes: &BTreeMap<K, BTreeSet<K>>) -> Result<Vec<K>, Cycle> {
    let mut done: BTreeSet<&K> = BTreeSet::new();
    let mut result = Vec::with_capacity(nodes.len());
    for start in nodes.keys() {
        // An explicit stack, because a file may be deep: (node, needs still to visit).
        let mut path: Vec<(&K, std::collections::btree_set::Iter<'_, K>)> = Vec::new();
        if done.contains(start) {
            continue;
        }
        if let Some((key, needs)) = nodes.get_key_value(start) {
            path.push((key, needs.iter()));
        }
        while let Some((node, needs)) = path.last_mut() {
            match needs.next() {
                Some(need) => {
                    let Some((need, its)) = nodes.get_key_value(need) else { continue };
                    if done.contains(need) {
                        continue;
                    }
                    if let Some(at) = path.iter().position(|(k, _)| *k == need) {
                        let circle = path.iter().skip(at).map(|(k, _)| k.to_string());
                        return Err(Cycle(circle.chain([need.to_string()]).collect()));
                    }
                    path.push((need, its.iter()));
                }
                None => {
                    done.insert(node);
                    result.push((*node).clone());
                    path.pop();
                }
            }
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn nodes(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        edges.iter().map(|(k, n)| ((*k).to_owned(), n.iter().map(|s| (*s).to_owned()).collect())).collect()
    }

    #[test]
    fn needs_come_first() {
        let order = order(&nodes(&[("a", &["c"]), ("b", &["a"]), ("c", &[])])).expect("no circle");
        assert_eq!(order, ["c", "a", "b"]);
    }

    #[test]
    fn a_circle_is_reported_as_its_path() {
        let cycle = order(&nodes(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).expect_err("a circle");
        assert_eq!(cycle.0, ["b", "c", "b"]);
    }
}
