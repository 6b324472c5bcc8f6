//! When a service was last asked to bring something. Pure.

use hatoba_engine::snapshot::Sighting;
use hatoba_rollout::state::Millis;
use serde_json::Value as Json;

use super::primary;

/// Under this name a sighting keeps it.
const NOTE: &str = "deployed";

/// Notes when the deployment was made that was asked for last, if tasks run. `service` is an answer of `DescribeServices`.
pub(super) fn note(live: &mut Sighting, service: &Json) {
    let runs = service.get("runningCount").and_then(Json::as_i64).is_some_and(|count| count > 0);
    // Seconds since 1970, with a fraction.
    let at = primary(service).and_then(|it| it.get("createdAt")?.as_f64()).filter(|_| runs);
    live.notes.extend(at.map(|at| (NOTE.to_owned(), format!("{:.0}", at * 1_000.0))));
}

/// When that was; nothing where no task runs.
pub fn deployed(live: &Sighting) -> Option<Millis> {
    live.notes.get(NOTE)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::driver_of;

    #[test]
    fn it_is_the_time_of_the_primary_deployment_of_what_runs() {
        let at = |running: u32| {
            let mut live = Sighting::new(driver_of("service").info(), "arn", "papyrus");
            let old = json!({ "status": "ACTIVE", "createdAt": 1.0 });
            let new = json!({ "status": "PRIMARY", "createdAt": 1_800_000_000.25 });
            note(&mut live, &json!({ "runningCount": running, "deployments": [old, new] }));
            deployed(&live)
        };
        assert_eq!([at(1), at(0)], [Some(1_800_000_000_250), None]);
    }
}
