//! Roles with all their policies: of the file from the wish, others from IAM.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use hatoba_engine::cloud::CloudError;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::iam::parse_url_encoded;
use hatoba_model::verify::{Fact, Role};
use serde_json::Value as Json;

use super::calls::{
    GET_POLICY, GET_POLICY_VERSION, GET_ROLE, GET_ROLE_POLICY, LIST_ATTACHED_ROLE_POLICIES, LIST_ROLE_POLICIES,
};
use super::look::Look;
use super::settled::{After, text};
use crate::classify::{failed, missing_is_none};

/// A role before its attached policies are known.
#[derive(Debug, Default)]
struct Found {
    role: Role,
    attached: Vec<String>,
    boundary: Option<String>,
}

/// What is read of a managed policy.
type Document = Result<Option<Json>, CloudError>;

/// These roles, by their ARNs.
pub(super) async fn roles(cx: &Look<'_>, arns: BTreeSet<String>) -> BTreeMap<String, Fact<Role>> {
    let found = join_all(arns.into_iter().map(|arn| async move {
        let found = one(cx, &arn).await;
        (arn, found)
    }))
    .await;
    let wanted: BTreeSet<String> = found
        .iter()
        .filter_map(|(_, found)| match found {
            Fact::There(found) => Some(found.attached.iter().chain(&found.boundary).cloned()),
            _ => None,
        })
        .flatten()
        .collect();
    let documents: BTreeMap<String, Document> = join_all(wanted.into_iter().map(|arn| async move {
        let document = policy(cx, &arn).await;
        (arn, document)
    }))
    .await
    .into_iter()
    .collect();
    let whole = |found: Fact<Found>| match found {
        Fact::There(found) => Fact::There(with_policies(cx, found, &documents)),
        Fact::Missing => Fact::Missing,
        Fact::Unread(why) => Fact::Unread(why),
    };
    found.into_iter().map(|(arn, found)| (arn, whole(found))).collect()
}

fn with_policies(cx: &Look<'_>, found: Found, documents: &BTreeMap<String, Document>) -> Role {
    let mut role = found.role;
    let mut take = |arn: &String| {
        let name = arn.rsplit('/').next().unwrap_or(arn).to_owned();
        match documents.get(arn) {
            Some(Ok(Some(document))) => Some((name, document.clone())),
            Some(Ok(None)) => {
                role.unread.push(format!("there is no policy `{name}`"));
                None
            }
            Some(Err(error)) => {
                role.unread.push(format!("its policy `{name}` could not be read: {}", cx.unread(error)));
                None
            }
            None => None,
        }
    };
    let attached: Vec<_> = found.attached.iter().filter_map(&mut take).collect();
    let boundary = found.boundary.as_ref().and_then(&mut take);
    role.policies.extend(attached);
    role.boundary = boundary;
    role
}

async fn one(cx: &Look<'_>, arn: &str) -> Fact<Found> {
    let facts = cx.aws.facts();
    let of_file = cx.world.wanted("role").find(|want| {
        let path = text(&want.fields, "path").unwrap_or("/");
        facts.iam_arn(format_args!("role{path}{}", want.name)) == arn
    });
    let Some(want) = of_file else { return live(cx, arn).await };
    match cx.world.after(want) {
        After::Unread(why) => Fact::Unread(why.to_owned()),
        After::Missing => Fact::Missing,
        After::There(fields) => {
            let mut found = of_fields(&fields);
            found.role.key = (!want.existing).then(|| want.address.name.clone());
            Fact::There(found)
        }
    }
}

fn of_fields(fields: &Fields) -> Found {
    let document = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let inline = fields.get("inline_policies").map(Value::map_texts).unwrap_or_default();
    let role = Role {
        trust: text(fields, "trust").map(document).unwrap_or_default(),
        policies: inline.iter().map(|(name, text)| (name.clone(), document(text))).collect(),
        ..Role::default()
    };
    Found {
        role,
        attached: fields.get("managed_policies").map(Value::list_texts).unwrap_or_default(),
        boundary: text(fields, "permissions_boundary").map(str::to_owned),
    }
}

/// A role that is not in the file.
async fn live(cx: &Look<'_>, arn: &str) -> Fact<Found> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    if arn.split(':').nth(4) != Some(cx.aws.facts().account.as_str()) {
        return Fact::Unread("it is in another account, whose roles ECS does not take".to_owned());
    }
    match read(cx, name).await {
        Ok(Some((there, found))) if there == arn => Fact::There(found),
        // The name is taken by a role with another path.
        Ok(_) => Fact::Missing,
        Err(error) => Fact::Unread(cx.unread(&error)),
    }
}

async fn read(cx: &Look<'_>, name: &str) -> Result<Option<(String, Found)>, CloudError> {
    let get =
        async { missing_is_none(cx.aws.iam().get_role().role_name(name).send().await.map_err(failed(&GET_ROLE))) };
    let (role, attached, inline) = futures::try_join!(get, attached(cx, name), inline(cx, name))?;
    let Some(role) = role.and_then(|answer| answer.role) else { return Ok(None) };
    let trust = role.assume_role_policy_document().unwrap_or_default();
    let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
    let found = Found {
        role: Role { trust: parse_url_encoded(trust).unwrap_or_default(), policies: inline, ..Role::default() },
        attached,
        boundary: boundary.map(str::to_owned),
    };
    Ok(Some((role.arn().to_owned(), found)))
}

async fn attached(cx: &Look<'_>, name: &str) -> Result<Vec<String>, CloudError> {
    let mut pages = cx.aws.iam().list_attached_role_policies().role_name(name).into_paginator().send();
    let mut arns = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&LIST_ATTACHED_ROLE_POLICIES)))? else { break };
        arns.extend(page.attached_policies().iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)));
    }
    Ok(arns)
}

async fn inline(cx: &Look<'_>, name: &str) -> Result<Vec<(String, Json)>, CloudError> {
    let mut pages = cx.aws.iam().list_role_policies().role_name(name).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let Some(page) = missing_is_none(page.map_err(failed(&LIST_ROLE_POLICIES)))? else { break };
        names.extend(page.policy_names().iter().cloned());
    }
    let read = names.into_iter().map(|policy| async move {
        let call = cx.aws.iam().get_role_policy().role_name(name).policy_name(&policy);
        let answer = missing_is_none(call.send().await.map_err(failed(&GET_ROLE_POLICY)))?;
        let document = answer.map(|answer| parse_url_encoded(answer.policy_document()).unwrap_or_default());
        Ok::<_, CloudError>(document.map(|document| (policy, document)))
    });
    let read: Result<Vec<_>, CloudError> = join_all(read).await.into_iter().collect();
    Ok(read?.into_iter().flatten().collect())
}

/// The document of a managed policy: of the file from the wish, others from IAM.
async fn policy(cx: &Look<'_>, arn: &str) -> Document {
    let facts = cx.aws.facts();
    let of_file = cx.world.wanted("policy").find(|want| {
        let path = text(&want.fields, "path").unwrap_or("/");
        facts.iam_arn(format_args!("policy{path}{}", want.name)) == arn
    });
    if let Some(want) = of_file
        && let After::There(fields) = cx.world.after(want)
        && let Some(document) = text(&fields, "document")
    {
        return Ok(serde_json::from_str(document).ok());
    }
    let call = cx.aws.iam().get_policy().policy_arn(arn).send();
    let answer = missing_is_none(call.await.map_err(failed(&GET_POLICY)))?;
    let Some(policy) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
    let version = policy.default_version_id().unwrap_or("v1");
    let call = cx.aws.iam().get_policy_version().policy_arn(arn).version_id(version).send();
    let answer = missing_is_none(call.await.map_err(failed(&GET_POLICY_VERSION)))?;
    let document = answer.and_then(|answer| answer.policy_version).and_then(|version| version.document);
    Ok(document.and_then(|document| parse_url_encoded(&document).ok()))
}
