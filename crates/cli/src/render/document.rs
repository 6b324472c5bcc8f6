//! Policy documents, laid out to be read: what fits into a line stands in one line.

use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr as _;

/// The same document in fewer lines, if it is one of JSON; any other text as it is. For what is shown whole; differences are
/// found in the text as it was.
pub(crate) fn compact(text: &str, room: usize) -> String {
    if !text.trim_start().starts_with(['{', '[']) {
        return text.to_owned();
    }
    match serde_json::from_str::<Json>(text) {
        Ok(document) => {
            let mut out = String::new();
            write(&mut out, &document, 0, "", room);
            out
        }
        Err(_) => text.to_owned(),
    }
}

/// Writes a value that begins in a column, with what follows it in its line.
fn write(out: &mut String, value: &Json, indent: usize, after: &str, room: usize) {
    let line = in_one_line(value);
    let begun = out.rsplit('\n').next().unwrap_or_default().width();
    if begun + line.width() + after.width() <= room {
        out.push_str(&line);
        out.push_str(after);
        return;
    }
    let pad = " ".repeat(indent + 2);
    let (open, close, parts): (char, char, Vec<(String, &Json)>) = match value {
        Json::Object(parts) if !parts.is_empty() => {
            ('{', '}', parts.iter().map(|(key, part)| (format!("{}: ", Json::from(key.as_str())), part)).collect())
        }
        Json::Array(items) if !items.is_empty() => ('[', ']', items.iter().map(|item| (String::new(), item)).collect()),
        _ => {
            out.push_str(&line);
            out.push_str(after);
            return;
        }
    };
    out.push(open);
    for (at, (key, part)) in parts.iter().enumerate() {
        out.push('\n');
        out.push_str(&pad);
        out.push_str(key);
        write(out, part, indent + 2, if at + 1 < parts.len() { "," } else { "" }, room);
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(close);
    out.push_str(after);
}

fn in_one_line(value: &Json) -> String {
    match value {
        Json::Object(parts) if !parts.is_empty() => {
            let parts = parts.iter().map(|(key, part)| format!("{}: {}", Json::from(key.as_str()), in_one_line(part)));
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(in_one_line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_takes_few_lines() {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ecs-tasks.amazonaws.com"]},
            "Action":["sts:AssumeRole"],"Condition":{}}]}"#;
        assert_eq!(
            compact(policy, 70),
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "Service": ["ecs-tasks.amazonaws.com"] },
      "Action": ["sts:AssumeRole"],
      "Condition": {}
    }
  ]
}"#
        );
    }

    #[test]
    fn what_is_no_json_stays_as_it_is() {
        assert_eq!(compact("{ not json\nat all", 10), "{ not json\nat all");
        assert_eq!(compact("a\n  b", 10), "a\n  b");
    }

    #[test]
    fn nothing_is_lost() {
        let text =
            r#"{"a":[],"b":{},"c":[1,2.5,null,true,"x \"y\" \\"],"d":{"e":{"f":["a long text","another long text"]}}}"#;
        for room in [1, 20, 40, 200] {
            let parsed: Option<Json> = serde_json::from_str(&compact(text, room)).ok();
            assert_eq!(parsed, serde_json::from_str(text).ok(), "{room}");
        }
    }
}
