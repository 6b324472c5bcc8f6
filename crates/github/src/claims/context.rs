//! What the names of an expression mean in one run of a job.

use std::collections::BTreeMap;

use super::presented::Repository;
use super::situation::Situation;
use crate::expression::{Context, Part, Rendered, Value, render};
use crate::workflow::{Job, Step, Workflow};

/// How deep variables may refer to each other.
const DEPTH: usize = 8;

/// A job, or one of its steps, in a run.
#[derive(Debug, Clone)]
pub struct Scope<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// How the run began.
    pub situation: &'a Situation,
    /// The workflow file that the job stands in.
    pub workflow: &'a Workflow,
    /// The job.
    pub job: &'a Job,
    /// The step.
    pub step: Option<&'a Step>,
    /// The inputs of the workflow, where it was called or started with some.
    pub inputs: BTreeMap<String, Rendered>,
    /// One combination of the matrix.
    pub matrix: BTreeMap<String, String>,
    /// How many variables have been looked up on the way here.
    pub depth: usize,
}

impl<'a> Scope<'a> {
    /// A step of a run without inputs, and outside of any matrix.
    pub fn of_step(
        repository: &'a Repository,
        situation: &'a Situation,
        workflow: &'a Workflow,
        job: &'a Job,
        step: &'a Step,
    ) -> Self {
        let (inputs, matrix) = Default::default();
        Self { repository, situation, workflow, job, step: Some(step), inputs, matrix, depth: 0 }
    }
}

impl Scope<'_> {
    /// A text with the values of its expressions.
    pub fn render(&self, text: &str) -> Rendered {
        render(text, self)
    }

    fn variable(&self, name: &str) -> Value {
        let unknown = || Value::Unknown(format!("env.{name}"));
        if self.depth > DEPTH {
            return unknown();
        }
        // The nearest wins; a variable may use those of the levels above it.
        let own = self.step.and_then(|step| step.env.get(name));
        let found = own.or_else(|| self.job.env.get(name)).or_else(|| self.workflow.env.get(name));
        let Some(variable) = found else { return unknown() };
        let above = Self { depth: self.depth + 1, step: None, ..self.clone() };
        value(&above.render(&variable.value.text))
    }
}

/// A rendered text as a value.
fn value(text: &Rendered) -> Value {
    match (text.known(), text.parts.iter().find(|part| matches!(part, Part::Unknown(_)))) {
        (None, Some(Part::Unknown(name))) => Value::Unknown(name.clone()),
        (known, _) => Value::Text(known.unwrap_or_default()),
    }
}

impl Context for Scope<'_> {
    fn look(&self, path: &[&str]) -> Value {
        let situation = self.situation;
        let known = |text: &str| Value::Text(text.to_owned());
        let unknown = || Value::Unknown(path.join("."));
        match path {
            ["env", name] => self.variable(name),
            ["inputs", name] | ["github", "event", "inputs", name] => {
                self.inputs.get(*name).map_or_else(unknown, value)
            }
            ["matrix", name] => self.matrix.get(*name).map_or_else(unknown, |text| known(text)),
            ["github", member] => match *member {
                "event_name" => known(&situation.event),
                "ref" => known(&situation.git_ref),
                "ref_name" => known(situation.ref_name()),
                "ref_type" => known(if situation.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" }),
                "repository" => known(self.repository.name.as_str()),
                "repository_owner" => known(self.repository.name.owner()),
                "head_ref" | "base_ref" if !situation.event.starts_with("pull_request") => known(""),
                "workflow" => known(self.workflow.name.as_ref().map_or(&self.workflow.source.name, |name| &name.text)),
                "job" => known(&self.job.id.text),
                _ => unknown(),
            },
            _ => unknown(),
        }
    }
}
