//! Spaces and colons of full width, as Japanese keyboards write them: to the eye the same, to YAML ordinary characters.

use super::Pos;
use super::explain::indent;
use super::lines::Lines;

const SPACE: char = '\u{3000}';
const COLON: char = '\u{ff1a}';

/// A character of full width that stands where the one of half width would have a meaning, in this line or the one before it.
/// With what is wrong and what to do.
pub(super) fn explain(at: Pos, lines: &Lines<'_>) -> Option<(Pos, String, String)> {
    let here = lines.get(at.line).map(|line| (at.line, line));
    let mut near = here.into_iter().chain(lines.content_before(at.line)).filter(|(number, _)| !is_text(*number, lines));
    let (line, (col, found)) = near.find_map(|(number, line)| Some((number, find(line)?)))?;
    let (name, code, ordinary) = match found {
        SPACE => ("space", "U+3000", "an ordinary space"),
        _ => ("colon", "U+FF1A", "`:` and a space"),
    };
    let message = format!("this is a full-width {name} ({code}), which is one more letter to YAML");
    Some((Pos { line, col }, message, format!("write {ordinary} there")))
}

/// Whether a line stands in a text of several lines, `key: |`.
fn is_text(number: u32, lines: &Lines<'_>) -> bool {
    let depth = lines.get(number).map(indent).unwrap_or_default();
    let mut above = (1..number).rev().filter_map(|number| lines.get(number)).filter(|line| !line.trim().is_empty());
    let head = above.find(|line| indent(line) < depth).unwrap_or_default();
    head.trim_end().trim_end_matches(['+', '-']).ends_with(['|', '>'])
}

/// The first one in a line, with its column: in the indentation, behind the colon of a key, or as the colon of a key.
fn find(line: &str) -> Option<(u32, char)> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let column = |byte: usize| u32::try_from(line[..byte].chars().count() + 1).ok();
    let content = line.trim_start();
    if let Some(byte) = line[..line.len() - content.len()].find(SPACE) {
        return Some((column(byte)?, SPACE));
    }
    let start = line.len() - content.strip_prefix("- ").map_or(content, str::trim_start).len();
    let key = line[start..].find(|c| !letter(c)).filter(|end| *end > 0)?;
    let mut rest = line[start + key..].chars();
    match (rest.next(), rest.next()) {
        (Some(COLON), _) => Some((column(start + key)?, COLON)),
        (Some(':'), Some(SPACE)) => Some((column(start + key + 1)?, SPACE)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_is_no_mistake() {
        let lines = Lines::new("note: |\n  memo：x\n   bad\nstack：machi\n");
        let at = |line: u32| Pos { line, col: 1 };
        assert_eq!(explain(at(3), &lines).map(|it| it.0), None);
        assert_eq!(explain(at(4), &lines).map(|it| it.0), Some(Pos { line: 4, col: 6 }));
    }

    #[test]
    fn they_are_found_where_they_would_mean_something() {
        assert_eq!(find("apps:　{ machi: { port: 80 } }"), Some((6, SPACE)));
        assert_eq!(find("　　cpu: 256"), Some((1, SPACE)));
        assert_eq!(find("  　cpu: 256"), Some((3, SPACE)));
        assert_eq!(find("stack：machi"), Some((6, COLON)));
        assert_eq!(find("  - name：machi"), Some((9, COLON)));
        // A part of a text.
        for text in ["description: 東京　支店", "description: 注意：夜間", "波止場：1", "", "- ", "#　comment"]
        {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
