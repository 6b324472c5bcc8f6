//! Tags in and out: every service spells them its own way.

use std::collections::BTreeMap;

use hatoba_engine::owner::is_ours;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// What has to be done to turn the tags that are there into those that are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChange {
    /// To set.
    pub set: Tags,
    /// To take off.
    pub remove: Vec<String>,
}

/// Compares the tags that are wanted with those of a live resource.
pub fn change(want: &Tags, live: &Sighting) -> TagChange {
    let have = live.fields.get("tags").map(Value::map_texts).unwrap_or_default();
    TagChange {
        set: want
            .iter()
            .filter(|(key, value)| have.get(*key) != Some(value))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        remove: have.keys().filter(|key| !want.contains_key(*key)).cloned().collect(),
    }
}

/// The keys of our own tags on a live resource.
pub fn ours(live: &Sighting) -> Vec<String> {
    let have = live.fields.get("tags").map(Value::map_texts).unwrap_or_default();
    have.into_keys().filter(|key| is_ours(key)).collect()
}

/// Reads a service's tags: `from(tags, |t| (t.key(), t.value()))`.
pub fn from<'a, T: 'a>(
    tags: impl IntoIterator<Item = &'a T>,
    read: impl Fn(&'a T) -> (Option<&'a str>, Option<&'a str>),
) -> Tags {
    tags.into_iter()
        .filter_map(|tag| {
            let (key, value) = read(tag);
            Some((key?.to_owned(), value.unwrap_or_default().to_owned()))
        })
        .collect()
}
