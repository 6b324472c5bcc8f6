//! What a workflow file is made from: every name in it follows from the stack file.

use crate::address::Address;
use crate::facts::Facts;
use crate::github::audience;
use crate::kinds::repository::Mutability;
use crate::kinds::repository_place::RepositoryPlace;
use crate::kinds::task_definition::{Container, Image, Os, TaskDefinition};
use crate::stack::Stack;
use crate::workflows::admit::filter;
use crate::workflows::roles::{Chosen, Wanted, choose};
use crate::workflows::spec::{Purpose, Workflow, address};

/// Everything that stands in a workflow file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowFacts {
    /// Where the file stands in the stack.
    pub address: Address,
    /// The path of the file from the top of the repository.
    pub path: String,
    /// The stack.
    pub stack: String,
    /// The region of the stack.
    pub region: String,
    /// The role that the jobs assume, by its ARN.
    pub role: String,
    /// The audience of tokens, where it is not the one that AWS's action asks for by itself.
    pub audience: Option<&'static str>,
    /// The labels of the runner; none where the file names none.
    pub runs_on: Vec<String>,
    /// The environment on GitHub of the jobs that assume the role.
    pub environment: Option<String>,
    /// What the workflow does.
    pub what: What,
}

/// What a workflow does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Builds, pushes and deploys.
    Deploy(Box<Deploy>),
    /// Plans pull requests into these branches; into any where none are named.
    Plan(Vec<String>),
    /// Looks for drift at these times, in the five fields of cron.
    Drift(String),
    /// Starts and stops a service.
    Switch(Switch),
}

/// What it takes to build, push and deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// The key of the service.
    pub service: String,
    /// The container that gets the image.
    pub container: String,
    /// The registry: `123456789012.dkr.ecr.us-west-2.amazonaws.com`.
    pub registry: String,
    /// The name of the repository in it.
    pub repository: String,
    /// The region and the account of the repository where they are not the stack's.
    pub elsewhere: Option<(String, String)>,
    /// The platform of the image: `linux/arm64`.
    pub platform: &'static str,
    /// Whether a pushed tag cannot be pushed again.
    pub immutable: bool,
    /// The folder from which the image is built.
    pub context: String,
    /// The Dockerfile, where it is not the one in the context.
    pub dockerfile: Option<String>,
    /// The branches whose pushes deploy, as GitHub's filters write them.
    pub branches: Vec<String>,
    /// The tags whose pushes deploy, as GitHub's filters write them.
    pub tags: Vec<String>,
}

/// What it takes to start and stop a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The key of the service.
    pub service: String,
}

/// Something that is wrong with a workflow, at a place below it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) below: Vec<&'static str>,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) warning: bool,
}

impl Problem {
    pub(super) fn error(below: &[&'static str], code: &'static str, message: impl Into<String>) -> Self {
        Self { below: below.to_vec(), code, message: message.into(), help: String::new(), warning: false }
    }

    pub(super) fn warning(below: &[&'static str], code: &'static str, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::error(below, code, message) }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

/// What the workflow file with this key is made from. Nothing where the file is wrong, which the check of the stack reports.
pub fn facts(stack: &Stack, facts: &Facts, key: &str) -> Option<WorkflowFacts> {
    gather(stack, facts, key, stack.workflows.get(key)?).ok()
}

/// What a workflow file is made from, or everything that is wrong.
pub(super) fn gather(
    stack: &Stack,
    facts: &Facts,
    key: &str,
    workflow: &Workflow,
) -> Result<WorkflowFacts, Vec<Problem>> {
    let purposes = workflow.purposes();
    let [purpose] = purposes.as_slice() else { return Err(Vec::new()) };
    let (role, what) = match *purpose {
        Purpose::Deploys(service) => deploy(stack, facts, workflow, service)?,
        Purpose::Switch(service) => {
            let role = choose(stack, facts, workflow, Wanted { purpose: *purpose, repository: None })?;
            (role, What::Switch(Switch { service: service.to_owned() }))
        }
        Purpose::Plan => {
            let role = choose(stack, facts, workflow, Wanted { purpose: *purpose, repository: None })?;
            (role, What::Plan(workflow.branches.clone()))
        }
        Purpose::Drift(times) => {
            let role = choose(stack, facts, workflow, Wanted { purpose: *purpose, repository: None })?;
            (role, What::Drift(times.split_whitespace().collect::<Vec<_>>().join(" ")))
        }
    };
    let path = workflow.path(key);
    let partition = facts.partition();
    Ok(WorkflowFacts {
        address: address(path),
        path: path.to_owned(),
        stack: stack.stack.to_string(),
        region: facts.region.to_string(),
        role: role.arn,
        audience: Some(audience(partition)).filter(|own| *own != audience("aws")),
        runs_on: workflow.runs_on.as_ref().map(|labels| labels.items().to_vec()).unwrap_or_default(),
        environment: workflow.environment.clone(),
        what,
    })
}

fn deploy(stack: &Stack, facts: &Facts, workflow: &Workflow, service: &str) -> Result<(Chosen, What), Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let task = task_of(stack, service).map_err(one)?;
    let (container, spec) = container_of(workflow, task).map_err(one)?;
    let Some(Image::Full(image)) = &spec.image else { return Err(Vec::new()) };
    let Some(repository) = &image.repository else { return Err(Vec::new()) };
    let place = RepositoryPlace::of(stack, facts, repository);
    let mut problems = Vec::new();
    let platform = match task.system() {
        Os::Linux => task.platform(),
        _ => {
            problems.push(
                Problem::error(
                    &["deploys"],
                    "workflow-windows",
                    "images for Windows cannot be built with buildx on GitHub's runners for Linux",
                )
                .help("write this workflow by hand; `hatoba deploy` works in it all the same"),
            );
            ""
        }
    };
    let wanted = Wanted { purpose: Purpose::Deploys(service), repository: repository.own() };
    let role = match choose(stack, facts, workflow, wanted) {
        Ok(role) => role,
        Err(others) => {
            problems.extend(others);
            return Err(problems);
        }
    };
    let triggers = triggers(workflow, &role);
    match triggers {
        Ok((branches, tags)) if problems.is_empty() => {
            let immutable =
                repository.own().and_then(|key| stack.repositories.get(key)).and_then(|spec| spec.mutability);
            let immutable = matches!(immutable, Some(Mutability::Immutable | Mutability::ImmutableWithExclusion));
            let deploy = Deploy {
                service: service.to_owned(),
                container: container.to_owned(),
                elsewhere: (!place.is_here(facts)).then_some((place.region, place.account)),
                registry: place.registry,
                repository: place.name,
                platform,
                immutable,
                context: workflow.context.clone().unwrap_or_else(|| ".".to_owned()),
                dockerfile: workflow.dockerfile.clone(),
                branches,
                tags,
            };
            Ok((role, What::Deploy(Box::new(deploy))))
        }
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.push(problem);
            Err(problems)
        }
    }
}

/// The pushes that deploy: those that the workflow names, or else those of branches that the role admits.
fn triggers(workflow: &Workflow, role: &Chosen) -> Result<(Vec<String>, Vec<String>), Problem> {
    if !workflow.branches.is_empty() || !workflow.tags.is_empty() {
        return Ok((workflow.branches.clone(), workflow.tags.clone()));
    }
    let admitted = role.github.as_ref().map(|github| github.branches.as_slice()).unwrap_or_default();
    match admitted.iter().map(|branch| filter(branch)).collect::<Option<Vec<String>>>() {
        Some(branches) if !branches.is_empty() => Ok((branches, Vec::new())),
        _ => Err(Problem::error(&["deploys"], "workflow-branches", "which pushes deploy cannot be told from the role")
            .help("say it: `branches: [main]`, or `tags: [\"v*.*.*\"]`")),
    }
}

/// What the service runs.
fn task_of<'a>(stack: &'a Stack, service: &str) -> Result<&'a TaskDefinition, Problem> {
    let task =
        stack.services.get(service).and_then(|service| stack.task_definitions.get(service.own_task_definition()?));
    task.filter(|task| !task.containers.is_empty()).ok_or_else(|| {
        let message = format!("the containers of the service `{service}` are not in this file");
        Problem::error(&["deploys"], "workflow-task", message)
            .help("name a service whose `task_definition` is a key under `task_definitions`, with its containers")
    })
}

/// The container whose image the pipeline builds.
fn container_of<'a>(workflow: &Workflow, task: &'a TaskDefinition) -> Result<(&'a str, &'a Container), Problem> {
    let code = "workflow-container";
    let live = |container: &Container| matches!(&container.image, Some(Image::Full(image)) if image.live && image.repository.is_some());
    let makeable: Vec<&str> =
        task.containers.iter().filter(|(_, spec)| live(spec)).map(|(key, _)| key.as_str()).collect();
    let example =
        "image: { repository: REPOSITORY, live: true, bootstrap: public.ecr.aws/docker/library/nginx:alpine }";
    if let Some(name) = &workflow.container {
        let Some((key, spec)) = task.containers.get_key_value(name) else {
            let names: Vec<String> = task.containers.keys().map(|key| format!("`{key}`")).collect();
            return Err(Problem::error(&["container"], code, format!("the service has no container `{name}`"))
                .help(format!("there is {}", names.join(", "))));
        };
        if !live(spec) {
            let message = format!(
                "the image of `{name}` does not belong to the pipeline: `apply` would take back what this workflow deploys"
            );
            return Err(Problem::error(&["container"], code, message).help(format!("write `{example}` there")));
        }
        return Ok((key, spec));
    }
    match makeable.as_slice() {
        [key] => task
            .containers
            .get_key_value(*key)
            .map(|(key, spec)| (key.as_str(), spec))
            .ok_or_else(|| Problem::error(&["deploys"], code, "there is no such container")),
        [] => Err(Problem::error(
            &["deploys"],
            code,
            "no container of the service has an image that belongs to the pipeline",
        )
        .help(format!("give one `{example}`"))),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            let message =
                format!("several containers have an image that belongs to the pipeline: {}", names.join(", "));
            Err(Problem::error(&["deploys"], "workflow-container", message)
                .help("name one with `container:`, and write one workflow for each"))
        }
    }
}
