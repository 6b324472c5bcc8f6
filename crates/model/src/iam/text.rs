//! Rules for the texts inside a document: characters, forgotten placeholders, actions and ARNs.

use serde_json::Value;

use super::document::{DocProblem, Segment};
use super::walk::below;
use crate::diag::did_you_mean;
use crate::names::{Region, RegionError, shown};
use crate::region::is_partition;

/// Reports characters that IAM refuses and placeholders, in every key and every text of `value`.
pub(super) fn check_texts(pointer: &[Segment], value: &Value, found: &mut Vec<DocProblem>) {
    match value {
        Value::String(text) => check_text(pointer, text, found),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                check_texts(&below(pointer, index), item, found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let at = below(pointer, key.as_str());
                check_text(&at, key, found);
                check_texts(&at, item, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_text(pointer: &[Segment], text: &str, found: &mut Vec<DocProblem>) {
    if let Some((place, bad)) = text.chars().enumerate().find(|(_, c)| !is_policy_character(*c)) {
        let number = u32::from(bad);
        let seen = if bad.is_control() { String::new() } else { format!("`{bad}`, ") };
        let message =
            format!("IAM refuses the character {seen}U+{number:04X}, the {} of this text", ordinal(place + 1));
        found.push(
            DocProblem::error(pointer, "policy-characters", message)
                .help("policies may only contain tab, line breaks and the characters U+0020 to U+00FF (Latin-1)"),
        );
    }
    if let Some(placeholder) = placeholder(text) {
        found.push(
            DocProblem::error(
                pointer,
                "policy-placeholder",
                format!("the placeholder `{placeholder}` was not replaced"),
            )
            .help(placeholder_help(placeholder)),
        );
    }
}

/// The IAM API's pattern of a policy document: `[\u0009\u000A\u000D\u0020-\u00FF]+`.
fn is_policy_character(c: char) -> bool {
    matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{FF}')
}

fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending} character")
}

/// The first `<WORD>` in a text: letters, digits, `_`, `-` and spaces between angle brackets.
pub(crate) fn placeholder(text: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(open) = text[from..].find('<').map(|at| at + from) {
        let inside = &text[open + 1..];
        if let Some(length) = inside.find('>') {
            let word = &inside[..length];
            let begins = word.starts_with(|c: char| c.is_alphabetic());
            if begins && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')) {
                return Some(&text[open..=open + 1 + length]);
            }
        }
        from = open + 1;
    }
    None
}

fn placeholder_help(placeholder: &str) -> String {
    let word = placeholder.to_lowercase();
    let by = if word.contains("account") {
        "the 12-digit account id, or write `${account}`"
    } else if word.contains("region") {
        "the region, or write `${region}`"
    } else {
        "the real value"
    };
    format!("replace it with {by}")
}

/// Reports an action that is neither `*` nor `service:Action`.
pub(super) fn check_action(pointer: &[Segment], text: &str, found: &mut Vec<DocProblem>) {
    if text == "*" || placeholder(text).is_some() {
        return;
    }
    let mut refuse = |message: String, help: String| {
        found.push(DocProblem::error(pointer, "policy-action", message).help(help));
    };
    let Some((service, action)) = text.split_once(':') else {
        let help = match text.split_once('.') {
            Some((service, action)) => format!("write `{service}:{action}`, with a colon"),
            None => "write the service's prefix before it, such as `ecr:GetAuthorizationToken`".to_owned(),
        };
        return refuse(format!("`{text}` is not an action"), help);
    };
    let example = "an action looks like `ecr:GetAuthorizationToken`; `*` and `?` are allowed after the colon";
    if service.is_empty() || action.is_empty() {
        refuse(
            format!(
                "`{text}` is not an action: the part {} the colon is empty",
                if service.is_empty() { "before" } else { "after" }
            ),
            example.to_owned(),
        );
    } else if service.contains(['*', '?']) {
        refuse(format!("`{text}` is not an action: the service cannot be a pattern"), example.to_owned());
    } else if let Some(bad) = service.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-')) {
        refuse(format!("`{text}` is not an action: a service cannot contain {}", shown(bad)), example.to_owned());
    } else if let Some(bad) = action.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '*' | '?'))) {
        refuse(format!("`{text}` is not an action: it cannot contain {}", shown(bad)), example.to_owned());
    }
}

/// Reports a resource that is neither `*` nor shaped like an ARN.
pub(super) fn check_resource(pointer: &[Segment], text: &str, found: &mut Vec<DocProblem>) {
    // A text that starts with a variable may become anything.
    if text == "*" || text.starts_with("${") || placeholder(text).is_some() {
        return;
    }
    let masked = mask_variables(text);
    let mut refuse = |message: String, help: &str| {
        found.push(DocProblem::error(pointer, "policy-resource", message).help(help));
    };
    let example = "write `*`, or an ARN such as `arn:aws:ecr:us-west-2:123456789012:repository/papyrus`";
    let parts: Vec<&str> = masked.splitn(6, ':').collect();
    let (partition, service, region, account, resource) = match parts.as_slice() {
        ["arn", partition, service, region, account, resource] => (*partition, *service, *region, *account, *resource),
        ["arn", ..] => {
            return refuse(format!("`{text}` is not an ARN: it has {} of 6 parts", parts.len()), example);
        }
        _ => return refuse(format!("`{text}` is neither `*` nor an ARN"), example),
    };
    if !(is_partition(partition) || partition == "*" || partition.contains(MASK)) {
        refuse(
            format!("`{text}` is not an ARN: there is no partition `{partition}`"),
            "the partition is `aws`, in China `aws-cn`",
        );
    }
    if service.is_empty() || service.contains(['*', '?']) {
        refuse(format!("`{text}` is not an ARN IAM accepts: the service must be written out"), example);
    }
    if resource.is_empty() {
        refuse(format!("`{text}` is not an ARN: nothing follows the account"), example);
    }
    if !is_account_part(account) {
        refuse(format!("`{text}` is not an ARN: `{account}` is not an account id"), "an account id has 12 digits");
    }
    let open = region.is_empty() || region.contains(['*', '?', MASK]);
    if let (false, Err(error)) = (open, region.parse::<Region>()) {
        let help = match error {
            RegionError::Unknown { help, .. } => help,
            RegionError::Zone { region, .. } => format!("the region is `{region}`"),
        };
        found
            .push(DocProblem::warning(pointer, "policy-region", format!("`{region}` is not an AWS region")).help(help));
    }
}

/// Stands for `${…}` in a masked text; not allowed in a document, hence never in the original.
const MASK: char = '\u{1}';

/// The text with each `${…}` replaced by one character, so that colons inside of it do not count.
fn mask_variables(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("${") {
        let Some(length) = rest[open..].find('}') else { break };
        masked.push_str(&rest[..open]);
        masked.push(MASK);
        rest = &rest[open + length + 1..];
    }
    masked.push_str(rest);
    masked
}

/// Empty, 12 digits, a pattern, or a word such as `aws`; not a run of digits of another length or `xxxxxxxxxxxx`.
fn is_account_part(account: &str) -> bool {
    if account.contains(['*', '?', MASK]) || account.is_empty() {
        return true;
    }
    let digits = account.bytes().filter(u8::is_ascii_digit).count();
    let numeric = account.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let crossed_out = account.bytes().all(|b| matches!(b, b'x' | b'X'));
    if numeric { digits == 12 && account.len() == 12 } else { !crossed_out }
}

/// Reports a name that is not among those allowed, with the nearest one.
pub(super) fn unknown_name(
    pointer: &[Segment],
    code: &'static str,
    what: &str,
    name: &str,
    allowed: &[&str],
) -> DocProblem {
    let help =
        did_you_mean(name, allowed.iter().copied()).unwrap_or_else(|| format!("allowed: {}", allowed.join(", ")));
    DocProblem::error(pointer, code, format!("`{name}` is not {what}")).help(help)
}

#[cfg(test)]
mod tests {
    use super::{check_action, check_resource, check_texts, placeholder};
    use serde_json::json;

    fn action(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check_action(&[], text, &mut found);
        found.into_iter().map(|p| format!("{} | {}", p.message, p.help.unwrap_or_default())).collect()
    }

    fn resource(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check_resource(&[], text, &mut found);
        found.into_iter().map(|p| format!("{:?} {} | {}", p.severity, p.message, p.help.unwrap_or_default())).collect()
    }

    #[test]
    fn actions() {
        for good in ["*", "ecr:*", "ecs:Describe*", "s3-object-lambda:GetObject", "ecr:Get?uthorizationToken"] {
            assert!(action(good).is_empty(), "{good}");
        }
        assert!(action("GetAuthorizationToken")[0].contains("service's prefix"));
        assert!(action("ecr.PutImage")[0].contains("write `ecr:PutImage`"));
        assert!(action("ecr:")[0].contains("after the colon is empty"));
        assert!(action("e*:PutImage")[0].contains("cannot be a pattern"));
        assert!(action("ecr: PutImage")[0].contains("cannot contain a space"));
        assert!(action("ecr:Put,Image")[0].contains("cannot contain `,`"));
    }

    #[test]
    fn resources() {
        for good in [
            "*",
            "arn:aws:s3:::papyrus/*",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:*:logs:*:123456789012:log-group:/ecs/papyrus:*",
            "arn:aws:s3:::home/${aws:username}/*",
            "arn:${aws:Partition}:iam::*:role/x",
            "${roles.papyrus.arn}",
        ] {
            assert!(resource(good).is_empty(), "{good}: {:?}", resource(good));
        }
        assert!(resource("papyrus")[0].contains("neither `*` nor an ARN"));
        assert!(resource("arn:aws:iam:role/x")[0].contains("4 of 6 parts"));
        assert!(resource("arn:awz:iam::123456789012:role/x")[0].contains("no partition `awz`"));
        assert!(resource("arn:aws:*::123456789012:role/x")[0].contains("must be written out"));
        assert!(resource("arn:aws:iam::12345:role/x")[0].contains("`12345` is not an account id"));
        assert!(resource("arn:aws:iam::xxxxxxxxxxxx:role/x")[0].contains("not an account id"));
        let typo = resource("arn:aws:ecs:ap-northeadt-1:123456789012:cluster/x");
        assert!(typo[0].starts_with("Warning") && typo[0].contains("did you mean `ap-northeast-1`?"), "{typo:?}");
    }

    #[test]
    fn placeholders_and_foreign_characters_are_found_anywhere() {
        assert_eq!(placeholder("arn:aws:iam::<ACCOUNT_ID>:role/x"), Some("<ACCOUNT_ID>"));
        assert_eq!(placeholder("a < b and c > d"), None);
        assert_eq!(placeholder("<<REPO NAME>"), Some("<REPO NAME>"));
        let mut found = Vec::new();
        check_texts(&[], &json!({ "Sid": "配備", "Ключ": ["ok", "curly \u{201c}"], "Latin": "é\t\n" }), &mut found);
        let messages: Vec<&str> = found.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages[0].contains("`配`, U+914D, the 1st character"));
        assert!(messages[2].contains("U+201C, the 7th character"));
    }
}
