//! Tokens of GitHub against the deploy role of the example: ministack gives the role exactly to those that the file names, and
//! `hatoba doctor oidc` says the same of each of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step of a test is a failed test")]

use std::path::Path;

use hatoba_tests::emulator::Kind;
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// The role of the example that GitHub Actions assumes.
const ROLE: &str = "papyrus-deploy";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "sts.amazonaws.com";
const IMMUTABLE: &str = "repo:acme@1234567/papyrus@7654321";
const CLASSIC: &str = "repo:acme/papyrus";

/// Which subjects the file admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// As the example is: with the numbers, for repositories old and new.
    Both,
    /// With the numbers, for new repositories only.
    Immutable,
    /// Without the numbers.
    Classic,
}

/// A token, and whether each of the three files admits it.
struct Case {
    what: &'static str,
    issuer: &'static str,
    audience: &'static str,
    subject: String,
    admitted: fn(Format) -> bool,
}

fn never(_: Format) -> bool {
    false
}

fn new(format: Format) -> bool {
    format != Format::Classic
}

fn old(format: Format) -> bool {
    format != Format::Immutable
}

fn case(what: &'static str, subject: impl Into<String>, admitted: fn(Format) -> bool) -> Case {
    Case { what, issuer: ISSUER, audience: AUDIENCE, subject: subject.into(), admitted }
}

/// The tokens: those that may come in, and those that differ from them in one thing.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (head, admitted) in [(IMMUTABLE, new as fn(Format) -> bool), (CLASSIC, old)] {
        let at = |rest: &str| format!("{head}:{rest}");
        cases.push(case("main", at("ref:refs/heads/main"), admitted));
        cases.push(case("a matching tag", at("ref:refs/tags/v1.2.3"), admitted));
        cases.push(case("a tag of another form", at("ref:refs/tags/nightly"), never));
        cases.push(case("a tag with a number too few", at("ref:refs/tags/v1.2"), never));
        cases.push(case("another branch", at("ref:refs/heads/topic"), never));
        cases.push(case("a branch that begins like main", at("ref:refs/heads/main-2"), never));
        cases.push(case("a branch called like a tag", at("ref:refs/heads/v1.2.3"), never));
        cases.push(case("another case of letters", at("ref:refs/heads/Main"), never));
        cases.push(case("a pull request", at("pull_request"), never));
        cases.push(case("a job with an environment", at("environment:production"), never));
        cases.push(Case {
            audience: "https://github.com/acme",
            ..case("the audience that GitHub gives unasked", at("ref:refs/heads/main"), never)
        });
        cases.push(Case {
            audience: "sts.amazonaws.com.evil.example",
            ..case("an audience that begins alike", at("ref:refs/heads/main"), never)
        });
        cases.push(Case { issuer: "https://gitlab.com", ..case("another issuer", at("ref:refs/heads/main"), never) });
    }
    for head in [
        // A fork has the name of another owner, and numbers of its own.
        "repo:mallory@9/papyrus@8",
        "repo:mallory/papyrus",
        // Other repositories, also such as begin or end alike.
        "repo:acme@1234567/parchment@7654322",
        "repo:acme/parchment",
        "repo:acme@1234567/papyrus@76543210",
        "repo:acme/papyrus-2",
        "repo:acme-2/papyrus",
        // A repository of the same name that was made after the first was deleted.
        "repo:acme@1234567/papyrus@9999999",
        "repo:acme@7777777/papyrus@7654321",
        "REPO:acme/papyrus",
    ] {
        cases.push(case("somebody else's", format!("{head}:ref:refs/heads/main"), never));
        cases.push(case("somebody else's tag", format!("{head}:ref:refs/tags/v1.2.3"), never));
    }
    cases.push(case("an empty subject", "", never));
    cases
}

/// Three bytes as four letters, without padding. Source: RFC 4648, section 5.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().enumerate().fold(0_u32, |sum, (at, byte)| sum | u32::from(*byte) << (16 - 8 * at));
        let letters = (0..=chunk.len()).map(|at| LETTERS[(number >> (18 - 6 * at) & 63) as usize] as char);
        text.extend(letters);
    }
    text
}

/// A token with these claims, with a signature that is none: neither side of this test asks GitHub for its keys.
fn token(case: &Case) -> String {
    let head = json!({ "alg": "RS256", "typ": "JWT" });
    let claims = json!({ "iss": case.issuer, "aud": case.audience, "sub": case.subject });
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    format!("{}.{}.{}", part(&head), part(&claims), base64url(b"no signature"))
}

/// The example with other subjects.
fn example(format: Format) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../stack.example.yaml")).unwrap();
    let with = match format {
        Format::Both => text.clone(),
        Format::Immutable => text.replacen("  owner_id:", "  subject_format: immutable\n  owner_id:", 1),
        Format::Classic => text.replacen("  owner_id: 1234567\n  repository_id: 7654321\n", "", 1),
    };
    assert_eq!(with == text, format == Format::Both, "the example has no such lines any more");
    with
}

/// An account in which the example was applied.
fn applied(format: Format) -> World {
    let world = World::new(Kind::Ministack).unwrap();
    world.example_parameter().unwrap();
    world.write("stack.yaml", example(format)).unwrap();
    world.hatoba(&["apply", "--yes"]).and_then(|run| run.expect_code(0)).unwrap();
    world
}

/// Whether AWS gives the role.
fn given(world: &World, token: &str) -> bool {
    let account = &world.lease().account;
    let parameters = json!({
        "RoleArn": format!("arn:aws:iam::{account}:role/{ROLE}"),
        "RoleSessionName": "deploy",
        "WebIdentityToken": token,
    });
    let answer = world.client().aside().call("sts", "AssumeRoleWithWebIdentity", &parameters).unwrap();
    match answer.status {
        200 => true,
        403 => {
            let said = answer.elements("Message");
            assert_eq!(said, ["Not authorized to perform sts:AssumeRoleWithWebIdentity"]);
            false
        }
        _ => panic!("{answer:?}"),
    }
}

/// Whether `doctor oidc` says that AWS gives the role, by the policy of the file or the one in the account.
fn foretold(world: &World, token: &str, live: bool) -> bool {
    let mut arguments = vec!["doctor", "oidc", "--token", "-", "--role", ROLE, "--json"];
    arguments.extend(live.then_some("--live"));
    let run = world.hatoba_command(&arguments).unwrap().stdin(token).run().unwrap();
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let verdict = document["shown"]["token"]["verdicts"][0]["verdict"].as_str().unwrap().to_owned();
    assert_eq!(run.code, Some(i32::from(verdict != "allowed")), "{run:?}");
    assert!(!run.stdout.contains(token) && !run.stderr.contains(token), "the token is shown");
    match verdict.as_str() {
        "allowed" => true,
        "denied" => {
            let reason = &document["shown"]["token"]["verdicts"][0]["reason"];
            assert!(reason.as_str().is_none_or(|reason| !reason.is_empty()), "{document}");
            false
        }
        _ => panic!("{document}"),
    }
}

#[track_caller]
fn matrix(format: Format) {
    let world = applied(format);
    let (mut wrong, mut admitted) = (Vec::new(), 0);
    let cases = cases();
    for case in &cases {
        let token = token(case);
        let meant = (case.admitted)(format);
        let theirs = given(&world, &token);
        let (file, live) = (foretold(&world, &token, false), foretold(&world, &token, true));
        if [theirs, file, live] != [meant; 3] {
            let (what, subject) = (case.what, &case.subject);
            wrong.push(format!("{what} `{subject}`: meant {meant}, AWS {theirs}, by the file {file}, live {live}"));
        }
        admitted += usize::from(meant);
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(admitted, if format == Format::Both { 4 } else { 2 });
}

#[test]
fn old_and_new_subjects_as_the_example_is() {
    matrix(Format::Both);
}

#[test]
fn new_subjects_alone() {
    matrix(Format::Immutable);
}

#[test]
fn old_subjects_alone() {
    matrix(Format::Classic);
}

/// Runs `deploy` as a job of a workflow does that got a token: with the role and a file with the token.
fn deploy_with(world: &World, case: &Case) -> (Option<i32>, String) {
    let file = world.write("token", token(case)).unwrap();
    let role = format!("arn:aws:iam::{}:role/{ROLE}", world.lease().account);
    let command = world.hatoba_command(&["deploy", "--image", "app=public.ecr.aws/acme/papyrus:2"]).unwrap();
    let command = command.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
    let command = command.env("AWS_ROLE_ARN", role).env("AWS_WEB_IDENTITY_TOKEN_FILE", file);
    let run = command.env("AWS_ROLE_SESSION_NAME", "deploy").run().unwrap();
    (run.code, run.stderr)
}

#[test]
fn a_job_on_main_deploys_with_its_token_and_a_pull_request_does_not() {
    let world = applied(Format::Both);
    // ministack asks for some of it on other resources than AWS does (docs/emulators.md); what exactly is needed is tried elsewhere.
    let everything =
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "ecs:*", "Resource": "*" } });
    let policy =
        json!({ "RoleName": ROLE, "PolicyName": "as-ministack-asks", "PolicyDocument": everything.to_string() });
    world.aws("iam", "PutRolePolicy", &policy).unwrap();
    let subjects = [("ref:refs/heads/main", Some(0)), ("pull_request", Some(4))];
    for (rest, code) in subjects {
        let case = case("deploying", format!("{IMMUTABLE}:{rest}"), never);
        let (found, said) = deploy_with(&world, &case);
        assert_eq!(found, code, "{rest}: {said}");
        if code == Some(4) {
            assert!(said.contains("sts:AssumeRoleWithWebIdentity"), "{said}");
            assert!(!said.contains(&token(&case)), "the token is shown");
        }
    }
}
