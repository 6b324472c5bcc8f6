//! What ECS would only tell when the task definition is registered, or when a task starts: one container.

use std::collections::BTreeSet;

use super::{Container, HealthCheck, Image, ImageOf, LogDriver, Os, TaskDefinition};
use crate::check::{Check, shorten};
use crate::diag::nearest;
use crate::kinds::api_members::{self, check_extra};
use crate::kinds::text_or_list::TextOrList;
use crate::reference::Ref;
use crate::secret;

/// Limits of the operating system that ECS knows (ECS API reference, `Ulimit`).
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// What a container of the API has and Fargate has not (ECS developer guide, "Task definition differences for Fargate").
const NOT_ON_FARGATE: [&str; 9] = [
    "privileged",
    "links",
    "hostname",
    "dnsServers",
    "dnsSearchDomains",
    "extraHosts",
    "dockerSecurityOptions",
    "disableNetworking",
    "resourceRequirements",
];

/// What a container of the API has and the file spells otherwise.
const SPELLED: [(&str, &str); 5] = [
    ("name", "the key"),
    ("image", "image"),
    ("environment", "environment"),
    ("secrets", "secrets"),
    ("portMappings", "ports"),
];

pub(super) fn check_container(task: &TaskDefinition, name: &str, container: &Container, cx: &mut Check<'_>) {
    let mut at = At { cx, name };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > 255 || !name.chars().all(fits) {
        at.error(&[], "container-name", format!("`{}` cannot be the name of a container", shorten(name)))
            .help("allowed are 1 to 255 letters, digits, `_` and `-`");
    }
    at.image(container.image.as_ref());
    at.ports(container);
    at.environment(container);
    at.logs(task, container);
    if let Some(health) = &container.health_check {
        at.health_check(health);
    }
    at.mounts(task, container);
    at.limits(container);
    if task.system() != Os::Linux && container.linux.is_some() {
        at.error(&["linux"], "platform", "a Windows container has no `linux` settings".to_owned())
            .help("remove the block");
    }
    for key in NOT_ON_FARGATE {
        if container.extra.contains_key(key) {
            at.error(&["extra", key], "not-on-fargate", format!("Fargate has no `{key}`")).help("remove the line");
        }
    }
    for (api, key) in SPELLED {
        if container.extra.contains_key(api) {
            at.error(&["extra", api], "extra-known", format!("`{api}` is written as `{key}`"))
                .help("move it out of `extra`");
        }
    }
    check_extra(cx, &["containers", name, "extra"], &container.extra, &api_members::CONTAINER);
}

struct At<'c, 'a, 'n> {
    cx: &'c mut Check<'a>,
    name: &'n str,
}

impl At<'_, '_, '_> {
    fn error(&mut self, below: &[&str], code: &'static str, message: String) -> crate::check::Report<'_> {
        let place = [&["containers", self.name], below].concat();
        self.cx.error(&place, code, message)
    }

    fn warn(&mut self, below: &[&str], code: &'static str, message: String) -> crate::check::Report<'_> {
        let place = [&["containers", self.name], below].concat();
        self.cx.warn(&place, code, message)
    }

    fn range(&mut self, below: &[&str], what: &str, value: Option<u32>, limits: std::ops::RangeInclusive<u32>) {
        if let Some(value) = value.filter(|value| !limits.contains(value)) {
            let (least, most) = (limits.start(), limits.end());
            self.error(below, "out-of-range", format!("{what} is {least} to {most}, not {value}"))
                .help(format!("write {}", value.clamp(*least, *most)));
        }
    }

    fn image(&mut self, image: Option<&Image>) {
        match image {
            None => {
                self.error(&[], "missing-key", "`image` is required".to_owned())
                    .help("`image: nginx:alpine`, or `image: { repository: KEY }` for a repository of this file");
            }
            Some(Image::Plain(text)) => {
                if text.is_empty() || text.contains(char::is_whitespace) || text.contains("://") {
                    self.error(&["image"], "image", format!("`{}` is no image", shorten(text)))
                        .help("an image looks like `nginx:alpine` or `ghcr.io/acme/papyrus:v1`, without `https://`");
                }
            }
            Some(Image::Full(image)) => self.image_of(image),
        }
    }

    fn image_of(&mut self, image: &ImageOf) {
        match &image.repository {
            Some(Ref::Own(key)) => {
                let stack = self.cx.stack;
                let place: Vec<&str> = vec!["containers", self.name, "image", "repository"];
                self.cx.reference(&place, key, "repositories", stack.repositories.keys());
            }
            Some(Ref::Existing(_)) => {}
            None if image.live && image.bootstrap.is_some() => {}
            None => {
                self.error(&["image"], "missing-key", "the image needs a `repository`".to_owned())
                    .help("name a key under `repositories`, or write the image as a text; `live: true` works with `bootstrap:` alone, too");
            }
        }
        if image.tag.is_some() && image.digest.is_some() {
            self.error(&["image", "digest"], "either-or", "`tag` and `digest` exclude each other".to_owned())
                .help("remove one of the two");
        }
        if let Some(digest) = &image.digest {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
                self.error(&["image", "digest"], "digest", format!("`{}` is no digest", shorten(digest)))
                    .help("`sha256:` and 64 hexadecimal digits; `aws ecr describe-images` prints it");
            }
        }
        if let Some(tag) = &image.tag {
            let tag = tag.as_str();
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            if tag.is_empty() || tag.len() > 128 || !tag.chars().all(fits) || tag.starts_with(['.', '-']) {
                self.error(&["image", "tag"], "tag", format!("`{}` cannot be the tag of an image", shorten(tag)))
                    .help("allowed are 1 to 128 letters, digits and `_ . -`, beginning with a letter, a digit or `_`");
            }
        }
        if image.bootstrap.is_some() && !image.live {
            self.error(
                &["image", "bootstrap"],
                "bootstrap-unused",
                "`bootstrap` only means something with `live: true`".to_owned(),
            )
            .help("add `live: true` if a pipeline deploys this image, or remove `bootstrap`");
        }
    }

    fn ports(&mut self, container: &Container) {
        for (index, port) in container.ports.iter().enumerate() {
            let index = index.to_string();
            let mapping = port.full();
            match mapping.bounds() {
                None => {
                    self.error(&["ports", &index], "port", "this is no port".to_owned())
                        .help("write a number such as `5000`, a range such as `8000-8010`, or `{ port: 5000, protocol: udp }`");
                }
                Some((first, last)) if first == 0 || last > 65_535 || first > last => {
                    self.error(
                        &["ports", &index],
                        "out-of-range",
                        format!("a port is 1 to 65535, not {}", if first == 0 { first } else { last }),
                    )
                    .help("write the port that the program in the container listens on");
                }
                Some(_) => {}
            }
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
            if mapping.name.as_ref().is_some_and(|name| {
                name.is_empty() || name.len() > 64 || !name.chars().all(fits) || name.starts_with('-')
            }) {
                self.error(&["ports", &index, "name"], "port-name", "this cannot be the name of a port".to_owned())
                    .help("allowed are 1 to 64 lower-case letters, digits, `_` and `-`, not beginning with a hyphen");
            }
        }
    }

    fn environment(&mut self, container: &Container) {
        for (key, value) in &container.environment {
            if key.is_empty() || key.contains('=') {
                self.error(
                    &["environment", key],
                    "variable-name",
                    format!("`{}` cannot be the name of a variable", shorten(key)),
                )
                .help("a name is not empty and has no `=`");
            }
            if container.secrets.contains_key(key) {
                self.error(
                    &["environment", key],
                    "variable-twice",
                    format!("`{}` is among the `secrets`, too", shorten(key)),
                )
                .help("remove it from one of the two");
            }
            let place = ["containers", self.name, "environment", key];
            if let Some(mut report) = secret::check(self.cx, &place, "secret-in-environment", key, value.as_str()) {
                report.help(format!("store it with `aws ssm put-parameter --type SecureString`, and write `secrets: {{ {key}: \"ssm:/path\" }}`"));
            }
        }
        for (key, from) in &container.secrets {
            self.secret(&["secrets", key], from);
        }
        if container.environment_files.len() > 10 {
            self.error(&["environment_files"], "too-many", "a container takes at most 10 environment files".to_owned())
                .help("merge some of them");
        }
        for (index, file) in container.environment_files.iter().enumerate() {
            let object =
                file.split_once(":s3:::").is_some_and(|(arn, object)| arn.starts_with("arn:") && object.contains('/'));
            if !object || !file.ends_with(".env") {
                self.error(
                    &["environment_files", &index.to_string()],
                    "environment-file",
                    format!("`{}` is no environment file", shorten(file)),
                )
                .help("the ARN of an S3 object that ends in `.env`, such as `arn:aws:s3:::acme/papyrus.env`");
            }
        }
        if let Some(arn) = &container.registry_credentials {
            let place: Vec<&str> = vec!["containers", self.name, "registry_credentials"];
            self.cx.arn(&place, arn, "secretsmanager");
        }
    }

    fn secret(&mut self, below: &[&str], from: &str) {
        let named = |prefix: &str| {
            from.strip_prefix(prefix).is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
        };
        let arn = from.starts_with("arn:") && (from.contains(":ssm:") || from.contains(":secretsmanager:"));
        if !named("ssm:") && !named("secretsmanager:") && !arn {
            self.error(below, "secret-source", format!("`{}` does not say where the secret is", shorten(from)))
                .help("`ssm:/path` for a parameter, `secretsmanager:name` for a secret, or the ARN of one");
        }
    }

    fn logs(&mut self, task: &TaskDefinition, container: &Container) {
        let Some(logs) = container.logs.as_ref().map(super::Logs::full) else { return };
        let driver = logs.driver.unwrap_or(LogDriver::Awslogs);
        let place = ["containers", self.name, "logs", "options"];
        logs.options.iter().for_each(|(option, value)| secret::check_option(self.cx, &place, option, value.as_str()));
        for (key, from) in &logs.secret_options {
            self.secret(&["logs", "secret_options", key], from);
        }
        if driver != LogDriver::Awslogs {
            if logs.group.is_some()
                || logs.stream_prefix.is_some()
                || logs.region.is_some()
                || logs.create_group.is_some()
            {
                let name = driver.text();
                self.error(&["logs"], "logs", format!("`{name}` has no log group"))
                    .help("`group`, `stream_prefix`, `region` and `create_group` belong to `awslogs`; give others under `options`");
            }
            if driver == LogDriver::Awsfirelens && !task.containers.values().any(|other| other.firelens.is_some()) {
                self.error(&["logs", "driver"], "no-router", "no container of this task has `firelens`".to_owned())
                    .help("add a container with `firelens: { type: fluentbit }`");
            }
            if driver == LogDriver::Splunk {
                for option in ["splunk-url", "splunk-token"] {
                    if !logs.options.contains_key(option) && !logs.secret_options.contains_key(option) {
                        self.error(&["logs"], "logs", format!("`splunk` needs the option `{option}`"))
                            .help("add it to `options`, or to `secret_options`");
                    }
                }
            }
            return;
        }
        match &logs.group {
            Some(Ref::Own(key)) => {
                let stack = self.cx.stack;
                let short = matches!(container.logs, Some(super::Logs::Group(_)));
                let place: Vec<&str> =
                    [&["containers", self.name, "logs"][..], if short { &[] } else { &["group"] }].concat();
                self.cx.reference(&place, key, "log_groups", stack.log_groups.keys());
            }
            Some(Ref::Existing(_)) => {}
            None => {
                self.error(&["logs"], "missing-key", "`awslogs` needs a `group`".to_owned())
                    .help("name a key under `log_groups`");
            }
        }
        for (option, key) in [
            ("awslogs-group", "group"),
            ("awslogs-region", "region"),
            ("awslogs-stream-prefix", "stream_prefix"),
            ("awslogs-create-group", "create_group"),
        ] {
            if logs.options.contains_key(option) {
                self.error(&["logs", "options", option], "extra-known", format!("`{option}` is written as `{key}`"))
                    .help(format!("move it out of `options`, to `{key}:`"));
            }
        }
        if logs.options.get("mode").is_some_and(|mode| !["blocking", "non-blocking"].contains(&mode.as_str())) {
            self.error(&["logs", "options", "mode"], "logs", "`mode` is `blocking` or `non-blocking`".to_owned())
                .help("`non-blocking` loses lines rather than stopping the container");
        }
    }

    fn health_check(&mut self, health: &HealthCheck) {
        let items = health.command.items();
        match &health.command {
            _ if items.iter().all(String::is_empty) => {
                self.error(&["health_check"], "missing-key", "`command` is required".to_owned())
                    .help("for example `command: curl -fsS http://localhost:5000/ || exit 1`");
            }
            TextOrList::List(items)
                if !items.first().is_some_and(|first| ["CMD", "CMD-SHELL", "NONE"].contains(&first.as_str())) =>
            {
                self.error(
                    &["health_check", "command"],
                    "health-command",
                    "a list begins with `CMD` or `CMD-SHELL`".to_owned(),
                )
                .help("write one text to have it run by the container's shell");
            }
            _ => {}
        }
        self.range(&["health_check", "interval"], "`interval`", health.interval, 5..=300);
        self.range(&["health_check", "timeout"], "`timeout`", health.timeout, 2..=60);
        self.range(&["health_check", "retries"], "`retries`", health.retries, 1..=10);
        self.range(&["health_check", "start_period"], "`start_period`", health.start_period, 0..=300);
    }

    fn mounts(&mut self, task: &TaskDefinition, container: &Container) {
        let mut paths = BTreeSet::new();
        for (index, mount) in container.mounts.iter().enumerate() {
            let index = index.to_string();
            if !task.volumes.contains_key(&mount.volume) {
                let place = ["mounts", index.as_str(), "volume"];
                let near = nearest(&mount.volume, task.volumes.keys().map(String::as_str))
                    .map(|near| format!("did you mean `{near}`?"));
                self.error(&place, "unknown-volume", format!("there is no volume `{}`", shorten(&mount.volume)))
                    .help(near.unwrap_or_else(|| "add it under `volumes:` of the task definition".to_owned()));
            }
            if !mount.path.starts_with('/') && task.system() == Os::Linux {
                self.error(
                    &["mounts", &index, "path"],
                    "mount-path",
                    format!("`{}` is no absolute path", shorten(&mount.path)),
                )
                .help("begin with a slash: `/data`");
            } else if !paths.insert(&mount.path) {
                self.error(
                    &["mounts", &index, "path"],
                    "mount-path",
                    format!("`{}` is mounted twice", shorten(&mount.path)),
                )
                .help("choose another path for one of the two");
            }
        }
        for (index, from) in container.volumes_from.iter().enumerate() {
            let from = from.full();
            if !task.containers.contains_key(&from.container) || from.container == self.name {
                self.error(
                    &["volumes_from", &index.to_string()],
                    "unknown-container",
                    format!("there is no other container `{}`", shorten(&from.container)),
                )
                .help("name another container of this task definition");
            }
        }
    }

    fn limits(&mut self, container: &Container) {
        for (key, value) in [("memory", container.memory), ("memory_reservation", container.memory_reservation)] {
            self.range(&[key], &format!("`{key}` of a container"), value, 6..=122_880);
        }
        if let (Some(most), Some(kept)) = (container.memory, container.memory_reservation)
            && kept > most
        {
            self.error(
                &["memory_reservation"],
                "shares",
                format!("the container reserves {kept} MiB but is killed beyond {most}"),
            )
            .help("`memory` must not be less than `memory_reservation`");
        }
        self.range(&["stop_timeout"], "`stop_timeout`", container.stop_timeout, 0..=120);
        self.range(&["start_timeout"], "`start_timeout`", container.start_timeout, 2..=120);
        if let Some(restart) = container.restart.as_ref().map(super::Restart::full) {
            self.range(&["restart", "attempt_period"], "`attempt_period`", restart.attempt_period, 60..=1800);
            if restart.ignored_exit_codes.len() > 50 {
                self.error(
                    &["restart", "ignored_exit_codes"],
                    "too-many",
                    "at most 50 exit codes can be ignored".to_owned(),
                )
                .help("remove some");
            }
        }
        for (name, limit) in &container.ulimits {
            if !ULIMITS.contains(&name.as_str()) {
                let near = nearest(name, ULIMITS).map(|near| format!("did you mean `{near}`?"));
                self.error(&["ulimits", name], "ulimit", format!("there is no limit `{}`", shorten(name)))
                    .help(near.unwrap_or_else(|| format!("there are: {}", ULIMITS.join(", "))));
            } else if name != "nofile" {
                self.warn(&["ulimits", name], "ulimit", format!("Fargate only honours `nofile`, not `{name}`"))
                    .help("remove the line");
            }
            if limit.soft > limit.hard {
                self.error(&["ulimits", name], "ulimit", "the soft limit is above the hard one".to_owned())
                    .help("raise `hard`, or lower `soft`");
            }
        }
        if let Some(capabilities) = container.linux.as_ref().and_then(|linux| linux.capabilities.as_ref()) {
            for (index, added) in capabilities.add.iter().enumerate() {
                if added != "SYS_PTRACE" {
                    let place = ["linux", "capabilities", "add", &index.to_string()].map(str::to_owned);
                    let place: Vec<&str> = place.iter().map(String::as_str).collect();
                    self.error(
                        &place,
                        "not-on-fargate",
                        format!("Fargate does not give the capability `{}`", shorten(added)),
                    )
                    .help("only `SYS_PTRACE` can be added; any can be dropped");
                }
            }
        }
    }
}
