//! Which task definition, service, cluster, container and network are meant. Pure.

use hatoba_model::kinds::Resource as _;
use hatoba_model::reference::Ref;
use hatoba_model::stack::Stack;
use hatoba_provider::one_off::definition::Part;
use hatoba_provider::one_off::home::Network;

use crate::commands::one_off::args::RunArgs;
use crate::error::{Error, Kind};

/// Names as they are listed in a sentence.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The task definition: the named one, or the only one of the file.
pub(super) fn task(stack: &Stack, named: Option<&str>) -> Result<String, Error> {
    let known = || list(stack.task_definitions.keys().map(String::as_str));
    match (named, stack.task_definitions.len()) {
        (Some(name), _) if stack.task_definitions.contains_key(name) => Ok(name.to_owned()),
        (Some(name), _) => Err(Error::new(Kind::Invalid, format!("the file has no task definition `{name}`"))
            .help(format!("it has {}", known()))),
        (None, 1) => Ok(stack.task_definitions.keys().next().cloned().unwrap_or_default()),
        (None, 0) => Err(Error::new(Kind::Invalid, "the file has no task definition to run")),
        (None, _) => Err(Error::new(Kind::Invalid, "the file has several task definitions, and none is named")
            .help(format!("write `hatoba run TASK …`, with one of {}", known()))),
    }
}

/// The service whose tasks it is like: the named one, or the only one that runs the task definition; none where none does.
pub(super) fn service(stack: &Stack, task: &str, named: Option<&str>) -> Result<Option<String>, Error> {
    if let Some(name) = named {
        if stack.services.contains_key(name) {
            return Ok(Some(name.to_owned()));
        }
        return Err(Error::new(Kind::Invalid, format!("the file has no service `{name}`"))
            .help(format!("it has {}", list(stack.services.keys().map(String::as_str)))));
    }
    let users = stack.services.iter().filter(|(_, service)| service.own_task_definition() == Some(task));
    let users: Vec<&str> = users.map(|(key, _)| key.as_str()).collect();
    match users.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).to_owned())),
        several => {
            Err(Error::new(Kind::Invalid, format!("{} services run the task definition `{task}`", several.len())).help(
                format!(
                    "say whose revision and network to take: `--service`, with one of {}",
                    list(several.iter().copied())
                ),
            ))
        }
    }
}

/// The name of the cluster: the named one, that of the service, or the only one of the file.
pub(super) fn cluster(stack: &Stack, named: Option<&str>, service: Option<&str>) -> Result<String, Error> {
    let by_key = |key: &str| match stack.clusters.get(key) {
        Some(cluster) => cluster.aws_name(key).to_owned(),
        None => key.to_owned(),
    };
    if let Some(name) = named {
        return Ok(by_key(name));
    }
    let of_service = service.and_then(|key| stack.services.get(key)).and_then(|service| service.cluster.as_ref());
    match (of_service, stack.clusters.len()) {
        (Some(Ref::Own(key)), _) => Ok(by_key(key)),
        (Some(Ref::Existing(name)), _) => Ok(name.rsplit('/').next().unwrap_or(name).to_owned()),
        (None, 1) => Ok(stack.clusters.keys().next().map(|key| by_key(key)).unwrap_or_default()),
        (None, 0) => {
            Err(Error::new(Kind::Invalid, "the file has no cluster to run the task in")
                .help("name one: `--cluster NAME`"))
        }
        (None, _) => {
            Err(Error::new(Kind::Invalid, "the file has several clusters, and no service runs this task definition")
                .help(format!(
                    "name one: `--cluster`, with one of {}",
                    list(stack.clusters.keys().map(String::as_str))
                )))
        }
    }
}

/// The container that the command is for: the named one, else the first that the task ends with.
pub(super) fn container(parts: &[Part], named: Option<&str>) -> Result<String, Error> {
    let chosen = match named {
        Some(name) => parts.iter().find(|part| part.name == name),
        None => parts.iter().find(|part| part.essential).or_else(|| parts.first()),
    };
    chosen.map(|part| part.name.clone()).ok_or_else(|| {
        let message = match named {
            Some(name) => format!("the task definition has no container `{name}`"),
            None => "the task definition has no container".to_owned(),
        };
        Error::new(Kind::Invalid, message).help(format!("it has {}", list(parts.iter().map(|part| part.name.as_str()))))
    })
}

/// The revision that is run: that of the service, if it is one of this family, else the latest.
pub(super) fn revision<'a>(latest: &'a str, of_service: Option<&'a str>) -> &'a str {
    let family = |arn: &str| arn.rsplit_once(':').map(|(family, _)| family.to_owned());
    of_service.filter(|arn| family(arn) == family(latest)).unwrap_or(latest)
}

/// What is still missing of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Nothing.
    Known(Network),
    /// The default subnets of the region.
    Default {
        /// Security groups that were named.
        groups: Vec<String>,
        /// Whether it gets a public address. Default subnets are public: without one it could not even pull its image.
        public_ip: bool,
    },
}

/// The network: that of the service, part by part replaced by what is said on the command line.
pub(super) fn network(service: Option<&Network>, args: &RunArgs) -> Where {
    let groups = match (args.groups.is_empty(), service) {
        (true, Some(service)) => service.groups.clone(),
        (_, _) => args.groups.clone(),
    };
    match (args.subnets.is_empty(), service) {
        (true, None) => Where::Default { groups, public_ip: args.public_ip.unwrap_or(true) },
        (named, service) => Where::Known(Network {
            subnets: match service {
                Some(service) if named => service.subnets.clone(),
                _ => args.subnets.clone(),
            },
            groups,
            public_ip: args.public_ip.unwrap_or_else(|| service.is_some_and(|service| service.public_ip)),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::args::{Cli, Command};
    use crate::commands::one_off::args::check_dashes;

    fn stack() -> Stack {
        let task = json!({ "cpu": 256, "memory": 512, "containers": { "app": { "image": "nginx" } } });
        let service = |task: &str| json!({ "cluster": "main", "task_definition": task });
        serde_json::from_value(json!({
            "stack": "papyrus", "region": "us-west-2",
            "clusters": { "main": { "name": "papyrus-main" }, "other": {} },
            "task_definitions": { "papyrus": task, "migrate": task, "shared": task },
            "services": { "papyrus": service("papyrus"), "a": service("shared"), "b": service("shared") },
        }))
        .unwrap()
    }

    fn args(words: &[&str]) -> RunArgs {
        let words = ["hatoba", "run"].iter().chain(words);
        match Cli::try_parse_from(words).unwrap().command {
            Command::Run(args) => args,
            other => unreachable!("{other:?}"),
        }
    }

    fn help(error: &Error) -> String {
        format!("{}; {}", error.message, error.help.join("; "))
    }

    #[test]
    fn the_service_that_runs_it_is_taken_where_there_is_one() {
        let stack = stack();
        assert_eq!(service(&stack, "papyrus", None).unwrap().as_deref(), Some("papyrus"));
        assert_eq!(service(&stack, "migrate", None).unwrap(), None);
        assert_eq!(service(&stack, "migrate", Some("papyrus")).unwrap().as_deref(), Some("papyrus"));
        let several = service(&stack, "shared", None).unwrap_err();
        assert!(help(&several).contains("2 services") && help(&several).contains("`a`, `b`"), "{several:?}");
        assert_eq!(service(&stack, "shared", Some("b")).unwrap().as_deref(), Some("b"));
        assert!(service(&stack, "shared", Some("c")).is_err());
    }

    #[test]
    fn a_task_definition_has_to_be_named_where_there_are_several() {
        assert_eq!(task(&stack(), Some("migrate")).unwrap(), "migrate");
        assert!(help(&task(&stack(), None).unwrap_err()).contains("`migrate`, `papyrus`, `shared`"));
        assert!(task(&stack(), Some("x")).is_err());
    }

    #[test]
    fn the_cluster_is_that_of_the_service_by_its_name() {
        let stack = stack();
        assert_eq!(cluster(&stack, None, Some("papyrus")).unwrap(), "papyrus-main");
        assert_eq!(cluster(&stack, Some("other"), Some("papyrus")).unwrap(), "other");
        assert_eq!(cluster(&stack, Some("elsewhere"), None).unwrap(), "elsewhere");
        assert!(help(&cluster(&stack, None, None).unwrap_err()).contains("`main`, `other`"));
    }

    #[test]
    fn the_first_essential_container_is_meant_unless_one_is_named() {
        let part = |name: &str, essential| Part { name: name.into(), essential, logs: None };
        let parts = [part("side", false), part("app", true), part("web", true)];
        assert_eq!(container(&parts, None).unwrap(), "app");
        assert_eq!(container(&parts, Some("side")).unwrap(), "side");
        assert!(help(&container(&parts, Some("x")).unwrap_err()).contains("`side`, `app`, `web`"));
    }

    #[test]
    fn the_revision_of_the_service_is_taken_if_it_is_of_the_family() {
        let arn = |revision: &str| format!("arn:aws:ecs:us-west-2:123456789012:task-definition/{revision}");
        let (latest, runs, other) = (arn("papyrus:9"), arn("papyrus:7"), arn("web:3"));
        assert_eq!(revision(&latest, Some(&runs)), runs);
        assert_eq!(revision(&latest, Some(&other)), latest);
        assert_eq!(revision(&latest, None), latest);
    }

    #[test]
    fn the_network_is_that_of_the_service_but_for_what_is_said() {
        let of = Network { subnets: vec!["subnet-1".into()], groups: vec!["sg-1".into()], public_ip: true };
        assert_eq!(network(Some(&of), &args(&[])), Where::Known(of.clone()));
        let said = args(&["--subnet", "subnet-2", "--public-ip=false"]);
        let expected = Network { subnets: vec!["subnet-2".into()], public_ip: false, ..of.clone() };
        assert_eq!(network(Some(&of), &said), Where::Known(expected));
        // A subnet that is named need not be a public one.
        let alone = Network { subnets: vec!["subnet-2".into()], groups: Vec::new(), public_ip: false };
        assert_eq!(network(None, &args(&["--subnet", "subnet-2"])), Where::Known(alone));
        let default = Where::Default { groups: vec!["sg-2".into()], public_ip: true };
        assert_eq!(network(None, &args(&["--security-group", "sg-2"])), default);
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let said = args(&["papyrus", "--public-ip", "--container", "app", "--", "./manage", "--no-wait", "migrate"]);
        assert_eq!((said.task.as_deref(), said.public_ip), (Some("papyrus"), Some(true)));
        assert_eq!(said.command, ["./manage", "--no-wait", "migrate"]);
        assert!(!said.no_wait);
        let forgotten = args(&["papyrus", "./manage", "migrate", "it's"]);
        assert_eq!(forgotten.stray, ["./manage", "migrate", "it's"]);
        let error = check_dashes("run", Some("papyrus"), &forgotten.stray, &[]).unwrap_err();
        assert!(help(&error).contains("put `--` before the command: hatoba run papyrus -- ./manage migrate 'it'"));
        let alone = args(&["--", "true"]);
        assert!(check_dashes("run", None, &alone.stray, &alone.command).is_ok());
        assert_eq!((alone.task, alone.command), (None, vec!["true".to_owned()]));
    }
}
