//! From data to text. Pure: whether there is a terminal, and how wide it is, are arguments.

pub(crate) mod beside;
pub(crate) mod change;
pub(crate) mod cost;
pub(crate) mod cost_json;
pub(crate) mod diff;
pub(crate) mod document;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod layout;
pub(crate) mod line;
pub(crate) mod logs;
pub(crate) mod markdown;
pub(crate) mod missing;
pub(crate) mod one_off;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod rollout;
pub(crate) mod status;
pub(crate) mod style;
#[cfg(test)]
pub(crate) mod testkit;
pub(crate) mod value;

pub(crate) use style::{Style, Tone, count, one_line, plural, safe};
