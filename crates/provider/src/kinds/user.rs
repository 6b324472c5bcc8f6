//! IAM users. Source: IAM API reference. No call here makes a credential.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::User as ApiUser;
use futures::stream::{self, StreamExt, TryStreamExt};
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::{ReadFailure, Sighting};
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;

use super::iam_shared::{self, Principal, answered, attached_arns, boundary_arn, tags_from, tags_to};
use super::user_credentials;
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{Call, Form, On, Run, Subject, calls};
use crate::survey::{Found, Survey};
use crate::tags;

/// Users.
#[derive(Debug)]
pub struct User;

/// How many reads of single users run at once.
const READS: usize = 16;

const BOUNDARY: &str = "PutUserPermissionsBoundary";
const ATTACH: &str = "AttachUserPolicy";
const INLINE: &str = "PutUserPolicy";
const UPDATE: &str = "UpdateUser";
const TAGS: &str = "TagUser";

calls! {
    GET_USER: Plan "iam:GetUser"
        => Form::Each(|s| user(s).when(s.run != Run::Plan || s.has("permissions_boundary")));
    LIST_ATTACHED_USER_POLICIES: Change "iam:ListAttachedUserPolicies" => USER;
    LIST_USER_POLICIES: Change "iam:ListUserPolicies" => USER;
    GET_USER_POLICY: Apply "iam:GetUserPolicy" => USER;
    CREATE_USER: Apply "iam:CreateUser" => USER, "iam:TagUser" => USER;
    PUT_USER_PERMISSIONS_BOUNDARY: Apply "iam:PutUserPermissionsBoundary"
        => Form::Each(|s| user(s).when(s.has("permissions_boundary")));
    DELETE_USER_PERMISSIONS_BOUNDARY: Apply "iam:DeleteUserPermissionsBoundary"
        => Form::Each(|s| user(s).when(!s.has("permissions_boundary")));
    ATTACH_USER_POLICY: Apply "iam:AttachUserPolicy" => Form::Each(|s| user(s).when(s.has("managed_policies")));
    DETACH_USER_POLICY: Change "iam:DetachUserPolicy" => USER;
    PUT_USER_POLICY: Apply "iam:PutUserPolicy" => Form::Each(|s| user(s).when(s.has("inline_policies")));
    DELETE_USER_POLICY: Change "iam:DeleteUserPolicy" => USER;
    UPDATE_USER: Apply "iam:UpdateUser" => USER;
    TAG_USER: Apply "iam:TagUser" => USER;
    UNTAG_USER: Change "iam:UntagUser" => Form::Each(|s| user(s).when(s.untags()));
    DELETE_USER: Destroy "iam:DeleteUser" => USER;
}

pub(super) const USER: Form = Form::Each(user);

fn user(s: &Subject<'_>) -> On {
    On::arn(s.iam("user"))
}

static INFO: KindInfo = KindInfo {
    name: "user",
    title: "user",
    create_call: "CreateUser",
    delete_call: "DeleteUser",
    fields: &[
        Field::update("path", UPDATE).default(|| "/".into()),
        Field::update("permissions_boundary", BOUNDARY),
        Field::update("managed_policies", ATTACH).after_create(),
        Field::update("inline_policies", INLINE).after_create(),
        Field::update("tags", TAGS),
    ],
    groups: &[
        Group::new(BOUNDARY),
        Group::new(ATTACH),
        Group::new(INLINE),
        Group::new(TAGS),
        Group::new(UPDATE).renews(&["arn"]),
    ],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 4,
};

impl User {
    /// The normal form of what a read told.
    pub(super) fn live(principal: Principal, facts: &Facts) -> Sighting {
        principal.sighting(&INFO, "user", facts)
    }

    async fn get(aws: &Aws, name: &str) -> Result<Option<ApiUser>, CloudError> {
        let answer = aws.iam().get_user().user_name(name).send().await.map_err(failed(&GET_USER));
        Ok(missing_is_none(answer)?.and_then(|answer| answer.user))
    }

    async fn attached(aws: &Aws, name: &str) -> Result<Vec<String>, CloudError> {
        let mut pages = aws.iam().list_attached_user_policies().user_name(name).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            match missing_is_none(page.map_err(failed(&LIST_ATTACHED_USER_POLICIES)))? {
                Some(page) => arns.extend(attached_arns(page.attached_policies())),
                None => break,
            }
        }
        Ok(arns)
    }

    async fn inline_names(aws: &Aws, name: &str) -> Result<Vec<String>, CloudError> {
        let mut pages = aws.iam().list_user_policies().user_name(name).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            match missing_is_none(page.map_err(failed(&LIST_USER_POLICIES)))? {
                Some(page) => names.extend(page.policy_names().iter().cloned()),
                None => break,
            }
        }
        Ok(names)
    }

    async fn inline(aws: &Aws, name: &str) -> Result<BTreeMap<String, Value>, CloudError> {
        let names = Self::inline_names(aws, name).await?;
        let read = |policy: String| async move {
            let call = aws.iam().get_user_policy().user_name(name).policy_name(&policy);
            let answer = missing_is_none(call.send().await.map_err(failed(&GET_USER_POLICY)))?;
            Ok(answer.map(|answer| (policy, answered(answer.policy_document(), aws.facts()))))
        };
        let read: Vec<Option<_>> = stream::iter(names.into_iter().map(read)).buffered(READS).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Detaches managed policies and deletes inline ones.
    async fn remove(aws: &Aws, name: &str, attached: Vec<String>, inline: Vec<String>) -> Result<(), CloudError> {
        for arn in attached {
            let call = aws.iam_write().detach_user_policy().user_name(name).policy_arn(arn);
            gone_is_fine(call.send().await.map_err(failed(&DETACH_USER_POLICY)))?;
        }
        for policy in inline {
            let call = aws.iam_write().delete_user_policy().user_name(name).policy_name(policy);
            gone_is_fine(call.send().await.map_err(failed(&DELETE_USER_POLICY)))?;
        }
        Ok(())
    }

    async fn delete_now(aws: &Aws, name: &str) -> Result<(), CloudError> {
        let call = aws.iam_write().delete_user().user_name(name);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_USER)))
    }
}

#[async_trait]
impl Driver for User {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        [CALLS, user_credentials::CALLS].concat()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        None
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.users.get(key)?;
        let wish = cx.wish(&INFO, key, spec).global(cx.facts).set("path", spec.path.as_deref());
        let boundary = spec.permissions_boundary.as_deref();
        Some(iam_shared::wish_policies(wish, cx, &spec.managed_policies, &spec.inline_policies, None, boundary).done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        let account = match cx.account().await {
            Ok(account) => account,
            Err(error) => return Found::failure(cx.addresses(INFO.name), error),
        };
        let mut found = Found { seen: account.users.clone(), ..Found::default() };
        // An account read that shows no boundary where one is wanted is confirmed before a change is planned.
        let doubtful = iam_shared::without_boundary(&cx.wanted(INFO.name), &found.seen);
        let mut reads = Vec::new();
        for want in doubtful {
            reads.push(async move { (want, Self::get(cx.aws, &want.name).await) });
        }
        let read: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
        for (want, user) in read {
            match user {
                Ok(user) => {
                    let boundary = user.as_ref().and_then(|user| boundary_arn(user.permissions_boundary()));
                    iam_shared::add_boundary(&mut found.seen, &want.name, boundary);
                }
                Err(error) => found.failures.push(ReadFailure { addresses: vec![want.address.clone()], error }),
            }
        }
        found
    }

    async fn look(&self, aws: &Aws, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        let name = &target.name;
        let (user, attached, inline) = match depth {
            Depth::Mark => (Self::get(aws, name).await?, None, None),
            Depth::Full => {
                let (user, attached, inline) =
                    futures::try_join!(Self::get(aws, name), Self::attached(aws, name), Self::inline(aws, name))?;
                (user, Some(attached), Some(inline))
            }
        };
        let sighting = |user: ApiUser| {
            let principal = Principal {
                name: user.user_name().to_owned(),
                path: user.path().to_owned(),
                tags: tags_from(user.tags()),
                boundary: boundary_arn(user.permissions_boundary()),
                attached,
                inline,
            };
            Self::live(principal, aws.facts())
        };
        Ok(user.map(sighting).into_iter().collect())
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let path = want.text("path").unwrap_or("/");
        aws.iam_write()
            .create_user()
            .user_name(&want.name)
            .path(path)
            .set_permissions_boundary(want.text("permissions_boundary").map(str::to_owned))
            .set_tags(tags_to(want.tags())?)
            .send()
            .await
            .map_err(failed(&CREATE_USER))?;
        let arn = aws.facts().iam_arn(format_args!("user{path}{}", want.name));
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
        let name = &want.name;
        match group {
            BOUNDARY => match want.text("permissions_boundary") {
                Some(arn) => {
                    let call = iam.put_user_permissions_boundary().user_name(name).permissions_boundary(arn);
                    call.send().await.map_err(failed(&PUT_USER_PERMISSIONS_BOUNDARY))?;
                }
                None => {
                    let call = iam.delete_user_permissions_boundary().user_name(name);
                    gone_is_fine(call.send().await.map_err(failed(&DELETE_USER_PERMISSIONS_BOUNDARY)))?;
                }
            },
            ATTACH => {
                let (attach, detach) = iam_shared::attachments(want, live);
                for arn in attach {
                    let call = iam.attach_user_policy().user_name(name).policy_arn(arn);
                    call.send().await.map_err(failed(&ATTACH_USER_POLICY))?;
                }
                Self::remove(aws, name, detach, Vec::new()).await?;
            }
            INLINE => {
                let (put, delete) = iam_shared::inline_changes(want, live);
                for (policy, document) in put {
                    let call = iam.put_user_policy().user_name(name).policy_name(policy).policy_document(document);
                    call.send().await.map_err(failed(&PUT_USER_POLICY))?;
                }
                Self::remove(aws, name, Vec::new(), delete).await?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if let Some(set) = tags_to(change.set)? {
                    iam.tag_user().user_name(name).set_tags(Some(set)).send().await.map_err(failed(&TAG_USER))?;
                }
                if !change.remove.is_empty() {
                    self.untag(aws, live, change.remove).await?;
                }
            }
            UPDATE => {
                let path = want.text("path").unwrap_or("/");
                iam.update_user().user_name(name).new_path(path).send().await.map_err(failed(&UPDATE_USER))?;
                return Ok(Receipt::arn(aws.facts().iam_arn(format_args!("user{path}{name}"))));
            }
            other => return Err(crate::driver::no_such_group(&INFO, other)),
        }
        Ok(Receipt::default())
    }

    async fn delete(&self, aws: &Aws, live: &Sighting, _: bool) -> Result<(), CloudError> {
        let name = &live.name;
        Self::remove(aws, name, iam_shared::attached(live), iam_shared::inline_names(live)).await?;
        let refused = match Self::delete_now(aws, name).await {
            Err(error) if iam_shared::is_delete_conflict(&error) => error,
            other => return other,
        };
        // Somebody has given the user credentials, groups or more policies since.
        Self::remove(aws, name, Self::attached(aws, name).await?, Self::inline_names(aws, name).await?).await?;
        let stripped = user_credentials::strip(aws, name).await;
        match Self::delete_now(aws, name).await {
            // What could not be taken off is the likelier reason.
            Err(error) if iam_shared::is_delete_conflict(&error) => Err(stripped.err().unwrap_or(refused)),
            other => other,
        }
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws.iam_write().untag_user().user_name(&live.name).set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_USER)))
    }
}
