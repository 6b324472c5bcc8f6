//! Deployments as ECS tells of them, for whoever follows one or shows how a service stands. The judgement is `hatoba-rollout`'s.
//!
//! | file | what |
//! |---|---|
//! | `calls` | the calls, and what they need of IAM |
//! | `started` | which steps of a plan have started a deployment |
//! | `standing` | deployments that a look has found under way or failed |
//! | `observe` | one look at everything that is followed, in as few calls as possible |
//! | `services`, `tasks`, `logs` | the reads, each by itself |
//! | `act` | bringing back what ran before |
//! | `previous` | where a rollback goes |

pub mod act;
pub(crate) mod calls;
pub mod logs;
pub mod observe;
pub mod previous;
pub mod services;
pub mod standing;
pub mod started;
pub mod tasks;
