//! Plans in files: what was approved is what is carried out, or nothing.

use std::path::Path;

use hatoba_engine::plan::{Intent, Plan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::args::Global;
use crate::error::{Error, Kind};
use crate::render;
use crate::render::Style;

/// The version of the format.
const VERSION: u32 = 1;

/// A saved plan. It holds no secrets: the plan itself is made anew and compared by its digest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    version: u32,
    /// The stack file.
    pub(crate) file: String,
    /// The environment.
    pub(crate) env: Option<String>,
    /// Whether it is the plan of a destruction.
    pub(crate) destroy: bool,
    /// Over everything that the plan would do, and what it expects to find.
    digest: String,
    /// For reading.
    text: String,
}

impl Saved {
    /// What is saved of a plan.
    pub(crate) fn new(plan: &Plan, place: &str, global: &Global) -> Self {
        Self {
            version: VERSION,
            file: global.file.display().to_string(),
            env: global.env.clone(),
            destroy: plan.intent == Intent::Absent,
            digest: digest(plan, place),
            text: render::plan::text(plan, place, Style { colour: false, width: 100 }),
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::new(Kind::Failed, error.to_string()))?;
        std::fs::write(path, text + "\n")
            .map_err(|error| Error::new(Kind::Failed, format!("cannot write {}: {error}", path.display())))
    }

    /// Reads one.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let bad = |why: String| {
            Error::new(Kind::Invalid, format!("{} is no saved plan: {why}", path.display()))
                .help("make one with `hatoba plan --out FILE`")
        };
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let saved: Self = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if saved.version != VERSION {
            return Err(bad(format!("it has version {}, this hatoba reads {VERSION}", saved.version)));
        }
        Ok(saved)
    }

    /// Refuses a plan that is not the saved one.
    pub(crate) fn must_equal(&self, plan: &Plan, place: &str) -> Result<(), Error> {
        if digest(plan, place) == self.digest {
            return Ok(());
        }
        Err(Error::new(Kind::Refused, "the saved plan no longer applies: the file or something on AWS has changed since")
            .help("make a new plan with `hatoba plan --out FILE` and look at it"))
    }
}

/// A digest over the steps with their unmasked values, identifiers and expectations.
fn digest(plan: &Plan, place: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(place);
    for step in &plan.steps {
        let wish = step.want.as_ref().map(|want| (&want.name, &want.scope, &want.fields));
        let live = step.live.as_ref().map(|live| (&live.id, &live.mark, &live.fields));
        hasher.update(format!("{}|{}|{:?}|{:?}|{wish:?}|{live:?}|{:?}\n", step.address, step.name, step.act, step.after, step.changes));
    }
    for refusal in &plan.refusals {
        hasher.update(format!("{refusal:?}\n"));
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
