//! One pass of the parser over a text: its events become a tree, and what must not stand in a file is reported.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::explain::{self, Opening};
use super::lines::Lines;
use super::measure::Measure;
use super::parse::{MAX_ALIAS_BYTES, MAX_ALIAS_NODES, MAX_DEPTH, MAX_NODES, unite};
use super::path::{Path, Segment};
use super::scalar::{Resolved, resolve};
use super::tree::{Entry, Node, NodeValue, Pos, Span};
use crate::diag::Diagnostic;

/// How many mistakes are reported at most.
const MAX_PROBLEMS: usize = 200;

/// How a pass over the text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// At the end of the text.
    Complete,
    /// At a syntax error noticed in this line.
    Broken(u32),
    /// At something after which nothing that follows is worth looking at.
    Refused,
}

/// A mapping or list that is being read.
struct Frame {
    kind: FrameKind,
    anchor: usize,
    start: Pos,
    /// Where the event that opened it ends: just after the bracket, if it has one.
    opened: Pos,
    /// The end of the last thing in it.
    end: Pos,
}

enum FrameKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashMap<String, Pos>, key: Key, merges: Vec<(Span, Node)>, merge_at: Option<Pos> },
}

/// What the next value of a mapping belongs to.
#[derive(Debug)]
enum Key {
    /// To nothing: what comes next is a key.
    Awaited,
    /// To a key.
    Given(String, Span),
    /// To a key that was there already.
    Repeated(String),
    /// To `<<`.
    Merge(Span),
    /// To a key that was refused.
    Refused,
}

/// A pass over the text.
pub(super) struct Builder<'a> {
    lines: &'a Lines<'a>,
    /// The line where the pass begins.
    from: u32,
    problems: &'a mut Vec<Diagnostic>,
    /// Values that are not what their author meant.
    pub(super) doubtful: Vec<Path>,
    stack: Vec<Frame>,
    pub(super) root: Option<Node>,
    documents: usize,
    anchors: HashMap<usize, (Node, Measure)>,
    nodes: usize,
    alias_nodes: usize,
    alias_bytes: usize,
}

impl<'a> Builder<'a> {
    /// A pass that begins in line `from`.
    pub(super) fn new(lines: &'a Lines<'a>, from: u32, problems: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            lines,
            from,
            problems,
            doubtful: Vec::new(),
            stack: Vec::new(),
            root: None,
            documents: 0,
            anchors: HashMap::new(),
            nodes: 0,
            alias_nodes: 0,
            alias_bytes: 0,
        }
    }

    /// Reads on until the end or a syntax error.
    pub(super) fn run(&mut self, text: &str) -> Outcome {
        let start = self.lines.offset(self.from).unwrap_or_default();
        let mut parser = Parser::new_from_str(&text[start..]);
        while let Some(event) = parser.next_event() {
            match event {
                Ok((event, span)) => {
                    let span = Span::new(self.pos(span.start), self.pos(span.end));
                    // With this many mistakes the rest is not worth the time.
                    if self.event(event, span).is_break() || self.problems.len() >= MAX_PROBLEMS {
                        return Outcome::Refused;
                    }
                }
                Err(error) => {
                    let at = self.pos(*error.marker());
                    // An anchor may be defined in the part that could not be read.
                    if self.from == 1 || !explain::is_unknown_alias(error.info()) {
                        let problem = explain::explain(error.info(), at, self.lines, self.open_bracket());
                        self.report(problem);
                    }
                    return Outcome::Broken(at.line);
                }
            }
        }
        Outcome::Complete
    }

    /// What can be used of a pass that a syntax error ended: the top-level values that were complete. `broken` gets the others.
    pub(super) fn rescue(&mut self, broken: &mut Vec<String>) -> Option<Node> {
        let root = self.stack.drain(..).next()?;
        // In brackets nothing tells where a top-level value ends.
        let bracket = self.lines.get(root.start.line)?.chars().nth((root.start.col as usize).checked_sub(1)?);
        let FrameKind::Map { mut entries, key, .. } = root.kind else { return None };
        if bracket == Some('{') {
            return None;
        }
        match key {
            Key::Given(key, _) | Key::Repeated(key) => broken.push(key),
            // The mistake may belong to what came last, such as a line that is not indented far enough.
            Key::Awaited | Key::Merge(_) | Key::Refused => broken.extend(entries.pop().map(|entry| entry.key)),
        }
        Some(Node { value: NodeValue::Map(entries), span: Span::new(root.start, root.end) })
    }

    /// The root, if it is a mapping. Only asked for of the pass that begins at the beginning.
    pub(super) fn finish(&mut self) -> Option<Node> {
        let problem = match self.root.take() {
            Some(root) if root.is_map() => return Some(root),
            Some(root) if root.is_null() => empty(),
            None => empty(),
            Some(root) => {
                let problem =
                    Diagnostic::error("yaml-root", format!("the file must be {MAPPING}, found {}", root.describe()));
                let problem = problem.at(Span::new(root.span.start, root.span.end));
                match explain::squeezed(self.lines.content_from(1).map_or("", |(_, line)| line)) {
                    Some(squeezed) => problem.help(squeezed.advice()),
                    None => problem.help("begin with a line such as `stack: NAME`"),
                }
            }
        };
        self.report(problem);
        None
    }

    fn pos(&self, marker: Marker) -> Pos {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Pos { line: number(marker.line()) + self.from - 1, col: number(marker.col()) + 1 }
    }

    fn report(&mut self, problem: Diagnostic) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn refuse(&mut self, problem: Diagnostic) -> ControlFlow<()> {
        self.report(problem);
        ControlFlow::Break(())
    }

    /// The path of the value that comes next.
    fn path(&self) -> Path {
        let step = |frame: &Frame| match &frame.kind {
            FrameKind::List(items) => Some(Segment::Index(items.len())),
            FrameKind::Map { key: Key::Given(key, _) | Key::Repeated(key), .. } => Some(Segment::Key(key.clone())),
            FrameKind::Map { .. } => None,
        };
        Path::from(self.stack.iter().filter_map(step).collect::<Vec<_>>())
    }

    /// The innermost bracket that is still open.
    fn open_bracket(&self) -> Option<Opening> {
        self.stack.iter().rev().find_map(|frame| {
            // The parser counts the space after a bracket to it.
            let line: Vec<char> = self.lines.get(frame.opened.line)?.chars().collect();
            let before = line.get(..(frame.opened.col as usize).checked_sub(1)?)?;
            let last = before.iter().rposition(|c| !c.is_whitespace())?;
            let at = Pos { line: frame.opened.line, col: u32::try_from(last + 1).ok()? };
            let bracket = *before.get(last)?;
            matches!(bracket, '[' | '{').then_some(Opening { at, bracket })
        })
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> ControlFlow<()> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let problem = Diagnostic::error("yaml-documents", "a second document begins here").at(span);
                    return self
                        .refuse(problem.help("a stack is one document: remove the line `---` or what follows it"));
                }
                ControlFlow::Continue(())
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), "seq", span);
                self.open(FrameKind::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), "map", span);
                let kind = FrameKind::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: Key::Awaited,
                    merges: Vec::new(),
                    merge_at: None,
                };
                self.open(kind, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => ControlFlow::Continue(()),
        }
    }

    fn open(&mut self, kind: FrameKind, anchor: usize, span: Span) -> ControlFlow<()> {
        if self.stack.len() >= MAX_DEPTH {
            return self.refuse(explain::too_deep(span.start));
        }
        self.stack.push(Frame { kind, anchor, start: span.start, opened: span.end, end: span.end });
        ControlFlow::Continue(())
    }

    fn close(&mut self, span: Span) -> ControlFlow<()> {
        let Some(frame) = self.stack.pop() else { return ControlFlow::Continue(()) };
        // A closing bracket has a width. A block ends where the next one begins, which is not what a reader sees as its end.
        let end = if span.start == span.end { frame.end } else { span.end };
        let value = match frame.kind {
            FrameKind::List(items) => NodeValue::List(items),
            FrameKind::Map { entries, seen, merges, .. } => NodeValue::Map(self.merged(entries, seen, merges)),
        };
        self.place(Node { value, span: Span::new(frame.start, end) }, frame.anchor)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> ControlFlow<()> {
        let is_text = self.tag(tag, "str", span);
        let plain = style == ScalarStyle::Plain && !is_text;
        let span = if text.is_empty() && style == ScalarStyle::Plain { Span::point(span.start) } else { span };
        if let Some(bad) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            let problem = Diagnostic::error(
                "control-character",
                format!("this text contains the control character U+{:04X}", u32::from(bad)),
            );
            self.doubtful.push(self.path());
            self.report(problem.at(span).path(self.path()).help("remove it; only line breaks and tabs are allowed"));
        }
        if self.awaits_key() {
            self.key(text, plain, span);
            return ControlFlow::Continue(());
        }
        let node = if plain { Node::plain(span, text) } else { Node::text(span, text) };
        self.place(node, anchor)
    }

    fn awaits_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { kind: FrameKind::Map { key: Key::Awaited, .. }, .. }))
    }

    fn key(&mut self, text: &str, plain: bool, span: Span) {
        let path = self.path();
        let resolved = if plain { resolve(text) } else { Resolved::Text };
        let Some(Frame { kind: FrameKind::Map { seen, key, merge_at, .. }, end, .. }) = self.stack.last_mut() else {
            return;
        };
        *end = span.end;
        let first = if plain && text == "<<" {
            *key = Key::Merge(span);
            let first = *merge_at;
            merge_at.get_or_insert(span.start);
            first
        } else {
            *key = Key::Given(text.to_owned(), span);
            let first = seen.get(text).copied();
            seen.entry(text.to_owned()).or_insert(span.start);
            first
        };
        if let Some(first) = first {
            *key = match key {
                Key::Given(text, _) => Key::Repeated(std::mem::take(text)),
                _ => Key::Refused,
            };
            let place = if path.is_root() { String::new() } else { format!(" in {path}") };
            let problem = Diagnostic::error("duplicate-key", format!("the key `{text}` is given twice{place}"))
                .at(span)
                .path(path.clone());
            self.report(
                problem.help(format!(
                    "it is given first in line {}, column {}; keep one of the two",
                    first.line, first.col
                )),
            );
        }
        let what = match resolved {
            Resolved::Text => return,
            Resolved::Null => "empty",
            Resolved::Bool(_) => "a truth value",
            Resolved::Int(_) | Resolved::UInt(_) | Resolved::Float(_) => "a number",
        };
        let problem =
            Diagnostic::error("key-not-text", format!("a key must be text, this one is {what}")).at(span).path(path);
        self.report(if text.is_empty() {
            problem.help("write the key before the colon")
        } else {
            problem.help(format!("write it in quotes: \"{text}\""))
        });
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> ControlFlow<()> {
        self.count(1)?;
        if anchor > 0 {
            // A copy is kept, and counts: nested anchors would otherwise multiply without a single alias.
            let measure = Measure::of(&node);
            self.charge(measure, node.span)?;
            self.anchors.insert(anchor, (node.clone(), measure));
        }
        if self.awaits_key() {
            let problem = Diagnostic::error("key-not-text", "a key must be text, this one is a list or a mapping");
            self.report(problem.at(node.span).path(self.path()).help("if this is a value, write its key before it"));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return ControlFlow::Continue(());
        };
        frame.end = node.span.end;
        match &mut frame.kind {
            FrameKind::List(items) => items.push(node),
            FrameKind::Map { entries, key, merges, .. } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => *key = Key::Refused,
                Key::Refused => {}
                Key::Repeated(key) => {
                    if let Some(first) = entries.iter_mut().find(|entry| entry.key == key) {
                        unite(&mut first.value, node);
                    }
                }
                Key::Given(key, key_span) => entries.push(Entry { key, key_span, value: node }),
                Key::Merge(span) => merges.push((span, node)),
            },
        }
        ControlFlow::Continue(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> ControlFlow<()> {
        if self.awaits_key() {
            let problem = Diagnostic::error("key-not-text", "an alias cannot be a key").at(span).path(self.path());
            self.report(problem.help("write the key out; if it is meant as text, put it in quotes"));
            return self.place_refused_key();
        }
        let Some((node, measure)) = self.anchors.get(&anchor) else {
            let problem = Diagnostic::error("alias-loop", "this alias stands inside the value that it stands for");
            return self.refuse(problem.at(span).path(self.path()));
        };
        let measure = *measure;
        if self.stack.len() + measure.height > MAX_DEPTH {
            return self.refuse(explain::too_deep(span.start));
        }
        let mut node = node.clone();
        node.span = span;
        self.charge(measure, span)?;
        self.count(measure.nodes - 1)?;
        self.place(node, 0)
    }

    fn place_refused_key(&mut self) -> ControlFlow<()> {
        if let Some(Frame { kind: FrameKind::Map { key, .. }, .. }) = self.stack.last_mut() {
            *key = Key::Refused;
        }
        ControlFlow::Continue(())
    }

    fn count(&mut self, nodes: usize) -> ControlFlow<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return self
                .refuse(Diagnostic::error("yaml-too-large", format!("the file has more than {MAX_NODES} values")));
        }
        ControlFlow::Continue(())
    }

    fn charge(&mut self, measure: Measure, span: Span) -> ControlFlow<()> {
        self.alias_nodes += measure.nodes;
        self.alias_bytes += measure.bytes;
        if self.alias_nodes > MAX_ALIAS_NODES || self.alias_bytes > MAX_ALIAS_BYTES {
            let limit = format!("{MAX_ALIAS_NODES} values or {} MiB of text", MAX_ALIAS_BYTES >> 20);
            let problem = Diagnostic::error("alias-bomb", format!("anchors and aliases expand to more than {limit}"));
            return self.refuse(problem.at(span).path(self.path()).help("write out what is repeated, or repeat less"));
        }
        ControlFlow::Continue(())
    }

    /// The entries of a mapping with those of its `<<` keys: explicit keys win, then the first of several mappings.
    fn merged(&mut self, mut entries: Vec<Entry>, seen: HashMap<String, Pos>, merges: Vec<(Span, Node)>) -> Vec<Entry> {
        let mut keys: HashSet<String> = if merges.is_empty() { HashSet::new() } else { seen.into_keys().collect() };
        for (span, node) in merges {
            let sources = match node.value {
                NodeValue::List(items) => items,
                _ => vec![node],
            };
            for source in sources {
                let NodeValue::Map(inherited) = source.value else {
                    let problem = Diagnostic::error("merge-key", "`<<` takes a mapping or a list of mappings").at(span);
                    self.doubtful.push(self.path());
                    self.report(problem.path(self.path()).help("to have a key with this name write \"<<\" in quotes"));
                    continue;
                };
                entries.extend(inherited.into_iter().filter(|entry| keys.insert(entry.key.clone())));
            }
        }
        entries
    }

    /// Reports a tag unless it says what the value is anyway. Says whether it makes text of a scalar.
    fn tag(&mut self, tag: Option<&Tag>, allowed: &str, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        if tag.is_yaml_core_schema() && tag.suffix == allowed || format!("{}{}", tag.handle, tag.suffix) == "!" {
            return true;
        }
        if self.problems.len() >= MAX_PROBLEMS {
            return false;
        }
        let rest: String = self
            .lines
            .get(span.start.line)
            .unwrap_or_default()
            .chars()
            .skip((span.start.col - 1) as usize)
            .take(100)
            .collect();
        let from = rest.find('!').unwrap_or_default();
        let written: String =
            rest[from..].chars().take_while(|c| !c.is_whitespace() && !matches!(c, ',' | ']' | '}')).collect();
        let column = |characters: usize| Pos {
            line: span.start.line,
            col: span.start.col + u32::try_from(characters).unwrap_or_default(),
        };
        let before = rest[..from].chars().count();
        let place = Span::new(column(before), column(before + written.chars().count()));
        self.doubtful.push(self.path());
        let problem =
            Diagnostic::error("yaml-tag", format!("the tag `{written}` is not known here")).at(place).path(self.path());
        self.report(
            problem.help("remove it; to refer to something else write `${…}`, and text that begins with `!` in quotes"),
        );
        false
    }
}

const MAPPING: &str = "a mapping (`key: value` lines)";

fn empty() -> Diagnostic {
    Diagnostic::error("yaml-root", "the file is empty")
        .at(Span::point(Pos::START))
        .help("begin with a line such as `stack: NAME`")
}
