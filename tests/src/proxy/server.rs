//! The [`Proxy`] handle: its socket, its settings, and what it has seen.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::Uri;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::forward;
use super::hooks::{Hook, Moment, Phase, Verdict};
use super::log::{CallRecord, Log, counts, depth};
use super::play::Play;
use super::rules::{Rule, Rules};
use super::tagging::Tagging;
use crate::emulator::Kind;
use crate::error::{HarnessError, Result};
use crate::lease::Lease;
use crate::runtime;

/// Connections to the emulator are not used again after this much rest. ministack closes them after five seconds, and a call
/// sent into a connection that is just being closed would be lost.
const IDLE: Duration = Duration::from_secs(2);

/// How a proxy is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The emulator's address, `http://127.0.0.1:PORT`.
    pub upstream: String,
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Which emulator it is. Calls to moto get the header that names their account.
    pub kind: Option<Kind>,
    /// The account that all calls are for. Without it, a 12-digit access key names it.
    pub account: Option<String>,
    /// Added to every call.
    pub latency: Duration,
    /// Whether the tagging API is completed with the tags that the proxy saw.
    pub complete_tagging: bool,
    /// Where each call is written as a line of JSON.
    pub log: Option<PathBuf>,
}

impl Config {
    /// A proxy to an address, on a free port, without latency and with the tagging API completed.
    pub fn to(upstream: impl Into<String>) -> Self {
        Self {
            upstream: upstream.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            kind: None,
            account: None,
            latency: Duration::ZERO,
            complete_tagging: true,
            log: None,
        }
    }

    /// A proxy to the account of a lease.
    pub fn for_lease(lease: &Lease) -> Self {
        Self { kind: Some(lease.kind), account: Some(lease.account.clone()), ..Self::to(lease.endpoint.clone()) }
    }
}

/// A running proxy. It stops listening when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    core: Arc<Core>,
    accepting: JoinHandle<()>,
}

/// What all connections of a proxy share.
pub(super) struct Core {
    pub(super) upstream: String,
    pub(super) kind: Option<Kind>,
    pub(super) account: Option<String>,
    pub(super) client: Client<HttpConnector, Full<Bytes>>,
    pub(super) log: Log,
    pub(super) rules: Mutex<Rules>,
    pub(super) plays: RwLock<Vec<Arc<dyn Play>>>,
    pub(super) tagging: Arc<Tagging>,
    pub(super) complete_tagging: AtomicBool,
    latency_micros: AtomicU64,
    hook: RwLock<Option<Arc<Hook>>>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("upstream", &self.upstream).field("account", &self.account).finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::Relaxed))
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.latency_micros.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn ask_hook(&self, moment: &Moment<'_>) -> Verdict {
        // Cloned out of the lock, so that a hook may replace itself.
        let hook = self.hook.read().unwrap_or_else(PoisonError::into_inner).clone();
        hook.map_or(Verdict::Continue, |hook| hook(moment))
    }

    pub(super) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Starts a proxy.
    ///
    /// # Errors
    /// When the address of the upstream is no URL, the port is taken, or the log cannot be written.
    pub fn start(config: Config) -> Result<Self> {
        let upstream = config.upstream.trim_end_matches('/').to_owned();
        upstream.parse::<Uri>().map_err(|e| HarnessError::caused(format!("{upstream} is no address"), e))?;
        let file = match &config.log {
            Some(path) => Some(
                File::create(path)
                    .map_err(|e| HarnessError::caused(format!("could not write {}", path.display()), e))?,
            ),
            None => None,
        };
        let listen = config.listen;
        let listener = runtime::wait(async move { TcpListener::bind(listen).await })?
            .map_err(|e| HarnessError::caused(format!("could not listen on {listen}"), e))?;
        let address = listener.local_addr().map_err(|e| HarnessError::caused("the socket has no address", e))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        let core = Arc::new(Core {
            upstream,
            kind: config.kind,
            account: config.account,
            client,
            log: Log::new(file),
            rules: Mutex::default(),
            plays: RwLock::new(crate::plays::all()),
            tagging: Arc::default(),
            complete_tagging: AtomicBool::new(config.complete_tagging),
            latency_micros: AtomicU64::new(0),
            hook: RwLock::new(None),
        });
        core.set_latency(config.latency);
        let accepting = runtime::shared()?.spawn(accept(listener, Arc::clone(&core)));
        Ok(Self { address, core, accepting })
    }

    /// Returns the proxy's own address, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets what is added to every call.
    pub fn set_latency(&self, latency: Duration) {
        self.core.set_latency(latency);
    }

    /// Puts rules in force instead of those before; the seed is 0.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        self.set_seeded_rules(rules, 0);
    }

    /// Puts rules in force instead of those before. The same seed picks the same calls.
    pub fn set_seeded_rules(&self, rules: Vec<Rule>, seed: u64) {
        *self.core.rules() = Rules::new(rules, seed);
    }

    /// Runs this at every call, before and after it takes effect, instead of the hook before.
    pub fn set_hook(&self, hook: impl Fn(&Moment<'_>) -> Verdict + Send + Sync + 'static) {
        *self.core.hook.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
    }

    /// Runs this at the k-th call (from 1, since the log was cleared), at one phase of it, instead of the hook before.
    pub fn on_call(&self, k: u64, phase: Phase, hook: impl Fn(&Moment<'_>) -> Verdict + Send + Sync + 'static) {
        self.set_hook(
            move |moment| {
                if moment.k == k && moment.phase == phase { hook(moment) } else { Verdict::Continue }
            },
        );
    }

    /// Removes the hook.
    pub fn clear_hook(&self) {
        *self.core.hook.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Adds something that plays over the emulator's answers. What is added last sees the answer last.
    pub fn add_play(&self, play: Arc<dyn Play>) {
        self.core.plays.write().unwrap_or_else(PoisonError::into_inner).push(play);
    }

    /// Switches the completion of the tagging API on or off. Tags are observed all the same.
    pub fn set_complete_tagging(&self, on: bool) {
        self.core.complete_tagging.store(on, Ordering::Relaxed);
    }

    /// Returns the time since the proxy started, which the records of calls count in.
    pub fn now(&self) -> Duration {
        self.core.log.now()
    }

    /// Returns the calls that have ended, in the order of their arrival. Those that pass aside are not among them.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.core.log.calls()
    }

    /// Returns how often each `service:action` was called.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        counts(&self.calls())
    }

    /// Returns how often one action was called.
    pub fn count(&self, service: &str, action: &str) -> usize {
        self.calls().iter().filter(|call| call.service == service && call.action == action).count()
    }

    /// Returns the round-trip depth of the calls, see [`depth`].
    pub fn depth(&self) -> usize {
        depth(&self.calls())
    }

    /// Empties the log and starts counting from 1 again. Rules keep their counters.
    pub fn clear_log(&self) {
        self.core.log.clear();
    }

    /// Waits until no call is under way: a client that was killed leaves some behind, which still take effect.
    ///
    /// # Errors
    /// When some are still under way at the limit.
    pub fn settle(&self, limit: Duration) -> Result<()> {
        let began = Instant::now();
        while self.core.log.running() > 0 {
            if began.elapsed() > limit {
                return Err(HarnessError::new(format!("calls are still under way after {limit:?}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, core: Arc<Core>) {
    // Dropped with this task, and with it the connections.
    let mut connections = JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of file descriptors, say: wait for some to be free.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        // Without it a small answer waits for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let core = Arc::clone(&core);
        connections.spawn(async move {
            let service = service_fn(move |request| forward::serve(Arc::clone(&core), request));
            // It ends with an error when the client goes away or a rule closes the connection: both are wanted.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// The phases in which a hook may end a call, with the name of that in the log.
pub(super) const fn abort_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "abort_before",
        Phase::After => "abort_after",
    }
}
