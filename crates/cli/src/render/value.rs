//! Values as they may be shown: without what is secret, and with what is not known yet.

use std::collections::BTreeMap;

use hatoba_engine::diff::FieldChange;
use hatoba_engine::kind::Field;
use hatoba_engine::owner::is_ours;
use hatoba_engine::plan::Step;
use hatoba_engine::value::Value;

use super::Tone;

/// What stands for a value that must not be shown.
pub(crate) const SENSITIVE: &str = "(sensitive)";
/// What stands for a value that is not known yet.
pub(crate) const PENDING: &str = "(known after apply)";

/// Parts of a line with their tones.
pub(crate) type Parts = Vec<(Tone, String)>;

/// A value that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A switch or a number.
    Word(String),
    /// A text of one line.
    Text(String),
    /// A text of several lines.
    Doc(String),
    /// Something secret.
    Hidden,
    /// Something that is only known later.
    Pending,
    /// Items.
    List(Vec<Node>),
    /// Named parts.
    Map(Vec<(String, Node)>),
}

/// Which paths of a resource hold secrets.
#[derive(Clone, Copy)]
pub(crate) struct Secrets<'a> {
    step: &'a Step,
    change: &'a FieldChange,
}

impl<'a> Secrets<'a> {
    /// Those of a change that a step makes.
    pub(crate) fn new(step: &'a Step, change: &'a FieldChange) -> Self {
        Self { step, change }
    }

    fn at(self, path: &str, value: &Value) -> bool {
        let field = self.change.path.split(['.', '[']).next().unwrap_or_default();
        let secret = |field: &Field| (field.sensitive_in)(&self.step.name) || field.hides(path, value);
        self.change.sensitive || self.step.kind.field(field).is_some_and(secret)
    }

    /// A value at this path, with its secrets taken out. Below a map or a list every path is asked for by itself.
    pub(crate) fn node(self, value: &Value, path: &str) -> Node {
        if self.at(path, value) {
            return Node::Hidden;
        }
        match value {
            Value::Bool(on) => Node::Word(on.to_string()),
            Value::Int(number) => Node::Word(number.to_string()),
            Value::Text(text) if text.contains('\n') => Node::Doc(text.clone()),
            Value::Text(text) => Node::Text(text.clone()),
            Value::Doc(text) => Node::Doc(text.clone()),
            Value::Pending(_) => Node::Pending,
            Value::Keep(inner) => self.node(inner, path),
            Value::List(items) => Node::List(
                items.iter().enumerate().map(|(at, item)| self.node(item, &format!("{path}[{at}]"))).collect(),
            ),
            Value::Map(parts) => {
                Node::Map(parts.iter().map(|(key, part)| (key.clone(), self.node(part, &join(path, key)))).collect())
            }
        }
    }
}

/// A path as the engine's differ spells it: `a.b`, or `a["b.c"]`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if is_plain_key(key) { format!("{path}.{key}") } else { format!("{path}[{key:?}]") }
}

fn is_plain_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// A key in front of ` = `.
pub(crate) fn key_text(key: &str) -> String {
    if key.is_empty() || key.contains([' ', '=', '"', '[', ']', '{', '}', ',']) {
        format!("{key:?}")
    } else {
        key.to_owned()
    }
}

/// Tags without hatoba's own, which go without saying.
pub(crate) fn without_marks(value: &Value) -> Value {
    match value {
        Value::Map(tags) => {
            let tags: BTreeMap<String, Value> =
                tags.iter().filter(|(key, _)| !is_ours(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
            Value::Map(tags)
        }
        other => other.clone(),
    }
}

impl Node {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Map(parts) => parts.is_empty(),
            _ => false,
        }
    }

    /// How many levels it has.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(parts) => 1 + parts.iter().map(|(_, part)| part.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// In one line; nothing if it has texts of several lines.
    pub(crate) fn inline(&self) -> Option<Parts> {
        let mut parts = Parts::new();
        self.inline_to(&mut parts).then_some(parts)
    }

    fn inline_to(&self, out: &mut Parts) -> bool {
        let plain = |out: &mut Parts, text: &str| out.push((Tone::Plain, text.to_owned()));
        match self {
            Self::Word(word) => plain(out, word),
            Self::Text(text) => plain(out, &quoted(text)),
            Self::Doc(_) => return false,
            Self::Hidden => out.push((Tone::Faint, SENSITIVE.to_owned())),
            Self::Pending => out.push((Tone::Faint, PENDING.to_owned())),
            Self::List(items) => {
                plain(out, "[");
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        plain(out, ", ");
                    }
                    if !item.inline_to(out) {
                        return false;
                    }
                }
                plain(out, "]");
            }
            Self::Map(parts) if parts.is_empty() => plain(out, "{}"),
            Self::Map(parts) => {
                plain(out, "{ ");
                for (at, (key, part)) in parts.iter().enumerate() {
                    if at > 0 {
                        plain(out, ", ");
                    }
                    plain(out, &format!("{} = ", key_text(key)));
                    if !part.inline_to(out) {
                        return false;
                    }
                }
                plain(out, " }");
            }
        }
        true
    }
}

/// A text, in quotes where it would be unclear where it ends or what it is without them.
fn quoted(text: &str) -> String {
    let word = !text.is_empty()
        && !text
            .contains(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | '[' | ']' | '{' | '}' | '(' | ')' | '→'))
        && !matches!(text, "true" | "false" | "null" | "=")
        && text.parse::<f64>().is_err();
    if word {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(node: &Node) -> String {
        node.inline().unwrap_or_default().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn quotes_only_where_they_help() {
        let text = |text: &str| inline(&Node::Text(text.to_owned()));
        assert_eq!(text("nginx:alpine"), "nginx:alpine");
        assert_eq!(text("80"), "\"80\"");
        assert_eq!(text("true"), "\"true\"");
        assert_eq!(text(""), "\"\"");
        assert_eq!(text("a, b"), "\"a, b\"");
        assert_eq!(text("(sensitive)"), "\"(sensitive)\"");
        assert_eq!(text("say \"hi\" \\"), "\"say \\\"hi\\\" \\\\\"");
    }

    #[test]
    fn lists_and_maps_in_one_line() {
        let rule =
            Node::Map(vec![("port".into(), Node::Word("80".into())), ("to".into(), Node::List(vec![Node::Pending]))]);
        assert_eq!(inline(&Node::List(vec![rule])), "[{ port = 80, to = [(known after apply)] }]");
        assert_eq!(Node::List(vec![Node::Doc("a\nb".into())]).inline(), None);
    }
}
