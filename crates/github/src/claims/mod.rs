//! The claims that the jobs of workflow files present to AWS: which subject and audience, on which event.
//!
//! Source: GitHub Actions documentation, "OpenID Connect reference"; the list of claims that STS compares is that of January 2026.

mod cases;
mod context;
mod login;
mod presented;
mod situation;

pub use cases::{Case, Setting, Token, cases};
pub use context::Scope;
pub use login::{CONFIGURE, Login, Role, RoleError, login};
pub use presented::{COMPARED, Presented, Repository};
pub use situation::{Known, Situation, Sort, situations};
