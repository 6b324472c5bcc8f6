//! The typed stack: what a file says once it is known to be well formed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::{Address, KindName};
use crate::for_each_kind;
use crate::kinds::{self, Resource};
use crate::names::{AccountId, Region, StackName};
use crate::yaml::Scalar;

macro_rules! define_stack {
    ($($module:ident / $section:ident: $Spec:ident = $doc:literal,)*) => {
        /// A stack file in its long form: what should exist on AWS.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Stack {
            /// The stack's name: it begins with a lower-case letter and has up to 32 lower-case letters, digits and hyphens. Part of
            /// every ownership tag.
            pub stack: StackName,
            /// The AWS region, such as `us-west-2`.
            pub region: Region,
            /// The account this file is for, in quotes. hatoba refuses to work in any other.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub account: Option<AccountId>,
            /// What the stack may cost; `plan` and `apply` refuse to go above.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub budget: Option<crate::budget::Budget>,
            /// Tags on every resource.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub tags: BTreeMap<String, Scalar>,
            /// The GitHub repository that deploys this stack.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub github: Option<crate::github::GitHub>,
            $(
                #[doc = $doc]
                #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
                pub $section: BTreeMap<String, kinds::$module::$Spec>,
            )*
            /// Workflow files of the repository, by their paths: `.github/workflows/deploy.yml: { deploys: papyrus }`.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub workflows: BTreeMap<String, crate::workflows::Workflow>,
        }

        impl Stack {
            /// The sections of a file that hold resources, in the order of the list of kinds.
            pub const SECTIONS: &'static [&'static str] = &[$(stringify!($section)),*];

            /// Calls `f` with every resource: its address, its section, its key and itself.
            pub fn each(&self, f: &mut dyn FnMut(Address, &'static str, &str, &dyn Resource)) {
                $(
                    for (key, spec) in &self.$section {
                        f(Address::new(stringify!($module), key.as_str()), stringify!($section), key, spec);
                    }
                )*
            }

            /// The resource with this section and key.
            pub fn find(&self, section: &str, key: &str) -> Option<&dyn Resource> {
                match section {
                    $(stringify!($section) => self.$section.get(key).map(|spec| spec as &dyn Resource),)*
                    _ => None,
                }
            }

            /// The keys of a section; nothing for a section that there is not.
            pub fn keys(&self, section: &str) -> Vec<&str> {
                match section {
                    $(stringify!($section) => self.$section.keys().map(String::as_str).collect(),)*
                    _ => Vec::new(),
                }
            }

            /// The kind that a section holds.
            pub fn kind_of(section: &str) -> Option<KindName> {
                match section {
                    $(stringify!($section) => Some(stringify!($module)),)*
                    _ => None,
                }
            }

            /// A kind's own keys, by the kind's name.
            pub fn fields_of(kind: &str) -> &'static [&'static str] {
                match kind {
                    $(stringify!($module) => kinds::$module::$Spec::FIELDS,)*
                    _ => &[],
                }
            }
        }
    };
}

for_each_kind!(define_stack);
