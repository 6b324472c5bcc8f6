//! The preflight: whether what a file describes can start, judged from what is there. Pure: questions and facts in, findings out.
//!
//! [`Subjects`] are the task definitions and services as they will be after an apply, with what is to be asked about each;
//! [`Facts`] are what a look at the account found; [`judge`] compares them. What could not be read is said, never taken for fine.

mod facts;
mod finding;
mod images;
mod judge;
mod logs;
mod network;
mod permissions;
mod roles;
mod stored;
mod subject;
#[cfg(test)]
mod tests;

pub use facts::{Fact, Facts, Image, Role, Route, Stored, Subnet};
pub use finding::{Finding, Level};
pub use judge::judge;
pub use network::{needs_endpoints, serves_itself};
pub use permissions::{leaves_open, repository_of};
pub use subject::{Breaker, Container, LogPlace, Network, Service, Source, Subjects, Task, source};
