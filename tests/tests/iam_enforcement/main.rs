//! What ministack enforces and what our evaluator says are the same, but for the differences in `docs/emulators.md`.
//!
//! `HATOBA_CASES=20000` compares that many pairs of policy and request instead of 1,200, `HATOBA_SEED` others.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its figures"
)]

mod differences;
mod place;

use std::collections::BTreeMap;
use std::env;

use hatoba_model::iam::evaluate::{Policies, Policy, Request, Source, evaluate, evaluate_trust};
use hatoba_tests::iam::ask::Outcome;
use hatoba_tests::iam::draw::Draw;
use hatoba_tests::iam::generate;
use serde_json::{Value, json};

use place::{Place, provider};

/// How many calls are made under each policy.
const CALLS: usize = 8;

/// Not among the names that calls are made about: `TagRole` would change it.
const ROLE: &str = "scribe";

fn number(name: &str, usual: usize) -> usize {
    env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

/// What was compared.
#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<Outcome, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, ours: Outcome, theirs: Outcome, told: impl FnOnce() -> String) {
        *self.outcomes.entry(ours).or_default() += 1;
        if ours != theirs {
            self.wrong.push(format!("we say {ours}, ministack {theirs}: {}", told()));
        }
    }

    /// Ends the test. Every outcome must have come up, or the comparison says nothing.
    fn close(self, what: &str, least: usize) {
        let count: usize = self.outcomes.values().sum();
        println!("{what}: {count} pairs, {:?}", self.outcomes);
        let shown: Vec<&str> = self.wrong.iter().take(10).map(String::as_str).collect();
        assert!(shown.is_empty(), "{} of {count} differ, such as\n{}", self.wrong.len(), shown.join("\n"));
        assert!(count >= least, "only {count} pairs");
        let rare = self.outcomes.values().filter(|seen| **seen * 20 < count).count();
        assert!(rare == 0 && self.outcomes.len() > 1, "one side is hardly seen: {:?}", self.outcomes);
    }
}

fn policy(source: Source, document: &Value) -> Policy {
    Policy::parse(source, "policy", document).unwrap()
}

#[test]
fn policies_of_a_user_and_their_boundary() {
    let place = Place::new();
    let (caller, client) = place.user("mika");
    let mut draw = Draw::new(number("HATOBA_SEED", 20).try_into().unwrap());
    let mut tally = Tally::default();
    let cases = number("HATOBA_CASES", 1_200);
    for round in 0..cases.div_ceil(CALLS) {
        let statements = generate::statements(&mut draw, &caller);
        let document = generate::document(&mut draw, statements);
        place.set_user_policy("mika", &document);
        let boundary = draw.chance(20).then(|| {
            let statements = generate::statements(&mut draw, &caller);
            generate::document(&mut draw, statements)
        });
        if let Some(boundary) = &boundary {
            place.bound_user("mika", &format!("boundary-{round}"), boundary);
        }
        let policies = Policies {
            identity: vec![policy(Source::Identity, &document)],
            boundary: boundary.as_ref().map(|document| policy(Source::Boundary, document)),
            ..Policies::default()
        };
        for _ in 0..CALLS {
            let ask = generate::ask(&mut draw, &caller);
            let verdict = evaluate(&ask.request, &policies);
            let theirs = ask.put(&client).unwrap();
            tally.add(Outcome::from(&verdict), theirs, || {
                let boundary = boundary.as_ref().map(|document| format!("\n  within {document}")).unwrap_or_default();
                format!("{verdict}\n  by {document}{boundary}\n  asked {:?}", ask.request)
            });
        }
        if boundary.is_some() {
            place.unbound_user("mika");
        }
    }
    tally.close("users", cases);
}

#[test]
fn policies_of_a_role_and_its_sessions() {
    let place = Place::new();
    place.create_role(ROLE, &json!({ "Statement": { "Effect": "Allow", "Principal": { "AWS": place.account() }, "Action": "sts:AssumeRole" } }));
    let mut draw = Draw::new(number("HATOBA_SEED", 21).try_into().unwrap());
    let mut tally = Tally::default();
    let cases = number("HATOBA_CASES", 1_200) / 5;
    let known = place.caller(place.session_arn(ROLE), false);
    for _ in 0..cases.div_ceil(CALLS) {
        let statements = generate::statements(&mut draw, &known);
        let document = generate::document(&mut draw, statements);
        place.set_role_policy(ROLE, &document);
        let passed = draw.chance(60).then(|| {
            let statements = generate::statements(&mut draw, &known);
            generate::document(&mut draw, statements)
        });
        let (caller, client) = place.session(ROLE, passed.as_ref());
        let policies = Policies {
            identity: vec![policy(Source::Identity, &document)],
            session: passed.as_ref().map(|document| vec![policy(Source::Session, document)]),
            ..Policies::default()
        };
        for _ in 0..CALLS {
            let ask = generate::ask(&mut draw, &caller);
            let verdict = evaluate(&ask.request, &policies);
            let theirs = ask.put(&client).unwrap();
            tally.add(Outcome::from(&verdict), theirs, || {
                format!("{verdict}\n  by {document}\n  passed {passed:?}\n  asked {:?}", ask.request)
            });
        }
    }
    tally.close("sessions", cases);
}

#[test]
fn policies_of_a_repository() {
    let place = Place::new();
    let (caller, client) = place.user("mika");
    place.create_repository("papyrus");
    let mut draw = Draw::new(number("HATOBA_SEED", 23).try_into().unwrap());
    let mut tally = Tally::default();
    let cases = number("HATOBA_CASES", 1_200) / 4;
    for round in 0..cases.div_ceil(CALLS) {
        let statements = generate::repository(&mut draw, &caller);
        let shared = generate::document(&mut draw, statements);
        place.set_repository_policy("papyrus", &shared);
        // Without a policy of their own, with one, and within a boundary.
        let own = draw
            .chance(50)
            .then(|| json!({ "Version": "2012-10-17", "Statement": [generate::statement(&mut draw, &caller)] }));
        let boundary = draw
            .chance(30)
            .then(|| json!({ "Version": "2012-10-17", "Statement": [generate::statement(&mut draw, &caller)] }));
        if let Some(own) = &own {
            place.set_user_policy("mika", own);
        }
        if let Some(boundary) = &boundary {
            place.bound_user("mika", &format!("boundary-{round}"), boundary);
        }
        let policies = Policies {
            identity: own.iter().map(|document| policy(Source::Identity, document)).collect(),
            boundary: boundary.as_ref().map(|document| policy(Source::Boundary, document)),
            resource: Some(policy(Source::Resource, &shared)),
            session: None,
        };
        for _ in 0..CALLS {
            let ask = generate::ask_repository(&mut draw, &caller, "papyrus");
            let owned = ask.request.resource.ends_with("/papyrus");
            let resource = policies.resource.clone().filter(|_| owned);
            let verdict = evaluate(&ask.request, &Policies { resource, ..policies.clone() });
            let theirs = ask.put(&client).unwrap();
            tally.add(Outcome::from(&verdict), theirs, || {
                format!("{verdict}\n  by {own:?}\n  within {boundary:?}\n  shared {shared}\n  asked {:?}", ask.request)
            });
        }
        if own.is_some() {
            place.delete_user_policy("mika");
        }
        if boundary.is_some() {
            place.unbound_user("mika");
        }
    }
    tally.close("repositories", cases);
}

#[test]
fn trust_in_tokens() {
    let place = Place::new();
    place.create_role(ROLE, &json!({ "Statement": { "Effect": "Deny", "Principal": "*", "Action": "sts:*" } }));
    let mut draw = Draw::new(number("HATOBA_SEED", 22).try_into().unwrap());
    let mut tally = Tally::default();
    let cases = number("HATOBA_CASES", 1_200) / 3;
    for _ in 0..cases.div_ceil(CALLS) {
        let (statements, claims) = generate::trust(&mut draw, place.account(), CALLS);
        let document = generate::document(&mut draw, statements);
        place.set_trust(ROLE, &document);
        let trust = policy(Source::Trust, &document);
        for [aud, sub] in claims {
            let claims = [("aud", aud), ("sub", sub)];
            let claims: Vec<(&str, String)> =
                claims.into_iter().filter_map(|(claim, value)| Some((claim, value?))).collect();
            let request = Request::web_identity(place.role_arn(ROLE), provider(place.account()), claims.clone());
            let verdict = evaluate_trust(&trust, &request);
            let theirs = place.put_token(ROLE, &claims);
            // The answer does not say whether it was a statement that denied.
            let ours = if verdict.is_allowed() { Outcome::Allowed } else { Outcome::ImplicitDeny };
            tally.add(ours, theirs, || format!("{verdict}\n  by {document}\n  with {claims:?}"));
        }
    }
    tally.close("tokens", cases);
}
