//! The rules of a security group in normal form: what EC2 groups in its own way, one by one and with names of the file.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, SecurityGroupRuleRequest,
    SecurityGroupRuleUpdate, UserIdGroupPair,
};
use hatoba_engine::value::Value;
use hatoba_model::kinds::security_group::{Direction, Peer, Permission, canonical_cidr};

/// Every single permission with its description; groups by their ids.
pub(super) type Permissions = BTreeMap<Permission, Option<String>>;

/// What a rule says beside its label: that it allows, and its description in brackets.
const ALLOW: &str = "allow";

/// What a group gets that asks for nothing: every connection out.
pub(super) fn everything_out() -> Value {
    let permission = Permission { protocol: "all".into(), from: -1, to: -1, peer: Peer::Cidr("0.0.0.0/0".into()) };
    Value::map([(permission.label(Direction::Out), text(None))])
}

/// The same with IPv6, as EC2 may make it in a network that has IPv6.
pub(super) fn everything_out_v6() -> String {
    Permission { protocol: "all".into(), from: -1, to: -1, peer: Peer::Cidr("::/0".into()) }.label(Direction::Out)
}

fn text(description: Option<&str>) -> Value {
    match description {
        Some(description) if !description.is_empty() => Value::Text(format!("{ALLOW} ({description})")),
        _ => ALLOW.into(),
    }
}

fn description(text: &str) -> Option<String> {
    text.strip_prefix(ALLOW)?.strip_prefix(" (")?.strip_suffix(')').map(str::to_owned)
}

/// Permissions as a field: by their label. A rule about another group of the file holds that group's id, which may not be
/// known yet; `id_of` gives it.
pub(super) fn field(permissions: &Permissions, direction: Direction, id_of: impl Fn(&str) -> Value) -> Value {
    Value::map(permissions.iter().map(|(permission, description)| {
        let says = text(description.as_deref());
        let says = match permission.peer.group() {
            Some(key) => Value::map([("group", id_of(key)), ("rule", says)]),
            None => says,
        };
        (permission.label(direction), says)
    }))
}

/// The permissions that a field stands for, with groups by their ids; `own` is the id of the group itself.
pub(super) fn permissions(field: Option<&Value>, own: &str) -> Permissions {
    let Some(parts) = field.and_then(Value::as_map) else { return Permissions::new() };
    parts
        .iter()
        .filter_map(|(label, says)| {
            let mut permission = Permission::of_label(label)?;
            if permission.peer == Peer::Own {
                permission.peer = Peer::GroupId(own.to_owned());
            }
            let says = match says.get("group").and_then(Value::as_text) {
                Some(id) => {
                    permission.peer = Peer::GroupId(id.to_owned());
                    says.get("rule")
                }
                None => Some(says),
            };
            Some((permission, says.and_then(Value::as_text).and_then(description)))
        })
        .collect()
}

/// What EC2 returned, one by one. `own` is the id of the group itself, `keys` the keys of the file by group id.
pub(super) fn live(api: &[IpPermission], direction: Direction, own: &str, keys: &BTreeMap<String, String>) -> Value {
    let mut permissions = Permissions::new();
    let mut ids = BTreeMap::new();
    for api in api {
        let (protocol, from, to) = ports(api);
        let mut add = |peer: Peer, description: Option<&str>| {
            let permission = Permission { protocol: protocol.clone(), from, to, peer };
            permissions.insert(permission, description.map(str::to_owned));
        };
        for range in api.ip_ranges() {
            add(Peer::Cidr(canonical(range.cidr_ip())), range.description());
        }
        for range in api.ipv6_ranges() {
            add(Peer::Cidr(canonical(range.cidr_ipv6())), range.description());
        }
        for list in api.prefix_list_ids() {
            add(Peer::PrefixList(list.prefix_list_id().unwrap_or_default().to_owned()), list.description());
        }
        for pair in api.user_id_group_pairs() {
            let Some(id) = pair.group_id() else { continue };
            let peer = match keys.get(id) {
                _ if id == own => Peer::Own,
                Some(key) => {
                    ids.insert(key.clone(), id.to_owned());
                    Peer::Group(key.clone())
                }
                None => Peer::GroupId(id.to_owned()),
            };
            add(peer, pair.description());
        }
    }
    field(&permissions, direction, |key| Value::text(ids.get(key).cloned().unwrap_or_default()))
}

/// The ids of other groups that rules refer to.
pub(super) fn groups(api: &[IpPermission]) -> impl Iterator<Item = &str> {
    api.iter().flat_map(|api| api.user_id_group_pairs()).filter_map(UserIdGroupPair::group_id)
}

fn canonical(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    canonical_cidr(text).unwrap_or_else(|_| text.to_owned())
}

fn ports(api: &IpPermission) -> (String, i32, i32) {
    normal(api.ip_protocol().unwrap_or("-1"), api.from_port(), api.to_port())
}

/// Protocols by name, and ports only where a protocol has them.
fn normal(protocol: &str, from: Option<i32>, to: Option<i32>) -> (String, i32, i32) {
    let protocol = protocol.to_ascii_lowercase();
    let name = match protocol.as_str() {
        "-1" => "all",
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "58" => "icmpv6",
        other => other,
    };
    let (from, to) = match name {
        "tcp" | "udp" => (from.unwrap_or(0).max(0), to.filter(|port| *port >= 0).unwrap_or(65_535)),
        "icmp" | "icmpv6" => (from.unwrap_or(-1), to.unwrap_or(-1)),
        _ => (-1, -1),
    };
    (name.to_owned(), from, to)
}

/// The update that gives a rule the description it should have; nothing if it is not among them.
pub(super) fn description_update(
    rule: &SecurityGroupRule,
    direction: Direction,
    these: &Permissions,
) -> Option<SecurityGroupRuleUpdate> {
    if rule.is_egress().unwrap_or_default() != (direction == Direction::Out) {
        return None;
    }
    let group = rule.referenced_group_info().and_then(|group| group.group_id());
    let peer = match (rule.cidr_ipv4().or(rule.cidr_ipv6()), rule.prefix_list_id(), group) {
        (Some(cidr), _, _) => Peer::Cidr(canonical(Some(cidr))),
        (None, Some(id), _) => Peer::PrefixList(id.to_owned()),
        (None, None, group) => Peer::GroupId(group?.to_owned()),
    };
    let (protocol, from, to) = normal(rule.ip_protocol().unwrap_or("-1"), rule.from_port(), rule.to_port());
    let description = these.get(&Permission { protocol, from, to, peer })?;
    // The request replaces the whole rule, so that all of it goes back as it came.
    let request = SecurityGroupRuleRequest::builder()
        .set_ip_protocol(rule.ip_protocol().map(str::to_owned))
        .set_from_port(rule.from_port())
        .set_to_port(rule.to_port())
        .set_cidr_ipv4(rule.cidr_ipv4().map(str::to_owned))
        .set_cidr_ipv6(rule.cidr_ipv6().map(str::to_owned))
        .set_prefix_list_id(rule.prefix_list_id().map(str::to_owned))
        .set_referenced_group_id(group.map(str::to_owned))
        // An empty description takes the old one away.
        .description(description.as_deref().unwrap_or_default())
        .build();
    Some(
        SecurityGroupRuleUpdate::builder()
            .set_security_group_rule_id(rule.security_group_rule_id().map(str::to_owned))
            .security_group_rule(request)
            .build(),
    )
}

/// One permission as the API takes it. Groups are known by their ids by now.
pub(super) fn request(permission: &Permission, description: Option<&str>) -> IpPermission {
    let described = description.map(str::to_owned);
    let protocol = if permission.protocol == "all" { "-1" } else { permission.protocol.as_str() };
    let with_ports = matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6");
    let api = IpPermission::builder()
        .ip_protocol(protocol)
        .set_from_port(with_ports.then_some(permission.from))
        .set_to_port(with_ports.then_some(permission.to));
    match &permission.peer {
        Peer::Cidr(cidr) if cidr.contains(':') => {
            api.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).set_description(described).build())
        }
        Peer::Cidr(cidr) => api.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(described).build()),
        Peer::PrefixList(id) => {
            api.prefix_list_ids(PrefixListId::builder().prefix_list_id(id).set_description(described).build())
        }
        Peer::Group(id) | Peer::GroupId(id) => {
            api.user_id_group_pairs(UserIdGroupPair::builder().group_id(id).set_description(described).build())
        }
        // Replaced by the group's id when the field was read.
        Peer::Own => api,
    }
    .build()
}

/// What has to be called for so that `have` becomes `want`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    /// To allow.
    pub(super) add: Permissions,
    /// To describe differently.
    pub(super) describe: Permissions,
    /// To allow no more.
    pub(super) remove: Permissions,
}

/// Compares two sets of permissions.
pub(super) fn change(want: &Permissions, have: &Permissions) -> Change {
    let mut change = Change::default();
    for (permission, description) in want {
        let into = match have.get(permission) {
            Some(there) if there == description => continue,
            Some(_) => &mut change.describe,
            None => &mut change.add,
        };
        into.insert(permission.clone(), description.clone());
    }
    change.remove = have
        .iter()
        .filter(|(permission, _)| !want.contains_key(*permission))
        .map(|(p, d)| (p.clone(), d.clone()))
        .collect();
    change
}
