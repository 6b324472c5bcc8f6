//! Policy documents: checks of any document end, and the canonical form means the same as the document and is its own, also to the
//! evaluator, which decides every document that it reads.
#![no_main]

use hatoba_model::iam::document::check;
use hatoba_model::iam::evaluate::{Policies, Policy, Principal, Request, Source, Verdict, evaluate, evaluate_trust};
use hatoba_model::iam::{DocKind, canonical, equivalent, parse_url_encoded};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let _ = parse_url_encoded(text);
    let Ok(document) = serde_json::from_str::<Value>(text) else { return };
    for kind in [DocKind::Identity, DocKind::Trust, DocKind::EcrRepository] {
        let _ = check(kind, &document);
    }
    let form = canonical(&document);
    assert_eq!(canonical(&form), form, "not its own canonical form");
    assert!(equivalent(&document, &form), "the canonical form means something else");
    decide(&document, &form);
});

fn decide(document: &Value, form: &Value) {
    let role = "arn:aws:iam::123456789012:role/papyrus";
    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    let user = || Principal::Arn("arn:aws:iam::123456789012:user/mika".to_owned());
    let requests = [
        Request::web_identity(
            role,
            provider,
            [("aud", "sts.amazonaws.com"), ("sub", "repo:acme/papyrus:pull_request")],
        ),
        Request::new("sts:AssumeRole", role, Principal::Service("ecs-tasks.amazonaws.com".to_owned())),
        Request::new("ecr:PutImage", "arn:aws:ecr:us-west-2:123456789012:repository/papyrus", user())
            .with("aws:RequestedRegion", "us-west-2")
            .with("aws:SourceIp", "203.0.113.7")
            .with("aws:CurrentTime", "2026-08-15T09:00:00Z")
            .with_values("aws:TagKeys", ["team", "stage"]),
        Request::new("iam:PassRole", role, user()).with("iam:PassedToService", "ecs-tasks.amazonaws.com"),
    ];
    for source in [Source::Identity, Source::Resource, Source::Trust] {
        let (Ok(policy), Ok(same)) = (Policy::parse(source, "policy", document), Policy::parse(source, "policy", form))
        else {
            continue;
        };
        for request in &requests {
            let verdict = verdict(source, &policy, request);
            let other = self::verdict(source, &same, request);
            assert_eq!(verdict.is_allowed(), other.is_allowed(), "the canonical form is decided otherwise");
            // Whoever reads the reason must not stumble either.
            let _ = verdict.to_string();
            if let Verdict::ImplicitDeny { nearest: Some(nearest), .. } = verdict {
                let _ = nearest.unmet().filter_map(|unmet| unmet.closest()).count();
            }
        }
    }
}

fn verdict(source: Source, policy: &Policy, request: &Request) -> Verdict {
    match source {
        Source::Trust => evaluate_trust(policy, request),
        Source::Resource => evaluate(request, &Policies { resource: Some(policy.clone()), ..Policies::default() }),
        _ => evaluate(request, &Policies { identity: vec![policy.clone()], ..Policies::default() }),
    }
}
