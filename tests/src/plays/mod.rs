//! What AWS answers and the emulators leave out: members that they accept and forget, defaults that they do not fill in,
//! and the few calls that one of them lacks. Each play says what AWS does, with its source in the API reference, and
//! leaves everything else to the emulator. `docs/emulators.md` lists them.

mod clusters;
mod logs;
pub mod one_off;
pub mod rates;
mod routes;
mod scaling;
mod services;
pub mod slow;
mod task_definitions;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::proxy::Play;

/// All of them.
pub fn all() -> Vec<Arc<dyn Play>> {
    vec![
        Arc::new(clusters::Clusters::default()),
        Arc::new(services::Services::default()),
        Arc::new(task_definitions::TaskDefinitions::default()),
        Arc::new(logs::LogGroups::default()),
        Arc::new(scaling::Scaling::default()),
        Arc::new(routes::Routes),
    ]
}

/// The members of an object; none for anything else.
fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// What follows the last slash of an ARN, or the whole text.
fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
