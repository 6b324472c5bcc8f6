//! One logical line of output: parts with a tone, broken to the width of the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Style, Tone, safe};

/// However narrow the terminal says it is, so many columns are used for text.
const NARROWEST: usize = 20;

/// A line in the making. Everything that is put into it is made safe for terminals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// The column it begins in.
    pub(crate) indent: usize,
    /// How much further its continuation lines are indented.
    pub(crate) hang: usize,
    /// Whether it is never broken, because it is there to be copied.
    whole: bool,
    /// Whether it is our own advice, in which commands get the options of this run.
    advice: bool,
    spans: Vec<(Tone, String)>,
    right: Option<(Tone, String)>,
}

impl Line {
    /// A line that begins in this column.
    pub(crate) fn new(indent: usize) -> Self {
        Self { indent, hang: 2, ..Self::default() }
    }

    /// An empty line.
    pub(crate) fn blank() -> Self {
        Self::default()
    }

    /// Continuation lines are indented by so much more.
    #[must_use]
    pub(crate) fn hang(mut self, hang: usize) -> Self {
        self.hang = hang;
        self
    }

    /// It is never broken.
    #[must_use]
    pub(crate) fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// It is our own advice, and nobody else's text: commands in it get the options of this run.
    #[must_use]
    pub(crate) fn advice(mut self) -> Self {
        self.advice = true;
        self
    }

    /// A way out, below what it is about.
    pub(crate) fn help(indent: usize, text: &str) -> Self {
        Self::new(indent).hang(8).add(Tone::Help, "= help:").text(" ").text(text).advice()
    }

    /// Adds text in a tone.
    #[must_use]
    pub(crate) fn add(mut self, tone: Tone, text: &str) -> Self {
        self.spans.push((tone, safe(text)));
        self
    }

    /// Adds ordinary text.
    #[must_use]
    pub(crate) fn text(self, text: &str) -> Self {
        self.add(Tone::Plain, text)
    }

    /// Adds several parts.
    #[must_use]
    pub(crate) fn parts(mut self, parts: &[(Tone, String)]) -> Self {
        for (tone, text) in parts {
            self = self.add(*tone, text);
        }
        self
    }

    /// Puts text at the right edge; below, where there is no room for it.
    #[must_use]
    pub(crate) fn right(mut self, tone: Tone, text: &str) -> Self {
        self.right = (!text.is_empty()).then(|| (tone, safe(text)));
        self
    }

    /// How many columns its text takes, without the indent.
    pub(crate) fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| text.width()).sum()
    }

    /// Writes it, in as many lines as it takes.
    pub(crate) fn write(&self, style: Style, out: &mut String) {
        self.write_spans(style, out);
        let Some((tone, right)) = &self.right else {
            out.push('\n');
            return;
        };
        let used = self.indent + self.width();
        if used + 2 + right.width() <= style.width {
            out.extend(std::iter::repeat_n(' ', style.width - used - right.width()));
            out.push_str(&style.paint(*tone, right));
            out.push('\n');
        } else {
            out.push('\n');
            let below = Line::new(self.indent + 4).add(*tone, right);
            below.write(style, out);
        }
    }

    fn write_spans(&self, style: Style, out: &mut String) {
        let mut cells: Vec<(char, Tone)> = Vec::new();
        for (tone, text) in &self.spans {
            let text = if self.advice { &style.complete(text) } else { text };
            cells.extend(text.chars().map(|c| (c, *tone)));
        }
        let mut start = 0;
        let mut indent = self.indent;
        loop {
            let room = |indent: usize| style.width.saturating_sub(indent).max(NARROWEST);
            let here = if self.whole { usize::MAX } else { room(indent) };
            let (stop, next) = break_at(&cells, start, here, room(self.indent + self.hang));
            if stop > start {
                out.extend(std::iter::repeat_n(' ', indent));
            }
            emit(&cells[start..stop], style, out);
            if next >= cells.len() {
                return;
            }
            out.push('\n');
            start = next;
            indent = self.indent + self.hang;
        }
    }
}

/// Where the line that begins at `start` ends, and where the next one begins. Breaks at the last space that leaves something
/// visible before it, or, where there is none, wherever the room ends; there, too, where the word after the space is longer than the line below.
fn break_at(cells: &[(char, Tone)], start: usize, room: usize, below: usize) -> (usize, usize) {
    let mut used = 0;
    let mut space = None;
    let mut visible = false;
    for (at, (c, _)) in cells.iter().enumerate().skip(start) {
        let width = c.width().unwrap_or(0);
        if *c == ' ' {
            if visible {
                space = Some(at);
            }
        } else {
            if used + width > room {
                let stop = space.filter(|space| word_after(cells, *space) <= below).unwrap_or(at);
                let next = (stop..cells.len()).find(|at| cells[*at].0 != ' ').unwrap_or(cells.len());
                let text = (start..stop).rev().find(|at| cells[*at].0 != ' ').map_or(stop, |last| last + 1);
                return (text, next);
            }
            visible = true;
        }
        used += width;
    }
    (cells.len(), cells.len())
}

/// How wide the word after a space is.
fn word_after(cells: &[(char, Tone)], space: usize) -> usize {
    let word = cells[space..].iter().map(|(c, _)| *c).skip_while(|c| *c == ' ').take_while(|c| *c != ' ');
    word.map(|c| c.width().unwrap_or(0)).sum()
}

fn emit(cells: &[(char, Tone)], style: Style, out: &mut String) {
    for run in cells.chunk_by(|a, b| a.1 == b.1) {
        let text: String = run.iter().map(|(c, _)| *c).collect();
        if let Some((_, tone)) = run.first() {
            out.push_str(&style.paint(*tone, &text));
        }
    }
}

/// All lines as text.
pub(crate) fn write_all(lines: &[Line], style: Style) -> String {
    let mut out = String::new();
    for line in lines {
        line.write(style, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &Line, colour: bool, width: usize) -> String {
        let mut out = String::new();
        line.write(Style { colour, ..Style::plain(width) }, &mut out);
        out
    }

    #[test]
    fn breaks_at_spaces_and_hangs() {
        let line = Line::new(2).hang(4).text("one two three four five six seven");
        assert_eq!(shown(&line, false, 24), "  one two three four\n      five six seven\n");
    }

    #[test]
    fn a_word_that_is_too_long_is_broken_where_the_room_ends() {
        let line = Line::new(0).text("arn:aws:iam::123456789012:role/papyrus-deploy");
        assert_eq!(shown(&line, false, 30), "arn:aws:iam::123456789012:role\n  /papyrus-deploy\n");
    }

    #[test]
    fn what_stands_before_a_word_that_fills_more_than_a_line_is_not_left_alone() {
        let line = Line::new(0).text("+ arn:aws:iam::123456789012:role/papyrus-deploy");
        assert_eq!(shown(&line, false, 30), "+ arn:aws:iam::123456789012:ro\n  le/papyrus-deploy\n");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let line = Line::new(0).hang(0).text("波止場波止場波止場波止場");
        assert_eq!(shown(&line, false, 20), "波止場波止場波止場波\n止場\n");
    }

    #[test]
    fn colour_ends_before_a_line_break_and_does_not_count() {
        let line = Line::new(0).hang(0).add(Tone::Add, "aaaaaaaaaaaaaaaaaaa bbb");
        assert_eq!(shown(&line, true, 20), "\u{1b}[32maaaaaaaaaaaaaaaaaaa\u{1b}[0m\n\u{1b}[32mbbb\u{1b}[0m\n");
    }

    #[test]
    fn the_right_edge_is_used_when_there_is_room() {
        let line = Line::new(0).text("~ service.papyrus").right(Tone::Faint, "UpdateService");
        assert_eq!(shown(&line, false, 40), "~ service.papyrus          UpdateService\n");
        assert_eq!(shown(&line, false, 31), "~ service.papyrus\n    UpdateService\n");
    }

    #[test]
    fn leading_spaces_are_kept_and_never_a_break() {
        let line = Line::new(0).hang(0).text("          indented-code-that-is-long");
        assert_eq!(shown(&line, false, 30), "          indented-code-that-i\ns-long\n");
    }

    #[test]
    fn commands_in_advice_get_the_options_of_the_run_and_nobody_elses_text_does() {
        let style = Style { options: "-f other.yaml --env staging", ..Style::PLAIN };
        let shown = |line: Line| write_all(&[line], style);
        let text = "`hatoba up web`, or `hatoba -f it.yaml plan`";
        assert_eq!(
            shown(Line::new(0).text(text).advice()),
            "`hatoba -f other.yaml --env staging up web`, or `hatoba -f it.yaml plan`\n"
        );
        assert_eq!(shown(Line::new(0).text(text)), format!("{text}\n"));
        assert_eq!(write_all(&[Line::new(0).text(text).advice()], Style::PLAIN), format!("{text}\n"));
    }

    #[test]
    fn escapes_in_a_text_are_spelled_out() {
        assert_eq!(shown(&Line::new(0).text("a\u{1b}[2Jb\nc"), true, 80), "a\\u{1b}[2Jb\\nc\n");
    }
}
