//! What a role must be allowed, and whether its policies allow it.

use serde_json::Value;

use super::facts::{Facts, Role};
use super::subject::{Source, Task};
use crate::facts::Facts as Place;
use crate::iam::evaluate::{
    Policies, Policy, Principal, Request, Source as PolicySource, StatementRef, Unmet, Verdict, evaluate,
    evaluate_trust,
};

/// Who assumes the roles of tasks. (ECS developer guide, "Amazon ECS task execution IAM role".)
const ECS_TASKS: &str = "ecs-tasks.amazonaws.com";

/// What an image of a repository takes, besides the token. The third is asked for by some clients only: Fargate pulls without it.
/// (ECS developer guide, "Amazon ECS task execution IAM role"; ECR API reference.)
pub(super) const PULL: [(&str, bool); 3] =
    [("ecr:BatchGetImage", true), ("ecr:GetDownloadUrlForLayer", true), ("ecr:BatchCheckLayerAvailability", false)];

/// What comes of asking for one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is allowed.
    Yes,
    /// It is not, and why.
    No(String),
    /// It depends on a condition of which it is not known whether it holds.
    Perhaps(String),
}

/// The policies of a role, read.
pub(super) struct Held<'a> {
    arn: &'a str,
    policies: Policies,
    /// The documents by the name of their policy, to look conditions up in.
    documents: Vec<(PolicySource, &'a str, &'a Value)>,
    /// Why not all of them are known.
    pub(super) unread: Vec<String>,
}

impl<'a> Held<'a> {
    pub(super) fn new(arn: &'a str, role: &'a Role) -> Self {
        let mut held = Self { arn, policies: Policies::default(), documents: Vec::new(), unread: role.unread.clone() };
        for (name, document) in &role.policies {
            let policy = held.read(PolicySource::Identity, name, document);
            held.policies.identity.extend(policy);
        }
        if let Some((name, document)) = &role.boundary {
            held.policies.boundary = held.read(PolicySource::Boundary, name, document);
        }
        held
    }

    fn read(&mut self, source: PolicySource, name: &'a str, document: &'a Value) -> Option<Policy> {
        self.documents.push((source, name, document));
        match Policy::parse(source, name, document) {
            Ok(policy) => Some(policy),
            Err(error) => {
                self.unread.push(format!("the {} `{name}` cannot be read: {error}", source.noun()));
                None
            }
        }
    }

    /// Whether the role may do something. `policy` is that of the resource, if it has one.
    pub(super) fn may(
        &self,
        action: &str,
        resource: &str,
        via: Option<&str>,
        policy: Option<&Value>,
        place: &Place,
    ) -> Answer {
        let mut request = Request::new(action, resource, Principal::Arn(self.arn.to_owned()))
            .with("aws:RequestedRegion", place.region.as_str())
            .with("aws:SecureTransport", "true");
        // The policies of what is in another account are not read; whether they allow it, nobody here can tell.
        let elsewhere =
            resource.split(':').nth(4).is_some_and(|account| !account.is_empty() && account != place.account.as_str());
        if elsewhere && policy.is_none() {
            request = request.with("aws:ResourceAccount", place.account.as_str());
        }
        if let Some(service) = via {
            request =
                request.with("kms:ViaService", format!("{service}.{}.{}", place.region, place.region.dns_suffix()));
        }
        let resource = policy.and_then(|policy| Policy::parse(PolicySource::Resource, "resource", policy).ok());
        let verdict = evaluate(&request, &Policies { resource, ..self.policies.clone() });
        match &verdict {
            Verdict::Allowed { .. } => Answer::Yes,
            Verdict::ExplicitDeny { by } if self.has_condition(by) || by.source == PolicySource::Resource => {
                Answer::Perhaps(format!("{by} denies it under a condition"))
            }
            Verdict::ExplicitDeny { by } => Answer::No(format!("{by} denies it")),
            Verdict::ImplicitDeny { nearest: Some(nearest), missing } => match nearest.first() {
                Unmet::Condition(_) => {
                    Answer::Perhaps(format!("{} allows it under a condition: {}", nearest.statement, nearest.first()))
                }
                // A statement about other actions explains nothing.
                Unmet::Action(_) | Unmet::Principal(_) => Answer::No(format!("no {} allows it", missing.noun())),
                // What stands for a value of the request may fit after all.
                Unmet::Resource(_) if nearest.first().to_string().contains("${") => {
                    Answer::Perhaps(format!("in {} {}", nearest.statement, nearest.first()))
                }
                Unmet::Resource(_) => {
                    Answer::No(format!("no {} allows it; in {} {}", missing.noun(), nearest.statement, nearest.first()))
                }
            },
            Verdict::ImplicitDeny { missing, .. } => Answer::No(format!("no {} allows it", missing.noun())),
        }
    }

    fn has_condition(&self, by: &StatementRef) -> bool {
        let is = |(source, name, _): &&(PolicySource, &str, &Value)| *source == by.source && *name == by.policy;
        let Some((.., document)) = self.documents.iter().find(is) else { return false };
        let document = document.as_array().and_then(|list| list.first()).unwrap_or(document);
        let statement = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.get(by.index),
            one => one,
        };
        statement.is_some_and(|statement| statement.get("Condition").is_some())
    }
}

/// Whether a role lets ECS have it for tasks.
pub(super) fn trusts_tasks(arn: &str, role: &Role, place: &Place) -> Answer {
    let policy = match Policy::parse(PolicySource::Trust, "trust", &role.trust) {
        Ok(policy) => policy,
        Err(error) => return Answer::Perhaps(format!("its trust policy cannot be read: {error}")),
    };
    // What ECS says of itself: the account, and an ARN of it that names no more than the region. (ECS developer guide, "Task IAM role",
    // on the confused deputy.)
    let request = Request::new("sts:AssumeRole", arn, Principal::Service(ECS_TASKS.to_owned()))
        .with("aws:SourceAccount", place.account.as_str())
        .with("aws:SourceArn", place.arn("ecs", "*"));
    match evaluate_trust(&policy, &request) {
        Verdict::Allowed { .. } => Answer::Yes,
        Verdict::ExplicitDeny { by } => Answer::Perhaps(format!("{by} denies it")),
        Verdict::ImplicitDeny { nearest: Some(nearest), .. } if matches!(nearest.first(), Unmet::Condition(_)) => {
            Answer::Perhaps(format!("only under a condition: {}", nearest.first()))
        }
        Verdict::ImplicitDeny { .. } => Answer::No(format!("its trust policy does not name {ECS_TASKS}")),
    }
}

/// The resources of a task whose own policies may allow what those of its role do not: they are worth a look. ARNs of repositories and of
/// secrets, of this account and region.
pub fn leaves_open(task: &Task, facts: &Facts, place: &Place) -> Vec<String> {
    let Some(arn) = &task.execution_role else { return Vec::new() };
    let Some(super::Fact::There(role)) = facts.roles.get(arn) else { return Vec::new() };
    let held = Held::new(arn, role);
    let mut open = Vec::new();
    for (name, container) in &task.containers {
        if let Some(repository) = container.repository.as_ref().filter(|arn| is_here(arn, place)) {
            let denied = |(action, _): &(&str, bool)| held.may(action, repository, None, None, place) != Answer::Yes;
            if PULL.iter().any(denied) {
                open.push(repository.clone());
            }
        }
        for used in super::stored::uses("", name, container, place) {
            if let Source::Secret { arn } = &used.source
                && used.source.is_here(place)
                && held.may("secretsmanager:GetSecretValue", &full(arn, facts), None, None, place) != Answer::Yes
            {
                open.push(arn.clone());
            }
        }
    }
    open.sort();
    open.dedup();
    open
}

/// The ARN of a secret with the six characters that AWS adds, where they are known.
pub(super) fn full(arn: &str, facts: &Facts) -> String {
    match facts.stored.get(arn) {
        Some(super::Fact::There(stored)) if !stored.arn.is_empty() => stored.arn.clone(),
        _ => arn.to_owned(),
    }
}

/// Whether an ARN is of this account and region.
fn is_here(arn: &str, place: &Place) -> bool {
    let mut parts = arn.split(':').skip(3);
    parts.next() == Some(place.region.as_str()) && parts.next() == Some(place.account.as_str())
}

/// The name in the ARN of a repository of this account and region.
pub fn repository_of<'a>(arn: &'a str, place: &Place) -> Option<&'a str> {
    is_here(arn, place).then(|| arn.split_once(":repository/").map(|(_, name)| name)).flatten()
}
