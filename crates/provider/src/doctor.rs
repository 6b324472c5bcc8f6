//! What `hatoba doctor` reads of an account. Nothing here changes anything. Sources: IAM and EC2 API references.

use std::collections::BTreeMap;

use aws_sdk_iam::types::SummaryKeyType;
use hatoba_engine::cloud::{Class, CloudError};
use hatoba_model::iam::parse_url_encoded;
use serde_json::Value;

use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::kinds::network;
use crate::kinds::service_linked_role::ECS_PATH;
use crate::permissions::call::calls;

calls! { aside:
    GET_ROLE: "iam:GetRole";
    GET_OPEN_ID_CONNECT_PROVIDER: "iam:GetOpenIDConnectProvider";
    LIST_ROLES: "iam:ListRoles";
    DESCRIBE_REGIONS: "ec2:DescribeRegions";
    GET_ACCOUNT_SUMMARY: "iam:GetAccountSummary";
}

/// A role as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleTrust {
    /// Its ARN.
    pub arn: String,
    /// Whom it trusts.
    pub document: Value,
}

/// Whom a role trusts; nothing when there is no such role.
///
/// # Errors
/// When it could not be read, or its policy is no JSON.
pub async fn role_trust(aws: &Aws, name: &str) -> Result<Option<RoleTrust>, CloudError> {
    let answer = missing_is_none(aws.iam().get_role().role_name(name).send().await.map_err(failed(&GET_ROLE)))?;
    let Some(role) = answer.and_then(|answer| answer.role) else { return Ok(None) };
    let text = role.assume_role_policy_document().unwrap_or("{}");
    let document = parse_url_encoded(text).map_err(|error| {
        CloudError::new(Class::Other, GET_ROLE.name, format!("the trust policy of `{name}` is no JSON: {error}"))
    })?;
    Ok(Some(RoleTrust { arn: role.arn().to_owned(), document }))
}

/// The audiences that GitHub's provider accepts; nothing when the account has no provider for this host.
///
/// # Errors
/// When it could not be read.
pub async fn provider_audiences(aws: &Aws, host: &str) -> Result<Option<Vec<String>>, CloudError> {
    let arn = aws.facts().iam_arn(format_args!("oidc-provider/{host}"));
    let call = aws.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn);
    let answer = missing_is_none(call.send().await.map_err(failed(&GET_OPEN_ID_CONNECT_PROVIDER)))?;
    Ok(answer.map(|answer| answer.client_id_list().to_vec()))
}

/// Whether ECS has its service-linked role.
///
/// # Errors
/// When it could not be read.
pub async fn has_ecs_role(aws: &Aws) -> Result<bool, CloudError> {
    let answer = aws.iam().list_roles().path_prefix(ECS_PATH).send().await.map_err(failed(&LIST_ROLES))?;
    Ok(!answer.roles().is_empty())
}

/// The default network of the region; nothing when it has none that Fargate can use.
///
/// # Errors
/// When it could not be read.
pub async fn default_network(aws: &Aws) -> Result<Option<network::Network>, CloudError> {
    network::read(aws).await
}

/// Whether the account may use the region: `opt-in-not-required`, `opted-in` or `not-opted-in`; nothing when EC2 does not know it.
///
/// # Errors
/// When it could not be read. In a region that is not enabled this is so, because credentials are not known there.
pub async fn region_status(aws: &Aws) -> Result<Option<String>, CloudError> {
    let region = aws.facts().region.as_str();
    let call = aws.ec2().describe_regions().region_names(region).all_regions(true);
    let answer = call.send().await.map_err(failed(&DESCRIBE_REGIONS))?;
    let found = answer.regions().iter().find(|known| known.region_name() == Some(region));
    Ok(found.map(|known| known.opt_in_status().unwrap_or("opt-in-not-required").to_owned()))
}

/// How much of a quota is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What is counted.
    pub name: &'static str,
    /// How many there are.
    pub used: i32,
    /// How many there may be.
    pub limit: i32,
}

/// The quotas of IAM that a stack may run into: roles, customer-managed policies, users.
///
/// # Errors
/// When they could not be read.
pub async fn quotas(aws: &Aws) -> Result<Vec<Quota>, CloudError> {
    let answer = aws.iam().get_account_summary().send().await.map_err(failed(&GET_ACCOUNT_SUMMARY))?;
    // By name: the SDK does not know all of these keys.
    let summary: BTreeMap<&str, i32> =
        answer.summary_map().into_iter().flatten().map(|(key, value)| (SummaryKeyType::as_str(key), *value)).collect();
    let quotas = [
        ("IAM roles", "Roles", "RolesQuota"),
        ("IAM policies", "Policies", "PoliciesQuota"),
        ("IAM users", "Users", "UsersQuota"),
    ];
    let quota = |(name, used, limit): (&'static str, &str, &str)| {
        Some(Quota { name, used: *summary.get(used)?, limit: *summary.get(limit)? })
    };
    Ok(quotas.into_iter().filter_map(quota).collect())
}
