//! Why a token is refused by a trust policy: the first condition that fails, the first character that differs, and what to change.

mod advice;
mod caret;
mod outcome;
mod subject;

pub use advice::{Change, Fix, fixes};
pub use caret::{Pointed, pointed};
pub use outcome::{Denial, Outcome, Trust, explain};
pub use subject::{Subject, Tail};
