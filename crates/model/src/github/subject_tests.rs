use proptest::prelude::*;

use super::{Matching, check_subject, check_workflow_ref};
use crate::iam::Severity;

/// The code, how bad it is, and message and help in one text.
fn found(text: &str, matching: Matching) -> Vec<(&'static str, Severity, String)> {
    let problems = check_subject(&[], text, matching);
    problems
        .into_iter()
        .map(|p| (p.code, p.severity, format!("{} | {}", p.message, p.help.unwrap_or_default())))
        .collect()
}

fn only(text: &str) -> (&'static str, Severity, String) {
    let mut all = found(text, Matching::Pattern);
    assert_eq!(all.len(), 1, "{text}: {all:?}");
    all.remove(0)
}

#[test]
fn ordinary_subjects_pass() {
    for text in [
        "repo:acme/papyrus:ref:refs/heads/main",
        "repo:acme/papyrus:ref:refs/heads/feature/x",
        "repo:acme/papyrus:ref:refs/tags/v1.2.3",
        "repo:acme/papyrus:pull_request",
        "repo:acme/papyrus:environment:production",
        "repo:acme/papyrus:environment:blue green",
        "repo:acme@1234567/papyrus@7654321:ref:refs/heads/main",
    ] {
        assert_eq!(found(text, Matching::Exact), [], "{text}");
        assert_eq!(found(text, Matching::Pattern), [], "{text}");
    }
    for pattern in [
        "repo:acme/papyrus:ref:refs/tags/v*.*.*",
        "repo:acme/papyrus:ref:refs/heads/release/*",
        "repo:acme/papyrus:ref:*",
    ] {
        assert_eq!(found(pattern, Matching::Pattern), [], "{pattern}");
    }
}

#[test]
fn what_lets_in_strangers_is_an_error() {
    for text in [
        "*",
        "**",
        "?*",
        "r*",
        "repo*",
        "repo:*",
        "repo:*/*",
        "repo:*/papyrus:ref:refs/heads/main",
        "repo:acme*/papyrus:ref:refs/heads/main",
        "repo:acme*",
        "repo:?cme/papyrus:*",
        "repo:acm?/papyrus:*",
        "repo:*:ref:refs/heads/main",
        "repo:acme*@12/papyrus@13:pull_request",
        "environment:production",
        "ref:refs/heads/main",
        "pull_request",
        "repository_owner:*:ref:refs/heads/main",
        "job_workflow_ref:*",
    ] {
        let (code, severity, _) = only(text);
        assert_eq!((code, severity), ("github-subject-open", Severity::Error), "{text}");
    }
}

#[test]
fn what_lets_in_more_than_probably_meant_is_a_warning() {
    for (text, expected) in [
        ("repo:acme/papyrus:*", "pull requests"),
        ("repo:acme/*", "every repository of `acme`, pull requests included"),
        ("repo:acme/*:ref:refs/heads/main", "every repository of `acme` |"),
        ("repo:acme/pap*:ref:refs/heads/main", "begins with `pap`"),
        ("repo:acme/papyrus:ref:refs/heads/main*", "`main-hotfix`"),
        ("repo:acme/papyrus:job_workflow_ref:acme/papyrus/.github/workflows/x.yml@main", "customised"),
        ("repository_owner:acme:ref:refs/heads/main", "customised"),
        ("repo:acme@1/papyrus@*:ref:refs/heads/main", "leaves an id open"),
    ] {
        let (_, severity, said) = only(text);
        assert!(severity == Severity::Warning && said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn typos_are_answered_with_what_was_meant() {
    for (text, expected) in [
        ("https://github.com/acme/papyrus", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("https://github.com/acme/papyrus/tree/dev", "did you mean `repo:acme/papyrus:ref:refs/heads/dev`?"),
        ("repo:https://github.com/acme/papyrus.git:pull_request", "did you mean `repo:acme/papyrus:pull_request`?"),
        ("git@github.com:acme/papyrus.git", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("acme/papyrus:ref:refs/heads/main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("Repo:acme/papyrus:pull_request", "did you mean `repo:acme/papyrus:pull_request`?"),
        ("repo:acme/papyrus", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus:refs/heads/main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus:ref:heads/main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus:ref:main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus:ref:refs/head/main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus:branch:main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus:tag:v1", "did you mean `repo:acme/papyrus:ref:refs/tags/v1`?"),
        ("repo:acme/papyrus:pull-request", "did you mean `repo:acme/papyrus:pull_request`?"),
        ("repo:acme/papyrus:env:production", "did you mean `repo:acme/papyrus:environment:production`?"),
        ("repo:acme/papyrus/ref:refs/heads/main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus/refs/heads/main", "did you mean `repo:acme/papyrus:ref:refs/heads/main`?"),
        ("repo:acme/papyrus.git:pull_request", "`.git`"),
        ("repo:acme@12/papyrus:pull_request", "leave both ids out"),
        ("repo:acme/papyrus@12:pull_request", "leave both ids out"),
        ("repo:acme@x/papyrus@12:pull_request", "`x` is not an id"),
        ("repo:ac me/papyrus:pull_request", "`ac me` is not the name of a GitHub owner"),
        ("repo:acme/pap yrus:pull_request", "cannot contain a space"),
        ("repo:acme:ref:refs/heads/main", "no `OWNER/NAME`"),
        ("repo:acme/papyrus:", "ref:refs/heads/BRANCH"),
        ("repo:acme/papyrus:ref:refs/heads/", "ref:refs/heads/BRANCH"),
        (" repo:acme/papyrus:pull_request", "starts or ends with a space"),
        ("", "it is empty"),
        ("main", "does not start with `repo:`"),
    ] {
        let (_, severity, said) = only(text);
        assert!(severity == Severity::Error && said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn a_wildcard_compared_letter_by_letter_is_explained() {
    for text in ["repo:acme/papyrus:*", "repo:acme/papyrus:ref:refs/tags/v?"] {
        let all = found(text, Matching::Exact);
        assert!(all.len() == 1 && all[0].0 == "github-literal-wildcard" && all[0].2.contains("StringLike"), "{all:?}");
    }
}

#[test]
fn placeholders_are_left_to_the_rule_for_all_texts() {
    assert_eq!(found("repo:<ORG>/<REPO_NAME>:ref:refs/heads/main", Matching::Pattern), []);
}

#[test]
fn workflow_refs() {
    let codes = |text: &str| {
        check_workflow_ref(&[], text, Matching::Pattern).into_iter().map(|p| (p.code, p.severity)).collect::<Vec<_>>()
    };
    assert_eq!(codes("acme/papyrus/.github/workflows/deploy.yml@refs/heads/main"), []);
    assert_eq!(codes("acme/papyrus/.github/workflows/*"), []);
    assert_eq!(codes("*"), [("github-subject-open", Severity::Error)]);
    assert_eq!(codes("ac*/papyrus/.github/workflows/x.yml@main"), [("github-subject-open", Severity::Error)]);
    assert_eq!(codes("acme/*/.github/workflows/x.yml@main"), [("github-subject-wide", Severity::Warning)]);
    assert_eq!(codes("acme/papyrus/deploy.yml@main"), [("github-workflow-ref", Severity::Error)]);
    assert_eq!(codes("acme/papyrus/.github/workflows/deploy.yml"), [("github-workflow-ref", Severity::Error)]);
}

/// Whether an IAM pattern matches a text.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text) || text.split_first().is_some_and(|(_, more)| matches(pattern, more))
        }
        (Some((b'?', rest)), Some((_, more))) => matches(rest, more),
        (Some((one, rest)), Some((other, more))) if one == other => matches(rest, more),
        _ => false,
    }
}

proptest! {
    // The independent oracle: a stranger's token must never match a pattern without an error.
    #[test]
    fn a_pattern_without_an_error_admits_no_stranger(
        pattern in "(repo:)?(acme|ac\\*|\\*|acm\\?|)(@\\*|@1|)(/|)(papyrus|\\*|p\\*|)(@\\*|@2|)(:|)(ref:refs/heads/main|\\*|pull_request|ref:\\*|)",
    ) {
        let refused = check_subject(&[], &pattern, Matching::Pattern).iter().any(|p| p.is_error());
        for stranger in [
            "repo:mallory/papyrus:ref:refs/heads/main",
            "repo:acmeevil/papyrus:ref:refs/heads/main",
            "repo:acx/papyrus:pull_request",
            "repo:acmx/papyrus:pull_request",
            "repo:mallory@9/papyrus@2:ref:refs/heads/main",
            "repo:acmeevil@9/papyrus@2:pull_request",
            "repo:mallory/acme/papyrus:ref:refs/heads/main",
        ] {
            prop_assert!(refused || !matches(pattern.as_bytes(), stranger.as_bytes()), "{} admits {}", pattern, stranger);
        }
    }

    #[test]
    fn no_text_makes_the_check_fail_to_answer(text in "\\PC{0,40}", rest in "(repo:)?[a-z*?:/@<>$]{0,20}") {
        for text in [text, rest] {
            check_subject(&[], &text, Matching::Pattern);
            check_subject(&[], &text, Matching::Exact);
            check_workflow_ref(&[], &text, Matching::Pattern);
        }
    }
}
