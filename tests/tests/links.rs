//! The documents: every link inside of the repository leads somewhere, and every page can be reached from the README.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The texts of all documents, by their paths from the root of the repository.
fn documents() -> BTreeMap<PathBuf, String> {
    let root = root();
    let mut found = BTreeMap::new();
    for directory in ["", "docs", "docs/decisions"] {
        for entry in fs::read_dir(root.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.insert(path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text without code: in blocks and between backticks nothing is a link.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    });
    let lines: Vec<&str> = lines.collect();
    lines.join("\n").replace("``", "").split('`').step_by(2).collect::<Vec<_>>().join("code")
}

/// Where the links of a document lead that stay inside of the repository: path from the root, and anchor.
fn links(from: &Path, text: &str) -> Vec<(PathBuf, String)> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let inside = targets.filter(|target| !target.contains("://"));
    let place = |target: &str| {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let whole = if path.is_empty() { from.to_owned() } else { from.parent().unwrap().join(path) };
        let mut plain = PathBuf::new();
        for part in whole.components() {
            if part == Component::ParentDir {
                plain.pop()
            } else {
                plain.push(part);
                true
            };
        }
        (plain, anchor.to_owned())
    };
    inside.map(place).collect()
}

/// The anchors that GitHub gives to the headings of a document.
fn anchors(text: &str) -> BTreeSet<String> {
    let slug = |line: &str| -> String {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(slug).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let mut broken = Vec::new();
    for (from, text) in &documents {
        for (to, anchor) in links(from, text) {
            let there = root().join(&to).exists();
            let heading = anchor.is_empty() || documents.get(&to).is_some_and(|text| anchors(text).contains(&anchor));
            if !there || !heading {
                broken.push(format!("{}: {} #{anchor}", from.display(), to.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let documents = documents();
    let mut reached = BTreeSet::new();
    let mut open = vec![PathBuf::from("README.md")];
    while let Some(page) = open.pop() {
        if let Some(text) = documents.get(&page).filter(|_| reached.insert(page.clone())) {
            open.extend(links(&page, text).into_iter().map(|(to, _)| to));
        } else if page == Path::new("docs/decisions") {
            open.extend(documents.keys().filter(|page| page.starts_with("docs/decisions")).cloned());
        }
    }
    let lost: Vec<&PathBuf> = documents.keys().filter(|page| !reached.contains(*page)).collect();
    assert!(lost.is_empty(), "no way leads to {lost:?}");
}
