//! The resource kinds: one file each, and the one list that everything else is made from.

#[macro_use]
mod macros;
#[macro_use]
mod words;

mod api_members;
pub mod cluster;
pub mod grant_facts;
pub mod iam_shared;
pub mod log_group;
pub mod oidc_provider;
pub mod parameter;
pub mod policy;
pub mod repository;
pub mod repository_place;
pub mod role;
pub mod security_group;
pub mod service;
pub mod task_definition;
pub mod text_or_list;
pub mod trust;
pub mod user;

pub use macros::{Common, Resource};

/// The list of kinds: `module / section of the file: type = what the section holds`.
/// A new kind needs one line here (and its `pub mod` line, so that `cargo fmt` sees the file).
#[macro_export]
macro_rules! for_each_kind {
    ($then:ident) => {
        $then! {
            oidc_provider / oidc_providers: OidcProvider = "Issuers of tokens whose holders may assume roles, such as GitHub, by any key.",
            policy / policies: Policy = "Customer-managed IAM policies, by their name.",
            role / roles: Role = "IAM roles, by their name.",
            user / users: User = "IAM users, by their name.",
            log_group / log_groups: LogGroup = "CloudWatch log groups, by their name.",
            repository / repositories: Repository = "ECR repositories, by their name.",
            cluster / clusters: Cluster = "ECS clusters, by their name.",
            security_group / security_groups: SecurityGroup = "EC2 security groups, by their name.",
            parameter / parameters: Parameter = "Parameters of the SSM Parameter Store, by their name: text that is no secret.",
            task_definition / task_definitions: TaskDefinition = "ECS task definitions for Fargate, by their family.",
            service / services: Service = "ECS services on Fargate, by their name.",
        }
    };
}
