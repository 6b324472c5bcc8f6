//! Where and how the tasks of a service run. Source: ECS API reference, `DescribeServices`.

use aws_sdk_ecs::types::{AssignPublicIp, PropagateTags, ServiceField};
use hatoba_engine::cloud::CloudError;

use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::kinds::network;
use crate::kinds::service::DESCRIBE_SERVICES;
use crate::rollout::services::stack;

/// Where a task runs in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The ids of subnets.
    pub subnets: Vec<String>,
    /// The ids of security groups; without any that of the VPC.
    pub groups: Vec<String>,
    /// Whether it gets a public address.
    pub public_ip: bool,
}

/// On what tasks run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// A launch type: `FARGATE`.
    LaunchType(String),
    /// Capacity providers with their weights and bases.
    Providers(Vec<(String, i32, i32)>),
}

/// Where and how the tasks of a service run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The revision that was asked for last.
    pub task_definition: String,
    /// Their network.
    pub network: Network,
    /// On what.
    pub capacity: Capacity,
    /// The version of the platform, where ECS tells.
    pub platform_version: Option<String>,
    /// Whether they get tags from elsewhere.
    pub propagates_tags: bool,
    /// Whether ECS tags them.
    pub managed_tags: bool,
    /// Whether commands may be run in tasks that are started from now on.
    pub exec: bool,
    /// The stack that the service belongs to, by its mark.
    pub stack: Option<String>,
}

/// Where and how the tasks of a service run; nothing where there is no such service.
///
/// # Errors
/// When it could not be read.
pub async fn home(aws: &Aws, cluster: &str, service: &str) -> Result<Option<Home>, CloudError> {
    let call = aws.ecs().describe_services().cluster(cluster).services(service).include(ServiceField::Tags);
    let answer = missing_is_none(call.send().await.map_err(failed(&DESCRIBE_SERVICES)))?;
    let services = answer.and_then(|answer| answer.services).unwrap_or_default();
    Ok(services.iter().find(|service| service.status() != Some("INACTIVE")).map(of))
}

fn of(service: &aws_sdk_ecs::types::Service) -> Home {
    let providers: Vec<(String, i32, i32)> = service
        .capacity_provider_strategy()
        .iter()
        .map(|share| (share.capacity_provider().to_owned(), share.weight(), share.base()))
        .collect();
    let launch = service.launch_type().map_or("FARGATE", |launch| launch.as_str());
    let network = service.network_configuration().and_then(|network| network.awsvpc_configuration());
    Home {
        task_definition: service.task_definition().unwrap_or_default().to_owned(),
        network: network.map_or_else(Network::default, |network| Network {
            subnets: network.subnets().to_vec(),
            groups: network.security_groups().to_vec(),
            public_ip: network.assign_public_ip() == Some(&AssignPublicIp::Enabled),
        }),
        capacity: match providers.is_empty() {
            true => Capacity::LaunchType(launch.to_owned()),
            false => Capacity::Providers(providers),
        },
        platform_version: service.platform_version().filter(|version| !version.is_empty()).map(str::to_owned),
        propagates_tags: service.propagate_tags().is_some_and(|from| *from != PropagateTags::None),
        managed_tags: service.enable_ecs_managed_tags(),
        exec: service.enable_execute_command(),
        stack: stack(service.tags()),
    }
}

/// The default subnets of the region; none where it has no default VPC.
///
/// # Errors
/// When they could not be read.
pub async fn default_subnets(aws: &Aws) -> Result<Vec<String>, CloudError> {
    Ok(network::read(aws).await?.map(|network| network.subnets).unwrap_or_default())
}
