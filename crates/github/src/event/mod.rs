//! What CloudTrail recorded of a refused `AssumeRoleWithWebIdentity`: the token that was really presented.
//!
//! Source: IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail".

mod read;
mod text;

pub use read::{AssumeEvent, EventError, read};
