//! Policies that allow more than the stack has: `Resource: "*"` for actions that can be limited.

use hatoba_model::iam::{DocProblem, Segment, advice};
use serde_json::Value;

/// Services whose actions can nearly all be limited to resources; those that cannot are listed in `advice`.
const LIMITABLE: [&str; 3] = ["ecr", "ecs", "logs"];

/// Condition keys that limit the resource, where its ARN does not.
const LIMITS: [&str; 4] = ["ecs:cluster", "ecs:service", "aws:resourcetag/", "iam:resourcetag/"];

/// Statements that allow actions on every resource of the account although they could name some.
pub fn wide_policies(document: &Value) -> Vec<DocProblem> {
    let statements: Vec<(Vec<Segment>, &Value)> = match document.get("Statement") {
        Some(Value::Array(all)) => {
            all.iter().enumerate().map(|(index, one)| (vec!["Statement".into(), index.into()], one)).collect()
        }
        Some(one) => vec![(vec!["Statement".into()], one)],
        None => Vec::new(),
    };
    statements.into_iter().filter_map(|(pointer, statement)| wide(pointer, statement)).collect()
}

fn texts<'a>(statement: &'a Value, key: &str) -> Vec<&'a str> {
    match statement.get(key) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wide(mut pointer: Vec<Segment>, statement: &Value) -> Option<DocProblem> {
    let all = texts(statement, "Resource").contains(&"*");
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") || !all || limited(statement) {
        return None;
    }
    let actions: Vec<&str> = texts(statement, "Action").into_iter().filter(|action| can_be_limited(action)).collect();
    let first = actions.first()?;
    let more = match actions.len() {
        1 => String::new(),
        2 => format!(" and `{}`", actions[1]),
        count => format!(" and {} more actions", count - 1),
    };
    let verb = if actions.len() == 1 { "is" } else { "are" };
    let what = if actions.contains(&"iam:PassRole") { "every role" } else { "every resource" };
    pointer.push("Resource".into());
    Some(
        DocProblem::warning(
            &pointer,
            "policy-all-resources",
            format!("`{first}`{more} {verb} allowed on {what} of the account, but can be limited"),
        )
        .help("name the resources, such as `${repositories.papyrus.arn}`, or let `grants: [{ push: … }, { deploy: … }]` do it"),
    )
}

fn limited(statement: &Value) -> bool {
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let keys =
        conditions.into_iter().flat_map(|all| all.values()).filter_map(Value::as_object).flat_map(|keys| keys.keys());
    keys.map(|key| key.to_lowercase()).any(|key| LIMITS.iter().any(|limit| key.starts_with(limit)))
}

fn can_be_limited(action: &str) -> bool {
    if action.eq_ignore_ascii_case("iam:PassRole") || action == "*" {
        return true;
    }
    let service = action.split(':').next().unwrap_or_default().to_lowercase();
    // On Fargate tasks can only be listed by their cluster, which is a condition.
    let listed = action.eq_ignore_ascii_case("ecs:ListTasks");
    LIMITABLE.contains(&service.as_str()) && !listed && !advice::only_all(action)
}
