//! Plans as they are shown. Expected texts are goldens: read them as a user would.

use hatoba_engine::plan::{Note, Refusal};
use hatoba_engine::value::Value;
use hatoba_model::address::Address;
use unicode_width::UnicodeWidthStr as _;

use super::super::testkit::{change, create, delete, plan, set, step, update};
use super::*;

const PLACE: &str = "stack papyrus, account 123456789012, region us-west-2";

fn shown(plan: &Plan) -> String {
    text(plan, PLACE, Style::PLAIN)
}

fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match (inside, c) {
            (false, '\u{1b}') => inside = true,
            (true, 'm') => inside = false,
            (true, _) => {}
            (false, c) => out.push(c),
        }
    }
    out
}

fn marks() -> [(&'static str, Value); 2] {
    [("hatoba:stack", Value::text("papyrus")), ("hatoba:resource", Value::text("thing.papyrus"))]
}

#[test]
fn a_create_is_a_tree_without_our_own_tags() {
    let parts = Value::map([
        ("environment", Value::texts([("LOG_LEVEL", "info"), ("db.password", "hunter2")])),
        ("group", Value::pending("security_group.papyrus", "id")),
        ("ports", Value::List(vec![Value::map([("port", Value::Int(5000)), ("protocol", Value::text("tcp"))])])),
    ]);
    let tags = marks().into_iter().chain([("project", Value::text("portfolio"))]);
    let steps = vec![create(
        "papyrus",
        vec![
            set("size", Value::Int(256)),
            set("description", Value::text("papyrus service")),
            set("document", Value::Doc("{\n  \"Version\": \"2012-10-17\"\n}".into())),
            set("parts", parts),
            set("tags", Value::map(tags)),
        ],
    )];
    assert_eq!(
        shown(&plan(steps)),
        "Plan for stack papyrus, account 123456789012, region us-west-2

+ thing.papyrus                                                           create
    size = 256
    description = \"papyrus service\"
    document:
      { \"Version\": \"2012-10-17\" }
    parts:
      environment:
        LOG_LEVEL = info
        db.password = (sensitive)
      group = (known after apply)
      ports = [{ port = 5000, protocol = tcp }]
    tags = { project = portfolio }

Plan: 1 to add, 0 to change, 0 to replace, 0 to delete.
"
    );
}

#[test]
fn a_create_with_nothing_but_our_tags_shows_no_tags() {
    let text = shown(&plan(vec![create("papyrus", vec![set("tags", Value::map(marks()))])]));
    assert!(text.contains("create\n\nPlan: 1 to add"), "{text}");
}

#[test]
fn an_update_shows_each_field_and_the_calls() {
    let rule = |port: i64| Value::map([("from", Value::set(["203.0.113.0/24"])), ("port", Value::Int(port))]);
    let steps = vec![update(
        "papyrus",
        vec![
            change("size", Some(Value::Int(14)), Some(Value::Int(30))),
            change("parts.image", Some(Value::text("nginx:1")), Some(Value::text("nginx:2"))),
            change("parts.password", Some(Value::text("old")), Some(Value::text("new"))),
            change("parts.added", None, Some(Value::Bool(true))),
            change("parts.gone", Some(Value::text("x")), None),
            change("rules", Some(Value::List(vec![rule(80), rule(81)])), Some(Value::List(vec![rule(80), rule(443)]))),
            change("tags[\"hatoba:origin\"]", Some(Value::text("x")), Some(Value::text("created"))),
        ],
    )];
    assert_eq!(
        shown(&plan(steps)),
        "Plan for stack papyrus, account 123456789012, region us-west-2

~ thing.papyrus                            PutSize, PutParts, PutRules, TagThing
    ~ size                   14 → 30
    ~ parts.image            nginx:1 → nginx:2
    ~ parts.password         (sensitive, changed)
    + parts.added = true
    - parts.gone = x
    ~ rules:
        - { from = [203.0.113.0/24], port = 81 }
        + { from = [203.0.113.0/24], port = 443 }
          (1 unchanged)
    ~ tags[\"hatoba:origin\"]  x → created

Plan: 0 to add, 1 to change, 0 to replace, 0 to delete.
"
    );
}

#[test]
fn a_long_document_is_a_diff() {
    let before: String = (1..=9).map(|n| format!("line {n}\n")).collect();
    let after = before.replace("line 9", "line nine");
    let steps = vec![update("papyrus", vec![change("document", Some(Value::Doc(before)), Some(Value::Doc(after)))])];
    let text = shown(&plan(steps));
    assert!(
        text.contains(
            "    ~ document:\n          line 6\n          line 7\n          line 8\n        - line 9\n        + line nine\n\n"
        ),
        "{text}"
    );
}

#[test]
fn secrets_inside_something_new_or_gone_are_hidden_in_updates_too() {
    let app = |word: &str| Value::map([("image", Value::text("nginx")), ("password", Value::text(word))]);
    let changes = vec![
        change("parts.new", None, Some(app("hunter2"))),
        change("parts.old", Some(app("hunter3")), None),
        change("parts.list", Some(Value::List(vec![app("hunter4")])), Some(Value::List(vec![app("hunter5")]))),
    ];
    let text = shown(&plan(vec![update("papyrus", changes)]));
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains("    + parts.new:\n        image = nginx\n        password = (sensitive)\n"), "{text}");
    assert!(text.contains("(sensitive) parts change"), "{text}");
}

#[test]
fn a_replacement_is_one_change_with_its_reason() {
    let why = Why::MustReplace("description".into());
    let mut old = delete("papyrus", why.clone(), Some("3 images"));
    old.kind = &super::super::testkit::KIND;
    let new = step(
        "papyrus",
        Act::Create { then: vec![] },
        why,
        vec![
            change("size", Some(Value::Int(1)), Some(Value::Int(2))),
            change("description", Some(Value::text("old")), Some(Value::text("new"))),
        ],
    );
    assert_eq!(
        shown(&plan(vec![old, new])),
        "Plan for stack papyrus, account 123456789012, region us-west-2

± thing.papyrus                                                          replace
    must be replaced: `description` cannot be changed
    deletes what is in it, too: 3 images
    ~ size         1 → 2
    ~ description  old → new  (forces the replacement)

Plan: 0 to add, 0 to change, 1 to replace, 0 to delete.
"
    );
}

#[test]
fn adopted_renamed_removed_released_and_waited_for() {
    let mut adopted = update(
        "adopted",
        vec![
            change("tags[\"hatoba:stack\"]", None, Some("papyrus".into())),
            change("size", Some(1.into()), Some(2.into())),
        ],
    );
    adopted.why = Why::Adopted;
    let mut renamed = delete("papyrus", Why::Renamed, None);
    renamed.name = "old-name".into();
    let mut waits = step("slow", Act::Settle { until: Until::Ready }, Why::NotSettled, vec![]);
    let mut live = hatoba_engine::snapshot::Sighting::new(&super::super::testkit::KIND, "slow", "slow");
    live.readiness = Readiness::Settling("1 of 2 tasks run".into());
    waits.live = Some(live);
    let steps = vec![
        adopted,
        renamed,
        delete("gone", Why::NotInFile, None),
        step("kept", Act::Release, Why::NotInFile, vec![]),
        waits,
    ];
    assert_eq!(
        shown(&plan(steps)),
        "Plan for stack papyrus, account 123456789012, region us-west-2

~ thing.adopted                                                PutSize, TagThing
    exists already and is taken over: from now on it bears hatoba's tags
    ~ size  1 → 2

- thing.papyrus  named old-name                                           delete
    the file gives it another name now

- thing.gone                                                              delete
    not in the file any more

< thing.kept                                                           let go of
    not in the file any more
    `retain: true`: it stays, without hatoba's tags

… thing.slow                                                                wait
    until it is ready; now: 1 of 2 tasks run

Plan: 0 to add, 1 to change, 0 to replace, 2 to delete, 1 to let go of, 1 to
  wait for.
"
    );
}

#[test]
fn notes_refusals_and_unknowns_come_with_a_way_out() {
    let mut plan = plan(vec![]);
    plan.notes.push(Note {
        address: Address::new("thing", "images"),
        name: "images".into(),
        text: "kept: it holds 3 images; `on_destroy: empty` would delete them with it".into(),
        stays: true,
    });
    plan.refusals.push(Refusal {
        address: Some(Address::new("thing", "papyrus")),
        problem: "a thing `papyrus` exists already and is not hatoba's".into(),
        help: "take it over with `adopt: true`, use it untouched with `existing: true`, or choose another `name:`"
            .into(),
    });
    plan.unread.push("iam:ListUsers: AccessDenied: no".into());
    plan.unknown.push((Address::new("thing", "a"), "ecs:DescribeServices: AccessDenied: no".into()));
    plan.unknown.push((Address::new("thing", "b"), "ecs:DescribeServices: AccessDenied: no".into()));
    assert_eq!(
        shown(&plan),
        "Plan for stack papyrus, account 123456789012, region us-west-2

= thing.images: kept: it holds 3 images; `on_destroy: empty` would delete them
    with it

note: there may be more of this stack than is shown, because not everything
    could be looked for
    iam:ListUsers: AccessDenied: no

unknown: thing.a, thing.b
    ecs:DescribeServices: AccessDenied: no

refused: thing.papyrus: a thing `papyrus` exists already and is not hatoba's
  = help: take it over with `adopt: true`, use it untouched with `existing:
          true`, or choose another `name:`

Plan: 0 to add, 0 to change, 0 to replace, 0 to delete, 1 refused, 2 unknown.
"
    );
}

#[test]
fn nothing_to_do_is_said_in_one_line() {
    let mut nothing = plan(vec![]);
    nothing.unchanged = (0..11).map(|n| Address::new("thing", n.to_string())).collect();
    assert_eq!(summary(&nothing), "No changes. 11 resources are as the file says.");
    nothing.intent = Intent::Absent;
    assert_eq!(summary(&nothing), "Nothing to destroy.");
}

#[test]
fn nothing_is_wider_than_the_terminal_and_colour_changes_no_letter() {
    let long = Value::text("arn:aws:iam::123456789012:role/".to_owned() + &"long-".repeat(30));
    let wide = Value::text("波止場 ".repeat(40));
    let steps = vec![
        create("papyrus", vec![set("description", wide.clone()), set("parts", Value::map([("role", long.clone())]))]),
        update(
            "other",
            vec![
                change("parts.role", Some(long.clone()), Some(wide.clone())),
                change("rules", Some(Value::List(vec![long.clone()])), Some(Value::List(vec![wide, long.clone()]))),
                change("document", Some(Value::Doc("x ".repeat(100))), Some(Value::Doc("y ".repeat(100)))),
            ],
        ),
        update(&"name-".repeat(20), vec![change("size", None, Some(long))]),
    ];
    let plan = plan(steps);
    for width in [40, 80, 120] {
        let plain = text(&plan, PLACE, Style::plain(width));
        for line in plain.lines() {
            assert!(line.width() <= width, "{width}: {line}");
        }
        assert_eq!(without_colour(&text(&plan, PLACE, Style { colour: true, ..Style::plain(width) })), plain);
    }
}

#[test]
fn escapes_from_the_cloud_are_shown_not_obeyed() {
    let evil = Value::text("\u{1b}]0;owned\u{7}\u{1b}[2J");
    let changes = vec![
        change("parts.image", Some(evil.clone()), Some(Value::text("b\r\u{202e}"))),
        change("parts[\"\u{1b}[31m\"]", None, Some(Value::map([("\u{9b}k", evil.clone())]))),
        change("document", Some(Value::Doc("\u{1b}[1m\na".into())), Some(Value::Doc("\tb\u{8}\na".into()))),
    ];
    let mut plan = plan(vec![update("papyrus", changes)]);
    plan.unknown.push((Address::new("thing", "\u{1b}c"), "\u{1b}[5mno".into()));
    plan.unread.push("\u{1b}[5mno".into());
    plan.refusals.push(Refusal { address: None, problem: "\u{1b}[5m".into(), help: "\u{7}".into() });
    let shown = text(&plan, "stack \u{1b}[1m", Style::PLAIN);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.contains("\\u{1b}]0;owned\\u{7}"), "{shown}");
}
