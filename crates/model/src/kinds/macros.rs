//! What all kinds have in common.

use std::collections::BTreeMap;

use crate::check::Check;
use crate::facts::Facts;
use crate::stack::Stack;

/// The keys that every resource has.
#[derive(Clone, Copy, Debug)]
pub struct Common<'a> {
    /// The name in AWS, when it differs from the key.
    pub name: Option<&'a str>,
    /// Its own tags.
    pub tags: &'a BTreeMap<String, crate::yaml::Scalar>,
    /// Take over one that exists without an owner.
    pub adopt: bool,
    /// Leave it on removal and destroy.
    pub retain: bool,
    /// Look it up, never touch it.
    pub existing: bool,
}

/// A resource kind's part of the file.
pub trait Resource {
    /// The keys that every resource has.
    fn common(&self) -> Common<'_>;

    /// Reports everything in this resource that AWS would only refuse later.
    fn check(&self, cx: &mut Check<'_>);

    /// An output that follows from names alone, such as an ARN. `name` is the name in AWS.
    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String>;

    /// The names of all outputs that [`Resource::output`] knows, for "did you mean".
    fn outputs(&self) -> &'static [&'static str];

    /// What its name is unique in, in words; nothing where that is the account and region.
    fn scope(&self, _: &Stack) -> Option<String> {
        None
    }

    /// The name in AWS of the resource with this key.
    fn aws_name<'a>(&'a self, key: &'a str) -> &'a str {
        self.common().name.unwrap_or(key)
    }
}

/// The name of a field as the file spells it: `r#type` is `type`.
pub(crate) const fn plain(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Declares the spec of a kind: adds the keys that every resource has, and the list of its own fields.
macro_rules! resource {
    ($(#[$meta:meta])* pub struct $Name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $Name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// The name in AWS, when it differs from the key.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub name: Option<String>,
            /// Tags of this resource, over those of the stack. AWS allows 50 in all; `aws:` and `hatoba:` are reserved.
            #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub tags: std::collections::BTreeMap<String, crate::yaml::Scalar>,
            /// Take over the resource if it exists and belongs to no stack.
            pub adopt: bool,
            /// On removal from the file and on destroy, let go of the resource instead of deleting it.
            pub retain: bool,
            /// The resource exists and is only used, never touched.
            pub existing: bool,
        }

        impl $Name {
            /// The kind's own keys.
            pub const FIELDS: &'static [&'static str] = &[$($crate::kinds::macros::plain(stringify!($field))),*];

            fn common_keys(&self) -> $crate::kinds::Common<'_> {
                $crate::kinds::Common {
                    name: self.name.as_deref(),
                    tags: &self.tags,
                    adopt: self.adopt,
                    retain: self.retain,
                    existing: self.existing,
                }
            }
        }
    };
}
