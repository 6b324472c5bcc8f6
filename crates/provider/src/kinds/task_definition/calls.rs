//! The calls about task definitions that several operations share.

use aws_sdk_ecs::types::{SortOrder, TaskDefinitionStatus};
use futures::stream::{self, StreamExt, TryStreamExt};
use hatoba_engine::cloud::CloudError;
use hatoba_engine::snapshot::Sighting;
use serde_json::{Value as Json, json};

use super::{READS, busy, family_of, has_mark, live};
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::json::json_call;
use crate::permissions::call::{ANY, Call, Form, On, Subject, calls};
use crate::tags::Tags;

/// How many older revisions are asked for a mark.
const OLDER: usize = 10;
/// How many revisions `DeleteTaskDefinitions` takes.
const DELETES: usize = 10;

calls! {
    // No resource can be named for reads of task definitions, nor for DeregisterTaskDefinition.
    DESCRIBE_TASK_DEFINITION: Plan "ecs:DescribeTaskDefinition" => ANY;
    LIST_TASK_DEFINITIONS: Plan "ecs:ListTaskDefinitions" => ANY;
    REGISTER_TASK_DEFINITION: Apply "ecs:RegisterTaskDefinition"
        => FAMILY,
        "ecs:TagResource" => FAMILY,
        "iam:PassRole" => TASK_ROLES;
    TAG_RESOURCE: Apply "ecs:TagResource" => FAMILY;
    UNTAG_RESOURCE: Change "ecs:UntagResource" => Form::Each(|s| family(s).when(s.untags()));
    DEREGISTER_TASK_DEFINITION: Destroy "ecs:DeregisterTaskDefinition" => ANY;
    DELETE_TASK_DEFINITIONS: Destroy "ecs:DeleteTaskDefinitions" => FAMILY;
}

const FAMILY: Form = Form::Each(family);
/// Both roles are passed when a revision is registered.
const TASK_ROLES: Form = Form::Each(|s| {
    let roles = ["execution_role", "task_role"].into_iter().filter_map(|field| s.text(field));
    On::arns(roles).given("StringEquals", "iam:PassedToService", "ecs-tasks.amazonaws.com")
});

/// All revisions of the family.
fn family(s: &Subject<'_>) -> On {
    On::arn(s.arn("ecs", format_args!("task-definition/{}:*", s.name)))
}

/// The latest active revision of a family, or the revision with this ARN. Nothing for one that is being deleted.
pub(super) async fn describe(aws: &Aws, name: &str) -> Result<Option<Json>, CloudError> {
    let body = json!({ "taskDefinition": name, "include": ["TAGS"] });
    let answer = missing_is_none(json_call!(&DESCRIBE_TASK_DEFINITION, aws.ecs().describe_task_definition(), &body))?;
    let deleted =
        |answer: &Json| answer.pointer("/taskDefinition/status").and_then(Json::as_str) == Some("DELETE_IN_PROGRESS");
    Ok(answer.filter(|answer| !deleted(answer)))
}

/// A pipeline may register revisions without tags. The family stays ours then: the newest tagged revision says so.
pub(super) async fn with_mark(aws: &Aws, seen: Option<Sighting>) -> Result<Option<Sighting>, CloudError> {
    let Some(mut seen) = seen else { return Ok(None) };
    if has_mark(&seen) {
        return Ok(Some(seen));
    }
    for arn in revisions(aws, &seen.name, "ACTIVE").await?.into_iter().filter(|arn| *arn != seen.id).take(OLDER) {
        let Some(answer) = describe(aws, &arn).await? else { continue };
        let Some(older) = live(&answer, None, aws.facts()) else { continue };
        if older.mark.is_some() {
            seen.mark = older.mark;
            break;
        }
    }
    Ok(Some(seen))
}

/// The revisions of exactly this family, the newest first.
pub(super) async fn revisions(aws: &Aws, family: &str, status: &str) -> Result<Vec<String>, CloudError> {
    let mut pages = aws
        .ecs()
        .list_task_definitions()
        .family_prefix(family)
        .status(TaskDefinitionStatus::from(status))
        .sort(SortOrder::Desc)
        .into_paginator()
        .send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(&LIST_TASK_DEFINITIONS))?;
        arns.extend(page.task_definition_arns().iter().filter(|arn| family_of(arn) == family).cloned());
    }
    Ok(arns)
}

/// The deregistered revisions of a family that bear the mark of the one that was seen. Somebody else may have had the name before:
/// what they left is theirs.
pub(super) async fn marked_inactive(aws: &Aws, seen: &Sighting) -> Result<Vec<String>, CloudError> {
    let stack = seen.mark.as_ref().map(|mark| mark.stack.as_str());
    let marked = |arn: String| async move {
        let live = describe(aws, &arn).await?.and_then(|answer| live(&answer, None, aws.facts()));
        let mark = live.and_then(|live| live.mark);
        Ok::<_, CloudError>(mark.filter(|mark| Some(mark.stack.as_str()) == stack).map(|_| arn))
    };
    let reads = revisions(aws, &seen.name, "INACTIVE").await?.into_iter().map(marked);
    let read: Vec<Option<String>> = stream::iter(reads).buffered(READS).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

/// Deregisters revisions, one after the other; one that is gone already is no matter.
pub(super) async fn deregister(aws: &Aws, arns: &[String]) -> Result<(), CloudError> {
    for arn in arns {
        let call = aws.ecs_write().deregister_task_definition().task_definition(arn);
        gone_is_fine(call.send().await.map_err(failed(&DEREGISTER_TASK_DEFINITION)))?;
    }
    Ok(())
}

/// Deletes deregistered revisions.
pub(super) async fn delete(aws: &Aws, arns: Vec<String>) -> Result<(), CloudError> {
    for some in arns.chunks(DELETES) {
        let call = aws.ecs_write().delete_task_definitions().set_task_definitions(Some(some.to_vec()));
        let answer = call.send().await.map_err(failed(&DELETE_TASK_DEFINITIONS))?;
        for failure in answer.failures() {
            let reason = failure.reason().unwrap_or("no reason given");
            if !reason.to_ascii_uppercase().contains("NOT_FOUND") && !reason.to_ascii_uppercase().contains("MISSING") {
                let arn = failure.arn().unwrap_or("a task definition");
                return Err(busy(DELETE_TASK_DEFINITIONS.name, format!("{arn}: {reason}")));
            }
        }
    }
    Ok(())
}

/// Sets tags on a revision, or on anything else of ECS.
pub(crate) async fn tag(aws: &Aws, this: &'static Call, arn: &str, tags: &Tags) -> Result<(), CloudError> {
    let tags =
        tags.iter().map(|(key, value)| aws_sdk_ecs::types::Tag::builder().key(key).value(value).build()).collect();
    let call = aws.ecs_write().tag_resource().resource_arn(arn).set_tags(Some(tags));
    call.send().await.map_err(failed(this)).map(|_| ())
}

/// Takes tags off a revision, or off anything else of ECS.
pub(crate) async fn untag(aws: &Aws, this: &'static Call, arn: &str, keys: Vec<String>) -> Result<(), CloudError> {
    let call = aws.ecs_write().untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
    gone_is_fine(call.send().await.map_err(failed(this)))
}
