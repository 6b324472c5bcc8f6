//! Which run this is, by its environment, and where images come from, in words.

use hatoba_provider::provenance::{Kept, Provenance};
use hatoba_rollout::state::Millis;
use serde_json::{Value as Json, json};

use crate::render::status::ago;
use crate::session::Session;

/// This run: as far as the environment tells it, and the time by AWS's clock.
pub(crate) fn here(session: &Session) -> Provenance {
    of_github(&|name| std::env::var(name).ok(), session.now())
}

/// The run of a workflow of GitHub Actions. Source: GitHub documentation, "Variables reference", default environment variables.
fn of_github(env: &dyn Fn(&str) -> Option<String>, now: Millis) -> Provenance {
    let get = |name: &str| env(name).filter(|value| !value.is_empty());
    let mut this = Provenance { deployed_at: Some(now), ..Provenance::default() };
    if get("GITHUB_ACTIONS").as_deref() != Some("true") {
        return this;
    }
    let server = get("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    this.run = get("GITHUB_REPOSITORY").zip(get("GITHUB_RUN_ID")).map(|(repository, run)| {
        let attempt = get("GITHUB_RUN_ATTEMPT").filter(|attempt| attempt != "1");
        let attempt = attempt.map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
        format!("{server}/{repository}/actions/runs/{run}{attempt}")
    });
    this.commit = get("GITHUB_SHA");
    // Who started this attempt, which need not be who started the first.
    this.actor = get("GITHUB_TRIGGERING_ACTOR").or_else(|| get("GITHUB_ACTOR"));
    this
}

/// `2 days ago by run 123, commit 0123456, brought back from papyrus:6`; nothing where nothing is known.
pub(crate) fn words(provenance: &Provenance, now: Millis) -> String {
    let by = match (provenance.run.as_deref().map(run), &provenance.actor) {
        (Some(run), _) => Some(format!("by {run}")),
        (None, Some(actor)) => Some(format!("by {actor}")),
        (None, None) => None,
    };
    let when = Some(ago(provenance.deployed_at, now)).filter(|when| !when.is_empty());
    let first: Vec<String> = when.into_iter().chain(by).collect();
    let commit = provenance.commit.as_deref().map(|commit| format!("commit {}", short(commit)));
    let back = provenance.back_to.as_deref().map(|revision| format!("brought back from {revision}"));
    let first = Some(first.join(" ")).filter(|first| !first.is_empty());
    first.into_iter().chain(commit).chain(back).collect::<Vec<_>>().join(", ")
}

/// `image kept: app runs papyrus@sha256:0123456789ab (deployed 2 days ago by run 123, commit 0123456)`.
pub(crate) fn kept(kept: &Kept, now: Millis) -> String {
    let from = kept.provenance.as_ref().map(|provenance| words(provenance, now)).filter(|words| !words.is_empty());
    let from = from.map(|words| format!(" (deployed {words})")).unwrap_or_default();
    format!("image kept: {} runs {}{from}", kept.container, name(&kept.image))
}

/// For machines.
pub(crate) fn json(provenance: Option<&Provenance>) -> Json {
    let Some(it) = provenance else { return Json::Null };
    json!({ "run": it.run, "commit": it.commit, "actor": it.actor, "deployed_at": it.deployed_at, "back_to": it.back_to })
}

/// For machines.
pub(crate) fn kept_json(kept: &Kept) -> Json {
    let provenance = json(kept.provenance.as_ref());
    json!({ "address": kept.task, "container": kept.container, "image": kept.image, "provenance": provenance })
}

/// An image without its registry, and with as much of its digest as a person compares.
fn name(image: &str) -> String {
    let (before, digest) = image.split_once('@').map_or((image, None), |(before, digest)| (before, Some(digest)));
    let host = before.split_once('/').filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost");
    let before = host.map_or_else(|| before.to_owned(), |(_, rest)| format!("…/{rest}"));
    match digest {
        Some(digest) => format!("{before}@{}", digest.get(..19).unwrap_or(digest)),
        None => before,
    }
}

/// `run 123` of its address, or the address where that is of another form.
fn run(address: &str) -> String {
    let number = address.split_once("/actions/runs/").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    match number {
        Some(number) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("run {number}")
        }
        _ => address.to_owned(),
    }
}

/// A commit as git shortens it.
fn short(commit: &str) -> &str {
    let hex = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex { commit.get(..7).unwrap_or(commit) } else { commit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_800_000_000_000;
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn of(variables: &[(&str, &str)]) -> Provenance {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        of_github(&get, NOW)
    }

    #[test]
    fn a_run_of_github_actions_is_known_by_its_variables() {
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.example.com"),
            ("GITHUB_REPOSITORY", "acme/papyrus"),
            ("GITHUB_RUN_ID", "123"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_ACTOR", "octocat"),
        ];
        let first = of(&variables);
        assert_eq!(first.run.as_deref(), Some("https://github.example.com/acme/papyrus/actions/runs/123"));
        assert_eq!((first.commit.as_deref(), first.actor.as_deref()), (Some(COMMIT), Some("octocat")));
        assert_eq!(first.deployed_at, Some(NOW));
        let again = [("GITHUB_RUN_ATTEMPT", "2"), ("GITHUB_TRIGGERING_ACTOR", "hubot")];
        let again = of(&again.into_iter().chain(variables).collect::<Vec<_>>());
        assert_eq!(again.run.as_deref(), Some("https://github.example.com/acme/papyrus/actions/runs/123/attempts/2"));
        assert_eq!(again.actor.as_deref(), Some("hubot"));
    }

    #[test]
    fn elsewhere_only_the_time_is_known() {
        let nothing = Provenance { deployed_at: Some(NOW), ..Provenance::default() };
        assert_eq!(of(&[]), nothing);
        assert_eq!(of(&[("GITHUB_SHA", COMMIT), ("GITHUB_ACTOR", "octocat")]), nothing);
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("GITHUB_SHA", ""), ("GITHUB_RUN_ID", "1")]), nothing);
    }

    fn provenance() -> Provenance {
        Provenance {
            run: Some("https://github.com/acme/papyrus/actions/runs/123/attempts/2".into()),
            commit: Some(COMMIT.into()),
            actor: Some("octocat".into()),
            deployed_at: Some(NOW - 2 * 86_400_000),
            back_to: None,
        }
    }

    #[test]
    fn words_say_what_is_known() {
        assert_eq!(words(&provenance(), NOW), "2 days ago by run 123, commit 0123456");
        assert_eq!(words(&Provenance { run: None, ..provenance() }, NOW), "2 days ago by octocat, commit 0123456");
        assert_eq!(words(&Provenance { commit: Some("v1".into()), ..Provenance::default() }, NOW), "commit v1");
        assert_eq!(words(&Provenance { run: Some("job 5".into()), ..Provenance::default() }, NOW), "by job 5");
        assert_eq!(words(&Provenance::default(), NOW), "");
        let back = Provenance { back_to: Some("papyrus:6".into()), ..provenance() };
        assert_eq!(words(&back, NOW), "2 days ago by run 123, commit 0123456, brought back from papyrus:6");
    }

    #[test]
    fn a_kept_image_is_named_with_its_origin() {
        let image = format!("123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus@sha256:{:064x}", 1);
        let task = hatoba_model::address::Address::new("task_definition", "papyrus");
        let mut it = Kept { task, container: "app".into(), image, provenance: Some(provenance()) };
        assert_eq!(
            kept(&it, NOW),
            "image kept: app runs …/papyrus@sha256:000000000000 (deployed 2 days ago by run 123, commit 0123456)"
        );
        (it.image, it.provenance) = ("nginx:1".into(), None);
        assert_eq!(kept(&it, NOW), "image kept: app runs nginx:1");
        assert_eq!(name("acme/papyrus:v1"), "acme/papyrus:v1");
        assert_eq!(name("localhost:5000/papyrus:v1"), "…/papyrus:v1");
    }
}
