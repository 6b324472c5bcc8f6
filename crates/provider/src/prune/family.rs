//! Old revisions of one family, for when a deployment has brought a new one.

use std::collections::BTreeSet;

use futures::future::ready;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hatoba_engine::cloud::CloudError;
use hatoba_model::address::Address;
use hatoba_rollout::state::Task;

use super::used::{Services, running};
use super::{Keep, Revision, Used, decide};
use crate::aws::Aws;
use crate::kinds::task_definition::{active_revisions, described, family_of, revision_of};
use crate::rollout::previous::{From, previous};

/// How many revisions go at the end of a run: each takes a call, and somebody waits for a deploy to end. The others go with the next one.
pub const AT_ONCE: usize = 10;
/// How many revisions are looked at for so many of the stack's own, where somebody else registers revisions of the family, too.
const LOOKS: usize = 20;
/// How many reads run at once: ECS allows a burst of 50.
const READS: usize = 10;

/// A task definition of a stack.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// The stack.
    pub stack: &'a str,
    /// Its address.
    pub task: &'a Address,
    /// The family.
    pub name: &'a str,
    /// How many of its newest revisions are kept.
    pub keep: usize,
}

/// What runs in the region, read once, when it is needed first.
#[derive(Debug, Default)]
pub struct Running(Option<Vec<(Services, Vec<Task>)>>);

impl Running {
    async fn read(&mut self, aws: &Aws) -> Result<&[(Services, Vec<Task>)], CloudError> {
        let there = match self.0.take() {
            Some(there) => there,
            None => running(aws).await?,
        };
        Ok(self.0.insert(there))
    }
}

/// The revisions that are not kept, at most so many: they are the stack's, and no task, service, deployment or rollback needs them. Where
/// there are no more active ones than are kept, one call tells.
///
/// # Errors
/// When anything could not be read: then nothing may be deregistered.
pub async fn surplus(
    aws: &Aws,
    family: Family<'_>,
    running: &mut Running,
    most: usize,
) -> Result<Vec<Revision>, CloudError> {
    let active = active_revisions(aws, family.name).await?;
    let Some(oldest) = beyond(active, family.keep) else { return Ok(Vec::new()) };
    let used = used_of(aws, family, running.read(aws).await?).await?;
    let of_family = |(number, arn): (u64, String)| async move {
        let mark = described(aws, &arn).await?.and_then(|(mark, _)| mark);
        let ours = mark.is_some_and(|mark| mark.stack == family.stack);
        Ok::<_, CloudError>(Revision { arn, family: family.name.to_owned(), number, ours, images: Vec::new() })
    };
    // The last that were left behind first: what others registered before a family was taken over stays for good, and should
    // not be looked at for ever, at each deploy.
    let free = oldest.into_iter().rev().filter(|(_, arn)| !used.contains(arn)).take(LOOKS);
    let looked = stream::iter(free.map(of_family)).buffered(READS);
    // What others registered in between does not count.
    let ours = looked.try_filter(|revision| ready(revision.ours)).take(most);
    let revisions: Vec<Revision> = ours.try_collect().await?;
    Ok(surplus_of(revisions, used))
}

/// Those beyond the newest, the oldest first, with their numbers; nothing where there are no more than are kept.
fn beyond(active: Vec<String>, keep: usize) -> Option<Vec<(u64, String)>> {
    let mut numbered: Vec<(u64, String)> = active.into_iter().map(|arn| (revision_of(&arn), arn)).collect();
    numbered.sort();
    let many = numbered.len().checked_sub(keep.max(1)).filter(|many| *many > 0)?;
    numbered.truncate(many);
    Some(numbered)
}

/// By the rules of `hatoba prune`. None of these is among the newest any more: a kept revision that does not exist stands for those.
fn surplus_of(mut revisions: Vec<Revision>, used: BTreeSet<String>) -> Vec<Revision> {
    let Some(family) = revisions.first().map(|revision| revision.family.clone()) else { return Vec::new() };
    let newest =
        Revision { arn: String::new(), family: family.clone(), number: u64::MAX, ours: false, images: Vec::new() };
    revisions.push(newest);
    let keep = Keep { revisions: [(family, 1)].into(), ..Keep::default() };
    decide(&revisions, &[], &Used { revisions: used, ..Used::default() }, &keep).revisions
}

/// What tasks, services and deployments run, and where services of the family would go back to.
async fn used_of(
    aws: &Aws,
    family: Family<'_>,
    running: &[(Services, Vec<Task>)],
) -> Result<BTreeSet<String>, CloudError> {
    let mut used = BTreeSet::new();
    for (services, tasks) in running {
        used.extend(tasks.iter().map(|task| task.task_definition.clone()));
        used.extend(services.revisions.iter().cloned());
        for service in services.each.iter().filter(|service| family_of(&service.runs) == family.name) {
            let from = From {
                stack: family.stack,
                task: family.task,
                cluster: &service.cluster,
                service: &service.name,
                runs: &service.runs,
            };
            used.extend(previous(aws, from).await?.map(|choice| choice.task_definition));
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arn(number: u64) -> String {
        format!("arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:{number}")
    }

    fn revision(number: u64, ours: bool) -> Revision {
        Revision { arn: arn(number), family: "papyrus".into(), number, ours, images: Vec::new() }
    }

    #[test]
    fn beyond_the_newest_are_the_others_by_number() {
        // As text, 10 comes before 9.
        let all: Vec<String> = [10, 9, 2, 11].map(arn).into();
        assert_eq!(beyond(all.clone(), 2), Some(vec![(2, arn(2)), (9, arn(9))]));
        assert_eq!(beyond(all.clone(), 4), None);
        assert_eq!(beyond(all, 0).map(|rest| rest.len()), Some(3), "the newest always stays");
        assert_eq!(beyond(Vec::new(), 0), None);
    }

    #[test]
    fn what_runs_and_what_is_not_ours_stays() {
        let all = vec![revision(1, true), revision(2, false), revision(3, true)];
        let gone = surplus_of(all, [arn(3)].into());
        assert_eq!(gone, [revision(1, true)]);
        assert_eq!(surplus_of(Vec::new(), BTreeSet::new()), []);
    }

    proptest! {
        #[test]
        fn nothing_in_use_and_none_of_the_newest_ever_goes(
            numbers in prop::collection::btree_set(1_u64..40, 0..20),
            used in prop::collection::btree_set(1_u64..40, 0..10),
            keep in 0_usize..12,
        ) {
            let used: BTreeSet<String> = used.into_iter().map(arn).collect();
            let beyond = beyond(numbers.iter().copied().map(arn).collect(), keep).unwrap_or_default();
            let free = beyond.into_iter().filter(|(_, arn)| !used.contains(arn)).map(|(number, _)| revision(number, true));
            let gone: Vec<Revision> = surplus_of(free.collect(), used.clone());
            let newest: Vec<u64> = numbers.iter().rev().take(keep.max(1)).copied().collect();
            for revision in &gone {
                prop_assert!(!used.contains(&revision.arn) && !newest.contains(&revision.number));
            }
            // And everything else does.
            let left = numbers.iter().filter(|number| !used.contains(&arn(**number)) && !newest.contains(number));
            prop_assert_eq!(gone.len(), left.count());
        }
    }
}
