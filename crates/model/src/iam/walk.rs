//! Ways through a document that need not be well formed, with the place of everything that is met.

use serde_json::{Map, Value};

use super::document::Segment;

/// A statement of a document, and its place.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) pointer: Vec<Segment>,
    pub(super) body: &'a Map<String, Value>,
}

impl<'a> Statement<'a> {
    pub(super) fn get(&self, element: &str) -> Option<&'a Value> {
        self.body.get(element)
    }

    pub(super) fn text(&self, element: &str) -> Option<&'a str> {
        self.get(element).and_then(Value::as_str)
    }

    /// The place of an element.
    pub(super) fn at(&self, element: &str) -> Vec<Segment> {
        below(&self.pointer, element)
    }

    /// The texts of an element that is a text or a list of texts.
    pub(super) fn texts(&self, element: &str) -> Vec<(Vec<Segment>, &'a str)> {
        self.get(element).map(|value| texts(&self.at(element), value)).unwrap_or_default()
    }
}

/// The place `segment` below `pointer`.
pub(super) fn below(pointer: &[Segment], segment: impl Into<Segment>) -> Vec<Segment> {
    let mut longer = pointer.to_vec();
    longer.push(segment.into());
    longer
}

/// The statements that are objects, whether they stand in a list or alone.
pub(super) fn statements(document: &Value) -> Vec<Statement<'_>> {
    let (root, document) = match document {
        Value::Array(list) if list.len() == 1 => (vec![Segment::Index(0)], &list[0]),
        other => (Vec::new(), other),
    };
    let Some(value) = document.get("Statement") else { return Vec::new() };
    items(&below(&root, "Statement"), value)
        .into_iter()
        .filter_map(|(pointer, value)| value.as_object().map(|body| Statement { pointer, body }))
        .collect()
}

/// The elements of a list, or the value itself.
pub(super) fn items<'a>(pointer: &[Segment], value: &'a Value) -> Vec<(Vec<Segment>, &'a Value)> {
    match value {
        Value::Array(list) => list.iter().enumerate().map(|(index, item)| (below(pointer, index), item)).collect(),
        other => vec![(pointer.to_vec(), other)],
    }
}

/// Those of [`items`] that are texts.
pub(super) fn texts<'a>(pointer: &[Segment], value: &'a Value) -> Vec<(Vec<Segment>, &'a str)> {
    items(pointer, value).into_iter().filter_map(|(pointer, item)| item.as_str().map(|text| (pointer, text))).collect()
}

/// One line of a `Condition`: an operator, a key and its values.
#[derive(Debug)]
pub(super) struct ConditionEntry<'a> {
    pub(super) pointer: Vec<Segment>,
    pub(super) operator: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a Value,
}

impl<'a> ConditionEntry<'a> {
    pub(super) fn texts(&self) -> Vec<(Vec<Segment>, &'a str)> {
        texts(&self.pointer, self.value)
    }
}

/// Every line of a statement's `Condition`.
pub(super) fn conditions<'a>(statement: &Statement<'a>) -> Vec<ConditionEntry<'a>> {
    let at = statement.at("Condition");
    let mut found = Vec::new();
    for (operator, keys) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            found.push(ConditionEntry {
                pointer: below(&below(&at, operator.as_str()), key.as_str()),
                operator,
                key,
                value,
            });
        }
    }
    found
}
