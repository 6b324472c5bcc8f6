//! Each call to AWS as one event: which, how it ended, how long it took. Neither headers nor bodies are in it: both can hold secrets.

use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// In which headers services give the id of a request, for which AWS's support asks.
const REQUEST_IDS: [&str; 2] = ["x-amzn-requestid", "x-amz-request-id"];

/// When an attempt began.
#[derive(Debug)]
struct Began(Instant);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

/// Tells of every attempt at a call, reads included.
#[derive(Debug)]
pub(crate) struct Said;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Said {
    fn name(&self) -> &'static str {
        "SayCalls"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Began(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(call) = config.load::<Metadata>() else { return Ok(()) };
        let took = config.load::<Began>().map(|began| began.0.elapsed().as_millis()).unwrap_or_default();
        let (service, name) = (call.service(), call.name());
        match context.response() {
            Some(answer) => {
                let id = REQUEST_IDS.iter().find_map(|header| answer.headers().get(*header)).unwrap_or("none");
                tracing::debug!("{service} {name}: {} in {took} ms, request {id}", answer.status().as_u16());
            }
            None => tracing::debug!("{service} {name}: no answer in {took} ms"),
        }
        Ok(())
    }
}
