//! Where the images of a revision come from: which run deployed them, and when. It stands in tags of the revision, apart from those that the
//! file wishes for: a plan never shows it and never changes it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use hatoba_engine::desired::{Desired, Goal, Resolved};
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use serde::{Deserialize, Serialize};

use crate::tags::Tags;

/// The tag with the address of the run that deployed.
const RUN: &str = "hatoba:run";
/// The tag with the commit that was deployed.
const COMMIT: &str = "hatoba:commit";
/// The tag with the time of the deploy, in UTC: `2026-11-21T20:00:00Z`.
const DEPLOYED_AT: &str = "hatoba:deployed-at";
/// The tag with the one who started the run.
const ACTOR: &str = "hatoba:actor";
/// The tag with the revision that a rollback made this a copy of: `papyrus:6`.
const BACK_TO: &str = "hatoba:back-to";
/// All of these tags. Where a revision has no room for all, the first ones count most.
pub(crate) const KEYS: [&str; 5] = [RUN, COMMIT, DEPLOYED_AT, ACTOR, BACK_TO];

/// How many tags a resource of ECS has at most, not counting AWS's own. Source: ECS API reference, `TagResource`.
const TAGS: usize = 50;
/// How many characters the value of a tag has at most. Source: ECS API reference, `Tag`.
const VALUE: usize = 256;
/// Under this name a sighting keeps it.
const NOTE: &str = "provenance";

/// Who deployed the images of a revision, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The address of the run: `https://github.com/acme/papyrus/actions/runs/123`.
    pub run: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// Who started the run.
    pub actor: Option<String>,
    /// When, in milliseconds since 1970.
    pub deployed_at: Option<i64>,
    /// The revision that a rollback went back to with a copy, which this is: `papyrus:6`.
    #[serde(default)]
    pub back_to: Option<String>,
}

/// What a revision that is registered from now on says of where its images come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// This run, unless the images stay what they are: then what was said of those. Where some images of a task definition belong to the
    /// pipeline, these alone count.
    Apply {
        /// This run.
        this: Provenance,
        /// The containers whose images belong to the pipeline.
        pipeline: BTreeMap<Address, BTreeSet<String>>,
    },
    /// This run.
    Deploy(Provenance),
    /// What was said of those that it goes back to.
    Rollback(Provenance),
}

impl Provenance {
    /// What was noted on a revision; nothing where its tags say nothing.
    pub fn of(live: &Sighting) -> Option<Self> {
        serde_json::from_str(live.notes.get(NOTE)?).ok()
    }

    /// Takes it out of the tags of a revision, where these have it.
    pub(crate) fn take(tags: &mut Tags) -> Option<Self> {
        let mut take = |key: &str| tags.remove(key).filter(|value| !value.is_empty());
        let [run, commit, at, actor, back_to] = KEYS.map(&mut take);
        let millis = |at: String| DateTime::from_str(&at, Format::DateTime).ok()?.to_millis().ok();
        let found = Self { run, commit, actor, deployed_at: at.and_then(millis), back_to };
        (found != Self::default()).then_some(found)
    }

    pub(crate) fn note(&self, live: &mut Sighting) {
        live.notes.extend(serde_json::to_string(self).ok().map(|text| (NOTE.to_owned(), text)));
    }

    /// Adds it to the tags of a new revision, as far as there is room.
    pub(crate) fn add(&self, tags: &mut Tags) {
        // An address that had to be changed leads nowhere.
        let run = self.run.clone().filter(|run| fit(run).as_ref() == Some(run));
        let at = self.deployed_at.and_then(|at| DateTime::from_millis(at / 1_000 * 1_000).fmt(Format::DateTime).ok());
        let fit = |text: &Option<String>| text.as_deref().and_then(fit);
        for (key, value) in KEYS.into_iter().zip([run, fit(&self.commit), at, fit(&self.actor), fit(&self.back_to)]) {
            let Some(value) = value else { continue };
            if tags.len() < TAGS {
                tags.insert(key.to_owned(), value);
            }
        }
    }
}

impl Stamp {
    /// That of an apply of everything in a file.
    pub fn apply(this: Provenance, goal: &Goal) -> Self {
        let tasks = tasks(goal).map(|want| (want.address.clone(), pipelines(want))).collect();
        Self::Apply { this, pipeline: tasks }
    }

    /// What the next revision says, which follows `live`.
    pub(crate) fn next(&self, want: &Resolved, live: Option<&Sighting>) -> Provenance {
        let (this, pipeline) = match (self, live) {
            (Self::Deploy(this) | Self::Rollback(this) | Self::Apply { this, .. }, None) => return this.clone(),
            (Self::Deploy(this) | Self::Rollback(this), Some(_)) => return this.clone(),
            (Self::Apply { this, pipeline }, Some(_)) => (this, pipeline.get(&want.address)),
        };
        let counts = |container: &str| pipeline.is_none_or(|some| some.is_empty() || some.contains(container));
        let counted =
            |fields| images(fields).into_iter().filter(|(container, _)| counts(container)).collect::<Vec<_>>();
        match live.filter(|live| counted(&want.fields) == counted(&live.fields)) {
            // The images may be those that were brought back; the rest is not any more.
            Some(live) => Provenance { back_to: None, ..Provenance::of(live).unwrap_or_default() },
            None => this.clone(),
        }
    }
}

/// The tags of a revision that have to go before these find room beside them: those that count least.
pub(crate) fn in_the_way(tags: &Tags, live: &Sighting) -> Vec<String> {
    let mut there = Tags::new();
    Provenance::of(live).unwrap_or_default().add(&mut there);
    let many = (tags.len() + there.len()).saturating_sub(TAGS);
    KEYS.iter().rev().filter(|key| there.contains_key(**key)).take(many).map(|key| (*key).to_owned()).collect()
}

/// A text as a tag may hold it; nothing where nothing is left of it. Tags hold letters, digits, spaces and some signs: whatever stands between
/// becomes a dash, so that `dependabot[bot]` is `dependabot-bot`. Source: ECS API reference, `TagResource`.
fn fit(text: &str) -> Option<String> {
    let may = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
    let mut out = String::new();
    for c in text.trim().chars() {
        if may(c) {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let changed = out != text;
    let out: String = out.chars().take(VALUE).collect();
    let out = if changed { out.trim_matches(['-', ' ']) } else { out.as_str() };
    (!out.is_empty()).then(|| out.to_owned())
}

/// The images by container.
fn images(fields: &Fields) -> BTreeMap<&str, &str> {
    let containers = fields.get("containers").and_then(Value::as_map).into_iter().flatten();
    containers.filter_map(|(name, parts)| Some((name.as_str(), parts.get("image")?.as_text()?))).collect()
}

fn tasks(goal: &Goal) -> impl Iterator<Item = &Desired> {
    goal.resources.values().filter(|want| want.kind.name == "task_definition" && !want.existing)
}

/// The containers whose images belong to the pipeline.
fn pipelines(want: &Desired) -> BTreeSet<String> {
    let containers = want.fields.get("containers").and_then(Value::as_map).into_iter().flatten();
    let kept = containers.filter(|(_, parts)| matches!(parts.get("image"), Some(Value::Keep(_))));
    kept.map(|(name, _)| name.clone()).collect()
}

/// An image that a plan leaves as it is, because it belongs to the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The task definition.
    pub task: Address,
    /// The container.
    pub container: String,
    /// The image.
    pub image: String,
    /// Where it comes from.
    pub provenance: Option<Provenance>,
}

/// The images that stay whatever the file says besides.
pub fn kept(goal: &Goal, seen: &Snapshot) -> Vec<Kept> {
    let mut out = Vec::new();
    for want in tasks(goal) {
        let live = seen.seen.iter().find(|live| live.kind.name == want.kind.name && live.name == want.name);
        let Some(live) = live else { continue };
        let pipeline = pipelines(want);
        let stay = images(&live.fields).into_iter().filter(|(container, _)| pipeline.contains(*container));
        out.extend(stay.map(|(container, image)| Kept {
            task: want.address.clone(),
            container: container.to_owned(),
            image: image.to_owned(),
            provenance: Provenance::of(live),
        }));
    }
    out
}

#[cfg(test)]
#[path = "provenance_tests.rs"]
mod tests;
