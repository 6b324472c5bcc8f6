//! Everything wrong with the workflow files of a stack that GitHub or AWS would only tell in a run.

use std::collections::BTreeMap;

use crate::check::{Check, shorten};
use crate::diag::Diagnostics;
use crate::facts::Facts;
use crate::kinds::text_or_list::TextOrList;
use crate::reference::Ref;
use crate::stack::Stack;
use crate::workflows::cron;
use crate::workflows::facts::gather;
use crate::workflows::roles;
use crate::workflows::spec::{FOLDER, Purpose, Workflow};
use crate::yaml::Path;

/// Sections from which a workflow is made: while one cannot be read, nothing is said of what is missing in it.
const SOURCES: [&str; 6] = ["github", "roles", "services", "task_definitions", "repositories", "clusters"];

/// Checks all workflow files of a stack.
pub(crate) fn check(stack: &Stack, facts: &Facts, dropped: &[Path], found: &mut Diagnostics) {
    let mut paths: BTreeMap<String, &str> = BTreeMap::new();
    for (key, workflow) in &stack.workflows {
        let path = workflow.path(key);
        let mut cx = Check::new(stack, facts, "workflows", key, path, dropped);
        check_path(&mut cx, workflow, path);
        // Some file systems do not tell the case of letters.
        if let Some(first) = paths.insert(path.to_lowercase(), key) {
            cx.error(&[], "same-name", format!("`workflows.{first}` has the path `{path}` as well"))
                .help("give one of them another path");
        }
        check_one(&mut cx, workflow, key);
        for diagnostic in cx.into_found() {
            found.push(diagnostic);
        }
    }
}

fn check_path(cx: &mut Check<'_>, workflow: &Workflow, path: &str) {
    let below: &[&str] = if workflow.name.is_some() { &["name"] } else { &[] };
    let name = path.strip_prefix(FOLDER);
    let stem = name.and_then(|name| name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = stem.is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.') && stem.chars().all(plain));
    if !fits || path.len() > 200 {
        cx.error(below, "workflow-path", format!("`{}` is not the path of a workflow file", shorten(path)))
            .help("GitHub looks for workflows in `.github/workflows/`, not in folders below it: write for example `.github/workflows/deploy.yml`, with letters, digits and `. _ -`");
    }
}

fn check_one(cx: &mut Check<'_>, workflow: &Workflow, key: &str) {
    if workflow.existing {
        return check_existing(cx, workflow);
    }
    let purposes = workflow.purposes();
    let [purpose] = purposes.as_slice() else {
        let help = "write one of `deploys: SERVICE`, `plan: true`, `drift: \"17 6 * * *\"`, `switch: SERVICE`";
        match purposes.as_slice() {
            [first, second, ..] => {
                let message =
                    format!("a workflow does one thing: `{}` and `{}` need a file each", first.key(), second.key());
                cx.error(&[second.key()], "workflow-purpose", message).help(help);
            }
            // What it was for could not be read.
            _ if cx.unreadable_within(&[]) => {}
            _ => {
                cx.error(&[], "workflow-purpose", "nothing says what this workflow is for").help(help);
            }
        }
        return;
    };
    let stack = cx.stack;
    let mut known = check_options(cx, workflow, *purpose);
    if let Purpose::Deploys(service) | Purpose::Switch(service) = purpose {
        known &= cx.reference(&[purpose.key()], service, "services", stack.services.keys());
    }
    if let Some(Ref::Own(role)) = &workflow.role {
        known &= cx.reference(&["role"], role, "roles", stack.roles.keys());
    }
    if let Purpose::Drift(times) = purpose
        && let Some(problem) = cron::problem(times)
    {
        cx.error(&["drift"], "workflow-schedule", problem)
            .help("write minute, hour, day of the month, month and day of the week, in UTC: `17 6 * * *` is every day at 6:17");
    }
    if !known || cx.unreadable_within(&[]) || SOURCES.iter().any(|section| cx.unreadable(&[section])) {
        return;
    }
    let problems = match gather(stack, cx.facts, key, workflow) {
        Ok(_) => roles::warnings(stack, workflow, *purpose),
        Err(problems) => problems,
    };
    for problem in problems {
        let report = if problem.warning { Check::warn } else { Check::error };
        report(cx, &problem.below, problem.code, problem.message).help(problem.help);
    }
}

/// A file that others write says nothing of what is in it.
fn check_existing(cx: &mut Check<'_>, workflow: &Workflow) {
    let bare = Workflow { existing: true, name: workflow.name.clone(), ..Workflow::default() };
    if *workflow != bare {
        cx.error(
            &["existing"],
            "contradiction",
            "`existing: true` leaves the file to you, and the other keys say what is in it",
        )
        .help("remove `existing`, so that hatoba writes the file, or everything else");
    }
}

/// Whether what the workflow says besides its purpose can be used.
fn check_options(cx: &mut Check<'_>, workflow: &Workflow, purpose: Purpose<'_>) -> bool {
    let mut good = true;
    let deploys = matches!(purpose, Purpose::Deploys(_));
    let options = [
        ("branches", !workflow.branches.is_empty(), deploys || purpose == Purpose::Plan),
        ("tags", !workflow.tags.is_empty(), deploys),
        ("container", workflow.container.is_some(), deploys),
        ("context", workflow.context.is_some(), deploys),
        ("dockerfile", workflow.dockerfile.is_some(), deploys),
    ];
    for (option, _, _) in options.into_iter().filter(|(_, given, fits)| *given && !fits) {
        cx.error(&[option], "workflow-option", format!("`{option}` means nothing beside `{}`", purpose.key()))
            .help("remove it");
    }
    for (option, value) in [("context", &workflow.context), ("dockerfile", &workflow.dockerfile)] {
        let Some(value) = value else { continue };
        let leaves = value.split('/').any(|part| part == "..") || value.starts_with('/');
        if value.is_empty() || leaves {
            cx.error(&[option], "workflow-path", format!("`{}` does not lie in the repository", shorten(value)))
                .help("write the path from the top of the repository, such as `services/web`");
        }
    }
    let texts = [
        ("branches", workflow.branches.as_slice()),
        ("tags", workflow.tags.as_slice()),
        ("environment", workflow.environment.as_slice()),
        ("context", workflow.context.as_slice()),
        ("dockerfile", workflow.dockerfile.as_slice()),
        ("runs_on", workflow.runs_on.as_ref().map(TextOrList::items).unwrap_or_default()),
    ];
    for (option, texts) in texts {
        // GitHub would evaluate it, some of it with what strangers write.
        if texts.iter().any(|text| text.contains("${{") || text.chars().any(char::is_control)) {
            cx.error(
                &[option],
                "workflow-text",
                format!("`{option}` cannot hold `${{{{ … }}}}` or control characters"),
            )
            .help("write the value itself");
            good = false;
        } else if texts.iter().any(|text| text.trim().is_empty()) && option != "context" && option != "dockerfile" {
            cx.error(&[option], "workflow-text", format!("`{option}` is empty")).help("give it a value, or remove it");
            good = false;
        }
    }
    good
}
