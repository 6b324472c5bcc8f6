//! `hatoba verify`: whether what the file describes can start, before anything is changed.

use hatoba_engine::plan::Intent;
use hatoba_model::address::Address;
use hatoba_model::diag::Diagnostics;
use hatoba_model::stack::Stack;
use hatoba_model::verify::{Finding, Level, Subjects, Task, judge};
use hatoba_model::yaml::Path;
use hatoba_provider::permissions::missing::{Missing, Refusals};
use hatoba_provider::verify::{Scope, World, gather, subjects};
use serde_json::{Value as Json, json};

use crate::args::Global;
use crate::error::{Error, Kind};
use crate::render::line::{Line, write_all};
use crate::render::{Style, Tone, count, missing};
use crate::session::{self, Look, Session};
use crate::ui::Ui;

/// What was found, and in how much.
pub(crate) struct Checked {
    tasks: usize,
    services: usize,
    findings: Vec<Finding>,
    /// What was refused.
    missing: Vec<Missing>,
}

/// Looks at the cloud, and says what would not work.
pub(crate) async fn run(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let look = session.look(Intent::Present).await?;
    let mut checked = check(&session, &look, Scope::Everything).await;
    checked.findings.extend(look.plan.refusals.iter().map(|refusal| {
        let address = refusal.address.clone().unwrap_or_else(|| Address::new("stack", session.name()));
        Finding {
            level: Level::Error,
            code: "refused",
            path: path_of(&address),
            address,
            message: refusal.problem.clone(),
            help: refusal.help.clone(),
        }
    }));
    let known: Vec<Address> = checked.findings.iter().map(|finding| finding.address.clone()).collect();
    let unread = look.plan.unknown.iter().filter(|(address, _)| !known.contains(address));
    checked.findings.extend(unread.map(|(address, why)| Finding {
        level: Level::NotChecked,
        code: "unread",
        path: path_of(address),
        address: address.clone(),
        message: format!("{address}: {why}"),
        help: String::new(),
    }));
    checked.findings.sort();
    checked.missing.extend(look.missing.iter().cloned());
    let errors = checked.count(Level::Error);
    if ui.json {
        ui.document(&json!({
            "stack": session.name(),
            "account": session.facts().account,
            "region": session.facts().region,
            "ok": errors == 0,
            "task_definitions": checked.tasks,
            "services": checked.services,
            "findings": checked.json(&session),
            "missing": missing::json(&checked.missing),
        }))?;
    } else {
        let mut text = checked.text(&session, ui.out);
        text.push_str(&write_all(&[checked.summary()], ui.out));
        ui.data(&text)?;
    }
    ui.tell(&missing::lines(&checked.missing));
    Ok(u8::from(errors > 0))
}

/// Asks about everything, or about what the plan creates and changes. A read that fails is a finding.
pub(crate) async fn check(session: &Session, look: &Look, scope: Scope) -> Checked {
    let facts = session.facts();
    let world = World { goal: &session.goal, seen: &look.seen, plan: &look.plan };
    let subjects = subjects(world, scope, facts);
    if scope == Scope::Changes && !asks(&subjects) {
        return Checked { tasks: 0, services: 0, findings: Vec::new(), missing: Vec::new() };
    }
    let (found, failed) = gather(session.provider.aws(), world, &subjects).await;
    let mut refusals = Refusals::default();
    failed.iter().for_each(|error| refusals.check(error, &session.goal, facts));
    let findings = judge(&subjects, &found, facts);
    let (tasks, services) = (subjects.tasks.len(), subjects.services.len());
    Checked { tasks, services, findings, missing: refusals.missing() }
}

/// Whether there is anything to ask.
fn asks(subjects: &Subjects) -> bool {
    let images = |task: &Task| task.containers.values().any(|container| container.look_for_image);
    subjects.tasks.values().any(|task| task.permissions || images(task))
        || subjects.services.values().any(|service| service.network.is_some() || service.breaker.is_some())
}

/// Before `apply` asks: what the plan's changes would run into.
///
/// # Errors
/// When something would not start.
pub(crate) async fn before_apply(session: &Session, look: &Look, not_done: &Json, ui: &Ui) -> Result<(), Error> {
    let mut checked = check(session, look, Scope::Changes).await;
    // Nobody could do anything about it, and it would be said each time.
    checked.findings.retain(|finding| finding.code != "image-elsewhere");
    if checked.findings.is_empty() {
        return Ok(());
    }
    if !ui.json {
        ui.tell(&[Line::blank()]);
        ui.raw(&checked.text(session, ui.err));
    }
    ui.tell(&missing::lines(&checked.missing));
    let errors = checked.count(Level::Error);
    if errors == 0 {
        return Ok(());
    }
    let mut document = not_done.clone();
    if let Some(document) = document.as_object_mut() {
        document.insert("findings".to_owned(), checked.json(session));
    }
    let things = count(errors, "thing");
    let message = format!("{things} would keep tasks from starting; nothing was changed");
    Err(Error::new(Kind::Failed, message)
        .help("correct the file or the account and run the same command again; `--skip-verify` applies all the same")
        .document(document))
}

impl Checked {
    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// Errors and warnings with their lines of the file, then what was not checked.
    fn text(&self, session: &Session, style: Style) -> String {
        let mut found: Diagnostics = self.findings.iter().filter_map(Finding::diagnostic).collect();
        found.locate(&session.tree);
        let mut text = found.render_styled(&session.source, &style.diagnostics());
        if !found.is_empty() {
            text.push('\n');
        }
        let not_checked = self.findings.iter().filter(|finding| finding.level == Level::NotChecked);
        let lines: Vec<Line> = not_checked
            .map(|finding| {
                let line = Line::new(0).hang(2).add(Tone::Warning, "not checked: ").text(&finding.message);
                match place(session, &finding.path) {
                    Some((row, column)) => line.add(Tone::Faint, &format!(" ({}:{row}:{column})", session.source.name)),
                    None => line,
                }
            })
            .collect();
        text.push_str(&write_all(&lines, style));
        if !lines.is_empty() {
            text.push('\n');
        }
        text
    }

    fn summary(&self) -> Line {
        let things = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
        let what = format!("{} and {}", things(self.tasks, "task definition"), things(self.services, "service"));
        let mut found = Vec::new();
        for (level, word) in [(Level::Error, "error"), (Level::Warning, "warning")] {
            let count = self.count(level);
            if count > 0 {
                found.push(things(count, word));
            }
        }
        let not_checked = self.count(Level::NotChecked);
        if not_checked > 0 {
            found.push(format!("{not_checked} not checked"));
        }
        let tone = match (self.count(Level::Error), self.count(Level::Warning)) {
            (0, 0) => Tone::Add,
            (0, _) => Tone::Warning,
            _ => Tone::Error,
        };
        let found = if found.is_empty() { "nothing in the way".to_owned() } else { found.join(", ") };
        Line::new(0).text(&format!("Checked {what}: ")).add(tone, &found).text(".")
    }

    fn json(&self, session: &Session) -> Json {
        let one = |finding: &Finding| {
            let at = place(session, &finding.path);
            json!({
                "severity": finding.level.word(),
                "code": finding.code,
                "resource": finding.address,
                "message": finding.message,
                "file": session.source.name,
                "line": at.map(|(line, _)| line),
                "column": at.map(|(_, column)| column),
                "path": finding.path.to_string(),
                "help": (!finding.help.is_empty()).then_some(&finding.help),
            })
        };
        self.findings.iter().map(one).collect()
    }
}

/// Line and column of a value of the file, or of the key of the deepest mapping above it.
fn place(session: &Session, path: &Path) -> Option<(u32, u32)> {
    let tree = &session.tree;
    let (value, exact) = tree.locate(path);
    let scalar = exact && tree.at(path).is_some_and(|node| node.as_str().is_some());
    let at = if scalar { value } else { tree.locate_key(path).0 };
    (!path.is_root()).then_some((at.start.line, at.start.col))
}

/// Where a resource stands in the file.
fn path_of(address: &Address) -> Path {
    let section = Stack::SECTIONS.iter().find(|section| Stack::kind_of(section) == Some(address.kind));
    section.map_or_else(Path::root, |section| Path::of(&[section, &address.name]))
}
