//! Whether a request is allowed, by which statement, or for which first unmet condition: what IAM decides, as a pure function.
//!
//! Read the documents with [`Policy::parse`], describe the call as a [`Request`], and ask [`evaluate`] (what a user or role may do)
//! or [`evaluate_trust`] (who may assume a role). The rules are those of the IAM User Guide, "Policy evaluation logic" and "IAM JSON
//! policy elements reference"; where it is silent, the item says what is assumed. Not known here: service and resource control
//! policies of an organization, and which resource and keys a service presents: the caller states these.
//!
//! ```
//! use hatoba_model::iam::evaluate::{Policy, Request, Source, Unmet, Verdict, evaluate_trust};
//! use serde_json::json;
//!
//! let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
//! let trust = Policy::parse(Source::Trust, "papyrus-deploy", &json!({
//!     "Version": "2012-10-17",
//!     "Statement": [{
//!         "Effect": "Allow",
//!         "Principal": { "Federated": provider },
//!         "Action": "sts:AssumeRoleWithWebIdentity",
//!         "Condition": { "StringEquals": {
//!             "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
//!             "token.actions.githubusercontent.com:sub": "repo:acme/papyrus:ref:refs/heads/main",
//!         } },
//!     }],
//! }))?;
//! let request = Request::web_identity(
//!     "arn:aws:iam::123456789012:role/papyrus-deploy",
//!     provider,
//!     [("aud", "sts.amazonaws.com"), ("sub", "repo:acme/papyrus:ref:refs/heads/mian")],
//! );
//!
//! let Verdict::ImplicitDeny { nearest: Some(nearest), .. } = evaluate_trust(&trust, &request) else { unreachable!() };
//! let Unmet::Condition(condition) = nearest.first() else { unreachable!() };
//! assert_eq!(condition.operator, "StringEquals");
//! assert_eq!(condition.key, "token.actions.githubusercontent.com:sub");
//! let closest = nearest.first().closest().unwrap();
//! assert_eq!(closest.difference.presented_at, 34); // `m`, then `i` instead of `a`
//! # Ok::<(), hatoba_model::iam::evaluate::PolicyError>(())
//! ```

mod compare;
mod condition;
mod date;
mod decide;
mod difference;
mod pattern;
mod policy;
mod request;
mod template;
mod verdict;
mod who;

pub use decide::{Policies, evaluate, evaluate_trust};
pub use difference::{Closest, Difference, first_difference};
pub use policy::{Policy, PolicyError, Source};
pub use request::{Context, Principal, Request};
pub use verdict::{Nearest, StatementRef, Unmet, UnmetCondition, UnmetElement, Verdict, Why};
