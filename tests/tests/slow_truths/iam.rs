//! What IAM has not spread yet, and how it shows policies.

use std::sync::Arc;

use hatoba_tests::emulator::Kind;
use hatoba_tests::plays::slow::guardrail::Guardrail;
use hatoba_tests::plays::slow::lag::Lag;
use hatoba_tests::plays::slow::principals::{DeletedPrincipals, UNIQUE_ID};
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{
    LAG, apply, aws, destroy, document, done, nothing_to_do, run, said, says, site, task, tasks, tried, world, write,
};

#[test]
fn a_new_role_cannot_be_passed_to_a_task_definition() {
    let (world, play) = world(Lag::roles_cannot_be_passed(LAG));
    write(&world, &json!({ "roles": { "execution": tasks() }, "task_definitions": { "web": task("execution") } }));
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=task_definition.web", "Role is not valid"]);
    assert_eq!(done(&world, "ecs:RegisterTaskDefinition"), 1);
    nothing_to_do(&world);
    destroy(&world);
}

#[test]
fn a_new_role_cannot_be_assumed_for_a_service() {
    let (world, play) = world(Lag::roles_cannot_be_assumed(LAG));
    let mut file = site();
    file["roles"]["volumes"] = json!({ "trust": { "service": "ecs.amazonaws.com" } });
    file["task_definitions"]["web"]["volumes"] = json!({ "data": { "configured_at_launch": true } });
    file["task_definitions"]["web"]["containers"]["app"]["mounts"] = json!([{ "volume": "data", "path": "/data" }]);
    file["services"]["web"]["volumes"] = json!({ "data": { "role": "volumes", "size": 20 } });
    write(&world, &file);
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=service.web", "ECS was unable to assume the role"]);
    assert_eq!(done(&world, "ecs:CreateService"), 1);
    nothing_to_do(&world);
    destroy(&world);
}

#[test]
fn a_new_role_is_unknown_to_a_repository_policy() {
    let (world, play) = world(Lag::principals_are_unknown_to_ecr(LAG));
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "${roles.reader.arn}" },
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }] });
    write(&world, &json!({ "roles": { "reader": tasks() }, "repositories": { "acme/papyrus": { "policy": policy } } }));
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=repository.acme/papyrus", "Invalid repository policy provided"]);
    assert_eq!(done(&world, "ecr:CreateRepository"), 1);
    nothing_to_do(&world);
    destroy(&world);
}

/// A role that another role may assume.
fn trusting(principal: &str) -> Value {
    json!({ "trust": { "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "sts:AssumeRole",
    }] } })
}

#[test]
fn a_new_role_is_an_invalid_principal_in_the_trust_of_another() {
    let (world, play) = world(Lag::principals_are_unknown_to_iam(LAG));
    let roles = json!({ "captain": tasks(), "mate": trusting("${roles.captain.arn}") });
    write(&world, &json!({ "roles": roles }));
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=role.mate", "Invalid principal in policy"]);
    assert_eq!(done(&world, "iam:CreateRole"), 2);
    nothing_to_do(&world);
    destroy(&world);
}

#[test]
fn what_was_just_created_is_not_found() {
    let (world, play) = world(Lag::iam_does_not_find(LAG));
    let role = json!({
        "trust": { "service": "ecs-tasks.amazonaws.com" },
        "managed_policies": ["papyrus-read"], "inline_policies": { "read": document() },
    });
    write(
        &world,
        &json!({
            "policies": { "papyrus-read": { "document": document() } },
            "roles": { "papyrus-task": role },
            "users": { "papyrus-ci": { "managed_policies": ["papyrus-read"] } },
        }),
    );
    let run = apply(&world);
    assert!(play.refused() > 1);
    says(&run, &["trying again resource=role.papyrus-task", "NoSuchEntity"]);
    for create in ["iam:CreateRole", "iam:CreateUser", "iam:CreatePolicy"] {
        assert_eq!(done(&world, create), 1, "{create}");
    }
    let attached = aws(&world, "iam", "ListAttachedRolePolicies", &json!({ "RoleName": "papyrus-task" }));
    assert_eq!(attached.elements("PolicyName"), ["papyrus-read"]);
    nothing_to_do(&world);
    destroy(&world);
}

#[test]
fn the_service_linked_role_is_made_by_the_first_call_which_fails() {
    let (world, play) = world(Lag::service_linked_role(LAG));
    write(&world, &site());
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=cluster.papyrus", "Unable to assume the service linked role"]);
    for create in ["ecs:CreateCluster", "ecs:CreateService", "iam:CreateServiceLinkedRole"] {
        assert_eq!(done(&world, create), 1, "{create}");
    }
    nothing_to_do(&world);
    destroy(&world);

    // The role is listed, but ECS cannot use it yet when the first service comes.
    let world = World::new(Kind::Ministack).unwrap();
    let mut first = site();
    first["services"] = json!({});
    write(&world, &first);
    apply(&world);
    let play = Arc::new(Lag::service_linked_role(LAG));
    world.proxy().add_play(Arc::clone(&play) as _);
    write(&world, &site());
    let run = apply(&world);
    assert!(play.refused() > 0);
    says(&run, &["trying again resource=service.web"]);
    assert_eq!(done(&world, "ecs:CreateService"), 1);
    nothing_to_do(&world);
}

#[test]
fn policies_come_url_encoded() {
    let world = World::new(Kind::Ministack).unwrap();
    // What a decoder for forms breaks, and what one that decodes twice breaks.
    let odd = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "PlusAndPercent", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::papyrus/a+b%20c%2B",
        "Condition": { "StringLike": { "s3:prefix": ["50 % + ü", "a&b=c"] } },
    }] });
    let file = json!({
        "policies": { "odd": { "document": odd } },
        "roles": { "papyrus-task": {
            "trust": { "service": "ecs-tasks.amazonaws.com" }, "inline_policies": { "odd": odd },
        } },
    });
    write(&world, &file);
    apply(&world);
    let shown = aws(&world, "iam", "GetRole", &json!({ "RoleName": "papyrus-task" }));
    assert!(shown.body.contains("%7B") && !shown.body.contains('{'), "{}", shown.body);
    let account = aws(&world, "iam", "GetAccountAuthorizationDetails", &json!({}));
    assert!(account.body.contains("a%2Bb%2520c%252B"), "{}", account.body);
    nothing_to_do(&world);

    // A single plus that somebody made a blank is seen, and put right.
    let blank = odd.to_string().replace("a+b", "a b");
    let request = json!({ "RoleName": "papyrus-task", "PolicyName": "odd", "PolicyDocument": blank });
    aws(&world, "iam", "PutRolePolicy", &request);
    run(&world, &["plan", "--detailed-exitcode"], 2);
    apply(&world);
    nothing_to_do(&world);
    destroy(&world);
}

#[test]
fn a_deleted_principal_is_shown_by_its_unique_id() {
    let (world, _play) = world(DeletedPrincipals::default());
    let make = || {
        let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        aws(&world, "iam", "CreateRole", &json!({ "RoleName": "captain", "AssumeRolePolicyDocument": trust }));
    };
    make();
    let captain = format!("arn:aws:iam::{}:role/captain", world.lease().account);
    write(&world, &json!({ "roles": { "mate": trusting(&captain) } }));
    apply(&world);
    nothing_to_do(&world);

    aws(&world, "iam", "DeleteRole", &json!({ "RoleName": "captain" }));
    let shown = || aws(&world, "iam", "GetRole", &json!({ "RoleName": "mate" })).body;
    assert!(shown().contains(UNIQUE_ID), "{}", shown());
    // A role of that name is there again, but the trust is in nobody.
    make();
    says(&run(&world, &["plan", "--detailed-exitcode"], 2), &["~ role.mate", UNIQUE_ID]);
    apply(&world);
    assert_eq!((done(&world, "iam:UpdateAssumeRolePolicy"), tried(&world, "iam:CreateRole")), (1, 0));
    assert!(!shown().contains(UNIQUE_ID), "{}", shown());
    nothing_to_do(&world);
    destroy(&world);
}

/// Trust in GitHub with these conditions beside the audience.
fn github(world: &World, conditions: &Value) -> Value {
    let mut condition = json!({ "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" } });
    for (operator, keys) in conditions.as_object().unwrap() {
        for (key, value) in keys.as_object().unwrap() {
            condition[operator][key] = value.clone();
        }
    }
    let provider = format!("arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com", world.lease().account);
    json!({ "roles": { "deploy": { "trust": { "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Federated": provider },
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    }] } } } })
}

#[test]
fn trust_in_github_is_refused_where_nothing_narrows_it() {
    let (world, play) = world(Guardrail::default());
    let sub = "token.actions.githubusercontent.com:sub";
    for wide in [
        json!({}),
        json!({ "StringLike": { sub: "*" } }),
        json!({ "StringLike": { sub: ["*", "repo:acme/papyrus:*"] } }),
        // These IAM accepts, although they let in everybody.
        json!({ "StringLike": { sub: ["repo:acme/papyrus:*", "*"] } }),
        json!({ "StringLike": { sub: "repo:*" } }),
        json!({ "StringLike": { sub: "repo:*/*" } }),
    ] {
        write(&world, &github(&world, &wide));
        let run = run(&world, &["apply", "--yes"], 3);
        says(&run, &["error:"]);
        assert_eq!((tried(&world, "iam:CreateRole"), play.asked()), (0, 0), "{wide}: {}", said(&run));
    }

    // What the file says in few words passes.
    write(
        &world,
        &json!({
            "github": { "repository": "acme/papyrus", "owner_id": 1234567, "repository_id": 7654321, "branches": ["main"] },
            "oidc_providers": {
                "github": { "url": "https://token.actions.githubusercontent.com", "client_ids": ["sts.amazonaws.com"] },
            },
            "roles": { "deploy": { "trust": { "github": {} } } },
        }),
    );
    apply(&world);
    assert_eq!((play.asked(), play.refused()), (1, 0));
    nothing_to_do(&world);
    destroy(&world);
}

/// A refusal for good is told at once, with AWS's words, and what does not depend on it is done.
#[test]
fn a_malformed_policy_is_told_at_once() {
    let world = World::new(Kind::Ministack).unwrap();
    let refusal = Act::Error {
        status: 400,
        code: "MalformedPolicyDocument".to_owned(),
        message: "Missing required condition: token.actions.githubusercontent.com:sub".to_owned(),
    };
    world.proxy().set_rules(vec![Rule::on("iam", "CreateRole", refusal)]);
    let mut file = json!({ "roles": { "deploy": tasks() } });
    file["log_groups"] = json!({ "/ecs/papyrus": {} });
    write(&world, &file);
    let run = run(&world, &["apply", "--yes", "-v"], 1);
    says(&run, &["MalformedPolicyDocument: Missing required condition", "✓ log_group./ecs/papyrus: created"]);
    assert_eq!(tried(&world, "iam:CreateRole"), 1);
    assert!(!said(&run).contains("trying again"), "{run:?}");
}

/// Without a terminal nothing is said for ten seconds; then what is waited for.
#[test]
fn a_long_wait_for_iam_is_told_without_a_terminal() {
    let (world, play) = world(Lag::roles_cannot_be_passed(LAG * 8));
    write(&world, &json!({ "roles": { "execution": tasks() }, "task_definitions": { "web": task("execution") } }));
    let run = run(&world, &["apply", "--yes"], 0);
    assert!(play.refused() > 3);
    says(&run, &["… task_definition.web: ecs:RegisterTaskDefinition: AWS has not caught up; again in"]);
    assert_eq!(done(&world, "ecs:RegisterTaskDefinition"), 1);
}
