//! Which task is meant, and whether a command can be run in it. Pure. Source: "Monitor Amazon ECS containers with ECS Exec" in the ECS
//! developer guide.

use hatoba_provider::one_off::definition::Definition;
use hatoba_rollout::state::{Task, last};

use super::choose::{container, list};
use crate::error::{Error, Kind};
use crate::render::rollout::short;

/// How many characters the id of a task has.
const ID: usize = 32;

/// Whether a word is a task's ARN or its whole id, so that it can be asked for wherever it was started from.
pub(super) fn is_whole(named: &str) -> bool {
    let id = last(named);
    id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn runs(task: &Task) -> bool {
    task.last == "RUNNING" && task.desired != "STOPPED"
}

/// The task that is meant: the one whose id begins so, or the newest that runs; with how many others run. Nothing where the word fits none.
pub(super) fn task<'a>(
    tasks: &'a [Task],
    named: Option<&str>,
    whose: &str,
) -> Result<Option<(&'a Task, usize)>, Error> {
    let running = tasks.iter().filter(|task| runs(task));
    let Some(named) = named else {
        let newest = running.clone().max_by_key(|task| (task.started.or(task.created), &task.id));
        return match newest {
            Some(task) => Ok(Some((task, running.count() - 1))),
            None => {
                let on_the_way = tasks.iter().any(|task| !task.has_stopped() && task.desired != "STOPPED");
                let error = Error::new(Kind::Failed, format!("no task of {whose} runs"));
                Err(match on_the_way {
                    true => error.help("one is being started: try again in a moment; `hatoba status` shows it"),
                    false => error.help("`hatoba status` shows why; `hatoba up` starts what was stopped"),
                })
            }
        };
    };
    let fits = |task: &&Task| task.id.starts_with(last(named));
    let fitting: Vec<&Task> = tasks.iter().filter(fits).collect();
    match fitting.as_slice() {
        [] => Ok(None),
        [one] if runs(one) => Ok(Some((one, 0))),
        [one] => Err(Error::new(
            Kind::Failed,
            format!("the task {} does not run: it is {}", short(&one.id), one.last.to_lowercase()),
        )),
        several => {
            let ids = list(several.iter().map(|task| task.id.as_str()));
            Err(Error::new(Kind::Failed, format!("the ids of {} tasks begin with `{named}`", several.len()))
                .help(format!("name one of {ids}")))
        }
    }
}

/// What is known of the service that a task belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'a> {
    /// Its key in the file.
    pub(super) key: &'a str,
    /// Whether tasks that are started from now on take commands.
    pub(super) exec: bool,
}

/// The container that is meant.
pub(super) fn part(task: &Task, definition: Option<&Definition>, named: Option<&str>) -> Result<String, Error> {
    match (definition, named, task.containers.as_slice()) {
        (_, None, [only]) => Ok(only.name.clone()),
        (Some(definition), named, _) => container(&definition.containers, named),
        (None, Some(name), containers) if containers.iter().any(|it| it.name == name) => Ok(name.to_owned()),
        (None, Some(name), containers) => Err(Error::new(Kind::Invalid, format!("the task has no container `{name}`"))
            .help(format!("it has {}", list(containers.iter().map(|it| it.name.as_str()))))),
        (None, None, containers) => Err(Error::new(Kind::Invalid, "the task has several containers").help(format!(
            "name one: `--container`, with one of {}",
            list(containers.iter().map(|it| it.name.as_str()))
        ))),
    }
}

/// Why no command can be run in a container of a task, with what to do about it; nothing where it can.
pub(super) fn obstacle(task: &Task, container: &str, definition: Option<&Definition>, of: Of<'_>) -> Option<Error> {
    let failed = |message: String, help: String| Some(Error::new(Kind::Failed, message).help(help));
    let (id, key) = (short(&task.id), of.key);
    if !task.exec && !of.exec {
        return failed(
            format!("ECS Exec is off for service.{key}"),
            "write `enable_exec: true` for the service and run `hatoba apply`: it replaces the tasks".to_owned(),
        );
    }
    if !task.exec {
        return failed(
            format!("the task {id} was started before ECS Exec was switched on"),
            "only tasks that are started since then have it: deploy again, or stop this one, and ECS starts another"
                .to_owned(),
        );
    }
    let role = "its task role needs ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and OpenDataChannel";
    if definition.is_some_and(|definition| definition.task_role.is_none()) {
        return failed(
            format!("the task {id} has no task role, without which ECS Exec does not work"),
            format!("give the task definition a `task_role:`; {role}"),
        );
    }
    let Some(it) = task.containers.iter().find(|it| it.name == container) else {
        return failed(format!("the task {id} has no container `{container}`"), "see `hatoba status`".to_owned());
    };
    if it.last != "RUNNING" {
        let state = it.last.to_lowercase();
        return failed(
            format!("the container `{container}` of the task {id} does not run: it is {state}"),
            "see `hatoba status`".to_owned(),
        );
    }
    match &it.exec_agent {
        Some(agent) if agent.status == "RUNNING" => None,
        Some(agent) if agent.status == "STOPPED" => {
            let why = agent.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            failed(
                format!("the ECS Exec agent of `{container}` in the task {id} has stopped{why}"),
                format!("{role}, and a way to the endpoint ssmmessages; then the task has to be replaced"),
            )
        }
        Some(_) => failed(
            format!("the ECS Exec agent of `{container}` in the task {id} does not run yet"),
            format!("try again in a moment; if it stays so: {role}, and a way to the endpoint ssmmessages"),
        ),
        // ECS tells of the agent a moment after it tells that the task runs.
        None => failed(
            format!("ECS tells of no ECS Exec agent in `{container}` of the task {id}"),
            format!("try again in a moment; if it stays so: {role}"),
        ),
    }
}

/// The command as ECS takes it: one text, which the agent splits like a shell. A single word is taken as it is.
pub(super) fn command(words: &[String], quoted: impl Fn(&str) -> String) -> String {
    match words {
        [] => "/bin/sh".to_owned(),
        [one] => one.clone(),
        several => several.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use hatoba_provider::one_off::definition::Part;
    use hatoba_rollout::state::{Container, ExecAgent};

    use super::*;
    use crate::carry::quoted;

    fn running(id: &str, started: i64) -> Task {
        let agent = ExecAgent { status: "RUNNING".into(), reason: None };
        let app =
            Container { name: "app".into(), last: "RUNNING".into(), exec_agent: Some(agent), ..Container::default() };
        Task {
            id: id.into(),
            last: "RUNNING".into(),
            desired: "RUNNING".into(),
            started: Some(started),
            exec: true,
            containers: vec![app],
            ..Task::default()
        }
    }

    const ON: Of<'_> = Of { key: "papyrus", exec: true };

    fn said(error: Option<Error>) -> String {
        error.map(|error| format!("{}; {}", error.message, error.help.join("; "))).unwrap_or_default()
    }

    #[test]
    fn the_newest_that_runs_is_meant_unless_one_is_named() {
        let stopping = Task { desired: "STOPPED".into(), ..running("d4", 9) };
        let tasks = [running("a1", 1), running("b2", 5), running("b3", 3), stopping];
        let id = |named: Option<&str>| {
            task(&tasks, named, "service.papyrus").map(|it| it.map(|(task, n)| (task.id.clone(), n)))
        };
        assert_eq!(id(None).unwrap(), Some(("b2".into(), 2)));
        assert_eq!(id(Some("a")).unwrap(), Some(("a1".into(), 0)));
        assert_eq!(id(Some("arn:aws:ecs:us-west-2:123456789012:task/papyrus/b3")).unwrap(), Some(("b3".into(), 0)));
        assert_eq!(id(Some("x")).unwrap(), None);
        assert!(said(id(Some("b")).err()).contains("`b2`, `b3`"));
        assert!(said(id(Some("d4")).err()).contains("does not run"));
        assert!(said(task(&[], None, "service.papyrus").err()).contains("no task of service.papyrus runs"));
    }

    #[test]
    fn whole_ids_can_be_asked_for() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(is_whole(id) && is_whole(&format!("arn:aws:ecs:us-west-2:123456789012:task/papyrus/{id}")));
        assert!(!is_whole("0123") && !is_whole(&"x".repeat(32)));
    }

    #[test]
    fn each_thing_that_is_missing_is_named_with_its_way_out() {
        let good = running("a1", 1);
        let why = |task: &Task, of: Of<'_>| said(obstacle(task, "app", None, of));
        assert_eq!(why(&good, ON), "");
        // A task that has it keeps it, also when the service is switched off.
        assert_eq!(why(&good, Of { exec: false, ..ON }), "");
        let old = Task { exec: false, ..good.clone() };
        assert!(why(&old, ON).contains("before ECS Exec was switched on"));
        assert!(why(&old, Of { exec: false, ..ON }).contains("`enable_exec: true`"));
        let no_role = Definition::default();
        assert!(said(obstacle(&good, "app", Some(&no_role), ON)).contains("no task role"));
        let with_role = Definition { task_role: Some("arn".into()), ..Definition::default() };
        assert_eq!(said(obstacle(&good, "app", Some(&with_role), ON)), "");
        let mut agent = good.clone();
        agent.containers[0].exec_agent = Some(ExecAgent { status: "STOPPED".into(), reason: Some("no way".into()) });
        assert!(
            why(&agent, ON).contains("has stopped (no way)")
                && why(&agent, ON).contains("ssmmessages:CreateControlChannel")
        );
        agent.containers[0].exec_agent = Some(ExecAgent { status: "PENDING".into(), reason: None });
        assert!(why(&agent, ON).contains("does not run yet"));
        agent.containers[0].exec_agent = None;
        assert!(why(&agent, ON).contains("no ECS Exec agent"));
        agent.containers[0].last = "PENDING".into();
        assert!(why(&agent, ON).contains("it is pending"));
        assert!(said(obstacle(&good, "side", None, ON)).contains("no container `side`"));
    }

    #[test]
    fn the_container_is_the_only_one_or_the_first_essential_one() {
        let mut task = running("a1", 1);
        assert_eq!(part(&task, None, None).unwrap(), "app");
        task.containers.push(Container { name: "side".into(), ..Container::default() });
        let of = |name: &str, essential| Part { name: name.into(), essential, logs: None };
        let definition = Definition { containers: vec![of("side", false), of("app", true)], ..Definition::default() };
        assert_eq!(part(&task, Some(&definition), None).unwrap(), "app");
        assert_eq!(part(&task, Some(&definition), Some("side")).unwrap(), "side");
        assert_eq!(part(&task, None, Some("side")).unwrap(), "side");
        assert!(part(&task, None, None).is_err() && part(&task, None, Some("x")).is_err());
    }

    #[test]
    fn words_stay_words_and_a_single_one_is_a_command_line() {
        let command =
            |words: &[&str]| command(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), quoted);
        assert_eq!(command(&[]), "/bin/sh");
        assert_eq!(command(&["ls -la /"]), "ls -la /");
        assert_eq!(command(&["sh", "-c", "echo $HOME; it's"]), "sh -c 'echo $HOME; it'\\''s'");
    }
}
