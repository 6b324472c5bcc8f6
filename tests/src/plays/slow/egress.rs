//! A new security group lets every connection out, and in a network with IPv6 by a second rule as well (EC2 API reference,
//! `CreateSecurityGroup`). The emulators make the first only.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;

use crate::client::elements;
use crate::proxy::{Call, Play, Reply};

const RULE: &str = "<item><ipProtocol>-1</ipProtocol><groups/><ipRanges/>\
                    <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><prefixListIds/></item>";

/// Gives new groups a rule that lets everything out by IPv6.
#[derive(Debug, Default)]
pub struct Ipv6Egress {
    groups: Mutex<BTreeSet<String>>,
}

impl Ipv6Egress {
    /// The groups that have the rule.
    pub fn groups(&self) -> BTreeSet<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a call is about the rule, and whether it is about no other.
fn is_about_it(call: &Call) -> (bool, bool) {
    let form = call.form();
    let ranges: Vec<&str> =
        form.iter().filter(|(key, _)| key.contains("Cidr")).map(|(_, value)| value.as_str()).collect();
    let all = form.iter().filter(|(key, _)| key.ends_with("IpProtocol")).all(|(_, value)| value == "-1");
    let about = all && ranges.contains(&"::/0");
    (about, about && ranges.len() == 1)
}

impl Play for Ipv6Egress {
    fn before(&self, call: &Call) -> Option<Reply> {
        if call.service != "ec2" || !call.action.ends_with("SecurityGroupEgress") {
            return None;
        }
        let (about, alone) = is_about_it(call);
        let id = call.form().remove("GroupId").filter(|_| about)?;
        let there = self.lock().contains(&id);
        let done = Reply::new(call, 200, format!("<{0}Response><return>true</return></{0}Response>", call.action));
        match (call.action.starts_with("Revoke"), there) {
            (true, true) => {
                self.lock().remove(&id);
                // The emulator, which does not have the rule, takes off the others.
                alone.then_some(done)
            }
            (false, true) => {
                let message = "the specified rule \"peer: ::/0, ALL, ALLOW\" already exists";
                Some(Reply::error(call, 400, "InvalidPermission.Duplicate", message))
            }
            // The emulator's own matter.
            (_, false) => None,
        }
    }

    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.service != "ec2" || !reply.is_success() {
            return;
        }
        match call.action.as_str() {
            "CreateSecurityGroup" => self.lock().extend(elements(&reply.text(), "groupId")),
            "DescribeSecurityGroups" => {
                let mut text = reply.text();
                for id in self.lock().iter() {
                    // What follows the id is of this group up to its list of rules for the way out.
                    let Some(at) = text.find(&format!("<groupId>{id}</groupId>")) else { continue };
                    let Some(list) = text[at..].find("<ipPermissionsEgress") else { continue };
                    let list = at + list;
                    let (open, closed) = ("<ipPermissionsEgress>", "<ipPermissionsEgress/>");
                    if text[list..].starts_with(closed) {
                        text.replace_range(list..list + closed.len(), &format!("{open}{RULE}</ipPermissionsEgress>"));
                    } else if text[list..].starts_with(open) {
                        text.insert_str(list + open.len(), RULE);
                    }
                }
                reply.body = Bytes::from(text);
            }
            _ => {}
        }
    }
}
