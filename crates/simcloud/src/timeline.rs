//! Time that passes only when nothing else can happen. Everything that runs on it is decided by numbers alone: the same seeds
//! give the same interleaving of steps, calls and runs, and waiting for twenty minutes takes no time.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use hatoba_engine::clock::Clock;

/// A clock on which sleepers are woken one after the other, each at its time.
#[derive(Debug, Default)]
pub struct Timeline(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: Duration,
    /// Who sleeps, by the moment at which they wake and, for the same moment, in the order in which they fell asleep.
    sleepers: BTreeMap<(Duration, u64), Waker>,
    next: u64,
}

/// Nothing can happen any more, although something is still waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("everything waits, and nothing is left that could happen")]
pub struct Stuck;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Timeline {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A poisoned lock means that a test has failed already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass while nothing runs.
    pub fn pass(&self, time: Duration) {
        self.lock().now += time;
    }

    /// Runs a future to its end; time passes whenever it waits.
    ///
    /// # Errors
    /// When it waits for something that will never happen.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Stuck> {
        let mut future = pin!(future);
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Ok(output);
            }
            if !flag.0.swap(false, Ordering::Relaxed) && !self.advance() {
                return Err(Stuck);
            }
        }
    }

    /// Goes on to the next moment at which somebody wakes. Tells whether there is one.
    fn advance(&self) -> bool {
        let mut inner = self.lock();
        let Some(((moment, _), waker)) = inner.sleepers.pop_first() else { return false };
        inner.now = inner.now.max(moment);
        drop(inner);
        waker.wake();
        true
    }
}

struct Sleep<'a> {
    timeline: &'a Timeline,
    until: Duration,
    place: Option<(Duration, u64)>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.timeline.lock();
        if let Some(place) = self.place
            && !inner.sleepers.contains_key(&place)
        {
            return Poll::Ready(());
        }
        let place = self.place.unwrap_or_else(|| {
            inner.next += 1;
            (self.until, inner.next)
        });
        inner.sleepers.insert(place, cx.waker().clone());
        drop(inner);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.timeline.lock().sleepers.remove(&place);
        }
    }
}

#[async_trait]
impl Clock for Timeline {
    fn now(&self) -> Duration {
        self.lock().now
    }

    async fn sleep(&self, time: Duration) {
        let until = self.now() + time;
        Sleep { timeline: self, until, place: None }.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleepers_wake_in_the_order_of_their_times() {
        let time = Timeline::default();
        let woken = Mutex::new(Vec::new());
        let sleeper = |name: &'static str, ms: u64| {
            let (time, woken) = (&time, &woken);
            async move {
                time.sleep(Duration::from_millis(ms)).await;
                woken.lock().unwrap_or_else(PoisonError::into_inner).push((name, time.now().as_millis()));
            }
        };
        let all = async { futures::join!(sleeper("late", 30), sleeper("early", 10), sleeper("also late", 30)) };
        assert!(time.block_on(all).is_ok());
        let woken = woken.into_inner().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(woken, [("early", 10), ("late", 30), ("also late", 30)]);
    }

    #[test]
    fn what_will_never_happen_is_told() {
        assert_eq!(Timeline::default().block_on(std::future::pending::<()>()), Err(Stuck));
    }
}
