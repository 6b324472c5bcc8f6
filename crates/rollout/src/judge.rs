//! What a look comes to.

use std::time::Duration;

use crate::ending::{After, By, Verdict};
use crate::follow::{How, Next, OnFailure, Phase, Rollout, Why};
use crate::note::Note;
use crate::state::{Deployment, Read, RolloutState, Service, ServiceDeploymentStatus as Status, last};

impl Rollout {
    pub(crate) fn judge(&mut self, notes: &mut Vec<Note>) -> Next {
        if self.is_deleted() {
            return self.ending(Verdict::Failed, By::Ecs, After::Over);
        }
        let Some(service) = self.service.clone() else { return self.in_time(Next::Look) };
        if let Some(next) = self.by_service_deployment(&service, notes) {
            return next;
        }
        if self.deployment.is_none()
            && let Some(next) = self.by_deployments(&service, notes)
        {
            return if let Next::Ended(_) = next { next } else { self.in_time(next) };
        }
        self.tasks_wanted = true;
        let logs = !self.off.contains(&Read::Logs);
        self.in_time(if logs && self.has_new_log() { Next::LookNow } else { Next::Look })
    }

    /// What the service deployment says, where ECS keeps one.
    fn by_service_deployment(&mut self, service: &Service, notes: &mut Vec<Note>) -> Option<Next> {
        let deployment = self.deployment.clone()?;
        match deployment.status {
            Status::Successful => Some(self.ending(Verdict::Completed, By::Ecs, After::Over)),
            Status::RollbackSuccessful => Some(self.back()),
            Status::RollbackFailed => {
                let why = deployment.reason.unwrap_or_else(|| "ECS says so".to_owned());
                Some(self.lost(After::NotRolledBack(why)))
            }
            Status::Stopped if self.is_superseded(service) => {
                Some(self.ending(Verdict::Superseded, By::Ecs, After::Over))
            }
            Status::Stopped => Some(self.lost(After::Over)),
            Status::RollbackRequested | Status::RollbackInProgress | Status::StopRequested => {
                let why = deployment.rollback.or(deployment.reason).unwrap_or_default();
                self.tell_rolling_back(why, notes);
                None
            }
            Status::Pending | Status::InProgress | Status::Other => None,
        }
    }

    /// What the list of deployments says, where there is no service deployment to ask.
    fn by_deployments(&mut self, service: &Service, notes: &mut Vec<Note>) -> Option<Next> {
        if let Phase::RollingBack { how: How::Revision(before), .. } = &self.phase {
            let primary = service.primary().filter(|primary| last(&primary.task_definition) == last(before));
            let back = primary.is_some_and(|primary| is_complete(primary, service))
                && last(&service.task_definition) == last(before);
            return back.then(|| self.back());
        }
        if self.id.is_none() {
            // The call did not tell, and what was asked for last is something else: unless reads are behind.
            let other = service.primary().is_some() && self.elapsed >= self.lag();
            return if other {
                Some(self.ending(Verdict::Superseded, By::Ecs, After::Over))
            } else {
                // Without any deployments only the counts tell.
                let wanted = self.target.task_definition.as_ref();
                let brings = wanted.is_none_or(|wanted| last(wanted) == last(&service.task_definition));
                (service.deployments.is_empty() && brings && service.running >= service.desired)
                    .then(|| self.ending(Verdict::Completed, By::Ecs, After::Over))
            };
        }
        let Some(ours) = self.ours(service) else {
            // Reads may be behind.
            if self.since.is_none() && self.elapsed < self.lag() {
                return None;
            }
            let since = *self.gone_since.get_or_insert(self.elapsed);
            let expected = self.rolling_back_told || matches!(self.phase, Phase::RollingBack { .. });
            if !expected && self.elapsed.saturating_sub(since) < self.lag() {
                return None;
            }
            return self.not_primary(None, service, notes);
        };
        self.gone_since = None;
        if !ours.primary {
            return self.not_primary(Some(ours), service, notes);
        }
        if ours.rollout == Some(RolloutState::Failed) {
            let since = *self.failed_since.get_or_insert(self.elapsed);
            // A rollback shows a moment later as another deployment; and what ECS says of the service deployment tells more.
            let knows = self.candidate.is_none() || self.off.contains(&Read::Deployment);
            let waited = self.elapsed.saturating_sub(since) >= self.lag();
            return (knows && waited).then(|| self.ending(Verdict::Failed, By::Ecs, After::Over));
        }
        // A service deployment that is not finished may have more to do, such as a bake time; but what is complete costs no call.
        is_complete(ours, service).then(|| self.ending(Verdict::Completed, By::Ecs, After::Over))
    }

    /// Another deployment was asked for last: a rollback, or somebody else's.
    fn not_primary(&mut self, ours: Option<&Deployment>, service: &Service, notes: &mut Vec<Note>) -> Option<Next> {
        if self.candidate.is_some() && !self.off.contains(&Read::Deployment) && !self.listed {
            // The service deployment that is current may be ours: a rollback is a part of it.
            self.list = true;
            if !self.off.contains(&Read::List) {
                return Some(Next::LookNow);
            }
        }
        let primary = service.primary()?;
        let says = |of: Option<&Deployment>| {
            of.and_then(|of| of.reason.as_deref())
                .is_some_and(|reason| reason.to_ascii_lowercase().contains("rolling back"))
        };
        let failed = ours.is_some_and(|ours| ours.rollout == Some(RolloutState::Failed));
        // A look may come too late for what ECS says of it: then what ran before is what was asked for last.
        let before = self.target.before.as_deref().or(self.earlier.as_deref()).map(last);
        let back = before == Some(last(&primary.task_definition)) && before != Some(last(&self.task_definition()));
        let ordered = matches!(self.phase, Phase::RollingBack { .. });
        if !(says(Some(primary)) || says(ours) || failed || ordered || back || self.rolling_back_told) {
            return Some(self.ending(Verdict::Superseded, By::Ecs, After::Over));
        }
        if primary.rollout == Some(RolloutState::Completed) {
            return Some(self.back());
        }
        let why = ours.and_then(|ours| ours.reason.clone()).or(primary.reason.clone()).unwrap_or_default();
        self.tell_rolling_back(why, notes);
        None
    }

    /// Whether another deployment took its place: what was asked for last is neither it nor what ran before.
    fn is_superseded(&self, service: &Service) -> bool {
        let ordered = matches!(self.phase, Phase::RollingBack { .. });
        let Some(primary) = service.primary().filter(|primary| Some(&primary.id) != self.id.as_ref()) else {
            return false;
        };
        let rolls_back =
            primary.reason.as_deref().is_some_and(|reason| reason.to_ascii_lowercase().contains("rolling back"));
        !ordered && !rolls_back
    }

    pub(crate) fn ended_by(&self) -> By {
        match &self.phase {
            Phase::RollingBack { why, .. } | Phase::GivingUp(why, _) => self.by(*why),
            Phase::Following => By::Ecs,
        }
    }

    fn tell_rolling_back(&mut self, why: String, notes: &mut Vec<Note>) {
        if !self.rolling_back_told {
            self.rolling_back_told = true;
            self.said = Some(why.clone()).filter(|why| !why.is_empty());
            notes.push(Note::RollingBack { by: self.ended_by(), why });
        }
    }

    /// Gives up what cannot succeed any more, what took too long, and what is unwanted.
    fn in_time(&mut self, next: Next) -> Next {
        if let Phase::RollingBack { since, .. } = self.phase {
            let limit = self.limits.timeout.max(Duration::from_secs(60));
            return if self.elapsed.saturating_sub(since) >= limit { self.lost(After::StillRollingBack) } else { next };
        }
        // What a log says may be the cause.
        let reads_logs = !self.off.contains(&Read::Logs) && !self.wanted_logs().is_empty();
        // ECS is at it already.
        let rolling_back = self.rolling_back_told;
        let late = self.elapsed >= self.limits.timeout;
        let why = match () {
            () if self.asked_to_stop && !rolling_back => Why::Asked,
            () if self.is_decided() && !rolling_back && !reads_logs => Why::Decided,
            () if late && !rolling_back => Why::OutOfTime,
            () if late && self.elapsed >= 2 * self.limits.timeout => {
                return self.ending(Verdict::Failed, By::Ecs, After::StillRollingBack);
            }
            () => return next,
        };
        if self.limits.on_failure == OnFailure::Leave && why != Why::Asked {
            return self.give_up(why, After::Left);
        }
        self.roll_back(why)
    }

    /// How what ran before is brought back, if anything did.
    fn roll_back(&mut self, why: Why) -> Next {
        let ours = self.task_definition();
        let sources = self
            .deployment
            .iter()
            .any(|deployment| deployment.sources.iter().any(|source| *source != deployment.target));
        let before = self.target.before.clone().or(self.earlier.clone()).filter(|before| last(before) != last(&ours));
        if before.is_none() && self.earlier.is_none() && !sources && self.target.before.is_none() {
            return self.give_up(why, After::NothingToGoBackTo);
        }
        if self.arn.is_none() && !self.listed && !self.off.contains(&Read::List) {
            // Only with its ARN can a deployment be stopped.
            self.list = true;
            return Next::LookNow;
        }
        let how = match (&self.arn, before) {
            (Some(arn), _) => How::Stop(arn.clone()),
            (None, Some(before)) => How::Revision(before),
            (None, None) => return self.give_up(why, After::NothingToGoBackTo),
        };
        self.phase = Phase::GivingUp(why, how.clone());
        Next::RollBack(how)
    }
}

/// Whether a deployment is complete: ECS says so; where it says nothing, it is the only one and as many tasks run as are wanted.
fn is_complete(ours: &Deployment, service: &Service) -> bool {
    match ours.rollout {
        Some(rollout) => rollout == RolloutState::Completed,
        None => service.deployments.len() == 1 && service.running >= service.desired,
    }
}
