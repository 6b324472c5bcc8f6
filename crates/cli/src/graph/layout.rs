//! Where each box of the picture goes: one column per depth of dependency.

use std::collections::BTreeMap;

use super::Graph;

/// The columns, from what needs nothing to what nothing needs.
pub(super) fn columns(graph: &Graph) -> Vec<Vec<String>> {
    let mut depth: BTreeMap<&String, usize> = BTreeMap::new();
    // Each round settles at least one more level, so as many rounds as there are nodes always suffice.
    for _ in 0..graph.nodes.len() {
        let mut changed = false;
        for (node, needs) in &graph.nodes {
            let new = needs.iter().filter_map(|need| depth.get(need)).max().map_or(0, |deepest| deepest + 1);
            changed |= depth.insert(node, new) != Some(new);
        }
        if !changed {
            break;
        }
    }
    let count = depth.values().max().map_or(0, |deepest| deepest + 1);
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); count];
    for (node, at) in depth {
        if let Some(column) = columns.get_mut(at) {
            column.push(node.clone());
        }
    }
    // Close to what they need, so that lines cross less.
    for at in 1..columns.len() {
        let (before, rest) = columns.split_at_mut(at);
        let places: BTreeMap<&String, usize> =
            before.iter().flat_map(|column| column.iter().enumerate().map(|(row, node)| (node, row))).collect();
        let middle = |node: &String| {
            let rows: Vec<usize> =
                graph.nodes.get(node).into_iter().flatten().filter_map(|need| places.get(need).copied()).collect();
            rows.iter().sum::<usize>() * 100 / rows.len().max(1)
        };
        if let Some(column) = rest.first_mut() {
            column.sort_by_key(|node| (middle(node), node.clone()));
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_needed_stands_left_of_what_needs_it() {
        let columns = super::columns(&super::super::sample());
        assert_eq!(columns.len(), 3);
        assert_eq!(columns[2], ["service.papyrus"]);
        assert!(columns[0].contains(&"cluster.papyrus".to_owned()));
    }
}
