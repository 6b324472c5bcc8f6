//! What is said at the end.

use std::time::Duration;

use hatoba_engine::cloud::CloudError;
use hatoba_engine::desired::{Desired, OnDestroy};
use hatoba_engine::owner::{Mark, Origin};
use hatoba_engine::plan::{Note, Why};
use hatoba_model::address::Address;

use super::super::Style;
use super::super::line::write_all;
use super::super::testkit::{KIND, create, delete, plan, step, update};
use super::*;

fn shown(lines: &[Line]) -> String {
    write_all(lines, Style::PLAIN)
}

fn ended(ends: Vec<StepEnd>) -> Outcome {
    Outcome { steps: ends.into_iter().enumerate().collect(), interrupted: false, ..Outcome::default() }
}

#[test]
fn what_was_done_is_counted_by_what_happened_to_resources() {
    let steps = vec![create("a", vec![]), create("b", vec![]), update("c", vec![]), delete("d", Why::NotInFile, None)];
    let all = ended(vec![StepEnd::Done, StepEnd::AlreadyDone, StepEnd::Done, StepEnd::Done]);
    assert_eq!(shown(&outcome(&plan(steps), &all, "hatoba apply")), "✓ Done: 2 added, 1 changed, 1 deleted.\n");
}

#[test]
fn failures_come_with_their_cause_and_the_command_that_continues() {
    let steps = vec![create("a", vec![]), create("b", vec![]), create("c", vec![]), create("d", vec![])];
    let mut error = CloudError::new(Class::Denied, "iam:CreateRole", "you may \u{1b}[31mnot");
    error.code = Some("AccessDenied".into());
    error.request_id = Some("8a1f".into());
    let late = StepError::TooLong { what: "0 of 1 tasks run".into(), after: Duration::from_secs(1200) };
    let ends = vec![StepEnd::Done, StepEnd::Failed(StepError::Cloud(error)), StepEnd::Failed(late), StepEnd::NotTried];
    assert_eq!(
        shown(&outcome(&plan(steps), &ended(ends), "hatoba --env staging apply")),
        "
Not finished. Done: 1 added.
  ✗ thing.b: iam:CreateRole: AccessDenied: you may \\u{1b}[31mnot
      = help: these credentials may not do this; ask for the permission named in
              the message
      = AWS request id: 8a1f
  ✗ thing.c: gave up waiting after 20 min 0 s: 0 of 1 tasks run
      = help: it may still get there; run the same command again
  · not tried: thing.d
Nothing is lost. To continue: hatoba --env staging apply
"
    );
}

fn goal(names: &[&str]) -> Goal {
    let desired = |name: &&str| Desired {
        address: Address::new("thing", *name),
        kind: &KIND,
        name: (*name).to_owned(),
        fields: Default::default(),
        tags: Default::default(),
        needs: Default::default(),
        scope: None,
        existing: false,
        adopt: false,
        retain: false,
        on_destroy: OnDestroy::Plain,
    };
    let resources = names.iter().map(|name| (Address::new("thing", *name), desired(name))).collect();
    Goal { stack: "papyrus".into(), region: None, resources, content: true }
}

fn sighting(name: &str, stack: Option<&str>) -> Sighting {
    let mut live = Sighting::new(&KIND, format!("id-{name}"), name);
    live.mark = stack.map(|stack| Mark {
        stack: stack.into(),
        address: format!("thing.{name}"),
        origin: Origin::Created,
        region: None,
    });
    live
}

#[test]
fn the_proof_knows_what_should_be_gone_and_what_may_stay() {
    let mut kept = sighting("images", Some("papyrus"));
    kept.holds = Some("3 images".into());
    let mut running = sighting("released", None);
    running.fields.insert("desired_count".into(), Value::Int(2));
    let mut going = sighting("slow", Some("papyrus"));
    going.readiness = Readiness::Deleting("draining".into());
    let seen = Snapshot {
        seen: vec![
            kept,
            running,
            going,
            sighting("left", Some("papyrus")),
            sighting("theirs", Some("other")),
            sighting("stranger", None),
            sighting("adopted", None),
            sighting("retained", None),
            sighting("stuck", Some("papyrus")),
        ],
        ..Snapshot::default()
    };
    let note = Note {
        address: Address::new("thing", "images"),
        name: "images".into(),
        text: "kept: it holds 3 images".into(),
        stays: true,
    };
    let release = |name: &str, origin| {
        let mut step = step(name, Act::Release, Why::Destroy, Vec::new());
        let mut live = sighting(name, Some("papyrus"));
        live.mark = live.mark.map(|mark| Mark { origin, ..mark });
        step.live = Some(live);
        step
    };
    let mut plan = plan(vec![
        release("adopted", Origin::Adopted),
        release("retained", Origin::Created),
        release("stuck", Origin::Adopted),
    ]);
    plan.notes.push(note);
    let found = remains(&goal(&["images", "released", "slow", "adopted", "retained"]), &seen, &plan);
    assert_eq!(
        shown(&proof("papyrus", &found, true)),
        "✗ Looked again, by name and by mark: papyrus is not gone yet:
  thing.left: should be gone
  thing.stuck: should be gone
What stays on purpose:
  thing.adopted: let go of: hatoba took it over and did not create it
  thing.images: kept: it holds 3 images; may cost money: stores 3 images
  thing.released: not hatoba's; may cost money: runs 2 tasks
  thing.retained: let go of: `retain: true`
  thing.slow: going away: draining
2 of these can still cost money.
"
    );
}

#[test]
fn nothing_left_is_said_plainly() {
    let found = remains(&goal(&["a"]), &Snapshot::default(), &plan(vec![]));
    assert_eq!(
        shown(&proof("papyrus", &found, true)),
        "✓ Looked again, by name and by mark: nothing of papyrus is left.\n"
    );
    let seen = Snapshot { seen: vec![sighting("a", None)], ..Snapshot::default() };
    assert_eq!(
        shown(&proof("papyrus", &remains(&goal(&["a"]), &seen, &plan(vec![])), false)),
        "✓ Looked, by name and by mark: nothing of papyrus is left but what stays on\n  purpose:
  thing.a: not hatoba's\nNone of it costs money by itself.\n"
    );
}
