//! What permissions are for, and which a command needs.

use clap::ValueEnum;
use hatoba_engine::cloud::CloudError;
use hatoba_model::facts::Facts;
use hatoba_model::iam::permission::Permission;
use hatoba_model::stack::Stack;
use hatoba_provider::desire;
use hatoba_provider::permissions::call::Run;
use hatoba_provider::permissions::looking;
use hatoba_provider::permissions::missing::Missing;
use hatoba_provider::permissions::needed::{ci, deploy, exec, permissions, run as once, scale};

use crate::error::Error;
use crate::session::Session;

/// What permissions are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// Reading only.
    Plan,
    /// Creating and changing; deleting and replacing take those of destroy, too.
    Apply,
    /// Deleting everything.
    Destroy,
    /// Checking everything in the file.
    Verify,
    /// New images for every service.
    Deploy,
    /// Running every task definition once.
    Run,
    /// Running commands in the tasks of every service.
    Exec,
    /// Stopping and starting every service.
    Scale,
    /// Showing how every service stands.
    Status,
    /// Reading the logs of every service.
    Logs,
    /// Taking old revisions away at the end of a deploy or an apply; goes with these.
    Tidy,
    /// Deleting revisions and images that nothing uses.
    Prune,
    /// Pushing to every repository, and deploying every service.
    Ci,
}

impl Purpose {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Destroy => "destroy",
            Self::Verify => "verify",
            Self::Deploy => "deploy",
            Self::Run => "run",
            Self::Exec => "exec",
            Self::Scale => "scale",
            Self::Status => "status",
            Self::Logs => "logs",
            Self::Tidy => "tidy",
            Self::Prune => "prune",
            Self::Ci => "ci",
        }
    }
}

/// What a command needs for a file.
pub(crate) fn needed(purpose: Purpose, stack: &Stack, facts: &Facts) -> Vec<Permission> {
    let goal = || desire::goal(stack, facts);
    let run = |run| permissions(&goal(), facts, run);
    match purpose {
        Purpose::Plan => run(Run::Plan),
        Purpose::Apply => run(Run::Apply),
        Purpose::Destroy => run(Run::Destroy),
        Purpose::Verify => run(Run::Verify),
        Purpose::Deploy => deploy(stack, facts),
        Purpose::Run => once(stack, facts),
        Purpose::Exec => exec(stack, facts),
        Purpose::Scale => scale(stack, facts),
        Purpose::Status => looking::status(stack, &goal(), facts),
        Purpose::Logs => looking::logs(stack, facts),
        Purpose::Tidy => looking::tidy(stack, facts),
        Purpose::Prune => looking::prune(stack, &goal(), facts),
        Purpose::Ci => ci(stack, facts),
    }
}

/// Makes an error of what AWS answered a command: with the missing lines of its policy, where that is why.
pub(crate) fn refused(session: &Session, purpose: Purpose) -> impl Fn(CloudError) -> Error {
    move |error| {
        let missing = Missing::of(purpose.name(), &needed(purpose, &session.stack, session.facts()), &error);
        Error::from(error).missing(missing.into_iter().collect())
    }
}
