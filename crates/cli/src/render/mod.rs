//! From data to text. Pure: whether there is a terminal is an argument.

pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod plan;
pub(crate) mod value;

use hatoba_model::diag;

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colour may be used; everything reads the same without.
    pub(crate) colour: bool,
    /// How many columns there are.
    pub(crate) width: usize,
}

impl Style {
    /// Without colour, 80 columns wide.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colour: false, width: 80 };

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Something new.
    pub(crate) fn add(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Something that changes.
    pub(crate) fn change(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Something that goes away, or an error.
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Something less important.
    pub(crate) fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// The same for diagnostics of the file.
    pub(crate) fn diagnostics(self) -> diag::Style {
        if !self.colour {
            return diag::Style::default();
        }
        let paint = |code: &str| diag::Paint::new(format!("\u{1b}[{code}m"), "\u{1b}[0m");
        diag::Style {
            error: paint("1;31"),
            warning: paint("1;33"),
            message: paint("1"),
            gutter: paint("34"),
            help: paint("36"),
        }
    }
}

/// Text from outside, fit for a terminal: control characters become visible instead of effective.
pub(crate) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // The C1 range and the marks that reorder text are as dangerous as escapes.
        let hidden = matches!(c, '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && c != '\n' && c != '\t') || hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Breaks text into lines of at most `width` columns at spaces; what has no space is not broken.
pub(crate) fn wrap(text: &str, width: usize, indent: &str) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let room = width.saturating_sub(indent.width()).max(20);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_from_outside_do_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[31mb\u{7}\u{9b}c\u{202e}"), "a\\u{1b}[31mb\\u{7}\\u{9b}c\\u{202e}");
        assert_eq!(safe("波止場\n\t"), "波止場\n\t");
    }

    #[test]
    fn wrapping_counts_columns_not_bytes() {
        assert_eq!(wrap("波止場 波止場 波止場 波止場", 22, "  "), "  波止場 波止場 波止場\n  波止場");
    }
}
