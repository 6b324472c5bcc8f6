//! Values as text.

use std::fmt::Write as _;

use hatoba_engine::value::Value;
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr as _;

use super::{Style, safe};

/// What stands for a value that must not be shown.
pub(crate) const SENSITIVE: &str = "(sensitive)";
/// What stands for a value that is not known yet.
pub(crate) const PENDING: &str = "(known after apply)";

/// A value in one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Bool(on) => on.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) | Value::Doc(text) => quoted(text),
        Value::Pending(_) => PENDING.to_owned(),
        Value::Keep(inner) => inline(inner),
        Value::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Map(parts) if parts.is_empty() => "{}".to_owned(),
        Value::Map(parts) => {
            let parts: Vec<String> = parts.iter().map(|(key, value)| format!("{}: {}", safe(key), inline(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let text = safe(text).replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// Whether the values at a path must not be shown. Parts of a new map are asked one by one.
pub(crate) type Sensitive<'a> = &'a dyn Fn(&str) -> bool;

/// `name = value`, over several lines where one is too narrow.
pub(crate) fn block(out: &mut String, name: &str, path: &str, value: &Value, indent: usize, style: Style, secret: Sensitive<'_>) {
    let pad = " ".repeat(indent);
    let name = safe(name);
    if secret(path) {
        let _ = writeln!(out, "{pad}{name} = {SENSITIVE}");
        return;
    }
    if let Value::Doc(text) = value {
        let _ = writeln!(out, "{pad}{name} =");
        for line in safe(text).lines() {
            let _ = writeln!(out, "{pad}  {line}");
        }
        return;
    }
    let holds_secret = holds(value, path, secret);
    let line = format!("{pad}{name} = {}", inline(value));
    if !holds_secret && line.width() <= style.width && !has_documents(value) {
        let _ = writeln!(out, "{line}");
        return;
    }
    match value {
        Value::Keep(inner) => block(out, &name, path, inner, indent, style, secret),
        Value::Map(parts) => {
            let _ = writeln!(out, "{pad}{name}:");
            for (key, part) in parts {
                block(out, key, &format!("{path}.{key}"), part, indent + 2, style, secret);
            }
        }
        Value::List(items) => {
            let _ = writeln!(out, "{pad}{name}:");
            for item in items {
                let _ = writeln!(out, "{pad}  - {}", inline(item));
            }
        }
        _ => {
            let _ = writeln!(out, "{line}");
        }
    }
}

fn has_documents(value: &Value) -> bool {
    match value {
        Value::Doc(_) => true,
        Value::Map(parts) => parts.values().any(has_documents),
        Value::Keep(inner) => has_documents(inner),
        _ => false,
    }
}

fn holds(value: &Value, path: &str, secret: Sensitive<'_>) -> bool {
    match value {
        Value::Map(parts) => {
            parts.iter().any(|(key, part)| secret(&format!("{path}.{key}")) || holds(part, &format!("{path}.{key}"), secret))
        }
        Value::Keep(inner) => holds(inner, path, secret),
        _ => false,
    }
}

/// The lines in which two long texts differ, with three lines around them.
pub(crate) fn diff(out: &mut String, before: &str, after: &str, indent: usize, style: Style) {
    let pad = " ".repeat(indent);
    let (before, after) = (safe(before), safe(after));
    let diff = TextDiff::from_lines(&before, &after);
    for (at, group) in diff.grouped_ops(3).iter().enumerate() {
        if at > 0 {
            let _ = writeln!(out, "{pad}…");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            let _ = match change.tag() {
                ChangeTag::Delete => writeln!(out, "{pad}{}", style.bad(&format!("- {line}"))),
                ChangeTag::Insert => writeln!(out, "{pad}{}", style.add(&format!("+ {line}"))),
                ChangeTag::Equal => writeln!(out, "{pad}  {line}"),
            };
        }
    }
}
