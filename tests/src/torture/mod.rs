//! What the tests that break runs on purpose share.
//!
//! | file | what |
//! |---|---|
//! | `backoff` | how long a run rested because calls had failed |
//! | `journey` | the example stack on its way from nothing and back: the commands that a test breaks |
//! | `inventory` | everything that is in an account, whoever made it |
//! | `table` | what a test prints: points tried, what went wrong at them |
//! | `writes` | the calls that change something |

pub mod backoff;
pub mod inventory;
pub mod journey;
pub mod table;
pub mod writes;

use std::env;

/// Whether the complete version of a test was asked for: `HATOBA_TORTURE=full`, as `make torture` sets it.
pub fn full() -> bool {
    env::var_os("HATOBA_TORTURE").is_some_and(|value| value == "full")
}

/// Whether an action only reads.
pub fn reads(action: &str) -> bool {
    ["BatchGet", "Describe", "Get", "List"].iter().any(|begin| action.starts_with(begin))
}
