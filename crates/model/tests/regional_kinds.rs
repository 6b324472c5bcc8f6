//! What the file may say about repositories, clusters, security groups and parameters.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use hatoba_model::load::{Options, load};
use hatoba_model::stack::Stack;
use hatoba_model::yaml::Source;

const HEAD: &str = "stack: papyrus\nregion: us-west-2\naccount: \"123456789012\"\n";

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

/// Every problem of a text that must have some; each must say what to do.
#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let problems = stack(text).unwrap_err();
    assert!(problems.iter().all(|problem| !problem.ends_with("| ")), "without a way out: {problems:#?}");
    problems
}

/// Checks that these beginnings, and no other problems, are reported.
#[track_caller]
fn refuses(text: &str, expected: &[&str]) {
    let problems = problems(text);
    let fits = problems.len() == expected.len() && problems.iter().zip(expected).all(|(p, e)| p.starts_with(e));
    assert!(fits, "expected {expected:#?}, found {problems:#?}");
}

#[test]
fn the_examples_of_every_kind_are_in_order() {
    let text = r#"
repositories:
  papyrus: { mutability: mutable, encryption: AES256, scan_on_push: true, keep_images: 10, on_destroy: empty }
  acme/strict:
    mutability: immutable_with_exclusion
    mutability_exclusions: [latest, "dev-*"]
    encryption: { kms: "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    lifecycle:
      rules:
        - { rulePriority: 1, selection: { tagStatus: tagged, tagPatternList: ["*"], countType: sinceImagePushed, countUnit: days, countNumber: 3 }, action: { type: expire } }
        - { rulePriority: 9, selection: { tagStatus: any, countType: imageCountMoreThan, countNumber: 3 }, action: { type: expire } }
    policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { AWS: "123456789012" }, Action: "ecr:BatchGetImage" }] }
clusters:
  papyrus: { capacity_providers: [FARGATE, FARGATE_SPOT], container_insights: disabled }
  other:
    capacity_providers: [FARGATE]
    default_capacity: [{ provider: FARGATE, weight: 1 }]
    execute_command: { logging: override, log_group: { existing: /exec } }
security_groups:
  papyrus: { description: papyrus service, ingress: [{ port: 5000, from: [0.0.0.0/0] }] }
  db: { ingress: [{ ports: [5432, 6000-6010], from: papyrus }, { protocol: all, from: self }], egress: [] }
parameters:
  /papyrus/log-level: { value: info }
  ratio: { value: 1.10 }
  zones: { value: [a, b], tier: intelligent_tiering }
"#;
    let stack = stack(text).unwrap();
    assert_eq!(stack.parameters["ratio"].value.as_ref().unwrap().items(), ["1.10"], "letter by letter");
}

#[test]
fn what_exists_needs_no_keys() {
    let text = "security_groups: { default: { existing: true } }\nparameters: { /theirs: { existing: true } }\n";
    assert!(stack(text).is_ok());
}

#[test]
fn repositories_are_refused_as_ecr_would() {
    refuses("repositories: { Papyrus: {} }", &["repository-name repositories.Papyrus: "]);
    assert!(problems("repositories: { Papyrus: {} }")[0].contains("did you mean `papyrus`?"));
    refuses("repositories: { 1st: {} }", &["repository-name"]);
    refuses("repositories: { papyrus: { mutability: immutable_with_exclusion } }", &["missing-exclusions"]);
    refuses("repositories: { papyrus: { mutability_exclusions: [a b] } }", &["exclusions-unused", "exclusion-pattern"]);
    refuses("repositories: { papyrus: { keep_images: 0 } }", &["keep-none"]);
    refuses("repositories: { papyrus: { keep_images: 1, lifecycle: '{' } }", &["either-or", "not-json"]);
    let alias =
        "repositories: { papyrus: { encryption: { kms: 'arn:aws:kms:us-west-2:123456789012:alias/papyrus' } } }";
    refuses(alias, &["kms-alias repositories.papyrus.encryption.kms: "]);
    let policy = "repositories: { papyrus: { policy: { Version: '2012-10-17', Statement: [{ Effect: Alow, Principal: '*', Action: 'ecr:*' }] } } }";
    assert!(problems(policy)[0].contains("repositories.papyrus.policy.Statement[0].Effect"));
}

#[test]
fn lifecycle_policies_are_refused_as_ecr_would() {
    let rules = |rules: &str| format!("repositories: {{ papyrus: {{ lifecycle: {{ rules: [{rules}] }} }} }}");
    let rule = |number: u32, selection: &str, action: &str| {
        format!("{{ rulePriority: {number}, selection: {{ {selection} }}, action: {{ {action} }} }}")
    };
    let (any, expire) = ("tagStatus: any, countType: imageCountMoreThan, countNumber: 3", "type: expire");
    assert!(stack(&rules(&rule(1, any, expire))).is_ok());
    let untagged = "tagStatus: untagged, countType: imageCountMoreThan, countNumber: 3";
    refuses(&rules(&format!("{}, {}", rule(1, any, expire), rule(2, untagged, expire))), &["lifecycle-any-last"]);
    refuses(&rules(&format!("{}, {}", rule(1, untagged, expire), rule(1, any, expire))), &["lifecycle-priority"]);
    refuses(
        &rules(&rule(1, "tagStatus: tagged, countType: imageCountMoreThan, countNumber: 3", expire)),
        &["lifecycle-tags"],
    );
    refuses(
        &rules(&rule(1, "tagStatus: any, countType: sinceImagePushed, countNumber: 3", expire)),
        &["lifecycle-unit"],
    );
    refuses(
        &rules(&rule(1, "tagStatus: any, countType: imageCountMoreThan, countNumber: 0", expire)),
        &["lifecycle-count"],
    );
    refuses(
        &rules(&rule(1, "tagStatus: any, countType: sinceImagePulled, countUnit: days, countNumber: 3", expire)),
        &["lifecycle-action"],
    );
    refuses(&rules(&rule(1, any, "type: transition")), &["lifecycle-action"]);
    let typo = problems(&rules(&rule(
        1,
        "tagStatus: anny, countType: imageCountMoreThan, countNumber: 3",
        "type: expire, colour: red",
    )));
    assert!(typo.iter().any(|p| p.contains("did you mean `any`?")), "{typo:#?}");
    assert!(typo.iter().any(|p| p.starts_with("unknown-key")), "{typo:#?}");
    refuses("repositories: { papyrus: { lifecycle: { rules: [] } } }", &["lifecycle-rules"]);
}

#[test]
fn clusters_are_refused_as_ecs_would() {
    refuses("clusters: { 'a.b': {} }", &["name-characters"]);
    let spot = problems("clusters: { papyrus: { capacity_providers: [FARGATE_SPOTT] } }");
    assert!(spot[0].contains("did you mean `FARGATE_SPOT`?"), "{spot:#?}");
    let strategy = |entries: &str| {
        format!(
            "clusters: {{ papyrus: {{ capacity_providers: [FARGATE, FARGATE_SPOT, mine], default_capacity: [{entries}] }} }}"
        )
    };
    refuses(&strategy("{ provider: FARGATE }"), &["no-weight"]);
    refuses(
        &strategy("{ provider: FARGATE, weight: 1, base: 1 }, { provider: FARGATE_SPOT, weight: 1, base: 1 }"),
        &["two-bases"],
    );
    refuses(&strategy("{ provider: FARGATE, weight: 1001 }"), &["out-of-range"]);
    refuses(&strategy("{ provider: FARGATE, weight: 1 }, { provider: FARGATE, weight: 2 }"), &["provider-twice"]);
    refuses(&strategy("{ provider: FARGATE, weight: 1 }, { provider: mine, weight: 2 }"), &["mixed-providers"]);
    refuses(
        "clusters: { papyrus: { default_capacity: [{ provider: FARGATE, weight: 1 }] } }",
        &["provider-not-in-cluster"],
    );
    refuses(
        "clusters: { papyrus: { execute_command: { log_group: /exec } } }",
        &["destination-unused", "unknown-reference"],
    );
    refuses("clusters: { papyrus: { execute_command: { logging: override } } }", &["no-destination"]);
    refuses("clusters: { papyrus: { service_connect_namespace: papyrus } }", &["not-an-arn"]);
}

#[test]
fn security_groups_are_refused_as_ec2_would() {
    refuses("security_groups: { sg-web: {} }", &["name-reserved"]);
    refuses("security_groups: { default: {} }", &["name-reserved"]);
    refuses("security_groups: { web: {}, Web: {} }", &["same-name"]);
    refuses("security_groups: { web: { description: 'naïve' } }", &["description"]);
    refuses("security_groups: { web: { vpc: papyrus } }", &["not-a-vpc"]);
    let rule = |rule: &str| format!("security_groups: {{ web: {{ ingress: [{rule}] }} }}");
    refuses(&rule("{ port: 80 }"), &["missing-key security_groups.web.ingress[0]: "]);
    refuses(&rule("{ from: 0.0.0.0/0 }"), &["missing-key"]);
    refuses(&rule("{ protocol: tcp, from: 0.0.0.0/0 }"), &["missing-key"]);
    refuses(&rule("{ protocol: icmp, port: 8, from: 0.0.0.0/0 }"), &["no-ports"]);
    refuses(&rule("{ ports: 90-80, from: 0.0.0.0/0 }"), &["port-range"]);
    refuses(&rule("{ port: 80, ports: [81], from: 0.0.0.0/0 }"), &["either-or"]);
    refuses(&rule("{ port: 80, from: [10.0.0.0/8, 10.1.0.0/8] }"), &["rule-twice"]);
    refuses(&rule("{ port: 80, from: [self, 10.1.2.3] }"), &["rule-peer security_groups.web.ingress[0].from[1]: "]);
    assert!(problems(&rule("{ port: 80, from: 10.1.2.3 }"))[0].contains("write `10.1.2.3/32`"));
    assert!(problems(&rule("{ port: 80, from: webb }"))[0].contains("did you mean `web`?"));
    assert!(problems(&rule("{ port: 80, protocol: tpc, from: self }"))[0].contains("`tcp`"));
}

#[test]
fn groups_that_refer_to_each_other_could_never_be_created() {
    let text = "security_groups: { a: { ingress: [{ port: 1, from: b }] }, b: { ingress: [{ port: 1, from: a }] } }";
    refuses(text, &["reference-circle security_groups.b: "]);
    let alone = "security_groups: { a: { ingress: [{ port: 1, from: [a, self] }] } }";
    assert!(problems(alone)[0].starts_with("rule-twice"), "the own key means the same as `self`");
}

#[test]
fn parameters_are_refused_as_ssm_would() {
    refuses("parameters: { /papyrus/level: {} }", &["missing-key"]);
    refuses("parameters: { papyrus/level: { value: x } }", &["parameter-path"]);
    refuses("parameters: { /papyrus//level: { value: x } }", &["parameter-path"]);
    refuses("parameters: { /aws/level: { value: x } }", &["name-reserved"]);
    refuses("parameters: { /papyrus/level: { value: '' } }", &["empty-value"]);
    refuses(
        "parameters: { /papyrus/level: { value: ['a,b'] } }",
        &["comma-in-list parameters[\"/papyrus/level\"].value[0]: "],
    );
    refuses("parameters: { /papyrus/level: { value: '{{x}}' } }", &["braces"]);
    refuses("parameters: { /papyrus/level: { value: [a], type: string } }", &["type-and-value"]);
    let long = "x".repeat(4_097);
    refuses(&format!("parameters: {{ /papyrus/level: {{ value: {long} }} }}"), &["value-length"]);
    assert!(
        stack(&format!("parameters: {{ /papyrus/level: {{ value: {long}, tier: intelligent_tiering }} }}")).is_ok()
    );
    let secret = problems("parameters: { /papyrus/key: { value: hush, type: SecureString } }");
    assert!(secret[0].starts_with("secret-in-file") && secret[0].contains("ssm:/papyrus/key"), "{secret:#?}");
    assert!(!secret[0].contains("hush"), "a secret is not repeated");
}
