//! ECS task definitions. Source: ECS API reference.

mod api;
mod arn;
pub(crate) mod calls;
mod normal;
mod revisions;
mod running;
mod secrets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use hatoba_engine::cloud::{Class, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::diff::differences;
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership, Unset};
use hatoba_engine::owner::{Mark, TAG_STACK};
use hatoba_engine::snapshot::{ReadFailure, Sighting};
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::task_definition::{Image, TaskDefinition as Spec};
use hatoba_model::secret::{holds_password, looks_secret};
use serde_json::{Value as Json, json};

use crate::aws::Aws;
use crate::classify::failed;
use crate::desire::{Desire, Wish};
use crate::driver::{Driver, no_such_group};
use crate::json::json_call;
use crate::kinds::repository::image::repository_arn;
use crate::permissions::call::Call;
use crate::provenance::{self, Provenance};
use crate::shape::Like;
use crate::survey::{Found, Survey};
use crate::tags::{self, Tags};

pub use api::repository_uri;
pub(crate) use api::{Object, logs, role_arn};
pub(crate) use arn::{family_of, is_newer, revision_of};
pub(crate) use normal::{join, read_logs, split, write_logs};
pub use revisions::revision;
pub(crate) use revisions::{active_revisions, delete_retired, described, remove_revisions, retire_revision};
pub(crate) use running::take_running;
pub use running::{other_that_runs, runs_of, stands_for};

/// ECS task definitions.
#[derive(Debug)]
pub struct TaskDefinition;

const REGISTER: &str = "RegisterTaskDefinition";
const TAGS: &str = "TagResource";
/// How many families are read at once: the API allows a burst of 50 reads.
const READS: usize = 24;
/// The note on the sighting of a revision that was deregistered.
const INACTIVE: &str = "inactive";
/// The field that says so where it has to be registered anew.
const STATUS: &str = "status";

static INFO: KindInfo = KindInfo {
    name: "task_definition",
    title: "task definition",
    create_call: REGISTER,
    delete_call: "DeregisterTaskDefinition",
    fields: &[
        Field::update("cpu", REGISTER),
        Field::update("memory", REGISTER),
        Field::update("architecture", REGISTER).default(|| "x86_64".into()),
        Field::update("os", REGISTER).default(|| "linux".into()),
        Field::update("execution_role", REGISTER),
        Field::update("task_role", REGISTER),
        Field::update("ephemeral_storage", REGISTER),
        Field::update("volumes", REGISTER),
        Field::update("pid_mode", REGISTER),
        Field::update("fault_injection", REGISTER).default(|| false.into()),
        Field::update("containers", REGISTER).sensitive(is_secret),
        Field::update("extra", REGISTER),
        // Not in files: see `running.rs`.
        Field::update(STATUS, REGISTER),
        Field::update("tags", TAGS),
    ],
    // A new revision carries its tags from the start, so that it comes first.
    groups: &[Group::new(REGISTER).renews(&["arn", "revision"]), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 8,
};

/// Whether an environment variable or an option of a log driver should not be shown: for its name, or a password inside.
pub(crate) fn is_secret(path: &str, value: &str) -> bool {
    let name = [".environment", ".logs.options"].iter().find_map(|of| Some(path.split_once(of)?.1));
    let by_name = |name: &str| looks_secret(name.trim_matches(|c| matches!(c, '.' | '[' | ']' | '"')));
    name.is_some_and(|name| by_name(name) || holds_password(value))
}

/// What has to be there before a task starts: its roles, log groups, repositories and parameters of this stack.
pub(crate) fn needs_of(cx: &Desire<'_>, spec: &Spec, mut wish: Wish) -> Wish {
    for role in [&spec.execution_role, &spec.task_role].into_iter().flatten() {
        wish = wish.needs_ref("role", role);
    }
    for group in spec.own_log_groups() {
        wish = wish.needs("log_group", &group);
    }
    for repository in spec.own_repositories() {
        wish = wish.needs("repository", repository);
    }
    let secrets: BTreeSet<String> = spec.secrets().map(|from| api::value_from(cx, from)).collect();
    for key in cx.stack.parameters.keys() {
        if cx.computed("parameters", key, "arn").is_some_and(|arn| secrets.contains(&arn)) {
            wish = wish.needs("parameter", key);
        }
    }
    wish
}

fn rows() -> Vec<&'static str> {
    INFO.fields.iter().map(|field| field.name).collect()
}

fn normalise(json: &Json, like: Like<'_>) -> Fields {
    normal::normalise(json, &rows(), like)
}

/// The fields that are wanted, as the tables know them: those that stand under `extra` among the others.
fn wanted(fields: &Fields) -> Value {
    Value::Map(join(fields))
}

fn outputs(arn: &str) -> Vec<(String, Value)> {
    let family_arn = arn.rsplit_once(':').map_or(arn, |(family, _)| family);
    vec![
        ("arn".into(), arn.into()),
        ("revision".into(), Value::Int(i64::try_from(revision_of(arn)).unwrap_or_default())),
        ("family".into(), family_of(arn).into()),
        ("family_arn".into(), family_arn.into()),
    ]
}

/// The normal form of an answer of `DescribeTaskDefinition`.
pub(crate) fn live(answer: &Json, want: Option<&Fields>, facts: &Facts) -> Option<Sighting> {
    let task = answer.get("taskDefinition")?;
    let arn = task.get("taskDefinitionArn")?.as_str()?;
    let mut live = Sighting::new(&INFO, arn, family_of(arn));
    let hint = want.map(wanted);
    live.fields = normalise(task, Like::Wanted(hint.as_ref()));
    want.iter().for_each(|want| secrets::say_as_wanted(&mut live.fields, want, facts));
    live.outputs.extend(outputs(arn));
    let mut tags = json_tags(answer.get("tags"));
    let provenance = Provenance::take(&mut tags);
    live.set_tags(tags);
    provenance.iter().for_each(|provenance| provenance.note(&mut live));
    for role in ["execution_role", "task_role"] {
        live.uses.extend(live.fields.get(role).and_then(Value::as_text).map(str::to_owned));
    }
    for (region, group) in normal::log_groups(task) {
        let region = region.unwrap_or_else(|| facts.region.to_string());
        live.uses.push(format!("arn:{}:logs:{region}:{}:log-group:{group}", facts.partition(), facts.account));
    }
    let secrets = normal::secrets(task).map(|from| secrets::canonical(from, facts).into_owned());
    live.uses.extend(secrets.filter(|from| from.starts_with("arn:")));
    live.uses.extend(normal::images(task).filter_map(|image| repository_arn(image, facts.partition())));
    live.uses.sort();
    live.uses.dedup();
    if task.get("status").and_then(Json::as_str) == Some("INACTIVE") {
        live.notes.insert(INACTIVE.into(), "true".into());
    }
    Some(live)
}

/// Tags as ECS spells them.
pub(crate) fn json_tags(json: Option<&Json>) -> Tags {
    let items = json.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |tag: &Json, key: &str| tag.get(key).and_then(Json::as_str).map(str::to_owned);
    items.iter().filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default()))).collect()
}

/// Tags for a request of ECS.
pub(crate) fn tags_json(tags: &Tags) -> Json {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

/// Takes out fields that the file does not set and that have their default value: plans need not show them.
pub(crate) fn strip_defaults(kind: &'static KindInfo, fields: &mut Fields, written: &Json) {
    for field in kind.fields {
        if let Unset::Default(default) = field.unset
            && written.get(field.name).is_none()
            && fields.get(field.name) == Some(&default())
        {
            fields.remove(field.name);
        }
    }
}

/// Gives the images that belong to the pipeline to the pipeline.
fn keep_live_images(spec: &Spec, fields: &mut Fields) {
    let Some(Value::Map(containers)) = fields.get_mut("containers") else { return };
    for (name, container) in &spec.containers {
        let is_live = matches!(&container.image, Some(Image::Full(image)) if image.live);
        if let (true, Some(Value::Map(parts))) = (is_live, containers.get_mut(name))
            && let Some(image) = parts.remove("image")
        {
            parts.insert("image".into(), Value::Keep(Box::new(image)));
        }
    }
}

impl TaskDefinition {
    /// Registers the revision after the latest active one when the plan was made, of which `before`, which stands for the family, knows. There is no call that does so only if
    /// nobody else has meanwhile; the number tells. Whoever comes second then takes the own revision away again: what a pipeline has
    /// deployed, and what another run has registered, stays the latest.
    async fn register(aws: &Aws, want: &Resolved, before: Option<&Sighting>) -> Result<Receipt, CloudError> {
        let mut body = normal::to_request(&want.fields);
        if let Some(body) = body.as_object_mut() {
            body.insert("family".into(), want.name.as_str().into());
            let mut tags = want.tags();
            aws.stamp().into_iter().for_each(|stamp| stamp.next(want, before).add(&mut tags));
            // An empty list is refused.
            if !tags.is_empty() {
                body.insert("tags".into(), tags_json(&tags));
            }
        }
        let answer = json_call!(&calls::REGISTER_TASK_DEFINITION, aws.ecs_write().register_task_definition(), &body)?;
        let arn = answer.pointer("/taskDefinition/taskDefinitionArn").and_then(Json::as_str);
        let arn = arn.ok_or_else(|| {
            CloudError::new(Class::Ambiguous, calls::REGISTER_TASK_DEFINITION.name, "the answer names no revision")
        })?;
        let latest = before.map_or(0, |live| revision_of(running::latest_of(live)));
        if let Some(other) = Self::meanwhile(aws, &want.name, latest, arn).await? {
            Self::withdraw(aws, arn).await;
            let message = format!("revision {} was registered meanwhile", revision_of(&other));
            return Err(CloudError::new(Class::Exists, calls::REGISTER_TASK_DEFINITION.name, message));
        }
        Ok(Receipt { id: Some(arn.to_owned()), outputs: outputs(arn) })
    }

    /// The active revision between two others, if there is one. Numbers are never given twice: that one is missing need not mean
    /// anything.
    async fn meanwhile(aws: &Aws, family: &str, before: u64, ours: &str) -> Result<Option<String>, CloudError> {
        let own = revision_of(ours);
        if own <= before + 1 {
            return Ok(None);
        }
        // Of a class that is not tried again: that would register once more. The next run takes up this revision.
        let active = calls::revisions(aws, family, "ACTIVE").await.map_err(|error| CloudError {
            class: Class::Other,
            message: format!("whether somebody else registered a revision meanwhile is not known: {}", error.message),
            ..error
        })?;
        Ok(active.into_iter().find(|arn| (before + 1..own).contains(&revision_of(arn))))
    }

    /// Takes back a revision that nobody has used yet. One that stays costs nothing and is taken away with its family.
    async fn withdraw(aws: &Aws, arn: &str) {
        let call = aws.ecs_write().deregister_task_definition().task_definition(arn);
        if call.send().await.map_err(failed(&calls::DEREGISTER_TASK_DEFINITION)).is_ok() {
            // Failing that, it stays inactive.
            let _ = calls::delete(aws, vec![arn.to_owned()]).await;
        }
    }

    /// The latest active revision of each family, read side by side.
    async fn latest<'f>(
        aws: &Aws,
        families: &[(&'f str, Option<&'f Desired>)],
    ) -> Vec<(&'f str, Result<Option<Sighting>, CloudError>)> {
        let mut results = Vec::new();
        let mut reads = FuturesUnordered::new();
        let mut rest = families.iter();
        loop {
            while reads.len() < READS
                && let Some((family, want)) = rest.next()
            {
                reads.push(Self::read(aws, family, *want));
            }
            match reads.next().await {
                Some(result) => results.push(result),
                None => return results,
            }
        }
    }

    async fn read<'f>(
        aws: &Aws,
        family: &'f str,
        want: Option<&Desired>,
    ) -> (&'f str, Result<Option<Sighting>, CloudError>) {
        let result = calls::describe(aws, family).await;
        let seen = result.map(|answer| live(&answer?, want.map(|want| &want.fields), aws.facts()));
        // Whose a family is that is only used does not matter.
        let result = match seen {
            Ok(seen) if want.is_none_or(|want| !want.existing) => calls::with_mark(aws, seen).await,
            other => other,
        };
        (family, result)
    }

    /// What a destroy, or a removal, that was cut short left: families of ours without an active revision.
    async fn deregistered(cx: &Survey<'_>, families: BTreeMap<&str, &str>) -> Vec<Sighting> {
        let reads: Vec<_> = families.into_values().map(|arn| calls::describe(cx.aws, arn)).collect();
        let answers: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
        // Only a leftover without costs: that it cannot be read stops nothing.
        let seen = answers.iter().flatten().flatten().filter_map(|answer| live(answer, None, cx.aws.facts()));
        seen.filter(|live| live.notes.contains_key(INACTIVE)).collect()
    }
}

/// For each family with a marked revision the newest one, and the address in its mark.
fn marked_families(marks: &BTreeMap<String, Tags>) -> BTreeMap<&str, (&str, Option<String>)> {
    let mut families: BTreeMap<&str, (&str, Option<String>)> = BTreeMap::new();
    for (arn, tags) in marks.iter().filter(|(arn, _)| arn.contains(":ecs:") && arn.contains(":task-definition/")) {
        let newest = families.get(family_of(arn)).is_none_or(|(other, _)| revision_of(other) < revision_of(arn));
        if newest {
            families.insert(family_of(arn), (arn, Mark::from_tags(tags).map(|mark| mark.address)));
        }
    }
    families
}

#[async_trait]
impl Driver for TaskDefinition {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        calls::CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("ecs:task-definition")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.task_definitions.get(key)?;
        let mut fields = normalise(&api::to_api(cx, spec), Like::All);
        keep_live_images(spec, &mut fields);
        strip_defaults(&INFO, &mut fields, &json!(spec));
        let wish = needs_of(cx, spec, cx.wish(&INFO, key, spec));
        let mut wish = wish.done();
        wish.fields = fields;
        Some(wish)
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        let wants = cx.wanted(INFO.name);
        let families: Vec<_> = wants.iter().map(|want| (want.name.as_str(), Some(*want))).collect();
        let (marks, first) = futures::join!(cx.marks(), Self::latest(cx.aws, &families));
        let marks = match marks {
            Ok(marks) => marks,
            Err(error) => return Found::failure(cx.addresses(INFO.name), error),
        };
        let mut marked = marked_families(marks);
        let mut found = Found::default();
        for (family, result) in first {
            let addresses =
                || wants.iter().filter(|want| want.name == family).map(|want| want.address.clone()).collect();
            match result {
                Ok(Some(live)) => {
                    marked.remove(family);
                    found.seen.push(live);
                }
                Ok(None) => {}
                Err(error) => {
                    marked.remove(family);
                    found.failures.push(ReadFailure { addresses: addresses(), error });
                }
            }
        }
        let others = marked
            .keys()
            .filter(|family| !wants.iter().any(|want| want.name == **family))
            .map(|family| (*family, None));
        let others: Vec<_> = others.collect();
        for (family, result) in Self::latest(cx.aws, &others).await {
            match result {
                Ok(Some(live)) => {
                    marked.remove(family);
                    found.seen.push(live);
                }
                Ok(None) => {}
                Err(error) => {
                    let address = marked.remove(family).and_then(|(_, address)| address);
                    let key =
                        address.as_deref().and_then(|address| address.split_once('.')).map_or(family, |(_, key)| key);
                    found.failures.push(ReadFailure { addresses: vec![Address::new(INFO.name, key)], error });
                }
            }
        }
        // One that the file wants is registered anew.
        marked.retain(|family, _| cx.goal.content || !wants.iter().any(|want| want.name == *family));
        let rest = marked.into_iter().map(|(family, (arn, _))| (family, arn)).collect();
        found.seen.extend(Self::deregistered(cx, rest).await);
        found
    }

    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let mut answer = calls::describe(aws, &target.name).await?;
        if let (None, Some(arn)) = (&answer, &target.id) {
            answer = calls::describe(aws, arn).await?;
        }
        let seen = answer.and_then(|answer| live(&answer, None, aws.facts()));
        match calls::with_mark(aws, seen).await? {
            Some(latest) => Ok(vec![running::planned(aws, target, latest).await?]),
            None => Ok(Vec::new()),
        }
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        Self::register(aws, want, None).await
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        match group {
            REGISTER => Self::register(aws, want, Some(live)).await,
            TAGS => {
                // A new revision has its tags; those of the old one do not matter any more.
                if differs(want, live) {
                    return Ok(Receipt::default());
                }
                let change = tags::change(&want.tags(), live);
                let crowded = provenance::in_the_way(&want.tags(), live);
                if !crowded.is_empty() {
                    calls::untag(aws, &calls::UNTAG_RESOURCE, &live.id, crowded).await?;
                }
                if !change.set.is_empty() {
                    calls::tag(aws, &calls::TAG_RESOURCE, &live.id, &change.set).await?;
                }
                if !change.remove.is_empty() {
                    calls::untag(aws, &calls::UNTAG_RESOURCE, &live.id, change.remove).await?;
                }
                Ok(Receipt::default())
            }
            other => Err(no_such_group(&INFO, other)),
        }
    }

    async fn delete(&self, aws: &Aws, live: &Sighting, _: bool) -> Result<(), CloudError> {
        // The oldest first: when this is cut short, the newest is there to find the family by, and a number is missing below it.
        let mut active = calls::revisions(aws, &live.name, "ACTIVE").await?;
        active.sort_by_key(|arn| revision_of(arn));
        let mut all: BTreeSet<String> = active.iter().cloned().collect();
        if may_be_half_deregistered(&active, &live.id) {
            all.extend(calls::marked_inactive(aws, live).await?);
        }
        calls::deregister(aws, &active).await?;
        calls::delete(aws, all.into_iter().collect()).await
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, mut keys: Vec<String>) -> Result<(), CloudError> {
        keys.extend(provenance::KEYS.map(str::to_owned));
        // An older revision with a mark would count as the mark of the family.
        let mut revisions = calls::revisions(aws, &live.name, "ACTIVE").await?;
        if !revisions.contains(&live.id) {
            revisions.push(live.id.clone());
        }
        for arn in &revisions {
            calls::untag(aws, &calls::UNTAG_RESOURCE, arn, keys.clone()).await?;
        }
        Ok(())
    }
}

/// Whether an earlier run may have deregistered some revisions of a family and got no further: the one that was seen is not
/// active, or the numbers of the active ones (in ascending order) do not run from 1 without a gap.
fn may_be_half_deregistered(active: &[String], seen: &str) -> bool {
    !active.iter().any(|arn| arn == seen) || active.iter().zip(1..).any(|(arn, number)| revision_of(arn) != number)
}

/// Whether a new revision was due.
fn differs(want: &Resolved, live: &Sighting) -> bool {
    differences(&INFO, &want.fields, &live.fields).iter().any(|change| change.call.as_deref() == Some(REGISTER))
}

/// Whether any tag says whose it is.
fn has_mark(live: &Sighting) -> bool {
    live.fields.get("tags").is_some_and(|tags| tags.get(TAG_STACK).is_some())
}

/// Deleting what is still wanted elsewhere comes later.
fn busy(call: &str, message: String) -> CloudError {
    CloudError::new(Class::Busy, call, message)
}
