//! Which secrets are newer than tasks. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;
use hatoba_model::verify::{Source, source};
use hatoba_rollout::state::Millis;

/// A secret of a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret {
    /// The container.
    pub container: String,
    /// The environment variable.
    pub name: String,
    /// Where the value is from, as the API has it: the ARN or name of a parameter, or the ARN of a secret.
    pub from: String,
}

/// What a parameter or a secret is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number; secrets of the Secrets Manager have none.
    pub number: Option<i64>,
    /// Since when, in milliseconds since 1970.
    pub since: Millis,
}

/// A secret whose present version tasks do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newer {
    /// The environment variable.
    pub name: String,
    /// The containers that have it.
    pub containers: BTreeSet<String>,
    /// Where the value is from.
    pub from: String,
    /// What is there now.
    pub version: Version,
}

/// The secrets of the containers of a task definition.
pub fn secrets(fields: &Fields) -> Vec<Secret> {
    let mut out = Vec::new();
    for (container, parts) in fields.get("containers").and_then(Value::as_map).into_iter().flatten() {
        let named = parts.get("secrets").map(Value::map_texts).unwrap_or_default();
        out.extend(named.into_iter().map(|(name, from)| Secret { container: container.clone(), name, from }));
    }
    out
}

/// Those of the secrets that changed after `started`, the time of the oldest task.
pub fn newer(secrets: &[Secret], versions: &BTreeMap<String, Version>, started: Millis) -> Vec<Newer> {
    let mut found: BTreeMap<(&str, &str), Newer> = BTreeMap::new();
    for secret in secrets {
        let Some(version) = versions.get(&secret.from).filter(|version| version.since > started) else { continue };
        let entry = found.entry((&secret.name, &secret.from)).or_insert_with(|| Newer {
            name: secret.name.clone(),
            containers: BTreeSet::new(),
            from: secret.from.clone(),
            version: version.clone(),
        });
        entry.containers.insert(secret.container.clone());
    }
    found.into_values().collect()
}

/// The parameters of this account and region that services of a file are given, as the API names them.
pub fn of_goal(goal: &Goal, facts: &Facts) -> BTreeSet<String> {
    let services = goal.resources.values().filter(|want| want.kind.name == "service" && !want.existing);
    let tasks: BTreeSet<_> = services.flat_map(task_of).collect();
    let tasks = tasks.into_iter().filter_map(|address| goal.resources.get(address)).filter(|want| !want.existing);
    let all = tasks.flat_map(|task| secrets(&task.fields)).map(|secret| secret.from);
    all.filter(|from| matches!(source(from, facts), it @ Source::Parameter { .. } if it.is_here(facts))).collect()
}

fn task_of(service: &Desired) -> impl Iterator<Item = &hatoba_model::address::Address> {
    service.needs.iter().filter(|need| need.kind == "task_definition")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(container: &str, name: &str, from: &str) -> Secret {
        Secret { container: container.into(), name: name.into(), from: from.into() }
    }

    #[test]
    fn newer_is_what_changed_after_the_oldest_task_was_made() {
        let at = |number, since| Version { number: Some(number), since };
        let versions: BTreeMap<String, Version> =
            [("/papyrus/db-url".to_owned(), at(4, 1_000)), ("/papyrus/key".to_owned(), at(1, 500))].into();
        let all = [
            secret("app", "DB_URL", "/papyrus/db-url"),
            secret("side", "DB_URL", "/papyrus/db-url"),
            secret("app", "KEY", "/papyrus/key"),
            secret("app", "OTHER", "/papyrus/not-read"),
        ];
        let found = newer(&all, &versions, 500);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].version.number), ("DB_URL", Some(4)));
        assert_eq!(found[0].containers.iter().collect::<Vec<_>>(), ["app", "side"]);
        assert_eq!(newer(&all, &versions, 1_000), []);
        assert_eq!(newer(&all, &versions, 0).len(), 2);
    }

    #[test]
    fn secrets_are_found_by_container_and_name() {
        let secrets_of = Value::Map([("DB_URL".to_owned(), Value::text("/papyrus/db-url"))].into());
        let app = Value::Map([("secrets".to_owned(), secrets_of)].into());
        let side = Value::Map([("image".to_owned(), Value::text("nginx"))].into());
        let fields: Fields =
            [("containers".to_owned(), Value::Map([("app".to_owned(), app), ("side".to_owned(), side)].into()))].into();
        assert_eq!(secrets(&fields), [secret("app", "DB_URL", "/papyrus/db-url")]);
    }
}
