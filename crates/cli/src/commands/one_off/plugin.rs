//! The Session Manager plugin, which is handed the session. What it takes is in its sources (aws/session-manager-plugin,
//! `src/sessionmanagerplugin/session/session.go`): the session in a variable of the environment, of which the first argument is the name, then
//! region, operation, profile, request and endpoint.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hatoba_model::facts::Facts;
use hatoba_model::region::dns_suffix;
use hatoba_provider::one_off::session::Session;
use serde_json::json;

use crate::error::{Error, Kind};

/// Its name.
const NAME: &str = "session-manager-plugin";
/// The variable that the session is in: arguments can be read by everybody on the machine.
const VARIABLE: &str = "AWS_SSM_START_SESSION_RESPONSE";
/// The last version that knows no such variable (aws/aws-cli, `awscli/customizations/sessionmanager.py`).
const BEFORE: [u64; 4] = [1, 2, 497, 0];
const WHERE: &str =
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html";

/// Finds it.
///
/// # Errors
/// When it is not there, or too old to take a session without showing its token to everybody.
pub(super) fn find() -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(plugin) = in_path(&path) else {
        return Err(Error::new(
            Kind::Failed,
            format!("there is no `{NAME}` on PATH, which `hatoba exec` hands the session to"),
        )
        .help(format!("install it: {WHERE}")));
    };
    let asked = Command::new(&plugin).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let asked =
        asked.map_err(|error| Error::new(Kind::Failed, format!("{} cannot be run: {error}", plugin.display())))?;
    let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    if is_old(&version) {
        let message = format!(
            "{} is too old ({version}): it takes the token of a session only where everybody on this machine can read it",
            plugin.display()
        );
        return Err(Error::new(Kind::Failed, message).help(format!("install a newer one: {WHERE}")));
    }
    Ok(plugin)
}

fn in_path(path: &OsStr) -> Option<PathBuf> {
    let name = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path).map(|directory| directory.join(&name)).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Whether this is a version that knows no such variable. What is no version is not held against it.
fn is_old(version: &str) -> bool {
    let parts: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
    parts.is_ok_and(|mut parts| {
        parts.resize(BEFORE.len().max(parts.len()), 0);
        parts.as_slice() <= BEFORE.as_slice()
    })
}

/// Where a session leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// Account and region.
    pub(super) facts: &'a Facts,
    /// The profile, if one was named.
    pub(super) profile: Option<&'a str>,
    /// The endpoint of all services, if one was named.
    pub(super) endpoint: Option<&'a str>,
    /// The cluster's name.
    pub(super) cluster: &'a str,
    /// The task's id.
    pub(super) task: &'a str,
    /// The id that the runtime gives the container.
    pub(super) runtime: &'a str,
}

/// Its arguments.
fn arguments(target: Target<'_>) -> [String; 6] {
    let facts = target.facts;
    let suffix = dns_suffix(facts.partition()).unwrap_or("amazonaws.com");
    let endpoint = target.endpoint.map_or_else(|| format!("https://ssm.{}.{suffix}", facts.region), str::to_owned);
    let request = json!({ "Target": format!("ecs:{}_{}_{}", target.cluster, target.task, target.runtime) });
    [
        VARIABLE.to_owned(),
        facts.region.to_string(),
        "StartSession".to_owned(),
        target.profile.unwrap_or_default().to_owned(),
        request.to_string(),
        endpoint,
    ]
}

/// Hands a session over. Where the system can, the plugin takes the place of this process: terminal, signals and exit code are its own
/// from then on.
///
/// # Errors
/// When it cannot be run.
pub(super) fn hand_over(plugin: &Path, session: &Session, target: Target<'_>) -> Result<u8, Error> {
    let mut command = Command::new(plugin);
    command.args(arguments(target)).env(VARIABLE, session.secret());
    run(command).map_err(|error| Error::new(Kind::Failed, format!("{} cannot be run: {error}", plugin.display())))
}

#[cfg(unix)]
fn run(mut command: Command) -> std::io::Result<u8> {
    use std::os::unix::process::CommandExt as _;
    // It only returns when it failed.
    Err(command.exec())
}

#[cfg(not(unix))]
fn run(mut command: Command) -> std::io::Result<u8> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    #[test]
    fn versions_up_to_the_last_that_knows_no_variable_are_old() {
        assert!(["1.2.497.0", "1.2.463", "1.0", "0.9.9.9"].iter().all(|version| is_old(version)));
        assert!(["1.2.497.1", "1.2.536.0", "1.2.707.0", "2", "", "unknown"].iter().all(|version| !is_old(version)));
    }

    #[test]
    fn the_arguments_name_the_container_and_hold_no_session() {
        let facts = Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let target = Target {
            facts: &facts,
            profile: None,
            endpoint: None,
            cluster: "papyrus",
            task: "3f2a",
            runtime: "3f2a-1",
        };
        assert_eq!(
            arguments(target),
            [
                "AWS_SSM_START_SESSION_RESPONSE",
                "us-west-2",
                "StartSession",
                "",
                r#"{"Target":"ecs:papyrus_3f2a_3f2a-1"}"#,
                "https://ssm.us-west-2.amazonaws.com"
            ]
        );
        let china = Facts { region: "cn-north-1".parse().unwrap(), ..facts.clone() };
        let target = Target { facts: &china, profile: Some("me"), ..target };
        let [_, _, _, profile, _, endpoint] = arguments(target);
        assert_eq!((profile.as_str(), endpoint.as_str()), ("me", "https://ssm.cn-north-1.amazonaws.com.cn"));
    }

    #[cfg(unix)]
    #[test]
    fn only_programs_on_the_path_count() {
        use std::os::unix::fs::PermissionsExt as _;
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = std::env::join_paths([one.path(), two.path()]).unwrap();
        std::fs::write(one.path().join(NAME), "no program").unwrap();
        assert_eq!(in_path(&path), None);
        let plugin = two.path().join(NAME);
        std::fs::write(&plugin, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(in_path(&path), Some(plugin));
    }
}
