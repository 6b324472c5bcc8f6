//! What is asked before an apply, what takes the place of the internet, and what cannot be read.

use hatoba_tests::emulator::Kind;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::torture::reads;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::stack::{CONTAINER, aws, cul_de_sac, found, healthy, is_found, run, up, with, write};

#[test]
fn endpoints_take_the_place_of_the_internet() {
    let (world, file) = up(Kind::Ministack);
    let (subnet, group) = cul_de_sac(&world);
    let network = json!({ "subnets": [subnet], "public_ip": false, "security_groups": [group] });
    let file = with(&file, "/services/papyrus/network", network);
    let endpoints = |names: &[&str]| {
        let one = |name: &&str| {
            format!(
                "<item><vpcEndpointId>vpce-{name}</vpcEndpointId><vpcEndpointType>Interface</vpcEndpointType><serviceName>com.amazonaws.us-west-2.{name}</serviceName><state>available</state><privateDnsEnabled>true</privateDnsEnabled></item>"
            )
        };
        let items: String = names.iter().map(one).collect();
        let body = format!(
            "<DescribeVpcEndpointsResponse><vpcEndpointSet>{items}</vpcEndpointSet></DescribeVpcEndpointsResponse>"
        );
        world.proxy().set_rules(vec![Rule::on("ec2", "DescribeVpcEndpoints", Act::Reply { status: 200, body })]);
    };
    endpoints(&["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"]);
    assert_eq!(found(&world, &file, 0), Vec::<Value>::new());
    endpoints(&["ecr.api", "ecr.dkr", "logs", "ssm", "secretsmanager"]);
    is_found(&world, &file, "network-no-route", "services.papyrus.network.subnets", &["(s3 missing)"]);
    // No endpoint leads to another registry.
    endpoints(&["ecr.api", "ecr.dkr", "s3", "logs", "ssm", "secretsmanager"]);
    let file = with(&file, &format!("{CONTAINER}/image"), json!("nginx:1"));
    let errors: Vec<Value> = found(&world, &file, 1).into_iter().filter(|it| it["severity"] == "error").collect();
    assert!(errors.len() == 1 && errors[0]["message"].as_str().unwrap().contains("cannot pull nginx:1"), "{errors:#?}");
}

#[test]
fn an_apply_that_was_cut_off_after_it_had_made_the_repository_says_what_it_said_at_first() {
    let world = World::new(Kind::Ministack).unwrap();
    world.example_parameter().unwrap();
    aws(&world, "secretsmanager", "CreateSecret", &json!({ "Name": "papyrus/key", "SecretString": "x" }));
    let file = with(&healthy(&world), &format!("{CONTAINER}/image"), json!({ "repository": "papyrus", "live": true }));
    let to_come = |words: &str| {
        let found = found(&world, &file, 0);
        let [finding] = found.as_slice() else { panic!("{found:#?}") };
        assert_eq!((finding["severity"].as_str(), finding["code"].as_str()), (Some("warning"), Some("image-to-come")));
        assert!(finding["message"].as_str().unwrap().contains(words), "{finding:#}");
        assert!(finding["help"].as_str().unwrap().starts_with("push "), "{finding:#}");
    };
    to_come("is made by this apply");
    let before =
        ["/services", "/task_definitions"].into_iter().fold(file.clone(), |file, part| with(&file, part, Value::Null));
    write(&world, &before);
    run(&world, &["apply", "--yes"], 0);
    to_come("is empty");
}

#[test]
fn what_cannot_be_read_is_never_fine() {
    let (world, file) = up(Kind::Ministack);
    let denied = |service: &str, action: &str| {
        let message =
            format!("User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {service}:{action}");
        let code = if service == "ec2" { "UnauthorizedOperation" } else { "AccessDeniedException" };
        Rule::on(service, action, Act::Error { status: 403, code: code.to_owned(), message })
    };
    for (service, action, about) in [
        ("ecr", "BatchGetImage", "the image "),
        ("iam", "GetPolicyVersion", "what the role `execution` may do"),
        ("ssm", "DescribeParameters", "the parameter `/papyrus/db-url`"),
        ("secretsmanager", "DescribeSecret", "the secret `papyrus/key"),
        ("ec2", "DescribeRouteTables", "its routes"),
    ] {
        world.proxy().set_rules(vec![denied(service, action)]);
        let found = found(&world, &file, 0);
        let says = |it: &Value| it["severity"] == "not_checked" && it["message"].as_str().unwrap().contains(about);
        assert!(!found.is_empty() && found.iter().all(says), "{action}: {found:#?}");
        let run = run(&world, &["verify"], 0);
        assert!(run.stdout.contains("not checked: ") && !run.stdout.contains("nothing in the way"), "{run:?}");
        // What it takes is printed, ready to be allowed.
        assert!(
            run.stderr.contains("apply and verify need it") && run.stderr.contains(&format!("\"{service}:{action}\"")),
            "{run:?}"
        );
    }
}

#[test]
fn apply_refuses_what_would_not_start_and_plan_never_asks() {
    let (world, file) = up(Kind::Ministack);
    let file = with(&file, &format!("{CONTAINER}/image/tag"), json!("v2"));
    write(&world, &file);
    world.proxy().clear_log();
    run(&world, &["plan"], 0);
    let asked = |action: &str| world.proxy().calls().iter().filter(|call| call.action == action).count();
    assert_eq!(asked("BatchGetImage"), 0);
    let plans = world.proxy().calls().len();
    world.proxy().clear_log();
    let refused = run(&world, &["apply", "--yes"], 1);
    assert!(refused.stderr.contains("there is no image") && refused.stderr.contains("--skip-verify"), "{refused:?}");
    assert!(world.proxy().calls().iter().all(|call| reads(&call.action)));
    // Only the image changes, so only the image is looked for; and as it is not there, whether any is.
    let looks = (asked("BatchGetImage"), asked("DescribeImages"));
    assert_eq!((looks, world.proxy().calls().len()), ((1, 1), plans + 2));
    let document = run_json(&world, &["apply", "--yes", "--json"], 1);
    assert_eq!(document["findings"][0]["code"], "image-missing", "{document:#}");
    assert_eq!((document["outcome"].is_null(), document["error"]["kind"].as_str()), (true, Some("failed")));
    run(&world, &["apply", "--yes", "--skip-verify"], 0);
}

fn run_json(world: &World, arguments: &[&str], code: i32) -> Value {
    serde_json::from_str(&run(world, arguments, code).stdout).unwrap()
}

#[test]
fn the_first_apply_is_silent_although_nothing_is_there_yet() {
    let world = World::new(Kind::Ministack).unwrap();
    world.example_parameter().unwrap();
    world.write("stack.yaml", include_str!("../../../stack.example.yaml")).unwrap();
    let run = run(&world, &["apply", "--yes"], 0);
    for word in ["warning", "not checked", "error"] {
        assert!(!run.stderr.contains(word), "says {word:?}: {run:?}");
    }
    assert!(world.proxy().calls().len() <= 40, "{} calls", world.proxy().calls().len());
}
