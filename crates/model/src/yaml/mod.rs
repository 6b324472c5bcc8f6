//! Reading and writing the YAML of a stack file.
//!
//! [`parse()`] turns a [`Source`] into a [`Node`] tree that knows where every key and value stands; [`decode`] and
//! [`decode_all`] turn a tree into typed values, the latter reporting every mistake at once; [`merge()`] lays one tree over
//! another; [`emit()`] writes a tree as YAML.

mod builder;
mod collect;
mod de;
mod emit;
mod error;
mod explain;
mod lines;
mod measure;
mod merge;
mod parse;
mod path;
mod poison;
mod scalar;
mod source;
mod tree;
mod wide;

pub use collect::{Decoded, decode_all, decode_lenient};
pub use de::{NodeDeserializer, decode};
pub use emit::emit;
pub use error::{DecodeError, DecodeErrorKind};
pub use merge::merge;
pub use parse::{MAX_ALIAS_BYTES, MAX_ALIAS_NODES, MAX_DEPTH, MAX_NODES, Parsed, parse, parse_lenient};
pub use path::{Path, Segment};
pub use scalar::{Resolved, Scalar, resolve};
pub use source::{MAX_BYTES, Source};
pub use tree::{Entry, Node, NodeValue, Pos, Span};

pub(crate) use lines::Lines;
