//! From arguments to a loaded file and a session with AWS.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hatoba_engine::clock::{Clock as _, RealClock};
use hatoba_engine::cloud::{Class, Cloud, CloudError};
use hatoba_engine::desired::Goal;
use hatoba_engine::lint::lint;
use hatoba_engine::plan::{Intent, Plan, plan};
use hatoba_engine::snapshot::{ReadFailure, Snapshot};
use hatoba_github::generate::CallError;
use hatoba_model::address::Address;
use hatoba_model::diag::{Diagnostics, Severity};
use hatoba_model::facts::Facts;
use hatoba_model::load::{Loaded, Options, load};
use hatoba_model::names::AccountId;
use hatoba_model::stack::Stack;
use hatoba_model::yaml::{MAX_BYTES, Node, Source};
use hatoba_provider::aws::{Aws, Settings};
use hatoba_provider::down::{held_back, stays_stopped};
use hatoba_provider::permissions::missing::{Missing, Refusals};
use hatoba_provider::permissions::needed::oversized;
use hatoba_provider::provenance::{Kept, kept};
use hatoba_provider::provider::Provider;
use hatoba_provider::rotation::Newer;
use serde_json::{Value as Json, json};

use crate::above::above;
use crate::args::Global;
use crate::carry::quoted;
use crate::cost::{budget, change};
use crate::error::{Error, Kind, way_out};
use crate::files::{self, Files, Root, WORKFLOW, World};
use crate::provenance;
use crate::remarks;
use crate::render;
use crate::render::Style;
use crate::render::beside::{Beside, Warning};
use crate::render::count;
use crate::render::line::Line;
use crate::rotation;
use crate::ui::Ui;

/// The file as it was read.
pub(crate) struct File {
    pub(crate) source: Source,
    pub(crate) loaded: Loaded,
}

/// Reads and checks the file; what is wrong with it is printed. Nothing is asked of AWS.
///
/// # Errors
/// When the file cannot be read, or is invalid.
pub(crate) fn read(global: &Global, ui: &Ui) -> Result<File, Error> {
    let source = source(global, ui)?;
    let loaded = check(&source, global, ui, None)?;
    Ok(File { source, loaded })
}

/// Reads the file.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(crate) fn source(global: &Global, ui: &Ui) -> Result<Source, Error> {
    let name = global.file().display().to_string();
    let bytes = bytes(global.file()).map_err(|error| {
        let failed = Error::new(Kind::Invalid, format!("cannot read {name}: {error}"));
        match error.kind() {
            std::io::ErrorKind::NotFound => match above(global.file()) {
                Some((folder, file)) => failed.help(format!("there is one in `{folder}`: `-f {}`", quoted(&file))),
                None => failed.help("name the file with `-f FILE`"),
            },
            _ => failed,
        }
    })?;
    Source::from_bytes(&name, &bytes)
        .map_err(|problems| invalid(&problems, &Source::new(&name, String::from_utf8_lossy(&bytes)), ui))
}

/// A file, but not much more of it than a stack file may have.
pub(crate) fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks what the file says; what is wrong with it is printed. `account` is the one that it is brought to, once it is known.
///
/// # Errors
/// When it is invalid.
pub(crate) fn check(source: &Source, global: &Global, ui: &Ui, account: Option<&AccountId>) -> Result<Loaded, Error> {
    let vars: BTreeMap<String, String> = global.vars.iter().cloned().collect();
    let directory = global.file().parent().unwrap_or(Path::new(""));
    let options = Options {
        env: global.env.as_deref(),
        vars: &vars,
        process_env: &|name| std::env::var(name).ok(),
        files: &|path| beside(directory, path),
        account,
        region: global.region.as_deref(),
    };
    load(source, &options).map_err(|problems| invalid(&problems, source, ui))
}

/// Reads a file that the stack file names, which must lie in its directory, also after following links.
fn beside(directory: &Path, path: &str) -> Result<String, String> {
    let relative = Path::new(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err("it leaves the directory of the stack file".to_owned());
    }
    let home = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let home = home.canonicalize().map_err(|error| error.to_string())?;
    let full = home.join(relative).canonicalize().map_err(|error| error.to_string())?;
    if !full.starts_with(&home) {
        return Err("it is a link that leaves the directory of the stack file".to_owned());
    }
    let bytes = bytes(&full).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Prints everything that is wrong with the file. With `--json` it is in the document instead.
fn invalid(problems: &Diagnostics, source: &Source, ui: &Ui) -> Error {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let errors = count(errors, "error");
    if !ui.json {
        ui.raw(&problems.render_styled(source, &ui.err.diagnostics()));
        ui.tell(&[Line::blank()]);
    }
    Error::new(Kind::Invalid, format!("{} has {errors}; nothing was sent to AWS", source.name))
        .document(json!({ "valid": false, "diagnostics": problems.to_json(source) }))
}

/// Prints what works but is probably not meant.
pub(crate) fn warn(source: &Source, loaded: &Loaded, ui: &Ui) {
    if !loaded.warnings.is_empty() {
        ui.raw(&loaded.warnings.render_styled(source, &ui.err.diagnostics()));
        ui.tell(&[Line::blank()]);
    }
}

/// A file, and the account that it is to be brought to.
pub(crate) struct Session {
    pub(crate) stack: Stack,
    /// The file as it was read, to show lines of it.
    pub(crate) source: Source,
    /// Its long form, with the places of its values.
    pub(crate) tree: Node,
    pub(crate) provider: Provider,
    pub(crate) files: Files,
    pub(crate) goal: Goal,
    pub(crate) clock: RealClock,
    /// When the last look began, on that clock.
    pub(crate) seen: Option<Duration>,
}

/// Reads the file, finds out whose credentials these are, and refuses every account but the file's.
///
/// # Errors
/// An invalid file before anything is sent; no credentials; another account than the file's before any call but the one that
/// asks whose credentials these are.
pub(crate) async fn open(global: &Global, ui: &Ui) -> Result<Session, Error> {
    let source = source(global, ui)?;
    let stack = check(&source, global, ui, None)?.stack;
    let aws = connect(global, &stack).await?;
    let account = &aws.facts().account;
    tracing::info!(%account, region = %aws.facts().region, "connected");
    if let Some(wanted) = stack.account.as_ref().filter(|wanted| *wanted != account) {
        let message = format!("{} is for the account {wanted}, but these credentials belong to {account}", source.name);
        return Err(Error::new(Kind::Refused, message)
            .help("choose other credentials (`--profile NAME`), or correct `account:` in the file"));
    }
    // Once more, now that the account is known: ARNs are made from it.
    let loaded = check(&source, global, ui, Some(account))?;
    warn(&source, &loaded, ui);
    let root = root(global)?;
    let goal = files::goal(&loaded.stack, aws.facts(), &root.call).map_err(not_callable)?;
    if let Some((role, size)) = oversized(&goal) {
        let address = &role.address;
        let message = format!("the inline policies of {address} have together {size} characters; IAM takes 10,240");
        return Err(Error::new(Kind::Invalid, message)
            .help("without the grant: `hatoba permissions --for plan --as ROLE` prints a role with managed policies"));
    }
    let files = Files::new(&root, &goal);
    let (stack, provider) = (loaded.stack, Provider::new(aws));
    Ok(Session { stack, source, tree: loaded.tree, provider, files, goal, clock: RealClock::default(), seen: None })
}

/// A workflow file could not call hatoba for this stack.
pub(crate) fn not_callable(error: CallError) -> Error {
    Error::new(Kind::Invalid, error.to_string()).help("rename it, or take `workflows:` out of the file")
}

/// Where the repository of the stack file begins.
///
/// # Errors
/// When the folder of the file cannot be found.
pub(crate) fn root(global: &Global) -> Result<Root, Error> {
    let name = global.file().display();
    Root::of(global)
        .map_err(|error| Error::new(Kind::Failed, format!("cannot tell which repository {name} belongs to: {error}")))
}

/// The file, and where it is for. Nothing is asked of AWS when the account is named, by the option or in the file; else it is that of the
/// credentials.
///
/// # Errors
/// An invalid file; no account, and no credentials that would tell it; another account than the file's.
pub(crate) async fn offline(global: &Global, account: Option<&AccountId>, ui: &Ui) -> Result<(Stack, Facts), Error> {
    let source = source(global, ui)?;
    let stack = check(&source, global, ui, account)?.stack;
    if let (Some(named), Some(wanted)) = (account, stack.account.as_ref())
        && named != wanted
    {
        let message = format!("{} is for the account {wanted}, not for {named}", source.name);
        return Err(Error::new(Kind::Refused, message).help("leave `--account` out, or correct `account:` in the file"));
    }
    let facts = match account.or(stack.account.as_ref()) {
        Some(account) => Facts { account: account.clone(), region: stack.region.clone() },
        None => {
            let help = "or name the account: `--account 123456789012`, or `account:` in the file; then nothing is asked of AWS";
            connect(global, &stack).await.map_err(|error| Error::from(error).help(help))?.facts().clone()
        }
    };
    let loaded = check(&source, global, ui, Some(&facts.account))?;
    warn(&source, &loaded, ui);
    Ok((loaded.stack, facts))
}

async fn connect(global: &Global, stack: &Stack) -> Result<Aws, CloudError> {
    let settings = Settings { profile: global.profile.clone(), endpoint_url: global.endpoint_url.clone(), keys: None };
    Aws::connect(&settings, stack.region.clone()).await
}

/// The time since 1970 by the clock of AWS, which is so many seconds ahead of that of this machine.
pub(crate) fn time_at_aws(ahead: Option<i64>) -> Duration {
    let here = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ahead = ahead.unwrap_or_default();
    let shift = Duration::from_secs(ahead.unsigned_abs());
    if ahead < 0 { here.saturating_sub(shift) } else { here.saturating_add(shift) }
}

/// A look at the cloud, and the plan that follows from it.
pub(crate) struct Look {
    pub(crate) seen: Snapshot,
    pub(crate) plan: Plan,
    /// What was refused.
    pub(crate) missing: Vec<Missing>,
    /// What the plan changes of what the stack costs; nothing for a look at a part of it.
    pub(crate) cost: Option<change::Change>,
    /// Why it would cost too much.
    too_much: Option<Error>,
    /// The images that belong to the pipeline and stay.
    kept: Vec<Kept>,
    /// The services with secrets that changed after their tasks started; nothing where that is not known.
    rotated: Option<Vec<(Address, Newer)>>,
    /// What is shown beside the plan.
    pub(crate) beside: Beside,
}

impl Session {
    /// Looks at the cloud and plans. The plan has been checked.
    ///
    /// # Errors
    /// When nothing could be read at all, when resources need each other in a circle, or when the plan breaks a rule.
    pub(crate) async fn look(&mut self, intent: Intent) -> Result<Look, Error> {
        self.goal.content = intent == Intent::Absent;
        self.begin_look();
        let began = Instant::now();
        let world = self.world();
        let (seen, versions) = futures::join!(world.survey(&self.goal), rotation::look(self, intent));
        tracing::info!(resources = seen.seen.len(), unreadable = seen.unreadable.len(), took = ?began.elapsed(), "looked");
        // Files of the repository are found also by those whom AWS does not answer.
        let nothing = seen.seen.iter().all(|live| live.kind.name == WORKFLOW.name);
        if let (true, Some(failure)) = (nothing, seen.unreadable.first()) {
            return Err(Error::from(failure.error.clone()).missing(self.missing(&seen)));
        }
        let notes = match intent {
            Intent::Present => stays_stopped(&mut self.goal, &seen.seen),
            Intent::Absent => Vec::new(),
        };
        let mut look = self.planned(seen, intent)?;
        look.plan.notes.extend(notes);
        look.plan.notes.sort_by(|a, b| (&a.address, &a.name).cmp(&(&b.address, &b.name)));
        if !look.plan.unknown.is_empty() {
            return Ok(look);
        }
        let cost = change::of(self.facts().region.as_str(), &self.goal, &look.seen, &look.plan);
        if let (Intent::Present, Some(budget)) = (intent, &self.stack.budget) {
            look.too_much = budget::exceeded(budget.max_monthly, &cost);
        }
        look.cost = Some(cost);
        match versions {
            Ok(versions) => {
                let rotated = rotation::of_plan(self, &look.seen, &look.plan, &versions);
                let warning = |(service, it): &(Address, Newer)| rotation::warning(service, it, self.now());
                look.beside.warnings.extend(rotated.iter().map(warning));
                look.rotated = Some(rotated);
            }
            Err(error) => {
                look.beside.not_compared = Some(error.to_string());
                let mut refusals = Refusals::default();
                refusals.read(&ReadFailure { addresses: Vec::new(), error }, &self.goal, self.facts());
                look.missing.extend(refusals.missing());
            }
        }
        Ok(look)
    }

    /// What is seen from now on is no older than this.
    pub(crate) fn begin_look(&mut self) {
        self.seen = Some(self.clock.now());
    }

    /// Plans from what was seen. The plan has been checked.
    ///
    /// # Errors
    /// When resources need each other in a circle, or when the plan breaks a rule.
    pub(crate) fn planned(&self, seen: Snapshot, intent: Intent) -> Result<Look, Error> {
        let mut plan = plan(&self.goal, &seen, intent)
            .map_err(|cycle| Error::new(Kind::Invalid, cycle.to_string()).help("remove one of these references"))?;
        let held = held_back(&self.goal, &plan);
        plan.refusals.extend(held);
        match lint(&self.goal, &seen, &plan).first() {
            None => {
                let kept = kept(&self.goal, &seen);
                let warnings = remarks::of_plan(&plan, self.files.in_repository());
                let mut beside = Beside { warnings, ..Beside::default() };
                for it in &kept {
                    beside.under.entry(it.task.clone()).or_default().push(provenance::kept(it, self.now()));
                }
                Ok(Look {
                    missing: self.missing(&seen),
                    seen,
                    plan,
                    cost: None,
                    too_much: None,
                    kept,
                    rotated: None,
                    beside,
                })
            }
            Some(finding) => {
                let step = plan.steps.get(finding.step).map(|step| step.address.to_string()).unwrap_or_default();
                let message =
                    format!("the plan breaks a rule of its own: {step} {}; nothing was done", finding.problem);
                Err(Error::new(Kind::Failed, message).help("this is a defect of hatoba; please report it"))
            }
        }
    }

    /// AWS and the repository.
    pub(crate) fn world(&self) -> World<'_> {
        World { provider: &self.provider, files: &self.files }
    }

    /// What was refused to a look.
    pub(crate) fn missing(&self, seen: &Snapshot) -> Vec<Missing> {
        let mut refusals = Refusals::default();
        for failure in &seen.unreadable {
            refusals.read(failure, &self.goal, self.facts());
        }
        refusals.missing()
    }

    /// The time by the clock of AWS, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let time = time_at_aws(self.provider.aws().clock_ahead());
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    }

    /// Account and region.
    pub(crate) fn facts(&self) -> &Facts {
        self.provider.aws().facts()
    }

    /// The stack's name.
    pub(crate) fn name(&self) -> &str {
        &self.goal.stack
    }

    /// `stack papyrus, account 123456789012, region us-west-2`.
    pub(crate) fn place(&self) -> String {
        let facts = self.facts();
        format!("stack {}, account {}, region {}", self.goal.stack, facts.account, facts.region)
    }
}

impl Look {
    /// The plan as JSON.
    pub(crate) fn document(&self) -> Json {
        let mut plan = render::json::plan(&self.plan);
        plan["cost"] = render::cost_json::change(self.cost.as_ref());
        plan["kept_images"] = self.kept.iter().map(provenance::kept_json).collect();
        let rotated = |(service, it): &(Address, Newer)| {
            let mut json = rotation::json(it);
            json["address"] = json!(service);
            json
        };
        let warning = |it: &Warning| json!({ "address": it.address, "text": it.text, "help": it.help });
        plan["warnings"] = self.beside.warnings.iter().map(warning).collect();
        plan["rotated_secrets"] =
            self.rotated.as_ref().map(|all| all.iter().map(rotated).collect()).unwrap_or_default();
        plan
    }

    /// The line that says what the plan costs, if there is anything to say.
    pub(crate) fn cost_line(&self) -> Option<String> {
        self.cost.as_ref().and_then(render::cost::plan)
    }

    /// The plan as text, with what it costs.
    pub(crate) fn text(&self, place: &str, style: Style) -> String {
        let mut text = render::plan::text_with(&self.plan, place, &self.beside, style);
        if let Some(cost) = self.cost_line() {
            Line::new(0).hang(0).text(&cost).write(style, &mut text);
        }
        text
    }

    /// Why this plan is not carried out: something stands in the way, or could not be read.
    pub(crate) fn obstacle(&self) -> Option<Error> {
        let things = |count: usize, one: &str, many: &str| {
            if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
        };
        if !self.plan.refusals.is_empty() {
            let what = things(self.plan.refusals.len(), "thing stands", "things stand");
            return Some(
                Error::new(Kind::Refused, format!("{what} in the way; nothing was changed"))
                    .help("each `refused` above says how to go on"),
            );
        }
        if self.plan.unknown.is_empty() {
            return self.too_much.clone();
        }
        let what = things(self.plan.unknown.len(), "resource", "resources");
        let classes: Vec<Class> = self.seen.unreadable.iter().map(|failure| failure.error.class).collect();
        let message = format!("the state of {what} could not be read; nothing was changed");
        let error = Error::new(Kind::of_all(classes.iter().copied()), message).missing(self.missing.clone());
        Some(match classes.first().and_then(|class| way_out(*class)) {
            Some(help) => error.help(help),
            None => error,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn files_beside_the_stack_file_are_read_and_no_others() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("stack");
        std::fs::create_dir_all(inner.join("policies")).unwrap();
        std::fs::write(inner.join("policies/a.json"), "{}").unwrap();
        std::fs::write(inner.join("binary"), [0xff]).unwrap();
        std::fs::write(home.path().join("secret"), "no").unwrap();
        assert_eq!(beside(&inner, "policies/a.json").unwrap(), "{}");
        assert_eq!(beside(&inner, "./policies/a.json").unwrap(), "{}");
        assert!(beside(&inner, "../secret").unwrap_err().contains("leaves the directory"));
        assert!(beside(&inner, "policies/../../secret").unwrap_err().contains("leaves the directory"));
        assert!(beside(&inner, home.path().join("secret").to_str().unwrap()).unwrap_err().contains("leaves"));
        assert!(beside(&inner, "binary").unwrap_err().contains("UTF-8"));
        assert!(beside(&inner, "missing").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("stack");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(home.path().join("secret"), "no").unwrap();
        std::os::unix::fs::symlink("../secret", inner.join("link")).unwrap();
        assert!(beside(&inner, "link").unwrap_err().contains("link"));
    }
}
