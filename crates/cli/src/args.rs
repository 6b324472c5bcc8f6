//! The command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hatoba_model::names::AccountId;
use hatoba_prices::money::Money;
use hatoba_rollout::follow::{Limits, OnFailure};
use hatoba_rollout::pause::{LONGEST, TIMEOUT};

use crate::commands::doctor::args::DoctorArgs;
use crate::commands::one_off::args::{ExecArgs, RunArgs};
use crate::duration::{duration, minutes, span};
use crate::purpose::Purpose;

/// The stack file, unless one is named.
const STACK_FILE: &str = "stack.yaml";

/// What `hatoba --help` says below the options.
const EXIT_CODES: &str = "\
Exit codes: 0 done or nothing to do, 1 failed, 2 changes are pending (plan --detailed-exitcode), 3 the file is invalid, \
4 credentials or permissions, 5 the deployment failed or was rolled back, or a one-off task did not run, 6 refused, \
130 interrupted. `run` ends with the exit code of its container.";

/// From a GitHub repository to AWS Fargate, from one file.
#[derive(Debug, Parser)]
#[command(
    name = "hatoba",
    version,
    about,
    disable_help_subcommand = true,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The stack file [default: stack.yaml].
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// An environment of the file, laid over the rest of it.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// A variable of the file; may be repeated.
    #[arg(long = "var", global = true, value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) vars: Vec<(String, String)>,
    /// Another region than the file's.
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// A profile of your AWS configuration.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Another endpoint than AWS's, such as an emulator.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// One JSON document on standard output (docs/json.md).
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Say on standard error what is done; twice: also each call to AWS but those for credentials, with its status, time and request id.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Global {
    /// The stack file, whether it was named or not.
    pub(crate) fn file(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new(STACK_FILE))
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn image(text: &str) -> Result<(String, String), String> {
    let (name, image) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as CONTAINER=IMAGE")?;
    if image.is_empty() {
        return Err("the image is empty (is a variable unset?)".to_owned());
    }
    if !image.contains(['/', ':', '@']) && !is_tag(image) {
        return Err(format!(
            "`{image}` is no tag: that has at most 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two"
        ));
    }
    if image.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("the name of an image has no spaces".to_owned());
    }
    Ok((name.to_owned(), image.to_owned()))
}

/// Whether a text can be the tag of an image. Source: the OCI distribution specification, "Pulling manifests".
fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

fn gigabytes(text: &str) -> Result<Money, String> {
    Money::read(text).ok_or_else(|| "write a number of GB such as 2 or 0.5".to_owned())
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal that wants it (`NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` are respected).
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check the file without asking AWS anything.
    Validate,
    /// Print the long form of the file: a file of its own, with all values as they are, also those that plans hide.
    Expand,
    /// Print the JSON Schema of stack files, for editors.
    Schema,
    /// Print the dependency graph of the file.
    Graph(GraphArgs),
    /// Show what apply would do.
    Plan(PlanArgs),
    /// Bring AWS to what the file says.
    Apply(ApplyArgs),
    /// Bring a new image into a service, and change nothing else.
    Deploy(DeployArgs),
    /// Stop services, so that nothing of them runs and costs; their counts are remembered.
    Down(DownArgs),
    /// Start services that were stopped, as they were.
    Up(UpArgs),
    /// Show how the services stand: tasks, deployments, addresses, images, what went wrong lately.
    Status(StatusArgs),
    /// Print what the containers of a service wrote.
    Logs(LogsArgs),
    /// Run a task of a task definition once, print what it writes, and end with the exit code of its container.
    Run(RunArgs),
    /// Run a command in a task that runs; takes the Session Manager plugin of AWS.
    Exec(ExecArgs),
    /// Go back to the last revision of a service that completed, and change nothing else.
    Rollback(RollbackArgs),
    /// Delete everything that the stack owns.
    Destroy(DestroyArgs),
    /// Check what the file needs in the account before anything starts: images, roles, secrets, log groups, network.
    ///
    /// Reads only. Exits with 1 when something would keep tasks from starting; warnings alone are no failure.
    Verify,
    /// Delete old revisions and images that nothing uses.
    Prune(PruneArgs),
    /// Explain what stands in the way: a refused token, a missing permission, an account that is not ready.
    Doctor(DoctorArgs),
    /// What GitHub has to know of the stack.
    Github {
        /// What.
        #[command(subcommand)]
        command: GithubCommand,
    },
    /// Print the permissions that a command needs for this file, as IAM policies.
    Permissions(PermissionsArgs),
    /// Say what the stack costs: running, on its schedule, stopped. Asks AWS nothing.
    Cost(CostArgs),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the version.
    Version,
}

/// What GitHub has to know.
#[derive(Debug, Subcommand)]
pub(crate) enum GithubCommand {
    /// Print the variables of the repository that hand-written workflows need, and the commands that set them.
    Vars,
}

/// Options of `graph`.
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// How to print it.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub(crate) format: GraphFormat,
}

/// How to print a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// A picture.
    Svg,
}

/// Options of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Plan the destruction of the stack.
    #[arg(long)]
    pub(crate) destroy: bool,
    /// Save the plan, for `hatoba apply FILE`.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print Markdown for a pull request comment (under GitHub's limit of 65,536 characters).
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Exit with 2 when there are changes.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

/// Options of `apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// A plan saved by `hatoba plan --out`: exactly this is carried out, or nothing.
    #[arg(value_name = "FILE")]
    pub(crate) saved: Option<PathBuf>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Do not check first what new tasks need to start (`hatoba verify`).
    #[arg(long)]
    pub(crate) skip_verify: bool,
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
}

/// How deployments are followed that a command starts.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FollowArgs {
    /// How long a deployment may take, such as `90s`, `20m` or `1h`; 20 minutes unless stated.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) timeout: Option<Duration>,
    /// What to do about a deployment that cannot succeed any more, or takes too long.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Failing::Rollback)]
    pub(crate) on_failure: Failing,
    /// Do not wait for the verdict of ECS.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// The longest rest between two looks at a deployment; 5 seconds unless stated.
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "no_wait")]
    pub(crate) every: Option<Duration>,
}

impl FollowArgs {
    /// For what starts no deployment: another number of tasks is none.
    pub(crate) const NONE: Self = Self { timeout: None, on_failure: Failing::Rollback, no_wait: true, every: None };

    /// How long, and what then.
    pub(crate) fn limits(&self) -> Limits {
        let on_failure = match self.on_failure {
            Failing::Rollback => OnFailure::Rollback,
            Failing::Leave => OnFailure::Leave,
        };
        Limits { timeout: self.timeout.unwrap_or(TIMEOUT), on_failure }
    }

    /// The longest rest between two looks.
    pub(crate) fn longest(&self) -> Duration {
        self.every.unwrap_or(LONGEST)
    }
}

/// What to do about a deployment that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Failing {
    /// Bring back what ran before.
    Rollback,
    /// Leave it as it is: ECS goes on trying.
    Leave,
}

/// Options of `deploy`.
#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The service, by its key in the file; may be left out where there is only one.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// The image for a container whose image is `live`: a tag or digest of its repository, or an image in full. May be repeated.
    #[arg(long = "image", value_name = "CONTAINER=IMAGE", value_parser = image)]
    pub(crate) images: Vec<(String, String)>,
    /// Start new tasks with the same images: they read their secrets anew.
    #[arg(long, conflicts_with = "images")]
    pub(crate) redeploy: bool,
    /// There is nothing to say yes to; whoever says it is told so.
    #[arg(short, long, hide = true)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The service, by its key in the file; all of them where none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The service, by its key in the file; may be left out where there is only one.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Go on and print new lines as they come; Ctrl-C ends it.
    #[arg(long)]
    pub(crate) follow: bool,
    /// How far back to begin: `90s`, `15m`, `2h`, `1d`.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = span)]
    pub(crate) since: Duration,
    /// Only lines that this filter pattern of CloudWatch Logs finds, such as `ERROR` or `{ $.status = 500 }`.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) filter: Option<String>,
    /// Only this container.
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<String>,
    /// Only the last so many lines.
    #[arg(long, short = 'n', value_name = "COUNT", conflicts_with = "follow")]
    pub(crate) lines: Option<NonZeroUsize>,
    /// Begin each line with its time, in UTC.
    #[arg(long)]
    pub(crate) timestamps: bool,
}

/// Options of `rollback`.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The service, by its key in the file; may be left out where there is only one.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
}

/// Options of `down`.
#[derive(Debug, Args)]
pub(crate) struct DownArgs {
    /// The services, by their keys in the file; all of them where none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
}

/// Options of `up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// The services, by their keys in the file; all of them where none is named.
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// Stop them again after this time: `2h`, `90m`, `1d12h`.
    #[arg(long = "for", value_name = "TIME", value_parser = minutes)]
    pub(crate) span: Option<Duration>,
}

/// Options of `destroy`.
#[derive(Debug, Args)]
pub(crate) struct DestroyArgs {
    /// Do not ask for the stack's name.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Options of `prune`.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Only show what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave images alone that were pushed less than this ago: they may be on their way into a deployment.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = duration)]
    pub(crate) older_than: Duration,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Options of `permissions`.
#[derive(Debug, Args)]
pub(crate) struct PermissionsArgs {
    /// For what; several as `plan,apply`.
    #[arg(long = "for", value_name = "WHAT", value_enum, required = true, value_delimiter = ',')]
    pub(crate) purposes: Vec<Purpose>,
    /// Print a role of this name for the file instead.
    #[arg(long = "as", value_name = "ROLE", conflicts_with = "json")]
    pub(crate) role: Option<String>,
    /// The account, where the file names none. Without it the credentials tell.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountId>,
}

/// Options of `cost`.
#[derive(Debug, Args)]
pub(crate) struct CostArgs {
    /// How many GB of images the repositories hold.
    #[arg(long, value_name = "GB", value_parser = gigabytes)]
    pub(crate) images: Option<Money>,
    /// How many GB of logs are written in a month.
    #[arg(long, value_name = "GB", value_parser = gigabytes)]
    pub(crate) logs: Option<Money>,
    /// Also say what the same services cost in every region whose prices are known.
    #[arg(long)]
    pub(crate) compare: bool,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        let before = Cli::try_parse_from(["hatoba", "-f", "a.yaml", "--var", "a=b=c", "--var", "d=", "plan"]).unwrap();
        assert_eq!(before.global.file(), Path::new("a.yaml"));
        assert_eq!(before.global.vars, [("a".into(), "b=c".into()), ("d".into(), String::new())]);
        let after = Cli::try_parse_from(["hatoba", "plan", "--json", "-vv", "--color", "never"]).unwrap();
        assert_eq!((after.global.json, after.global.verbose, after.global.color), (true, 2, Color::Never));
        assert_eq!(after.global.file(), Path::new("stack.yaml"));
    }

    #[test]
    fn images_are_read_before_anything_is_asked() {
        let why = |said: &str| Cli::try_parse_from(["hatoba", "deploy", "--image", said]).unwrap_err().to_string();
        assert!(why("app=").contains("the image is empty (is a variable unset?)"), "{}", why("app="));
        for wrong in ["app=my image", "app=-v1", "app=é", &format!("app={}", "v".repeat(129))] {
            assert!(why(wrong).contains("is no tag"), "{}", why(wrong));
        }
        assert!(why("app=acme/my image:v1").contains("no spaces"));
        assert!(why("v1").contains("write it as CONTAINER=IMAGE"));
        for right in ["app=v1.2-rc_3", "app=sha256:0123", "app=acme/papyrus:v1", &format!("app={}", "v".repeat(128))] {
            assert!(Cli::try_parse_from(["hatoba", "deploy", "--image", right]).is_ok(), "{right}");
        }
    }

    #[test]
    fn variables_need_a_name() {
        assert!(Cli::try_parse_from(["hatoba", "--var", "nothing", "plan"]).is_err());
        assert!(Cli::try_parse_from(["hatoba", "--var", "=x", "plan"]).is_err());
        assert!(Cli::try_parse_from(["hatoba", "plan", "--json", "--markdown"]).is_err());
    }
}
