//! What to allow after a refusal, ready to be pasted.

use hatoba_provider::permissions::missing::Missing;
use serde_json::{Value as Json, json};

use super::Tone;
use super::line::Line;

/// The statements for people. They are not broken at the edge of the terminal: what is pasted has to be JSON.
pub(crate) fn lines(missing: &[Missing]) -> Vec<Line> {
    let mut out = Vec::new();
    for it in missing {
        out.extend(it.barriers.iter().map(|barrier| Line::new(0).add(Tone::Help, barrier)));
        if it.statements.is_empty() {
            continue;
        }
        let (what, them) = match it.statements.len() {
            1 => ("This statement is", "it"),
            _ => ("These statements are", "them"),
        };
        let who = match it.runs.as_slice() {
            [] => String::new(),
            ["destroy"] => format!("; destroy needs {them}, and an apply that deletes"),
            ["plan", ..] => format!("; {} need {them}", list(&it.runs)),
            runs => {
                format!("; {} {} {them}, plan does not", list(runs), if runs.len() == 1 { "needs" } else { "need" })
            }
        };
        out.push(Line::new(0).add(Tone::Help, &format!("{what} missing")).text(&format!("{who}:")));
        for (at, statement) in it.statements.iter().enumerate() {
            let text = hatoba_model::iam::to_pretty_json(statement);
            let last = at + 1 == it.statements.len();
            let lines: Vec<&str> = text.lines().collect();
            for (number, line) in lines.iter().enumerate() {
                let comma = if number + 1 == lines.len() && !last { "," } else { "" };
                out.push(Line::new(2).whole().text(&format!("{line}{comma}")));
            }
        }
    }
    if let Some(run) = missing.iter().find_map(|it| it.runs.first()) {
        let text = format!("`hatoba permissions --for {run}` prints all that it takes.");
        out.push(Line::new(0).add(Tone::Faint, &text));
    }
    out
}

fn list(runs: &[&str]) -> String {
    match runs {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        other => other.join(""),
    }
}

/// The same for `--json`.
pub(crate) fn json(missing: &[Missing]) -> Json {
    let all = missing.iter().flat_map(|it| {
        let lacking = it.statements.iter().map(move |one| json!({ "statement": one, "needed_for": it.runs }));
        lacking.chain(it.barriers.iter().map(|barrier| json!({ "statement": null, "barrier": barrier })))
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::line::write_all;

    fn missing(runs: &[&'static str], names: &[&str]) -> Missing {
        let one = |name: &&str| {
            let arn =
                format!("arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus-with-a-rather-long-name/{name}");
            json!({ "Sid": "ChangeLogGroup", "Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": arn })
        };
        Missing { statements: names.iter().map(one).collect(), runs: runs.to_vec(), barriers: Vec::new() }
    }

    #[test]
    fn a_statement_is_valid_json_at_any_width() {
        let text = write_all(&lines(&[missing(&["apply"], &["a", "b"])]), Style::plain(40));
        let (start, end) = (text.find('{').unwrap_or_default(), text.rfind('}').unwrap_or_default());
        let pasted: Json = serde_json::from_str(&format!("[{}]", &text[start..=end])).unwrap_or_default();
        assert_eq!(pasted, json!(missing(&[], &["a", "b"]).statements), "{text}");
    }

    #[test]
    fn it_is_said_which_commands_need_it() {
        let said = |runs: &[&'static str]| write_all(&lines(&[missing(runs, &["a"])]), Style::PLAIN);
        assert!(said(&["apply"]).starts_with("This statement is missing; apply needs it, plan does not:\n  {\n"));
        assert!(
            said(&["apply", "destroy"])
                .starts_with("This statement is missing; apply and destroy need it, plan does not:")
        );
        assert!(said(&["plan", "apply", "destroy"]).contains("; plan, apply and destroy need it:"));
        assert!(said(&["destroy"]).contains("; destroy needs it, and an apply that deletes:"));
        assert!(said(&["destroy"]).ends_with("`hatoba permissions --for destroy` prints all that it takes.\n"));
        assert!(said(&[]).starts_with("This statement is missing:\n"));
    }
}
