//! `hatoba status` and `hatoba logs`: how things stand, and what containers wrote.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::plays::one_off::Sessions;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::deploying::file;
use crate::helpers::{aws, denied, run, run_json, says, write};

/// A stack whose container writes a log.
fn applied(kind: Kind) -> World {
    let world = World::new(kind).unwrap();
    let mut spec = file("info");
    spec["log_groups"] = json!({ "/ecs/papyrus": {} });
    spec["task_definitions"]["papyrus"]["containers"]["app"]["logs"] = json!("/ecs/papyrus");
    spec["task_definitions"]["papyrus"]["containers"]["app"]["ports"] = json!([5000]);
    write(&world, &spec);
    run(&world, &["apply", "--yes"], 0);
    world
}

/// Writes lines to the log of a container of a task, the last of them `age` seconds ago.
fn log(world: &World, container: &str, task: &str, lines: &[&str], age: u64) {
    let stream = format!("ecs/{container}/{task}");
    let parameters = json!({ "logGroupName": "/ecs/papyrus", "logStreamName": stream });
    aws(world, "logs", "CreateLogStream", &parameters);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64 - 1_000 * age;
    let count = lines.len() as u64;
    let events: Vec<Value> =
        lines.iter().zip(0_u64..).map(|(line, at)| json!({ "timestamp": now - count + at, "message": line })).collect();
    let parameters = json!({ "logGroupName": "/ecs/papyrus", "logStreamName": stream, "logEvents": events });
    aws(world, "logs", "PutLogEvents", &parameters);
}

/// What the names of the container's streams begin with.
fn prefix(world: &World) -> String {
    let task = aws(world, "ecs", "DescribeTaskDefinition", &json!({ "taskDefinition": "papyrus" })).json().unwrap();
    let containers = task["taskDefinition"]["containerDefinitions"].as_array().unwrap().clone();
    let app = containers.iter().find(|container| container["name"] == "app").unwrap();
    app["logConfiguration"]["options"]["awslogs-stream-prefix"].as_str().unwrap().to_owned()
}

fn how_a_service_stands(kind: Kind) {
    let world = applied(kind);
    says(&run(&world, &["status"], 0), &["service.papyrus: ", "papyrus:1"]);
    let service = run_json(&world, &["status", "papyrus"], 0)["services"][0].clone();
    assert_eq!((service["address"].as_str(), service["status"].as_str()), (Some("service.papyrus"), Some("ACTIVE")));
    assert_eq!(service["desired"], json!(1));
    run(&world, &["destroy", "--yes"], 0);
    says(&run(&world, &["status"], 0), &["service.papyrus: not there"]);
    says(&run(&world, &["status", "other"], 3), &["papyrus"]);
}

fn what_could_not_be_read_is_an_error(kind: Kind) {
    let world = applied(kind);
    world.proxy().set_rules(vec![denied("ecs", "ListTasks", "AccessDeniedException")]);
    let run = run(&world, &["status"], 4);
    says(&run, &["service.papyrus: ", "tasks could not be read", "the tasks of service.papyrus could not be read"]);
    let document = run_json(&world, &["status"], 4);
    assert_eq!(document["services"][0]["address"], json!("service.papyrus"));
    assert_eq!(document["error"]["kind"], json!("denied"));
}

fn what_runs_now_has_a_price(kind: Kind) {
    let world = applied(kind);
    let task = |id: char, capacity: Value| {
        json!({
            "id": id.to_string().repeat(32), "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "cpu": "256", "memory": "512",
            "attributes": [{ "name": "ecs.cpu-architecture", "value": "arm64" }], "capacityProviderName": capacity,
            "taskDefinitionArn": "papyrus:1", "containers": [],
        })
    };
    world.proxy().add_play(Arc::new(Sessions::new(vec![task('a', Value::Null), task('b', json!("FARGATE_SPOT"))])));
    says(&run(&world, &["status"], 0), &["cost about $0.0", " an hour, $", " a month if it goes on so"]);
    let cost = run_json(&world, &["status"], 0)["services"][0]["cost"].clone();
    assert_eq!((&cost["approximate"], &cost["currency"]), (&json!(true), &json!("USD")));
    let amount = |name: &str| cost[name].as_str().unwrap().parse::<f64>().unwrap();
    assert!(amount("hour") > 0.0 && (amount("month") / amount("hour") - 730.0).abs() < 0.01, "{cost}");
}

/// `hatoba logs --follow | head -1`
fn following_ends_when_nobody_reads_it(kind: Kind) {
    let world = applied(kind);
    log(&world, "app", "3f2a91c0ffee", &["hello", "bye"], 5);
    // No line comes after these: nothing is written any more, and so no write fails.
    let command = world.hatoba_command(&["logs", "--follow"]).unwrap();
    let head = command.head(1).limit(Duration::from_secs(60)).run().unwrap();
    assert_eq!((head.code, head.stdout.as_str(), head.stderr.as_str()), (Some(0), "3f2a91c0 app | hello\n", ""));
    // Nor where nothing was ever written.
    let command = world.hatoba_command(&["logs", "--follow", "--since", "1s"]).unwrap();
    let none = command.head(0).limit(Duration::from_secs(60)).run().unwrap();
    assert_eq!((none.code, none.stderr.as_str()), (Some(0), ""));
}

fn what_containers_wrote(kind: Kind) {
    let world = applied(kind);
    assert_eq!(prefix(&world), "ecs");
    says(&run(&world, &["logs"], 0), &["no lines in /ecs/papyrus"]);
    log(&world, "app", "3f2a91c0ffee", &["hello", "ERROR it broke", "bye"], 5);
    log(&world, "app", "77aa00112233", &["from long ago"], 3_600);
    let recent = run(&world, &["logs", "papyrus"], 0);
    assert_eq!(recent.stdout, "3f2a91c0 app | hello\n3f2a91c0 app | ERROR it broke\n3f2a91c0 app | bye\n");
    let both = run(&world, &["logs", "--since", "2h"], 0);
    assert!(both.stdout.starts_with("77aa0011 app | from long ago\n3f2a91c0 app | hello\n"), "{both:?}");
    let some = run(&world, &["logs", "--filter", "ERROR"], 0);
    assert_eq!(some.stdout, "3f2a91c0 app | ERROR it broke\n");
    assert_eq!(run(&world, &["logs", "-n", "1"], 0).stdout, "3f2a91c0 app | bye\n");
    let lines = run(&world, &["logs", "--json"], 0).stdout;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((first["container"].as_str(), first["message"].as_str()), (Some("app"), Some("hello")));
    says(&run(&world, &["logs", "--container", "side"], 1), &["no container `side`"]);
}

/// Two environments whose services have one name: each looks into its own alone.
fn the_service_of_another_stack_is_not_looked_into(kind: Kind) {
    let world = applied(kind);
    let mut spec: Value = serde_json::from_str(&world.read("stack.yaml").unwrap()).unwrap();
    spec["environments"] = json!({ "staging": {} });
    write(&world, &spec);
    let status = run(&world, &["--env", "staging", "status"], 0);
    says(&status, &["service.papyrus: belongs to the stack `papyrus`"]);
    let document = run_json(&world, &["--env", "staging", "status"], 0);
    let service = &document["services"][0];
    assert_eq!((&service["belongs_to"], &service["tasks"]), (&json!("papyrus"), &json!([])));
    says(&run(&world, &["--env", "staging", "logs"], 6), &["the service `papyrus` belongs to the stack `papyrus`"]);
    // Where it is only used, that is known.
    spec["services"]["papyrus"]["existing"] = json!(true);
    write(&world, &spec);
    says(&run(&world, &["--env", "staging", "status"], 0), &["service.papyrus: ", "papyrus:1"]);
}

/// Typed as it stands, it is about the same stack.
fn advice_names_the_options_of_the_run(kind: Kind) {
    let world = applied(kind);
    let text = world.read("stack.yaml").unwrap();
    world.write("other.yaml", text).unwrap();
    run(&world, &["down"], 0);
    let region = world.lease().region.clone();
    for (arguments, options) in [
        (&["-f", "other.yaml", "plan"][..], "-f other.yaml"),
        (&["--region", &region, "plan"], &format!("--region {region}")),
        (&["-f", "other.yaml", "status"], "-f other.yaml"),
    ] {
        says(&run(&world, arguments, 0), &[&format!("`hatoba {options} up")]);
    }
    says(&run(&world, &["plan"], 0), &["`hatoba up` starts it again"]);
    // A saved plan knows them.
    run(&world, &["-f", "other.yaml", "plan", "--out", "saved"], 0);
    says(&run(&world, &["apply", "saved"], 0), &["`hatoba -f other.yaml up` starts it again"]);
}

on_both!(
    the_service_of_another_stack_is_not_looked_into,
    advice_names_the_options_of_the_run,
    how_a_service_stands,
    what_could_not_be_read_is_an_error,
    what_runs_now_has_a_price,
    what_containers_wrote,
    following_ends_when_nobody_reads_it,
);
