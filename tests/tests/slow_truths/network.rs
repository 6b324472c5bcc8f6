//! Security groups: held by network interfaces, let out more than asked for, not known at once.

use std::time::Duration;

use hatoba_tests::plays::slow::draining::{Draining, Times};
use hatoba_tests::plays::slow::egress::Ipv6Egress;
use hatoba_tests::plays::slow::lag::Lag;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{LAG, apply, aws, destroy, done, nothing_to_do, run, said, says, site, tried, world, write};

#[test]
fn a_security_group_is_held_by_network_interfaces_for_a_while() {
    let times = Times { drains: Duration::ZERO, in_use: Duration::ZERO, interfaces: LAG };
    let (world, play) = world(Draining::new(times));
    write(&world, &site());
    apply(&world);
    let run = destroy(&world);
    assert!(play.groups_refused() > 0, "{}", said(&run));
    says(&run, &["trying again resource=security_group.papyrus", "DependencyViolation"]);
    let groups = aws(&world, "ec2", "DescribeSecurityGroups", &json!({})).elements("groupName");
    assert_eq!(groups, ["default"]);
}

#[test]
fn a_new_security_group_is_not_found() {
    let (world, play) = world(Lag::security_groups_are_not_found(LAG));
    let ingress = json!([{ "port": 5000, "from": ["0.0.0.0/0"] }]);
    write(&world, &json!({ "security_groups": { "papyrus": { "description": "papyrus", "ingress": ingress } } }));
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=security_group.papyrus", "InvalidGroup.NotFound"]);
    assert_eq!(done(&world, "ec2:CreateSecurityGroup"), 1);
    nothing_to_do(&world);
    destroy(&world);
}

/// Where connections may go to, as another client sees it.
fn out(world: &World) -> Vec<String> {
    let filter = json!([{ "Name": "group-name", "Value": ["papyrus"] }]);
    let answer = aws(world, "ec2", "DescribeSecurityGroups", &json!({ "Filter": filter }));
    let (_, egress) = answer.body.split_once("<ipPermissionsEgress").unwrap();
    let (egress, _) = egress.split_once("<vpcId>").unwrap_or((egress, ""));
    let mut out: Vec<String> =
        ["cidrIp", "cidrIpv6"].iter().flat_map(|name| hatoba_tests::client::elements(egress, name)).collect();
    out.sort();
    out
}

fn group(egress: Option<Value>) -> Value {
    let mut group = json!({ "description": "papyrus" });
    if let Some(egress) = egress {
        group["egress"] = egress;
    }
    json!({ "security_groups": { "papyrus": group } })
}

#[test]
fn a_new_security_group_lets_everything_out_by_ipv6_too() {
    let (world, play) = world(Ipv6Egress::default());
    // Left open: what EC2 gives is as good.
    write(&world, &group(None));
    apply(&world);
    assert_eq!(play.groups().len(), 1);
    nothing_to_do(&world);
    assert_eq!(out(&world), ["0.0.0.0/0", "::/0"]);
    // Stated later: what is too much goes.
    write(&world, &group(Some(json!([{ "port": 443, "to": "0.0.0.0/0" }]))));
    apply(&world);
    assert_eq!(out(&world), ["0.0.0.0/0"]);
    nothing_to_do(&world);
    destroy(&world);

    // Stated from the start: nothing is left open, in no moment that a second plan could see.
    for (egress, left) in [
        (json!([]), Vec::new()),
        (json!([{ "port": 443, "to": "0.0.0.0/0" }]), vec!["0.0.0.0/0"]),
        (json!([{ "protocol": "all", "to": "0.0.0.0/0" }]), vec!["0.0.0.0/0"]),
        (json!([{ "protocol": "all", "to": ["0.0.0.0/0", "::/0"] }]), vec!["0.0.0.0/0", "::/0"]),
    ] {
        write(&world, &group(Some(egress)));
        run(&world, &["apply", "--yes"], 0);
        assert_eq!(out(&world), left);
        assert_eq!(tried(&world, "ec2:CreateSecurityGroup"), 1);
        nothing_to_do(&world);
        destroy(&world);
    }
}
