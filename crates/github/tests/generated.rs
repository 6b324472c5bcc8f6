//! The workflow files of whole stacks.
//!
//! `tests/workflows/CASE/stack.yaml` is a stack; beside it stand the files that are made from it. A first line such as
//! `# with: infra/stack.yaml, --env staging` says how hatoba was called. `UPDATE_GOLDEN=1 cargo test -p hatoba-github` writes the
//! files anew. A linter reads them in `tests/tests/workflow_files.rs`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hatoba_github::generate::{Call, content, header, keep};
use hatoba_model::facts::Facts;
use hatoba_model::load::{Options, load};
use hatoba_model::workflows::{FOLDER, facts};
use hatoba_model::yaml::{Node, Source, parse};

struct Case {
    folder: PathBuf,
    text: String,
    call: Call,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workflows");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| {
            let text = fs::read_to_string(folder.join("stack.yaml")).unwrap();
            let mut call = Call { file: "stack.yaml".to_owned(), ..Call::default() };
            for part in text.lines().next().unwrap().strip_prefix("# with: ").unwrap_or("stack.yaml").split(", ") {
                match part.split_once(' ').filter(|(option, _)| option.starts_with("--")) {
                    Some(("--env", value)) => call.env = Some(value.to_owned()),
                    Some(("--region", value)) => call.region = Some(value.to_owned()),
                    _ => call.file = part.to_owned(),
                }
            }
            Case { folder, text, call }
        })
        .collect()
}

/// The files of a stack by their paths.
fn files(text: &str, call: &Call) -> BTreeMap<String, String> {
    let source = Source::new("stack.yaml", text);
    let options = Options {
        env: call.env.as_deref(),
        vars: &BTreeMap::new(),
        process_env: &|_| None,
        files: &|_| Err("there are no files here".to_owned()),
        account: None,
        region: call.region.as_deref(),
    };
    let loaded = load(&source, &options).unwrap_or_else(|found| panic!("{}", found.render(&source)));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(&source));
    let stack = loaded.stack;
    let place = Facts { account: stack.account.clone().unwrap(), region: stack.region.clone() };
    let made = stack.workflows.keys().map(|key| facts(&stack, &place, key).unwrap());
    made.map(|facts| (facts.path.clone(), content(&facts, call).unwrap())).collect()
}

fn golden(case: &Case, path: &str) -> PathBuf {
    case.folder.join(path.strip_prefix(FOLDER).unwrap())
}

#[test]
fn they_are_what_was_recorded() {
    let mut wrong = Vec::new();
    for case in cases() {
        let made = files(&case.text, &case.call);
        for (path, text) in &made {
            let golden = golden(&case, path);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&golden, text).unwrap();
            }
            if fs::read_to_string(&golden).unwrap_or_default() != *text {
                wrong.push(golden.display().to_string());
            }
        }
        for entry in fs::read_dir(&case.folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name != "stack.yaml" && !made.contains_key(&format!("{FOLDER}{name}")) {
                wrong.push(format!("{}/{name} is made by nothing", case.folder.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "out of date, UPDATE_GOLDEN=1 writes them: {wrong:#?}");
}

/// Every file of every case as a tree.
fn trees() -> Vec<(String, String, Node)> {
    let mut all = Vec::new();
    for case in cases() {
        for (path, text) in files(&case.text, &case.call) {
            let source = Source::new(&path, &text);
            let tree = parse(&source).unwrap_or_else(|found| panic!("{}", found.render(&source)));
            all.push((format!("{} {path}", case.folder.file_name().unwrap().to_string_lossy()), text, tree));
        }
    }
    assert!(all.len() >= 8);
    all
}

fn jobs(tree: &Node) -> impl Iterator<Item = (&str, &Node)> {
    tree.get("jobs").unwrap().entries().iter().map(|entry| (entry.key.as_str(), &entry.value))
}

fn steps(tree: &Node) -> impl Iterator<Item = &Node> {
    jobs(tree).flat_map(|(_, job)| job.get("steps").unwrap().items())
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.as_str()
}

#[test]
fn nothing_of_a_run_is_pasted_into_a_script() {
    for (name, _, tree) in trees() {
        for step in steps(&tree) {
            let script = text(step, "run").unwrap_or_default();
            assert!(!script.contains("${{"), "{name}: {script}");
        }
    }
}

/// Whatever a path is called, a script has it as one word: neither YAML nor the shell finds a meaning in it.
#[test]
fn the_path_of_the_stack_file_stays_one_word() {
    let case = cases().into_iter().find(|case| case.folder.ends_with("every-kind")).unwrap();
    for path in ["infra: x #1/stack.yaml", "it's/$HOME `id`.yaml", "- a/{b}: [c] & d | e/stack.yaml", "日本.yaml"] {
        let call = Call { file: path.to_owned(), ..Call::default() };
        for (name, text_of_file) in files(&case.text, &call) {
            let tree = parse(&Source::new(&name, &text_of_file)).unwrap();
            let scripts: Vec<&str> = steps(&tree).filter_map(|step| text(step, "run")).collect();
            let word = format!("hatoba -f '{}' ", path.replace('\'', "'\\''"));
            let calls = scripts.iter().filter(|script| script.contains(&word)).count();
            assert_eq!(calls, 1, "{name}: {scripts:#?}");
        }
    }
    let call = Call { env: Some("${{ github.actor }}".to_owned()), ..case.call };
    let source = Source::new("stack.yaml", &case.text);
    let loaded = load(
        &source,
        &Options {
            vars: &BTreeMap::new(),
            process_env: &|_| None,
            files: &|_| Err(String::new()),
            env: None,
            account: None,
            region: None,
        },
    );
    let stack = loaded.unwrap_or_else(|found| panic!("{}", found.render(&source))).stack;
    let place = Facts { account: stack.account.clone().unwrap(), region: stack.region.clone() };
    let made = facts(&stack, &place, ".github/workflows/deploy.yml").unwrap();
    assert!(content(&made, &call).is_err());
}

#[test]
fn actions_are_pinned_to_commits_with_their_version_beside_them() {
    for (name, text_of_file, tree) in trees() {
        for uses in steps(&tree).filter_map(|step| text(step, "uses")) {
            let commit = uses.split_once('@').unwrap().1;
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{name}: {uses}");
            assert!(text_of_file.contains(&format!("{uses} # v")), "{name}: {uses}");
        }
    }
}

#[test]
fn jobs_have_the_permissions_that_they_need_and_no_others() {
    let reads = ["contents: read", "id-token: write"];
    for (name, _, tree) in trees() {
        assert!(tree.get("permissions").unwrap().entries().is_empty(), "{name}");
        for (job, node) in jobs(&tree) {
            let wanted: &[&str] = match job {
                "deploy" | "plan" | "look" | "switch" => &reads,
                "comment" => &["pull-requests: write"],
                "issue" => &["issues: write"],
                other => panic!("{name}: a job `{other}`"),
            };
            let entries = node.get("permissions").unwrap().entries();
            let has: BTreeSet<String> =
                entries.iter().map(|entry| format!("{}: {}", entry.key, entry.value.as_str().unwrap())).collect();
            assert_eq!(has, wanted.iter().map(|permission| (*permission).to_owned()).collect(), "{name} {job}");
            // Whoever may write does not hold credentials, and the other way round.
            let assumes = node.get("steps").unwrap().items().iter();
            let assumes = assumes.filter_map(|step| text(step, "uses")).any(|uses| uses.contains("credentials"));
            assert_eq!(assumes, has.contains("id-token: write"), "{name} {job}");
        }
    }
}

#[test]
fn what_is_built_on_the_runner_is_built_before_there_are_credentials() {
    for (name, text, _) in trees() {
        if let (Some(build), Some(assume)) = (text.find("cargo install"), text.find("configure-aws-credentials")) {
            assert!(build < assume, "{name}");
        }
    }
}

#[test]
fn what_the_stack_file_says_stands_in_the_workflow() {
    let case = cases().into_iter().find(|case| case.folder.ends_with("every-kind")).unwrap();
    let deploy = |text: &str| files(text, &case.call).remove(".github/workflows/deploy.yml").unwrap();
    let before = deploy(&case.text);
    for (from, to, gone, come) in [
        ("architecture: arm64", "architecture: x86_64", "platforms: linux/arm64", "platforms: linux/amd64"),
        ("us-west-2", "eu-central-1", "aws-region: us-west-2", "aws-region: eu-central-1"),
        ("\"123456789012\"", "\"210987654321\"", "iam::123456789012:", "iam::210987654321:"),
        ("branches: [main]", "branches: [trunk]", "branches: [main]", "branches: [trunk]"),
        (
            "roles:\n",
            "repositories:\n  papyrus: { name: acme/papyrus }\nroles:\n",
            "amazonaws.com/papyrus:",
            "amazonaws.com/acme/papyrus:",
        ),
        (
            "roles:\n",
            "roles:\n  papyrus-deploy: { name: Deployer, path: /ci/ }\n",
            ":role/papyrus-deploy",
            ":role/ci/Deployer",
        ),
    ] {
        let after = deploy(&case.text.replace(from, to));
        assert!(before.contains(gone) && !before.contains(come), "{gone}");
        assert!(after.contains(come) && !after.contains(gone), "{come}:\n{after}");
    }
}

#[test]
fn regions_are_empty_distinct_and_where_a_reader_can_use_them() {
    for (name, text, _) in trees() {
        let names = keep::names(&text);
        let begun = text.lines().filter(|line| line.trim().starts_with("# hatoba:keep ")).count();
        assert_eq!(names.len(), begun, "{name}");
        assert_eq!(keep::emptied(&text, &names), text, "{name}");
        if name.ends_with("deploy.yml") {
            let used = keep::filled(
                &text,
                "# hatoba:keep before-build\n      - name: Test\n        run: make test\n# hatoba:end\n\
                 # hatoba:keep push\n    paths: [src/**]\n# hatoba:end\n\
                 # hatoba:keep jobs\n  more:\n    runs-on: x\n    steps: []\n# hatoba:end\n\
                 # hatoba:keep job\n    needs: more\n# hatoba:end\n",
            );
            let tree = parse(&Source::new("deploy.yml", &used)).unwrap();
            let deploy = tree.get("jobs").unwrap().get("deploy").unwrap();
            assert_eq!(self::text(&deploy.get("steps").unwrap().items()[1], "name"), Some("Test"), "{used}");
            assert_eq!(self::text(deploy, "needs"), Some("more"));
            assert!(tree.get("jobs").unwrap().get("more").is_some());
            assert!(tree.get("on").unwrap().get("push").unwrap().get("paths").is_some());
        }
    }
}

#[test]
fn a_file_with_its_first_line_is_read_back() {
    for (name, text, _) in trees() {
        let tags: BTreeMap<String, String> = [("hatoba:stack", "papyrus"), ("hatoba:resource", "workflow.deploy.yml")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let file = header::line(&tags) + &text;
        assert_eq!(header::read(&file), (Some(tags), text.as_str()), "{name}");
        assert!(header::released(&text).starts_with("name: "), "{name}");
    }
}
