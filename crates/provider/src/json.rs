//! Calls in the API's own JSON, for operations whose requests and answers hold members that the typed
//! client does not know: what `extra:` gives goes out as it is, and comes back to be compared.
//!
//! The typed client still signs, sends, and reads errors; only the body is ours.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use hatoba_engine::cloud::{Class, CloudError};
use serde_json::Value;

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

/// One call with a body of our own.
#[derive(Debug)]
pub struct Exchange {
    body: Vec<u8>,
    capture: Capture,
}

impl Exchange {
    /// A call with this request.
    pub fn new(body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), capture: Capture::default() }
    }

    /// Puts our body in place of the typed one, before it is signed.
    pub fn request(&self) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
        let bytes = self.body.clone();
        move |request| {
            request.headers_mut().insert("content-length", bytes.len().to_string());
            *request.body_mut() = SdkBody::from(bytes.clone());
        }
    }

    /// Keeps the body of the answer.
    pub fn keep(&self) -> impl Intercept + 'static {
        self.capture.clone()
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// [`Class::Ambiguous`] when the answer is no JSON.
    pub fn answer(&self, call: &'static str) -> Result<Value, CloudError> {
        let bytes = std::mem::take(&mut *self.capture.0.lock().unwrap_or_else(PoisonError::into_inner));
        serde_json::from_slice(&bytes)
            .map_err(|error| CloudError::new(Class::Ambiguous, call, format!("the answer is no JSON: {error}")))
    }
}

/// Sends JSON as the request of an operation and evaluates to the answer as JSON, or the classified error:
/// `json_call!(&DESCRIBE_SERVICES, aws.ecs().describe_services(), &body)`. A macro because the SDK keeps the trait
/// private that a function would have to name.
macro_rules! json_call {
    ($call:expr, $operation:expr, $body:expr) => {{
        let exchange = $crate::json::Exchange::new($body);
        let sent = $operation.customize().mutate_request(exchange.request()).interceptor(exchange.keep()).send().await;
        match sent {
            Ok(_) => exchange.answer($call.name),
            Err(error) => Err($crate::classify::failed($call)(error)),
        }
    }};
}
pub(crate) use json_call;
