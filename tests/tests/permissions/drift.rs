//! What somebody else may have done to the example stack, so that `apply` and `destroy` have everything to do that they ever do.

use serde_json::{Value, json};

use crate::people::Person;

const ROLES: [&str; 3] = ["ecsTaskExecutionRole", "papyrus-task", "papyrus-deploy"];

fn document(action: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
        .to_string()
}

/// Gives every role policies that are not in the file.
pub(crate) fn more_policies(person: &Person) {
    for role in ROLES {
        let attach = json!({ "RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess" });
        person.aws("iam", "AttachRolePolicy", &attach);
        let put = json!({ "RoleName": role, "PolicyName": "extra", "PolicyDocument": document("s3:GetObject") });
        person.aws("iam", "PutRolePolicy", &put);
    }
}

/// Adds a policy to the account that has nothing to do with the stack.
pub(crate) fn foreign_policy(person: &Person) {
    let create = json!({ "PolicyName": "foreign", "PolicyDocument": document("s3:GetObject") });
    // It may be there from an earlier try.
    let _ = person.world.aws("iam", "CreatePolicy", &create);
}

/// Changes everything that can be changed in place. May be done again and again.
pub(crate) fn everything(person: &Person) {
    foreign_policy(person);
    more_policies(person);
    unmarked_revision(person);
    let account = &person.world.lease().account;
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:us-west-2:{account}:{resource}");
    roles(person);
    let group = arn("logs", "log-group:/ecs/papyrus");
    person.aws("logs", "PutRetentionPolicy", &json!({ "logGroupName": "/ecs/papyrus", "retentionInDays": 7 }));
    let other = json!({ "project": "other", "extra": "1" });
    person.aws("logs", "TagResource", &json!({ "resourceArn": group, "tags": other }));
    repository(person, &arn("ecr", "repository/papyrus"));
    let cluster = arn("ecs", "cluster/papyrus");
    let settings = json!([{ "name": "containerInsights", "value": "enabled" }]);
    person.aws("ecs", "UpdateCluster", &json!({ "cluster": "papyrus", "settings": settings }));
    person.aws(
        "ecs",
        "PutClusterCapacityProviders",
        &json!({
            "cluster": "papyrus",
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategy": [{ "capacityProvider": "FARGATE", "weight": 1 }],
        }),
    );
    let tags = json!([{ "key": "project", "value": "other" }, { "key": "extra", "value": "1" }]);
    for arn in [&cluster, &arn("ecs", "service/papyrus/papyrus")] {
        person.aws("ecs", "TagResource", &json!({ "resourceArn": arn, "tags": tags }));
    }
    let count = json!({ "cluster": "papyrus", "service": "papyrus", "desiredCount": 2 });
    person.aws("ecs", "UpdateService", &count);
    security_group(person);
}

fn roles(person: &Person) {
    for role in ROLES {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }],
        });
        let update = json!({ "RoleName": role, "PolicyDocument": trust.to_string() });
        person.aws("iam", "UpdateAssumeRolePolicy", &update);
        person.aws("iam", "UpdateRole", &json!({ "RoleName": role, "MaxSessionDuration": 7200 }));
        let tags = json!([{ "Key": "project", "Value": "other" }, { "Key": "extra", "Value": "1" }]);
        person.aws("iam", "TagRole", &json!({ "RoleName": role, "Tags": tags }));
    }
}

fn repository(person: &Person, arn: &str) {
    let of = |mut rest: Value| {
        rest["repositoryName"] = json!("papyrus");
        rest
    };
    person.aws("ecr", "PutImageTagMutability", &of(json!({ "imageTagMutability": "IMMUTABLE" })));
    let off = json!({ "imageScanningConfiguration": { "scanOnPush": false } });
    person.aws("ecr", "PutImageScanningConfiguration", &of(off));
    let lifecycle = json!({ "rules": [{
        "rulePriority": 1,
        "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3 },
        "action": { "type": "expire" },
    }] });
    person.aws("ecr", "PutLifecyclePolicy", &of(json!({ "lifecyclePolicyText": lifecycle.to_string() })));
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage" }],
    });
    person.aws("ecr", "SetRepositoryPolicy", &of(json!({ "policyText": policy.to_string() })));
    let tags = json!([{ "Key": "project", "Value": "other" }, { "Key": "extra", "Value": "1" }]);
    person.aws("ecr", "TagResource", &json!({ "resourceArn": arn, "tags": tags }));
}

/// Describes a rule otherwise, adds one in each direction, and takes the way out away.
fn security_group(person: &Person) {
    let filter = json!({ "Filter": [{ "Name": "group-name", "Value": ["papyrus"] }] });
    let found = person.world.aws("ec2", "DescribeSecurityGroups", &filter).unwrap();
    let id = found.elements("groupId").into_iter().find(|id| id.starts_with("sg-")).unwrap();
    let rule = |port: u16, description: &str| {
        let range = match description {
            "" => json!({ "CidrIp": "0.0.0.0/0" }),
            text => json!({ "CidrIp": "0.0.0.0/0", "Description": text }),
        };
        json!({ "GroupId": id, "IpPermissions": [{ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [range] }] })
    };
    let all =
        json!({ "GroupId": id, "IpPermissions": [{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }] });
    // What is there depends on how far the try before this one came.
    let _ = person.world.aws("ec2", "RevokeSecurityGroupIngress", &rule(5000, ""));
    let _ = person.world.aws("ec2", "RevokeSecurityGroupEgress", &all);
    person.aws("ec2", "AuthorizeSecurityGroupIngress", &rule(5000, "another description"));
    person.aws("ec2", "AuthorizeSecurityGroupIngress", &rule(22, ""));
    person.aws("ec2", "AuthorizeSecurityGroupEgress", &rule(443, ""));
    let tags = json!([{ "Key": "project", "Value": "other" }, { "Key": "extra", "Value": "1" }]);
    person.aws("ec2", "CreateTags", &json!({ "ResourceId": [id], "Tag": tags }));
}

/// Registers a revision without our mark, as a pipeline may.
/// Makes the latest revision one without a mark. Only so many older ones are asked for theirs.
fn unmarked_revision(person: &Person) {
    let question = json!({ "taskDefinition": "papyrus", "include": ["TAGS"] });
    let latest = person.world.aws("ecs", "DescribeTaskDefinition", &question).and_then(|answer| answer.json());
    if latest.is_ok_and(|latest| latest["tags"].as_array().is_none_or(Vec::is_empty)) {
        return;
    }
    person.aws(
        "ecs",
        "RegisterTaskDefinition",
        &json!({
            "family": "papyrus",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{ "name": "app", "image": "nginx" }],
        }),
    );
}

/// A pipeline's revision, another tag, and a repository whose encryption nothing can change.
pub(crate) fn for_reading(person: &Person) {
    foreign_policy(person);
    unmarked_revision(person);
    let account = &person.world.lease().account;
    let group = format!("arn:aws:logs:us-west-2:{account}:log-group:/ecs/papyrus");
    person.aws("logs", "TagResource", &json!({ "resourceArn": group, "tags": { "extra": "1" } }));
    let name = json!({ "repositoryName": "papyrus" });
    person.aws("ecr", "DeleteRepository", &name);
    let mut create = name;
    create["encryptionConfiguration"] =
        json!({ "encryptionType": "KMS", "kmsKey": format!("arn:aws:kms:us-west-2:{account}:key/1") });
    create["tags"] = json!([
        { "Key": "hatoba:stack", "Value": "papyrus" },
        { "Key": "hatoba:resource", "Value": "repository.papyrus" },
        { "Key": "hatoba:origin", "Value": "created" },
        { "Key": "hatoba:on-destroy", "Value": "empty" },
    ]);
    person.aws("ecr", "CreateRepository", &create);
}
