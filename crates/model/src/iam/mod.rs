//! IAM policy documents: their rules, their normal form, their sizes, and the statements that grants come to.

pub mod advice;
pub mod canonical;
mod condition;
pub mod document;
pub mod evaluate;
pub mod grants;
pub mod lint;
pub mod permission;
mod principal;
pub mod refusal;
pub mod service_principals;
pub mod size;
mod text;
pub mod trust_lint;
mod walk;

pub use canonical::{CanonicalDocument, canonical, canonical_in, equivalent, parse_url_encoded, to_pretty_json};
pub use document::{DocKind, DocProblem, Document, Segment, Severity};
pub use lint::structure;
pub use size::{SizeLimit, size};
pub(crate) use text::placeholder;
pub use trust_lint::lint_trust;
