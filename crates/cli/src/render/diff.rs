//! Differences of long texts line by line, and of lists item by item.

use similar::{ChangeTag, DiffTag, TextDiff, capture_diff_slices};

use super::layout::{lay, text_line};
use super::line::Line;
use super::value::Node;
use super::{Style, Tone};

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 3;

/// A unified diff of two long texts, in a column. Nothing when they have the same lines.
pub(crate) fn text(before: &str, after: &str, column: usize) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(CONTEXT);
    let mut out = Vec::new();
    for group in &groups {
        if groups.len() > 1
            && let (Some(first), Some(last)) = (group.first(), group.last())
        {
            let (old, new) =
                (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
            let header = format!("@@ -{},{} +{},{} @@", old.start + 1, old.len(), new.start + 1, new.len());
            out.push(Line::new(column).add(Tone::Faint, &header));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ("- ", Tone::Remove),
                ChangeTag::Insert => ("+ ", Tone::Add),
                ChangeTag::Equal => ("  ", Tone::Plain),
            };
            out.push(text_line(sign, change.value().trim_end_matches('\n'), column, tone));
        }
    }
    out
}

/// The items in which two lists differ, and how many are the same.
pub(crate) fn list(before: &[Node], after: &[Node], column: usize, style: Style) -> Vec<Line> {
    let key = |node: &Node| format!("{node:?}");
    let old: Vec<String> = before.iter().map(key).collect();
    let new: Vec<String> = after.iter().map(key).collect();
    let mut out = Vec::new();
    let mut same = 0;
    let items = |out: &mut Vec<Line>, tone: Tone, sign: &str, nodes: &[Node]| {
        for node in nodes {
            lay(out, Line::new(column).add(tone, sign), column, "", node, style);
        }
    };
    for op in capture_diff_slices(similar::Algorithm::Myers, &old, &new) {
        let (tag, old, new) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            same += old.len();
            continue;
        }
        items(&mut out, Tone::Remove, "- ", before.get(old).unwrap_or_default());
        items(&mut out, Tone::Add, "+ ", after.get(new).unwrap_or_default());
    }
    if same > 0 {
        out.push(Line::new(column).add(Tone::Faint, &format!("  ({same} unchanged)")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::line::write_all;
    use super::*;

    #[test]
    fn three_lines_of_context_and_a_header_where_there_are_several_places() {
        let before: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 5\n", "line five\n").replace("line 18\n", "");
        assert_eq!(
            write_all(&text(&before, &after, 6), Style::PLAIN),
            "      @@ -2,7 +2,7 @@
        line 2
        line 3
        line 4
      - line 5
      + line five
        line 6
        line 7
        line 8
      @@ -15,6 +15,5 @@
        line 15
        line 16
        line 17
      - line 18
        line 19
        line 20
"
        );
        assert_eq!(text(&before, &before, 6), []);
    }

    #[test]
    fn only_the_items_that_differ_are_listed() {
        let nodes = |texts: &[&str]| texts.iter().map(|text| Node::Text((*text).to_owned())).collect::<Vec<_>>();
        let lines = list(&nodes(&["a", "b", "c"]), &nodes(&["a", "c", "d"]), 6, Style::PLAIN);
        assert_eq!(write_all(&lines, Style::PLAIN), "      - b\n      + d\n        (2 unchanged)\n");
    }
}
