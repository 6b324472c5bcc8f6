//! `hatoba run` and `hatoba exec`: a task that is run once, and a command in a task that runs.
//!
//! | file | what |
//! |---|---|
//! | `args` | their options |
//! | `choose` | which service, cluster, container and network are meant |
//! | `launch` | what is to be started, from what there is |
//! | `run` | starting it, and what becomes of it |
//! | `watch` | following it to its end, with what it writes |
//! | `exec` | a command in a task that runs |
//! | `ready` | which task, and whether a command can be run in it |
//! | `plugin` | the Session Manager plugin, which is handed the session |

pub(crate) mod args;
mod choose;
pub(crate) mod exec;
mod launch;
mod plugin;
mod ready;
pub(crate) mod run;
mod watch;

pub(crate) use launch::Launch;
