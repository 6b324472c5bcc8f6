//! `on:` in all its spellings: a word, a list of words, or a mapping.

use hatoba_model::yaml::Node;

use super::filter::Filter;
use super::model::{Input, Text, Trigger};
use super::read::{list, text};

/// The events of an `on:`.
pub(super) fn triggers(on: &Node) -> Vec<Trigger> {
    let plain = |event: Text| Trigger { event, branches: Filter::default(), tags: Filter::default(), inputs: vec![] };
    if let Some(event) = text(on) {
        return vec![plain(event)];
    }
    if on.is_list() {
        return on.items().iter().filter_map(text).map(plain).collect();
    }
    on.entries()
        .iter()
        .map(|entry| {
            let event = Text { text: entry.key.clone(), span: entry.key_span };
            let settings = &entry.value;
            Trigger {
                branches: filter(settings, "branches"),
                tags: filter(settings, "tags"),
                inputs: inputs(settings),
                event,
            }
        })
        .collect()
}

fn filter(settings: &Node, key: &str) -> Filter {
    Filter { only: settings.get(key).map(list), ignore: settings.get(&format!("{key}-ignore")).map(list) }
}

fn inputs(settings: &Node) -> Vec<Input> {
    let Some(inputs) = settings.get("inputs") else { return Vec::new() };
    let default = |input: &Node| Some(input.get("default")?.as_str()?.to_owned());
    inputs.entries().iter().map(|entry| Input { name: entry.key.clone(), default: default(&entry.value) }).collect()
}
