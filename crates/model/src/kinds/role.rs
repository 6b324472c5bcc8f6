//! IAM roles.

use std::collections::BTreeMap;

use super::grant_facts::{check_grants, check_pull_requests, grants_policy};
use super::iam_shared::{
    PolicyDocument, check_attachments, check_description, check_inline, check_name, check_path, check_policy_ref,
    path_or_root,
};
use super::macros::{Common, Resource};
use super::trust::Trust;
use crate::check::Check;
use crate::facts::Facts;
use crate::iam::grants::Grant;
use crate::iam::{SizeLimit, advice};

/// The inline policy that grants come to.
pub const GRANTS_POLICY: &str = "hatoba-grants";

/// How long sessions of a role may last, in seconds (IAM API reference, `CreateRole`).
const SESSION: std::ops::RangeInclusive<u32> = 3600..=43_200;

resource! {
    /// An IAM role; its key is its name.
    pub struct Role {
        /// Who may assume the role: `{ service: ecs-tasks.amazonaws.com }`, `{ github: {} }` for the workflows of the `github:` block,
        /// a trust policy, or `{ file: trust.json }`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub trust: Option<Trust>,
        /// What the role may do, by purpose: `{ push: REPOSITORY }`, `{ pull: REPOSITORY }`, `{ deploy: SERVICE }`,
        /// `{ run: TASK_DEFINITION }`, `{ logs: LOG_GROUP_OR_SERVICE }`, `{ scale: SERVICE }`, `{ plan: true }`, `{ apply: true }`. The
        /// least set of permissions is computed from the resources of this file and kept in the inline policy `hatoba-grants`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub grants: Vec<Grant>,
        /// Managed policies: a key under `policies`, the name of an AWS-managed policy with its path
        /// (`service-role/AmazonECSTaskExecutionRolePolicy`), or an ARN. Others are detached.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub managed_policies: Vec<String>,
        /// Inline policies by their names: policy documents, or `{ file: policy.json }`. Others are deleted.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub inline_policies: BTreeMap<String, PolicyDocument>,
        /// What the role is for, up to 1000 characters of Latin-1.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// How long a session may last, in seconds: 3600 to 43200. The default is 3600.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_session: Option<u32>,
        /// The policy beyond which the role can do nothing: a key under `policies`, or an ARN.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub permissions_boundary: Option<String>,
        /// The path in the ARN, beginning and ending with a slash. Cannot be changed later. The default is `/`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
    }
}

impl Resource for Role {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        check_name(cx, "role", 64);
        check_path(cx, "role", self.path.as_deref());
        check_description(cx, self.description.as_deref());
        match &self.trust {
            Some(trust) => trust.check(cx),
            None if !self.existing => {
                cx.error(&[], "missing-key", "`trust` is required")
                    .help("for tasks on ECS: `trust: { service: ecs-tasks.amazonaws.com }`; for GitHub Actions: `trust: { github: {} }`");
            }
            None => {}
        }
        check_attachments(cx, &self.managed_policies);
        check_grants(cx, &self.grants);
        if let Some(trust) = self.trust.as_ref().and_then(|trust| trust.document(cx.stack, cx.facts)) {
            check_pull_requests(cx, &self.grants, &trust);
        }
        if !self.grants.is_empty() && self.inline_policies.contains_key(GRANTS_POLICY) {
            cx.error(
                &["inline_policies", GRANTS_POLICY],
                "policy-name",
                format!("the name `{GRANTS_POLICY}` is taken by `grants`"),
            )
            .help("give this policy another name");
        }
        let granted = grants_policy(&self.grants, cx.stack, cx.facts);
        check_inline(cx, &self.inline_policies, granted.as_ref(), SizeLimit::RoleInline);
        // Policies that are attached may hold it; their documents are not known here.
        let documents = || self.inline_policies.values().map(|policy| &policy.0).chain(granted.as_ref());
        let unseen = self.managed_policies.iter().any(|policy| !policy.contains("AmazonEC2ContainerRegistry"));
        if !unseen && advice::lacks_pass_role(documents().collect::<Vec<_>>()) {
            cx.warn(&["inline_policies"], "policy-pass-role", "`ecs:RegisterTaskDefinition` is allowed, but `iam:PassRole` is not: ECS refuses a task definition whose roles may not be passed")
                .help("write `grants: [{ deploy: SERVICE }]`, which includes it, or allow `iam:PassRole` for the execution role and the task role");
        }
        if let Some(boundary) = &self.permissions_boundary {
            check_policy_ref(cx, &["permissions_boundary"], boundary);
        }
        if let Some(seconds) = self.max_session.filter(|seconds| !SESSION.contains(seconds)) {
            cx.error(&["max_session"], "max-session", format!("a session cannot last {seconds} seconds"))
                .help("from 3600 (an hour) to 43200 (twelve hours)");
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.iam_arn(format_args!("role{}{name}", path_or_root(self.path.as_deref())))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name"]
    }
}
