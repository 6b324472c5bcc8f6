//! Ctrl-C and SIGTERM: while something is changed, the first one lets running calls finish and the second one leaves at once; while a
//! deployment is followed, the first one is heard by whoever follows.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::error::{Error, Kind};
use crate::render::line::Line;
use crate::ui::Ui;

/// What comes this soon after a signal is the same one: `timeout` of GNU coreutils sends it to the process, and then to the group that the
/// process is in.
const SAME: Duration = Duration::from_millis(300);

/// A signal that means stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What runners send.
    Terminate,
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    /// Nothing that would have to be let finish.
    No,
    /// Something is being changed.
    Changing,
    /// A deployment is followed.
    Following,
}

/// Listens for signals during the whole run.
#[derive(Debug)]
pub(crate) struct Interrupt {
    stop: watch::Sender<bool>,
    /// What was heard while a deployment is followed.
    heard: watch::Sender<Option<Signal>>,
    busy: Cell<Busy>,
    /// What whoever leaves at once has to know of what may stay behind.
    behind: RefCell<Option<String>>,
}

impl Interrupt {
    /// Nothing is being changed yet.
    pub(crate) fn new() -> Self {
        Self {
            stop: watch::channel(false).0,
            heard: watch::channel(None).0,
            busy: Cell::new(Busy::No),
            behind: RefCell::default(),
        }
    }

    /// From now on something is being changed. The receiver turns true when no further step should begin.
    pub(crate) fn begin(&self) -> watch::Receiver<bool> {
        self.busy.set(Busy::Changing);
        self.stop.subscribe()
    }

    /// From now on a deployment is followed. The receiver has the first signal; another one leaves at once.
    pub(crate) fn follow(&self) -> watch::Receiver<Option<Signal>> {
        self.heard.send_replace(None);
        self.busy.set(Busy::Following);
        self.heard.subscribe()
    }

    /// Nothing is being changed or followed any more.
    pub(crate) fn end(&self) {
        self.busy.set(Busy::No);
        self.behind.take();
    }

    /// From now on whoever leaves at once is told this, and nothing that was to be told before.
    pub(crate) fn leaves(&self, help: String) {
        self.behind.replace(Some(help));
    }

    /// The error of a run that was left at once.
    pub(crate) fn left(&self) -> Error {
        let error = Error::new(Kind::Interrupted, "interrupted");
        Error { help: self.behind.borrow().iter().cloned().collect(), ..error }
    }

    /// Returns when it is time to leave at once.
    pub(crate) async fn leave(&self, ui: &Ui) {
        let mut signals = Signals::new();
        let mut first: Option<Instant> = None;
        loop {
            let signal = signals.next().await;
            if first.is_some_and(|first| first.elapsed() < SAME) {
                continue;
            }
            first = Some(Instant::now());
            let leave = match self.busy.get() {
                Busy::No => true,
                Busy::Changing => self.stop.send_replace(true),
                Busy::Following => self.heard.send_replace(Some(signal)).is_some(),
            };
            if leave {
                if ui.live.is_some() {
                    // The terminal has shown `^C` in the line of a question.
                    ui.tell(&[Line::blank()]);
                }
                return;
            }
        }
    }
}

/// The two signals that mean stop.
#[derive(Debug)]
struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    fn new() -> Self {
        Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok(),
        }
    }

    async fn next(&mut self) -> Signal {
        #[cfg(unix)]
        if let Some(terminate) = &mut self.terminate {
            return tokio::select! {
                heard = tokio::signal::ctrl_c() => {
                    listening(heard.is_ok()).await;
                    Signal::Interrupt
                }
                _ = terminate.recv() => Signal::Terminate,
            };
        }
        listening(tokio::signal::ctrl_c().await.is_ok()).await;
        Signal::Interrupt
    }
}

/// Where a signal cannot be listened to, it never comes; the system's own way of ending a process stays.
async fn listening(heard: bool) {
    if !heard {
        std::future::pending::<()>().await;
    }
}
