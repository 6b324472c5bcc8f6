//! IAM policies of the account (customer-managed policies).

use super::iam_shared::{
    PolicyDocument, check_description, check_document, check_name, check_path, path_or_root, report,
};
use super::macros::{Common, Resource};
use crate::check::Check;
use crate::facts::Facts;
use crate::iam::{DocKind, SizeLimit, canonical_in, size};

resource! {
    /// A customer-managed IAM policy; its key is its name. Roles and users attach it under `managed_policies`.
    pub struct Policy {
        /// What the policy allows, as an IAM policy document, or `{ file: policy.json }`. A change makes a new version, which becomes
        /// the default; of more than five versions the oldest goes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub document: Option<PolicyDocument>,
        /// The path in the ARN, beginning and ending with a slash. Cannot be changed later. The default is `/`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// What the policy is for. Cannot be changed later.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
    }
}

impl Resource for Policy {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        check_name(cx, "policy", 128);
        check_path(cx, "policy", self.path.as_deref());
        check_description(cx, self.description.as_deref());
        match &self.document {
            Some(PolicyDocument(document)) => {
                check_document(cx, &["document"], DocKind::Identity, document);
                let document = canonical_in(document, cx.facts.partition());
                if let Some(problem) = size::check(SizeLimit::Managed, [&document]) {
                    report(cx, &["document"], &problem);
                }
            }
            None if !self.existing => {
                cx.error(&[], "missing-key", "`document` is required")
                    .help("give a policy document, `document: { file: policy.json }`, or `existing: true` for one that is not managed here");
            }
            None => {}
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            "arn" => Some(facts.iam_arn(format_args!("policy{}{name}", path_or_root(self.path.as_deref())))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name"]
    }
}
