//! Secrets that change while tasks run: a task has the value of when it started.

use std::thread::sleep;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::proxy::{Act, Rule};
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::deploying::file;
use crate::helpers::{aws, denied, nothing_to_do, run, run_json, said, says, write, writes};

const SECOND: Duration = Duration::from_millis(1_100);
const NAME: &str = "/papyrus/db-url";

fn put(world: &World, value: &str) {
    let parameter = json!({ "Name": NAME, "Type": "SecureString", "Value": value, "Overwrite": true });
    aws(world, "ssm", "PutParameter", &parameter);
}

/// A stack whose container has a secret from there, applied.
fn applied(kind: Kind, from: &str) -> World {
    let world = World::new(kind).unwrap();
    put(&world, "one");
    // ministack tells times of ECS in whole seconds.
    sleep(SECOND);
    let mut spec = file("info");
    spec["task_definitions"]["papyrus"]["containers"]["app"]["secrets"] = json!({ "DB_URL": from });
    write(&world, &spec);
    run(&world, &["apply", "--yes", "--skip-verify"], 0);
    sleep(SECOND);
    world
}

fn asked(world: &World, what: &str) -> usize {
    world.proxy().calls().iter().filter(|call| call.name().ends_with(what)).count()
}

// moto has no tasks.
#[test]
fn a_parameter_that_changed_is_noticed_until_the_tasks_are_new() {
    let world = applied(Kind::Ministack, "ssm:/papyrus/db-url");
    world.proxy().clear_log();
    let quiet = run(&world, &["plan"], 0);
    assert!(!said(&quiet).contains("DB_URL"), "{quiet:?}");
    assert_eq!((asked(&world, "DescribeParameters"), asked(&world, "ListTasks")), (1, 0));
    assert_eq!(run_json(&world, &["status"], 0)["services"][0]["rotated_secrets"], json!([]));

    put(&world, "two");
    let help = "hatoba deploy papyrus --redeploy";
    let plan = run(&world, &["plan", "--detailed-exitcode"], 0);
    says(&plan, &["note: service.papyrus: secret DB_URL has version 2 since", help, "No changes."]);
    says(&run(&world, &["plan", "--markdown"], 0), &["secret DB\\_URL has version 2"]);
    says(&run(&world, &["status"], 0), &["secret DB_URL has version 2 since", help]);
    let document = run_json(&world, &["plan"], 0)["rotated_secrets"][0].clone();
    assert_eq!(document["address"], "service.papyrus");
    assert_eq!((&document["name"], &document["version"]), (&json!("DB_URL"), &json!(2)));
    assert_eq!(document["containers"], json!(["app"]));
    // The values were never asked for.
    assert_eq!(asked(&world, "GetParameters") + asked(&world, "GetParameter"), 0);

    // Without a look at the parameters nothing is known, and the plan is as good as ever.
    world.proxy().set_rules(vec![denied("ssm", "DescribeParameters", "AccessDeniedException")]);
    let blind = run(&world, &["plan", "--detailed-exitcode"], 0);
    says(&blind, &["No changes.", "whether secrets changed after the tasks started is not known"]);
    says(&blind, &["This statement is missing; plan and apply need it", "\"ssm:DescribeParameters\""]);
    assert_eq!(run_json(&world, &["plan"], 0)["rotated_secrets"], Value::Null);
    says(&run(&world, &["status"], 0), &["secrets not compared", "ssm:DescribeParameters"]);
    world.proxy().set_rules(Vec::new());

    sleep(SECOND);
    world.proxy().clear_log();
    let deployed = run_json(&world, &["deploy", "papyrus", "--redeploy"], 0);
    assert_eq!(deployed["deployments"][0]["verdict"], json!("completed"));
    assert_eq!(writes(&world), ["ecs:UpdateService"]);
    let after = run(&world, &["plan"], 0);
    assert!(!said(&after).contains("DB_URL"), "{after:?}");
    assert_eq!(run_json(&world, &["status"], 0)["services"][0]["rotated_secrets"], json!([]));
}

#[test]
fn a_secret_that_was_rotated_is_seen_in_status() {
    let world = World::new(Kind::Ministack).unwrap();
    let made = aws(&world, "secretsmanager", "CreateSecret", &json!({ "Name": "papyrus/db", "SecretString": "one" }));
    sleep(SECOND);
    let arn = made.json().unwrap()["ARN"].as_str().unwrap().to_owned();
    let mut spec = file("info");
    spec["task_definitions"]["papyrus"]["containers"]["app"]["secrets"] = json!({ "DB_URL": arn });
    write(&world, &spec);
    run(&world, &["apply", "--yes", "--skip-verify"], 0);
    sleep(SECOND);
    assert_eq!(run_json(&world, &["status"], 0)["services"][0]["rotated_secrets"], json!([]));
    aws(&world, "secretsmanager", "PutSecretValue", &json!({ "SecretId": arn, "SecretString": "two" }));
    says(&run(&world, &["status"], 0), &["secret DB_URL has a new version since", "--redeploy"]);
}

fn a_stack_without_secrets_asks_for_none(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file("info"));
    run(&world, &["apply", "--yes"], 0);
    world.proxy().clear_log();
    run(&world, &["plan"], 0);
    assert_eq!(asked(&world, "DescribeParameters"), 0);
}

fn a_redeploy_starts_new_tasks_with_the_same_images(kind: Kind) {
    let world = World::new(kind).unwrap();
    let mut spec = file("info");
    write(&world, &spec);
    says(&run(&world, &["deploy", "--redeploy"], 1), &["does not exist yet", "hatoba apply"]);
    run(&world, &["apply", "--yes"], 0);
    world.proxy().clear_log();
    says(&run(&world, &["deploy", "--redeploy"], 0), &["service.papyrus: new tasks with the same images", "papyrus:1"]);
    assert_eq!(writes(&world), ["ecs:UpdateService"]);
    nothing_to_do(&world);
    run(&world, &["deploy", "--redeploy", "--image", "app=v1"], 1);
    // What was not accepted is asked for again.
    world.proxy().set_rules(vec![Rule::on("ecs", "UpdateService", Act::Throttle).times(2)]);
    run(&world, &["deploy", "--redeploy"], 0);
    world.proxy().set_rules(Vec::new());

    spec["services"]["papyrus"]["desired_count"] = json!(0);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    world.proxy().clear_log();
    let idle = run_json(&world, &["deploy", "--redeploy"], 0);
    assert_eq!((idle["deployments"].clone(), writes(&world).len()), (json!([]), 0));
    assert_eq!(idle["plan"], Value::Null);

    let lease = world.lease();
    let arn = format!("arn:aws:ecs:{}:{}:service/papyrus/papyrus", lease.region, lease.account);
    aws(&world, "ecs", "UntagResource", &json!({ "resourceArn": arn, "tagKeys": ["hatoba:stack"] }));
    says(&run(&world, &["deploy", "--redeploy"], 6), &["is not this stack's"]);
}

on_both!(a_stack_without_secrets_asks_for_none, a_redeploy_starts_new_tasks_with_the_same_images);
