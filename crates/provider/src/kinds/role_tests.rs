#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use aws_sdk_iam::types::{AttachedPermissionsBoundary, PolicyDetail, Role as ApiRole, Tag};
use aws_smithy_types::DateTime;
use hatoba_engine::desired::{Desired, Resolved};
use hatoba_engine::diff::differences;
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;
use hatoba_model::stack::Stack;
use serde_json::{Value as Json, json};

use super::{INFO, Role, iam_shared};
use crate::desire::{Desire, goal};
use crate::driver::Driver;

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn stack(sections: Json) -> Stack {
    let mut stack = json!({ "stack": "papyrus", "region": "us-west-2" });
    stack.as_object_mut().unwrap().extend(sections.as_object().unwrap().clone());
    serde_json::from_value(stack).unwrap()
}

fn desired(sections: Json, key: &str) -> Desired {
    Role.desired(&Desire { stack: &stack(sections), facts: &facts() }, key).unwrap()
}

fn encoded(document: &Json) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    document
        .to_string()
        .bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// What `GetRole` answers of a role with nothing but a trust policy.
fn bare(trust: &Json) -> aws_sdk_iam::types::builders::RoleBuilder {
    ApiRole::builder()
        .path("/")
        .role_name("app")
        .role_id("AROAEXAMPLE")
        // Right after a create IAM may give the unique id for an ARN.
        .arn("AROAEXAMPLE")
        .create_date(DateTime::from_secs(0))
        .assume_role_policy_document(encoded(trust))
}

fn changed(want: &Desired, live: &Sighting) -> Vec<String> {
    differences(&INFO, &want.fields, &live.fields)
        .into_iter()
        .map(|change| change.path)
        .filter(|path| !path.starts_with("tags"))
        .collect()
}

fn ecs_trust(services: Json) -> Json {
    json!({
        "Statement": { "Action": ["sts:AssumeRole"], "Principal": { "Service": services }, "Effect": "Allow", "Sid": "" },
        "Version": "2012-10-17"
    })
}

#[test]
fn what_iam_fills_in_or_leaves_out_is_no_difference() {
    let want = desired(json!({ "roles": { "app": { "trust": { "service": "ecs-tasks.amazonaws.com" } } } }), "app");
    let trust = ecs_trust(json!("ecs-tasks.amazonaws.com"));
    let role = bare(&trust).max_session_duration(3600).build().unwrap();
    let live = Role::answered(&role, Some(Vec::new()), Some(BTreeMap::new()), &facts());
    assert_eq!(changed(&want, &live), Vec::<String>::new());
    assert_eq!(live.id, "arn:aws:iam::123456789012:role/app");
    let absent = Role::answered(&bare(&trust).description("").build().unwrap(), None, None, &facts());
    assert_eq!(changed(&want, &absent), Vec::<String>::new());
}

#[test]
fn documents_are_compared_by_meaning_and_a_plus_stays_a_plus() {
    let inline = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/a+b c%20d" }] });
    let spec = json!({ "roles": { "app": {
        "trust": { "service": ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com"] },
        "description": "für + alle",
        "inline_policies": { "a": inline },
        "managed_policies": ["b", "service-role/AmazonECSTaskExecutionRolePolicy"],
        "permissions_boundary": "b"
    } }, "policies": { "b": { "path": "/x/" } } });
    let want = desired(spec, "app");
    let boundary =
        AttachedPermissionsBoundary::builder().permissions_boundary_arn("arn:aws:iam::123456789012:policy/x/b").build();
    let role = bare(&ecs_trust(json!(["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"])))
        .description("für + alle")
        .permissions_boundary(boundary)
        .build()
        .unwrap();
    let reordered = json!({ "Statement": { "Resource": ["arn:aws:s3:::b/a+b c%20d"], "Action": "s3:GetObject", "Effect": "Allow" }, "Version": "2012-10-17" });
    let policy = PolicyDetail::builder().policy_name("a").policy_document(encoded(&reordered)).build();
    let attached = [
        "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
        "arn:aws:iam::123456789012:policy/x/b",
    ];
    let live = Role::answered(
        &role,
        Some(attached.map(str::to_owned).to_vec()),
        Some(iam_shared::inline_policies(&[policy], &facts())),
        &facts(),
    );
    assert_eq!(changed(&want, &live), Vec::<String>::new());
    assert!(live.uses.contains(&"arn:aws:iam::123456789012:policy/x/b".to_owned()), "{:?}", live.uses);
    assert!(!live.uses.iter().any(|arn| arn.contains(":aws:policy/")), "{:?}", live.uses);
    assert_eq!(want.needs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["policy.b"]);
}

#[test]
fn a_dead_principal_is_a_difference_that_writing_it_again_repairs() {
    let trust = |who: &str| json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "AWS": who }, "Action": "sts:AssumeRole" }] });
    let want =
        desired(json!({ "roles": { "app": { "trust": trust("arn:aws:iam::123456789012:role/other") } } }), "app");
    let live = Role::answered(&bare(&trust("AROADEADBEEF")).build().unwrap(), None, None, &facts());
    assert_eq!(changed(&want, &live), ["trust"]);
}

#[test]
fn what_a_trust_names_comes_first() {
    let by_role = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "AWS": [
        "arn:aws:iam::123456789012:role/app", "arn:aws:iam::123456789012:role/x/other"
    ] }, "Action": "sts:AssumeRole" }] });
    let sections = json!({
        "github": { "repository": "acme/papyrus", "branches": ["main"] },
        "oidc_providers": { "github": { "url": "https://token.actions.githubusercontent.com" } },
        "roles": { "app": { "trust": by_role }, "other": { "path": "/x/", "trust": { "github": {} } } }
    });
    let needs = |key: &str| desired(sections.clone(), key).needs.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(needs("app"), ["role.other"]);
    assert_eq!(needs("other"), ["oidc_provider.github"]);
}

#[test]
fn grants_are_an_inline_policy_beside_the_others() {
    let want = desired(
        json!({
            "repositories": { "papyrus": {} },
            "roles": { "app": { "trust": { "service": "ecs-tasks.amazonaws.com" }, "grants": [{ "push": "papyrus" }] } }
        }),
        "app",
    );
    let policies = want.fields["inline_policies"].map_texts();
    assert!(
        policies["hatoba-grants"].contains("arn:aws:ecr:us-west-2:123456789012:repository/papyrus"),
        "{policies:?}"
    );
}

#[test]
fn only_what_differs_is_written_and_only_what_is_not_wanted_is_removed() {
    let fields = |policies: &[&str], inline: &[(&str, &str)]| {
        Fields::from([
            ("managed_policies".to_owned(), Value::set(policies.iter().copied())),
            (
                "inline_policies".to_owned(),
                Value::map(inline.iter().map(|(name, text)| (*name, Value::Doc((*text).to_owned())))),
            ),
        ])
    };
    let wish = desired(json!({ "roles": { "app": {} } }), "app");
    let want = Resolved {
        address: wish.address,
        kind: wish.kind,
        name: wish.name,
        scope: None,
        fields: fields(&["arn:b", "arn:c"], &[("same", "{}"), ("new", "{1}"), ("changed", "{2}")]),
    };
    let mut live = Sighting::new(&INFO, "arn:app", "app");
    live.fields = fields(&["arn:a", "arn:b"], &[("same", "{}"), ("changed", "{3}"), ("old", "{4}")]);
    assert_eq!(iam_shared::attachments(&want, &live), (vec!["arn:c".to_owned()], vec!["arn:a".to_owned()]));
    let (put, delete) = iam_shared::inline_changes(&want, &live);
    assert_eq!(put.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["changed", "new"]);
    assert_eq!(delete, ["old"]);
}

#[test]
fn a_name_in_other_letters_is_the_same_name() {
    let mut seen = [Sighting::new(&INFO, "arn:1", "App"), Sighting::new(&INFO, "arn:2", "web")];
    iam_shared::spell_as_wanted(&mut seen, &["app".to_owned(), "web".to_owned()]);
    assert_eq!([seen[0].name.as_str(), seen[1].name.as_str()], ["app", "web"]);
}

#[test]
fn a_cluster_implies_the_service_linked_role_and_comes_after_it() {
    let wanted = goal(&stack(json!({ "clusters": { "papyrus": {} } })), &facts());
    let role = crate::kinds::service_linked_role::ecs_address();
    assert!(wanted.resources.contains_key(&role));
    let cluster = wanted.resources.values().find(|want| want.kind.name == "cluster").unwrap();
    assert!(cluster.needs.contains(&role));
    let without = hatoba_model::kinds::cluster::Cluster { existing: true, ..Default::default() };
    let mut others = stack(json!({}));
    others.clusters.insert("theirs".into(), without);
    assert!(!goal(&others, &facts()).resources.contains_key(&role));
}

#[test]
fn tags_of_aws_are_not_compared() {
    let tag = |key: &str| Tag::builder().key(key).value("x").build().unwrap();
    let role = bare(&ecs_trust(json!("ecs.amazonaws.com")))
        .tags(tag("aws:cloudformation:stack-name"))
        .tags(tag("mine"))
        .build()
        .unwrap();
    let live = Role::answered(&role, None, None, &facts());
    assert_eq!(live.fields["tags"], Value::texts([("mine", "x")]));
}
