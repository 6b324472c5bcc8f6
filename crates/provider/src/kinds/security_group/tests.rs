#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use aws_sdk_ec2::types::{IpRange, Ipv6Range, SecurityGroupRule, UserIdGroupPair};
use hatoba_engine::diff::differences;
use hatoba_engine::resolve::{Known, fill};
use hatoba_engine::value::OutputRef;
use hatoba_model::stack::Stack;
use serde_json::{Value as Json, json};

use super::*;

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

/// The wishes for the groups `web` (as given) and `db`, with the default VPC known as `vpc-1`.
fn desired(spec: Json) -> Desired {
    let stack = json!({ "stack": "papyrus", "region": "us-west-2", "security_groups": { "web": spec, "db": {} } });
    let stack: Stack = serde_json::from_value(stack).unwrap();
    let mut want = SecurityGroup.desired(&Desire { stack: &stack, facts: &facts() }, "web").unwrap();
    let known: Known = [
        (OutputRef::new(network::LOOKUP, "vpc"), Value::text("vpc-1")),
        (OutputRef::new("security_group.db", "id"), Value::text("sg-db")),
    ]
    .into();
    for value in want.fields.values_mut() {
        *value = fill(value, &known);
    }
    want
}

fn all_out() -> IpPermission {
    IpPermission::builder().ip_protocol("-1").ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build()
}

fn group(ingress: Vec<IpPermission>, egress: Vec<IpPermission>) -> ApiGroup {
    ApiGroup::builder()
        .group_id("sg-web")
        .group_name("web")
        .vpc_id("vpc-1")
        .description("anything")
        .set_ip_permissions(Some(ingress))
        .set_ip_permissions_egress(Some(egress))
        .build()
}

fn keys() -> BTreeMap<String, String> {
    [("sg-web".to_owned(), "web".to_owned()), ("sg-db".to_owned(), "db".to_owned())].into()
}

fn changed(spec: Json, group: &ApiGroup) -> Vec<String> {
    let live = SecurityGroup::live(group, &keys(), &facts());
    differences(&INFO, &desired(spec).fields, &live.fields).into_iter().map(|change| change.path).collect()
}

#[test]
fn what_ec2_makes_of_nothing_is_what_the_file_means_by_nothing() {
    assert_eq!(changed(json!({}), &group(vec![], vec![all_out()])), Vec::<String>::new());
    assert_eq!(
        changed(json!({ "egress": [{ "protocol": "all", "to": "0.0.0.0/0" }] }), &group(vec![], vec![all_out()])),
        Vec::<String>::new()
    );
    assert_eq!(changed(json!({ "egress": [] }), &group(vec![], vec![all_out()])), [r#"egress["all to 0.0.0.0/0"]"#]);
    assert_eq!(changed(json!({}), &group(vec![], vec![])), [r#"egress["all to 0.0.0.0/0"]"#]);
    assert_eq!(changed(json!({ "egress": [] }), &group(vec![], vec![])), Vec::<String>::new());
}

#[test]
fn rules_are_compared_one_by_one_however_ec2_groups_them() {
    // One entry for all sources of a port, sources in any order, numbers for protocols.
    let merged = IpPermission::builder()
        .ip_protocol("6")
        .from_port(5000)
        .to_port(5000)
        .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("office").build())
        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
        .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
        .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-db").user_id("123456789012").build())
        .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-web").build())
        .build();
    let ping = IpPermission::builder()
        .ip_protocol("icmp")
        .from_port(-1)
        .to_port(-1)
        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
        .build();
    let live = group(vec![ping, merged], vec![all_out()]);
    let spec = json!({ "ingress": [
        { "port": 5000, "from": ["0.0.0.0/0", "::/0", "db", "self"] },
        { "port": 5000, "from": "10.9.9.9/8", "description": "office" },
        { "protocol": "icmp", "from": "0.0.0.0/0" },
    ] });
    assert_eq!(changed(spec, &live), Vec::<String>::new());
    let fewer = json!({ "ingress": [{ "port": 5000, "from": ["0.0.0.0/0", "::/0", "db", "web"] }, { "port": 5000, "from": "10.0.0.0/8" }] });
    assert_eq!(changed(fewer, &live), [r#"ingress["icmp from 0.0.0.0/0"]"#, r#"ingress["tcp 5000 from 10.0.0.0/8"]"#]);
    assert_eq!(SecurityGroup::live(&live, &keys(), &facts()).uses, ["sg-db"]);
}

#[test]
fn a_group_of_the_file_that_got_another_id_is_a_difference() {
    let pair = |id: &str| {
        let pair = UserIdGroupPair::builder().group_id(id).build();
        IpPermission::builder().ip_protocol("tcp").from_port(1).to_port(1).user_id_group_pairs(pair).build()
    };
    let spec = json!({ "ingress": [{ "port": 1, "from": "db" }] });
    assert_eq!(changed(spec.clone(), &group(vec![pair("sg-db")], vec![all_out()])), Vec::<String>::new());
    let paths = changed(spec, &group(vec![pair("sg-old")], vec![all_out()]));
    assert_eq!(paths, [r#"ingress["tcp 1 from db"]"#, r#"ingress["tcp 1 from sg-old"]"#]);
}

#[test]
fn rules_become_calls_that_add_describe_and_remove() {
    let want = desired(json!({ "ingress": [
        { "port": 80, "from": ["self", "db"] },
        { "ports": ["443", "8000-8010"], "from": "0.0.0.0/0", "description": "site" },
    ] }));
    let have = json!({ "ingress": [{ "port": 443, "from": "0.0.0.0/0" }, { "port": 22, "from": "10.0.0.0/8" }] });
    let change = rules::change(
        &rules::permissions(want.fields.get("ingress"), "sg-web"),
        &rules::permissions(desired(have).fields.get("ingress"), "sg-web"),
    );
    let labels = |these: &Permissions| these.keys().map(|p| p.label(Direction::In)).collect::<Vec<_>>();
    assert_eq!(labels(&change.add), ["tcp 80 from sg-db", "tcp 80 from sg-web", "tcp 8000-8010 from 0.0.0.0/0"]);
    assert_eq!(labels(&change.describe), ["tcp 443 from 0.0.0.0/0"]);
    assert_eq!(labels(&change.remove), ["tcp 22 from 10.0.0.0/8"]);
    assert_eq!(change.describe.values().next().unwrap().as_deref(), Some("site"));
}

#[test]
fn a_new_description_goes_to_the_rule_it_is_meant_for() {
    let want = desired(json!({ "ingress": [{ "port": 443, "from": "10.0.0.0/8", "description": "site" }] }));
    let these = rules::permissions(want.fields.get("ingress"), "sg-web");
    let rule = |egress, port, id: &str| {
        SecurityGroupRule::builder()
            .security_group_rule_id(id)
            .is_egress(egress)
            .ip_protocol("tcp")
            .from_port(port)
            .to_port(port)
            .cidr_ipv4("10.0.0.0/8")
            .build()
    };
    let update = rules::description_update(&rule(false, 443, "sgr-1"), Direction::In, &these).unwrap();
    let sent = update.security_group_rule().unwrap();
    assert_eq!((update.security_group_rule_id(), sent.description()), (Some("sgr-1"), Some("site")));
    assert_eq!((sent.cidr_ipv4(), sent.from_port(), sent.to_port()), (Some("10.0.0.0/8"), Some(443), Some(443)));
    assert_eq!(rules::description_update(&rule(true, 443, "sgr-2"), Direction::In, &these), None);
    assert_eq!(rules::description_update(&rule(false, 22, "sgr-3"), Direction::In, &these), None);
}

#[test]
fn what_is_sent_comes_back_as_it_was() {
    let spec = json!({ "ingress": [
        { "port": 80, "from": ["self", "db", "pl-12345678", "2001:db8::/32"], "description": "a (b)" },
        { "protocol": "udp", "ports": "1-2", "from": "sg-12345678" },
        { "protocol": "all", "from": "10.0.0.0/8" },
    ] });
    let permissions = rules::permissions(desired(spec.clone()).fields.get("ingress"), "sg-web");
    let sent: Vec<IpPermission> = permissions.iter().map(|(p, d)| rules::request(p, d.as_deref())).collect();
    assert_eq!(changed(spec, &group(sent, vec![all_out()])), Vec::<String>::new());
}

#[test]
fn the_default_of_a_network_with_ipv6_is_a_default_too() {
    let v6 =
        IpPermission::builder().ip_protocol("-1").ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build()).build();
    let mut live = SecurityGroup::live(&group(vec![], vec![all_out(), v6.clone()]), &keys(), &facts());
    drop_default_v6(&mut live);
    assert_eq!(live.fields["egress"], everything_out());
    let mut only_v6 = SecurityGroup::live(&group(vec![], vec![v6]), &keys(), &facts());
    drop_default_v6(&mut only_v6);
    assert_eq!(only_v6.fields["egress"].as_map().unwrap().len(), 1);
}

#[test]
fn a_key_means_the_group_of_that_name_before_one_that_only_bears_its_mark() {
    let named = |id: &str, name: &str, key: &str| {
        ApiGroup::builder()
            .group_id(id)
            .group_name(name)
            .tags(Tag::builder().key("hatoba:stack").value("papyrus").build())
            .tags(Tag::builder().key("hatoba:resource").value(format!("security_group.{key}")).build())
            .build()
    };
    let want = desired(json!({}));
    let groups = [named("sg-old", "former", "web"), named("sg-web", "web", "web"), named("sg-x", "x", "gone")];
    let keys = keys_by_id(&groups, &[&want], "papyrus");
    let expected = [("sg-web", "web"), ("sg-x", "gone")].map(|(id, key)| (id.to_owned(), key.to_owned()));
    assert_eq!(keys, expected.into());
}

#[test]
fn wildcards_in_names_are_taken_literally() {
    assert_eq!(literal("a*b?c\\d"), "a\\*b\\?c\\\\d");
}
