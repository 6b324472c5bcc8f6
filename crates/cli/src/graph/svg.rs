//! A picture without any other tool.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::Graph;
use super::layout::columns;

const HEIGHT: usize = 34;
const GAP: usize = 16;
const BETWEEN: usize = 70;
const MARGIN: usize = 20;
/// A monospaced letter at 13 px.
const LETTER: usize = 8;

/// The graph as SVG; lines lead from a resource to what it needs, on its left.
pub(crate) fn svg(graph: &Graph) -> String {
    let columns = columns(graph);
    let mut boxes: BTreeMap<&String, (usize, usize, usize)> = BTreeMap::new();
    let mut x = MARGIN;
    for column in &columns {
        let width = column.iter().map(|node| node.width() * LETTER + 20).max().unwrap_or_default();
        for (row, node) in column.iter().enumerate() {
            boxes.insert(node, (x, MARGIN + row * (HEIGHT + GAP), width));
        }
        x += width + BETWEEN;
    }
    let width = x.saturating_sub(BETWEEN) + MARGIN;
    let rows = columns.iter().map(Vec::len).max().unwrap_or_default();
    let height = 2 * MARGIN + rows * (HEIGHT + GAP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace, monospace\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (node, needs) in &graph.nodes {
        let Some((from_x, from_y, _)) = boxes.get(node) else { continue };
        for (to_x, to_y, to_width) in needs.iter().filter_map(|need| boxes.get(need)) {
            let (x1, y1) = (to_x + to_width, to_y + HEIGHT / 2);
            let (x2, y2) = (*from_x, from_y + HEIGHT / 2);
            let bend = (x1 + x2) / 2;
            let _ = writeln!(
                out,
                "<path d=\"M {x1} {y1} C {bend} {y1}, {bend} {y2}, {x2} {y2}\" fill=\"none\" stroke=\"#7a869a\" stroke-width=\"1.2\"/>"
            );
        }
    }
    for (node, (x, y, width)) in &boxes {
        let kind = node.split('.').next().unwrap_or_default();
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"{}\" stroke=\"#44546f\"/>",
            colour(kind)
        );
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" fill=\"#172b4d\">{}</text>", x + 10, y + 22, escape(node));
    }
    out.push_str("</svg>\n");
    out
}

/// One colour for what belongs together.
fn colour(kind: &str) -> &'static str {
    match kind {
        "role" | "policy" | "user" | "oidc_provider" | "service_linked_role" => "#fdf0d5",
        "service" | "task_definition" | "cluster" => "#dcebff",
        "repository" => "#e3f5e1",
        _ => "#f1f2f4",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_picture_has_a_box_for_each_resource_and_a_line_for_each_need() {
        let picture = super::svg(&super::super::sample());
        assert_eq!(picture.matches("<text ").count(), 4);
        assert_eq!(picture.matches("<path ").count(), 3);
        assert!(picture.contains("role.&quot;quoted&quot; &lt;b&gt;"));
    }
}
