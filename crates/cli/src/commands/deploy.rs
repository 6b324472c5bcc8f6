//! `hatoba deploy`: other images for a service, through the same plan and the same convergence as everything else.

use std::collections::BTreeMap;

use hatoba_engine::cloud::Class;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::kinds::task_definition::{Image, ImageOf};
use hatoba_provider::desire::Desire;
use hatoba_provider::images::{self, Place};
use hatoba_provider::kinds::task_definition::{other_that_runs, repository_uri};
use hatoba_provider::provenance::Stamp;
use hatoba_rollout::state::last;

use crate::args::{DeployArgs, Global};
use crate::carry::{Run, again, quoted};
use crate::commands::one_service::{Subject, change, chosen, look, runs, task_of};
use crate::commands::redeploy;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::provenance;
use crate::purpose::{Purpose, refused};
use crate::render::Tone;
use crate::render::line::Line;
use crate::session::{self, Session};
use crate::ui::Ui;

/// Brings images into a service.
pub(crate) async fn run(global: &Global, args: &DeployArgs, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    check(args)?;
    if args.redeploy {
        return redeploy::run(global, args, ui, interrupt).await;
    }
    let mut session = session::open(global, ui).await?;
    let service = chosen(&session, args.service.as_deref())?;
    let task = task_of(&session, &service)?;
    let wanted = wanted(&session, &task, &args.images)?;
    let subject = look(&mut session, &task, &service).await?;
    let base = running(&subject, ui);
    let images = resolved(&session, &base, wanted, &args.images, ui).await?;
    let words = args.images.iter().flat_map(|(name, image)| ["--image".to_owned(), format!("{name}={image}")]);
    let words: Vec<String> = args.service.iter().cloned().chain(words).map(|word| quoted(&word)).collect();
    let said = format!("{} {}", again("deploy", global), words.join(" "));
    let run = Run { again: &said, command: Some("deploy"), follow: &args.follow };
    session.provider.aws().stamp_with(Stamp::Deploy(provenance::here(&session)));
    change(&mut session, subject, &base, &images, run, ui, interrupt).await
}

/// Finds what is wrong with what was said, before anything is asked.
fn check(args: &DeployArgs) -> Result<(), Error> {
    if args.yes {
        return Err(Error::new(Kind::Failed, "`hatoba deploy` never asks").help("leave `--yes` out"));
    }
    if args.images.is_empty() && !args.redeploy {
        return Err(Error::new(Kind::Failed, "it is not said what to deploy")
            .help("`--image CONTAINER=IMAGE` brings in another image, `--redeploy` starts new tasks with the same one")
            .help("SERVICE may be left out where the file has only one"));
    }
    Ok(())
}

/// The full name of the image for each container.
fn wanted(session: &Session, task: &str, images: &[(String, String)]) -> Result<BTreeMap<String, String>, Error> {
    let spec = session.stack.task_definitions.get(task);
    let containers = spec.map(|spec| &spec.containers);
    let mut wanted = BTreeMap::new();
    for (name, image) in images {
        let Some(container) = containers.and_then(|containers| containers.get(name)) else {
            let known = containers.into_iter().flat_map(BTreeMap::keys).map(|key| format!("`{key}`"));
            let known = known.collect::<Vec<_>>().join(", ");
            return Err(Error::new(Kind::Invalid, format!("`{task}` has no container `{name}`"))
                .help(format!("it has {known}")));
        };
        let live = match &container.image {
            Some(Image::Full(of)) if of.live => of,
            _ => {
                let message = format!("the image of the container `{name}` belongs to the file, not to deploys");
                let help = "change it there and run `hatoba apply`, or write `image: { repository: …, live: true }`";
                return Err(Error::new(Kind::Refused, message).help(help));
            }
        };
        if wanted.insert(name.clone(), full(session, name, live, image)?).is_some() {
            return Err(Error::new(Kind::Invalid, format!("the container `{name}` is given two images")));
        }
    }
    Ok(wanted)
}

/// A tag or a digest alone is one of the container's own repository.
fn full(session: &Session, container: &str, of: &ImageOf, image: &str) -> Result<String, Error> {
    if image.contains(['/', '@']) || (image.contains(':') && !image.starts_with("sha256:")) {
        return Ok(image.to_owned());
    }
    let cx = Desire { stack: &session.stack, facts: session.facts() };
    let repository = of.repository.as_ref().and_then(|repository| repository_uri(&cx, repository));
    let Some(repository) = repository else {
        return Err(Error::new(Kind::Invalid, format!("the repository of the container `{container}` is not known"))
            .help(format!("write the image in full: `--image {container}=HOST/REPOSITORY:{image}`")));
    };
    let mark = if image.starts_with("sha256:") { '@' } else { ':' };
    Ok(format!("{repository}{mark}{image}"))
}

/// Images by their digest, so that what is deployed stays what it is. Those of registries that cannot be asked are left as they are.
async fn resolved(
    session: &Session,
    task: &Sighting,
    wanted: BTreeMap<String, String>,
    said: &[(String, String)],
    ui: &Ui,
) -> Result<BTreeMap<String, String>, Error> {
    let aws = session.provider.aws();
    let mut images = BTreeMap::new();
    for (container, image) in wanted {
        let (repository, tag, digest) = match images::place(aws, &image) {
            Place::Here { repository, tag, digest } => (repository, tag, digest),
            Place::Elsewhere => {
                let text = format!(
                    "{image} is in a registry that hatoba does not ask: whether it is there shows when it runs"
                );
                ui.tell(&[Line::new(0).add(Tone::Faint, &text)]);
                images.insert(container, image);
                continue;
            }
        };
        let found = match images::find(aws, &repository, tag.as_deref(), digest.as_deref()).await {
            Err(error) if error.class == Class::Gone => {
                return Err(Error::new(
                    Kind::Failed,
                    format!("there is no repository `{repository}`; nothing was changed"),
                )
                .help("run `hatoba apply` first, push the image, and deploy it then"));
            }
            Err(error) => return Err(refused(session, Purpose::Deploy)(error)),
            Ok(found) => found,
        };
        let Some(found) = found else {
            let error = Error::new(Kind::Failed, format!("there is no image {image}; nothing was changed"))
                .help("push it first, or correct the tag");
            // What looks like a tag may have been meant as a name.
            let in_full = said.iter().any(|(name, said)| *name == container && *said == image);
            return Err(match in_full {
                true => error,
                false => error.help(
                    "for an image of another registry give its whole name, as public.ecr.aws/docker/library/nginx:1.29",
                ),
            });
        };
        let needed = platform(task);
        if let Some(platforms) = &found.platforms
            && !platforms.iter().any(|platform| platform.to_string() == needed)
        {
            let built = platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let message =
                format!("{image} was built for {built}, but the task definition `{}` runs on {needed}", task.name);
            return Err(Error::new(Kind::Refused, message)
                .help(format!("build it with `docker buildx build --platform {needed}`, or change `architecture:`")));
        }
        let name = image.split('@').next().unwrap_or(&image);
        let name = tag.as_ref().map_or(name, |tag| name.strip_suffix(&format!(":{tag}")).unwrap_or(name));
        images.insert(container, format!("{name}@{}", found.digest));
    }
    Ok(images)
}

/// The machine that a task definition runs on, as it is: the file may say something else that was not applied yet.
fn platform(task: &Sighting) -> String {
    let text = |field: &str| task.fields.get(field).and_then(Value::as_text).unwrap_or_default();
    let os = if text("os").starts_with("windows") { "windows" } else { "linux" };
    let architecture = if text("architecture") == "arm64" { "arm64" } else { "amd64" };
    format!("{os}/{architecture}")
}

/// The revision that runs, which the new one is made from. The latest is another one after a rollback, or when somebody registered one
/// by hand.
fn running(subject: &Subject, ui: &Ui) -> Sighting {
    let (latest, runs) = (last(&subject.live_task.id), last(runs(&subject.live_service)));
    let base = subject.current();
    if subject.running.is_some() {
        let text = format!("the new revision is made from {runs}, which runs, not from {latest}, the latest");
        ui.tell(&[Line::new(0).add(Tone::Faint, &text)]);
    } else if other_that_runs(&subject.live_task, &subject.live_service).is_some() {
        let text = format!("{runs} runs and cannot be read any more: the new revision is made from {latest}");
        ui.tell(&[Line::new(0).add(Tone::Warning, &text)]);
    }
    base.clone()
}
