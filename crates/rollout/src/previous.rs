//! Where a rollback goes.

use crate::state::{ServiceDeployment, ServiceDeploymentStatus, last};

/// A service deployment that completed, with the revision that it brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// When it was made, by the clock of AWS.
    pub created: Option<i64>,
    /// The ARN of the revision.
    pub task_definition: String,
}

/// A revision to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The ARN of the revision.
    pub task_definition: String,
    /// Why this one, in words.
    pub why: String,
}

/// The service revisions of the deployments that completed, the newest first, each once; at most `most`.
pub fn completed(listed: &[ServiceDeployment], most: usize) -> Vec<&ServiceDeployment> {
    let mut done: Vec<&ServiceDeployment> =
        listed.iter().filter(|deployment| deployment.status == ServiceDeploymentStatus::Successful).collect();
    done.sort_by_key(|deployment| std::cmp::Reverse(deployment.created));
    let mut seen = Vec::new();
    done.retain(|deployment| {
        let new = !seen.contains(&deployment.target.as_str());
        seen.push(&deployment.target);
        new
    });
    done.truncate(most);
    done
}

/// The last revision that completed and is not the one that was asked for last. `done` is the newest first.
pub fn of_deployments(runs: &str, done: &[Done]) -> Option<Choice> {
    let chosen = done.iter().find(|done| done.task_definition != runs)?;
    let why = format!("the last revision before {} whose deployment completed", last(runs));
    Some(Choice { task_definition: chosen.task_definition.clone(), why })
}

/// The revision before the one that was asked for last, of those that are active and bear our mark; for services whose deployments
/// are not kept. `revisions` are the numbers of those.
pub fn of_revisions(runs: u64, revisions: &[u64]) -> Option<u64> {
    revisions.iter().copied().filter(|revision| *revision < runs).max()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn deployment(created: i64, status: ServiceDeploymentStatus, target: &str) -> ServiceDeployment {
        ServiceDeployment {
            arn: format!("arn:{created}"),
            status,
            reason: None,
            target: target.to_owned(),
            sources: Vec::new(),
            rollback: None,
            created: Some(created),
        }
    }

    #[test]
    fn only_what_completed_is_gone_back_to() {
        use ServiceDeploymentStatus::{RollbackSuccessful, Stopped, Successful};
        let listed = [
            deployment(1, Successful, "a"),
            deployment(4, RollbackSuccessful, "d"),
            deployment(2, Successful, "b"),
            deployment(5, Stopped, "e"),
            deployment(3, Successful, "a"),
        ];
        let targets = |most| completed(&listed, most).iter().map(|done| done.target.clone()).collect::<Vec<_>>();
        assert_eq!(targets(10), ["a", "b"]);
        assert_eq!(targets(1), ["a"]);
    }

    #[test]
    fn what_runs_is_not_gone_back_to() {
        let done =
            |task: &str| Done { created: None, task_definition: format!("arn:aws:ecs:r:1:task-definition/{task}") };
        let choice =
            of_deployments(&done("papyrus:7").task_definition, &[done("papyrus:7"), done("papyrus:5")]).unwrap();
        assert!(choice.task_definition.ends_with("papyrus:5"));
        assert_eq!(choice.why, "the last revision before papyrus:7 whose deployment completed");
        assert_eq!(of_deployments(&done("papyrus:7").task_definition, &[done("papyrus:7")]), None);
        assert_eq!(of_revisions(7, &[9, 8, 7, 5, 3]), Some(5));
        assert_eq!(of_revisions(3, &[9, 3]), None);
    }
}
