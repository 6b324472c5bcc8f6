//! From text to a tree, within bounds, with every refusal located.

use std::collections::HashSet;

use super::builder::{Builder, Outcome};
use super::lines::Lines;
use super::path::Path;
use super::source::{Source, too_large};
use super::tree::{Node, NodeValue};
use crate::diag::Diagnostics;

/// How deep mappings and lists may be nested, aliases expanded.
pub const MAX_DEPTH: usize = 64;
/// How many values a file may have, aliases expanded.
pub const MAX_NODES: usize = 200_000;
/// How many values anchors and aliases may add.
pub const MAX_ALIAS_NODES: usize = 50_000;
/// How many bytes of text anchors and aliases may add.
pub const MAX_ALIAS_BYTES: usize = 4 << 20;

/// How often parsing goes on at the next top-level key after a syntax error.
const MAX_RESUMES: usize = 20;

/// What could be read of a file, and what is wrong with it as YAML.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What could be read. Of a key that is given twice the first value is here, with what only the second one has in addition.
    /// Nothing if what could be read says too little about the file.
    pub root: Option<Node>,
    /// What is wrong.
    pub problems: Diagnostics,
    /// Top-level keys that are perhaps in the file, but not in `root`, because what stands there could not be read.
    pub broken: Vec<String>,
    /// Values that are in `root` but are not what their author meant, such as those with an unknown tag.
    pub doubtful: Vec<Path>,
}

/// Reads one YAML document whose root is a mapping.
///
/// # Errors
///
/// Everything that can be found at once: syntax errors (parsing goes on at the next top-level key), every duplicate key,
/// keys that are not text, tags, unknown aliases, control characters, more than one document, and files beyond the bounds
/// [`MAX_BYTES`](super::MAX_BYTES), [`MAX_DEPTH`], [`MAX_NODES`], [`MAX_ALIAS_NODES`] and [`MAX_ALIAS_BYTES`].
pub fn parse(source: &Source) -> Result<Node, Diagnostics> {
    let parsed = parse_lenient(source);
    match parsed.root {
        Some(root) if parsed.problems.is_empty() => Ok(root),
        _ => Err(parsed.problems),
    }
}

/// Reads one YAML document whose root is a mapping, as far as it can be read. What is wrong with it is what [`parse()`] reports.
pub fn parse_lenient(source: &Source) -> Parsed {
    let mut parsed = Parsed { root: None, problems: Diagnostics::new(), broken: Vec::new(), doubtful: Vec::new() };
    if let Some(problem) = too_large(source.text.len()) {
        parsed.problems = Diagnostics::from(problem);
        return parsed;
    }
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let lines = Lines::new(text);
    let mut problems = Vec::new();
    // Keys in lines that no pass could read: an open bracket, for one, takes in all that follows.
    let mut swallowed = Vec::new();
    let mut from = 1;
    for resumes in 0..=MAX_RESUMES {
        let mut builder = Builder::new(&lines, from, &mut problems);
        let outcome = builder.run(text);
        let rescued = match outcome {
            Outcome::Complete if resumes == 0 => builder.finish(),
            Outcome::Complete => builder.root.take().filter(Node::is_map),
            Outcome::Broken(_) => builder.rescue(&mut parsed.broken),
            Outcome::Refused => None,
        };
        parsed.doubtful.append(&mut builder.doubtful);
        match (&mut parsed.root, rescued) {
            (Some(root), Some(rescued)) => unite(root, rescued),
            (None, Some(rescued)) => parsed.root = Some(rescued),
            (_, None) if outcome == Outcome::Refused => parsed.root = None,
            (_, None) => {}
        }
        let Outcome::Broken(line) = outcome else { break };
        let next = next_section(&lines, line.max(from + 1));
        let unread = from..next.unwrap_or(lines.count() + 1);
        swallowed.extend(unread.filter_map(|number| Some(first_word(lines.get(number)?.trim_start()).0.to_owned())));
        match next {
            Some(line) => from = line,
            None => break,
        }
    }
    if let Some(root) = &mut parsed.root {
        for key in &parsed.broken {
            root.remove(key);
        }
        parsed.broken.extend(swallowed.into_iter().filter(|key| root.get(key).is_none()));
    }
    parsed.problems = problems.into_iter().collect();
    parsed
}

/// The first line from `line` on that begins with a key in the first column.
fn next_section(lines: &Lines<'_>, line: u32) -> Option<u32> {
    (line..=lines.count()).find(|number| {
        let (word, rest) = first_word(lines.get(*number).unwrap_or_default());
        word.starts_with(|c: char| c.is_ascii_alphabetic()) && (rest.starts_with(": ") || rest == ":")
    })
}

/// The letters, digits and hyphens at the beginning of a line, and the rest.
fn first_word(line: &str) -> (&str, &str) {
    line.split_at(line.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count())
}

/// Adds what a mapping does not have yet. Anything else stays what it was.
pub(super) fn unite(first: &mut Node, second: Node) {
    let (NodeValue::Map(entries), NodeValue::Map(more)) = (&mut first.value, second.value) else { return };
    let known: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    entries.extend(more.into_iter().filter(|entry| !known.contains(&entry.key)));
}
