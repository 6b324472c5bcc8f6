//! `hatoba logs`: what the containers of a service wrote.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::try_join_all;
use hatoba_model::address::Address;
use hatoba_provider::log_events::{Ask, LogEvent, events};
use hatoba_provider::rollout::logs::{Place, Places, places};
use hatoba_provider::rollout::services::services;
use serde_json::json;

use crate::args::{Global, LogsArgs};
use crate::commands::one_service::{chosen, of_another, wish};
use crate::commands::status::now;
use crate::error::{Error, Kind};
use crate::purpose::{Purpose, refused};
use crate::readers::gone;
use crate::render::Tone;
use crate::render::line::{Line, write_all};
use crate::render::logs::{Streams, lines};
use crate::session::{self, Session};
use crate::ui::Ui;

/// How often new lines are asked for: CloudWatch Logs takes 10 requests a second for an account.
const EVERY: Duration = Duration::from_secs(2);
/// How far back lines are looked for once more: CloudWatch shows some of them late, and not in order.
const LATE: i64 = 20_000;

/// Prints lines, and with `--follow` those that come, until it is interrupted or nobody reads them any more.
pub(crate) async fn run(global: &Global, args: &LogsArgs, ui: &Ui) -> Result<u8, Error> {
    let session = session::open(global, ui).await?;
    let key = chosen(&session, args.service.as_deref())?;
    let places = of_service(&session, &key, args).await?;
    let span = i64::try_from(args.since.as_millis()).unwrap_or(i64::MAX);
    let mut since = now(&session).saturating_sub(span).max(0);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut streams = Streams::default();
    let unread = gone();
    tokio::pin!(unread);
    loop {
        let asked = now(&session);
        let mut found = ask(&session, &places, since, args).await?;
        found.retain(|event| !seen.contains(&event.id));
        let text: String = found
            .iter()
            .map(|event| match ui.json {
                true => format!("{}\n", document(event)),
                false => write_all(&lines(event, &mut streams, args.timestamps), ui.out),
            })
            .collect();
        if !ui.stream(&text)? {
            return Ok(0);
        }
        if !args.follow {
            if found.is_empty() && !ui.json {
                let groups: BTreeSet<&str> = places.values().map(|place| place.group.as_str()).collect();
                let groups = groups.into_iter().collect::<Vec<_>>().join(", ");
                ui.tell(&[Line::new(0)
                    .add(Tone::Faint, &format!("no lines in {groups} in that time; `--since 1d` looks further back"))]);
            }
            return Ok(0);
        }
        since = since.max(asked - LATE);
        seen.extend(found.into_iter().map(|event| event.id));
        tokio::select! {
            () = &mut unread => return Ok(0),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Where the containers of what the service runs log to.
async fn of_service(session: &Session, key: &str, args: &LogsArgs) -> Result<Places, Error> {
    let want = wish(session, &Address::new("service", key))?;
    let cluster = want.scope.clone().unwrap_or_else(|| "default".to_owned());
    let aws = session.provider.aws();
    let found = services(aws, &cluster, &[want.name.as_str()]).await.map_err(refused(session, Purpose::Logs))?;
    let Some(service) = found.into_iter().find(|service| service.status != "INACTIVE") else {
        return Err(Error::new(
            Kind::Failed,
            format!("there is no service `{}` in the cluster `{cluster}` yet", want.name),
        )
        .help("`hatoba apply` makes it"));
    };
    if let Some(problem) = of_another(session, want, service.stack.as_deref()) {
        return Err(problem);
    }
    let places = places(aws, &service.task_definition).await;
    let mut places = places.map_err(refused(session, Purpose::Logs))?;
    if let Some(container) = &args.container {
        places.retain(|name, _| name == container);
    }
    if places.is_empty() {
        let what = args.container.as_deref().map_or("no container".to_owned(), |name| format!("no container `{name}`"));
        return Err(Error::new(Kind::Failed, format!("{what} of service.{key} writes to CloudWatch Logs"))
            .help("`logs: GROUP` of a container names its log group"));
    }
    Ok(places)
}

async fn ask(session: &Session, places: &Places, since: i64, args: &LogsArgs) -> Result<Vec<LogEvent>, Error> {
    let aws = session.provider.aws();
    let one = |(container, place): (&String, &Place)| {
        let (group, streams) = (place.group.clone(), place.stream(container, ""));
        async move { events(aws, Ask { group: &group, streams: &streams, since, pattern: args.filter.as_deref() }).await }
    };
    let found = try_join_all(places.iter().map(one)).await;
    let mut found = found.map_err(refused(session, Purpose::Logs))?.concat();
    found.sort_by(|a, b| (a.at, &a.stream).cmp(&(b.at, &b.stream)));
    if let Some(lines) = args.lines {
        found.drain(..found.len().saturating_sub(lines.get()));
    }
    Ok(found)
}

fn document(event: &LogEvent) -> serde_json::Value {
    let mut parts = event.stream.rsplit('/');
    let (task, container) = (parts.next(), parts.next());
    json!({ "at": event.at, "task": task, "container": container, "stream": event.stream, "message": event.message })
}
