//! What ministack decides otherwise than AWS documents it, and we with AWS: each row of `docs/emulators.md` about policies, tried.

use std::fs;
use std::path::Path;

use hatoba_model::iam::evaluate::{Policies, Policy, Principal, Request, Source, evaluate, evaluate_trust};
use hatoba_tests::client::Client;
use hatoba_tests::iam::ask::{Ask, Outcome, outcome};
use hatoba_tests::iam::generate::Caller;
use serde_json::{Value, json};

use super::place::{Place, provider};

/// One policy of a user, and one call under it.
struct Difference {
    /// How its row in `docs/emulators.md` begins.
    row: &'static str,
    statement: Value,
    ask: Ask,
    ours: Outcome,
}

fn get_role(caller: &Caller, name: &str) -> Ask {
    let resource = format!("arn:aws:iam::{}:role/{name}", caller.account);
    let request = Request::new("iam:GetRole", resource, Principal::Arn(caller.arn.clone()));
    Ask { service: "iam", call: "GetRole", parameters: json!({ "RoleName": name }), request: known(caller, request) }
}

fn list_images(caller: &Caller) -> Ask {
    let resource = format!("arn:aws:ecr:us-west-2:{}:repository/papyrus", caller.account);
    let request = Request::new("ecr:ListImages", resource, Principal::Arn(caller.arn.clone()));
    let parameters = json!({ "repositoryName": "papyrus" });
    Ask { service: "ecr", call: "ListImages", parameters, request: known(caller, request) }
}

fn tag_role(caller: &Caller, keys: &[&str]) -> Ask {
    let mut ask = get_role(caller, "papyrus");
    ask.call = "TagRole";
    ask.request.action = "iam:TagRole".to_owned();
    ask.request.context.set("aws:TagKeys", keys.iter().copied());
    let tags: Vec<Value> = keys.iter().map(|key| json!({ "Key": key, "Value": "x" })).collect();
    ask.parameters = json!({ "RoleName": "papyrus", "Tags": tags });
    ask
}

fn known(caller: &Caller, mut request: Request) -> Request {
    for (key, value) in &caller.keys {
        request.context.set(key, [value.as_str()]);
    }
    request
}

fn allow(resource: &str, condition: Value) -> Value {
    json!({ "Effect": "Allow", "Action": "*", "Resource": resource, "Condition": condition })
}

fn differences(caller: &Caller) -> Vec<Difference> {
    let no = || json!({});
    let on = |row, statement, ours| Difference { row, statement, ask: get_role(caller, "mika"), ours };
    let repository = |row, resource: &str, ours| Difference {
        row,
        statement: allow(resource, no()),
        ask: list_images(caller),
        ours,
    };
    let account = &caller.account;
    let variables = "policy variables (`${aws:username}`, defaults) are not replaced";
    let parts = "wildcards in a `Resource` or under the ARN operators run over colons";
    let dates = "a date such as `2027` is a number of seconds, `2027-01` is none";
    let fraction = "seconds since 1970 with a fraction are a date";
    let many = "a key with several values under an operator without a set prefix is compared as the text of a list";
    let empty = "an empty value counts as a value for `Null` and the set operators";
    let unreadable = "a negated numeric or date operator is false when a side is not a number or date";
    vec![
        on(variables, allow(&format!("arn:aws:iam::{account}:role/${{aws:username}}"), no()), Outcome::Allowed),
        on(
            variables,
            allow("*", json!({ "StringEquals": { "aws:username": "${aws:PrincipalTag/none, 'mika'}" } })),
            Outcome::Allowed,
        ),
        repository(parts, "arn:aws:ecr:us*s", Outcome::ImplicitDeny),
        repository(parts, &format!("arn:aws:ecr:us-west-2?{account}:repository/papyrus"), Outcome::ImplicitDeny),
        on(
            parts,
            allow("*", json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*mika" } })),
            Outcome::ImplicitDeny,
        ),
        repository(
            "an incomplete ARN (`arn:aws:ecr`) in a `Resource` is not completed",
            "arn:aws:ecr",
            Outcome::Allowed,
        ),
        on(dates, allow("*", json!({ "DateLessThan": { "aws:CurrentTime": "2999" } })), Outcome::Allowed),
        on(dates, allow("*", json!({ "DateLessThan": { "aws:CurrentTime": "2999-01" } })), Outcome::Allowed),
        on(
            "of several values of `Null` the first counts",
            allow("*", json!({ "Null": { "aws:username": ["true", "false"] } })),
            Outcome::Allowed,
        ),
        on(empty, allow("*", json!({ "Null": { "aws:PrincipalTag/empty": "true" } })), Outcome::Allowed),
        on(
            empty,
            allow("*", json!({ "ForAllValues:StringEquals": { "aws:PrincipalTag/empty": "x" } })),
            Outcome::Allowed,
        ),
        on(
            fraction,
            allow("*", json!({ "DateGreaterThan": { "aws:EpochTime": "1577836800.5" } })),
            Outcome::ImplicitDeny,
        ),
        on(unreadable, allow("*", json!({ "NumericNotEquals": { "aws:username": 5 } })), Outcome::Allowed),
        on(unreadable, allow("*", json!({ "DateNotEquals": { "aws:username": "2026-01-01" } })), Outcome::Allowed),
        Difference {
            row: many,
            statement: allow("*", json!({ "StringEquals": { "aws:TagKeys": "team" } })),
            ask: tag_role(caller, &["team", "cost"]),
            ours: Outcome::Allowed,
        },
        Difference {
            row: many,
            statement: allow("*", json!({ "StringNotEquals": { "aws:TagKeys": "team" } })),
            ask: tag_role(caller, &["team", "cost"]),
            ours: Outcome::ImplicitDeny,
        },
    ]
}

#[test]
fn what_the_table_says_is_so() {
    let place = Place::new();
    let (mut caller, client) = place.user("mika");
    place.tag_user("mika", "empty", "");
    caller.keys.push(("aws:PrincipalTag/empty", String::new()));
    let table = table();
    let mut wrong = Vec::new();
    for Difference { row, statement, ask, ours } in differences(&caller) {
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        place.set_user_policy("mika", &document);
        let policy = Policy::parse(Source::Identity, "policy", &document).unwrap();
        let verdict = evaluate(&ask.request, &Policies { identity: vec![policy], ..Policies::default() });
        let theirs = ask.put(&client).unwrap();
        if Outcome::from(&verdict) != ours || theirs == ours {
            wrong.push(format!("{row}: we say {verdict}, ministack {theirs}, by {statement}"));
        }
        if !table.contains(row) {
            wrong.push(format!("docs/emulators.md has no row with: {row}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_right_about_operators_that_iam_refuses() {
    let place = Place::new();
    let (caller, client) = place.user("mika");
    let row = "the names of condition operators are compared without case, unknown ones are stored and match nothing";
    assert!(table().contains(row), "docs/emulators.md has no row with: {row}");
    for (operator, theirs) in [("stringequals", Outcome::Allowed), ("StringMatches", Outcome::ImplicitDeny)] {
        let document = json!({ "Version": "2012-10-17", "Statement": allow("*", json!({ operator: { "aws:username": "mika" } })) });
        place.set_user_policy("mika", &document);
        assert_eq!(get_role(&caller, "papyrus").put(&client).unwrap(), theirs, "{operator}");
        let error = Policy::parse(Source::Identity, "policy", &document).unwrap_err();
        assert!(error.message.contains("is not a condition operator"), "{error}");
    }
}

/// The statements of a trust policy, a claim of a token, and whether we let it in.
fn tokens(account: &str) -> Vec<(&'static str, Value, &'static str, bool)> {
    let provider = provider(account);
    let key = |claim: &str| format!("token.actions.githubusercontent.com:{claim}");
    let statement = |principal: Value, condition: Value| json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition });
    let subject = || json!({ "StringLike": { key("sub"): "repo:acme/*" } });
    vec![
        (
            "of a token only `aud`, `sub` and `amr` become condition keys",
            statement(json!({ "Federated": provider }), json!({ "StringEquals": { key("repository_id"): "7654321" } })),
            "repository_id",
            true,
        ),
        (
            "a principal `{\"AWS\": \"*\"}` does not stand for callers with a token",
            statement(json!({ "AWS": "*" }), subject()),
            "sub",
            true,
        ),
    ]
}

#[test]
fn the_table_is_right_about_trust_in_tokens() {
    let place = Place::new();
    place.create_role("papyrus", &json!({ "Statement": { "Effect": "Deny", "Principal": "*", "Action": "sts:*" } }));
    let table = table();
    for (row, statement, claim, ours) in tokens(place.account()) {
        assert!(table.contains(row), "docs/emulators.md has no row with: {row}");
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        place.set_trust("papyrus", &document);
        let value = if claim == "sub" { "repo:acme/papyrus:pull_request" } else { "7654321" };
        let claims = [(claim, value.to_owned())];
        let request = Request::web_identity(place.role_arn("papyrus"), provider(place.account()), claims.clone());
        let trust = Policy::parse(Source::Trust, "trust", &document).unwrap();
        assert_eq!(evaluate_trust(&trust, &request).is_allowed(), ours, "{row}");
        assert_eq!(place.put_token("papyrus", &claims) == Outcome::Allowed, !ours, "{row}");
    }
}

#[test]
fn the_table_is_right_about_not_principal() {
    let place = Place::new();
    let (caller, client) = place.user("mika");
    let row = "`NotPrincipal` matches nobody";
    assert!(table().contains(row), "docs/emulators.md has no row with: {row}");
    let own =
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "ecr:*", "Resource": "*" } });
    place.set_user_policy("mika", &own);
    place.create_repository("papyrus");
    let other = format!("arn:aws:iam::{}:user/jo", place.account());
    let shared = json!({
        "Version": "2012-10-17",
        "Statement": { "Effect": "Deny", "NotPrincipal": { "AWS": [place.account(), other] }, "Action": "ecr:*" },
    });
    place.set_repository_policy("papyrus", &shared);
    let policies = Policies {
        identity: vec![Policy::parse(Source::Identity, "policy", &own).unwrap()],
        resource: Some(Policy::parse(Source::Resource, "policy", &shared).unwrap()),
        ..Policies::default()
    };
    let ask = list_images(&caller);
    assert_eq!(Outcome::from(&evaluate(&ask.request, &policies)), Outcome::ExplicitDeny);
    assert_eq!(ask.put(&client).unwrap(), Outcome::Allowed);
}

#[test]
fn the_table_is_right_about_callers_of_assume_role() {
    let place = Place::new();
    let (caller, client) = place.user("mika");
    let table = table();
    let trust = |principal: Value| json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" } });
    place.create_role("papyrus", &trust(json!({ "AWS": caller.arn })));
    let assume = |client: &Client| {
        let parameters = json!({ "RoleArn": place.role_arn("papyrus"), "RoleSessionName": "session-1" });
        outcome(&client.call("sts", "AssumeRole", &parameters).unwrap()).unwrap()
    };
    let decide = |principal: Principal, trust: &Value, identity: Vec<Policy>| {
        let request = Request::new("sts:AssumeRole", place.role_arn("papyrus"), principal);
        let resource = Some(Policy::parse(Source::Trust, "trust", trust).unwrap());
        Outcome::from(&evaluate(&request, &Policies { identity, resource, ..Policies::default() }))
    };

    let row =
        "a user whom the trust policy names still needs an identity policy for `sts:AssumeRole` in the same account";
    assert!(table.contains(row), "docs/emulators.md has no row with: {row}");
    let named = trust(json!({ "AWS": caller.arn }));
    place.set_trust("papyrus", &named);
    assert_eq!(decide(Principal::Arn(caller.arn.clone()), &named, Vec::new()), Outcome::Allowed);
    assert_eq!(assume(&client), Outcome::ImplicitDeny);

    // Once the user has one, both agree, also about who is not named.
    let document = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" } });
    place.set_user_policy("mika", &document);
    let root = format!("arn:aws:iam::{}:root", place.account());
    let other = format!("arn:aws:iam::{}:user/jo", place.account());
    for (principal, expected) in [
        (json!({ "AWS": caller.arn }), Outcome::Allowed),
        (json!({ "AWS": root }), Outcome::Allowed),
        (json!({ "AWS": place.account() }), Outcome::Allowed),
        (json!("*"), Outcome::Allowed),
        (json!({ "AWS": other }), Outcome::ImplicitDeny),
        (json!({ "Service": "ecs-tasks.amazonaws.com" }), Outcome::ImplicitDeny),
        (json!({ "Federated": provider(place.account()) }), Outcome::ImplicitDeny),
        (json!({ "AWS": "210987654321" }), Outcome::ImplicitDeny),
    ] {
        let trust = trust(principal);
        place.set_trust("papyrus", &trust);
        let identity = vec![Policy::parse(Source::Identity, "policy", &document).unwrap()];
        assert_eq!(decide(Principal::Arn(caller.arn.clone()), &trust, identity), expected, "{trust}");
        assert_eq!(assume(&client), expected, "{trust}");
    }

    let row = "a `Service` principal lets in the account's root user";
    assert!(table.contains(row), "docs/emulators.md has no row with: {row}");
    let service = trust(json!({ "Service": "ecs-tasks.amazonaws.com" }));
    place.set_trust("papyrus", &service);
    assert_eq!(decide(Principal::Account(place.account().to_owned()), &service, Vec::new()), Outcome::ImplicitDeny);
    assert_eq!(assume(place.root()), Outcome::Allowed);
}

#[test]
fn the_table_is_right_about_the_arn_of_a_session() {
    let place = Place::new();
    let trust = json!({ "Statement": { "Effect": "Allow", "Principal": { "AWS": place.account() }, "Action": "sts:AssumeRole" } });
    place.create_role("papyrus", &trust);
    let row = "`aws:PrincipalArn` of a session is the session's ARN";
    assert!(table().contains(row), "docs/emulators.md has no row with: {row}");
    let condition = json!({ "ArnEquals": { "aws:PrincipalArn": place.role_arn("papyrus") } });
    let document = json!({ "Version": "2012-10-17", "Statement": allow("*", condition) });
    place.set_role_policy("papyrus", &document);
    let (caller, client) = place.session("papyrus", None);
    let ask = get_role(&caller, "papyrus");
    let policy = Policy::parse(Source::Identity, "policy", &document).unwrap();
    assert!(evaluate(&ask.request, &Policies { identity: vec![policy], ..Policies::default() }).is_allowed());
    assert_eq!(ask.put(&client).unwrap(), Outcome::ImplicitDeny);
}

fn table() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/emulators.md")).unwrap()
}
