//! Single permissions, and the fewest statements that allow exactly these.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::canonical::canonical;
use super::size::{SizeLimit, size};

/// Sid of the statements whose actions support no resource.
const EVERYWHERE: &str = "AccountWide";
/// Sid of the statements that pass roles.
const PASS: &str = "PassTaskRoles";

/// One action on one resource, perhaps under a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// What it is for, in the letters that a Sid may have: `PushImages`.
    pub topic: String,
    /// The action: `ecr:PutImage`.
    pub action: String,
    /// The ARN, which may be a pattern; `*` for an action that supports no resource.
    pub resource: String,
    /// What else must be so.
    pub given: Option<Given>,
}

/// A condition with one key and one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Given {
    /// The operator: `StringEquals`.
    pub operator: &'static str,
    /// The condition key: `iam:PassedToService`.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

impl Given {
    /// A condition.
    pub fn new(operator: &'static str, key: &'static str, value: impl Into<String>) -> Self {
        Self { operator, key, value: value.into() }
    }
}

impl Permission {
    /// A permission without a condition.
    pub fn new(topic: &str, action: &str, resource: impl Into<String>) -> Self {
        Self { topic: topic.to_owned(), action: action.to_owned(), resource: resource.into(), given: None }
    }

    /// The same under a condition.
    #[must_use]
    pub fn given(mut self, given: Given) -> Self {
        self.given = Some(given);
        self
    }
}

/// A condition of a statement: operator, key and the values any of which will do.
type Condition = Option<(&'static str, &'static str, BTreeSet<String>)>;

/// An action, a resource, and the operator and the key of a condition.
type Single<'a> = (&'a str, &'a str, Option<(&'static str, &'static str)>);

/// Statements before they are written: what they allow on what, and what each action is for.
type Grouped = BTreeMap<(BTreeSet<String>, Condition), BTreeMap<String, BTreeSet<String>>>;

/// The fewest statements that allow these permissions and nothing else, each with a `Sid` of its own: what is allowed without a
/// resource first, then by Sid. Equal permissions give equal statements, in whatever order they are given.
pub fn statements(permissions: &[Permission]) -> Vec<Value> {
    let mut named = BTreeMap::new();
    for ((resources, condition), actions) in group(permissions) {
        let sid = sid(&actions, &resources, condition.is_some());
        named.entry(sid).or_insert_with(Vec::new).push((actions, resources, condition));
    }
    let mut sids: Vec<String> = named.keys().cloned().collect();
    sids.sort_by_key(|sid| sid != EVERYWHERE);
    let mut out = Vec::new();
    for sid in sids {
        for (number, (actions, resources, condition)) in named.remove(&sid).unwrap_or_default().into_iter().enumerate()
        {
            let sid = if number == 0 { sid.clone() } else { format!("{sid}{}", number + 1) };
            out.push(statement(&sid, &actions.into_keys().collect(), &resources, condition));
        }
    }
    out
}

/// The policy of [`statements`]; nothing when there are none.
pub fn policy(permissions: &[Permission]) -> Option<Value> {
    let statements = statements(permissions);
    (!statements.is_empty()).then(|| document(statements))
}

/// The same as one policy document, or as several where one would be larger than a managed policy may be.
pub fn documents(permissions: &[Permission]) -> Vec<Value> {
    let limit = SizeLimit::Managed.characters();
    // In normal form, in which a file that holds it is brought to AWS, it is a little larger.
    let fits = |statements: &[Value]| size(&canonical(&document(statements.to_vec()))) <= limit;
    let mut documents: Vec<Vec<Value>> = Vec::new();
    for statement in statements(permissions) {
        for part in parts(statement, &|part| fits(std::slice::from_ref(part))) {
            let last = documents.last_mut().filter(|last| {
                let mut more = last.to_vec();
                more.push(part.clone());
                fits(&more)
            });
            match last {
                Some(last) => last.push(part),
                None => documents.push(vec![part]),
            }
        }
    }
    documents.into_iter().map(document).collect()
}

fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A statement in halves, again and again, until each fits.
fn parts(statement: Value, fits: &dyn Fn(&Value) -> bool) -> Vec<Value> {
    let resources = statement.get("Resource").and_then(Value::as_array).cloned().unwrap_or_default();
    if fits(&statement) || resources.len() < 2 {
        return vec![statement];
    }
    let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (first, second) = resources.split_at(resources.len() / 2);
    let half = |resources: &[Value], letter: char| {
        let mut half = statement.clone();
        half["Resource"] = json!(resources);
        half["Sid"] = json!(format!("{sid}{letter}"));
        half
    };
    let mut all = parts(half(first, 'A'), fits);
    all.extend(parts(half(second, 'B'), fits));
    all
}

/// What follows from the permissions alone: one entry for each set of resources and condition.
fn group(permissions: &[Permission]) -> Grouped {
    // Values of one key are alternatives, so that permissions that differ only in them are one.
    let mut single: BTreeMap<Single<'_>, BTreeSet<String>> = BTreeMap::new();
    let mut topics: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for permission in permissions {
        let key = permission.given.as_ref().map(|given| (given.operator, given.key));
        let values = single.entry((&permission.action, &permission.resource, key)).or_default();
        values.extend(permission.given.as_ref().map(|given| given.value.clone()));
        topics.entry(&permission.action).or_default().insert(permission.topic.clone());
    }
    let mut resources: BTreeMap<(&str, Condition), BTreeSet<String>> = BTreeMap::new();
    for ((action, resource, key), values) in &single {
        let covered = single.iter().any(|((other, pattern, given), all)| {
            let same = given == key && all.is_superset(values);
            let wider = covers(pattern, resource) && (given.is_none() || same);
            other == action && wider && (pattern, given) != (resource, key)
        });
        if !covered {
            let condition = key.map(|(operator, key)| (operator, key, values.clone()));
            resources.entry((action, condition)).or_default().insert((*resource).to_owned());
        }
    }
    let mut grouped = Grouped::new();
    for ((action, condition), resources) in resources {
        let topics = topics.get(action).cloned().unwrap_or_default();
        grouped.entry((resources, condition)).or_default().insert(action.to_owned(), topics);
    }
    grouped
}

/// Whether a pattern that ends with its only star means this resource, too.
fn covers(pattern: &str, resource: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) if !start.contains(['*', '?']) => resource.starts_with(start),
        _ => pattern == resource,
    }
}

/// What most of the actions are for.
fn sid(actions: &BTreeMap<String, BTreeSet<String>>, resources: &BTreeSet<String>, conditional: bool) -> String {
    if actions.keys().all(|action| action == "iam:PassRole") {
        return PASS.to_owned();
    }
    if !conditional && resources.iter().all(|resource| resource == "*") {
        return EVERYWHERE.to_owned();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for topic in actions.values().flatten() {
        *counts.entry(topic).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or_default();
    counts.into_iter().find(|(_, count)| *count == most).map(|(topic, _)| topic.to_owned()).unwrap_or_default()
}

fn statement(sid: &str, actions: &BTreeSet<String>, resources: &BTreeSet<String>, condition: Condition) -> Value {
    let mut statement = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Action": one_or_list(actions),
        "Resource": one_or_list(resources)
    });
    if let Some((operator, key, values)) = condition {
        statement["Condition"] = json!({ operator: { key: one_or_list(&values) } });
    }
    statement
}

fn one_or_list(texts: &BTreeSet<String>) -> Value {
    match texts.iter().next() {
        Some(one) if texts.len() == 1 => json!(one),
        _ => json!(texts),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use serde_json::json;

    use super::*;
    use crate::iam::{DocKind, document as rules};

    fn allow(action: &str, resource: &str) -> Permission {
        Permission::new("Things", action, resource)
    }

    #[test]
    fn actions_on_the_same_resources_share_a_statement() {
        let all = statements(&[
            allow("ecr:PutImage", "b"),
            allow("ecr:PutImage", "a"),
            allow("ecr:BatchGetImage", "a"),
            allow("ecr:BatchGetImage", "b"),
            allow("ecr:DescribeImages", "a"),
            allow("ecr:GetAuthorizationToken", "*"),
        ]);
        assert_eq!(
            json!(all),
            json!([
                { "Sid": "AccountWide", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
                { "Sid": "Things", "Effect": "Allow", "Action": "ecr:DescribeImages", "Resource": "a" },
                { "Sid": "Things2", "Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:PutImage"], "Resource": ["a", "b"] },
            ])
        );
    }

    #[test]
    fn what_a_wider_permission_allows_is_not_said_again() {
        let cluster = |name: &str| Given::new("ArnEquals", "ecs:cluster", name);
        let all = statements(&[
            allow("iam:GetPolicy", "arn:aws:iam::1:policy/a"),
            allow("iam:GetPolicy", "arn:aws:iam::1:policy/*"),
            allow("ecs:ListTasks", "*").given(cluster("a")),
            allow("ecs:ListTasks", "*").given(cluster("b")),
            allow("ecs:RunTask", "x").given(cluster("a")),
            allow("ecs:RunTask", "x"),
        ]);
        let short: Vec<Value> = all.iter().map(|s| json!([s["Action"], s["Resource"], s["Condition"]])).collect();
        assert_eq!(
            json!(short),
            json!([
                ["ecs:ListTasks", "*", { "ArnEquals": { "ecs:cluster": ["a", "b"] } }],
                ["iam:GetPolicy", "arn:aws:iam::1:policy/*", null],
                ["ecs:RunTask", "x", null],
            ])
        );
    }

    #[test]
    fn what_is_too_large_for_one_policy_is_several() {
        let arn = |n: usize| format!("arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus-{n:04}");
        let all: Vec<Permission> = (0..400).map(|n| allow("logs:CreateLogGroup", &arn(n))).collect();
        let documents = documents(&all);
        assert!(documents.len() > 4, "{}", documents.len());
        let mut allowed = BTreeSet::new();
        for document in &documents {
            assert!(size(document) <= 6_144);
            assert_eq!(rules::check(DocKind::Identity, document), []);
            for statement in document["Statement"].as_array().unwrap() {
                let resources: Vec<String> = serde_json::from_value(statement["Resource"].clone()).unwrap();
                allowed.extend(resources);
            }
        }
        assert_eq!(allowed.len(), 400);
        assert_eq!(super::documents(&all[..3]).len(), 1);
        assert_eq!(super::documents(&[]), Vec::<Value>::new());
    }
}
