//! A destroy with everything in its way at once: images, running tasks, a schedule, what was retained and adopted; and the next apply while
//! the old service still drains.

use std::sync::Arc;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::on_both;
use hatoba_tests::plays::slow::draining::{Draining, Times};
use hatoba_tests::proxy::Phase;
use hatoba_tests::world::World;
use serde_json::{Value, json};

use crate::destroying::{push, repository_tags};
use crate::helpers::{Tags, aws, mark, nothing_to_do, run, says, tags_in, write, writes};
use crate::stack::whole;

/// How long an old service drains: longer than the destroy and the apply after it take to get there.
const DRAINS: Duration = Duration::from_secs(6);

/// The whole stack in somebody else's cluster, so that no cluster waits for its services, with a schedule, a repository that keeps its images
/// and one that does not, a log group that is retained, and a user that is adopted.
fn file() -> Value {
    let mut file = whole();
    file["clusters"]["papyrus"] = json!({ "existing": true });
    file["users"] = json!({ "papyrus-ci": { "adopt": true } });
    file["log_groups"]["/audit"] = json!({ "retain": true, "adopt": true });
    file["repositories"] = json!({ "acme/papyrus": { "on_destroy": "empty" }, "acme/base": { "on_destroy": "keep" } });
    let office = json!({ "start": "cron(0 9 ? * MON-FRI *)", "stop": "cron(0 18 ? * MON-FRI *)", "count": 1 });
    file["services"]["papyrus"]["schedule"] = office;
    file["services"]["papyrus"].as_object_mut().unwrap().remove("desired_count");
    file
}

fn actions(world: &World) -> usize {
    let question = json!({ "ServiceNamespace": "ecs" });
    let answer = aws(world, "application-autoscaling", "DescribeScheduledActions", &question).json().unwrap();
    answer["ScheduledActions"].as_array().unwrap().len()
}

fn everything_in_the_way_at_once(kind: Kind) {
    let world = World::new(kind).unwrap();
    let times = Times { drains: DRAINS, in_use: DRAINS, interfaces: DRAINS };
    world.proxy().add_play(Arc::new(Draining::new(times)) as _);
    aws(&world, "ecs", "CreateCluster", &json!({ "clusterName": "papyrus" }));
    aws(&world, "iam", "CreateUser", &json!({ "UserName": "papyrus-ci" }));
    write(&world, &file());
    run(&world, &["apply", "--yes"], 0);
    push(&world, "acme/papyrus");
    push(&world, "acme/base");
    assert_eq!(actions(&world), 2);
    nothing_to_do(&world);

    let stays = [
        "cluster.papyrus: used, never touched (`existing: true`)",
        "repository.acme/base: kept: it holds 1 image; `on_destroy: empty` would delete them with it",
    ];
    let preview = [
        "< log_group./audit let go of `retain: true`: it stays, without hatoba's tags",
        "- repository.acme/papyrus delete deletes what is in it, too: 1 image",
        "- service.papyrus delete stops 1 task its schedule and its autoscaling go with it",
        "< user.papyrus-ci let go of hatoba took it over and did not create it: it stays, without hatoba's tags",
        "Plan: 0 to add, 0 to change, 0 to replace, 10 to delete, 2 to let go of.",
    ];
    let plan = run(&world, &["plan", "--destroy"], 0);
    says(&plan, &preview);
    says(&plan, &stays);

    let destroyed = run(&world, &["destroy", "--yes"], 0);
    says(&destroyed, &preview);
    let left = [
        "✓ Looked again, by name and by mark: nothing of papyrus is left but what stays on purpose:",
        stays[0],
        "log_group./audit: let go of: `retain: true`; may cost money: stores what was logged",
        stays[1],
        "may cost money: stores 1 image user.papyrus-ci: let go of: hatoba took it over and did not create it",
        "2 of these can still cost money.",
    ];
    says(&destroyed, &[&left.join(" ").replace("them with it may", "them with it; may")]);
    says(&destroyed, &["Saved: $3.39 a month"]);
    assert_eq!(actions(&world), 0);
    let mut kept = mark("papyrus", "repository.acme/base", "created");
    kept.insert("project".to_owned(), "portfolio".to_owned());
    assert_eq!((repository_tags(&world, "acme/papyrus"), repository_tags(&world, "acme/base")), (None, Some(kept)));
    let user = aws(&world, "iam", "ListUserTags", &json!({ "UserName": "papyrus-ci" }));
    assert_eq!(tags_in(&user), Tags::from([("project".to_owned(), "portfolio".to_owned())]));

    run(&world, &["apply", "--yes"], 0);
    nothing_to_do(&world);
    assert_eq!(actions(&world), 2);
}

/// A destroy that is cut short while the service drains, and then an apply: the name is taken until the old service is gone.
fn an_apply_while_the_old_service_drains(kind: Kind) {
    let world = World::new(kind).unwrap();
    let draining = Arc::new(Draining::new(Times { drains: DRAINS, in_use: DRAINS, interfaces: DRAINS }));
    world.proxy().add_play(Arc::clone(&draining) as _);
    write(&world, &whole());
    run(&world, &["apply", "--yes"], 0);

    // After the reads, and after what needs to wait for nothing: now it waits for the service.
    world.proxy().clear_log();
    run(&world, &["plan", "--destroy"], 0);
    let reads = u64::try_from(world.proxy().calls().len()).unwrap();
    let killed = world.hatoba_command(&["destroy", "--yes"]).unwrap().kill_at(reads + 10, Phase::After).run().unwrap();
    assert_eq!(killed.code, None, "{killed:?}");
    assert!(writes(&world).contains(&"ecs:DeleteService".to_owned()), "{:?}", writes(&world));
    says(&run(&world, &["plan"], 0), &["service.papyrus"]);
    let applied = run(&world, &["apply", "--yes", "-v"], 0);
    says(&applied, &["draining, 1 task still running"]);
    assert_eq!(draining.names_refused(), 0, "it waits instead of trying: {applied:?}");
    nothing_to_do(&world);
    run(&world, &["destroy", "--yes"], 0);
}

on_both!(everything_in_the_way_at_once, an_apply_while_the_old_service_drains);
