//! The resource kinds: one file each, and the one list that everything else is made from.

#[macro_use]
mod macros;

pub mod log_group;

pub use macros::{Common, Resource};

/// The list of kinds: `module / section of the file: type = what the section holds`.
/// A new kind needs one line here (and its `pub mod` line, so that `cargo fmt` sees the file).
#[macro_export]
macro_rules! for_each_kind {
    ($then:ident) => {
        $then! {
            log_group / log_groups: LogGroup = "CloudWatch log groups, by their name.",
        }
    };
}
