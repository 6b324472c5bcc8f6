//! Customer-managed IAM policies. Source: IAM API reference.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::{Policy as ApiPolicy, PolicyUsageType, PolicyVersion};
use aws_sdk_resourcegroupstagging::config::{Builder as TaggingConfig, Region};
use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures::stream::{self, StreamExt};
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::owner::TAG_STACK;
use hatoba_engine::snapshot::{ReadFailure, Sighting};
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;

use super::iam_account::ListedPolicy;
use super::iam_shared::{self, answered, spell_as_wanted, tags_from, tags_to};
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{ANY, Call, Form, On, Subject, calls};
use crate::survey::{Found, GET_RESOURCES, Survey};
use crate::tags;

/// Customer-managed policies.
#[derive(Debug)]
pub struct Policy;

/// How many policies are read at once.
const READS: usize = 16;
/// Up to how many policies of others are read one by one to find ours among them.
const FEW: usize = 50;
/// How many versions a policy can have (IAM quotas).
const MOST_VERSIONS: usize = 5;

const DOCUMENT: &str = "CreatePolicyVersion";
const TAGS: &str = "TagPolicy";

calls! {
    // An account has few policies, and only a read tells whose each is.
    GET_POLICY: Plan "iam:GetPolicy" => Form::Stack(|whole| On::arn(whole.facts.iam_arn("policy/*")));
    GET_POLICY_VERSION: Plan "iam:GetPolicyVersion" => POLICY;
    LIST_POLICY_VERSIONS: Change "iam:ListPolicyVersions" => POLICY;
    DELETE_POLICY_VERSION: Change "iam:DeletePolicyVersion" => POLICY;
    LIST_POLICIES: Apply "iam:ListPolicies" => ANY;
    CREATE_POLICY: Apply "iam:CreatePolicy" => POLICY, "iam:TagPolicy" => POLICY;
    CREATE_POLICY_VERSION: Apply "iam:CreatePolicyVersion" => POLICY;
    TAG_POLICY: Apply "iam:TagPolicy" => POLICY;
    UNTAG_POLICY: Change "iam:UntagPolicy" => Form::Each(|s| policy(s).when(s.untags()));
    LIST_ENTITIES_FOR_POLICY: Destroy "iam:ListEntitiesForPolicy" => POLICY;
    DETACH_ROLE_POLICY: Destroy "iam:DetachRolePolicy" => Form::Each(|s| from_all(s, "role"));
    DETACH_USER_POLICY: Destroy "iam:DetachUserPolicy" => Form::Each(|s| from_all(s, "user"));
    DETACH_GROUP_POLICY: Destroy "iam:DetachGroupPolicy" => Form::Each(|s| from_all(s, "group"));
    DELETE_POLICY: Destroy "iam:DeletePolicy" => POLICY;
}

const POLICY: Form = Form::Each(policy);

fn policy(s: &Subject<'_>) -> On {
    On::arn(s.iam("policy"))
}

/// Whoever has the policy, but no other policy.
fn from_all(s: &Subject<'_>, noun: &str) -> On {
    On::arn(s.facts.iam_arn(format_args!("{noun}/*"))).given("ArnEquals", "iam:PolicyARN", s.iam("policy"))
}

static INFO: KindInfo = KindInfo {
    name: "policy",
    title: "policy",
    create_call: "CreatePolicy",
    delete_call: "DeletePolicy",
    fields: &[
        Field::update("document", DOCUMENT),
        Field::replace("path").default(|| "/".into()),
        Field::replace("description").default(|| "".into()),
        Field::update("tags", TAGS),
    ],
    groups: &[Group::new(DOCUMENT), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 4,
};

/// The note with the default version.
const VERSION: &str = "version";

impl Policy {
    /// The normal form of what `GetPolicy` answers. The document comes from elsewhere.
    fn live(policy: &ApiPolicy, document: Option<Value>) -> Sighting {
        let (arn, name) = (policy.arn().unwrap_or_default(), policy.policy_name().unwrap_or_default());
        let mut live = Sighting::new(&INFO, arn, name);
        live.outputs.insert("arn".into(), arn.into());
        live.outputs.insert("name".into(), name.into());
        live.fields.insert("path".into(), policy.path().unwrap_or("/").into());
        live.fields.insert("description".into(), policy.description().unwrap_or_default().into());
        if let Some(document) = document {
            live.fields.insert("document".into(), document);
        }
        live.notes.insert(VERSION.into(), policy.default_version_id().unwrap_or_default().to_owned());
        live.set_tags(tags_from(policy.tags()));
        live
    }

    async fn get(aws: &Aws, arn: &str) -> Result<Option<ApiPolicy>, CloudError> {
        let answer = aws.iam().get_policy().policy_arn(arn).send().await.map_err(failed(&GET_POLICY));
        Ok(missing_is_none(answer)?.and_then(|answer| answer.policy))
    }

    async fn document(aws: &Aws, arn: &str, version: &str) -> Result<Option<Value>, CloudError> {
        let call = aws.iam().get_policy_version().policy_arn(arn).version_id(version);
        let answer = missing_is_none(call.send().await.map_err(failed(&GET_POLICY_VERSION)))?;
        let version = answer.and_then(|answer| answer.policy_version);
        Ok(version.as_ref().and_then(PolicyVersion::document).map(|text| answered(text, aws.facts())))
    }

    async fn read(aws: &Aws, listed: &ListedPolicy, whole: bool) -> Result<Option<Sighting>, CloudError> {
        let Some(policy) = Self::get(aws, &listed.arn).await? else { return Ok(None) };
        let version = policy.default_version_id().unwrap_or_default();
        let document = match &listed.document {
            Some(document) if listed.version == version => Some(document.clone()),
            _ if whole => Self::document(aws, &listed.arn, version).await?,
            _ => None,
        };
        let mut live = Self::live(&policy, document);
        // The end of the ARN is the name, too.
        live.name.clone_from(&listed.name);
        live.outputs.insert("name".into(), listed.name.as_str().into());
        Ok(Some(live))
    }

    async fn versions(aws: &Aws, arn: &str) -> Result<Vec<PolicyVersion>, CloudError> {
        let mut pages = aws.iam().list_policy_versions().policy_arn(arn).into_paginator().send();
        let mut versions = Vec::new();
        while let Some(page) = pages.next().await {
            match missing_is_none(page.map_err(failed(&LIST_POLICY_VERSIONS)))? {
                Some(page) => versions.extend(page.versions.unwrap_or_default()),
                None => break,
            }
        }
        Ok(versions)
    }

    async fn delete_version(aws: &Aws, arn: &str, version: &str) -> Result<(), CloudError> {
        let call = aws.iam_write().delete_policy_version().policy_arn(arn).version_id(version);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_POLICY_VERSION)))
    }

    /// Takes the policy off everything that it gives permissions to. Whoever has it for a boundary keeps it: without its boundary
    /// it could do more than before.
    async fn detach(aws: &Aws, arn: &str) -> Result<(), CloudError> {
        let iam = aws.iam_write();
        let usage = PolicyUsageType::PermissionsPolicy;
        let mut pages =
            aws.iam().list_entities_for_policy().policy_arn(arn).policy_usage_filter(usage).into_paginator().send();
        while let Some(page) = pages.next().await {
            let Some(page) = missing_is_none(page.map_err(failed(&LIST_ENTITIES_FOR_POLICY)))? else { break };
            for role in page.policy_roles().iter().filter_map(|role| role.role_name()) {
                let call = iam.detach_role_policy().role_name(role).policy_arn(arn);
                gone_is_fine(call.send().await.map_err(failed(&DETACH_ROLE_POLICY)))?;
            }
            for user in page.policy_users().iter().filter_map(|user| user.user_name()) {
                let call = iam.detach_user_policy().user_name(user).policy_arn(arn);
                gone_is_fine(call.send().await.map_err(failed(&DETACH_USER_POLICY)))?;
            }
            for group in page.policy_groups().iter().filter_map(|group| group.group_name()) {
                let call = iam.detach_group_policy().group_name(group).policy_arn(arn);
                gone_is_fine(call.send().await.map_err(failed(&DETACH_GROUP_POLICY)))?;
            }
        }
        Ok(())
    }

    /// Which of the account's policies that are not wanted may be ours. Few are all read; among many the tagging index tells,
    /// which knows IAM only in the region where IAM is at home.
    async fn candidates<'a>(
        cx: &Survey<'_>,
        others: Vec<&'a ListedPolicy>,
    ) -> Result<Vec<&'a ListedPolicy>, CloudError> {
        let home = match cx.aws.facts().partition() {
            "aws" => "us-east-1",
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => return Ok(others),
        };
        if others.len() <= FEW {
            return Ok(others);
        }
        let mut marked = Vec::new();
        let mut token = None;
        loop {
            let answer = cx
                .aws
                .tagging()
                .get_resources()
                .tag_filters(TagFilter::builder().key(TAG_STACK).values(&cx.goal.stack).build())
                .resource_type_filters("iam:policy")
                .resources_per_page(100)
                .set_pagination_token(token)
                .customize()
                .config_override(TaggingConfig::new().region(Region::new(home)))
                .send()
                .await
                .map_err(failed(&GET_RESOURCES))?;
            marked.extend(
                answer.resource_tag_mapping_list().iter().filter_map(|found| found.resource_arn().map(str::to_owned)),
            );
            token = answer.pagination_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(others.into_iter().filter(|listed| marked.contains(&listed.arn)).collect());
            }
        }
    }
}

/// The oldest version that is not the default. Their numbers only ever grow.
fn oldest(versions: &[PolicyVersion]) -> Option<&str> {
    let number = |id: &str| id.trim_start_matches('v').parse::<u64>().unwrap_or(u64::MAX);
    versions
        .iter()
        .filter(|version| !version.is_default_version())
        .filter_map(PolicyVersion::version_id)
        .min_by_key(|id| number(id))
}

fn arn_of(want: &Resolved, facts: &Facts) -> String {
    facts.iam_arn(format_args!("policy{}{}", want.text("path").unwrap_or("/"), want.name))
}

#[async_trait]
impl Driver for Policy {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        None
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.policies.get(key)?;
        let wish = cx
            .wish(&INFO, key, spec)
            .global(cx.facts)
            .set("document", spec.document.as_ref().map(|policy| iam_shared::document(&policy.0, cx.facts)))
            .set("path", spec.path.as_deref())
            .set("description", spec.description.as_deref());
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        let account = match cx.account().await {
            Ok(account) => account,
            Err(error) => return Found::failure(cx.addresses(INFO.name), error),
        };
        let wanted: BTreeMap<String, &Desired> =
            cx.wanted(INFO.name).into_iter().map(|want| (want.name.to_ascii_lowercase(), want)).collect();
        let (named, others): (Vec<_>, Vec<_>) =
            account.policies.iter().partition(|listed| wanted.contains_key(&listed.name.to_ascii_lowercase()));
        let mut found = Found::default();
        let others = match Self::candidates(cx, others).await {
            Ok(others) => others,
            Err(error) => {
                found.failures.push(ReadFailure { addresses: Vec::new(), error });
                Vec::new()
            }
        };
        let mut reads = Vec::new();
        for (list, named) in [(named, true), (others, false)] {
            for listed in list {
                reads.push(async move { (listed, named, Self::read(cx.aws, listed, named).await) });
            }
        }
        let read: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
        for (listed, named, live) in read {
            match live {
                Ok(Some(live)) if named || cx.goal.has_marked(&live) => found.seen.push(live),
                Ok(_) => {}
                Err(error) => {
                    let want = wanted.get(&listed.name.to_ascii_lowercase()).filter(|_| named);
                    found.failures.push(ReadFailure {
                        addresses: want.map(|want| want.address.clone()).into_iter().collect(),
                        error,
                    });
                }
            }
        }
        let names: Vec<String> = cx.wanted(INFO.name).into_iter().map(|want| want.name.clone()).collect();
        spell_as_wanted(&mut found.seen, &names);
        found
    }

    async fn look(&self, aws: &Aws, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        // Without an id it has just been created, with a path that only the wish knows: the account's list tells.
        let arn = match &target.id {
            Some(arn) => Some(arn.clone()),
            None => Self::find(aws, &target.name).await?,
        };
        let Some(arn) = arn else { return Ok(Vec::new()) };
        let listed = ListedPolicy { arn, name: target.name.clone(), ..ListedPolicy::default() };
        Ok(Self::read(aws, &listed, depth == Depth::Full).await?.into_iter().collect())
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        aws.iam_write()
            .create_policy()
            .policy_name(&want.name)
            .path(want.text("path").unwrap_or("/"))
            .set_policy_document(want.text("document").map(str::to_owned))
            .set_description(want.text("description").filter(|text| !text.is_empty()).map(str::to_owned))
            .set_tags(tags_to(want.tags())?)
            .send()
            .await
            .map_err(failed(&CREATE_POLICY))?;
        let arn = arn_of(want, aws.facts());
        Ok(Receipt {
            id: Some(arn.clone()),
            outputs: vec![("arn".into(), arn.into()), ("name".into(), Value::text(&want.name))],
        })
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        let iam = aws.iam_write();
        let arn = &live.id;
        match group {
            DOCUMENT => {
                let document = want.text("document").unwrap_or_default();
                let versions = Self::versions(aws, arn).await?;
                let default =
                    versions.iter().find(|version| version.is_default_version()).and_then(PolicyVersion::version_id);
                // A call whose answer was lost may have made the version already.
                if let Some(newer) = default.filter(|id| live.notes.get(VERSION).is_some_and(|seen| seen != id)) {
                    let there = Self::document(aws, arn, newer).await?;
                    if there.as_ref().and_then(Value::as_text) == Some(document) {
                        return Ok(Receipt::default());
                    }
                }
                if let Some(oldest) = oldest(&versions).filter(|_| versions.len() >= MOST_VERSIONS) {
                    Self::delete_version(aws, arn, oldest).await?;
                }
                let call = iam.create_policy_version().policy_arn(arn).policy_document(document).set_as_default(true);
                call.send().await.map_err(failed(&CREATE_POLICY_VERSION))?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if let Some(set) = tags_to(change.set)? {
                    iam.tag_policy().policy_arn(arn).set_tags(Some(set)).send().await.map_err(failed(&TAG_POLICY))?;
                }
                if !change.remove.is_empty() {
                    self.untag(aws, live, change.remove).await?;
                }
            }
            other => return Err(crate::driver::no_such_group(&INFO, other)),
        }
        Ok(Receipt::default())
    }

    async fn delete(&self, aws: &Aws, live: &Sighting, _: bool) -> Result<(), CloudError> {
        let arn = &live.id;
        let (detached, versions) = futures::join!(Self::detach(aws, arn), Self::versions(aws, arn));
        detached?;
        for version in versions?.iter().filter(|version| !version.is_default_version()) {
            Self::delete_version(aws, arn, version.version_id().unwrap_or_default()).await?;
        }
        let call = aws.iam_write().delete_policy().policy_arn(arn);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_POLICY)))
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws.iam_write().untag_policy().policy_arn(&live.id).set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_POLICY)))
    }
}

impl Policy {
    /// The ARN of the policy of this name, whatever its path.
    async fn find(aws: &Aws, name: &str) -> Result<Option<String>, CloudError> {
        use aws_sdk_iam::types::PolicyScopeType::Local;
        let mut pages = aws.iam().list_policies().scope(Local).max_items(1000).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&LIST_POLICIES))?;
            let same = |policy: &&ApiPolicy| policy.policy_name().is_some_and(|other| other.eq_ignore_ascii_case(name));
            if let Some(policy) = page.policies().iter().find(same) {
                return Ok(policy.arn().map(str::to_owned));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::PolicyVersion;

    use super::oldest;

    fn version(id: &str, default: bool) -> PolicyVersion {
        PolicyVersion::builder().version_id(id).is_default_version(default).build()
    }

    #[test]
    fn the_oldest_version_is_told_by_its_number_and_is_never_the_default() {
        let versions = [version("v10", false), version("v9", false), version("v2", true), version("v11", false)];
        assert_eq!(oldest(&versions), Some("v9"));
        assert_eq!(oldest(&[version("v1", true)]), None);
    }
}
