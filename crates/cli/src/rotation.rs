//! Secrets that were changed after the tasks started that have them: noticed by `plan` and by `status`.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::cloud::CloudError;
use hatoba_engine::desired::Desired;
use hatoba_engine::plan::{Act, Intent, Plan};
use hatoba_engine::snapshot::{Sighting, Snapshot};
use hatoba_model::address::Address;
use hatoba_provider::kinds::service::{deployed, starts_deployment};
use hatoba_provider::rotation::{Newer, Secret, Version, newer, of_goal, parameters, secrets, stored};
use hatoba_rollout::state::{Millis, Task};
use serde_json::{Value as Json, json};

use crate::render::beside::Warning;
use crate::render::status::ago;
use crate::session::Session;

/// What a plan looks at besides: the parameters that services of the file are given. One call where there are any, and none else.
///
/// # Errors
/// When they could not be read, which is no obstacle.
pub(crate) async fn look(session: &Session, intent: Intent) -> Result<BTreeMap<String, Version>, CloudError> {
    let froms = match intent {
        Intent::Present => of_goal(&session.goal, session.facts()),
        Intent::Absent => BTreeSet::new(),
    };
    if froms.is_empty() {
        return Ok(BTreeMap::new());
    }
    parameters(session.provider.aws(), &froms).await
}

/// The services whose tasks have older values. Those that the plan deploys anyway are left out.
pub(crate) fn of_plan(
    session: &Session,
    seen: &Snapshot,
    plan: &Plan,
    versions: &BTreeMap<String, Version>,
) -> Vec<(Address, Newer)> {
    let mut out = Vec::new();
    if versions.is_empty() {
        return out;
    }
    for want in session.goal.resources.values().filter(|want| want.kind.name == "service" && !want.existing) {
        let Some(live) = live(seen, want) else { continue };
        let task = want.needs.iter().find(|need| need.kind == "task_definition");
        let task = task.and_then(|address| session.goal.resources.get(address)).and_then(|want| self::live(seen, want));
        let (Some(task), Some(at)) = (task, deployed(live)) else { continue };
        let secrets = secrets(&task.fields);
        if starts_anew(plan, &want.address) {
            continue;
        }
        // Tasks may have been started since, by hand, by a schedule, or because one ended: `status` looks at them, which plans need not be
        // allowed to.
        out.extend(newer(&secrets, versions, at).into_iter().map(|it| (want.address.clone(), it)));
    }
    out
}

fn live<'a>(seen: &'a Snapshot, want: &Desired) -> Option<&'a Sighting> {
    seen.seen.iter().find(|live| want.names(live))
}

/// Whether the plan starts the tasks of a service anew: by a new revision, another network or what else starts a deployment, or with the
/// service.
fn starts_anew(plan: &Plan, service: &Address) -> bool {
    let mut steps = plan.steps.iter().filter(|step| step.address == *service);
    steps.any(|step| match step.act {
        Act::Update { .. } => step.changes.iter().any(starts_deployment),
        Act::Create { .. } | Act::Delete { .. } | Act::Release => true,
        Act::Settle { .. } => false,
    })
}

/// The same for `status`, which knows the tasks, and also asks for secrets of the Secrets Manager.
pub(crate) async fn of_tasks(session: &Session, secrets: &[Secret], tasks: &[Task]) -> Result<Vec<Newer>, CloudError> {
    let oldest = tasks.iter().filter(|task| !task.has_stopped()).filter_map(|task| task.created).min();
    let Some(oldest) = oldest.filter(|_| !secrets.is_empty()) else { return Ok(Vec::new()) };
    let froms: BTreeSet<String> = secrets.iter().map(|secret| secret.from.clone()).collect();
    let versions = stored(session.provider.aws(), &froms).await?;
    Ok(newer(secrets, &versions, oldest))
}

/// `secret DB_URL has version 4 since 2 h ago`.
pub(crate) fn words(it: &Newer, now: Millis) -> String {
    let version = it.version.number.map_or_else(|| "a new version".to_owned(), |number| format!("version {number}"));
    format!("secret {} has {version} since {}", it.name, since(it.version.since, now))
}

/// `2 h`, of `2 h ago`.
fn since(at: Millis, now: Millis) -> String {
    let ago = ago(Some(at), now);
    ago.strip_suffix(" ago").map(str::to_owned).unwrap_or(ago)
}

/// For a plan.
pub(crate) fn warning(service: &Address, it: &Newer, now: Millis) -> Warning {
    Warning {
        address: service.clone(),
        text: format!("{}: tasks that started before have the old value", words(it, now)),
        help: format!("`hatoba deploy {} --redeploy` starts new tasks with the same images", service.name),
    }
}

/// For machines.
pub(crate) fn json(it: &Newer) -> Json {
    json!({
        "name": it.name, "containers": it.containers, "from": it.from, "version": it.version.number,
        "changed": it.version.since,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_changed_and_what_to_do() {
        let mut it = Newer {
            name: "DB_URL".into(),
            containers: ["app".to_owned()].into(),
            from: "/papyrus/db-url".into(),
            version: Version { number: Some(4), since: 1_800_000_000_000 },
        };
        let now = 1_800_000_000_000 + 7_200_000;
        let note = warning(&Address::new("service", "papyrus"), &it, now);
        assert_eq!(note.text, "secret DB_URL has version 4 since 2 h: tasks that started before have the old value");
        assert!(note.help.starts_with("`hatoba deploy papyrus --redeploy`"), "{}", note.help);
        it.version.number = None;
        assert_eq!(words(&it, now), "secret DB_URL has a new version since 2 h");
    }
}
