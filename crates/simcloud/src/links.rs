//! Which resource uses which, told from fields as the provider tells it from answers of AWS.

use std::collections::BTreeMap;

use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::trust::principals;
use hatoba_provider::kinds::repository::image::repository_arn;

use crate::world::Thing;

/// Kinds that AWS refuses to delete while something refers to them.
const HELD_BY_USERS: [&str; 3] = ["security_group", "cluster", "policy"];

/// The identifiers of what a resource uses.
pub(crate) fn uses(thing: &Thing, facts: &Facts) -> Vec<String> {
    let fields = &thing.fields;
    let mut uses = Vec::new();
    let mut add = |text: Option<&str>| uses.extend(text.map(str::to_owned));
    let text = |field: &str| fields.get(field).and_then(Value::as_text);
    let group = |name: &str| facts.arn("logs", format_args!("log-group:{name}"));
    match thing.kind.name {
        "role" | "user" => {
            add(text("permissions_boundary"));
            for arn in fields.get("managed_policies").map(Value::list_texts).unwrap_or_default() {
                add(Some(&arn));
            }
            providers(thing).iter().for_each(|arn| add(Some(arn)));
        }
        "cluster" => {
            let name = fields.get("execute_command").and_then(|exec| exec.get("log_group")).and_then(Value::as_text);
            add(name.map(group).as_deref());
        }
        "security_group" => {
            for says in
                ["ingress", "egress"].iter().filter_map(|field| fields.get(*field)?.as_map()).flat_map(BTreeMap::values)
            {
                add(says.get("group").and_then(Value::as_text));
            }
        }
        "task_definition" => {
            add(text("execution_role"));
            add(text("task_role"));
            for container in fields.get("containers").and_then(Value::as_map).into_iter().flat_map(BTreeMap::values) {
                let name = container.get("logs").and_then(|logs| logs.get("group")).and_then(Value::as_text);
                add(name.map(group).as_deref());
                for from in container.get("secrets").map(Value::map_texts).unwrap_or_default().into_values() {
                    add(Some(&from).filter(|from| from.starts_with("arn:")).map(String::as_str));
                }
                let image = container.get("image").and_then(Value::as_text);
                add(image.and_then(|image| repository_arn(image, facts.partition())).as_deref());
            }
        }
        "service" => {
            let cluster = thing.scope.as_deref().unwrap_or_default();
            add(Some(&facts.arn("ecs", format_args!("cluster/{cluster}"))));
            add(text("task_definition"));
            let family = text("task_definition").and_then(|arn| Some(arn.rsplit_once(':')?.0));
            add(family);
            let groups = fields.get("network").and_then(|network| network.get("security_groups"));
            for id in groups.map(Value::list_texts).unwrap_or_default() {
                add(Some(&id));
            }
        }
        _ => {}
    }
    uses
}

/// The OIDC providers that a role trusts.
pub(crate) fn providers(thing: &Thing) -> Vec<String> {
    let document = thing.fields.get("trust").and_then(Value::as_text).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    principals(&document).into_iter().filter(|who| who.contains(":oidc-provider/")).map(str::to_owned).collect()
}

/// What keeps AWS from deleting a resource, if anything does.
pub(crate) fn holder<'a>(thing: &Thing, all: &'a [Thing], facts: &Facts) -> Option<&'a Thing> {
    holders(thing, all, facts).next()
}

/// Everything that keeps AWS from deleting a resource.
pub(crate) fn holders<'a>(thing: &Thing, all: &'a [Thing], facts: &Facts) -> impl Iterator<Item = &'a Thing> {
    let held = HELD_BY_USERS.contains(&thing.kind.name);
    let uses_it =
        move |other: &&Thing| held && other.id != thing.id && uses(other, facts).iter().any(|id| thing.is_called(id));
    all.iter().filter(uses_it)
}
