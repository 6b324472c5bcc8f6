//! A write took effect and its answer was lost: the same run finds out, and finishes. Nothing is made twice.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;

use hatoba_tests::contract::Contract;
use hatoba_tests::converge::Session;
use hatoba_tests::emulator::Kind;
use hatoba_tests::torture::table::Table;
use hatoba_tests::torture::writes::{Losses, in_source};
use hatoba_tests::world::World;

fn contracts() -> Vec<(String, Contract)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &Path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let contract = Contract::read(&name, &std::fs::read_to_string(path).unwrap());
        (name, contract.unwrap_or_else(|problem| panic!("{problem}")))
    };
    files.iter().map(|path| read(path)).collect()
}

/// A contract in an account of its own, with the first reply to each write action lost in every plan that is carried out.
/// Returns the actions that lost one.
fn run(kind: Kind, contract: &Contract) -> (BTreeSet<String>, Result<(), String>) {
    let world = World::new(kind).unwrap();
    let losses = Losses::begin(world.proxy());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async {
        let session = Session::open(world.lease(), &world.endpoint()).await?;
        contract.run(&session, kind.name()).await
    });
    let result = result.and_then(|()| match losses.twice() {
        twice if twice.is_empty() => Ok(()),
        twice => Err(format!("made twice: {twice:?}")),
    });
    (losses.actions(), result)
}

#[test]
fn every_write_of_every_kind_survives_the_loss_of_its_reply() {
    let contracts = contracts();
    let mut broken = Vec::new();
    let mut table = Table::new(&["emulator", "write actions whose reply was lost", "contracts broken"]);
    let mut all = BTreeSet::new();
    for kind in Kind::ALL {
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> =
                contracts.iter().map(|(name, contract)| (name, scope.spawn(move || run(kind, contract)))).collect();
            threads.into_iter().map(|(name, thread)| (name, thread.join().unwrap())).collect()
        });
        let lost: BTreeSet<String> = results.iter().flat_map(|(_, (lost, _))| lost.clone()).collect();
        let problems: Vec<String> = results
            .into_iter()
            .filter_map(|(name, (_, result))| {
                result.err().map(|problem| format!("{name} on {}: {problem}", kind.name()))
            })
            .collect();
        table.row(vec![kind.name().to_owned(), lost.len().to_string(), problems.len().to_string()]);
        broken.extend(problems);
        all.extend(lost);
    }
    println!("Replies to writes lost:\n{table}");
    let missing: Vec<String> = in_source().unwrap().difference(&all).cloned().collect();
    if !missing.is_empty() {
        broken.push(format!("write actions without a case: {missing:?}"));
    }
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n\n"));
}
