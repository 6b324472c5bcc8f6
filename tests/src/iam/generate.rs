//! Policies and calls that meet often: few actions, few resources, keys whose values are known.
//!
//! Left out is what ministack is known to decide unlike AWS; `docs/emulators.md` lists it, and the test
//! `what_the_table_says_is_so` tries each of it.

use hatoba_model::iam::evaluate::{Principal, Request};
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::draw::Draw;
use crate::lease::REGION;

/// Who makes the calls, and what is known of them.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account, 12 digits.
    pub account: String,
    /// The ARN of the user or session.
    pub arn: String,
    /// Condition keys with their values, besides those that [`Request::new`] knows.
    pub keys: Vec<(&'static str, String)>,
    /// Whether `aws:PrincipalArn` can be asked about: ministack gives sessions another one than AWS.
    pub ask_arn: bool,
}

/// The calls that are made: none of them changes anything, since nothing that they name is there.
const CALLS: [(&str, &str, &str); 9] = [
    ("iam", "GetRole", "RoleName"),
    ("iam", "ListRolePolicies", "RoleName"),
    ("iam", "TagRole", "RoleName"),
    ("ecr", "ListImages", "repositoryName"),
    ("ecr", "GetRepositoryPolicy", "repositoryName"),
    ("ecr", "DescribeRegistry", ""),
    ("ecs", "ListServices", "cluster"),
    ("logs", "DescribeLogStreams", "logGroupName"),
    ("ssm", "GetParameter", "Name"),
];

const NAMES: [&str; 6] = ["papyrus", "papyrus-2", "Papyrus", "vellum", "papyrus/base", "v"];

const TAGS: [&str; 4] = ["team", "Stage", "cost", "papyrus:x"];

/// One call by this caller.
pub fn ask(draw: &mut Draw, caller: &Caller) -> Ask {
    let call = *draw.pick(&CALLS);
    ask_for(draw, caller, call, &NAMES)
}

/// One call by this caller to ECR, about this repository or another.
pub fn ask_repository(draw: &mut Draw, caller: &Caller, repository: &'static str) -> Ask {
    let calls: Vec<_> =
        CALLS.into_iter().filter(|(service, _, parameter)| *service == "ecr" && !parameter.is_empty()).collect();
    let call = *draw.pick(&calls);
    ask_for(draw, caller, call, &[repository, repository, repository, "vellum"])
}

fn ask_for(
    draw: &mut Draw,
    caller: &Caller,
    (service, call, parameter): (&'static str, &'static str, &str),
    names: &[&str],
) -> Ask {
    let name = draw.pick(names).replace('/', if matches!(service, "iam" | "ecs") { "-" } else { "/" });
    let kind = match service {
        "iam" => "role/",
        "ecr" => "repository/",
        "ecs" => "cluster/",
        "logs" => "log-group:",
        _ => "parameter/",
    };
    let region = if service == "iam" { "" } else { REGION };
    let mut parameters = Map::new();
    let resource = if parameter.is_empty() {
        "*".to_owned()
    } else {
        parameters.insert(parameter.to_owned(), json!(name));
        format!("arn:aws:{service}:{region}:{}:{kind}{name}", caller.account)
    };
    let mut request = Request::new(format!("{service}:{call}"), resource, Principal::Arn(caller.arn.clone()));
    for (key, value) in &caller.keys {
        request.context.set(key, [value.as_str()]);
    }
    if call == "TagRole" {
        let mut keys: Vec<&str> = draw.some(&TAGS, 3);
        keys.sort_unstable();
        keys.dedup();
        let tags: Vec<Value> = keys.iter().map(|key| json!({ "Key": key, "Value": "red" })).collect();
        for key in &keys {
            request.context.set(&format!("aws:RequestTag/{key}"), ["red"]);
        }
        request.context.set("aws:TagKeys", keys);
        parameters.insert("Tags".to_owned(), Value::Array(tags));
    }
    Ask { service, call, parameters: Value::Object(parameters), request }
}

/// The statements of a policy of a user, role or session, of a boundary, or of a session.
pub fn statements(draw: &mut Draw, caller: &Caller) -> Vec<Value> {
    let count = 1 + draw.below(4);
    (0..count).map(|_| statement(draw, caller)).collect()
}

/// A policy of these statements, written in one of the ways that mean the same.
pub fn document(draw: &mut Draw, statements: Vec<Value>) -> Value {
    match statements.as_slice() {
        [only] if draw.chance(50) => json!({ "Version": "2012-10-17", "Statement": only }),
        _ => json!({ "Version": "2012-10-17", "Statement": statements }),
    }
}

/// One statement.
pub fn statement(draw: &mut Draw, caller: &Caller) -> Value {
    let account = &caller.account;
    let actions = [
        "*",
        "*",
        "iam:*",
        "ecr:*",
        "ecs:List*",
        "logs:*",
        "ssm:GetParameter",
        "iam:GetRole",
        "IAM:getrole",
        "iam:?etRole",
        "iam:Tag*",
        "ecr:ListImages",
        "ecr:Get*",
        "*:List*",
        "*:Get*",
        "ecr:*Registry",
        "ecs:*Services",
        "logs:Describe*Streams",
    ];
    let resources = [
        "*".to_owned(),
        "*".to_owned(),
        format!("arn:aws:iam::{account}:role/papyrus*"),
        format!("arn:aws:iam::{account}:role/Papyrus"),
        format!("arn:aws:iam::{account}:role/?"),
        "arn:aws:iam::*:role/v*".to_owned(),
        format!("arn:aws:ecr:{REGION}:{account}:repository/papyrus"),
        format!("arn:aws:ecr:*:{account}:repository/*"),
        format!("arn:aws:ecr:{REGION}:*:repository/papyrus/*"),
        "arn:aws:*:*:*:*papyrus".to_owned(),
        "arn:aws:ecs:us-*:*:cluster/papyrus-?".to_owned(),
        format!("arn:aws:logs:{REGION}:{account}:log-group:papyrus*"),
        format!("arn:aws:logs:{REGION}:{account}:*"),
        format!("arn:aws:ssm:*:{account}:parameter/*s*"),
        format!("arn:aws-cn:ssm:*:{account}:parameter/*"),
    ];
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), json!(if draw.chance(70) { "Allow" } else { "Deny" }));
    let few = |draw: &mut Draw, list: Vec<Value>| match list.as_slice() {
        [only] if draw.chance(50) => only.clone(),
        _ => Value::Array(list),
    };
    let name = if draw.chance(15) { "NotAction" } else { "Action" };
    let list = draw.some(&actions, 3).into_iter().map(Value::from).collect();
    statement.insert(name.to_owned(), few(draw, list));
    let name = if draw.chance(15) { "NotResource" } else { "Resource" };
    let list = draw.some(&resources, 3).into_iter().map(Value::from).collect();
    statement.insert(name.to_owned(), few(draw, list));
    if draw.chance(55) {
        statement.insert("Condition".to_owned(), conditions(draw, caller));
    }
    Value::Object(statement)
}

/// One to three lines of conditions about what is known of the caller, and about what is not.
fn conditions(draw: &mut Draw, caller: &Caller) -> Value {
    let mut found = Map::new();
    for _ in 0..1 + draw.below(3) {
        let (operator, key, value) = condition(draw, caller);
        let keys = found.entry(operator).or_insert_with(|| json!({}));
        keys[key] = value;
    }
    Value::Object(found)
}

const TEXT_OPERATORS: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];

fn condition(draw: &mut Draw, caller: &Caller) -> (String, String, Value) {
    let texts = |list: &[&str]| list.iter().map(|text| json!(text)).collect::<Vec<_>>();
    let account = &caller.account;
    let (key, operators, values): (&str, &[&str], Vec<Value>) = match draw.below(12) {
        0 => ("aws:PrincipalTag/team", &TEXT_OPERATORS, texts(&["red", "RED", "r*", "?ed", "blue", "re", "*"])),
        1 => ("aws:principaltag/stage", &TEXT_OPERATORS, texts(&["live", "Live", "l?ve", "test", "*e"])),
        2 => ("aws:PrincipalTag/none", &TEXT_OPERATORS, texts(&["red", "*", "x"])),
        3 => ("aws:RequestedRegion", &TEXT_OPERATORS, texts(&[REGION, "us-*", "eu-west-1", "US-WEST-2"])),
        4 => ("aws:username", &TEXT_OPERATORS, texts(&["mika", "Mika", "mi*", "jo"])),
        5 => (
            "aws:SecureTransport",
            &["Bool"],
            vec![json!(true), json!(false), json!("true"), json!("false"), json!("False")],
        ),
        6 => (
            "aws:SourceIp",
            &["IpAddress", "NotIpAddress"],
            texts(&["127.0.0.0/8", "127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "127.0.0.2/31"]),
        ),
        7 => (
            "aws:CurrentTime",
            &[
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals",
                "DateEquals",
                "DateNotEquals",
            ],
            texts(&["2020-01-01T00:00:00Z", "2999-12-31T23:59:59+09:00", "2020-01-01", "1577836800"]),
        ),
        8 => (
            "aws:EpochTime",
            &[
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals",
                "NumericEquals",
                "NumericNotEquals",
            ],
            vec![json!(1_577_836_800), json!("1577836800"), json!("32503679999"), json!("1577836800.5")],
        ),
        9 => (
            "aws:EpochTime",
            &["DateLessThan", "DateGreaterThanEquals"],
            vec![json!(1_577_836_800), json!("2020-01-01T00:00Z")],
        ),
        10 if caller.ask_arn => (
            "aws:PrincipalArn",
            &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike", "StringEquals"],
            vec![
                json!(caller.arn),
                json!(format!("arn:aws:iam::{account}:user/*")),
                json!(format!("arn:*:iam:*:{account}:*m?ka")),
                json!(format!("arn:aws:iam::{account}:role/mika")),
                json!("arn:aws:iam::*:user/Mika"),
            ],
        ),
        _ => return tag_keys(draw),
    };
    let mut operator = (*draw.pick(operators)).to_owned();
    if draw.chance(12) {
        return ("Null".to_owned(), key.to_owned(), json!(draw.chance(50)));
    }
    if draw.chance(20) {
        operator.push_str("IfExists");
    }
    if draw.chance(10) {
        operator.insert_str(0, if draw.chance(50) { "ForAnyValue:" } else { "ForAllValues:" });
    }
    let values = draw.some(&values, 2);
    let value = if let ([only], true) = (values.as_slice(), draw.chance(60)) { only.clone() } else { json!(values) };
    (operator, key.to_owned(), value)
}

/// `aws:TagKeys` has several values, so a set operator stands before it; a tag of the request has one.
fn tag_keys(draw: &mut Draw) -> (String, String, Value) {
    let exists = if draw.chance(20) { "IfExists" } else { "" };
    if draw.chance(30) {
        let operator = draw.pick(&TEXT_OPERATORS);
        let key = ["aws:RequestTag/team", "aws:requesttag/stage", "aws:RequestTag/none"];
        return (
            format!("{operator}{exists}"),
            (*draw.pick(&key)).to_owned(),
            json!(draw.some(&["red", "Red", "r*", "blue"], 2)),
        );
    }
    let set = if draw.chance(50) { "ForAnyValue:" } else { "ForAllValues:" };
    let operator = draw.pick(&TEXT_OPERATORS);
    let values = draw.some(&["team", "Stage", "stage", "cost", "papyrus:*", "*o*", "?"], 3);
    (format!("{set}{operator}{exists}"), "aws:TagKeys".to_owned(), json!(values))
}

/// The statements of a repository's policy: about this user, others, and everybody.
pub fn repository(draw: &mut Draw, caller: &Caller) -> Vec<Value> {
    let account = &caller.account;
    let principals = [
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": account }),
        json!({ "AWS": format!("arn:aws:iam::{account}:root") }),
        json!({ "AWS": caller.arn }),
        json!({ "AWS": [format!("arn:aws:iam::{account}:user/jo"), caller.arn] }),
        json!({ "AWS": format!("arn:aws:iam::{account}:user/jo") }),
        json!({ "AWS": "210987654321" }),
        json!({ "Service": "ecs-tasks.amazonaws.com" }),
    ];
    let actions = ["ecr:*", "ecr:Get*", "ecr:ListImages", "ECR:list*", "ecr:PutImage"];
    (0..1 + draw.below(3))
        .map(|_| {
            let mut statement = json!({
                "Effect": if draw.chance(75) { "Allow" } else { "Deny" },
                "Principal": draw.pick(&principals),
                "Action": draw.some(&actions, 2),
            });
            if draw.chance(35) {
                statement["Condition"] = conditions(draw, caller);
            }
            statement
        })
        .collect()
}

/// The statements of a trust policy for tokens of GitHub, and as many pairs of the claims `aud` and `sub` to try on them.
pub fn trust(draw: &mut Draw, account: &str, tokens: usize) -> (Vec<Value>, Vec<[Option<String>; 2]>) {
    let subjects = [
        "repo:acme/papyrus:ref:refs/heads/main",
        "repo:acme@1/papyrus@2:ref:refs/heads/main",
        "repo:acme/papyrus:pull_request",
        "repo:acme/papyrus:environment:live",
        "repo:acme/papyrus:ref:refs/tags/v1.2.3",
        "repo:evil/papyrus:ref:refs/heads/main",
        "repo:acme/papyrus-2:ref:refs/heads/main",
    ];
    let patterns = [
        "repo:acme/*",
        "repo:acme/papyrus:*",
        "repo:*/papyrus:ref:refs/heads/main",
        "*:pull_request",
        "repo:acme@?/papyrus@?:*",
        "repo:acme/papyrus:ref:refs/tags/v*.*.*",
        "*",
        "REPO:acme/*",
    ];
    let host = "token.actions.githubusercontent.com";
    let provider = format!("arn:aws:iam::{account}:oidc-provider/{host}");
    let all: Vec<&str> = subjects.iter().chain(&patterns).copied().collect();
    let sub_operators: Vec<String> = TEXT_OPERATORS
        .iter()
        .flat_map(|operator| {
            [
                (*operator).to_owned(),
                format!("{operator}IfExists"),
                format!("ForAllValues:{operator}"),
                format!("ForAnyValue:{operator}"),
            ]
        })
        .collect();
    let count = 1 + draw.below(3);
    let statements = (0..count)
        .map(|_| {
            let mut condition = Map::new();
            if draw.chance(70) {
                let values = draw.some(&["sts.amazonaws.com", "sts.amazonaws.com.cn"], 2);
                condition.insert("StringEquals".to_owned(), json!({ format!("{host}:aud"): values }));
            }
            let key = if draw.chance(15) { format!("{}:SUB", host.to_uppercase()) } else { format!("{host}:sub") };
            let keys = condition.entry(draw.pick(&sub_operators).clone()).or_insert_with(|| json!({}));
            keys[key] = json!(draw.some(&all, 3));
            if draw.chance(10) {
                condition.insert("Null".to_owned(), json!({ format!("{host}:sub"): draw.chance(50) }));
            }
            let principal = match draw.below(8) {
                0 => json!({ "Federated": [provider, "accounts.google.com"] }),
                1 => json!({ "Federated": format!("{provider}/acme") }),
                2 => json!({ "AWS": account }),
                3 => json!("*"),
                _ => json!({ "Federated": provider }),
            };
            let actions = [
                "sts:AssumeRoleWithWebIdentity",
                "sts:AssumeRole*",
                "sts:*",
                "STS:assumerolewithwebidentity",
                "sts:AssumeRole",
            ];
            json!({
                "Effect": if draw.chance(75) { "Allow" } else { "Deny" },
                "Principal": principal,
                "Action": draw.some(&actions, 2),
                "Condition": condition,
            })
        })
        .collect();
    let claims = (0..tokens)
        .map(|_| {
            let aud = *draw.pick(&["sts.amazonaws.com", "sts.amazonaws.com", "https://github.com/acme"]);
            let sub = (*draw.pick(&subjects)).to_owned();
            [draw.chance(95).then(|| aud.to_owned()), draw.chance(90).then_some(sub)]
        })
        .collect();
    (statements, claims)
}
