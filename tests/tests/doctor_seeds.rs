//! What goes wrong when people follow a write-up on GitHub Actions, ECR and Fargate: five such texts, each with its mistakes and as it
//! should be (`tests/seeds/doctor`). `hatoba doctor` finds every mistake and invents none.
//!
//! `UPDATE_GOLDEN=1 cargo test -p hatoba-tests --test doctor_seeds` writes what it says; read it before you commit it.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hatoba_tests::world::hatoba_binary;
use serde_json::Value;
use tempfile::TempDir;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/doctor")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A repository of its own, as one of the texts leaves it.
fn repository(seed: &str, sort: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    copy(&seeds().join(seed).join(sort), home.path());
    fs::create_dir(home.path().join(".git")).unwrap();
    home
}

/// Runs the binary without any account: exit code, standard output, standard error.
fn hatoba(home: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(hatoba_binary().unwrap())
        .args(arguments)
        .current_dir(home.path())
        .env_clear()
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What the binary says, as it stands in a file beside the seed.
#[track_caller]
fn golden(seed: &str, name: &str, home: &TempDir, arguments: &[&str], code: i32) {
    let (found, stdout, stderr) = hatoba(home, arguments);
    let said = format!("$ hatoba {}\n{stdout}{stderr}exit {found}\n", arguments.join(" "));
    let path = seeds().join(seed).join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &said).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, code, "{said}");
    assert!(said == expected, "{} differs:\n{said}", path.display());
    let widest = said.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    // Lines of files with their marks may be 100 wide, and text from outside is as wide as it is.
    assert!(widest <= 220, "{widest}: {said}");
}

/// The codes of all findings, sorted, and `EVENT STATUS` of every case.
fn found(home: &TempDir, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let (_, stdout, _) = hatoba(home, &[arguments, &["--json"]].concat());
    let document: Value = serde_json::from_str(&stdout).unwrap();
    let of = |list: &str| document[list].as_array().cloned().unwrap_or_default();
    let mut codes: Vec<String> =
        of("findings").iter().chain(&of("diagnostics")).map(|one| one["code"].as_str().unwrap().to_owned()).collect();
    codes.sort();
    let case = |one: &Value| {
        format!(
            "{} {} {}",
            one["event"].as_str().unwrap(),
            one["ref"].as_str().unwrap(),
            one["status"].as_str().unwrap()
        )
    };
    (codes, of("cases").iter().map(case).collect())
}

#[test]
fn a_role_made_in_the_console() {
    let home = repository("console", "bad");
    // What stops the file: the audience, and the log group that nobody makes.
    golden("console", "file", &home, &["doctor", "oidc"], 3);
    assert_eq!(found(&home, &["doctor", "oidc"]).0, ["github-audience", "policy-only-all", "unknown-reference"]);
    golden("console", "mended", &home, &["-f", "mended.yaml", "doctor", "oidc"], 1);
    let (codes, cases) = found(&home, &["-f", "mended.yaml", "doctor", "oidc"]);
    assert_eq!(
        codes,
        ["policy-all-resources", "policy-all-resources", "policy-only-all", "task-log-group", "workflow-platform",]
    );
    assert_eq!(cases, ["push refs/heads/main allowed", "workflow_dispatch refs/heads/main allowed"]);
}

#[test]
fn a_pipeline_on_every_push() {
    let home = repository("pipeline", "bad");
    golden("pipeline", "oidc", &home, &["doctor", "oidc"], 1);
    let (codes, cases) = found(&home, &["doctor", "oidc"]);
    assert_eq!(codes, ["policy-all-resources", "policy-pass-role", "workflow-dockerfile", "workflow-region"]);
    assert_eq!(
        cases,
        ["push refs/heads/main allowed", "push refs/heads/feature/example denied", "push refs/tags/example denied",]
    );
}

#[test]
fn another_account_a_misspelt_role_and_single_braces() {
    let home = repository("event", "bad");
    golden("event", "oidc", &home, &["doctor", "oidc"], 1);
    let (codes, _) = found(&home, &["doctor", "oidc"]);
    let braces = codes.iter().filter(|code| *code == "workflow-braces").count();
    assert_eq!(braces, 8);
    let rest: Vec<&String> = codes.iter().filter(|code| *code != "workflow-braces").collect();
    assert_eq!(rest, ["workflow-account", "workflow-role-name"]);
    golden("event", "event", &home, &["doctor", "oidc", "--event", "event.json"], 1);
    golden("event", "event-immutable", &home, &["doctor", "oidc", "--event", "event-immutable.json"], 1);
    let message = "Error: Not authorized to perform sts:AssumeRoleWithWebIdentity";
    golden("event", "denied", &home, &["doctor", "denied", message], 0);
}

#[test]
fn an_image_for_another_processor() {
    let home = repository("buildx", "bad");
    golden("buildx", "oidc", &home, &["doctor", "oidc"], 1);
    let (codes, cases) = found(&home, &["doctor", "oidc"]);
    assert_eq!(codes, ["policy-all-resources", "workflow-platform"]);
    assert_eq!(
        cases,
        ["push refs/heads/main allowed", "push refs/heads/develop denied", "workflow_dispatch refs/heads/main allowed",]
    );
}

#[test]
fn placeholders_and_a_misspelt_audience() {
    let home = repository("iam", "bad");
    golden("iam", "file", &home, &["doctor", "oidc"], 3);
    let (codes, _) = found(&home, &["doctor", "oidc"]);
    for code in ["github-audience", "policy-placeholder"] {
        assert!(codes.iter().any(|one| one == code), "{codes:?}");
    }
}

/// The same with every mistake corrected: nothing is refused and nothing found.
#[test]
fn nothing_is_invented() {
    for seed in ["console", "pipeline", "event", "buildx", "iam"] {
        let home = repository(seed, "good");
        let (code, stdout, stderr) = hatoba(&home, &["doctor", "oidc", "--json"]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{seed}: {stdout}{stderr}");
        let document: Value = serde_json::from_str(&stdout).unwrap();
        for list in ["findings", "problems", "notes"] {
            assert_eq!(document[list].as_array().map(Vec::len), Some(0), "{seed}: {document:#}");
        }
        let cases = document["cases"].as_array().cloned().unwrap_or_default();
        assert!(!cases.is_empty() && cases.iter().all(|case| case["status"] == "allowed"), "{seed}: {document:#}");
        assert_eq!(document["ok"], true);
    }
    let home = repository("event", "good");
    let (code, stdout, stderr) = hatoba(&home, &["doctor", "oidc", "--event", "event.json"]);
    assert!(
        code == 0 && stdout.contains("This policy lets the token in, yet AWS refused the call."),
        "{stdout}{stderr}"
    );
}
