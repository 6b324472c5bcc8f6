//! `${ github.sha }` with one brace: GitHub leaves it as it is, and the shell cannot read it either.

use hatoba_model::diag::Diagnostic;

use super::place::{places, values};
use crate::expression::{Piece, parse, pieces};
use crate::workflow::Workflow;

/// The contexts of expressions.
const CONTEXTS: [&str; 12] =
    ["env", "github", "inputs", "job", "jobs", "matrix", "needs", "runner", "secrets", "steps", "strategy", "vars"];

pub(super) fn check(workflow: &Workflow) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for value in values(workflow) {
        for (written, meant) in single(&value.text) {
            for span in places(&workflow.source, value.span, &written) {
                found.push(
                    Diagnostic::error(
                        "workflow-braces",
                        format!("`{written}` is no expression of GitHub: it has one brace"),
                    )
                    .at(span)
                    .help(format!("did you mean `{meant}`?")),
                );
            }
        }
        for piece in pieces(&value.text) {
            if let Piece::Expression(text) = piece
                && let Err(error) = parse(text)
            {
                let span = places(&workflow.source, value.span, text).into_iter().next().unwrap_or(value.span);
                found.push(
                    Diagnostic::error("workflow-expression", format!("`{text}` is no expression: {error}"))
                        .at(span)
                        .help("texts stand in single quotes, and two values are compared with `==`"),
                );
            }
        }
    }
    found
}

/// What stands in single braces and means a context, as written and as meant.
fn single(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (at, _) in text.match_indices("${") {
        let rest = &text[at + 2..];
        if rest.starts_with('{') {
            continue;
        }
        let Some(end) = rest.find('}') else { continue };
        let inner = rest[..end].trim();
        let name = inner.split(['.', '[']).next().unwrap_or_default();
        if name.len() < inner.len() && CONTEXTS.contains(&name) && parse(inner).is_ok() {
            let both = (format!("${{{}}}", &rest[..end]), format!("${{{{ {inner} }}}}"));
            if !found.contains(&both) {
                found.push(both);
            }
        }
    }
    found
}
