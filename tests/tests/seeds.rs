//! What people make by hand after a write-up, and what `tests/seeds/stack.yaml` makes: the same, field by field, tags aside.
//!
//! The witness makes each call of the texts itself, in an account of its own; nothing of hatoba takes part in it.

#![expect(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// One call: service, action, parameters.
type Call = (&'static str, &'static str, Value);

const ISSUER: &str = "token.actions.githubusercontent.com";

/// Members of answers that differ between any two makings of the same thing, and tags.
const ASIDE: [&str; 14] = [
    "CreateDate",
    "UpdateDate",
    "RoleId",
    "PolicyId",
    "RoleLastUsed",
    "ResponseMetadata",
    "Tags",
    "createdAt",
    "creationTime",
    "registeredAt",
    "tags",
    "RequestId",
    "failures",
    "statistics",
];

/// Members of answers that hold a policy document, percent-encoded.
const DOCUMENTS: [&str; 3] = ["AssumeRolePolicyDocument", "PolicyDocument", "Document"];

fn seed(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name)).unwrap()
}

/// The commands of the texts as calls, with the documents that stand beside this crate.
fn commands(account: &str) -> Vec<Call> {
    let document = |name: &str| seed(name).replace("ACCOUNT_ID", account);
    let role = |name: &str, trust: &str| {
        let parameters = json!({ "RoleName": name, "AssumeRolePolicyDocument": document(trust) });
        ("iam", "CreateRole", parameters)
    };
    let attach = |role: &str, arn: String| ("iam", "AttachRolePolicy", json!({ "RoleName": role, "PolicyArn": arn }));
    let inline = |role: &str, name: &str, policy: &str| {
        let parameters = json!({ "RoleName": role, "PolicyName": name, "PolicyDocument": document(policy) });
        ("iam", "PutRolePolicy", parameters)
    };
    let power_user = || "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPowerUser".to_owned();
    let mut main = role("GitHubActionsMain", "trust-main.json");
    main.2["Description"] = json!("deploys the main branch");
    vec![
        (
            "iam",
            "CreateOpenIDConnectProvider",
            json!({
                "Url": format!("https://{ISSUER}"),
                "ClientIDList": ["sts.amazonaws.com"],
                "ThumbprintList": ["6938fd4d98bab03faadb97b34396831e3780aea1"],
            }),
        ),
        role("ecsTaskExecutionRole", "trust-tasks.json"),
        attach(
            "ecsTaskExecutionRole",
            "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy".to_owned(),
        ),
        role("papyrus-task", "trust-tasks.json"),
        role("papyrus-deploy", "trust-main-and-tags.json"),
        attach("papyrus-deploy", power_user()),
        inline("papyrus-deploy", "deploy", "deploy.json"),
        role("GitHubActionsECRRole", "trust-main.json"),
        attach("GitHubActionsECRRole", power_user()),
        (
            "iam",
            "CreatePolicy",
            json!({ "PolicyName": "ecr-push", "PolicyDocument": document("push-everywhere.json") }),
        ),
        attach("GitHubActionsECRRole", format!("arn:aws:iam::{account}:policy/ecr-push")),
        role("github-to-ecr", "trust-main-exact.json"),
        inline("github-to-ecr", "push", "push-one-repository.json"),
        main,
        inline("GitHubActionsMain", "UpdateECSTask", "update-tasks.json"),
        (
            "ecr",
            "CreateRepository",
            json!({
                "repositoryName": "papyrus",
                "imageTagMutability": "MUTABLE",
                "encryptionConfiguration": { "encryptionType": "AES256" },
            }),
        ),
        ("ecr", "CreateRepository", json!({ "repositoryName": "papyrus-api" })),
        ("logs", "CreateLogGroup", json!({ "logGroupName": "/ecs/papyrus" })),
        (
            "ecs",
            "CreateCluster",
            json!({
                "clusterName": "papyrus",
                "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
                "settings": [{ "name": "containerInsights", "value": "disabled" }],
            }),
        ),
        ("ecs", "RegisterTaskDefinition", serde_json::from_str(&document("taskdef.json")).unwrap()),
    ]
}

/// Calls whose answers hold everything that the commands made.
fn questions(account: &str) -> Vec<Call> {
    let arn = |rest: &str| format!("arn:aws:iam::{account}:{rest}");
    let mut calls = vec![
        (
            "iam",
            "GetOpenIDConnectProvider",
            json!({ "OpenIDConnectProviderArn": arn(&format!("oidc-provider/{ISSUER}")) }),
        ),
        ("iam", "GetPolicy", json!({ "PolicyArn": arn("policy/ecr-push") })),
        ("iam", "GetPolicyVersion", json!({ "PolicyArn": arn("policy/ecr-push"), "VersionId": "v1" })),
        ("iam", "ListPolicies", json!({ "Scope": "Local" })),
        ("ecr", "DescribeRepositories", json!({ "repositoryNames": ["papyrus"] })),
        ("ecr", "DescribeRepositories", json!({ "repositoryNames": ["papyrus-api"] })),
        ("logs", "DescribeLogGroups", json!({})),
        (
            "ecs",
            "DescribeClusters",
            json!({ "clusters": ["papyrus"], "include": ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS"] }),
        ),
        ("ecs", "DescribeTaskDefinition", json!({ "taskDefinition": "papyrus" })),
        ("ecs", "ListTaskDefinitions", json!({})),
    ];
    let roles = [
        "ecsTaskExecutionRole",
        "papyrus-task",
        "papyrus-deploy",
        "GitHubActionsECRRole",
        "github-to-ecr",
        "GitHubActionsMain",
    ];
    for role in roles {
        calls.push(("iam", "GetRole", json!({ "RoleName": role })));
        calls.push(("iam", "ListAttachedRolePolicies", json!({ "RoleName": role })));
        calls.push(("iam", "ListRolePolicies", json!({ "RoleName": role })));
    }
    for (role, policy) in
        [("papyrus-deploy", "deploy"), ("github-to-ecr", "push"), ("GitHubActionsMain", "UpdateECSTask")]
    {
        calls.push(("iam", "GetRolePolicy", json!({ "RoleName": role, "PolicyName": policy })));
    }
    calls
}

/// Every field of every answer, by its path. The account is written `ACCOUNT_ID`.
fn fields(world: &World) -> BTreeMap<String, String> {
    let account = &world.lease().account;
    let mut fields = BTreeMap::new();
    for (service, action, parameters) in questions(account) {
        let answer = world.aws(service, action, &parameters).unwrap();
        let root = format!("{service}:{action} {parameters}");
        if service == "iam" {
            flatten_xml(&root, &answer.body, &mut fields);
        } else {
            flatten(&root, &answer.json().unwrap(), &mut fields);
        }
    }
    fields
        .into_iter()
        .map(|(path, text)| (path.replace(account, "ACCOUNT_ID"), text.replace(account, "ACCOUNT_ID")))
        .collect()
}

fn flatten(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| !ASIDE.contains(&key.as_str())) {
                flatten(&format!("{path} {key}"), value, out);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                flatten(&format!("{path} {n}"), item, out);
            }
        }
        Value::String(text) => drop(out.insert(path.to_owned(), text.clone())),
        other => drop(out.insert(path.to_owned(), other.to_string())),
    }
}

/// As [`flatten`], for the XML that IAM answers: elements without attributes but for the outermost, and no mixed content.
fn flatten_xml(root: &str, xml: &str, out: &mut BTreeMap<String, String>) {
    let mut path: Vec<&str> = Vec::new();
    // The same element several times is a list, whose order says nothing in any of these answers.
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        if tag.starts_with('/') {
            path.pop();
            continue;
        }
        if tag.starts_with('?') || tag.ends_with('/') {
            continue;
        }
        path.push(tag.split_whitespace().next().unwrap_or_default());
        if text.trim().is_empty() || path.iter().any(|name| ASIDE.contains(name)) {
            continue;
        }
        let place = format!("{root} {}", path.join(" "));
        let text = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&amp;", "&");
        let document = path.last().is_some_and(|name| DOCUMENTS.contains(name));
        found.entry(place).or_default().push(if document { meaning(&text) } else { text });
    }
    for (place, mut texts) in found {
        texts.sort();
        out.extend(texts.into_iter().enumerate().map(|(n, text)| (format!("{place} {n}"), text)));
    }
}

/// What a policy document says, whatever the order of its lists, and whether or not a text stands in a list of its own.
fn meaning(encoded: &str) -> String {
    fn normal(value: &Value) -> Value {
        match value {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
            Value::Array(items) => {
                let mut items: Vec<Value> = items.iter().map(normal).collect();
                items.sort_by_key(Value::to_string);
                match <[Value; 1]>::try_from(items) {
                    Ok([one]) => one,
                    Err(items) => Value::Array(items),
                }
            }
            other => other.clone(),
        }
    }
    normal(&serde_json::from_str(&decoded(encoded)).unwrap()).to_string()
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// The fields in which two accounts differ, a line each.
fn differences(by_hand: &BTreeMap<String, String>, by_file: &BTreeMap<String, String>) -> Vec<String> {
    let paths = by_hand.keys().chain(by_file.keys().filter(|path| !by_hand.contains_key(*path)));
    paths
        .filter(|path| by_hand.get(*path) != by_file.get(*path))
        .map(|path| format!("{path}\n    by hand: {:?}\n    by file: {:?}", by_hand.get(path), by_file.get(path)))
        .collect()
}

fn by_hand(kind: Kind) -> World {
    let world = World::new(kind).unwrap();
    for (service, action, parameters) in commands(&world.lease().account) {
        world.aws(service, action, &parameters).unwrap();
    }
    world
}

#[test]
fn the_file_makes_exactly_what_the_commands_make() {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let by_hand = by_hand(kind);

        let by_file = World::new(kind).unwrap();
        for name in ["stack.yaml", "push-everywhere.json", "update-tasks.json"] {
            by_file.write(name, seed(name)).unwrap();
        }
        by_file.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
        by_file.hatoba(&["plan", "--detailed-exitcode"]).unwrap().expect_code(0).unwrap();

        let differences = differences(&fields(&by_hand), &fields(&by_file));
        found.extend(differences.into_iter().map(|line| format!("{kind:?}: {line}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The comparison above would also hold between two accounts of which nothing could be seen.
#[test]
fn the_witness_sees_every_field_and_tells_what_differs() {
    for kind in Kind::ALL {
        let world = by_hand(kind);
        let before = fields(&world);
        let holds = |path: &str, text: &str| before.iter().any(|(at, is)| at.contains(path) && is.contains(text));
        for (path, text) in [
            ("GetOpenIDConnectProvider", "6938fd4d98bab03faadb97b34396831e3780aea1"),
            ("AssumeRolePolicyDocument", "repo:acme/papyrus:ref:refs/tags/v*.*.*"),
            ("GetRolePolicy", "iam:PassedToService"),
            ("GetPolicyVersion", "ecr:GetDownloadUrlForLayer"),
            ("Description", "deploys the main branch"),
            ("imageTagMutability", "MUTABLE"),
            ("encryptionType", "AES256"),
            ("logGroupName", "/ecs/papyrus"),
            ("settings", "containerInsights"),
            ("cpuArchitecture", "ARM64"),
            ("awslogs-stream-prefix", "ecs"),
            ("portMappings", "5000"),
        ] {
            assert!(holds(path, text), "{kind:?}: {path} {text} is not in {before:#?}");
        }

        let changed =
            seed("deploy.json").replace("ACCOUNT_ID", &world.lease().account).replace("ecr:ListImages", "ecr:*");
        let parameters = json!({ "RoleName": "papyrus-deploy", "PolicyName": "deploy", "PolicyDocument": changed });
        world.aws("iam", "PutRolePolicy", &parameters).unwrap();
        let differences = differences(&before, &fields(&world));
        assert_eq!(differences.len(), 1, "{kind:?}: {differences:#?}");
        assert!(differences[0].contains("GetRolePolicy"), "{kind:?}: {differences:#?}");
    }
}
