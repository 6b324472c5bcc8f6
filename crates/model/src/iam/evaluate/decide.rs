//! The decision: explicit deny, then who must allow, then why nobody does.

use std::cmp::Reverse;

use super::pattern;
use super::policy::{Element, Policy, Source, Statement};
use super::request::{Principal, Request};
use super::verdict::{Nearest, StatementRef, Unmet, UnmetElement, Verdict};
use super::who::{self, Match};

/// The policies that apply to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// What is attached to the user or role, inline and managed, and to the user's groups.
    pub identity: Vec<Policy>,
    /// The policy of the resource, if it has one. A role's trust policy may stand here too, when the question is whether a user or
    /// role of either account may assume it; then the caller's own policies count as well.
    pub resource: Option<Policy>,
    /// The permissions boundary of the user or role, if there is one.
    pub boundary: Option<Policy>,
    /// The policies passed when the session was made; `None` when none were, which limits nothing.
    pub session: Option<Vec<Policy>>,
}

/// Decides a request. IAM User Guide, "Policy evaluation logic":
///
/// - A statement that denies wins over all that allow, wherever it stands.
/// - In one account, an identity policy or the resource's policy must allow; policies of keys and roles must allow themselves. Across
///   accounts both must. A resource policy that only names the account passes the decision on to the identity policies.
/// - Boundary and session policies must allow as well, but where the resource's policy names the user or session itself; a role's ARN
///   or `*` is not the session itself.
/// - Services and requests without credentials have no policies of their own: the resource's policy decides.
///
/// The accounts are those of `request.principal` and of the key `aws:ResourceAccount` (which [`Request::new`] takes from the
/// resource's ARN); without the latter, caller and resource are of one account. A root user is not limited by identity policies; as
/// it needs none, do not ask here what it may do in its own account.
pub fn evaluate(request: &Request, policies: &Policies) -> Verdict {
    let limits = [policies.boundary.as_slice(), policies.session.as_deref().unwrap_or_default()];
    let resource = policies.resource.as_slice();
    for policy in policies.identity.iter().chain(limits.into_iter().flatten()).chain(resource) {
        if let Some(statement) = policy.statements.iter().find(|s| !s.allows && look(s, request).unmet.is_empty()) {
            return Verdict::ExplicitDeny { by: reference(policy, statement) };
        }
    }

    let identity = allowing(&policies.identity, request);
    let resource_allows = best_allowing(resource, request);
    let missing = |source: Source, candidates: Vec<&Policy>| Verdict::ImplicitDeny {
        missing: source,
        nearest: nearest(&candidates, request),
    };
    let resource_source = policies.resource.as_ref().map_or(Source::Resource, Policy::source);
    let resource_only = |by: Option<(StatementRef, Match)>| match by {
        Some((by, _)) => Verdict::Allowed { by },
        None => missing(resource_source, resource.iter().collect()),
    };
    if matches!(request.principal, Principal::Anonymous | Principal::Service(_) | Principal::Federated(_)) {
        return resource_only(resource_allows);
    }

    let limited = || {
        if policies.boundary.is_some() && allowing(limits[0], request).is_none() {
            return Some(missing(Source::Boundary, limits[0].iter().collect()));
        }
        if policies.session.is_some() && allowing(limits[1], request).is_none() {
            return Some(missing(Source::Session, limits[1].iter().collect()));
        }
        None
    };
    let no_identity = || missing(Source::Identity, policies.identity.iter().collect());
    let one_account = same_account(request);
    let must_allow = !one_account || matches!(resource_source, Source::Key | Source::Trust);
    match (identity, resource_allows) {
        (_, Some((by, Match::Itself))) if one_account => Verdict::Allowed { by },
        (None, Some((by, Match::Role))) if one_account => limited().unwrap_or(Verdict::Allowed { by }),
        (_, None) if must_allow => missing(resource_source, resource.iter().collect()),
        (Some(by), _) => limited().unwrap_or(Verdict::Allowed { by }),
        (None, Some(_)) => no_identity(),
        (None, None) => missing(Source::Identity, policies.identity.iter().chain(resource).collect()),
    }
}

/// Decides whether a trust policy lets somebody assume the role, by itself: [`Request::web_identity`] for tokens; for services and
/// callers of `sts:AssumeRole` a [`Request::new`] with the role as its resource. A user or role that the trust policy only names by
/// its account needs a policy of its own as well: put the trust policy into [`Policies::resource`] for the whole answer.
pub fn evaluate_trust(trust: &Policy, request: &Request) -> Verdict {
    let policies = std::slice::from_ref(trust);
    if let Some(statement) = trust.statements.iter().find(|s| !s.allows && look(s, request).unmet.is_empty()) {
        return Verdict::ExplicitDeny { by: reference(trust, statement) };
    }
    match allowing(policies, request) {
        Some(by) => Verdict::Allowed { by },
        None => Verdict::ImplicitDeny {
            missing: trust.source(),
            nearest: nearest(&policies.iter().collect::<Vec<_>>(), request),
        },
    }
}

fn same_account(request: &Request) -> bool {
    let owner = request.context.get("aws:ResourceAccount").and_then(|values| values.first());
    match (request.principal.account(), owner) {
        (Some(own), Some(owner)) => own == owner,
        _ => true,
    }
}

fn reference(policy: &Policy, statement: &Statement) -> StatementRef {
    StatementRef {
        source: policy.source(),
        policy: policy.name().to_owned(),
        index: statement.index,
        sid: statement.sid.clone(),
    }
}

/// The first statement that allows.
fn allowing(policies: &[Policy], request: &Request) -> Option<StatementRef> {
    policies.iter().find_map(|policy| {
        let found = policy.statements.iter().find(|s| s.allows && look(s, request).unmet.is_empty());
        found.map(|statement| reference(policy, statement))
    })
}

/// The statement that allows and names who asks the most exactly; of equals the first.
fn best_allowing(policies: &[Policy], request: &Request) -> Option<(StatementRef, Match)> {
    let mut best: Option<(StatementRef, Match)> = None;
    for policy in policies {
        for statement in policy.statements.iter().filter(|statement| statement.allows) {
            let looked = look(statement, request);
            if looked.unmet.is_empty() && best.as_ref().is_none_or(|(_, best)| looked.named > *best) {
                best = Some((reference(policy, statement), looked.named));
            }
        }
    }
    best
}

/// A statement beside a request.
struct Looked {
    /// Everything that does not fit: principal, action, resource, conditions.
    unmet: Vec<Unmet>,
    /// How the principal is named, if it fits.
    named: Match,
}

fn look(statement: &Statement, request: &Request) -> Looked {
    let mut unmet = Vec::new();
    let mut named = Match::Role;
    if let Some(principals) = &statement.principals {
        let fits = if principals.negated {
            !who::leaves_out(&principals.items, &request.principal)
        } else {
            let best = principals.items.iter().filter_map(|name| name.names(&request.principal)).max();
            named = best.unwrap_or(named);
            best.is_some()
        };
        if !fits {
            let expected = principals.items.iter().map(|name| name.text().to_owned()).collect();
            let presented = request.principal.as_str();
            unmet.push(Unmet::Principal(element("Principal", "NotPrincipal", principals, expected, presented)));
        }
    }
    let actions = &statement.actions;
    if actions.items.iter().any(|action| action.matches(&request.action)) == actions.negated {
        let expected = actions.items.iter().map(|action| action.text.clone()).collect();
        unmet.push(Unmet::Action(element("Action", "NotAction", actions, expected, &request.action)));
    }
    if let Some(resources) = &statement.resources {
        let resolved: Vec<_> = resources.items.iter().map(|item| item.resolve(&request.context, true)).collect();
        let matched = resolved
            .iter()
            .any(|item| item.tokens.as_ref().is_ok_and(|tokens| pattern::resource_matches(tokens, &request.resource)));
        if matched == resources.negated {
            let expected = resolved.into_iter().map(|item| item.text).collect();
            unmet.push(Unmet::Resource(element("Resource", "NotResource", resources, expected, &request.resource)));
        }
    }
    unmet.extend(
        statement.conditions.iter().filter_map(|condition| condition.unmet(&request.context)).map(Unmet::Condition),
    );
    Looked { unmet, named }
}

fn element<T>(
    plain: &'static str,
    negated: &'static str,
    element: &Element<T>,
    expected: Vec<String>,
    presented: &str,
) -> UnmetElement {
    UnmetElement { element: if element.negated { negated } else { plain }, expected, presented: presented.to_owned() }
}

/// The allowing statement that is closest to matching; see [`Nearest`] for the order.
fn nearest(policies: &[&Policy], request: &Request) -> Option<Nearest> {
    let mut best: Option<(Distance, &Policy, &Statement, Vec<Unmet>)> = None;
    for policy in policies {
        for statement in policy.statements.iter().filter(|statement| statement.allows) {
            let unmet = look(statement, request).unmet;
            let distance = distance(&unmet);
            if best.as_ref().is_none_or(|(least, ..)| distance < *least) {
                best = Some((distance, policy, statement, unmet));
            }
        }
    }
    let (_, policy, statement, unmet) = best?;
    Nearest::new(reference(policy, statement), unmet)
}

/// Smaller is closer.
type Distance = (bool, bool, bool, usize, Reverse<usize>);

fn distance(unmet: &[Unmet]) -> Distance {
    let has = |test: fn(&Unmet) -> bool| unmet.iter().any(test);
    (
        has(|unmet| matches!(unmet, Unmet::Action(_))),
        has(|unmet| matches!(unmet, Unmet::Principal(_))),
        has(|unmet| matches!(unmet, Unmet::Resource(_))),
        unmet.iter().filter(|unmet| matches!(unmet, Unmet::Condition(_))).count(),
        Reverse(unmet.first().and_then(Unmet::closest).map_or(0, |closest| closest.difference.presented_at)),
    )
}
