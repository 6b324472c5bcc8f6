//! The kinds, one file each, registered by the list in `hatoba_model::kinds`.

pub mod iam_account;
pub mod log_group;

use hatoba_model::for_each_kind;

use crate::driver::Driver;

macro_rules! register {
    ($($module:ident / $section:ident: $Spec:ident = $doc:literal,)*) => {
        static DRIVERS: &[&dyn Driver] = &[$(&$module::$Spec),*];

        /// The driver of a kind of the list.
        pub(crate) fn driver_of(kind: &'static str) -> &'static dyn Driver {
            match kind {
                $(stringify!($module) => &$module::$Spec,)*
                _ => unreachable!("kinds come from the list that this match is made from"),
            }
        }
    };
}

for_each_kind!(register);

/// All drivers, in the order of the list.
pub fn drivers() -> impl Iterator<Item = &'static dyn Driver> {
    DRIVERS.iter().copied()
}
