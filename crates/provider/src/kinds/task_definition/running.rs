//! Which revision of a family stands for it: the latest one, or the one that runs. They differ after a rollback, and where a run was
//! killed between registering a revision and bringing it to its service.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use hatoba_engine::cloud::{CloudError, Target};
use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::diff::{differences, settled};
use hatoba_engine::snapshot::{ReadFailure, Readiness, Sighting, Snapshot};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use hatoba_rollout::state::last;

use super::{INACTIVE, INFO, READS, REGISTER, STATUS, calls, family_of, live, revision_of};
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

/// Which revision stands for a family, as [`stands_for`] says, where a service may have to be given it (`sought`): a deregistered one
/// goes on running, but AWS gives it to no service any more, neither to a new one nor to one that runs another. Then the latest one
/// stands for the family if it is what is wanted, or else what the deregistered one says is registered anew, with the images that run.
///
/// Source: ECS API reference, `DeregisterTaskDefinition`.
fn startable(want: &Fields, latest: Option<Sighting>, running: Sighting, sought: bool) -> Sighting {
    let is_left = |live: &Sighting| sought && live.notes.contains_key(INACTIVE);
    let mut stands = match latest {
        Some(latest) if is_left(&running) && is_already(want, &running.fields, &latest.fields) => latest,
        Some(latest) => stands_for(want, latest, running),
        None => running,
    };
    if is_left(&stands) {
        let text = "runs and was deregistered: AWS gives it to no service any more, so it is registered anew";
        stands.remarks.push(format!("{} {text}", last(&stands.id)));
        stands.fields.insert(STATUS.to_owned(), INACTIVE.into());
    }
    stands
}

/// What is seen of a service of the file, unless it is on its way out.
fn seen_of<'s>(want: &Desired, seen: &'s [Sighting]) -> Option<&'s Sighting> {
    seen.iter().filter(|live| want.names(live)).find(|live| !matches!(live.readiness, Readiness::Deleting(_)))
}

/// The services of the file that are the stack's own.
fn services(goal: &Goal) -> impl Iterator<Item = &Desired> {
    goal.resources.values().filter(|want| want.kind.name == "service" && !want.existing)
}

/// The revision that a service runs.
fn task_of(service: &Sighting) -> Option<&str> {
    service.fields.get("task_definition").and_then(Value::as_text)
}

/// For each family the newest revision that a service of the stack runs, both as ARNs.
fn revisions_that_run<'s>(goal: &Goal, seen: &'s [Sighting]) -> BTreeMap<&'s str, &'s str> {
    let is_ours = |live: &Sighting| goal.has_marked(live) || services(goal).any(|want| want.names(live));
    let runs = |live: &&Sighting| {
        live.kind.name == "service" && !matches!(live.readiness, Readiness::Deleting(_)) && is_ours(live)
    };
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for arn in seen.iter().filter(runs).filter_map(task_of) {
        let Some(family) = family(arn) else { continue };
        if newest.get(family).is_none_or(|other| revision_of(other) < revision_of(arn)) {
            newest.insert(family, arn);
        }
    }
    newest
}

/// Whether a service of the file that uses this task definition would have to be given this revision: it is not there, or runs another.
fn is_sought(goal: &Goal, snapshot: &Snapshot, task: &Address, runs: &str) -> bool {
    let unread = |want: &&Desired| snapshot.unreadable.iter().any(|failure| failure.addresses.contains(&want.address));
    let users = services(goal).filter(|want| want.needs.contains(task) && !unread(want));
    users.map(|want| seen_of(want, &snapshot.seen)).any(|live| live.and_then(task_of) != Some(runs))
}

/// A wanted family whose latest active revision, if there is one, is not the one that runs.
#[derive(Debug)]
struct Other {
    /// Where the latest one stands among what was seen.
    at: Option<usize>,
    address: Address,
    want: Fields,
    /// The ARN of the one that runs.
    runs: String,
    /// Whether a service may have to be given that one.
    sought: bool,
}

fn others(goal: &Goal, snapshot: &Snapshot) -> Vec<Other> {
    let running = revisions_that_run(goal, &snapshot.seen);
    let wants = goal.resources.values().filter(|want| want.kind.name == INFO.name && !want.existing);
    let other = |want: &Desired| {
        let at = snapshot.seen.iter().position(|live| live.kind.name == INFO.name && live.name == want.name);
        let latest = at.and_then(|at| snapshot.seen.get(at));
        let runs =
            *running.values().find(|arn| family_of(arn) == want.name && latest.is_none_or(|it| it.id != **arn))?;
        // That there is none is only known where it could be read.
        if at.is_none() && snapshot.unreadable.iter().any(|failure| failure.addresses.contains(&want.address)) {
            return None;
        }
        let sought = is_sought(goal, snapshot, &want.address, runs);
        Some(Other { at, address: want.address.clone(), want: want.fields.clone(), runs: runs.to_owned(), sought })
    };
    wants.filter_map(other).collect()
}

/// Lets revisions that run stand for their families. Where the latest one runs, which is the rule, nothing is read.
pub(crate) async fn take_running(aws: &Aws, goal: &Goal, snapshot: &mut Snapshot) {
    let reads = others(goal, snapshot).into_iter().map(|other| async move {
        let read = calls::describe(aws, &other.runs).await;
        let read = read.map(|answer| live(&answer?, Some(&other.want), aws.facts()));
        (other, read)
    });
    let read: Vec<(Other, Result<Option<Sighting>, CloudError>)> = stream::iter(reads).buffered(READS).collect().await;
    for (other, running) in read {
        let there = other.at.and_then(|at| snapshot.seen.get_mut(at));
        match (running, there) {
            (Ok(Some(running)), Some(there)) => {
                *there = startable(&other.want, Some(there.clone()), running, other.sought);
            }
            // All revisions were deregistered: the images that belong to the pipeline are still those that run.
            (Ok(Some(running)), None) => snapshot.seen.push(startable(&other.want, None, running, other.sought)),
            (Ok(None), Some(there)) => there.remarks.push(unreadable(&other.runs, &there.id)),
            (Ok(None), None) => {}
            (Err(error), _) => snapshot.unreadable.push(ReadFailure { addresses: vec![other.address], error }),
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
    let runs = task_of(service)?;
    (runs != latest.id && family(runs)? == family(&latest.id)?).then_some(runs)
}

/// The revision that a service runs, by its ARN, where it is one of this family.
pub fn runs_of<'s>(family: &str, service: &'s Sighting) -> Option<&'s str> {
    task_of(service).filter(|arn| arn.starts_with("arn:") && family_of(arn) == family)
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
