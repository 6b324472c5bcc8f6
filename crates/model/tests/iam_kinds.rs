//! What the file may say about roles, users, policies and OIDC providers, and what it comes to.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_model::facts::Facts;
use hatoba_model::iam::{DocKind, document};
use hatoba_model::kinds::grant_facts::grants_policy;
use hatoba_model::kinds::iam_shared::PolicyRef;
use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;
use serde_json::json;

const HEAD: &str = "stack: papyrus\nregion: us-west-2\naccount: \"123456789012\"\n";

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

/// The stack, or every problem as `code path: message | help`.
fn stack(text: &str) -> Result<Stack, Vec<String>> {
    let (vars, nothing) = (BTreeMap::new(), |_: &str| None);
    let files = |_: &str| Err("there are no files here".to_owned());
    let options = Options { env: None, vars: &vars, process_env: &nothing, files: &files, account: None, region: None };
    let source = Source::new("stack.yaml", format!("{HEAD}{text}"));
    load(&source, &options).map(|loaded| loaded.stack).map_err(|found| {
        let show = |problem: &hatoba_model::diag::Diagnostic| {
            let path = problem.path.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {path}: {} | {}", problem.code, problem.message, problem.help.join("; "))
        };
        found.iter().map(show).collect()
    })
}

fn role(body: &str) -> Result<Stack, Vec<String>> {
    stack(&format!("roles:\n  app: {body}\n"))
}

const ECS: &str = "trust: { service: ecs-tasks.amazonaws.com }";

#[track_caller]
fn refuses(result: Result<Stack, Vec<String>>, part: &str) {
    let problems = result.unwrap_err();
    assert!(problems.iter().any(|problem| problem.contains(part)), "{problems:#?}");
}

#[test]
fn the_short_trust_for_a_service_is_what_is_written_by_hand() {
    let stack = role(&format!("{{ {ECS} }}")).unwrap();
    let document = stack.roles["app"].trust.as_ref().unwrap().document(&stack, &facts()).unwrap();
    let by_hand = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole" }]
    });
    assert!(hatoba_model::iam::equivalent(&document, &by_hand), "{document}");
}

#[test]
fn the_github_block_makes_a_trust_policy_and_a_role_may_override_it() {
    let stack = stack(
        "github: { repository: acme/papyrus, subject_format: classic, branches: [main] }\n\
         roles:\n  deploy: { trust: { github: {} } }\n  release: { trust: { github: { branches: [], tags: [\"v*\"] } } }\n",
    )
    .unwrap();
    let subject = |key: &str| {
        let document = stack.roles[key].trust.as_ref().unwrap().document(&stack, &facts()).unwrap();
        assert_eq!(document::check(DocKind::Trust, &document), [], "{key}");
        document["Statement"][0]["Condition"].to_string()
    };
    assert!(subject("deploy").contains("repo:acme/papyrus:ref:refs/heads/main"));
    assert!(subject("release").contains("repo:acme/papyrus:ref:refs/tags/v*"));
    assert!(!subject("release").contains("refs/heads"));
}

#[test]
fn an_issuer_of_an_enterprise_is_the_one_that_is_trusted() {
    let stack = stack(
        "github: { repository: acme/papyrus, subject_format: classic, branches: [main] }\n\
         oidc_providers: { github: { url: https://token.actions.githubusercontent.com/acme } }\n\
         roles: { deploy: { trust: { github: {} } } }\n",
    )
    .unwrap();
    let document = stack.roles["deploy"].trust.as_ref().unwrap().document(&stack, &facts()).unwrap();
    assert_eq!(
        document["Statement"][0]["Principal"]["Federated"],
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com/acme"
    );
}

#[test]
fn what_is_wrong_with_a_trust_is_said_where_it_stands() {
    refuses(role("{}"), "missing-key roles.app: `trust` is required");
    refuses(role("{ trust: { github: {} } }"), "github-missing roles.app.trust.github");
    refuses(role("{ trust: { servce: ecs-tasks.amazonaws.com } }"), "`servce`");
    refuses(role("{ trust: { service: [] } }"), "trust-nobody roles.app.trust.service");
    refuses(role("{ trust: { service: ecs-task.amazonaws.com } }"), "roles.app.trust.service");
    refuses(
        role(
            "{ trust: { Version: \"2012-10-17\", Statement: [{ Effect: Alow, Principal: { Service: ecs.amazonaws.com }, Action: sts:AssumeRole }] } }",
        ),
        "roles.app.trust.Statement[0].Effect",
    );
    refuses(
        stack(
            "github: { repository: acme/papyrus }\nroles: { app: { trust: { github: { branches: [refs/heads/main] } } } }\n",
        ),
        "github-ref roles.app.trust.github.branches[0]",
    );
    refuses(
        stack(
            "github: { repository: acme/papyrus, branches: [refs/heads/main] }\nroles: { app: { trust: { github: {} } } }\n",
        ),
        "github-ref github.branches[0]",
    );
}

#[test]
fn documents_of_roles_are_checked_in_place_and_counted_together() {
    refuses(
        role(&format!(
            "{{ {ECS}, inline_policies: {{ a: {{ Version: \"2012-10-17\", Statement: [{{ Effect: Allow, Action: ecr.Push, Resource: \"*\" }}] }} }} }}"
        )),
        "roles.app.inline_policies.a.Statement[0].Action",
    );
    refuses(
        role(&format!(
            "{{ {ECS}, inline_policies: {{ a: {{ Version: \"2012-10-17\", Statement: [{{ Sid: \"許可\", Effect: Allow, Action: \"*\", Resource: \"*\" }}] }} }} }}"
        )),
        "policy-characters roles.app.inline_policies.a.Statement[0].Sid",
    );
    let long = |n: usize| {
        format!(
            "{{ Version: \"2012-10-17\", Statement: [{{ Sid: {}, Effect: Allow, Action: \"*\", Resource: \"*\" }}] }}",
            "x".repeat(n)
        )
    };
    assert!(role(&format!("{{ {ECS}, inline_policies: {{ a: {}, b: {} }} }}", long(4000), long(4000))).is_ok());
    refuses(
        role(&format!("{{ {ECS}, inline_policies: {{ a: {}, b: {} }} }}", long(5000), long(5200))),
        "policy-size roles.app.inline_policies",
    );
}

#[test]
fn names_paths_descriptions_and_sessions_have_the_limits_of_iam() {
    refuses(stack(&format!("roles:\n  \"a b\": {{ {ECS} }}\n")), "name-characters");
    refuses(stack(&format!("roles:\n  {}: {{ {ECS} }}\n", "r".repeat(65))), "name-length");
    refuses(
        role(&format!("{{ {ECS}, path: deploy }}")),
        "iam-path roles.app.path: the path `deploy` does not begin and end with a slash | write `/deploy/`",
    );
    refuses(role(&format!("{{ {ECS}, path: /aws-service-role/x/ }}")), "reserved by AWS");
    refuses(role(&format!("{{ {ECS}, description: \"it’s ours\" }}")), "iam-description roles.app.description");
    refuses(role(&format!("{{ {ECS}, max_session: 900 }}")), "max-session roles.app.max_session");
    assert!(role(&format!("{{ {ECS}, path: /deploy/, description: \"für uns\", max_session: 43200 }}")).is_ok());
}

#[test]
fn policies_are_named_by_key_by_aws_name_or_by_arn() {
    let text = "policies:\n  own: { path: /x/, document: { Version: \"2012-10-17\", Statement: [{ Effect: Allow, Action: \"ecr:*\", Resource: \"*\" }] } }\n";
    let with = |policies: &str| stack(&format!("{text}roles:\n  app: {{ {ECS}, managed_policies: [{policies}] }}\n"));
    let loaded =
        with("own, service-role/AmazonECSTaskExecutionRolePolicy, \"arn:aws:iam::123456789012:policy/other\"").unwrap();
    let arns: Vec<String> = loaded.roles["app"]
        .managed_policies
        .iter()
        .map(|text| PolicyRef::new(&loaded, text).arn(&loaded, &facts()))
        .collect();
    assert_eq!(
        arns,
        [
            "arn:aws:iam::123456789012:policy/x/own",
            "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
            "arn:aws:iam::123456789012:policy/other"
        ]
    );
    refuses(with("AmazonECSTaskExecutionRolePolicy"), "did you mean `service-role/AmazonECSTaskExecutionRolePolicy`?");
    assert!(with("service-role/AmazonECSTaskExecutionRolePolcy").is_ok(), "AWS may have a policy of that name");
    refuses(with("onw"), "did you mean `own`?");
    refuses(with("\"arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy\""), "did you mean");
    refuses(with("\"arn:aws:iam::1234:policy/x\""), "not the ARN of a policy");
    refuses(with("\"arn:aws-cn:iam::aws:policy/ReadOnlyAccess\""), "another partition");
}

#[test]
fn too_many_policies_are_a_warning_before_they_are_an_error() {
    let list =
        |n: usize| (0..n).map(|i| format!("\"arn:aws:iam::123456789012:policy/p{i}\"")).collect::<Vec<_>>().join(", ");
    assert!(role(&format!("{{ {ECS}, managed_policies: [{}] }}", list(11))).is_ok());
    refuses(
        role(&format!("{{ {ECS}, managed_policies: [{}] }}", list(21))),
        "too-many-policies roles.app.managed_policies",
    );
}

#[test]
fn grants_become_permissions_on_exactly_what_is_named() {
    let stack = stack(
        "repositories: { papyrus: {} }\nlog_groups: { /ecs/papyrus: {} }\nclusters: { main: { name: production } }\n\
         roles:\n  execution: { path: /ecs/, trust: { service: ecs-tasks.amazonaws.com } }\n  \
           deploy: { trust: { service: ecs-tasks.amazonaws.com }, grants: [{ push: papyrus }, { deploy: web }] }\n\
         task_definitions:\n  web:\n    cpu: 256\n    memory: 512\n    execution_role: execution\n    \
           task_role: { existing: shared-task }\n    \
           containers: { app: { image: nginx, logs: /ecs/papyrus } }\n\
         services: { web: { cluster: main, task_definition: web, network: { subnets: default } } }\n",
    )
    .unwrap();
    let policy = grants_policy(&stack.roles["deploy"].grants, &stack, &facts()).unwrap().to_string();
    for arn in [
        "arn:aws:ecr:us-west-2:123456789012:repository/papyrus",
        "arn:aws:ecs:us-west-2:123456789012:service/production/web",
        "arn:aws:ecs:us-west-2:123456789012:task-definition/web:*",
        "arn:aws:iam::123456789012:role/ecs/execution",
        "arn:aws:iam::123456789012:role/shared-task",
        "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus:log-stream:*",
    ] {
        assert!(policy.contains(&format!("\"{arn}\"")), "{arn} is not in {policy}");
    }
    assert_eq!(grants_policy(&[], &stack, &facts()), None);
}

#[test]
fn grants_name_what_there_is() {
    refuses(
        stack(&format!(
            "repositories: {{ papyrus: {{}} }}\nroles:\n  app: {{ {ECS}, grants: [{{ push: papyrsu }}] }}\n"
        )),
        "unknown-reference roles.app.grants[0].push: there is no `papyrsu` under `repositories` | did you mean `papyrus`?",
    );
    refuses(role(&format!("{{ {ECS}, grants: [{{ deploy: [web] }}] }}")), "under `services`");
    refuses(
        stack(&format!(
            "repositories: {{ p: {{}} }}\nroles:\n  app: {{ {ECS}, grants: [{{ pull: p }}], inline_policies: {{ hatoba-grants: {{ Version: \"2012-10-17\", Statement: [{{ Effect: Allow, Action: \"*\", Resource: \"*\" }}] }} }} }}\n"
        )),
        "is taken by `grants`",
    );
}

#[test]
fn an_issuer_is_an_address_without_anything_around_it() {
    let provider = |body: &str| stack(&format!("oidc_providers:\n  github: {body}\n"));
    let right = "https://token.actions.githubusercontent.com";
    assert_eq!(
        provider(&format!("{{ url: {right} }}")).unwrap().oidc_providers["github"].wanted_client_ids("aws"),
        ["sts.amazonaws.com"]
    );
    refuses(provider("{}"), "`url` is required");
    for wrong in [
        "token.actions.githubusercontent.com",
        "http://token.actions.githubusercontent.com",
        "https://TOKEN.actions.githubusercontent.com",
        "https://token.actions.githubusercontent.com/",
        "https://token.actions.githubusercontent.com:443",
        "https://tokens.actions.githubusercontent.com",
    ] {
        refuses(provider(&format!("{{ url: \"{wrong}\" }}")), right);
    }
    refuses(
        provider(&format!("{{ url: {right}, thumbprints: [abc] }}")),
        "oidc-thumbprints oidc_providers.github.thumbprints[0]",
    );
    refuses(provider(&format!("{{ url: {right}, name: github }}")), "oidc-name");
}

#[test]
fn policies_need_a_document_unless_they_are_somebody_elses() {
    refuses(stack("policies: { p: {} }\n"), "`document` is required");
    assert!(stack("policies: { p: { existing: true } }\n").is_ok());
    let large = format!(
        "policies: {{ p: {{ document: {{ Version: \"2012-10-17\", Statement: [{{ Sid: {}, Effect: Allow, Action: \"*\", Resource: \"*\" }}] }} }} }}\n",
        "x".repeat(6144)
    );
    refuses(stack(&large), "policy-size policies.p.document");
}

#[test]
fn users_have_less_room_for_inline_policies() {
    let user = |n: usize| {
        stack(&format!(
            "users: {{ ci: {{ inline_policies: {{ a: {{ Version: \"2012-10-17\", Statement: [{{ Sid: {}, Effect: Allow, Action: \"*\", Resource: \"*\" }}] }} }} }} }}\n",
            "x".repeat(n)
        ))
    };
    assert!(user(1900).is_ok());
    refuses(user(2048), "policy-size users.ci.inline_policies");
}
