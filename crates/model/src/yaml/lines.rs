//! The lines of a text as YAML counts them.

use super::tree::Pos;

/// The lines of a text. A line ends with `\n`, `\r\n` or a lone `\r` (YAML 1.2, section 5.4).
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// Byte range of every line, without its line break. Never empty.
    ranges: Vec<(usize, usize)>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut ranges = Vec::new();
        let mut start = 0;
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\n' => ranges.push((start, at)),
                b'\r' => {
                    ranges.push((start, at));
                    at += usize::from(bytes.get(at + 1) == Some(&b'\n'));
                }
                _ => {
                    at += 1;
                    continue;
                }
            }
            at += 1;
            start = at;
        }
        ranges.push((start, bytes.len()));
        Self { text, ranges }
    }

    /// The line with this number, counted from 1, without its line break.
    pub(crate) fn get(&self, line: u32) -> Option<&'a str> {
        let &(start, end) = self.ranges.get((line as usize).checked_sub(1)?)?;
        Some(&self.text[start..end])
    }

    /// Where the line with this number begins, in bytes.
    pub(crate) fn offset(&self, line: u32) -> Option<usize> {
        Some(self.ranges.get((line as usize).checked_sub(1)?)?.0)
    }

    /// How many lines there are. A line break at the end of the text begins one more, empty line.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.ranges.len()).unwrap_or(u32::MAX)
    }

    /// The position after the last character.
    pub(crate) fn end(&self) -> Pos {
        let line = self.count();
        let width = self.get(line).map_or(0, |text| text.chars().count());
        Pos { line, col: u32::try_from(width + 1).unwrap_or(u32::MAX) }
    }

    /// The number and text of the last line before `line` that holds more than space and comments.
    pub(crate) fn content_before(&self, line: u32) -> Option<(u32, &'a str)> {
        (1..line).rev().filter_map(|number| Some((number, self.get(number)?))).find(|(_, text)| has_content(text))
    }

    /// The number and text of the first line at or after `line` that holds more than space and comments.
    pub(crate) fn content_from(&self, line: u32) -> Option<(u32, &'a str)> {
        (line.max(1)..=self.count())
            .filter_map(|number| Some((number, self.get(number)?)))
            .find(|(_, text)| has_content(text))
    }
}

/// Whether a line holds more than space and comments.
fn has_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_kinds_of_line_breaks() {
        let lines = Lines::new("a\nb\r\nc\rd");
        let all: Vec<_> = (1..=lines.count()).filter_map(|line| lines.get(line)).collect();
        assert_eq!(all, ["a", "b", "c", "d"]);
        assert_eq!(lines.offset(3), Some(5));
        assert_eq!(lines.get(0), None);
        assert_eq!(lines.get(5), None);
    }

    #[test]
    fn the_end_counts_characters() {
        let end = |text| {
            let pos = Lines::new(text).end();
            (pos.line, pos.col)
        };
        assert_eq!(end(""), (1, 1));
        assert_eq!(end("日本"), (1, 3));
        assert_eq!(end("a\r\n"), (2, 1));
    }

    #[test]
    fn comments_and_blank_lines_are_not_content() {
        let lines = Lines::new("a: 1\n\n  # b\nc: 1");
        assert_eq!(lines.content_before(4), Some((1, "a: 1")));
        assert_eq!(lines.content_from(2), Some((4, "c: 1")));
        assert_eq!(lines.content_before(1), None);
    }
}
