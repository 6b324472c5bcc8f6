//! One look at everything that is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{OptionFuture, join_all};
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_rollout::follow::{Target, WantedLog, Wants};
use hatoba_rollout::state::{LogTail, Look, Read, Service, ServiceDeployment, Unread};

use super::logs::{Places, places, tail};
use super::services::{DEPLOYMENTS, SERVICES, Which, list, service_deployments, services};
use super::tasks::tasks;
use crate::aws::Aws;

/// How many lines of a log are shown.
const LINES: i32 = 10;

/// Looks at deployments, and remembers where their containers log to.
#[derive(Debug)]
pub struct Observer<'a> {
    aws: &'a Aws,
    places: Mutex<BTreeMap<String, Places>>,
}

/// Whether the same read may work later.
fn passes(class: Class) -> bool {
    match class {
        Class::Throttled | Class::Busy | Class::NotYet | Class::Ambiguous | Class::NotSent => true,
        Class::Server
        | Class::Gone
        | Class::Exists
        | Class::Denied
        | Class::Credentials
        | Class::Invalid
        | Class::Quota
        | Class::Other => false,
    }
}

fn unread(read: Read, error: &CloudError) -> Unread {
    // What a server said of itself passes, but where it is the sign that there is no such operation.
    let passes = passes(error.class) || (error.class == Class::Server && read != Read::List);
    Unread { read, message: error.to_string(), passes }
}

impl<'a> Observer<'a> {
    /// Looks through this session.
    pub fn new(aws: &'a Aws) -> Self {
        Self { aws, places: Mutex::default() }
    }

    /// One look at each, in the order in which they are asked for; `elapsed` is how long they have been followed.
    ///
    /// # Errors
    /// When the services cannot be read, and never will be: the caller may not, or has no credentials any more.
    pub async fn look(&self, asked: &[(&Target, Wants)], elapsed: Duration) -> Result<Vec<Look>, CloudError> {
        let details = asked.iter().map(|(target, wants)| self.details(target, wants));
        let (services, deployments, details) =
            futures::join!(self.services(asked), self.deployments(asked), join_all(details));
        let mut looks: Vec<Look> = details.into_iter().map(|look| Look { elapsed, ..look }).collect();
        for (((target, wants), look), service) in asked.iter().zip(&mut looks).zip(services) {
            match service {
                Ok(services) => look.service = services.into_iter().find(|service| service.name == target.service),
                Err(error) if matches!(error.class, Class::Denied | Class::Credentials) => return Err(error),
                Err(error) => {
                    look.unread.push(Unread { read: Read::Service, message: error.to_string(), passes: true })
                }
            }
            let Some(arn) = &wants.deployment else { continue };
            match deployments.get(arn) {
                Some(Ok(deployment)) => look.deployment = Some(deployment.clone()),
                Some(Err(error)) => look.unread.push(unread(Read::Deployment, error)),
                None => {}
            }
        }
        Ok(looks)
    }

    /// For each the services that were read together with its own.
    async fn services(&self, asked: &[(&Target, Wants)]) -> Vec<Result<Vec<Service>, CloudError>> {
        let mut clusters: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (target, _) in asked {
            clusters.entry(&target.cluster).or_default().insert(&target.service);
        }
        let clusters: Vec<(&str, Vec<&str>)> =
            clusters.into_iter().map(|(cluster, names)| (cluster, names.into_iter().collect())).collect();
        let reads = clusters.iter().flat_map(|(cluster, names)| {
            names
                .chunks(SERVICES)
                .map(move |some| async move { (*cluster, some, services(self.aws, cluster, some).await) })
        });
        let read = join_all(reads).await;
        let of = |target: &Target| {
            read.iter().find(|(cluster, some, _)| *cluster == target.cluster && some.contains(&target.service.as_str()))
        };
        let found = asked.iter().map(|(target, _)| of(target).map_or(Ok(Vec::new()), |(_, _, read)| read.clone()));
        found.collect()
    }

    /// The service deployments that are asked for, by their ARNs.
    async fn deployments(&self, asked: &[(&Target, Wants)]) -> BTreeMap<String, Result<ServiceDeployment, CloudError>> {
        let arns: BTreeSet<&String> = asked.iter().filter_map(|(_, wants)| wants.deployment.as_ref()).collect();
        let arns: Vec<String> = arns.into_iter().cloned().collect();
        let reads =
            arns.chunks(DEPLOYMENTS).map(|some| async move { (some, service_deployments(self.aws, some).await) });
        let mut found = BTreeMap::new();
        for (some, read) in join_all(reads).await {
            match read {
                Ok(deployments) => found.extend(deployments.into_iter().map(|it| (it.arn.clone(), Ok(it)))),
                Err(error) => found.extend(some.iter().map(|arn| (arn.clone(), Err(error.clone())))),
            }
        }
        found
    }

    /// What is asked for each by itself.
    async fn details(&self, target: &Target, wants: &Wants) -> Look {
        let (cluster, service) = (target.cluster.as_str(), target.service.as_str());
        let listed =
            wants.list.map(|since| list(self.aws.ecs_write(), cluster, service, Which::Since(since.unwrap_or(60_000))));
        let read = wants.tasks.then(|| tasks(self.aws, cluster, service, &wants.stopped));
        let logs = join_all(wants.logs.iter().map(|wanted| self.log(wanted)));
        let (listed, read, logs) = futures::join!(OptionFuture::from(listed), OptionFuture::from(read), logs);
        let mut look = Look::default();
        match listed {
            Some(Ok(listed)) => look.listed = Some(listed),
            Some(Err(error)) => look.unread.push(unread(Read::List, &error)),
            None => {}
        }
        match read {
            Some(Ok(tasks)) => look.tasks = tasks,
            Some(Err(error)) => look.unread.push(unread(Read::Tasks, &error)),
            None => {}
        }
        for log in logs {
            match log {
                Ok(log) => look.logs.push(log),
                Err(error) => look.unread.push(unread(Read::Logs, &error)),
            }
        }
        look
    }

    /// The end of a container's log; no lines where it logs to somewhere else.
    async fn log(&self, wanted: &WantedLog) -> Result<LogTail, CloudError> {
        let known = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted.task_definition).cloned();
        let places = match known {
            Some(places) => places,
            None => {
                let read = places(self.aws, &wanted.task_definition).await?;
                let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
                places.insert(wanted.task_definition.clone(), read.clone());
                read
            }
        };
        let here =
            |region: &Option<String>| region.as_deref().is_none_or(|region| region == self.aws.facts().region.as_str());
        let lines = match places.get(&wanted.container).filter(|place| here(&place.region)) {
            Some(place) => tail(self.aws, &place.group, &place.stream(&wanted.container, &wanted.task), LINES).await?,
            None => Vec::new(),
        };
        Ok(LogTail { task: wanted.task.clone(), container: wanted.container.clone(), lines })
    }
}
