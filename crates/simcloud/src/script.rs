//! Short scripts against the cloud in memory, for golden transcripts and for trying things out.
//!
//! ```text
//! $ file
//! | stack: papyrus
//! | region: us-west-2
//! $ apply
//! $ drift log_group /ecs/papyrus retention_days 3
//! $ plan
//! ```
//!
//! A transcript is the script with what each command printed below it, so that a golden file is its own input.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hatoba_engine::desired::Goal;
use hatoba_engine::execute::{Outcome, StepEnd, execute};
use hatoba_engine::cloud::Cloud;
use hatoba_engine::lint::lint;
use hatoba_engine::plan::{Act, Intent, Plan, Step, Why, plan};
use hatoba_engine::snapshot::Snapshot;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use hatoba_provider::desire::goal;

use crate::world::{VirtualClock, World};

/// The account of all scripts.
pub const ACCOUNT: &str = "123456789012";

/// A run of a script.
#[derive(Debug)]
pub struct Script {
    /// The account.
    pub world: World,
    stack: Option<Stack>,
    out: String,
}

/// Runs a script and returns its transcript.
///
/// # Errors
/// A command that there is not, or one that cannot be run.
pub async fn transcript(script: &str) -> Result<String, String> {
    let region = "us-west-2".parse().map_err(|error| format!("{error}"))?;
    let account = ACCOUNT.parse().map_err(|error| format!("{error}"))?;
    let mut run = Script { world: World::new(Facts { account, region }), stack: None, out: String::new() };
    let mut lines = script.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else {
            // Comments stay; old output goes.
            if line.starts_with('#') {
                let _ = writeln!(run.out, "{line}");
            }
            continue;
        };
        let _ = writeln!(run.out, "{line}");
        let mut block = String::new();
        while let Some(text) = lines.peek().and_then(|line| line.strip_prefix('|')) {
            let _ = writeln!(run.out, "|{text}");
            let _ = writeln!(block, "{}", text.strip_prefix(' ').unwrap_or(text));
            lines.next();
        }
        run.command(command, &block).await?;
    }
    Ok(run.out)
}

/// Reads a stack file as a script does: no variables, no other files.
///
/// # Errors
/// The rendered diagnostics.
pub fn read(text: &str, facts: &Facts) -> Result<Stack, String> {
    let source = Source::new("stack.yaml", text);
    let vars = BTreeMap::new();
    let options = Options {
        env: None,
        vars: &vars,
        process_env: &|_| None,
        files: &|path| Err(format!("there is no {path} here")),
        account: Some(&facts.account),
        region: None,
    };
    load(&source, &options).map(|loaded| loaded.stack).map_err(|problems| problems.render(&source))
}

impl Script {
    async fn command(&mut self, command: &str, block: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["file"] => {
                let stack = read(block, self.world.facts())?;
                self.world.set_stack(&stack);
                self.stack = Some(stack);
            }
            ["plan"] => {
                let (plan, _) = self.plan(Intent::Present).await?;
                self.show(&plan);
            }
            ["plan", "--destroy"] => {
                let (plan, _) = self.plan(Intent::Absent).await?;
                self.show(&plan);
            }
            ["apply"] => self.converge(Intent::Present).await?,
            ["destroy"] => self.converge(Intent::Absent).await?,
            ["drift", kind, name, field] => self.changed(self.world.drift(kind, name, field, None), command)?,
            ["drift", kind, name, field, value] => {
                let value = match value.parse::<i64>() {
                    Ok(number) => Value::Int(number),
                    Err(_) => Value::text(*value),
                };
                self.changed(self.world.drift(kind, name, field, Some(value)), command)?;
            }
            ["untag", kind, name] => {
                self.changed(self.world.drift(kind, name, "tags", Some(Value::Map(BTreeMap::new()))), command)?;
            }
            ["vanish", kind, name] => self.changed(self.world.vanish(kind, name), command)?,
            ["list"] => {
                for thing in self.world.things() {
                    let _ = writeln!(self.out, "  {} {}", thing.kind.name, thing.name);
                }
            }
            _ => return Err(format!("there is no command `{command}`")),
        }
        Ok(())
    }

    fn changed(&self, done: bool, command: &str) -> Result<(), String> {
        if done { Ok(()) } else { Err(format!("`{command}`: there is no such resource")) }
    }

    fn goal(&self) -> Result<Goal, String> {
        let stack = self.stack.as_ref().ok_or("there is no file yet")?;
        Ok(goal(stack, self.world.facts()))
    }

    async fn plan(&self, intent: Intent) -> Result<(Plan, Snapshot), String> {
        let goal = self.goal()?;
        let seen = self.world.survey(&goal).await;
        let plan = plan(&goal, &seen, intent).map_err(|cycle| cycle.to_string())?;
        let findings = lint(&goal, &seen, &plan);
        if findings.is_empty() { Ok((plan, seen)) } else { Err(format!("lint: {findings:?}")) }
    }

    /// Plans, carries it out, and then insists that nothing is left to do.
    async fn converge(&mut self, intent: Intent) -> Result<(), String> {
        let (plan, _) = self.plan(intent).await?;
        self.show(&plan);
        if !plan.refusals.is_empty() {
            return Ok(());
        }
        let outcome = carry_out(&plan, &self.world).await;
        for (id, end) in &outcome.steps {
            if let (StepEnd::Failed(error), Some(step)) = (end, plan.steps.get(*id)) {
                let _ = writeln!(self.out, "  failed: {}: {error}", step.address);
            }
        }
        let (after, _) = self.plan(intent).await?;
        if outcome.is_complete() && !after.steps.is_empty() {
            let _ = writeln!(self.out, "  NOT CONVERGED:");
            self.show(&after);
        }
        Ok(())
    }

    fn show(&mut self, plan: &Plan) {
        let _ = write!(self.out, "{}", brief(plan));
    }
}

/// Carries out a plan on a virtual clock.
pub async fn carry_out(plan: &Plan, world: &World) -> Outcome {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    execute(plan, world, &VirtualClock::default(), stop, &|_| {}).await
}

/// A plan in a few lines, without values that only the cloud assigns.
pub fn brief(plan: &Plan) -> String {
    let mut out = String::new();
    for refusal in &plan.refusals {
        let place = refusal.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "  ! {place}: {}; {}", refusal.problem, refusal.help);
    }
    for step in &plan.steps {
        let _ = writeln!(out, "  {} {}{}{}", symbol(step), step.address, why(&step.why), waits(plan, step));
        if matches!(step.act, Act::Update { .. }) || matches!((&step.act, &step.why), (Act::Create { .. }, Why::MustReplace(_))) {
            for change in &step.changes {
                let _ = writeln!(out, "      {}: {} -> {}", change.path, text(change.before.as_ref()), text(change.after.as_ref()));
            }
        }
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  . {}: {}", note.address, note.text);
    }
    for (address, reason) in &plan.unknown {
        let _ = writeln!(out, "  ? {address}: {reason}");
    }
    if out.is_empty() {
        let _ = writeln!(out, "  no changes");
    }
    out
}

fn symbol(step: &Step) -> String {
    match &step.act {
        Act::Create { then } if then.is_empty() => "+".to_owned(),
        Act::Create { then } => format!("+ (then {})", then.join(", ")),
        Act::Update { groups } => format!("~ ({})", groups.join(", ")),
        Act::Delete { empty: true } => "- (with content)".to_owned(),
        Act::Delete { empty: false } => "-".to_owned(),
        Act::Release => "release".to_owned(),
        Act::Settle { .. } => "wait for".to_owned(),
    }
}

fn why(why: &Why) -> String {
    match why {
        Why::NotFound | Why::FieldsDiffer | Why::Destroy => String::new(),
        Why::MustReplace(field) => format!(" [replaced because of {field}]"),
        Why::Adopted => " [adopted]".to_owned(),
        Why::NotInFile => " [not in the file]".to_owned(),
        Why::Renamed => " [renamed]".to_owned(),
        Why::NotSettled => " [not settled]".to_owned(),
    }
}

fn waits(plan: &Plan, step: &Step) -> String {
    let names: Vec<String> =
        step.after.iter().filter_map(|id| plan.steps.get(*id)).map(|first| first.address.to_string()).collect();
    if names.is_empty() { String::new() } else { format!(" after {}", names.join(", ")) }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => "(none)".to_owned(),
        Some(value) if value.is_pending() => "(known after apply)".to_owned(),
        Some(Value::Doc(_)) => "(document)".to_owned(),
        Some(value) => value.to_json().to_string(),
    }
}

/// The fields of a resource by name, for tests.
pub fn fields_of(world: &World, kind: &str, name: &str) -> Option<Fields> {
    world.things().into_iter().find(|t| t.kind.name == kind && t.name == name).map(|t| t.fields)
}
