//! Time as the engine sees it, so that tests can run on a clock of their own.

use std::time::Duration;

use async_trait::async_trait;

/// A clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// The machine's clock.
#[derive(Debug)]
pub struct RealClock(std::time::Instant);

impl Default for RealClock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
