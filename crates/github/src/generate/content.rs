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

/// Why no workflow can call hatoba for this stack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// GitHub would evaluate what stands in it, before the shell or hatoba gets to see it.
    #[error("{0} `{1}` contains `${{{{`, which GitHub would evaluate in a workflow file")]
    Expression(&'static str, String),
    /// A line break would end the command.
    #[error("{0} {1:?} contains a line break or another control character, which cannot stand in a workflow file")]
    Control(&'static str, String),
}

impl Call {
    /// Whether it can stand in a script of a workflow.
    ///
    /// # Errors
    /// `${{`, a line break or another control character in the path, the environment or the region.
    pub fn check(&self) -> Result<(), CallError> {
        let parts = [
            ("the path of the stack file", Some(&self.file)),
            ("the environment", self.env.as_ref()),
            ("the region", self.region.as_ref()),
        ];
        for (what, text) in parts.into_iter().filter_map(|(what, text)| Some((what, text?))) {
            if text.contains("${{") {
                return Err(CallError::Expression(what, text.clone()));
            }
            // Some readers of YAML take the first two for line breaks as well, and none keeps the third.
            if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')) {
                return Err(CallError::Control(what, text.clone()));
            }
        }
        Ok(())
    }
}

/// The content of the file that these facts describe. The same facts give the same text.
///
/// # Errors
/// As [`Call::check`].
pub fn content(facts: &WorkflowFacts, call: &Call) -> Result<String, CallError> {
    call.check()?;
    let mut out = Yaml::default();
    out.add(0, &header::comments(&call.file, &facts.region, &facts.role)).blank();
    match &facts.what {
        What::Deploy(deploy) => deploy::write(&mut out, facts, deploy, call),
        What::Plan(branches) => plan::write(&mut out, facts, branches, call),
        What::Drift(times) => drift::write(&mut out, facts, times, call),
        What::Switch(switch) => switch::write(&mut out, facts, switch, call),
    }
    Ok(out.done())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(file: &str, env: Option<&str>, region: Option<&str>) -> Call {
        Call { file: file.to_owned(), env: env.map(str::to_owned), region: region.map(str::to_owned) }
    }

    #[test]
    fn what_github_would_evaluate_or_a_script_would_break_at_is_refused() {
        for good in [
            call("stack.yaml", None, None),
            call("infra/it's $HOME & more/stack: x #1.yaml", Some("staging"), Some("us-west-2")),
            call("{{ x }}/日本.yaml", None, None),
        ] {
            assert_eq!(good.check(), Ok(()), "{good:?}");
        }
        for (bad, word) in [
            (
                call("${{ github.token }}/stack.yaml", None, None),
                "the path of the stack file `${{ github.token }}/stack.yaml` contains `${{`",
            ),
            (call("stack.yaml", Some("${{ x }}"), None), "the environment `${{ x }}` contains"),
            (call("stack.yaml", None, Some("${{")), "the region `${{` contains"),
            (
                call("a\nb/stack.yaml", None, None),
                "the path of the stack file \"a\\nb/stack.yaml\" contains a line break",
            ),
            (call("a\u{7f}.yaml", None, None), "control character"),
            (call("stack.yaml", Some("a\rb"), None), "the environment"),
            (call("stack.yaml", None, Some("a\u{2028}b")), "the region"),
        ] {
            let text = bad.check().map_err(|error| error.to_string());
            assert!(text.as_ref().is_err_and(|text| text.contains(word)), "{text:?}");
        }
    }
}
