//! `hatoba prune`: old revisions and images that nothing uses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::try_join_all;
use hatoba_engine::plan::Intent;
use hatoba_engine::snapshot::Snapshot;
use hatoba_model::kinds::Resource as _;
use hatoba_provider::prune::{
    Decision, Failure, Keep, Stored, decide, deregister, images, remove_images, revisions, used,
};
use serde_json::{Value as Json, json};

use crate::args::{Global, PruneArgs};
use crate::confirm::ask;
use crate::error::{Error, Kind};
use crate::purpose::{Purpose, refused};
use crate::render::line::Line;
use crate::render::{Tone, count, plural};
use crate::session::{self, Session};
use crate::ui::Ui;

/// How many revisions of a family, and images of a repository, are kept where the file does not say.
pub(crate) const KEPT: usize = 10;

/// Shows what may go, asks, and deletes what may still go then.
pub(crate) async fn run(global: &Global, args: &PruneArgs, ui: &Ui) -> Result<u8, Error> {
    let mut session = session::open(global, ui).await?;
    let look = session.look(Intent::Present).await?;
    if let Some(failure) = look.seen.unreadable.first() {
        let help = "nothing was deleted: what could not be read may be in use";
        return Err(Error::from(failure.error.clone()).help(help).missing(look.missing.clone()));
    }
    let keep = keep(&session, &look.seen, args.older_than);
    let found = gather(&session, &keep).await?;
    if !ui.json {
        ui.show(&lines(&found, &session.place()))?;
    }
    let nothing = found.revisions.is_empty() && found.images.is_empty();
    if nothing || args.dry_run {
        return end(&found, None, ui);
    }
    if !args.yes {
        let question = "What is deleted is gone for good.";
        let asked = ask(ui, question, "prune", "`hatoba prune --dry-run` only shows what would go").await;
        asked.map_err(|error| error.document(document(&found, None)))?;
    }
    // A deployment may have begun while the question stood there.
    let now = gather(&session, &keep).await?;
    let found = both(found, &now);
    let aws = session.provider.aws();
    // First what names images, then the images: nothing that stays names one that is gone.
    deregister(aws, &found.revisions).await.map_err(refused(&session, Purpose::Prune))?;
    let failures = remove_images(aws, &found.images).await.map_err(refused(&session, Purpose::Prune))?;
    let left: BTreeSet<(&str, &str)> = failures.iter().map(|it| (it.repository.as_str(), it.digest.as_str())).collect();
    let deleted: Vec<&Stored> =
        found.images.iter().filter(|image| !left.contains(&(&image.repository, &image.digest))).collect();
    let bytes = deleted.iter().map(|image| image.bytes).sum();
    let done = format!(
        " Deleted: {}, {} with {}.",
        count(found.revisions.len(), "revision"),
        count(deleted.len(), "image"),
        size(bytes)
    );
    ui.tell(&[Line::blank(), Line::new(0).add(Tone::Add, "✓").text(&done)]);
    end(&found, Some(&failures), ui)
}

fn end(found: &Decision, failures: Option<&[Failure]>, ui: &Ui) -> Result<u8, Error> {
    let document = document(found, failures);
    if let Some(failure) = failures.and_then(<[Failure]>::first) {
        let count = count(failures.map_or(0, <[Failure]>::len), "image");
        let message =
            format!("ECR kept {count}, such as {}@{}: {}", failure.repository, failure.digest, failure.reason);
        return Err(Error::new(Kind::Failed, message)
            .help("an image that stands in a list goes after the list: run `hatoba prune` again")
            .document(document));
    }
    if ui.json {
        ui.document(&document)?;
    }
    Ok(0)
}

/// What is to be looked at, and how much of it is kept: the families and repositories that are the stack's.
fn keep(session: &Session, seen: &Snapshot, older_than: Duration) -> Keep {
    let ours = |kind: &'static str| {
        let own = seen.seen.iter().filter(move |live| live.kind.name == kind);
        own.filter(|live| live.mark.as_ref().is_some_and(|mark| mark.stack == session.name()))
            .map(|live| live.name.clone())
    };
    let number = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok()).unwrap_or(KEPT);
    let stack = &session.stack;
    let mut revisions: BTreeMap<String, usize> = ours("task_definition").map(|name| (name, KEPT)).collect();
    let mut images: BTreeMap<String, usize> = ours("repository").map(|name| (name, KEPT)).collect();
    for (key, task) in &stack.task_definitions {
        revisions.entry(task.aws_name(key).to_owned()).and_modify(|most| *most = number(task.keep_revisions));
    }
    for (key, repository) in &stack.repositories {
        images.entry(repository.aws_name(key).to_owned()).and_modify(|most| *most = number(repository.keep_images));
    }
    let since = SystemTime::now().checked_sub(older_than).and_then(|since| since.duration_since(UNIX_EPOCH).ok());
    // Before 1970 there is nothing that is older.
    let since = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default();
    Keep { revisions, images, since }
}

/// Looks at everything, and decides.
async fn gather(session: &Session, keep: &Keep) -> Result<Decision, Error> {
    let aws = session.provider.aws();
    let families = try_join_all(keep.revisions.keys().map(|family| revisions(aws, session.name(), family)));
    let repositories = try_join_all(keep.images.keys().map(|repository| images(aws, repository)));
    let (used, families, repositories) = futures::try_join!(used(aws), families, repositories).map_err(|error| {
        refused(session, Purpose::Prune)(error).help("nothing was deleted: what could not be read may be in use")
    })?;
    Ok(decide(&families.concat(), &repositories.concat(), &used, keep))
}

/// What may go by both looks.
fn both(first: Decision, second: &Decision) -> Decision {
    Decision {
        revisions: first.revisions.into_iter().filter(|it| second.revisions.contains(it)).collect(),
        images: first.images.into_iter().filter(|it| second.images.contains(it)).collect(),
        ..*second
    }
}

fn lines(found: &Decision, place: &str) -> Vec<Line> {
    let mut out = vec![Line::new(0).add(Tone::Strong, "Prune").text(&format!(" {place}")), Line::blank()];
    let mut families: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for revision in &found.revisions {
        families.entry(&revision.family).or_default().push(revision.number);
    }
    for (family, numbers) in families {
        let text = format!("task definition {family}: {} {}", plural(numbers.len(), "revision"), ranges(&numbers));
        out.push(Line::new(2).hang(4).add(Tone::Remove, "- ").text(&text));
    }
    let mut repositories: BTreeMap<&str, Vec<&Stored>> = BTreeMap::new();
    for image in &found.images {
        repositories.entry(&image.repository).or_default().push(image);
    }
    for (repository, images) in repositories {
        let bytes = size(images.iter().map(|image| image.bytes).sum());
        let text = format!("repository {repository}: {}, {bytes}", count(images.len(), "image"));
        out.push(Line::new(2).hang(4).add(Tone::Remove, "- ").text(&text));
        for image in images {
            let short = image.digest.get(..19).unwrap_or(&image.digest);
            let tags = if image.tags.is_empty() { "untagged".to_owned() } else { image.tags.join(", ") };
            out.push(Line::new(6).hang(8).text(&format!("{short}  {}  {tags}", size(image.bytes))));
        }
    }
    let kept = format!(
        "{} and {} stay: in use, or the newest.",
        count(found.revisions_kept, "revision"),
        count(found.images_kept, "image")
    );
    if found.revisions.is_empty() && found.images.is_empty() {
        out.push(Line::new(0).text(&format!("Nothing to prune. {kept}")));
    } else {
        out.extend([Line::blank(), Line::new(0).text(&kept)]);
    }
    out
}

/// `1-3, 5`.
pub(crate) fn ranges(numbers: &[u64]) -> String {
    let mut out: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match out.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => out.push((*number, *number)),
        }
    }
    let one = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    out.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// As ECR bills it: a GB has 10^9 bytes.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

fn document(found: &Decision, failures: Option<&[Failure]>) -> Json {
    let revisions: Vec<Json> = found.revisions.iter().map(|it| json!({ "family": it.family, "arn": it.arn })).collect();
    let images: Vec<Json> = found
        .images
        .iter()
        .map(|it| json!({ "repository": it.repository, "digest": it.digest, "tags": it.tags, "bytes": it.bytes }))
        .collect();
    let failures = failures.map(|all| {
        let one = |it: &Failure| json!({ "repository": it.repository, "digest": it.digest, "reason": it.reason });
        all.iter().map(one).collect::<Vec<_>>()
    });
    json!({
        "revisions": revisions,
        "images": images,
        "kept": { "revisions": found.revisions_kept, "images": found.images_kept },
        "deleted": failures.is_some(),
        "failures": failures.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 5, 7, 8]), "1-3, 5, 7-8");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn sizes_are_those_of_the_bill() {
        assert_eq!([999, 1_000_000, 23_456_789, 1_999_999_999].map(size), ["1 kB", "1.0 MB", "23.4 MB", "1.9 GB"]);
    }
}
