//! The arguments of `hatoba doctor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Without a topic: credentials, clock, region, provider, network and quotas of the account.
    #[command(subcommand)]
    pub(crate) topic: Option<Topic>,
}

/// What to explain.
#[derive(Debug, Subcommand)]
pub(crate) enum Topic {
    /// Explain "Not authorized to perform sts:AssumeRoleWithWebIdentity".
    ///
    /// Computes for each job of the workflow files what its token says, and what the trust policies of the stack say to that.
    /// Exits with 1 when a token is refused or a workflow file has an error.
    Oidc(OidcArgs),
    /// Explain an AccessDenied or UnauthorizedOperation message.
    Denied(DeniedArgs),
}

/// Options of `doctor oidc`.
#[derive(Debug, Args)]
pub(crate) struct OidcArgs {
    /// Ask AWS for the trust policies, instead of taking those of the file.
    #[arg(long)]
    pub(crate) live: bool,
    /// A real token instead of workflow files: a file, or `-` for standard input. Its signature is neither shown nor kept.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["event", "workflows"])]
    pub(crate) token: Option<PathBuf>,
    /// An AssumeRoleWithWebIdentity event of CloudTrail instead of workflow files: a file, or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "workflows")]
    pub(crate) event: Option<PathBuf>,
    /// Only this role.
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
    /// Only these workflow files, instead of all in .github/workflows.
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflows: Vec<PathBuf>,
}

/// Options of `doctor denied`.
#[derive(Debug, Args)]
pub(crate) struct DeniedArgs {
    /// The message, a file that holds it, or `-` for standard input, which is the default.
    #[arg(value_name = "FILE|MESSAGE", num_args = 0..)]
    pub(crate) message: Vec<String>,
}
