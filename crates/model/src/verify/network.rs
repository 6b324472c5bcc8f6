//! Whether tasks reach what they need before they start: the registry, the logs, their secrets. Fargate pulls through the task's own
//! network interface. (ECS developer guide, "Fargate task networking"; ECR User Guide, "Amazon ECR interface VPC endpoints".)

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Fact, Facts, Route, Subnet};
use super::finding::{Finding, Level};
use super::stored::uses;
use super::subject::{Breaker, Network, Service, Source, Subjects, Task, in_service};
use crate::address::Address;
use crate::facts::Facts as Place;
use crate::kinds::security_group::{Peer, Permission};

/// What a task reaches before it starts.
#[derive(Debug, Default)]
struct Reaches {
    /// Names of endpoints: `ecr.api`.
    endpoints: BTreeSet<&'static str>,
    /// Images that only the internet has.
    internet: Vec<String>,
}

impl Reaches {
    fn of(task: Option<&Task>, place: &Place) -> Self {
        let mut reaches = Self::default();
        let Some(task) = task else {
            reaches.endpoints.extend(["ecr.api", "ecr.dkr", "s3"]);
            return reaches;
        };
        for (name, container) in &task.containers {
            let region = container.repository.as_deref().and_then(|arn| arn.split(':').nth(3));
            if region == Some(place.region.as_str()) {
                reaches.endpoints.extend(["ecr.api", "ecr.dkr", "s3"]);
            } else {
                reaches.internet.push(container.image.clone());
            }
            if container.logs.as_ref().is_some_and(|logs| logs.region == place.region.as_str()) {
                reaches.endpoints.insert("logs");
            }
            for used in uses("", name, container, place) {
                reaches.endpoints.insert(match used.source {
                    Source::Parameter { .. } => "ssm",
                    Source::Secret { .. } => "secretsmanager",
                });
            }
        }
        reaches
    }
}

/// Whether a subnet has a way out by its routes alone.
pub fn serves_itself(subnet: &Subnet, public_ip: bool) -> bool {
    match &subnet.route {
        Route::Internet => public_ip,
        Route::Nat | Route::Other(_) | Route::Unread(_) => true,
        Route::Dead(_) | Route::None => false,
    }
}

/// The networks of which it has to be known which endpoints they have.
pub fn needs_endpoints(service: &Service, facts: &Facts) -> BTreeSet<String> {
    let Some(network) = &service.network else { return BTreeSet::new() };
    let there = network.subnets.iter().flatten().filter_map(|id| match facts.subnets.get(id) {
        Some(Fact::There(subnet)) => Some(subnet),
        _ => None,
    });
    there.filter(|subnet| !serves_itself(subnet, network.public_ip)).map(|subnet| subnet.vpc.clone()).collect()
}

pub(super) fn judge(
    key: &str,
    service: &Service,
    subjects: &Subjects,
    facts: &Facts,
    place: &Place,
    out: &mut Vec<Finding>,
) {
    let Some(network) = &service.network else { return };
    let task = service.task.as_deref().and_then(|task| subjects.tasks.get(task));
    let judge = Judge { key, network, facts, reaches: Reaches::of(task, place), place };
    judge.subnets(out);
    judge.groups(out);
}

struct Judge<'a> {
    key: &'a str,
    network: &'a Network,
    facts: &'a Facts,
    reaches: Reaches,
    place: &'a Place,
}

/// A problem of some subnets: how bad, its code, what is wrong, what to do.
type Problem = (Level, &'static str, String, String);

impl Judge<'_> {
    fn say(&self, (level, code, message, help): Problem, below: &str, out: &mut Vec<Finding>) {
        let address = Address::new("service", self.key);
        out.push(Finding { level, code, address, path: in_service(self.key, &["network", below]), message, help });
    }

    fn subnets(&self, out: &mut Vec<Finding>) {
        let Some(subnets) = &self.network.subnets else {
            let text = format!("the network of `{}`: its subnets are not known", self.key);
            self.say((Level::NotChecked, "network-unread", text, String::new()), "subnets", out);
            return;
        };
        let mut problems: BTreeMap<Problem, Vec<&str>> = BTreeMap::new();
        for id in subnets {
            let problem = match self.facts.subnets.get(id) {
                Some(Fact::There(subnet)) => self.subnet(subnet),
                Some(Fact::Missing) => Some((
                    Level::Error,
                    "subnet-missing",
                    "{}: not in this account and region".to_owned(),
                    "correct the id, or write `subnets: default`".to_owned(),
                )),
                Some(Fact::Unread(why)) => {
                    Some((Level::NotChecked, "network-unread", format!("{{}}: {why}"), String::new()))
                }
                None => Some((Level::NotChecked, "network-unread", "{}: not asked".to_owned(), String::new())),
            };
            if let Some(problem) = problem {
                problems.entry(problem).or_default().push(id);
            }
        }
        for ((level, code, message, help), ids) in problems {
            let below = if code == "network-no-address" { "public_ip" } else { "subnets" };
            self.say((level, code, message.replacen("{}", &ids.join(", "), 1), help), below, out);
        }
    }

    fn subnet(&self, subnet: &Subnet) -> Option<Problem> {
        match &subnet.route {
            Route::Other(to) => {
                let text = format!("{{}}: whether {to}, where the route to the internet leads, goes on to ECR");
                return Some((Level::NotChecked, "network-unread", text, String::new()));
            }
            Route::Unread(why) => {
                return Some((Level::NotChecked, "network-unread", format!("{{}}: its routes: {why}"), String::new()));
            }
            _ if serves_itself(subnet, self.network.public_ip) => return None,
            _ => {}
        }
        let endpoints = match self.facts.endpoints.get(&subnet.vpc) {
            Some(Fact::There(endpoints)) => endpoints.clone(),
            Some(Fact::Missing) | None => BTreeSet::new(),
            Some(Fact::Unread(why)) => {
                let text = format!(
                    "{{}}: whether {} has the endpoints that take the place of the internet: {why}",
                    subnet.vpc
                );
                return Some((Level::NotChecked, "network-unread", text, String::new()));
            }
        };
        let has = |name: &&&str| endpoints.contains(**name) || subnet.gateways.contains(**name);
        let missing: Vec<&str> = self.reaches.endpoints.iter().filter(|name| !has(name)).copied().collect();
        // No endpoint has what only the internet has.
        let public = self.reaches.internet.iter().find(|image| private_registry(image).is_none());
        let cannot = match (public, self.reaches.internet.first(), missing.is_empty()) {
            (Some(image), ..) => format!("tasks cannot pull {image}"),
            (None, None, true) => return None,
            (None, Some(image), true) => {
                let registry = private_registry(image).unwrap_or(image);
                let text =
                    format!("{{}}: without a way to the internet tasks reach {registry} only inside of the network");
                return Some((Level::NotChecked, "network-unread", text, String::new()));
            }
            (None, _, false) => {
                if let Some(unseen) = unseen(subnet) {
                    return Some((Level::NotChecked, "network-unread", unseen, String::new()));
                }
                format!("tasks reach ECR and AWS neither by it nor by endpoints ({} missing)", missing.join(", "))
            }
        };
        let (code, why, help) = match &subnet.route {
            Route::Internet => (
                "network-no-address",
                "tasks have no public address, and {} lead to the internet by an internet gateway only".to_owned(),
                "`public_ip: true`",
            ),
            Route::Dead(to) => (
                "network-no-route",
                format!("the route of {{}} to the internet leads to {to}, which is gone"),
                "correct the route",
            ),
            _ => (
                "network-no-route",
                "{} have no route to the internet".to_owned(),
                "take subnets with a route to an internet gateway",
            ),
        };
        let also = if public.is_none() {
            let service = |name: &&str| format!("com.amazonaws.{}.{name}", self.place.region);
            let names: Vec<String> = missing.iter().map(service).collect();
            format!("{help}, or subnets with a NAT gateway, or endpoints for {}", names.join(", "))
        } else {
            format!("{help}, or subnets with a NAT gateway")
        };
        Some((Level::Error, code, format!("{why}: {cannot}"), also))
    }

    /// The network that the subnets are in.
    fn vpc(&self) -> Option<String> {
        self.network.subnets.iter().flatten().find_map(|id| match self.facts.subnets.get(id) {
            Some(Fact::There(subnet)) => Some(subnet.vpc.clone()),
            _ => None,
        })
    }

    fn groups(&self, out: &mut Vec<Finding>) {
        let mut narrow = Vec::new();
        let mut unread = None;
        let mut names = Vec::new();
        // Without any ECS takes the default group of the network.
        let groups =
            if self.network.groups.is_empty() { self.vpc().into_iter().collect() } else { self.network.groups.clone() };
        for id in &groups {
            let rules = match self.facts.groups.get(id) {
                Some(Fact::There(rules)) => rules,
                Some(Fact::Missing) => {
                    let text = format!("there is no security group {id} in this account and region");
                    let help = "correct the id, or name a group of this file".to_owned();
                    self.say((Level::Error, "security-group-missing", text, help), "security_groups", out);
                    return;
                }
                Some(Fact::Unread(why)) => {
                    unread = Some(why.clone());
                    continue;
                }
                None => {
                    unread = Some("not asked".to_owned());
                    continue;
                }
            };
            names.push(id.strip_prefix("security_group.").unwrap_or(id));
            let https: Vec<&Permission> = rules.iter().filter(|rule| lets_https(rule)).collect();
            if https.iter().any(|rule| rule.peer == Peer::Cidr("0.0.0.0/0".to_owned())) {
                return;
            }
            narrow.extend(https.iter().map(|rule| rule.peer.to_string()));
        }
        let below = "security_groups";
        if let Some(why) = unread {
            let text = format!("what the security groups of `{}` let out: {why}", self.key);
            self.say((Level::NotChecked, "network-unread", text, String::new()), below, out);
        } else if groups.is_empty() {
            // Nothing is known of the network, which is said already.
        } else if narrow.is_empty() {
            let text = format!(
                "the security groups ({}) let no HTTPS out: tasks cannot reach ECR, nor the logs",
                names.join(", ")
            );
            let help = "let TCP 443 out: `egress: [{ port: 443, to: [0.0.0.0/0] }]`, or leave `egress` out".to_owned();
            self.say((Level::Error, "security-group-egress", text, help), below, out);
        } else {
            let text = format!(
                "whether ECR, S3 and the logs are among {}, where alone the security groups let HTTPS out",
                narrow.join(", ")
            );
            self.say((Level::NotChecked, "security-group-egress", text, String::new()), below, out);
        }
    }
}

/// Where endpoints may be that are not seen from here: then that there are none is no judgement.
fn unseen(subnet: &Subnet) -> Option<String> {
    match (&subnet.shared_by, &subnet.leads_to) {
        (Some(owner), _) => Some(format!(
            "{{}}: whether {}, which the account {owner} shares, has the endpoints that take the place of the internet",
            subnet.vpc
        )),
        (None, Some(to)) => {
            Some(format!("{{}}: whether the endpoints that take the place of the internet are where {to} leads"))
        }
        (None, None) => None,
    }
}

/// Registries that only the internet has, by the ends of their names.
const PUBLIC: [&str; 9] = [
    "amazonaws.com",
    "public.ecr.aws",
    "docker.io",
    "ghcr.io",
    "gcr.io",
    "pkg.dev",
    "quay.io",
    "registry.k8s.io",
    "mcr.microsoft.com",
];

/// The registry of an image, unless it is known to be public. (Images without one are Docker Hub's: a registry has a dot or a port.)
fn private_registry(image: &str) -> Option<&str> {
    let (host, _) = image.split_once('/')?;
    let is_host = host.contains(['.', ':']) || host == "localhost";
    let is = |public: &str| host.strip_suffix(public).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (is_host && !PUBLIC.into_iter().any(is)).then_some(host)
}

/// Whether a rule is about TCP 443.
fn lets_https(rule: &Permission) -> bool {
    match rule.protocol.as_str() {
        "all" => true,
        "tcp" => (rule.from..=rule.to).contains(&443),
        _ => false,
    }
}

/// Judges a circuit breaker. Nothing is said of a service that runs nothing.
pub(super) fn judge_breaker(key: &str, service: &Service, out: &mut Vec<Finding>) {
    if service.desired_count == Some(0) {
        return;
    }
    let (message, help) = match service.breaker {
        None | Some(Breaker::RollsBack) => return,
        Some(Breaker::Off) => (
            "without a circuit breaker ECS goes on for hours to start tasks that fail, and each start is paid",
            "`circuit_breaker: { rollback: true }`",
        ),
        Some(Breaker::On) => (
            "the circuit breaker stops a deployment that fails, but does not go back to what ran before",
            "`circuit_breaker: { rollback: true }`",
        ),
    };
    out.push(Finding {
        level: Level::Warning,
        code: "circuit-breaker",
        address: Address::new("service", key),
        path: in_service(key, &["circuit_breaker"]),
        message: message.to_owned(),
        help: help.to_owned(),
    });
}
