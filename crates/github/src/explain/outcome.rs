//! A trust policy, a token, and what comes of it.

use hatoba_model::github::PROVIDER_HOST;
use hatoba_model::iam::Segment;
use hatoba_model::iam::evaluate::{
    Closest, Nearest, Policy, Request, Source, StatementRef, Unmet, UnmetCondition, UnmetElement, Verdict, Why,
    evaluate_trust,
};
use serde_json::Value;

use super::advice::{Fix, fixes};
use crate::claims::{COMPARED, Presented};

/// A role and whom it trusts.
#[derive(Debug, Clone, PartialEq)]
pub struct Trust {
    /// The role's ARN.
    pub role_arn: String,
    /// Its trust policy.
    pub document: Value,
    /// Whether it was made from a `github:` block, so that this is what to change.
    pub from_block: bool,
}

/// Whether AWS gives the role to the token.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It does.
    Allowed {
        /// By this statement of the policy, from 0.
        statement: usize,
        /// Its `Sid`.
        sid: Option<String>,
    },
    /// It does not.
    Denied(Box<Denial>),
    /// It depends on a claim whose value only a run can tell.
    Unknown {
        /// The claim: `sub`, `actor`, …
        claim: String,
        /// What it depends on.
        because: String,
        /// What is expected of it.
        expected: Vec<String>,
    },
    /// The policy cannot be read.
    Unreadable(String),
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    /// What is wrong in one sentence: a fragment in lower case.
    pub message: String,
    /// The statement that came closest or denies, from 0; nothing when no statement allows anything.
    pub statement: Option<usize>,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// The element of the policy that does not fit.
    pub pointer: Vec<Segment>,
    /// The operator, when it is a condition.
    pub operator: Option<String>,
    /// The condition key, or the name of the element.
    pub key: Option<String>,
    /// What is expected; one is enough.
    pub expected: Vec<String>,
    /// What is presented; nothing when the token does not have it.
    pub presented: Option<String>,
    /// The nearest of what is expected, and the first character that differs.
    pub closest: Option<Closest>,
    /// Conditions that fail besides this one, by their keys.
    pub also: Vec<String>,
    /// What to do, the likeliest first.
    pub fixes: Vec<Fix>,
}

/// What the trust policy of a role says to a token.
pub fn explain(trust: &Trust, presented: &Presented) -> Outcome {
    let role = trust.role_arn.rsplit('/').next().unwrap_or_default();
    let policy = match Policy::parse(Source::Trust, role, &trust.document) {
        Ok(policy) => policy,
        Err(error) => return Outcome::Unreadable(error.to_string()),
    };
    let request = Request::web_identity(&trust.role_arn, provider(trust, presented), claims(presented));
    match evaluate_trust(&policy, &request) {
        Verdict::Allowed { by } => Outcome::Allowed { statement: by.index, sid: by.sid },
        Verdict::ExplicitDeny { by } => Outcome::Denied(Box::new(explicit(trust, by))),
        Verdict::ImplicitDeny { nearest: None, .. } => Outcome::Denied(Box::new(nothing(trust))),
        Verdict::ImplicitDeny { nearest: Some(nearest), .. } => unmet(trust, presented, &nearest),
    }
}

/// The claims that STS makes condition keys of.
fn claims(presented: &Presented) -> Vec<(String, String)> {
    let compared = |name: &str| name == "aud" || name == "sub" || COMPARED.contains(&name);
    presented.claims.iter().filter(|(name, _)| compared(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The provider of the token, in the account of the role: STS looks for it there and nowhere else.
fn provider(trust: &Trust, presented: &Presented) -> String {
    let issuer = presented.claims.get("iss").map(String::as_str).unwrap_or_default();
    let host = issuer.strip_prefix("https://").unwrap_or(issuer);
    let host = if host.is_empty() { PROVIDER_HOST } else { host };
    let mut parts = trust.role_arn.split(':');
    let (partition, account) = (parts.nth(1).unwrap_or("aws"), parts.nth(2).unwrap_or_default());
    format!("arn:{partition}:iam::{account}:oidc-provider/{host}")
}

/// Where a statement stands: documents may have one without a list around it.
fn place(trust: &Trust, index: usize) -> Vec<Segment> {
    match trust.document.get("Statement") {
        Some(Value::Array(_)) => vec!["Statement".into(), index.into()],
        _ => vec!["Statement".into()],
    }
}

fn explicit(trust: &Trust, by: StatementRef) -> Denial {
    Denial {
        message: format!("statement {} denies it, whatever others allow", by.index + 1),
        pointer: place(trust, by.index),
        statement: Some(by.index),
        sid: by.sid,
        operator: None,
        key: None,
        expected: Vec::new(),
        presented: None,
        closest: None,
        also: Vec::new(),
        fixes: Vec::new(),
    }
}

fn nothing(trust: &Trust) -> Denial {
    let by = StatementRef { source: Source::Trust, policy: String::new(), index: 0, sid: None };
    Denial {
        message: "no statement of the policy allows anything".to_owned(),
        statement: None,
        pointer: Vec::new(),
        ..explicit(trust, by)
    }
}

/// The claim behind a condition key of a GitHub provider.
fn claim(key: &str) -> Option<&str> {
    key.rsplit_once(':').map(|(_, claim)| claim).filter(|_| !key.starts_with("aws:"))
}

fn unmet(trust: &Trust, presented: &Presented, nearest: &Nearest) -> Outcome {
    let because = |unmet: &Unmet| match unmet {
        Unmet::Condition(condition) => {
            let name = claim(&condition.key)?;
            presented.unknown.get_key_value(name).map(|(name, why)| (name.clone(), why.clone()))
        }
        _ => None,
    };
    // What is known to fail fails whatever the rest turns out to be.
    let certain = nearest.unmet().find(|unmet| because(unmet).is_none());
    let Some(first) = certain else {
        let (claim, because) = because(nearest.first()).unwrap_or_default();
        return Outcome::Unknown { claim, because, expected: nearest.first().expected().to_vec() };
    };
    let statement = place(trust, nearest.statement.index);
    let also = nearest.unmet().filter(|other| *other != first).map(key_of).collect();
    let mut denial = Denial {
        message: String::new(),
        statement: Some(nearest.statement.index),
        sid: nearest.statement.sid.clone(),
        pointer: statement,
        operator: None,
        key: Some(key_of(first)),
        expected: first.expected().to_vec(),
        presented: first.presented().first().cloned(),
        closest: first.closest(),
        also,
        fixes: Vec::new(),
    };
    match first {
        Unmet::Principal(element) | Unmet::Action(element) | Unmet::Resource(element) => {
            of_element(&mut denial, element)
        }
        Unmet::Condition(condition) => of_condition(&mut denial, condition, trust),
    }
    denial.fixes = fixes(trust, presented, first, denial.closest.as_ref());
    Outcome::Denied(Box::new(denial))
}

fn key_of(unmet: &Unmet) -> String {
    match unmet {
        Unmet::Principal(element) | Unmet::Action(element) | Unmet::Resource(element) => element.element.to_owned(),
        Unmet::Condition(condition) => condition.key.clone(),
    }
}

fn of_element(denial: &mut Denial, element: &UnmetElement) {
    denial.pointer.push(element.element.into());
    denial.message = match element.element {
        "Principal" => "the policy trusts another provider".to_owned(),
        "Action" => "the policy does not allow sts:AssumeRoleWithWebIdentity".to_owned(),
        other => format!("{other} does not fit"),
    };
}

fn of_condition(denial: &mut Denial, condition: &UnmetCondition, trust: &Trust) {
    denial.operator = Some(condition.operator.clone());
    denial.pointer.extend(["Condition".into(), condition.operator.as_str().into(), condition.key.as_str().into()]);
    // The value itself, where the nearest of a list is known.
    let value = denial.pointer.iter().try_fold(&trust.document, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(*index),
    });
    if let (Some(Value::Array(items)), Some(closest)) = (value, &denial.closest)
        && let Some(index) = items.iter().position(|item| item.as_str() == Some(&closest.expected))
    {
        denial.pointer.push(index.into());
    }
    let name = claim(&condition.key).map_or_else(
        || format!("`{}`", condition.key),
        |claim| match claim {
            "sub" => "the subject (sub)".to_owned(),
            "aud" => "the audience (aud)".to_owned(),
            claim => format!("the claim `{claim}`"),
        },
    );
    denial.message = match &condition.why {
        Why::Absent => format!("{name} is compared, but the token does not have it"),
        Why::Present => format!("{name} must be absent, but the token has it"),
        Why::Differs => format!("{name} does not match"),
        Why::Excluded => format!("{name} is one that the policy excludes"),
        Why::Unreadable(_) => format!("{name} cannot be compared by {}", condition.operator),
        Why::NoVariable(variable) => format!("{name} is compared with `${{{variable}}}`, which a token does not have"),
    };
}
