//! `hatoba down` and `hatoba up` killed anywhere and run again: nothing is forgotten, and nothing runs that should not.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and prints its table"
)]

use hatoba_tests::emulator::Kind;
use hatoba_tests::proxy::Phase;
use hatoba_tests::torture::table::Table;
use hatoba_tests::torture::{full, reads};
use hatoba_tests::world::World;
use serde_json::{Value, json};

/// A service, with these lines more.
fn file(more: &Value) -> Value {
    let mut file = json!({
        "clusters": { "papyrus": {} },
        "security_groups": { "papyrus": { "description": "papyrus" } },
        "task_definitions": { "papyrus": { "cpu": 256, "memory": 512, "containers": { "app": { "image": "nginx:1" } } } },
        "services": { "papyrus": {
            "cluster": "papyrus",
            "task_definition": "papyrus",
            "desired_count": 2,
            "network": { "security_groups": ["papyrus"], "public_ip": true },
        } },
    });
    let service = file["services"]["papyrus"].as_object_mut().unwrap();
    service.extend(more.as_object().unwrap().clone());
    file
}

/// What there is of the service, without what is another each time: the moment at which it is to end.
fn state(world: &World) -> Value {
    let ask =
        |service: &str, action: &str, question: Value| world.aws(service, action, &question).unwrap().json().unwrap();
    let scaling = |action: &str| ask("application-autoscaling", action, json!({ "ServiceNamespace": "ecs" }));
    let services =
        ask("ecs", "DescribeServices", json!({ "cluster": "papyrus", "services": ["papyrus"], "include": ["TAGS"] }));
    let service = &services["services"][0];
    let mut tags: Vec<String> = service["tags"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    tags.sort();
    let state = json!({
        "count": service["desiredCount"],
        "tags": tags,
        "targets": scaling("DescribeScalableTargets")["ScalableTargets"],
        "actions": scaling("DescribeScheduledActions")["ScheduledActions"],
        "policies": scaling("DescribeScalingPolicies")["ScalingPolicies"],
    });
    let mut text = state.to_string();
    for mark in ["at(", "until="] {
        while let Some(at) = text.find(&format!("{mark}20")) {
            text.replace_range(at + mark.len()..at + mark.len() + "2026-11-21T20:00:00".len(), "then");
        }
    }
    serde_json::from_str(&text).unwrap()
}

/// The way of a service: what is run, one after the other; each leads from the state that the one before it left.
const WAY: [&[&str]; 6] = [&["down"], &["up"], &["up", "--for", "2h"], &["down"], &["up", "--for", "2h"], &["up"]];

fn matrix(kind: Kind, sort: &str, more: &Value, table: &mut Table) -> Vec<String> {
    let world = World::new(kind).unwrap();
    world.write_stack(&file(more)).unwrap();
    world.hatoba(&["apply", "--yes"]).unwrap().expect_code(0).unwrap();
    // As it goes when nobody disturbs it.
    let mut ways = Vec::new();
    for command in WAY {
        world.proxy().clear_log();
        world.hatoba(command).unwrap().expect_code(0).unwrap();
        let calls = world.proxy().calls();
        let first = calls.iter().position(|call| !reads(&call.action)).unwrap();
        ways.push((command, first, calls.len(), state(&world)));
    }
    let most = ways.iter().map(|(_, _, calls, _)| *calls).max().unwrap();
    let least = if full() { 0 } else { ways.iter().map(|(_, first, ..)| *first).min().unwrap() };
    let (mut tried, mut broken) = (0, Vec::new());
    for k in least + 1..=most {
        for phase in [Phase::Before, Phase::After] {
            for (n, (command, _, calls, goal)) in ways.iter().enumerate() {
                if k <= *calls {
                    world.proxy().clear_log();
                    let k = u64::try_from(k).unwrap();
                    let killed = world.hatoba_command(command).unwrap().kill_at(k, phase).run().unwrap();
                    tried += usize::from(killed.signal.is_some());
                    let plan = world.hatoba(&["plan", "--detailed-exitcode"]).unwrap();
                    // Whatever was reached, a plan does not take it for drift, but may wait for what is still stopping.
                    let calm = plan.code == Some(0) || plan.stdout.contains("0 to change");
                    if !calm {
                        broken.push(format!("{sort}, {command:?} ({n}), {phase:?} {k}: drift: {}", plan.stdout));
                    }
                }
                let run = world.hatoba(command).unwrap();
                let is = state(&world);
                if run.code != Some(0) || is != *goal {
                    broken.push(format!(
                        "{sort}, {command:?} ({n}), {phase:?} {k}: {run:?}\n{is:#}\ninstead of\n{goal:#}"
                    ));
                }
            }
        }
    }
    table.row(vec![kind.name().to_owned(), sort.to_owned(), tried.to_string(), broken.len().to_string()]);
    broken
}

#[test]
fn killed_anywhere_and_run_again_nothing_is_forgotten() {
    let mut table = Table::new(&["emulator", "service", "points tried", "broken"]);
    let mut broken = matrix(Kind::Ministack, "plain", &json!({}), &mut table);
    let both = json!({
        "schedule": { "start": "cron(0 9 ? * MON-FRI *)", "stop": "cron(0 18 ? * MON-FRI *)" },
        "autoscaling": { "min": 2, "max": 4, "cpu": 60 },
    });
    broken.extend(matrix(Kind::Ministack, "on schedule, by load", &both, &mut table));
    if full() {
        broken.extend(matrix(Kind::Moto, "plain", &json!({}), &mut table));
        broken.extend(matrix(Kind::Moto, "on schedule, by load", &both, &mut table));
    }
    println!("down and up, killed and run again:\n{table}");
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n\n"));
}
