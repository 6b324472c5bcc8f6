//! Which revision of a family stands for it: the latest one, or the one that runs. They differ after a rollback, and where a run was
//! killed between registering a revision and bringing it to its service.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use hatoba_engine::cloud::{CloudError, Target};
use hatoba_engine::desired::Goal;
use hatoba_engine::diff::{differences, settled};
use hatoba_engine::snapshot::{ReadFailure, Readiness, Sighting, Snapshot};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use hatoba_rollout::state::last;

use super::{INFO, READS, REGISTER, calls, live, revision_of};
use crate::aws::Aws;

/// Under this name the sighting of a revision that is not the latest one of its family keeps the ARN of that.
const LATEST: &str = "latest";

/// The revision of the family that was registered last, as far as is known. Numbers are counted from it.
pub(super) fn latest_of(live: &Sighting) -> &str {
    live.notes.get(LATEST).unwrap_or(&live.id)
}

/// The family of a revision, both as ARNs.
fn family(arn: &str) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.rsplit_once(':').map(|(family, _)| family))?
}

/// Which of two revisions of a family stands for it: the one that runs, because images that belong to the pipeline are those that run, and
/// what was rolled back is not what the next change begins with. But the latest one where it already is what is wanted, with these images:
/// then a run was cut short between its two calls, or its deployment was rolled back, and no second revision like it is needed.
///
/// What `running` is not read of is taken from `latest`: whose the family is.
pub fn stands_for(want: &Fields, latest: Sighting, running: Sighting) -> Sighting {
    let is_wanted = |there: &Sighting| is_already(want, &running.fields, &there.fields);
    // Two reads at different moments: the other one may be newer by now.
    let is_newer = revision_of(&running.id) > revision_of(&latest.id);
    if !is_newer && !is_wanted(&running) && is_wanted(&latest) {
        return latest;
    }
    stood_in(&latest, running)
}

/// The revision that runs as the one that stands for its family.
fn stood_in(latest: &Sighting, mut running: Sighting) -> Sighting {
    if latest.mark.is_some() {
        running.mark.clone_from(&latest.mark);
    }
    if revision_of(&latest.id) > revision_of(&running.id) {
        running.notes.insert(LATEST.to_owned(), latest.id.clone());
    }
    running
}

/// Whether a revision is what is wanted, where what others own is as in `over`. Tags do not make a revision.
fn is_already(want: &Fields, over: &Fields, there: &Fields) -> bool {
    let wish =
        |name: &'static str| Some((name.to_owned(), settled(INFO.field(name)?, want.get(name)?, over.get(name))));
    let wished: Fields = INFO.fields.iter().filter_map(|field| wish(field.name)).collect();
    !differences(&INFO, &wished, there).iter().any(|change| change.call.as_deref() == Some(REGISTER))
}

/// For each family the newest revision that a service of the stack runs, both as ARNs.
fn revisions_that_run<'s>(goal: &Goal, seen: &'s [Sighting]) -> BTreeMap<&'s str, &'s str> {
    let services = || goal.resources.values().filter(|want| want.kind.name == "service" && !want.existing);
    let is_ours = |live: &Sighting| {
        let marked = live.mark.as_ref().is_some_and(|mark| goal.owns(mark));
        marked || services().any(|want| want.name == live.name && want.scope == live.scope)
    };
    let runs = |live: &&Sighting| {
        live.kind.name == "service" && !matches!(live.readiness, Readiness::Deleting(_)) && is_ours(live)
    };
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for arn in seen.iter().filter(runs).filter_map(|live| live.fields.get("task_definition")?.as_text()) {
        let Some(family) = family(arn) else { continue };
        if newest.get(family).is_none_or(|other| revision_of(other) < revision_of(arn)) {
            newest.insert(family, arn);
        }
    }
    newest
}

/// A wanted family whose latest revision is not the one that runs.
#[derive(Debug)]
struct Other {
    /// Where the latest one stands among what was seen.
    at: usize,
    address: Address,
    want: Fields,
    /// The ARN of the one that runs.
    runs: String,
}

/// Lets revisions that run stand for their families. Where the latest one runs, which is the rule, nothing is read.
pub(crate) async fn take_running(aws: &Aws, goal: &Goal, snapshot: &mut Snapshot) {
    let others: Vec<Other> = {
        let runs = revisions_that_run(goal, &snapshot.seen);
        let wants = || goal.resources.values().filter(|want| want.kind.name == INFO.name && !want.existing);
        let seen = snapshot.seen.iter().enumerate().filter(|(_, live)| live.kind.name == INFO.name);
        let other = |(at, live): (usize, &Sighting)| {
            let runs = *runs.get(family(&live.id)?).filter(|arn| **arn != live.id)?;
            let want = wants().find(|want| want.name == live.name)?;
            Some(Other { at, address: want.address.clone(), want: want.fields.clone(), runs: runs.to_owned() })
        };
        seen.filter_map(other).collect()
    };
    let reads = others.into_iter().map(|other| async move {
        let read = calls::describe(aws, &other.runs).await;
        let read = read.map(|answer| live(&answer?, Some(&other.want), aws.facts()));
        (other, read)
    });
    let read: Vec<(Other, Result<Option<Sighting>, CloudError>)> = stream::iter(reads).buffered(READS).collect().await;
    for (other, running) in read {
        let Some(there) = snapshot.seen.get_mut(other.at) else { continue };
        match running {
            Ok(Some(running)) => *there = stands_for(&other.want, there.clone(), running),
            Ok(None) => there.remarks.push(unreadable(&other.runs, &there.id)),
            Err(error) => snapshot.unreadable.push(ReadFailure { addresses: vec![other.address], error }),
        }
    }
}

/// What whoever reads a plan should know where the revision that runs is not there any more.
fn unreadable(runs: &str, latest: &str) -> String {
    format!("{} runs, but is not there any more: images are kept from {}", last(runs), last(latest))
}

/// The revision that a plan was made from, before a step of it: the one that stands for its family, as long as none was registered after
/// the one that was the latest then.
pub(super) async fn planned(aws: &Aws, target: &Target, latest: Sighting) -> Result<Sighting, CloudError> {
    match &target.id {
        Some(arn) if *arn != latest.id && target.notes.get(LATEST) == Some(&latest.id) => {
            let running = calls::describe(aws, arn).await?.and_then(|answer| live(&answer, None, aws.facts()));
            Ok(running.map_or(latest.clone(), |running| stood_in(&latest, running)))
        }
        _ => Ok(latest),
    }
}

/// The revision that a service runs, by its ARN, where it is one of the family but not this latest one.
pub fn other_that_runs<'s>(latest: &Sighting, service: &'s Sighting) -> Option<&'s str> {
    let runs = service.fields.get("task_definition").and_then(Value::as_text)?;
    (runs != latest.id && family(runs)? == family(&latest.id)?).then_some(runs)
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
