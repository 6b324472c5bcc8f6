//! The explanation, for people and for machines.

use hatoba_model::iam::evaluate::Verdict;
use hatoba_model::iam::refusal::{Denied, Why};
use serde_json::{Value, json};

use super::advice::{Advice, Who};
use crate::render::line::{Line, write_all};
use crate::render::{Style, Tone};

/// For people.
pub(crate) fn text(denied: &Denied, advice: &Advice, style: Style) -> String {
    let row = |name: &str, text: &str| Line::new(0).hang(10).add(Tone::Faint, &format!("{name:10}")).text(text);
    let mut lines = Vec::new();
    lines.extend(denied.action.as_ref().map(|action| row("action", action)));
    lines.extend(denied.resource.as_ref().map(|resource| row("resource", resource)));
    let who = match &advice.who {
        Who::Own { key, place } => Some(format!("the role `{key}` of this stack ({place})")),
        Who::Role(name) => Some(format!("the role `{name}`, which is not in this file")),
        Who::User(name) => Some(format!("the user `{name}`")),
        Who::Unsaid => denied.principal.clone(),
    };
    lines.extend(who.map(|who| row("who", &who)));
    lines.push(row("why", &why(denied.why)));
    lines.push(Line::blank());
    lines.extend(advice.steps.iter().map(|step| Line::new(0).hang(0).text(step)));
    let granted = matches!(advice.by_file, Some(Verdict::Allowed { .. }));
    if let (Some(grant), Who::Own { key, .. }, false) = (&advice.grant, &advice.who, granted) {
        let help = format!("add `{{ {grant} }}` to `grants` of `roles.{key}`: it allows this and what goes with it");
        lines.push(Line::help(0, &help));
    }
    if let (Some(statement), false) = (&advice.statement, granted) {
        let place = match (&advice.who, &advice.grant) {
            (Who::Own { key, .. }, None) => {
                format!("add this statement to a policy under `inline_policies` of `roles.{key}`:")
            }
            (Who::Own { .. }, Some(_)) => "or add just this statement to one of its `inline_policies`:".to_owned(),
            _ => "the statement that is missing:".to_owned(),
        };
        lines.push(Line::help(0, &place));
        lines.push(Line::blank());
        lines.extend(format!("{statement:#}").lines().map(|line| Line::new(2).text(line)));
    }
    write_all(&lines, style)
}

fn why(why: Why) -> String {
    match why {
        Why::NotAllowed(policy) => format!("no {} allows it", policy.words()),
        Why::Denies(policy) => format!("a {} denies it", policy.words()).replace("a identity", "an identity"),
        Why::Unsaid => "the message does not say".to_owned(),
        Why::Encoded => "encoded in the message".to_owned(),
        Why::WebIdentity => "a token of GitHub was refused".to_owned(),
        Why::NoProvider => "the account has no identity provider for the token".to_owned(),
        Why::WrongAudience => "the identity provider does not accept the audience of the token".to_owned(),
        Why::NoToken => "the job has no token of GitHub".to_owned(),
        Why::TaskRole => "ECS may not assume the role".to_owned(),
    }
}

/// For machines.
pub(crate) fn document(denied: &Denied, advice: &Advice) -> Value {
    let role = match &advice.who {
        Who::Own { key, .. } => Some(key),
        _ => None,
    };
    let by_file = advice.by_file.as_ref().map(|verdict| match verdict {
        Verdict::Allowed { .. } => "allowed",
        Verdict::ExplicitDeny { .. } => "denied",
        Verdict::ImplicitDeny { .. } => "not-allowed",
    });
    json!({
        "action": denied.action,
        "resource": denied.resource,
        "principal": denied.principal,
        "why": why(denied.why),
        "role": role,
        "file": by_file,
        "unseen": advice.unseen,
        "grant": advice.grant,
        "statement": advice.statement,
        "needed_by": advice.needed_by,
        "advice": advice.steps,
    })
}
