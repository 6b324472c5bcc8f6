//! What a workflow file says.

use hatoba_model::diag::Diagnostics;
use hatoba_model::yaml::{Source, Span};

use super::filter::Filter;

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A name with a value: of `env`, `with`, or the inputs of a called workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Text,
    /// Its value as written.
    pub value: Text,
}

/// Names with values, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(pub Vec<Variable>);

impl Variables {
    /// The variable of this name. Case counts, as it does in the shell.
    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.0.iter().find(|variable| variable.name.text == name)
    }

    /// The input of this name. Case does not count.
    pub fn input(&self, name: &str) -> Option<&Variable> {
        self.0.iter().find(|variable| variable.name.text.eq_ignore_ascii_case(name))
    }
}

/// A workflow file.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// The file.
    pub source: Source,
    /// Its `name:`.
    pub name: Option<Text>,
    /// What starts it.
    pub triggers: Vec<Trigger>,
    /// The permissions of jobs that do not say their own.
    pub permissions: Option<Permissions>,
    /// Variables of all jobs.
    pub env: Variables,
    /// Where steps run that do not say so.
    pub working_directory: Option<Text>,
    /// Its jobs, in the order of the file.
    pub jobs: Vec<Job>,
    /// What is wrong with it as YAML.
    pub problems: Diagnostics,
}

/// An event that starts a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name: `push`, `pull_request`, `workflow_dispatch`, …
    pub event: Text,
    /// Which branches, or base branches.
    pub branches: Filter,
    /// Which tags.
    pub tags: Filter,
    /// What a person or a caller gives.
    pub inputs: Vec<Input>,
}

/// An input of `workflow_dispatch` or `workflow_call`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its default.
    pub default: Option<String>,
}

/// What a token may do with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    None,
    /// Read.
    Read,
    /// Read and write.
    Write,
}

/// A `permissions:` block. What it does not name, it forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Where its key stands.
    pub span: Span,
    /// `id-token`, which a job needs in order to ask GitHub for a token of its own.
    pub id_token: Access,
    /// Where `id-token` stands, if it is written.
    pub id_token_span: Option<Span>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its key.
    pub id: Text,
    /// When it runs.
    pub condition: Option<Text>,
    /// Its environment on GitHub.
    pub environment: Option<Text>,
    /// What its token may do.
    pub permissions: Option<Permissions>,
    /// The machines that it runs on.
    pub runs_on: Vec<Text>,
    /// The workflow that it calls instead of having steps.
    pub uses: Option<Text>,
    /// What it gives to that workflow.
    pub with: Variables,
    /// Its variables.
    pub env: Variables,
    /// The lists of its matrix that are plain texts.
    pub matrix: Vec<(String, Vec<String>)>,
    /// Where its steps run that do not say so.
    pub working_directory: Option<Text>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands.
    pub span: Span,
    /// Its name, for people.
    pub name: Option<Text>,
    /// When it runs.
    pub condition: Option<Text>,
    /// The action that it runs.
    pub uses: Option<Text>,
    /// The inputs of that action.
    pub with: Variables,
    /// Its variables.
    pub env: Variables,
    /// The script that it runs.
    pub run: Option<Text>,
    /// Where it runs.
    pub working_directory: Option<Text>,
}

impl Workflow {
    /// The trigger for an event.
    pub fn trigger(&self, event: &str) -> Option<&Trigger> {
        self.triggers.iter().find(|trigger| trigger.event.text == event)
    }

    /// What a job's token may do, where the job stands in this file: its own permissions, else those of the file.
    pub fn permissions_of<'a>(&'a self, job: &'a Job) -> Option<&'a Permissions> {
        job.permissions.as_ref().or(self.permissions.as_ref())
    }
}

impl Step {
    /// Whether it runs this action: `OWNER/NAME`, whatever its version.
    pub fn is_action(&self, name: &str) -> bool {
        self.uses.as_ref().is_some_and(|uses| {
            let action = uses.text.split('@').next().unwrap_or_default();
            action.eq_ignore_ascii_case(name)
        })
    }
}
