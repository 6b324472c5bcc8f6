//! Clusters and services that take their time to come and to go.

use std::time::Duration;

use hatoba_tests::plays::slow::clusters::Provisioning;
use hatoba_tests::plays::slow::draining::{Draining, Times};
use hatoba_tests::plays::slow::lag::Lag;
use hatoba_tests::world::World;
use serde_json::json;

use crate::helpers::{
    LAG, apply, aws, destroy, done, nothing_to_destroy, nothing_to_do, run, said, says, site, world, write,
};

const NO_TIME: Duration = Duration::ZERO;

/// The services that are active, by name.
fn active(world: &World) -> Vec<String> {
    let answer = aws(world, "ecs", "DescribeServices", &json!({ "cluster": "papyrus", "services": ["web"] }));
    let answer = answer.json().unwrap();
    let services = answer["services"].as_array().unwrap().iter().filter(|service| service["status"] == "ACTIVE");
    services.map(|service| service["serviceName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cluster_is_provisioning_first_and_inactive_for_ever_after() {
    let (world, play) = world(Provisioning::new(LAG));
    write(&world, &site());
    let first = apply(&world);
    assert!(play.shown() > 0);
    assert_eq!(play.refused(), 0, "nothing uses a cluster that is not ready: {}", said(&first));
    says(&first, &["resource=cluster.papyrus", "its capacity providers are being set up"]);
    assert_eq!((done(&world, "ecs:CreateCluster"), done(&world, "ecs:CreateService")), (1, 1));
    nothing_to_do(&world);

    // A change of its providers takes time again.
    let mut one = site();
    one["clusters"]["papyrus"]["capacity_providers"] = json!(["FARGATE"]);
    write(&world, &one);
    let shown = play.shown();
    apply(&world);
    assert!(play.shown() > shown);
    assert_eq!(done(&world, "ecs:PutClusterCapacityProviders"), 1);
    nothing_to_do(&world);

    destroy(&world);
    assert!(play.inactive() > 0);
    says(&run(&world, &["plan", "--detailed-exitcode"], 2), &["+ cluster.papyrus"]);
    apply(&world);
    nothing_to_do(&world);
}

#[test]
fn a_plan_made_while_a_cluster_is_provisioning_waits_for_it() {
    let (world, play) = world(Provisioning::new(LAG));
    let mut first = site();
    first["services"] = json!({});
    first["task_definitions"] = json!({});
    write(&world, &first);
    apply(&world);
    // Somebody changes it, and the next run comes too early.
    let providers = json!({ "cluster": "papyrus", "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [] });
    aws(&world, "ecs", "PutClusterCapacityProviders", &providers);
    write(&world, &site());
    apply(&world);
    assert_eq!((done(&world, "ecs:CreateCluster"), done(&world, "ecs:CreateService")), (0, 1));
    assert!(play.shown() > 0);
    nothing_to_do(&world);
}

#[test]
fn a_new_cluster_is_not_found_and_its_providers_are_not_associated() {
    for play in [Lag::clusters_are_not_found(LAG), Lag::capacity_providers_are_not_associated(LAG)] {
        let (world, play) = world(play);
        let mut file = site();
        file["services"]["web"]["capacity"] = json!([{ "provider": "FARGATE_SPOT", "weight": 1 }]);
        write(&world, &file);
        let run = apply(&world);
        assert!(play.refused() > 0);
        says(&run, &["trying again resource=service.web"]);
        assert_eq!((done(&world, "ecs:CreateCluster"), done(&world, "ecs:CreateService")), (1, 1));
        nothing_to_do(&world);
        destroy(&world);
    }
}

#[test]
fn a_deleted_service_drains_and_is_listed_as_inactive_for_ever_after() {
    let (world, play) = world(Draining::new(Times { drains: LAG, in_use: LAG, interfaces: NO_TIME }));
    write(&world, &site());
    apply(&world);
    nothing_to_do(&world);
    let run = destroy(&world);
    says(&run, &["resource=service.web", "draining, 1 task still running"]);
    assert_eq!(play.clusters_refused(), 0, "the cluster waits for its services: {}", said(&run));
    assert_eq!(done(&world, "ecs:DeleteService"), 1);

    // What is left of it is nothing to a file that does not want it, nor to one that does.
    let mut without = site();
    without["services"] = json!({});
    write(&world, &without);
    apply(&world);
    nothing_to_do(&world);
    write(&world, &site());
    apply(&world);
    assert_eq!((done(&world, "ecs:CreateService"), active(&world)), (1, vec!["web".to_owned()]));
    nothing_to_do(&world);

    write(&world, &without);
    let shown = play.shown();
    apply(&world);
    assert!(play.shown() > shown);
    nothing_to_do(&world);
    destroy(&world);
    nothing_to_destroy(&world);
}

#[test]
fn a_service_that_drains_is_waited_for_before_it_is_made_anew() {
    let (world, _play) = world(Draining::new(Times { drains: LAG, in_use: LAG, interfaces: NO_TIME }));
    write(&world, &site());
    apply(&world);
    aws(&world, "ecs", "DeleteService", &json!({ "cluster": "papyrus", "service": "web", "force": true }));
    let run = apply(&world);
    says(&run, &["draining, 1 task still running"]);
    assert_eq!((done(&world, "ecs:CreateService"), active(&world)), (1, vec!["web".to_owned()]));
    nothing_to_do(&world);
}

#[test]
fn a_name_is_taken_for_a_while_after_it_was_deleted() {
    // What is shown is ahead of what can be done.
    let (world, play) = world(Draining::new(Times { drains: NO_TIME, in_use: LAG, interfaces: NO_TIME }));
    write(&world, &site());
    apply(&world);
    aws(&world, "ecs", "DeleteService", &json!({ "cluster": "papyrus", "service": "web", "force": true }));
    let run = apply(&world);
    assert!(play.names_refused() > 0);
    says(&run, &["trying again resource=service.web", "still Draining"]);
    assert_eq!((done(&world, "ecs:CreateService"), active(&world)), (1, vec!["web".to_owned()]));
    nothing_to_do(&world);
    let destroyed = destroy(&world);
    assert!(play.clusters_refused() > 0, "{}", said(&destroyed));
    says(&destroyed, &["trying again resource=cluster.papyrus", "ClusterContainsServicesException"]);
}

#[test]
fn a_capacity_provider_is_in_use_until_its_last_service_has_drained() {
    let (world, play) = world(Draining::new(Times { drains: NO_TIME, in_use: LAG, interfaces: NO_TIME }));
    let mut file = site();
    file["services"]["web"]["capacity"] = json!([{ "provider": "FARGATE_SPOT", "weight": 1 }]);
    write(&world, &file);
    apply(&world);
    nothing_to_do(&world);
    // The service goes, and with it the provider.
    file["clusters"]["papyrus"]["capacity_providers"] = json!(["FARGATE"]);
    file["services"] = json!({});
    file["task_definitions"] = json!({});
    write(&world, &file);
    let run = apply(&world);
    assert!(play.providers_refused() > 0, "{}", said(&run));
    says(&run, &["trying again resource=cluster.papyrus", "capacity provider is in use and cannot be removed"]);
    assert_eq!(done(&world, "ecs:PutClusterCapacityProviders"), 1);
    nothing_to_do(&world);
    destroy(&world);
}

#[test]
fn a_capacity_provider_is_given_up_by_a_service_before_its_cluster_loses_it() {
    let (world, _play) = world(Draining::new(Times { drains: NO_TIME, in_use: LAG, interfaces: NO_TIME }));
    let mut file = site();
    file["services"]["web"]["capacity"] = json!([{ "provider": "FARGATE_SPOT", "weight": 1 }]);
    write(&world, &file);
    apply(&world);
    file["clusters"]["papyrus"]["capacity_providers"] = json!(["FARGATE"]);
    file["services"]["web"]["capacity"] = json!([{ "provider": "FARGATE", "weight": 1 }]);
    write(&world, &file);
    apply(&world);
    assert_eq!((done(&world, "ecs:PutClusterCapacityProviders"), done(&world, "ecs:UpdateService")), (1, 1));
    nothing_to_do(&world);
}

/// Without a terminal nothing is said for ten seconds; then what is waited for.
#[test]
fn a_long_drain_is_told_without_a_terminal() {
    let long = LAG * 8;
    let (world, _play) = world(Draining::new(Times { drains: long, in_use: long, interfaces: NO_TIME }));
    write(&world, &site());
    apply(&world);
    let run = run(&world, &["destroy", "--yes"], 0);
    says(&run, &["… service.web: waiting: draining, 1 task still running ("]);
}
