//! What AWS answers, in normal form, without a network: the readers of those kinds whose answers have the most to get wrong.

use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use serde_json::Value as Json;

use crate::kinds::{iam_shared, service, task_definition};

/// A member of `services` in an answer of `DescribeServices`; nothing for the remains of one.
pub fn service(answer: &Json) -> Option<Sighting> {
    service::live(answer, None, None)
}

/// An answer of `DescribeTaskDefinition`; nothing for one that names no revision.
pub fn task_definition(answer: &Json, facts: &Facts) -> Option<Sighting> {
    task_definition::live(answer, None, facts)
}

/// A policy document as IAM answers it, percent-encoded.
pub fn policy_document(text: &str, facts: &Facts) -> Value {
    iam_shared::answered(text, facts)
}
