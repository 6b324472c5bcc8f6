//! IAM users.

use std::collections::BTreeMap;

use super::iam_shared::{
    PolicyDocument, check_attachments, check_inline, check_name, check_path, check_policy_ref, path_or_root,
};
use super::macros::{Common, Resource};
use crate::check::Check;
use crate::facts::Facts;
use crate::iam::SizeLimit;

resource! {
    /// An IAM user; its key is its name. hatoba never creates access keys or passwords: prefer a role that GitHub Actions assumes.
    pub struct User {
        /// The path in the ARN, beginning and ending with a slash. The default is `/`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// Managed policies: a key under `policies`, the name of an AWS-managed policy with its path, or an ARN. Others are detached.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub managed_policies: Vec<String>,
        /// Inline policies by their names: policy documents, or `{ file: policy.json }`. Others are deleted.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        pub inline_policies: BTreeMap<String, PolicyDocument>,
        /// The policy beyond which the user can do nothing: a key under `policies`, or an ARN.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub permissions_boundary: Option<String>,
    }
}

impl Resource for User {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        check_name(cx, "user", 64);
        check_path(cx, "user", self.path.as_deref());
        check_attachments(cx, &self.managed_policies);
        check_inline(cx, &self.inline_policies, None, SizeLimit::UserInline);
        if let Some(boundary) = &self.permissions_boundary {
            check_policy_ref(cx, &["permissions_boundary"], boundary);
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.iam_arn(format_args!("user{}{name}", path_or_root(self.path.as_deref())))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name"]
    }
}
