//! How text looks, and what of a text from outside may reach a terminal.

use anstyle::{AnsiColor, Effects};
use hatoba_model::diag;

/// What a part of the output means, which decides its colour. Nothing is told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ordinary text.
    Plain,
    /// A heading, an address.
    Strong,
    /// Something less important.
    Faint,
    /// Something new.
    Add,
    /// Something that changes in place.
    Change,
    /// Something that goes away.
    Remove,
    /// Something that is deleted and made anew.
    Replace,
    /// An error, a refusal.
    Error,
    /// A warning.
    Warning,
    /// Advice.
    Help,
}

impl Tone {
    fn codes(self) -> anstyle::Style {
        let colour = |colour: AnsiColor| colour.on_default();
        match self {
            Self::Plain => anstyle::Style::new(),
            Self::Strong => anstyle::Style::new().effects(Effects::BOLD),
            Self::Faint => anstyle::Style::new().effects(Effects::DIMMED),
            Self::Add => colour(AnsiColor::Green),
            Self::Change => colour(AnsiColor::Yellow),
            Self::Remove => colour(AnsiColor::Red),
            Self::Replace => colour(AnsiColor::Magenta),
            Self::Error => colour(AnsiColor::Red).effects(Effects::BOLD),
            Self::Warning => colour(AnsiColor::Yellow).effects(Effects::BOLD),
            Self::Help => colour(AnsiColor::Cyan),
        }
    }
}

/// `1 task`, `2 tasks`: of a noun whose plural ends in `s`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {}", plural(number, noun))
}

/// `task`, or `tasks` where there are more or fewer than one.
pub(crate) fn plural(number: usize, noun: &str) -> String {
    if number == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colour may be used; everything reads the same without.
    pub(crate) colour: bool,
    /// How many columns there are.
    pub(crate) width: usize,
    /// What a command in our own advice needs to be about the same stack: `-f other.yaml --env staging`.
    pub(crate) options: &'static str,
}

impl Style {
    /// Without colour, 80 columns wide.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self::plain(80);

    /// Without colour, so many columns wide.
    pub(crate) const fn plain(width: usize) -> Self {
        Self { colour: false, width, options: "" }
    }

    /// Advice with commands that can be typed as they stand. Those that have options already are left alone.
    pub(crate) fn complete(self, advice: &str) -> String {
        const COMMAND: &str = "`hatoba ";
        let mut parts = advice.split(COMMAND);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str(COMMAND);
            if !self.options.is_empty() && !part.starts_with('-') {
                out.push_str(self.options);
                out.push(' ');
            }
            out.push_str(part);
        }
        out
    }

    /// Text in a tone. The text must be [`safe`] already.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let codes = tone.codes();
        if !self.colour || codes.is_plain() || text.is_empty() {
            return text.to_owned();
        }
        format!("{}{text}{}", codes.render(), codes.render_reset())
    }

    /// The same look for diagnostics of the file.
    pub(crate) fn diagnostics(self) -> diag::Style {
        if !self.colour {
            return diag::Style::default();
        }
        let paint = |tone: Tone| {
            let codes = tone.codes();
            diag::Paint::new(codes.render().to_string(), codes.render_reset().to_string())
        };
        diag::Style {
            error: paint(Tone::Error),
            warning: paint(Tone::Warning),
            message: paint(Tone::Strong),
            gutter: paint(Tone::Faint),
            help: paint(Tone::Help),
        }
    }
}

/// Text from outside, fit for a terminal: what would steer the terminal, hide or reorder text is spelled out.
/// Line breaks are spelled out, too; a text of several lines is split before.
pub(crate) fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A message of several lines as one, its parts separated by semicolons.
pub(crate) fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Control characters (both ranges), zero-width and direction marks, tags. The list is that of the model's diagnostics.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_from_outside_do_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[31mb\u{7}\u{9b}c\u{202e}\r\n"), "a\\u{1b}[31mb\\u{7}\\u{9b}c\\u{202e}\\r\\n");
        assert_eq!(safe("波止場 é"), "波止場 é");
    }

    #[test]
    fn a_message_of_several_lines_becomes_one() {
        assert_eq!(one_line("tried:\n  first\n\n  second\r\n"), "tried:; first; second");
        assert_eq!(one_line("as it is"), "as it is");
    }

    #[test]
    fn colour_is_switched_off_again_and_only_used_when_allowed() {
        let colourful = Style { colour: true, ..Style::PLAIN };
        assert_eq!(colourful.paint(Tone::Add, "x"), "\u{1b}[32mx\u{1b}[0m");
        assert_eq!(colourful.paint(Tone::Plain, "x"), "x");
        assert_eq!(Style::PLAIN.paint(Tone::Add, "x"), "x");
    }
}
