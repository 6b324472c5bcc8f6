//! The content of a workflow file: everything but its first line, which says whose it is.

use hatoba_model::workflows::{What, WorkflowFacts};

use super::yaml::{Yaml, word};
use super::{deploy, drift, header, plan, switch};

/// How the jobs call hatoba so that it means the same stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The stack file, from the top of the repository.
    pub file: String,
    /// The environment of the file.
    pub env: Option<String>,
    /// The region, where it is not the file's.
    pub region: Option<String>,
}

impl Call {
    /// The words of a command up to the name of a subcommand: `hatoba -f infra/stack.yaml --env staging`.
    pub(super) fn hatoba(&self) -> String {
        let mut words = vec!["hatoba".to_owned()];
        if self.file != "stack.yaml" {
            words.extend(["-f".to_owned(), word(&self.file)]);
        }
        for (option, value) in [("--env", &self.env), ("--region", &self.region)] {
            if let Some(value) = value {
                words.extend([option.to_owned(), word(value)]);
            }
        }
        words.join(" ")
    }
}

/// The content of the file that these facts describe. The same facts give the same text.
pub fn content(facts: &WorkflowFacts, call: &Call) -> String {
    let mut out = Yaml::default();
    out.add(0, &header::comments(&call.file)).blank();
    match &facts.what {
        What::Deploy(deploy) => deploy::write(&mut out, facts, deploy, call),
        What::Plan(branches) => plan::write(&mut out, facts, branches, call),
        What::Drift(times) => drift::write(&mut out, facts, times, call),
        What::Switch(switch) => switch::write(&mut out, facts, switch),
    }
    out.done()
}
