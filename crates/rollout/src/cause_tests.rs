#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use super::*;

/// The messages of tasks that could not start, as the ECS developer guide and public reports quote them.
const START: &[(&str, K)] = &[
    (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:v9: 123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:v9: not found",
        K::ImageMissing,
    ),
    (
        "CannotPullContainerError: The task cannot pull docker.io/acme/papyrus:v1 from the registry. pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed.",
        K::ImageDenied,
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref x.dkr.ecr.us-west-2.amazonaws.com/a:1: unexpected status from HEAD request: 403 Forbidden",
        K::ImageDenied,
    ),
    (
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'",
        K::WrongArchitecture,
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref x.dkr.ecr.us-west-2.amazonaws.com/a:1: failed to do request: Head \"https://x\": dial tcp 10.0.0.1:443: i/o timeout",
        K::NoRoute,
    ),
    ("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit.", K::PullLimit),
    ("CannotPullContainerError: failed to extract layer: write /x: no space left on device", K::NoSpace),
    ("CannotPullContainerError: something new", K::ImageNotPulled),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): AccessDeniedException: User is not authorized to perform: secretsmanager:GetSecretValue",
        K::SecretDenied,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: invalid ssm parameters: /papyrus/db",
        K::SecretMissing,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. operation error ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://api.ecr.us-west-2.amazonaws.com/\": dial tcp 1.2.3.4:443: i/o timeout",
        K::NoRoute,
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: User is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
        K::ImageDenied,
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: operation error CloudWatch Logs: CreateLogStream, ResourceNotFoundException: The specified log group does not exist. : exit status 1",
        K::LogGroupMissing,
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: AccessDeniedException: not authorized to perform: logs:CreateLogStream : exit status 1",
        K::LogsDenied,
    ),
    (
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: Connection timed out",
        K::VolumeNotMounted,
    ),
    ("ResourceInitializationError: failed to do something new", K::InitFailed),
    (
        "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x' that was provided for this task.",
        K::RoleNotAssumed,
    ),
    ("Timeout waiting for network interface provisioning to complete.", K::NoInterface),
    ("Your Spot Task was interrupted.", K::SpotReclaimed),
    ("Something that nobody has seen before", K::Unknown),
];

fn failed_to_start(reason: &str) -> Option<Cause> {
    let container = Some("app");
    classify(&Stopped { stop_code: Some("TaskFailedToStart"), reason: Some(reason), container, ..Stopped::default() })
}

fn exited(code: i32, reason: Option<&str>, log: &[&str]) -> Option<Cause> {
    let log: Vec<String> = log.iter().map(|line| (*line).to_owned()).collect();
    classify(&Stopped {
        stop_code: Some("EssentialContainerExited"),
        reason: Some("Essential container in task exited"),
        container: Some("app"),
        container_reason: reason,
        exit_code: Some(code),
        log: &log,
    })
}

#[test]
fn tasks_that_do_not_start_have_a_cause_and_a_way_out() {
    for (reason, kind) in START {
        let cause = failed_to_start(reason).unwrap();
        assert_eq!(cause.kind, *kind, "{reason}");
        let line = cause.to_string();
        assert!(line.contains(" — ") && !line.contains('\n') && line.chars().count() < 400, "{line}");
    }
}

#[test]
fn the_image_and_the_machine_are_named() {
    let what = |reason: &str| failed_to_start(reason).unwrap().what;
    assert_eq!(what(START[0].0), "the image 123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:v9 is not there");
    assert_eq!(what(START[3].0), "the image of the container `app` has nothing for linux/amd64");
}

#[test]
fn containers_that_end_have_a_cause() {
    let kind = |cause: Option<Cause>| cause.map(|cause| cause.kind);
    assert_eq!(kind(exited(1, None, &["Traceback"])), Some(K::Exited));
    assert_eq!(
        kind(exited(137, Some("OutOfMemoryError: Container killed due to memory usage"), &[])),
        Some(K::OutOfMemory)
    );
    assert_eq!(kind(exited(137, None, &[])), Some(K::Killed));
    assert_eq!(kind(exited(0, None, &[])), Some(K::Ended));
    assert_eq!(kind(exited(255, None, &["exec /app: exec format error"])), Some(K::WrongArchitecture));
    assert_eq!(exited(127, None, &[]).unwrap().what, "the container `app` did not find its command (exit code 127)");
    let runtime =
        "CannotStartContainerError: Error response from daemon: exec: \"nope\": executable file not found in $PATH";
    let cannot = classify(&Stopped {
        stop_code: Some("EssentialContainerExited"),
        container_reason: Some(runtime),
        ..Stopped::default()
    });
    assert_eq!(kind(cannot), Some(K::CannotStart));
}

#[test]
fn health_checks_are_told_apart() {
    let by = |reason: &str| {
        classify(&Stopped { stop_code: Some("ServiceSchedulerInitiated"), reason: Some(reason), ..Stopped::default() })
    };
    assert_eq!(by("Task failed container health checks").unwrap().kind, K::Unhealthy);
    let balancer =
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-west-2:1:targetgroup/x)";
    assert_eq!(by(balancer).unwrap().kind, K::BalancerUnhealthy);
}

#[test]
fn that_a_task_is_replaced_is_no_trouble() {
    let replaced = Stopped {
        stop_code: Some("ServiceSchedulerInitiated"),
        reason: Some("Scaling activity initiated by (deployment ecs-svc/1234567890123456789)"),
        exit_code: Some(137),
        ..Stopped::default()
    };
    assert_eq!(classify(&replaced), None);
    let by_hand =
        Stopped { stop_code: Some("UserInitiated"), reason: Some("Task stopped by user"), ..Stopped::default() };
    assert!(!classify(&by_hand).unwrap().kind.is_failure());
}

#[test]
fn events_tell_what_tasks_do_not() {
    let kind = |message: &str| of_event(message).map(|cause| cause.kind);
    let place = "(service papyrus) was unable to place a task. Reason: ";
    let capacity = "Capacity is unavailable at this time. Please try again later or in a different availability zone.";
    assert_eq!(kind(&format!("{place}{capacity}")), Some(K::NoCapacity));
    let quota = "You've reached the limit on the number of vCPUs you can run concurrently.";
    assert_eq!(kind(&format!("{place}{quota}")), Some(K::Quota));
    assert_eq!(of_event(&format!("{place}Internal error.")).unwrap().what, "a task cannot be placed: Internal error");
    let room = "(service papyrus) was unable to stop or start tasks during a deployment because of the service deployment configuration.";
    assert_eq!(kind(room), Some(K::NoRoom));
    assert_eq!(kind("(service papyrus) has reached a steady state."), None);
}

#[test]
fn below_the_log_nobody_is_sent_to_read_it() {
    for code in [1, 137, 139] {
        let stopped =
            Stopped { stop_code: Some("EssentialContainerExited"), exit_code: Some(code), ..Stopped::default() };
        let cause = classify(&stopped).unwrap();
        assert!(cause.to_string().ends_with("read its log"), "{cause}");
        let below = cause.below_log();
        assert!(below.ends_with("its last lines are above") && !below.contains("read its log"), "{below}");
    }
    let ended = Stopped { stop_code: Some("EssentialContainerExited"), exit_code: Some(0), ..Stopped::default() };
    let cause = classify(&ended).unwrap();
    assert_eq!(cause.below_log(), cause.to_string());
}
