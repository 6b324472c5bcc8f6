//! The first line of a generated file: whose it is.
//!
//! `# hatoba: stack=papyrus resource=workflow.deploy.yml origin=created` is to a file what ownership tags are to a resource of AWS.
//! A copy under another name does not count: the line names the file that it is for.

use std::collections::BTreeMap;

use hatoba_engine::owner::{TAG_PREFIX, TAG_RESOURCE, TAG_STACK};

const START: &str = "# hatoba: ";
const MADE: &str = "# Made from ";
const PLACE: &str = "# Works in ";
const YOURS: &str = "# What you write between `# hatoba:keep …` and `# hatoba:end` is yours, and stays.";

/// The tags of a file as its first line, with its line break.
pub fn line(tags: &BTreeMap<String, String>) -> String {
    let first = [TAG_STACK, TAG_RESOURCE];
    let rest = tags.iter().filter(|(key, _)| !first.contains(&key.as_str()));
    let all = first.iter().filter_map(|key| tags.get_key_value(*key)).chain(rest);
    let parts: Vec<String> =
        all.filter_map(|(key, value)| Some(format!("{}={value}", key.strip_prefix(TAG_PREFIX)?))).collect();
    format!("{START}{}\n", parts.join(" "))
}

/// The tags in the first line of a file, and the text without that line; the whole text where it has no such line.
pub fn read(text: &str) -> (Option<BTreeMap<String, String>>, &str) {
    let Some((first, rest)) = text.split_once('\n') else { return (None, text) };
    let Some(parts) = first.trim_end_matches('\r').strip_prefix(START) else { return (None, text) };
    let tags: Option<BTreeMap<String, String>> = parts
        .split(' ')
        .map(|part| part.split_once('=').map(|(key, value)| (format!("{TAG_PREFIX}{key}"), value.to_owned())))
        .collect();
    match tags.filter(|tags| tags.contains_key(TAG_STACK) && tags.contains_key(TAG_RESOURCE)) {
        Some(tags) => (Some(tags), rest),
        None => (None, text),
    }
}

/// The comments with which the content of a file begins: where it is from, and where its jobs work. The account is that of the role that they
/// assume, so it is the same on every machine that makes the file.
pub(super) fn comments(file: &str, region: &str, role: &str) -> String {
    let file: String = file.chars().filter(|c| !c.is_control()).collect();
    let account = role.split(':').nth(4).filter(|account| !account.is_empty());
    let account = account.map(|account| format!(", account {account}")).unwrap_or_default();
    format!(
        "{MADE}{file} by hatoba: change it there, and `hatoba apply` writes this file again.\n{PLACE}{region}{account}.\n{YOURS}\n"
    )
}

/// The content of a file that is let go of: without our comments.
pub fn released(content: &str) -> &str {
    let mut rest = content;
    // Files that an older hatoba wrote do not say where they work.
    for ours in [MADE, PLACE, YOURS] {
        if rest.starts_with(ours) {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }
    if rest.len() == content.len() { rest } else { rest.trim_start_matches(['\r', '\n']) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn tags() -> BTreeMap<String, String> {
        let tags = [
            ("hatoba:origin", "created"),
            ("hatoba:resource", "workflow.deploy.yml"),
            ("hatoba:retain", "true"),
            ("hatoba:stack", "papyrus"),
        ];
        tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn the_line_is_read_as_it_was_written() {
        let line = line(&tags());
        assert_eq!(line, "# hatoba: stack=papyrus resource=workflow.deploy.yml origin=created retain=true\n");
        let text = format!("{line}name: x\n");
        assert_eq!(read(&text), (Some(tags()), "name: x\n"));
        assert_eq!(read(&text.replace('\n', "\r\n")).0.unwrap(), tags());
    }

    #[test]
    fn other_lines_are_no_mark() {
        for text in
            ["", "name: x\n", "# hatoba: papyrus\n", "# hatoba: stack=papyrus\n", "\n# hatoba: stack=a resource=b\n"]
        {
            assert_eq!(read(text), (None, text));
        }
    }

    #[test]
    fn what_is_let_go_of_loses_our_comments() {
        let role = "arn:aws:iam::123456789012:role/papyrus-deploy";
        let content = format!("{}\nname: x\n", comments("stack.yaml", "us-west-2", role));
        assert!(content.contains("\n# Works in us-west-2, account 123456789012.\n"), "{content}");
        assert_eq!(released(&content), "name: x\n");
        let older = content.lines().filter(|line| !line.starts_with(PLACE)).map(|line| format!("{line}\n"));
        assert_eq!(released(&older.collect::<String>()), "name: x\n");
        assert_eq!(released("\nname: x\n"), "\nname: x\n");
    }
}
