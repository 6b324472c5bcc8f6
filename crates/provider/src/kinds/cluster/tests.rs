#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use aws_sdk_ecs::types::ClusterServiceConnectDefaults;
use hatoba_engine::diff::differences;
use hatoba_model::address::Address;
use hatoba_model::stack::Stack;
use serde_json::{Value as Json, json};

use super::*;

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn desired(spec: Json) -> Desired {
    let stack = json!({
        "stack": "papyrus", "region": "us-west-2", "clusters": { "papyrus": spec }, "log_groups": { "/ecs/exec": {} },
    });
    let stack: Stack = serde_json::from_value(stack).unwrap();
    Cluster.desired(&Desire { stack: &stack, facts: &facts() }, "papyrus").unwrap()
}

fn changed(spec: Json, cluster: ApiCluster) -> Vec<String> {
    let live = Cluster::live(&cluster, &facts()).unwrap();
    differences(&INFO, &desired(spec).fields, &live.fields).into_iter().map(|change| change.path).collect()
}

fn disabled() -> ClusterSetting {
    ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value("disabled").build()
}

#[test]
fn what_the_server_fills_in_is_no_difference() {
    let exec = ExecuteCommandConfiguration::builder().logging(ExecuteCommandLogging::Default).build();
    let filled = ApiCluster::builder()
        .cluster_name("papyrus")
        .status("ACTIVE")
        .settings(disabled())
        .configuration(ClusterConfiguration::builder().execute_command_configuration(exec).build())
        .service_connect_defaults(ClusterServiceConnectDefaults::builder().namespace("").build());
    assert_eq!(changed(json!({}), filled.clone().build()), Vec::<String>::new());
    assert_eq!(
        changed(json!({ "execute_command": { "logging": "default" } }), filled.clone().build()),
        Vec::<String>::new()
    );
    assert_eq!(changed(json!({ "container_insights": "enhanced" }), filled.build()), ["container_insights"]);
}

#[test]
fn neither_the_order_nor_an_unstated_number_of_a_strategy_counts() {
    let item = |provider: &str, weight| {
        CapacityProviderStrategyItem::builder().capacity_provider(provider).weight(weight).build().unwrap()
    };
    let live = || {
        ApiCluster::builder()
            .cluster_name("papyrus")
            .capacity_providers("FARGATE_SPOT")
            .capacity_providers("FARGATE")
            .default_capacity_provider_strategy(item("FARGATE_SPOT", 3))
            .default_capacity_provider_strategy(item("FARGATE", 1))
            .build()
    };
    let spec = |weight: u32| {
        json!({
            "capacity_providers": ["FARGATE", "FARGATE_SPOT"],
            "default_capacity": [{ "provider": "FARGATE", "weight": 1 }, { "provider": "FARGATE_SPOT", "weight": weight, "base": 0 }],
        })
    };
    assert_eq!(changed(spec(3), live()), Vec::<String>::new());
    assert_eq!(changed(spec(2), live()), ["default_capacity.FARGATE_SPOT.weight"]);
    assert_eq!(changed(json!({}), live()), ["capacity_providers", "default_capacity"]);
}

#[test]
fn exec_settings_survive_the_way_to_the_api_and_back() {
    let spec = json!({ "execute_command": { "logging": "override", "log_group": "/ecs/exec", "log_encryption": true, "s3_encryption": false } });
    let want = desired(spec.clone());
    assert!(want.needs.contains(&Address::new("log_group", "/ecs/exec")));
    let sent = configuration(want.fields.get("execute_command"), None);
    let live = ApiCluster::builder().cluster_name("papyrus").set_configuration(sent).build();
    assert_eq!(
        Cluster::live(&live, &facts()).unwrap().uses,
        ["arn:aws:logs:us-west-2:123456789012:log-group:/ecs/exec"]
    );
    assert_eq!(changed(spec, live), Vec::<String>::new());
}

#[test]
fn the_remains_of_a_deleted_cluster_are_nothing() {
    let cluster = |status: &str| ApiCluster::builder().cluster_name("papyrus").status(status).build();
    assert!(Cluster::live(&cluster("INACTIVE"), &facts()).is_none());
    let readiness = |status| Cluster::live(&cluster(status), &facts()).unwrap().readiness;
    assert!(matches!(readiness("PROVISIONING"), Readiness::Settling(_)));
    assert!(matches!(readiness("DEPROVISIONING"), Readiness::Deleting(_)));
    assert_eq!(readiness("ACTIVE"), Readiness::Ready);
}
