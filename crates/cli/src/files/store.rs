//! Workflow files as resources: found, compared, written and deleted.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::cloud::{Class, CloudError, Receipt};
use hatoba_engine::desired::{Goal, Resolved};
use hatoba_engine::owner::{TAG_RESOURCE, TAG_STACK};
use hatoba_engine::snapshot::{ReadFailure, Sighting, Snapshot};
use hatoba_engine::value::Value;
use hatoba_github::generate::{header, keep};
use hatoba_model::workflows::{FOLDER, address};

use super::disk::{Disk, DiskError};
use super::kind::{CONTENT, WORKFLOW};
use super::root::Root;

/// The workflow files of a repository.
#[derive(Debug)]
pub(crate) struct Files {
    disk: Disk,
    /// By path, the names of the parts of a file that are not ours.
    kept: BTreeMap<String, BTreeSet<String>>,
}

impl Files {
    /// Those of this repository, as the goal wants them.
    pub(crate) fn new(root: &Root, goal: &Goal) -> Self {
        let wanted = goal.resources.values().filter(|want| want.kind.name == WORKFLOW.name);
        let made = wanted.filter_map(|want| Some((want.name.clone(), want.fields.get(CONTENT)?.as_text()?)));
        let kept = made.map(|(path, content)| (path, keep::names(content))).collect();
        Self { disk: Disk::new(root.path.clone()), kept }
    }

    /// Whether they are in a repository of git at all.
    pub(crate) fn in_repository(&self) -> bool {
        self.disk.in_repository()
    }

    /// What the goal names, and what bears the mark of its stack.
    pub(super) fn survey(&self, goal: &Goal) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let mut wanted = BTreeSet::new();
        for want in goal.resources.values().filter(|want| want.kind.name == WORKFLOW.name) {
            wanted.insert(want.name.as_str());
            match self.look(&want.name) {
                Ok(seen) => snapshot.seen.extend(seen),
                Err(error) => snapshot.unreadable.push(ReadFailure { addresses: vec![want.address.clone()], error }),
            }
        }
        let names = match self.disk.names() {
            Ok(names) => names,
            Err(error) => {
                let error = failed("list files", FOLDER, &error);
                snapshot.unreadable.push(ReadFailure { addresses: Vec::new(), error });
                return snapshot;
            }
        };
        for path in names.iter().map(|name| format!("{FOLDER}{name}")).filter(|path| !wanted.contains(path.as_str())) {
            // What cannot be read as text was not written by us.
            let Ok(Some(text)) = self.disk.read(&path) else { continue };
            let stack = header::read(&text).0.and_then(|tags| tags.get(TAG_STACK).cloned());
            if stack.as_deref() == Some(goal.stack.as_str()) {
                snapshot.seen.push(self.sighting(&path, &text));
            }
        }
        // A copy under another name bears no mark, and is nobody's.
        snapshot.seen.retain(|live| live.mark.is_some() || wanted.contains(live.name.as_str()));
        snapshot
    }

    /// One file again.
    pub(super) fn look(&self, path: &str) -> Result<Option<Sighting>, CloudError> {
        let text = self.disk.read(path).map_err(|error| failed("read file", path, &error))?;
        Ok(text.map(|text| self.sighting(path, &text)))
    }

    /// Writes a file that is not there yet.
    pub(super) fn create(&self, want: &Resolved) -> Result<Receipt, CloudError> {
        if self.look(&want.name)?.is_some() {
            let text = format!("`{}` is there already", want.name);
            return Err(CloudError::new(Class::Exists, WORKFLOW.create_call, text));
        }
        self.write(want, "")
    }

    /// Writes a file anew; what stands in it and is not ours is kept.
    pub(super) fn update(&self, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        let there = self.as_seen(live)?;
        self.write(want, &there)
    }

    /// Deletes a file.
    pub(super) fn delete(&self, live: &Sighting) -> Result<(), CloudError> {
        if self.look(&live.name)?.is_some() {
            self.as_seen(live)?;
        }
        self.disk.remove(&live.name).map_err(|error| failed(WORKFLOW.delete_call, &live.name, &error))
    }

    /// Takes our comments off a file, which from then on is its readers'.
    pub(super) fn release(&self, live: &Sighting) -> Result<(), CloudError> {
        let Some(text) = self.disk.read(&live.name).map_err(|error| failed("read file", &live.name, &error))? else {
            return Ok(());
        };
        let content = header::released(header::read(&text).1);
        self.disk.write(&live.name, content).map_err(|error| failed("write file", &live.name, &error))
    }

    fn write(&self, want: &Resolved, there: &str) -> Result<Receipt, CloudError> {
        let content = keep::filled(want.text(CONTENT).unwrap_or_default(), there);
        let text = header::line(&want.tags()) + &content;
        self.disk.write(&want.name, &text).map_err(|error| failed(WORKFLOW.create_call, &want.name, &error))?;
        Ok(Receipt { id: Some(want.name.clone()), outputs: Vec::new() })
    }

    /// The text of a file, which has to be what the plan was made from: people edit files while plans are looked at.
    fn as_seen(&self, live: &Sighting) -> Result<String, CloudError> {
        let call = "read file";
        let text = self.disk.read(&live.name).map_err(|error| failed(call, &live.name, &error))?.unwrap_or_default();
        if self.sighting(&live.name, &text).fields != live.fields {
            let message = format!("`{}` was changed since the plan was made; plan again", live.name);
            return Err(CloudError::new(Class::Other, call, message));
        }
        Ok(header::read(&text).1.to_owned())
    }

    fn sighting(&self, path: &str, text: &str) -> Sighting {
        let mut live = Sighting::new(&WORKFLOW, path, path);
        // A copy of one of our files under another name bears the mark of the original.
        let own = |tags: &BTreeMap<String, String>| tags.get(TAG_RESOURCE) == Some(&address(path).to_string());
        let (tags, content) = match header::read(text) {
            (Some(tags), content) if own(&tags) => (Some(tags), content),
            _ => (None, text),
        };
        if let Some(tags) = tags {
            live.set_tags(tags);
        }
        let content = match self.kept.get(path) {
            Some(names) => keep::emptied(content, names),
            None => content.to_owned(),
        };
        live.fields.insert(CONTENT.to_owned(), Value::Doc(content));
        live
    }
}

/// What the disk said, as the engine takes it.
fn failed(call: &str, path: &str, error: &DiskError) -> CloudError {
    let class = match error {
        DiskError::Io(_) => Class::Other,
        DiskError::Outside | DiskError::Link(_) | DiskError::NoFile | DiskError::TooLarge | DiskError::NotText => {
            Class::Invalid
        }
    };
    CloudError::new(class, call, format!("`{path}`: {error}"))
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
