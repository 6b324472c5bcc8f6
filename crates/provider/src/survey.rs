//! One look at everything: reads that several kinds share are made once, and all kinds read side by side.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures::future::try_join_all;
use hatoba_engine::cloud::CloudError;
use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::owner::{Mark, TAG_RETAIN, TAG_STACK};
use hatoba_engine::snapshot::{ReadFailure, Sighting};
use hatoba_engine::value::{OutputRef, Value};
use hatoba_model::address::Address;
use tokio::sync::OnceCell;

use crate::aws::Aws;
use crate::classify::failed;
use crate::driver::Driver;
use crate::kinds::drivers;
use crate::kinds::network::{self, Network};
use crate::permissions::call::{ALWAYS, calls};
use crate::tags::Tags;

calls! {
    GET_RESOURCES: Plan "tag:GetResources" => ALWAYS;
}

/// How many resources the tagging API returns at most in one page.
const PAGE: i32 = 100;

/// What a kind's survey found.
#[derive(Debug, Default)]
pub struct Found {
    /// What was found, by name or by mark.
    pub seen: Vec<Sighting>,
    /// What could not be read.
    pub failures: Vec<ReadFailure>,
    /// Values of lookups.
    pub lookups: BTreeMap<OutputRef, Value>,
    /// Lookups that found nothing, with what to do about it.
    pub missing: BTreeMap<String, String>,
}

impl Found {
    /// A survey that failed for all of these resources.
    pub fn failure(addresses: impl IntoIterator<Item = Address>, error: CloudError) -> Self {
        let failure = ReadFailure { addresses: addresses.into_iter().collect(), error };
        Self { failures: vec![failure], ..Self::default() }
    }
}

/// A look at everything.
#[derive(Debug)]
pub struct Survey<'a> {
    /// The session.
    pub aws: &'a Aws,
    /// What is wanted.
    pub goal: &'a Goal,
    marks: OnceCell<Result<BTreeMap<String, Tags>, CloudError>>,
    network: OnceCell<Result<Option<Network>, CloudError>>,
    pub(crate) account: OnceCell<Result<crate::kinds::iam_account::AccountDetails, CloudError>>,
}

impl<'a> Survey<'a> {
    /// Begins a look.
    pub fn new(aws: &'a Aws, goal: &'a Goal) -> Self {
        Self { aws, goal, marks: OnceCell::new(), network: OnceCell::new(), account: OnceCell::new() }
    }

    /// The wishes of a kind.
    pub fn wanted(&self, kind: &str) -> Vec<&'a Desired> {
        self.goal.resources.values().filter(|want| want.kind.name == kind).collect()
    }

    /// The addresses of the wishes of a kind.
    pub fn addresses(&self, kind: &str) -> Vec<Address> {
        self.wanted(kind).into_iter().map(|want| want.address.clone()).collect()
    }

    /// The tags of every resource in the region that the tagging API finds by the stack's mark, by ARN.
    /// The index behind that API lags and does not cover IAM: what is found is confirmed by a read,
    /// and what is not found may exist.
    ///
    /// # Errors
    /// When the index could not be read.
    pub async fn marks(&self) -> Result<&BTreeMap<String, Tags>, CloudError> {
        self.marks.get_or_init(|| self.read_marks()).await.as_ref().map_err(Clone::clone)
    }

    /// The tags of a resource from the index, if nothing is to be done about them. The index lags: what would lead to a change or a
    /// deletion, and what it does not know, has to be read from the resource itself.
    pub fn settled_tags(&self, index: &BTreeMap<String, Tags>, arn: &str, want: Option<&Desired>) -> Option<Tags> {
        let want = want.filter(|_| !self.goal.content)?;
        let tags = index.get(arn)?;
        let mark = Mark::from_tags(tags)?;
        let mut expected = want.tags.clone();
        expected.extend(mark.tags().map(|(key, value)| (key.to_owned(), value)));
        if want.retain {
            expected.insert(TAG_RETAIN.to_owned(), "true".to_owned());
        }
        let ours = self.goal.owns(&mark) && mark.address == want.address.to_string();
        (ours && *tags == expected).then_some(expected)
    }

    /// The names that follow `prefix` in the ARNs that bear the mark: `marked_names(":log-group:")`.
    ///
    /// # Errors
    /// When the index could not be read.
    pub async fn marked_names(&self, service: &str, infix: &str) -> Result<BTreeSet<String>, CloudError> {
        let marks = self.marks().await?;
        let service = format!(":{service}:");
        Ok(marks
            .keys()
            .filter(|arn| arn.contains(&service))
            .filter_map(|arn| arn.split_once(infix).map(|(_, name)| name.trim_end_matches(":*").to_owned()))
            .collect())
    }

    /// The default network of the region; `None` when the region has none.
    ///
    /// # Errors
    /// When it could not be read.
    pub async fn network(&self) -> Result<Option<&Network>, CloudError> {
        let read = self.network.get_or_init(|| network::read(self.aws)).await;
        read.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// One query for everything, or for a large stack one query for each kind: pages come one after another, queries do not.
    async fn read_marks(&self) -> Result<BTreeMap<String, Tags>, CloudError> {
        if self.goal.resources.len() <= usize::try_from(PAGE).unwrap_or_default() {
            return self.read_marks_of(None).await;
        }
        let types = drivers().filter_map(Driver::tagging_type);
        let found = try_join_all(types.map(|kind| self.read_marks_of(Some(kind)))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn read_marks_of(&self, kind: Option<&str>) -> Result<BTreeMap<String, Tags>, CloudError> {
        let filter = TagFilter::builder().key(TAG_STACK).values(&self.goal.stack).build();
        let query = self.aws.tagging().get_resources().tag_filters(filter);
        let query = query.set_resource_type_filters(kind.map(|kind| vec![kind.to_owned()]));
        let mut pages = query.resources_per_page(PAGE).into_paginator().send();
        let mut marks = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&GET_RESOURCES))?;
            for mapping in page.resource_tag_mapping_list() {
                if let Some(arn) = mapping.resource_arn() {
                    let tags = crate::tags::from(mapping.tags(), |tag| (Some(tag.key()), Some(tag.value())));
                    marks.insert(arn.to_owned(), tags);
                }
            }
        }
        Ok(marks)
    }
}
