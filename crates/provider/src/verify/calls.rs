//! The calls of the preflight, and what they need of IAM. They only read, and `apply` makes them for what it changes.

use std::collections::BTreeSet;

use hatoba_engine::desired::Desired;
use hatoba_engine::value::Value;
use hatoba_model::verify::{Source, source};

use crate::kinds::repository::image::repository_arn;
use crate::permissions::call::{Form, On, Whole, calls};

calls! {
    BATCH_GET_IMAGE: Verify "ecr:BatchGetImage" => REPOSITORIES;
    GET_DOWNLOAD_URL_FOR_LAYER: Verify "ecr:GetDownloadUrlForLayer" => REPOSITORIES;
    GET_REPOSITORY_POLICY: Verify "ecr:GetRepositoryPolicy" => REPOSITORIES;
    GET_POLICY: Verify "iam:GetPolicy" => POLICIES;
    GET_POLICY_VERSION: Verify "iam:GetPolicyVersion" => POLICIES;
    GET_ROLE: Verify "iam:GetRole" => ROLES;
    LIST_ATTACHED_ROLE_POLICIES: Verify "iam:ListAttachedRolePolicies" => ROLES;
    LIST_ROLE_POLICIES: Verify "iam:ListRolePolicies" => ROLES;
    GET_ROLE_POLICY: Verify "iam:GetRolePolicy" => ROLES;
    DESCRIBE_PARAMETERS: Verify "ssm:DescribeParameters"
        => Form::Stack(|whole| On::any().when(sources(whole).iter().any(|source| matches!(source, Source::Parameter { .. }))));
    DESCRIBE_SECRET: Verify "secretsmanager:DescribeSecret" => SECRETS;
    GET_RESOURCE_POLICY: Verify "secretsmanager:GetResourcePolicy" => SECRETS;
    DESCRIBE_LOG_GROUPS: Verify "logs:DescribeLogGroups" => Form::Stack(|whole| On::any().when(!tasks(whole).is_empty()));
    DESCRIBE_SUBNETS: Verify "ec2:DescribeSubnets" => NETWORKS;
    DESCRIBE_ROUTE_TABLES: Verify "ec2:DescribeRouteTables" => NETWORKS;
    DESCRIBE_VPC_ENDPOINTS: Verify "ec2:DescribeVpcEndpoints" => NETWORKS;
    DESCRIBE_SECURITY_GROUPS: Verify "ec2:DescribeSecurityGroups" => NETWORKS;
}

const REPOSITORIES: Form = Form::Stack(|whole| {
    let mut arns = BTreeSet::new();
    for task in tasks(whole) {
        let own = task.needs.iter().filter(|need| need.kind == "repository");
        let own: Vec<String> = own
            .filter_map(|need| whole.goal.resources.get(need))
            .map(|repository| whole.facts.arn("ecr", format_args!("repository/{}", repository.name)))
            .collect();
        for container in containers(task) {
            let Some(image) = container.get("image") else { continue };
            // What a pipeline deploys comes from a repository that may not be of this stack.
            if matches!(image, Value::Keep(_)) && own.is_empty() {
                arns.insert(whole.facts.arn("ecr", "repository/*"));
            }
            let here = whole.facts.arn("ecr", "repository/");
            let named = image.as_text().and_then(|image| repository_arn(image, whole.facts.partition()));
            arns.extend(named.filter(|arn| arn.starts_with(&here)));
        }
        arns.extend(own);
    }
    On::arns(arns)
});

/// Policies that roles of the file have and that are not of the file; of other roles any.
const POLICIES: Form = Form::Stack(|whole| {
    let mut arns = BTreeSet::new();
    for role in roles(whole).0 {
        let attached = role.fields.get("managed_policies").map(Value::list_texts).unwrap_or_default();
        let boundary = role.fields.get("permissions_boundary").and_then(Value::as_text).map(str::to_owned);
        arns.extend(attached.into_iter().chain(boundary).filter(|arn| !is_own_policy(whole, arn)));
        if role.existing {
            arns.extend(any_policies(whole));
        }
    }
    if !roles(whole).1.is_empty() {
        arns.extend(any_policies(whole));
    }
    On::arns(arns)
});

/// Roles that are not in the file.
const ROLES: Form = Form::Stack(|whole| On::arns(roles(whole).1));

const SECRETS: Form = Form::Stack(|whole| {
    let arns: BTreeSet<String> = sources(whole)
        .into_iter()
        .filter_map(|source| match source {
            Source::Secret { arn } if has_suffix(&arn) => Some(arn),
            // AWS adds six characters to the name.
            Source::Secret { arn } => Some(format!("{arn}-??????")),
            Source::Parameter { .. } => None,
        })
        .collect();
    On::arns(arns)
});

const NETWORKS: Form = Form::Stack(|whole| {
    On::any().when(whole.goal.resources.values().any(|want| want.kind.name == "service" && !want.existing))
});

fn any_policies(whole: &Whole<'_>) -> [String; 2] {
    [whole.facts.iam_arn("policy/*"), format!("arn:{}:iam::aws:policy/*", whole.facts.partition())]
}

fn is_own_policy(whole: &Whole<'_>, arn: &str) -> bool {
    let policies = whole.goal.resources.values().filter(|want| want.kind.name == "policy" && !want.existing);
    policies.into_iter().any(|want| {
        let path = want.fields.get("path").and_then(Value::as_text).unwrap_or("/");
        whole.facts.iam_arn(format_args!("policy{path}{}", want.name)) == arn
    })
}

fn tasks<'a>(whole: &Whole<'a>) -> Vec<&'a Desired> {
    whole.goal.resources.values().filter(|want| want.kind.name == "task_definition").collect()
}

fn containers(task: &Desired) -> impl Iterator<Item = &Value> {
    task.fields.get("containers").and_then(Value::as_map).into_iter().flat_map(|containers| containers.values())
}

/// The roles of tasks: those of the file, and the ARNs of others.
fn roles<'a>(whole: &Whole<'a>) -> (Vec<&'a Desired>, BTreeSet<String>) {
    let (mut own, mut others) = (Vec::new(), BTreeSet::new());
    for task in tasks(whole) {
        for field in ["execution_role", "task_role"] {
            let Some(arn) = task.fields.get(field).and_then(Value::as_text) else { continue };
            let of_file = whole.goal.resources.values().find(|want| {
                let path = want.fields.get("path").and_then(Value::as_text).unwrap_or("/");
                want.kind.name == "role" && whole.facts.iam_arn(format_args!("role{path}{}", want.name)) == arn
            });
            match of_file {
                Some(role) => own.push(role),
                None => drop(others.insert(arn.to_owned())),
            }
        }
    }
    (own, others)
}

/// Where containers read secrets from, in this account and region, and not from the file.
fn sources(whole: &Whole<'_>) -> Vec<Source> {
    let mut all = Vec::new();
    for container in tasks(whole).into_iter().flat_map(containers) {
        let texts = |of: Option<&Value>| of.map(Value::map_texts).unwrap_or_default().into_values();
        let options = container.get("logs").and_then(|logs| logs.get("secret_options"));
        let credentials = container.get("registry_credentials").and_then(Value::as_text).map(str::to_owned);
        all.extend(texts(container.get("secrets")).chain(texts(options)).chain(credentials));
    }
    let of_file = |source: &Source| {
        let Source::Parameter { name, .. } = source else { return false };
        whole.goal.resources.values().any(|want| want.kind.name == "parameter" && want.name == *name)
    };
    let sources = all.iter().map(|from| source(from, whole.facts));
    sources.filter(|source| source.is_here(whole.facts) && !of_file(source)).collect()
}

/// Whether the ARN of a secret ends with the characters that AWS adds.
fn has_suffix(arn: &str) -> bool {
    let end = arn.rsplit_once('-').map(|(_, end)| end).unwrap_or_default();
    end.len() == 6 && end.chars().all(|c| c.is_ascii_alphanumeric())
}
