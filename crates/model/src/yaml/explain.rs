//! Syntax errors in words for someone who has not written much YAML.
//!
//! The parser says what it could not continue with. What was done wrong often stands a line above: an unclosed bracket, a
//! colon without a space. So the lines around the place are looked at again.

use super::lines::Lines;
use super::parse::MAX_DEPTH;
use super::tree::{Pos, Span};
use super::wide;
use crate::diag::Diagnostic;

const CODE: &str = "yaml-syntax";

/// A bracket that is still open where the error was noticed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub(super) at: Pos,
    /// `[` or `{`.
    pub(super) bracket: char,
}

/// Whether the parser complains about an alias without an anchor.
pub(super) fn is_unknown_alias(info: &str) -> bool {
    info.contains("unknown anchor")
}

/// Refuses a value that is nested too deeply.
pub(super) fn too_deep(at: Pos) -> Diagnostic {
    Diagnostic::error("yaml-too-deep", format!("mappings and lists are nested more than {MAX_DEPTH} levels deep"))
        .at(Span::point(at))
        .help("no part of a stack file is nested this deep; look for brackets that are opened but not closed")
}

/// Explains what the parser said about the place where it could not go on.
pub(super) fn explain(info: &str, at: Pos, lines: &Lines<'_>, open: Option<Opening>) -> Diagnostic {
    let said = |words: &str| info.contains(words);
    if said("recursion limit") {
        return too_deep(at);
    }
    if is_unknown_alias(info) || said("anchor or alias") {
        return alias(at, lines);
    }
    if said("tab") && !said("expected") {
        return tab(at, lines);
    }
    if said("quoted scalar") {
        return quoted(info, at, lines);
    }
    if said("unexpected character") {
        let found = word_at(lines, at).chars().next().unwrap_or('?');
        return error(at, 1, format!("text without quotes cannot begin with `{found}`"))
            .help("put the whole value in quotes");
    }
    // Inside of brackets there is no block that a line could be aligned with.
    let within = ["flow", "illegal placement of ':'", "block mapping", "block collection", "invalid indentation"];
    if within.iter().any(|words| said(words))
        && let Some(open) = open
    {
        return bracket(at, lines, open);
    }
    if let Some((place, message, help)) = wide::explain(at, lines) {
        return error(place, 1, message).help(help);
    }
    if said("misplaced bracket") {
        return error(at, 1, "this closing bracket was never opened")
            .help("remove it, or put the text in quotes if it belongs to it");
    }
    if said("mapping values are not allowed") {
        return nested_value(at, lines);
    }
    if said("comment intercepting") {
        // The parser stopped at the comment before the line that does not fit.
        return too_far_in(lines.content_from(at.line + 1).map_or(at.line, |(number, _)| number), lines);
    }
    if said("simple key expect") {
        return no_colon(at, lines);
    }
    if said("block mapping") || said("<document start>") || said("block collection") || said("invalid indentation") {
        return misaligned(at, lines);
    }
    if said("block sequence entries") || said("only valid inside a block") {
        return error(at, 1, "a list item cannot stand in the same line as its key")
            .help("begin the list in a line of its own below the key, or write it in brackets: [a, b]");
    }
    if said("block scalar") {
        return error(at, 1, "this line of a text block is indented less than the block")
            .help("indent all lines of a block (`|` or `>`) by the same number of spaces");
    }
    if said("must be followed by a valid YAML whitespace") {
        return error(at, 1, "a space is missing after this sign").help("write `- value` and `key: value`");
    }
    if said("unprintable") {
        return Diagnostic { code: "control-character", ..error(at, 1, "this character cannot stand in a file") };
    }
    if said("tag") {
        return error(at, word_at(lines, at).chars().count(), "text without quotes cannot begin with `!`")
            .help("put the whole value in quotes");
    }
    if said("directive") {
        return error(at, 1, "a line that begins with `%` is a directive, which a stack file does not need")
            .help("remove it");
    }
    if let Some(open) = open {
        return bracket(at, lines, open);
    }
    error(at, 1, format!("this is not valid YAML: {info}"))
}

fn error(at: Pos, width: usize, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(CODE, message).at(stretch(at, width))
}

fn stretch(at: Pos, width: usize) -> Span {
    Span::new(at, Pos { line: at.line, col: at.col.saturating_add(u32::try_from(width.max(1)).unwrap_or(1)) })
}

/// The rest of a line from a place up to the next space or bracket.
fn word_at(lines: &Lines<'_>, at: Pos) -> String {
    let rest = lines.get(at.line).unwrap_or_default().chars().skip((at.col - 1) as usize);
    rest.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | ']' | '}')).take(100).collect()
}

fn alias(at: Pos, lines: &Lines<'_>) -> Diagnostic {
    let word = word_at(lines, at);
    let width = word.chars().count();
    if word.chars().count() < 2 || word.starts_with('&') {
        return error(
            at,
            width,
            format!("text without quotes cannot begin with `{}`", word.chars().next().unwrap_or('*')),
        )
        .help(format!("put the whole value in quotes: \"{word}\""));
    }
    let name: String = word.chars().skip(1).collect();
    Diagnostic::error(
        "unknown-alias",
        format!("`{word}` stands for a value marked `&{name}` further up, but there is none"),
    )
    .at(stretch(at, width))
    .help(format!("if it is meant as text, put it in quotes: \"{word}\""))
}

fn tab(at: Pos, lines: &Lines<'_>) -> Diagnostic {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let tabbed = |number: &u32| {
        lines.get(*number).is_some_and(|line| line[..indentation(line)].contains('\t') && !line.trim().is_empty())
    };
    let Some(line) = (at.line..=lines.count()).find(tabbed) else {
        let text = lines.get(at.line).unwrap_or_default();
        let col = text
            .chars()
            .position(|c| c == '\t')
            .map_or(at.col, |position| u32::try_from(position + 1).unwrap_or(at.col));
        return error(Pos { line: at.line, col }, 1, "a tab cannot stand here").help("use spaces instead");
    };
    let text = lines.get(line).unwrap_or_default();
    let before = text.chars().take_while(|c| *c == ' ').count();
    let tabs = text.chars().skip(before).take_while(|c| *c == '\t').count();
    let at = Pos { line, col: u32::try_from(before + 1).unwrap_or(1) };
    let problem = error(at, tabs, "this line is indented with a tab; YAML takes only spaces")
        .help("use two spaces for each level");
    match (line + 1..=lines.count()).filter(tabbed).count() {
        0 => problem,
        more => problem.help(format!("further lines below that are indented with tabs: {more}")),
    }
}

fn quoted(info: &str, at: Pos, lines: &Lines<'_>) -> Diagnostic {
    if info.contains("escape") || info.contains("hexadecimal") {
        let line: Vec<char> = lines.get(at.line).unwrap_or_default().chars().collect();
        let found = unknown_escape(&line, at.col as usize).unwrap_or(at.col);
        return error(
            Pos { line: at.line, col: found },
            2,
            "a backslash in double quotes begins an escape, and this is none",
        )
        .help("use single quotes, or write `\\\\` for a backslash");
    }
    if info.contains("trailing content") {
        let message = "there is text after the closing quote";
        return error(at, 1, message)
            .help("for a quote inside of quotes write `''` within '…', and `\\\"` within \"…\"");
    }
    error(at, 1, "the text that begins with this quote has no closing quote")
        .help("put the same quote at the end of the text")
}

/// The column of the first backslash from column `from` on that begins no escape.
fn unknown_escape(line: &[char], from: usize) -> Option<u32> {
    let mut position = from;
    while position < line.len() {
        if line[position] == '\\' {
            let digits = match line.get(position + 1) {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                Some(
                    '0' | 'a' | 'b' | 't' | '\t' | 'n' | 'v' | 'f' | 'r' | 'e' | ' ' | '"' | '/' | '\\' | 'N' | '_'
                    | 'L' | 'P',
                )
                | None => 0,
                Some(_) => return u32::try_from(position + 1).ok(),
            };
            let hex = line.iter().skip(position + 2).take(digits).take_while(|c| c.is_ascii_hexdigit()).count();
            if hex < digits {
                return u32::try_from(position + 1).ok();
            }
            position += 1;
        }
        position += 1;
    }
    None
}

fn bracket(at: Pos, lines: &Lines<'_>, open: Opening) -> Diagnostic {
    let closing = if open.bracket == '[' { ']' } else { '}' };
    let line: Vec<char> = lines.get(at.line).unwrap_or_default().chars().collect();
    let mut position = (at.col - 1) as usize;
    // At a colon, the key before it is what came unexpectedly.
    if line.get(position) == Some(&':') {
        while position > 0 && !(line[position - 1].is_whitespace() || matches!(line[position - 1], ',' | '[' | '{')) {
            position -= 1;
        }
    }
    let at = Pos { line: at.line, col: column(position) };
    match line.get(position) {
        Some(found @ (']' | '}')) if *found != closing => {
            error(at, 1, format!("`{}` is closed by `{found}`", open.bracket)).help(format!(
                "close the `{}` of line {}, column {} with `{closing}` first",
                open.bracket, open.at.line, open.at.col
            ))
        }
        Some(_) if at.line == open.at.line => error(at, 1, format!("a comma or `{closing}` is missing before this"))
            .help(format!("it stands inside of the `{}` of column {}", open.bracket, open.at.col)),
        _ => error(open.at, 1, format!("this `{}` is not closed with `{closing}`", open.bracket))
            .help(format!("it is missed in line {} at the latest", at.line))
            .help("lines inside of brackets must be indented deeper than the key, with commas between the parts"),
    }
}

/// A key whose value is glued to it: `cpu:256`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Squeezed<'a> {
    /// The column of the colon.
    col: u32,
    key: &'a str,
    value: &'a str,
}

impl Squeezed<'_> {
    pub(super) fn advice(&self) -> String {
        format!("write `{}: {}`", self.key, self.value)
    }

    fn explain(&self, line: u32) -> Diagnostic {
        error(Pos { line, col: self.col }, 1, "a space is missing after this colon").help(self.advice())
    }
}

/// The key and value of a line in which the colon between them has no space after it.
pub(super) fn squeezed(line: &str) -> Option<Squeezed<'_>> {
    let mut content = line.trim();
    while let Some(item) = content.strip_prefix("- ") {
        content = item.trim_start();
    }
    let (key, value) = content.split_once(':')?;
    let is_word = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !is_word || value.is_empty() || value.starts_with([' ', '\t']) || value.starts_with("//") || value.contains(": ")
    {
        return None;
    }
    let before = line.len() - line.trim_end().len();
    let colon = line.len() - before - value.len() - 1;
    let col = u32::try_from(line[..colon].chars().count() + 1).ok()?;
    Some(Squeezed { col, key, value })
}

pub(super) fn indent(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// A `key: value` where a value went before: in the same line, or in the line above.
fn nested_value(at: Pos, lines: &Lines<'_>) -> Diagnostic {
    let line = lines.get(at.line).unwrap_or_default();
    let before: String = line.chars().take((at.col - 1) as usize).collect();
    if let Some(first) = before.find(": ") {
        let value = &line[first + 2..];
        let skipped = value.len() - value.trim_start().len();
        let col = u32::try_from(line[..first + 2 + skipped].chars().count() + 1).unwrap_or(at.col);
        // A comment after the text is no part of it.
        let value = value.split(" #").next().unwrap_or(value).trim();
        let problem = error(Pos { line: at.line, col }, value.chars().count(), "text that contains `: ` needs quotes");
        let problem = if value.contains(['"', '\\']) || value.chars().count() > 60 {
            problem
        } else {
            problem.help(format!("if it is one text, write \"{value}\""))
        };
        return problem.help("if these are several keys, put each in a line of its own");
    }
    too_far_in(at.line, lines)
}

/// A line that is indented deeper than the line above it, which has a value already.
fn too_far_in(number: u32, lines: &Lines<'_>) -> Diagnostic {
    let line = lines.get(number).unwrap_or_default();
    let place = Pos { line: number, col: column(indent(line)) };
    let width = line.trim().chars().count();
    let Some((number, above)) = lines.content_before(number) else {
        return error(place, width, "a key cannot stand here");
    };
    if let Some(squeezed) = squeezed(above) {
        return squeezed.explain(number);
    }
    let item = above.trim().trim_start_matches("- ");
    let problem = match item.split_once(": ") {
        Some((key, _)) => {
            error(place, width, format!("this line is indented as a part of `{key}`, which has a value already"))
                .help(format!("begin it in the same column as `{key}`, or take the value of `{key}` out"))
        }
        None => {
            error(place, width, format!("this line is indented as a part of line {number}, which is not a key")).help(
                format!("if `{}` is a key, put a colon after it; else begin this line further left", shortened(item)),
            )
        }
    };
    problem.help("text of several lines with a `: ` in it needs quotes")
}

fn column(before: usize) -> u32 {
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}

/// A line without a colon among keys.
fn no_colon(at: Pos, lines: &Lines<'_>) -> Diagnostic {
    let here = lines.get(at.line).filter(|line| !line.trim().is_empty() && at == lines.end());
    let Some((number, line)) = here.map(|line| (at.line, line)).or_else(|| lines.content_before(at.line)) else {
        return error(at, 1, "a key with a colon is expected here");
    };
    if let Some(squeezed) = squeezed(line) {
        return squeezed.explain(number);
    }
    let place = Pos { line: number, col: column(indent(line)) };
    error(place, line.trim().chars().count(), "this is neither `key: value` nor a list item")
        .help("if it is a key, put a colon after it; if it belongs to the text above, indent it deeper than the key of that text")
}

/// A line that begins in a column where nothing above it begins, or something behind a finished value.
fn misaligned(at: Pos, lines: &Lines<'_>) -> Diagnostic {
    let line = lines.get(at.line).unwrap_or_default();
    let content = line.trim();
    let place = Pos { line: at.line, col: column(indent(line)) };
    let width = content.chars().count();
    if at.col > place.col && !content.starts_with('-') {
        return error(
            at,
            word_at(lines, at).chars().count(),
            "this cannot follow here: the value before it is complete",
        )
        .help("put it in a line of its own, or everything in quotes if it is one text");
    }
    if content == "-" || content.starts_with("- ") {
        return error(place, width, "a list item cannot stand among keys")
            .help("items belong below a key that has no value of its own, in one column");
    }
    let above = lines.content_before(at.line).map(|(_, above)| above);
    if above.is_some_and(|above| above.trim().starts_with("- ") && indent(above) == indent(line)) {
        return error(place, width, "a key cannot stand among list items")
            .help("begin every item with `- `, or begin the key further left");
    }
    let first = lines.content_from(1).map_or(0, |(_, first)| indent(first));
    let problem = error(place, width, "this line begins in a column where no line above it begins");
    if indent(line) < first {
        return problem
            .help(format!("the first line is indented by {first}; begin all top-level keys in the first column"));
    }
    problem.help("begin keys that belong together in the same column")
}
