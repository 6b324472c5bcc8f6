//! `hatoba doctor oidc` for people.

use hatoba_github::explain::{Denial, Outcome, pointed};

use super::judge::{Answered, Judged, Status, Verdict, Wish};
use super::oidc::Report;
use crate::render::line::{Line, write_all};
use crate::render::{Style, Tone};

/// The report.
pub(crate) fn text(report: &Report, style: Style) -> String {
    let mut lines = Vec::new();
    let mut file = "";
    for group in grouped(&report.judged) {
        let Some(first) = group.first() else { continue };
        if first.file != file {
            if !file.is_empty() {
                lines.push(Line::blank());
            }
            file = &first.file;
            lines.push(Line::new(0).add(Tone::Strong, file));
        }
        case(&group, style, &mut lines);
    }
    if let Some((shown, answered, status)) = &report.shown {
        let width = shown.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, value) in &shown.rows {
            lines.push(Line::new(0).hang(width + 2).add(Tone::Faint, &format!("{name:width$}  ")).text(value));
        }
        lines.push(Line::blank());
        let (sign, tone) = sign(*status);
        if answered.verdicts.is_empty() {
            lines.push(Line::new(0).add(tone, sign).text(" no role was asked"));
        }
        tokens(std::slice::from_ref(answered), 0, style, &mut lines);
        for problem in &shown.problems {
            lines.push(Line::new(0).add(Tone::Error, "✗ ").text(problem));
        }
        if *status == Status::Allowed && shown.sort == "event" && shown.rows.iter().any(|(name, _)| name == "error") {
            lines.extend(elsewhere(report.live));
        }
        for note in &shown.notes {
            lines.push(Line::new(0).add(Tone::Faint, note));
        }
    }
    for (problem, help) in &report.problems {
        lines.push(Line::new(0).add(Tone::Error, "✗ ").text(problem));
        if let Some(help) = help {
            lines.push(Line::help(2, help));
        }
    }
    let mut out = write_all(&lines, style);
    for findings in &report.findings {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&findings.diagnostics.render_styled(&findings.source, &style.diagnostics()));
    }
    let mut end = vec![Line::blank()];
    end.extend(report.notes.iter().map(|note| Line::new(0).add(Tone::Faint, note)));
    end.extend(summary(report));
    out.push_str(&write_all(&end, style));
    out.trim_start_matches('\n').to_owned()
}

fn sign(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Allowed => ("✓", Tone::Add),
        Status::Denied | Status::NoToken => ("✗", Tone::Error),
        Status::Partly | Status::Unknown => ("?", Tone::Warning),
    }
}

/// Situations of a job that come to the same, job by job.
fn grouped(all: &[Judged]) -> Vec<Vec<&Judged>> {
    let subjects = |one: &Judged| -> Vec<Option<String>> {
        one.tokens.iter().map(|token| token.presented.subject().map(str::to_owned)).collect()
    };
    let job = |one: &Judged| (one.file.clone(), one.job.clone(), one.called.clone());
    let alike = |a: &Judged, b: &Judged| {
        job(a) == job(b) && a.wish == b.wish && a.status == b.status && a.doubt == b.doubt && subjects(a) == subjects(b)
    };
    let mut groups: Vec<Vec<&Judged>> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| alike(first, one))) {
            Some(group) => group.push(one),
            None => {
                let after = groups.iter().rposition(|group| group.first().is_some_and(|first| job(first) == job(one)));
                groups.insert(after.map_or(groups.len(), |at| at + 1), vec![one]);
            }
        }
    }
    groups
}

fn case(group: &[&Judged], style: Style, lines: &mut Vec<Line>) {
    let Some(judged) = group.first() else { return };
    let (sign, tone) = sign(judged.status);
    let job = match &judged.called {
        Some((file, job)) => format!("{} → {job} in {file}", judged.job),
        None => judged.job.clone(),
    };
    let words: Vec<&str> = group.iter().map(|one| one.words.as_str()).collect();
    let title =
        Line::new(2).hang(4).add(tone, sign).text(" ").add(Tone::Strong, &job).text(&format!(": {}", words.join("; ")));
    lines.push(match &judged.doubt {
        Some(name) => title.add(Tone::Faint, &format!(" (if {name} lets it run)")),
        None => title,
    });
    if judged.status == Status::NoToken {
        let text = "GitHub gives the job no token: `permissions: id-token: write` is missing";
        lines.push(Line::new(6).text(text));
    }
    match &judged.wish {
        Wish::Role(asked) if judged.tokens.iter().all(|token| token.verdicts.is_empty()) => {
            lines.extend(
                judged.tokens.iter().filter_map(|token| token.presented.subject()).map(|text| Line::new(6).text(text)),
            );
            let known = match (&judged.other_path, judged.status) {
                (Some(arn), _) => format!("the role is `{arn}`: the path is missing or differs"),
                (None, Status::Denied) => "AWS has no such role".to_owned(),
                (None, _) => "nothing is known of that role; `--live` asks AWS".to_owned(),
            };
            let asks = if judged.other_path.is_some() {
                format!("asks for `{asked}`: {known}")
            } else {
                format!("asks for {} of the account {}: {known}", asked.name, asked.account)
            };
            lines.push(Line::new(6).text(&asks));
            return;
        }
        Wish::Text(text) if !text.contains("${{") => {
            lines.push(Line::new(6).text(&format!("asks for `{text}`, which is not the ARN of a role")));
            return;
        }
        Wish::Text(text) => {
            lines.push(Line::new(6).add(Tone::Faint, &format!("the role is {text}: every role of the file is tried")))
        }
        Wish::Elsewhere => lines.push(
            Line::new(6).add(Tone::Faint, "the step stands in another repository: every role of the file is tried"),
        ),
        Wish::Role(_) => {}
    }
    tokens(&judged.tokens, 6, style, lines);
}

/// Each token with its verdict. Of two formats of subjects with the same answer one stands for both.
fn tokens(tokens: &[Answered], indent: usize, style: Style, lines: &mut Vec<Line>) {
    let mut told: Option<&Answered> = None;
    for answered in tokens {
        let text = match (answered.presented.subject(), answered.presented.unknown.get("sub")) {
            (Some(text), _) => text.to_owned(),
            (None, Some(name)) => format!("the subject depends on {name}"),
            (None, None) => "no subject".to_owned(),
        };
        if told.is_some_and(|before| same_answer(before, answered)) {
            lines.push(Line::new(indent).add(Tone::Faint, "likewise ").text(&text));
            continue;
        }
        told = Some(answered);
        lines.push(Line::new(indent).text(&text));
        let good: Vec<&Verdict> =
            answered.verdicts.iter().filter(|one| matches!(one.outcome, Outcome::Allowed { .. })).collect();
        if good.is_empty() {
            // The nearest comes first; the others would only say the same of other roles.
            if let Some(first) = answered.verdicts.first() {
                verdict(first, indent, style, lines);
            }
            let others: Vec<&str> = answered.verdicts.iter().skip(1).map(|one| one.role.as_str()).collect();
            if !others.is_empty() {
                lines.push(Line::new(indent).add(Tone::Faint, &format!("no better: {}", others.join(", "))));
            }
        }
        for one in good {
            verdict(one, indent, style, lines);
        }
    }
}

fn same_answer(a: &Answered, b: &Answered) -> bool {
    a.verdicts.len() == b.verdicts.len()
        && a.verdicts.iter().zip(&b.verdicts).all(|(a, b)| {
            a.role == b.role
                && match (&a.outcome, &b.outcome) {
                    (Outcome::Denied(a), Outcome::Denied(b)) => a.key == b.key && a.fixes == b.fixes,
                    (a, b) => a == b,
                }
        })
}

fn verdict(verdict: &Verdict, indent: usize, style: Style, lines: &mut Vec<Line>) {
    let role = if verdict.live { format!("{} (in AWS)", verdict.role) } else { verdict.role.clone() };
    match &verdict.outcome {
        Outcome::Allowed { statement, sid } => {
            let named = sid.as_ref().map(|sid| format!(" `{sid}`")).unwrap_or_default();
            let text = format!("{role} lets it in, by statement {}{named}", statement + 1);
            lines.push(Line::new(indent).add(Tone::Add, "→ ").text(&text));
        }
        Outcome::Unreadable(text) => {
            lines.push(
                Line::new(indent)
                    .add(Tone::Error, "→ ")
                    .text(&format!("the trust policy of {role} cannot be read: {text}")),
            );
        }
        Outcome::Unknown { claim, because, expected } => {
            let text =
                format!("{role} compares `{claim}`, which depends on {because}; expected: {}", expected.join(" or "));
            lines.push(Line::new(indent).add(Tone::Warning, "→ ").text(&text));
        }
        Outcome::Denied(denial) => {
            lines
                .push(Line::new(indent).add(Tone::Error, "→ ").text(&format!("{role} refuses it: {}", denial.message)));
            denied(denial, verdict, indent + 2, style, lines);
        }
    }
}

fn denied(denial: &Denial, verdict: &Verdict, indent: usize, style: Style, lines: &mut Vec<Line>) {
    const LABEL: usize = 11;
    let row =
        |label: &str, text: &str| Line::new(indent).hang(LABEL).add(Tone::Faint, &format!("{label:LABEL$}")).text(text);
    let mark = |at: usize| Line::new(indent + LABEL + at).add(Tone::Error, "^");
    match (&denial.closest, &denial.presented) {
        (Some(closest), _) => {
            let both = pointed(closest, style.width.saturating_sub(indent + LABEL));
            lines.push(row("expected", &both.expected));
            if both.expected_mark != both.presented_mark {
                lines.push(mark(both.expected_mark));
            }
            lines.push(row("presented", &both.presented));
            lines.push(mark(both.presented_mark));
        }
        (None, presented) if !denial.expected.is_empty() => {
            lines.push(row("expected", &denial.expected.join(" or ")));
            lines.push(row("presented", presented.as_deref().unwrap_or("(nothing)")));
        }
        _ => {}
    }
    let condition = match (&denial.operator, &denial.key) {
        (Some(operator), Some(key)) => {
            let claim = key.strip_prefix("token.actions.githubusercontent.com:").unwrap_or(key);
            Some(format!("{claim}, under {operator}"))
        }
        (None, Some(element)) => Some(element.clone()),
        _ => None,
    };
    if let Some(condition) = condition {
        let statement = denial.statement.map(|index| format!(", statement {}", index + 1)).unwrap_or_default();
        lines.push(row("condition", &format!("{condition}{statement}")));
    }
    if !denial.also.is_empty() {
        lines.push(row("also", &format!("{} does not fit either", denial.also.join(", "))));
    }
    if let Some(place) = &verdict.place {
        lines.push(row("where", &place.to_string()));
    }
    if let Some(element) = &verdict.element {
        lines.push(row("element", &element.replace("token.actions.githubusercontent.com:", "…:")));
    }
    for fix in &denial.fixes {
        lines.push(Line::new(indent).hang(0).text(&fix.cause));
        lines.push(Line::help(indent, &fix.advice));
    }
}

/// Why AWS refuses what a policy admits.
fn elsewhere(live: bool) -> Vec<Line> {
    let mut texts = vec!["This policy lets the token in, yet AWS refused the call. Then one of these is the cause:"];
    if !live {
        texts.push("- the role in AWS has another trust policy than the file: `--live` asks AWS, `hatoba plan` shows the difference");
    }
    texts.extend([
        "- there was no such role, or no provider for GitHub, in that account at that time: `hatoba doctor` looks for the provider",
        "- the trust policy or the role is only some seconds old",
        "- a service control policy of the organisation denies sts:AssumeRoleWithWebIdentity",
        "- the token is of another job than the one that you think of: compare the subject above",
    ]);
    texts.into_iter().map(|text| Line::new(0).text(text)).collect()
}

fn summary(report: &Report) -> Option<Line> {
    if report.shown.is_some() {
        return None;
    }
    let count = |status: &[Status]| report.judged.iter().filter(|one| status.contains(&one.status)).count();
    let (good, bad) = (count(&[Status::Allowed]), count(&[Status::Denied, Status::NoToken]));
    let open = count(&[Status::Partly, Status::Unknown]);
    let findings: usize = report.findings.iter().map(|one| one.diagnostics.len()).sum();
    let mut parts = vec![format!("{good} accepted"), format!("{bad} refused")];
    if open > 0 {
        parts.push(format!("{open} open"));
    }
    parts.push(match findings {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        more => format!("{more} findings"),
    });
    let source = if report.live { "the trust policies in AWS" } else { &report.file };
    let what =
        if report.judged.is_empty() { "No job signs in to AWS".to_owned() } else { format!("Tokens against {source}") };
    Some(Line::new(0).add(Tone::Strong, &format!("{what}: {}.", parts.join(", "))))
}
