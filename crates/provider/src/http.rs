//! The way to the network: one pool of connections for all services, TLS with the system's roots, proxies from the environment,
//! and calls that keep to AWS's limits.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::byte_stream::ByteStream;

use crate::pace::{Pace, TARGET};
use crate::server_clock::ServerClock;

/// A client for a session. `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are followed.
pub(crate) fn client(pace: Arc<Pace>, clock: Arc<ServerClock>) -> SharedHttpClient {
    SharedHttpClient::new(Http { pace, clock, connectors: Mutex::default() })
}

/// How long a file may take.
const FILE: Duration = Duration::from_secs(20);

/// Reads a file of at most so many bytes from an address that AWS has signed. Proxies of the environment are followed.
///
/// # Errors
/// Why it could not be read, in words.
pub(crate) async fn get(url: &str, most: usize) -> Result<Vec<u8>, String> {
    let request = HttpRequest::get(url).map_err(|error| error.to_string())?;
    let connector =
        Connector::builder().proxy_config(ProxyConfig::from_env()).tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    let read = async {
        let answer = connector.build().call(request).await.map_err(|error| chain(&error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(format!("HTTP {status}"));
        }
        let mut body = ByteStream::new(answer.into_body());
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await {
            bytes.extend_from_slice(&part.map_err(|error| error.to_string())?);
            if bytes.len() > most {
                return Err(format!("it has more than {most} bytes"));
            }
        }
        Ok(bytes)
    };
    tokio::time::timeout(FILE, read).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

/// An error with its causes, each said once.
fn chain(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// Time limits for connecting and for reading.
type Limits = (Option<Duration>, Option<Duration>);

/// Credential providers ask for other time limits than services do; a connector is made once for each, because making one
/// parses all root certificates of the system.
#[derive(Debug)]
struct Http {
    pace: Arc<Pace>,
    clock: Arc<ServerClock>,
    connectors: Mutex<BTreeMap<Limits, SharedHttpConnector>>,
}

impl HttpClient for Http {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let limits = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry(limits).or_insert_with(|| {
            let mut builder = Connector::builder()
                .connector_settings(settings.clone())
                .proxy_config(ProxyConfig::from_env())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(Paced {
                inner: SharedHttpConnector::new(builder.build()),
                pace: Arc::clone(&self.pace),
                clock: Arc::clone(&self.clock),
            })
        });
        connector.clone()
    }
}

struct Paced {
    inner: SharedHttpConnector,
    pace: Arc<Pace>,
    clock: Arc<ServerClock>,
}

impl fmt::Debug for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").finish_non_exhaustive()
    }
}

impl HttpConnector for Paced {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get(TARGET).unwrap_or_default().to_owned();
        let wait = self.pace.turn(&target);
        let (inner, clock) = (self.inner.clone(), Arc::clone(&self.clock));
        HttpConnectorFuture::new(async move {
            if !wait.is_zero() {
                tracing::info!(target, ?wait, "kept back, to stay under the limit of ECS");
                tokio::time::sleep(wait).await;
            }
            let answer = inner.call(request).await?;
            clock.note(answer.headers().get("date"));
            Ok(answer)
        })
    }
}
