//! Where a stack lives: what ARNs are computed from.

use crate::names::{AccountId, Region};

/// The account and the region of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Facts {
    /// The partition: `aws`, `aws-cn`, …
    pub fn partition(&self) -> &'static str {
        self.region.partition()
    }

    /// The ARN of something in the region.
    pub fn arn(&self, service: &str, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// The ARN of something in IAM, which has no region.
    pub fn iam_arn(&self, resource: impl std::fmt::Display) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition(), self.account)
    }
}
