#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use super::super::scaling::STOP;
use super::*;

/// A service and its target, as far as `down` and `up` change them.
#[derive(Clone, Debug, PartialEq)]
struct Account {
    seen: Seen,
}

impl Account {
    fn new(desired: i64, mark: Option<&str>, scaling: Scaling) -> Self {
        Self { seen: Seen { mark: mark.map(str::to_owned), memory: None, desired, scaling: Some(scaling) } }
    }

    fn turn(&mut self, turn: &Turn) {
        let seen = &mut self.seen;
        let scaling = seen.scaling.as_mut().unwrap();
        match turn {
            // Through the text of the tag.
            Turn::Remember(memory) => seen.memory = Some(Memory::read(&memory.text())),
            Turn::Forget => seen.memory = None,
            Turn::Count(count) => seen.desired = *count,
            Turn::Scale(Do::Register { bounds, suspended }) => {
                scaling.target = Some(Target { bounds: *bounds, suspended: *suspended });
                seen.desired = seen.desired.clamp(bounds.0.into(), bounds.1.into());
            }
            Turn::Scale(Do::Deregister) => *scaling = Scaling::default(),
            Turn::Scale(Do::PutAction(name, action)) => {
                assert!(scaling.target.is_some(), "no target yet");
                scaling.actions.insert(name.clone(), action.clone());
            }
            Turn::Scale(Do::DeleteAction(name)) => drop(scaling.actions.remove(name)),
            Turn::Scale(other) => unreachable!("{other:?} is not power"),
        }
    }

    fn run(&mut self, turns: &[Turn]) -> &mut Self {
        turns.iter().for_each(|turn| self.turn(turn));
        self
    }

    fn copies(&self) -> i64 {
        self.seen.remembered().unwrap_or(self.seen.desired.max(1))
    }

    fn down(&mut self) -> &mut Self {
        let turns = self.seen.stop();
        self.run(&turns)
    }

    fn up(&mut self) -> &mut Self {
        let turns = self.seen.start(self.copies(), None);
        self.run(&turns)
    }

    fn up_until(&mut self, until: &str) -> &mut Self {
        let turns = self.seen.start(self.copies(), Some(until));
        self.run(&turns)
    }

    /// The moment of `up --for` comes.
    fn time_passes(&mut self) -> &mut Self {
        let there = self.seen.scaling.as_ref().unwrap();
        assert!(there.actions.contains_key(UNTIL) && !there.target.as_ref().unwrap().suspended);
        self.turn(&Turn::Scale(Do::Register { bounds: NOTHING, suspended: false }));
        self
    }

    fn running(&self) -> Value {
        self.seen.running()
    }
}

fn target(bounds: Bounds) -> Scaling {
    Scaling { target: Some(Target { bounds, suspended: false }), ..Scaling::default() }
}

fn scheduled(bounds: Bounds, now: Bounds) -> Scaling {
    let actions = [
        (START, Action::new("cron(0 9 ? * MON-FRI *)", "Asia/Tokyo", bounds)),
        (STOP, Action::new("cron(0 18 ? * MON-FRI *)", "Asia/Tokyo", NOTHING)),
    ];
    let actions: BTreeMap<_, _> = actions.map(|(name, action)| (name.to_owned(), action)).into();
    Scaling { actions, ..target(now) }
}

/// Services of every sort, as they run.
fn sorts() -> Vec<(&'static str, Account)> {
    vec![
        ("plain", Account::new(2, None, Scaling::default())),
        ("by load", Account::new(3, Some("1-4"), target((1, 4)))),
        ("on schedule", Account::new(2, Some("2"), scheduled((2, 2), (2, 2)))),
        ("both", Account::new(3, Some("2-5"), scheduled((2, 5), (2, 5)))),
        ("of somebody else", Account::new(3, None, target((1, 4)))),
    ]
}

const UNTIL_EIGHT: &str = "2026-11-21T20:00:00";

#[test]
fn up_brings_back_what_down_took_away() {
    for (sort, account) in sorts() {
        let mut there = account.clone();
        there.down();
        assert_eq!((there.running(), there.seen.desired), (false.into(), 0), "{sort}");
        there.down().down();
        assert_eq!(there.seen.remembered(), Some(account.seen.desired), "{sort}: a second `down` forgets");
        there.up();
        assert_eq!(there, account, "{sort}");
    }
}

#[test]
fn what_somebody_else_had_stopped_stays_stopped() {
    let suspended = Scaling { target: Some(Target { bounds: (1, 4), suspended: true }), ..Scaling::default() };
    for account in [Account::new(3, None, suspended), Account::new(0, None, target(NOTHING))] {
        let mut there = account.clone();
        there.down().down();
        assert_eq!((there.running(), there.seen.desired), (false.into(), 0));
        there.up();
        assert_eq!(there, account);
    }
}

#[test]
fn wherever_a_run_ends_the_next_one_reaches_the_goal() {
    for (sort, account) in sorts() {
        let mut stopped = account.clone();
        stopped.down();
        let mut until = stopped.clone();
        until.up_until(UNTIL_EIGHT);
        for from in [&account, &stopped, &until] {
            let ends = [
                from.seen.stop(),
                from.seen.start(account.seen.desired, None),
                from.seen.start(account.seen.desired, Some(UNTIL_EIGHT)),
            ];
            for turns in &ends {
                for length in 0..=turns.len() {
                    let mut broken = from.clone();
                    broken.run(&turns[..length]);
                    // Nothing tells of a state as if it were done that is not.
                    if broken.seen.memory.is_some() && broken.seen.desired > 0 {
                        assert_ne!(broken.running(), true.into(), "{sort} {turns:?} {length}");
                    }
                    let mut down = broken.clone();
                    down.down();
                    assert_eq!((down.running(), down.seen.desired), (false.into(), 0), "{sort} {turns:?} {length}");
                    let mut up = broken.clone();
                    up.up();
                    assert_eq!(up, account, "{sort} {turns:?} {length}");
                    let mut again = broken.clone();
                    again.up_until(UNTIL_EIGHT);
                    assert_eq!(again.running(), "until 2026-11-21 20:00:00 UTC".into(), "{sort} {turns:?} {length}");
                    assert_eq!(again.seen.desired, account.seen.desired, "{sort} {turns:?} {length}");
                }
            }
        }
    }
}

#[test]
fn a_service_never_runs_without_the_end_that_it_was_given() {
    for (sort, account) in sorts() {
        let mut there = account.clone();
        there.down();
        for turn in there.seen.start(account.seen.desired, Some(UNTIL_EIGHT)) {
            there.turn(&turn);
            let has_end = there.seen.scaling.as_ref().unwrap().actions.contains_key(UNTIL);
            assert!(has_end || there.seen.desired == 0, "{sort}: {turn:?}");
        }
    }
}

#[test]
fn after_its_end_it_is_down_unless_its_schedule_starts_it_again() {
    for (sort, account) in sorts() {
        let mut there = account.clone();
        there.down().up_until(UNTIL_EIGHT).time_passes();
        let on_schedule = there.seen.scaling.as_ref().unwrap().actions.contains_key(START);
        assert_eq!(there.running(), if on_schedule { "stopped on schedule".into() } else { false.into() }, "{sort}");
        there.up();
        let count = if on_schedule {
            account.seen.scaling.clone().unwrap().target.unwrap().bounds.0.into()
        } else {
            account.seen.desired
        };
        assert_eq!(there.seen, Seen { desired: count, ..account.seen.clone() }, "{sort}");
    }
}

#[test]
fn an_up_for_a_while_lasts_until_its_end_and_down_ends_it() {
    for (sort, account) in sorts() {
        let mut there = account;
        assert!(!there.seen.is_up_for_a_while(), "{sort}");
        there.down();
        assert!(!there.seen.is_up_for_a_while(), "{sort}");
        there.up_until(UNTIL_EIGHT);
        let on_schedule = there.seen.scaling.as_ref().unwrap().actions.contains_key(START);
        // On a schedule nothing is remembered: it goes on by that.
        assert_eq!(there.seen.is_up_for_a_while(), !on_schedule, "{sort}");
        let mut ended = there.clone();
        ended.time_passes();
        assert!(!ended.seen.is_up_for_a_while(), "{sort}");
        there.down();
        assert!(!there.seen.is_up_for_a_while(), "{sort}");
    }
}

#[test]
fn what_runs_only_on_schedule_is_kept_from_starting() {
    let (_, mut there) = sorts().remove(2);
    there.down();
    assert!(there.seen.scaling.as_ref().unwrap().target.as_ref().unwrap().suspended);
    // Somebody lets the schedule go on: then it is not down any more.
    there.turn(&Turn::Scale(Do::Register { bounds: NOTHING, suspended: false }));
    assert_eq!(there.running(), "partly".into());
}

#[test]
fn tags_are_read_as_they_were_written_and_nonsense_does_no_harm() {
    for memory in [
        Memory { count: 2, bounds: None, suspended: false, until: None },
        Memory { count: 0, bounds: Some((1, 4)), suspended: true, until: Some(UNTIL_EIGHT.to_owned()) },
    ] {
        let text = memory.text();
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c)), "{text}");
        assert_eq!(Memory::read(&text), memory);
    }
    for nonsense in ["", "yes", "count= min=1", "count=x max=3 =", "min=1 min=2 max=x"] {
        assert_eq!(Memory::read(nonsense), Memory::default(), "{nonsense}");
    }
}
