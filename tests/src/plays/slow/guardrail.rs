//! IAM refuses trust in GitHub's provider that no subject narrows. It looks at the first value only, as observed in 2026-08.

use serde_json::Value;

use super::Count;
use crate::proxy::{Call, Play, Reply};

const HOST: &str = "token.actions.githubusercontent.com";

/// Refuses trust policies as IAM does.
#[derive(Debug, Default)]
pub struct Guardrail {
    asked: Count,
    refused: Count,
}

impl Guardrail {
    /// How many trust policies came that name GitHub's provider.
    pub fn asked(&self) -> usize {
        self.asked.get()
    }

    /// How many of them were refused.
    pub fn refused(&self) -> usize {
        self.refused.get()
    }
}

fn is_narrow(statement: &Value) -> bool {
    ["StringEquals", "StringLike", "StringEqualsIgnoreCase"].iter().any(|operator| {
        ["sub", "job_workflow_ref"].iter().any(|claim| {
            let value = &statement["Condition"][*operator][format!("{HOST}:{claim}")];
            let first = value.as_str().or(value[0].as_str());
            first.is_some_and(|first| first != "*")
        })
    })
}

impl Play for Guardrail {
    fn before(&self, call: &Call) -> Option<Reply> {
        let form = call.form();
        let document = match (call.service.as_str(), call.action.as_str()) {
            ("iam", "CreateRole") => form.get("AssumeRolePolicyDocument"),
            ("iam", "UpdateAssumeRolePolicy") => form.get("PolicyDocument"),
            _ => None,
        }?;
        if !document.contains(HOST) {
            return None;
        }
        self.asked.one_more();
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.clone(),
            one => vec![one.clone()],
        };
        let wide = statements.iter().any(|statement| !is_narrow(statement));
        let message = format!(
            "Missing required condition: {HOST}:sub or {HOST}:job_workflow_ref must be evaluated by StringEquals, StringLike \
             or StringEqualsIgnoreCase and must not be scoped to all."
        );
        wide.then(|| {
            self.refused.one_more();
            Reply::error(call, 400, "MalformedPolicyDocument", &message)
        })
    }
}
