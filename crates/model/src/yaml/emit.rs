//! A tree as YAML text.
//!
//! Written here rather than by a serialising library because a tree has scalars that were not quoted and must stay so (a
//! number longer than any integer type, `1.10`), which the data model of serde cannot carry.

use super::scalar::{Resolved, resolve};
use super::tree::{Entry, Node, NodeValue};

/// A key longer than this gets a `? ` of its own: YAML takes at most 1024 characters for a simple one.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// Writes a tree as YAML in block style, in its order. Reading it again gives a tree that is [the same](Node::same).
///
/// Text is quoted where a reader, also one of YAML 1.1, could take it for something else. Text of several lines becomes a
/// literal block where that keeps it exactly.
pub fn emit(root: &Node) -> String {
    let mut out = String::new();
    match &root.value {
        NodeValue::Map(entries) if !entries.is_empty() => emit_map(&mut out, entries, 0),
        NodeValue::List(items) if !items.is_empty() => emit_list(&mut out, items, 0),
        _ => {
            emit_inline(&mut out, root, 0);
            out.push('\n');
        }
    }
    out
}

/// The entries of a mapping; the first begins where `out` ends.
fn emit_map(out: &mut String, entries: &[Entry], indent: usize) {
    for (position, entry) in entries.iter().enumerate() {
        if position > 0 {
            pad(out, indent);
        }
        let key = key_text(&entry.key);
        if key.chars().count() > LONGEST_SIMPLE_KEY {
            out.push_str("? ");
            out.push_str(&key);
            out.push('\n');
            pad(out, indent);
        } else {
            out.push_str(&key);
        }
        out.push(':');
        match &entry.value.value {
            NodeValue::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                pad(out, indent + 2);
                emit_map(out, entries, indent + 2);
            }
            NodeValue::List(items) if !items.is_empty() => {
                out.push('\n');
                pad(out, indent + 2);
                emit_list(out, items, indent + 2);
            }
            NodeValue::Null => out.push_str(" null\n"),
            _ => {
                out.push(' ');
                emit_inline(out, &entry.value, indent + 2);
                out.push('\n');
            }
        }
    }
}

/// The items of a list; the first begins where `out` ends.
fn emit_list(out: &mut String, items: &[Node], indent: usize) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            pad(out, indent);
        }
        out.push_str("- ");
        match &item.value {
            NodeValue::Map(entries) if !entries.is_empty() => emit_map(out, entries, indent + 2),
            NodeValue::List(items) if !items.is_empty() => emit_list(out, items, indent + 2),
            _ => {
                emit_inline(out, item, indent + 2);
                out.push('\n');
            }
        }
    }
}

/// A scalar or an empty collection, without the line break after it.
fn emit_inline(out: &mut String, node: &Node, indent: usize) {
    match &node.value {
        NodeValue::Null => out.push_str("null"),
        NodeValue::Map(_) => out.push_str("{}"),
        NodeValue::List(_) => out.push_str("[]"),
        NodeValue::Scalar { text, plain: true } if is_plain(text) => out.push_str(text),
        NodeValue::Scalar { text, .. } if is_block(text) => emit_block(out, text, indent.max(2)),
        NodeValue::Scalar { text, .. } => out.push_str(&quoted_if_needed(text)),
    }
}

/// A literal block, without the line break after it.
fn emit_block(out: &mut String, text: &str, indent: usize) {
    let (body, header) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    out.push_str(header);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether text can be written as a literal block: several lines that all begin and end with something visible, at most one
/// line break at the end, nothing that would have to be escaped.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    text.contains('\n')
        && !body.starts_with('\n')
        && !body.ends_with('\n')
        && !body.is_empty()
        && body.split('\n').enumerate().all(|(number, line)| {
            // Deeper lines may begin with spaces, the first one sets the indentation.
            let begins_well = if number == 0 { !line.starts_with([' ', '\t']) } else { !line.starts_with('\t') };
            begins_well && line.chars().all(is_printable) && (line.is_empty() || !line.trim().is_empty())
        })
}

/// A key, quoted where it could be taken for something else.
fn key_text(key: &str) -> String {
    if key == "<<" { double_quoted(key) } else { quoted_if_needed(key) }
}

/// Text that is to stay text for every reader.
fn quoted_if_needed(text: &str) -> String {
    if is_plain(text) && resolve(text) == Resolved::Text && !is_other_readers_value(text) {
        text.to_owned()
    } else {
        double_quoted(text)
    }
}

/// Whether text can stand without quotes in block style and is read back letter by letter.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second = text.chars().nth(1);
    let begins_well = match first {
        '-' => second.is_some_and(|c| c != ' ') && !text.starts_with("---"),
        '?' | ':' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
        | ' ' => false,
        '.' => !text.starts_with("..."),
        _ => true,
    };
    begins_well
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains(['\n', '\t'])
        && text.chars().all(is_printable)
}

/// Whether a reader of YAML 1.1 could take text for a truth value, a number, a date or a merge key.
fn is_other_readers_value(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    if matches!(
        word.as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "null" | "true" | "false" | "=" | "<<" | ".inf" | ".nan"
    ) {
        return true;
    }
    let numeric = |c: char| {
        c.is_ascii_hexdigit() || matches!(c, '+' | '-' | '.' | ':' | '_' | ' ' | 'x' | 'X' | 'o' | 'O' | 'T' | 'Z')
    };
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) && text.chars().all(numeric)
}

/// Whether a character may stand in YAML without an escape and looks like itself.
fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{85}' | '\u{a0}' | '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}'))
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xff => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;
    use crate::yaml::{Pos, Source, Span, parse};
    use serde_json::json;

    fn text_of(value: &serde_json::Value) -> String {
        emit(&Node::from_json(Span::point(Pos::START), value))
    }

    #[test]
    fn reads_like_a_hand_written_file() {
        let value = json!({
            "stack": "papyrus", "account": "123456789012", "ports": [5000, {"port": 80, "from": ["0.0.0.0/0"]}, [1, []]],
            "tags": {}, "nothing": null, "on": "yes", "note": "two\n  lines\n", "version": "2012-10-17", "a: b": "x: y",
            "image": "nginx:alpine", "cron": "cron(0 9 ? * MON-FRI *)", "odd": "${var.level}",
        });
        assert_eq!(
            text_of(&value),
            r#"stack: papyrus
account: "123456789012"
ports:
  - 5000
  - port: 80
    from:
      - 0.0.0.0/0
  - - 1
    - []
tags: {}
nothing: null
"on": "yes"
note: |
  two
    lines
version: "2012-10-17"
"a: b": "x: y"
image: nginx:alpine
cron: cron(0 9 ? * MON-FRI *)
odd: ${var.level}
"#
        );
    }

    #[test]
    fn unquoted_numbers_keep_their_spelling() {
        let text = "a: 1.10\nb: 012\nc: 0x1f\nd: 99999999999999999999\ne: 2012-10-17\nf: 1e3\n";
        assert_eq!(emit(&parse(&Source::new("s", text)).unwrap()), text);
    }

    #[test]
    fn long_keys_are_read_back() {
        let value = json!({"k".repeat(5000): {"a": 1}, "b": ["x".repeat(5000)]});
        assert_eq!(parse(&Source::new("s", text_of(&value))).unwrap().to_json(), value);
    }

    #[test]
    fn a_single_value_is_a_document_too() {
        assert_eq!(text_of(&json!("x")), "x\n");
        assert_eq!(text_of(&json!({})), "{}\n");
        assert_eq!(text_of(&json!("a\nb")), "|-\n  a\n  b\n");
    }
}
