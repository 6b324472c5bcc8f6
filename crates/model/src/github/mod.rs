//! GitHub Actions: the subjects of its tokens, and the trust policies that admit them.

pub mod spec;
pub mod subject;
pub mod trust;

pub use spec::{GitHub, GitHubOverrides, RepositoryError, RepositoryName, SubjectFormat};
pub use subject::{Matching, check_subject, check_workflow_ref};
pub use trust::{AUDIENCE, PROVIDER_HOST, audience, trust_policy};
