//! Plans in files: what was approved is what is carried out, or nothing.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use hatoba_engine::plan::{Intent, Plan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::args::Global;
use crate::carry::quoted;
use crate::error::{Error, Kind};
use crate::line::is_stack_file;
use crate::render;
use crate::render::Style;

/// The version of the format.
const VERSION: u32 = 1;

/// A saved plan. It holds no secrets: the plan itself is made anew and compared by its digest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    version: u32,
    /// The version of hatoba that made it: another one may plan otherwise.
    hatoba: String,
    /// The stack file.
    pub(crate) file: String,
    /// The environment.
    pub(crate) env: Option<String>,
    /// The region, if it was not the file's.
    pub(crate) region: Option<String>,
    /// The names of the variables that were given; their values may be secret.
    vars: Vec<String>,
    /// Whether it is the plan of a destruction.
    pub(crate) destroy: bool,
    /// Over everything that the plan would do, and what it expects to find.
    digest: String,
    /// For reading.
    text: String,
}

impl Saved {
    /// What is saved of a plan.
    pub(crate) fn new(plan: &Plan, place: &str, global: &Global) -> Self {
        Self {
            version: VERSION,
            hatoba: env!("CARGO_PKG_VERSION").to_owned(),
            file: global.file().display().to_string(),
            env: global.env.clone(),
            region: global.region.clone(),
            vars: global.vars.iter().map(|(name, _)| name.clone()).collect(),
            destroy: plan.intent == Intent::Absent,
            digest: digest(plan, place),
            text: render::plan::text(plan, place, Style::plain(100)),
        }
    }

    /// Writes it, for the owner's eyes only: a plan says much about an account.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let failed = |why: String| Error::new(Kind::Failed, format!("cannot write {}: {why}", path.display()));
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.to_string()))?;
        let mut file = private(path).map_err(|error| failed(error.to_string()))?;
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(|error| failed(error.to_string()))
    }

    /// Reads one.
    ///
    /// # Errors
    /// When there is none, or one of another version.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let bad = |why: String| {
            Error::new(Kind::Failed, format!("{} is no saved plan: {why}", path.display()))
                .help("make one with `hatoba plan --out FILE`")
        };
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let version: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            let name = quoted(&path.display().to_string());
            match is_stack_file(path) {
                true => bad(error.to_string()).help(format!("a stack file goes with `-f`: `hatoba -f {name} apply`")),
                false => bad(error.to_string()),
            }
        })?;
        if version.get("version") != Some(&VERSION.into()) {
            return Err(bad("it has another format".to_owned()));
        }
        let saved: Self = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if saved.hatoba != env!("CARGO_PKG_VERSION") {
            return Err(Error::new(Kind::Refused, format!("the plan was made by hatoba {}", saved.hatoba))
                .help("make a new one with this version"));
        }
        Ok(saved)
    }

    /// Makes options those that the plan was made with.
    pub(crate) fn fill(&self, global: &mut Global) {
        global.file = Some(self.file.clone().into());
        global.env.clone_from(&self.env);
        global.region = global.region.take().or_else(|| self.region.clone());
    }

    /// Refuses another stack file, environment or region than the plan was made with, where one is named.
    ///
    /// # Errors
    /// A refusal.
    pub(crate) fn must_be_of(&self, global: &Global, path: &Path) -> Result<(), Error> {
        let file = global.file.as_deref().filter(|named| !is_same(named, Path::new(&self.file)));
        let file = file.map(|named| format!("from {}, not from {}", self.file, named.display()));
        let env = global.env.as_ref().filter(|_| global.env != self.env);
        let ours = self.env.as_ref().map_or_else(|| "without an environment".to_owned(), |env| format!("for {env}"));
        let env = env.map(|named| format!("{ours}, not for {named}"));
        // Where the plan names none it was made for that of the file, which may be the same.
        let region = self.region.as_ref().zip(global.region.as_ref()).filter(|(ours, named)| ours != named);
        let region = region.map(|(ours, named)| format!("for {ours}, not for {named}"));
        let Some(otherwise) = file.or(env).or(region) else { return Ok(()) };
        Err(Error::new(Kind::Refused, format!("{} was made {otherwise}; nothing was done", path.display())).help(
            "leave `-f`, `--env` and `--region` out, which the plan knows, or make a new one with them: `hatoba plan --out FILE`",
        ))
    }

    /// Refuses a plan that is not the saved one.
    ///
    /// # Errors
    /// A refusal.
    pub(crate) fn must_equal(&self, plan: &Plan, place: &str) -> Result<(), Error> {
        if digest(plan, place) == self.digest {
            return Ok(());
        }
        let message =
            "the saved plan no longer applies: the file or something on AWS has changed since; nothing was done";
        let error =
            Error::new(Kind::Refused, message).help("make a new one with `hatoba plan --out FILE` and look at it");
        Err(match self.vars.as_slice() {
            [] => error,
            vars => error.help(format!("the plan was made with --var for {}; give the same values", vars.join(", "))),
        })
    }
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A digest over the steps with their unmasked values, identifiers and expectations.
fn digest(plan: &Plan, place: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{place}|{:?}\n", plan.intent));
    for step in &plan.steps {
        let wish = step.want.as_ref().map(|want| (&want.name, &want.scope, &want.fields));
        let live = step.live.as_ref().map(|live| (&live.id, &live.mark, &live.fields, &live.holds));
        let what = (&step.act, &step.why, &step.after, &step.changes);
        hasher.update(format!("{}|{}|{what:?}|{wish:?}|{live:?}\n", step.address, step.name));
    }
    for refusal in &plan.refusals {
        hasher.update(format!("{refusal:?}\n"));
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use clap::Parser as _;
    use hatoba_engine::value::Value;

    use super::*;
    use crate::args::Cli;
    use crate::render::testkit::{change, plan, update};

    fn changing(before: &str, after: &str) -> Plan {
        plan(vec![update("papyrus", vec![change("parts.password", Some(before.into()), Some(after.into()))])])
    }

    fn global() -> Global {
        Cli::try_parse_from(["hatoba", "--var", "db=hunter9", "plan"]).unwrap().global
    }

    #[test]
    fn a_saved_plan_comes_back_and_holds_no_secret() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("plan.json");
        let made = changing("hunter1", "hunter2");
        Saved::new(&made, "here", &global()).write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter"), "{text}");
        let saved = Saved::read(&path).unwrap();
        assert_eq!((saved.file.as_str(), saved.destroy), ("stack.yaml", false));
        saved.must_equal(&made, "here").unwrap();
    }

    #[test]
    fn any_difference_is_refused_also_of_what_is_not_shown() {
        let saved = Saved::new(&changing("hunter1", "hunter2"), "here", &global());
        let refused = |plan: &Plan, place: &str| saved.must_equal(plan, place).unwrap_err();
        assert_eq!(refused(&changing("hunter1", "hunter3"), "here").kind, Kind::Refused);
        assert_eq!(refused(&changing("hunter1", "hunter2"), "elsewhere").kind, Kind::Refused);
        assert_eq!(refused(&plan(vec![]), "here").kind, Kind::Refused);
        let mut destroy = changing("hunter1", "hunter2");
        destroy.intent = Intent::Absent;
        assert!(refused(&destroy, "here").help.iter().any(|help| help.contains("--var for db")));
    }

    #[test]
    fn what_is_no_plan_is_said_to_be_none() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("plan.json");
        for text in ["", "{}", "{\"version\": 2}", "[1]"] {
            std::fs::write(&path, text).unwrap();
            assert!(Saved::read(&path).unwrap_err().message.contains("is no saved plan"), "{text}");
        }
    }

    #[test]
    fn a_stack_file_is_no_plan_and_goes_elsewhere() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("stack.yaml");
        std::fs::write(&path, "stack: papyrus\n").unwrap();
        let help = Saved::read(&path).unwrap_err().help.join(" ");
        assert!(
            help.contains("a stack file goes with `-f`: `hatoba -f ") && help.contains("stack.yaml apply`"),
            "{help}"
        );
    }

    #[test]
    fn the_file_of_the_plan_is_the_one_that_is_named() {
        let home = tempfile::tempdir().unwrap();
        let other = home.path().join("other.yaml");
        let mut saved = Saved::new(&plan(vec![]), "here", &global());
        let refusal = |saved: &Saved, named: Option<&Path>| {
            let global = Global { file: named.map(Path::to_owned), ..global() };
            saved.must_be_of(&global, Path::new("p2")).err().map(|error| error.message)
        };
        assert_eq!(refusal(&saved, Some(Path::new("stack.yaml"))), None);
        let said = format!("p2 was made from stack.yaml, not from {}; nothing was done", other.display());
        assert_eq!(refusal(&saved, Some(&other)), Some(said));
        // Another way to write the same file.
        std::fs::write(&other, "").unwrap();
        saved.file = home.path().join("./other.yaml").display().to_string();
        assert_eq!(refusal(&saved, Some(&other)), None);
        // What is not named is not meant, and what is named is, also where it is what would be taken otherwise.
        assert_eq!(refusal(&saved, None), None);
        let said = format!("p2 was made from {}, not from stack.yaml; nothing was done", saved.file);
        assert_eq!(refusal(&saved, Some(Path::new("stack.yaml"))), Some(said));
    }

    #[test]
    fn environment_and_region_of_the_plan_are_those_that_are_named() {
        let named = |env: Option<&str>, region: Option<&str>| Global {
            env: env.map(str::to_owned),
            region: region.map(str::to_owned),
            ..global()
        };
        let refusal = |made: (Option<&str>, Option<&str>), said: (Option<&str>, Option<&str>)| {
            let saved = Saved::new(&plan(vec![]), "here", &named(made.0, made.1));
            saved.must_be_of(&named(said.0, said.1), Path::new("p2")).err().map(|error| error.message)
        };
        let (none, staging) = ((None, None), (Some("staging"), Some("eu-west-1")));
        assert_eq!(refusal(staging, none), None);
        assert_eq!(refusal(staging, staging), None);
        let told = |why: &str| Some(format!("p2 was made {why}; nothing was done"));
        assert_eq!(refusal(staging, (Some("live"), None)), told("for staging, not for live"));
        assert_eq!(refusal(none, (Some("live"), None)), told("without an environment, not for live"));
        assert_eq!(refusal(staging, (None, Some("eu-west-2"))), told("for eu-west-1, not for eu-west-2"));
        // Which the file says, the digest tells.
        assert_eq!(refusal(none, (None, Some("eu-west-2"))), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("plan.json");
        Saved::new(&plan(vec![update("a", vec![change("size", None, Some(Value::Int(1)))])]), "here", &global())
            .write(&path)
            .unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
