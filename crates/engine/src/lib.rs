//! Plans and converges: dependency graph, the pure planner, its independent lint, the executor,
//! and the decisions on retries and waits. Knows nothing of AWS and nothing of terminals.

pub mod clock;
pub mod cloud;
pub mod desired;
pub mod diff;
pub mod execute;
pub mod graph;
pub mod kind;
pub mod lint;
pub mod owner;
pub mod pace;
pub mod plan;
pub mod resolve;
pub mod retry;
pub mod snapshot;
pub mod value;
pub mod wait;
