//! Whether images are there, and were built for the machine that they run on.

use super::facts::{Facts, Image};
use super::finding::{Finding, Level};
use super::subject::{Subjects, Task, in_task};
use crate::address::Address;

pub(super) fn judge(key: &str, task: &Task, facts: &Facts, subjects: &Subjects, out: &mut Vec<Finding>) {
    for (name, container) in task.containers.iter().filter(|(_, container)| container.look_for_image) {
        let image = &container.image;
        let mut say = |level, code, message: String, help: &str| {
            out.push(Finding {
                level,
                code,
                address: Address::new("task_definition", key),
                path: in_task(key, &["containers", name, "image"]),
                message,
                help: help.to_owned(),
            });
        };
        match facts.images.get(image) {
            None | Some(Image::Elsewhere) => {
                // That a public registry is not asked is no news to anybody on every run.
                let text = format!(
                    "the image {image} of `{name}`: its registry is not asked whether it is there and for which machines it was built"
                );
                say(Level::NotChecked, "image-elsewhere", text, "");
            }
            Some(Image::Unread(why)) => say(Level::NotChecked, "image-unread", format!("the image {image}: {why}"), ""),
            Some(Image::Missing) => {
                let text = format!("there is no image {image}: tasks would stop with `CannotPullContainerError`");
                say(Level::Error, "image-missing", text, "push it first, or correct the tag or digest");
            }
            Some(Image::NoRepository) => {
                let text =
                    format!("there is no repository for {image}: tasks would stop with `CannotPullContainerError`");
                let help = "correct its name, or let the stack make it: add it under `repositories`";
                say(Level::Error, "image-no-repository", text, help);
            }
            Some(empty @ (Image::Coming | Image::Empty)) => {
                let runs =
                    |service: &super::Service| service.task.as_deref() == Some(key) && service.desired_count != Some(0);
                if subjects.services.values().any(runs) {
                    let (is, push) = match empty {
                        Image::Empty => ("is empty: no task starts before something is pushed", "push an image"),
                        _ => (
                            "is made by this apply, and empty until something is pushed: no task starts before that",
                            "push the image then",
                        ),
                    };
                    let text = format!("the repository of {image} {is}");
                    let help = format!(
                        "{push}; or let something else run first: `image: {{ repository: …, live: true, bootstrap: … }}`"
                    );
                    say(Level::Warning, "image-to-come", text, &help);
                }
            }
            Some(Image::There { platforms: Err(why) }) => {
                say(Level::NotChecked, "image-platform", format!("for which machines {image} was built: {why}"), "");
            }
            Some(Image::There { platforms: Ok(platforms) }) => {
                if !platforms.iter().any(|platform| runs_on(platform, &task.platform)) {
                    let built = platforms.join(", ");
                    let text = format!(
                        "{image} was built for {built}, but the task runs on {}: it would stop with `exec format error`",
                        task.platform
                    );
                    let help = format!(
                        "build it with `docker buildx build --platform {}`, or change `architecture:`",
                        task.platform
                    );
                    say(Level::Error, "image-platform", text, &help);
                }
            }
        }
    }
}

/// Whether an image for one machine runs on another. A variant, `linux/arm64/v8`, makes no difference to Fargate.
fn runs_on(built: &str, machine: &str) -> bool {
    built == machine || built.strip_prefix(machine).is_some_and(|rest| rest.starts_with('/'))
}
