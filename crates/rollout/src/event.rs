//! Events of services: which of them are worth a line.

/// What ECS says in the course of every deployment. Tasks are shown as they are.
const NOISE: [&str; 7] = [
    "has reached a steady state",
    "has started ",
    "has stopped ",
    "registered ",
    "deregistered ",
    "has begun draining",
    "deployment completed",
];

/// Whether an event says something that does not show elsewhere.
pub fn is_news(message: &str) -> bool {
    !NOISE.iter().any(|noise| message.contains(noise))
}

/// The event without what the reader knows: the name of the service, and a link into the documentation.
pub fn text(message: &str) -> &str {
    let mut rest = message;
    for begin in ["(service ", "(deployment "] {
        let after = rest.strip_prefix(begin).and_then(|after| after.split_once(") "));
        rest = after.map_or(rest, |(_, after)| after);
    }
    let rest = rest.split(" For more information, see").next().unwrap_or(rest);
    rest.trim().trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_in_every_deployment_is_no_news() {
        assert!(!is_news("(service papyrus) has reached a steady state."));
        assert!(!is_news("(service papyrus) has started 1 tasks: (task 0123)."));
        assert!(!is_news("(service papyrus, taskSet ecs-svc/1) has begun draining connections on 1 tasks."));
        assert!(is_news("(service papyrus) was unable to place a task. Reason: Capacity is unavailable at this time."));
        assert!(is_news("(service papyrus) (deployment ecs-svc/1) deployment failed: tasks failed to start."));
    }

    #[test]
    fn an_event_is_shortened_to_what_it_says() {
        let long =
            "(service papyrus) was unable to place a task. For more information, see the Troubleshooting section.";
        assert_eq!(text(long), "was unable to place a task");
        assert_eq!(text("(service papyrus, taskSet ecs-svc/1) has failed."), "has failed");
        assert_eq!(text("(service papyrus) (deployment ecs-svc/1) deployment failed: no."), "deployment failed: no");
        assert_eq!(text("anything"), "anything");
    }
}
