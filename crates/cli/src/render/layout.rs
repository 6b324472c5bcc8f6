//! How a value is laid out: in one line where it fits, otherwise as an indented tree.

use super::document::compact;
use super::line::Line;
use super::value::{Node, Parts, key_text};
use super::{Style, Tone};

/// More levels than these are a tree even where they would fit into a line.
const INLINE_DEPTH: usize = 2;
/// Further in than this a continuation line does not begin, or there would be no room for it.
const DEEPEST_HANG: usize = 40;

/// Lays a value out behind `lead`, which begins in `column`. The separator stands between the two in one line.
pub(crate) fn lay(out: &mut Vec<Line>, lead: Line, column: usize, separator: &str, node: &Node, style: Style) {
    if let Some(parts) = fitting(&lead, separator, node, style) {
        out.push(lead.text(separator).parts(&parts));
        return;
    }
    let item = separator.is_empty();
    match node {
        Node::Doc(text) => {
            out.push(if item { lead.text("|") } else { lead.text(":") });
            let text = compact(text, style.width.saturating_sub(column + 2));
            out.extend(text_lines(&text, column + 2, Tone::Plain));
        }
        Node::List(items) => {
            out.push(if item { lead } else { lead.text(":") });
            for item in items {
                lay(out, Line::new(column + 2).text("- "), column + 2, "", item, style);
            }
        }
        Node::Map(parts) if item => {
            // The first part stands behind the dash of its item.
            let mut lead = Some(lead);
            for (key, part) in parts {
                let line = lead.take().unwrap_or_else(|| Line::new(column + 2));
                lay(out, line.text(&key_text(key)), column + 2, " = ", part, style);
            }
        }
        Node::Map(parts) => {
            out.push(lead.text(":"));
            for (key, part) in parts {
                lay(out, Line::new(column + 2).text(&key_text(key)), column + 2, " = ", part, style);
            }
        }
        Node::Word(_) | Node::Text(_) | Node::Hidden | Node::Pending => {
            let parts = node.inline().unwrap_or_default();
            out.push(lead.text(separator).parts(&parts));
        }
    }
}

/// The value in one line, if it fits behind `lead`.
fn fitting(lead: &Line, separator: &str, node: &Node, style: Style) -> Option<Parts> {
    if node.depth() > INLINE_DEPTH {
        return None;
    }
    // Parts of a resource read better below each other; those of an item stay together.
    if matches!(node, Node::Map(parts) if parts.len() > 1) && !separator.is_empty() {
        return None;
    }
    let parts = node.inline()?;
    let line = lead.clone().text(separator).parts(&parts);
    (line.indent + line.width() <= style.width).then_some(parts)
}

/// A text of several lines, each in a column of its own.
pub(crate) fn text_lines(text: &str, column: usize, tone: Tone) -> Vec<Line> {
    text.lines().map(|line| text_line("", line, column, tone)).collect()
}

/// A line of a longer text behind a sign. Where it does not fit, it goes on a little further in than it begins.
pub(crate) fn text_line(sign: &str, line: &str, column: usize, tone: Tone) -> Line {
    let line = format!("{sign}{}", untabbed(line));
    let indent = line.len() - line.trim_start_matches([' ', '+', '-']).len();
    Line::new(column).hang((indent + 2).min(DEEPEST_HANG)).add(tone, &line)
}

/// Tabs as spaces: what a tab does depends on the terminal.
fn untabbed(line: &str) -> String {
    line.replace('\t', "    ")
}

#[cfg(test)]
mod tests {
    use super::super::line::write_all;
    use super::*;

    fn shown(node: &Node, width: usize) -> String {
        let style = Style::plain(width);
        let mut out = Vec::new();
        lay(&mut out, Line::new(4).text("field"), 4, " = ", node, style);
        write_all(&out, style)
    }

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    #[test]
    fn what_fits_stands_in_one_line() {
        assert_eq!(shown(&Node::List(vec![text("a"), text("b")]), 80), "    field = [a, b]\n");
        assert_eq!(shown(&Node::Map(vec![("k".into(), text("v"))]), 80), "    field = { k = v }\n");
    }

    #[test]
    fn nested_parts_are_a_tree() {
        let port = Node::Map(vec![("port".into(), Node::Word("5000".into())), ("protocol".into(), text("tcp"))]);
        let app = Node::Map(vec![
            ("environment".into(), Node::Map(vec![("A".into(), text("1")), ("B".into(), Node::Hidden)])),
            ("policy".into(), Node::Doc("{\n  \"a\": 1\n}".into())),
            ("ports".into(), Node::List(vec![port])),
        ]);
        assert_eq!(
            shown(&Node::Map(vec![("app".into(), app)]), 80),
            "    field:
      app:
        environment:
          A = \"1\"
          B = (sensitive)
        policy:
          { \"a\": 1 }
        ports = [{ port = 5000, protocol = tcp }]
"
        );
    }

    #[test]
    fn long_lists_take_a_line_for_each_item() {
        let rule = |port: &str| {
            Node::Map(vec![
                ("from".into(), Node::List(vec![text("203.0.113.0/24"), text("198.51.100.0/24")])),
                ("port".into(), Node::Word(port.into())),
            ])
        };
        assert_eq!(
            shown(&Node::List(vec![rule("80"), rule("443")]), 70),
            "    field:
      - { from = [203.0.113.0/24, 198.51.100.0/24], port = 80 }
      - { from = [203.0.113.0/24, 198.51.100.0/24], port = 443 }
"
        );
        assert_eq!(
            shown(&Node::List(vec![rule("80")]), 50),
            "    field:
      - from = [203.0.113.0/24, 198.51.100.0/24]
        port = 80
"
        );
    }
}
