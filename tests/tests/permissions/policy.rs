//! A printed policy, permission by permission.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::differences::{Asks, difference};

/// One action on one resource, as a policy allows it. Both ARNs of a log group are one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Allowed {
    pub(crate) action: String,
    pub(crate) resource: String,
    /// The condition as JSON; empty without one.
    pub(crate) condition: String,
}

/// What some documents allow.
pub(crate) fn allowed(documents: &[Value]) -> BTreeSet<Allowed> {
    let texts = |value: &Value| match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    };
    let mut all = BTreeSet::new();
    for statement in documents.iter().flat_map(|document| document["Statement"].as_array().cloned().unwrap_or_default())
    {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        let condition = statement.get("Condition").map(Value::to_string).unwrap_or_default();
        for action in texts(&statement["Action"]) {
            for resource in texts(&statement["Resource"]) {
                let resource = match resource.strip_suffix(":*") {
                    Some(group) if group.contains(":log-group:") => group.to_owned(),
                    _ => resource,
                };
                all.insert(Allowed { action: action.clone(), resource, condition: condition.clone() });
            }
        }
    }
    all
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Allowed {
    /// The same as ministack asks for it; nothing when it does not ask.
    pub(crate) fn asked(&self, cluster: &str) -> Option<Self> {
        let on = |resource: &str| {
            Some(Self { action: self.action.clone(), resource: resource.to_owned(), condition: String::new() })
        };
        match difference(&self.action, &self.resource) {
            None => Some(self.clone()),
            Some(Asks::Everything) => on("*"),
            Some(Asks::Cluster) => on(cluster),
            Some(Asks::Nothing { .. }) => None,
        }
    }

    fn statement(&self) -> Value {
        let mut statement = json!({ "Effect": "Allow", "Action": self.action, "Resource": self.resource });
        if self.resource.contains(":log-group:") {
            statement["Resource"] = json!([self.resource, format!("{}:*", self.resource)]);
        }
        if !self.condition.is_empty() {
            statement["Condition"] = serde_json::from_str(&self.condition).unwrap();
        }
        statement
    }
}

/// A policy that allows exactly this.
pub(crate) fn document<'a>(allowed: impl IntoIterator<Item = &'a Allowed>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": allowed.into_iter().map(Allowed::statement).collect::<Vec<_>>() })
}
