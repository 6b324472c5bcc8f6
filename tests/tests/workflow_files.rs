//! A linter reads every workflow file that `crates/github/tests/workflows` records, as `tests/run.sh` has it installed: keys, types,
//! expressions, contexts, inputs of actions, permissions, pins, script injection; shellcheck reads the scripts.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the linter warns of and we mean: the cache that speeds builds up is filled by runs on the same branch or its parents only.
const MEANT: &str = "cache-poisoning";

fn linter() -> PathBuf {
    match env::var_os("HATOBA_TEST_LINTER") {
        Some(path) => path.into(),
        None => panic!("HATOBA_TEST_LINTER names no linter: run tests through tests/run.sh"),
    }
}

fn lint(files: &[PathBuf]) -> Output {
    let linter = linter();
    let shellcheck = linter.with_file_name("shellcheck");
    let mut command = Command::new(&linter);
    // An empty directory has no configuration, and the checks are no others for being run elsewhere.
    command.current_dir(env::temp_dir()).args(["--no-color", "--strict-exit", "--ignore", MEANT]);
    command.arg(format!("--shellcheck={}", shellcheck.display()));
    command.args(files).output().unwrap()
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/github/tests/workflows").canonicalize().unwrap();
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml"))
        .filter(|path| path.file_name().is_some_and(|name| name != "stack.yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn the_linter_finds_nothing() {
    let files = files();
    assert!(files.len() >= 8, "{files:?}");
    let output = lint(&files);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn the_linter_finds_what_we_break() {
    let deploy = files().into_iter().find(|path| path.ends_with("every-kind/deploy.yml")).unwrap();
    let text = fs::read_to_string(deploy).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for (from, to, rule) in [
        ("runs-on:", "run-on:", "workflow-syntax"),
        ("steps.hatoba.outputs", "steps.hatobe.outputs", "undefined-property"),
        ("hatoba deploy \"$SERVICE\"", "hatoba deploy ${{ github.head_ref }}", "template-injection"),
        ("@9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0", "@v7", "unpinned-uses"),
        ("\"$CONTAINER=$IMAGE\"", "$CONTAINER=$IMAGE", "shellcheck"),
        ("context: .", "contexts: .", "input"),
    ] {
        let broken = text.replace(from, to);
        assert_ne!(broken, text, "{from}");
        let path = scratch.path().join("broken.yml");
        fs::write(&path, broken).unwrap();
        let output = lint(&[path]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(rule), "{to}: {said}");
    }
}
