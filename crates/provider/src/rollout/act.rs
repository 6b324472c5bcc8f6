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

/// Whether ECS says that the deployment cannot be stopped any more: it has ended, or is being rolled back already.
pub fn is_over(error: &CloudError) -> bool {
    matches!(error.code.as_deref(), Some("ConflictException" | "ServiceDeploymentNotFoundException"))
}
