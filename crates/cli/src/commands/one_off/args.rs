//! The arguments of `hatoba run` and `hatoba exec`.

use std::time::Duration;

use clap::Args;

use crate::carry::quoted;
use crate::duration::span;
use crate::error::{Error, Kind};

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The task definition, by its key in the file; may be left out where there is only one.
    #[arg(value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// Words that stand where nothing may: whoever has left out the `--` is told so.
    #[arg(hide = true, value_name = "WORD")]
    pub(crate) stray: Vec<String>,
    /// The service of the file whose revision, network and capacity it takes; may be left out where only one runs the task definition.
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// The container that the command is for, and whose exit code counts; the first essential one unless stated.
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// The cluster, by its key in the file or its name; that of the service, or the only one of the file, unless stated.
    #[arg(long, value_name = "CLUSTER")]
    pub(crate) cluster: Option<String>,
    /// A subnet, by its id; those of the service, or the default ones of the region, unless stated. May be repeated.
    #[arg(long = "subnet", value_name = "ID")]
    pub(crate) subnets: Vec<String>,
    /// A security group, by its id; those of the service, or the default one of the network, unless stated. May be repeated.
    #[arg(long = "security-group", value_name = "ID")]
    pub(crate) groups: Vec<String>,
    /// Whether it gets a public address; as the service has it unless stated, and yes in default subnets.
    #[arg(
        long,
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub(crate) public_ip: Option<bool>,
    /// Start it and leave it; its end is not waited for.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// How long it may run, such as `90s`, `20m` or `1h`; then it is stopped. As long as it takes unless stated.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "no_wait")]
    pub(crate) timeout: Option<Duration>,
    /// The longest rest between two looks at it; 5 seconds unless stated.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "no_wait")]
    pub(crate) every: Option<Duration>,
    /// What the container runs instead of its own command: a program and its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// Options of `exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// The service, by its key in the file; may be left out where there is only one.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Words that stand where nothing may: whoever has left out the `--` is told so.
    #[arg(hide = true, value_name = "WORD")]
    pub(crate) stray: Vec<String>,
    /// The task, by its id or the beginning of it; the newest of the service unless stated.
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// The container; the first essential one unless stated.
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// What to run there; `/bin/sh` unless stated.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// Checks that the command does not begin without its `--`: `of` is the command of hatoba, `named` the word before it.
pub(super) fn check_dashes(of: &str, named: Option<&str>, stray: &[String], command: &[String]) -> Result<(), Error> {
    let Some(first) = stray.first() else { return Ok(()) };
    let words = named.into_iter().chain(["--"]).chain(stray.iter().chain(command).map(String::as_str));
    let whole = words.map(quoted).collect::<Vec<_>>().join(" ");
    let message = format!("`hatoba {of}` takes one name, and `{first}` is another word");
    Err(Error::new(Kind::Failed, message).help(format!("put `--` before the command: hatoba {of} {whole}")))
}
