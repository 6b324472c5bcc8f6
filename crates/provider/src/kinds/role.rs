//! IAM roles. Source: IAM API reference.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::types::Role as ApiRole;
use futures::stream::{self, StreamExt, TryStreamExt};
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Goal, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::{ReadFailure, Sighting};
use hatoba_engine::value::Value;
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::iam::grants::Grant;
use hatoba_model::iam::parse_url_encoded;
use hatoba_model::iam::permission::policy;
use hatoba_model::kinds::grant_facts::grants_policy;
use hatoba_model::kinds::role::{GRANTS_POLICY, Role as Spec};
use hatoba_model::kinds::trust::principals;
use serde_json::json;

use super::iam_shared::{self, Principal, answered, attached_arns, boundary_arn, tags_from, tags_to};
use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::{Desire, Wish};
use crate::driver::Driver;
use crate::permissions::call::{Call, Form, On, Run, Subject, calls};
use crate::permissions::needed::granted;
use crate::survey::{Found, Survey};
use crate::tags;

/// Roles.
#[derive(Debug)]
pub struct Role;

/// How long sessions last unless the file says otherwise, in seconds.
pub(super) const SHORTEST_SESSION: i32 = 3600;

/// How many reads of single roles run at once.
const READS: usize = 16;

const BOUNDARY: &str = "PutRolePermissionsBoundary";
const ATTACH: &str = "AttachRolePolicy";
const INLINE: &str = "PutRolePolicy";
const TRUST: &str = "UpdateAssumeRolePolicy";
const UPDATE: &str = "UpdateRole";
const TAGS: &str = "TagRole";

calls! {
    // Without a boundary in the file it is only asked before a change.
    GET_ROLE: Plan "iam:GetRole"
        => Form::Each(|s| role(s).when(s.run != Run::Plan || s.has("permissions_boundary")));
    LIST_ROLES: Plan "iam:ListRoles" => Form::Each(|s| On::any().when(s.run != Run::Destroy && !s.existing));
    LIST_ATTACHED_ROLE_POLICIES: Change "iam:ListAttachedRolePolicies" => ROLE;
    LIST_ROLE_POLICIES: Change "iam:ListRolePolicies" => ROLE;
    GET_ROLE_POLICY: Apply "iam:GetRolePolicy" => ROLE;
    CREATE_ROLE: Apply "iam:CreateRole" => ROLE, "iam:TagRole" => ROLE;
    PUT_ROLE_PERMISSIONS_BOUNDARY: Apply "iam:PutRolePermissionsBoundary"
        => Form::Each(|s| role(s).when(s.has("permissions_boundary")));
    DELETE_ROLE_PERMISSIONS_BOUNDARY: Apply "iam:DeleteRolePermissionsBoundary"
        => Form::Each(|s| role(s).when(!s.has("permissions_boundary")));
    ATTACH_ROLE_POLICY: Apply "iam:AttachRolePolicy" => Form::Each(|s| role(s).when(s.has("managed_policies")));
    DETACH_ROLE_POLICY: Change "iam:DetachRolePolicy" => ROLE;
    PUT_ROLE_POLICY: Apply "iam:PutRolePolicy" => Form::Each(|s| role(s).when(s.has("inline_policies")));
    DELETE_ROLE_POLICY: Change "iam:DeleteRolePolicy" => ROLE;
    UPDATE_ASSUME_ROLE_POLICY: Apply "iam:UpdateAssumeRolePolicy" => ROLE;
    UPDATE_ROLE: Apply "iam:UpdateRole" => ROLE;
    TAG_ROLE: Apply "iam:TagRole" => ROLE;
    UNTAG_ROLE: Change "iam:UntagRole" => Form::Each(|s| role(s).when(s.untags()));
    LIST_INSTANCE_PROFILES_FOR_ROLE: Destroy "iam:ListInstanceProfilesForRole" => ROLE;
    REMOVE_ROLE_FROM_INSTANCE_PROFILE: Destroy "iam:RemoveRoleFromInstanceProfile"
        => Form::Each(|s| On::arn(s.facts.iam_arn("instance-profile/*")));
    DELETE_ROLE: Destroy "iam:DeleteRole" => ROLE;
}

const ROLE: Form = Form::Each(role);

fn role(s: &Subject<'_>) -> On {
    On::arn(s.iam("role"))
}

static INFO: KindInfo = KindInfo {
    name: "role",
    title: "role",
    create_call: "CreateRole",
    delete_call: "DeleteRole",
    fields: &[
        Field::replace("path").default(|| "/".into()),
        Field::update("trust", TRUST),
        Field::update("description", UPDATE).default(|| "".into()),
        Field::update("max_session", UPDATE).default(|| SHORTEST_SESSION.into()),
        Field::update("permissions_boundary", BOUNDARY),
        Field::update("managed_policies", ATTACH).after_create(),
        Field::update("inline_policies", INLINE).after_create(),
        Field::update("tags", TAGS),
    ],
    // Limits come first, and nobody new is let in before the role may do what it should.
    groups: &[
        Group::new(BOUNDARY),
        Group::new(ATTACH),
        Group::new(INLINE),
        Group::new(TRUST),
        Group::new(UPDATE),
        Group::new(TAGS),
    ],
    ownership: Ownership::Tags,
    settles: false,
    // IAM publishes no rates; more writes at once are throttled.
    parallel: 4,
};

impl Role {
    /// The normal form of what a read told. Description and length of sessions come from elsewhere.
    pub(super) fn live(principal: Principal, trust: Option<&str>, facts: &Facts) -> Sighting {
        let mut live = principal.sighting(&INFO, "role", facts);
        if let Some(trust) = trust {
            live.fields.insert("trust".into(), answered(trust, facts));
            if let Ok(document) = parse_url_encoded(trust) {
                // A provider may be deleted under a role, but then nobody can use the role while it still exists.
                let providers = principals(&document).into_iter().filter(|who| who.contains(":oidc-provider/"));
                live.uses.extend(providers.map(str::to_owned));
            }
        }
        live
    }

    /// The normal form of what `GetRole` answers, with policies if they were read.
    fn answered(
        role: &ApiRole,
        attached: Option<Vec<String>>,
        inline: Option<BTreeMap<String, Value>>,
        facts: &Facts,
    ) -> Sighting {
        let principal = Principal {
            name: role.role_name().to_owned(),
            path: role.path().to_owned(),
            tags: tags_from(role.tags()),
            boundary: boundary_arn(role.permissions_boundary()),
            attached,
            inline,
        };
        let mut live = Self::live(principal, role.assume_role_policy_document(), facts);
        live.fields.insert("description".into(), role.description().unwrap_or_default().into());
        live.fields.insert("max_session".into(), role.max_session_duration().unwrap_or(SHORTEST_SESSION).into());
        live
    }

    async fn get(aws: &Aws, name: &str) -> Result<Option<ApiRole>, CloudError> {
        let answer = aws.iam().get_role().role_name(name).send().await.map_err(failed(&GET_ROLE));
        Ok(missing_is_none(answer)?.and_then(|answer| answer.role))
    }

    async fn attached(aws: &Aws, name: &str) -> Result<Vec<String>, CloudError> {
        let mut pages = aws.iam().list_attached_role_policies().role_name(name).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            match missing_is_none(page.map_err(failed(&LIST_ATTACHED_ROLE_POLICIES)))? {
                Some(page) => arns.extend(attached_arns(page.attached_policies())),
                None => break,
            }
        }
        Ok(arns)
    }

    async fn inline_names(aws: &Aws, name: &str) -> Result<Vec<String>, CloudError> {
        let mut pages = aws.iam().list_role_policies().role_name(name).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            match missing_is_none(page.map_err(failed(&LIST_ROLE_POLICIES)))? {
                Some(page) => names.extend(page.policy_names().iter().cloned()),
                None => break,
            }
        }
        Ok(names)
    }

    async fn inline(aws: &Aws, name: &str) -> Result<BTreeMap<String, Value>, CloudError> {
        let names = Self::inline_names(aws, name).await?;
        let read = |policy: String| async move {
            let call = aws.iam().get_role_policy().role_name(name).policy_name(&policy);
            let answer = missing_is_none(call.send().await.map_err(failed(&GET_ROLE_POLICY)))?;
            Ok(answer.map(|answer| (policy, self::answered(answer.policy_document(), aws.facts()))))
        };
        let read: Vec<Option<_>> = stream::iter(names.into_iter().map(read)).buffered(READS).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Takes off everything that hangs on a role, whoever put it there.
    async fn strip(aws: &Aws, name: &str) -> Result<(), CloudError> {
        let iam = aws.iam_write();
        let mut pages = aws.iam().list_instance_profiles_for_role().role_name(name).into_paginator().send();
        let mut profiles = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&LIST_INSTANCE_PROFILES_FOR_ROLE))?;
            profiles.extend(page.instance_profiles().iter().map(|profile| profile.instance_profile_name().to_owned()));
        }
        for profile in profiles {
            let call = iam.remove_role_from_instance_profile().role_name(name).instance_profile_name(profile);
            gone_is_fine(call.send().await.map_err(failed(&REMOVE_ROLE_FROM_INSTANCE_PROFILE)))?;
        }
        Self::remove(aws, name, Self::attached(aws, name).await?, Self::inline_names(aws, name).await?).await
    }

    /// Detaches managed policies and deletes inline ones.
    async fn remove(aws: &Aws, name: &str, attached: Vec<String>, inline: Vec<String>) -> Result<(), CloudError> {
        for arn in attached {
            let call = aws.iam_write().detach_role_policy().role_name(name).policy_arn(arn);
            gone_is_fine(call.send().await.map_err(failed(&DETACH_ROLE_POLICY)))?;
        }
        for policy in inline {
            let call = aws.iam_write().delete_role_policy().role_name(name).policy_name(policy);
            gone_is_fine(call.send().await.map_err(failed(&DELETE_ROLE_POLICY)))?;
        }
        Ok(())
    }

    async fn delete_now(aws: &Aws, name: &str) -> Result<(), CloudError> {
        let call = aws.iam_write().delete_role().role_name(name);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_ROLE)))
    }
}

/// Whom a policy names has to exist first where it is of this stack: AWS refuses unknown roles and users, and nobody could
/// use a role before its provider is there. `own` is the key of the role whose policy it is.
pub(super) fn needs_principals(mut wish: Wish, cx: &Desire<'_>, own: Option<&str>, policy: &serde_json::Value) -> Wish {
    let named = principals(policy);
    for (section, kind) in [("oidc_providers", "oidc_provider"), ("roles", "role"), ("users", "user")] {
        for other in cx.stack.keys(section) {
            let arn = cx.computed(section, other, "arn");
            let itself = kind == INFO.name && own == Some(other);
            if !itself && arn.is_some_and(|arn| named.contains(&arn.as_str())) {
                wish = wish.needs(kind, other);
            }
        }
    }
    wish
}

/// Whether a role is granted whole runs.
fn grants_runs(spec: &Spec) -> bool {
    spec.grants.iter().any(|grant| matches!(grant, Grant::Plan(_) | Grant::Apply(_)))
}

/// Writes the policies of the roles that are granted whole runs.
pub(crate) fn grant_runs(cx: &Desire<'_>, goal: &mut Goal) {
    for (key, spec) in cx.stack.roles.iter().filter(|(_, spec)| grants_runs(spec)) {
        let policy = policy(&granted(&spec.grants, cx.stack, goal, cx.facts));
        let policies = goal.resources.get_mut(&Address::new(INFO.name, key.as_str()));
        if let (Some(policy), Some(want)) = (policy, policies)
            && let Some(Value::Map(policies)) = want.fields.get_mut("inline_policies")
        {
            policies.insert(GRANTS_POLICY.to_owned(), iam_shared::document(&policy, cx.facts));
        }
    }
}

#[async_trait]
impl Driver for Role {
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
        let spec = cx.stack.roles.get(key)?;
        let trust = spec.trust.as_ref().and_then(|trust| trust.document(cx.stack, cx.facts));
        let mut wish = cx
            .wish(&INFO, key, spec)
            .global(cx.facts)
            .set("path", spec.path.as_deref())
            .set("trust", trust.as_ref().map(|trust| iam_shared::document(trust, cx.facts)))
            .set("description", spec.description.as_deref())
            .set("max_session", spec.max_session);
        if let Some(trust) = &trust {
            wish = needs_principals(wish, cx, Some(key), trust);
        }
        // What whole runs need follows from everything that is wanted: `grant_runs` writes it once that is known.
        let granted = grants_policy(&spec.grants, cx.stack, cx.facts).or(grants_runs(spec).then(|| json!({})));
        let granted = granted.map(|policy| (GRANTS_POLICY, policy));
        let boundary = spec.permissions_boundary.as_deref();
        Some(
            iam_shared::wish_policies(wish, cx, &spec.managed_policies, &spec.inline_policies, granted, boundary)
                .done(),
        )
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        let account = match cx.account().await {
            Ok(account) => account,
            Err(error) => return Found::failure(cx.addresses(INFO.name), error),
        };
        let mut found = Found { seen: account.roles.clone(), ..Found::default() };
        // An account read that shows no boundary where one is wanted is confirmed before a change is planned.
        let doubtful = iam_shared::without_boundary(&cx.wanted(INFO.name), &found.seen);
        let mut reads = Vec::new();
        for want in doubtful {
            reads.push(async move { (want, Self::get(cx.aws, &want.name).await) });
        }
        let read: Vec<_> = stream::iter(reads).buffered(READS).collect().await;
        for (want, role) in read {
            match role {
                Ok(role) => {
                    let boundary = role.as_ref().and_then(|role| boundary_arn(role.permissions_boundary()));
                    iam_shared::add_boundary(&mut found.seen, &want.name, boundary);
                }
                Err(error) => found.failures.push(ReadFailure { addresses: vec![want.address.clone()], error }),
            }
        }
        found
    }

    async fn look(&self, aws: &Aws, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        let name = &target.name;
        let (role, attached, inline) = match depth {
            Depth::Mark => (Self::get(aws, name).await?, None, None),
            Depth::Full => {
                let (role, attached, inline) =
                    futures::try_join!(Self::get(aws, name), Self::attached(aws, name), Self::inline(aws, name))?;
                (role, Some(attached), Some(inline))
            }
        };
        Ok(role.map(|role| Self::answered(&role, attached, inline, aws.facts())).into_iter().collect())
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let path = want.text("path").unwrap_or("/");
        aws.iam_write()
            .create_role()
            .role_name(&want.name)
            .path(path)
            .set_assume_role_policy_document(want.text("trust").map(str::to_owned))
            .set_description(want.text("description").filter(|text| !text.is_empty()).map(str::to_owned))
            .set_max_session_duration(want.int("max_session").and_then(|seconds| i32::try_from(seconds).ok()))
            .set_permissions_boundary(want.text("permissions_boundary").map(str::to_owned))
            .set_tags(tags_to(want.tags())?)
            .send()
            .await
            .map_err(failed(&CREATE_ROLE))?;
        let arn = aws.facts().iam_arn(format_args!("role{path}{}", want.name));
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
                    let call = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
                    call.send().await.map_err(failed(&PUT_ROLE_PERMISSIONS_BOUNDARY))?;
                }
                None => {
                    let call = iam.delete_role_permissions_boundary().role_name(name);
                    gone_is_fine(call.send().await.map_err(failed(&DELETE_ROLE_PERMISSIONS_BOUNDARY)))?;
                }
            },
            ATTACH => {
                let (attach, detach) = iam_shared::attachments(want, live);
                for arn in attach {
                    let call = iam.attach_role_policy().role_name(name).policy_arn(arn);
                    call.send().await.map_err(failed(&ATTACH_ROLE_POLICY))?;
                }
                Self::remove(aws, name, detach, Vec::new()).await?;
            }
            INLINE => {
                let (put, delete) = iam_shared::inline_changes(want, live);
                for (policy, document) in put {
                    let call = iam.put_role_policy().role_name(name).policy_name(policy).policy_document(document);
                    call.send().await.map_err(failed(&PUT_ROLE_POLICY))?;
                }
                Self::remove(aws, name, Vec::new(), delete).await?;
            }
            TRUST => {
                let document = want.text("trust").unwrap_or_default();
                let call = iam.update_assume_role_policy().role_name(name).policy_document(document);
                call.send().await.map_err(failed(&UPDATE_ASSUME_ROLE_POLICY))?;
            }
            UPDATE => {
                // What is left out stays as it is, so defaults are spelled out.
                iam.update_role()
                    .role_name(name)
                    .description(want.text("description").unwrap_or_default())
                    .set_max_session_duration(want.int("max_session").and_then(|seconds| i32::try_from(seconds).ok()))
                    .send()
                    .await
                    .map_err(failed(&UPDATE_ROLE))?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if let Some(set) = tags_to(change.set)? {
                    iam.tag_role().role_name(name).set_tags(Some(set)).send().await.map_err(failed(&TAG_ROLE))?;
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
        let name = &live.name;
        Self::remove(aws, name, iam_shared::attached(live), iam_shared::inline_names(live)).await?;
        match Self::delete_now(aws, name).await {
            // Somebody has put more on it since, or it is in an instance profile.
            Err(error) if iam_shared::is_delete_conflict(&error) => {
                Self::strip(aws, name).await?;
                Self::delete_now(aws, name).await
            }
            other => other,
        }
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws.iam_write().untag_role().role_name(&live.name).set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_ROLE)))
    }
}

#[cfg(test)]
#[path = "role_tests.rs"]
mod tests;
