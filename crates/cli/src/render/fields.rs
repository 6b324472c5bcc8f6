//! The fields of one resource that a plan sets or changes.

use hatoba_engine::diff::FieldChange;
use hatoba_engine::owner::is_ours;
use hatoba_engine::plan::Why;
use hatoba_engine::value::Value;
use unicode_width::UnicodeWidthStr as _;

use super::change::{Action, Change};
use super::layout::{lay, text_line};
use super::line::Line;
use super::value::{Node, SENSITIVE, Secrets, without_marks};
use super::{Style, Tone, diff, safe};

/// The column of fields.
const COLUMN: usize = 4;
/// Paths are padded to the longest one, but to no more than this.
const WIDEST_PATH: usize = 32;

/// One field as it is shown.
struct Row {
    path: String,
    before: Option<Node>,
    after: Option<Node>,
    /// Whether this field is why the resource is replaced.
    forces: bool,
}

/// The lines of all fields of a change.
pub(crate) fn lines(change: &Change<'_>, style: Style) -> Vec<Line> {
    let rows: Vec<Row> = change.step.changes.iter().filter_map(|field| row(change, field)).collect();
    let mut out = Vec::new();
    if change.action == Action::Create {
        for row in &rows {
            if let Some(after) = &row.after {
                lay(&mut out, Line::new(COLUMN).text(&row.path), COLUMN, " = ", after, style);
            }
        }
        return out;
    }
    let width = rows.iter().filter(|row| row.in_one_line()).map(|row| safe(&row.path).width()).max().unwrap_or(0);
    for row in &rows {
        row.write(&mut out, width.min(WIDEST_PATH), style);
    }
    out
}

/// A field, unless it goes without saying: our own tags on what is created or taken over.
fn row(change: &Change<'_>, field: &FieldChange) -> Option<Row> {
    let silent = change.action == Action::Create || change.step.why == Why::Adopted;
    let secrets = Secrets::new(change.step, field);
    let node = |value: &Option<Value>| {
        let value = value.as_ref()?;
        let value = if silent && field.path == "tags" { without_marks(value) } else { value.clone() };
        Some(secrets.node(&value, &field.path)).filter(|node| !silent || !node.is_empty())
    };
    if silent && is_mark(&field.path) {
        return None;
    }
    let (before, after) = (node(&field.before), node(&field.after));
    if before.is_none() && after.is_none() {
        return None;
    }
    let forces = change.action == Action::Replace && field.call.is_none();
    Some(Row { path: field.path.clone(), before, after, forces })
}

/// Whether a path is that of one of our own tags: `tags["hatoba:stack"]`.
fn is_mark(path: &str) -> bool {
    path.strip_prefix("tags[\"").and_then(|rest| rest.strip_suffix("\"]")).is_some_and(is_ours)
}

impl Row {
    /// Whether it is a plain `before → after`.
    fn in_one_line(&self) -> bool {
        let short =
            |node: &Option<Node>| node.as_ref().is_some_and(|node| node.depth() == 0 && node.inline().is_some());
        short(&self.before) && short(&self.after)
    }

    fn write(&self, out: &mut Vec<Line>, width: usize, style: Style) {
        let start = out.len();
        match (&self.before, &self.after) {
            (None, Some(after)) => lay(out, self.lead(Tone::Add, "+ "), COLUMN + 2, " = ", after, style),
            (Some(before), None) => lay(out, self.lead(Tone::Remove, "- "), COLUMN + 2, " = ", before, style),
            (Some(Node::Hidden), Some(Node::Hidden)) => {
                let text = format!("{}, changed)", SENSITIVE.trim_end_matches(')'));
                out.push(self.padded(width).add(Tone::Faint, &text));
            }
            (Some(before), Some(after)) => self.changed(out, before, after, width, style),
            (None, None) => {}
        }
        if self.forces
            && let Some(first) = out.get_mut(start)
        {
            *first = std::mem::take(first).add(Tone::Replace, "  (forces the replacement)");
        }
    }

    fn changed(&self, out: &mut Vec<Line>, before: &Node, after: &Node, width: usize, style: Style) {
        let lead = self.lead(Tone::Change, "~ ");
        match (before, after) {
            // What differs is hidden in both.
            (before, after) if before == after => {
                out.push(lead.text(":"));
                lay(out, Line::new(COLUMN + 4), COLUMN + 4, "", after, style);
                out.push(Line::new(COLUMN + 4).add(Tone::Faint, &format!("{SENSITIVE} parts change")));
            }
            (Node::Doc(before), Node::Doc(after)) => {
                out.push(lead.text(":"));
                out.extend(diff::text(&ended(before), &ended(after), COLUMN + 4));
            }
            (Node::List(before), Node::List(after)) if !self.fits(width, style) => {
                out.push(lead.text(":"));
                out.extend(diff::list(before, after, COLUMN + 4, style));
            }
            _ if self.fits(width, style) => {
                let parts = |node: &Node| node.inline().unwrap_or_default();
                out.push(self.padded(width).parts(&parts(before)).text(" → ").parts(&parts(after)));
            }
            _ => {
                out.push(lead.text(":"));
                side(out, Tone::Remove, "- ", before, style);
                side(out, Tone::Add, "+ ", after, style);
            }
        }
    }

    /// Whether `before → after` fits into one line.
    fn fits(&self, width: usize, style: Style) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return false };
        let (Some(before), Some(after)) = (before.inline(), after.inline()) else { return false };
        let forces = if self.forces { 26 } else { 0 };
        let line = self.padded(width).parts(&before).text(" → ").parts(&after);
        line.indent + line.width() + forces <= style.width
    }

    fn lead(&self, tone: Tone, sign: &str) -> Line {
        Line::new(COLUMN).hang(4).add(tone, sign).text(&self.path)
    }

    /// `~ path  `, so that what follows stands below each other.
    fn padded(&self, width: usize) -> Line {
        let used = safe(&self.path).width();
        self.lead(Tone::Change, "~ ").text(&" ".repeat(width.saturating_sub(used) + 2))
    }
}

/// One side of a difference that is too long for one line.
fn side(out: &mut Vec<Line>, tone: Tone, sign: &str, node: &Node, style: Style) {
    match node {
        Node::Doc(text) => {
            out.extend(text.lines().map(|line| text_line(sign, line, COLUMN + 4, tone)));
        }
        _ => lay(out, Line::new(COLUMN + 4).add(tone, sign), COLUMN + 4, "", node, style),
    }
}

/// With a line break at the end, so that a last line without one is no difference.
fn ended(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
