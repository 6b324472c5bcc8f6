//! The two AWS emulators as child processes on free ports.

use std::env;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::client;
use crate::error::{HarnessError, Result};
use crate::lease::{Lease, fresh_account};

/// How long an emulator may take to answer for the first time. Usually one or two seconds.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long one may take to end when its pipe is closed, before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Which emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// ministack: the default.
    Ministack,
    /// moto: the second opinion.
    Moto,
}

impl Kind {
    /// Both, for tests that run on each.
    pub const ALL: [Self; 2] = [Self::Ministack, Self::Moto];

    /// Returns the name used in scripts and directories.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ministack => "ministack",
            Self::Moto => "moto",
        }
    }

    /// Returns the environment variable that holds the address of one that already runs (`tests/run.sh` sets it).
    pub fn variable(self) -> &'static str {
        match self {
            Self::Ministack => "HATOBA_TEST_MINISTACK",
            Self::Moto => "HATOBA_TEST_MOTO",
        }
    }

    fn health(self) -> &'static str {
        match self {
            Self::Ministack => "/_ministack/health",
            Self::Moto => "/moto-api/",
        }
    }

    fn reset(self) -> &'static str {
        match self {
            Self::Ministack => "/_ministack/reset",
            Self::Moto => "/moto-api/reset",
        }
    }
}

/// A running emulator. One that was started here is stopped when this is dropped, or when the test process ends in
/// whatever way: it lives only as long as a pipe from this process is open.
#[derive(Debug)]
pub struct Emulator {
    kind: Kind,
    endpoint: String,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    log: File,
}

impl Emulator {
    /// Starts one on a free port of 127.0.0.1 and waits until it answers. Installs it first if that was not done yet.
    ///
    /// # Errors
    /// When it cannot be installed, ends at once, or does not answer within a minute.
    pub fn start(kind: Kind) -> Result<Self> {
        install(kind)?;
        // Between asking for a free port and the emulator taking it someone else can take it: then it ends at once.
        let mut last = None;
        for _ in 0..5 {
            match Self::start_once(kind) {
                Ok(emulator) => return Ok(emulator),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| HarnessError::new("no attempt was made")))
    }

    /// Uses one that already runs at `endpoint` (`http://127.0.0.1:PORT`); it is not stopped on drop.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn attach(kind: Kind, endpoint: &str) -> Result<Self> {
        let emulator = Self { kind, endpoint: endpoint.trim_end_matches('/').to_owned(), running: None };
        if emulator.healthy() {
            return Ok(emulator);
        }
        Err(HarnessError::new(format!("{} does not answer at {endpoint} ({})", kind.name(), kind.variable())))
    }

    /// Returns the one that all tests of this process share: the one of [`Kind::variable`], else one started on first use.
    ///
    /// # Errors
    /// As [`Emulator::start`] and [`Emulator::attach`]. A failure is kept, so that later tests fail at once.
    pub fn shared(kind: Kind) -> Result<&'static Self> {
        static MINISTACK: OnceLock<std::result::Result<Emulator, String>> = OnceLock::new();
        static MOTO: OnceLock<std::result::Result<Emulator, String>> = OnceLock::new();
        let cell = match kind {
            Kind::Ministack => &MINISTACK,
            Kind::Moto => &MOTO,
        };
        let started = cell.get_or_init(|| {
            let emulator = match env::var(kind.variable()) {
                Ok(endpoint) => Self::attach(kind, &endpoint),
                Err(_) => Self::start(kind),
            };
            emulator.map_err(|error| format!("{error:?}"))
        });
        started.as_ref().map_err(|error| HarnessError::new(error.clone()))
    }

    /// Returns which emulator this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns its address, `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns a fresh account that nobody else uses.
    pub fn lease(&self) -> Lease {
        Lease::of(self.kind, &self.endpoint, &fresh_account())
    }

    /// Returns a stated account (12 digits), for tests whose output shows it. On a shared emulator it is shared as well.
    pub fn lease_of(&self, account: &str) -> Lease {
        Lease::of(self.kind, &self.endpoint, account)
    }

    /// Wipes everything in all accounts. Only for an emulator that a test started for itself.
    ///
    /// # Errors
    /// When it does not answer with success.
    pub fn reset(&self) -> Result<()> {
        let answer = client::plain("POST", &format!("{}{}", self.endpoint, self.kind.reset()))?;
        if answer.status == 200 {
            return Ok(());
        }
        Err(HarnessError::new(format!("{} answered its reset with {}", self.kind.name(), answer.status)))
    }

    /// Returns the end of what an emulator started here wrote, for messages of failed tests.
    pub fn log_tail(&self) -> String {
        self.running.as_ref().map(|running| tail(&running.log)).unwrap_or_default()
    }

    fn healthy(&self) -> bool {
        let answer = client::plain("GET", &format!("{}{}", self.endpoint, self.kind.health()));
        answer.is_ok_and(|answer| answer.status == 200)
    }

    fn start_once(kind: Kind) -> Result<Self> {
        let port = free_port()?;
        let log = tempfile::tempfile().map_err(|e| HarnessError::caused("could not make a log file", e))?;
        let output = |what| log.try_clone().map_err(|e| HarnessError::caused(format!("could not open {what}"), e));
        let child = Command::new(scripts().join("serve.sh"))
            .arg(kind.name())
            .arg(port.to_string())
            // The pipe that the emulator's life hangs on. Rust opens our end close-on-exec: no other child keeps it open.
            .stdin(Stdio::piped())
            .stdout(output("its output")?)
            .stderr(output("its errors")?)
            .spawn()
            .map_err(|e| HarnessError::caused(format!("could not start {}", kind.name()), e))?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut emulator = Self { kind, endpoint, running: Some(Running { child, log }) };
        let began = Instant::now();
        loop {
            let healthy = emulator.healthy();
            if let Some(running) = emulator.running.as_mut()
                && let Ok(Some(status)) = running.child.try_wait()
            {
                let log = tail(&running.log);
                return Err(HarnessError::new(format!("{} ended at once ({status}):\n{log}", kind.name())));
            }
            if healthy {
                return Ok(emulator);
            }
            if began.elapsed() > START_LIMIT {
                let log = emulator.log_tail();
                return Err(HarnessError::new(format!(
                    "{} does not answer after {START_LIMIT:?}:\n{log}",
                    kind.name()
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let Some(running) = self.running.as_mut() else { return };
        drop(running.child.stdin.take());
        let began = Instant::now();
        while began.elapsed() < STOP_LIMIT {
            if matches!(running.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Nothing is left to try when these fail.
        let _ = running.child.kill();
        let _ = running.child.wait();
    }
}

/// Returns the Python that the emulators run on, installed first if need be: for tests that want a small client program.
///
/// # Errors
/// When it cannot be installed.
pub fn python() -> Result<PathBuf> {
    install(Kind::Ministack)?;
    let home = env::var_os("HATOBA_EMULATORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/emulators"), PathBuf::from);
    Ok(home.join("ministack/bin/python"))
}

/// Runs `tests/emulators/install.sh` for one emulator; quick when it is installed.
fn install(kind: Kind) -> Result<()> {
    // One at a time in this process, so that the line "installing" is shown once.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _guard = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let status = Command::new(scripts().join("install.sh"))
        .arg(kind.name())
        .stdin(Stdio::null())
        .status()
        .map_err(|e| HarnessError::caused("could not run tests/emulators/install.sh", e))?;
    if status.success() {
        return Ok(());
    }
    Err(HarnessError::new(format!("tests/emulators/install.sh {} failed ({status})", kind.name())))
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("emulators")
}

fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| HarnessError::caused("found no free port", e))
}

fn tail(log: &File) -> String {
    const LIMIT: u64 = 4096;
    let length = log.metadata().map(|m| m.len()).unwrap_or_default();
    let mut bytes = vec![0; usize::try_from(length.min(LIMIT)).unwrap_or_default()];
    // A positioned read: the child shares the file's own offset.
    let read = log.read_at(&mut bytes, length.saturating_sub(LIMIT)).unwrap_or_default();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

/// Makes two tests of each function that takes an emulator: one in the module `ministack`, one in `moto`.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod ministack {
            $(
                #[test]
                fn $name() {
                    super::$name($crate::emulator::Kind::Ministack);
                }
            )*
        }
        mod moto {
            $(
                #[test]
                fn $name() {
                    super::$name($crate::emulator::Kind::Moto);
                }
            )*
        }
    };
}
