#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::collections::BTreeMap;

use hatoba_model::github::RepositoryName;
use serde_json::json;

use super::*;
use crate::claims::{Known, Repository, cases};
use crate::workflow::{Workflow, read};

/// `code line:column message | help` of everything found.
fn found(text: &str, platform: Platform, files: &[(&str, &str)]) -> Vec<String> {
    let workflows: Vec<Workflow> = vec![read(Source::new(".github/workflows/deploy.yml", text))];
    let name: RepositoryName = "acme/papyrus".parse().unwrap();
    let repository = Repository::named(name);
    let known = Known { default_branch: "main".into(), refs: Vec::new() };
    let setting =
        Setting { workflows: &workflows, repository: &repository, known: &known, audience: "sts.amazonaws.com" };
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let facts = Facts {
        region: "us-west-2",
        account: Some("123456789012"),
        roles: &names(&["papyrus-deploy", "papyrus-task"]),
        github_roles: &names(&["papyrus-deploy", "papyrus-release"]),
        paths: &[("papyrus-deploy", "/"), ("papyrus-release", "/ci/")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into(),
        platforms: &BTreeSet::from([platform]),
        log_groups: &names(&["/ecs/papyrus"]),
        files: &|path| files.get(path).map(|text| (*text).to_owned()),
    };
    let all = lint(&setting, &cases(&setting), &facts);
    let line = |one: &hatoba_model::diag::Diagnostic| {
        let place = one.span.map(|span| span.start.to_string()).unwrap_or_default();
        format!("{} {place} {} | {}", one.code, one.message, one.help.join(" "))
    };
    all.iter().flat_map(|findings| findings.diagnostics.iter().map(line).collect::<Vec<_>>()).collect()
}

/// A workflow with these lines in its login's `with:` and these steps after it.
fn workflow(env: &str, with: &str, steps: &str) -> String {
    format!(
        "on: {{ push: {{ branches: [main] }} }}
permissions: {{ id-token: write, contents: read }}
env:
  AWS_REGION: us-west-2
{env}jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with:
{with}{steps}"
    )
}

const GOOD: &str = "          role-to-assume: arn:aws:iam::123456789012:role/papyrus-deploy
          aws-region: ${{ env.AWS_REGION }}
";

#[track_caller]
fn only(text: &str, parts: &[&str]) {
    let all = found(text, Platform::Arm64, &[]);
    assert_eq!(all.len(), 1, "{all:#?}");
    for part in parts {
        assert!(all[0].contains(part), "{part:?} is not in {:?}", all[0]);
    }
}

#[test]
fn a_good_workflow_has_no_findings() {
    let steps = "      - run: docker buildx build --platform linux/arm64 --push .\n";
    assert_eq!(found(&workflow("", GOOD, steps), Platform::Arm64, &[]), [""; 0]);
    let secret =
        "          role-to-assume: ${{ secrets.AWS_ROLE_ARN }}\n          aws-region: ${{ vars.AWS_REGION }}\n";
    assert_eq!(found(&workflow("", secret, steps), Platform::Arm64, &[]), [""; 0]);
}

#[test]
fn regions() {
    only(
        &workflow("", GOOD, "").replace("us-west-2", "us-wset-2"),
        &["workflow-region 4:15 `us-wset-2` is not an AWS region", "did you mean `us-west-2`?"],
    );
    only(
        &workflow("", GOOD, "").replace("us-west-2", "eu-west-1"),
        &["workflow-region-other 4:15", "works in eu-west-1"],
    );
    only(
        &workflow("", &GOOD.replace("env.AWS_REGION", "env.AWS_REGON"), ""),
        &["workflow-env 12:27 `env.AWS_REGON` is empty", "did you mean `env.AWS_REGION`?"],
    );
}

#[test]
fn roles() {
    let with = |arn: &str| workflow("", &GOOD.replace("arn:aws:iam::123456789012:role/papyrus-deploy", arn), "");
    only(
        &with("arn:aws:iam::123456789012:role/papirus-deploy"),
        &["workflow-role-name 11:27", "role/papyrus-deploy`?"],
    );
    only(
        &with("arn:aws:iam::210987654321:role/papyrus-deploy"),
        &["workflow-account 11:27", "210987654321", "`arn:aws:iam::123456789012:role/papyrus-deploy`"],
    );
    only(
        &with("arn:aws:iam::123456789012:role/papyrus-task"),
        &["workflow-role-trust", "does not trust GitHub", "papyrus-deploy"],
    );
    assert_eq!(found(&with("arn:aws:iam::123456789012:role/ci/papyrus-release"), Platform::Arm64, &[]), [""; 0]);
    let path = ": the path is missing or differs";
    only(
        &with("arn:aws:iam::123456789012:role/papyrus-release"),
        &["workflow-role-path 11:27", "the role is `arn:aws:iam::123456789012:role/ci/papyrus-release`", path],
    );
    only(
        &with("arn:aws:iam::123456789012:role/ci/papyrus-deploy"),
        &["workflow-role-path", "the role is `arn:aws:iam::123456789012:role/papyrus-deploy`", path],
    );
    only(&with("arn:aws:iam::123456789012:role/elsewhere"), &["workflow-role-unknown", "--live"]);
    only(&with("papyrus-deploy"), &["workflow-role 11:27", "is not the ARN of a role"]);
    only(&with("arn:aws:iam::<ACCOUNT_ID>:role/papyrus-deploy"), &["workflow-role", "12 digits"]);
}

#[test]
fn tokens_and_audiences() {
    only(
        &workflow("", GOOD, "").replace("id-token: write, ", ""),
        &["workflow-id-token 2:1", "gives it no token", "id-token: write"],
    );
    only(
        &workflow("", GOOD, "").replace("permissions: { id-token: write, contents: read }\n", ""),
        &["workflow-id-token 5:3 the job `deploy`"],
    );
    let audience = format!("{GOOD}          audience: sts.amazon.com\n");
    only(&workflow("", &audience, ""), &["workflow-audience 13:21", "did you mean `sts.amazonaws.com`?"]);
}

#[test]
fn single_braces() {
    let steps = "      - env:
          REGISTRY: ${ steps.login.outputs.registry }
        run: |
          # ${HOME} and ${name.x} are the shell's
          docker push ${ env.REGISTRY }/x:${ github.sha }
      - uses: actions/github-script@v7
        with: { script: 'console.log(`${github.sha}`)' }
";
    let all = found(&workflow("", GOOD, steps), Platform::Arm64, &[]);
    let expected = [
        "workflow-braces 14:21 `${ steps.login.outputs.registry }`",
        "workflow-braces 17:23 `${ env.REGISTRY }`",
        "workflow-braces 17:43 `${ github.sha }`",
    ];
    assert_eq!(all.len(), 3, "{all:#?}");
    for (one, start) in all.iter().zip(expected) {
        assert!(one.starts_with(start), "{one}");
    }
    assert!(all[2].contains("did you mean `${{ github.sha }}`?"));
    only(&workflow("", GOOD, "      - run: echo ${{ github.ref = 'x' }}\n"), &["workflow-expression 13:23"]);
}

#[test]
fn platforms() {
    let build = |step: &str| workflow("", GOOD, step);
    only(
        &build("      - run: docker build -t x .\n"),
        &["workflow-platform 13:14", "as the runner is", "ubuntu-24.04-arm"],
    );
    only(
        &build("      - run: |\n          docker buildx build \\\n            --platform linux/amd64 .\n"),
        &["workflow-platform 15:24", "built for linux/amd64 but the task runs on linux/arm64", "exec format error"],
    );
    only(
        &build("      - uses: docker/build-push-action@v6\n"),
        &["workflow-platform 13:15", "`platforms: linux/arm64`"],
    );
    only(
        &build("      - uses: docker/build-push-action@v6\n        with: { platforms: linux/amd64 }\n"),
        &["workflow-platform 14:28"],
    );
    for fine in [
        "      - uses: docker/build-push-action@v6\n        with: { platforms: 'linux/amd64,linux/arm64' }\n",
        "      - run: docker build --platform $PLATFORM .\n        env: { PLATFORM: linux/arm64 }\n",
        "      - run: docker build --platform ${{ vars.PLATFORM }} .\n",
        "      - run: docker build .\n        env: { DOCKER_DEFAULT_PLATFORM: linux/arm64 }\n",
    ] {
        assert_eq!(found(&build(fine), Platform::Arm64, &[]), [""; 0], "{fine}");
    }
    assert_eq!(found(&build("      - run: docker build -t x .\n"), Platform::Amd64, &[]), [""; 0]);
    let arm = build("      - run: docker build -t x .\n").replace("ubuntu-latest", "ubuntu-24.04-arm");
    assert_eq!(found(&arm, Platform::Arm64, &[]), [""; 0]);
    assert_eq!(found(&arm, Platform::Amd64, &[]).len(), 1);
}

#[test]
fn a_build_where_there_is_no_dockerfile() {
    let text = workflow("", GOOD, "      - run: docker build --platform linux/arm64 -t x .\n")
        .replace("    steps:", "    defaults: { run: { working-directory: app } }\n    steps:");
    let top = found(&text, Platform::Arm64, &[("Dockerfile", "")]);
    assert!(top.len() == 1 && top[0].starts_with("workflow-dockerfile 14:14"), "{top:#?}");
    assert_eq!(found(&text, Platform::Arm64, &[("Dockerfile", ""), ("app/Dockerfile", "")]), [""; 0]);
    assert_eq!(found(&text, Platform::Arm64, &[]), [""; 0]);
}

#[test]
fn task_definitions_in_files() {
    let step = "      - uses: aws-actions/amazon-ecs-deploy-task-definition@v2\n        with: { task-definition: .aws/task.json }\n      - run: docker build .\n";
    let task = json!({
        "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": "arn:aws:iam::123456789012:role/papyrus-tsak",
        "runtimePlatform": { "cpuArchitecture": "ARM64" },
        "containerDefinitions": [{ "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/papirus", "awslogs-region": "us-west-1"
        } } }]
    });
    let all = found(&workflow("", GOOD, step), Platform::Arm64, &[(".aws/task.json", &task.to_string())]);
    let codes: Vec<&str> = all.iter().map(|one| one.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(codes, ["workflow-platform", "task-role-name", "task-log-group", "task-log-region"], "{all:#?}");
    assert!(all[2].contains("did you mean `/ecs/papyrus`?"), "{all:#?}");
    let without = json!({ "containerDefinitions": [{ "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/papyrus" } } }] });
    let all = found(
        &workflow("", GOOD, step).replace("docker build", "true"),
        Platform::Arm64,
        &[(".aws/task.json", &without.to_string())],
    );
    assert!(all.len() == 1 && all[0].starts_with("task-execution-role"), "{all:#?}");
}

#[test]
fn wide_policies_are_named() {
    let check = |statement: serde_json::Value| {
        wide_policies(&json!({ "Statement": [statement] })).into_iter().map(|p| p.message).collect::<Vec<_>>()
    };
    let allow = |actions: serde_json::Value| json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    assert_eq!(
        check(allow(json!(["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"]))),
        [""; 0]
    );
    assert_eq!(
        check(allow(json!(["ecr:GetAuthorizationToken", "ecr:PutImage"]))),
        ["`ecr:PutImage` is allowed on every resource of the account, but can be limited"]
    );
    assert_eq!(
        check(allow(json!(["ecr:PutImage", "ecs:UpdateService", "ecr:BatchGetImage"])))[0],
        "`ecr:PutImage` and 2 more actions are allowed on every resource of the account, but can be limited"
    );
    assert_eq!(
        check(allow(json!("iam:PassRole")))[0],
        "`iam:PassRole` is allowed on every role of the account, but can be limited"
    );
    let mut limited = allow(json!("ecs:DescribeTasks"));
    limited["Condition"] = json!({ "ArnEquals": { "ecs:cluster": "x" } });
    assert_eq!(check(limited), [""; 0]);
    let mut region = allow(json!("ecr:CreateRepository"));
    region["Condition"] = json!({ "StringEquals": { "aws:RequestedRegion": "us-west-2" } });
    assert_eq!(check(region).len(), 1);
    assert_eq!(check(json!({ "Effect": "Deny", "Action": "ecr:*", "Resource": "*" })), [""; 0]);
    assert_eq!(
        check(
            json!({ "Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:us-west-2:123456789012:repository/papyrus" })
        ),
        [""; 0]
    );
}
