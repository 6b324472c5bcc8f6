//! Environments and variables: what is settled before anything else is read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::load::Options;
use crate::load::lost::Lost;
use crate::names::Region;
use crate::workflows::in_environment;
use crate::yaml::{Entry, Node, NodeValue, Path, Scalar, decode, merge};

/// A variable of the file, used as `${var.NAME}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Variable {
    /// Its value where neither `--var NAME=VALUE` nor the environment variable `HATOBA_VAR_NAME` gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The values of the variables.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// By their names; nothing for one whose lack of a value was reported.
    pub(super) known: BTreeMap<String, Option<String>>,
    /// Whether there may be others, which could not be read.
    pub(super) lost: bool,
}

/// Takes `environments:` out of the tree and lays the chosen one over the rest.
pub(super) fn apply(tree: &mut Node, options: &Options<'_>, lost: &Lost, found: &mut Diagnostics) {
    environment(tree, options, lost, found);
    let Some(region) = options.region else { return };
    match region.parse::<Region>() {
        Ok(_) => {
            let span = tree.get("region").map_or(tree.span, |node| node.span);
            tree.insert("region", span, Node::text(span, region));
        }
        // The file is not to blame, so its region stays.
        Err(error) => {
            let message = error.to_string();
            let (message, advice) = message.split_once("; ").unwrap_or((&message, "a region looks like `us-west-2`"));
            found.push(Diagnostic::error("region-option", format!("`--region {region}`: {message}")).help(advice));
        }
    }
}

fn environment(tree: &mut Node, options: &Options<'_>, lost: &Lost, found: &mut Diagnostics) {
    let environments = tree.remove("environments");
    if let Some(entry) = &environments {
        if !entry.value.is_map() && !entry.value.is_null() {
            found.push(wrong(entry, "a mapping of environment names to what they change"));
            return;
        }
        for environment in entry.value.entries() {
            if !environment.value.is_map() && !environment.value.is_null() {
                found.push(wrong(environment, "a mapping of what this environment changes"));
            }
        }
    }
    let Some(name) = options.env.filter(|_| !lost.has("environments")) else { return };
    let names: Vec<&str> = environments.iter().flat_map(|e| e.value.entries()).map(|e| e.key.as_str()).collect();
    let Some(overlay) = environments.as_ref().and_then(|e| e.value.get(name)) else {
        let mut diagnostic =
            Diagnostic::error("unknown-environment", format!("there is no environment `{name}` in this file"));
        if let Some(entry) = &environments {
            diagnostic = diagnostic.at(entry.key_span);
        }
        diagnostic = match nearest(name, names.iter().copied()) {
            Some(near) => diagnostic.help(format!("did you mean `--env {near}`?")),
            None if names.is_empty() => diagnostic.help("add it under `environments:`"),
            None => diagnostic.help(format!("there are: {}", names.join(", "))),
        };
        found.push(diagnostic);
        return;
    };
    name_workflows(tree, name);
    let renames = overlay.get("stack").is_some();
    if overlay.is_map() {
        merge(tree, overlay.clone());
    }
    if !renames && let Some(stack) = tree.get_mut("stack") {
        let renamed = stack.as_str().map(|text| format!("{text}-{name}"));
        if let (Some(renamed), NodeValue::Scalar { text, .. }) = (renamed, &mut stack.value) {
            *text = renamed;
        }
    }
}

/// Gives an environment workflow files of its own: the repository holds those of all environments side by side.
fn name_workflows(tree: &mut Node, env: &str) {
    let Some(NodeValue::Map(entries)) = tree.get_mut("workflows").map(|node| &mut node.value) else { return };
    for entry in entries.iter_mut().filter(|entry| entry.value.is_map() && entry.value.get("name").is_none()) {
        let span = entry.value.span;
        entry.value.insert("name", span, Node::text(span, in_environment(&entry.key, env)));
    }
}

/// Takes `variables:` out of the tree and settles the value of each.
pub(super) fn variables(tree: &mut Node, options: &Options<'_>, lost: &Lost, found: &mut Diagnostics) -> Variables {
    let mut values = Variables { lost: lost.has("variables"), ..Variables::default() };
    let Some(entry) = tree.remove("variables") else {
        unknown_variables(&values, options, found);
        return values;
    };
    if !entry.value.is_map() && !entry.value.is_null() {
        found.push(wrong(&entry, "a mapping of variable names to `{ default: … }`"));
        values.lost = true;
        return values;
    }
    for variable in entry.value.entries() {
        let name = &variable.key;
        let spec = match decode::<Variable>(&variable.value) {
            Ok(spec) => spec,
            Err(error) => {
                found.push(Diagnostic::from(error.below(&Path::root().key("variables").key(name.as_str()))));
                values.known.insert(name.clone(), None);
                continue;
            }
        };
        let given = options
            .vars
            .get(name)
            .cloned()
            .or_else(|| (options.process_env)(&format!("HATOBA_VAR_{name}")))
            .or_else(|| spec.default.map(|value| value.to_string()));
        if given.is_none() {
            found.push(
                Diagnostic::error("variable-without-value", format!("the variable `{name}` has no value"))
                    .at(variable.key_span)
                    .help(format!(
                        "give it one with `--var {name}=VALUE` or `HATOBA_VAR_{name}=VALUE`, or a `default:` here"
                    )),
            );
        }
        values.known.insert(name.clone(), given);
    }
    unknown_variables(&values, options, found);
    values
}

fn unknown_variables(values: &Variables, options: &Options<'_>, found: &mut Diagnostics) {
    for name in options.vars.keys().filter(|name| !values.lost && !values.known.contains_key(*name)) {
        let diagnostic =
            Diagnostic::error("unknown-variable", format!("`--var {name}=…`: the file has no variable `{name}`"));
        found.push(match nearest(name, values.known.keys().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("declare it: `variables: {{ {name}: {{ default: … }} }}`")),
        });
    }
}

fn wrong(entry: &Entry, expected: &str) -> Diagnostic {
    Diagnostic::error("wrong-type", format!("`{}` must be {expected}, not {}", entry.key, entry.value.describe()))
        .at(entry.value.span)
        .help(format!("write `{}:`, and each name with a colon in a line of its own below it", entry.key))
}
