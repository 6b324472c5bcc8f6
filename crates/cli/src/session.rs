//! From arguments to a loaded file and a session with AWS.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use hatoba_engine::cloud::Cloud;
use hatoba_engine::desired::Goal;
use hatoba_engine::lint::lint;
use hatoba_engine::plan::{Intent, Plan, plan};
use hatoba_model::diag::Diagnostics;
use hatoba_model::load::{Loaded, Options, load};
use hatoba_model::names::AccountId;
use hatoba_model::yaml::Source;
use hatoba_provider::aws::{Aws, Settings};
use hatoba_provider::desire;
use hatoba_provider::provider::Provider;

use crate::args::Global;
use crate::error::{Error, Kind};
use crate::ui::Ui;

/// The file as it was read.
pub(crate) struct File {
    pub(crate) source: Source,
    pub(crate) loaded: Loaded,
}

/// Reads and checks the file; problems are printed. Nothing is asked of AWS.
pub(crate) fn read(global: &Global, ui: &Ui, account: Option<&AccountId>) -> Result<File, Error> {
    let name = global.file.display().to_string();
    let bytes = std::fs::read(&global.file).map_err(|error| {
        let error_ = Error::new(Kind::Invalid, format!("cannot read {name}: {error}"));
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                error_.help("name the file with `-f FILE`; stack.example.yaml is one to start from")
            }
            _ => error_,
        }
    })?;
    let source = Source::from_bytes(&name, &bytes).map_err(|problems| {
        report(&problems, &Source::new(&name, String::from_utf8_lossy(&bytes)), ui);
        Error::told(Kind::Invalid)
    })?;
    let vars: BTreeMap<String, String> = global.vars.iter().cloned().collect();
    let directory = global.file.parent().map(Path::to_path_buf).unwrap_or_default();
    let options = Options {
        env: global.env.as_deref(),
        vars: &vars,
        process_env: &|name| std::env::var(name).ok(),
        files: &|path| beside(&directory, path),
        account,
        region: global.region.as_deref(),
    };
    match load(&source, &options) {
        Ok(loaded) => Ok(File { source, loaded }),
        Err(problems) => {
            report(&problems, &source, ui);
            Err(Error::told(Kind::Invalid))
        }
    }
}

/// Reads a file that the stack file names, which must lie in its directory also after following links.
fn beside(directory: &Path, path: &str) -> Result<String, String> {
    let relative = PathBuf::from(path);
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain {
        return Err("it leaves the directory of the stack file".to_owned());
    }
    let home = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let home = home.canonicalize().map_err(|error| error.to_string())?;
    let full = home.join(relative).canonicalize().map_err(|error| error.to_string())?;
    if !full.starts_with(&home) {
        return Err("it is a link that leaves the directory of the stack file".to_owned());
    }
    std::fs::read_to_string(full).map_err(|error| error.to_string())
}

/// Prints everything that is wrong with the file.
fn report(problems: &Diagnostics, source: &Source, ui: &Ui) {
    if ui.json {
        ui.document(&serde_json::json!({ "valid": false, "diagnostics": problems.to_json(source) }));
        return;
    }
    ui.say(problems.render_styled(source, &ui.err.diagnostics()).trim_end());
    let errors = problems.iter().filter(|p| p.severity == hatoba_model::diag::Severity::Error).count();
    if errors > 1 {
        ui.say(&format!("\n{errors} errors; nothing was sent to AWS"));
    }
}

/// Prints what works but is probably not meant.
pub(crate) fn warn(file: &File, ui: &Ui) {
    if !file.loaded.warnings.is_empty() && !ui.json {
        ui.say(file.loaded.warnings.render_styled(&file.source, &ui.err.diagnostics()).trim_end());
    }
}

/// A file and the account it is for.
pub(crate) struct Session {
    pub(crate) file: File,
    pub(crate) provider: Provider,
    pub(crate) goal: Goal,
}

/// Reads the file, finds out whose credentials these are, and refuses every account but the file's.
pub(crate) async fn open(global: &Global, ui: &Ui) -> Result<Session, Error> {
    let file = read(global, ui, None)?;
    let stack = &file.loaded.stack;
    let settings =
        Settings { profile: global.profile.clone(), endpoint_url: global.endpoint_url.clone(), keys: None };
    let aws = Aws::connect(&settings, stack.region.clone()).await?;
    let account = aws.facts().account.clone();
    if let Some(wanted) = stack.account.as_ref().filter(|wanted| **wanted != account) {
        return Err(Error::new(
            Kind::Refused,
            format!("{} is for the account {wanted}, but these credentials belong to {account}", global.file.display()),
        )
        .help("choose other credentials (`--profile`, AWS_PROFILE), or correct `account:` in the file"));
    }
    let file = read(global, ui, Some(&account))?;
    warn(&file, ui);
    let goal = desire::goal(&file.loaded.stack, aws.facts());
    Ok(Session { file, provider: Provider::new(aws), goal })
}

impl Session {
    /// Looks at the cloud and plans.
    pub(crate) async fn plan(&mut self, intent: Intent) -> Result<Plan, Error> {
        self.goal.content = intent == Intent::Absent;
        let seen = self.provider.survey(&self.goal).await;
        let failed = seen.unreadable.iter().map(|failure| crate::error::kind_of(failure.error.class));
        let denied = failed.clone().any(|kind| kind == Kind::Denied);
        let nothing_read = seen.seen.is_empty() && !seen.unreadable.is_empty();
        if let (true, Some(failure)) = (nothing_read || denied && seen.seen.is_empty(), seen.unreadable.first()) {
            return Err(failure.error.clone().into());
        }
        let plan = plan(&self.goal, &seen, intent)
            .map_err(|cycle| Error::new(Kind::Invalid, cycle.to_string()).help("remove one of these references"))?;
        match lint(&self.goal, &seen, &plan).first() {
            None => Ok(plan),
            Some(finding) => Err(Error::new(
                Kind::Failed,
                format!("the plan breaks a rule of its own: step {} {}; nothing was done", finding.step, finding.problem),
            )
            .help("this is a defect of hatoba; please report it with the output of `hatoba plan --json`")),
        }
    }

    /// `papyrus in us-west-2, account 123456789012`.
    pub(crate) fn place(&self) -> String {
        let facts = self.provider.aws().facts();
        format!("{} in {}, account {}", self.file.loaded.stack.stack, facts.region, facts.account)
    }
}
