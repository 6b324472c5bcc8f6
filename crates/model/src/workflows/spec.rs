//! What a stack file says about one workflow file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::kinds::text_or_list::TextOrList;
use crate::reference::Ref;

/// The folder in which GitHub looks for workflows; subfolders of it are not looked into.
pub const FOLDER: &str = ".github/workflows/";

/// A workflow file of the repository, which hatoba writes. Its key is its path. It says exactly one of `deploys`, `plan`, `drift` and
/// `switch`, or `existing: true`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Workflow {
    /// Builds the image of a service on every push, pushes it and deploys it: a key under `services`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploys: Option<String>,
    /// `true`: keeps one comment on each pull request, with the plan of what merging it would bring.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub plan: bool,
    /// Compares AWS with the file at these times, and keeps one issue open while they differ: the five fields of cron, in UTC, such
    /// as `17 6 * * *`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<String>,
    /// A button that starts and stops a service: a key under `services`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
    /// The role that its jobs assume: a key under `roles`, or `{ existing: name-or-arn }`. Without this line the one role of this file
    /// that GitHub may assume and that has the permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Ref>,
    /// `deploys`: the branches whose pushes deploy; those that the role admits unless stated. `plan`: the branches into which pull
    /// requests are to be merged; all unless stated. In the syntax of GitHub's filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
    /// `deploys`: the tags of git whose pushes deploy; none unless stated. In the syntax of GitHub's filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The environment on GitHub in which the jobs run that assume the role. The role then has to admit that environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// `deploys`: the container whose image is built; the only one whose image is `live` unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// `deploys`: the folder from which the image is built, from the top of the repository. The default is `.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `deploys`: the Dockerfile, from the top of the repository. The default is `Dockerfile` in the context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<String>,
    /// The runner of the jobs that build or plan: a label or a list of labels. The default is one of GitHub's with Ubuntu on x86-64;
    /// images for arm64 are built faster on `ubuntu-24.04-arm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<TextOrList>,
    /// The path, when it differs from the key. In an environment the environment's name is part of it unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Write over a file that exists and was not written by hatoba.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// On removal from this file and on destroy, leave the file in the repository.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retain: bool,
    /// The file was written by hand: it has to be there, and is never touched.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub existing: bool,
}

/// What a workflow is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Builds, pushes and deploys this service.
    Deploys(&'a str),
    /// Plans pull requests.
    Plan,
    /// Looks for drift at these times.
    Drift(&'a str),
    /// Starts and stops this service.
    Switch(&'a str),
}

impl Purpose<'_> {
    /// The key that says so.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Deploys(_) => "deploys",
            Self::Plan => "plan",
            Self::Drift(_) => "drift",
            Self::Switch(_) => "switch",
        }
    }
}

impl Workflow {
    /// Everything that it is said to be for; one thing, unless the file is wrong.
    pub fn purposes(&self) -> Vec<Purpose<'_>> {
        [
            self.deploys.as_deref().map(Purpose::Deploys),
            self.plan.then_some(Purpose::Plan),
            self.drift.as_deref().map(Purpose::Drift),
            self.switch.as_deref().map(Purpose::Switch),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The path of the file from the top of the repository.
    pub fn path<'a>(&'a self, key: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(key)
    }
}

/// The address of the workflow file with this path: `workflow.deploy.yml`. The folder says nothing, because GitHub knows only one.
pub fn address(path: &str) -> Address {
    Address::new("workflow", path.strip_prefix(FOLDER).unwrap_or(path))
}

/// The path of a file that an environment has for itself: `deploy.yml` becomes `deploy-staging.yml`.
pub fn in_environment(path: &str, env: &str) -> String {
    match path.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}-{env}.{ending}"),
        None => format!("{path}-{env}"),
    }
}
