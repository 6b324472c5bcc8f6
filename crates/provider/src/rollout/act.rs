//! Bringing back what ran before.

use aws_sdk_ecs::types::StopServiceDeploymentStopType;
use hatoba_engine::cloud::CloudError;
use hatoba_rollout::follow::{How, Target};

use super::calls::STOP_SERVICE_DEPLOYMENT;
use crate::aws::Aws;
use crate::classify::failed;
use crate::kinds::service::UPDATE_SERVICE;

/// Begins to bring back what ran before. Both calls may be repeated: what is being rolled back already is refused.
///
/// # Errors
/// As ECS answers; see [`is_over`].
pub async fn roll_back(aws: &Aws, target: &Target, how: &How) -> Result<(), CloudError> {
    match how {
        How::Stop(arn) => {
            let call = aws.ecs_write().stop_service_deployment().service_deployment_arn(arn);
            let call = call.stop_type(StopServiceDeploymentStopType::Rollback);
            call.send().await.map_err(failed(&STOP_SERVICE_DEPLOYMENT)).map(drop)
        }
        How::Revision(arn) => {
            let call = aws.ecs_write().update_service().cluster(&target.cluster).service(&target.service);
            call.task_definition(arn).send().await.map_err(failed(&UPDATE_SERVICE)).map(drop)
        }
    }
}

/// Starts new tasks in place of those that run, with the same images. Returns the deployment, and the revision that it brings. A second call
/// starts them once more.
///
/// # Errors
/// As ECS answers.
pub async fn redeploy(aws: &Aws, cluster: &str, service: &str) -> Result<(Option<String>, Option<String>), CloudError> {
    let call = aws.ecs_write().update_service().cluster(cluster).service(service).force_new_deployment(true);
    let answer = call.send().await.map_err(failed(&UPDATE_SERVICE))?;
    let service = answer.service();
    let primary = service.and_then(|it| it.deployments().iter().find(|it| it.status() == Some("PRIMARY")));
    let revision = service.and_then(|it| it.task_definition()).map(str::to_owned);
    Ok((primary.and_then(|it| it.id()).map(str::to_owned), revision))
}

/// Whether ECS says that the deployment cannot be stopped any more: it has ended, or is being rolled back already.
pub fn is_over(error: &CloudError) -> bool {
    matches!(error.code.as_deref(), Some("ConflictException" | "ServiceDeploymentNotFoundException"))
}
