//! What AWS takes its time over, and what it tells late or in its own way: one scenario for each, with the real binary.
//! `docs/reliability.md` says where each is handled, and which change of that place makes the scenario fail.
//!
//! | file | what |
//! |---|---|
//! | `helpers` | running the binary; what was created how often |
//! | `iam` | what IAM has not spread yet, and how it shows policies |
//! | `ecs` | clusters and services that take their time to come and to go |
//! | `network` | security groups |
//! | `reads` | lists and indexes that tell less, or more, than there is |
//! | `defaults` | what the server fills in |
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod defaults;
mod ecs;
mod helpers;
mod iam;
mod network;
mod reads;
