//! `hatoba down`, `hatoba up`, schedules and autoscaling: what is stopped stays so, what was remembered comes back, and what a schedule or
//! load decides is nobody's drift.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::torture::inventory::Inventory;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::deploying;
use crate::helpers::{aws, nothing_is_left, nothing_to_do, run, run_json, said, says, write, writes};

/// The stack of the deploys, with more lines for its service.
pub(crate) fn file(more: Value) -> Value {
    let mut file = deploying::file("info");
    let service = file["services"]["papyrus"].as_object_mut().unwrap();
    service.extend(more.as_object().unwrap().clone());
    file
}

pub(crate) fn office() -> Value {
    json!({ "start": "cron(0 9 ? * MON-FRI *)", "stop": "cron(0 18 ? * MON-FRI *)", "timezone": "Asia/Tokyo" })
}

fn service(world: &World) -> Value {
    service_at(world, "papyrus", "papyrus")
}

fn service_at(world: &World, cluster: &str, name: &str) -> Value {
    let question = json!({ "cluster": cluster, "services": [name], "include": ["TAGS"] });
    aws(world, "ecs", "DescribeServices", &question).json().unwrap()["services"][0].clone()
}

/// How many copies should run.
pub(crate) fn count(world: &World) -> i64 {
    service(world)["desiredCount"].as_i64().unwrap()
}

/// What a tag of hatoba's says.
pub(crate) fn tag(world: &World, key: &str) -> Option<String> {
    tag_of(&service(world), key)
}

fn tag_of(service: &Value, key: &str) -> Option<String> {
    let tag = service["tags"].as_array()?.iter().find(|tag| tag["key"] == key)?;
    tag["value"].as_str().map(str::to_owned)
}

fn scaling(world: &World, action: &str, list: &str) -> Vec<Value> {
    let answer = aws(world, "application-autoscaling", action, &json!({ "ServiceNamespace": "ecs" })).json().unwrap();
    answer[list].as_array().unwrap().clone()
}

/// The bounds of the target, and whether its schedule is suspended.
fn target(world: &World) -> Option<(i64, i64, bool)> {
    let targets = scaling(world, "DescribeScalableTargets", "ScalableTargets");
    assert!(targets.len() < 2, "{targets:?}");
    let target = targets.first()?;
    let id = target["ResourceId"].as_str().unwrap_or_default();
    assert!(id.starts_with("service/papyrus/papyrus"), "{id}");
    let bound = |name: &str| target[name].as_i64().unwrap();
    let suspended = target["SuspendedState"]["ScheduledScalingSuspended"].as_bool().unwrap_or_default();
    Some((bound("MinCapacity"), bound("MaxCapacity"), suspended))
}

/// `name: schedule zone min-max` of each action.
pub(crate) fn actions(world: &World) -> Vec<String> {
    let shown = |action: &Value| {
        let text = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
        let to = &action["ScalableTargetAction"];
        let (name, schedule, zone) = (text("ScheduledActionName"), text("Schedule"), text("Timezone"));
        format!("{name}: {schedule} {zone} {}-{}", to["MinCapacity"], to["MaxCapacity"])
    };
    scaling(world, "DescribeScheduledActions", "ScheduledActions").iter().map(shown).collect()
}

/// Somebody, or Application Auto Scaling itself when an action's time has come, gives the target other bounds.
pub(crate) fn move_bounds(world: &World, min: i64, max: i64) {
    let bounds = json!({
        "ServiceNamespace": "ecs", "ResourceId": "service/papyrus/papyrus", "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": min, "MaxCapacity": max,
    });
    aws(world, "application-autoscaling", "RegisterScalableTarget", &bounds);
}

pub(crate) fn set_count(world: &World, count: i64) {
    aws(world, "ecs", "UpdateService", &json!({ "cluster": "papyrus", "service": "papyrus", "desiredCount": count }));
}

fn what_is_down_stays_down_until_it_is_up_again(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file(json!({ "desired_count": 2 })));
    says(&run(&world, &["down", "papyrus"], 1), &["the service `papyrus` does not exist", "hatoba apply"]);
    // Nothing was stopped, so nothing is said of what it costs.
    let early = run(&world, &["down"], 0);
    says(&early, &["the service `papyrus` does not exist", "There is no service to change."]);
    assert!(!said(&early).contains("cost"), "{early:?}");
    run(&world, &["apply", "--yes"], 0);
    says(&run(&world, &["up"], 0), &["Nothing to do: 1 service is not stopped."]);

    let calls = |document: &Value| document["plan"]["steps"][0]["calls"].clone();
    let down = run_json(&world, &["down"], 0);
    assert_eq!(calls(&down), json!(["UpdateService"]));
    assert_eq!(down["plan"]["steps"][0]["changes"][0]["call"], "UpdateService");
    assert_eq!(calls(&run_json(&world, &["up"], 0)), json!(["UpdateService"]));
    let sent = writes(&world);
    assert!(!sent.iter().any(|call| call.contains("ScalableTarget")), "{sent:?}");
    let down = run(&world, &["down"], 0);
    says(
        &down,
        &[
            "~ service.papyrus",
            "running true → false",
            "✓ service.papyrus",
            "What was stopped costs nothing any more, neither tasks nor public addresses. What goes on costing: the images in the repository; one-off tasks of `hatoba run` until they end.",
        ],
    );
    assert_eq!((count(&world), tag(&world, "hatoba:down")), (0, Some("count=2".to_owned())));
    says(
        &run(&world, &["plan", "--detailed-exitcode"], 0),
        &["= service.papyrus: stopped by `hatoba down`; `hatoba up` starts it again", "No changes."],
    );

    // Once more changes nothing, and forgets nothing.
    world.proxy().clear_log();
    says(&run(&world, &["down", "papyrus"], 0), &["Nothing to do: 1 service is stopped."]);
    assert_eq!(writes(&world), Vec::<String>::new());
    // What the file says holds once it is up.
    write(&world, &file(json!({ "desired_count": 2, "minimum_percent": 50 })));
    run(&world, &["apply", "--yes"], 0);
    let digest = deploying::push(&world, "v1", "arm64");
    let deployed = run(&world, &["deploy", "--image", "app=v1"], 0);
    if kind == Kind::Ministack {
        // moto tells of as many tasks of a deployment as it began with.
        says(&deployed, &["papyrus:2 is set; the service is stopped, so nothing was tried: `hatoba up` starts it"]);
    }
    assert!(deploying::running(&world).ends_with(&digest));
    assert_eq!((count(&world), tag(&world, "hatoba:down")), (0, Some("count=2".to_owned())));
    nothing_to_do(&world);

    says(&run(&world, &["up"], 0), &["running false → true", "copies = 2"]);
    assert_eq!((count(&world), tag(&world, "hatoba:down")), (2, None));
    assert!(deploying::running(&world).ends_with(&digest));
    nothing_to_do(&world);
    let again = run_json(&world, &["up", "papyrus"], 0);
    assert_eq!((&again["plan"]["steps"], &again["outcome"]), (&json!([]), &Value::Null));
}

fn up_for_a_while_ends_by_itself(kind: Kind) {
    let world = World::new(kind).unwrap();
    write(&world, &file(json!({})));
    run(&world, &["apply", "--yes"], 0);
    run(&world, &["down"], 0);
    says(&run(&world, &["up", "--for", "2h"], 0), &["running false → \"until 20", "UTC: then they are stopped"]);
    let (runs, until) = (count(&world), actions(&world));
    assert_eq!((runs, target(&world)), (1, Some((1, 1, false))));
    assert!(
        until.len() == 1 && until[0].starts_with("hatoba-until: at(20") && until[0].ends_with(" UTC 0-0"),
        "{until:?}"
    );
    says(&run(&world, &["plan", "--detailed-exitcode"], 0), &["runs until 20", "No changes."]);

    // Its time has come.
    move_bounds(&world, 0, 0);
    assert_eq!(count(&world), 0);
    says(
        &run(&world, &["plan", "--detailed-exitcode"], 0),
        &["stopped at the end of `hatoba up --for`", "No changes."],
    );
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(count(&world), 0);
    run(&world, &["up"], 0);
    assert_eq!((count(&world), target(&world), tag(&world, "hatoba:down")), (1, None, None));
    nothing_to_do(&world);

    // What runs is given an end, and another one.
    run(&world, &["up", "--for", "1h"], 0);
    run(&world, &["up", "--for", "3h"], 0);
    assert_eq!((count(&world), actions(&world).len()), (1, 1));
    run(&world, &["down"], 0);
    assert_eq!((count(&world), target(&world), tag(&world, "hatoba:down")), (0, None, Some("count=1".to_owned())));
    run(&world, &["up"], 0);
    assert_eq!(count(&world), 1);
}

fn a_schedule_becomes_exactly_its_actions(kind: Kind) {
    let world = World::new(kind).unwrap();
    let before = Inventory::of(&world).unwrap();
    write(&world, &file(json!({ "schedule": office() })));
    says(&run(&world, &["plan"], 0), &["schedule", "runs = \"45 h of 168 h a week\""]);
    run(&world, &["apply", "--yes"], 0);
    let start = "hatoba-start: cron(0 9 ? * MON-FRI *) Asia/Tokyo 1-1";
    let stop = "hatoba-stop: cron(0 18 ? * MON-FRI *) Asia/Tokyo 0-0";
    assert_eq!(actions(&world), [start, stop]);
    assert_eq!(
        (count(&world), target(&world), tag(&world, "hatoba:scaling")),
        (1, Some((1, 1, false)), Some("1".into()))
    );
    nothing_to_do(&world);
    // In the evening.
    move_bounds(&world, 0, 0);
    says(
        &run(&world, &["plan", "--detailed-exitcode"], 0),
        &["stopped on schedule until its next start", "No changes."],
    );

    write(&world, &file(json!({ "schedule": { "stop": "cron(30 19 ? * MON-FRI *)", "timezone": "Asia/Tokyo" } })));
    says(&run(&world, &["plan"], 0), &["schedule.stop \"cron(0 18 ? * MON-FRI *)\" → \"cron(30 19 ? * MON-FRI *)\""]);
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(actions(&world), ["hatoba-stop: cron(30 19 ? * MON-FRI *) Asia/Tokyo 0-0"]);
    assert_eq!(count(&world), 0);
    nothing_to_do(&world);

    // Somebody else's action stays, and the target with it.
    let lunch = json!({
        "ServiceNamespace": "ecs", "ResourceId": "service/papyrus/papyrus", "ScalableDimension": "ecs:service:DesiredCount",
        "ScheduledActionName": "lunch", "Schedule": "rate(1 day)", "ScalableTargetAction": { "MaxCapacity": 3 },
    });
    aws(&world, "application-autoscaling", "PutScheduledAction", &lunch);
    write(&world, &file(json!({ "desired_count": 1 })));
    says(&run(&world, &["apply", "--yes"], 0), &["its scaling also has lunch, not by hatoba: left alone"]);
    assert_eq!((actions(&world).len(), count(&world), tag(&world, "hatoba:scaling")), (1, 1, None));
    nothing_to_do(&world);
    let scope = json!({ "ServiceNamespace": "ecs", "ResourceId": "service/papyrus/papyrus", "ScalableDimension": "ecs:service:DesiredCount" });
    aws(&world, "application-autoscaling", "DeregisterScalableTarget", &scope);

    write(&world, &file(json!({ "schedule": office() })));
    run(&world, &["apply", "--yes"], 0);
    run(&world, &["destroy", "--yes"], 0);
    nothing_is_left(&world, &before);
}

fn load_decides_and_nobody_fights_over_the_count(kind: Kind) {
    let world = World::new(kind).unwrap();
    let auto =
        |max: u32| json!({ "desired_count": 1, "autoscaling": { "min": 1, "max": max, "cpu": 60, "memory": 70 } });
    write(&world, &file(auto(4)));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(target(&world), Some((1, 4, false)));
    let policies = scaling(&world, "DescribeScalingPolicies", "ScalingPolicies");
    assert_eq!(policies.len(), 2);
    assert_eq!(policies[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"], 60.0);
    // There is much to do.
    set_count(&world, 3);
    nothing_to_do(&world);
    write(&world, &file(auto(6)));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!((count(&world), target(&world)), (3, Some((1, 6, false))));

    let down = run_json(&world, &["down"], 0);
    assert_eq!(down["plan"]["steps"][0]["calls"], json!(["RegisterScalableTarget", "UpdateService"]));
    assert_eq!((count(&world), target(&world)), (0, Some((0, 0, true))));
    assert_eq!(tag(&world, "hatoba:down").as_deref(), Some("count=3 min=1 max=6"));
    nothing_to_do(&world);
    // What changes in the file while it is down holds from then on.
    write(&world, &file(auto(5)));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!((count(&world), target(&world)), (0, Some((0, 0, true))));
    run(&world, &["up"], 0);
    assert_eq!((count(&world), target(&world)), (3, Some((1, 5, false))));
    nothing_to_do(&world);
    write(&world, &file(json!({ "desired_count": 1 })));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!((count(&world), target(&world)), (1, None));
    nothing_to_do(&world);
}

fn what_is_on_schedule_is_kept_from_starting_and_goes_from_a_stopped_state(kind: Kind) {
    let world = World::new(kind).unwrap();
    let before = Inventory::of(&world).unwrap();
    write(&world, &file(json!({ "schedule": office() })));
    run(&world, &["apply", "--yes"], 0);
    move_bounds(&world, 0, 0);
    // It is evening, and it is wanted all the same.
    run(&world, &["up", "--for", "90m"], 0);
    assert_eq!((count(&world), actions(&world).len(), target(&world)), (1, 3, Some((1, 1, false))));
    assert_eq!(tag(&world, "hatoba:down"), None);
    says(&run(&world, &["plan", "--detailed-exitcode"], 0), &["runs until 20"]);
    run(&world, &["down"], 0);
    assert_eq!((count(&world), actions(&world).len(), target(&world)), (0, 2, Some((0, 0, true))));
    nothing_to_do(&world);
    run(&world, &["destroy", "--yes"], 0);
    nothing_is_left(&world, &before);
}

fn what_replaces_a_stopped_service_begins_stopped(kind: Kind) {
    let world = World::new(kind).unwrap();
    let wanted = |more: Value| {
        let mut file = file(more);
        file["clusters"]["quay"] = json!({});
        file
    };
    let auto = json!({ "min": 1, "max": 4, "cpu": 60 });
    write(&world, &wanted(json!({ "desired_count": 2, "autoscaling": auto, "schedule": office() })));
    run(&world, &["apply", "--yes"], 0);
    set_count(&world, 3);
    run(&world, &["down"], 0);
    let memory = "count=3 min=1 max=4";
    assert_eq!(tag(&world, "hatoba:down").as_deref(), Some(memory));

    // Another name: another service, and nothing of it runs.
    let renamed = json!({ "name": "papyrus-web", "desired_count": 2, "autoscaling": auto, "schedule": office() });
    write(&world, &wanted(renamed));
    says(
        &run(&world, &["plan"], 0),
        &["+ service.papyrus named papyrus-web", "running = false", "begins stopped, as `hatoba down` left"],
    );
    run(&world, &["apply", "--yes"], 0);
    let new = service_at(&world, "papyrus", "papyrus-web");
    assert_eq!((&new["desiredCount"], tag_of(&new, "hatoba:down").as_deref()), (&json!(0), Some(memory)));
    assert_eq!(target(&world), Some((0, 0, true)));
    says(&run(&world, &["plan", "--detailed-exitcode"], 0), &["stopped by `hatoba down`", "No changes."]);
    run(&world, &["up"], 0);
    assert_eq!(service_at(&world, "papyrus", "papyrus-web")["desiredCount"], 3);
    assert_eq!(target(&world), Some((1, 4, false)));
    nothing_to_do(&world);

    // Another cluster, which cannot be changed in place. What runs goes on running.
    write(&world, &wanted(json!({ "desired_count": 2 })));
    run(&world, &["apply", "--yes"], 0);
    assert_eq!(count(&world), 2);
    run(&world, &["down"], 0);
    write(&world, &wanted(json!({ "desired_count": 2, "cluster": "quay" })));
    run(&world, &["apply", "--yes"], 0);
    let new = service_at(&world, "quay", "papyrus");
    assert_eq!((&new["desiredCount"], tag_of(&new, "hatoba:down").as_deref()), (&json!(0), Some("count=2")));
    assert_eq!(new["status"], "ACTIVE");
    nothing_to_do(&world);
    run(&world, &["up"], 0);
    let new = service_at(&world, "quay", "papyrus");
    assert_eq!((&new["desiredCount"], tag_of(&new, "hatoba:down")), (&json!(2), None));
    nothing_to_do(&world);
}

on_both!(
    what_replaces_a_stopped_service_begins_stopped,
    what_is_down_stays_down_until_it_is_up_again,
    up_for_a_while_ends_by_itself,
    a_schedule_becomes_exactly_its_actions,
    load_decides_and_nobody_fights_over_the_count,
    what_is_on_schedule_is_kept_from_starting_and_goes_from_a_stopped_state,
);
