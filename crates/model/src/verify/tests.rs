#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;
use crate::facts::Facts as Place;
use crate::kinds::security_group::Permission;

const ROLE: &str = "arn:aws:iam::123456789012:role/execution";
const REPOSITORY: &str = "arn:aws:ecr:us-west-2:123456789012:repository/papyrus";
const IMAGE: &str = "123456789012.dkr.ecr.us-west-2.amazonaws.com/papyrus:v1";
const SECRET: &str = "arn:aws:secretsmanager:us-west-2:123456789012:secret:papyrus/key-AbCdEf";
const PARAMETER: &str = "arn:aws:ssm:us-west-2:123456789012:parameter/papyrus/db-url";

fn place() -> Place {
    Place { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn allow(actions: &[&str]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }] })
}

fn trust(condition: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole", "Condition": condition,
    }] })
}

/// A task with everything, and a service of it.
fn subjects() -> Subjects {
    let container = Container {
        image: IMAGE.into(),
        repository: Some(REPOSITORY.into()),
        look_for_image: true,
        secrets: BTreeMap::from([("DB_URL".into(), PARAMETER.into()), ("KEY".into(), format!("{SECRET}:password::"))]),
        logs: Some(LogPlace {
            region: "us-west-2".into(),
            group: "/ecs/papyrus".into(),
            prefix: "ecs".into(),
            creates: false,
        }),
        ..Container::default()
    };
    let task = Task {
        execution_role: Some(ROLE.into()),
        task_role: None,
        platform: "linux/arm64".into(),
        containers: BTreeMap::from([("app".into(), container)]),
        permissions: true,
    };
    let service = Service {
        task: Some("papyrus".into()),
        desired_count: Some(1),
        network: Some(Network {
            subnets: Some(vec!["subnet-a".into()]),
            groups: vec!["security_group.papyrus".into()],
            public_ip: true,
        }),
        breaker: Some(Breaker::RollsBack),
    };
    Subjects {
        tasks: BTreeMap::from([("papyrus".into(), task)]),
        services: BTreeMap::from([("papyrus".into(), service)]),
        unread: BTreeMap::new(),
    }
}

fn role() -> Role {
    let needed =
        ["ecr:*", "logs:CreateLogStream", "logs:PutLogEvents", "ssm:GetParameters", "secretsmanager:GetSecretValue"];
    Role { trust: trust(&json!({})), policies: vec![("needed".into(), allow(&needed))], ..Role::default() }
}

fn stored(arn: &str) -> Stored {
    Stored { arn: arn.into(), ..Stored::default() }
}

fn facts() -> Facts {
    let subnet = Subnet {
        vpc: "vpc-1".into(),
        route: Route::Internet,
        gateways: BTreeSet::new(),
        shared_by: None,
        leads_to: None,
    };
    let rule = Permission::of_label("all to 0.0.0.0/0").unwrap();
    Facts {
        images: BTreeMap::from([(IMAGE.into(), Image::There { platforms: Ok(vec!["linux/arm64".into()]) })]),
        roles: BTreeMap::from([(ROLE.into(), Fact::There(role()))]),
        repository_policies: BTreeMap::new(),
        stored: BTreeMap::from([
            (PARAMETER.into(), Fact::There(stored(PARAMETER))),
            (SECRET.into(), Fact::There(stored(SECRET))),
        ]),
        log_groups: BTreeMap::from([(("us-west-2".into(), "/ecs/papyrus".into()), Fact::There(()))]),
        subnets: BTreeMap::from([("subnet-a".into(), Fact::There(subnet))]),
        endpoints: BTreeMap::new(),
        groups: BTreeMap::from([("security_group.papyrus".into(), Fact::There(vec![rule]))]),
    }
}

/// Level and code of everything that is said.
fn said(subjects: &Subjects, facts: &Facts) -> Vec<(Level, &'static str)> {
    judge(subjects, facts, &place()).into_iter().map(|finding| (finding.level, finding.code)).collect()
}

fn message(subjects: &Subjects, facts: &Facts) -> String {
    judge(subjects, facts, &place()).first().map(|finding| finding.message.clone()).unwrap_or_default()
}

/// What is said where the execution role is like this.
fn with_role(change: impl FnOnce(&mut Role)) -> (Vec<(Level, &'static str)>, String) {
    let mut role = role();
    change(&mut role);
    let facts = Facts { roles: BTreeMap::from([(ROLE.into(), Fact::There(role))]), ..facts() };
    (said(&subjects(), &facts), message(&subjects(), &facts))
}

/// What is said where the network is like this.
fn with_network(route: Route, public_ip: bool, endpoints: &[&str], gateways: &[&str]) -> Vec<(Level, &'static str)> {
    let mut subjects = subjects();
    let service = subjects.services.get_mut("papyrus").unwrap();
    service.network.as_mut().unwrap().public_ip = public_ip;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let subnet = Subnet { vpc: "vpc-1".into(), route, gateways: names(gateways), shared_by: None, leads_to: None };
    let facts = Facts {
        subnets: BTreeMap::from([("subnet-a".into(), Fact::There(subnet))]),
        endpoints: BTreeMap::from([("vpc-1".into(), Fact::There(names(endpoints)))]),
        ..facts()
    };
    said(&subjects, &facts)
}

const NOTHING: Vec<(Level, &str)> = Vec::new();

#[test]
fn what_is_in_order_is_silent() {
    assert_eq!(said(&subjects(), &facts()), NOTHING);
}

#[test]
fn images_must_be_there_and_fit() {
    let with = |image: Image| said(&subjects(), &Facts { images: BTreeMap::from([(IMAGE.into(), image)]), ..facts() });
    let built =
        |platforms: &[&str]| Image::There { platforms: Ok(platforms.iter().map(|p| (*p).to_owned()).collect()) };
    assert_eq!(with(Image::Missing), [(Level::Error, "image-missing")]);
    assert_eq!(with(Image::NoRepository), [(Level::Error, "image-no-repository")]);
    assert_eq!(with(Image::Coming), [(Level::Warning, "image-to-come")]);
    // An apply that was cut off after it had made the repository says the same.
    assert_eq!(with(Image::Empty), [(Level::Warning, "image-to-come")]);
    assert_eq!(with(Image::Elsewhere), [(Level::NotChecked, "image-elsewhere")]);
    assert_eq!(with(Image::Unread("no".into())), [(Level::NotChecked, "image-unread")]);
    assert_eq!(with(built(&["linux/amd64"])), [(Level::Error, "image-platform")]);
    assert_eq!(with(built(&["linux/amd64", "linux/arm64"])), NOTHING);
    assert_eq!(with(built(&["linux/arm64/v8"])), NOTHING);
    assert_eq!(with(Image::There { platforms: Err("no".into()) }), [(Level::NotChecked, "image-platform")]);
}

#[test]
fn an_empty_repository_is_no_matter_where_nothing_runs() {
    let mut subjects = subjects();
    subjects.services.get_mut("papyrus").unwrap().desired_count = Some(0);
    let facts = Facts { images: BTreeMap::from([(IMAGE.into(), Image::Coming)]), ..facts() };
    assert_eq!(said(&subjects, &facts), NOTHING);
}

#[test]
fn a_role_needs_each_action() {
    let without = |gone: &str| {
        let all = [
            "ecr:GetAuthorizationToken",
            "ecr:BatchGetImage",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "ssm:GetParameters",
            "secretsmanager:GetSecretValue",
        ];
        assert!(all.contains(&gone));
        let kept: Vec<&str> = all.into_iter().filter(|action| *action != gone).collect();
        with_role(|role| role.policies = vec![("needed".into(), allow(&kept))])
    };
    for (gone, level, code) in [
        ("ecr:GetAuthorizationToken", Level::Error, "role-pull"),
        ("ecr:BatchGetImage", Level::Error, "role-pull"),
        // Fargate pulls without it.
        ("ecr:BatchCheckLayerAvailability", Level::Warning, "role-pull"),
        ("ecr:GetDownloadUrlForLayer", Level::Error, "role-pull"),
        ("logs:CreateLogStream", Level::Error, "role-logs"),
        ("logs:PutLogEvents", Level::Error, "role-logs"),
        ("ssm:GetParameters", Level::Error, "role-secret"),
        ("secretsmanager:GetSecretValue", Level::Error, "role-secret"),
    ] {
        let (said, text) = without(gone);
        assert_eq!(said, [(level, code)], "{gone}");
        assert!(text.contains(&format!("may not {gone} on ")), "{text}");
    }
}

#[test]
fn the_resource_counts() {
    let on = |resource: &str| {
        let logs = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "logs:*", "Resource": resource },
        ] });
        let rest = allow(&["ecr:*", "ssm:GetParameters", "secretsmanager:GetSecretValue"]);
        with_role(|role| role.policies = vec![("logs".into(), logs), ("rest".into(), rest)]).0
    };
    let group = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus";
    assert_eq!(on(&format!("{group}:*")), NOTHING);
    assert_eq!(on(&format!("{group}:log-stream:ecs/app/*")), NOTHING);
    // The ARN without a star is that of the group, and streams are not in it.
    assert_eq!(on(group), [(Level::Error, "role-logs")]);
    assert_eq!(on(&format!("{group}-other:*")), [(Level::Error, "role-logs")]);
}

#[test]
fn denials_win_and_conditions_are_only_doubts() {
    let deny = |condition: &Value| {
        let mut statement = json!({ "Sid": "Stop", "Effect": "Deny", "Action": "ecr:*", "Resource": REPOSITORY });
        if condition.is_object() {
            statement["Condition"] = condition.clone();
        }
        with_role(|role| {
            role.policies.push(("stop".into(), json!({ "Version": "2012-10-17", "Statement": [statement] })));
        })
    };
    let (said, text) = deny(&Value::Null);
    assert_eq!(said, [(Level::Error, "role-pull")]);
    assert!(text.contains("statement 1 (`Stop`) of the policy `stop` denies it"), "{text}");
    // Which network a task asks from is not known here.
    assert_eq!(deny(&json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-1" } })).0, [(Level::Warning, "role-pull")]);
    let (said, text) = with_role(|role| {
        let statement = json!({ "Effect": "Allow", "Action": "ecr:*", "Resource": "*", "Condition": { "StringEquals": { "aws:SourceVpc": "vpc-1" } } });
        let rest = allow(&["logs:*", "ssm:GetParameters", "secretsmanager:GetSecretValue"]);
        role.policies =
            vec![("pull".into(), json!({ "Version": "2012-10-17", "Statement": [statement] })), ("rest".into(), rest)];
    });
    assert!(!said.is_empty() && said.iter().all(|one| *one == (Level::Warning, "role-pull")), "{said:?}");
    assert!(text.contains("under a condition"), "{text}");
}

#[test]
fn a_boundary_limits() {
    let (said, text) = with_role(|role| role.boundary = Some(("limit".into(), allow(&["ecr:*", "logs:*", "ssm:*"]))));
    assert_eq!(said, [(Level::Error, "role-secret")]);
    assert!(text.contains("no permissions boundary allows it"), "{text}");
}

#[test]
fn what_is_not_known_of_a_role_is_not_judged() {
    let (said, text) = with_role(|role| {
        role.policies.clear();
        role.unread.push("its policy `wharf` could not be read: no".into());
    });
    assert_eq!(said, [(Level::NotChecked, "role-unread")]);
    assert!(text.contains("`wharf`"), "{text}");
}

#[test]
fn tasks_must_be_let_in() {
    let with = |trust: Value| with_role(|role| role.trust = trust).0;
    let ec2 = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" },
    ] });
    assert_eq!(with(ec2), [(Level::Error, "role-trust")]);
    // As the ECS guide writes it against the confused deputy.
    assert_eq!(
        with(trust(&json!({
            "ArnLike": { "aws:SourceArn": "arn:aws:ecs:us-west-2:123456789012:*" },
            "StringEquals": { "aws:SourceAccount": "123456789012" },
        }))),
        NOTHING
    );
    assert_eq!(
        with(trust(&json!({ "StringEquals": { "aws:SourceAccount": "210987654321" } }))),
        [(Level::Warning, "role-trust")]
    );
    let without = |fact| said(&subjects(), &Facts { roles: BTreeMap::from([(ROLE.into(), fact)]), ..facts() });
    assert_eq!(without(Fact::Missing), [(Level::Error, "role-missing")]);
    assert_eq!(without(Fact::Unread("no".into())), [(Level::NotChecked, "role-unread")]);
}

#[test]
fn what_a_role_lacks_is_said_of_each_task_and_of_the_role_once() {
    let mut subjects = subjects();
    let task = subjects.tasks["papyrus"].clone();
    subjects.tasks.insert("quay".into(), task);
    let facts = Facts { roles: BTreeMap::from([(ROLE.into(), Fact::Missing)]), ..facts() };
    assert_eq!(said(&subjects, &facts), [(Level::Error, "role-missing")]);
}

#[test]
fn resources_may_let_the_role_in_themselves() {
    let principal = json!({ "AWS": ROLE });
    let policy = |action: &str| json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*" }] });
    let mut facts = facts();
    let Some(Fact::There(role)) = facts.roles.get_mut(ROLE) else { unreachable!() };
    role.policies = vec![("needed".into(), allow(&["ecr:*", "logs:*", "ssm:GetParameters"]))];
    assert_eq!(leaves_open(&subjects().tasks["papyrus"], &facts, &place()), [SECRET]);
    assert_eq!(said(&subjects(), &facts), [(Level::Error, "role-secret")]);
    let opened = Stored { policy: Some(policy("secretsmanager:GetSecretValue")), ..stored(SECRET) };
    facts.stored.insert(SECRET.into(), Fact::There(opened));
    assert_eq!(said(&subjects(), &facts), NOTHING);
}

#[test]
fn keys_are_named_and_never_certain() {
    let with_key = |key: &str, may: &[&str]| {
        let mut facts = facts();
        facts.stored.insert(PARAMETER.into(), Fact::There(Stored { key: Some(key.into()), ..stored(PARAMETER) }));
        let Some(Fact::There(role)) = facts.roles.get_mut(ROLE) else { unreachable!() };
        role.policies.push(("key".into(), allow(may)));
        said(&subjects(), &facts)
    };
    let key = "arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000";
    for key in [key, "0a1b2c3d-0000-0000-0000-000000000000", "alias/papyrus"] {
        assert_eq!(with_key(key, &["s3:GetObject"]), [(Level::Warning, "role-key")], "{key}");
        assert_eq!(with_key(key, &["kms:Decrypt"]), NOTHING, "{key}");
    }
    assert_eq!(with_key("alias/aws/ssm", &["s3:GetObject"]), NOTHING);
}

#[test]
fn what_is_stored_must_be_there() {
    let with = |arn: &str, fact| {
        let mut facts = facts();
        facts.stored.insert(arn.into(), fact);
        said(&subjects(), &facts)
    };
    assert_eq!(with(PARAMETER, Fact::Missing), [(Level::Error, "parameter-missing")]);
    assert_eq!(with(SECRET, Fact::Missing), [(Level::Error, "secret-missing")]);
    assert_eq!(with(SECRET, Fact::Unread("no".into())), [(Level::NotChecked, "stored-unread")]);
}

#[test]
fn log_groups_must_be_there_unless_the_driver_makes_them() {
    let gone =
        Facts { log_groups: BTreeMap::from([(("us-west-2".into(), "/ecs/papyrus".into()), Fact::Missing)]), ..facts() };
    assert_eq!(said(&subjects(), &gone), [(Level::Error, "log-group-missing")]);
    let mut subjects = subjects();
    let container = subjects.tasks.get_mut("papyrus").unwrap().containers.get_mut("app").unwrap();
    container.logs.as_mut().unwrap().creates = true;
    // But then it needs to be allowed to.
    assert_eq!(said(&subjects, &gone), [(Level::Error, "role-logs")]);
    assert!(message(&subjects, &gone).contains("logs:CreateLogGroup"));
}

#[test]
fn tasks_must_reach_the_registry() {
    let all = ["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"];
    for (route, public_ip, expected) in [
        (Route::Internet, true, None),
        (Route::Internet, false, Some((Level::Error, "network-no-address"))),
        (Route::Nat, true, None),
        (Route::Nat, false, None),
        (Route::None, true, Some((Level::Error, "network-no-route"))),
        (Route::Dead("nat-1".into()), false, Some((Level::Error, "network-no-route"))),
        (Route::Other("tgw-1".into()), false, Some((Level::NotChecked, "network-unread"))),
        (Route::Unread("no".into()), true, Some((Level::NotChecked, "network-unread"))),
    ] {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(with_network(route.clone(), public_ip, &[], &[]), expected, "{route:?} {public_ip}");
    }
    assert_eq!(with_network(Route::None, false, &all, &[]), NOTHING);
    assert_eq!(with_network(Route::None, false, &all[..2], &["s3"]), [(Level::Error, "network-no-route")]);
    let interfaces = ["ecr.api", "ecr.dkr", "logs", "ssm", "secretsmanager"];
    assert_eq!(with_network(Route::None, false, &interfaces, &[]), [(Level::Error, "network-no-route")]);
    assert_eq!(with_network(Route::None, false, &interfaces, &["s3"]), NOTHING);
}

#[test]
fn only_the_internet_has_other_images() {
    let mut subjects = subjects();
    let container = subjects.tasks.get_mut("papyrus").unwrap().containers.get_mut("app").unwrap();
    (container.image, container.repository) = ("nginx:1".into(), None);
    let closed =
        Subnet { vpc: "vpc-1".into(), route: Route::None, gateways: BTreeSet::new(), shared_by: None, leads_to: None };
    let all = ["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"].map(str::to_owned);
    let facts = Facts {
        subnets: BTreeMap::from([("subnet-a".into(), Fact::There(closed))]),
        endpoints: BTreeMap::from([("vpc-1".into(), Fact::There(BTreeSet::from(all)))]),
        ..facts()
    };
    assert_eq!(said(&subjects, &facts), [(Level::Error, "network-no-route"), (Level::NotChecked, "image-elsewhere")]);
}

#[test]
fn what_this_account_does_not_see_is_not_judged() {
    let with = |image: Option<&str>, endpoints: &[&str], change: fn(&mut Subnet)| {
        let mut subjects = subjects();
        let container = subjects.tasks.get_mut("papyrus").unwrap().containers.get_mut("app").unwrap();
        if let Some(image) = image {
            (container.image, container.repository, container.look_for_image) = (image.into(), None, false);
        }
        let gateways = BTreeSet::new();
        let mut subnet = Subnet { vpc: "vpc-1".into(), route: Route::None, gateways, shared_by: None, leads_to: None };
        change(&mut subnet);
        let facts = Facts {
            subnets: BTreeMap::from([("subnet-a".into(), Fact::There(subnet))]),
            endpoints: BTreeMap::from([(
                "vpc-1".into(),
                Fact::There(endpoints.iter().map(|it| (*it).to_owned()).collect()),
            )]),
            ..facts()
        };
        said(&subjects, &facts)
    };
    let (closed, unseen) = ([(Level::Error, "network-no-route")], [(Level::NotChecked, "network-unread")]);
    assert_eq!(with(None, &[], |_| {}), closed);
    assert_eq!(with(None, &[], |subnet| subnet.shared_by = Some("210987654321".into())), unseen);
    assert_eq!(with(None, &[], |subnet| subnet.leads_to = Some("tgw-1".into())), unseen);
    // No endpoint has what only the internet has, wherever it is.
    for image in ["nginx:1", "acme/papyrus", "public.ecr.aws/acme/papyrus:1", "europe-docker.pkg.dev/acme/papyrus"] {
        assert_eq!(with(Some(image), &[], |subnet| subnet.leads_to = Some("tgw-1".into())), closed, "{image}");
    }
    for image in ["registry.acme.internal/papyrus:1", "registry:5000/papyrus"] {
        assert_eq!(with(Some(image), &["logs", "ssm", "secretsmanager"], |_| {}), unseen, "{image}");
        assert_eq!(with(Some(image), &[], |_| {}), closed, "{image}: its logs");
    }
}

#[test]
fn security_groups_must_let_https_out() {
    let with = |labels: &[&str]| {
        let rules = labels.iter().map(|label| Permission::of_label(label).unwrap()).collect();
        let groups = BTreeMap::from([("security_group.papyrus".into(), Fact::There(rules))]);
        said(&subjects(), &Facts { groups, ..facts() })
    };
    assert_eq!(with(&["tcp 443 to 0.0.0.0/0"]), NOTHING);
    assert_eq!(with(&["tcp 0-65535 to 0.0.0.0/0"]), NOTHING);
    assert_eq!(with(&[]), [(Level::Error, "security-group-egress")]);
    assert_eq!(with(&["tcp 80 to 0.0.0.0/0", "udp 443 to 0.0.0.0/0"]), [(Level::Error, "security-group-egress")]);
    assert_eq!(with(&["tcp 443 to pl-12345678"]), [(Level::NotChecked, "security-group-egress")]);
}

#[test]
fn a_service_without_groups_has_the_default_one_of_its_network() {
    let mut subjects = subjects();
    subjects.services.get_mut("papyrus").unwrap().network.as_mut().unwrap().groups.clear();
    assert_eq!(said(&subjects, &facts()), [(Level::NotChecked, "network-unread")]);
    let rule = Permission::of_label("all to 0.0.0.0/0").unwrap();
    let with = |rules| Facts { groups: BTreeMap::from([("vpc-1".into(), Fact::There(rules))]), ..facts() };
    assert_eq!(said(&subjects, &with(vec![rule])), NOTHING);
    assert_eq!(said(&subjects, &with(Vec::new())), [(Level::Error, "security-group-egress")]);
}

#[test]
fn circuit_breakers_should_roll_back() {
    let with = |breaker, desired_count| {
        let mut subjects = subjects();
        let service = subjects.services.get_mut("papyrus").unwrap();
        (service.breaker, service.desired_count) = (Some(breaker), desired_count);
        said(&subjects, &facts())
    };
    assert_eq!(with(Breaker::RollsBack, Some(1)), NOTHING);
    assert_eq!(with(Breaker::On, Some(1)), [(Level::Warning, "circuit-breaker")]);
    assert_eq!(with(Breaker::Off, None), [(Level::Warning, "circuit-breaker")]);
    assert_eq!(with(Breaker::Off, Some(0)), NOTHING);
}

#[test]
fn sources_are_told_apart() {
    let place = place();
    let name = |from: &str| match source(from, &place) {
        Source::Parameter { name, .. } => name,
        Source::Secret { arn } => arn,
    };
    assert_eq!(name(PARAMETER), "/papyrus/db-url");
    assert_eq!(name("arn:aws:ssm:us-west-2:123456789012:parameter/db-url"), "db-url");
    assert_eq!(name("db-url"), "db-url");
    assert_eq!(name("/papyrus/db-url"), "/papyrus/db-url");
    assert_eq!(source("/papyrus/db-url", &place).arn(), PARAMETER);
    assert_eq!(name(&format!("{SECRET}:password::")), SECRET);
    assert!(!source("arn:aws:ssm:us-east-1:123456789012:parameter/db-url", &place).is_here(&place));
}
