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

use hatoba_engine::cloud::Cloud;
use hatoba_engine::execute::{Outcome, StepEnd, execute};
use hatoba_engine::lint::lint;
use hatoba_engine::plan::{Act, Intent, Plan, Step, Why, plan};
use hatoba_engine::snapshot::Snapshot;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use hatoba_provider::desire::goal;

use crate::world::{Leaving, VirtualClock, World};

/// The account of all scripts.
pub const ACCOUNT: &str = "123456789012";

/// A run of a script.
#[derive(Debug)]
pub struct Script {
    /// The account.
    pub world: World,
    file: String,
    stack: Option<Stack>,
    out: String,
}

/// Where all scripts run.
///
/// # Errors
/// Never: region and account are fixed.
pub fn facts() -> Result<Facts, String> {
    let region = "us-west-2".parse().map_err(|error| format!("{error}"))?;
    let account = ACCOUNT.parse().map_err(|error| format!("{error}"))?;
    Ok(Facts { account, region })
}

/// Runs a script and returns its transcript.
///
/// # Errors
/// A command that there is not, or one that cannot be run.
pub async fn transcript(script: &str) -> Result<String, String> {
    let mut run = Script { world: World::new(facts()?), file: String::new(), stack: None, out: String::new() };
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
        run.command(command, &block).await.map_err(|problem| format!("`{command}`: {problem}"))?;
    }
    Ok(run.out)
}

/// Reads a stack file as a script does: no variables, no other files.
///
/// # Errors
/// The rendered diagnostics.
pub fn read(text: &str, env: Option<&str>, facts: &Facts) -> Result<Stack, String> {
    let source = Source::new("stack.yaml", text);
    let vars = BTreeMap::new();
    let options = Options {
        env,
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
        // A value is the rest of the line, spaces included.
        let words: Vec<&str> = command.splitn(5, ' ').collect();
        match words.as_slice() {
            ["file"] => {
                self.file = block.to_owned();
                self.load(None)?;
            }
            ["env", name] => self.load(Some(name))?,
            ["plan"] => {
                let (plan, _) = self.plan(Intent::Present).await?;
                self.show(&plan);
            }
            ["plan", "--destroy"] => {
                let (plan, _) = self.plan(Intent::Absent).await?;
                self.show(&plan);
            }
            ["apply"] => self.converge(Intent::Present).await?,
            ["setup"] => {
                // What is not the point of the script.
                let before = self.out.len();
                self.converge(Intent::Present).await?;
                let said = self.out.split_off(before);
                self.world.take_calls();
                if said.contains("  ! ") || said.contains("failed: ") || said.contains("NOT CONVERGED") {
                    return Err(said);
                }
            }
            ["destroy"] => self.converge(Intent::Absent).await?,
            ["drift", kind, name, path] => known(self.world.drift(kind, name, path, None))?,
            ["drift", kind, name, path, text] => known(self.world.drift(kind, name, path, Some(value(text))))?,
            ["vanish", kind, name] => known(self.world.vanish(kind, name))?,
            ["drain", kind, name] => {
                known(self.world.change(kind, name, |thing| thing.leaving = Some(Leaving::Looks(2))))?
            }
            ["put", kind, name] => known(self.world.put(kind, name, Fields::new()))?,
            ["put", kind, name, "fields", json] => {
                let Value::Map(fields) = value(json) else { return Err("fields are a JSON object".to_owned()) };
                known(self.world.put(kind, name, fields))?;
            }
            ["fill", kind, name, content @ ..] => {
                let content = content.join(" ");
                known(
                    self.world
                        .change(kind, name, |thing| thing.content = Some(content).filter(|text| !text.is_empty())),
                )?;
            }
            ["deploy", family, container, image] => known(self.world.deploy(family, container, image))?,
            ["unreadable", kind, name] => self.world.unreadable(Some((kind, name))),
            ["readable"] => self.world.unreadable(None),
            ["list"] => self.list(),
            ["calls"] => {
                for call in self.world.take_calls() {
                    let _ = writeln!(self.out, "  {call}");
                }
            }
            _ => return Err("there is no such command".to_owned()),
        }
        Ok(())
    }

    fn load(&mut self, env: Option<&str>) -> Result<(), String> {
        let stack = read(&self.file, env, self.world.facts())?;
        self.world.set_stack(&stack);
        self.stack = Some(stack);
        Ok(())
    }

    fn list(&mut self) {
        for thing in self.world.things() {
            let whose = match thing.mark() {
                Some(mark) => format!("{} of {}, {}", mark.address, mark.stack, mark.origin.as_str()),
                None => "nobody's".to_owned(),
            };
            let _ = writeln!(self.out, "  {} {}: {whose}", thing.kind.name, thing.name);
        }
        if self.world.things().is_empty() {
            let _ = writeln!(self.out, "  nothing");
        }
    }

    async fn plan(&self, intent: Intent) -> Result<(Plan, Snapshot), String> {
        let stack = self.stack.as_ref().ok_or("there is no file yet")?;
        let mut goal = goal(stack, self.world.facts());
        goal.content = intent == Intent::Absent;
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

fn known(done: bool) -> Result<(), String> {
    if done { Ok(()) } else { Err("there is no such resource".to_owned()) }
}

/// JSON, or else a text.
fn value(text: &str) -> Value {
    let json = serde_json::from_str(text).ok();
    json.and_then(|json| Value::from_json(&json)).unwrap_or_else(|| Value::text(text))
}

/// Carries out a plan on a virtual clock.
pub async fn carry_out(plan: &Plan, world: &World) -> Outcome {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    execute(plan, world, &VirtualClock::default(), None, stop, &|_| {}).await
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
        if matches!(step.act, Act::Update { .. })
            || matches!((&step.act, &step.why), (Act::Create { .. }, Why::MustReplace(_)))
        {
            for change in &step.changes {
                let _ = writeln!(
                    out,
                    "      {}: {} -> {}",
                    change.path,
                    text(change.before.as_ref()),
                    text(change.after.as_ref())
                );
            }
        }
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  . {}: {}", note.address, note.text);
    }
    for (address, reason) in &plan.unknown {
        let _ = writeln!(out, "  ? {address}: {reason}");
    }
    for reason in &plan.unread {
        let _ = writeln!(out, "  ? not everything could be looked for: {reason}");
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
        Why::UsersFirst => " [once its users have changed]".to_owned(),
        Why::UserLetGo => " [with its user]".to_owned(),
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
