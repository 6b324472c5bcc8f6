//! The schedules of Application Auto Scaling: `cron(…)`, `rate(…)` and `at(…)`, the names of time zones, and how much of a week lies
//! between the times of two schedules. No clock: everything is said of all weeks alike, in the time of the schedule's own zone.

pub mod cron;
pub mod day;
pub mod expression;
mod field;
pub mod week;
pub mod zone;

pub use cron::Cron;
pub use expression::{Expression, ExpressionError};
pub use week::hours_per_week;
pub use zone::{Zone, ZoneError};
