//! Golden transcripts: one file per behaviour, each its own input. `UPDATE_GOLDEN=1` writes them anew.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::path::Path;

use hatoba_simcloud::script::transcript;

#[tokio::test(flavor = "current_thread")]
async fn every_transcript_is_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "only {} transcripts were found", files.len());
    let mut differ = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let written = std::fs::read_to_string(&path).unwrap();
        let now = transcript(&written).await.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert!(!now.contains("NOT CONVERGED"), "{name}: a plan after apply is not empty:\n{now}");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, now).unwrap();
        } else if now != written {
            differ.push(format!("--- {name} as written\n{written}\n+++ {name} now\n{now}"));
        }
    }
    assert!(
        differ.is_empty(),
        "{} transcripts differ; UPDATE_GOLDEN=1 writes them anew:\n{}",
        differ.len(),
        differ.join("\n")
    );
}
