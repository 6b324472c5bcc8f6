//! Diagnostics as text: the message, the line of the file with the place underlined, and the advice.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::{Diagnostic, Diagnostics, Severity};
use crate::yaml::{Lines, Pos, Source, Span};

/// The widest line of the output, in terminal columns.
const WIDTH: usize = 100;
/// How many columns a tab of the file takes.
const TAB: usize = 4;

/// Text around a part of the output, such as the codes that switch a colour on and off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paint {
    /// Written before.
    pub prefix: String,
    /// Written after.
    pub suffix: String,
}

impl Paint {
    /// Text before and after.
    pub fn new(prefix: impl Into<String>, suffix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), suffix: suffix.into() }
    }

    fn on(&self, text: &str) -> String {
        format!("{}{text}{}", self.prefix, self.suffix)
    }
}

/// How the parts of the output look. The default adds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Style {
    /// The word `error` and the underline of errors.
    pub error: Paint,
    /// The word `warning` and the underline of warnings.
    pub warning: Paint,
    /// The message.
    pub message: Paint,
    /// Line numbers and rules.
    pub gutter: Paint,
    /// The word `help:`.
    pub help: Paint,
}

/// All diagnostics, separated by blank lines, ending with a line break; empty if there are none.
pub(super) fn render(diagnostics: &Diagnostics, source: &Source, style: &Style) -> String {
    let lines = Lines::new(&source.text);
    let hidden: Vec<Span> =
        diagnostics.iter().filter(|one| one.code.starts_with(SECRET)).filter_map(|one| one.span).collect();
    let blocks: Vec<_> =
        diagnostics.iter().map(|diagnostic| block(diagnostic, &source.name, &lines, &hidden, style)).collect();
    blocks.join("\n")
}

/// What the codes of diagnostics about secrets in the file begin with. Their values are not shown, as output ends up in logs.
const SECRET: &str = "secret-in-";

/// A line of the file, with stars in place of what is hidden.
fn masked(text: &str, number: u32, hidden: &[Span]) -> String {
    let within = |column: u32| {
        let at = Pos { line: number, col: column };
        hidden.iter().any(|span| span.start <= at && at < span.end)
    };
    text.chars().zip(1..).map(|(c, column)| if within(column) && !c.is_whitespace() { '*' } else { c }).collect()
}

fn block(diagnostic: &Diagnostic, file: &str, lines: &Lines<'_>, hidden: &[Span], style: &Style) -> String {
    let loud = match diagnostic.severity {
        Severity::Error => &style.error,
        Severity::Warning => &style.warning,
    };
    let mut out = safe(file);
    if let Some(span) = diagnostic.span {
        out.push_str(&format!(":{}", span.start));
    }
    let message = safe(&diagnostic.message);
    line(&mut out, format_args!(": {}: {}", loud.on(&diagnostic.severity.to_string()), style.message.on(&message)));
    let mut margin = 1;
    if let Some(span) = diagnostic.span {
        let number = span.start.line.min(lines.count());
        let digits = number.to_string();
        margin = digits.len();
        let end = if span.end.line > span.start.line { u32::MAX } else { span.end.col };
        let shown = masked(lines.get(number).unwrap_or_default(), number, hidden);
        let picture = Picture::of(&shown, span.start.col, end, WIDTH - margin - 3);
        let rule = style.gutter.on(&format!("{:margin$} |", ""));
        line(&mut out, format_args!("{rule}"));
        line(&mut out, format_args!("{}{}", style.gutter.on(&format!("{digits} |")), spaced(&picture.text)));
        let marks = format!("{:indent$}{}", "", loud.on(&"^".repeat(picture.marks)), indent = picture.indent);
        line(&mut out, format_args!("{rule} {marks}"));
    }
    let sign = style.gutter.on(&format!("{:margin$} =", ""));
    if let Some(path) = &diagnostic.path {
        let path = path.to_string();
        // Where the message names the place already, a second time would only be noise.
        if !path.is_empty() && !diagnostic.message.contains(&path) {
            line(&mut out, format_args!("{sign} {} {}", style.help.on("at:"), safe(&path)));
        }
    }
    for advice in &diagnostic.help {
        let label = "help: ";
        let room = WIDTH - margin - 3 - label.len();
        for (position, part) in wrap(&safe(advice), room).iter().enumerate() {
            if position == 0 {
                line(&mut out, format_args!("{sign} {} {part}", style.help.on("help:")));
            } else {
                line(&mut out, format_args!("{:indent$}{part}", "", indent = margin + 3 + label.len()));
            }
        }
    }
    out
}

/// Writes a line. Writing to a `String` cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{text}");
}

fn spaced(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}

/// A line of the file as shown, with the place to underline.
struct Picture {
    text: String,
    /// Columns before the underline.
    indent: usize,
    /// Columns of the underline, at least 1.
    marks: usize,
}

impl Picture {
    /// The line with columns `start..end` (characters, counted from 1) underlined, cut to `room` terminal columns.
    fn of(line: &str, start: u32, end: u32, room: usize) -> Self {
        let from = (start.max(1) - 1) as usize;
        let until = (end.max(1) - 1) as usize;
        // Far from the place nothing can be seen: at most `room` characters before it and after it.
        let skipped = from.saturating_sub(room);
        let total = line.chars().skip(skipped).take(room * 2 + 1).collect::<Vec<_>>();
        let shown: Vec<(String, usize)> = total.iter().map(|c| cell(*c)).collect();
        let length = shown.len();
        let place = (from - skipped).min(length);
        let last = until.saturating_sub(skipped).clamp(place, length).max((place + 1).min(length));
        let width = |range: &[(String, usize)]| range.iter().map(|(_, width)| width).sum::<usize>();

        let more_before = skipped > 0;
        let more_after = length == room * 2 + 1;
        let mut first = 0;
        let mut stop = length;
        if more_before || more_after || width(&shown) > room {
            // One column at either side for the ellipsis; the place stands a third from the left, if that much precedes it.
            let inner = room - 2;
            first = place;
            while first > 0 && width(&shown[first - 1..place]) <= inner / 3 {
                first -= 1;
            }
            stop = first;
            while stop < length && width(&shown[first..=stop]) <= inner {
                stop += 1;
            }
        }
        let cut_before = more_before || first > 0;
        let cut_after = more_after || stop < length;
        let mut text = String::new();
        if cut_before {
            text.push('…');
        }
        text.extend(shown[first..stop].iter().map(|(cell, _)| cell.as_str()));
        if cut_after {
            text.push('…');
        }
        let last = last.min(stop);
        Self {
            text: text.trim_end().to_owned(),
            indent: usize::from(cut_before) + width(&shown[first..place]),
            marks: width(&shown[place.min(last)..last]).max(1),
        }
    }
}

/// A character as shown, with its width in columns.
fn cell(c: char) -> (String, usize) {
    if c == '\t' {
        return (" ".repeat(TAB), TAB);
    }
    if is_unsafe(c) {
        let text = c.escape_unicode().to_string();
        let width = text.len();
        return (text, width);
    }
    (c.to_string(), c.width().unwrap_or(1))
}

/// Whether a character would steer the terminal or hide or reorder text instead of being seen.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text that is safe to print: characters that would steer the terminal are spelled out.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Breaks text at spaces into lines of at most `room` columns; a longer word stays whole.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let width = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let size = width(word);
        if used > 0 && used + 1 + size > room {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += size;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Path, Pos, Span};

    fn shown(text: &str, line: u32, from: u32, to: u32) -> String {
        let span = Span::new(Pos { line, col: from }, Pos { line, col: to });
        let all = Diagnostics::from(Diagnostic::error("x", "wrong").at(span));
        all.render(&Source::new("stack.yaml", text))
    }

    #[test]
    fn message_line_underline_and_advice() {
        let source = Source::new("stack.yaml", format!("{}      retension_days: 14\n", "#\n".repeat(11)));
        let span = Span::new(Pos { line: 12, col: 7 }, Pos { line: 12, col: 21 });
        let all: Diagnostics = [
            Diagnostic::error("unknown-key", r#"unknown key `retension_days` in log_groups["/ecs/papyrus"]"#)
                .at(span)
                .path(Path::of(&["log_groups", "/ecs/papyrus"]))
                .help("did you mean `retention_days`?"),
            Diagnostic::warning("later", "never kept")
                .at(Span::point(Pos { line: 12, col: 23 }))
                .path(Path::of(&["a"]).index(1)),
            Diagnostic::error("no-place", "no region"),
        ]
        .into_iter()
        .collect();
        let expected = r#"stack.yaml: error: no region

stack.yaml:12:7: error: unknown key `retension_days` in log_groups["/ecs/papyrus"]
   |
12 |       retension_days: 14
   |       ^^^^^^^^^^^^^^
   = help: did you mean `retention_days`?

stack.yaml:12:23: warning: never kept
   |
12 |       retension_days: 14
   |                       ^
   = at: a[1]
"#;
        assert_eq!(all.render(&source), expected);
    }

    #[test]
    fn the_underline_of_wide_characters_is_as_wide_as_they_are() {
        assert_eq!(
            shown("説明: 港町 # x", 1, 5, 7),
            "stack.yaml:1:5: error: wrong\n  |\n1 | 説明: 港町 # x\n  |       ^^^^\n"
        );
    }

    #[test]
    fn tabs_and_escapes_are_shown_safely() {
        assert_eq!(
            shown("\ta: x\u{1b}[31my", 1, 2, 3),
            "stack.yaml:1:2: error: wrong\n  |\n1 |     a: x\\u{1b}[31my\n  |     ^\n"
        );
        assert_eq!(shown("x\u{202e}y", 1, 2, 3), "stack.yaml:1:2: error: wrong\n  |\n1 | x\\u{202e}y\n  |  ^^^^^^^^\n");
        let all = Diagnostics::from(Diagnostic::error("x", "bad \u{1b}[2J\n").help("\u{7}\u{9b}"));
        assert_eq!(
            all.render(&Source::new("a\rb", "")),
            "a\\u{d}b: error: bad \\u{1b}[2J\\u{a}\n  = help: \\u{7}\\u{9b}\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5000));
        let out = shown(&text, 1, 5001, 5005);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[2].chars().count(), WIDTH);
        let at = lines[2].find("HERE").map(|byte| lines[2][..byte].chars().count());
        assert_eq!(at, lines[3].find('^'));
        assert!(lines[3].ends_with("^^^^") && !lines[3].contains("^^^^^"));
        assert!(lines[2].contains('…') && lines[2].ends_with('…'));
        // A place at the very beginning and one that reaches over the right edge.
        let out = shown(&"港".repeat(300), 1, 1, 301);
        assert!(out.lines().all(|line| line.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>() <= WIDTH), "{out}");
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        assert_eq!(shown("a: 1\n", 9, 4, 2), "stack.yaml:9:4: error: wrong\n  |\n2 |\n  | ^\n");
        assert_eq!(shown("", 1, 1, 1), "stack.yaml:1:1: error: wrong\n  |\n1 |\n  | ^\n");
        assert_eq!(shown("a", 1, 40, 50), "stack.yaml:1:40: error: wrong\n  |\n1 | a\n  |  ^\n");
    }

    #[test]
    fn long_advice_is_wrapped_under_itself() {
        let all = Diagnostics::from(Diagnostic::error("x", "wrong").help("word ".repeat(30).trim_end()));
        let out = all.render(&Source::new("s", ""));
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[2].starts_with("          word"), "{out}");
        assert!(lines.iter().all(|line| line.len() <= WIDTH));
    }

    #[test]
    fn a_style_surrounds_its_part() {
        let style = Style { error: Paint::new("<", ">"), message: Paint::new("*", "*"), ..Style::default() };
        let all = Diagnostics::from(Diagnostic::error("x", "wrong").at(Span::point(Pos::START)));
        let out = all.render_styled(&Source::new("s", "a"), &style);
        assert_eq!(out, "s:1:1: <error>: *wrong*\n  |\n1 | a\n  | <^>\n");
    }
}
