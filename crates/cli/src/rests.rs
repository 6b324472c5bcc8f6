//! The rests between the attempts of a call that is part of no plan.

use std::time::Duration;

use hatoba_engine::cloud::{Class, CloudError};

/// How often a call is made at most.
const ATTEMPTS: u32 = 5;

/// The rests that are left: 1, 2, 4 and 8 seconds.
#[derive(Debug)]
pub(crate) struct Rests {
    taken: u32,
}

impl Rests {
    /// None was taken yet.
    pub(crate) fn new() -> Self {
        Self { taken: 0 }
    }

    /// Whether the call may be made once more.
    pub(crate) fn any_left(&self) -> bool {
        self.taken + 1 < ATTEMPTS
    }

    /// Takes the next one.
    pub(crate) async fn take(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    fn next(&mut self) -> Duration {
        self.taken += 1;
        Duration::from_secs(1 << (self.taken - 1))
    }
}

/// Makes a call that does no harm when it is made twice until it works, or is not worth another attempt.
pub(crate) async fn persist<T>(call: impl AsyncFn() -> Result<T, CloudError>) -> Result<T, CloudError> {
    let mut rests = Rests::new();
    loop {
        match call().await {
            Err(error) if rests.any_left() && passes(error.class) => rests.take().await,
            end => return end,
        }
    }
}

/// Whether the same call may work in a moment.
pub(crate) fn passes(class: Class) -> bool {
    matches!(class, Class::Throttled | Class::Server | Class::NotSent | Class::Ambiguous)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_attempts_take_fifteen_seconds_of_rest() {
        let mut rests = Rests::new();
        let mut taken = Vec::new();
        while rests.any_left() {
            taken.push(rests.next().as_secs());
        }
        assert_eq!(taken, [1, 2, 4, 8]);
    }
}
