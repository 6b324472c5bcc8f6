#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_engine::diff::differences;
use hatoba_model::kinds::service::{Autoscaling, Schedule};

use super::super::INFO;
use super::*;

fn schedule(start: &str, stop: &str) -> Option<Schedule> {
    let read = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    Some(Schedule { start: read(start), stop: read(stop), timezone: Some("Asia/Tokyo".parse().unwrap()), count: None })
}

fn load(min: u32, max: u32, cpu: Option<u32>) -> Option<Autoscaling> {
    Some(Autoscaling { min: Some(min), max: Some(max), cpu, ..Autoscaling::default() })
}

fn office() -> Option<Schedule> {
    schedule("cron(0 9 ? * MON-FRI *)", "cron(0 18 ? * MON-FRI *)")
}

/// Services of the file, of every sort.
fn specs() -> Vec<Spec> {
    let of = |schedule, autoscaling, desired_count| Spec { schedule, autoscaling, desired_count, ..Spec::default() };
    vec![
        of(None, None, Some(2)),
        of(office(), None, None),
        of(office(), None, Some(3)),
        of(schedule("", "cron(0 20 * * ? *)"), None, Some(0)),
        of(schedule("cron(0 7 * * ? *)", ""), None, None),
        of(None, load(1, 4, Some(60)), None),
        of(None, load(2, 2, None), None),
        of(office(), load(2, 6, Some(50)), Some(4)),
        of(
            None,
            Some(Autoscaling {
                memory: Some(70),
                scale_in: Some(false),
                scale_in_cooldown: Some(300),
                scale_out_cooldown: Some(60),
                ..load(1, 9, Some(60)).unwrap()
            }),
            None,
        ),
    ]
}

/// What is there after these calls.
fn carried_out(have: &Scaling, steps: &[Do]) -> Scaling {
    let mut there = have.clone();
    for step in steps {
        match step.clone() {
            Do::Register { bounds, suspended } => there.target = Some(Target { bounds, suspended }),
            Do::Deregister => there = Scaling::default(),
            Do::PutAction(name, action) => {
                assert!(there.target.is_some());
                there.actions.insert(name, action);
            }
            Do::DeleteAction(name) => assert!(there.actions.remove(&name).is_some()),
            Do::PutPolicy(name, policy) => {
                assert!(there.target.is_some());
                there.policies.insert(name, policy);
            }
            Do::DeletePolicy(name) => assert!(there.policies.remove(&name).is_some()),
        }
    }
    there
}

fn changed(wish: &Fields, there: &Fields) -> Vec<String> {
    let differ = differences(&INFO, wish, there);
    let ours = differ.into_iter().map(|change| change.path);
    ours.filter(|path| path.starts_with("schedule") || path.starts_with("autoscaling")).collect()
}

/// Brings a file's wish about, from what is there.
fn apply(spec: &Spec, have: &Scaling, is_down: bool, desired: i64) -> (Scaling, Option<String>) {
    let wanted = wanted(&wish(spec));
    let calls = steps(wanted.as_ref().map(|(scaling, _)| scaling), have, is_down, desired);
    (carried_out(have, &calls), wanted.map(|(_, mark)| mark))
}

#[test]
fn from_every_file_to_every_other_there_is_nothing_left_to_do() {
    for is_down in [false, true] {
        for desired in [0, 7] {
            for before in specs() {
                let (have, mark) = apply(&before, &Scaling::default(), is_down, desired);
                assert_eq!(changed(&wish(&before), &normal(&have, mark.as_deref(), is_down)), [""; 0], "{before:?}");
                for after in specs() {
                    let expected = changed(&wish(&after), &normal(&have, mark.as_deref(), is_down));
                    let (there, new_mark) = apply(&after, &have, is_down, desired);
                    let seen = normal(&there, new_mark.as_deref(), is_down);
                    assert_eq!(changed(&wish(&after), &seen), [""; 0], "{before:?} {after:?} {there:?}");
                    assert!(!expected.is_empty() || there == have, "{before:?} {after:?}: {there:?} and shows nothing");
                    if new_mark.is_none() {
                        assert_eq!(there, Scaling::default(), "{before:?} {after:?}");
                    }
                    if is_down {
                        assert!(there.target.is_none_or(|target| target.bounds == NOTHING && target.suspended));
                    }
                }
            }
        }
    }
}

#[test]
fn a_run_that_ends_early_leaves_a_difference() {
    for spec in specs() {
        let Some((want, mark)) = wanted(&wish(&spec)) else { continue };
        let calls = steps(Some(&want), &Scaling::default(), false, 1);
        for length in 0..calls.len() {
            let there = carried_out(&Scaling::default(), &calls[..length]);
            assert!(!changed(&wish(&spec), &normal(&there, Some(&mark), false)).is_empty(), "{spec:?} {length}");
            // And without its file nothing of it stays.
            let gone = Spec::default();
            assert!(!changed(&wish(&gone), &normal(&there, Some(&mark), false)).is_empty(), "{spec:?} {length}");
            assert_eq!(carried_out(&there, &steps(None, &there, false, 1)), Scaling::default());
        }
    }
}

#[test]
fn the_schedule_moving_the_bounds_is_no_difference() {
    for spec in specs().into_iter().filter(|spec| spec.schedule.is_some()) {
        let (mut there, mark) = apply(&spec, &Scaling::default(), false, 1);
        for bounds in [NOTHING, there.target.clone().unwrap().bounds] {
            there.target = Some(Target { bounds, suspended: false });
            assert_eq!(changed(&wish(&spec), &normal(&there, mark.as_deref(), false)), [""; 0], "{spec:?}");
        }
        // But these are somebody's.
        there.target = Some(Target { bounds: (8, 9), suspended: false });
        assert!(!changed(&wish(&spec), &normal(&there, mark.as_deref(), false)).is_empty(), "{spec:?}");
    }
}

#[test]
fn what_somebody_changed_shows_and_is_put_right() {
    let spec = &specs()[7];
    let (there, mark) = apply(spec, &Scaling::default(), false, 4);
    let mut all: Vec<Scaling> = Vec::new();
    let mut change = |how: &dyn Fn(&mut Scaling)| {
        let mut other = there.clone();
        how(&mut other);
        all.push(other);
    };
    change(&|s| s.target.as_mut().unwrap().suspended = true);
    change(&|s| s.actions.get_mut(START).unwrap().dated = true);
    change(&|s| s.actions.get_mut(START).unwrap().bounds = (Some(1), None));
    change(&|s| s.actions.get_mut(STOP).unwrap().bounds = (Some(0), Some(1)));
    change(&|s| s.actions.get_mut(STOP).unwrap().timezone = "UTC".to_owned());
    change(&|s| drop(s.actions.remove(START)));
    change(&|s| s.policies.get_mut("hatoba-cpu").unwrap().value = 50.5);
    change(&|s| s.policies.get_mut("hatoba-cpu").unwrap().metric = "StepScaling".to_owned());
    change(&|s| s.policies.get_mut("hatoba-cpu").unwrap().scale_in_cooldown = Some(1));
    change(&|s| s.policies.clear());
    for other in all {
        assert!(!changed(&wish(spec), &normal(&other, mark.as_deref(), false)).is_empty(), "{other:?}");
        let (there_again, _) = apply(spec, &other, false, 4);
        assert_eq!(there_again, there);
    }
}

#[test]
fn what_others_put_there_stays() {
    let (mut there, mark) = apply(&specs()[7], &Scaling::default(), false, 4);
    let theirs = Action::new("cron(0 12 * * ? *)", "UTC", (3, 3));
    there.actions.insert("lunch".to_owned(), theirs.clone());
    assert_eq!(there.others(), ["lunch"]);
    assert_eq!(changed(&wish(&specs()[7]), &normal(&there, mark.as_deref(), false)), [""; 0]);
    let left = carried_out(&there, &steps(None, &there, false, 4));
    assert_eq!((left.actions.len(), left.policies.len(), left.target), (1, 0, there.target));
}

#[test]
fn a_service_of_which_nothing_runs_waits_for_its_schedule() {
    let bounds = |spec: &Spec, desired| apply(spec, &Scaling::default(), false, desired).0.target.unwrap().bounds;
    assert_eq!((bounds(&specs()[1], 0), bounds(&specs()[1], 1)), (NOTHING, (1, 1)));
    assert_eq!((bounds(&specs()[7], 0), bounds(&specs()[5], 0)), (NOTHING, (1, 4)));
    let first: Vec<u32> = specs().iter().map(first_count).collect();
    assert_eq!(first, [2, 1, 3, 1, 1, 1, 2, 4, 1]);
    let waiting = Spec { desired_count: Some(0), ..specs()[1].clone() };
    assert_eq!(first_count(&waiting), 0);
}

#[test]
fn the_plan_says_what_a_schedule_comes_to() {
    let fields = wish(&specs()[1]);
    assert_eq!(fields["schedule"].get("runs").unwrap().as_text(), Some("45 h of 168 h a week"));
    let (there, mark) = apply(&specs()[1], &Scaling::default(), false, 1);
    let longer =
        Spec { schedule: schedule("cron(0 9 ? * MON-FRI *)", "cron(30 18 ? * MON-FRI *)"), ..specs()[1].clone() };
    let shown = differences(&INFO, &wish(&longer), &normal(&there, mark.as_deref(), false));
    let runs = shown.iter().find(|change| change.path == "schedule.runs").unwrap();
    assert_eq!(runs.after.as_ref().unwrap().as_text(), Some("47.5 h of 168 h a week"));
}
