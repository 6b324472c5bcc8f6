//! GitHub's side of a stack: workflow files, the claims that their jobs present, and why a token is refused.
//!
//! Pure: neither reads files nor speaks to GitHub or AWS.

pub mod claims;
pub mod event;
pub mod explain;
pub mod expression;
pub mod generate;
pub mod lint;
pub mod token;
pub mod vars;
pub mod workflow;
