//! Mistakes of workflow files that a run would only tell later, or never: what does not fit the stack that they deploy.

mod braces;
mod build;
mod login;
mod place;
mod policy;
mod shell;
mod task_file;

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::diag::Diagnostics;
use hatoba_model::yaml::Source;

use crate::claims::{Case, Setting};

pub use policy::wide_policies;

/// The architecture of a processor, as images name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// Intel and AMD.
    Amd64,
    /// Arm.
    Arm64,
}

impl Platform {
    /// As `--platform` takes it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Amd64 => "linux/amd64",
            Self::Arm64 => "linux/arm64",
        }
    }

    /// From any spelling that Docker, ECS or a runner's label has.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let architecture = text.rsplit_once("linux/").map_or(text.as_str(), |(_, rest)| rest);
        match architecture.split('/').next().unwrap_or_default() {
            "amd64" | "x86_64" | "x64" => Some(Self::Amd64),
            "arm64" | "aarch64" | "arm" => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// What is known of the stack that the workflows deploy.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Its region.
    pub region: &'a str,
    /// Its account, where it is known.
    pub account: Option<&'a str>,
    /// The names of its roles.
    pub roles: &'a [String],
    /// The names of those that trust GitHub.
    pub github_roles: &'a [String],
    /// The paths of the roles that trust GitHub, by their names: `/`, `/ci/`. Nothing is said of the path of one that is not here.
    pub paths: &'a BTreeMap<String, String>,
    /// What its tasks run on.
    pub platforms: &'a BTreeSet<Platform>,
    /// The names of its log groups, and of those that it uses without managing them.
    pub log_groups: &'a [String],
    /// Reads a file of the repository, by its path from the repository's root.
    pub files: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("region", &self.region).field("account", &self.account).finish_non_exhaustive()
    }
}

/// What was found in one file.
#[derive(Debug, Clone)]
pub struct Findings {
    /// The file.
    pub source: Source,
    /// What is wrong with it.
    pub diagnostics: Diagnostics,
}

/// Everything that is wrong with the workflow files and the task definitions that they name, file by file. Files without a finding
/// are left out.
pub fn lint(setting: &Setting<'_>, cases: &[Case<'_>], facts: &Facts<'_>) -> Vec<Findings> {
    let mut found: Vec<Findings> = Vec::new();
    let mut tasks: Vec<(String, Source)> = Vec::new();
    for workflow in setting.workflows {
        let mut diagnostics = workflow.problems.clone();
        diagnostics.extend(braces::check(workflow));
        diagnostics.extend(login::check(setting, workflow, facts));
        diagnostics.extend(login::check_tokens(workflow, cases));
        for path in task_file::named(workflow) {
            if !tasks.iter().any(|(known, _)| *known == path)
                && let Some(text) = (facts.files)(&path)
            {
                tasks.push((path.clone(), Source::new(&path, text)));
            }
        }
        found.push(Findings { source: workflow.source.clone(), diagnostics });
    }
    let mut platforms = facts.platforms.clone();
    for (_, source) in tasks {
        let (diagnostics, platform) = task_file::check(&source, facts);
        platforms.extend(platform);
        found.push(Findings { source, diagnostics });
    }
    for (workflow, findings) in setting.workflows.iter().zip(&mut found) {
        findings.diagnostics.extend(build::check(setting, workflow, facts, &platforms));
    }
    found.retain(|findings| !findings.diagnostics.is_empty());
    found
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
