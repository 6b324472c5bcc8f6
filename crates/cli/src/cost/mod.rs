//! What a plan costs: from what is there and what is wanted to prices. Pure, and without a call of its own.

pub(crate) mod budget;
pub(crate) mod change;
pub(crate) mod live;
pub(crate) mod now;
#[cfg(test)]
pub(crate) mod testkit;
