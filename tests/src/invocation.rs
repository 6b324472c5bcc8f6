//! One run of a program in a world: its arguments, its input, its limit, and the call at which it is killed.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::{HarnessError, Result};
use crate::proxy::{Phase, Proxy, Verdict};

/// How long a program may run unless stated.
const LIMIT: Duration = Duration::from_secs(120);
/// How long calls of a killed program may still be under way.
const SETTLE: Duration = Duration::from_secs(10);

/// A run to be made; see [`crate::world::World::hatoba_command`].
#[derive(Debug)]
pub struct Invocation<'a> {
    command: Command,
    proxy: &'a Proxy,
    input: Option<Vec<u8>>,
    limit: Duration,
    kill_at: Option<(u64, Phase)>,
    signals: Vec<(Duration, Signal)>,
    read: usize,
}

/// A signal that asks a program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Int,
    /// What runners send.
    Term,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How long it ran.
    pub elapsed: Duration,
    /// The lines of its standard error with the time at which each came, in the time of [`Proxy::now`].
    pub told: Vec<(Duration, String)>,
}

impl Run {
    /// Passes on a run that ended with this exit code, and makes an error with all output of every other.
    ///
    /// # Errors
    /// When the exit code is another one, or a signal ended the run.
    pub fn expect_code(self, code: i32) -> Result<Self> {
        if self.code == Some(code) {
            Ok(self)
        } else {
            Err(HarnessError::new(format!("expected exit code {code}, but {self:?}")))
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}")?,
            (None, Some(signal)) => write!(f, "killed by signal {signal}")?,
            (None, None) => write!(f, "ended")?,
        }
        write!(f, " after {:?}\n--- stdout\n{}\n--- stderr\n{}", self.elapsed, self.stdout, self.stderr)
    }
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(command: Command, proxy: &'a Proxy) -> Self {
        Self { command, proxy, input: None, limit: LIMIT, kill_at: None, signals: Vec::new(), read: usize::MAX }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs in another directory than the world's own.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.command.current_dir(dir.into());
        self
    }

    /// Gives it this on standard input, which is then closed. Without it standard input is empty.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Kills it after so long, which is an error. Two minutes unless set.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Kills it with SIGKILL at its k-th call (from 1), before or after that call takes effect. Empties the proxy's log and
    /// takes the place of its hook.
    #[must_use]
    pub fn kill_at(mut self, k: u64, phase: Phase) -> Self {
        self.kill_at = Some((k, phase));
        self
    }

    /// Sends it a signal so long after its start, unless it has ended by then. Several come in the order in which they were
    /// stated.
    #[must_use]
    pub fn signal_at(mut self, after: Duration, signal: Signal) -> Self {
        self.signals.push((after, signal));
        self
    }

    /// Reads so many lines of its standard output, and closes the pipe then, as `head` does.
    #[must_use]
    pub fn head(mut self, lines: usize) -> Self {
        self.read = lines;
        self
    }

    /// Runs it to its end. When it is killed, waits until the calls that it left behind are done.
    ///
    /// # Errors
    /// When it cannot be started, or runs longer than its limit.
    pub fn run(mut self) -> Result<Run> {
        let program = self.command.get_program().to_owned();
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let slot: Arc<Mutex<Option<Child>>> = Arc::default();
        if let Some((k, phase)) = self.kill_at {
            self.arm(k, phase, Arc::clone(&slot));
        }
        let began = Instant::now();
        let streams = {
            // Held while the program starts: its first call may come before it is in the slot.
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let mut child = self.command.spawn().map_err(|e| HarnessError::caused(not_started(&program), e))?;
            let streams = Streams::of(&mut child, self.input.take(), self.proxy.now(), self.read);
            *slot = Some(child);
            streams
        };
        let ended = wait(&slot, began, self.limit, &self.signals);
        if self.kill_at.is_some() {
            self.proxy.clear_hook();
            self.proxy.settle(SETTLE)?;
        }
        let elapsed = began.elapsed();
        let (stdout, told) = streams.collect();
        let stderr = told.iter().map(|(_, line)| line.as_str()).collect();
        let status = ended.map_err(|e| HarnessError::caused("could not wait for the program", e))?;
        let (code, signal) = status.map_or((None, None), |status| (status.code(), status.signal()));
        let run = Run { code, signal, stdout, stderr, elapsed, told };
        if status.is_none() {
            return Err(HarnessError::new(format!("still running after {:?}: {run:?}", self.limit)));
        }
        Ok(run)
    }

    fn arm(&self, k: u64, phase: Phase, slot: Arc<Mutex<Option<Child>>>) {
        self.proxy.clear_log();
        self.proxy.on_call(k, phase, move |_| {
            if let Some(child) = slot.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                // It may have ended by itself already.
                let _ = child.kill();
            }
            Verdict::Abort
        });
    }
}

fn not_started(program: &OsString) -> String {
    format!("could not run {}", program.display())
}

/// Waits for the end; none when the limit passed and the program was killed for it.
fn wait(
    slot: &Mutex<Option<Child>>,
    began: Instant,
    limit: Duration,
    signals: &[(Duration, Signal)],
) -> std::io::Result<Option<std::process::ExitStatus>> {
    let mut signals = signals.iter().peekable();
    loop {
        {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(child) = slot.as_mut() else { return Ok(None) };
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if let Some((_, signal)) = signals.next_if(|(after, _)| began.elapsed() >= *after) {
                send(child.id(), *signal)?;
            }
            if began.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
        }
        // Short against the start of a process, long against a spinning loop.
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal to a process that has not been waited for, so that the number is still its own.
fn send(process: u32, signal: Signal) -> std::io::Result<()> {
    let name = match signal {
        Signal::Int => "INT",
        Signal::Term => "TERM",
    };
    Command::new("kill").args(["-s", name, &process.to_string()]).status().map(drop)
}

/// The threads that feed and drain a program, so that it never blocks on a full pipe.
struct Streams {
    stdout: Option<JoinHandle<Lines>>,
    stderr: Option<JoinHandle<Lines>>,
}

/// Lines, each with the time at which it came.
type Lines = Vec<(Duration, String)>;

impl Streams {
    fn of(child: &mut Child, input: Option<Vec<u8>>, now: Duration, read: usize) -> Self {
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // A program that ends without reading its input closes the pipe: no failure of the harness.
            thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let stdout = child.stdout.take().map(|stream| drain(stream, now, read));
        Self { stdout, stderr: child.stderr.take().map(|stream| drain(stream, now, usize::MAX)) }
    }

    fn collect(self) -> (String, Lines) {
        let lines = |thread: Option<JoinHandle<Lines>>| thread.and_then(|t| t.join().ok()).unwrap_or_default();
        (lines(self.stdout).into_iter().map(|(_, line)| line).collect(), lines(self.stderr))
    }
}

fn drain(stream: impl Read + Send + 'static, now: Duration, most: usize) -> JoinHandle<Lines> {
    let began = Instant::now();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut lines = Lines::new();
        while lines.len() < most {
            let mut line = Vec::new();
            // What came before an error is kept.
            let read = stream.read_until(b'\n', &mut line);
            if !line.is_empty() {
                lines.push((now + began.elapsed(), String::from_utf8_lossy(&line).into_owned()));
            }
            if !matches!(read, Ok(1..)) {
                break;
            }
        }
        lines
    })
}
