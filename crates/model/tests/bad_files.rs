//! Every way to get a stack file wrong, one file each, with what its author is told.
//!
//! `tests/spec/bad/CODE-WHAT.yaml` has one defect; beside it `.stderr` holds what `hatoba validate` prints about it. The line of
//! the defect bears the comment `# <- here`, so that the place is checked against the file and not only against the golden. A first
//! line such as `# with: --env staging --var level=debug` gives options.
//!
//! `UPDATE_GOLDEN=1 cargo test -p hatoba-model --test bad_files` writes the goldens. Read every one that changed as somebody
//! would who has never seen the tool: does it say what is wrong, what is allowed, and what to do?
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod spec_files;

use hatoba_model::diag::Diagnostics;
use hatoba_model::yaml::{MAX_BYTES, Source};

use spec_files::{Case, cases, check_golden};

/// Files in which a comment would change the defect, or which have no line to put one on.
const UNMARKED: &[&str] = &[
    "control-character-bell",
    "empty-stack-no-resources",
    "region-option-typo",
    "unknown-variable-option",
    "yaml-encoding-latin1",
    "yaml-root-comments-only",
    "yaml-syntax-text-block",
    "yaml-syntax-unclosed-bracket",
    "yaml-syntax-unclosed-quote",
];

/// Files with more than one defect, whose goldens are checked as a whole.
const SEVERAL: &[&str] =
    &["several-duplicate-keys", "several-no-follow-ups", "several-syntax-error", "several-twelve-defects"];

fn found(case: &Case) -> (Source, Diagnostics) {
    let source = match Source::from_bytes(case.file_name(), &case.bytes) {
        Ok(source) => source,
        Err(found) => return (Source::new(case.file_name(), String::from_utf8_lossy(&case.bytes)), found),
    };
    match case.load(&source) {
        Ok(loaded) => (source, loaded.warnings),
        Err(found) => (source, found),
    }
}

#[test]
fn each_defect_is_reported_once_at_its_place() {
    let cases = cases("bad");
    let mut wrong = Vec::new();
    for case in &cases {
        let (source, found) = found(case);
        let rendered = found.render(&source);
        wrong.extend(check_golden(&case.beside("stderr"), &rendered));
        if SEVERAL.contains(&case.name.as_str()) {
            continue;
        }
        let [one] = found.iter().collect::<Vec<_>>()[..] else {
            wrong.push(format!("{}: {} problems instead of one:\n{rendered}", case.name, found.len()));
            continue;
        };
        if !case.name.starts_with(one.code) {
            wrong.push(format!("{}: the name of the file does not begin with the code `{}`", case.name, one.code));
        }
        // "`count` must be a whole number, found the text" needs no more advice.
        if one.help.is_empty() && one.code != "wrong-type" {
            wrong.push(format!("{}: no help is given:\n{rendered}", case.name));
        }
        let place = one.span.map(|span| span.start);
        let marked =
            source.text.lines().position(|line| line.ends_with("# <- here")).map(|at| u32::try_from(at).unwrap() + 1);
        match (place, marked) {
            (Some(place), Some(marked)) if place.line != marked => {
                wrong.push(format!(
                    "{}: line {marked} is wrong, line {} is reported:\n{rendered}",
                    case.name, place.line
                ));
            }
            (None, Some(_)) => wrong.push(format!("{}: no place is reported:\n{rendered}", case.name)),
            (_, None) if !UNMARKED.contains(&case.name.as_str()) => {
                wrong.push(format!("{}: no line is marked", case.name))
            }
            _ => {}
        }
        if let Some(place) = place
            && !rendered.starts_with(&format!("{}:{place}: ", case.file_name()))
        {
            wrong.push(format!("{}: the place is not at the start:\n{rendered}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} problems:\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_of_them() {
    let single = cases("bad").iter().filter(|case| !SEVERAL.contains(&case.name.as_str())).count();
    assert!(single >= 85, "only {single} bad files");
}

#[test]
fn twelve_defects_are_reported_in_one_go_and_nothing_that_follows_from_them() {
    let all = cases("bad");
    let several = [
        ("several-twelve-defects", 12),
        ("several-no-follow-ups", 6),
        ("several-duplicate-keys", 6),
        ("several-syntax-error", 5),
    ];
    for (name, count) in several {
        let case = all.iter().find(|case| case.name == name).unwrap();
        let (source, found) = found(case);
        let marked = source.text.lines().enumerate().filter(|(_, line)| line.ends_with("# <- here"));
        let marked: Vec<usize> = marked.map(|(at, _)| at + 1).collect();
        let reported: Vec<usize> = found.iter().filter_map(|one| Some(one.span?.start.line as usize)).collect();
        assert_eq!(marked.len(), count);
        assert_eq!(reported, marked, "{}", found.render(&source));
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let head = "stack: papyrus\nregion: us-west-2\n";
    let filled = |bytes: usize| format!("{head}#{}", "x".repeat(bytes - head.len() - 1));
    let case = Case::of("large.yaml", &filled(MAX_BYTES));
    assert!(!found(&case).1.has_errors(), "a file of exactly 1 MiB is read");
    let (source, found) = found(&Case::of("large.yaml", &filled(MAX_BYTES + 1)));
    assert_eq!(found.len(), 1);
    assert!(
        found.render(&source).starts_with("large.yaml:1:1: error: the file has 1048577 bytes"),
        "{}",
        found.render(&source)
    );
}

#[test]
fn every_golden_belongs_to_a_file() {
    let names: Vec<String> = cases("bad").into_iter().map(|case| case.name).collect();
    for name in spec_files::stems("bad", "stderr") {
        assert!(names.contains(&name), "{name}.stderr has no file");
    }
}
