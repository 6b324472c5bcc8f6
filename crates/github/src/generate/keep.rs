//! The parts of a generated file that belong to its readers: between `# hatoba:keep NAME` and `# hatoba:end`.

use std::collections::{BTreeMap, BTreeSet};

const KEEP: &str = "# hatoba:keep ";
const END: &str = "# hatoba:end";

/// A line of a text, or a whole region of it.
enum Part<'a> {
    Line(&'a str),
    /// Its name, its first line, what is in it, its last line.
    Region(&'a str, &'a str, &'a str, &'a str),
}

/// Takes a text apart. A region without an end, or whose name came before, is lines like any other.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut out = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let line = line_of(rest);
        match region(rest, line).filter(|(name, ..)| seen.insert(*name)) {
            Some((name, body, last)) => {
                out.push(Part::Region(name, line, body, last));
                at += line.len() + body.len() + last.len();
            }
            None => {
                out.push(Part::Line(line));
                at += line.len();
            }
        }
    }
    out
}

/// The first line of a text, with its line break.
fn line_of(text: &str) -> &str {
    text.find('\n').map_or(text, |end| text.get(..=end).unwrap_or(text))
}

/// The region that begins with the first line of a text: its name, what is in it, its last line.
fn region<'a>(text: &'a str, first: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    let name = first.trim().strip_prefix(KEEP)?.trim();
    let start = first.len();
    let mut at = start;
    loop {
        let line = line_of(text.get(at..).filter(|rest| !rest.is_empty())?);
        if line.trim().starts_with(KEEP) {
            return None;
        }
        if line.trim() == END {
            return Some((name, text.get(start..at)?, line));
        }
        at += line.len();
    }
}

/// The names of the regions of a text.
pub fn names(text: &str) -> BTreeSet<String> {
    let parts = parts(text);
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Region(name, ..) => Some((*name).to_owned()),
            Part::Line(_) => None,
        })
        .collect()
}

/// The text without what stands in the regions of these names.
pub fn emptied(text: &str, names: &BTreeSet<String>) -> String {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Region(name, first, _, last) if names.contains(name) => out.extend([first, last]),
            Part::Region(_, first, body, last) => out.extend([first, body, last]),
            Part::Line(line) => out.push_str(line),
        }
    }
    out
}

/// A newly made text, with what stands in the regions of the text that it replaces.
pub fn filled(made: &str, there: &str) -> String {
    let kept: BTreeMap<&str, &str> = parts(there)
        .into_iter()
        .filter_map(|part| match part {
            Part::Region(name, _, body, _) => Some((name, body)),
            Part::Line(_) => None,
        })
        .collect();
    let mut out = String::with_capacity(made.len());
    for part in parts(made) {
        match part {
            Part::Region(name, first, body, last) => out.extend([first, kept.get(name).copied().unwrap_or(body), last]),
            Part::Line(line) => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "a\n  # hatoba:keep one\n  # hatoba:end\nb\n# hatoba:keep two\n# hatoba:end\n";
    const THERE: &str =
        "old\n  # hatoba:keep one\n  - run: x\n\n  # hatoba:end\n# hatoba:keep three\nmine\n# hatoba:end\n";

    #[test]
    fn what_was_written_is_kept_and_nothing_else() {
        let filled = filled(MADE, THERE);
        assert_eq!(
            filled,
            "a\n  # hatoba:keep one\n  - run: x\n\n  # hatoba:end\nb\n# hatoba:keep two\n# hatoba:end\n"
        );
        assert_eq!(emptied(&filled, &names(MADE)), MADE);
        assert_eq!(self::filled(&filled, &filled), filled);
    }

    #[test]
    fn a_region_that_the_new_text_does_not_have_is_seen() {
        let seen = emptied(THERE, &names(MADE));
        assert!(!seen.contains("- run: x") && seen.contains("mine"), "{seen}");
    }

    #[test]
    fn broken_regions_are_lines_like_any_other() {
        for text in [
            "# hatoba:keep one\nx\n",
            "# hatoba:keep one\n# hatoba:keep two\n",
            "# hatoba:end\nx",
            "# hatoba:keep one",
            "",
        ] {
            assert!(names(text).is_empty(), "{text}");
            assert_eq!(emptied(text, &names(MADE)), text);
        }
        let twice = "# hatoba:keep one\na\n# hatoba:end\n# hatoba:keep one\nb\n# hatoba:end\n";
        assert!(emptied(twice, &names(MADE)).contains("b\n"), "the second of a name is no region");
    }
}
