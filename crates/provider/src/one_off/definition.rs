//! A revision, as far as a run of it goes. Source: ECS API reference, `DescribeTaskDefinition`.

use aws_sdk_ecs::types::TaskDefinitionStatus;
use hatoba_engine::cloud::CloudError;

use crate::aws::Aws;
use crate::classify::{failed, missing_is_none};
use crate::kinds::task_definition::calls::DESCRIBE_TASK_DEFINITION;
use crate::rollout::logs::{Place, place};

/// A revision of a task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Its ARN.
    pub arn: String,
    /// Whether it can be run: not once it has been deregistered.
    pub active: bool,
    /// Its containers, in its order.
    pub containers: Vec<Part>,
    /// The ARN of the role that its containers have.
    pub task_role: Option<String>,
}

/// A container of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Whether the task ends with it.
    pub essential: bool,
    /// Where it logs to, if that is CloudWatch Logs with a prefix.
    pub logs: Option<Place>,
}

/// A revision by its ARN, or the latest active one of a family; nothing where there is none.
///
/// # Errors
/// When it could not be read.
pub async fn definition(aws: &Aws, name: &str) -> Result<Option<Definition>, CloudError> {
    let call = aws.ecs().describe_task_definition().task_definition(name);
    let answer = missing_is_none(call.send().await.map_err(failed(&DESCRIBE_TASK_DEFINITION)))?;
    let Some(task) = answer.and_then(|answer| answer.task_definition) else { return Ok(None) };
    let part = |container: &aws_sdk_ecs::types::ContainerDefinition| Part {
        name: container.name().unwrap_or_default().to_owned(),
        // The API's own default.
        essential: container.essential().unwrap_or(true),
        logs: place(container),
    };
    Ok(Some(Definition {
        arn: task.task_definition_arn().unwrap_or_default().to_owned(),
        active: task.status().is_none_or(|status| *status == TaskDefinitionStatus::Active),
        containers: task.container_definitions().iter().map(part).collect(),
        task_role: task.task_role_arn().filter(|role| !role.is_empty()).map(str::to_owned),
    }))
}
