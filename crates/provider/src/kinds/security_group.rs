//! EC2 security groups. Source: EC2 API reference.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ec2::types::{Filter, IpPermission, ResourceType, SecurityGroup as ApiGroup, Tag, TagSpecification};
use futures::future::try_join_all;
use hatoba_engine::cloud::{CloudError, Depth, Receipt, Target};
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::kind::{Field, Group, KindInfo, Ownership};
use hatoba_engine::owner::{Mark, TAG_STACK};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::Value;
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::security_group::{Direction, Permission};

use crate::aws::Aws;
use crate::classify::{failed, gone_is_fine, missing_is_none};
use crate::desire::Desire;
use crate::driver::Driver;
use crate::kinds::network;
use crate::permissions::call::{ALWAYS, ANY, Call, Form, On, Subject, calls};
use crate::survey::{Found, Survey};
use crate::tags::{self, Tags};

use self::rules::{Permissions, everything_out, everything_out_v6};

/// Security groups.
#[derive(Debug)]
pub struct SecurityGroup;

const INGRESS: &str = "AuthorizeSecurityGroupIngress";
const EGRESS: &str = "AuthorizeSecurityGroupEgress";
const TAGS: &str = "CreateTags";

/// EC2 requires a description and never changes it.
const NO_DESCRIPTION: &str = "managed by hatoba";

/// How many values one filter takes (EC2 API).
const BATCH: usize = 200;

calls! {
    DESCRIBE_SECURITY_GROUPS: Plan "ec2:DescribeSecurityGroups" => ALWAYS;
    DESCRIBE_SECURITY_GROUP_RULES: Apply "ec2:DescribeSecurityGroupRules" => ANY;
    CREATE_SECURITY_GROUP: Apply "ec2:CreateSecurityGroup" => Form::Each(in_vpc), "ec2:CreateTags" => GROUPS;
    AUTHORIZE_SECURITY_GROUP_INGRESS: Apply "ec2:AuthorizeSecurityGroupIngress"
        => Form::Each(|s| groups(s).when(s.has("ingress")));
    AUTHORIZE_SECURITY_GROUP_EGRESS: Apply "ec2:AuthorizeSecurityGroupEgress" => GROUPS;
    REVOKE_SECURITY_GROUP_INGRESS: Apply "ec2:RevokeSecurityGroupIngress" => GROUPS;
    REVOKE_SECURITY_GROUP_EGRESS: Apply "ec2:RevokeSecurityGroupEgress" => GROUPS;
    MODIFY_SECURITY_GROUP_RULES: Apply "ec2:ModifySecurityGroupRules" => GROUPS;
    CREATE_TAGS: Apply "ec2:CreateTags" => GROUPS;
    DELETE_TAGS: Change "ec2:DeleteTags" => Form::Each(|s| groups(s).when(s.untags()));
    DESCRIBE_NETWORK_INTERFACES: Destroy "ec2:DescribeNetworkInterfaces" => ANY;
    DELETE_SECURITY_GROUP: Destroy "ec2:DeleteSecurityGroup" => GROUPS;
}

const GROUPS: Form = Form::Each(groups);

/// The ids of groups are EC2's to choose.
fn groups(s: &Subject<'_>) -> On {
    On::arn(s.arn("ec2", "security-group/*"))
}

/// A group, and the network that it is made in.
fn in_vpc(s: &Subject<'_>) -> On {
    let vpc = s.text("vpc").unwrap_or("*");
    On::arns([s.arn("ec2", "security-group/*"), s.arn("ec2", format_args!("vpc/{vpc}"))])
}

static INFO: KindInfo = KindInfo {
    name: "security_group",
    title: "security group",
    create_call: "CreateSecurityGroup",
    delete_call: "DeleteSecurityGroup",
    fields: &[
        Field::replace("description").unmanaged(),
        Field::replace("vpc"),
        Field::update("ingress", INGRESS).after_create(),
        // EC2 gives every new group this rule by itself, and in a network with IPv6 a second one.
        Field::update("egress", EGRESS).default(everything_out).after_create().unsure(),
        Field::update("tags", TAGS),
    ],
    groups: &[Group::new(INGRESS), Group::new(EGRESS), Group::new(TAGS)],
    ownership: Ownership::Tags,
    settles: false,
    parallel: 8,
};

fn outputs(id: &str, name: &str, facts: &Facts) -> Vec<(String, Value)> {
    let arn = facts.arn("ec2", format_args!("security-group/{id}"));
    vec![("arn".into(), arn.into()), ("id".into(), id.into()), ("name".into(), name.into())]
}

fn filter(name: impl Into<String>, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// Takes a text literally where EC2 would read wildcards.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?")
}

fn read_tags(group: &ApiGroup) -> Tags {
    tags::from(group.tags(), |tag| (tag.key(), tag.value()))
}

fn tag_list(tags: impl IntoIterator<Item = (String, String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The keys of the file by group id. A key stands for the group of that name before one that merely bears its mark,
/// such as the former incarnation of a group that was given a new name.
fn keys_by_id(groups: &[ApiGroup], wanted: &[&Desired], stack: &str) -> BTreeMap<String, String> {
    let mut ids: BTreeMap<String, &str> = BTreeMap::new();
    let marked = groups.iter().filter_map(|group| {
        let mark = Mark::from_tags(&read_tags(group)).filter(|mark| mark.stack == stack)?;
        let key = mark.address.strip_prefix("security_group.")?.to_owned();
        Some((key, group))
    });
    let marked: Vec<(String, &ApiGroup)> = marked.collect();
    let named = wanted.iter().flat_map(|want| {
        let mut same: Vec<&ApiGroup> = groups.iter().filter(|group| group.group_name() == Some(&want.name)).collect();
        // Ours before a stranger's, as the planner chooses.
        same.sort_by_key(|group| !marked.iter().any(|(_, ours)| ours.group_id() == group.group_id()));
        same.into_iter().map(|group| (want.address.name.clone(), group))
    });
    for (key, group) in named.chain(marked.iter().map(|(key, group)| (key.clone(), *group))) {
        if let Some(id) = group.group_id() {
            ids.entry(key).or_insert(id);
        }
    }
    ids.into_iter().map(|(key, id)| (id.to_owned(), key)).collect()
}

/// Whether a group of this name is where the wish wants it.
fn in_place(group: &ApiGroup, want: &Desired, default_vpc: Option<&str>) -> bool {
    match want.fields.get("vpc") {
        Some(Value::Text(vpc)) => group.vpc_id() == Some(vpc),
        _ => group.vpc_id() == default_vpc,
    }
}

/// What a group allows, one permission each.
pub(crate) fn permissions_of(group: &ApiGroup, direction: Direction) -> Vec<Permission> {
    let api = match direction {
        Direction::In => group.ip_permissions(),
        Direction::Out => group.ip_permissions_egress(),
    };
    let rules = rules::live(api, direction, group.group_id().unwrap_or_default(), &BTreeMap::new());
    let labels = rules.as_map().into_iter().flat_map(|rules| rules.keys());
    labels.filter_map(|label| Permission::of_label(label)).collect()
}

impl SecurityGroup {
    /// The normal form of what a read returned.
    fn live(group: &ApiGroup, keys: &BTreeMap<String, String>, facts: &Facts) -> Sighting {
        let (id, name) = (group.group_id().unwrap_or_default(), group.group_name().unwrap_or_default());
        let mut live = Sighting::new(&INFO, id, name);
        live.outputs.extend(outputs(id, name, facts));
        for (field, text) in [("description", group.description()), ("vpc", group.vpc_id())] {
            if let Some(text) = text {
                live.fields.insert(field.into(), text.into());
            }
        }
        let (ingress, egress) = (group.ip_permissions(), group.ip_permissions_egress());
        live.fields.insert("ingress".into(), rules::live(ingress, Direction::In, id, keys));
        live.fields.insert("egress".into(), rules::live(egress, Direction::Out, id, keys));
        let others: BTreeSet<&str> =
            rules::groups(ingress).chain(rules::groups(egress)).filter(|other| *other != id).collect();
        live.uses = others.into_iter().map(str::to_owned).collect();
        live.set_tags(read_tags(group));
        live
    }

    async fn describe(aws: &Aws, filter: Filter) -> Result<Vec<ApiGroup>, CloudError> {
        let mut pages = aws.ec2().describe_security_groups().filters(filter).into_paginator().send();
        let mut groups = Vec::new();
        while let Some(page) = pages.next().await {
            groups.extend(page.map_err(failed(&DESCRIBE_SECURITY_GROUPS))?.security_groups.unwrap_or_default());
        }
        Ok(groups)
    }

    async fn read(cx: &Survey<'_>) -> Result<Vec<Sighting>, CloudError> {
        let wanted = cx.wanted(INFO.name);
        let mut groups = Self::describe(cx.aws, filter(format!("tag:{TAG_STACK}"), [cx.goal.stack.clone()])).await?;
        let missing: Vec<&Desired> = wanted
            .iter()
            .copied()
            .filter(|want| !groups.iter().any(|group| group.group_name() == Some(&want.name)))
            .collect();
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(|want| literal(&want.name)).collect();
            let by_name = names.chunks(BATCH).map(|chunk| Self::describe(cx.aws, filter("group-name", chunk.to_vec())));
            let (found, network) = futures::join!(try_join_all(by_name), default_vpc(cx, &missing));
            let network = network?;
            // A group of the same name in another network is nothing to us.
            let here = |group: &ApiGroup| {
                missing.iter().any(|want| group.group_name() == Some(&want.name) && in_place(group, want, network))
            };
            groups.extend(found?.into_iter().flatten().filter(here));
        }
        let keys = keys_by_id(&groups, &wanted, &cx.goal.stack);
        Ok(groups
            .iter()
            .map(|group| {
                let mut live = Self::live(group, &keys, cx.aws.facts());
                let want = wanted.iter().find(|want| want.name == live.name);
                if want.is_some_and(|want| !want.fields.contains_key("egress")) {
                    drop_default_v6(&mut live);
                }
                live
            })
            .collect())
    }

    /// Allows these permissions. One that is there already fails the whole call, which then goes one by one.
    async fn authorize(aws: &Aws, direction: Direction, id: &str, add: &Permissions) -> Result<(), CloudError> {
        let all: Vec<IpPermission> = add.iter().map(|(p, d)| rules::request(p, d.as_deref())).collect();
        match Self::authorize_these(aws, direction, id, all.clone()).await {
            Err(error) if is_duplicate(&error) && all.len() > 1 => {}
            Err(error) if is_duplicate(&error) => return Ok(()),
            other => return other,
        }
        for one in all {
            match Self::authorize_these(aws, direction, id, vec![one]).await {
                Err(error) if is_duplicate(&error) => {}
                other => other?,
            }
        }
        Ok(())
    }

    async fn authorize_these(
        aws: &Aws,
        direction: Direction,
        id: &str,
        these: Vec<IpPermission>,
    ) -> Result<(), CloudError> {
        let ec2 = aws.ec2_write();
        match direction {
            Direction::In => {
                let call = ec2.authorize_security_group_ingress().group_id(id).set_ip_permissions(Some(these));
                call.send().await.map_err(failed(&AUTHORIZE_SECURITY_GROUP_INGRESS))?;
            }
            Direction::Out => {
                let call = ec2.authorize_security_group_egress().group_id(id).set_ip_permissions(Some(these));
                call.send().await.map_err(failed(&AUTHORIZE_SECURITY_GROUP_EGRESS))?;
            }
        }
        Ok(())
    }

    /// Allows these permissions no more. One that is gone already fails the whole call, which then goes one by one.
    async fn revoke(aws: &Aws, direction: Direction, id: &str, remove: &Permissions) -> Result<(), CloudError> {
        let all: Vec<IpPermission> = remove.iter().map(|(p, d)| rules::request(p, d.as_deref())).collect();
        let revoked = missing_is_none(Self::revoke_these(aws, direction, id, all.clone()).await)?;
        if revoked.is_none() && all.len() > 1 {
            for one in all {
                gone_is_fine(Self::revoke_these(aws, direction, id, vec![one]).await)?;
            }
        }
        Ok(())
    }

    async fn revoke_these(
        aws: &Aws,
        direction: Direction,
        id: &str,
        these: Vec<IpPermission>,
    ) -> Result<(), CloudError> {
        let ec2 = aws.ec2_write();
        match direction {
            Direction::In => {
                let call = ec2.revoke_security_group_ingress().group_id(id).set_ip_permissions(Some(these));
                call.send().await.map_err(failed(&REVOKE_SECURITY_GROUP_INGRESS))?;
            }
            Direction::Out => {
                let call = ec2.revoke_security_group_egress().group_id(id).set_ip_permissions(Some(these));
                call.send().await.map_err(failed(&REVOKE_SECURITY_GROUP_EGRESS))?;
            }
        }
        Ok(())
    }

    /// Gives rules that are there another description. By their ids: only so is a rule about a group told apart for certain.
    async fn describe_rules(aws: &Aws, direction: Direction, id: &str, these: &Permissions) -> Result<(), CloudError> {
        let mut pages = aws
            .ec2()
            .describe_security_group_rules()
            .filters(filter("group-id", [id.to_owned()]))
            .into_paginator()
            .send();
        let mut updates = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed(&DESCRIBE_SECURITY_GROUP_RULES))?;
            updates.extend(
                page.security_group_rules().iter().filter_map(|rule| rules::description_update(rule, direction, these)),
            );
        }
        if !updates.is_empty() {
            let call =
                aws.ec2_write().modify_security_group_rules().group_id(id).set_security_group_rules(Some(updates));
            call.send().await.map_err(failed(&MODIFY_SECURITY_GROUP_RULES))?;
        }
        Ok(())
    }

    /// Brings the rules of one direction from `live` to `want`: first what is new, so that no connection breaks in between.
    async fn put_rules(aws: &Aws, direction: Direction, want: &Resolved, live: &Sighting) -> Result<(), CloudError> {
        let field = match direction {
            Direction::In => "ingress",
            Direction::Out => "egress",
        };
        // A group that was just created has what EC2 gives it.
        let fresh = (direction == Direction::Out).then(everything_out);
        let have = live.fields.get(field).or(fresh.as_ref());
        let change =
            rules::change(&rules::permissions(want.fields.get(field), &live.id), &rules::permissions(have, &live.id));
        if !change.add.is_empty() {
            Self::authorize(aws, direction, &live.id, &change.add).await?;
        }
        if !change.describe.is_empty() {
            Self::describe_rules(aws, direction, &live.id, &change.describe).await?;
        }
        if !change.remove.is_empty() {
            Self::revoke(aws, direction, &live.id, &change.remove).await?;
        }
        let v6 = everything_out_v6();
        let is_fresh = fresh.is_some() && !live.fields.contains_key(field);
        if is_fresh && want.fields.get(field).is_none_or(|rules| rules.get(&v6).is_none()) {
            // In a network with IPv6 EC2 gives it a second one, which nobody has seen.
            let v6 = rules::permissions(Some(&Value::texts([(v6, "")])), &live.id);
            Self::revoke(aws, direction, &live.id, &v6).await?;
        }
        Ok(())
    }

    /// What keeps a group from being deleted, in words. Best effort: it only makes an error clearer.
    async fn holders(aws: &Aws, id: &str) -> Option<String> {
        let interfaces = aws.ec2().describe_network_interfaces().filters(filter("group-id", [id.to_owned()])).send();
        let groups = Self::describe(aws, filter("ip-permission.group-id", [id.to_owned()]));
        let (interfaces, groups) = futures::join!(interfaces, groups);
        let mut holders = Vec::new();
        for interface in interfaces.map_err(failed(&DESCRIBE_NETWORK_INTERFACES)).ok()?.network_interfaces() {
            let name = interface.network_interface_id().unwrap_or("a network interface");
            holders.push(match interface.description().filter(|text| !text.is_empty()) {
                Some(description) => format!("{name} ({description})"),
                None => name.to_owned(),
            });
        }
        let others = groups.ok()?.into_iter().filter_map(|group| group.group_id).filter(|other| other != id);
        holders.extend(others.map(|other| format!("a rule of {other}")));
        (!holders.is_empty()).then(|| holders.join(", "))
    }
}

/// The id of the default VPC, read only if one of the wishes is for it.
async fn default_vpc<'s>(cx: &'s Survey<'_>, wanted: &[&Desired]) -> Result<Option<&'s str>, CloudError> {
    if wanted.iter().all(|want| matches!(want.fields.get("vpc"), Some(Value::Text(_)))) {
        return Ok(None);
    }
    Ok(cx.network().await?.map(|network| network.vpc.as_str()))
}

/// Where the file leaves the way out to the default, the default of a network with IPv6 is as good.
fn drop_default_v6(live: &mut Sighting) {
    if let (Some(Value::Map(egress)), Value::Map(default)) = (live.fields.get_mut("egress"), everything_out()) {
        let also = everything_out_v6();
        let both = egress.len() == default.len() + 1 && egress.contains_key(&also);
        if both && default.iter().all(|(label, says)| egress.get(label) == Some(says)) {
            egress.remove(&also);
        }
    }
}

fn is_duplicate(error: &CloudError) -> bool {
    error.code.as_deref() == Some("InvalidPermission.Duplicate")
}

#[async_trait]
impl Driver for SecurityGroup {
    fn info(&self) -> &'static KindInfo {
        &INFO
    }

    fn calls(&self) -> Vec<&'static Call> {
        CALLS.to_vec()
    }

    fn tagging_type(&self) -> Option<&'static str> {
        Some("ec2:security-group")
    }

    fn desired(&self, cx: &Desire<'_>, key: &str) -> Option<Desired> {
        let spec = cx.stack.security_groups.get(key)?;
        let keys: BTreeSet<&str> = cx.stack.security_groups.keys().map(String::as_str).collect();
        let id_of = |key: &str| Value::pending(Address::new(INFO.name, key), "id");
        let ingress = spec.ingress_permissions(key, &keys);
        let ingress = (!ingress.is_empty()).then(|| rules::field(&ingress, Direction::In, id_of));
        let egress = spec.egress_permissions(key, &keys).map(|egress| rules::field(&egress, Direction::Out, id_of));
        let mut wish = cx
            .wish(&INFO, key, spec)
            .set("description", spec.description.as_deref())
            .set("vpc", Some(spec.vpc_id().map_or_else(network::vpc, Value::text)))
            .set("ingress", ingress)
            .set("egress", egress);
        for other in spec.peers(key, &keys) {
            wish = wish.needs(INFO.name, &other);
        }
        Some(wish.done())
    }

    async fn survey(&self, cx: &Survey<'_>) -> Found {
        match Self::read(cx).await {
            Ok(seen) => Found { seen, ..Found::default() },
            Err(error) => Found::failure(cx.addresses(INFO.name), error),
        }
    }

    async fn look(&self, aws: &Aws, target: &Target, _: Depth) -> Result<Vec<Sighting>, CloudError> {
        let by = match &target.id {
            Some(id) => filter("group-id", [id.clone()]),
            None => filter("group-name", [literal(&target.name)]),
        };
        let groups = Self::describe(aws, by).await?;
        let same = groups.iter().filter(|group| group.group_name() == Some(&target.name));
        Ok(same.map(|group| Self::live(group, &BTreeMap::new(), aws.facts())).collect())
    }

    async fn create(&self, aws: &Aws, want: &Resolved) -> Result<Receipt, CloudError> {
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::SecurityGroup)
            .set_tags(Some(tag_list(want.tags())))
            .build();
        let answer = aws
            .ec2_write()
            .create_security_group()
            .group_name(&want.name)
            .description(want.text("description").unwrap_or(NO_DESCRIPTION))
            .set_vpc_id(want.text("vpc").map(str::to_owned))
            .tag_specifications(tags)
            .send()
            .await
            .map_err(failed(&CREATE_SECURITY_GROUP))?;
        let id = answer.group_id.unwrap_or_default();
        let outputs = outputs(&id, &want.name, aws.facts());
        Ok(Receipt { id: Some(id), outputs })
    }

    async fn update(
        &self,
        aws: &Aws,
        group: &'static str,
        want: &Resolved,
        live: &Sighting,
    ) -> Result<Receipt, CloudError> {
        match group {
            INGRESS => Self::put_rules(aws, Direction::In, want, live).await?,
            EGRESS => Self::put_rules(aws, Direction::Out, want, live).await?,
            TAGS => {
                let change = tags::change(&want.tags(), live);
                if !change.set.is_empty() {
                    let call = aws.ec2_write().create_tags().resources(&live.id).set_tags(Some(tag_list(change.set)));
                    call.send().await.map_err(failed(&CREATE_TAGS))?;
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
        let call = aws.ec2_write().delete_security_group().group_id(&live.id);
        let Err(mut error) = gone_is_fine(call.send().await.map_err(failed(&DELETE_SECURITY_GROUP))) else {
            return Ok(());
        };
        if error.code.as_deref() == Some("DependencyViolation")
            && let Some(holders) = Self::holders(aws, &live.id).await
        {
            error.message.push_str(&format!("; it is held by {holders}"));
        }
        Err(error)
    }

    async fn untag(&self, aws: &Aws, live: &Sighting, keys: Vec<String>) -> Result<(), CloudError> {
        // Without a value a tag is taken off whatever its value is.
        let keys = keys.into_iter().map(|key| Tag::builder().key(key).build()).collect();
        let call = aws.ec2_write().delete_tags().resources(&live.id).set_tags(Some(keys));
        gone_is_fine(call.send().await.map_err(failed(&DELETE_TAGS)))
    }
}

#[cfg(test)]
mod tests;
