//! Every kind keeps its contract, over HTTP, on both emulators: create, no difference, change each field in turn, no
//! difference, replace, delete, delete again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::sync::Mutex;

use hatoba_engine::kind::OnChange;
use hatoba_model::stack::Stack;
use hatoba_provider::kinds::drivers;
use hatoba_tests::contract::{Contract, coverage};
use hatoba_tests::converge::Session;
use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;

fn contracts() -> Vec<(String, Contract)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let contract = Contract::read(&name, &std::fs::read_to_string(path).unwrap());
            (name, contract.unwrap_or_else(|problem| panic!("{problem}")))
        })
        .collect()
}

/// How many contracts are under way at once. moto answers one call after another, and reads all of AWS's policies for each new
/// account: more would only wait for each other, and some in vain.
const AT_ONCE: usize = 4;

/// Runs all contracts, some side by side, each in an account of its own, and reports every one that broke.
fn run_all(kind: Kind) {
    let only = std::env::var("CONTRACT").ok();
    let chosen = |(name, _): &(String, Contract)| only.as_ref().is_none_or(|only| name.starts_with(only));
    let queue: Mutex<Vec<_>> = Mutex::new(contracts().into_iter().filter(chosen).collect());
    let worker = || {
        let mut broken = Vec::new();
        loop {
            let Some((name, contract)) = queue.lock().unwrap().pop() else { return broken };
            let world = World::new(kind).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let result = runtime.block_on(async {
                let session = Session::open(world.lease(), &world.endpoint()).await?;
                contract.run(&session, kind.name()).await
            });
            broken.extend(result.err().map(|problem| format!("{name} on {}: {problem}", kind.name())));
        }
    };
    let broken: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n\n"));
}

#[test]
fn every_kind_keeps_its_contract_on_ministack() {
    run_all(Kind::Ministack);
}

#[test]
fn every_kind_keeps_its_contract_on_moto() {
    run_all(Kind::Moto);
}

/// Keys of a spec that are no live state: they say how hatoba treats the resource, or give a field another way.
const NOT_FIELDS: &[(&str, &str, &str)] = &[
    ("task_definition", "keep_revisions", "for `hatoba prune`"),
    ("role", "grants", "computed into the inline policy `hatoba-grants`"),
    ("repository", "keep_images", "another way to write `lifecycle`"),
    ("repository", "on_destroy", "kept in a tag"),
];

/// Rows that no key of a spec sets.
const NOT_KEYS: &[(&str, &str, &str)] = &[
    ("task_definition", "status", "a revision that was deregistered and runs: the e2e tests of `deregistered`"),
    ("service", "running", "changed by `hatoba down` and `hatoba up`: `power` and the e2e tests"),
    ("service", "copies", "how many `hatoba up` starts"),
    ("service", "remembered", "what is kept in a tag when a stopped service is replaced: the e2e tests of `power`"),
];

#[test]
fn every_key_of_a_spec_has_a_row_in_the_field_table() {
    let mut missing = Vec::new();
    for driver in drivers() {
        let info = driver.info();
        for key in Stack::fields_of(info.name) {
            let excepted = NOT_FIELDS.iter().any(|(kind, name, _)| *kind == info.name && name == key);
            if info.field(key).is_none() && !excepted {
                missing.push(format!("{}.{key}", info.name));
            }
        }
        for field in info.fields {
            if let OnChange::Update(group) = field.on_change {
                assert!(info.groups.iter().any(|g| g.name == group), "{}: no group {group}", info.name);
            }
        }
    }
    assert!(missing.is_empty(), "keys without a row: {missing:?}");
}

#[test]
fn every_row_of_every_field_table_has_a_contract_case() {
    let all: Vec<Contract> = contracts().into_iter().map(|(_, contract)| contract).collect();
    let covered = coverage(&all);
    let mut missing = Vec::new();
    for driver in drivers() {
        let info = driver.info();
        // What belongs to the account is never changed, and has no section.
        if Stack::SECTIONS.iter().all(|section| Stack::kind_of(section) != Some(info.name)) {
            continue;
        }
        for field in info.fields {
            if NOT_KEYS.iter().any(|(kind, name, _)| *kind == info.name && *name == field.name) {
                assert!(Stack::fields_of(info.name).iter().all(|key| *key != field.name), "{} is a key", field.name);
                continue;
            }
            if !covered.get(info.name).is_some_and(|fields| fields.iter().any(|f| f == field.name)) {
                missing.push(format!("{}.{}", info.name, field.name));
            }
        }
    }
    assert!(missing.is_empty(), "rows without a contract case: {missing:?}");
}
