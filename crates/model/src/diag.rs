//! What is wrong with a file: where, what was expected, and what was probably meant.

mod decode;
mod nearest;
mod render;
mod units;

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub(crate) use nearest::{all_nearest, did_you_mean};
pub use nearest::{list_of, nearest};
pub use render::{Paint, Style};

use crate::yaml::{Node, Path, Source, Span};

/// Whether something prevents the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file works, but probably not as meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Where it stands. Without one it can still be found from `path` by [`Diagnostics::locate`].
    pub span: Option<Span>,
    /// Whether it prevents the file from being used.
    pub severity: Severity,
    /// A stable kebab-case name of this sort of mistake.
    pub code: &'static str,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// The value it is about.
    pub path: Option<Path>,
    /// What to do about it, one piece of advice each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Something that prevents the file from being used.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { span: None, severity: Severity::Error, code, message: message.into(), path: None, help: Vec::new() }
    }

    /// Something that works but is probably not meant.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Says where it stands.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Says which value it is about.
    #[must_use]
    pub fn path(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Adds a piece of advice.
    #[must_use]
    pub fn help(mut self, advice: impl Into<String>) -> Self {
        self.help.push(advice.into());
        self
    }
}

/// Mistakes in a key rather than in its value.
const ABOUT_KEYS: [&str; 6] =
    ["extra-known", "extra-unknown", "policy-element", "policy-name", "tag-key", "variable-name"];

/// What is wrong with a file, sorted by place, each thing once. Things without a place come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Nothing wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless it is there already.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if let Err(position) = self.0.binary_search(&diagnostic) {
            self.0.insert(position, diagnostic);
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them prevents the file from being used.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Gives a place to those that have only a path: the value at that path, or the key of the deepest mapping above it that
    /// is in the file. What is wrong with a key is shown at the key.
    pub fn locate(&mut self, root: &Node) {
        let located = std::mem::take(&mut self.0).into_iter().map(|mut diagnostic| {
            if diagnostic.span.is_none()
                && let Some(path) = &diagnostic.path
            {
                let (value, exact) = root.locate(path);
                let scalar = exact
                    && !ABOUT_KEYS.contains(&diagnostic.code)
                    && root.at(path).is_some_and(|node| node.as_str().is_some());
                diagnostic.span = Some(if scalar { value } else { root.locate_key(path).0 });
            }
            diagnostic
        });
        *self = located.collect();
    }

    /// As text for a terminal, each with its line of the file, without colours.
    pub fn render(&self, source: &Source) -> String {
        self.render_styled(source, &Style::default())
    }

    /// As text for a terminal, in a style.
    pub fn render_styled(&self, source: &Source, style: &Style) -> String {
        render::render(self, source, style)
    }

    /// As plain data for machines.
    pub fn reports(&self, source: &Source) -> Vec<Report> {
        let report = |diagnostic: &Diagnostic| Report {
            severity: diagnostic.severity,
            code: diagnostic.code.to_owned(),
            message: diagnostic.message.clone(),
            file: source.name.clone(),
            line: diagnostic.span.map(|span| span.start.line),
            column: diagnostic.span.map(|span| span.start.col),
            end_line: diagnostic.span.map(|span| span.end.line),
            end_column: diagnostic.span.map(|span| span.end.col),
            path: diagnostic.path.as_ref().map(Path::to_string),
            help: diagnostic.help.clone(),
        };
        self.0.iter().map(report).collect()
    }

    /// As JSON: a list of [`Report`]s.
    pub fn to_json(&self, source: &Source) -> Value {
        // A report holds only text and numbers, which always have a JSON form.
        self.reports(source).iter().map(|report| serde_json::to_value(report).unwrap_or_default()).collect()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        let mut all: Vec<_> = iter.into_iter().collect();
        all.sort();
        all.dedup();
        Self(all)
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        *self = std::mem::take(&mut self.0).into_iter().chain(iter).collect();
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One line each, `12:7: error: …`, for logs and for errors without the file at hand.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, diagnostic) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            if let Some(span) = diagnostic.span {
                write!(f, "{}: ", span.start)?;
            }
            write!(f, "{}: {}", diagnostic.severity, diagnostic.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// A [`Diagnostic`] as data for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// `error` or `warning`.
    pub severity: Severity,
    /// A stable kebab-case name of this sort of mistake.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The file.
    pub file: String,
    /// Its first line, counted from 1; absent for what concerns no place.
    pub line: Option<u32>,
    /// Its first column, counted from 1 in characters.
    pub column: Option<u32>,
    /// The line it ends in.
    pub end_line: Option<u32>,
    /// The column after its last character.
    pub end_column: Option<u32>,
    /// The value it is about, such as `services.papyrus.ports[0]`.
    pub path: Option<String>,
    /// What to do about it.
    pub help: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Pos;
    use serde_json::json;

    fn at(line: u32, col: u32) -> Span {
        Span::point(Pos { line, col })
    }

    #[test]
    fn sorted_by_place_and_each_once() {
        let b = Diagnostic::error("b", "second").at(at(2, 1));
        let a = Diagnostic::warning("a", "first").at(at(1, 9));
        let mut all: Diagnostics = [b.clone(), a.clone(), b.clone()].into_iter().collect();
        all.push(a.clone());
        all.push(Diagnostic::error("c", "nowhere"));
        all.extend([b]);
        assert_eq!(all.to_string(), "error: nowhere\n1:9: warning: first\n2:1: error: second");
        assert!(all.has_errors());
        assert!(!Diagnostics::from(a).has_errors());
    }

    #[test]
    fn a_path_becomes_a_place() {
        let source = Source::new("stack.yaml", "services:\n  papyrus:\n    cpu: 7\n");
        let root = crate::yaml::parse(&source).unwrap_or_else(|_| Node::null(at(9, 9)));
        let missing = Diagnostic::error("x", "no memory").path(Path::of(&["services", "papyrus", "memory"]));
        let wrong = Diagnostic::error("x", "bad cpu").path(Path::of(&["services", "papyrus", "cpu"]));
        let mapping = Diagnostic::error("x", "bad service").path(Path::of(&["services", "papyrus"]));
        let mut all: Diagnostics = [wrong, missing, mapping].into_iter().collect();
        all.locate(&root);
        assert_eq!(all.to_string(), "2:3: error: bad service\n2:3: error: no memory\n3:10: error: bad cpu");
    }

    #[test]
    fn json_has_every_field() {
        let source = Source::new("stack.yaml", "");
        let all = Diagnostics::from(
            Diagnostic::error("unknown-key", "unknown key `x`")
                .at(at(3, 2))
                .path(Path::of(&["a"]).index(0))
                .help("remove it"),
        );
        assert_eq!(
            all.to_json(&source),
            json!([{
                "severity": "error", "code": "unknown-key", "message": "unknown key `x`", "file": "stack.yaml", "line": 3,
                "column": 2, "end_line": 3, "end_column": 2, "path": "a[0]", "help": ["remove it"],
            }])
        );
    }
}
