//! Where something stands in a workflow file.

use hatoba_model::yaml::{Pos, Source, Span};

use crate::expression::{Piece, pieces};
use crate::workflow::{Job, Step, Text, Workflow};

/// The first place of a text within a stretch of a file; the beginning of the stretch where it is not found as such.
pub(super) fn find(source: &Source, within: Span, text: &str) -> Span {
    places(source, within, text).into_iter().next().unwrap_or(within)
}

/// All places of a text within a stretch of a file. A text does not go over several lines.
pub(super) fn places(source: &Source, within: Span, text: &str) -> Vec<Span> {
    let first = within.start.line.max(1);
    let count = (within.end.line.saturating_sub(first) + 1) as usize;
    let lines = source.text.lines().enumerate().skip(first as usize - 1).take(count);
    let mut found = Vec::new();
    for (number, line) in lines {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        for (at, _) in line.match_indices(text) {
            let column = |bytes: usize| u32::try_from(line[..bytes].chars().count() + 1).unwrap_or(u32::MAX);
            let (start, end) = (column(at), column(at + text.len()));
            let before = number == within.start.line && start < within.start.col;
            let after = number == within.end.line && end > within.end.col && within.end.col > 1;
            if !before && !after {
                found.push(Span::new(Pos { line: number, col: start }, Pos { line: number, col: end }));
            }
        }
    }
    found
}

/// Where a value is really written: behind `${{ env.NAME }}` that of the variable.
pub(super) fn origin<'a>(workflow: &'a Workflow, job: &'a Job, step: Option<&'a Step>, text: &'a Text) -> &'a Text {
    let mut text = text;
    for _ in 0..8 {
        let parts = pieces(&text.text);
        let [Piece::Expression(expression)] = parts.as_slice() else { return text };
        let Some(name) = expression.strip_prefix("env.") else { return text };
        let own = step.and_then(|step| step.env.get(name));
        let Some(variable) = own.or_else(|| job.env.get(name)).or_else(|| workflow.env.get(name)) else { return text };
        text = &variable.value;
    }
    text
}

/// Every value of a workflow that GitHub looks for expressions in.
pub(super) fn values(workflow: &Workflow) -> Vec<&Text> {
    let mut all: Vec<&Text> = Vec::new();
    all.extend(workflow.env.0.iter().map(|variable| &variable.value));
    for job in &workflow.jobs {
        all.extend(job.environment.iter().chain(&job.condition).chain(&job.uses).chain(&job.runs_on));
        all.extend(job.env.0.iter().chain(&job.with.0).map(|variable| &variable.value));
        for step in &job.steps {
            all.extend(step.name.iter().chain(&step.condition).chain(&step.run).chain(&step.working_directory));
            // Scripts of other languages have braces of their own.
            let plain = |name: &str| !["script", "run", "inlinescript"].contains(&name.to_ascii_lowercase().as_str());
            all.extend(step.env.0.iter().map(|variable| &variable.value));
            all.extend(step.with.0.iter().filter(|input| plain(&input.name.text)).map(|input| &input.value));
        }
    }
    all
}
