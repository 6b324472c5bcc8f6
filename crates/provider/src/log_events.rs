//! Lines of logs. Source: CloudWatch Logs API reference, `FilterLogEvents`.

use hatoba_engine::cloud::CloudError;

use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::permissions::call::calls;

calls! { aside:
    FILTER_LOG_EVENTS: "logs:FilterLogEvents";
}

/// Which lines are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The log group.
    pub group: &'a str,
    /// What the names of its streams begin with.
    pub streams: &'a str,
    /// From when on, in milliseconds since 1970.
    pub since: i64,
    /// A filter pattern as CloudWatch Logs defines them.
    pub pattern: Option<&'a str>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// CloudWatch's id of it.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The stream: `ecs/app/0123456789abcdef`.
    pub stream: String,
    /// What was written.
    pub message: String,
}

/// The lines, the oldest first; none where the group does not exist yet.
///
/// # Errors
/// When they could not be read.
pub async fn events(aws: &Aws, ask: Ask<'_>) -> Result<Vec<LogEvent>, CloudError> {
    let call = aws.logs().filter_log_events().log_group_name(ask.group).log_stream_name_prefix(ask.streams);
    let call = call.start_time(ask.since).set_filter_pattern(ask.pattern.map(str::to_owned));
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&FILTER_LOG_EVENTS)))? else { break };
        for event in page.events() {
            found.push(LogEvent {
                id: event.event_id().unwrap_or_default().to_owned(),
                at: event.timestamp().unwrap_or_default(),
                stream: event.log_stream_name().unwrap_or_default().to_owned(),
                message: event.message().unwrap_or_default().to_owned(),
            });
        }
    }
    found.sort_by(|a, b| (a.at, &a.stream, &a.id).cmp(&(b.at, &b.stream, &b.id)));
    Ok(found)
}
