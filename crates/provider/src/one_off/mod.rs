//! Tasks that are run once, and commands in tasks that run.
//!
//! | file | what |
//! |---|---|
//! | `definition` | a revision, as far as a run of it goes |
//! | `home` | where and how the tasks of a service run |
//! | `start` | starting a task, and stopping it |
//! | `session` | a command in a task that runs |

pub mod definition;
pub mod home;
pub mod session;
pub mod start;
