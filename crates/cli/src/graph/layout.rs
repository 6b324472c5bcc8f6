//! Where each box of the picture stands: layers from left to right, what is needed left of what needs it.
//!
//! The steps are those of Sugiyama: layers, stand-ins where a line crosses a layer, order within the layers by barycentres,
//! then heights that keep lines straight.

use std::collections::BTreeMap;

use super::Graph;

/// How often the layers are ordered, and the heights evened out. More changes next to nothing.
const SWEEPS: usize = 8;

/// Something in a layer: a resource, or a stand-in where a line passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This resource.
    Node(usize),
    /// A line passes here.
    Pass,
}

/// The layout of a graph.
#[derive(Debug)]
pub(super) struct Layout {
    /// Everything that has a place, with its layer.
    pub(super) places: Vec<(Place, usize)>,
    /// The height of each place's middle, in steps of one row; the topmost is 0.
    pub(super) rows: Vec<f64>,
    /// How many layers there are.
    pub(super) layers: usize,
    /// Each line as the places that it leads through, from what needs to what is needed.
    pub(super) lines: Vec<Vec<usize>>,
}

/// Lays a graph out. A graph with a circle is laid out as far as it goes.
pub(super) fn layout(graph: &Graph) -> Layout {
    let layer = layers(graph);
    let mut places: Vec<(Place, usize)> =
        layer.iter().enumerate().map(|(at, layer)| (Place::Node(at), *layer)).collect();
    let mut lines = Vec::new();
    for (from, to) in graph.edges() {
        let mut line = vec![from];
        for between in (layer[to] + 1..layer[from]).rev() {
            line.push(places.len());
            places.push((Place::Pass, between));
        }
        line.push(to);
        lines.push(line);
    }
    let mut left: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    let mut right: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    for pair in lines.iter().flat_map(|line| line.windows(2)) {
        if let [from, to] = pair {
            left[*from].push(*to);
            right[*to].push(*from);
        }
    }
    let count = places.iter().map(|(_, layer)| layer + 1).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, (_, layer)) in places.iter().enumerate() {
        columns[*layer].push(at);
    }
    order(&mut columns, &left, &right, places.len());
    let rows = heights(&columns, &left, &right, places.len());
    Layout { places, rows, layers: count, lines }
}

/// The layer of each resource: right of everything that it needs, and as close as possible to what needs it.
fn layers(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut layer = vec![0; count];
    // Every round settles at least one more layer; in a circle it would never end.
    for _ in 0..count {
        let mut changed = false;
        for (from, to) in graph.edges() {
            if layer[from] <= layer[to] && layer[to] + 1 < count {
                layer[from] = layer[to] + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for _ in 0..count {
        let mut closest: BTreeMap<usize, usize> = BTreeMap::new();
        for (from, to) in graph.edges() {
            let wish = layer[from].saturating_sub(1);
            closest.entry(to).and_modify(|least| *least = wish.min(*least)).or_insert(wish);
        }
        let mut changed = false;
        for (node, wish) in closest {
            if wish > layer[node] {
                layer[node] = wish;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    layer
}

/// Orders each layer by the mean place of its neighbours, to and fro, so that few lines cross.
fn order(columns: &mut [Vec<usize>], left: &[Vec<usize>], right: &[Vec<usize>], count: usize) {
    let mut at = vec![0.0; count];
    for sweep in 0..SWEEPS {
        for column in columns.iter() {
            for (row, place) in column.iter().enumerate() {
                at[*place] = row as f64;
            }
        }
        let neighbours = if sweep % 2 == 0 { left } else { right };
        let mut sort = |column: &mut Vec<usize>| {
            let key: BTreeMap<usize, f64> =
                column.iter().map(|place| (*place, mean(&neighbours[*place], &at).unwrap_or(at[*place]))).collect();
            column.sort_by(|a, b| key[a].total_cmp(&key[b]));
            for (row, place) in column.iter().enumerate() {
                at[*place] = row as f64;
            }
        };
        if sweep % 2 == 0 {
            columns.iter_mut().for_each(&mut sort);
        } else {
            columns.iter_mut().rev().for_each(&mut sort);
        }
    }
}

/// The height of each place: level with its neighbours where the order leaves room.
fn heights(columns: &[Vec<usize>], left: &[Vec<usize>], right: &[Vec<usize>], count: usize) -> Vec<f64> {
    let mut rows = vec![0.0; count];
    let tallest = columns.iter().map(Vec::len).max().unwrap_or(0);
    for column in columns {
        let first = (tallest - column.len()) as f64 / 2.0;
        for (row, place) in column.iter().enumerate() {
            rows[*place] = first + row as f64;
        }
    }
    for sweep in 0..SWEEPS {
        let neighbours = if sweep % 2 == 0 { left } else { right };
        for column in columns {
            let wishes: Vec<f64> =
                column.iter().map(|place| mean(&neighbours[*place], &rows).unwrap_or(rows[*place])).collect();
            for (place, row) in column.iter().zip(apart(&wishes)) {
                rows[*place] = row;
            }
        }
    }
    let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
    rows.iter().map(|row| row - top).collect()
}

/// The heights closest to the wishes that keep the order and at least one row between two: blocks of places that touch each
/// other stand at their mean wish.
fn apart(wishes: &[f64]) -> Vec<f64> {
    // (sum of where the first of the block should be, members)
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for wish in wishes {
        let mut block = (*wish, 1);
        while let Some((sum, members)) = blocks.last().copied() {
            let end = sum / members as f64 + members as f64;
            if end <= block.0 / block.1 as f64 {
                break;
            }
            blocks.pop();
            block = (sum + block.0 - (members * block.1) as f64, members + block.1);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(sum, members)| (0..members).map(move |at| sum / members as f64 + at as f64)).collect()
}

fn mean(of: &[usize], at: &[f64]) -> Option<f64> {
    (!of.is_empty()).then(|| of.iter().map(|place| at[*place]).sum::<f64>() / of.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::model::{Node, sample};
    use super::*;

    #[test]
    fn what_is_needed_stands_left_and_close() {
        // The cluster needs nothing, but only the service, two layers on, needs it.
        assert_eq!(layers(&sample()), [1, 0, 2, 1]);
    }

    #[test]
    fn a_line_over_several_layers_leads_through_each() {
        let node = |needs: &[usize]| Node { address: "a".into(), kind: "role", existing: false, needs: needs.to_vec() };
        let graph = Graph { nodes: vec![node(&[]), node(&[0]), node(&[1]), node(&[2, 0])] };
        let layout = layout(&graph);
        assert_eq!(layout.layers, 4);
        let long = layout.lines.iter().find(|line| line.len() > 2).map(Vec::as_slice);
        assert_eq!(long.map(<[usize]>::len), Some(4));
        assert_eq!(layout.places.iter().filter(|(place, _)| *place == Place::Pass).count(), 2);
    }

    #[test]
    fn places_of_a_layer_keep_a_row_between_them() {
        assert_eq!(apart(&[0.0, 0.0]), [-0.5, 0.5]);
        assert_eq!(apart(&[0.0, 3.0]), [0.0, 3.0]);
        assert_eq!(apart(&[1.0, 1.0, 1.0]), [0.0, 1.0, 2.0]);
        assert_eq!(apart(&[0.0, 0.2, 5.0]), [-0.4, 0.6, 5.0]);
    }

    #[test]
    fn a_circle_does_not_hang() {
        let node = |needs: &[usize]| Node { address: "a".into(), kind: "role", existing: false, needs: needs.to_vec() };
        assert_eq!(layers(&Graph { nodes: vec![node(&[1]), node(&[0])] }).len(), 2);
        assert_eq!(layout(&Graph { nodes: vec![node(&[1]), node(&[0])] }).places.len(), 2);
        assert_eq!(layout(&Graph::default()).layers, 0);
    }
}
