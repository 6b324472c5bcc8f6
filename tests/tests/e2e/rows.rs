//! For every kind: how somebody makes one by hand, and how another client sees whose it is.

use hatoba_model::stack::Stack;
use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{Tags, aws, tag_list, tags_in, text};

/// What takes the place of an owner's consent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// `adopt: true` in the file.
    Word,
    /// None is needed: the account has only one of it, which all stacks share.
    Shared,
}

/// One kind.
pub(crate) struct Row {
    /// The section of the file.
    pub(crate) section: &'static str,
    /// The key, which is the name as well, but for what has no name.
    pub(crate) key: &'static str,
    /// What the file says about it.
    pub(crate) spec: Value,
    /// Makes it by hand, with these tags.
    pub(crate) make: fn(&World, &Tags),
    /// Asks for its tags; the answer is an error when it does not exist.
    pub(crate) question: fn(&World) -> (&'static str, &'static str, Value),
    pub(crate) consent: Consent,
    /// The emulator that can do this, if only one can.
    pub(crate) only: Option<Kind>,
}

impl Row {
    /// Where it stands in the stack, such as `role.papyrus-task`.
    pub(crate) fn address(&self) -> String {
        format!("{}.{}", Stack::kind_of(self.section).unwrap_or_default(), self.key)
    }

    /// Its tags; none when it does not exist.
    pub(crate) fn tags(&self, world: &World) -> Option<Tags> {
        let (service, action, parameters) = (self.question)(world);
        let answer = world.aws(service, action, &parameters).ok()?;
        // EC2 answers with an empty list.
        (service != "ec2" || !answer.elements("groupId").is_empty()).then(|| tags_in(&answer))
    }
}

/// A file with these and nothing else, and these words added to each.
pub(crate) fn file(rows: &[Row], words: &[&str]) -> Value {
    let mut file = json!({});
    for row in rows {
        let spec = &mut file[row.section][row.key];
        *spec = row.spec.clone();
        for word in words {
            spec[*word] = json!(true);
        }
    }
    file
}

/// The rows, in the order of the list of kinds.
pub(crate) fn rows() -> Vec<Row> {
    let row = |section, key, spec, make, question| Row {
        section,
        key,
        spec,
        make,
        question,
        consent: Consent::Word,
        only: None,
    };
    vec![
        Row {
            consent: Consent::Shared,
            // ministack cannot tag one that exists.
            only: Some(Kind::Moto),
            ..row(
                "oidc_providers",
                "issuer",
                json!({ "url": "https://issuer.example.com/papyrus", "client_ids": ["sts.amazonaws.com"] }),
                oidc_provider,
                |world| {
                    let arn = iam_arn(world, "oidc-provider/issuer.example.com/papyrus");
                    ("iam", "GetOpenIDConnectProvider", json!({ "OpenIDConnectProviderArn": arn }))
                },
            )
        },
        row("policies", "wharf-policy", json!({ "document": document() }), policy, |world| {
            ("iam", "ListPolicyTags", json!({ "PolicyArn": iam_arn(world, "policy/wharf-policy") }))
        }),
        row("roles", "wharf-role", json!({ "trust": { "service": "ecs-tasks.amazonaws.com" } }), role, |_| {
            ("iam", "ListRoleTags", json!({ "RoleName": "wharf-role" }))
        }),
        row("users", "wharf-user", json!({}), user, |_| ("iam", "ListUserTags", json!({ "UserName": "wharf-user" }))),
        row("log_groups", "/wharf", json!({ "retention_days": 14 }), log_group, |world| {
            ("logs", "ListTagsForResource", json!({ "resourceArn": arn(world, "logs", "log-group:/wharf") }))
        }),
        row("repositories", "acme/wharf", json!({ "scan_on_push": true }), repository, |world| {
            ("ecr", "ListTagsForResource", json!({ "resourceArn": arn(world, "ecr", "repository/acme/wharf") }))
        }),
        row("clusters", "wharf", json!({ "capacity_providers": ["FARGATE"] }), cluster, |world| {
            ("ecs", "ListTagsForResource", json!({ "resourceArn": arn(world, "ecs", "cluster/wharf") }))
        }),
        row("security_groups", "wharf", json!({ "description": "wharf" }), security_group, |_| {
            let filter = json!([{ "Name": "group-name", "Value": ["wharf"] }]);
            ("ec2", "DescribeSecurityGroups", json!({ "Filter": filter }))
        }),
        row("parameters", "/wharf/level", json!({ "value": "info" }), parameter, |_| {
            ("ssm", "ListTagsForResource", json!({ "ResourceType": "Parameter", "ResourceId": "/wharf/level" }))
        }),
        row("task_definitions", "wharf-task", task_spec(), task_definition, |world| {
            ("ecs", "ListTagsForResource", json!({ "resourceArn": latest_revision(world, "wharf-task") }))
        }),
        row(
            "services",
            "wharf-service",
            json!({
                "cluster": { "existing": "harbour" },
                "task_definition": { "existing": "harbour-task" },
                "desired_count": 0,
                "network": { "subnets": "default", "public_ip": true },
            }),
            service,
            |world| {
                let arn = arn(world, "ecs", "service/harbour/wharf-service");
                ("ecs", "ListTagsForResource", json!({ "resourceArn": arn }))
            },
        ),
    ]
}

/// A small policy.
pub(crate) fn document() -> Value {
    let statement = json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::papyrus/*" }]);
    json!({ "Version": "2012-10-17", "Statement": statement })
}

/// The trust of ECS tasks.
pub(crate) fn trust() -> Value {
    let principal = json!({ "Service": "ecs-tasks.amazonaws.com" });
    let statement = json!([{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }]);
    json!({ "Version": "2012-10-17", "Statement": statement })
}

/// The ARN of something global in the world's account.
pub(crate) fn iam_arn(world: &World, rest: &str) -> String {
    format!("arn:aws:iam::{}:{rest}", world.lease().account)
}

/// The ARN of something in the world's account and region.
pub(crate) fn arn(world: &World, service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{}:{}:{rest}", world.lease().region, world.lease().account)
}

/// The latest active revision of a family, empty when there is none.
fn latest_revision(world: &World, family: &str) -> String {
    let answer = world.aws("ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": family }));
    let answer = answer.and_then(|answer| answer.json());
    answer.map(|answer| text(&answer["taskDefinition"]["taskDefinitionArn"])).unwrap_or_default()
}

/// Tags with small letters, as ECS takes them.
fn small(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

fn oidc_provider(world: &World, tags: &Tags) {
    let parameters = json!({
        "Url": "https://issuer.example.com/papyrus",
        "ClientIDList": ["sts.amazonaws.com"],
        "ThumbprintList": ["6938fd4d98bab03faadb97b34396831e3780aea1"],
        "Tags": tag_list(tags),
    });
    aws(world, "iam", "CreateOpenIDConnectProvider", &parameters);
}

fn policy(world: &World, tags: &Tags) {
    let document = document().to_string();
    let parameters = json!({ "PolicyName": "wharf-policy", "PolicyDocument": document, "Tags": tag_list(tags) });
    aws(world, "iam", "CreatePolicy", &parameters);
}

fn role(world: &World, tags: &Tags) {
    let trust = trust().to_string();
    let parameters = json!({ "RoleName": "wharf-role", "AssumeRolePolicyDocument": trust, "Tags": tag_list(tags) });
    aws(world, "iam", "CreateRole", &parameters);
}

fn user(world: &World, tags: &Tags) {
    aws(world, "iam", "CreateUser", &json!({ "UserName": "wharf-user", "Tags": tag_list(tags) }));
}

fn log_group(world: &World, tags: &Tags) {
    let mut parameters = json!({ "logGroupName": "/wharf" });
    if !tags.is_empty() {
        parameters["tags"] = json!(tags);
    }
    aws(world, "logs", "CreateLogGroup", &parameters);
}

fn repository(world: &World, tags: &Tags) {
    aws(world, "ecr", "CreateRepository", &json!({ "repositoryName": "acme/wharf", "tags": tag_list(tags) }));
}

fn cluster(world: &World, tags: &Tags) {
    aws(world, "ecs", "CreateCluster", &json!({ "clusterName": "wharf", "tags": small(tags) }));
}

fn security_group(world: &World, tags: &Tags) {
    let vpcs = aws(world, "ec2", "DescribeVpcs", &json!({ "Filter": [{ "Name": "is-default", "Value": ["true"] }] }));
    let mut parameters =
        json!({ "GroupName": "wharf", "GroupDescription": "wharf", "VpcId": vpcs.elements("vpcId").first() });
    if !tags.is_empty() {
        parameters["TagSpecification"] = json!([{ "ResourceType": "security-group", "Tag": tag_list(tags) }]);
    }
    aws(world, "ec2", "CreateSecurityGroup", &parameters);
}

fn parameter(world: &World, tags: &Tags) {
    let parameters = json!({ "Name": "/wharf/level", "Value": "info", "Type": "String", "Tags": tag_list(tags) });
    aws(world, "ssm", "PutParameter", &parameters);
}

fn task_spec() -> Value {
    json!({
        "cpu": 256,
        "memory": 512,
        "execution_role": { "existing": "wharf-execution" },
        "containers": { "app": { "image": "nginx:1" } },
    })
}

/// Registers the family and makes its execution role.
fn register(world: &World, family: &str, role: &str, tags: &Tags) {
    aws(world, "iam", "CreateRole", &json!({ "RoleName": role, "AssumeRolePolicyDocument": trust().to_string() }));
    let mut parameters = json!({
        "family": family,
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": iam_arn(world, &format!("role/{role}")),
        "containerDefinitions": [{ "name": "app", "image": "nginx:1", "essential": true }],
    });
    if !tags.is_empty() {
        parameters["tags"] = small(tags);
    }
    aws(world, "ecs", "RegisterTaskDefinition", &parameters);
}

fn task_definition(world: &World, tags: &Tags) {
    register(world, "wharf-task", "wharf-execution", tags);
}

fn service(world: &World, tags: &Tags) {
    register(world, "harbour-task", "harbour-execution", &Tags::new());
    aws(world, "ecs", "CreateCluster", &json!({ "clusterName": "harbour" }));
    let subnets = aws(world, "ec2", "DescribeSubnets", &json!({})).elements("subnetId");
    let group = json!({ "Filter": [{ "Name": "group-name", "Value": ["default"] }] });
    let groups = aws(world, "ec2", "DescribeSecurityGroups", &group).elements("groupId");
    let network = json!({ "subnets": subnets, "assignPublicIp": "ENABLED", "securityGroups": [groups.first()] });
    let mut parameters = json!({
        "cluster": "harbour",
        "serviceName": "wharf-service",
        "taskDefinition": "harbour-task",
        "desiredCount": 0,
        "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": network },
    });
    if !tags.is_empty() {
        parameters["tags"] = small(tags);
    }
    aws(world, "ecs", "CreateService", &parameters);
}
