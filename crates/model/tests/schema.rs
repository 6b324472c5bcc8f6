//! The JSON Schema of stack files: it is current, accepts what the loader accepts, and refuses what an editor can tell.
//!
//! `UPDATE_GOLDEN=1 cargo test -p hatoba-model --test schema` writes `docs/stack.schema.json`.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};

use hatoba_model::schema::schema;
use hatoba_model::yaml::{Source, parse};
use jsonschema::Validator;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// What the validator says of a file, each with its place.
fn problems(validator: &Validator, text: &str) -> Vec<String> {
    let file = parse(&Source::new("stack.yaml", text)).unwrap().to_json();
    validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path)).collect()
}

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spec").join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"))
        .map(|path| {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            (path.file_name().unwrap().to_string_lossy().into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_schema_in_the_docs_is_current() {
    let path = root().join("docs/stack.schema.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == current,
        "docs/stack.schema.json is out of date; UPDATE_GOLDEN=1 writes it"
    );
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::draft202012::meta::is_valid(&schema()));
}

#[test]
fn it_accepts_the_example_and_every_good_file_and_its_long_form() {
    let validator = validator();
    let mut good = files("good");
    good.push(("stack.example.yaml".to_owned(), std::fs::read_to_string(root().join("stack.example.yaml")).unwrap()));
    let wrong: Vec<String> = good
        .iter()
        .flat_map(|(name, text)| problems(&validator, text).into_iter().map(move |problem| format!("{name}{problem}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bad files whose mistake lies in the shape of the file, which an editor can show without knowing AWS.
#[test]
fn it_refuses_what_has_the_wrong_shape() {
    let validator = validator();
    let shape = [
        "unknown-key-",
        "unknown-value-",
        "wrong-type-",
        "missing-key-stack",
        "missing-key-region",
        "invalid-value-stack",
        "invalid-value-account",
        "invalid-value-region",
    ];
    // Overlays are checked once they are chosen; a pattern of addresses or texts is not the schema's to judge.
    let beyond = ["unknown-key-in-environment.yaml"];
    let mut accepted = Vec::new();
    let mut count = 0;
    for (name, text) in files("bad") {
        if !shape.iter().any(|start| name.starts_with(start)) || beyond.contains(&name.as_str()) {
            continue;
        }
        count += 1;
        if problems(&validator, &text).is_empty() {
            accepted.push(name);
        }
    }
    assert!(accepted.is_empty(), "{accepted:?}");
    assert!(count >= 25, "{count}");
}

#[test]
fn every_property_has_a_description() {
    let schema = schema();
    let mut bare = Vec::new();
    undescribed(&schema, &schema, "", &mut bare);
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

/// Whether a schema, or what it refers to, says what it is for.
fn described(root: &Value, schema: &Value) -> bool {
    let of = |schema: &Value| schema.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|way| root.pointer(way.trim_start_matches('#')));
    of(schema) || target.is_some_and(of)
}

fn undescribed(root: &Value, schema: &Value, place: &str, bare: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            if !described(root, property) {
                bare.push(format!("{place}/properties/{name}"));
            }
        }
    }
    match schema {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| undescribed(root, value, &format!("{place}/{key}"), bare))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| undescribed(root, value, &format!("{place}/{at}"), bare))
        }
        _ => {}
    }
}

#[test]
fn empty_sections_and_values_are_accepted_as_the_loader_accepts_them() {
    let validator = validator();
    let head = "stack: papyrus\nregion: us-west-2\n";
    for rest in [
        "roles:",
        "clusters: { papyrus: }",
        "clusters: { papyrus: { capacity_providers: } }",
        "log_groups: { a: { retention_days: } }",
        "tags:",
        "github:",
    ] {
        assert_eq!(problems(&validator, &format!("{head}{rest}\n")), [""; 0], "{rest}");
    }
}

#[test]
fn a_substitution_may_stand_wherever_its_value_may() {
    let validator = validator();
    let text = "stack: papyrus\nregion: \"${var.region}\"\nlog_groups:\n  a:\n    retention_days: ${var.days}\n    class: \"${var.class}\"\n    \
                deletion_protection: ${var.protected}\n";
    assert_eq!(problems(&validator, text), [""; 0]);
    let wrong = text.replace("${var.days}", "soon");
    assert_eq!(problems(&validator, &wrong).len(), 1);
}

#[test]
fn editors_are_offered_words_and_told_what_they_mean() {
    let schema = schema();
    assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
    let text = schema.to_string();
    for word in ["arm64", "FARGATE", "task_definition", "immutable_with_exclusion"] {
        assert!(text.contains(&format!("\"{word}\"")), "{word}");
    }
}
