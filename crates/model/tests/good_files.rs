//! Files that are in order: what they come to, and their long form.
//!
//! `tests/spec/good/NAME.yaml` is a file; `NAME.json` beside it is what the loader makes of it, and `NAME.long.yml` what
//! `hatoba expand` prints. `UPDATE_GOLDEN=1 cargo test -p hatoba-model --test good_files` writes both.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod spec_files;

use std::path::Path;

use hatoba_model::load::Loaded;
use hatoba_model::yaml::{Source, emit};

use spec_files::{Case, cases, check_golden, stems};

fn try_load(case: &Case) -> Result<Loaded, String> {
    let source = Source::from_bytes(case.file_name(), &case.bytes).unwrap();
    case.load(&source).map_err(|found| found.render(&source))
}

fn loaded(case: &Case) -> Loaded {
    try_load(case).unwrap_or_else(|found| panic!("{found}"))
}

#[test]
fn each_comes_to_what_was_recorded() {
    let mut wrong = Vec::new();
    for case in cases("good") {
        let loaded = match try_load(&case) {
            Ok(loaded) => loaded,
            Err(found) => {
                wrong.push(found);
                continue;
            }
        };
        let stack = serde_json::to_string_pretty(&loaded.stack).unwrap() + "\n";
        wrong.extend(check_golden(&case.beside("json"), &stack));
        wrong.extend(check_golden(&case.beside("long.yml"), &emit(&loaded.tree)));
        if !loaded.warnings.is_empty() {
            wrong.push(format!("{}: {}", case.name, loaded.warnings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_long_form_means_the_same_and_is_its_own_long_form() {
    for case in cases("good") {
        let first = loaded(&case);
        let long = emit(&first.tree);
        let again = loaded(&case.with_text(&long));
        assert_eq!(again.stack, first.stack, "{}:\n{long}", case.name);
        assert_eq!(emit(&again.tree), long, "{}", case.name);
        assert!(again.warnings.is_empty(), "{}: {}", case.name, again.warnings);
    }
}

#[test]
fn the_recorded_stack_is_a_file_itself() {
    for case in cases("good") {
        let first = loaded(&case);
        let json = serde_json::to_string(&first.stack).unwrap().replace("${", "$${");
        // `subnets: default` may be left out, so what is written is compared.
        let again = loaded(&case.with_text(&json)).stack;
        assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&first.stack).unwrap(), "{}", case.name);
    }
}

#[test]
fn the_example_is_in_order_in_all_its_environments() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.example.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    for with in ["", "# with: --env staging\n", "# with: --var log_level=debug\n"] {
        let loaded = loaded(&Case::of("stack.example.yaml", &format!("{with}{text}")));
        assert!(loaded.warnings.is_empty(), "{with}{}", loaded.warnings);
        assert!(!loaded.stack.services.is_empty());
    }
}

#[test]
fn there_are_enough_of_them_and_no_golden_without_a_file() {
    let names: Vec<String> = cases("good").into_iter().map(|case| case.name).collect();
    assert!(names.len() >= 12);
    for name in stems("good", "json") {
        assert!(names.contains(&name), "{name}.json has no file");
    }
    for name in stems("good", "yml") {
        assert!(names.iter().any(|file| format!("{file}.long") == name), "{name}.yml has no file");
    }
}
