//! Which of a service's deployments is the one that is followed.

use crate::follow::Rollout;
use crate::note::Note;
use crate::state::{Deployment, RolloutState, Service, ServiceDeployment, last};

impl Rollout {
    /// Finds the deployment in its service, and what may be its service deployment.
    pub(crate) fn find(&mut self, service: &Service, notes: &mut Vec<Note>) {
        if self.id.is_none()
            && let Some(primary) = service.primary()
            && self.brings_it(primary, service)
        {
            self.id = Some(primary.id.clone());
        }
        let Some(id) = self.id.clone() else { return };
        if let Some(ours) = service.deployments.iter().find(|deployment| deployment.id == id)
            && self.since.is_none()
        {
            self.since = ours.created.or(Some(0));
            let done = |other: &&Deployment| other.id != id && other.rollout == Some(RolloutState::Completed);
            self.earlier = service.deployments.iter().find(done).map(|other| other.task_definition.clone());
            notes.push(Note::Began {
                deployment: id.clone(),
                task_definition: self.target.task_definition.clone().unwrap_or_else(|| ours.task_definition.clone()),
                desired: ours.desired,
            });
        }
        if self.arn.is_none() {
            self.candidate = service.current.clone().filter(|arn| !self.others.contains(arn));
        }
    }

    /// Whether the deployment that was asked for last brings the revision, where the call that started it did not tell its id.
    fn brings_it(&self, primary: &Deployment, service: &Service) -> bool {
        let Some(wanted) = &self.target.task_definition else { return true };
        [&primary.task_definition, &service.task_definition].into_iter().any(|there| last(there) == last(wanted))
    }

    /// Takes in service deployments.
    pub(crate) fn deployment(&mut self, described: Option<ServiceDeployment>, listed: Option<Vec<ServiceDeployment>>) {
        self.listed |= listed.is_some();
        let Some(id) = self.id.clone() else { return };
        if let Some(other) = described.as_ref().filter(|deployment| !deployment.is(&id)) {
            self.others.insert(other.arn.clone());
            self.candidate = None;
        }
        let found = listed.into_iter().flatten().find(|deployment| deployment.is(&id));
        for deployment in described.into_iter().filter(|deployment| deployment.is(&id)).chain(found) {
            self.arn = Some(deployment.arn.clone());
            self.candidate = None;
            self.deployment = Some(deployment);
        }
    }

    /// The deployment in the list of its service.
    pub(crate) fn ours<'s>(&self, service: &'s Service) -> Option<&'s Deployment> {
        let id = self.id.as_ref()?;
        service.deployments.iter().find(|deployment| deployment.id == *id)
    }
}
