//! The contract that every kind keeps, run from data: one file per kind under `tests/contract/`.
//!
//! ```yaml
//! section: log_groups
//! key: /contract/group
//! around: {}                       # other sections that the resource needs
//! base: { retention_days: 14 }
//! changes:
//!   - { set: { retention_days: 30 }, shows: [retention_days] }
//!   - { unset: [retention_days], shows: [retention_days] }
//! replaces:
//!   - { set: { class: infrequent_access }, because: class }
//! ```
//! A change or replacement that an emulator cannot carry names it: `without: { moto: why }`.

use std::collections::BTreeMap;

use hatoba_engine::plan::{Act, Intent, Plan, Why};
use hatoba_model::stack::Stack;
use serde_json::{Value, json};

use crate::converge::{Session, brief};

/// A contract as its file states it.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The section of the file.
    pub section: String,
    /// The key of the resource.
    pub key: String,
    document: Value,
}

impl Contract {
    /// Reads a contract.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let source = hatoba_model::yaml::Source::new(name, text);
        let document = hatoba_model::yaml::parse(&source).map_err(|problems| problems.render(&source))?.to_json();
        let word = |key: &str| {
            document.get(key).and_then(Value::as_str).map(str::to_owned).ok_or(format!("{name}: `{key}` is missing"))
        };
        Ok(Self { section: word("section")?, key: word("key")?, document: document.clone() })
    }

    /// The kind.
    pub fn kind(&self) -> &'static str {
        Stack::kind_of(&self.section).unwrap_or("no kind")
    }

    fn list(&self, name: &str) -> Vec<Value> {
        self.document.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// The rows of the field table that some case changes.
    pub fn covered(&self) -> Vec<String> {
        let shown = self.list("changes").into_iter().flat_map(|change| texts(&change, "shows"));
        let replaced = self
            .list("replaces")
            .into_iter()
            .chain(self.list("renames"))
            .filter_map(|r| r.get("because").and_then(Value::as_str).map(str::to_owned));
        shown.chain(replaced).map(|path| path.split(['.', '[']).next().unwrap_or_default().to_owned()).collect()
    }

    /// The stack with the resource as `spec`.
    fn stack(&self, spec: Option<&Value>) -> String {
        let mut file = self.document.get("around").cloned().unwrap_or_else(|| json!({}));
        let root = file.as_object_mut();
        let Some(root) = root else { return String::new() };
        root.insert("stack".into(), json!("contract"));
        root.insert("region".into(), json!("us-west-2"));
        if let Some(spec) = spec {
            let section = root.entry(self.section.clone()).or_insert_with(|| json!({}));
            section[&self.key] = spec.clone();
        }
        // JSON is YAML.
        file.to_string()
    }

    /// Runs the whole contract; the error says where it broke.
    ///
    /// # Errors
    /// The first thing that is not as promised.
    pub async fn run(&self, session: &Session, emulator: &str) -> Result<(), String> {
        let mut spec = self.document.get("base").cloned().unwrap_or_else(|| json!({}));
        self.converge(session, &spec, "create").await?;
        for change in self.list("changes") {
            let before = spec.clone();
            apply(&mut spec, &change);
            if without(&change, emulator) {
                spec = before;
                continue;
            }
            let what = change.to_string();
            let stack = session.read(&self.stack(Some(&spec)))?;
            let plan = session.plan(&stack, Intent::Present).await.map_err(|e| format!("{what}: {e}"))?;
            self.shows(&plan, &texts(&change, "shows")).map_err(|problem| format!("{what}: {problem}"))?;
            self.converge(session, &spec, &what).await?;
        }
        for replace in self.list("replaces") {
            if without(&replace, emulator) {
                continue;
            }
            apply(&mut spec, &replace);
            let because = replace.get("because").and_then(Value::as_str).unwrap_or_default();
            let stack = session.read(&self.stack(Some(&spec)))?;
            let plan = session.plan(&stack, Intent::Present).await?;
            let replaced =
                plan.steps.iter().any(|step| matches!(&step.why, Why::MustReplace(field) if under(field, because)));
            if !replaced {
                return Err(format!("{replace}: not replaced because of `{because}` but {:?}", brief(&plan)));
            }
            self.converge(session, &spec, &replace.to_string()).await?;
        }
        for rename in self.list("renames") {
            apply(&mut spec, &rename);
            let stack = session.read(&self.stack(Some(&spec)))?;
            let plan = session.plan(&stack, Intent::Present).await?;
            if !plan.steps.iter().any(|step| step.why == Why::Renamed) {
                return Err(format!("{rename}: the old one is not deleted: {:?}", brief(&plan)));
            }
            self.converge(session, &spec, &rename.to_string()).await?;
        }
        self.delete(session, &spec).await
    }

    async fn converge(&self, session: &Session, spec: &Value, what: &str) -> Result<(), String> {
        let stack = session.read(&self.stack(Some(spec))).map_err(|e| format!("{what}: {e}"))?;
        session.apply(&stack, Intent::Present).await.map_err(|e| format!("{what}: apply: {e}"))?;
        let again = session.plan(&stack, Intent::Present).await.map_err(|e| format!("{what}: plan again: {e}"))?;
        if again.is_empty() { Ok(()) } else { Err(format!("{what}: not empty after apply: {:#?}", brief(&again))) }
    }

    /// Exactly these fields of exactly this resource change, in place (others may change because they refer to it).
    fn shows(&self, plan: &Plan, fields: &[String]) -> Result<(), String> {
        let Some(step) =
            plan.steps.iter().find(|step| step.address.kind == self.kind() && step.address.name == self.key)
        else {
            return Err(format!("no difference is shown; the plan is {:?}", brief(plan)));
        };
        if !matches!(step.act, Act::Update { .. }) {
            return Err(format!("not changed in place: {:?}", brief(plan)));
        }
        let paths: Vec<&String> = step.changes.iter().map(|change| &change.path).collect();
        let stray = paths.iter().find(|path| !fields.iter().any(|field| under(path, field)));
        let silent = fields.iter().find(|field| !paths.iter().any(|path| under(path, field)));
        match (stray, silent) {
            (None, None) => Ok(()),
            _ => Err(format!("shows {paths:?}, expected {fields:?}")),
        }
    }

    async fn delete(&self, session: &Session, spec: &Value) -> Result<(), String> {
        let stack = session.read(&self.stack(Some(spec)))?;
        let plan = session.plan(&stack, Intent::Absent).await.map_err(|e| format!("destroy: {e}"))?;
        let outcome = session.execute(&plan).await;
        if !outcome.is_complete() {
            let failed: Vec<String> = outcome.failed().map(|(id, e)| format!("{id}: {e}")).collect();
            return Err(format!("destroy: {failed:?} in {:?}", brief(&plan)));
        }
        let again = session.plan(&stack, Intent::Absent).await.map_err(|e| format!("destroy again: {e}"))?;
        if !again.steps.is_empty() {
            return Err(format!("something is left after destroy: {:?}", brief(&again)));
        }
        // The same deletions once more: what is gone already counts as deleted.
        let outcome = session.execute(&plan).await;
        if outcome.is_complete() {
            Ok(())
        } else {
            Err(format!("deleting twice: {:?}", outcome.failed().collect::<Vec<_>>()))
        }
    }
}

/// Whether `path` is the field or something below it.
fn under(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn without(case: &Value, emulator: &str) -> bool {
    case.get("without").and_then(|w| w.get(emulator)).is_some()
}

/// Sets and unsets keys; `a/b` is the key `b` inside `a`.
fn apply(spec: &mut Value, case: &Value) {
    for (key, value) in case.get("set").and_then(Value::as_object).cloned().unwrap_or_default() {
        set(spec, &key, Some(value));
    }
    for key in texts(case, "unset") {
        set(spec, &key, None);
    }
}

fn set(spec: &mut Value, path: &str, value: Option<Value>) {
    let Some(parts) = spec.as_object_mut() else { return };
    match (path.split_once('/'), value) {
        (Some((first, rest)), value) if parts.contains_key(first) => {
            if let Some(inner) = parts.get_mut(first) {
                set(inner, rest, value);
            }
        }
        (_, Some(value)) => {
            parts.insert(path.to_owned(), value);
        }
        (_, None) => {
            parts.remove(path);
        }
    }
}

/// What the contracts of all kinds cover, by kind.
pub fn coverage(contracts: &[Contract]) -> BTreeMap<&'static str, Vec<String>> {
    let mut covered: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for contract in contracts {
        covered.entry(contract.kind()).or_default().extend(contract.covered());
    }
    covered
}
