//! Which role the jobs of a workflow assume.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::github::GitHub;
use crate::iam::grants::Grant;
use crate::kinds::Resource as _;
use crate::kinds::role::Role;
use crate::kinds::trust::Trust;
use crate::reference::Ref;
use crate::stack::Stack;
use crate::workflows::admit::{Run, admits};
use crate::workflows::facts::Problem;
use crate::workflows::spec::{Purpose, Workflow};

/// Grants with which nothing can be changed.
const READING: [&str; 3] = ["plan", "pull", "logs"];
/// Policies of AWS's own that only read (AWS managed policy reference). What any other policy allows is not looked at.
const READING_POLICIES: [&str; 3] = ["ReadOnlyAccess", "SecurityAudit", "job-function/ViewOnlyAccess"];

/// The role of a workflow.
#[derive(Debug)]
pub(super) struct Chosen {
    /// Its ARN.
    pub(super) arn: String,
    /// What it admits, where the file says so in a way that can be read here.
    pub(super) github: Option<GitHub>,
}

/// What a workflow wants of its role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) purpose: Purpose<'a>,
    /// `deploys`: the key of the repository, where it is of this stack.
    pub(super) repository: Option<&'a str>,
}

impl Wanted<'_> {
    /// Whether a role has the permissions, as far as its grants tell.
    fn granted(&self, stack: &Stack, role: &Role) -> bool {
        let has = |purpose: &str, name: &str| role.grants.iter().any(|grant| names(grant, purpose).contains(name));
        match self.purpose {
            Purpose::Deploys(service) => {
                has("deploy", service) && self.repository.is_none_or(|repository| has("push", repository))
            }
            Purpose::Switch(service) => has("scale", service),
            Purpose::Plan | Purpose::Drift(_) => {
                only_reads(stack, role) && (!role.managed_policies.is_empty() || plans(role))
            }
        }
    }

    /// What is missing when no role fits, and the way out.
    fn nobody(&self, runs: &[Run]) -> Problem {
        let admitting = match runs {
            [] | [Run::Branch(_) | Run::SomeBranch] => "{}".to_owned(),
            [run, ..] => format!("{{ {} }}", run.line()),
        };
        let role = |name: &str, rest: String| {
            format!(
                "add it under `roles:`, such as `{name}: {{ trust: {{ github: {admitting} }}, {rest} }}`, or name one with `role:`"
            )
        };
        let (what, help) = match (self.purpose, self.repository) {
            (Purpose::Deploys(service), Some(repository)) => (
                format!("may push to `{repository}` and deploy `{service}`"),
                role(
                    &format!("{service}-deploy"),
                    format!("grants: [{{ push: {repository} }}, {{ deploy: {service} }}]"),
                ),
            ),
            (Purpose::Deploys(service), None) => (
                format!("may deploy `{service}`"),
                role(&format!("{service}-deploy"), format!("grants: [{{ deploy: {service} }}]")),
            ),
            (Purpose::Switch(service), _) => (
                format!("may stop and start `{service}`"),
                role(&format!("{service}-switch"), format!("grants: [{{ scale: {service} }}]")),
            ),
            (Purpose::Plan | Purpose::Drift(_), _) => {
                ("may only read".to_owned(), role("ci-plan", "grants: [{ plan: true }]".to_owned()))
            }
        };
        Problem::error(
            &[self.purpose.key()],
            "workflow-role",
            format!("no role of this file that GitHub may assume {what}"),
        )
        .help(help)
    }
}

/// The role of a workflow.
pub(super) fn choose(
    stack: &Stack,
    facts: &Facts,
    workflow: &Workflow,
    wanted: Wanted<'_>,
) -> Result<Chosen, Vec<Problem>> {
    match &workflow.role {
        Some(Ref::Own(key)) => match stack.roles.get(key) {
            Some(role) => named(stack, facts, workflow, wanted, key, role),
            // Its lack is reported where it is named.
            None => Err(Vec::new()),
        },
        Some(Ref::Existing(arn)) if arn.starts_with("arn:") => Ok(Chosen { arn: arn.clone(), github: None }),
        Some(Ref::Existing(name)) => {
            Ok(Chosen { arn: facts.iam_arn(format_args!("role/{}", name.trim_start_matches('/'))), github: None })
        }
        None => find(stack, facts, workflow, wanted).map_err(|problem| vec![problem]),
    }
}

/// The role that the workflow names.
fn named(
    stack: &Stack,
    facts: &Facts,
    workflow: &Workflow,
    wanted: Wanted<'_>,
    key: &str,
    role: &Role,
) -> Result<Chosen, Vec<Problem>> {
    let mut problems = Vec::new();
    let github = effective(stack, role);
    if let Some(Trust::Service(services)) = &role.trust {
        let who = services.items().join("`, `");
        let message = format!("`{key}` is a role for `{who}`: GitHub may not assume it");
        problems.push(
            Problem::error(&["role"], "workflow-role-trust", message)
                .help("name a role with `trust: { github: {} }`, or leave `role:` out"),
        );
    }
    if let Some(github) = &github
        && let Some(run) = refused(stack, github, &runs(workflow, wanted.purpose))
    {
        problems.push(not_admitted(&["role"], key, &run));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let arn = role.output(role.aws_name(key), "arn", facts).unwrap_or_default();
    Ok(Chosen { arn, github })
}

/// What is said of a role that works, but is more than it should be.
pub(super) fn warnings(stack: &Stack, workflow: &Workflow, purpose: Purpose<'_>) -> Vec<Problem> {
    let Some(Ref::Own(key)) = &workflow.role else { return Vec::new() };
    if stack.roles.get(key).is_none_or(|role| only_reads(stack, role)) {
        return Vec::new();
    }
    let (message, help) = match purpose {
        Purpose::Plan => (
            format!(
                "whoever can push a branch and open a pull request gets the role `{key}`, which may do more than read"
            ),
            "give pull requests a role of their own, with `grants: [{ plan: true }]`",
        ),
        Purpose::Drift(_) => (
            format!("the drift check gets the role `{key}`, which may do more than read"),
            "give it a role with `grants: [{ plan: true }]`",
        ),
        Purpose::Deploys(_) | Purpose::Switch(_) => return Vec::new(),
    };
    vec![Problem::warning(&["role"], "workflow-role-writes", message).help(help)]
}

/// The one role of the file that fits.
fn find(stack: &Stack, facts: &Facts, workflow: &Workflow, wanted: Wanted<'_>) -> Result<Chosen, Problem> {
    let runs = runs(workflow, wanted.purpose);
    let granted: Vec<(&str, &Role, GitHub)> = stack
        .roles
        .iter()
        .filter(|(_, role)| wanted.granted(stack, role))
        .filter_map(|(key, role)| Some((key.as_str(), role, effective(stack, role)?)))
        .collect();
    let Some((first, ..)) = granted.first() else { return Err(wanted.nobody(&runs)) };
    let mut fitting: Vec<_> = granted.iter().filter(|(.., github)| refused(stack, github, &runs).is_none()).collect();
    if fitting.len() > 1 && fitting.iter().any(|(_, role, _)| plans(role)) {
        fitting.retain(|(_, role, _)| plans(role));
    }
    match fitting.as_slice() {
        [(key, role, github)] => {
            let arn = role.output(role.aws_name(key), "arn", facts).unwrap_or_default();
            Ok(Chosen { arn, github: Some(github.clone()) })
        }
        [] => {
            let run = granted.iter().find_map(|(.., github)| refused(stack, github, &runs));
            Err(match run {
                Some(run) => not_admitted(&[wanted.purpose.key()], first, &run),
                None => wanted.nobody(&runs),
            })
        }
        several => {
            let keys: Vec<String> = several.iter().map(|(key, ..)| format!("`{key}`")).collect();
            let message = format!("several roles fit this workflow: {}", keys.join(", "));
            Err(Problem::error(&[wanted.purpose.key()], "workflow-role-several", message)
                .help("name one of them with `role:`"))
        }
    }
}

fn plans(role: &Role) -> bool {
    role.grants.iter().any(|grant| word(grant).0 == "plan")
}

/// Whether all that a role has is known to only read.
fn only_reads(stack: &Stack, role: &Role) -> bool {
    role.inline_policies.is_empty()
        && role.grants.iter().all(|grant| READING.contains(&word(grant).0.as_str()))
        && role.managed_policies.iter().all(|policy| !stack.policies.contains_key(policy) && reads(policy))
}

/// Whether a managed policy, by its name or ARN, is one of those of AWS that only read.
fn reads(policy: &str) -> bool {
    let name = match policy.strip_prefix("arn:") {
        Some(arn) => arn.split_once(":iam::aws:policy/").map(|(_, name)| name),
        None => Some(policy),
    };
    name.is_some_and(|name| READING_POLICIES.contains(&name))
}

fn not_admitted(below: &[&'static str], key: &str, run: &Run) -> Problem {
    let message =
        format!("the role `{key}` does not admit {}, so AWS would refuse the jobs of this workflow", run.words());
    Problem::error(below, "workflow-role-trust", message).help(format!(
        "admit it: `roles: {{ {key}: {{ trust: {{ github: {{ {} }} }} }} }}`; what is given there takes the place of the same key of the `github:` block",
        run.line()
    ))
}

/// The block that holds for a role; nothing unless it trusts GitHub in that short way.
fn effective(stack: &Stack, role: &Role) -> Option<GitHub> {
    match role.trust.as_ref()? {
        Trust::GitHub(overrides) => overrides.over(stack.github.as_ref()),
        Trust::Service(_) | Trust::Document(_) => None,
    }
}

/// The first run that a block does not admit. Without a `github:` block at the top, the block's own repository is meant.
fn refused(stack: &Stack, github: &GitHub, runs: &[Run]) -> Option<Run> {
    let repository = stack.github.as_ref().map_or(&github.repository, |stack| &stack.repository);
    runs.iter().find(|run| !admits(github, repository, run)).cloned()
}

/// The runs that are sure to happen. Patterns of branches and tags may stand for any.
fn runs(workflow: &Workflow, purpose: Purpose<'_>) -> Vec<Run> {
    if let Some(name) = &workflow.environment {
        return vec![Run::Environment(name.clone())];
    }
    let plain = |names: &[String], run: fn(String) -> Run| -> Vec<Run> {
        names.iter().filter(|name| !name.contains(['*', '?', '+', '[', '!', '\\'])).cloned().map(run).collect()
    };
    match purpose {
        Purpose::Deploys(_) => {
            let mut runs = plain(&workflow.branches, Run::Branch);
            runs.extend(plain(&workflow.tags, Run::Tag));
            runs
        }
        Purpose::Plan => vec![Run::PullRequest],
        Purpose::Drift(_) | Purpose::Switch(_) => vec![Run::SomeBranch],
    }
}

/// A grant as the file spells it: its word, and the names after it.
fn word(grant: &Grant) -> (String, BTreeSet<String>) {
    let texts = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => BTreeSet::from([text.clone()]),
        serde_json::Value::Array(items) => items.iter().filter_map(|item| Some(item.as_str()?.to_owned())).collect(),
        _ => BTreeSet::new(),
    };
    match serde_json::to_value(grant) {
        Ok(serde_json::Value::String(word)) => (word, BTreeSet::new()),
        Ok(serde_json::Value::Object(parts)) => {
            parts.iter().next().map(|(word, names)| (word.clone(), texts(names))).unwrap_or_default()
        }
        _ => Default::default(),
    }
}

/// The names of a grant, if it is for this purpose.
fn names(grant: &Grant, purpose: &str) -> BTreeSet<String> {
    let (word, names) = word(grant);
    if word == purpose { names } else { BTreeSet::new() }
}
