//! Files with hardly anything in them: whatever they are, a file that cannot be used is told why.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_model::diag::{Diagnostics, Severity};
use hatoba_model::load::{Loaded, Options, load};
use hatoba_model::yaml::Source;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn read(text: &str, env: Option<&str>) -> Result<Loaded, Diagnostics> {
    let vars = BTreeMap::new();
    let options = Options {
        env,
        vars: &vars,
        process_env: &|_| None,
        files: &|_| Err("there is no such file".to_owned()),
        account: None,
        region: None,
    };
    load(&Source::new("stack.yaml", text), &options)
}

fn messages(text: &str) -> Vec<String> {
    let found = read(text, None).unwrap_err();
    found.iter().filter(|one| one.severity == Severity::Error).map(|one| one.message.clone()).collect()
}

/// An error comes with a reason, and a file in order has none.
fn is_explained(text: &str, env: Option<&str>) -> bool {
    match read(text, env) {
        Ok(loaded) => !loaded.warnings.has_errors(),
        Err(found) => found.has_errors() && !found.iter().any(|one| one.code == "unreadable-file"),
    }
}

#[test]
fn an_empty_mapping_lacks_its_head() {
    let head = ["the key `region` is missing at the top level", "the key `stack` is missing at the top level"];
    for text in ["{}", "{ }\n", "--- {}\n", "# nothing yet\n{}\n"] {
        assert_eq!(messages(text), head, "{text:?}");
    }
}

const KEYS: &[&str] = &[
    "stack",
    "region",
    "account",
    "tags",
    "github",
    "variables",
    "environments",
    "apps",
    "clusters",
    "services",
    "roles",
    "repositories",
    "task_definitions",
    "security_groups",
    "workflows",
    "budget",
    "nothing",
    "<<",
    "\"\"",
    "1",
];

const VALUES: &[&str] = &[
    "",
    "~",
    "{}",
    "[]",
    "papyrus",
    "us-west-2",
    "1",
    "\"${var.x}\"",
    "\"${env.X}\"",
    "\"${stack}\"",
    "{ x: }",
    "{ x: {} }",
    "{ x: [1] }",
    "{ x: 1 }",
    "[x]",
    "{ \"${var.y}\": 1 }",
    "&a {}",
    "*a",
    "!t x",
    "{ x: { cpu: [] } }",
    "{ file: x.json }",
    "\"\\u0007\"",
    "{ live: { region: [] } }",
    "{ live: { stack: ~ } }",
    "{ default: 1 }",
    "|",
    "{",
    "]",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn small_files_are_explained(
        lines in vec((select(KEYS), select(VALUES)), 0..5),
        flow in any::<bool>(),
        env in select(&[None, Some("live"), Some("test")][..]),
    ) {
        let lines: Vec<String> = lines.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let text = if flow { format!("{{ {} }}\n", lines.join(", ")) } else { lines.join("\n") };
        prop_assert!(is_explained(&text, env), "{text:?} with {env:?}: {:?}", read(&text, env));
    }

    #[test]
    fn noise_is_explained(text in "[-{}\\[\\]:,a~&*!|#\"' \n]{0,10}") {
        prop_assert!(is_explained(&text, None), "{text:?}: {:?}", read(&text, None));
    }
}
