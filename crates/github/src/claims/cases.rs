//! Every job that signs in to AWS, in every situation that starts it.

use std::collections::BTreeMap;

use hatoba_model::yaml::Span;

use super::context::Scope;
use super::login::{Login, login};
use super::presented::{Presented, Repository, Wanted, tokens};
use super::situation::{Known, Situation, situations};
use crate::expression::{Rendered, condition};
use crate::workflow::{Access, Job, Permissions, Workflow};

/// How deep workflows may call each other. GitHub allows ten levels.
const CALLS: usize = 10;
/// How many cases are found before calls are no longer followed.
const CASES: usize = 1000;
/// How many combinations of a matrix are looked at.
const COMBINATIONS: usize = 16;

/// What the workflows run in.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// All workflow files of the repository: one may call another.
    pub workflows: &'a [Workflow],
    /// The repository.
    pub repository: &'a Repository,
    /// Branches and tags that are worth asking about.
    pub known: &'a Known,
    /// The audience that the official action asks for by itself.
    pub audience: &'a str,
}

/// Whether GitHub gives a job a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// It does.
    Given,
    /// The permission `id-token: write` is missing.
    Missing {
        /// The file where it would have to stand.
        file: String,
        /// The permissions that do not have it; nothing when there are none.
        at: Option<Span>,
        /// The key of the job.
        job: String,
    },
}

/// A job that signs in to AWS, in one situation.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// The workflow that the event starts.
    pub workflow: &'a Workflow,
    /// Its job.
    pub job: &'a Job,
    /// The workflow and the job that sign in, where the job calls another workflow.
    pub called: Option<(&'a Workflow, &'a Job)>,
    /// The step that signs in; nothing when it stands in a workflow of another repository.
    pub login: Option<Login<'a>>,
    /// The event.
    pub situation: Situation,
    /// Whether there is a token.
    pub token: Token,
    /// The tokens that it may present.
    pub presented: Vec<Presented>,
    /// What decides whether it runs at all, where that is not known.
    pub doubt: Option<String>,
}

impl<'a> Case<'a> {
    /// The file and the job that the signing-in step stands in.
    pub fn home(&self) -> (&'a Workflow, &'a Job) {
        self.called.unwrap_or((self.workflow, self.job))
    }
}

/// All cases of all workflows, in the order of the files.
pub fn cases<'a>(setting: &Setting<'a>) -> Vec<Case<'a>> {
    let mut found = Vec::new();
    for workflow in setting.workflows {
        for situation in situations(workflow, setting.known) {
            for job in &workflow.jobs {
                let top = Frame {
                    setting: *setting,
                    workflow,
                    job,
                    start: (workflow, job),
                    situation: &situation,
                    inputs: defaults(workflow, &situation.event),
                    outer: Vec::new(),
                };
                top.walk(&mut found);
            }
        }
    }
    found
}

fn defaults(workflow: &Workflow, event: &str) -> BTreeMap<String, Rendered> {
    let inputs = workflow.trigger(event).map(|trigger| trigger.inputs.as_slice()).unwrap_or_default();
    inputs.iter().filter_map(|input| Some((input.name.clone(), Rendered::of(input.default.clone()?)))).collect()
}

/// A job on the way from an event to the step that signs in.
#[derive(Clone)]
struct Frame<'a, 's> {
    setting: Setting<'a>,
    workflow: &'a Workflow,
    job: &'a Job,
    start: (&'a Workflow, &'a Job),
    situation: &'s Situation,
    inputs: BTreeMap<String, Rendered>,
    /// The callers, from the outermost in, with their `if:` that are not known.
    outer: Vec<(&'a Workflow, &'a Job)>,
}

impl<'a> Frame<'a, '_> {
    fn walk(&self, found: &mut Vec<Case<'a>>) {
        for matrix in self.combinations() {
            let scope = Scope {
                repository: self.setting.repository,
                situation: self.situation,
                workflow: self.workflow,
                job: self.job,
                step: None,
                inputs: self.inputs.clone(),
                matrix,
                depth: 0,
            };
            let mut doubt = None;
            if !runs(self.job.condition.as_ref().map(|text| text.text.as_str()), &scope, &mut doubt) {
                continue;
            }
            match &self.job.uses {
                Some(uses) => self.call(&uses.text, &scope, doubt, found),
                None => self.steps(&scope, doubt, found),
            }
        }
    }

    /// Combinations of the matrix, only of what the token depends on.
    fn combinations(&self) -> Vec<BTreeMap<String, String>> {
        let inputs = self.job.steps.iter().flat_map(|step| step.with.0.iter().map(|input| &input.value.text));
        let environment = self.job.environment.iter().map(|name| &name.text);
        let given = self.job.with.0.iter().map(|input| &input.value.text);
        let variables = self.job.env.0.iter().map(|variable| &variable.value.text);
        let texts: Vec<&String> = inputs.chain(environment).chain(given).chain(variables).collect();
        let used = |name: &str| texts.iter().any(|text| text.contains(&format!("matrix.{name}")));
        let mut all = vec![BTreeMap::new()];
        for (name, values) in self.job.matrix.iter().filter(|(name, _)| used(name)) {
            let with = |start: &BTreeMap<String, String>, value: &String| {
                let mut longer = start.clone();
                longer.insert(name.clone(), value.clone());
                longer
            };
            all = all
                .iter()
                .flat_map(|start| values.iter().map(move |value| with(start, value)))
                .take(COMBINATIONS)
                .collect();
        }
        all
    }

    fn steps(&self, scope: &Scope<'_>, doubt: Option<String>, found: &mut Vec<Case<'a>>) {
        for step in &self.job.steps {
            let Some(login) = login(step, scope, self.setting.audience) else { continue };
            let mut doubt = doubt.clone();
            let inside = Scope { step: Some(step), ..scope.clone() };
            if runs(step.condition.as_ref().map(|text| text.text.as_str()), &inside, &mut doubt) {
                let audience = login.audience.clone();
                found.push(self.case(scope, Some(login), &audience, Some(self.file_ref(self.workflow)), doubt));
            }
        }
    }

    /// `OWNER/NAME/.github/workflows/FILE@REF`.
    fn file_ref(&self, workflow: &Workflow) -> String {
        format!("{}/{}@{}", self.setting.repository.name, path_of(workflow), self.situation.git_ref)
    }

    fn case(
        &self,
        scope: &Scope<'_>,
        login: Option<Login<'a>>,
        audience: &Rendered,
        job_workflow_ref: Option<String>,
        doubt: Option<String>,
    ) -> Case<'a> {
        let environment = self.job.environment.as_ref().map(|name| scope.render(&name.text));
        let started = self.start.0;
        let wanted = Wanted {
            repository: self.setting.repository,
            situation: self.situation,
            environment: environment.as_ref(),
            audience,
            job_workflow_ref,
            workflow: started.name.as_ref().map_or(&started.source.name, |name| &name.text),
        };
        Case {
            workflow: started,
            job: self.start.1,
            called: (!self.outer.is_empty()).then_some((self.workflow, self.job)),
            login,
            situation: self.situation.clone(),
            token: self.token(),
            presented: tokens(&wanted),
            doubt,
        }
    }

    /// Each level can only take permissions away; where it says nothing, it passes on what it was given. The outermost has to
    /// say it: the permissions that a repository gives by default never include tokens.
    fn token(&self) -> Token {
        let levels = self.outer.iter().copied().chain([(self.workflow, self.job)]);
        for (position, (workflow, job)) in levels.enumerate() {
            let permissions: Option<&Permissions> = workflow.permissions_of(job);
            let missing = match permissions {
                Some(permissions) => permissions.id_token != Access::Write,
                None => position == 0,
            };
            if missing {
                return Token::Missing {
                    file: workflow.source.name.clone(),
                    at: permissions.map(|permissions| permissions.id_token_span.unwrap_or(permissions.span)),
                    job: job.id.text.clone(),
                };
            }
        }
        Token::Given
    }

    fn call(&self, uses: &str, scope: &Scope<'_>, doubt: Option<String>, found: &mut Vec<Case<'a>>) {
        let local = uses.strip_prefix("./");
        let Some(path) = local else {
            // Its steps are elsewhere; what it presents is known all the same, but for the ref where that is a short name.
            let full = uses.split_once('@').filter(|(_, at)| at.starts_with("refs/")).map(|_| uses.to_owned());
            let audience = Rendered::of(self.setting.audience);
            if matches!(self.token(), Token::Given) {
                found.push(self.case(scope, None, &audience, full, doubt));
            }
            return;
        };
        let Some(workflow) = self.setting.workflows.iter().find(|workflow| path_of(workflow) == path) else { return };
        // GitHub refuses workflows that call themselves.
        let again =
            self.outer.iter().any(|(outer, _)| std::ptr::eq(*outer, workflow)) || std::ptr::eq(self.workflow, workflow);
        if again || self.outer.len() >= CALLS || found.len() >= CASES {
            return;
        }
        let mut inputs = defaults(workflow, "workflow_call");
        inputs.extend(self.job.with.0.iter().map(|given| (given.name.text.clone(), scope.render(&given.value.text))));
        for job in &workflow.jobs {
            let mut outer = self.outer.clone();
            outer.push((self.workflow, self.job));
            let inner = Self { workflow, job, inputs: inputs.clone(), outer, ..self.clone() };
            let before = found.len();
            inner.walk(found);
            for case in &mut found[before..] {
                case.doubt = case.doubt.take().or_else(|| doubt.clone());
            }
        }
    }
}

/// The path of a workflow file inside of its repository.
fn path_of(workflow: &Workflow) -> &str {
    let name = workflow.source.name.as_str();
    name.find(".github/workflows/").map_or(name, |at| &name[at..])
}

/// Whether an `if:` lets something run, as far as it is known; what is not known is noted.
fn runs(text: Option<&str>, scope: &Scope<'_>, doubt: &mut Option<String>) -> bool {
    let Some(text) = text else { return true };
    match condition(text, scope) {
        Ok(value) => match value.truth() {
            Some(truth) => truth,
            None => {
                if let crate::expression::Value::Unknown(name) = value {
                    *doubt = Some(name);
                }
                true
            }
        },
        Err(_) => true,
    }
}

#[cfg(test)]
#[path = "cases_tests.rs"]
mod tests;
