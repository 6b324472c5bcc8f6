//! Parameters of the SSM Parameter Store. Source: SSM API reference.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ssm::types::{
    Parameter as ApiParameter, ParameterMetadata, ParameterStringFilter, ParameterTier as ApiTier,
    ParameterType as ApiType, ResourceTypeForTagging, Tag,
};
use futures::future::try_join_all;
use hatoba_engine::cloud::{Class, CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::Resource;
use hatoba_model::kinds::parameter::{Parameter as Spec, ParameterTier, ParameterType};
use hatoba_model::secret::{holds_password, looks_secret};

use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::permissions::call::{ANY, Call, Form, On, Subject, calls};
use crate::survey::{Found, Survey};
use crate::tags::{self, Tags};

/// Parameters.
#[derive(Debug)]
pub struct Parameter;

const PUT: &str = "PutParameter";
const TAGS: &str = "AddTagsToResource";

/// How many names one `GetParameters` takes.
const VALUES: usize = 10;
/// How many names one filter of `DescribeParameters` takes.
const DETAILS: usize = 50;
/// The longest value of a standard parameter, in bytes.
const STANDARD_BYTES: usize = 4_096;

calls! {
    GET_PARAMETERS: Plan "ssm:GetParameters" => PARAMETER;
    DESCRIBE_PARAMETERS: Plan "ssm:DescribeParameters" => ANY;
    LIST_TAGS_FOR_RESOURCE: Plan "ssm:ListTagsForResource" => PARAMETER;
    PUT_PARAMETER: Apply "ssm:PutParameter" => PARAMETER, "ssm:AddTagsToResource" => PARAMETER;
    ADD_TAGS_TO_RESOURCE: Apply "ssm:AddTagsToResource" => PARAMETER;
    REMOVE_TAGS_FROM_RESOURCE: Change "ssm:RemoveTagsFromResource" => Form::Each(|s| parameter(s).when(s.untags()));
    DELETE_PARAMETER: Destroy "ssm:DeleteParameter" => PARAMETER;
}

const PARAMETER: Form = Form::Each(parameter);

fn parameter(s: &Subject<'_>) -> On {
    On::arn(arn(s.name, s.facts))
}

static INFO: KindInfo = KindInfo {
    name: "parameter",
    title: "parameter",
    create_call: "PutParameter",
    delete_call: "DeleteParameter",
    fields: &[
        Field::replace("type").default(|| "String".into()),
        Field::update("value", PUT).sensitive(|_, value| holds_password(value)).sensitive_in(looks_secret),
        Field::update("description", PUT),
        // Unset, the account's own setting decides on it.
        Field::update("tier", PUT).unmanaged(),
        Field::update("allowed_pattern", PUT),
        Field::update("data_type", PUT).default(|| "text".into()),
        // Only a new parameter takes tags with its value.
        Field::update("tags", TAGS),
    ],
    groups: &[Group::new(PUT), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 4,
};

fn arn(name: &str, facts: &Facts) -> String {
    Spec::default().output(name, "arn", facts).unwrap_or_default()
}

fn outputs(name: &str, facts: &Facts) -> Vec<(String, Value)> {
    vec![("arn".into(), arn(name, facts).into()), ("name".into(), name.into())]
}

/// The value in normal form: a text, or the items of a list in their order.
fn value(kind: &str, text: String) -> Value {
    match kind {
        "StringList" => Value::List(text.split(',').map(Value::text).collect()),
        _ => Value::Text(text),
    }
}

/// The value as the API takes it.
fn sent(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::List(_) => Some(value?.list_texts().join(",")),
        other => other.as_text().map(str::to_owned),
    }
}

/// The tier to send with a new value: a change of it, or, where the wish leaves it open, room for a long value.
fn tier(want: &Resolved, live: Option<&Sighting>) -> Option<ApiTier> {
    let there = live.and_then(|live| live.fields.get("tier")).and_then(Value::as_text);
    let wanted = want.text("tier").filter(|tier| Some(*tier) != there);
    let long = sent(want.fields.get("value")).is_some_and(|text| text.len() > STANDARD_BYTES);
    match wanted {
        Some(tier) => Some(tier.into()),
        None if long && there == Some("Standard") => Some(ApiTier::IntelligentTiering),
        None => None,
    }
}

fn tag_list(tags: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Tag>, CloudError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    tags.into_iter()
        .map(tag)
        .collect::<Result<_, _>>()
        .map_err(|error| CloudError::new(Class::Invalid, "ssm:AddTagsToResource", error.to_string()))
}

impl Parameter {
    /// The normal form of what the reads returned.
    fn live(parameter: &ApiParameter, details: Option<&ParameterMetadata>, tags: Tags, facts: &Facts) -> Sighting {
        let name = parameter.name().unwrap_or_default();
        let mut live = Sighting::new(&INFO, arn(name, facts), name);
        live.outputs.extend(outputs(name, facts));
        let kind = parameter.r#type().map_or("String", ApiType::as_str);
        live.fields.insert("type".into(), kind.into());
        // What is read of a secret is its ciphertext, which nobody wants to see.
        if let Some(text) = parameter.value().filter(|_| kind != "SecureString") {
            live.fields.insert("value".into(), value(kind, text.to_owned()));
        }
        live.fields.insert("data_type".into(), parameter.data_type().unwrap_or("text").into());
        let texts = [
            ("description", details.and_then(|details| details.description())),
            ("allowed_pattern", details.and_then(|details| details.allowed_pattern())),
            ("tier", Some(details.and_then(|details| details.tier()).map_or("Standard", ApiTier::as_str))),
        ];
        for (field, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                live.fields.insert(field.into(), text.into());
            }
        }
        live.set_tags(tags);
        live
    }

    async fn values(aws: &Aws, names: &[String]) -> Result<Vec<ApiParameter>, CloudError> {
        let calls = names.chunks(VALUES).map(|chunk| {
            let call = aws.ssm().get_parameters().set_names(Some(chunk.to_vec()));
            async move { call.send().await.map_err(failed(&GET_PARAMETERS)) }
        });
        // Names that do not exist are listed apart, and are no error.
        Ok(try_join_all(calls).await?.into_iter().flat_map(|answer| answer.parameters.unwrap_or_default()).collect())
    }

    async fn details(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, ParameterMetadata>, CloudError> {
        let calls = names.chunks(DETAILS).map(|chunk| async move {
            let filter = ParameterStringFilter::builder()
                .key("Name")
                .option("Equals")
                .set_values(Some(chunk.to_vec()))
                .build()
                .map_err(|error| CloudError::new(Class::Invalid, "ssm:DescribeParameters", error.to_string()))?;
            let mut pages =
                aws.ssm().describe_parameters().parameter_filters(filter).max_results(50).into_paginator().send();
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                found.extend(page.map_err(failed(&DESCRIBE_PARAMETERS))?.parameters.unwrap_or_default());
            }
            Ok::<_, CloudError>(found)
        });
        let found = try_join_all(calls).await?.into_iter().flatten();
        Ok(found.filter_map(|details| Some((details.name.clone()?, details))).collect())
    }

    async fn tags(aws: &Aws, name: &str) -> Result<Tags, CloudError> {
        let call =
            aws.ssm().list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
        let answer = missing_is_none(call.send().await.map_err(failed(&LIST_TAGS_FOR_RESOURCE)))?;
        let Some(answer) = answer else { return Ok(Tags::new()) };
        Ok(tags::from(answer.tag_list(), |tag| (Some(tag.key()), Some(tag.value()))))
    }

    /// Those of the named parameters that exist.
    async fn describe(
        aws: &Aws,
        names: &[String],
        settled: impl Fn(&str) -> Option<Tags>,
    ) -> Result<Vec<Sighting>, CloudError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let (mut values, details) = futures::try_join!(Self::values(aws, names), Self::details(aws, names))?;
        // Two names may mean the same parameter.
        let mut seen = BTreeSet::new();
        values.retain(|parameter| parameter.name().is_some_and(|name| seen.insert(name.to_owned())));
        let read = values.iter().map(|parameter| async {
            let name = parameter.name().unwrap_or_default();
            let tags = match settled(name) {
                Some(tags) => tags,
                None => Self::tags(aws, name).await?,
            };
            Ok::<_, CloudError>(Self::live(parameter, details.get(name), tags, aws.facts()))
        });
        try_join_all(read).await
    }

    async fn read(cx: &Survey<'_>) -> Result<Vec<Sighting>, CloudError> {
        let index = cx.marks().await?;
        let mut names: BTreeSet<String> = cx.wanted(INFO.name).iter().map(|want| want.name.clone()).collect();
        let known: BTreeSet<String> = names.iter().map(|name| arn(name, cx.aws.facts())).collect();
        for arn in index.keys().filter(|arn| arn.contains(":ssm:") && !known.contains(*arn)) {
            names.extend(arn.split_once(":parameter/").map(|(_, name)| orphan_names(name)).unwrap_or_default());
        }
        let names: Vec<String> = names.into_iter().collect();
        let wanted = cx.wanted(INFO.name);
        let settled = |name: &str| {
            let want = wanted.iter().copied().find(|want| want.name == name);
            cx.settled_tags(index, &arn(name, cx.aws.facts()), want)
        };
        Self::describe(cx.aws, &names, settled).await
    }
}

/// The names that an ARN may stand for: a name with levels begins with a slash, of which the ARN shows nothing;
/// one without levels may begin with one.
fn orphan_names(rest: &str) -> Vec<String> {
    match rest.contains('/') {
        true => vec![format!("/{rest}")],
        false => vec![rest.to_owned(), format!("/{rest}")],
    }
}

#[async_trait]
impl Driver for Parameter {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("ssm:parameter")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.parameters.get(key)?;
        let kind = spec.kind();
        let text = spec.value.as_ref().map(|value| value.items().join(","));
        let tier = spec.tier.map(|tier| match tier {
            // Reads tell which tier AWS chose; any is right.
            ParameterTier::IntelligentTiering => Value::Keep(Box::new(tier.api().into())),
            ParameterTier::Standard | ParameterTier::Advanced => tier.api().into(),
        });
        let wish = cx
            .wish(&INFO, key, spec)
            .set("type", (kind != ParameterType::String).then(|| kind.api()))
            .set("value", text.map(|text| value(kind.api(), text)))
            .set("description", spec.description.as_deref().filter(|text| !text.is_empty()))
            .set("tier", tier)
            .set("allowed_pattern", spec.allowed_pattern.as_deref().filter(|text| !text.is_empty()))
            .set("data_type", spec.data_type.map(|kind| kind.api()));
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        match Self::read(cx).await {
            Ok(seen) => Found { seen, ..Found::default() },
            Err(error) => Found::failure(cx.addresses(INFO.name), error),
        }
    }

    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        Self::describe(aws, std::slice::from_ref(&target.name), |_| None).await
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        aws.ssm_write()
            .put_parameter()
            .name(&want.name)
            .set_type(want.text("type").map(ApiType::from))
            .set_value(sent(want.fields.get("value")))
            .set_description(want.text("description").map(str::to_owned))
            .set_allowed_pattern(want.text("allowed_pattern").map(str::to_owned))
            .set_data_type(want.text("data_type").map(str::to_owned))
            .set_tier(tier(want, None))
            .set_tags(Some(tag_list(want.tags())?))
            .overwrite(false)
            .send()
            .await
            .map_err(failed(&PUT_PARAMETER))?;
        Ok(Receipt { id: Some(arn(&want.name, aws.facts())), outputs: outputs(&want.name, aws.facts()) })
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        let ssm = aws.ssm_write();
        match group {
            PUT => {
                let call = ssm
                    .put_parameter()
                    .name(&want.name)
                    .set_type(want.text("type").map(ApiType::from))
                    .set_value(sent(want.fields.get("value")))
                    // What is left out stays as it is; an empty text takes it away.
                    .description(want.text("description").unwrap_or_default())
                    .allowed_pattern(want.text("allowed_pattern").unwrap_or_default())
                    .set_data_type(want.text("data_type").map(str::to_owned))
                    .set_tier(tier(want, Some(live)))
                    .overwrite(true);
                call.send().await.map_err(failed(&PUT_PARAMETER))?;
            }
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if !change.set.is_empty() {
                    let call = ssm
                        .add_tags_to_resource()
                        .resource_type(ResourceTypeForTagging::Parameter)
                        .resource_id(&want.name)
                        .set_tags(Some(tag_list(change.set)?));
                    call.send().await.map_err(failed(&ADD_TAGS_TO_RESOURCE))?;
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
        let call = aws.ssm_write().delete_parameter().name(&live.name);
        gone_is_fine(call.send().await.map_err(failed(&DELETE_PARAMETER)))
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        let call = aws
            .ssm_write()
            .remove_tags_from_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(&live.name)
            .set_tag_keys(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&REMOVE_TAGS_FROM_RESOURCE)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use hatoba_engine::diff::{differences, settled};
    use hatoba_engine::value::Fields;
    use hatoba_model::address::Address;
    use hatoba_model::stack::Stack;
    use serde_json::{Value as Json, json};

    use super::*;

    fn facts() -> Facts {
        Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
    }

    fn desired(spec: Json) -> Desired {
        let stack = json!({ "stack": "papyrus", "region": "us-west-2", "parameters": { "/papyrus/levels": spec } });
        let stack: Stack = serde_json::from_value(stack).unwrap();
        Parameter.desired(&Desire { stack: &stack, facts: &facts() }, "/papyrus/levels").unwrap()
    }

    fn seen(kind: ApiType, text: &str, tier: ApiTier) -> Sighting {
        let parameter =
            ApiParameter::builder().name("/papyrus/levels").r#type(kind).value(text).data_type("text").build();
        let details = ParameterMetadata::builder().name("/papyrus/levels").description("").tier(tier).build();
        Parameter::live(&parameter, Some(&details), Tags::new(), &facts())
    }

    fn changed(spec: Json, live: &Sighting) -> Vec<String> {
        differences(&INFO, &desired(spec).fields, &live.fields).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn a_list_and_its_stored_text_are_the_same() {
        let live = seen(ApiType::StringList, "b,a", ApiTier::Standard);
        assert_eq!(changed(json!({ "value": ["b", "a"] }), &live), Vec::<String>::new());
        assert_eq!(
            changed(json!({ "value": "b,a", "type": "string_list", "data_type": "text" }), &live),
            Vec::<String>::new()
        );
        assert_eq!(changed(json!({ "value": ["a", "b"] }), &live), ["value"], "the order of a list counts");
        assert_eq!(changed(json!({ "value": "b,a" }), &live), ["type", "value"]);
        assert_eq!(sent(live.fields.get("value")).as_deref(), Some("b,a"));
    }

    #[test]
    fn a_secret_shows_neither_value_nor_ciphertext() {
        let live = seen(ApiType::SecureString, "AQICAHh", ApiTier::Standard);
        assert!(!format!("{live:?}").contains("AQICAHh"));
    }

    #[test]
    fn the_tier_that_aws_chose_is_right() {
        let live = seen(ApiType::String, "x", ApiTier::Advanced);
        assert_eq!(changed(json!({ "value": "x", "tier": "intelligent_tiering" }), &live), Vec::<String>::new());
        assert_eq!(changed(json!({ "value": "x" }), &live), Vec::<String>::new());
        assert_eq!(changed(json!({ "value": "x", "tier": "standard" }), &live), ["tier"]);
    }

    #[test]
    fn a_value_that_outgrows_its_tier_may_move_up_when_the_file_lets_aws_choose() {
        let live = seen(ApiType::String, "x", ApiTier::Standard);
        let long = "x".repeat(STANDARD_BYTES + 1);
        let wish = desired(json!({ "value": long, "tier": "intelligent_tiering" }));
        let fields: Fields = wish
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), settled(INFO.field(name).unwrap(), value, live.fields.get(name))))
            .collect();
        let want =
            Resolved { address: Address::new("parameter", "p"), kind: &INFO, name: wish.name, scope: None, fields };
        assert_eq!(tier(&want, Some(&live)), Some(ApiTier::IntelligentTiering));
        let advanced = seen(ApiType::String, "x", ApiTier::Advanced);
        let mut want = want;
        want.fields.insert("tier".into(), "Advanced".into());
        assert_eq!(tier(&want, Some(&advanced)), None);
        assert_eq!(tier(&want, None), Some(ApiTier::Advanced));
    }

    #[test]
    fn an_orphan_is_looked_for_under_every_name_its_arn_may_stand_for() {
        assert_eq!(orphan_names("papyrus/levels"), ["/papyrus/levels"]);
        assert_eq!(orphan_names("levels"), ["levels", "/levels"]);
        assert_eq!(arn("/papyrus/levels", &facts()), "arn:aws:ssm:us-west-2:123456789012:parameter/papyrus/levels");
    }
}
