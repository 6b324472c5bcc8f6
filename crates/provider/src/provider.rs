//! The engine's port, carried out on AWS.

use async_trait::async_trait;
use futures::future::join_all;
use hatoba_engine::cloud::{Class, Cloud, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Goal, Resolved};
use hatoba_engine::kind::KindInfo;
use hatoba_engine::snapshot::{ReadFailure, Sighting, Snapshot};
use hatoba_engine::value::Value;

use crate::aws::Aws;
use crate::driver::Driver;
use crate::kinds::{driver_of, drivers, network, task_definition};
use crate::survey::Survey;
use crate::tags;

/// AWS as the engine sees it.
#[derive(Debug)]
pub struct Provider {
    aws: Aws,
}

impl Provider {
    /// Works through this session.
    pub fn new(aws: Aws) -> Self {
        Self { aws }
    }

    /// The session.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }
}

fn driver(kind: &'static KindInfo) -> &'static dyn Driver {
    driver_of(kind.name)
}

/// What the file uses without managing it, and looks for under another path: the ARN that follows from the file would mean nothing.
fn elsewhere(goal: &Goal, live: &Sighting) -> Option<ReadFailure> {
    let path = live.fields.get("path")?.as_text()?;
    let is = |want: &&Desired| want.existing && want.kind.name == live.kind.name && want.name == live.name;
    let want = goal.resources.values().find(is)?;
    let said = want.fields.get("path").and_then(Value::as_text).unwrap_or("/");
    let text =
        format!("the {} `{}` has the path `{path}`, not `{said}`: say `path: {path}`", live.kind.title, live.name);
    let error = CloudError::new(Class::Invalid, "iam:GetAccountAuthorizationDetails", text);
    (path != said).then(|| ReadFailure { addresses: vec![want.address.clone()], error })
}

#[async_trait]
impl Cloud for Provider {
    async fn survey(&self, goal: &Goal) -> Snapshot {
        let survey = Survey::new(&self.aws, goal);
        let kinds = join_all(drivers().map(|driver| driver.survey(&survey)));
        let (kinds, network) = futures::join!(kinds, network::survey(&survey));
        let mut snapshot = Snapshot::default();
        for found in kinds.into_iter().chain([network]) {
            snapshot.seen.extend(found.seen);
            snapshot.unreadable.extend(found.failures);
            snapshot.lookups.extend(found.lookups);
            snapshot.missing.extend(found.missing);
        }
        snapshot.unreadable.extend(snapshot.seen.iter().filter_map(|live| elsewhere(goal, live)));
        if !goal.content {
            task_definition::take_running(&self.aws, goal, &mut snapshot).await;
        }
        snapshot
    }

    async fn look(&self, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        driver(target.kind).look(&self.aws, target, depth).await
    }

    async fn create(&self, want: &Resolved) -> Result<Receipt, CloudError> {
        driver(want.kind).create(&self.aws, want).await
    }

    async fn update(&self, group: &'static str, want: &Resolved, live: &Sighting) -> Result<Receipt, CloudError> {
        driver(want.kind).update(&self.aws, group, want, live).await
    }

    async fn delete(&self, live: &Sighting, empty: bool) -> Result<(), CloudError> {
        driver(live.kind).delete(&self.aws, live, empty).await
    }

    async fn release(&self, live: &Sighting) -> Result<(), CloudError> {
        driver(live.kind).untag(&self.aws, live, tags::ours(live)).await
    }
}
