//! Least privilege, tried out: whoever holds exactly what `hatoba permissions` prints can run the command, and whoever lacks any one of it is
//! told which statement is missing. ministack enforces the policies of users.
//!
//! | file | what |
//! |---|---|
//! | `policy` | a printed policy, permission by permission; how ministack asks for each |
//! | `differences` | where ministack asks otherwise than AWS, and what no run here can provoke: data |
//! | `people` | a user with a policy, and running the binary as that user |
//! | `drift` | what somebody else may have done to the example stack |
//! | `rows` | one row for each command: its policy, and the situations that it runs in |
//! | `tries` | runs a row: all permissions, then without each single one |
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod differences;
mod drift;
mod people;
mod policy;
mod rows;
mod tries;
