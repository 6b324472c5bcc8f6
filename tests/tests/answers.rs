//! Answers that AWS would not give, or not today: empty, cut off, of another kind, with values that nobody knows yet, with
//! control characters. hatoba goes on or says what it cannot read; it never panics, hangs, or passes an escape to the terminal.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::proxy::{Call, Play, Reply};
use hatoba_tests::torture::reads;
use hatoba_tests::world::World;
use hyper::body::Bytes;

const EXAMPLE: &str = include_str!("../../stack.example.yaml");

/// Reads that fail are tried again for a while.
const LIMIT: Duration = Duration::from_secs(60);

/// What becomes of the body of an answer.
type Change = fn(&str) -> String;

/// The texts that the emulators answer and that an enumeration stands behind.
const WORDS: [&str; 9] =
    ["ACTIVE", "MUTABLE", "AES256", "STANDARD", "FARGATE", "awsvpc", "available", "tcp", "REPLICA"];

const CHANGES: [(&str, Change); 7] = [
    ("empty", |_| String::new()),
    ("an empty object", |_| "{}".to_owned()),
    ("a page of a proxy", |_| "<html><body><h1>It works!</h1></body></html>".to_owned()),
    ("cut off", |body| body.chars().take(body.chars().count() / 2).collect()),
    ("nothing anywhere", without_texts),
    ("values of tomorrow", |body| WORDS.iter().fold(body.to_owned(), |body, word| body.replace(word, "TOMORROW"))),
    ("escapes", |body| {
        let escape = if is_xml(body) { "pap&#27;[31m&#7;yrus" } else { "pap\\u001b[31m\\u0007yrus" };
        body.replace("papyrus", escape)
    }),
];

fn is_xml(body: &str) -> bool {
    body.trim_start().starts_with('<')
}

/// Members without values: null in JSON, empty elements in XML.
fn without_texts(body: &str) -> String {
    if is_xml(body) {
        let emptied = |part: &str| part.split_once('>').map_or_else(|| part.to_owned(), |(tag, _)| format!("{tag}>"));
        return body.split('<').map(emptied).collect::<Vec<_>>().join("<");
    }
    body.replace("\":\"", "\":null,\"x\":\"").replace("\": \"", "\": null, \"x\": \"")
}

/// Changes so many answers to one action.
struct Other {
    action: String,
    change: Change,
    left: AtomicU32,
    changed: AtomicU32,
}

impl Other {
    fn begin(world: &World, action: &str, change: Change, times: u32) -> Arc<Self> {
        let other = Arc::new(Self {
            action: action.to_owned(),
            change,
            left: AtomicU32::new(times),
            changed: AtomicU32::new(0),
        });
        world.proxy().add_play(Arc::clone(&other) as _);
        other
    }

    /// From now on every answer is as it is; returns how many more were to be changed, and how many were.
    fn end(&self) -> (u32, u32) {
        (self.left.swap(0, Ordering::Relaxed), self.changed.load(Ordering::Relaxed))
    }
}

impl Play for Other {
    fn after(&self, call: &Call, reply: &mut Reply) {
        let is_it = format!("{}:{}", call.service, call.action) == self.action && reply.is_success();
        let take = |left: u32| left.checked_sub(1);
        if is_it && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let before = reply.text();
            let after = (self.change)(&before);
            self.changed.fetch_add(u32::from(before != after), Ordering::Relaxed);
            reply.body = Bytes::from(after);
        }
    }
}

/// What is wrong with how a run ended.
fn trouble(run: &Run) -> Option<String> {
    let said = format!("{}{}", run.stdout, run.stderr);
    let code_is_ours = matches!(run.code, Some(0..=4 | 6));
    let speaks = run.code == Some(0) || run.stderr.contains("error: ") || run.stderr.contains("✗ ");
    let clean = !said.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    let fine = code_is_ours && speaks && clean && !said.contains("panicked") && run.elapsed < LIMIT;
    (!fine).then(|| format!("{run:?}"))
}

fn actions(world: &World, which: fn(&str) -> bool) -> BTreeSet<String> {
    let calls = world.proxy().calls();
    calls.iter().filter(|call| which(&call.action)).map(|call| call.name()).collect()
}

#[test]
fn no_answer_to_a_read_makes_it_panic_or_hang() {
    let world = World::new(Kind::Ministack).unwrap();
    world.write("stack.yaml", EXAMPLE).unwrap();
    world.example_parameter().unwrap();
    world.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
    world.proxy().clear_log();
    world.hatoba(&["plan", "--detailed-exitcode"]).unwrap().expect_code(0).unwrap();
    let mut broken = Vec::new();
    let mut changed: BTreeMap<&str, u32> = BTreeMap::new();
    for action in actions(&world, reads) {
        for (name, change) in CHANGES {
            let other = Other::begin(&world, &action, change, u32::MAX);
            let run = world.hatoba_command(&["plan"]).unwrap().limit(LIMIT).run();
            *changed.entry(name).or_default() += other.end().1;
            match run.map(|run| trouble(&run)) {
                Ok(None) => {}
                Ok(Some(trouble)) => broken.push(format!("{action}, {name}: {trouble}")),
                Err(error) => broken.push(format!("{action}, {name}: {error:?}")),
            }
        }
    }
    assert!(broken.is_empty(), "{}:\n{}", broken.len(), broken.join("\n\n"));
    assert!(changed.len() == CHANGES.len() && changed.values().all(|count| *count > 0), "not changed: {changed:?}");
    world.hatoba(&["plan", "--detailed-exitcode"]).unwrap().expect_code(0).unwrap();
}

#[test]
fn a_strange_answer_to_a_write_is_looked_into_and_the_run_finishes() {
    let world = World::new(Kind::Ministack).unwrap();
    world.write("stack.yaml", EXAMPLE).unwrap();
    world.example_parameter().unwrap();
    world.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
    let writes = actions(&world, |action| !reads(action));
    world.hatoba(&["destroy", "--yes"]).unwrap().expect_code(0).unwrap();
    let mut broken = Vec::new();
    let mut changed = 0;
    // Not those that can be read and are not true.
    for (action, (name, change)) in writes.iter().zip(CHANGES[..5].iter().cycle()) {
        let other = Other::begin(&world, action, *change, 1);
        for command in ["apply", "plan", "destroy"] {
            let arguments: &[&str] =
                if command == "plan" { &["plan", "--detailed-exitcode"] } else { &[command, "--yes"] };
            if let Err(error) = world.hatoba(arguments).unwrap().expect_code(0) {
                broken.push(format!("{command} with {action}, {name}: {error:?}"));
            }
        }
        // The service-linked role is there since the first apply.
        let (left, now) = other.end();
        if left == 1 && action != "iam:CreateServiceLinkedRole" {
            broken.push(format!("{action} was not called"));
        }
        changed += now;
    }
    assert!(broken.is_empty(), "{}:\n{}", broken.len(), broken.join("\n\n"));
    assert!(changed > 10, "some answers are empty anyway, but only {changed} were changed");
}
