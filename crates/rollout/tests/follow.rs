//! Following a deployment, look by look.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::time::Duration;

use hatoba_rollout::cause::CauseKind;
use hatoba_rollout::ending::{After, By, Ending, Verdict};
use hatoba_rollout::follow::{How, Limits, Next, OnFailure, Rollout, Target};
use hatoba_rollout::note::Note;
use hatoba_rollout::pause::TIMEOUT;
use hatoba_rollout::state::{
    Container, Deployment, Look, Read, RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus, Task, Unread,
};
use proptest::prelude::*;

const OURS: &str = "ecs-svc/2";
const BEFORE: &str = "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:6";
const REVISION: &str = "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:7";
const ARN: &str = "arn:aws:ecs:us-west-2:123456789012:service-deployment/papyrus/papyrus/abc";

fn target() -> Target {
    Target {
        address: "service.papyrus".into(),
        cluster: "papyrus".into(),
        service: "papyrus".into(),
        deployment: Some(OURS.into()),
        task_definition: Some(REVISION.into()),
        before: Some(BEFORE.into()),
    }
}

fn following(target: Target, on_failure: OnFailure) -> Rollout {
    Rollout::new(target, Limits { timeout: TIMEOUT, on_failure })
}

fn deployment(id: &str, primary: bool, rollout: RolloutState) -> Deployment {
    Deployment {
        id: id.into(),
        primary,
        task_definition: if id == OURS { REVISION } else { BEFORE }.into(),
        rollout: Some(rollout),
        desired: 1,
        created: Some(1_000),
        ..Deployment::default()
    }
}

fn service(deployments: Vec<Deployment>) -> Service {
    Service {
        name: "papyrus".into(),
        status: "ACTIVE".into(),
        task_definition: REVISION.into(),
        desired: 1,
        running: 1,
        deployments,
        ..Service::default()
    }
}

fn look(seconds: u64, service: Service) -> Look {
    Look { elapsed: Duration::from_secs(seconds), service: Some(service), ..Look::default() }
}

fn under_way() -> Service {
    service(vec![
        deployment(OURS, true, RolloutState::InProgress),
        deployment("ecs-svc/1", false, RolloutState::Completed),
    ])
}

fn said(status: ServiceDeploymentStatus) -> ServiceDeployment {
    ServiceDeployment {
        arn: ARN.into(),
        status,
        reason: None,
        target: "arn:aws:ecs:us-west-2:123456789012:service-revision/papyrus/papyrus/2".into(),
        sources: Vec::new(),
        rollback: None,
        created: None,
    }
}

fn exited(number: u32, code: i32) -> Task {
    Task {
        id: format!("task{number}"),
        started_by: Some(OURS.into()),
        task_definition: REVISION.into(),
        last: "STOPPED".into(),
        desired: "STOPPED".into(),
        stop_code: Some("EssentialContainerExited".into()),
        stopped_reason: Some("Essential container in task exited".into()),
        containers: vec![Container { name: "app".into(), exit_code: Some(code), ..Container::default() }],
        ..Task::default()
    }
}

#[track_caller]
fn ended(next: Next) -> Ending {
    match next {
        Next::Ended(ending) => *ending,
        other => panic!("not ended: {other:?}"),
    }
}

#[test]
fn what_is_complete_ends_at_the_first_look() {
    let mut rollout = following(target(), OnFailure::Rollback);
    assert_eq!(rollout.wants(), Default::default());
    let done = rollout.take(look(0, service(vec![deployment(OURS, true, RolloutState::Completed)])));
    assert_eq!(ended(done.next).verdict, Verdict::Completed);
}

#[test]
fn a_stable_service_with_another_deployment_is_no_success() {
    for told in [true, false] {
        let mut rollout = following(target(), OnFailure::Rollback);
        let mut seen = under_way();
        seen.current = told.then(|| ARN.to_owned());
        assert_eq!(rollout.take(look(1, seen)).next, Next::Look);
        assert_eq!(rollout.wants().deployment, told.then(|| ARN.to_owned()));
        let mut back = deployment("ecs-svc/3", true, RolloutState::Completed);
        back.reason = Some("ECS deployment completed.".into());
        let mut failed = deployment(OURS, false, RolloutState::Failed);
        failed.reason = Some("ECS deployment circuit breaker: tasks failed to start.".into());
        let mut stable = service(vec![back, failed]);
        stable.task_definition = BEFORE.into();
        let mut next = look(60, stable);
        next.deployment = told.then(|| said(ServiceDeploymentStatus::RollbackSuccessful));
        let ending = ended(rollout.take(next).next);
        assert_eq!(
            (ending.verdict, ending.by, ending.instead.as_deref()),
            (Verdict::RolledBack, By::Ecs, Some(BEFORE))
        );
    }
}

#[test]
fn somebody_elses_deployment_is_no_rollback() {
    let mut rollout = following(target(), OnFailure::Rollback);
    rollout.take(look(1, under_way()));
    let other = "arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:8";
    let mut theirs = deployment("ecs-svc/3", true, RolloutState::InProgress);
    theirs.task_definition = other.into();
    let ending =
        ended(rollout.take(look(5, service(vec![theirs, deployment(OURS, false, RolloutState::InProgress)]))).next);
    assert_eq!((ending.verdict, ending.instead.as_deref()), (Verdict::Superseded, Some(other)));
}

#[test]
fn reads_that_are_behind_are_no_verdict() {
    let mut rollout = following(target(), OnFailure::Rollback);
    let old = service(vec![deployment("ecs-svc/1", true, RolloutState::Completed)]);
    assert_eq!(rollout.take(look(0, old.clone())).next, Next::Look);
    assert_eq!(rollout.take(look(2, under_way())).next, Next::Look);
    // A read from before, and then one that is up to date again.
    assert_eq!(rollout.take(look(3, old.clone())).next, Next::Look);
    assert_eq!(rollout.take(look(4, under_way())).next, Next::Look);
    // What stays away is gone: the revision before was asked for.
    assert_eq!(rollout.take(look(20, old.clone())).next, Next::Look);
    assert_eq!(ended(rollout.take(look(30, old)).next).verdict, Verdict::RolledBack);
}

#[test]
fn without_an_id_the_revision_tells() {
    let lost = || Target { deployment: None, ..target() };
    let mut rollout = following(lost(), OnFailure::Rollback);
    rollout.take(look(0, under_way()));
    let done = rollout.take(look(5, service(vec![deployment(OURS, true, RolloutState::Completed)])));
    assert_eq!(ended(done.next).deployment.as_deref(), Some(OURS));
    let mut rollout = following(lost(), OnFailure::Rollback);
    let mut other = service(vec![deployment("ecs-svc/1", true, RolloutState::Completed)]);
    other.task_definition = BEFORE.into();
    assert_eq!(rollout.take(look(0, other.clone())).next, Next::Look);
    assert_eq!(ended(rollout.take(look(20, other)).next).verdict, Verdict::Superseded);
}

#[test]
fn another_service_deployment_is_not_taken_for_ours() {
    let mut rollout = following(target(), OnFailure::Rollback);
    let mut seen = under_way();
    seen.current = Some(ARN.into());
    rollout.take(look(0, seen.clone()));
    let mut next = look(1, seen.clone());
    let mut other = said(ServiceDeploymentStatus::Successful);
    other.target = "arn:aws:ecs:us-west-2:123456789012:service-revision/papyrus/papyrus/1".into();
    next.deployment = Some(other);
    assert_eq!(rollout.take(next).next, Next::Look);
    rollout.take(look(2, seen));
    assert_eq!(rollout.wants().deployment, None);
}

#[test]
fn what_the_program_does_twice_ends_it_and_half_of_many_have_to() {
    for (desired, needed) in [(1, 2), (4, 2), (10, 5)] {
        let mut rollout = following(target(), OnFailure::Leave);
        let seen = Service { desired, ..under_way() };
        let mut decided = None;
        for number in 1..=6_u32 {
            let mut next = look(number.into(), seen.clone());
            next.tasks = vec![exited(number, 1)];
            // The log does not come.
            next.unread = vec![Unread { read: Read::Logs, message: "logs: no".into(), passes: false }];
            if let Next::Ended(ending) = rollout.take(next).next {
                decided = Some((number, ending.verdict, ending.after));
                break;
            }
        }
        assert_eq!(decided, Some((needed, Verdict::Failed, After::Left)), "{desired}");
    }
}

#[test]
fn the_log_is_waited_for_before_it_is_decided() {
    let mut rollout = following(target(), OnFailure::Leave);
    rollout.take(look(0, under_way()));
    let mut next = look(1, under_way());
    next.tasks = vec![exited(1, 255), exited(2, 255)];
    assert_eq!(rollout.take(next).next, Next::LookNow);
    let wanted = rollout.wants().logs;
    assert_eq!(wanted.iter().map(|log| log.task.as_str()).collect::<Vec<_>>(), ["task1", "task2"]);
    let mut next = look(2, under_way());
    next.logs = wanted
        .into_iter()
        .map(|log| hatoba_rollout::state::LogTail {
            task: log.task,
            container: log.container,
            lines: vec!["exec format error".into()],
        })
        .collect();
    let ending = ended(rollout.take(next).next);
    assert_eq!(ending.cause.map(|cause| cause.kind), Some(CauseKind::WrongArchitecture));
}

#[test]
fn who_wants_it_stopped_gets_what_ran_before() {
    let mut rollout = following(target(), OnFailure::Leave);
    rollout.take(look(0, under_way()));
    rollout.stop();
    // Only with its ARN can it be stopped; where ECS tells none, the revision before is brought back.
    assert_eq!(rollout.take(look(1, under_way())).next, Next::LookNow);
    assert!(rollout.wants().list.is_some());
    let mut next = look(2, under_way());
    next.listed = Some(Vec::new());
    assert_eq!(rollout.take(next).next, Next::RollBack(How::Revision(BEFORE.into())));
    assert_eq!(rollout.rolled_back(None).next, Next::LookNow);
    let mut back = service(vec![deployment("ecs-svc/3", true, RolloutState::Completed)]);
    back.task_definition = BEFORE.into();
    let ending = ended(rollout.take(look(9, back)).next);
    assert_eq!((ending.verdict, ending.by), (Verdict::RolledBack, By::User));
}

#[test]
fn a_rollback_that_is_refused_leaves_a_failure() {
    let mut rollout = following(target(), OnFailure::Rollback);
    let mut seen = under_way();
    seen.current = Some(ARN.into());
    rollout.take(look(0, seen.clone()));
    let mut next = look(1_200, seen.clone());
    next.deployment = Some(said(ServiceDeploymentStatus::InProgress));
    assert_eq!(rollout.take(next).next, Next::RollBack(How::Stop(ARN.into())));
    let mut denied = rollout.clone();
    let ending = ended(denied.rolled_back(Some(("ecs:StopServiceDeployment: AccessDenied".into(), false))).next);
    assert_eq!(ending.verdict, Verdict::TimedOut);
    assert!(matches!(ending.after, After::NotRolledBack(why) if why.contains("AccessDenied")));
    // It has just become complete: that counts.
    assert_eq!(
        rollout.rolled_back(Some(("ecs:StopServiceDeployment: ConflictException".into(), true))).next,
        Next::Look
    );
    let mut next = look(1_201, seen);
    next.deployment = Some(said(ServiceDeploymentStatus::Successful));
    assert_eq!(ended(rollout.take(next).next).verdict, Verdict::Completed);
}

#[test]
fn what_may_not_be_read_is_said_once_and_left_out() {
    let mut rollout = following(target(), OnFailure::Rollback);
    rollout.take(look(0, under_way()));
    assert!(rollout.wants().tasks);
    let denied = || Unread { read: Read::Tasks, message: "ecs:ListTasks: no".into(), passes: false };
    for (second, told) in [(1, 1), (2, 0)] {
        let next = Look { unread: vec![denied()], ..look(second, under_way()) };
        let notes = rollout.take(next).notes;
        assert_eq!(notes.iter().filter(|note| matches!(note, Note::Unread(_))).count(), told);
        assert!(!rollout.wants().tasks);
    }
}

#[test]
fn what_fails_is_not_asked_for_again_at_once_nor_for_ever() {
    let mut rollout = following(target(), OnFailure::Rollback);
    rollout.take(look(0, under_way()));
    rollout.stop();
    assert_eq!(rollout.take(look(1, under_way())).next, Next::LookNow);
    let throttled =
        || Unread { read: Read::List, message: "ecs:ListServiceDeployments: slow down".into(), passes: true };
    for second in [2, 3] {
        assert_eq!(rollout.take(Look { unread: vec![throttled()], ..look(second, under_way()) }).next, Next::Look);
    }
    let next = rollout.take(Look { unread: vec![throttled()], ..look(4, under_way()) }).next;
    assert_eq!(next, Next::RollBack(How::Revision(BEFORE.into())));
}

#[test]
fn a_service_that_is_deleted_is_no_success() {
    let mut rollout = following(target(), OnFailure::Rollback);
    rollout.take(look(0, under_way()));
    let ending = ended(rollout.take(look(1, Service { status: "DRAINING".into(), ..under_way() })).next);
    assert_eq!(
        (ending.verdict, ending.reason.as_deref()),
        (Verdict::Failed, Some("the service was deleted meanwhile"))
    );
}

fn any_rollout() -> impl Strategy<Value = Option<RolloutState>> {
    prop_oneof![
        Just(Some(RolloutState::InProgress)),
        Just(Some(RolloutState::Completed)),
        Just(Some(RolloutState::Failed)),
        Just(None)
    ]
}

fn any_status() -> impl Strategy<Value = ServiceDeploymentStatus> {
    use ServiceDeploymentStatus::*;
    prop_oneof![
        Just(Pending),
        Just(InProgress),
        Just(Successful),
        Just(StopRequested),
        Just(Stopped),
        Just(RollbackRequested),
        Just(RollbackInProgress),
        Just(RollbackSuccessful),
        Just(RollbackFailed),
        Just(Other)
    ]
}

prop_compose! {
    fn any_look()(
        ids in proptest::collection::vec(0_u8..4, 0..3),
        rollouts in proptest::collection::vec(any_rollout(), 3),
        rolls_back in any::<bool>(),
        running in 0_u32..3,
        status in proptest::option::of(any_status()),
        mine in any::<bool>(),
        there in proptest::bool::weighted(0.9),
        listed in any::<bool>(),
        codes in proptest::collection::vec(0_i32..3, 0..3),
        first in 0_u32..20,
        fails in proptest::option::weighted(0.2, (0_usize..4, proptest::bool::weighted(0.8))),
    ) -> Look {
        let deployments = ids.iter().zip(&rollouts).enumerate().map(|(at, (id, rollout))| Deployment {
            rollout: *rollout,
            reason: rolls_back.then(|| "rolling back to deploymentId ecs-svc/1.".to_owned()),
            ..deployment(&format!("ecs-svc/{id}"), at == 0, RolloutState::InProgress)
        });
        let service = Service { running, current: status.map(|_| ARN.to_owned()), ..service(deployments.collect()) };
        let said = status.map(|status| {
            let number = if mine { 2 } else { 1 };
            ServiceDeployment { target: format!("arn:x/{number}"), ..said(status) }
        });
        Look {
            service: there.then_some(service),
            listed: listed.then(|| said.iter().cloned().collect()),
            deployment: said,
            unread: fails
                .map(|(which, passes)| {
                    let read = [Read::Deployment, Read::List, Read::Tasks, Read::Logs][which];
                    Unread { read, message: "no".into(), passes }
                })
                .into_iter()
                .collect(),
            tasks: codes.iter().zip(first..).map(|(code, number)| exited(number, *code)).collect(),
            ..Look::default()
        }
    }
}

/// Whether a look shows that what was asked for runs.
fn shows_success(look: &Look) -> bool {
    let said = look.deployment.iter().chain(look.listed.iter().flatten());
    let successful = said.into_iter().any(|it| it.is(OURS) && it.status == ServiceDeploymentStatus::Successful);
    let listed = look.service.iter().any(|service| {
        let primary = service.primary().filter(|primary| primary.id == OURS);
        primary.is_some_and(|primary| match primary.rollout {
            Some(rollout) => rollout == RolloutState::Completed,
            None => service.running >= service.desired,
        })
    });
    successful || listed
}

proptest! {
    /// Whatever ECS tells in whatever order: only what it says to be complete is taken for complete, and following ends.
    #[test]
    fn success_is_only_what_ecs_says(
        looks in proptest::collection::vec(any_look(), 1..40),
        leave in any::<bool>(),
        refused in proptest::option::of(any::<bool>()),
    ) {
        let on_failure = if leave { OnFailure::Leave } else { OnFailure::Rollback };
        let mut rollout = following(target(), on_failure);
        let mut ending = None;
        let step = TIMEOUT / 10;
        let mut seen = Vec::new();
        for (at, look) in looks.iter().cycle().take(200).enumerate() {
            let look = Look { elapsed: step * u32::try_from(at).unwrap(), ..look.clone() };
            seen.push(look.clone());
            let mut next = rollout.take(look).next;
            if let Next::RollBack(_) = next {
                next = rollout.rolled_back(refused.map(|over| ("no".to_owned(), over))).next;
            }
            if let Next::Ended(end) = next {
                ending = Some(*end);
                break;
            }
        }
        let ending = ending.expect_ended();
        if ending.verdict == Verdict::Completed {
            prop_assert!(seen.iter().any(shows_success), "{ending:?}");
        }
        prop_assert!(ending.took <= 4 * TIMEOUT, "{ending:?}");
    }
}

trait Ended {
    fn expect_ended(self) -> Ending;
}

impl Ended for Option<Ending> {
    fn expect_ended(self) -> Ending {
        match self {
            Some(ending) => ending,
            None => panic!("following never ends"),
        }
    }
}
