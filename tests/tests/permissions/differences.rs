//! Where ministack asks for other permissions than AWS does, and what cannot be provoked. `docs/emulators.md` says the same in words; an entry
//! that is no longer true makes the test fail.

/// What ministack asks for where AWS asks for the permission as it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// For the action on everything: it does not find the resource in the request, and does not know the condition key.
    Everything,
    /// For the action on the cluster instead of the service.
    Cluster,
    /// For nothing: it does not look at what AWS checks beside the operation itself. AWS refuses the operation that is named.
    Nothing { service: &'static str, operation: &'static str },
}

/// By action, and for one of them by the beginning of the resource.
pub(crate) const DIFFERENCES: &[(&str, &str, Asks)] = &[
    (
        "ec2:CreateSecurityGroup",
        "arn:aws:ec2:us-west-2:*:security-group/",
        Asks::Nothing { service: "ec2", operation: "CreateSecurityGroup" },
    ),
    ("ec2:CreateTags", "", Asks::Everything),
    ("ec2:DeleteTags", "", Asks::Everything),
    ("ecr:BatchDeleteImage", "", Asks::Nothing { service: "ecr", operation: "DeleteRepository" }),
    ("ecr:DescribeRepositories", "", Asks::Everything),
    ("ecr:ListTagsForResource", "", Asks::Everything),
    ("ecr:TagResource", "", Asks::Everything),
    ("ecr:UntagResource", "", Asks::Everything),
    ("ecs:CreateCluster", "", Asks::Everything),
    ("ecs:CreateService", "", Asks::Cluster),
    ("ecs:DeleteService", "", Asks::Cluster),
    ("ecs:DeleteTaskDefinitions", "", Asks::Everything),
    ("ecs:DescribeClusters", "", Asks::Everything),
    ("ecs:DescribeServices", "", Asks::Cluster),
    ("ecs:DescribeTasks", "", Asks::Everything),
    ("ecs:ListServiceDeployments", "", Asks::Everything),
    ("ecs:ListServices", "", Asks::Everything),
    ("ecs:ListTasks", "", Asks::Everything),
    ("ecs:RegisterTaskDefinition", "", Asks::Everything),
    ("ecs:RunTask", "", Asks::Everything),
    ("ecs:TagResource", "", Asks::Everything),
    ("ecs:UntagResource", "", Asks::Everything),
    ("ecs:UpdateService", "", Asks::Cluster),
    ("iam:CreateOpenIDConnectProvider", "", Asks::Everything),
    ("iam:CreateServiceLinkedRole", "", Asks::Everything),
    ("iam:DeleteOpenIDConnectProvider", "", Asks::Everything),
    ("iam:GetOpenIDConnectProvider", "", Asks::Everything),
    ("iam:PassRole", "", Asks::Nothing { service: "ecs", operation: "RegisterTaskDefinition" }),
    ("iam:TagOpenIDConnectProvider", "", Asks::Nothing { service: "iam", operation: "CreateOpenIDConnectProvider" }),
];

/// Why what follows a deployment is not called.
const FOLLOWS: &str = "made where a deployment is not complete at the first look, as on ministack it is; `tests/tests/verdicts` plays others";

/// Calls that no run here makes, by command. A command that makes one after all makes the test fail.
pub(crate) const NEVER: &[(&str, &str, &str)] = &[
    ("apply", "ec2:DescribeVpcEndpoints", "made where a network has no way to the internet"),
    ("apply", "ecr:BatchGetImage", "made where an image of ECR changes"),
    ("apply", "ecr:GetDownloadUrlForLayer", "made where an image of ECR changes that was built for one machine"),
    ("apply", "ecr:DescribeImages", "made where a repository is replaced, which `apply` alone may not do"),
    ("apply", "iam:AddClientIDToOpenIDConnectProvider", "ministack lacks the operation"),
    ("apply", "iam:DeleteRolePermissionsBoundary", "ministack's account read shows no boundaries"),
    (
        "apply",
        "iam:GetRolePolicy",
        "made where the answer to CreateRole was lost and somebody has given the role a policy since",
    ),
    ("apply", "iam:UntagOpenIDConnectProvider", "ministack lacks the operation"),
    ("apply", "logs:DisassociateKmsKey", "ministack lacks the operation; the proxy that plays it refuses nobody"),
    (
        "apply",
        "logs:PutLogGroupDeletionProtection",
        "ministack lacks the operation; the proxy that plays it refuses nobody",
    ),
    ("apply", "ecs:DescribeServiceDeployments", FOLLOWS),
    ("apply", "ecs:DescribeTasks", FOLLOWS),
    ("apply", "ecs:ListServiceDeployments", FOLLOWS),
    ("apply", "ecs:ListTasks", FOLLOWS),
    ("apply", "ecs:StopServiceDeployment", FOLLOWS),
    ("apply", "logs:GetLogEvents", FOLLOWS),
    ("deploy", "ecs:DescribeServiceDeployments", "ministack has no service deployments; `verdicts` plays them"),
    ("deploy", "ecs:ListServiceDeployments", "ministack has no service deployments; `verdicts` plays them"),
    ("deploy", "ecs:StopServiceDeployment", "ministack has no service deployments; `verdicts` plays them"),
    ("deploy", "ecs:DescribeServiceRevisions", "made by `rollback`"),
    ("deploy", "ecs:ListTaskDefinitions", "made where the latest revision bears no mark, and by `rollback`"),
    ("deploy", "ecs:ListTasks", "made where a deployment is not done at the first look, as it is on ministack"),
    ("deploy", "ecs:DescribeTasks", "made where a deployment is not done at the first look, as it is on ministack"),
    ("deploy", "ecs:TagResource", "asked by AWS where a revision is registered with tags; ministack does not ask"),
    ("deploy", "logs:GetLogEvents", "made where a task has failed"),
    ("destroy", "ec2:DescribeNetworkInterfaces", "made where something holds a security group"),
    ("destroy", "iam:RemoveRoleFromInstanceProfile", "ministack deletes a role that is in a profile"),
    ("destroy", "iam:ListInstanceProfilesForRole", "ministack deletes a role that is in a profile"),
    ("destroy", "iam:ListAttachedRolePolicies", "ministack deletes a role that has policies"),
    ("destroy", "iam:ListRolePolicies", "ministack deletes a role that has policies"),
];

/// Permissions without which a command goes on, and says what it could not look for.
pub(crate) const GOES_ON: &[&str] =
    &["ec2:DescribeRouteTables", "iam:GetPolicy", "iam:GetPolicyVersion", "ssm:DescribeParameters"];

/// What ministack asks for instead of a permission, if it asks for something else.
pub(crate) fn difference(action: &str, resource: &str) -> Option<Asks> {
    let here = |of: &str| of.split('*').all(|part| resource.contains(part));
    DIFFERENCES.iter().find(|(of, on, _)| *of == action && here(on)).map(|(.., asks)| *asks)
}
