//! Where containers log to, and the ends of their logs.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{ContainerDefinition, LogDriver};
use hatoba_engine::cloud::CloudError;

use super::calls::GET_LOG_EVENTS;
use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::kinds::task_definition::calls::DESCRIBE_TASK_DEFINITION;

/// Where the containers of a revision log to, by their names: those that write to CloudWatch Logs with a prefix, without which
/// a stream does not bear the task's id.
pub type Places = BTreeMap<String, Place>;

/// Where a container logs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log group.
    pub group: String,
    /// What the names of its streams begin with.
    pub prefix: String,
    /// The region.
    pub region: Option<String>,
}

impl Place {
    /// The stream of a container of a task.
    pub fn stream(&self, container: &str, task: &str) -> String {
        format!("{}/{container}/{task}", self.prefix)
    }
}

/// Where the containers of a revision log to.
///
/// # Errors
/// When the revision could not be read.
pub async fn places(aws: &Aws, task_definition: &str) -> Result<Places, CloudError> {
    let call = aws.ecs().describe_task_definition().task_definition(task_definition);
    let answer = missing_is_none(call.send().await.map_err(failed(&DESCRIBE_TASK_DEFINITION)))?;
    let task = answer.and_then(|answer| answer.task_definition);
    let containers = task.as_ref().map(|task| task.container_definitions()).unwrap_or_default();
    Ok(containers.iter().filter_map(|container| Some((container.name()?.to_owned(), place(container)?))).collect())
}

pub(crate) fn place(container: &ContainerDefinition) -> Option<Place> {
    let logs = container.log_configuration().filter(|logs| *logs.log_driver() == LogDriver::Awslogs)?;
    let option = |key: &str| logs.options()?.get(key).cloned();
    Some(Place {
        group: option("awslogs-group")?,
        prefix: option("awslogs-stream-prefix")?,
        region: option("awslogs-region"),
    })
}

/// The last lines of a stream, oldest first; none for one that does not exist yet.
///
/// # Errors
/// When it could not be read.
pub async fn tail(aws: &Aws, group: &str, stream: &str, lines: i32) -> Result<Vec<String>, CloudError> {
    let call = aws.logs().get_log_events().log_group_name(group).log_stream_name(stream);
    let answer = call.limit(lines).start_from_head(false).send().await.map_err(failed(&GET_LOG_EVENTS));
    let events = missing_is_none(answer)?.and_then(|answer| answer.events).unwrap_or_default();
    let lines = events.iter().filter_map(|event| event.message()).flat_map(str::lines).map(str::to_owned);
    Ok(lines.collect())
}

/// A part of a stream, from where the last one ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What was written, with when (milliseconds since 1970), the oldest first.
    pub events: Vec<(i64, String)>,
    /// Where the next part begins; nothing for a stream that does not exist yet.
    pub next: Option<String>,
}

/// What a stream has from its beginning, or from a place in it, on. At the end of the stream the place stays the same.
///
/// # Errors
/// When it could not be read. That it does not exist yet is none.
pub async fn from(aws: &Aws, group: &str, stream: &str, place: Option<&str>) -> Result<Page, CloudError> {
    let call = aws.logs().get_log_events().log_group_name(group).log_stream_name(stream).start_from_head(true);
    let call = call.set_next_token(place.map(str::to_owned));
    let Some(answer) = missing_is_none(call.send().await.map_err(failed(&GET_LOG_EVENTS)))? else {
        return Ok(Page::default());
    };
    let event = |event: &aws_sdk_cloudwatchlogs::types::OutputLogEvent| {
        (event.timestamp().unwrap_or_default(), event.message().unwrap_or_default().to_owned())
    };
    Ok(Page { events: answer.events().iter().map(event).collect(), next: answer.next_forward_token })
}
