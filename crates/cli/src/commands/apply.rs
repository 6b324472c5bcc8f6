//! `hatoba apply`, and the carrying out of plans for `destroy` as well.

use std::time::Duration;

use hatoba_engine::clock::RealClock;
use hatoba_engine::cloud::Class;
use hatoba_engine::execute::{Outcome, StepError, execute};
use hatoba_engine::plan::{Intent, Plan};
use serde_json::json;
use tokio::sync::watch;

use super::plan::refuse;
use crate::args::{ApplyArgs, Global};
use crate::confirm::ask;
use crate::error::{Error, Kind};
use crate::progress::Progress;
use crate::render::{self, safe};
use crate::saved::Saved;
use crate::session::{self, Session};
use crate::ui::Ui;

pub(crate) async fn run(global: &mut Global, args: &ApplyArgs, ui: &Ui) -> Result<u8, Error> {
    let saved = match &args.saved {
        Some(path) => {
            let saved = Saved::read(path)?;
            global.file = saved.file.clone().into();
            global.env.clone_from(&saved.env);
            Some(saved)
        }
        None => None,
    };
    let mut session = session::open(global, ui).await?;
    let intent = if saved.as_ref().is_some_and(|saved| saved.destroy) { Intent::Absent } else { Intent::Present };
    let plan = session.plan(intent).await?;
    let place = session.place();
    if !ui.json {
        ui.data(&render::plan::text(&plan, &place, ui.out));
    }
    if let Some(saved) = &saved {
        saved.must_equal(&plan, &place)?;
    }
    if !plan.refusals.is_empty() && ui.json {
        ui.document(&json!({ "plan": render::json::plan(&plan), "outcome": null }));
    }
    refuse(&plan)?;
    if plan.steps.is_empty() {
        if ui.json {
            ui.document(&json!({ "plan": render::json::plan(&plan), "outcome": null }));
        }
        return unknown(&plan).map_or(Ok(0), Err);
    }
    if !args.yes && saved.is_none() {
        ask(ui, "Apply these changes?", "yes", "or save the plan with `hatoba plan --out FILE` and apply that")?;
    }
    let outcome = carry_out(&plan, &session, ui).await;
    if ui.json {
        ui.document(&json!({ "plan": render::json::plan(&plan), "outcome": render::json::outcome(&plan, &outcome) }));
    }
    finish(&plan, &outcome, ui, &format!("hatoba -f {} apply", global.file.display()))
}

/// Carries a plan out, drawing its progress; Ctrl-C and SIGTERM let running calls finish, a second one leaves at once.
pub(crate) async fn carry_out(plan: &Plan, session: &Session, ui: &Ui) -> Outcome {
    let progress = Progress::new(plan, ui);
    let (stop, stopped) = watch::channel(false);
    let events = |event| progress.event(event);
    let clock = RealClock::default();
    let work = execute(plan, &session.provider, &clock, stopped, &events);
    tokio::pin!(work);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let signals = Signals::new();
    tokio::pin!(signals);
    let mut signals = signals.await;
    let mut told = false;
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            () = signals.next() => {
                if told {
                    std::process::exit(130);
                }
                told = true;
                // The receiver lives as long as `work`.
                let _ = stop.send(true);
                ui.say("stopping: running calls are let finish, nothing new begins; once more leaves at once");
            }
            _ = ticks.tick() => progress.tick(),
        }
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    #[cfg(unix)]
    term: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    async fn new() -> Self {
        Self {
            #[cfg(unix)]
            term: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(term) = &mut self.term {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Says how it went and with which code to leave.
pub(crate) fn finish(plan: &Plan, outcome: &Outcome, ui: &Ui, again: &str) -> Result<u8, Error> {
    let count = |wanted: &dyn Fn(&hatoba_engine::execute::StepEnd) -> bool| outcome.steps.values().filter(|end| wanted(end)).count();
    use hatoba_engine::execute::StepEnd;
    let done = count(&|end| matches!(end, StepEnd::Done | StepEnd::AlreadyDone));
    let left = count(&|end| matches!(end, StepEnd::NotTried));
    let failures: Vec<_> = outcome.failed().collect();
    if outcome.is_complete() {
        ui.say(&format!("{} {done} of {} steps done.", ui.err.add("✓"), plan.steps.len()));
        return unknown(plan).map_or(Ok(0), Err);
    }
    ui.say(&format!("\n{done} steps done, {} failed, {left} not tried.", failures.len()));
    for (id, error) in &failures {
        let address = plan.steps.get(*id).map(|step| step.address.to_string()).unwrap_or_default();
        ui.say(&format!("  {} {}: {}", ui.err.bad("✗"), safe(&address), safe(&error.to_string())));
        if let Some(help) = help(error) {
            ui.say(&format!("      = help: {help}"));
        }
    }
    ui.say(&format!("To continue: {again}"));
    if outcome.interrupted && failures.is_empty() {
        return Ok(130);
    }
    let denied = failures.iter().any(|(_, error)| {
        matches!(error, StepError::Cloud(error) if matches!(error.class, Class::Denied | Class::Credentials))
    });
    let stale = failures.iter().any(|(_, error)| matches!(error, StepError::Stale(_)));
    Err(Error::told(match (denied, stale) {
        (true, _) => Kind::Denied,
        (false, true) => Kind::Refused,
        (false, false) => Kind::Failed,
    }))
}

/// What to do about a failed step, where the class tells.
fn help(error: &StepError) -> Option<&'static str> {
    match error {
        StepError::Stale(_) => Some("plan again and look at what changed"),
        StepError::TooLong { .. } => Some("it may still get there; run the same command again"),
        StepError::Unknown(_) => Some("this is a defect of hatoba; please report it"),
        StepError::Cloud(error) => match error.class {
            Class::Denied => Some("these credentials may not do this; ask for the permission named in the message"),
            Class::Credentials => Some("sign in again, then run the same command"),
            Class::Quota => Some("a quota of the account is used up; ask AWS to raise it, or delete something"),
            Class::Throttled | Class::Busy | Class::NotYet | Class::Server | Class::NotSent | Class::Ambiguous => {
                Some("this passes by itself; run the same command again")
            }
            Class::Gone | Class::Exists | Class::Invalid | Class::Other => None,
        },
    }
}

/// What could not be read was left alone; that is a failure.
pub(crate) fn unknown(plan: &Plan) -> Option<Error> {
    let (address, reason) = plan.unknown.first()?;
    let count = plan.unknown.len();
    Some(
        Error::new(Kind::Failed, format!("the state of {count} resources could not be read, first {address}: {reason}"))
            .help("they were left alone; run the same command again"),
    )
}
