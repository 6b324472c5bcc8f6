//! A stack file of any bytes is loaded, or every problem has a place in it; its long form means the same.
#![no_main]

use std::collections::BTreeMap;

use hatoba_model::load::{Options, load};
use hatoba_model::yaml::{Source, emit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let vars = BTreeMap::new();
    let options = Options {
        env: None,
        vars: &vars,
        process_env: &|_| None,
        files: &|path| Err(format!("there is no {path}")),
        account: None,
        region: None,
    };
    let source = match Source::from_bytes("stack.yaml", bytes) {
        Ok(source) => source,
        Err(found) => {
            assert!(!found.is_empty());
            return;
        }
    };
    let loaded = match load(&source, &options) {
        Ok(loaded) => loaded,
        Err(found) => {
            assert!(found.has_errors(), "refused without a reason");
            let text = found.render(&source);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "control characters in {text:?}");
            return;
        }
    };
    let long = emit(&loaded.tree);
    let again = Source::from_bytes("stack.yaml", long.as_bytes()).and_then(|source| load(&source, &options));
    match again {
        Ok(again) => assert_eq!(again.stack, loaded.stack, "the long form means something else:\n{long}"),
        Err(found) => panic!("the long form is refused: {found}\n{long}"),
    }
});
