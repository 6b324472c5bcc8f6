//! What the ECS API takes, for `extra`: members that the file has no key for are sent in the API's own spelling, and a misspelt
//! one would have no effect.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::check::{Check, shorten};
use crate::diag::nearest;

/// Members of `RegisterTaskDefinition` (ECS API reference, model of 2026).
pub(crate) const TASK_DEFINITION: [&str; 18] = [
    "containerDefinitions",
    "cpu",
    "enableFaultInjection",
    "ephemeralStorage",
    "executionRoleArn",
    "family",
    "inferenceAccelerators",
    "ipcMode",
    "memory",
    "networkMode",
    "pidMode",
    "placementConstraints",
    "proxyConfiguration",
    "requiresCompatibilities",
    "runtimePlatform",
    "tags",
    "taskRoleArn",
    "volumes",
];

/// Members of `ContainerDefinition`.
pub(crate) const CONTAINER: [&str; 42] = [
    "command",
    "cpu",
    "credentialSpecs",
    "dependsOn",
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerLabels",
    "dockerSecurityOptions",
    "entryPoint",
    "environment",
    "environmentFiles",
    "essential",
    "extraHosts",
    "firelensConfiguration",
    "healthCheck",
    "hostname",
    "image",
    "interactive",
    "links",
    "linuxParameters",
    "logConfiguration",
    "memory",
    "memoryReservation",
    "mountPoints",
    "name",
    "portMappings",
    "privileged",
    "pseudoTerminal",
    "readonlyRootFilesystem",
    "repositoryCredentials",
    "resourceRequirements",
    "restartPolicy",
    "secrets",
    "startTimeout",
    "stopTimeout",
    "systemControls",
    "ulimits",
    "user",
    "versionConsistency",
    "volumesFrom",
    "workingDirectory",
];

/// Members of `CreateService`.
pub(crate) const SERVICE: [&str; 28] = [
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "clientToken",
    "cluster",
    "deploymentConfiguration",
    "deploymentController",
    "desiredCount",
    "enableEcsManagedTags",
    "enableExecuteCommand",
    "gatewayConnectors",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "loadBalancers",
    "monitoring",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "role",
    "schedulingStrategy",
    "serviceConnectConfiguration",
    "serviceName",
    "serviceRegistries",
    "tags",
    "taskDefinition",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// Warns of members that ECS would pass over. `place` is that of the `extra` below the resource.
pub(crate) fn check_extra(cx: &mut Check<'_>, place: &[&str], extra: &BTreeMap<String, Value>, members: &[&str]) {
    for member in extra.keys().filter(|member| !members.contains(&member.as_str())) {
        let mut report = cx.warn(
            &[place, &[member.as_str()]].concat(),
            "extra-unknown",
            format!(
                "`{}` is not known as a member of the ECS API, which may pass over it without a word",
                shorten(member)
            ),
        );
        match nearest(member, members.iter().copied()) {
            Some(near) => report.help(format!("did you mean `{near}`?")),
            None => report.help("compare the spelling with the ECS API reference: `extra` is sent as it is"),
        };
    }
}
