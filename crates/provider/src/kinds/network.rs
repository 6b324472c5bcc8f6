//! The default network of the region: a lookup, not a resource. Source: EC2 API reference, `DescribeSubnets`.

use aws_sdk_ec2::types::{Filter, Subnet, SubnetState};
use hatoba_engine::cloud::CloudError;
use hatoba_engine::desired::Desired;
use hatoba_engine::value::{OutputRef, Value};
use hatoba_model::address::Address;

use crate::aws::Aws;
use crate::classify::failed;
use crate::permissions::call::{Form, On, calls};
use crate::survey::{Found, Survey};

calls! {
    DESCRIBE_SUBNETS: Plan "ec2:DescribeSubnets"
        => Form::Stack(|whole| On::any().when(whole.goal.resources.values().any(waits)));
}

/// The key of the lookup. Its outputs are `vpc`, a text, and `subnets`, a set of ids.
pub const LOOKUP: &str = "lookup.network";

/// The default VPC of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its id.
    pub vpc: String,
    /// The ids of its default subnets, one in each availability zone.
    pub subnets: Vec<String>,
}

/// The id of the default VPC, not known yet.
pub fn vpc() -> Value {
    Value::pending(LOOKUP, "vpc")
}

/// The default subnets, not known yet. As an item of a list it gives way to all of them.
pub fn subnets() -> Value {
    Value::pending(LOOKUP, "subnets")
}

/// Reads the default network if a wish needs it.
pub async fn survey(cx: &Survey<'_>) -> Found {
    let users: Vec<Address> =
        cx.goal.resources.values().filter(|want| waits(want)).map(|want| want.address.clone()).collect();
    // What goes needs no place to go to.
    if users.is_empty() || cx.goal.content {
        return Found::default();
    }
    let mut found = Found::default();
    match cx.network().await {
        Ok(Some(network)) => {
            found.lookups.insert(OutputRef::new(LOOKUP, "vpc"), Value::text(&network.vpc));
            found.lookups.insert(OutputRef::new(LOOKUP, "subnets"), Value::set(network.subnets.clone()));
        }
        Ok(None) => {
            let region = &cx.aws.facts().region;
            let text = format!(
                "the region {region} has no default VPC with default subnets; `aws ec2 create-default-vpc --region {region}` \
                 creates one, or name `vpc:` and `subnets:`"
            );
            found.missing.insert(LOOKUP.to_owned(), text);
        }
        Err(error) => return Found::failure(users, error),
    }
    found
}

fn waits(want: &Desired) -> bool {
    let mut found = false;
    for value in want.fields.values() {
        value.each_pending(&mut |output| found |= output.of == LOOKUP);
    }
    found
}

/// Reads it: one call, because only the subnets of the default VPC are default ones.
pub(crate) async fn read(aws: &Aws) -> Result<Option<Network>, CloudError> {
    let filter = Filter::builder().name("default-for-az").values("true").build();
    let mut pages = aws.ec2().describe_subnets().filters(filter).into_paginator().send();
    let mut subnets = Vec::new();
    while let Some(page) = pages.next().await {
        subnets.extend(page.map_err(failed(&DESCRIBE_SUBNETS))?.subnets.unwrap_or_default());
    }
    Ok(network(&subnets))
}

fn network(subnets: &[Subnet]) -> Option<Network> {
    let usable = |subnet: &&Subnet| {
        let available = subnet.state().is_none_or(|state| *state == SubnetState::Available);
        available && subnet.availability_zone_id().is_none_or(has_fargate)
    };
    let vpc = subnets.iter().filter(usable).find_map(Subnet::vpc_id)?.to_owned();
    let mut ids: Vec<String> = subnets
        .iter()
        .filter(usable)
        .filter(|subnet| subnet.vpc_id() == Some(&vpc))
        .filter_map(|subnet| subnet.subnet_id().map(str::to_owned))
        .collect();
    ids.sort();
    Some(Network { vpc, subnets: ids })
}

/// Whether Fargate runs in an availability zone: in some old regions not in all. Elsewhere a task is never placed, with nothing but
/// an "internal error" in the events. Source: ECS developer guide, "Supported Regions for Amazon ECS on AWS Fargate".
fn has_fargate(zone: &str) -> bool {
    const PARTLY: [(&str, &[&str]); 4] = [
        ("apne1-", &["az1", "az2", "az4"]),
        ("cac1-", &["az1", "az2"]),
        ("cnn1-", &["az1", "az2"]),
        ("usw1-", &["az1", "az3"]),
    ];
    let in_part = |(region, zones): &(&str, &[&str])| zone.strip_prefix(region).map(|zone| zones.contains(&zone));
    PARTLY.iter().find_map(in_part).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_where_fargate_does_not_run_are_left_out() {
        let zone = |zone: &str| Subnet::builder().vpc_id("vpc-1").subnet_id(zone).availability_zone_id(zone).build();
        let subnets = |zones: &[&str]| {
            let subnets: Vec<Subnet> = zones.iter().map(|id| zone(id)).collect();
            network(&subnets).map(|network| network.subnets)
        };
        assert_eq!(subnets(&["apne1-az1", "apne1-az3", "apne1-az4"]).unwrap_or_default(), ["apne1-az1", "apne1-az4"]);
        assert_eq!(subnets(&["usw2-az1", "usw2-az4"]).unwrap_or_default(), ["usw2-az1", "usw2-az4"]);
        assert_eq!(subnets(&["usw1-az2"]), None);
    }

    #[test]
    fn only_subnets_that_can_be_used_count() {
        let subnet = |id: &str, state| Subnet::builder().vpc_id("vpc-1").subnet_id(id).set_state(state).build();
        let subnets = [
            subnet("subnet-b", None),
            subnet("subnet-c", Some(SubnetState::Pending)),
            subnet("subnet-a", Some(SubnetState::Available)),
        ];
        let expected = Network { vpc: "vpc-1".into(), subnets: vec!["subnet-a".into(), "subnet-b".into()] };
        assert_eq!(network(&subnets), Some(expected));
        assert_eq!(network(&subnets[1..2]), None);
    }
}
