//! The patterns by which causes are known. Sources: "Stopped task error codes" and "Service event messages" in the ECS developer
//! guide, and the error names of the ECS agent.

use crate::cause::{Cause, CauseKind, READ_LOG, Stopped};
use crate::event::text;

use CauseKind as K;

const UNREACHABLE: [&str; 11] = [
    "i/o timeout",
    "dial tcp",
    "context canceled",
    "context deadline exceeded",
    "request canceled",
    "connection issue",
    "no such host",
    "tls handshake",
    "connection reset",
    "connection refused",
    "unexpected eof",
];
const DENIED: [&str; 7] = [
    "pull access denied",
    "not authorized",
    "403 forbidden",
    "401 unauthorized",
    "accessdenied",
    "no basic auth",
    "authorization token",
];
/// "failed to resolve ref" is not among them: containerd begins with it whatever the reason.
const MISSING: [&str; 5] = ["not found", "manifest unknown", "name unknown", "does not exist", "resourcenotfound"];

const ROUTE: &str = "give the task a way out: `public_ip: true` in a public subnet, a NAT gateway, or VPC endpoints (ecr.api, ecr.dkr, s3, logs); \
     the security group must let 443 out";
const BUILD: &str = "build it for that, or change `architecture:` of the task definition";

fn any(text: &str, fragments: &[&str]) -> bool {
    fragments.iter().any(|fragment| text.contains(fragment))
}

fn cause(kind: K, what: impl Into<String>, advice: impl Into<String>) -> Option<Cause> {
    Some(Cause::new(kind, what, advice))
}

/// Why a task stopped; nothing where that is no trouble: a new revision took its place, or fewer tasks are wanted.
pub fn classify(stopped: &Stopped<'_>) -> Option<Cause> {
    let said = format!("{} {}", stopped.reason.unwrap_or_default(), stopped.container_reason.unwrap_or_default());
    let lower = said.to_ascii_lowercase();
    let of = stopped.container.map_or("the container".to_owned(), |name| format!("the container `{name}`"));
    if any(&lower, &["scaling activity initiated by"]) {
        return None;
    }
    if any(&lower, &["descriptor matching platform", "no matching manifest", "does not match the specified platform"]) {
        let platform = said.split('\'').nth(1).filter(|word| word.contains('/'));
        let what = match platform {
            Some(platform) => format!("the image of {of} has nothing for {platform}"),
            None => format!("the image of {of} was built for other machines"),
        };
        return cause(K::WrongArchitecture, what, BUILD);
    }
    if any(&lower, &["cannotpull", "imagepull", "pull image manifest"])
        || any(&lower, &["toomanyrequests", "pull rate"])
    {
        return pull(&lower, &said, &of);
    }
    if lower.contains("resourceinitializationerror") {
        return init(&lower, &said);
    }
    if any(&lower, &["unable to assume the role", "unable to assume role"]) {
        return role();
    }
    if lower.contains("network interface provisioning") {
        let advice = "it passes by itself, unless the subnet has no free addresses left";
        return cause(K::NoInterface, "the task got no network interface in time", advice);
    }
    if any(&lower, &["failed container health checks"]) {
        let advice = "see that its command works inside of the image (`curl` may not be there) and that `start_period` is long enough";
        return cause(K::Unhealthy, format!("the health check of {of} fails"), advice);
    }
    if any(&lower, &["failed elb health checks", "failed health checks in"]) {
        return balancer();
    }
    if any(&lower, &["spot task was interrupted", "spot interruption"]) || stopped.stop_code == Some("SpotInterruption")
    {
        return cause(K::SpotReclaimed, "Fargate Spot took the task back", "nothing to do: another one is started");
    }
    ran(stopped, &lower, &said, &of)
}

/// The task ran, or nearly did.
fn ran(stopped: &Stopped<'_>, lower: &str, said: &str, of: &str) -> Option<Cause> {
    let log = stopped.log.iter().any(|line| line.to_ascii_lowercase().contains("exec format error"));
    if log || lower.contains("exec format error") {
        let what = format!("{of} holds a program for other machines, or a script without `#!` (exec format error)");
        return cause(K::WrongArchitecture, what, BUILD);
    }
    let exited = stopped.exit_code;
    if any(lower, &["outofmemory"]) {
        let code = exited.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        let advice = "raise `memory:` of the task definition, or lower what the program takes";
        return cause(K::OutOfMemory, format!("{of} was killed because it used up its memory{code}"), advice);
    }
    if any(lower, &["no space left on device"]) {
        return no_space();
    }
    if any(lower, &["cannotstartcontainer", "cannotcreatecontainer", "containerruntimeerror", "failed to create shim"])
    {
        let what = format!("{of} cannot be started: {}", tail(said));
        return cause(
            K::CannotStart,
            what,
            "see that `command:` and `entrypoint:` name a file that the image has and may be run",
        );
    }
    if let Some("UserInitiated") = stopped.stop_code {
        return cause(K::StoppedByHand, "somebody stopped the task", "nothing to do: another one is started");
    }
    match exited {
        Some(137) => cause(
            K::Killed,
            format!("{of} was killed (exit code 137)"),
            format!("often for want of memory, or because it did not stop in time; {READ_LOG}"),
        ),
        Some(127) => cause(
            K::Exited,
            format!("{of} did not find its command (exit code 127)"),
            "see that the image has what `command:` names",
        ),
        Some(126) => cause(
            K::Exited,
            format!("{of} may not run its command (exit code 126)"),
            "see that the file can be executed (`chmod +x`)",
        ),
        Some(139) => cause(K::Exited, format!("{of} crashed (exit code 139, a segmentation fault)"), READ_LOG),
        Some(0) if stopped.stop_code == Some("EssentialContainerExited") => cause(
            K::Ended,
            format!("{of} ended by itself with exit code 0"),
            "a service has to go on running; for work that ends, use a one-off task",
        ),
        // What ECS has ended is told its end with SIGTERM.
        Some(0 | 143) if stopped.stop_code != Some("EssentialContainerExited") => None,
        Some(code) => cause(K::Exited, format!("{of} ended with exit code {code}"), READ_LOG),
        None if matches!(stopped.stop_code, Some("TaskFailedToStart" | "EssentialContainerExited")) => {
            cause(K::Unknown, tail(said), "see \"Stopped task error codes\" in the ECS developer guide")
        }
        None => None,
    }
}

fn pull(lower: &str, said: &str, of: &str) -> Option<Cause> {
    if any(lower, &["toomanyrequests", "pull rate"]) {
        return cause(
            K::PullLimit,
            "Docker Hub lets this address pull no more images for now",
            "copy the image into ECR, or log in to Docker Hub",
        );
    }
    if any(lower, &["no space left on device"]) {
        return no_space();
    }
    if any(lower, &UNREACHABLE) {
        return cause(K::NoRoute, format!("the registry of {of} cannot be reached"), ROUTE);
    }
    if any(lower, &DENIED) {
        let advice =
            "let the execution role pull it (AmazonECSTaskExecutionRolePolicy); a bare name means Docker Hub, not ECR";
        return cause(K::ImageDenied, format!("the image of {of} may not be pulled"), advice);
    }
    if any(lower, &MISSING) {
        let what = match image(said) {
            Some(image) => format!("the image {image} is not there"),
            None => format!("the image of {of} is not there"),
        };
        return cause(K::ImageMissing, what, "push it, or correct repository, tag, account or region");
    }
    cause(
        K::ImageNotPulled,
        format!("the image of {of} cannot be pulled: {}", tail(said)),
        "see that it can be pulled elsewhere",
    )
}

/// The image that a message names. Only registries with a host have a dot before the first slash.
fn image(said: &str) -> Option<&str> {
    let mut words = said.split_whitespace().map(|word| word.trim_matches(|c| matches!(c, '"' | '\'' | ',' | '`')));
    words.find_map(|word| {
        let word = word.trim_end_matches(':');
        let host = word.split_once('/')?.0;
        (host.contains('.') && !word.contains("://")).then_some(word)
    })
}

fn init(lower: &str, said: &str) -> Option<Cause> {
    if any(lower, &["validate logger args", "log group", "create stream", "createlogstream"]) {
        if any(lower, &["resourcenotfound", "does not exist"]) {
            return cause(
                K::LogGroupMissing,
                "the log group does not exist",
                "write it into `log_groups:`, or correct its name",
            );
        }
        if any(lower, &["accessdenied", "not authorized"]) {
            return cause(
                K::LogsDenied,
                "the execution role may not write the log",
                "allow it logs:CreateLogStream and logs:PutLogEvents",
            );
        }
    }
    if any(lower, &UNREACHABLE) {
        return cause(K::NoRoute, "the task reaches neither its registry nor its secrets", ROUTE);
    }
    if lower.contains("getauthorizationtoken") {
        return cause(
            K::ImageDenied,
            "the execution role may not log in to ECR",
            "give it AmazonECSTaskExecutionRolePolicy",
        );
    }
    if any(lower, &["secret", "ssm", "kms"]) {
        if any(lower, &["accessdenied", "not authorized"]) {
            let advice = "allow it ssm:GetParameters or secretsmanager:GetSecretValue on it, and kms:Decrypt where it has a key of its own";
            return cause(K::SecretDenied, "the execution role may not read a secret", advice);
        }
        if any(lower, &["resourcenotfound", "not found", "can't find", "invalid ssm parameters", "invalid parameters"])
        {
            return cause(
                K::SecretMissing,
                format!("a secret does not exist: {}", tail(said)),
                "make it, or correct its name under `secrets:`",
            );
        }
        return cause(
            K::SecretUnreadable,
            format!("a secret cannot be read: {}", tail(said)),
            "see that it exists and that the execution role may read it",
        );
    }
    if any(lower, &["efs", "volume", "mount"]) {
        let advice =
            "see that the file system has a mount target in the subnet and that its security group lets 2049 in";
        return cause(K::VolumeNotMounted, format!("a volume cannot be mounted: {}", tail(said)), advice);
    }
    cause(
        K::InitFailed,
        format!("the task cannot be set up: {}", tail(said)),
        "see \"Stopped task error codes\" in the ECS developer guide",
    )
}

fn role() -> Option<Cause> {
    let advice = "its trust policy must name ecs-tasks.amazonaws.com; a role that was made a moment ago needs a minute";
    cause(K::RoleNotAssumed, "ECS cannot assume a role of the task", advice)
}

fn balancer() -> Option<Cause> {
    let advice = "see that port and path are right, that its security group lets the load balancer in, and that `health_check_grace_period` is long enough";
    cause(K::BalancerUnhealthy, "the health check of the load balancer fails", advice)
}

fn no_space() -> Option<Cause> {
    cause(
        K::NoSpace,
        "the image does not fit on the disk of the task",
        "raise `ephemeral_storage:`, or make the image smaller",
    )
}

/// The part of a message that says something: what follows the name of the error, cut to a line.
fn tail(said: &str) -> String {
    let said = said.trim();
    let rest = match said.split_once(": ") {
        Some((name, rest)) if name.ends_with("Error") && !name.contains(' ') => rest,
        _ => said,
    };
    let mut short: String = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    if short.chars().count() > 160 {
        short = short.chars().take(159).chain(['…']).collect();
    }
    short.trim_end_matches('.').to_owned()
}

/// What an event of a service says about why a deployment does not get on.
pub fn of_event(message: &str) -> Option<Cause> {
    let lower = message.to_ascii_lowercase();
    if any(&lower, &["unable to place a task"]) {
        if any(&lower, &["limit on the number of vcpus", "limit on the number of tasks", "concurrently"]) {
            return cause(
                K::Quota,
                "the account may not run more Fargate tasks at once",
                "ask for a higher quota (Service Quotas, AWS Fargate), or run less",
            );
        }
        if lower.contains("capacity is unavailable") {
            let advice = "wait, allow more subnets, or take FARGATE instead of FARGATE_SPOT; x86_64 and arm64 run out at different times";
            return cause(K::NoCapacity, "Fargate has no capacity for the task right now", advice);
        }
        let reason = text(message);
        let reason = reason.split_once("Reason: ").map_or(reason, |(_, reason)| reason);
        return cause(
            K::NotPlaced,
            format!("a task cannot be placed: {}", tail(reason)),
            "see that every subnet is in a zone with Fargate",
        );
    }
    if any(&lower, &["because of the service deployment configuration"]) {
        let advice = "raise `maximum_percent:` or lower `minimum_percent:`";
        return cause(K::NoRoom, "minimum and maximum percent leave no room for a new task", advice);
    }
    if any(&lower, &["unable to assume the role", "unable to assume role"]) {
        return role();
    }
    if lower.contains("is unhealthy in") {
        return balancer();
    }
    None
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
