//! What the look at a service tells of its last deployment: nothing to note where that is over and good.

use hatoba_engine::snapshot::Sighting;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::primary;
use crate::kinds::task_definition::is_newer;

/// Under this name a sighting keeps it.
const NOTE: &str = "deployment";

/// A deployment that was asked for last and goes on, or has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Its id: `ecs-svc/1234567890123456789`.
    pub(crate) id: String,
    /// The revision that it brings.
    pub(crate) task_definition: String,
    /// The revision that ran before, if any did.
    pub(crate) before: Option<String>,
    /// Whether it has failed.
    pub(crate) failed: bool,
    /// Whether it goes back: a newer revision of the same family is still being replaced.
    #[serde(default)]
    pub(crate) back: bool,
}

impl Standing {
    /// Of a service in an answer of `DescribeServices`; nothing where the deployment is complete, ECS does not say how it stands, or no task
    /// is wanted: what is stopped has nothing to wait for.
    pub(super) fn read(service: &Json) -> Option<Self> {
        let text = |of: &Json, key: &str| of.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let wanted = service.get("desiredCount").and_then(Json::as_i64).unwrap_or_default();
        if text(service, "status") != "ACTIVE" || wanted == 0 {
            return None;
        }
        let primary = primary(service)?;
        let failed = match text(primary, "rolloutState").as_str() {
            "FAILED" => true,
            "IN_PROGRESS" => false,
            _ => return None,
        };
        let deployments = service.get("deployments")?.as_array()?;
        let others = || deployments.iter().filter(|it| text(it, "status") != "PRIMARY");
        // Where ECS itself rolls back, the other one is what has failed: nothing to go back to.
        let ran = |state: &str| others().find(|it| text(it, "rolloutState") == state);
        let before = ran("COMPLETED").or_else(|| ran("IN_PROGRESS")).or_else(|| ran(""));
        let brings = text(primary, "taskDefinition");
        let back = others().any(|it| is_newer(&text(it, "taskDefinition"), &brings));
        Some(Self {
            id: text(primary, "id"),
            task_definition: brings,
            before: before.map(|it| text(it, "taskDefinition")),
            failed,
            back,
        })
    }

    pub(super) fn note(&self, live: &mut Sighting) {
        live.notes.extend(serde_json::to_string(self).ok().map(|text| (NOTE.to_owned(), text)));
    }

    /// What was noted on a sighting.
    pub(crate) fn of(live: &Sighting) -> Option<Self> {
        serde_json::from_str(live.notes.get(NOTE)?).ok()
    }
}

/// Whether a service is on its way to another revision than the one that ran before: one that is only started anew is not.
pub fn goes_elsewhere(live: &Sighting) -> bool {
    Standing::of(live).is_some_and(|it| !it.failed && it.before.as_ref() != Some(&it.task_definition))
}

/// Whether a service is on its way to an older revision than the one that is replaced, by whomever it was asked to.
pub fn goes_back(live: &Sighting) -> bool {
    Standing::of(live).is_some_and(|standing| standing.back && !standing.failed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(desired: i64, deployments: &Json) -> Json {
        json!({ "status": "ACTIVE", "desiredCount": desired, "deployments": deployments })
    }

    fn deployment(id: &str, status: &str, rollout: &str) -> Json {
        json!({ "id": id, "status": status, "rolloutState": rollout, "taskDefinition": format!("papyrus:{id}") })
    }

    #[test]
    fn what_goes_on_or_failed_is_noted_with_what_ran_before() {
        let stands = |rollout: &str| {
            let deployments = [
                deployment("8", "PRIMARY", rollout),
                deployment("7", "ACTIVE", "FAILED"),
                deployment("6", "ACTIVE", "COMPLETED"),
            ];
            Standing::read(&service(1, &json!(deployments)))
        };
        let of = |failed| {
            let text = |text: &str| text.to_owned();
            Some(Standing {
                id: text("8"),
                task_definition: text("papyrus:8"),
                before: Some(text("papyrus:6")),
                failed,
                back: false,
            })
        };
        assert_eq!(stands("IN_PROGRESS"), of(false));
        assert_eq!(stands("FAILED"), of(true));
    }

    #[test]
    fn what_has_failed_is_nothing_to_go_back_to() {
        let back = [deployment("6", "PRIMARY", "IN_PROGRESS"), deployment("7", "ACTIVE", "FAILED")];
        let before = |deployments: &[Json]| Standing::read(&service(1, &json!(deployments))).map(|it| it.before);
        assert_eq!(before(&back), Some(None));
        let next = [deployment("8", "PRIMARY", "IN_PROGRESS"), deployment("7", "ACTIVE", "IN_PROGRESS")];
        assert_eq!(before(&next), Some(Some("papyrus:7".to_owned())));
    }

    #[test]
    fn what_goes_back_replaces_a_newer_revision_of_its_family() {
        let back = |deployments: &[Json]| Standing::read(&service(1, &json!(deployments))).map(|it| it.back);
        let others = |other: &str| {
            let mut old = deployment("9", "ACTIVE", "COMPLETED");
            old["taskDefinition"] = json!(other);
            [deployment("9", "PRIMARY", "IN_PROGRESS"), old]
        };
        assert_eq!(back(&others("papyrus:10")), Some(true));
        assert_eq!(back(&others("papyrus:9")), Some(false), "the same, started anew");
        assert_eq!(back(&others("papyrus:8")), Some(false));
        assert_eq!(back(&others("other:10")), Some(false));
    }

    #[test]
    fn what_is_started_anew_goes_nowhere_else() {
        let goes = |before: &str, rollout: &str| {
            let mut old = deployment("8", "ACTIVE", "COMPLETED");
            old["taskDefinition"] = json!(before);
            let standing = Standing::read(&service(1, &json!([deployment("8", "PRIMARY", rollout), old])));
            let mut live = Sighting::new(crate::kinds::driver_of("service").info(), "arn", "papyrus");
            standing.iter().for_each(|standing| standing.note(&mut live));
            goes_elsewhere(&live)
        };
        assert!(goes("papyrus:7", "IN_PROGRESS"));
        assert!(!goes("papyrus:8", "IN_PROGRESS"));
        assert!(!goes("papyrus:7", "FAILED"));
    }

    #[test]
    fn what_is_over_stopped_or_not_told_is_settled() {
        let one = |rollout: &str| json!([deployment("8", "PRIMARY", rollout)]);
        assert_eq!(Standing::read(&service(1, &one("COMPLETED"))), None);
        assert_eq!(Standing::read(&service(0, &one("FAILED"))), None);
        // Other deployment controllers do not tell.
        assert_eq!(Standing::read(&service(1, &json!([{ "id": "8", "status": "PRIMARY" }]))), None);
        assert_eq!(Standing::read(&service(1, &json!([]))), None);
        let mut draining = service(1, &one("IN_PROGRESS"));
        draining["status"] = json!("DRAINING");
        assert_eq!(Standing::read(&draining), None);
    }
}
