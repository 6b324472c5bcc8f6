//! Running the binary, and looking with another client.

use std::collections::BTreeMap;

use hatoba_tests::client::Answer;
use hatoba_tests::invocation::Run;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::torture::reads;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// Tags by their key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Runs the binary to its end, which must be this exit code.
#[track_caller]
pub(crate) fn run(world: &World, arguments: &[&str], code: i32) -> Run {
    match world.hatoba(arguments).and_then(|run| run.expect_code(code)) {
        Ok(run) => run,
        Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
    }
}

/// Runs the binary with `--json`; standard output must be one JSON document.
#[track_caller]
pub(crate) fn run_json(world: &World, arguments: &[&str], code: i32) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let run = run(world, &arguments, code);
    match serde_json::from_str(&run.stdout) {
        Ok(document) => document,
        Err(error) => panic!("hatoba {} prints no JSON ({error}): {run:?}", arguments.join(" ")),
    }
}

/// Writes a stack file in JSON, which is YAML, for the stack `papyrus`.
pub(crate) fn write(world: &World, file: &Value) {
    world.write_stack(file).unwrap();
}

/// Everything that a run said, in one line: where it is wrapped depends on the width of the terminal.
pub(crate) fn said(run: &Run) -> String {
    let words: Vec<&str> = run.stdout.split_whitespace().chain(run.stderr.split_whitespace()).collect();
    words.join(" ")
}

/// Each of these texts is part of what a run said.
#[track_caller]
pub(crate) fn says(run: &Run, texts: &[&str]) {
    let said = said(run);
    for text in texts {
        assert!(said.contains(text), "does not say {text:?}: {run:?}");
    }
}

/// The calls that changed something, or would have, since the log was cleared.
pub(crate) fn writes(world: &World) -> Vec<String> {
    world.proxy().calls().iter().filter(|call| !reads(&call.action)).map(|call| call.name()).collect()
}

/// The plan is empty.
#[track_caller]
pub(crate) fn nothing_to_do(world: &World) {
    says(&run(world, &["plan", "--detailed-exitcode"], 0), &["No changes."]);
}

/// Calls AWS as somebody else, who must succeed.
#[track_caller]
pub(crate) fn aws(world: &World, service: &str, action: &str, parameters: &Value) -> Answer {
    match world.aws(service, action, parameters) {
        Ok(answer) => answer,
        Err(error) => panic!("{error:?}"),
    }
}

/// Tags as most services take them.
pub(crate) fn tag_list(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// The tags in an answer, in any of the forms in use.
pub(crate) fn tags_in(answer: &Answer) -> Tags {
    let Ok(document) = answer.json() else {
        let pairs = |key, value| answer.elements(key).into_iter().zip(answer.elements(value));
        return pairs("Key", "Value").chain(pairs("key", "value")).collect();
    };
    let tags = ["tags", "Tags", "TagList"].iter().map(|name| &document[*name]).find(|tags| !tags.is_null());
    match tags {
        Some(Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        Some(Value::Array(items)) => {
            let part = |tag: &Value, name: &str| text(tag.get(name).unwrap_or(&tag[name.to_lowercase()]));
            items.iter().map(|tag| (part(tag, "Key"), part(tag, "Value"))).collect()
        }
        _ => Tags::new(),
    }
}

/// A JSON text as text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a stack has left in an account that was so before it came.
#[track_caller]
pub(crate) fn nothing_is_left(world: &World, before: &Inventory) {
    let mut left = Inventory::of(world).unwrap().against(before);
    // The role of ECS belongs to the account. moto goes on listing deleted clusters, with their services.
    let clusters = aws(world, "ecs", "DescribeClusters", &json!({ "clusters": ["papyrus"] })).json().unwrap();
    let listed = clusters["clusters"][0]["status"] == "INACTIVE";
    let stays = |thing: &str| listed && (thing.starts_with("cluster papyrus") || thing.starts_with("service papyrus"));
    left.extra.retain(|thing| !stays(thing) && !thing.starts_with("role AWSServiceRoleFor"));
    assert!(left.is_empty(), "{left}");
}

/// The answer that AWS gives to whoever lacks a permission.
pub(crate) fn denied(service: &str, action: &str, code: &str) -> Rule {
    let message = format!("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {service}:{action}");
    Rule::on(service, action, Act::Error { status: 403, code: code.to_owned(), message })
}

/// The tags that say whose a resource is.
pub(crate) fn mark(stack: &str, address: &str, origin: &str) -> Tags {
    let tags = [("hatoba:stack", stack), ("hatoba:resource", address), ("hatoba:origin", origin)];
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The same for what is in no region.
pub(crate) fn global_mark(world: &World, address: &str, origin: &str) -> Tags {
    let mut tags = mark("papyrus", address, origin);
    tags.insert("hatoba:region".to_owned(), world.lease().region.clone());
    tags
}
