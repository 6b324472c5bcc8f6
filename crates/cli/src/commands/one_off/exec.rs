//! `hatoba exec`: a command in a task that runs, handed over to the Session Manager plugin.

use std::collections::BTreeSet;

use hatoba_engine::cloud::CloudError;
use hatoba_model::address::Address;
use hatoba_provider::one_off::definition::definition;
use hatoba_provider::one_off::home::home;
use hatoba_provider::one_off::session::execute;
use hatoba_provider::rollout::tasks::{describe, tasks};
use hatoba_rollout::state::{Task, last};

use super::args::{ExecArgs, check_dashes};
use super::plugin::{self, Target};
use super::ready::{self, Of};
use crate::args::Global;
use crate::carry::quoted;
use crate::commands::one_service::{chosen, of_another, wish};
use crate::error::{Error, Kind};
use crate::purpose::{Purpose, refused};
use crate::render::line::Line;
use crate::render::rollout::short;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Runs a command in a task of a service. The exit code is that of the plugin.
pub(crate) async fn run(global: &Global, args: &ExecArgs, ui: &Ui) -> Result<u8, Error> {
    if ui.json {
        return Err(Error::new(Kind::Failed, "`hatoba exec` has no document: what it prints is the session's own")
            .help("leave `--json` out"));
    }
    check_dashes("exec", args.service.as_deref(), &args.stray, &args.command)?;
    let session = session::open(global, ui).await?;
    let key = chosen(&session, args.service.as_deref())?;
    let want = wish(&session, &Address::new("service", &key))?;
    let (name, none) = (want.name.clone(), BTreeSet::new());
    let cluster = want.scope.clone().unwrap_or_else(|| "default".to_owned());
    let aws = session.provider.aws();
    let (home, all) = futures::join!(home(aws, &cluster, &name), tasks(aws, &cluster, &name, &none));
    let Some(home) = home.map_err(refused(&session, Purpose::Exec))? else {
        return Err(Error::new(Kind::Failed, format!("there is no service `{name}` in the cluster `{cluster}` yet"))
            .help("`hatoba apply` makes it"));
    };
    if let Some(problem) = of_another(&session, want, home.stack.as_deref()) {
        return Err(problem);
    }
    let all = all.map_err(refused(&session, Purpose::Exec))?;
    // Whoever has no service yet has no use for the plugin.
    let plugin = plugin::find()?;
    let (task, others) = meant(&session, &cluster, all, args.task.as_deref(), &key).await?;
    let revision = definition(aws, &task.task_definition).await.map_err(refused(&session, Purpose::Exec))?;
    let container = ready::part(&task, revision.as_ref(), args.container.as_deref())?;
    if let Some(obstacle) = ready::obstacle(&task, &container, revision.as_ref(), Of { key: &key, exec: home.exec }) {
        return Err(obstacle);
    }
    let runtime = task.containers.iter().find(|it| it.name == container).and_then(|it| it.runtime_id.clone());
    let runtime = runtime.ok_or_else(|| {
        Error::new(Kind::Failed, format!("ECS does not name the runtime of `{container}` yet"))
            .help("try again in a moment")
    })?;
    let command = ready::command(&args.command, quoted);
    let others = match others {
        0 => String::new(),
        1 => "; another one runs, `--task ID` names it".to_owned(),
        several => format!("; {several} others run, `--task ID` names one"),
    };
    let text = format!("· `{container}` of the task {} of service.{key}: {command}{others}", short(&task.id));
    ui.tell(&[Line::new(0).hang(2).text(&text)]);
    let opened = execute(aws, &cluster, &task.arn, &container, &command).await;
    let opened = opened.map_err(|error| not_connected(&session, error))?;
    let endpoint = global.endpoint_url.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
    let target = Target {
        facts: session.facts(),
        profile: global.profile.as_deref(),
        endpoint: endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()),
        cluster: last(&cluster),
        task: &task.id,
        runtime: &runtime,
    };
    plugin::hand_over(&plugin, &opened, target)
}

/// The task that is meant. One that was run once belongs to no service: by its whole id it is found all the same.
async fn meant(
    session: &Session,
    cluster: &str,
    all: Vec<Task>,
    named: Option<&str>,
    key: &str,
) -> Result<(Task, usize), Error> {
    let whose = format!("service.{key}");
    if let Some((task, others)) = ready::task(&all, named, &whose)? {
        return Ok((task.clone(), others));
    }
    let named = named.unwrap_or_default();
    if ready::is_whole(named) {
        let id = [last(named).to_owned()];
        let found = describe(session.provider.aws(), cluster, &id).await.map_err(refused(session, Purpose::Exec))?;
        if let Some((task, _)) = ready::task(&found, Some(named), &whose)? {
            return Ok((task.clone(), 0));
        }
    }
    Err(Error::new(Kind::Failed, format!("{whose} has no task whose id begins with `{named}`"))
        .help("`hatoba status` shows the tasks; a task of `hatoba run` is named by its whole id"))
}

/// The session was not opened.
fn not_connected(session: &Session, error: CloudError) -> Error {
    let lost = error.code.as_deref() == Some("TargetNotConnectedException");
    let error = refused(session, Purpose::Exec)(error);
    if !lost {
        return error;
    }
    error.help(
        "the agent in the container has no connection: its task role needs the four ssmmessages actions, and the network a way to the \
         endpoint ssmmessages",
    )
}
