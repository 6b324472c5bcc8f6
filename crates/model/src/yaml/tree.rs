//! A YAML tree that knows where everything stands in the file.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::path::{Path, Segment};
use super::scalar::{Resolved, resolve};

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos {
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1, in characters.
    pub col: u32,
}

impl Pos {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, col: 1 };
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.col)
    }
}

/// A stretch of a file, from `start` up to but without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first character.
    pub start: Pos,
    /// The place after the last character.
    pub end: Pos,
}

impl Span {
    /// From `start` up to but without `end`.
    pub fn new(start: Pos, end: Pos) -> Self {
        Self { start, end }
    }

    /// A place without length.
    pub fn point(at: Pos) -> Self {
        Self { start: at, end: at }
    }
}

/// A value of a YAML tree with its place in the file.
///
/// A node that the program adds carries the span of what it was made from, so that a message about it points there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: NodeValue,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeValue {
    /// Nothing, `~` or `null`.
    Null,
    /// Text or a number or a truth value; see [`resolve`].
    Scalar {
        /// The text, without quotes and with escapes replaced.
        text: String,
        /// Whether it was written without quotes, so that `5000` is a number and `true` a truth value.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file. No two entries have the same key.
    Map(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// Nothing.
    pub fn null(span: Span) -> Self {
        Self { value: NodeValue::Null, span }
    }

    /// Text, as if written in quotes: never a number.
    pub fn text(span: Span, text: impl Into<String>) -> Self {
        Self { value: NodeValue::Scalar { text: text.into(), plain: false }, span }
    }

    /// A scalar as if written without quotes: `5000` is a number, `true` a truth value, the empty text nothing.
    pub fn plain(span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        let value = match resolve(&text) {
            Resolved::Null => NodeValue::Null,
            _ => NodeValue::Scalar { text, plain: true },
        };
        Self { value, span }
    }

    /// An empty mapping.
    pub fn map(span: Span) -> Self {
        Self { value: NodeValue::Map(Vec::new()), span }
    }

    /// A list.
    pub fn list(span: Span, items: Vec<Node>) -> Self {
        Self { value: NodeValue::List(items), span }
    }

    /// This mapping with one more entry, whose key gets the span of this node. See [`Node::insert`].
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: Node) -> Self {
        let span = self.span;
        self.insert(key, span, value);
        self
    }

    /// The value of a key; `None` if there is no such key or this is not a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            NodeValue::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value),
            _ => None,
        }
    }

    /// The entry of a key, with the place of the key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Sets a key: replaces its entry in place, or appends one. Returns the value that was there before.
    ///
    /// A node that is nothing becomes a mapping; on a list or a scalar this does nothing.
    pub fn insert(&mut self, key: impl Into<String>, key_span: Span, value: Node) -> Option<Node> {
        if self.is_null() {
            self.value = NodeValue::Map(Vec::new());
        }
        let NodeValue::Map(entries) = &mut self.value else { return None };
        let key = key.into();
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => {
                entry.key_span = key_span;
                Some(std::mem::replace(&mut entry.value, value))
            }
            None => {
                entries.push(Entry { key, key_span, value });
                None
            }
        }
    }

    /// Takes a key out of a mapping.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let NodeValue::Map(entries) = &mut self.value else { return None };
        let position = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(position))
    }

    /// The entries of a mapping in the order of the file; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            NodeValue::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            NodeValue::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar, also of a number or a truth value.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether this is nothing.
    pub fn is_null(&self) -> bool {
        self.value == NodeValue::Null
    }

    /// Whether this is a mapping.
    pub fn is_map(&self) -> bool {
        matches!(self.value, NodeValue::Map(_))
    }

    /// Whether this is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.value, NodeValue::List(_))
    }

    /// What a scalar means. A quoted one is text, a mapping or a list is text as far as this function goes.
    pub fn resolved(&self) -> Resolved {
        match &self.value {
            NodeValue::Null => Resolved::Null,
            NodeValue::Scalar { text, plain: true } => resolve(text),
            _ => Resolved::Text,
        }
    }

    /// What this is, in words for a message: `a mapping`, `the number 5000`, `the text "yes"`, `nothing`.
    pub fn describe(&self) -> String {
        match &self.value {
            NodeValue::Null => "nothing".to_owned(),
            NodeValue::List(_) => "a list".to_owned(),
            NodeValue::Map(_) => "a mapping".to_owned(),
            NodeValue::Scalar { text, .. } => match self.resolved() {
                Resolved::Text | Resolved::Null => format!("the text {}", shown(text)),
                Resolved::Bool(_) => format!("the truth value {text}"),
                Resolved::Int(_) | Resolved::UInt(_) | Resolved::Float(_) => format!("the number {text}"),
            },
        }
    }

    /// The value at a path; `None` if there is none.
    pub fn at(&self, path: &Path) -> Option<&Node> {
        path.segments().iter().try_fold(self, |node, segment| node.child(segment))
    }

    /// Where the value at a path stands. If it is missing: the deepest value above it that exists, and `false`.
    pub fn locate(&self, path: &Path) -> (Span, bool) {
        let mut node = self;
        for segment in path.segments() {
            match node.child(segment) {
                Some(child) => node = child,
                None => return (node.span, false),
            }
        }
        (node.span, true)
    }

    /// Where the key at the end of a path stands (or the list element, if the path ends with an index). If it is missing:
    /// the key of the deepest value above it that exists, and `false`. The root has no key: its own beginning.
    pub fn locate_key(&self, path: &Path) -> (Span, bool) {
        let mut node = self;
        let mut place = Span::point(self.span.start);
        for segment in path.segments() {
            match (segment, node.child(segment)) {
                (Segment::Key(key), Some(child)) => {
                    place = node.entry(key).map_or(child.span, |entry| entry.key_span);
                    node = child;
                }
                (Segment::Index(_), Some(child)) => {
                    place = child.span;
                    node = child;
                }
                (_, None) => return (place, false),
            }
        }
        (place, true)
    }

    fn child(&self, segment: &Segment) -> Option<&Node> {
        match segment {
            Segment::Key(key) => self.get(key),
            Segment::Index(index) => self.items().get(*index),
        }
    }

    /// Whether two trees mean the same, wherever they stand and however their scalars are quoted.
    ///
    /// The order of keys counts. Numbers are compared as written: `1.0` and `1.00` differ.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (NodeValue::Null, NodeValue::Null) => true,
            (NodeValue::Scalar { text: a, .. }, NodeValue::Scalar { text: b, .. }) => {
                a == b && (self.resolved() == Resolved::Text) == (other.resolved() == Resolved::Text)
            }
            (NodeValue::List(a), NodeValue::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (NodeValue::Map(a), NodeValue::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.key == b.key && a.value.same(&b.value))
            }
            _ => false,
        }
    }

    /// A tree from JSON; every node gets `span`.
    pub fn from_json(span: Span, value: &Value) -> Self {
        match value {
            Value::Null => Self::null(span),
            Value::Bool(value) => Self::plain(span, value.to_string()),
            Value::Number(number) => Self::plain(span, number.to_string()),
            Value::String(text) => Self::text(span, text.as_str()),
            Value::Array(items) => Self::list(span, items.iter().map(|item| Self::from_json(span, item)).collect()),
            Value::Object(members) => {
                let entry = |(key, value): (&String, &Value)| Entry {
                    key: key.clone(),
                    key_span: span,
                    value: Self::from_json(span, value),
                };
                Self { value: NodeValue::Map(members.iter().map(entry).collect()), span }
            }
        }
    }

    /// The tree as JSON, unquoted scalars resolved by [`resolve`].
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::List(items) => items.iter().map(Node::to_json).collect(),
            NodeValue::Map(entries) => {
                let members: Map<_, _> =
                    entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect();
                Value::Object(members)
            }
            NodeValue::Scalar { text, .. } => match self.resolved() {
                Resolved::Null => Value::Null,
                Resolved::Bool(value) => Value::Bool(value),
                Resolved::Int(number) => Value::from(number),
                Resolved::UInt(number) => Value::from(number),
                Resolved::Float(number) => {
                    Number::from_f64(number).map_or_else(|| Value::from(text.as_str()), Value::Number)
                }
                Resolved::Text => Value::from(text.as_str()),
            },
        }
    }
}

/// Text in quotes for a message, cut if it is long.
fn shown(text: &str) -> String {
    const LIMIT: usize = 60;
    if text.chars().count() <= LIMIT {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(LIMIT).collect();
    format!("{head:?}…")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;
    use crate::yaml::{Source, parse};
    use serde_json::json;

    fn tree(text: &str) -> Node {
        parse(&Source::new("stack.yaml", text)).unwrap()
    }

    fn at(line: u32, from: u32, to: u32) -> Span {
        Span::new(Pos { line, col: from }, Pos { line, col: to })
    }

    #[test]
    fn unquoted_words_become_json_values() {
        let node =
            tree("a: 5000\nb: '5000'\nc: true\nd: yes\ne:\nf: 012345678901\ng: 1.5\nh: [~, 18446744073709551615]\n");
        assert_eq!(
            node.to_json(),
            json!({"a": 5000, "b": "5000", "c": true, "d": "yes", "e": null, "f": "012345678901", "g": 1.5, "h": [null, u64::MAX]})
        );
    }

    #[test]
    fn json_survives_the_way_there_and_back() {
        let value = json!({"z": [1, -2, 1.5, 1e300, true, null, "true", "", {}], "a": {"b": "012"}});
        assert_eq!(Node::from_json(Span::point(Pos::START), &value).to_json(), value);
    }

    #[test]
    fn a_missing_value_is_located_at_what_is_above_it() {
        let node = tree("services:\n  papyrus:\n    ports: [80, 81]\n");
        let ports = Path::of(&["services", "papyrus", "ports"]);
        assert_eq!(node.locate(&ports.index(1)), (at(3, 17, 19), true));
        assert_eq!(node.locate(&ports.index(7)), (at(3, 12, 20), false));
        assert_eq!(node.locate_key(&ports), (at(3, 5, 10), true));
        assert_eq!(node.locate_key(&Path::of(&["services", "papyrus", "cpu"])), (at(2, 3, 10), false));
        assert_eq!(node.locate_key(&Path::root()), (Span::point(Pos::START), true));
    }

    #[test]
    fn entries_keep_their_place_when_replaced() {
        let span = Span::point(Pos::START);
        let mut node = tree("a: 1\nb: 2\n");
        let old = node.insert("a", span, Node::text(span, "x")).unwrap();
        assert_eq!(old.as_str(), Some("1"));
        node.insert("c", span, Node::map(span).with("d", Node::null(span)));
        assert_eq!(node.to_json().to_string(), r#"{"a":"x","b":2,"c":{"d":null}}"#);
        assert_eq!(node.remove("b").unwrap().value.as_str(), Some("2"));
        assert!(node.remove("b").is_none());
        assert_eq!(node.entries().len(), 2);
        let mut list = Node::list(span, vec![]);
        assert_eq!(list.insert("a", span, Node::null(span)), None);
        assert!(list.is_list());
    }

    #[test]
    fn values_are_described_in_words() {
        let words = |text: &str| tree(&format!("k: {text}")).get("k").unwrap().describe();
        assert_eq!(words("5000"), "the number 5000");
        assert_eq!(words("'5000'"), "the text \"5000\"");
        assert_eq!(words("true"), "the truth value true");
        assert_eq!(words(""), "nothing");
        assert_eq!(words("[]"), "a list");
        assert_eq!(words("{}"), "a mapping");
        assert_eq!(words(&"x".repeat(99)).chars().count(), "the text \"\"…".chars().count() + 60);
    }
}
