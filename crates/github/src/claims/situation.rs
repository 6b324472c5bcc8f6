//! The events that start a workflow, each with the branch or tag that its token names.

use hatoba_model::yaml::Span;

use crate::workflow::{Filter, Trigger, Workflow};

/// How a situation stands for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Just this branch or tag.
    Exact,
    /// One of those that a pattern admits.
    Example,
    /// Any branch or tag that nothing names.
    Other,
    /// The branch that a person chooses.
    Choice,
}

/// One way in which a workflow starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The event.
    pub event: String,
    /// `refs/heads/main`, `refs/tags/v1.0.0`, `refs/pull/1/merge`.
    pub git_ref: String,
    /// What it stands for.
    pub sort: Sort,
    /// Where the event stands in the file.
    pub span: Span,
}

impl Situation {
    /// Somebody starts a workflow by hand on the default branch; for looks at a step that need some run.
    pub fn by_hand(known: &Known, span: Span) -> Self {
        Self {
            event: "workflow_dispatch".to_owned(),
            git_ref: format!("{HEADS}{}", known.default_branch),
            sort: Sort::Choice,
            span,
        }
    }

    /// The end of the subject of a job without an environment. `pull_request` has no ref there; `pull_request_target` has that of
    /// a branch (seen in kyma-project/test-infra issue 9976). Nothing for reviews: they run on the merge ref of the pull request,
    /// and no source says whether their tokens name that or `pull_request`.
    pub fn tail(&self) -> Option<String> {
        match self.event.as_str() {
            "pull_request" => Some("pull_request".to_owned()),
            event if REVIEWS.contains(&event) => None,
            _ => Some(format!("ref:{}", self.git_ref)),
        }
    }

    /// The name of the branch or tag.
    pub fn ref_name(&self) -> &str {
        let rest = self.git_ref.strip_prefix("refs/").unwrap_or(&self.git_ref);
        ["heads/", "tags/", "pull/"].iter().find_map(|start| rest.strip_prefix(start)).unwrap_or(rest)
    }

    /// In words: `push to main`, `push of tags such as v1.0.0`, `schedule on main`, `pull_request`.
    pub fn words(&self) -> String {
        let (event, name) = (self.event.as_str(), self.ref_name());
        if event == "pull_request" || REVIEWS.contains(&event) {
            return self.event.clone();
        }
        if self.git_ref.starts_with("refs/tags/") {
            return match self.sort {
                Sort::Example => format!("{event} of tags such as {name}"),
                Sort::Other => format!("{event} of other tags, such as {name}"),
                Sort::Exact | Sort::Choice => format!("{event} of the tag {name}"),
            };
        }
        let to = if event == "push" { "to" } else { "on" };
        match self.sort {
            Sort::Example => format!("{event} {to} branches such as {name}"),
            Sort::Other => format!("{event} {to} other branches, such as {name}"),
            Sort::Exact | Sort::Choice => format!("{event} {to} {name}"),
        }
    }
}

/// Branches and tags that are worth asking about, and the default branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The default branch, without `refs/heads/`.
    pub default_branch: String,
    /// `refs/heads/…` and `refs/tags/…` that trust policies or the stack file name. Patterns are given as examples.
    pub refs: Vec<String>,
}

impl Known {
    fn of(&self, prefix: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        if prefix == HEADS {
            names.push(&self.default_branch);
        }
        for name in self.refs.iter().filter_map(|name| name.strip_prefix(prefix)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
/// The ref of a pull request's merge, with a number that stands for any.
const PULL: &str = "refs/pull/1/merge";
/// Events that run on the merge ref of a pull request, but are not `pull_request`.
const REVIEWS: [&str; 2] = ["pull_request_review", "pull_request_review_comment"];

/// All situations in which a workflow starts by itself. One that is only called by others has none.
pub fn situations(workflow: &Workflow, known: &Known) -> Vec<Situation> {
    workflow.triggers.iter().flat_map(|trigger| of_trigger(trigger, known)).collect()
}

fn of_trigger(trigger: &Trigger, known: &Known) -> Vec<Situation> {
    let event = trigger.event.text.as_str();
    let situation =
        |git_ref: String, sort: Sort| Situation { event: event.to_owned(), git_ref, sort, span: trigger.event.span };
    let default = || situation(format!("{HEADS}{}", known.default_branch), Sort::Exact);
    match event {
        "workflow_call" => Vec::new(),
        "push" => {
            let none = !trigger.branches.is_given() && !trigger.tags.is_given();
            let mut found = Vec::new();
            if none || trigger.branches.is_given() {
                found.extend(refs(&trigger.branches, HEADS, known, "feature/example"));
            }
            if none || trigger.tags.is_given() {
                found.extend(refs(&trigger.tags, TAGS, known, "example"));
            }
            found.into_iter().map(|(git_ref, sort)| situation(git_ref, sort)).collect()
        }
        "pull_request" => vec![situation(PULL.to_owned(), Sort::Example)],
        event if REVIEWS.contains(&event) => vec![situation(PULL.to_owned(), Sort::Example)],
        "workflow_dispatch" => {
            known.of(HEADS).into_iter().map(|branch| situation(format!("{HEADS}{branch}"), Sort::Choice)).collect()
        }
        "merge_group" => {
            let branch = format!("{HEADS}gh-readonly-queue/{}/pr-1-example", known.default_branch);
            vec![situation(branch, Sort::Example)]
        }
        "release" => {
            let tags = known.of(TAGS);
            let tag = tags.first().copied().unwrap_or("v1.0.0");
            vec![situation(format!("{TAGS}{tag}"), Sort::Example)]
        }
        // `pull_request_target`, too: its `branches:` choose pull requests by their base, but the run is on the default branch
        // (GitHub changelog of 2025-11-07, in force since 2025-12-08).
        _ => vec![default()],
    }
}

/// The refs that a filter lets through: those that are known, one for each of its patterns, and one for all that nothing names.
fn refs(filter: &Filter, prefix: &str, known: &Known, other: &str) -> Vec<(String, Sort)> {
    let mut found: Vec<(String, Sort)> = Vec::new();
    let mut add = |name: &str, sort: Sort| {
        let full = format!("{prefix}{name}");
        if !found.iter().any(|(there, _)| *there == full) {
            found.push((full, sort));
        }
    };
    let examples = filter.examples();
    for (name, _) in examples.iter().filter(|(_, open)| !open) {
        add(name, Sort::Exact);
    }
    let open = filter.only.is_none();
    let patterns = open || examples.iter().any(|(_, open)| *open);
    // A ref that a trust policy names tells more than one that is made up.
    let names: Vec<&str> = known.of(prefix).into_iter().filter(|name| patterns && filter.admits(name)).collect();
    for name in &names {
        add(name, if prefix == TAGS { Sort::Example } else { Sort::Exact });
    }
    // A pattern may admit more than the trust policies name, so each is asked about, too.
    for pattern in filter.only.iter().flatten().filter(|pattern| !pattern.text.starts_with('!')) {
        let name = crate::workflow::example(&pattern.text);
        if name != pattern.text && filter.admits(&name) {
            add(&name, if ["*", "**"].contains(&pattern.text.as_str()) { Sort::Other } else { Sort::Example });
        }
    }
    if open && let Some(name) = [other, "example", "topic"].into_iter().find(|name| filter.admits(name)) {
        add(name, Sort::Other);
    }
    found
}

#[cfg(test)]
mod tests {
    use hatoba_model::yaml::Source;

    use super::*;
    use crate::workflow::read;

    fn words(on: &str) -> Vec<String> {
        let known = Known {
            default_branch: "main".into(),
            refs: vec!["refs/heads/main".into(), "refs/heads/release/1.0".into(), "refs/tags/v1.2.3".into()],
        };
        let workflow = read(Source::new("w.yml", format!("on: {on}\n")));
        situations(&workflow, &known).iter().map(Situation::words).collect()
    }

    #[test]
    fn pushes() {
        assert_eq!(words("{ push: { branches: [main] } }"), ["push to main"]);
        assert_eq!(
            words("{ push: { branches: [main, 'release/**'], tags: ['v*'] } }"),
            [
                "push to main",
                "push to release/1.0",
                "push to branches such as release/example",
                "push of tags such as v1.2.3",
                "push of tags such as v1"
            ]
        );
        assert_eq!(words("{ push: { branches: ['hotfix/*'] } }"), ["push to branches such as hotfix/example"]);
        assert_eq!(
            words("push"),
            [
                "push to main",
                "push to release/1.0",
                "push to other branches, such as feature/example",
                "push of tags such as v1.2.3",
                "push of other tags, such as example",
            ]
        );
        assert_eq!(
            words("{ push: { branches-ignore: ['feature/**', main] } }"),
            ["push to release/1.0", "push to other branches, such as example"]
        );
        assert_eq!(
            words("{ push: { branches: ['**', '!main'] } }"),
            ["push to release/1.0", "push to other branches, such as example"]
        );
    }

    #[test]
    fn other_events() {
        assert_eq!(words("[pull_request, workflow_call]"), ["pull_request"]);
        assert_eq!(words("schedule"), ["schedule on main"]);
        assert_eq!(words("workflow_dispatch"), ["workflow_dispatch on main", "workflow_dispatch on release/1.0"]);
        assert_eq!(words("release"), ["release of tags such as v1.2.3"]);
        for on in ["pull_request_target", "{ pull_request_target: { branches: ['release/**'] } }"] {
            assert_eq!(words(on), ["pull_request_target on main"], "{on}");
        }
        assert_eq!(words("[pull_request_review]"), ["pull_request_review"]);
        assert_eq!(words("pull_request_review_comment"), ["pull_request_review_comment"]);
        assert_eq!(words("merge_group"), ["merge_group on branches such as gh-readonly-queue/main/pr-1-example"]);
    }
}
