//! All roles, users and customer-managed policies of the account in one read, shared by the IAM kinds.
//!
//! `GetAccountAuthorizationDetails` answers with tags, inline policies, attachments and boundaries of everything, page by page;
//! `ListRoles` adds what it lacks: descriptions and the length of sessions. Only what concerns the stack is kept, so an account
//! with thousands of roles costs pages, not memory.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, RoleDetail, UserDetail};
use hatoba_engine::cloud::CloudError;
use hatoba_engine::desired::Goal;
use hatoba_engine::owner::Mark;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::iam::parse_url_encoded;
use hatoba_model::kinds::trust::principals;

use super::iam_shared::{
    Principal, answered, attached_arns, boundary_arn, inline_policies, outlives, spell_as_wanted, tags_from,
};
use super::role::{LIST_ROLES, Role};
use super::service_linked_role::ECS_PATH;
use super::user::User;
use crate::aws::Aws;
use crate::classify::failed;
use crate::permissions::call::{ALWAYS, calls};
use crate::survey::Survey;
use crate::tags::Tags;

calls! {
    GET_ACCOUNT_AUTHORIZATION_DETAILS: Plan "iam:GetAccountAuthorizationDetails" => ALWAYS;
}

/// The most items that IAM lists on one page.
const PAGE: i32 = 1000;

/// What `GetAccountAuthorizationDetails` and `ListRoles` tell together, as far as it concerns the stack.
#[derive(Clone, Debug, Default)]
pub struct AccountDetails {
    /// The roles that are wanted or bear the stack's mark.
    pub roles: Vec<Sighting>,
    /// The users that are wanted or bear the stack's mark.
    pub users: Vec<Sighting>,
    /// All customer-managed policies. Their tags are not in this answer.
    pub policies: Vec<ListedPolicy>,
    /// The roles that go on existing without this stack, with the OIDC providers that they trust.
    pub trusting: Vec<Trusting>,
    /// Whether ECS has its service-linked role.
    pub ecs_role: bool,
}

/// A customer-managed policy without its tags.
#[derive(Clone, Debug, Default)]
pub struct ListedPolicy {
    /// The ARN.
    pub arn: String,
    /// The name.
    pub name: String,
    /// The path.
    pub path: String,
    /// The default version.
    pub version: String,
    /// The document of the default version in normal form; only for policies that are wanted.
    pub document: Option<Value>,
}

/// A role that trusts OIDC providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusting {
    /// The role's name.
    pub role: String,
    /// The ARNs of the providers.
    pub providers: Vec<String>,
}

/// What `ListRoles` adds to a role.
#[derive(Clone, Debug, Default)]
struct Listed {
    description: String,
    max_session: Option<i32>,
}

/// What the read looks for.
struct Interest<'a> {
    facts: &'a Facts,
    goal: &'a Goal,
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
    policies: BTreeSet<String>,
}

impl Interest<'_> {
    /// Whether something bears the mark of this stack, in this region.
    fn owns(&self, tags: &Tags) -> bool {
        Mark::from_tags(tags).is_some_and(|mark| self.goal.owns(&mark))
    }

    /// Whether something is wanted by name, or bears the mark.
    fn takes(&self, wanted: &BTreeSet<String>, name: &str, tags: &Tags) -> bool {
        wanted.contains(&name.to_ascii_lowercase()) || self.owns(tags)
    }
}

impl Survey<'_> {
    /// The account's roles, users and policies, read once.
    ///
    /// # Errors
    /// When the account could not be read.
    pub async fn account(&self) -> Result<&AccountDetails, CloudError> {
        self.account.get_or_init(|| read(self)).await.as_ref().map_err(Clone::clone)
    }
}

async fn read(cx: &Survey<'_>) -> Result<AccountDetails, CloudError> {
    let names = |kind: &str| -> BTreeSet<String> {
        cx.wanted(kind).into_iter().map(|want| want.name.to_ascii_lowercase()).collect()
    };
    let interest = Interest {
        facts: cx.aws.facts(),
        goal: cx.goal,
        roles: names("role"),
        users: names("user"),
        policies: names("policy"),
    };
    // Nothing that ListRoles adds matters to a role that is not compared with the file.
    let compared: BTreeSet<String> = cx
        .wanted("role")
        .into_iter()
        .filter(|want| !want.existing && !cx.goal.content)
        .map(|want| want.name.to_ascii_lowercase())
        .collect();
    let (details, listed) = futures::join!(authorization_details(cx.aws, &interest), list_roles(cx.aws, &compared));
    let (mut details, listed) = (details?, listed?);
    for role in &mut details.roles {
        if let Some(listed) = listed.get(&role.name) {
            role.fields.insert("description".into(), listed.description.clone().into());
            role.fields
                .insert("max_session".into(), listed.max_session.unwrap_or(super::role::SHORTEST_SESSION).into());
        }
    }
    let spelled = |kind: &str| -> Vec<String> { cx.wanted(kind).into_iter().map(|want| want.name.clone()).collect() };
    spell_as_wanted(&mut details.roles, &spelled("role"));
    spell_as_wanted(&mut details.users, &spelled("user"));
    Ok(details)
}

async fn authorization_details(aws: &Aws, interest: &Interest<'_>) -> Result<AccountDetails, CloudError> {
    let mut pages = aws
        .iam()
        .get_account_authorization_details()
        .filter(EntityType::Role)
        .filter(EntityType::User)
        .filter(EntityType::LocalManagedPolicy)
        .max_items(PAGE)
        .into_paginator()
        .send();
    let mut details = AccountDetails::default();
    // A page may be empty although more follow; the paginator goes by the marker alone.
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(&GET_ACCOUNT_AUTHORIZATION_DETAILS))?;
        for role in page.role_detail_list() {
            details.take_role(role, interest);
        }
        for user in page.user_detail_list() {
            details.take_user(user, interest);
        }
        details.policies.extend(page.policies().iter().filter_map(|policy| listed_policy(policy, interest)));
    }
    Ok(details)
}

impl AccountDetails {
    fn take_role(&mut self, role: &RoleDetail, interest: &Interest<'_>) {
        let Some(name) = role.role_name() else { return };
        let path = role.path().unwrap_or("/");
        self.ecs_role |= path == ECS_PATH;
        let tags = tags_from(role.tags());
        let trust = role.assume_role_policy_document().unwrap_or_default();
        let providers = trusted_providers(trust);
        let taken = interest.takes(&interest.roles, name, &tags);
        if !taken && providers.is_empty() {
            return;
        }
        let ours = interest.owns(&tags);
        let principal = Principal {
            name: name.to_owned(),
            path: path.to_owned(),
            tags,
            boundary: boundary_arn(role.permissions_boundary()),
            attached: Some(attached_arns(role.attached_managed_policies())),
            inline: Some(inline_policies(role.role_policy_list(), interest.facts)),
        };
        let live = Role::live(principal, Some(trust), interest.facts);
        if !providers.is_empty() && (!ours || outlives(&live)) {
            self.trusting.push(Trusting { role: name.to_owned(), providers });
        }
        if taken {
            self.roles.push(live);
        }
    }

    fn take_user(&mut self, user: &UserDetail, interest: &Interest<'_>) {
        let Some(name) = user.user_name() else { return };
        let tags = tags_from(user.tags());
        if !interest.takes(&interest.users, name, &tags) {
            return;
        }
        let principal = Principal {
            name: name.to_owned(),
            path: user.path().unwrap_or("/").to_owned(),
            tags,
            boundary: boundary_arn(user.permissions_boundary()),
            attached: Some(attached_arns(user.attached_managed_policies())),
            inline: Some(inline_policies(user.user_policy_list(), interest.facts)),
        };
        self.users.push(User::live(principal, interest.facts));
    }
}

/// The OIDC providers that a trust policy names.
fn trusted_providers(trust: &str) -> Vec<String> {
    // Most roles trust a service only; these letters stay as they are in the encoded text.
    if !trust.contains("oidc-provider") {
        return Vec::new();
    }
    let Ok(document) = parse_url_encoded(trust) else { return Vec::new() };
    principals(&document).into_iter().filter(|who| who.contains(":oidc-provider/")).map(str::to_owned).collect()
}

fn listed_policy(policy: &ManagedPolicyDetail, interest: &Interest<'_>) -> Option<ListedPolicy> {
    let arn = policy.arn()?;
    // The name is also the end of the ARN.
    let name = policy.policy_name().or_else(|| arn.rsplit('/').next())?;
    let version = policy.default_version_id().unwrap_or_default();
    let mut listed = ListedPolicy {
        arn: arn.to_owned(),
        name: name.to_owned(),
        path: policy.path().unwrap_or("/").to_owned(),
        version: version.to_owned(),
        document: None,
    };
    if interest.policies.contains(&name.to_ascii_lowercase()) {
        let versions = policy.policy_version_list();
        let default = versions
            .iter()
            .find(|v| v.version_id() == Some(version))
            .or_else(|| versions.iter().find(|v| v.is_default_version()));
        listed.document = default.and_then(|version| version.document()).map(|text| answered(text, interest.facts));
    }
    Some(listed)
}

async fn list_roles(aws: &Aws, wanted: &BTreeSet<String>) -> Result<BTreeMap<String, Listed>, CloudError> {
    let mut roles = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(roles);
    }
    let mut pages = aws.iam().list_roles().max_items(PAGE).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(failed(&LIST_ROLES))?;
        for role in page.roles().iter().filter(|role| wanted.contains(&role.role_name().to_ascii_lowercase())) {
            let description = role.description().unwrap_or_default().to_owned();
            roles.insert(role.role_name().to_owned(), Listed { description, max_session: role.max_session_duration() });
        }
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::trusted_providers;

    #[test]
    fn providers_are_read_from_encoded_trust_policies() {
        let trust = "%7B%22Statement%22%3A%7B%22Principal%22%3A%7B%22Federated%22%3A%22arn%3Aaws%3Aiam%3A%3A123456789012%3Aoidc-provider%2Ftoken.actions.githubusercontent.com%22%7D%7D%7D";
        assert_eq!(
            trusted_providers(trust),
            ["arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"]
        );
        let service = r#"{"Statement":[{"Principal":{"Service":"ecs-tasks.amazonaws.com"}}]}"#;
        assert!(trusted_providers(service).is_empty());
    }
}
