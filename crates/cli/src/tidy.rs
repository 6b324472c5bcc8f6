//! Old revisions go once a new one runs: as many stay as `keep_revisions` says.

use hatoba_engine::cloud::{Class, CloudError};
use hatoba_engine::execute::{Outcome, StepEnd};
use hatoba_engine::plan::{Act, Plan, Step};
use hatoba_engine::value::{OutputRef, Value};
use hatoba_provider::aws::Aws;
use hatoba_provider::prune::{AT_ONCE, Family, Revision, Running, delete_retired, retire, surplus};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use crate::commands::prune::{KEPT, ranges};
use crate::interrupt::Interrupt;
use crate::render::line::Line;
use crate::render::{Tone, plural};
use crate::rests::{Rests, passes};
use crate::session::Session;
use crate::ui::Ui;

/// Takes away the old revisions of every family that got a new one, and returns them. That it is not possible is said, and nothing more: what
/// was asked for is done. So it is for whoever interrupts it: the rest stays until the next deploy.
pub(crate) async fn tidy(plan: &Plan, outcome: &Outcome, session: &Session, ui: &Ui, interrupt: &Interrupt) -> Json {
    let stop = interrupt.begin();
    let (mut gone, mut running) = (Vec::<Revision>::new(), Running::default());
    for (step, number) in registered(plan, outcome) {
        let spec = session.stack.task_definitions.get(&step.address.name);
        let said = spec.and_then(|spec| spec.keep_revisions);
        let keep = said.and_then(|keep| usize::try_from(keep).ok()).unwrap_or(KEPT);
        // There cannot be more of them than were ever registered.
        let few = usize::try_from(number).is_ok_and(|number| number <= keep);
        if few || gone.len() >= AT_ONCE || *stop.borrow() {
            continue;
        }
        let family = Family { stack: session.name(), task: &step.address, name: &step.name, keep };
        let mut taken = Vec::new();
        let end = take_away(session, family, &mut running, AT_ONCE - gone.len(), &mut taken, &stop).await;
        ui.tell(&deregistered(&step.name, &taken));
        if let Err(error) = end {
            match kept(&step.name, said.is_some(), !taken.is_empty(), &error) {
                Some(text) => ui.tell(&[Line::new(0).add(Tone::Faint, &text)]),
                None => tracing::info!(%error, family = step.name, "old revisions stay"),
            }
        }
        gone.extend(taken);
    }
    interrupt.end();
    if *stop.borrow() {
        let text = "interrupted: old revisions stay until the next deploy takes them away; the deployment is done";
        ui.tell(&[Line::new(0).add(Tone::Warning, text)]);
    }
    gone.iter().map(|it| json!({ "family": it.family, "arn": it.arn })).collect()
}

/// Takes away old revisions of one family, one after the other, at most so many, and notes which. It ends early when it is told to stop: a call
/// that was begun is let finish.
async fn take_away(
    session: &Session,
    family: Family<'_>,
    running: &mut Running,
    most: usize,
    taken: &mut Vec<Revision>,
    stop: &watch::Receiver<bool>,
) -> Result<(), CloudError> {
    let aws = session.provider.aws();
    let Some(revisions) = unless(stop, surplus(aws, family, running, most)).await else { return Ok(()) };
    let mut end = Ok(());
    for revision in revisions? {
        match deregister(aws, &revision, stop).await {
            Some(Ok(())) => taken.push(revision),
            Some(failed) => {
                end = failed;
                break;
            }
            None => break,
        }
    }
    unless(stop, delete_retired(aws, taken)).await;
    end
}

/// Deregisters a revision, with some patience; nothing where it was told to stop before.
async fn deregister(aws: &Aws, revision: &Revision, stop: &watch::Receiver<bool>) -> Option<Result<(), CloudError>> {
    let mut rests = Rests::new();
    while !*stop.borrow() {
        match retire(aws, revision).await {
            // What is deregistered twice is deregistered.
            Err(error) if rests.any_left() && passes(error.class) => {
                unless(stop, rests.take()).await;
            }
            end => return Some(end),
        }
    }
    None
}

/// Does it, unless it is told to stop before that is done.
async fn unless<T>(stop: &watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    let mut stop = stop.clone();
    tokio::select! {
        biased;
        Ok(_) = stop.wait_for(|stop| *stop) => None,
        done = work => Some(done),
    }
}

/// The task definitions that got a new revision after others, with its number.
fn registered<'a>(plan: &'a Plan, outcome: &'a Outcome) -> impl Iterator<Item = (&'a Step, i64)> {
    let renewed = |step: &&Step| match &step.act {
        Act::Update { groups } => step.kind.name == "task_definition" && groups.contains(&step.kind.create_call),
        Act::Create { .. } | Act::Delete { .. } | Act::Release | Act::Settle { .. } => false,
    };
    let done = |step: &&Step| matches!(outcome.steps.get(&step.id), Some(StepEnd::Done));
    plan.steps.iter().filter(renewed).filter(done).filter_map(|step| {
        let number = outcome.known.get(&OutputRef::new(&step.address, "revision")).and_then(Value::as_int)?;
        Some((step, number))
    })
}

fn deregistered(family: &str, revisions: &[Revision]) -> Vec<Line> {
    let numbers: Vec<u64> = revisions.iter().map(|revision| revision.number).collect();
    if numbers.is_empty() {
        return Vec::new();
    }
    let text = format!("{family}: old {} {} deregistered", plural(numbers.len(), "revision"), ranges(&numbers));
    vec![Line::new(0).add(Tone::Faint, &text)]
}

/// Why old revisions stay, all or the others. Whoever did not ask for their end need not hear that a role may not bring it about: few roles
/// should.
fn kept(family: &str, asked: bool, some: bool, error: &CloudError) -> Option<String> {
    let old = if some { "other old revisions stay" } else { "old revisions stay" };
    match error.class {
        Class::Denied if !asked => None,
        Class::Denied => Some(format!(
            "{family}: {old}, because these credentials may not call {}; `hatoba prune` takes them away with others",
            error.call
        )),
        _ => Some(format!("{family}: {old}: {error}; `hatoba prune` takes them away")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_may_not_is_only_told_of_where_the_file_asks_for_it() {
        let denied = CloudError::new(Class::Denied, "ecs:ListClusters", "no");
        assert_eq!(kept("papyrus", false, false, &denied), None);
        let text = kept("papyrus", true, false, &denied).unwrap_or_default();
        assert!(text.contains("may not call ecs:ListClusters") && text.contains("hatoba prune"), "{text}");
        let server = CloudError::new(Class::Server, "ecs:ListTasks", "503");
        assert!(kept("papyrus", false, false, &server).unwrap_or_default().contains("ecs:ListTasks: 503"));
        assert!(kept("papyrus", false, true, &server).unwrap_or_default().contains("other old revisions stay"));
    }
}
