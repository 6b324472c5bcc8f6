//! The real binary against the emulators: what a user sees on the way from a file to a cloud and back, and what another
//! client then finds there.
//!
//! | file | what |
//! |---|---|
//! | `helpers` | running the binary, and looking with another client |
//! | `rows` | for every kind: how to make one by hand, and how to see whose it is |
//! | `stack` | a stack with every kind |
//! | `ownership` | what is not ours: refused, adopted, used, let go of |
//! | `removal` | what left the file, was renamed, adopted or retained |
//! | `drift` | what was changed, deleted or added behind hatoba's back |
//! | `deploying` | new images |
//! | `kept` | which image stays after a rollback, a run that was cut short, and somebody else's deploy |
//! | `counts` | how many copies run after that, where the file says another number, or none |
//! | `power` | stopped and started, by hand, on schedule, by load |
//! | `rolling_back` | back to what completed before |
//! | `provenance` | which run deployed what runs |
//! | `rotation` | secrets that change while tasks run |
//! | `looking` | how services stand, and what containers wrote |
//! | `pruning` | old revisions and images that nothing uses |
//! | `destroying_all` | a destroy with everything in its way at once, and the next apply while old services drain |
//! | `deregistered` | a revision that runs and was deregistered |
//! | `destroying` | the preview, the question and the proof |
//! | `documents` | `--json` and saved plans |
//! | `cost` | what it costs: from the file, in plans, against a budget, and what a destroy saves |
//! | `doctor` | refused tokens, missing permissions, an account that is not ready |
//! | `workflows` | files of the repository; they know no AWS, so one emulator is enough |
//! | `permissions` | what `permissions` prints, and for which account |
//! | `words` | what is said beside the plan: doubts about names, and every call |
//! | `codes` | accounts, credentials, permissions, the network: exit codes |
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod codes;
mod cost;
mod counts;
mod deploying;
mod deregistered;
mod destroying;
mod destroying_all;
mod doctor;
mod documents;
mod drift;
mod helpers;
mod kept;
mod looking;
mod ownership;
mod permissions;
mod power;
mod provenance;
mod pruning;
mod removal;
mod rolling_back;
mod rotation;
mod rows;
mod stack;
mod words;
mod workflows;
