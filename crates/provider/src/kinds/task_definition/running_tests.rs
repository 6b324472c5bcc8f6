#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use hatoba_engine::desired::OnDestroy;
use hatoba_engine::owner::{Mark, Origin};

use super::*;
use crate::driver::Driver;
use crate::kinds::service::Service;

const FAMILY: &str = "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus";

fn mark(stack: &str, address: &str) -> Mark {
    Mark { stack: stack.to_owned(), address: address.to_owned(), origin: Origin::Created, region: None }
}

fn fields(image: Value, level: &str) -> Fields {
    let app = Value::map([("image", image), ("environment", Value::texts([("LEVEL", level)]))]);
    [
        ("containers".to_owned(), Value::map([("app", app)])),
        ("architecture".to_owned(), "x86_64".into()),
        ("os".to_owned(), "linux".into()),
        ("fault_injection".to_owned(), false.into()),
    ]
    .into()
}

/// What the file wants: the image is the pipeline's, the level the file's.
fn want(level: &str) -> Fields {
    fields(Value::Keep(Box::new("bootstrap".into())), level)
}

fn revision(number: u64, image: &str, level: &str) -> Sighting {
    let mut live = Sighting::new(&INFO, format!("{FAMILY}:{number}"), "papyrus");
    live.fields = fields(image.into(), level);
    live.mark = Some(mark("papyrus", "task_definition.papyrus"));
    live
}

/// The number of the revision that stands for the family, and the one that the next number is counted from.
fn stands(want: &Fields, latest: Sighting, running: Sighting) -> (u64, u64) {
    let stands = stands_for(want, latest, running);
    (revision_of(&stands.id), revision_of(latest_of(&stands)))
}

#[test]
fn after_a_rollback_the_revision_that_runs_stands_for_its_family() {
    let (failed, runs) = (|| revision(7, "broken", "info"), || revision(6, "good", "info"));
    assert_eq!(stands(&want("info"), failed(), runs()), (6, 7));
    assert_eq!(stands(&want("debug"), failed(), runs()), (6, 7));
    let stands = stands_for(&want("info"), failed(), runs());
    assert_eq!(differences(&INFO, &want("info"), &stands.fields), []);
}

#[test]
fn what_is_wanted_already_is_not_registered_again() {
    // Cut short between its two calls, or rolled back.
    assert_eq!(stands(&want("debug"), revision(7, "good", "debug"), revision(6, "good", "info")), (7, 7));
    // With an image that nobody has brought, it is not what is wanted.
    assert_eq!(stands(&want("debug"), revision(7, "other", "debug"), revision(6, "good", "info")), (6, 7));
    // Nothing is to be done for a second one that is the same.
    assert_eq!(stands(&want("info"), revision(7, "good", "info"), revision(6, "good", "info")), (6, 7));
    // A deploy says which image.
    let deploy = fields("new".into(), "info");
    assert_eq!(stands(&deploy, revision(7, "new", "info"), revision(6, "good", "info")), (7, 7));
    // Tags make no revision.
    let mut tagged = revision(7, "good", "debug");
    tagged.fields.insert("tags".into(), Value::texts([("run", "1")]));
    assert_eq!(stands(&want("debug"), tagged, revision(6, "good", "info")), (7, 7));
}

#[test]
fn an_image_of_the_file_is_the_files() {
    let file = fields("v2".into(), "info");
    assert_eq!(stands(&file, revision(7, "v2", "info"), revision(6, "v1", "info")), (7, 7));
    assert_eq!(stands(&file, revision(7, "v3", "info"), revision(6, "v1", "info")), (6, 7));
    // Somebody has registered another one, which nothing runs.
    assert_eq!(stands(&file, revision(7, "v3", "info"), revision(6, "v2", "info")), (6, 7));
}

#[test]
fn a_revision_that_was_registered_between_two_reads_is_the_latest() {
    assert_eq!(stands(&want("info"), revision(6, "good", "info"), revision(7, "new", "info")), (7, 7));
}

#[test]
fn whose_a_family_is_its_latest_revision_says() {
    let mut unmarked = revision(6, "good", "info");
    unmarked.mark = None;
    let marked = stands_for(&want("info"), revision(7, "broken", "info"), unmarked);
    assert_eq!(marked.mark, Some(mark("papyrus", "task_definition.papyrus")));
}

fn service(name: &str, stack: Option<&str>, number: u64) -> Sighting {
    let mut live = Sighting::new(Service.info(), format!("arn:{name}"), name);
    live.mark = stack.map(|stack| mark(stack, &format!("service.{name}")));
    live.fields.insert("task_definition".into(), format!("{FAMILY}:{number}").into());
    live
}

#[test]
fn the_newest_revision_that_a_service_of_the_stack_runs_is_the_one_that_runs() {
    let goal = Goal { stack: "papyrus".to_owned(), region: None, resources: BTreeMap::new(), content: false };
    let of = |seen: &[Sighting]| revisions_that_run(&goal, seen).get(FAMILY).map(|arn| revision_of(arn));
    let ours = |number| service("papyrus", Some("papyrus"), number);
    assert_eq!(of(&[ours(3), service("quay", Some("papyrus"), 5)]), Some(5));
    assert_eq!(of(&[ours(3), service("theirs", Some("quay"), 9), service("unmarked", None, 8)]), Some(3));
    let mut leaving = ours(9);
    leaving.readiness = Readiness::Deleting("draining".to_owned());
    assert_eq!(of(&[leaving, service("quay", Some("papyrus"), 5)]), Some(5));
    // A family without a revision says nothing of one.
    let mut vague = ours(3);
    vague.fields.insert("task_definition".into(), "papyrus".into());
    assert_eq!(of(&[vague]), None);
    assert_eq!(of(&[]), None);
}

fn deregistered(mut live: Sighting) -> Sighting {
    live.notes.insert(INACTIVE.to_owned(), "true".to_owned());
    live
}

#[test]
fn a_deregistered_revision_is_registered_anew_where_a_service_has_to_be_given_it() {
    let runs = || deregistered(revision(6, "good", "info"));
    let stands = |latest: Option<Sighting>, sought| {
        let stands = startable(&want("info"), latest, runs(), sought);
        let changes: Vec<String> =
            differences(&INFO, &want("info"), &stands.fields).into_iter().map(|it| it.path).collect();
        (revision_of(&stands.id), changes, stands.remarks.len())
    };
    let other = || Some(revision(7, "broken", "info"));
    // Nothing needs it: it goes on running.
    assert_eq!(stands(other(), false), (6, vec![], 0));
    assert_eq!(stands(None, false), (6, vec![], 0));
    assert_eq!(stands(other(), true), (6, vec![STATUS.to_owned()], 1));
    assert_eq!(stands(None, true), (6, vec![STATUS.to_owned()], 1));
    // It was, and the run that did was killed.
    assert_eq!(stands(Some(revision(7, "good", "info")), true), (7, vec![], 0));
    // What is registered has everything but the status.
    let stands = startable(&want("info"), other(), runs(), true);
    let sent = settled(INFO.field("containers").unwrap(), &want("info")["containers"], stands.fields.get("containers"));
    assert_eq!(sent, fields("good".into(), "info")["containers"]);
}

#[test]
fn a_revision_is_sought_by_services_that_do_not_run_it() {
    let task = Address::new("task_definition", "papyrus");
    let wanted = |name: &str, existing| Desired {
        address: Address::new("service", name),
        kind: Service.info(),
        name: name.to_owned(),
        fields: Fields::new(),
        tags: BTreeMap::new(),
        needs: [task.clone()].into(),
        scope: None,
        existing,
        adopt: false,
        retain: false,
        on_destroy: OnDestroy::Plain,
    };
    let goal = |wants: &[Desired]| {
        let resources = wants.iter().map(|want| (want.address.clone(), want.clone())).collect();
        Goal { stack: "papyrus".to_owned(), region: None, resources, content: false }
    };
    let runs = format!("{FAMILY}:6");
    let sought = |wants: &[Desired], snapshot: &Snapshot| is_sought(&goal(wants), snapshot, &task, &runs);
    let ours = |name: &str, number| service(name, Some("papyrus"), number);
    let snapshot = |seen: Vec<Sighting>| Snapshot { seen, ..Snapshot::default() };
    let (papyrus, quay) = (|| wanted("papyrus", false), || wanted("quay", false));

    assert!(!sought(&[papyrus()], &snapshot(vec![ours("papyrus", 6)])));
    assert!(sought(&[papyrus(), quay()], &snapshot(vec![ours("papyrus", 6)])));
    assert!(sought(&[papyrus(), quay()], &snapshot(vec![ours("papyrus", 6), ours("quay", 5)])));
    assert!(!sought(&[papyrus(), wanted("quay", true)], &snapshot(vec![ours("papyrus", 6)])));
    // One that is draining will be made anew.
    let mut leaving = ours("papyrus", 6);
    leaving.readiness = Readiness::Deleting("draining".to_owned());
    assert!(sought(&[papyrus()], &snapshot(vec![leaving])));
    // What was not read is not changed either.
    let error = CloudError::new(hatoba_engine::cloud::Class::Denied, "ecs:DescribeServices", "no");
    let unread = ReadFailure { addresses: vec![quay().address], error };
    let snapshot = Snapshot { seen: vec![ours("papyrus", 6)], unreadable: vec![unread], ..Snapshot::default() };
    assert!(!sought(&[papyrus(), quay()], &snapshot));
}

#[test]
fn only_another_revision_of_the_same_family_is_another_that_runs() {
    let latest = revision(7, "good", "info");
    assert_eq!(other_that_runs(&latest, &service("papyrus", None, 7)), None);
    assert_eq!(other_that_runs(&latest, &service("papyrus", None, 6)), Some(format!("{FAMILY}:6").as_str()));
    let mut elsewhere = service("papyrus", None, 6);
    elsewhere.fields.insert("task_definition".into(), format!("{FAMILY}-old:6").into());
    assert_eq!(other_that_runs(&latest, &elsewhere), None);
    assert_eq!(runs_of("papyrus", &service("papyrus", None, 6)), Some(format!("{FAMILY}:6").as_str()));
    assert_eq!(runs_of("papyrus", &elsewhere), None);
}
