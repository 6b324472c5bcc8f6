//! CloudWatch log groups. Source: CloudWatch Logs API reference.

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::{LogGroup as ApiLogGroup, LogGroupClass as ApiClass};
use futures::future::{join_all, try_join_all};
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;

use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{ANY, Call, Form, On, Subject, calls};
use crate::survey::{Found, Survey};
use crate::tags::{self, Tags};

/// Log groups.
#[derive(Debug)]
pub struct LogGroup;

const RETENTION: &str = "PutRetentionPolicy";
const KMS: &str = "AssociateKmsKey";
const PROTECTION: &str = "PutLogGroupDeletionProtection";
const TAGS: &str = "TagResource";

calls! {
    DESCRIBE_LOG_GROUPS: Plan "logs:DescribeLogGroups" => ANY;
    LIST_TAGS_FOR_RESOURCE: Plan "logs:ListTagsForResource" => GROUP;
    CREATE_LOG_GROUP: Apply "logs:CreateLogGroup" => GROUP, "logs:TagResource" => GROUP;
    PUT_RETENTION_POLICY: Apply "logs:PutRetentionPolicy" => Form::Each(|s| group(s).when(s.has("retention_days")));
    DELETE_RETENTION_POLICY: Apply "logs:DeleteRetentionPolicy"
        => Form::Each(|s| group(s).when(!s.has("retention_days")));
    ASSOCIATE_KMS_KEY: Apply "logs:AssociateKmsKey" => Form::Each(|s| group(s).when(s.has("kms_key")));
    DISASSOCIATE_KMS_KEY: Apply "logs:DisassociateKmsKey" => Form::Each(|s| group(s).when(!s.has("kms_key")));
    PUT_LOG_GROUP_DELETION_PROTECTION: Apply "logs:PutLogGroupDeletionProtection" => GROUP;
    TAG_RESOURCE: Apply "logs:TagResource" => GROUP;
    UNTAG_RESOURCE: Change "logs:UntagResource" => Form::Each(|s| group(s).when(s.untags()));
    DELETE_LOG_GROUP: Destroy "logs:DeleteLogGroup" => GROUP;
}

const GROUP: Form = Form::Each(group);

/// The reference names a group with and without the star at its end.
fn group(s: &Subject<'_>) -> On {
    ["", ":*"].map(|end| s.arn("logs", format_args!("log-group:{}{end}", s.name))).into_iter().collect()
}

static INFO: KindInfo = KindInfo {
    name: "log_group",
    title: "log group",
    create_call: "CreateLogGroup",
    delete_call: "DeleteLogGroup",
    fields: &[
        Field::replace("class").default(|| "STANDARD".into()),
        // Without a retention the field is absent on reads, not 0; the create call does not carry it.
        Field::update("retention_days", RETENTION).after_create(),
        Field::update("kms_key", KMS),
        Field::update("deletion_protection", PROTECTION).default(|| false.into()).after_create(),
        Field::update("tags", TAGS),
    ],
    groups: &[Group::new(RETENTION), Group::new(KMS), Group::new(PROTECTION), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 8,
};

impl LogGroup {
    /// The normal form of what a read returned.
    fn live(group: &ApiLogGroup, tags: Tags, aws: &Aws) -> Sighting {
        let name = group.log_group_name().unwrap_or_default();
        let arn = aws.facts().arn("logs", format_args!("log-group:{name}"));
        let mut live = Sighting::new(&INFO, arn.clone(), name);
        live.outputs.insert("arn".into(), arn.into());
        live.outputs.insert("name".into(), name.into());
        let class = group.log_group_class().map_or("STANDARD", ApiClass::as_str);
        live.fields.insert("class".into(), class.into());
        if let Some(days) = group.retention_in_days().filter(|_| class != "DELIVERY") {
            live.fields.insert("retention_days".into(), days.into());
        }
        if let Some(key) = group.kms_key_id() {
            live.fields.insert("kms_key".into(), key.into());
        }
        let protected = group.deletion_protection_enabled().unwrap_or_default();
        live.fields.insert("deletion_protection".into(), protected.into());
        live.set_tags(tags);
        live
    }

    /// All groups whose names begin with a prefix.
    async fn list(aws: &Aws, prefix: &str) -> Result<Vec<ApiLogGroup>, CloudError> {
        let mut pages = aws.logs().describe_log_groups().log_group_name_prefix(prefix).into_paginator().send();
        let mut groups = Vec::new();
        while let Some(page) = pages.next().await {
            groups.extend(page.map_err(failed(&DESCRIBE_LOG_GROUPS))?.log_groups.unwrap_or_default());
        }
        Ok(groups)
    }

    async fn tags(aws: &Aws, name: &str) -> Result<Tags, CloudError> {
        let arn = aws.facts().arn("logs", format_args!("log-group:{name}"));
        let answer = aws
            .logs()
            .list_tags_for_resource()
            .resource_arn(arn)
            .send()
            .await
            .map_err(failed(&LIST_TAGS_FOR_RESOURCE))?;
        Ok(answer.tags.unwrap_or_default().into_iter().collect())
    }

    async fn read(&self, cx: &Survey<'_>) -> Result<Vec<Sighting>, CloudError> {
        let wanted = cx.wanted(INFO.name);
        let mut names: Vec<String> = wanted.iter().map(|want| want.name.clone()).collect();
        let (marked, first) = futures::join!(cx.marked_names("logs", ":log-group:"), Self::under(cx.aws, &names));
        let marked = marked?;
        let mut groups = first?;
        let orphans: Vec<String> = marked.iter().filter(|name| !names.contains(name)).cloned().collect();
        if !orphans.is_empty() {
            groups.extend(Self::under(cx.aws, &orphans).await?);
            names.extend(orphans);
        }
        groups.retain(|group| group.log_group_name().is_some_and(|name| names.iter().any(|n| n == name)));
        let index = cx.marks().await?;
        let read = groups.iter().map(|group| async {
            let name = group.log_group_name().unwrap_or_default();
            let arn = cx.aws.facts().arn("logs", format_args!("log-group:{name}"));
            let want = wanted.iter().copied().find(|want| want.name == name);
            let settled = |arn: &str| cx.settled_tags(index, arn, want);
            let tags = match settled(&arn).or_else(|| settled(&format!("{arn}:*"))) {
                Some(tags) => tags,
                None => Self::tags(cx.aws, name).await?,
            };
            Ok::<_, CloudError>(Self::live(group, tags, cx.aws))
        });
        try_join_all(read).await
    }

    /// All groups under the common prefix of some names: one call for a whole stack, as names mostly share one.
    async fn under(aws: &Aws, names: &[String]) -> Result<Vec<ApiLogGroup>, CloudError> {
        match names {
            [] => Ok(Vec::new()),
            [name] => Self::list(aws, name).await,
            names => {
                let prefix = common_prefix(names);
                // A short prefix could list thousands of groups of others.
                if prefix.trim_matches('/').len() >= 3 {
                    return Self::list(aws, &prefix).await;
                }
                let lists = join_all(names.iter().map(|name| Self::list(aws, name))).await;
                lists.into_iter().collect::<Result<Vec<_>, _>>().map(|lists| lists.into_iter().flatten().collect())
            }
        }
    }
}

fn common_prefix(names: &[String]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let shared = |at: usize, c: char| names.iter().all(|name| name.chars().nth(at) == Some(c));
    first.chars().enumerate().take_while(|(at, c)| shared(*at, *c)).map(|(_, c)| c).collect()
}

#[async_trait]
impl Driver for LogGroup {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("logs:log-group")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.log_groups.get(key)?;
        let wish = cx
            .wish(&INFO, key, spec)
            .set("class", spec.class.map(|class| class.api()))
            .set("retention_days", spec.retention_days)
            .set("kms_key", spec.kms_key.as_deref())
            .set("deletion_protection", spec.deletion_protection);
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        match self.read(cx).await {
            Ok(seen) => Found { seen, ..Found::default() },
            Err(error) => Found::failure(cx.addresses(INFO.name), error),
        }
    }

    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let (groups, tags) = futures::join!(Self::list(aws, &target.name), Self::tags(aws, &target.name));
        let Some(group) = groups?.into_iter().find(|group| group.log_group_name() == Some(&target.name)) else {
            return Ok(Vec::new());
        };
        Ok(vec![Self::live(&group, tags?, aws)])
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        aws.logs_write()
            .create_log_group()
            .log_group_name(&want.name)
            .set_log_group_class(want.text("class").map(ApiClass::from))
            .set_kms_key_id(want.text("kms_key").map(str::to_owned))
            .set_tags(Some(want.tags().into_iter().collect()))
            .send()
            .await
            .map_err(failed(&CREATE_LOG_GROUP))?;
        let arn = aws.facts().arn("logs", format_args!("log-group:{}", want.name));
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
        let logs = aws.logs_write();
        let name = &want.name;
        match group {
            RETENTION => match want.int("retention_days").and_then(|days| i32::try_from(days).ok()) {
                Some(days) => {
                    let call = logs.put_retention_policy().log_group_name(name).retention_in_days(days);
                    call.send().await.map_err(failed(&PUT_RETENTION_POLICY))?;
                }
                None => {
                    let call = logs.delete_retention_policy().log_group_name(name);
                    gone_is_fine(call.send().await.map_err(failed(&DELETE_RETENTION_POLICY)))?;
                }
            },
            KMS => match want.text("kms_key") {
                Some(key) => {
                    let call = logs.associate_kms_key().log_group_name(name).kms_key_id(key);
                    call.send().await.map_err(failed(&ASSOCIATE_KMS_KEY))?;
                }
                None => {
                    let call = logs.disassociate_kms_key().log_group_name(name);
                    call.send().await.map_err(failed(&DISASSOCIATE_KMS_KEY))?;
                }
            },
            PROTECTION => {
                let on = want.bool("deletion_protection").unwrap_or_default();
                let call =
                    logs.put_log_group_deletion_protection().log_group_identifier(name).deletion_protection_enabled(on);
                call.send().await.map_err(failed(&PUT_LOG_GROUP_DELETION_PROTECTION))?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if !change.set.is_empty() {
                    let call =
                        logs.tag_resource().resource_arn(&live.id).set_tags(Some(change.set.into_iter().collect()));
                    call.send().await.map_err(failed(&TAG_RESOURCE))?;
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
        let call = aws.logs_write().delete_log_group().log_group_name(&live.name);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_LOG_GROUP)))
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws.logs_write().untag_resource().resource_arn(&live.id).set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_RESOURCE)))
    }
}
