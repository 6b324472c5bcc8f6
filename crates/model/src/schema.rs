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
        properties["apps"] = map_of("The short form: containers that are built in GitHub Actions and run on Fargate.", app);
        properties["variables"] = map_of("Variables, used as `${var.NAME}`.", variable);
        // An overlay may hold any part of a file, so nothing is required and texts may stand for anything.
        let overlay = json!({ "type": ["object", "null"], "properties": overlay(&sections) });
        properties["environments"] = map_of("What an environment changes; chosen with `--env NAME`.", overlay);
    }
    schema
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
