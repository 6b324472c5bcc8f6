//! A write took effect and its answer was lost: the same run finds out, and finishes. Nothing is made twice.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test stops at the first surprise, and prints its table"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use hatoba_tests::contract::Contract;
use hatoba_tests::converge::Session;
use hatoba_tests::emulator::Kind;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::full;
use hatoba_tests::torture::table::Table;
use hatoba_tests::torture::writes::{Losses, in_source};
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// Any certificate.
const CERTIFICATE: &str = include_str!("../root.pem");

/// How many contracts are under way at once.
const WORKERS: usize = 4;

/// Write actions that neither emulator can carry out; what follows a lost reply is then the engine's common rule for calls that
/// may be repeated, which all the others go through.
const NOT_PLAYED: [&str; 5] = [
    // A rollback that is asked for: `verdicts` plays it.
    "ecs:StopServiceDeployment",
    "iam:AddClientIDToOpenIDConnectProvider",
    "iam:DeleteServiceSpecificCredential",
    "iam:DeleteUserPermissionsBoundary",
    "iam:UpdateUser",
];

/// The contracts with calls that only moto has.
const ONLY_MOTO: [&str; 2] = ["oidc_provider", "role"];

/// The contracts to run on an emulator. Unless all are asked for, on moto only what ministack cannot play.
fn contracts(kind: Kind) -> Vec<(String, Contract)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let contract = Contract::read(&name, &text).unwrap_or_else(|problem| panic!("{problem}"));
        let wanted = full() || kind == Kind::Ministack || ONLY_MOTO.contains(&name.as_str());
        wanted.then_some((name, contract))
    };
    files.iter().filter_map(read).collect()
}

/// All contracts of an emulator; the write actions that lost a reply, and what broke.
fn run_all(kind: Kind) -> (BTreeSet<String>, Vec<String>) {
    let queue = Mutex::new(contracts(kind));
    let results = Mutex::new((BTreeSet::new(), Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((name, contract)) = queue.lock().unwrap().pop() else { return };
                    let (lost, result) = run(kind, &contract);
                    let mut results = results.lock().unwrap();
                    results.0.extend(lost);
                    results.1.extend(result.err().map(|problem| format!("{name} on {}: {problem}", kind.name())));
                }
            });
        }
    });
    results.into_inner().unwrap()
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

/// What hangs on IAM resources without being in the file, put there by hand: it goes with them.
fn hangers_on(world: &World) {
    let iam = |action: &str, parameters: &Value| world.aws("iam", action, parameters).unwrap();
    let user = json!({ "UserName": "papyrus" });
    let with = |more: Value| {
        let mut all = user.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    iam("CreateGroup", &json!({ "GroupName": "people" }));
    iam("AddUserToGroup", &with(json!({ "GroupName": "people" })));
    iam("CreateAccessKey", &user);
    iam("CreateLoginProfile", &with(json!({ "Password": "not-a-secret-1" })));
    let device = iam("CreateVirtualMFADevice", &json!({ "VirtualMFADeviceName": "phone" }));
    let serial = device.elements("SerialNumber").remove(0);
    let codes = json!({ "SerialNumber": serial, "AuthenticationCode1": "123456", "AuthenticationCode2": "654321" });
    iam("EnableMFADevice", &with(codes));
    iam("UploadSSHPublicKey", &with(json!({ "SSHPublicKeyBody": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC papyrus" })));
    iam("UploadSigningCertificate", &with(json!({ "CertificateBody": CERTIFICATE })));
    let policy = format!("arn:aws:iam::{}:policy/papyrus", world.lease().account);
    iam("AttachGroupPolicy", &json!({ "GroupName": "people", "PolicyArn": policy }));
    iam("CreateInstanceProfile", &json!({ "InstanceProfileName": "papyrus" }));
    iam("AddRoleToInstanceProfile", &json!({ "InstanceProfileName": "papyrus", "RoleName": "papyrus" }));
}

/// Destroys IAM resources with everything that hangs on them, with replies lost.
fn destroy_with_hangers_on(kind: Kind) -> (BTreeSet<String>, Vec<String>) {
    let world = World::new(kind).unwrap();
    let anything =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let file = json!({
        "users": { "papyrus": {} },
        // Let go of.
        "oidc_providers": { "papyrus": { "url": "https://issuer.example.com/papyrus", "client_ids": ["papyrus"], "retain": true } },
        "roles": { "papyrus": { "trust": { "service": "ec2.amazonaws.com" } } },
        "policies": { "papyrus": { "document": anything } },
    });
    world.write_stack(&file).unwrap();
    world.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
    hangers_on(&world);
    let losses = Losses::begin(world.proxy());
    // AWS refuses to delete a user that has any of this, and moto does not. The first answer is lost.
    let conflict = Act::Error {
        status: 409,
        code: "DeleteConflict".to_owned(),
        message: "Cannot delete entity, must remove references first.".to_owned(),
    };
    world.proxy().set_rules(vec![Rule::on("iam", "DeleteUser", conflict).times(2)]);
    let mut broken = Vec::new();
    for arguments in [["destroy", "--yes"].as_slice(), &["plan", "--destroy", "--detailed-exitcode"]] {
        if let Err(error) = world.hatoba(arguments).unwrap().expect_code(0) {
            broken.push(format!("{} with what hangs on users and roles: {error}", kind.name()));
        }
    }
    (losses.actions(), broken)
}

#[test]
fn every_write_of_every_kind_survives_the_loss_of_its_reply() {
    let mut broken = Vec::new();
    let mut table = Table::new(&["emulator", "write actions whose reply was lost", "broken"]);
    let mut all = BTreeSet::new();
    for kind in Kind::ALL {
        let (mut lost, mut problems) = run_all(kind);
        if kind == Kind::Moto {
            let (more, others) = destroy_with_hangers_on(kind);
            lost.extend(more);
            problems.extend(others);
        }
        table.row(vec![kind.name().to_owned(), lost.len().to_string(), problems.len().to_string()]);
        broken.extend(problems);
        all.extend(lost);
    }
    let wanted = in_source().unwrap();
    println!(
        "Replies to writes lost:\n{table}\n{} write actions in all, {} lost one",
        wanted.len(),
        wanted.intersection(&all).count()
    );
    let missing: Vec<&str> = wanted.difference(&all).map(String::as_str).collect();
    if missing != NOT_PLAYED {
        broken.push(format!("write actions without a case: {missing:?}, expected {NOT_PLAYED:?}"));
    }
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n\n"));
}
