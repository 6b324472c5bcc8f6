//! One normal form for documents that mean the same, and the text in which they are compared line by line.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The order in which elements are written; others follow in alphabetical order.
const ORDER: [&str; 12] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// A document in its normal form: equal exactly when the documents mean the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalDocument(Value);

impl CanonicalDocument {
    /// The normal form of a document in a partition.
    pub fn new(document: &Value, partition: &str) -> Self {
        Self(canonical_in(document, partition))
    }

    /// The normal form.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The normal form as indented text, one value a line.
    pub fn to_pretty_json(&self) -> String {
        to_pretty_json(&self.0)
    }
}

/// Whether two documents mean the same, in the partition `aws`.
pub fn equivalent(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}

/// The normal form of a document in the partition `aws`.
pub fn canonical(document: &Value) -> Value {
    canonical_in(document, "aws")
}

/// The normal form of a document. Two documents that IAM or ECR treat alike have the same:
///
/// - the order of statements, actions, resources, principals and condition values does not count, nor do repetitions;
/// - one text equals a list of that one text, a statement outside of a list equals a list of that statement, and a document in a list
///   of one equals the document;
/// - the principal `"123456789012"` equals `arn:{partition}:iam::123456789012:root`, which is what AWS returns;
/// - `Effect` is compared without case; an empty `Sid` or `Condition` equals none;
/// - `true` and `5` in a condition equal `"true"` and `"5"`.
///
/// No `Version` stays no version: it means 2008-10-17. `"*"` and `{"AWS": "*"}` stay different principals. What is not shaped like a
/// policy is kept as it is.
pub fn canonical_in(document: &Value, partition: &str) -> Value {
    let document = match document {
        Value::Array(list) if list.len() == 1 => &list[0],
        other => other,
    };
    let Some(top) = document.as_object() else { return document.clone() };
    let mut normal = top.clone();
    if let Some(value) = top.get("Statement") {
        let mut statements: Vec<Value> =
            as_list(value).iter().map(|statement| canonical_statement(statement, partition)).collect();
        sort_and_dedup(&mut statements);
        normal.insert("Statement".to_owned(), Value::Array(statements));
    }
    ordered(&Value::Object(normal))
}

fn canonical_statement(statement: &Value, partition: &str) -> Value {
    let Some(body) = statement.as_object() else { return statement.clone() };
    let mut normal = Map::new();
    for (element, value) in body {
        let value = match element.as_str() {
            "Sid" if value.as_str() == Some("") => continue,
            "Condition" if value.as_object().is_some_and(Map::is_empty) => continue,
            "Effect" => canonical_effect(value),
            "Action" | "NotAction" | "Resource" | "NotResource" => set(value, Value::clone),
            "Principal" | "NotPrincipal" => canonical_principal(value, partition),
            "Condition" => canonical_condition(value),
            _ => value.clone(),
        };
        normal.insert(element.clone(), value);
    }
    ordered(&Value::Object(normal))
}

fn canonical_effect(value: &Value) -> Value {
    match value.as_str().map(str::to_lowercase).as_deref() {
        Some("allow") => "Allow".into(),
        Some("deny") => "Deny".into(),
        _ => value.clone(),
    }
}

fn canonical_principal(value: &Value, partition: &str) -> Value {
    let Some(types) = value.as_object() else { return value.clone() };
    let root = |item: &Value| match item.as_str() {
        Some(text) if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) => {
            format!("arn:{partition}:iam::{text}:root").into()
        }
        _ => item.clone(),
    };
    let normal = types.iter().map(|(name, value)| {
        let values = if name == "AWS" { set(value, root) } else { set(value, Value::clone) };
        (name.clone(), values)
    });
    Value::Object(normal.collect())
}

fn canonical_condition(value: &Value) -> Value {
    let as_text = |item: &Value| match item {
        Value::Bool(_) | Value::Number(_) => item.to_string().into(),
        other => other.clone(),
    };
    let Some(operators) = value.as_object() else { return value.clone() };
    let normal = operators.iter().map(|(operator, keys)| {
        let keys = match keys.as_object() {
            Some(keys) => Value::Object(keys.iter().map(|(key, values)| (key.clone(), set(values, as_text))).collect()),
            None => keys.clone(),
        };
        (operator.clone(), keys)
    });
    Value::Object(normal.collect())
}

fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(list) => list,
        other => std::slice::from_ref(other),
    }
}

/// A value or a list of them as a sorted list without repetitions.
fn set(value: &Value, normal: impl Fn(&Value) -> Value) -> Value {
    let mut items: Vec<Value> = as_list(value).iter().map(normal).collect();
    sort_and_dedup(&mut items);
    Value::Array(items)
}

fn sort_and_dedup(items: &mut Vec<Value>) {
    items.sort_by_cached_key(|item| ordered(item).to_string());
    items.dedup();
}

fn by_place(one: &str, other: &str) -> Ordering {
    let place = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
    place(one).cmp(&place(other)).then_with(|| one.cmp(other))
}

/// The value with the keys of every mapping in a fixed order.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|(one, _), (other, _)| by_place(one, other));
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), ordered(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(ordered).collect()),
        other => other.clone(),
    }
}

/// A document as text: indented by two, keys in the order in which policies are usually written (`Version`, `Id`, `Statement`; `Sid`,
/// `Effect`, principals, actions, resources, `Condition`), others by name. Lists are left as they are.
pub fn to_pretty_json(document: &Value) -> String {
    format!("{:#}", ordered(document))
}

/// Why a document that IAM returned cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EncodedError {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("the policy document has an incomplete percent-encoding at byte {0}")]
    Percent(usize),
    /// The decoded bytes are not UTF-8.
    #[error("the policy document is not UTF-8")]
    Utf8(#[from] std::string::FromUtf8Error),
    /// The decoded text is not JSON.
    #[error("the policy document is not JSON")]
    Json(#[from] serde_json::Error),
}

/// Reads a document as IAM's Get calls return it: percent-encoded by RFC 3986, where `+` means a plus. A text that begins with
/// `{` or `[` is not encoded (both would be) and is read as it is.
///
/// # Errors
///
/// When the encoding is broken, or when what comes out is not JSON.
pub fn parse_url_encoded(text: &str) -> Result<Value, EncodedError> {
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(serde_json::from_str(text)?);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let digit = |offset: usize| bytes.get(at + offset).copied().and_then(hexadecimal);
            let (Some(high), Some(low)) = (digit(1), digit(2)) else { return Err(EncodedError::Percent(at)) };
            decoded.push(high * 16 + low);
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    Ok(serde_json::from_str(&String::from_utf8(decoded)?)?)
}

fn hexadecimal(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use serde_json::{Value, json};

    use super::{canonical, canonical_in, equivalent, parse_url_encoded, to_pretty_json};

    fn statement(more: Value) -> Value {
        let mut statement = json!({ "Effect": "Allow", "Action": "ecr:PutImage", "Resource": "*" });
        for (key, value) in more.as_object().unwrap() {
            statement[key] = value.clone();
        }
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    }

    #[test]
    fn what_means_the_same_is_equal() {
        let plain = statement(json!({}));
        let same = [
            json!([plain]),
            json!({ "Version": "2012-10-17", "Statement": plain["Statement"][0] }),
            json!({ "Statement": plain["Statement"], "Version": "2012-10-17" }),
            statement(json!({ "Action": ["ecr:PutImage", "ecr:PutImage"] })),
            statement(json!({ "Resource": ["*"] })),
            statement(json!({ "Effect": "allow" })),
            statement(json!({ "Sid": "" })),
            statement(json!({ "Condition": {} })),
        ];
        for other in same {
            assert!(equivalent(&plain, &other), "{other}");
        }
        let condition = |value: Value| statement(json!({ "Condition": { "Bool": { "aws:SecureTransport": value } } }));
        assert!(equivalent(&condition(json!(true)), &condition(json!(["true"]))));
        assert!(equivalent(&condition(json!(5)), &condition(json!("5"))));
    }

    #[test]
    fn what_differs_stays_different() {
        let plain = statement(json!({}));
        let different = [
            json!({ "Statement": plain["Statement"] }),
            json!({ "Version": "2008-10-17", "Statement": plain["Statement"] }),
            json!({ "Version": "2012-10-17", "Id": "x", "Statement": plain["Statement"] }),
            statement(json!({ "Sid": "Push" })),
            statement(json!({ "Effect": "Deny" })),
            statement(json!({ "Action": "ecr:putimage" })),
            statement(json!({ "Condition": { "Bool": { "aws:SecureTransport": true } } })),
        ];
        for other in different {
            assert!(!equivalent(&plain, &other), "{other}");
        }
        let principal = |value: Value| statement(json!({ "Principal": value }));
        assert!(!equivalent(&principal(json!("*")), &principal(json!({ "AWS": "*" }))));
        assert!(!equivalent(
            &principal(json!({ "AWS": "AROAEXAMPLEEXAMPLEEX" })),
            &principal(json!({ "AWS": "123456789012" }))
        ));
    }

    #[test]
    fn an_account_is_its_root_in_the_partition() {
        let by_id = json!({ "Statement": { "Principal": { "AWS": "123456789012" } } });
        let by_arn = |partition: &str| json!({ "Statement": { "Principal": { "AWS": [format!("arn:{partition}:iam::123456789012:root")] } } });
        assert!(equivalent(&by_id, &by_arn("aws")));
        assert!(!equivalent(&by_id, &by_arn("aws-cn")));
        assert_eq!(canonical_in(&by_id, "aws-cn"), canonical_in(&by_arn("aws-cn"), "aws-cn"));
    }

    #[test]
    fn the_text_has_a_fixed_order() {
        let document = json!({
            "Statement": [{ "Condition": {}, "Resource": "*", "Action": "ecr:PutImage", "Effect": "Allow", "Sid": "Push" }],
            "Version": "2012-10-17",
        });
        let expected = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Push",
      "Effect": "Allow",
      "Action": "ecr:PutImage",
      "Resource": "*",
      "Condition": {}
    }
  ]
}"#;
        assert_eq!(to_pretty_json(&document), expected);
    }

    #[test]
    fn odd_shapes_are_kept() {
        for odd in [json!(null), json!("x"), json!([1, 2]), json!({ "Statement": ["x"] }), json!({})] {
            assert_eq!(canonical(&odd), odd);
        }
    }

    #[test]
    fn percent_encoding_is_decoded_and_a_plus_is_a_plus() {
        let encoded = "%7B%22Sid%22%3A%22a+b%20%c3%A9%22%7D";
        assert_eq!(parse_url_encoded(encoded).unwrap(), json!({ "Sid": "a+b é" }));
        assert_eq!(parse_url_encoded("{\"Sid\": \"100%\"}").unwrap(), json!({ "Sid": "100%" }));
        assert!(parse_url_encoded("%7B%2").unwrap_err().to_string().contains("at byte 3"));
        assert!(parse_url_encoded("%7B%zz").is_err());
        assert!(parse_url_encoded("%ff").unwrap_err().to_string().contains("UTF-8"));
        assert!(parse_url_encoded("%7B").unwrap_err().to_string().contains("JSON"));
    }
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod properties;
