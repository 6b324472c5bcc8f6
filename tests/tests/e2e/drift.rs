//! What others changed, deleted or added behind hatoba's back is found, named, and put right.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{aws, global_mark, nothing_to_do, run, said, says, tags_in, text, write, writes};
use crate::rows::{document, iam_arn, trust};
use crate::stack::whole;

/// Something done behind hatoba's back.
struct Drift {
    what: &'static str,
    hand: fn(&World),
    /// What the plan then shows, in order of addresses: `update role.papyrus-task trust`.
    shows: &'static [&'static str],
    /// The emulator that can do this, if only one can.
    only: Option<Kind>,
}

const fn drift(what: &'static str, hand: fn(&World), shows: &'static [&'static str]) -> Drift {
    Drift { what, hand, shows, only: None }
}

impl Drift {
    const fn only(self, kind: Kind) -> Self {
        Self { only: Some(kind), ..self }
    }
}

fn other_document() -> String {
    document().to_string().replace("GetObject", "PutObject")
}

fn iam(world: &World, action: &str, parameters: Value) {
    aws(world, "iam", action, &parameters);
}

fn attachment(world: &World, action: &str, whose: &str, name: &str, policy: &str) {
    iam(world, action, json!({ whose: name, "PolicyArn": policy }));
}

fn read_only() -> &'static str {
    "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

fn group_id(world: &World) -> String {
    let filter = json!({ "Filter": [{ "Name": "group-name", "Value": ["papyrus"] }] });
    aws(world, "ec2", "DescribeSecurityGroups", &filter).elements("groupId").first().cloned().unwrap_or_default()
}

fn rule(world: &World, action: &str, port: u16) {
    let ranges = json!([{ "CidrIp": "0.0.0.0/0" }]);
    let rule = json!([{ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges }]);
    aws(world, "ec2", action, &json!({ "GroupId": group_id(world), "IpPermissions": rule }));
}

/// Brings the service to a revision that is like the latest one but for its image. Before that, where nothing runs it, it is no difference.
fn other_image(world: &World) {
    let question = json!({ "taskDefinition": "papyrus", "include": ["TAGS"] });
    let answer = aws(world, "ecs", "DescribeTaskDefinition", &question).json().unwrap();
    let mut task = answer["taskDefinition"].clone();
    let given =
        ["family", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn", "taskRoleArn"];
    task["containerDefinitions"][0]["image"] = json!("nginx:2");
    let mut request = json!({ "containerDefinitions": task["containerDefinitions"], "tags": answer["tags"] });
    for member in given {
        request[member] = task[member].clone();
    }
    let registered = aws(world, "ecs", "RegisterTaskDefinition", &request).json().unwrap();
    nothing_to_do(world);
    let arn = &registered["taskDefinition"]["taskDefinitionArn"];
    aws(world, "ecs", "UpdateService", &json!({ "cluster": "papyrus", "service": "papyrus", "taskDefinition": arn }));
}

const IAM: &[Drift] = &[
    drift(
        "an inline policy more",
        |world| {
            let policy =
                json!({ "RoleName": "papyrus-task", "PolicyName": "more", "PolicyDocument": other_document() });
            iam(world, "PutRolePolicy", policy);
        },
        &["update role.papyrus-task inline_policies.more"],
    ),
    drift(
        "an inline policy changed",
        |world| {
            let policy =
                json!({ "RoleName": "papyrus-task", "PolicyName": "read", "PolicyDocument": other_document() });
            iam(world, "PutRolePolicy", policy);
        },
        &["update role.papyrus-task inline_policies.read"],
    ),
    drift(
        "an inline policy less",
        |world| iam(world, "DeleteRolePolicy", json!({ "RoleName": "papyrus-task", "PolicyName": "read" })),
        &["update role.papyrus-task inline_policies.read"],
    ),
    drift(
        "an attachment more",
        |world| attachment(world, "AttachRolePolicy", "RoleName", "papyrus-task", read_only()),
        &["update role.papyrus-task managed_policies"],
    ),
    drift(
        "an attachment less",
        |world| {
            let arn = iam_arn(world, "policy/papyrus-read");
            attachment(world, "DetachRolePolicy", "RoleName", "papyrus-task", &arn);
        },
        &["update role.papyrus-task managed_policies"],
    ),
    drift(
        "who may assume a role",
        |world| {
            let trust = trust().to_string().replace("ecs-tasks", "lambda");
            iam(world, "UpdateAssumeRolePolicy", json!({ "RoleName": "papyrus-task", "PolicyDocument": trust }));
        },
        &["update role.papyrus-task trust"],
    ),
    drift(
        "a role's tags",
        |world| {
            let tags = json!([{ "Key": "team", "Value": "quay" }]);
            iam(world, "TagRole", json!({ "RoleName": "papyrus-task", "Tags": tags }));
            iam(world, "UntagRole", json!({ "RoleName": "papyrus-task", "TagKeys": ["project"] }));
        },
        &["update role.papyrus-task tags.project", "update role.papyrus-task tags.team"],
    ),
    drift(
        "another version of a policy",
        |world| {
            let arn = iam_arn(world, "policy/papyrus-read");
            let version = json!({ "PolicyArn": arn, "PolicyDocument": other_document(), "SetAsDefault": true });
            iam(world, "CreatePolicyVersion", version);
        },
        &["update policy.papyrus-read document"],
    ),
    drift(
        "an attachment of a user more",
        |world| attachment(world, "AttachUserPolicy", "UserName", "papyrus-ci", read_only()),
        &["update user.papyrus-ci managed_policies"],
    ),
    drift(
        "a user less",
        |world| {
            let arn = iam_arn(world, "policy/papyrus-read");
            attachment(world, "DetachUserPolicy", "UserName", "papyrus-ci", &arn);
            iam(world, "DeleteUser", json!({ "UserName": "papyrus-ci" }));
        },
        &["create user.papyrus-ci"],
    ),
    drift(
        "a role less",
        |world| {
            let arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
            attachment(world, "DetachRolePolicy", "RoleName", "papyrus-execution", arn);
            iam(world, "DeleteRole", json!({ "RoleName": "papyrus-execution" }));
        },
        &["create role.papyrus-execution"],
    ),
    drift(
        "an issuer less",
        |world| {
            let arn = iam_arn(world, "oidc-provider/issuer.example.com/papyrus");
            iam(world, "DeleteOpenIDConnectProvider", json!({ "OpenIDConnectProviderArn": arn }));
        },
        &["create oidc_provider.issuer"],
    ),
];

const OTHERS: &[Drift] = &[
    drift(
        "another retention",
        |world| {
            let parameters = json!({ "logGroupName": "/ecs/papyrus", "retentionInDays": 30 });
            aws(world, "logs", "PutRetentionPolicy", &parameters);
        },
        &["update log_group./ecs/papyrus retention_days"],
    ),
    drift(
        "a log group less",
        |world| drop(aws(world, "logs", "DeleteLogGroup", &json!({ "logGroupName": "/ecs/papyrus" }))),
        &["create log_group./ecs/papyrus"],
    ),
    drift(
        "another scan and mutability of a repository",
        |world| {
            let scan = json!({ "scanOnPush": false });
            let parameters = json!({ "repositoryName": "acme/papyrus", "imageScanningConfiguration": scan });
            aws(world, "ecr", "PutImageScanningConfiguration", &parameters);
            let parameters = json!({ "repositoryName": "acme/papyrus", "imageTagMutability": "IMMUTABLE" });
            aws(world, "ecr", "PutImageTagMutability", &parameters);
        },
        &["update repository.acme/papyrus mutability", "update repository.acme/papyrus scan_on_push"],
    ),
    drift(
        "a lifecycle policy less",
        |world| drop(aws(world, "ecr", "DeleteLifecyclePolicy", &json!({ "repositoryName": "acme/papyrus" }))),
        &["update repository.acme/papyrus lifecycle"],
    ),
    drift(
        "a repository less",
        |world| drop(aws(world, "ecr", "DeleteRepository", &json!({ "repositoryName": "acme/papyrus" }))),
        &["create repository.acme/papyrus"],
    ),
    drift(
        "other capacity providers of a cluster",
        |world| {
            let parameters = json!({ "cluster": "papyrus", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [] });
            aws(world, "ecs", "PutClusterCapacityProviders", &parameters);
        },
        &["update cluster.papyrus capacity_providers"],
    ),
    drift(
        "a setting of a cluster",
        |world| {
            let setting = json!([{ "name": "containerInsights", "value": "enabled" }]);
            aws(world, "ecs", "UpdateClusterSettings", &json!({ "cluster": "papyrus", "settings": setting }));
        },
        &["update cluster.papyrus container_insights"],
    )
    // moto has no UpdateClusterSettings.
    .only(Kind::Ministack),
    drift(
        "a rule more",
        |world| rule(world, "AuthorizeSecurityGroupIngress", 22),
        &["update security_group.papyrus ingress[\"tcp 22 from 0.0.0.0/0\"]"],
    ),
    drift(
        "a rule less",
        |world| rule(world, "RevokeSecurityGroupIngress", 5000),
        &["update security_group.papyrus ingress[\"tcp 5000 from 0.0.0.0/0\"]"],
    ),
    drift(
        "a tag of a security group more",
        |world| {
            let tag = json!([{ "Key": "team", "Value": "quay" }]);
            aws(world, "ec2", "CreateTags", &json!({ "ResourceId": [group_id(world)], "Tag": tag }));
        },
        &["update security_group.papyrus tags.team"],
    ),
    drift(
        "another value",
        |world| {
            let parameters = json!({ "Name": "/papyrus/level", "Value": "debug", "Type": "String", "Overwrite": true });
            aws(world, "ssm", "PutParameter", &parameters);
        },
        &["update parameter./papyrus/level value"],
    ),
    drift(
        "a parameter less",
        |world| drop(aws(world, "ssm", "DeleteParameter", &json!({ "Name": "/papyrus/level" }))),
        &["create parameter./papyrus/level"],
    ),
    drift(
        "another revision",
        other_image,
        &["update service.papyrus task_definition", "update task_definition.papyrus containers.app.image"],
    ),
    drift(
        "another count",
        |world| {
            let parameters = json!({ "cluster": "papyrus", "service": "papyrus", "desiredCount": 3 });
            aws(world, "ecs", "UpdateService", &parameters);
        },
        &["update service.papyrus desired_count"],
    ),
    drift(
        "a service less",
        |world| {
            let parameters = json!({ "cluster": "papyrus", "service": "papyrus", "force": true });
            aws(world, "ecs", "DeleteService", &parameters);
        },
        &["create service.papyrus"],
    ),
    drift(
        "a cluster less, with its service",
        |world| {
            let parameters = json!({ "cluster": "papyrus", "service": "papyrus", "force": true });
            aws(world, "ecs", "DeleteService", &parameters);
            aws(world, "ecs", "DeleteCluster", &json!({ "cluster": "papyrus" }));
        },
        &["create cluster.papyrus", "create service.papyrus"],
    ),
];

/// The steps of a plan as a drift names them.
fn shown(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().cloned().unwrap_or_default();
    let mut shown: Vec<String> = Vec::new();
    for step in &steps {
        let what = format!("{} {}", text(&step["action"]), text(&step["address"]));
        match step["action"].as_str() {
            Some("update") => {
                let paths = step["changes"].as_array().into_iter().flatten().map(|change| text(&change["path"]));
                shown.extend(paths.map(|path| format!("{what} {path}")));
            }
            _ => shown.push(what),
        }
    }
    shown.sort();
    shown
}

/// One after the other, so that each plan also proves that the apply before it left nothing to do.
fn all_are_found_and_put_right(kind: Kind, drifts: &[Drift]) {
    let world = World::new(kind).unwrap();
    write(&world, &whole());
    run(&world, &["apply", "--yes"], 0);
    let mut missed = Vec::new();
    for Drift { what, hand, shows, .. } in drifts.iter().filter(|drift| drift.only.is_none_or(|only| only == kind)) {
        hand(&world);
        let plan = world.hatoba(&["plan", "--detailed-exitcode", "--json"]).unwrap();
        let found = (plan.code, shown(&serde_json::from_str(&plan.stdout).unwrap()));
        if found != (Some(2), shows.iter().map(|show| (*show).to_owned()).collect()) {
            missed.push(format!("{what}: {found:?} instead of {shows:?}"));
        }
        let run = run(&world, &["apply", "--yes"], 0);
        let addresses = shows.iter().filter_map(|show| show.split(' ').nth(1));
        let untold: Vec<&str> = addresses.filter(|address| !said(&run).contains(&format!("✓ {address}: "))).collect();
        if !untold.is_empty() {
            missed.push(format!("{what}: apply says nothing of {untold:?}: {run:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    nothing_to_do(&world);
}

fn iam_is_put_right(kind: Kind) {
    all_are_found_and_put_right(kind, IAM);
}

fn everything_else_is_put_right(kind: Kind) {
    all_are_found_and_put_right(kind, OTHERS);
}

/// Without its mark nobody can tell that a resource is ours: as with every other, the owner's word is needed.
fn a_lost_mark_is_no_licence(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut file = json!({ "users": { "wharf": {} } });
    write(&world, &file);
    run(&world, &["apply", "--yes"], 0);
    let keys = ["hatoba:stack", "hatoba:resource", "hatoba:origin"];
    iam(&world, "UntagUser", json!({ "UserName": "wharf", "TagKeys": keys }));
    world.proxy().clear_log();
    says(&run(&world, &["apply", "--yes"], 6), &["refused: user.wharf: ", "is not hatoba's", "with `adopt: true`"]);
    run(&world, &["destroy", "--yes"], 0);
    assert_eq!(writes(&world), [""; 0]);

    file["users"]["wharf"]["adopt"] = json!(true);
    write(&world, &file);
    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    let tags = tags_in(&aws(&world, "iam", "ListUserTags", &json!({ "UserName": "wharf" })));
    assert_eq!(tags, global_mark(&world, "user.wharf", "adopted"));
}

/// A repository whose file says nothing about a lifecycle: what others set is theirs. One of ours goes when it leaves the file.
fn a_lifecycle_of_others_is_left_alone(kind: Kind) {
    let world = World::new(kind).unwrap();
    let file = |spec: Value| json!({ "repositories": { "papyrus": spec } });
    let there = |world: &World| {
        let question = json!({ "repositoryName": "papyrus" });
        world.aws("ecr", "GetLifecyclePolicy", &question).is_ok()
    };
    write(&world, &file(json!({ "keep_images": 3 })));
    run(&world, &["apply", "--yes"], 0);
    assert!(there(&world));
    write(&world, &file(json!({})));
    says(&run(&world, &["plan"], 0), &["lifecycle"]);
    run(&world, &["apply", "--yes"], 0);
    assert!(!there(&world));
    nothing_to_do(&world);

    let selection = json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5 });
    let rule = json!({ "rulePriority": 1, "description": "the keeper's", "selection": selection, "action": { "type": "expire" } });
    let text = json!({ "rules": [rule] }).to_string();
    aws(&world, "ecr", "PutLifecyclePolicy", &json!({ "repositoryName": "papyrus", "lifecyclePolicyText": text }));
    nothing_to_do(&world);
    assert!(there(&world));
    run(&world, &["destroy", "--yes"], 0);
}

on_both!(
    a_lifecycle_of_others_is_left_alone,
    iam_is_put_right,
    everything_else_is_put_right,
    a_lost_mark_is_no_licence
);
