//! Carries out a plan, and says how that went.

use std::collections::BTreeSet;
use std::time::Duration;

use hatoba_engine::execute::{Outcome, StepError, execute};
use hatoba_engine::plan::Plan;
use hatoba_model::facts::Facts;
use hatoba_provider::permissions::missing::{Missing, Refusals};
use hatoba_provider::rollout::standing::{Unsettled, unsettled};
use hatoba_provider::rollout::started::started;
use hatoba_rollout::follow::Target;
use hatoba_rollout::state::last;
use serde_json::{Value as Json, json};

use crate::args::{Failing, FollowArgs, Global};
use crate::error::{Error, Kind};
use crate::follow::{Followed, Started, follow};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::render;
use crate::render::Tone;
use crate::render::line::Line;
use crate::render::{missing, report};
use crate::session::{Look, Session};
use crate::tidy::tidy;
use crate::ui::Ui;

/// Carries a plan out, drawing its progress. Ctrl-C and SIGTERM let running calls finish.
pub(crate) async fn carry_out(plan: &Plan, session: &Session, ui: &Ui, interrupt: &Interrupt) -> Outcome {
    // Between the plan and what becomes of it.
    ui.tell(&[Line::blank()]);
    let progress = Progress::new(plan, ui);
    let events = |event| progress.event(event);
    let mut stop = interrupt.begin();
    let world = session.world();
    let work = execute(plan, &world, &session.clock, session.seen, stop.clone(), &events);
    tokio::pin!(work);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            _ = ticks.tick() => progress.tick(),
            Ok(()) = stop.changed() => {
                let text = "stopping: running calls are let finish, nothing new begins; once more leaves at once";
                progress.tell(&Line::new(0).add(Tone::Warning, text));
            }
        }
    };
    interrupt.end();
    progress.finish();
    outcome
}

/// How a plan is carried out by a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// The command that continues.
    pub(crate) again: &'a str,
    /// The command that needs the permissions, where it has some of its own.
    pub(crate) command: Option<&'static str>,
    /// How the deployments are followed that it starts.
    pub(crate) follow: &'a FollowArgs,
}

/// Carries a plan out, follows the deployments that it starts, and says how it went; with `--json` in one document.
///
/// # Errors
/// As [`finish`], and when a deployment does not complete.
pub(crate) async fn complete(
    look: &Look,
    session: &Session,
    run: Run<'_>,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<u8, Error> {
    let plan = &look.plan;
    let outcome = carry_out(plan, session, ui, interrupt).await;
    let mut document = json!({
        "plan": look.document(),
        "outcome": render::json::outcome(plan, &outcome),
        "deployments": [],
        "deregistered": [],
    });
    let end = || finish(plan, &outcome, session.facts(), run.again, run.command, ui);
    let complete = outcome.is_complete();
    if complete {
        end().map_err(|error| error.document(document.clone()))?;
    }
    let begun = started(plan, &outcome);
    let others = standing(look, session, &begun).filter(|_| complete && run.command != Some("scale")).collect();
    let started = Started { deployments: begun, interrupted: outcome.interrupted, again: run.again };
    let followed = follow(started, run.follow, session, ui, interrupt).await;
    document["deployments"] = followed.deployments;
    if !complete {
        // What was started has its verdict; the failed steps have the last word.
        if let Some(error) = &followed.error {
            ui.tell(&[Line::new(0).add(Tone::Warning, &error.message)]);
        }
        end().map_err(|error| error.document(document.clone()))?;
    }
    if let Some(error) = followed.error {
        return Err(error.document(document));
    }
    // What an earlier run has started is part of what this one is to bring about.
    let followed = watch(others, session, run, ui, interrupt).await;
    append(&mut document["deployments"], followed.deployments);
    if let Some(error) = followed.error {
        return Err(error.document(document));
    }
    // What is not waited for may yet go back to one of them.
    if !run.follow.no_wait && !outcome.interrupted {
        document["deregistered"] = tidy(plan, &outcome, session, ui, interrupt).await;
    }
    if ui.json {
        ui.document(&document)?;
    }
    Ok(0)
}

/// There is nothing to change: what was started before and goes on is followed all the same, and what failed is no success. Where all is
/// settled nothing is asked.
///
/// # Errors
/// When a deployment does not complete.
pub(crate) async fn settle(
    look: &Look,
    session: &Session,
    run: Run<'_>,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Result<u8, Error> {
    let mut document = json!({ "plan": look.document(), "outcome": null, "deregistered": [] });
    let followed = watch(standing(look, session, &[]).collect(), session, run, ui, interrupt).await;
    document["deployments"] = followed.deployments;
    if let Some(error) = followed.error {
        return Err(error.document(document));
    }
    if ui.json {
        ui.document(&document)?;
    }
    Ok(0)
}

/// The deployments that go on or have failed, and that were not begun just now.
fn standing(look: &Look, session: &Session, begun: &[Target]) -> impl Iterator<Item = Unsettled> {
    let begun: BTreeSet<String> = begun.iter().map(|target| target.address.clone()).collect();
    unsettled(&session.goal, &look.seen).into_iter().filter(move |found| !begun.contains(&found.target.address))
}

/// Follows what was started before. A deploy that is run again is the same deploy; but what an apply finds was somebody else's decision, and so
/// is what becomes of it when it fails.
async fn watch(found: Vec<Unsettled>, session: &Session, run: Run<'_>, ui: &Ui, interrupt: &Interrupt) -> Followed {
    for Unsettled { target, failed } in &found {
        let how = if *failed { "has failed" } else { "goes on" };
        let revision = target.task_definition.as_deref().map(last).unwrap_or_default();
        let text = format!("{}: the deployment of {revision}, which was started before, {how}", target.address);
        ui.tell(&[Line::new(0).add(Tone::Warning, &text)]);
    }
    // Where nothing is waited for, what has failed already is no success all the same.
    let (judged, left): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.failed || !run.follow.no_wait);
    let of = |found: Vec<Unsettled>| Started {
        deployments: found.into_iter().map(|found| found.target).collect(),
        interrupted: false,
        again: run.again,
    };
    let on_failure = if run.command == Some("deploy") { run.follow.on_failure } else { Failing::Leave };
    let args = FollowArgs { no_wait: false, on_failure, ..*run.follow };
    let mut judged = follow(of(judged), &args, session, ui, interrupt).await;
    let left = follow(of(left), run.follow, session, ui, interrupt).await;
    append(&mut judged.deployments, left.deployments);
    judged
}

fn append(list: &mut Json, more: Json) {
    if let (Json::Array(list), Json::Array(more)) = (list, more) {
        list.extend(more);
    }
}

/// Says how it went; whoever was interrupted or failed learns how to continue. A command with permissions of its own is named.
///
/// # Errors
/// When not everything was done.
pub(crate) fn finish(
    plan: &Plan,
    outcome: &Outcome,
    facts: &Facts,
    again: &str,
    command: Option<&'static str>,
    ui: &Ui,
) -> Result<(), Error> {
    ui.tell(&report::outcome(plan, outcome, again));
    let mut missing = refused(plan, outcome, facts);
    if let Some(command) = command {
        missing.iter_mut().for_each(|missing| missing.runs = vec![command]);
    }
    ui.tell(&missing::lines(&missing));
    match verdict(outcome) {
        None => Ok(()),
        Some(Kind::Interrupted) => {
            Err(Error::new(Kind::Interrupted, "interrupted").help(format!("to continue: {again}")).told())
        }
        Some(kind) => {
            let failed = outcome.failed().count();
            let error = Error::new(kind, format!("{} failed", render::count(failed, "step")))
                .help(format!("to continue: {again}"));
            Err(error.missing(missing).told())
        }
    }
}

/// What was refused to the steps that failed.
fn refused(plan: &Plan, outcome: &Outcome, facts: &Facts) -> Vec<Missing> {
    let mut refusals = Refusals::default();
    for (id, error) in outcome.failed() {
        if let (Some(step), StepError::Cloud(error)) = (plan.steps.get(id), error) {
            refusals.step(step, error, facts);
        }
    }
    refusals.missing()
}

/// What a run that did not do everything counts as.
fn verdict(outcome: &Outcome) -> Option<Kind> {
    if outcome.is_complete() {
        return None;
    }
    let failed: Vec<&StepError> = outcome.failed().map(|(_, error)| error).collect();
    if outcome.interrupted || failed.is_empty() {
        return Some(Kind::Interrupted);
    }
    if failed.iter().all(|error| matches!(error, StepError::Stale(_))) {
        return Some(Kind::Refused);
    }
    let classes: Option<Vec<_>> = failed
        .iter()
        .map(|error| match error {
            StepError::Cloud(error) => Some(error.class),
            StepError::Stale(_) | StepError::TooLong { .. } | StepError::Interrupted(_) | StepError::Unknown(_) => None,
        })
        .collect();
    Some(classes.map_or(Kind::Failed, Kind::of_all))
}

/// The command that continues, with the options that decide what is done.
pub(crate) fn again(command: &str, global: &Global) -> String {
    let words = [vec!["hatoba".to_owned()], options(global), vec![command.to_owned()]].concat();
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The options that decide what a command is about.
pub(crate) fn options(global: &Global) -> Vec<String> {
    let mut words = Vec::new();
    let file = global.file().display().to_string();
    if file != "stack.yaml" {
        words.extend(["-f".to_owned(), file]);
    }
    let options = [("--env", &global.env), ("--region", &global.region), ("--profile", &global.profile)];
    for (option, value) in options.into_iter().chain([("--endpoint-url", &global.endpoint_url)]) {
        if let Some(value) = value {
            words.extend([option.to_owned(), value.clone()]);
        }
    }
    for (name, _) in &global.vars {
        // The value may be secret, and this ends up in logs.
        words.extend(["--var".to_owned(), format!("{name}=…")]);
    }
    words
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '+' | '…');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use clap::Parser as _;
    use hatoba_engine::cloud::{Class, CloudError};
    use hatoba_engine::execute::StepEnd;

    use super::*;
    use crate::args::Cli;

    fn outcome(ends: Vec<StepEnd>, interrupted: bool) -> Outcome {
        Outcome { steps: ends.into_iter().enumerate().collect(), interrupted, ..Outcome::default() }
    }

    fn failed(class: Class) -> StepEnd {
        StepEnd::Failed(StepError::Cloud(CloudError::new(class, "iam:CreateRole", "no")))
    }

    #[test]
    fn the_exit_code_follows_from_what_failed() {
        let stale = || StepEnd::Failed(StepError::Stale("gone".into()));
        assert_eq!(verdict(&outcome(vec![StepEnd::Done, StepEnd::AlreadyDone], false)), None);
        assert_eq!(verdict(&outcome(vec![StepEnd::Done], true)), None);
        assert_eq!(verdict(&outcome(vec![failed(Class::Denied), StepEnd::NotTried], false)), Some(Kind::Denied));
        assert_eq!(verdict(&outcome(vec![failed(Class::Denied), failed(Class::Busy)], false)), Some(Kind::Failed));
        assert_eq!(verdict(&outcome(vec![stale(), StepEnd::NotTried], false)), Some(Kind::Refused));
        assert_eq!(verdict(&outcome(vec![stale(), failed(Class::Denied)], false)), Some(Kind::Failed));
        assert_eq!(verdict(&outcome(vec![StepEnd::Done, StepEnd::NotTried], true)), Some(Kind::Interrupted));
    }

    #[test]
    fn the_command_to_continue_repeats_what_matters_but_no_values_of_variables() {
        let cli = |words: &[&str]| Cli::try_parse_from(words).unwrap().global;
        assert_eq!(again("apply", &cli(&["hatoba", "apply"])), "hatoba apply");
        let global =
            cli(&["hatoba", "-f", "my stack.yaml", "--env", "staging", "--var", "password=hunter2", "destroy"]);
        assert_eq!(again("destroy", &global), "hatoba -f 'my stack.yaml' --env staging --var password=… destroy");
    }
}
