//! A picture without any other tool.

use unicode_width::UnicodeWidthStr as _;

use super::Graph;
use super::layout::{Layout, Place, layout};
use crate::render::safe;

/// The height of a box, in pixels, as everything here.
const HEIGHT: f64 = 30.0;
/// From the middle of one row to that of the next.
const ROW: f64 = 44.0;
/// Between two layers: room for the lines to bend.
const BETWEEN: f64 = 64.0;
const MARGIN: f64 = 20.0;
/// The width of a monospaced letter at 13 px, rounded up: fonts differ.
const LETTER: f64 = 8.0;
const PADDING: f64 = 12.0;

/// Colours for light and dark surroundings; those of boxes tell what belongs together.
const STYLE: &str = "\
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #172b4d }
  rect { stroke: #44546f; fill: #f1f2f4 }
  .existing { stroke-dasharray: 4 3 }
  .access { fill: #fdf0d5 } .run { fill: #dcebff } .store { fill: #e3f5e1 }
  path { fill: none; stroke: #7a869a; stroke-width: 1.3 } marker path { fill: #7a869a; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #dee4ea } rect { stroke: #9fadbc; fill: #2c333a }
    .access { fill: #533f04 } .run { fill: #09326c } .store { fill: #164b35 }
  }
";

/// The graph as SVG; arrows lead from a resource to what it needs, on its left.
pub(crate) fn svg(graph: &Graph) -> String {
    let layout = layout(graph);
    let columns = columns(graph, &layout);
    let width = columns.last().map_or(2.0 * MARGIN, |(left, width)| left + width + MARGIN);
    let lowest = layout.rows.iter().copied().fold(0.0, f64::max);
    let height = 2.0 * MARGIN + HEIGHT + lowest * ROW;
    let middle = |place: usize| MARGIN + HEIGHT / 2.0 + layout.rows[place] * ROW;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"dependencies\">\n<style>\n{STYLE}</style>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\"/></marker></defs>\n"
    );
    for line in &layout.lines {
        let mut path = String::new();
        for (at, place) in line.iter().enumerate() {
            let (left, width) = columns[layout.places[*place].1];
            let y = middle(*place);
            if at == 0 {
                path.push_str(&format!("M{left:.0} {y:.1}"));
                continue;
            }
            // Level where it leaves one layer and where it meets the next.
            let (right, bend) = (left + width, BETWEEN / 2.0);
            let (from_x, from_y) = (right + BETWEEN, middle(line[at - 1]));
            path.push_str(&format!(" C{:.0} {from_y:.1} {:.0} {y:.1} {right:.0} {y:.1}", from_x - bend, right + bend));
            if at + 1 < line.len() {
                path.push_str(&format!(" H{left:.0}"));
            }
        }
        out.push_str(&format!("<path d=\"{path}\" marker-end=\"url(#arrow)\"/>\n"));
    }
    for (place, (what, layer)) in layout.places.iter().enumerate() {
        let Place::Node(node) = what else { continue };
        let Some(node) = graph.nodes.get(*node) else { continue };
        let (left, width) = columns[*layer];
        let (y, existing) = (middle(place), if node.existing { " existing" } else { "" });
        out.push_str(&format!(
            "<rect x=\"{left:.0}\" y=\"{:.1}\" width=\"{width:.0}\" height=\"{HEIGHT:.0}\" rx=\"6\" class=\"{}{existing}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.1}\">{}</text>\n",
            y - HEIGHT / 2.0,
            class(node.kind),
            left + PADDING,
            y + 4.5,
            escape(&node.address)
        ));
    }
    out.push_str("</svg>\n");
    out
}

/// Left edge and width of each layer: as wide as its widest resource.
fn columns(graph: &Graph, layout: &Layout) -> Vec<(f64, f64)> {
    let mut widths = vec![0.0_f64; layout.layers];
    for (place, layer) in &layout.places {
        if let Place::Node(node) = place
            && let Some(node) = graph.nodes.get(*node)
        {
            widths[*layer] = widths[*layer].max(safe(&node.address).width() as f64 * LETTER + 2.0 * PADDING);
        }
    }
    let mut left = MARGIN;
    let mut columns = Vec::with_capacity(widths.len());
    for width in widths {
        columns.push((left, width));
        left += width + BETWEEN;
    }
    columns
}

/// What belongs together has one colour; a kind that is not named here is grey.
fn class(kind: &str) -> &'static str {
    match kind {
        "role" | "policy" | "user" | "oidc_provider" | "service_linked_role" | "security_group" => "access",
        "service" | "task_definition" | "cluster" => "run",
        "repository" | "log_group" | "parameter" => "store",
        _ => "other",
    }
}

fn escape(text: &str) -> String {
    safe(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::model::sample;

    #[test]
    fn the_picture_has_a_box_for_each_resource_and_an_arrow_for_each_need() {
        let picture = super::svg(&sample());
        assert_eq!(picture.matches("<text ").count(), 4);
        assert_eq!(picture.matches("marker-end=").count(), 3);
        assert_eq!(picture.matches(" existing\"/>").count(), 1);
        assert!(picture.contains("role.&quot;quoted&quot; &lt;b&gt;</text>"));
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }

    #[test]
    fn an_empty_file_is_an_empty_picture() {
        assert!(super::svg(&super::super::Graph::default()).ends_with("</defs>\n</svg>\n"));
    }
}
