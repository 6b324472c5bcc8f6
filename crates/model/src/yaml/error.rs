//! Why a tree does not fit a type.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::path::Path;
use super::scalar::{Resolved, resolve};
use super::tree::{Node, NodeValue, Pos, Span};

/// A value that does not fit its type, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// The innermost value that does not fit. For an unknown or missing key: the mapping that has or lacks it.
    pub path: Path,
    /// Where to look: the value; the key if the key is what is wrong; for a missing key the key of the mapping that lacks it.
    pub span: Span,
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// How to write it, where that can be told from what is there.
    pub help: Vec<String>,
    /// Whether `path` and `span` are known; they are filled in on the way out of the value that raised the error.
    pub(super) located: bool,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// A mapping has a key that its type does not know.
    UnknownField {
        /// The key.
        field: String,
        /// The keys that the type knows.
        expected: Vec<String>,
    },
    /// A mapping lacks a key.
    MissingField {
        /// The key.
        field: String,
    },
    /// A value of another kind or outside of the range of its type.
    WrongType {
        /// What the type wants, as in `a whole number from 0 to 65535`.
        expected: String,
        /// What is there, as in `the text "http"`.
        found: String,
    },
    /// A word that is none of the allowed ones.
    UnknownVariant {
        /// The word.
        variant: String,
        /// The allowed words.
        expected: Vec<String>,
    },
    /// What the type itself said about the value.
    Invalid(String),
}

impl DecodeError {
    fn new(kind: DecodeErrorKind) -> Box<Self> {
        Box::new(Self { path: Path::root(), span: Span::point(Pos::START), kind, help: Vec::new(), located: false })
    }

    /// Says where the error was raised, unless that is known already.
    pub(super) fn locate(
        mut self: Box<Self>,
        node: &Node,
        key_span: Option<Span>,
        path: impl FnOnce() -> Path,
    ) -> Box<Self> {
        if self.located {
            return self;
        }
        self.located = true;
        self.path = path();
        self.span = match self.kind {
            DecodeErrorKind::MissingField { .. } => key_span.unwrap_or(Span::point(node.span.start)),
            _ => node.span,
        };
        if let DecodeErrorKind::WrongType { expected, found } = &mut self.kind {
            // The file's own spelling: serde only knows the number, `1.10` would become `1.1`.
            if matches!(node.value, NodeValue::Null | NodeValue::Scalar { .. }) {
                *found = node.describe();
            }
            self.help.extend(spelling(node, expected));
        }
        self
    }

    /// Says that it is a key that is wrong, unless a place is known already.
    pub(super) fn locate_key(
        mut self: Box<Self>,
        key_span: Span,
        mapping: impl FnOnce() -> Path,
        key: &str,
    ) -> Box<Self> {
        if !self.located {
            self.located = true;
            self.span = key_span;
            self.path = match self.kind {
                DecodeErrorKind::UnknownField { .. } => mapping(),
                _ => mapping().key(key),
            };
        }
        self
    }

    /// The same error in a tree that stands at `base` of a larger one.
    pub(crate) fn below(mut self, base: &Path) -> Self {
        self.path = self.path.segments().iter().fold(base.clone(), |path, segment| path.step(segment.clone()));
        self
    }

    /// The path of what has to be taken out so that this error does not happen again. `None` if only taking out the whole
    /// tree would help.
    pub(super) fn culprit(&self) -> Option<Path> {
        match &self.kind {
            DecodeErrorKind::UnknownField { field, .. } => Some(self.path.key(field.as_str())),
            _ if self.path.is_root() => None,
            _ => Some(self.path.clone()),
        }
    }
}

/// How to write a scalar so that it fits, if it only has the wrong quotes or brackets.
fn spelling(node: &Node, expected: &str) -> Option<String> {
    let text = match &node.value {
        NodeValue::Scalar { text, .. } if text.chars().count() <= 60 && !text.contains('\n') => text,
        NodeValue::Null if expected == TEXT => return Some("for empty text write two quotes: \"\"".to_owned()),
        NodeValue::List(items) if expected == MAPPING => {
            let name = items.first().and_then(Node::as_str).filter(|text| is_name(text))?;
            return Some(format!("write each name as a key, without the hyphen: `{name}: {{}}`"));
        }
        NodeValue::Map(_) if expected == LIST => return Some("begin every item with `- `".to_owned()),
        _ => return None,
    };
    let number = expected.contains("number");
    let quoted = matches!(node.value, NodeValue::Scalar { plain: false, .. });
    match (node.resolved(), resolve(text)) {
        (Resolved::Bool(_) | Resolved::Int(_) | Resolved::UInt(_) | Resolved::Float(_), _)
            if expected.contains(TEXT) =>
        {
            Some(format!("write it in quotes: \"{text}\""))
        }
        (_, Resolved::Int(_) | Resolved::UInt(_) | Resolved::Float(_)) if quoted && number => {
            Some(format!("write it without quotes: {text}"))
        }
        (_, Resolved::Bool(_)) if quoted && expected == BOOL => Some(format!("write it without quotes: {text}")),
        (Resolved::Text, _) if expected == BOOL => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "n" => Some("write `false`".to_owned()),
            _ => None,
        },
        (Resolved::Text, _) if expected == MAPPING => {
            let Some((key, value)) = text.split_once([':', '=']) else {
                return is_name(text).then(|| {
                    format!("if this is a name, write it as a key in the next line, indented: `{text}: {{}}`")
                });
            };
            let word = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
            word.then(|| format!("if `{key}` is a key, write a colon and a space after it: `{key}: {value}`"))
        }
        _ if expected == LIST => Some(format!("for a list of one write it in brackets: [{text}]")),
        _ => None,
    }
}

/// Whether a text could be meant as the key of a mapping.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= 60
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

const TEXT: &str = "text";
const BOOL: &str = "`true` or `false`";
const LIST: &str = "a list";
const MAPPING: &str = "a mapping (`key: value` lines)";

/// What serde and its derived visitors say they expect, in words that do not presume knowledge of Rust. What a hand-written
/// visitor says is kept.
fn wanted(expected: &dyn Expected) -> String {
    let raw = expected.to_string();
    let whole = |least: String, most: String| format!("a whole number from {least} to {most}");
    match raw.as_str() {
        "a string" | "str" | "string" | "a character" | "a borrowed string" => TEXT.to_owned(),
        "a boolean" => BOOL.to_owned(),
        "a sequence" | "a list" => LIST.to_owned(),
        "a map" => MAPPING.to_owned(),
        "unit" | "()" => "empty".to_owned(),
        "u8" => whole(u8::MIN.to_string(), u8::MAX.to_string()),
        "u16" => whole(u16::MIN.to_string(), u16::MAX.to_string()),
        "i8" => whole(i8::MIN.to_string(), i8::MAX.to_string()),
        "i16" => whole(i16::MIN.to_string(), i16::MAX.to_string()),
        "i32" => whole(i32::MIN.to_string(), i32::MAX.to_string()),
        "u32" | "u64" | "usize" | "u128" => "a whole number, 0 or more".to_owned(),
        "i64" | "isize" | "i128" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        text if text.starts_with("struct ") => MAPPING.to_owned(),
        text if text.starts_with("a nonzero ") => {
            format!("a whole number other than 0 ({})", &text["a nonzero ".len()..])
        }
        text if text.starts_with("a tuple of size ") => format!("a list of {}", &text["a tuple of size ".len()..]),
        _ => raw,
    }
}

/// What serde says is there.
fn present(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("the truth value {value}"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map | Unexpected::NewtypeStruct => "a mapping".to_owned(),
        Unexpected::UnitVariant => "a word without a value".to_owned(),
        Unexpected::NewtypeVariant | Unexpected::TupleVariant | Unexpected::StructVariant => {
            "a word with a value".to_owned()
        }
        other => other.to_string(),
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// For logs; a user is shown the [`Diagnostic`](crate::diag::Diagnostic) made from it.
impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DecodeErrorKind::UnknownField { field, .. } => write!(f, "unknown key `{field}`"),
            DecodeErrorKind::MissingField { field } => write!(f, "missing key `{field}`"),
            DecodeErrorKind::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            DecodeErrorKind::UnknownVariant { variant, .. } => write!(f, "unknown value `{variant}`"),
            DecodeErrorKind::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for Box<DecodeError> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DecodeError::new(DecodeErrorKind::Invalid(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        DecodeError::new(DecodeErrorKind::WrongType { expected: wanted(expected), found: present(unexpected) })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        DecodeError::new(DecodeErrorKind::WrongType {
            expected: wanted(expected),
            found: format!("a list of {length} elements"),
        })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        DecodeError::new(DecodeErrorKind::UnknownVariant { variant: variant.to_owned(), expected: owned(expected) })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        DecodeError::new(DecodeErrorKind::UnknownField { field: field.to_owned(), expected: owned(expected) })
    }

    fn missing_field(field: &'static str) -> Self {
        DecodeError::new(DecodeErrorKind::MissingField { field: field.to_owned() })
    }

    fn duplicate_field(field: &'static str) -> Self {
        DecodeError::new(DecodeErrorKind::Invalid(format!("`{field}` is given twice, under two of its names")))
    }
}
