//! Ctrl-C and SIGTERM: the first one lets running calls finish, the second one leaves at once.

use std::cell::Cell;

use tokio::sync::watch;

use crate::render::line::Line;
use crate::ui::Ui;

/// Listens for signals during the whole run.
#[derive(Debug)]
pub(crate) struct Interrupt {
    stop: watch::Sender<bool>,
    /// Whether something is being changed, which has to be let finish.
    busy: Cell<bool>,
}

impl Interrupt {
    /// Nothing is being changed yet.
    pub(crate) fn new() -> Self {
        Self { stop: watch::channel(false).0, busy: Cell::new(false) }
    }

    /// From now on something is being changed. The receiver turns true when no further step should begin.
    pub(crate) fn begin(&self) -> watch::Receiver<bool> {
        self.busy.set(true);
        self.stop.subscribe()
    }

    /// Nothing is being changed any more.
    pub(crate) fn end(&self) {
        self.busy.set(false);
    }

    /// Returns when it is time to leave at once.
    pub(crate) async fn leave(&self, ui: &Ui) {
        let mut signals = Signals::new();
        loop {
            signals.next().await;
            if !self.busy.get() || self.stop.send_replace(true) {
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

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(terminate) = &mut self.terminate {
            tokio::select! {
                heard = tokio::signal::ctrl_c() => listening(heard.is_ok()).await,
                _ = terminate.recv() => {}
            }
            return;
        }
        listening(tokio::signal::ctrl_c().await.is_ok()).await;
    }
}

/// Where a signal cannot be listened to, it never comes; the system's own way of ending a process stays.
async fn listening(heard: bool) {
    if !heard {
        std::future::pending::<()>().await;
    }
}
