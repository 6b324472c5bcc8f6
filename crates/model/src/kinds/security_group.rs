//! EC2 security groups. Limits: EC2 API reference, `CreateSecurityGroup`, `IpPermission`.

mod cidr;
mod permission;

use std::collections::{BTreeMap, BTreeSet};

pub use cidr::{CidrError, canonical_cidr};
pub use permission::{Direction, Peer, Permission};

use super::macros::{Common, Resource};
use super::text_or_list::TextOrList;
use crate::check::{Check, shorten};
use crate::facts::Facts;
use crate::names::shown;

resource! {
    /// A security group: which connections may reach the tasks, and which they may make. Its key is its name.
    pub struct SecurityGroup {
        /// What the group is for; shown in the console. Cannot be changed later.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The network: a `vpc-…` id, or `default`, which is assumed unless stated. Cannot be changed later.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub vpc: Option<String>,
        /// Which connections are let in. None unless stated.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub ingress: Vec<Ingress>,
        /// Which connections are let out. Every one unless stated; `[]` allows none.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub egress: Option<Vec<Egress>>,
    }
}

/// A rule that lets connections in.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ingress {
    /// One port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Several ports: `8000-8010`, or a list of ports and ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<TextOrList>,
    /// `tcp` (assumed where a port is given), `udp`, `icmp`, `icmpv6`, or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// From where: addresses (`0.0.0.0/0` is everywhere), security groups of this file, `self`, `sg-…` or prefix lists `pl-…`.
    pub from: TextOrList,
    /// What the rule is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A rule that lets connections out.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    /// One port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Several ports: `8000-8010`, or a list of ports and ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<TextOrList>,
    /// `tcp` (assumed where a port is given), `udp`, `icmp`, `icmpv6`, or `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Where to: addresses (`0.0.0.0/0` is everywhere), security groups of this file, `self`, `sg-…` or prefix lists `pl-…`.
    pub to: TextOrList,
    /// What the rule is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP: ping and errors.
    Icmp,
    /// ICMP of IPv6.
    Icmpv6,
    /// Everything.
    All,
}

impl Protocol {
    /// As a rule spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
            Self::All => "all",
        }
    }

    fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }
}

/// Something wrong with a rule: below which of its keys, the code, the message and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProblem {
    /// The key and the place in its list.
    pub below: Vec<String>,
    /// A short name of what is wrong.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// What both kinds of rules have.
struct Rule<'a> {
    direction: Direction,
    port: Option<u16>,
    ports: Option<&'a TextOrList>,
    protocol: Option<Protocol>,
    peers: &'a TextOrList,
    description: Option<&'a str>,
}

impl Ingress {
    fn rule(&self) -> Rule<'_> {
        Rule {
            direction: Direction::In,
            port: self.port,
            ports: self.ports.as_ref(),
            protocol: self.protocol,
            peers: &self.from,
            description: self.description.as_deref(),
        }
    }
}

impl Egress {
    fn rule(&self) -> Rule<'_> {
        Rule {
            direction: Direction::Out,
            port: self.port,
            ports: self.ports.as_ref(),
            protocol: self.protocol,
            peers: &self.to,
            description: self.description.as_deref(),
        }
    }
}

impl Rule<'_> {
    /// Every single permission of the rule, as far as it is well formed, with its description.
    fn permissions(&self, own: &str, keys: &BTreeSet<&str>, problems: &mut Vec<RuleProblem>) -> Vec<Permission> {
        let mut all = Vec::new();
        let ranges = self.ranges(problems);
        let word = self.direction.word();
        if self.peers.items().is_empty() {
            let help = format!("add `{word}: [0.0.0.0/0]` for everywhere, or the name of a security group");
            problems.push(problem(&[], "missing-key", format!("`{word}` is required"), help));
        }
        for (at, text) in self.peers.items().iter().enumerate() {
            let place = match self.peers {
                TextOrList::Text(_) => vec![word.to_owned()],
                TextOrList::List(_) => vec![word.to_owned(), at.to_string()],
            };
            match Peer::read(text, own, keys) {
                Ok(peer) => {
                    all.extend(ranges.iter().map(|(protocol, from, to)| Permission {
                        protocol: (*protocol).to_owned(),
                        from: *from,
                        to: *to,
                        peer: peer.clone(),
                    }));
                }
                Err((message, help)) => problems.push(RuleProblem { below: place, code: "rule-peer", message, help }),
            }
        }
        all
    }

    /// Protocol, first and last port of every range; -1 where a protocol has none.
    fn ranges(&self, problems: &mut Vec<RuleProblem>) -> Vec<(&'static str, i32, i32)> {
        let named = self.port.is_some() || self.ports.is_some();
        let protocol = match self.protocol {
            Some(protocol) => protocol,
            None if named => Protocol::Tcp,
            None => {
                let help = "add `port: 443`, or `protocol: all` to allow everything";
                problems.push(problem(&[], "missing-key", "the rule has neither `port`, `ports` nor `protocol`", help));
                return Vec::new();
            }
        };
        if !protocol.has_ports() {
            if named {
                let message = format!("`protocol: {}` has no ports", protocol.name());
                problems.push(problem(&["protocol"], "no-ports", message, "remove the port, or use `tcp` or `udp`"));
            }
            return vec![(protocol.name(), -1, -1)];
        }
        if self.port.is_some() && self.ports.is_some() {
            problems.push(problem(
                &["port"],
                "either-or",
                "`port` and `ports` exclude each other",
                "put all of them under `ports`",
            ));
        }
        if !named {
            let message = format!("`protocol: {}` needs a port", protocol.name());
            problems.push(problem(
                &["protocol"],
                "missing-key",
                message,
                "add `port: 443`, or `ports: 0-65535` for every port",
            ));
        }
        let mut ranges: Vec<_> =
            self.port.map(|port| (protocol.name(), i32::from(port), i32::from(port))).into_iter().collect();
        for (at, text) in self.ports.map(TextOrList::items).unwrap_or_default().iter().enumerate() {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
                (Ok(first), Ok(last)) if first <= last => ranges.push((protocol.name(), first.into(), last.into())),
                _ => {
                    let at = at.to_string();
                    let below: &[&str] =
                        if matches!(self.ports, Some(TextOrList::List(_))) { &["ports", &at] } else { &["ports"] };
                    let message = format!("`{}` is no range of ports", shorten(text));
                    problems.push(problem(
                        below,
                        "port-range",
                        message,
                        "write one port, `443`, or a range, `8000-8010`; ports are 0 to 65535",
                    ));
                }
            }
        }
        ranges
    }
}

fn problem(below: &[&str], code: &'static str, message: impl Into<String>, help: impl Into<String>) -> RuleProblem {
    RuleProblem {
        below: below.iter().map(|key| (*key).to_owned()).collect(),
        code,
        message: message.into(),
        help: help.into(),
    }
}

/// Every single permission of a list of rules with its description; rules that are not well formed are left out.
fn flatten<'r>(
    rules: impl Iterator<Item = Rule<'r>>,
    own: &str,
    keys: &BTreeSet<&str>,
) -> BTreeMap<Permission, Option<String>> {
    rules
        .flat_map(|rule| {
            let description = rule.description.map(str::to_owned);
            rule.permissions(own, keys, &mut Vec::new())
                .into_iter()
                .map(move |permission| (permission, description.clone()))
        })
        .collect()
}

impl SecurityGroup {
    /// What is let in: every single permission with its description. `own` is the key of this group, `keys` those of all groups.
    pub fn ingress_permissions(&self, own: &str, keys: &BTreeSet<&str>) -> BTreeMap<Permission, Option<String>> {
        flatten(self.ingress.iter().map(Ingress::rule), own, keys)
    }

    /// What is let out; nothing when the file leaves it to the default, which is everything.
    pub fn egress_permissions(&self, own: &str, keys: &BTreeSet<&str>) -> Option<BTreeMap<Permission, Option<String>>> {
        let rules = self.egress.as_ref()?;
        Some(flatten(rules.iter().map(Egress::rule), own, keys))
    }

    /// The named network; nothing for the default one.
    pub fn vpc_id(&self) -> Option<&str> {
        self.vpc.as_deref().filter(|vpc| *vpc != "default")
    }

    /// The other groups of the file that rules refer to.
    pub fn peers(&self, own: &str, keys: &BTreeSet<&str>) -> BTreeSet<String> {
        let out = self.egress_permissions(own, keys).unwrap_or_default();
        let permissions = self.ingress_permissions(own, keys).into_keys().chain(out.into_keys());
        permissions.filter_map(|permission| permission.peer.group().map(str::to_owned)).collect()
    }

    fn check_rules<'r>(&self, cx: &mut Check<'_>, section: &'static str, rules: impl Iterator<Item = Rule<'r>>) {
        let keys: BTreeSet<&str> = cx.stack.security_groups.keys().map(String::as_str).collect();
        let mut seen = BTreeSet::new();
        for (at, rule) in rules.enumerate() {
            let at = at.to_string();
            let mut problems = Vec::new();
            for permission in rule.permissions(cx.key(), &keys, &mut problems) {
                let label = permission.label(rule.direction);
                if !seen.insert(permission) {
                    problems.push(problem(
                        &[],
                        "rule-twice",
                        format!("`{label}` is allowed twice"),
                        "remove one of the two",
                    ));
                }
            }
            if let Some(text) = rule.description {
                check_text(text, |message| {
                    problems.push(problem(&["description"], "rule-description", message, ALLOWED))
                });
            }
            for problem in problems {
                let below: Vec<&str> =
                    [section, &at].into_iter().chain(problem.below.iter().map(String::as_str)).collect();
                cx.error(&below, problem.code, problem.message).help(problem.help);
            }
        }
    }
}

const ALLOWED: &str = "allowed are up to 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`";

/// EC2 takes the same characters in names and descriptions of groups and of rules.
fn check_text(text: &str, mut report: impl FnMut(String)) {
    let fits = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if let Some(bad) = text.chars().find(|c| !fits(*c)) {
        report(format!("EC2 does not allow {} here", shown(bad)));
    } else if text.is_empty() || text.len() > 255 {
        report(format!("EC2 takes 1 to 255 characters here; there are {}", text.len()));
    }
}

impl Resource for SecurityGroup {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        let place: &[&str] = if self.name.is_some() { &["name"] } else { &[] };
        check_text(&name, |message| {
            cx.error(place, "name-characters", message).help(ALLOWED);
        });
        if name.to_ascii_lowercase().starts_with("sg-") {
            cx.error(place, "name-reserved", "the name of a security group must not start with `sg-`")
                .help("to use a group that exists, give its name with `existing: true`, or its id in the rule");
        }
        if name.eq_ignore_ascii_case("default") && !self.existing {
            cx.error(place, "name-reserved", "every network has a security group `default` of its own")
                .help("choose another name, or use that one with `existing: true`");
        }
        if cx.key() == "self" {
            cx.error(&[], "name-reserved", "`self` means the group itself in rules")
                .help("choose another key, and set `name: self` if need be");
        }
        if let Some(description) = &self.description {
            check_text(description, |message| {
                cx.error(&["description"], "description", message).help(ALLOWED);
            });
        }
        if let Some(vpc) = self.vpc_id() {
            let id = vpc.strip_prefix("vpc-").unwrap_or_default();
            if id.len() < 8 || !id.chars().all(|c| c.is_ascii_hexdigit()) {
                cx.error(&["vpc"], "not-a-vpc", format!("`{}` is not the id of a VPC", shorten(vpc)))
                    .help("it looks like `vpc-0a1b2c3d4e5f60718`; `aws ec2 describe-vpcs` lists them; `default` is the default one");
            }
        }
        self.check_rules(cx, "ingress", self.ingress.iter().map(Ingress::rule));
        self.check_rules(cx, "egress", self.egress.iter().flatten().map(Egress::rule));
    }

    fn output(&self, _: &str, _: &str, _: &Facts) -> Option<String> {
        // The id is AWS's choice, and the ARN holds it.
        None
    }

    fn outputs(&self) -> &'static [&'static str] {
        &[]
    }
}
