//! The JSON Schema of a stack file, for editors. Made from the same types that read the file.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::load::{App, Variable};
use crate::stack::Stack;

/// The schema, as draft 2020-12.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let app = generator.subschema_for::<App>().to_value();
    let variable = generator.subschema_for::<Variable>().to_value();
    let mut schema = generator.into_root_schema_for::<Stack>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!("hatoba stack"));
        root.insert("description".into(), json!("What should exist on AWS for one container stack."));
        let properties = root.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        let sections = properties.clone();
        properties["apps"] =
            map_of("The short form: containers that are built in GitHub Actions and run on Fargate.", app);
        properties["variables"] = map_of("Variables, used as `${var.NAME}`.", variable);
        // An overlay may hold any part of a file, so nothing is required and texts may stand for anything.
        let overlay = json!({ "type": ["object", "null"], "properties": overlay(&sections) });
        properties["environments"] = map_of("What an environment changes; chosen with `--env NAME`.", overlay);
    }
    admit(&mut schema, false);
    schema
}

/// Admits what the loader admits beyond the types: nothing at all for a mapping or a list, as remains when its lines are commented
/// out, and a text with `${…}` for whatever it will be replaced by. Within alternatives, `inner`, the latter is one more of them.
fn admit(schema: &mut Value, inner: bool) {
    let Some(node) = schema.as_object_mut() else { return };
    for key in ["properties", "$defs"] {
        for child in node.get_mut(key).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            admit(child, false);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = node.get_mut(key) {
            admit(child, false);
        }
    }
    for key in ["anyOf", "oneOf"] {
        let Some(children) = node.get_mut(key).and_then(Value::as_array_mut) else { continue };
        for child in children.iter_mut() {
            describe_only_property(child);
            admit(child, true);
        }
        if children.iter().any(is_limited) && !children.iter().any(is_text) {
            children.push(replaced());
        }
    }
    let empty = match node.get("type").and_then(Value::as_str) {
        Some(of @ ("object" | "array")) if !node.contains_key("required") => Some(json!([of, "null"])),
        _ => None,
    };
    if let Some(empty) = empty {
        node.insert("type".into(), empty);
    }
    if !inner && is_limited(schema) {
        let mut limits = schema.take();
        let mut wrapped = Map::new();
        for key in ["description", "default"] {
            if let Some(value) = limits.as_object_mut().and_then(|limits| limits.remove(key)) {
                wrapped.insert(key.into(), value);
            }
        }
        wrapped.insert("anyOf".into(), json!([limits, replaced()]));
        *schema = Value::Object(wrapped);
    }
}

/// A text in which something is replaced.
fn replaced() -> Value {
    json!({ "type": "string", "pattern": "\\$\\{" })
}

/// Whether a schema admits only certain scalars.
fn is_limited(schema: &Value) -> bool {
    let kinds = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.as_slice(),
        Some(kind) => std::slice::from_ref(kind),
        None => &[],
    };
    let scalar = kinds.iter().any(|kind| ["integer", "number", "boolean"].iter().any(|scalar| kind == scalar));
    scalar || ["enum", "const", "pattern"].iter().any(|key| schema.get(key).is_some())
}

/// Whether a schema admits every text.
fn is_text(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string") && !is_limited(schema)
}

/// A mapping of one key, as an alternative to other values, says what it is for; so does its key.
fn describe_only_property(schema: &mut Value) {
    let Some(description) = schema.get("description").cloned() else { return };
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    if let (1, Some(only)) = (properties.len(), properties.values_mut().next().and_then(Value::as_object_mut)) {
        only.entry("description").or_insert(description);
    }
}

fn map_of(description: &str, of: Value) -> Value {
    json!({ "type": "object", "description": description, "additionalProperties": of })
}

/// The sections of a file without their demands: only their names and descriptions, for completion.
fn overlay(sections: &Value) -> Value {
    let Some(sections) = sections.as_object() else { return Value::Null };
    let names = sections.iter().map(|(name, schema)| {
        let description = schema.get("description").cloned().unwrap_or_default();
        (name.clone(), json!({ "description": description }))
    });
    Value::Object(names.collect())
}
