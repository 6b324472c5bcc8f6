//! `hatoba doctor oidc --json`.

use hatoba_github::explain::{Denial, Outcome};
use serde_json::{Value, json};

use super::judge::{Answered, Judged, Verdict, Wish};
use super::oidc::Report;
use super::roles::Place;

/// The document.
pub(crate) fn document(report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings
        .iter()
        .flat_map(|findings| match findings.diagnostics.to_json(&findings.source) {
            Value::Array(all) => all,
            other => vec![other],
        })
        .collect();
    let shown = report.shown.as_ref().map(|(shown, answered, status)| {
        let says: serde_json::Map<String, Value> =
            shown.rows.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({ "kind": shown.sort, "says": says, "notes": shown.notes, "problems": shown.problems, "status": status.word(), "token": token(answered) })
    });
    let problems: Vec<Value> =
        report.problems.iter().map(|(message, help)| json!({ "message": message, "help": help })).collect();
    json!({
        "stack": report.stack,
        "repository": report.repository,
        "trust": if report.live { "live" } else { "file" },
        "roles": report.roles,
        "workflows": report.workflows,
        "ok": report.is_good(),
        "cases": report.judged.iter().map(case).collect::<Vec<_>>(),
        "shown": shown,
        "findings": findings,
        "problems": problems,
        "notes": report.notes,
    })
}

fn case(judged: &Judged) -> Value {
    let role = match &judged.wish {
        Wish::Role(asked) => json!(asked.to_string()),
        Wish::Text(text) => json!(text),
        Wish::Elsewhere => Value::Null,
    };
    json!({
        "workflow": judged.file,
        "job": judged.job,
        "called": judged.called.as_ref().map(|(file, job)| json!({ "workflow": file, "job": job })),
        "event": judged.event,
        "ref": judged.git_ref,
        "role": role,
        "other_path": judged.other_path,
        "condition": judged.doubt,
        "status": judged.status.word(),
        "tokens": judged.tokens.iter().map(token).collect::<Vec<_>>(),
    })
}

fn token(answered: &Answered) -> Value {
    let presented = &answered.presented;
    json!({
        "format": presented.format,
        "sub": presented.subject(),
        "aud": presented.audience(),
        "claims": presented.claims,
        "unknown": presented.unknown,
        "verdicts": answered.verdicts.iter().map(verdict).collect::<Vec<_>>(),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let mut out = json!({ "role": verdict.role, "live": verdict.live });
    let rest = match &verdict.outcome {
        Outcome::Allowed { statement, sid } => json!({ "verdict": "allowed", "statement": statement, "sid": sid }),
        Outcome::Unreadable(text) => json!({ "verdict": "unreadable", "reason": text }),
        Outcome::Unknown { claim, because, expected } => {
            json!({ "verdict": "unknown", "claim": claim, "because": because, "expected": expected })
        }
        Outcome::Denied(denial) => denied(denial, verdict.place.as_ref()),
    };
    if let (Value::Object(out), Value::Object(rest)) = (&mut out, rest) {
        out.extend(rest);
    }
    out
}

fn denied(denial: &Denial, place: Option<&Place>) -> Value {
    let pointer: Vec<String> = denial.pointer.iter().map(ToString::to_string).collect();
    let difference = denial.closest.as_ref().map(|closest| {
        json!({
            "expected": closest.expected,
            "presented": closest.presented,
            "expected_at": closest.difference.expected_at,
            "presented_at": closest.difference.presented_at,
        })
    });
    let fixes: Vec<Value> = denial
        .fixes
        .iter()
        .map(|fix| json!({ "cause": fix.cause, "advice": fix.advice, "key": fix.change.key() }))
        .collect();
    json!({
        "verdict": "denied",
        "reason": denial.message,
        "statement": denial.statement,
        "sid": denial.sid,
        "pointer": pointer,
        "operator": denial.operator,
        "key": denial.key,
        "expected": denial.expected,
        "presented": denial.presented,
        "difference": difference,
        "also": denial.also,
        "place": place.map(|place| json!({ "file": place.file, "line": place.at.line, "column": place.at.col })),
        "fixes": fixes,
    })
}
