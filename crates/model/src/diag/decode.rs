//! Decoding errors in words for someone who writes their first stack file.

use super::{Diagnostic, list_of, nearest};
use crate::yaml::{DecodeError, DecodeErrorKind, Path, Segment};

impl From<&DecodeError> for Diagnostic {
    fn from(error: &DecodeError) -> Self {
        let path = &error.path;
        let diagnostic = match &error.kind {
            DecodeErrorKind::UnknownField { field, expected } => unknown_key(path, field, expected),
            DecodeErrorKind::MissingField { field } => {
                Self::error("missing-key", format!("the key `{field}` is missing{}", within(path)))
            }
            DecodeErrorKind::WrongType { expected, found } => {
                Self::error("wrong-type", format!("{} must be {expected}, found {found}", subject(path)))
            }
            DecodeErrorKind::UnknownVariant { variant, expected } => {
                let diagnostic =
                    Self::error("unknown-value", format!("{} cannot be `{}`", subject(path), cut(variant)));
                allowed(diagnostic, variant, expected, "allowed")
            }
            DecodeErrorKind::Invalid(message) => Self::error("invalid-value", message.clone()),
        };
        let diagnostic = diagnostic.at(error.span).path(path.clone());
        error.help.iter().fold(diagnostic, |diagnostic, advice| diagnostic.help(advice.clone()))
    }
}

impl From<DecodeError> for Diagnostic {
    fn from(error: DecodeError) -> Self {
        Self::from(&error)
    }
}

fn unknown_key(path: &Path, field: &str, expected: &[String]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("unknown-key", format!("unknown key `{}`{}", cut(field), within(path)));
    // `port:80` in `{ port:80 }` is one word to YAML, and so is `A=1`.
    if let Some((key, value)) = field.split_once([':', '='])
        && field.len() <= LONGEST
    {
        diagnostic =
            diagnostic.help(format!("if `{key}` is the key, write a colon and a space after it: `{key}: {value}`"));
    }
    allowed(diagnostic, field, expected, "allowed here")
}

/// Adds what was probably meant and what is allowed.
fn allowed(diagnostic: Diagnostic, name: &str, expected: &[String], label: &str) -> Diagnostic {
    let names = || expected.iter().map(String::as_str);
    let diagnostic = match nearest(name, names()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    };
    if expected.is_empty() {
        return diagnostic.help("nothing is allowed here");
    }
    diagnostic.help(format!("{label}: {}", list_of(name, names())))
}

/// How many characters of a name written by the user a message repeats.
const LONGEST: usize = 80;

/// A name, cut if it is long.
fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST { name.to_owned() } else { name.chars().take(LONGEST).chain(['…']).collect() }
}

/// ` in services.papyrus`, or ` at the top level`.
fn within(path: &Path) -> String {
    if path.is_root() { " at the top level".to_owned() } else { format!(" in {path}") }
}

/// What a value is called: by its key, or by its place in a list.
fn subject(path: &Path) -> String {
    match path.segments() {
        [] => "the file".to_owned(),
        [.., Segment::Key(list), Segment::Index(index)] => format!("item {} of `{list}`", index + 1),
        [.., Segment::Index(index)] => format!("item {}", index + 1),
        [.., Segment::Key(key)] => format!("`{key}`"),
    }
}
