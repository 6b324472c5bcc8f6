//! The kinds, one file each, registered by the list in `hatoba_model::kinds`.

pub mod cluster;
pub mod iam_account;
pub(crate) mod iam_shared;
pub mod log_group;
pub mod network;
pub mod oidc_provider;
pub mod parameter;
pub mod policy;
pub mod repository;
pub mod role;
pub mod security_group;
pub mod service;
pub mod service_linked_role;
pub mod task_definition;
pub mod user;
mod user_credentials;

use hatoba_model::for_each_kind;

use crate::driver::Driver;

macro_rules! register {
    ($($module:ident / $section:ident: $Spec:ident = $doc:literal,)*) => {
        // The one kind that stands in no file.
        static DRIVERS: &[&dyn Driver] = &[&service_linked_role::ServiceLinkedRole, $(&$module::$Spec),*];

        /// The driver of a kind of the list.
        pub(crate) fn driver_of(kind: &'static str) -> &'static dyn Driver {
            match kind {
                "service_linked_role" => &service_linked_role::ServiceLinkedRole,
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
