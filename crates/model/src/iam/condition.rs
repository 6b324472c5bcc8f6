//! The `Condition` element: operators, keys and values.

use serde_json::Value;

use super::document::{DocProblem, Segment};
use super::text::unknown_name;
use super::walk::{below, items};
use crate::diag::did_you_mean;

/// The operators (IAM user guide, "IAM JSON policy elements: Condition operators").
const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// Whether all values of a request must match, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// Neither was written.
    None,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`, which is also true when the request has no value at all.
    All,
}

/// An operator, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator<'a> {
    pub(super) quantifier: Quantifier,
    /// The operator without prefix and suffix.
    pub(super) base: &'a str,
    /// `…IfExists`: also true when the request does not have the key.
    pub(super) if_exists: bool,
}

impl<'a> Operator<'a> {
    /// Takes an operator apart; it need not be a known one.
    pub(super) fn split(text: &'a str) -> Self {
        let (quantifier, rest) = if let Some(rest) = text.strip_prefix("ForAnyValue:") {
            (Quantifier::Any, rest)
        } else if let Some(rest) = text.strip_prefix("ForAllValues:") {
            (Quantifier::All, rest)
        } else {
            (Quantifier::None, text)
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        Self { quantifier, base, if_exists }
    }

    fn is_known(&self) -> bool {
        OPERATORS.contains(&self.base) && !(self.if_exists && self.base == "Null")
    }
}

/// Reports everything wrong with a `Condition`.
pub(super) fn check(pointer: &[Segment], condition: &Value, found: &mut Vec<DocProblem>) {
    let Some(operators) = condition.as_object() else {
        found.push(
            DocProblem::error(pointer, "policy-condition", "`Condition` must be a mapping of operators")
                .help("write for example `StringEquals: { \"aws:SourceAccount\": \"123456789012\" }`"),
        );
        return;
    };
    for (operator, keys) in operators {
        let at = below(pointer, operator.as_str());
        check_operator(&at, operator, found);
        let Some(keys) = keys.as_object() else {
            found.push(
                DocProblem::error(
                    &at,
                    "policy-condition",
                    format!("`{operator}` must be a mapping of condition keys to values"),
                )
                .help("write for example `\"aws:SourceAccount\": \"123456789012\"` below it"),
            );
            continue;
        };
        for (key, value) in keys {
            check_value(&below(&at, key.as_str()), operator, key, value, found);
        }
    }
}

fn check_operator(pointer: &[Segment], text: &str, found: &mut Vec<DocProblem>) {
    let operator = Operator::split(text);
    if operator.is_known() {
        return;
    }
    let code = "policy-operator";
    let what = "a condition operator";
    if operator.base == "Null" {
        found.push(
            DocProblem::error(pointer, code, format!("`{text}` is not {what}"))
                .help("`Null` asks whether a key exists and has no `IfExists`"),
        );
    } else if let Some((prefix, _)) = operator.base.split_once(':') {
        let help = did_you_mean(prefix, ["ForAnyValue", "ForAllValues"])
            .unwrap_or_else(|| "only `ForAnyValue:` and `ForAllValues:` can stand before an operator".to_owned());
        found.push(DocProblem::error(pointer, code, format!("`{text}` is not {what}")).help(help));
    } else {
        let mut problem = unknown_name(pointer, code, what, operator.base, &OPERATORS);
        problem.message = format!("`{text}` is not {what}");
        found.push(problem);
    }
}

fn check_value(pointer: &[Segment], operator: &str, key: &str, value: &Value, found: &mut Vec<DocProblem>) {
    if value.as_array().is_some_and(Vec::is_empty) {
        found.push(
            DocProblem::warning(
                pointer,
                "policy-condition-value",
                format!("`{key}` has an empty list: no request matches it"),
            )
            .help("give at least one value, or remove the key"),
        );
    }
    let base = Operator::split(operator).base;
    for (at, item) in items(pointer, value) {
        if item.is_null() || item.is_array() || item.is_object() {
            let seen = match item {
                Value::Null => "nothing",
                Value::Array(_) => "a list in a list",
                _ => "a mapping",
            };
            found.push(
                DocProblem::error(&at, "policy-condition-value", format!("the value of `{key}` is {seen}"))
                    .help("a condition value is a text, a number or true/false, or a list of these"),
            );
        } else if matches!(base, "Bool" | "Null") && !is_bool(item) {
            found.push(
                DocProblem::error(&at, "policy-condition-value", format!("`{operator}` compares with true or false"))
                    .help("write `true` or `false`"),
            );
        }
    }
}

fn is_bool(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::String(text) => text.contains("${") || ["true", "false"].contains(&text.to_lowercase().as_str()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Operator, Quantifier, check};
    use serde_json::{Value, json};

    fn problems(condition: &Value) -> Vec<String> {
        let mut found = Vec::new();
        check(&[], condition, &mut found);
        found.into_iter().map(|p| format!("{} | {}", p.message, p.help.unwrap_or_default())).collect()
    }

    #[test]
    fn operators_come_apart() {
        let operator = Operator::split("ForAllValues:StringLikeIfExists");
        assert_eq!(operator, Operator { quantifier: Quantifier::All, base: "StringLike", if_exists: true });
    }

    #[test]
    fn known_operators_and_values_pass() {
        let condition = json!({
            "StringEquals": { "a:b": "x" },
            "ForAnyValue:StringLikeIfExists": { "a:b": ["x", "y"] },
            "Bool": { "aws:SecureTransport": true },
            "NumericLessThanEquals": { "a:b": 3 },
            "Null": { "a:b": "true" },
            "NotIpAddress": { "aws:SourceIp": ["10.0.0.0/8"] }
        });
        assert_eq!(problems(&condition), Vec::<String>::new());
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({ "StringEqual": { "a:b": "x" } }), "did you mean `StringEquals`?"),
            (json!({ "stringlike": { "a:b": "x" } }), "did you mean `StringLike`?"),
            (json!({ "ForAllValue:StringLike": { "a:b": "x" } }), "did you mean `ForAllValues`?"),
            (json!({ "StringLikIfExists": { "a:b": "x" } }), "did you mean `StringLike`?"),
            (json!({ "NullIfExists": { "a:b": true } }), "has no `IfExists`"),
            (json!({ "StringEquals": "x" }), "must be a mapping of condition keys"),
            (json!({ "StringEquals": { "a:b": { "c": 1 } } }), "is a mapping"),
            (json!({ "StringEquals": { "a:b": [["x"]] } }), "a list in a list"),
            (json!({ "StringEquals": { "a:b": null } }), "is nothing"),
            (json!({ "StringEquals": { "a:b": [] } }), "empty list"),
            (json!({ "Bool": { "a:b": "yes" } }), "true or false"),
            (json!(["StringEquals"]), "must be a mapping of operators"),
        ];
        for (condition, expected) in cases {
            let found = problems(&condition);
            assert!(found.len() == 1 && found[0].contains(expected), "{condition}: {found:?}");
        }
    }
}
