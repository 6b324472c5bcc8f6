//! `hatoba doctor`: refused tokens, missing permissions, an account that is not ready. It never changes anything.

use hatoba_tests::emulator::Kind;
use hatoba_tests::invocation::Run;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{aws, run, run_json, says, write, writes};

const HOST: &str = "token.actions.githubusercontent.com";

/// A role for GitHub, and what it deploys.
fn stack() -> Value {
    json!({
        "github": {
            "repository": "acme/papyrus", "owner_id": 1_234_567, "repository_id": 7_654_321,
            "branches": ["main"], "subject_format": "immutable"
        },
        "oidc_providers": { "github": { "url": format!("https://{HOST}"), "client_ids": ["sts.amazonaws.com"] } },
        "repositories": { "papyrus": {} },
        "roles": { "papyrus-deploy": { "trust": { "github": {} }, "grants": [{ "pull": "papyrus" }] } }
    })
}

/// A workflow that signs in on pushes to these branches.
fn workflow(world: &World, role: &str, branches: &str) {
    let text = format!(
        "on: {{ push: {{ branches: [{branches}] }} }}
permissions: {{ id-token: write, contents: read }}
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {{ role-to-assume: 'arn:aws:iam::{}:role/{role}', aws-region: {} }}
",
        world.lease().account,
        world.lease().region
    );
    world.write(".git/HEAD", "ref: refs/heads/main\n").unwrap();
    world.write(".github/workflows/deploy.yml", text).unwrap();
}

fn world(kind: Kind) -> World {
    let world = World::new(kind).unwrap();
    let mut file = stack();
    file["account"] = json!(world.lease().account);
    write(&world, &file);
    workflow(&world, "papyrus-deploy", "main");
    world
}

/// Runs the binary with something on its standard input.
#[track_caller]
fn given(world: &World, arguments: &[&str], input: &str, code: i32) -> Run {
    world.hatoba_command(arguments).unwrap().stdin(input).run().and_then(|run| run.expect_code(code)).unwrap()
}

fn the_file_answers_without_aws(kind: Kind) {
    let world = world(kind);
    says(
        &run(&world, &["doctor", "oidc"], 0),
        &[
            ".github/workflows/deploy.yml",
            "✓ deploy: push to main",
            "repo:acme@1234567/papyrus@7654321:ref:refs/heads/main",
            "papyrus-deploy lets it in, by statement 1",
            "Tokens against stack.yaml: 1 accepted, 0 refused, no findings.",
        ],
    );
    workflow(&world, "papyrus-deploy", "main, develop");
    let refused = run(&world, &["doctor", "oidc"], 1);
    says(&refused, &["✗ deploy: push to develop", "add `develop` to `branches`", "1 accepted, 1 refused"]);
    // The mark stands under the first letter that differs.
    let lines: Vec<&str> = refused.stdout.lines().collect();
    let at = lines.iter().position(|line| line.trim_start().starts_with("presented")).unwrap();
    let (presented, mark) = (lines[at], lines[at + 1].find('^').unwrap());
    assert!(presented[mark..].starts_with("develop"), "{refused:?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{refused:?}");

    let document = run_json(&world, &["doctor", "oidc"], 1);
    assert_eq!(
        (&document["ok"], &document["trust"], &document["repository"]),
        (&json!(false), &json!("file"), &json!("acme/papyrus"))
    );
    let verdict = &document["cases"][1]["tokens"][0]["verdicts"][0];
    assert_eq!((&verdict["verdict"], &verdict["operator"]), (&json!("denied"), &json!("StringEquals")), "{document:#}");
    assert_eq!(verdict["presented"], "repo:acme@1234567/papyrus@7654321:ref:refs/heads/develop");
    assert_eq!(verdict["fixes"][0]["key"], "branches");
    assert_eq!(verdict["place"]["file"], "stack.yaml");

    // Only the file that is asked about, and only roles that there are.
    world.write(".github/workflows/other.yml", "on: push\njobs: {}\n").unwrap();
    says(&run(&world, &["doctor", "oidc", ".github/workflows/other.yml"], 0), &["No job signs in to AWS"]);
    says(&run(&world, &["doctor", "oidc", "--role", "papyrus-deply"], 1), &["did you mean `papyrus-deploy`?"]);
    assert_eq!(world.proxy().calls().len(), 0);
}

fn the_trust_in_aws_may_differ_from_the_file(kind: Kind) {
    let world = world(kind);
    says(
        &run(&world, &["doctor", "oidc", "--live"], 1),
        &["AWS has no role `papyrus-deploy`", "`hatoba apply` makes it", "no identity provider for token.actions"],
    );
    run(&world, &["apply", "--yes"], 0);
    world.proxy().clear_log();
    says(
        &run(&world, &["doctor", "oidc", "--live"], 0),
        &["papyrus-deploy (in AWS) lets it in", "Tokens against the trust policies in AWS"],
    );

    let account = &world.lease().account;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{account}:oidc-provider/{HOST}") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": {
                format!("{HOST}:aud"): "sts.amazonaws.com",
                format!("{HOST}:sub"): "repo:acme/papyrus:ref:refs/heads/main",
            } }
        }]
    });
    let parameters = json!({ "RoleName": "papyrus-deploy", "PolicyDocument": trust.to_string() });
    aws(&world, "iam", "UpdateAssumeRolePolicy", &parameters);
    run(&world, &["doctor", "oidc"], 0);
    says(
        &run(&world, &["doctor", "oidc", "--live"], 1),
        &[
            "papyrus-deploy (in AWS) refuses it",
            "The file lets this token in, but AWS has another policy.",
            "element Statement[0].Condition.StringEquals[\"…:sub\"]",
        ],
    );
    // A role that only AWS has is asked, too.
    let parameters = json!({ "RoleName": "by-hand", "AssumeRolePolicyDocument": trust.to_string().replace("acme/papyrus", "acme@1234567/papyrus@7654321") });
    aws(&world, "iam", "CreateRole", &parameters);
    workflow(&world, "by-hand", "main");
    says(
        &run(&world, &["doctor", "oidc"], 0),
        &["nothing is known of that role", "the role `by-hand` is not in the stack"],
    );
    says(&run(&world, &["doctor", "oidc", "--live"], 0), &["by-hand (in AWS) lets it in"]);
    workflow(&world, "nowhere", "main");
    says(&run(&world, &["doctor", "oidc", "--live"], 1), &["AWS has no such role"]);
    assert_eq!(writes(&world), [""; 0]);
}

fn a_token_is_read_and_never_shown(kind: Kind) {
    let world = world(kind);
    let encode = |text: &str| {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        text.as_bytes()
            .chunks(3)
            .flat_map(|bytes| {
                let number =
                    bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - bytes.len()));
                (0..=bytes.len()).map(move |at| char::from(LETTERS[(number >> (18 - 6 * at)) as usize & 63]))
            })
            .collect::<String>()
    };
    let token = |sub: &str, aud: &str| {
        let claims = json!({ "sub": sub, "aud": aud, "iss": format!("https://{HOST}"), "exp": 4_000_000_000_u64, "event_name": "push" });
        format!("{}.{}.{}", encode("{\"alg\":\"RS256\"}"), encode(&claims.to_string()), "c2VjcmV0c2lnbmF0dXJl")
    };
    let subject = "repo:acme@1234567/papyrus@7654321:ref:refs/heads/main";
    let good = given(&world, &["doctor", "oidc", "--token", "-"], &token(subject, "sts.amazonaws.com"), 0);
    says(&good, &["papyrus-deploy lets it in", "The signature was neither checked nor shown"]);
    let wrong = given(&world, &["doctor", "oidc", "--token", "-"], &token(subject, "https://github.com/acme"), 1);
    says(&wrong, &["the audience (aud) does not match", "without an audience", "presented https://github.com/acme"]);
    world.write("token", token("repo:Acme/papyrus:pull_request", "sts.amazonaws.com")).unwrap();
    let file = run(&world, &["-vv", "doctor", "oidc", "--token", "token", "--json"], 1);
    let broken = given(&world, &["doctor", "oidc", "--token", "-"], "c2VjcmV0c2lnbmF0dXJl.x", 1);
    says(&broken, &["this is no token", "core.getIDToken"]);
    for run in [good, wrong, file, broken] {
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("c2VjcmV0"), "{run:?}");
    }
    assert_eq!(world.proxy().calls().len(), 0);
}

fn an_event_says_what_was_presented(kind: Kind) {
    let world = world(kind);
    let account = &world.lease().account;
    let event = |sub: &str, role: &str| {
        let provider = format!("arn:aws:iam::{account}:oidc-provider/{HOST}");
        json!({ "Events": [{ "CloudTrailEvent": json!({
            "eventName": "AssumeRoleWithWebIdentity",
            "userIdentity": { "principalId": format!("{provider}:sts.amazonaws.com:{sub}"), "identityProvider": provider },
            "errorCode": "AccessDenied",
            "errorMessage": "An unknown error occurred",
            "requestParameters": { "roleArn": format!("arn:aws:iam::{account}:role/{role}") },
        }).to_string() }] })
        .to_string()
    };
    let with = ["doctor", "oidc", "--event", "-"];
    let subject = "repo:acme@1234567/papyrus@7654321:ref:refs/heads/main";
    says(
        &given(&world, &with, &event(subject, "papyrus-deploy"), 0),
        &["lets the token in, yet AWS refused the call", "`--live` asks AWS"],
    );
    says(
        &given(&world, &with, &event("repo:acme/papyrus:pull_request", "papyrus-deploy"), 1),
        &["AccessDenied: An unknown error occurred", "refuses it"],
    );
    says(&given(&world, &with, &event(subject, "papyrus-delpoy"), 1), &["did you mean `papyrus-deploy`?"]);
    says(&given(&world, &with, "{}", 1), &["this is no event of CloudTrail", "lookup-events"]);
}

fn a_refusal_is_explained(kind: Kind) {
    let world = world(kind);
    let (account, region) = (&world.lease().account, &world.lease().region);
    let repository = format!("arn:aws:ecr:{region}:{account}:repository/papyrus");
    let message = |action: &str, resource: &str, end: &str| {
        format!(
            "AccessDeniedException: User: arn:aws:sts::{account}:assumed-role/papyrus-deploy/GitHubActions is not authorized to perform: {action} on resource: {resource} {end}"
        )
    };
    let lacking =
        message("ecr:PutImage", &repository, "because no identity-based policy allows the ecr:PutImage action");
    says(
        &run(&world, &["doctor", "denied", &lacking], 0),
        &[
            "action ecr:PutImage",
            "the role `papyrus-deploy` of this stack (stack.yaml:23:5)",
            "does not grant it",
            "add `{ push: papyrus }` to `grants`",
            "\"Action\": \"ecr:PutImage\"",
        ],
    );
    let document = run_json(&world, &["doctor", "denied", &lacking], 0);
    assert_eq!(
        (&document["grant"], &document["file"], &document["role"]),
        (&json!("push: papyrus"), &json!("not-allowed"), &json!("papyrus-deploy"))
    );
    assert_eq!(document["statement"], json!({ "Effect": "Allow", "Action": "ecr:PutImage", "Resource": repository }));
    let granted = message(
        "ecr:BatchGetImage",
        &repository,
        "because no identity-based policy allows the ecr:BatchGetImage action",
    );
    says(
        &given(&world, &["doctor", "denied"], &granted, 0),
        &["The file grants it to `papyrus-deploy`", "`hatoba plan` shows what differs"],
    );
    let forbidden = message("ecs:UpdateService", "*", "with an explicit deny in a service control policy");
    says(
        &run(&world, &["doctor", "denied", &forbidden], 0),
        &["a service control policy denies it", "manage the organisation"],
    );
    world.write("message.txt", "Error: Not authorized to perform sts:AssumeRoleWithWebIdentity\n").unwrap();
    says(&run(&world, &["doctor", "denied", "message.txt"], 0), &["`hatoba doctor oidc` compares"]);
    says(&run(&world, &["doctor", "denied", "all is well"], 1), &["no refusal of AWS is recognised"]);
    assert_eq!(world.proxy().calls().len(), 0);
}

fn an_account_is_looked_at(kind: Kind) {
    let world = world(kind);
    let account = world.lease().account.clone();
    let before = run(&world, &["doctor"], 0);
    says(
        &before,
        &[
            "✓ file stack.yaml: stack papyrus",
            &format!("✓ credentials account {account}"),
            "no identity provider for token.actions.githubusercontent.com yet; `hatoba apply` makes it",
            "✓ network default VPC vpc-",
            "✓ github acme/papyrus, with the numbers of owner and repository",
        ],
    );
    run(&world, &["apply", "--yes"], 0);
    world.proxy().clear_log();
    says(&run(&world, &["doctor"], 0), &["accepts the audience sts.amazonaws.com"]);
    let document = run_json(&world, &["doctor"], 0);
    assert_eq!((&document["ok"], &document["account"]), (&json!(true), &json!(account)));
    let names: Vec<&str> =
        document["checks"].as_array().unwrap().iter().filter_map(|check| check["check"].as_str()).collect();
    assert_eq!(
        names,
        ["file", "credentials", "clock", "region", "provider", "ecs role", "network", "quotas", "github"]
    );
    assert_eq!(writes(&world), [""; 0]);

    let mut file = stack();
    file["account"] = json!("123456789012");
    file["github"]["owner_id"] = Value::Null;
    file["github"]["repository_id"] = Value::Null;
    file["github"]["subject_format"] = Value::Null;
    write(&world, &file);
    world.proxy().clear_log();
    says(
        &run(&world, &["doctor"], 6),
        &[
            "✗ credentials problem: they belong to the account",
            "`gh api repos/acme/papyrus --jq '.owner.id, .id'` shows both",
            "Not ready: 1 problem",
        ],
    );
    assert_eq!(world.proxy().calls().len(), 1, "nothing else of a strange account is read");
    let anonymous = world.hatoba_command(&["doctor"]).unwrap().without_env("AWS_ACCESS_KEY_ID").run();
    says(&anonymous.and_then(|run| run.expect_code(4)).unwrap(), &["✗ credentials problem: ", "sign in first"]);
}

fn what_is_missing_is_named(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut file = stack();
    file.as_object_mut().unwrap().remove("oidc_providers");
    file["security_groups"] = json!({ "papyrus": {} });
    write(&world, &file);
    let none = aws(&world, "ec2", "DescribeSubnets", &json!({}));
    for subnet in none.elements("subnetId") {
        aws(&world, "ec2", "DeleteSubnet", &json!({ "SubnetId": subnet }));
    }
    says(
        &run(&world, &["doctor"], 1),
        &[
            "✗ provider problem: the account has no identity provider",
            "InvalidIdentityToken",
            "✗ network problem: ",
            "aws ec2 create-default-vpc --region",
            "Not ready: 2 problems",
        ],
    );
    let parameters = json!({ "Url": format!("https://{HOST}"), "ClientIDList": ["sts.amazon.com"], "ThumbprintList": ["6938fd4d98bab03faadb97b34396831e3780aea1"] });
    aws(&world, "iam", "CreateOpenIDConnectProvider", &parameters);
    says(
        &run(&world, &["doctor"], 1),
        &[
            "does not accept the audience sts.amazonaws.com, only: sts.amazon.com",
            "add-client-id-to-open-id-connect-provider",
        ],
    );
    // Without a file the account can be looked at all the same.
    says(&run(&world, &["-f", "none.yaml", "doctor"], 0), &["! file warning: there is no none.yaml", "✓ credentials"]);
}

on_both!(
    the_file_answers_without_aws,
    the_trust_in_aws_may_differ_from_the_file,
    a_token_is_read_and_never_shown,
    an_event_says_what_was_presented,
    a_refusal_is_explained,
    an_account_is_looked_at,
    what_is_missing_is_named,
);
