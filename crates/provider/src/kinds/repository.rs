//! ECR repositories. Source: ECR API reference.

mod documents;
pub mod image;

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_ecr::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability,
    ImageTagMutabilityExclusionFilter, ImageTagMutabilityExclusionFilterType, Repository as ApiRepository, Tag,
};
use futures::future::try_join_all;
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, OnDestroy, Resolved};
use hatoba_engine::diff::differences;
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::owner::TAG_ON_DESTROY;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::Resource;
use hatoba_model::kinds::repository::{Encryption, OnDestroy as SpecOnDestroy, Repository as Spec, document};
use serde_json::json;

use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::json::json_call;
use crate::kinds::role::needs_principals;
use crate::permissions::call::{Call, Form, On, Subject, calls};
use crate::survey::{Found, Survey};
use crate::tags::{self, Tags};

/// Repositories.
#[derive(Debug)]
pub struct Repository;

const MUTABILITY: &str = "PutImageTagMutability";
const SCANNING: &str = "PutImageScanningConfiguration";
const LIFECYCLE: &str = "PutLifecyclePolicy";
const POLICY: &str = "SetRepositoryPolicy";
const TAGS: &str = "TagResource";

/// The tag that tells that we set the lifecycle, for when the file no longer has one.
const TAG_LIFECYCLE: &str = "hatoba:lifecycle";

/// What stands for the account's own key for ECR: without a key ECR uses this one, and answers with the key's ARN.
const OWN_KEY: &str = "alias/aws/ecr";

/// How many names one `DescribeRepositories` takes.
const BATCH: usize = 100;
/// How many pages of images are counted before it is called "more than".
const PAGES: usize = 10;

calls! {
    // With a name that does not exist among several, all repositories are listed.
    DESCRIBE_REPOSITORIES: Plan "ecr:DescribeRepositories"
        => Form::Each(|s| if s.has_siblings { On::arn(s.arn("ecr", "repository/*")) } else { repository(s) });
    LIST_TAGS_FOR_RESOURCE: Plan "ecr:ListTagsForResource" => REPOSITORY;
    GET_LIFECYCLE_POLICY: Compare "ecr:GetLifecyclePolicy" => REPOSITORY;
    GET_REPOSITORY_POLICY: Compare "ecr:GetRepositoryPolicy" => REPOSITORY;
    DESCRIBE_IMAGES: Plan "ecr:DescribeImages" => REPOSITORY;
    CREATE_REPOSITORY: Apply "ecr:CreateRepository"
        => REPOSITORY,
        "ecr:TagResource" => REPOSITORY,
        "kms:CreateGrant" => KEY,
        "kms:DescribeKey" => KEY;
    PUT_IMAGE_TAG_MUTABILITY: Apply "ecr:PutImageTagMutability" => REPOSITORY;
    PUT_IMAGE_SCANNING_CONFIGURATION: Apply "ecr:PutImageScanningConfiguration" => REPOSITORY;
    PUT_LIFECYCLE_POLICY: Apply "ecr:PutLifecyclePolicy" => Form::Each(|s| repository(s).when(s.has("lifecycle")));
    DELETE_LIFECYCLE_POLICY: Apply "ecr:DeleteLifecyclePolicy"
        => Form::Each(|s| repository(s).when(!s.has("lifecycle")));
    SET_REPOSITORY_POLICY: Apply "ecr:SetRepositoryPolicy" => Form::Each(|s| repository(s).when(s.has("policy")));
    DELETE_REPOSITORY_POLICY: Apply "ecr:DeleteRepositoryPolicy"
        => Form::Each(|s| repository(s).when(!s.has("policy")));
    TAG_RESOURCE: Apply "ecr:TagResource" => REPOSITORY;
    UNTAG_RESOURCE: Change "ecr:UntagResource" => Form::Each(|s| repository(s).when(s.untags()));
    DELETE_REPOSITORY: Destroy "ecr:DeleteRepository"
        => REPOSITORY,
        "ecr:BatchDeleteImage" => Form::Each(|s| repository(s).when(s.may_empty)),
        "kms:RetireGrant" => KEY;
}

const REPOSITORY: Form = Form::Each(repository);
/// A key that the file names: ECR uses it with a grant of whoever creates the repository.
const KEY: Form = Form::Each(|s| {
    let key = s.fields.get("encryption").and_then(|encryption| encryption.get("key")?.as_text());
    On::arns(key.filter(|key| key.starts_with("arn:")))
});

fn repository(s: &Subject<'_>) -> On {
    On::arn(output(s.name, "arn", s.facts))
}

static INFO: KindInfo = KindInfo {
    name: "repository",
    title: "repository",
    create_call: "CreateRepository",
    delete_call: "DeleteRepository",
    fields: &[
        Field::replace("encryption").default(|| encryption("AES256", None)),
        Field::update("mutability", MUTABILITY).default(|| "MUTABLE".into()),
        Field::update("mutability_exclusions", MUTABILITY),
        Field::update("scan_on_push", SCANNING).default(|| false.into()),
        Field::update("lifecycle", LIFECYCLE).after_create(),
        Field::update("policy", POLICY).after_create(),
        // Last: the tag that tells of a document goes after the document itself.
        Field::update("tags", TAGS),
    ],
    groups: &[
        Group::new(MUTABILITY),
        Group::new(SCANNING),
        Group::new(LIFECYCLE),
        Group::new(POLICY),
        Group::new(TAGS),
    ],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 8,
};

fn encryption(kind: &str, key: Option<Value>) -> Value {
    let key = key.filter(|_| kind != "AES256").map(|key| ("key", key));
    Value::map([("type", Value::text(kind))].into_iter().chain(key))
}

fn encryption_wish(spec: &Encryption) -> Value {
    let key = match spec.key() {
        Some(key) => Value::text(key),
        // Which key that is only AWS knows; any is right.
        None => Value::Keep(Box::new(OWN_KEY.into())),
    };
    encryption(spec.api(), Some(key))
}

fn output(name: &str, output: &str, facts: &Facts) -> String {
    Spec::default().output(name, output, facts).unwrap_or_default()
}

fn outputs(name: &str, facts: &Facts) -> Vec<(String, Value)> {
    ["arn", "name", "uri"].into_iter().map(|o| (o.to_owned(), Value::text(output(name, o, facts)))).collect()
}

fn exclusion(pattern: &str) -> Result<ImageTagMutabilityExclusionFilter, CloudError> {
    ImageTagMutabilityExclusionFilter::builder()
        .filter_type(ImageTagMutabilityExclusionFilterType::Wildcard)
        .filter(pattern)
        .build()
        .map_err(|error| documents::invalid("ecr:PutImageTagMutability", &error))
}

/// The exclusions to send; none at all, rather than an empty list, which ECR refuses.
fn exclusions(want: &Resolved) -> Result<Option<Vec<ImageTagMutabilityExclusionFilter>>, CloudError> {
    let filters = want.texts("mutability_exclusions").iter().map(|p| exclusion(p)).collect::<Result<Vec<_>, _>>()?;
    Ok((!filters.is_empty()).then_some(filters))
}

fn tag_list(tags: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Tag>, CloudError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    tags.into_iter().map(tag).collect::<Result<_, _>>().map_err(|error| documents::invalid("ecr:TagResource", &error))
}

/// Whether a repository that is there has no image.
pub(crate) async fn is_empty(aws: &Aws, name: &str) -> Result<bool, CloudError> {
    Ok(Repository::images(aws, name).await?.is_none())
}

impl Repository {
    /// The normal form of what a read returned, without the documents.
    fn live(repository: &ApiRepository, tags: Tags, facts: &Facts) -> Sighting {
        let name = repository.repository_name().unwrap_or_default();
        let mut live = Sighting::new(&INFO, output(name, "arn", facts), name);
        live.outputs.extend(outputs(name, facts));
        let crypt = repository.encryption_configuration();
        let kind = crypt.map_or("AES256", |crypt| crypt.encryption_type().as_str());
        let key = crypt.and_then(|crypt| crypt.kms_key()).filter(|key| !key.is_empty()).unwrap_or(OWN_KEY);
        live.fields.insert("encryption".into(), encryption(kind, Some(key.into())));
        let mutability = repository.image_tag_mutability().map_or("MUTABLE", ImageTagMutability::as_str);
        live.fields.insert("mutability".into(), mutability.into());
        let patterns = repository.image_tag_mutability_exclusion_filters().iter().map(|filter| filter.filter());
        live.fields.insert("mutability_exclusions".into(), Value::set(patterns));
        let scan = repository.image_scanning_configuration().is_some_and(|scan| scan.scan_on_push());
        live.fields.insert("scan_on_push".into(), scan.into());
        live.set_tags(tags);
        live
    }

    /// Those of the named repositories that exist.
    async fn describe(aws: &Aws, names: &[String]) -> Result<Vec<ApiRepository>, CloudError> {
        let chunks = names.chunks(BATCH).map(|chunk| async move {
            let call = aws.ecr().describe_repositories().set_repository_names(Some(chunk.to_vec()));
            let answer = call.send().await.map_err(failed(&DESCRIBE_REPOSITORIES));
            Ok::<_, CloudError>((missing_is_none(answer)?, chunk.len()))
        });
        let mut found = Vec::new();
        for (answer, asked) in try_join_all(chunks).await? {
            match answer {
                Some(answer) => found.extend(answer.repositories.unwrap_or_default()),
                None if asked == 1 => {}
                // One name that does not exist fails the whole batch, and only one such name is told.
                None => return Self::list(aws, names).await,
            }
        }
        Ok(found)
    }

    /// The same from the list of all repositories.
    async fn list(aws: &Aws, names: &[String]) -> Result<Vec<ApiRepository>, CloudError> {
        let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let mut pages = aws.ecr().describe_repositories().into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&DESCRIBE_REPOSITORIES))?;
            let ours = |r: &ApiRepository| r.repository_name().is_some_and(|name| wanted.contains(name));
            found.extend(page.repositories.unwrap_or_default().into_iter().filter(ours));
        }
        Ok(found)
    }

    async fn tags(aws: &Aws, name: &str) -> Result<Option<Tags>, CloudError> {
        let call = aws.ecr().list_tags_for_resource().resource_arn(output(name, "arn", aws.facts()));
        let answer = missing_is_none(call.send().await.map_err(failed(&LIST_TAGS_FOR_RESOURCE)))?;
        Ok(answer.map(|answer| tags::from(answer.tags(), |tag| (Some(tag.key()), Some(tag.value())))))
    }

    /// How many images there are, in words.
    async fn images(aws: &Aws, name: &str) -> Result<Option<String>, CloudError> {
        let mut pages = aws.ecr().describe_images().repository_name(name).into_paginator().send();
        let mut count = 0;
        for _ in 0..PAGES {
            let Some(page) = pages.next().await else { return Ok(documents::count(count, false)) };
            match missing_is_none(page.map_err(failed(&DESCRIBE_IMAGES)))? {
                Some(page) => count += page.image_details().len(),
                None => return Ok(None),
            }
        }
        Ok(documents::count(count, true))
    }

    /// Reads the policy, also one that nobody asked for: others may have opened the repository to the world with it. The lifecycle is
    /// read where the file has one, or the tag tells that we set one: what others added to a repository whose file says nothing about
    /// it is theirs, and asking for it would be a third of all calls of a plan.
    async fn read_documents(aws: &Aws, live: &mut Sighting, want: Option<&Desired>) -> Result<(), CloudError> {
        let name = live.name.as_str();
        let ours = live.fields.get("tags").is_some_and(|tags| tags.get(TAG_LIFECYCLE).is_some())
            || want.is_some_and(|want| want.fields.contains_key("lifecycle"));
        let lifecycle = async {
            match ours {
                true => documents::read_lifecycle(aws, name).await,
                false => Ok(None),
            }
        };
        let (lifecycle, policy) = futures::try_join!(lifecycle, documents::read_policy(aws, name))?;
        live.fields.extend(lifecycle.map(|document| ("lifecycle".to_owned(), document)));
        live.fields.extend(policy.map(|document| ("policy".to_owned(), document)));
        Ok(())
    }

    async fn read(cx: &Survey<'_>) -> Result<Vec<Sighting>, CloudError> {
        let wanted = cx.wanted(INFO.name);
        let names: Vec<String> = wanted.iter().map(|want| want.name.clone()).collect();
        let (marked, found) = futures::join!(cx.marked_names("ecr", ":repository/"), Self::describe(cx.aws, &names));
        let mut found = found?;
        let orphans: Vec<String> = marked?.into_iter().filter(|name| !names.contains(name)).collect();
        found.extend(Self::describe(cx.aws, &orphans).await?);
        let index = cx.marks().await?;
        let read = found.iter().map(|repository| async {
            let name = repository.repository_name().unwrap_or_default();
            let want = wanted.iter().copied().find(|want| want.name == name);
            let tags = match cx.settled_tags(index, &output(name, "arn", cx.aws.facts()), want) {
                Some(tags) => tags,
                None => Self::tags(cx.aws, name).await?.unwrap_or_default(),
            };
            let mut live = Self::live(repository, tags, cx.aws.facts());
            // A deletion takes them along unread.
            if !cx.goal.content {
                Self::read_documents(cx.aws, &mut live, want).await?;
            }
            // Images are only counted where the repository may have to be deleted.
            let replaced = want
                .is_some_and(|want| differences(&INFO, &want.fields, &live.fields).iter().any(|c| c.call.is_none()));
            if cx.goal.content || want.is_none() || replaced {
                live.holds = Self::images(cx.aws, name).await?;
            }
            Ok::<_, CloudError>(live)
        });
        try_join_all(read).await
    }
}

#[async_trait]
impl Driver for Repository {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("ecr:repository")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.repositories.get(key)?;
        let lifecycle = documents::lifecycle_wish(spec);
        let policy = spec.policy.as_ref().map(|written| documents::policy_wish(written, cx.facts.partition()));
        let exclusions =
            (!spec.mutability_exclusions.is_empty()).then(|| Value::set(spec.mutability_exclusions.clone()));
        let sets_lifecycle = lifecycle.is_some();
        let mut wish = cx
            .wish(&INFO, key, spec)
            .set("encryption", spec.encryption.as_ref().map(encryption_wish))
            .set("mutability", spec.mutability.map(|mutability| mutability.api()))
            .set("mutability_exclusions", exclusions)
            .set("scan_on_push", spec.scan_on_push)
            .set("lifecycle", lifecycle)
            .set("policy", policy);
        if let Some(Ok(policy)) = spec.policy.as_ref().map(document) {
            wish = needs_principals(wish, cx, None, &policy);
        }
        if sets_lifecycle {
            wish = wish.tag(TAG_LIFECYCLE, "set");
        }
        wish = match spec.on_destroy {
            Some(SpecOnDestroy::Empty) => wish.tag(TAG_ON_DESTROY, "empty").on_destroy(OnDestroy::Empty),
            Some(SpecOnDestroy::Keep) | None => wish.on_destroy(OnDestroy::KeepIfFull),
        };
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        match Self::read(cx).await {
            Ok(seen) => Found { seen, ..Found::default() },
            Err(error) => Found::failure(cx.addresses(INFO.name), error),
        }
    }

    async fn look(&self, aws: &Aws, target: &Target, depth: Depth) -> Result<Vec<Sighting>, CloudError> {
        let names = [target.name.clone()];
        let (found, tags) = futures::try_join!(Self::describe(aws, &names), Self::tags(aws, &target.name))?;
        let (Some(repository), Some(tags)) = (found.first(), tags) else { return Ok(Vec::new()) };
        let mut live = Self::live(repository, tags, aws.facts());
        if depth == Depth::Full {
            Self::read_documents(aws, &mut live, None).await?;
        }
        Ok(vec![live])
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let mut call = aws
            .ecr_write()
            .create_repository()
            .repository_name(&want.name)
            .set_tags(Some(tag_list(want.tags())?))
            .set_image_tag_mutability(want.text("mutability").map(ImageTagMutability::from))
            .set_image_tag_mutability_exclusion_filters(exclusions(want)?)
            // The typed client cannot say `false`: it would send an empty configuration.
            .set_image_scanning_configuration(
                (want.bool("scan_on_push") == Some(true))
                    .then(|| ImageScanningConfiguration::builder().scan_on_push(true).build()),
            );
        if let Some(crypt) = want.fields.get("encryption") {
            let part = |name| crypt.get(name).and_then(Value::as_text);
            // ECR refuses a key with AES256, even an empty one.
            let crypt = EncryptionConfiguration::builder()
                .encryption_type(EncryptionType::from(part("type").unwrap_or("AES256")))
                .set_kms_key(part("key").filter(|key| *key != OWN_KEY).map(str::to_owned))
                .build()
                .map_err(|error| documents::invalid("ecr:CreateRepository", &error))?;
            call = call.encryption_configuration(crypt);
        }
        call.send().await.map_err(failed(&CREATE_REPOSITORY))?;
        Ok(Receipt { id: Some(output(&want.name, "arn", aws.facts())), outputs: outputs(&want.name, aws.facts()) })
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        let ecr = aws.ecr_write();
        let name = &want.name;
        match group {
            MUTABILITY => {
                let call = ecr
                    .put_image_tag_mutability()
                    .repository_name(name)
                    .image_tag_mutability(ImageTagMutability::from(want.text("mutability").unwrap_or("MUTABLE")))
                    .set_image_tag_mutability_exclusion_filters(exclusions(want)?);
                call.send().await.map_err(failed(&PUT_IMAGE_TAG_MUTABILITY))?;
            }
            SCANNING => {
                let scan = want.bool("scan_on_push").unwrap_or_default();
                let typed = ImageScanningConfiguration::builder().scan_on_push(scan).build();
                let call =
                    ecr.put_image_scanning_configuration().repository_name(name).image_scanning_configuration(typed);
                // The typed client leaves out `false`, which a server may take for "no change".
                let body = json!({ "repositoryName": name, "imageScanningConfiguration": { "scanOnPush": scan } });
                json_call!(&PUT_IMAGE_SCANNING_CONFIGURATION, call, &body)?;
            }
            LIFECYCLE => match want.text("lifecycle") {
                Some(text) => {
                    let call = ecr
                        .put_lifecycle_policy()
                        .repository_name(name)
                        .lifecycle_policy_text(documents::compact(text));
                    call.send().await.map_err(failed(&PUT_LIFECYCLE_POLICY))?;
                }
                None => {
                    let call = ecr.delete_lifecycle_policy().repository_name(name);
                    gone_is_fine(call.send().await.map_err(failed(&DELETE_LIFECYCLE_POLICY)))?;
                }
            },
            POLICY => match want.text("policy") {
                Some(text) => {
                    let call = ecr.set_repository_policy().repository_name(name).policy_text(documents::compact(text));
                    call.send().await.map_err(failed(&SET_REPOSITORY_POLICY))?;
                }
                None => {
                    let call = ecr.delete_repository_policy().repository_name(name);
                    gone_is_fine(call.send().await.map_err(failed(&DELETE_REPOSITORY_POLICY)))?;
                }
            },
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if !change.set.is_empty() {
                    let call = ecr.tag_resource().resource_arn(&live.id).set_tags(Some(tag_list(change.set)?));
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

    async fn delete(&self, aws: &Aws, live: &Sighting, empty: bool) -> Result<(), CloudError> {
        let call = aws.ecr_write().delete_repository().repository_name(&live.name).force(empty);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_REPOSITORY))).map_err(|mut error| {
            if error.code.as_deref() == Some("RepositoryNotEmptyException") {
                error.message.push_str("; `on_destroy: empty` would delete the images with it");
            }
            error
        })
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws.ecr_write().untag_resource().resource_arn(&live.id).set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&UNTAG_RESOURCE)))
    }
}

#[cfg(test)]
mod tests;
