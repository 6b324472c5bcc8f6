//! Subnets with their routes, endpoints, and what security groups let out. Source: EC2 API reference.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Filter, Route as ApiRoute, RouteState, RouteTable, SecurityGroup as ApiGroup, Subnet as ApiSubnet, VpcEndpoint,
    VpcEndpointType,
};
use futures::future::join_all;
use hatoba_engine::cloud::CloudError;
use hatoba_engine::value::{OutputRef, Value};
use hatoba_model::kinds::security_group::{Direction, Permission};
use hatoba_model::verify::{Fact, Facts, Network, Route, Subjects, Subnet, needs_endpoints};

use super::calls::{DESCRIBE_ROUTE_TABLES, DESCRIBE_SECURITY_GROUPS, DESCRIBE_SUBNETS, DESCRIBE_VPC_ENDPOINTS};
use super::look::Look;
use super::settled::After;
use crate::classify::failed;
use crate::kinds::network::LOOKUP;
use crate::kinds::security_group::permissions_of;

/// How many values one filter takes.
const VALUES: usize = 200;

/// Reads what the networks of the services are like.
pub(super) async fn read(cx: &Look<'_>, subjects: &Subjects, facts: &mut Facts) {
    let networks: Vec<&Network> = subjects.services.values().filter_map(|service| service.network.as_ref()).collect();
    if networks.is_empty() {
        return;
    }
    let ids: BTreeSet<String> = networks.iter().flat_map(|network| network.subnets.iter().flatten()).cloned().collect();
    let groups: BTreeSet<String> = networks.iter().flat_map(|network| network.groups.iter()).cloned().collect();
    let (subnets, groups) = futures::join!(subnets(cx, ids), groups_out(cx, groups));
    facts.subnets = subnets;
    facts.groups = groups;
    let of = |id: &String| match facts.subnets.get(id) {
        Some(Fact::There(subnet)) => Some(subnet.vpc.clone()),
        _ => None,
    };
    let without = networks.iter().filter(|network| network.groups.is_empty());
    let default: BTreeSet<String> =
        without.filter_map(|network| network.subnets.iter().flatten().find_map(of)).collect();
    let closed: BTreeSet<String> =
        subjects.services.values().flat_map(|service| needs_endpoints(service, facts)).collect();
    let (default, endpoints) = futures::join!(default_groups(cx, default), endpoints(cx, closed));
    facts.groups.extend(default);
    take_endpoints(endpoints, facts);
}

fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// Subnets with their routes. The network of the default ones is known already.
async fn subnets(cx: &Look<'_>, ids: BTreeSet<String>) -> BTreeMap<String, Fact<Subnet>> {
    let known = |output: &str| cx.world.seen.lookups.get(&OutputRef::new(LOOKUP, output));
    let default: BTreeSet<String> = known("subnets").map(Value::list_texts).unwrap_or_default().into_iter().collect();
    let mut networks: BTreeMap<String, String> = BTreeMap::new();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    if let Some(vpc) = known("vpc").and_then(Value::as_text) {
        networks.extend(ids.intersection(&default).map(|id| (id.clone(), vpc.to_owned())));
    }
    let others: Vec<String> = ids.iter().filter(|id| !networks.contains_key(*id)).cloned().collect();
    match describe_subnets(cx, &others).await {
        Ok(found) => {
            for subnet in found {
                let (Some(id), Some(vpc)) = (subnet.subnet_id, subnet.vpc_id) else { continue };
                owners.extend(subnet.owner_id.map(|owner| (id.clone(), owner)));
                networks.insert(id, vpc);
            }
        }
        Err(error) => return ids.into_iter().map(|id| (id, Fact::Unread(cx.unread(&error)))).collect(),
    }
    let tables = route_tables(cx, networks.values().cloned().collect()).await;
    let here = cx.aws.facts().account.as_str();
    let subnet = |id: &String, vpc: &String| {
        let subnet = match &tables {
            Ok(tables) => with_routes(id, vpc, tables),
            Err(error) => unread(vpc, cx.unread(error)),
        };
        Subnet { shared_by: owners.get(id).filter(|owner| *owner != here).cloned(), ..subnet }
    };
    let fact = |id: &String| networks.get(id).map_or(Fact::Missing, |vpc| Fact::There(subnet(id, vpc)));
    ids.iter().map(|id| (id.clone(), fact(id))).collect()
}

async fn describe_subnets(cx: &Look<'_>, ids: &[String]) -> Result<Vec<ApiSubnet>, CloudError> {
    let mut found = Vec::new();
    // By a filter: of ids that do not exist EC2 makes an error, of which one is named.
    for chunk in ids.chunks(VALUES) {
        let mut pages =
            cx.aws.ec2().describe_subnets().filters(filter("subnet-id", chunk.to_vec())).into_paginator().send();
        while let Some(page) = pages.next().await {
            found.extend(page.map_err(failed(&DESCRIBE_SUBNETS))?.subnets.unwrap_or_default());
        }
    }
    Ok(found)
}

async fn route_tables(cx: &Look<'_>, networks: BTreeSet<String>) -> Result<Vec<RouteTable>, CloudError> {
    let mut found = Vec::new();
    if networks.is_empty() {
        return Ok(found);
    }
    let mut pages = cx.aws.ec2().describe_route_tables().filters(filter("vpc-id", networks)).into_paginator().send();
    while let Some(page) = pages.next().await {
        found.extend(page.map_err(failed(&DESCRIBE_ROUTE_TABLES))?.route_tables.unwrap_or_default());
    }
    Ok(found)
}

/// A subnet of which no routes are known, for this reason.
fn unread(vpc: &str, why: String) -> Subnet {
    let route = Route::Unread(why);
    Subnet { vpc: vpc.to_owned(), route, gateways: BTreeSet::new(), shared_by: None, leads_to: None }
}

/// A subnet without a table of its own has the main one of its network. (Amazon VPC User Guide, "Subnet route tables".)
fn with_routes(id: &str, vpc: &str, tables: &[RouteTable]) -> Subnet {
    let own = tables.iter().find(|table| table.associations().iter().any(|a| a.subnet_id() == Some(id)));
    let main = || {
        let is_main = |table: &&RouteTable| {
            table.vpc_id() == Some(vpc) && table.associations().iter().any(|a| a.main().unwrap_or_default())
        };
        tables.iter().find(is_main)
    };
    let Some(table) = own.or_else(main) else {
        return unread(vpc, "EC2 names no route table for it".to_owned());
    };
    // Until the endpoints themselves are read, a gateway is known by its id: `vpce-…`.
    let gateways = table.routes().iter().filter_map(ApiRoute::gateway_id).filter(|id| id.starts_with("vpce-"));
    Subnet {
        vpc: vpc.to_owned(),
        route: everywhere(table),
        gateways: gateways.map(str::to_owned).collect(),
        shared_by: None,
        leads_to: table.routes().iter().filter(|route| !is_everywhere(route)).find_map(onward),
    }
}

/// Where the route to everywhere leads. It may be written as two, each for a half of all addresses.
fn everywhere(table: &RouteTable) -> Route {
    let to = |block: &str| table.routes().iter().find(|route| route.destination_cidr_block() == Some(block)).map(leads);
    let [whole, lower, upper] = EVERYWHERE.map(to);
    match (whole, lower, upper) {
        // The more precise ones count.
        (_, Some(lower), Some(upper)) if lower == upper => lower,
        (_, Some(_), Some(_)) => Route::Other("two routes, each to a half of all addresses".to_owned()),
        (whole, ..) => whole.unwrap_or(Route::None),
    }
}

/// All addresses, and their halves.
const EVERYWHERE: [&str; 3] = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1"];

fn is_everywhere(route: &ApiRoute) -> bool {
    route.destination_cidr_block().is_some_and(|block| EVERYWHERE.contains(&block))
}

/// What a route leads to that may lead on to other networks.
fn onward(route: &ApiRoute) -> Option<String> {
    let alive = route.state() != Some(&RouteState::Blackhole);
    let ids = [route.transit_gateway_id(), route.vpc_peering_connection_id(), route.core_network_arn()];
    // A virtual private gateway: `vgw-…`.
    let private = route.gateway_id().filter(|id| id.starts_with("vgw-"));
    ids.into_iter().chain([private]).flatten().find(|id| alive && !id.is_empty()).map(str::to_owned)
}

/// Where a route leads.
fn leads(route: &ApiRoute) -> Route {
    let ids = [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.transit_gateway_id(),
        route.network_interface_id(),
        route.instance_id(),
        route.vpc_peering_connection_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
    ];
    let to = ids.into_iter().flatten().find(|id| !id.is_empty()).unwrap_or("something unknown");
    if route.state() == Some(&RouteState::Blackhole) {
        Route::Dead(to.to_owned())
    } else if to.starts_with("igw-") {
        Route::Internet
    } else if to.starts_with("nat-") {
        Route::Nat
    } else {
        Route::Other(to.to_owned())
    }
}

/// The endpoints of networks, or why they are not known.
async fn endpoints(cx: &Look<'_>, networks: BTreeSet<String>) -> BTreeMap<String, Result<Vec<VpcEndpoint>, String>> {
    let reads = networks.into_iter().map(|vpc| async move {
        let mut pages =
            cx.aws.ec2().describe_vpc_endpoints().filters(filter("vpc-id", [vpc.clone()])).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            match page.map_err(failed(&DESCRIBE_VPC_ENDPOINTS)) {
                Ok(page) => found.extend(page.vpc_endpoints.unwrap_or_default()),
                Err(error) => return (vpc, Err(cx.unread(&error))),
            }
        }
        (vpc, Ok(found))
    });
    join_all(reads).await.into_iter().collect()
}

/// Interface endpoints serve the whole network, if their names lead to them; gateways serve the tables that have a route to them.
fn take_endpoints(found: BTreeMap<String, Result<Vec<VpcEndpoint>, String>>, facts: &mut Facts) {
    let name = |endpoint: &VpcEndpoint| {
        // com.amazonaws.us-west-2.ecr.api
        endpoint
            .service_name()
            .and_then(|name| name.split_once(".amazonaws.")?.1.split_once('.').map(|(_, name)| name.to_owned()))
    };
    for (vpc, found) in found {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                facts.endpoints.insert(vpc, Fact::Unread(why));
                continue;
            }
        };
        // Spelled `available` and `Available`.
        let ready = |endpoint: &&VpcEndpoint| {
            endpoint.state().is_none_or(|state| state.as_str().eq_ignore_ascii_case("available"))
        };
        let (gateways, others): (Vec<_>, Vec<_>) = found
            .iter()
            .filter(ready)
            .partition(|endpoint| endpoint.vpc_endpoint_type() == Some(&VpcEndpointType::Gateway));
        let named = |endpoint: &&VpcEndpoint| endpoint.private_dns_enabled() != Some(false);
        let interfaces = others.into_iter().filter(named).filter_map(name).collect();
        facts.endpoints.insert(vpc.clone(), Fact::There(interfaces));
        let by_id: BTreeMap<&str, String> =
            gateways.into_iter().filter_map(|endpoint| Some((endpoint.vpc_endpoint_id()?, name(endpoint)?))).collect();
        for subnet in facts.subnets.values_mut() {
            if let Fact::There(subnet) = subnet
                && subnet.vpc == vpc
            {
                subnet.gateways = subnet.gateways.iter().filter_map(|id| by_id.get(id.as_str()).cloned()).collect();
            }
        }
    }
}

/// What security groups let out: those of the file from the wish, others from EC2.
async fn groups_out(cx: &Look<'_>, groups: BTreeSet<String>) -> BTreeMap<String, Fact<Vec<Permission>>> {
    let mut facts = BTreeMap::new();
    let mut others = Vec::new();
    for group in groups {
        let of_file = cx.world.wanted("security_group").find(|want| want.address.to_string() == group);
        match of_file.map(|want| cx.world.after(want)) {
            Some(After::There(fields)) => {
                let labels = fields.get("egress").and_then(Value::as_map).into_iter().flat_map(|rules| rules.keys());
                let rules = labels.filter_map(|label| Permission::of_label(label)).collect();
                facts.insert(group, Fact::There(rules));
            }
            Some(After::Unread(why)) => drop(facts.insert(group, Fact::Unread(why.to_owned()))),
            Some(After::Missing) => drop(facts.insert(group, Fact::Missing)),
            None => others.push(group),
        }
    }
    for chunk in others.chunks(VALUES) {
        match describe_groups(cx, vec![filter("group-id", chunk.to_vec())]).await {
            Err(error) => facts.extend(chunk.iter().map(|id| (id.clone(), Fact::Unread(cx.unread(&error))))),
            Ok(found) => facts.extend(chunk.iter().map(|id| {
                let group = found.iter().find(|group| group.group_id() == Some(id));
                (id.clone(), group.map_or(Fact::Missing, |group| Fact::There(permissions_of(group, Direction::Out))))
            })),
        }
    }
    facts
}

/// What the default groups of networks let out, by the ids of the networks.
async fn default_groups(cx: &Look<'_>, networks: BTreeSet<String>) -> BTreeMap<String, Fact<Vec<Permission>>> {
    if networks.is_empty() {
        return BTreeMap::new();
    }
    let filters = vec![filter("vpc-id", networks.clone()), filter("group-name", ["default".to_owned()])];
    let found = describe_groups(cx, filters).await;
    let fact = |vpc: &String| match &found {
        Err(error) => Fact::Unread(cx.unread(error)),
        Ok(found) => match found.iter().find(|group| group.vpc_id() == Some(vpc)) {
            Some(group) => Fact::There(permissions_of(group, Direction::Out)),
            None => Fact::Unread("EC2 names no default group".to_owned()),
        },
    };
    networks.iter().map(|vpc| (vpc.clone(), fact(vpc))).collect()
}

async fn describe_groups(cx: &Look<'_>, filters: Vec<Filter>) -> Result<Vec<ApiGroup>, CloudError> {
    let mut pages = cx.aws.ec2().describe_security_groups().set_filters(Some(filters)).into_paginator().send();
    let mut groups = Vec::new();
    while let Some(page) = pages.next().await {
        groups.extend(page.map_err(failed(&DESCRIBE_SECURITY_GROUPS))?.security_groups.unwrap_or_default());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::RouteTableAssociation;

    use super::*;

    fn table(vpc: &str, association: RouteTableAssociation, route: ApiRoute) -> RouteTable {
        RouteTable::builder().vpc_id(vpc).associations(association).routes(route).build()
    }

    #[test]
    fn a_subnet_has_its_own_table_before_the_main_one() {
        let main = RouteTableAssociation::builder().main(true).build();
        let own = RouteTableAssociation::builder().subnet_id("subnet-b").build();
        let to = |gateway: &str| ApiRoute::builder().destination_cidr_block("0.0.0.0/0").gateway_id(gateway).build();
        let nat = ApiRoute::builder().destination_cidr_block("0.0.0.0/0").nat_gateway_id("nat-1").build();
        let tables = [table("vpc-1", main, to("igw-1")), table("vpc-1", own, nat)];
        assert_eq!(with_routes("subnet-a", "vpc-1", &tables).route, Route::Internet);
        assert_eq!(with_routes("subnet-b", "vpc-1", &tables).route, Route::Nat);
        assert!(matches!(with_routes("subnet-c", "vpc-2", &tables).route, Route::Unread(_)));
    }

    #[test]
    fn two_halves_are_everywhere() {
        let to =
            |block: &str, gateway: &str| ApiRoute::builder().destination_cidr_block(block).gateway_id(gateway).build();
        let of = |routes: Vec<ApiRoute>| everywhere(&RouteTable::builder().set_routes(Some(routes)).build());
        assert_eq!(of(vec![to("0.0.0.0/1", "igw-1"), to("128.0.0.0/1", "igw-1")]), Route::Internet);
        assert_eq!(of(vec![to("0.0.0.0/1", "igw-1")]), Route::None);
        assert!(matches!(of(vec![to("0.0.0.0/1", "igw-1"), to("128.0.0.0/1", "eni-1")]), Route::Other(_)));
        assert_eq!(of(vec![to("0.0.0.0/0", "igw-1"), to("0.0.0.0/1", "eni-1")]), Route::Internet);
    }

    #[test]
    fn other_networks_may_have_what_is_missing_here() {
        let main = RouteTableAssociation::builder().main(true).build();
        let peer = ApiRoute::builder().destination_cidr_block("10.1.0.0/16");
        let of = |route: ApiRoute| with_routes("subnet-a", "vpc-1", &[table("vpc-1", main.clone(), route)]).leads_to;
        assert_eq!(of(peer.clone().transit_gateway_id("tgw-1").build()), Some("tgw-1".to_owned()));
        assert_eq!(of(peer.clone().vpc_peering_connection_id("pcx-1").build()), Some("pcx-1".to_owned()));
        assert_eq!(of(peer.clone().gateway_id("local").build()), None);
        let gone = peer.transit_gateway_id("tgw-1").state(RouteState::Blackhole).build();
        assert_eq!(of(gone), None);
    }

    #[test]
    fn a_route_to_what_is_gone_leads_nowhere() {
        let route = |state| ApiRoute::builder().nat_gateway_id("nat-1").state(state).build();
        assert_eq!(leads(&route(RouteState::Blackhole)), Route::Dead("nat-1".into()));
        assert_eq!(leads(&route(RouteState::Active)), Route::Nat);
        let transit = ApiRoute::builder().transit_gateway_id("tgw-1").build();
        assert_eq!(leads(&transit), Route::Other("tgw-1".into()));
    }
}
