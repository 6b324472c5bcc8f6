//! Policy documents: checks of any document end, and the canonical form means the same as the document and is its own.
#![no_main]

use hatoba_model::iam::document::check;
use hatoba_model::iam::{DocKind, canonical, equivalent, parse_url_encoded};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let _ = parse_url_encoded(text);
    let Ok(document) = serde_json::from_str::<Value>(text) else { return };
    for kind in [DocKind::Identity, DocKind::Trust, DocKind::EcrRepository] {
        let _ = check(kind, &document);
    }
    let form = canonical(&document);
    assert_eq!(canonical(&form), form, "not its own canonical form");
    assert!(equivalent(&document, &form), "the canonical form means something else");
});
