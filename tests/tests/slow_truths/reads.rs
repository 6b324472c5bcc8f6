//! Lists and indexes that tell less, or more, than there is, and refusals that look like something else.

use hatoba_tests::emulator::Kind;
use hatoba_tests::plays::slow::index::StaleIndex;
use hatoba_tests::plays::slow::pages::EmptyPages;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{
    apply, aws, destroy, document, done, nothing_to_destroy, nothing_to_do, run, said, says, site, tasks, tried, world,
    write,
};

#[test]
fn one_missing_name_fails_a_batch_of_repositories() {
    let world = World::new(Kind::Ministack).unwrap();
    let names = ["acme/papyrus", "acme/wharf", "acme/quay"];
    let file = |names: &[&str]| -> Value {
        json!({ "repositories": names.iter().map(|name| ((*name).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>() })
    };
    write(&world, &file(&names[..2]));
    apply(&world);
    write(&world, &file(&names));
    let asked = world.aws("ecr", "DescribeRepositories", &json!({ "repositoryNames": names }));
    assert!(format!("{:?}", asked.unwrap_err()).contains("RepositoryNotFoundException"), "one fails all");
    says(&run(&world, &["plan", "--detailed-exitcode"], 2), &["1 to add", "+ repository.acme/quay"]);
    apply(&world);
    assert_eq!(tried(&world, "ecr:CreateRepository"), 1);
    nothing_to_do(&world);
    aws(&world, "ecr", "DeleteRepository", &json!({ "repositoryName": "acme/wharf" }));
    apply(&world);
    assert_eq!(tried(&world, "ecr:CreateRepository"), 1);
    nothing_to_do(&world);
    destroy(&world);
}

/// One of each kind that is listed.
fn everything() -> Value {
    let mut file = site();
    file["policies"] = json!({ "papyrus-read": { "document": document() } });
    file["roles"]["papyrus-task"] = json!({
        "trust": { "service": "ecs-tasks.amazonaws.com" },
        "managed_policies": ["papyrus-read"], "inline_policies": { "read": document() },
    });
    file["users"] = json!({ "papyrus-ci": { "managed_policies": ["papyrus-read"] } });
    file["repositories"] = json!({ "acme/papyrus": {}, "acme/wharf": {} });
    file["log_groups"] = json!({ "/ecs/papyrus": { "retention_days": 14 } });
    file["parameters"] = json!({ "/papyrus/level": { "value": "info" } });
    file
}

fn kept() -> Value {
    json!({ "log_groups": { "/kept": {} } })
}

#[test]
fn pages_without_items_are_followed_by_others() {
    let (world, play) = world(EmptyPages::default());
    write(&world, &everything());
    apply(&world);
    nothing_to_do(&world);
    let changed = everything().to_string().replace("s3:GetObject", "s3:PutObject").replace("nginx:1", "nginx:2");
    write(&world, &serde_json::from_str(&changed).unwrap());
    apply(&world);
    assert_eq!((done(&world, "iam:CreatePolicyVersion"), done(&world, "ecs:RegisterTaskDefinition")), (1, 1));
    nothing_to_do(&world);
    // What the file no longer names is found by lists alone.
    write(&world, &kept());
    apply(&world);
    for delete in
        ["ecs:DeleteService", "ecs:DeleteCluster", "ec2:DeleteSecurityGroup", "iam:DeletePolicy", "iam:DeleteUser"]
    {
        assert_eq!(done(&world, delete), 1, "{delete}");
    }
    assert_eq!((done(&world, "iam:DeleteRole"), done(&world, "ecr:DeleteRepository")), (2, 2));
    nothing_to_do(&world);
    destroy(&world);
    let lists = [
        "tagging:GetResources",
        "iam:GetAccountAuthorizationDetails",
        "iam:ListRoles",
        "iam:ListPolicyVersions",
        "ecs:ListServices",
        "ecs:ListTaskDefinitions",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
    ];
    let unread: Vec<_> = lists.iter().filter(|list| !play.read().contains(**list)).collect();
    assert!(unread.is_empty(), "not read to the end: {unread:?}");
}

#[test]
fn the_tagging_index_lacks_what_is_there() {
    let (world, play) = world(StaleIndex::default());
    play.know_nothing();
    write(&world, &everything());
    apply(&world);
    let creates = |world: &World| -> usize {
        let calls = world.proxy().calls();
        calls.iter().filter(|call| call.action.starts_with("Create") || call.action.starts_with("Register")).count()
    };
    assert!(creates(&world) > 0);
    nothing_to_do(&world);
    // Another run at once makes nothing again.
    apply(&world);
    assert_eq!(creates(&world), 0);
    assert!(play.asked() > 2);
    destroy(&world);
    let left = aws(&world, "ecr", "DescribeRepositories", &json!({})).json().unwrap();
    assert_eq!(left["repositories"], json!([]));
}

#[test]
fn the_tagging_index_lists_what_is_gone() {
    let (world, play) = world(StaleIndex::default());
    write(&world, &everything());
    apply(&world);
    play.hold();
    nothing_to_do(&world);
    // Removed from the file, and gone: the index still lists it all.
    write(&world, &kept());
    apply(&world);
    nothing_to_do(&world);
    write(&world, &everything());
    says(&run(&world, &["plan", "--detailed-exitcode"], 2), &["+ cluster.papyrus", "+ repository.acme/papyrus"]);
    apply(&world);
    nothing_to_do(&world);
    // Somebody else deletes what it lists.
    aws(&world, "ecr", "DeleteRepository", &json!({ "repositoryName": "acme/wharf" }));
    aws(&world, "logs", "DeleteLogGroup", &json!({ "logGroupName": "/ecs/papyrus" }));
    says(&run(&world, &["plan", "--detailed-exitcode"], 2), &["+ repository.acme/wharf", "+ log_group./ecs/papyrus"]);
    apply(&world);
    nothing_to_do(&world);
    destroy(&world);
    nothing_to_destroy(&world);
    assert!(play.asked() > 5);
}

#[test]
fn a_mark_that_only_the_index_shows_is_no_licence() {
    let (world, play) = world(StaleIndex::default());
    let group = json!({ "log_groups": { "/ecs/papyrus": {} } });
    write(&world, &group);
    apply(&world);
    play.hold();
    nothing_to_do(&world);
    // Somebody takes it over; the index still says that it is ours.
    let arn = format!("arn:aws:logs:{}:{}:log-group:/ecs/papyrus", world.lease().region, world.lease().account);
    aws(&world, "logs", "UntagResource", &json!({ "resourceArn": arn, "tagKeys": ["hatoba:stack"] }));
    aws(&world, "logs", "TagResource", &json!({ "resourceArn": arn, "tags": { "hatoba:stack": "quay" } }));
    write(&world, &kept());
    apply(&world);
    assert_eq!(tried(&world, "logs:DeleteLogGroup"), 0);
    let left = aws(&world, "logs", "DescribeLogGroups", &json!({ "logGroupNamePrefix": "/ecs/papyrus" }));
    assert_eq!(left.json().unwrap()["logGroups"][0]["logGroupName"], "/ecs/papyrus");
}

#[test]
fn a_used_up_quota_is_no_throttling() {
    let world = World::new(Kind::Ministack).unwrap();
    let quota = |service: &str, action: &str, status: u16, code: &str, message: &str| {
        Rule::on(service, action, Act::Error { status, code: code.to_owned(), message: message.to_owned() })
    };
    world.proxy().set_rules(vec![
        quota("logs", "CreateLogGroup", 400, "LimitExceededException", "Resource limit exceeded."),
        quota("ecr", "CreateRepository", 400, "LimitExceededException", "The 'repositories' limit is exceeded."),
        quota(
            "ecs",
            "RegisterTaskDefinition",
            400,
            "LimitExceededException",
            "Too many concurrent attempts to create a new revision.",
        ),
        quota("iam", "CreatePolicy", 409, "LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: 1500"),
        quota(
            "ec2",
            "CreateSecurityGroup",
            400,
            "SecurityGroupLimitExceeded",
            "The maximum number of security groups has been reached.",
        ),
    ]);
    let mut file = everything();
    file["roles"]["papyrus-task"] = tasks();
    file["users"] = json!({ "papyrus-ci": {} });
    file["services"] = json!({});
    write(&world, &file);
    let run = run(&world, &["apply", "--yes", "-v"], 1);
    says(
        &run,
        &["Cannot exceed quota for PoliciesPerAccount", "Resource limit exceeded", "maximum number of security groups"],
    );
    assert!(!said(&run).contains("trying again"), "{run:?}");
    for (action, tries) in [
        ("logs:CreateLogGroup", 1),
        ("ecr:CreateRepository", 2),
        ("iam:CreatePolicy", 1),
        ("ec2:CreateSecurityGroup", 1),
    ] {
        assert_eq!(tried(&world, action), tries, "{action}");
    }
    assert_eq!((done(&world, "iam:CreateRole"), done(&world, "ecs:CreateCluster")), (2, 1), "the rest is done");
    // Once there is room, the next run does what is left.
    world.proxy().set_rules(Vec::new());
    apply(&world);
    assert_eq!(done(&world, "iam:CreateRole"), 0);
    nothing_to_do(&world);
    destroy(&world);
}
