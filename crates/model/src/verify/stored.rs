//! Whether parameters and secrets are there.

use std::collections::BTreeMap;

use super::facts::{Fact, Facts};
use super::finding::{Finding, Level};
use super::subject::{Container, Source, Task, in_task, source};
use crate::address::Address;
use crate::facts::Facts as Place;
use crate::yaml::Path;

/// Where a container reads something from, and where that stands in the file.
pub(super) struct Use {
    pub(super) source: Source,
    pub(super) path: Path,
}

/// Everything that a container reads from, each thing once.
pub(super) fn uses(key: &str, name: &str, container: &Container, place: &Place) -> Vec<Use> {
    let at = |below: &[&str]| in_task(key, &[&["containers", name], below].concat());
    let mut all = BTreeMap::new();
    let credentials = container.registry_credentials.iter().map(|from| (from, at(&["registry_credentials"])));
    let secrets = container.secrets.iter().map(|(variable, from)| (from, at(&["secrets", variable])));
    let options = container.log_secrets.iter().map(|(option, from)| (from, at(&["logs", "secret_options", option])));
    for (from, path) in secrets.chain(options).chain(credentials) {
        all.entry(source(from, place)).or_insert(path);
    }
    all.into_iter().map(|(source, path)| Use { source, path }).collect()
}

pub(super) fn judge(key: &str, task: &Task, facts: &Facts, place: &Place, out: &mut Vec<Finding>) {
    for (name, container) in &task.containers {
        for Use { source, path } in uses(key, name, container, place) {
            let (noun, code, call, shown) = match &source {
                Source::Parameter { name, .. } => {
                    let call = format!("`aws ssm put-parameter --type SecureString --name {name} --value …`");
                    ("parameter", "parameter-missing", call, name.clone())
                }
                Source::Secret { arn } => {
                    let name = arn.rsplit(':').next().unwrap_or_default().to_owned();
                    let call = format!("`aws secretsmanager create-secret --name {name} --secret-string …`");
                    ("secret", "secret-missing", call, name)
                }
            };
            let (level, code, message, help) = match facts.stored.get(source.arn()) {
                Some(Fact::There(_)) => continue,
                Some(Fact::Missing) => (
                    Level::Error,
                    code,
                    format!("there is no {noun} `{shown}`: tasks would stop before they start"),
                    format!("create it once by hand, {call}, or correct its name"),
                ),
                Some(Fact::Unread(why)) => {
                    (Level::NotChecked, "stored-unread", format!("the {noun} `{shown}`: {why}"), String::new())
                }
                None => {
                    let text = format!("the {noun} `{shown}`: it is in another account or region");
                    (Level::NotChecked, "stored-unread", text, String::new())
                }
            };
            out.push(Finding { level, code, address: Address::new("task_definition", key), path, message, help });
        }
    }
}
