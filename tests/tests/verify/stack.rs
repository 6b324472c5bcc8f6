//! A healthy stack, and asking what is wrong with it.

use hatoba_tests::client::Answer;
use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::world::World;
use serde_json::{Value, json};

pub(crate) const APP: &str = "task_definitions.papyrus.containers.app";
pub(crate) const CONTAINER: &str = "/task_definitions/papyrus/containers/app";

pub(crate) fn allow(actions: &[&str]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

/// A stack in which everything is checked and nothing is wrong.
pub(crate) fn healthy(world: &World) -> Value {
    let arn = format!("arn:aws:secretsmanager:us-west-2:{}:secret:papyrus/key", world.lease().account);
    json!({
        "roles": {
            "execution": {
                "trust": { "service": "ecs-tasks.amazonaws.com" },
                "managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"],
                "inline_policies": { "secrets": allow(&["ssm:GetParameters", "secretsmanager:GetSecretValue"]) },
            },
            "task": { "trust": { "service": "ecs-tasks.amazonaws.com" } },
        },
        "repositories": { "papyrus": { "on_destroy": "empty" } },
        "log_groups": { "/ecs/papyrus": {} },
        "clusters": { "papyrus": { "capacity_providers": ["FARGATE"] } },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": { "papyrus": {
            "cpu": 256,
            "memory": 512,
            "architecture": "arm64",
            "execution_role": "execution",
            "task_role": "task",
            "containers": { "app": {
                "image": { "repository": "papyrus", "tag": "v1" },
                "secrets": { "DB_URL": "ssm:/papyrus/db-url", "KEY": secret_arn(world).unwrap_or(arn) },
                "logs": "/ecs/papyrus",
            } },
        } },
        "services": { "papyrus": {
            "cluster": "papyrus",
            "task_definition": "papyrus",
            "desired_count": 1,
            "network": { "subnets": "default", "public_ip": true, "security_groups": ["papyrus"] },
            "circuit_breaker": { "rollback": true },
        } },
    })
}

#[track_caller]
pub(crate) fn aws(world: &World, service: &str, action: &str, parameters: &Value) -> Answer {
    match world.aws(service, action, parameters) {
        Ok(answer) => answer,
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) fn secret_arn(world: &World) -> Option<String> {
    let secret = world.aws("secretsmanager", "DescribeSecret", &json!({ "SecretId": "papyrus/key" })).ok()?;
    Some(secret.json().ok()?["ARN"].as_str()?.to_owned())
}

pub(crate) fn write(world: &World, file: &Value) {
    world.write_stack(file).unwrap();
}

#[track_caller]
pub(crate) fn run(world: &World, arguments: &[&str], code: i32) -> Run {
    match world.hatoba(arguments).and_then(|run| run.expect_code(code)) {
        Ok(run) => run,
        Err(error) => panic!("hatoba {}: {error}", arguments.join(" ")),
    }
}

/// Pushes an image, with this as its manifest.
pub(crate) fn push(world: &World, tag: &str, media_type: &str, manifest: &Value) {
    let image = json!({
        "repositoryName": "papyrus",
        "imageTag": tag,
        "imageManifest": manifest.to_string(),
        "imageManifestMediaType": media_type,
    });
    aws(world, "ecr", "PutImage", &image);
}

/// Pushes a list with one image for this kind of machine.
pub(crate) fn push_for(world: &World, tag: &str, architecture: &str) {
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{:064x}", tag.len()),
            "size": 1_000,
            "annotations": { "tag": tag },
            "platform": { "os": "linux", "architecture": architecture },
        }],
    });
    push(world, tag, INDEX, &index);
}

/// An account with the healthy stack, and its file.
pub(crate) fn up(kind: Kind) -> (World, Value) {
    let world = World::new(kind).unwrap();
    world.example_parameter().unwrap();
    aws(&world, "secretsmanager", "CreateSecret", &json!({ "Name": "papyrus/key", "SecretString": "x" }));
    let file = healthy(&world);
    write(&world, &file);
    run(&world, &["apply", "--yes"], 0);
    push_for(&world, "v1", "arm64");
    (world, file)
}

/// What `verify` finds.
#[track_caller]
pub(crate) fn found(world: &World, file: &Value, code: i32) -> Vec<Value> {
    write(world, file);
    let run = run(world, &["verify", "--json"], code);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["ok"], code == 0, "{document:#}");
    document["findings"].as_array().unwrap().clone()
}

/// The fault is all that is found: an error with this code, at this place, in these words.
#[track_caller]
pub(crate) fn is_found(world: &World, file: &Value, code: &str, path: &str, words: &[&str]) {
    let found = found(world, file, 1);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((finding["severity"].as_str(), finding["code"].as_str()), (Some("error"), Some(code)), "{finding:#}");
    assert_eq!(finding["path"], path, "{finding:#}");
    let line = finding["line"].as_u64().and_then(|line| usize::try_from(line).ok()).unwrap();
    let text = world.read("stack.yaml").unwrap();
    let last = path.rsplit('.').next().unwrap_or_default();
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    assert!(shown.contains(&format!("\"{last}\"")), "line {line} is {shown:?}, not about {last}");
    for word in words {
        assert!(finding["message"].as_str().unwrap().contains(word), "does not say {word:?}: {finding:#}");
    }
    assert!(!finding["help"].as_str().unwrap_or_default().is_empty(), "{finding:#}");
}

/// Changes one value of the file; null takes it away.
pub(crate) fn with(file: &Value, pointer: &str, value: Value) -> Value {
    let mut file = file.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = file.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(parent.remove(&key.replace("~1", "/"))),
        value => drop(parent.insert(key.replace("~1", "/"), value)),
    }
    file
}

/// A network with one subnet that leads nowhere, and a group in it.
pub(crate) fn cul_de_sac(world: &World) -> (String, String) {
    let vpc = aws(world, "ec2", "CreateVpc", &json!({ "CidrBlock": "10.9.0.0/16" })).elements("vpcId")[0].clone();
    let subnet = json!({ "VpcId": vpc, "CidrBlock": "10.9.1.0/24" });
    let subnet = aws(world, "ec2", "CreateSubnet", &subnet).elements("subnetId")[0].clone();
    let group = json!({ "GroupName": "quay", "GroupDescription": "quay", "VpcId": vpc });
    (subnet, aws(world, "ec2", "CreateSecurityGroup", &group).elements("groupId")[0].clone())
}
