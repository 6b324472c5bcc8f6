//! The step that signs in: its region, its role, its audience, and whether the job gets a token at all.

use hatoba_model::diag::{Diagnostic, nearest};
use hatoba_model::names::Region;
use hatoba_model::yaml::Span;

use super::Facts;
use super::place::{find, origin};
use crate::claims::{Case, Role, RoleError, Scope, Setting, Situation, Token, login};
use crate::expression::{Piece, pieces};
use crate::workflow::{Job, Step, Text, Workflow};

/// Variables that the tools of AWS take a region from.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

pub(super) fn check(setting: &Setting<'_>, workflow: &Workflow, facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let variables = |job: Option<&Job>, step: Option<&Step>| {
        let env = step.map(|step| &step.env).or_else(|| job.map(|job| &job.env)).unwrap_or(&workflow.env);
        let regions = env.0.iter().filter(|variable| REGIONS.contains(&variable.name.text.as_str()));
        regions
            .filter(|variable| !variable.value.text.contains("${{"))
            .map(|variable| variable.value.clone())
            .collect::<Vec<_>>()
    };
    let mut named = variables(None, None);
    for job in &workflow.jobs {
        named.extend(variables(Some(job), None));
        for step in &job.steps {
            named.extend(variables(Some(job), Some(step)));
            found.extend(of_step(setting, workflow, job, step, facts));
        }
    }
    found.extend(named.iter().filter_map(|text| unknown_region(&text.text, text.span)));
    found
}

fn of_step(setting: &Setting<'_>, workflow: &Workflow, job: &Job, step: &Step, facts: &Facts<'_>) -> Vec<Diagnostic> {
    let situation = Situation::by_hand(setting.known, step.span);
    let scope = Scope::of_step(setting.repository, &situation, workflow, job, step);
    let Some(login) = login(step, &scope, setting.audience) else { return Vec::new() };
    let mut found = Vec::new();
    let input = |name: &str| step.with.input(name).map(|input| &input.value);
    let at = |text: &Text| origin(workflow, job, Some(step), text).span;
    if let (Some(text), Some(region)) = (input("aws-region"), &login.region) {
        if let Some(region) = region.known().filter(|region| !region.is_empty()) {
            match unknown_region(&region, at(text)) {
                Some(problem) => found.push(problem),
                None if region != facts.region => found.push(
                    Diagnostic::warning(
                        "workflow-region-other",
                        format!("the step works in {region}, but the stack is in {}", facts.region),
                    )
                    .at(at(text))
                    .help(format!("write `{}`, unless the other region is meant", facts.region)),
                ),
                None => {}
            }
        }
        found.extend(unset(workflow, job, step, text));
    }
    if let Some(text) = input("role-to-assume") {
        if let Some(role) = login.role.known() {
            found.extend(of_role(&role, at(text), facts));
        }
        found.extend(unset(workflow, job, step, text));
    }
    if let (Some(text), Some(audience)) = (input("audience"), login.audience.known()) {
        let known = ["sts.amazonaws.com", "sts.amazonaws.com.cn"];
        if !known.contains(&audience.as_str())
            && let Some(meant) = nearest(audience.trim(), known)
        {
            found.push(
                Diagnostic::error("workflow-audience", format!("`{audience}` is not the audience of tokens for AWS"))
                    .at(at(text))
                    .help(format!(
                        "did you mean `{meant}`? The action asks for it by itself when `audience` is left out"
                    )),
            );
        }
    }
    found
}

fn unknown_region(region: &str, span: Span) -> Option<Diagnostic> {
    let error = region.parse::<Region>().err()?;
    let text = error.to_string();
    let (message, help) = text.split_once("; ").unwrap_or((&text, "a region looks like `us-west-2`"));
    Some(Diagnostic::error("workflow-region", message).at(span).help(help))
}

fn of_role(text: &str, span: Span, facts: &Facts<'_>) -> Vec<Diagnostic> {
    let role: Role = match text.parse() {
        Ok(role) => role,
        Err(error @ RoleError::Shape(_)) => {
            let problem = Diagnostic::error("workflow-role", error.to_string()).at(span);
            return vec![
                problem
                    .help("with a token of GitHub the action needs the whole ARN: it has no other account to look in"),
            ];
        }
        Err(error) => return vec![Diagnostic::error("workflow-role", error.to_string()).at(span)],
    };
    let mut found = Vec::new();
    if let Some(account) = facts.account.filter(|account| *account != role.account) {
        found.push(
            Diagnostic::error(
                "workflow-account",
                format!("the step asks for a role of the account {}, but the stack is in {account}", role.account),
            )
            .at(span)
            .help(format!("write `{}`", text.replace(&role.account, account))),
        );
    }
    if facts.github_roles.contains(&role.name) {
        if let Some(path) = facts.paths.get(&role.name).filter(|path| **path != role.path) {
            let account = facts.account.unwrap_or(&role.account).to_owned();
            let right = Role { path: path.clone(), account, ..role };
            let message = format!("the role is `{right}`: the path is missing or differs");
            found.push(
                Diagnostic::error("workflow-role-path", message)
                    .at(span)
                    .help("write the whole ARN: AWS finds no role without its path"),
            );
        }
        return found;
    }
    let meant = nearest(&role.name, facts.github_roles.iter().map(String::as_str));
    found.push(if facts.roles.contains(&role.name) {
        let others = facts.github_roles.join("`, `");
        Diagnostic::error("workflow-role-trust", format!("the role `{}` does not trust GitHub", role.name))
            .at(span)
            .help(if others.is_empty() {
                "give it `trust: { github: {} }`".to_owned()
            } else {
                format!("those that do: `{others}`")
            })
    } else if let Some(meant) = meant {
        Diagnostic::error("workflow-role-name", format!("there is no role `{}` in the stack", role.name))
            .at(span)
            .help(format!("did you mean `{}`?", text.replace(&role.name, meant)))
    } else {
        Diagnostic::warning("workflow-role-unknown", format!("the role `{}` is not in the stack", role.name))
            .at(span)
            .help("nothing is known of whom it trusts; `hatoba doctor oidc --live` asks AWS")
    });
    found
}

/// A variable that nothing sets.
fn unset(workflow: &Workflow, job: &Job, step: &Step, text: &Text) -> Vec<Diagnostic> {
    // A step before it may set variables for those after it.
    let written = job.steps.iter().any(|step| step.run.as_ref().is_some_and(|run| run.text.contains("GITHUB_ENV")));
    if written {
        return Vec::new();
    }
    let all: Vec<&str> = [&workflow.env, &job.env, &step.env]
        .iter()
        .flat_map(|env| env.0.iter().map(|variable| variable.name.text.as_str()))
        .collect();
    let mut found = Vec::new();
    for piece in pieces(&text.text) {
        let Piece::Expression(expression) = piece else { continue };
        let Some(name) = expression.strip_prefix("env.") else { continue };
        if all.contains(&name) || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let problem = Diagnostic::error("workflow-env", format!("`env.{name}` is empty: no `env:` sets it"));
        let help = match nearest(name, all.iter().copied()) {
            Some(meant) => format!("did you mean `env.{meant}`?"),
            None => format!("set it under `env:`, or write `${{{{ vars.{name} }}}}` for a variable of the repository"),
        };
        found.push(problem.at(find(&workflow.source, text.span, &format!("env.{name}"))).help(help));
    }
    found
}

/// Jobs that sign in and get no token.
pub(super) fn check_tokens(workflow: &Workflow, cases: &[Case<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for case in cases {
        let Token::Missing { file, at, job } = &case.token else { continue };
        if *file != workflow.source.name {
            continue;
        }
        let key = workflow.jobs.iter().find(|other| other.id.text == *job).map(|job| job.id.span);
        let Some(span) = at.or(key) else { continue };
        found.push(
            Diagnostic::error("workflow-id-token", format!("the job `{job}` signs in to AWS, but GitHub gives it no token"))
                .at(span)
                .help("write `permissions: { id-token: write, contents: read }` in the job; permissions that are not named are not given"),
        );
    }
    found
}
