//! What a stack costs: an embedded table of prices with their sources and dates, and arithmetic over it.
//! Knows nothing of AWS's API, the network, the clock or terminals.

pub mod estimate;
pub mod money;
pub mod savings;
pub mod shape;
pub mod sources;
pub mod stack;
pub mod table;
pub mod whole;
