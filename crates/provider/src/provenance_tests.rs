#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_engine::desired::OnDestroy;
use hatoba_engine::kind::KindInfo;

use super::*;
use crate::kinds::driver_of;

fn kind() -> &'static KindInfo {
    driver_of("task_definition").info()
}

fn run(number: u32) -> Provenance {
    Provenance {
        run: Some(format!("https://github.com/acme/papyrus/actions/runs/{number}")),
        commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
        actor: Some("octocat".into()),
        back_to: None,
        deployed_at: Some(1_800_000_000_000),
    }
}

fn containers(images: &[(&str, Value)]) -> Fields {
    let containers = images
        .iter()
        .map(|(name, image)| ((*name).to_owned(), Value::Map([("image".to_owned(), image.clone())].into())))
        .collect();
    [("containers".to_owned(), Value::Map(containers))].into()
}

fn texts(images: &[(&str, &str)]) -> Fields {
    containers(&images.iter().map(|(name, image)| (*name, Value::text(*image))).collect::<Vec<_>>())
}

fn address() -> Address {
    Address::new("task_definition", "papyrus")
}

fn want(images: &[(&str, &str)]) -> Resolved {
    Resolved { address: address(), kind: kind(), name: "papyrus".into(), scope: None, fields: texts(images) }
}

fn live(images: &[(&str, &str)], provenance: Option<&Provenance>) -> Sighting {
    let mut live = Sighting::new(kind(), "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:3", "papyrus");
    live.fields = texts(images);
    provenance.iter().for_each(|provenance| provenance.note(&mut live));
    live
}

/// The goal of a file with the container `app`, whose image is the pipeline's, and `side`, whose image is the file's.
fn goal() -> Goal {
    let want = Desired {
        address: address(),
        kind: kind(),
        name: "papyrus".into(),
        fields: containers(&[
            ("app", Value::Keep(Box::new(Value::text("nginx:1")))),
            ("side", Value::text("fluent-bit:2")),
        ]),
        tags: BTreeMap::new(),
        needs: BTreeSet::new(),
        scope: None,
        existing: false,
        adopt: false,
        retain: false,
        on_destroy: OnDestroy::Plain,
    };
    Goal { stack: "papyrus".into(), region: None, resources: [(want.address.clone(), want)].into(), content: false }
}

#[test]
fn tags_tell_it_and_it_is_taken_out_of_them() {
    let mut tags: Tags = [("team".to_owned(), "wharf".to_owned())].into();
    run(123).add(&mut tags);
    assert_eq!(tags["hatoba:run"], "https://github.com/acme/papyrus/actions/runs/123");
    assert_eq!(tags["hatoba:commit"], "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(tags["hatoba:actor"], "octocat");
    assert_eq!(tags["hatoba:deployed-at"], "2027-01-15T08:00:00Z");
    assert_eq!(Provenance::take(&mut tags), Some(run(123)));
    assert_eq!(tags.keys().collect::<Vec<_>>(), ["team"]);
    assert_eq!(Provenance::take(&mut tags), None);
    // What somebody else wrote there is no time.
    tags.insert(DEPLOYED_AT.into(), "yesterday".into());
    assert_eq!(Provenance::take(&mut tags), None);
}

#[test]
fn what_a_tag_cannot_hold_is_left_out() {
    assert_eq!(fit("dependabot[bot]").as_deref(), Some("dependabot-bot"));
    assert_eq!(fit("a & b").as_deref(), Some("a - b"));
    assert_eq!(fit("-x-").as_deref(), Some("-x-"));
    assert_eq!([fit(""), fit("[]"), fit("  ")], [None, None, None]);
    assert_eq!(fit(&"ä".repeat(300)), None);
    assert_eq!(fit(&"a".repeat(300)).map(|text| text.len()), Some(256));
    let mut tags = Tags::new();
    let long =
        Provenance { run: Some(format!("https://{}", "a".repeat(256))), actor: Some("octocat".into()), ..run(1) };
    long.add(&mut tags);
    assert_eq!(tags.keys().collect::<Vec<_>>(), [ACTOR, COMMIT, DEPLOYED_AT]);
}

#[test]
fn a_file_with_many_tags_gets_fewer_of_these_and_never_too_many() {
    for (own, left) in [(46, 4), (47, 3), (49, 1), (50, 0)] {
        let mut tags: Tags = (0..own).map(|number| (format!("tag{number}"), "x".to_owned())).collect();
        run(1).add(&mut tags);
        assert_eq!(tags.len(), own + left);
        assert_eq!(tags.contains_key(RUN), left > 0, "the run counts most");
    }
}

#[test]
fn new_tags_of_the_file_push_out_what_counts_least() {
    let many = |own: usize| (0..own).map(|number| (format!("tag{number}"), "x".to_owned())).collect::<Tags>();
    let there = live(&[], Some(&run(1)));
    assert_eq!(in_the_way(&many(46), &there), [] as [&str; 0]);
    assert_eq!(in_the_way(&many(48), &there), [ACTOR, DEPLOYED_AT]);
    assert_eq!(in_the_way(&many(50), &there).len(), 4);
    assert_eq!(in_the_way(&many(50), &live(&[], None)), [] as [&str; 0]);
}

#[test]
fn an_apply_keeps_the_origin_of_images_that_stay() {
    let stamp = Stamp::apply(run(9), &goal());
    let before = live(&[("app", "papyrus@sha256:1"), ("side", "fluent-bit:1")], Some(&run(1)));
    // The file changes its own image; that of the pipeline stays.
    assert_eq!(stamp.next(&want(&[("app", "papyrus@sha256:1"), ("side", "fluent-bit:2")]), Some(&before)), run(1));
    // A container that is new brings its first image.
    let first = live(&[("side", "fluent-bit:2")], Some(&run(1)));
    assert_eq!(stamp.next(&want(&[("app", "nginx:1"), ("side", "fluent-bit:2")]), Some(&first)), run(9));
    assert_eq!(stamp.next(&want(&[("app", "nginx:1")]), None), run(9));
    // Who brought an image that somebody else registered is not known.
    let by_hand = live(&[("app", "papyrus@sha256:1")], None);
    assert_eq!(stamp.next(&want(&[("app", "papyrus@sha256:1")]), Some(&by_hand)), Provenance::default());
}

#[test]
fn where_all_images_are_the_files_an_apply_that_changes_one_is_their_origin() {
    let stamp = Stamp::Apply { this: run(9), pipeline: BTreeMap::new() };
    let before = live(&[("app", "nginx:1")], Some(&run(1)));
    assert_eq!(stamp.next(&want(&[("app", "nginx:1")]), Some(&before)), run(1));
    assert_eq!(stamp.next(&want(&[("app", "nginx:2")]), Some(&before)), run(9));
}

#[test]
fn a_deploy_is_the_origin_and_a_rollback_brings_back_the_one_of_then() {
    let before = live(&[("app", "papyrus@sha256:1")], Some(&run(1)));
    let same = want(&[("app", "papyrus@sha256:1")]);
    assert_eq!(Stamp::Deploy(run(2)).next(&same, Some(&before)), run(2));
    assert_eq!(Stamp::Rollback(run(3)).next(&same, Some(&before)), run(3));
    assert_eq!(Stamp::Rollback(Provenance::default()).next(&same, Some(&before)), Provenance::default());
    // Which it went back to is said of this revision only.
    let back = Provenance { back_to: Some("papyrus:6".into()), ..run(3) };
    let mut tags = Tags::new();
    back.add(&mut tags);
    assert_eq!(tags["hatoba:back-to"], "papyrus:6");
    assert_eq!(Provenance::take(&mut tags).unwrap(), back);
    let copy = live(&[("app", "papyrus@sha256:1")], Some(&back));
    let apply = Stamp::Apply { this: run(9), pipeline: BTreeMap::new() };
    assert_eq!(apply.next(&same, Some(&copy)), run(3));
}

#[test]
fn kept_are_the_images_of_the_pipeline() {
    let seen = Snapshot {
        seen: vec![live(&[("app", "papyrus@sha256:1"), ("side", "x:1")], Some(&run(1)))],
        ..Snapshot::default()
    };
    let image = "papyrus@sha256:1".to_owned();
    let expected = Kept { task: address(), container: "app".into(), image, provenance: Some(run(1)) };
    assert_eq!(kept(&goal(), &seen), [expected]);
    assert_eq!(kept(&goal(), &Snapshot::default()), []);
}

#[test]
fn a_revision_that_says_nothing_has_none() {
    assert_eq!(Provenance::of(&live(&[], None)), None);
    assert_eq!(Provenance::of(&live(&[], Some(&run(1)))).unwrap(), run(1));
}
