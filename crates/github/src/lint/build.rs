//! Images: for which processor they are built, and from which directory.

use std::collections::BTreeSet;

use hatoba_model::diag::Diagnostic;
use hatoba_model::yaml::Span;

use super::place::find;
use super::shell::{Build, builds};
use super::{Facts, Platform};
use crate::claims::{CONFIGURE, Scope, Setting, Situation};
use crate::expression::{Context as _, Value};
use crate::workflow::{Job, Step, Workflow};

const ACTION: &str = "docker/build-push-action";

pub(super) fn check(
    setting: &Setting<'_>,
    workflow: &Workflow,
    facts: &Facts<'_>,
    platforms: &BTreeSet<Platform>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for job in &workflow.jobs {
        // Other jobs build images for other purposes.
        let aws = |step: &Step| step.is_action(CONFIGURE) || step.is_action("aws-actions/amazon-ecr-login");
        if !job.steps.iter().any(aws) {
            continue;
        }
        for step in &job.steps {
            let situation = Situation::by_hand(setting.known, step.span);
            let scope = Scope::of_step(setting.repository, &situation, workflow, job, step);
            if step.is_action(ACTION) {
                found.extend(of_action(&scope, job, step, platforms));
            }
            if let Some(run) = &step.run {
                for build in builds(&run.text) {
                    let span = find(&workflow.source, run.span, &build.command);
                    found.extend(of_build(&scope, job, &build, span, run.span, platforms));
                    found.extend(directory(&scope, job, step, &build, span, facts));
                }
            }
        }
    }
    found
}

/// What the machine of a job is; nothing when its labels do not tell.
fn runner(scope: &Scope<'_>, job: &Job) -> Option<Platform> {
    let labels: Option<Vec<String>> = job.runs_on.iter().map(|label| scope.render(&label.text).known()).collect();
    let labels: Vec<String> = labels?.iter().map(|label| label.to_ascii_lowercase()).collect();
    let has = |part: &str| labels.iter().any(|label| label.split(['-', '_']).any(|word| word == part));
    if has("arm") || has("arm64") {
        return Some(Platform::Arm64);
    }
    let hosted = labels.iter().any(|label| label.starts_with("ubuntu-") && !label.contains("arm"));
    (hosted || has("x64")).then_some(Platform::Amd64)
}

/// The platforms of a list; nothing when a part of it is not known.
fn listed(scope: &Scope<'_>, text: &str) -> Option<BTreeSet<Platform>> {
    let text = in_shell(scope, &scope.render(text).known()?)?;
    text.split([',', '\n']).filter(|part| !part.trim().is_empty()).map(Platform::parse).collect()
}

/// `$NAME` and `${NAME}` with the values of the environment.
fn in_shell(scope: &Scope<'_>, text: &str) -> Option<String> {
    let Some(at) = text.find('$') else { return Some(text.to_owned()) };
    let name: String =
        text[at + 1..].trim_start_matches('{').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    match scope.look(&["env", &name]) {
        Value::Text(value) => {
            let rest = text[at + 1..].trim_start_matches('{').get(name.len()..)?.trim_start_matches('}');
            Some(format!("{}{value}{}", &text[..at], in_shell(scope, rest)?))
        }
        _ => None,
    }
}

fn of_action(scope: &Scope<'_>, job: &Job, step: &Step, platforms: &BTreeSet<Platform>) -> Option<Diagnostic> {
    let input = step.with.input("platforms").filter(|input| !input.value.text.is_empty());
    let built = match input {
        Some(input) => listed(scope, &input.value.text)?,
        None => BTreeSet::from([runner(scope, job)?]),
    };
    let uses = step.uses.as_ref()?;
    let span = input.map_or(uses.span, |input| input.value.span);
    mismatch(&built, platforms, input.is_some(), span, &|meant| format!("write `platforms: {meant}` under `with:`"))
}

fn of_build(
    scope: &Scope<'_>,
    job: &Job,
    build: &Build,
    span: Span,
    within: Span,
    platforms: &BTreeSet<Platform>,
) -> Option<Diagnostic> {
    let said = build.platform.clone();
    let default = || match scope.look(&["env", "DOCKER_DEFAULT_PLATFORM"]) {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let built = match said.clone().or_else(default) {
        Some(text) => listed(scope, &text)?,
        None => BTreeSet::from([runner(scope, job)?]),
    };
    let span = said.as_ref().map_or(span, |text| find(&scope.workflow.source, within, text));
    mismatch(&built, platforms, said.is_some(), span, &|meant| {
        format!("build with `docker buildx build --platform {meant}`")
    })
}

fn mismatch(
    built: &BTreeSet<Platform>,
    wanted: &BTreeSet<Platform>,
    said: bool,
    span: Span,
    help: &dyn Fn(&str) -> String,
) -> Option<Diagnostic> {
    if wanted.is_empty() || built.is_empty() || built.intersection(wanted).next().is_some() {
        return None;
    }
    let names = |set: &BTreeSet<Platform>| set.iter().map(|platform| platform.text()).collect::<Vec<_>>().join(",");
    let (built, meant) = (names(built), names(wanted));
    let because = if said { String::new() } else { ", as the runner is,".to_owned() };
    let message = format!(
        "the image is built for {built}{because} but the task runs on {meant}: it would stop with `exec format error`"
    );
    let other = if said { "" } else { ", or on a runner of that kind (`runs-on: ubuntu-24.04-arm`)" };
    let other = if meant == Platform::Arm64.text() { other } else { "" };
    Some(Diagnostic::error("workflow-platform", message).at(span).help(format!("{}{other}", help(&meant))))
}

/// A build in a directory without a Dockerfile, when there is one at the top.
fn directory(
    scope: &Scope<'_>,
    job: &Job,
    step: &Step,
    build: &Build,
    span: Span,
    facts: &Facts<'_>,
) -> Option<Diagnostic> {
    let place = step
        .working_directory
        .as_ref()
        .or(job.working_directory.as_ref())
        .or(scope.workflow.working_directory.as_ref())?;
    let place = scope.render(&place.text).known()?;
    let place = place.trim_start_matches("./").trim_end_matches('/');
    let here = matches!(build.context.as_deref(), Some("." | "./"));
    let there = |path: &str| (facts.files)(path).is_some();
    if !here
        || build.file.is_some()
        || place.is_empty()
        || place == "."
        || there(&format!("{place}/Dockerfile"))
        || !there("Dockerfile")
    {
        return None;
    }
    let message = format!(
        "the build runs in `{place}`, where there is no Dockerfile; the one of the repository stands at its top"
    );
    Some(
        Diagnostic::error("workflow-dockerfile", message)
            .at(span)
            .help(format!("give the step `working-directory: .`, or move the Dockerfile to `{place}`")),
    )
}
