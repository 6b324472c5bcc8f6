#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_engine::desired::OnDestroy;
use hatoba_engine::owner::{Mark, Origin};
use hatoba_model::address::Address;
use serde_json::{Value as Json, json};

use super::*;
use crate::kinds::driver_of;
use crate::kinds::service::live;

/// The file's service `name` with two copies, of the address `service.papyrus`.
fn file(name: &str) -> Goal {
    let address = Address::new("service", "papyrus");
    let want = Desired {
        address: address.clone(),
        kind: driver_of("service").info(),
        name: name.to_owned(),
        fields: [("cluster".to_owned(), "papyrus".into()), ("desired_count".to_owned(), Value::Int(2))].into(),
        tags: Default::default(),
        needs: BTreeSet::new(),
        scope: Some("papyrus".to_owned()),
        existing: false,
        adopt: false,
        retain: false,
        on_destroy: OnDestroy::Plain,
    };
    Goal { stack: "papyrus".to_owned(), region: None, resources: [(address, want)].into(), content: false }
}

/// A service as it is described, with `count` copies wanted and what its tag remembers.
fn there(name: &str, count: i64, memory: Option<&str>, more: Json) -> Sighting {
    let mark = Mark {
        stack: "papyrus".to_owned(),
        address: "service.papyrus".to_owned(),
        origin: Origin::Created,
        region: None,
    };
    let tags = mark.tags().into_iter().map(|(key, value)| (key.to_owned(), value));
    let tags = tags.chain(memory.map(|memory| ("hatoba:down".to_owned(), memory.to_owned())));
    let tags: Vec<Json> = tags.map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let mut service = json!({
        "serviceArn": format!("arn:aws:ecs:us-west-2:123456789012:service/papyrus/{name}"),
        "clusterArn": "arn:aws:ecs:us-west-2:123456789012:cluster/papyrus",
        "serviceName": name, "status": "ACTIVE", "desiredCount": count, "tags": tags,
    });
    service.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    live(&service, None, None).unwrap()
}

/// How many copies it begins with, what it remembers, and what is said.
fn begins(name: &str, seen: &[Sighting]) -> (i64, Option<String>, Vec<String>) {
    let mut goal = file(name);
    let notes = stays_stopped(&mut goal, seen).into_iter().map(|note| note.text).collect();
    let fields = &goal.resources.values().next().unwrap().fields;
    let count = fields["desired_count"].as_int().unwrap();
    assert_eq!(fields.contains_key("running"), fields.contains_key(REMEMBERED));
    (count, fields.get(REMEMBERED).and_then(Value::as_text).map(str::to_owned), notes)
}

#[test]
fn what_takes_the_place_of_a_stopped_service_begins_stopped() {
    let memory = "count=3 min=1 max=4 suspended=true";
    let (count, kept, notes) = begins("web", &[there("papyrus", 0, Some(memory), json!({}))]);
    assert_eq!((count, kept.as_deref(), notes.len()), (0, Some(memory), 1));
    // It goes on draining under its own name.
    let draining = there("papyrus", 0, Some("count=3"), json!({ "status": "DRAINING" }));
    assert_eq!(begins("papyrus", &[draining]).1.as_deref(), Some("count=3"));
    // The end of an `up --for` that is over is none of the next one.
    let over = there("papyrus", 0, Some("count=3 until=2026-11-21T20:00:00"), json!({}));
    assert_eq!(begins("web", &[over]).1.as_deref(), Some("count=3"));
}

#[test]
fn what_runs_and_what_stays_is_left_to_the_file() {
    let stopped = || there("papyrus", 0, Some("count=3"), json!({}));
    assert_eq!(begins("papyrus", &[stopped()]), (2, None, Vec::new()), "it is not replaced");
    assert_eq!(begins("web", &[there("papyrus", 3, None, json!({}))]), (2, None, Vec::new()));
    assert_eq!(begins("web", &[]), (2, None, Vec::new()));
    // The latest of several incarnations was started since.
    assert_eq!(begins("web", &[stopped(), there("next", 3, None, json!({}))]).0, 2);
    let mut other = stopped();
    other.mark.as_mut().unwrap().stack = "quay".to_owned();
    assert_eq!(begins("web", &[other]).0, 2);
}

#[test]
fn an_end_that_does_not_come_along_is_told() {
    let until = there("papyrus", 1, Some("count=1 until=2026-11-21T20:00:00"), json!({}));
    let (count, kept, notes) = begins("web", &[until]);
    assert_eq!((count, kept), (2, None));
    assert!(notes[0].contains("runs until 2026-11-21 20:00:00 UTC") && notes[0].contains("no end"), "{notes:?}");
}
