//! What holds for every policy and every request.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use hatoba_model::iam::canonical;
use hatoba_model::iam::evaluate::{
    Policies, Policy, Principal, Request, Source, Unmet, Verdict, evaluate, evaluate_trust,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A name of few letters and wildcards, so that requests and policies meet often.
fn text() -> impl Strategy<Value = String> {
    "[ab*?]{1,3}"
}

fn one_or_more(one: impl Strategy<Value = String>) -> impl Strategy<Value = Value> {
    (vec(one, 1..3), any::<bool>()).prop_map(|(list, bare)| match list.as_slice() {
        [one] if bare => json!(one),
        _ => json!(list),
    })
}

fn account() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("123456789012"), Just("210987654321")]
}

fn arn() -> impl Strategy<Value = String> {
    (account(), prop_oneof![Just("user/a"), Just("user/b"), Just("role/a"), Just("role/b")])
        .prop_map(|(account, name)| format!("arn:aws:iam::{account}:{name}"))
}

fn session() -> impl Strategy<Value = String> {
    (account(), "[ab]", "[ab]")
        .prop_map(|(account, role, session)| format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"))
}

fn named() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("*")),
        one_or_more(prop_oneof![arn(), session(), account().prop_map(str::to_owned), Just("*".to_owned())])
            .prop_map(|names| json!({ "AWS": names })),
        Just(json!({ "Service": "ecs-tasks.amazonaws.com" })),
        Just(json!({ "AWS": "210987654321", "Federated": "accounts.google.com" })),
    ]
}

fn condition() -> impl Strategy<Value = (String, String, Value)> {
    let operator = (
        prop_oneof![4 => Just(""), 1 => Just("ForAnyValue:"), 1 => Just("ForAllValues:")],
        prop_oneof![
            Just("StringEquals"),
            Just("StringNotEquals"),
            Just("StringLike"),
            Just("StringNotLike"),
            Just("StringEqualsIgnoreCase"),
            Just("NumericLessThan"),
            Just("NumericNotEquals"),
            Just("DateGreaterThan"),
            Just("Bool"),
            Just("IpAddress"),
            Just("ArnLike"),
        ],
        prop_oneof![3 => Just(""), 1 => Just("IfExists")],
    )
        .prop_map(|(set, base, exists)| format!("{set}{base}{exists}"));
    let value = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => Just(json!("${t:a}")),
        1 => Just(json!("${t:b, 'a'}")),
        1 => (0..3_i32).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(json!("10.0.0.0/8")),
    ];
    (
        prop_oneof![5 => operator, 1 => Just("Null".to_owned())],
        "t:[abAB]",
        vec(value, 0..3).prop_map(|values| if values.len() == 1 { values[0].clone() } else { json!(values) }),
    )
}

fn statement(with_principal: bool) -> impl Strategy<Value = Value> {
    (
        prop_oneof![3 => Just("Allow"), 1 => Just("Deny"), 1 => Just("allow")],
        (any::<bool>(), one_or_more(text().prop_map(|name| format!("s:{name}")))),
        (any::<bool>(), one_or_more(text().prop_map(|name| format!("arn:aws:s:::{name}")))),
        (any::<bool>(), named()),
        vec(condition(), 0..3),
    )
        .prop_map(
            move |(effect, (not_action, action), (not_resource, resource), (not_principal, principal), lines)| {
                let mut statement = Map::new();
                statement.insert("Effect".into(), json!(effect));
                statement.insert(if not_action { "NotAction" } else { "Action" }.into(), action);
                if with_principal {
                    statement.insert(if not_principal { "NotPrincipal" } else { "Principal" }.into(), principal);
                }
                statement.insert(if not_resource { "NotResource" } else { "Resource" }.into(), resource);
                let mut condition: Map<String, Value> = Map::new();
                for (operator, key, value) in lines {
                    condition.entry(operator).or_insert_with(|| json!({}))[key] = value;
                }
                if !condition.is_empty() {
                    statement.insert("Condition".into(), Value::Object(condition));
                }
                Value::Object(statement)
            },
        )
}

fn statements(with_principal: bool) -> impl Strategy<Value = Vec<Value>> {
    vec(statement(with_principal), 0..4)
}

fn request() -> impl Strategy<Value = Request> {
    let values = prop_oneof![
        "[abAB]{0,3}",
        (0..3_i32).prop_map(|number| number.to_string()),
        Just("true".to_owned()),
        Just("10.1.2.3".to_owned()),
        Just("2026-08-15".to_owned()),
    ];
    let principal = prop_oneof![
        4 => arn().prop_map(Principal::Arn),
        2 => session().prop_map(Principal::Arn),
        1 => account().prop_map(|account| Principal::Account(account.to_owned())),
        1 => Just(Principal::Service("ecs-tasks.amazonaws.com".to_owned())),
        1 => Just(Principal::Federated("accounts.google.com".to_owned())),
        1 => Just(Principal::Anonymous),
    ];
    ("[ab]{1,3}", "[ab]{1,3}", principal, vec(("t:[abAB]", vec(values, 0..3)), 0..3), option::of(account())).prop_map(
        |(action, resource, principal, keys, owner)| {
            let mut request = Request::new(format!("s:{action}"), format!("arn:aws:s:::{resource}"), principal);
            for (key, values) in keys {
                request.context.set(&key, values);
            }
            if let Some(owner) = owner {
                request.context.set("aws:ResourceAccount", [owner]);
            }
            request
        },
    )
}

/// The documents of all kinds, not yet read: identity, resource, boundary, session.
#[derive(Clone, Debug)]
struct Documents {
    identity: Vec<Value>,
    resource: Option<Vec<Value>>,
    boundary: Option<Vec<Value>>,
    session: Option<Vec<Value>>,
}

fn documents() -> impl Strategy<Value = Documents> {
    let limit = || prop_oneof![3 => Just(None), 1 => statements(false).prop_map(Some)];
    (statements(false), option::of(statements(true)), limit(), limit())
        .prop_map(|(identity, resource, boundary, session)| Documents { identity, resource, boundary, session })
}

impl Documents {
    /// Each list of statements, changed.
    fn each(&self, change: impl Fn(&[Value]) -> Vec<Value>) -> Self {
        let change = |list: &Vec<Value>| change(list);
        Self {
            identity: change(&self.identity),
            resource: self.resource.as_ref().map(change),
            boundary: self.boundary.as_ref().map(change),
            session: self.session.as_ref().map(change),
        }
    }

    fn read(&self, whole: impl Fn(Value) -> Value) -> Policies {
        let read = |source: Source, statements: &Vec<Value>| {
            let document = whole(json!({ "Version": "2012-10-17", "Statement": statements }));
            Policy::parse(source, "policy", &document).unwrap()
        };
        Policies {
            identity: vec![read(Source::Identity, &self.identity)],
            resource: self.resource.as_ref().map(|list| read(Source::Resource, list)),
            boundary: self.boundary.as_ref().map(|list| read(Source::Boundary, list)),
            session: self.session.as_ref().map(|list| vec![read(Source::Session, list)]),
        }
    }

    fn verdict(&self, request: &Request) -> Verdict {
        evaluate(request, &self.read(|document| document))
    }
}

/// The verdict without the places of statements.
fn outcome(verdict: &Verdict) -> (&'static str, Option<Source>) {
    match verdict {
        Verdict::Allowed { .. } => ("allowed", None),
        Verdict::ExplicitDeny { .. } => ("denied", None),
        Verdict::ImplicitDeny { missing, .. } => ("not allowed", Some(*missing)),
    }
}

proptest! {
    #[test]
    fn an_explicit_deny_wins_wherever_it_stands(documents in documents(), request in request(), place in 0..4_usize, at in 0..5_usize) {
        let deny = json!({ "Effect": "Deny", "Action": request.action, "Resource": request.resource });
        let mut denied = documents;
        let list = match place {
            0 => &mut denied.identity,
            1 => denied.boundary.get_or_insert_default(),
            2 => denied.session.get_or_insert_default(),
            _ => denied.resource.get_or_insert_default(),
        };
        let mut deny = deny;
        if place == 3 {
            deny["Principal"] = json!("*");
        }
        list.insert(at.min(list.len()), deny);
        prop_assert_eq!(outcome(&denied.verdict(&request)).0, "denied");
    }

    #[test]
    fn another_allow_takes_nothing_away(documents in documents(), request in request(), more in statement(false), shared in statement(true)) {
        let before = documents.verdict(&request);
        let mut more = more;
        more["Effect"] = json!("Allow");
        let mut shared = shared;
        shared["Effect"] = json!("Allow");
        let mut richer = documents.each(|list| list.to_vec());
        richer.identity.push(more.clone());
        for list in [&mut richer.boundary, &mut richer.session].into_iter().flatten() {
            list.push(more.clone());
        }
        if let Some(list) = &mut richer.resource {
            list.push(shared);
        }
        let after = richer.verdict(&request);
        if before.is_allowed() {
            prop_assert!(after.is_allowed(), "{before} became {after}");
        }
        prop_assert_eq!(outcome(&before).0 == "denied", outcome(&after).0 == "denied");
    }

    #[test]
    fn the_order_of_statements_does_not_matter(documents in documents(), request in request()) {
        let turned = documents.each(|list| list.iter().rev().cloned().collect());
        let shifted = documents.each(|list| list.iter().skip(1).chain(list.first()).cloned().collect());
        let verdict = documents.verdict(&request);
        prop_assert_eq!(outcome(&turned.verdict(&request)), outcome(&verdict));
        prop_assert_eq!(outcome(&shifted.verdict(&request)), outcome(&verdict));
    }

    #[test]
    fn the_normal_form_means_the_same(documents in documents(), request in request()) {
        let verdict = documents.verdict(&request);
        let normal = evaluate(&request, &documents.read(|document| canonical(&document)));
        prop_assert_eq!(outcome(&normal), outcome(&verdict));
    }

    /// Whoever mends everything that is named as unmet is allowed: the reason is the whole reason.
    #[test]
    fn what_is_unmet_is_all_that_is_missing(identity in statements(false), request in request()) {
        let documents = Documents { identity, resource: None, boundary: None, session: None };
        let verdict = documents.verdict(&request);
        let Verdict::ImplicitDeny { nearest: Some(nearest), .. } = &verdict else { return Ok(()) };
        if outcome(&verdict).1 != Some(Source::Identity) {
            return Ok(());
        }
        let mut statement = documents.identity[nearest.statement.index].clone();
        let body = statement.as_object_mut().unwrap();
        prop_assert!(nearest.unmet().count() > 0);
        for unmet in nearest.unmet() {
            match unmet {
                Unmet::Action(_) => {
                    body.retain(|element, _| !element.ends_with("Action"));
                    body.insert("Action".into(), json!("*"));
                }
                Unmet::Resource(_) => {
                    body.retain(|element, _| !element.ends_with("Resource"));
                    body.insert("Resource".into(), json!("*"));
                }
                Unmet::Condition(condition) => {
                    body["Condition"][&condition.operator].as_object_mut().unwrap().remove(&condition.key);
                }
                Unmet::Principal(_) => prop_assert!(false, "an identity policy has no principals"),
            }
        }
        let mended = Documents { identity: vec![statement], ..documents };
        let verdict = mended.verdict(&request);
        // Nothing is left that does not fit; what may still be missing is the resource's policy across accounts.
        let allowed = verdict.is_allowed() || outcome(&verdict).1 == Some(Source::Resource);
        prop_assert!(allowed, "{verdict}");
    }

    /// A trust policy by itself decides as it does for those who need nothing else.
    #[test]
    fn a_trust_policy_lets_in_whom_it_names(list in statements(true), request in request()) {
        let list: Vec<Value> = list
            .into_iter()
            .map(|mut statement| {
                statement.as_object_mut().unwrap().retain(|element, _| !element.ends_with("Resource"));
                statement
            })
            .collect();
        let trust = Policy::parse(Source::Trust, "trust", &json!({ "Version": "2012-10-17", "Statement": list })).unwrap();
        let alone = evaluate_trust(&trust, &request);
        let whole = evaluate(&request, &Policies { resource: Some(trust), ..Policies::default() });
        if whole.is_allowed() {
            prop_assert!(alone.is_allowed());
        }
        if !matches!(request.principal, Principal::Arn(_) | Principal::Account(_)) {
            prop_assert_eq!(alone.is_allowed(), whole.is_allowed());
        }
    }
}
