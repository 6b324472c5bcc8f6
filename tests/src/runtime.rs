//! The threads that the harness runs its sockets on, shared by everything in one test process.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

use crate::error::{HarnessError, Result};

static RUNTIME: OnceLock<std::result::Result<Runtime, String>> = OnceLock::new();

/// Returns the harness's own runtime, started on first use.
pub(crate) fn shared() -> Result<&'static Runtime> {
    let started = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("harness")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    });
    started.as_ref().map_err(|error| HarnessError::new(format!("the harness's threads did not start: {error}")))
}

/// Runs a future on the harness's threads and blocks the calling thread until it is done.
///
/// Unlike `Runtime::block_on` this may be called from inside another runtime.
pub(crate) fn wait<F>(future: F) -> Result<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (send, receive) = mpsc::channel();
    shared()?.spawn(async move {
        // The receiver is gone only if the waiting thread is.
        let _ = send.send(future.await);
    });
    receive.recv().map_err(|error| HarnessError::caused("a task of the harness ended without a result", error))
}
