//! Calls in the API's own JSON, for operations whose requests and answers hold members that the typed
//! client does not know: what `extra:` gives goes out as it is, and comes back to be compared.
//!
//! The typed client still signs, sends, and reads errors; only the body is ours.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::client::customize::CustomizableOperation;
use aws_sdk_ecs::client::customize::internal::CustomizableSend;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use hatoba_engine::cloud::{Class, CloudError};
use serde_json::Value;

use crate::classify::failed;

/// Keeps the body of the answer.
#[derive(Clone, Debug, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "CaptureBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(bytes) = context.response().body().bytes() {
            // A poisoned lock only means that another attempt panicked; the bytes are replaced anyway.
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        }
        Ok(())
    }
}

/// Sends `body` as the request of an ECS operation and returns the answer as JSON.
///
/// # Errors
/// As the service answers; [`Class::Ambiguous`] when the answer is no JSON.
pub async fn ecs<T, E, B>(
    call: &'static str,
    operation: CustomizableOperation<T, E, B>,
    body: &Value,
) -> Result<Value, CloudError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    B: CustomizableSend<T, E>,
{
    let capture = Capture::default();
    let bytes = body.to_string().into_bytes();
    operation
        .mutate_request(move |request| {
            request.headers_mut().insert("content-length", bytes.len().to_string());
            *request.body_mut() = SdkBody::from(bytes.clone());
        })
        .interceptor(capture.clone())
        .send()
        .await
        .map_err(failed(call))?;
    let bytes = std::mem::take(&mut *capture.0.lock().unwrap_or_else(PoisonError::into_inner));
    serde_json::from_slice(&bytes)
        .map_err(|error| CloudError::new(Class::Ambiguous, call, format!("the answer is no JSON: {error}")))
}
