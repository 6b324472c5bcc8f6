//! How many copies run after `down`, `up` and `up --for` where the file has another number since, or none, and what they cost.

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::helpers::{nothing_to_do, run, run_json, says, write, writes};
use crate::power::{actions, count, file, move_bounds, office, set_count, tag};

fn applied(kind: Kind, more: Value) -> World {
    let world = World::new(kind).unwrap();
    write(&world, &file(more));
    run(&world, &["apply", "--yes", "--no-wait"], 0);
    world
}

fn what_the_file_says_meanwhile_is_what_up_starts(kind: Kind) {
    let world = applied(kind, json!({ "desired_count": 3 }));
    run(&world, &["down"], 0);
    write(&world, &file(json!({ "desired_count": 1 })));
    nothing_to_do(&world);
    says(&run(&world, &["up"], 0), &["copies = 1"]);
    assert_eq!((count(&world), tag(&world, "hatoba:down")), (1, None));
    nothing_to_do(&world);
}

fn what_runs_for_a_while_follows_the_file(kind: Kind) {
    let world = applied(kind, json!({ "desired_count": 3 }));
    run(&world, &["up", "--for", "2h"], 0);
    nothing_to_do(&world);
    write(&world, &file(json!({ "desired_count": 1 })));
    says(&run(&world, &["apply", "--yes", "--no-wait"], 0), &["desired_count 3 → 1", "Cost: about $32.58 → $10.86"]);
    assert_eq!((count(&world), actions(&world).len()), (1, 1));
    nothing_to_do(&world);
    run(&world, &["down"], 0);
    run(&world, &["up"], 0);
    assert_eq!((count(&world), actions(&world).len()), (1, 0));
    nothing_to_do(&world);
}

fn a_number_that_the_file_leaves_open_is_remembered_and_paid_for(kind: Kind) {
    let world = applied(kind, json!({}));
    set_count(&world, 3);
    let mut limited = file(json!({}));
    limited["budget"] = json!({ "max_monthly": 20 });
    let limited_plan = |code: i32| {
        write(&world, &limited);
        run(&world, &["plan"], code);
        write(&world, &file(json!({})));
    };
    let costs = |text: &str| says(&run(&world, &["plan"], 0), &["No changes.", text]);
    costs("Cost: about $32.58 a month");
    limited_plan(6);
    run(&world, &["up", "--for", "2h"], 0);
    costs("Cost: about $32.58 a month");
    limited_plan(6);
    run(&world, &["down"], 0);
    assert_eq!(count(&world), 0);
    // What is stopped counts as if it ran.
    limited_plan(6);
    says(&run(&world, &["up"], 0), &["copies = 3"]);
    assert_eq!(count(&world), 3);
    costs("Cost: about $32.58 a month");
}

fn up_says_the_number_that_it_starts(kind: Kind) {
    let by_load = |min: i64| json!({ "autoscaling": { "min": min, "max": 6, "cpu": 60 } });
    let world = applied(kind, by_load(1));
    run(&world, &["down"], 0);
    write(&world, &file(by_load(2)));
    run(&world, &["apply", "--yes"], 0);
    says(&run(&world, &["up"], 0), &["copies = 2"]);
    assert_eq!(count(&world), 2);
    nothing_to_do(&world);
}

fn what_the_file_lets_rest_is_not_stopped(kind: Kind) {
    let world = applied(kind, json!({ "desired_count": 0 }));
    world.proxy().clear_log();
    says(&run(&world, &["down"], 0), &["Nothing to do: 1 service is stopped."]);
    assert_eq!((writes(&world), tag(&world, "hatoba:down")), (Vec::new(), None));
    write(&world, &file(json!({ "desired_count": 1 })));
    run(&world, &["apply", "--yes", "--no-wait"], 0);
    assert_eq!(count(&world), 1);
}

fn a_schedule_that_came_during_an_up_for_a_while_goes_on_after_it(kind: Kind) {
    let world = applied(kind, json!({ "desired_count": 1 }));
    run(&world, &["down"], 0);
    run(&world, &["up", "--for", "2h"], 0);
    write(&world, &file(json!({ "desired_count": 1, "schedule": office() })));
    run(&world, &["apply", "--yes", "--no-wait"], 0);
    assert_eq!((tag(&world, "hatoba:down"), actions(&world).len()), (None, 3));
    says(&run(&world, &["plan", "--detailed-exitcode"], 0), &["runs until 20", "No changes."]);
    // The end comes, and goes with itself.
    move_bounds(&world, 0, 0);
    set_count(&world, 0);
    let action = json!({
        "ServiceNamespace": "ecs", "ResourceId": "service/papyrus/papyrus", "ScalableDimension": "ecs:service:DesiredCount",
        "ScheduledActionName": "hatoba-until",
    });
    world.aws("application-autoscaling", "DeleteScheduledAction", &action).unwrap();
    says(
        &run(&world, &["plan", "--detailed-exitcode"], 0),
        &["stopped on schedule until its next start", "No changes."],
    );
    // So does the start.
    move_bounds(&world, 1, 1);
    set_count(&world, 1);
    nothing_to_do(&world);
    // Without a schedule the file's number holds.
    write(&world, &file(json!({ "desired_count": 2 })));
    run(&world, &["apply", "--yes", "--no-wait"], 0);
    assert_eq!((count(&world), actions(&world).len()), (2, 0));
    nothing_to_do(&world);
}

fn what_is_let_go_of_is_not_left_stopped(kind: Kind) {
    let world = applied(kind, json!({ "desired_count": 2, "retain": true, "schedule": office() }));
    run(&world, &["down"], 0);
    let refused = run(&world, &["destroy", "--yes"], 6);
    says(
        &refused,
        &["service.papyrus: is let go of, but `hatoba down` holds it stopped", "run `hatoba up papyrus` first"],
    );
    assert_eq!(tag(&world, "hatoba:down").as_deref(), Some("count=2 min=2 max=2"));
    // Where the file wants none, none is missing.
    write(&world, &file(json!({ "desired_count": 0, "retain": true })));
    says(&run(&world, &["plan", "--destroy"], 0), &["it stays, without hatoba's tags"]);
    write(&world, &file(json!({ "desired_count": 2, "retain": true, "schedule": office() })));
    // What takes its place remembers for it.
    write(&world, &file(json!({ "desired_count": 2, "retain": true, "name": "other" })));
    says(&run(&world, &["plan"], 0), &["begins stopped, as `hatoba down` left the one that it replaces"]);
    write(&world, &file(json!({ "desired_count": 2, "retain": true, "schedule": office() })));
    run(&world, &["up", "--for", "2h"], 0);
    run(&world, &["up"], 0);
    let before = run_json(&world, &["plan", "--destroy"], 0);
    assert_eq!(before["cost"]["before"], before["cost"]["after"], "{before:#}");
    let gone = run(&world, &["destroy", "--yes"], 0);
    says(&gone, &["it stays, without hatoba's tags, with its schedule and its autoscaling", "may cost money"]);
    assert_eq!((count(&world), tag(&world, "hatoba:down"), actions(&world).len()), (2, None, 2));
}

on_both!(
    what_the_file_says_meanwhile_is_what_up_starts,
    what_runs_for_a_while_follows_the_file,
    a_number_that_the_file_leaves_open_is_remembered_and_paid_for,
    up_says_the_number_that_it_starts,
    what_the_file_lets_rest_is_not_stopped,
    a_schedule_that_came_during_an_up_for_a_while_goes_on_after_it,
    what_is_let_go_of_is_not_left_stopped,
);
