//! From a tree to typed values by serde, with the place of every error.

use std::collections::HashSet;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::{DecodeError, DecodeErrorKind};
use super::path::{Path, Segment};
use super::poison::{Poison, Probe};
use super::scalar::{Resolved, Scalar, resolve};
use super::tree::{Entry, Node, NodeValue, Span};

/// Boxed because it passes through every `Result` of the decoder.
type Failure = Box<DecodeError>;

/// Decodes a tree.
///
/// Nothing where a mapping or a list is wanted is an empty one; nothing where an option is wanted is `None`. Where text is
/// wanted an unquoted number or truth value is an error ([`Scalar`] takes both), and so is a quoted number where a number is
/// wanted. To `deserialize_any` numbers appear as `u64`, or as `i64` if negative, as in JSON.
///
/// # Errors
///
/// The first value that does not fit. See [`decode_all`](super::decode_all) for all of them.
pub fn decode<T: DeserializeOwned>(root: &Node) -> Result<T, Box<DecodeError>> {
    let dropped = HashSet::new();
    run(root, &Context { dropped: &dropped, probes: &[] })
}

/// Decodes a tree in a context.
pub(super) fn run<T: DeserializeOwned>(root: &Node, context: &Context<'_>) -> Result<T, Failure> {
    let place = Place { above: None, segment: None };
    T::deserialize(NodeDeserializer { node: root, key_span: None, place: &place, context })
        .map_err(|error| error.locate(root, None, Path::root))
}

/// What a decoding pass leaves out and adds.
#[derive(Debug)]
pub(super) struct Context<'c> {
    /// The [`identity`] of nodes to pass over as if they were not in the file.
    pub(super) dropped: &'c HashSet<usize>,
    /// Keys to add to mappings.
    pub(super) probes: &'c [Probe],
}

/// What tells a node of a tree from every other node of it, while the tree is not changed.
pub(super) fn identity(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// The way down to a node, as a list on the stack: a path is only built when there is an error.
#[derive(Debug, Clone, Copy)]
struct Place<'p> {
    above: Option<&'p Place<'p>>,
    segment: Option<Step<'p>>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl Place<'_> {
    fn path(&self) -> Path {
        let mut segments = Vec::new();
        let mut place = Some(self);
        while let Some(here) = place {
            segments.extend(here.segment.map(|step| match step {
                Step::Key(key) => Segment::Key(key.to_owned()),
                Step::Index(index) => Segment::Index(index),
            }));
            place = here.above;
        }
        segments.reverse();
        Path::from(segments)
    }
}

/// A serde deserializer over a [`Node`]. See [`decode`] for its conventions.
#[derive(Debug, Clone, Copy)]
pub struct NodeDeserializer<'de, 'p> {
    node: &'de Node,
    key_span: Option<Span>,
    place: &'p Place<'p>,
    context: &'p Context<'p>,
}

impl<'de, 'p> NodeDeserializer<'de, 'p> {
    /// Marks an error that was raised for this node.
    fn locate<T>(self, result: Result<T, Failure>) -> Result<T, Failure> {
        result.map_err(|error| error.locate(self.node, self.key_span, || self.place.path()))
    }

    /// Shows the node to a visitor as what it is.
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            NodeValue::Null => visitor.visit_unit(),
            NodeValue::List(items) => self.visit_list(items, visitor),
            NodeValue::Map(entries) => self.visit_entries(entries, visitor),
            NodeValue::Scalar { text, plain } => match if *plain { resolve(text) } else { Resolved::Text } {
                Resolved::Null => visitor.visit_unit(),
                Resolved::Bool(value) => visitor.visit_bool(value),
                Resolved::Int(number) => match u64::try_from(number) {
                    Ok(number) => visitor.visit_u64(number),
                    Err(_) => visitor.visit_i64(number),
                },
                Resolved::UInt(number) => visitor.visit_u64(number),
                Resolved::Float(number) => visitor.visit_f64(number),
                Resolved::Text => visitor.visit_borrowed_str(text),
            },
        }
    }

    fn visit_list<V: Visitor<'de>>(self, items: &'de [Node], visitor: V) -> Result<V::Value, Failure> {
        let mut access = ListAccess { items: items.iter().enumerate(), place: self.place, context: self.context };
        let value = visitor.visit_seq(&mut access)?;
        if access.next_present().is_some() {
            return Err(de::Error::custom(format!("the list of {} is longer than it can be here", items.len())));
        }
        Ok(value)
    }

    fn visit_entries<V: Visitor<'de>>(self, entries: &'de [Entry], visitor: V) -> Result<V::Value, Failure> {
        let probes = if self.context.probes.is_empty() { Vec::new() } else { self.probes() };
        visitor.visit_map(EntryAccess {
            entries: entries.iter(),
            current: None,
            probes: probes.into_iter(),
            probing: None,
            place: self.place,
            context: self.context,
        })
    }

    /// The keys to add to this mapping.
    fn probes(self) -> Vec<&'p Probe> {
        let identity = identity(self.node);
        self.context.probes.iter().filter(|probe| probe.mapping == identity).collect()
    }

    /// Shows the node to a visitor that wants a mapping: nothing is an empty one, and a list is never taken for the fields
    /// of a struct in their order.
    fn visit_mapping<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            NodeValue::Null => self.visit_entries(&[], visitor),
            NodeValue::List(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)),
            _ => self.visit(visitor),
        }
    }

    fn visit_sequence<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.node.value {
            NodeValue::Null => self.visit_list(&[], visitor),
            _ => self.visit(visitor),
        }
    }

    fn visit_variant<V: Visitor<'de>>(self, variants: &[&str], visitor: V) -> Result<V::Value, Failure> {
        let wrong = |found| {
            let expected =
                format!("one of {}", variants.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
            Err(de::Error::invalid_type(found, &expected.as_str()))
        };
        match &self.node.value {
            NodeValue::Null => wrong(de::Unexpected::Unit),
            NodeValue::List(_) => wrong(de::Unexpected::Seq),
            // A word such as `256` or `true` names a variant too.
            NodeValue::Scalar { text, .. } => visitor.visit_enum(VariantName { name: text, payload: None, de: self }),
            NodeValue::Map(entries) => {
                let mut present =
                    entries.iter().filter(|entry| !self.context.dropped.contains(&identity(&entry.value)));
                match (present.next(), present.next()) {
                    (Some(entry), None) => {
                        visitor.visit_enum(VariantName { name: &entry.key, payload: Some(entry), de: self })
                    }
                    (None, _) => wrong(de::Unexpected::Other("an empty mapping")),
                    (Some(_), Some(second)) => {
                        let message = format!("only one key is allowed here; `{}` is one too many", second.key);
                        Err(de::Error::custom(message))
                    }
                }
            }
        }
    }
}

macro_rules! located {
    ($($method:ident => $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.locate(self.$visit(visitor))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'de, '_> {
    type Error = Failure;

    located! {
        deserialize_any => visit; deserialize_bool => visit; deserialize_char => visit;
        deserialize_i8 => visit; deserialize_i16 => visit; deserialize_i32 => visit; deserialize_i64 => visit;
        deserialize_u8 => visit; deserialize_u16 => visit; deserialize_u32 => visit; deserialize_u64 => visit;
        deserialize_i128 => visit; deserialize_u128 => visit; deserialize_f32 => visit; deserialize_f64 => visit;
        deserialize_str => visit; deserialize_string => visit; deserialize_identifier => visit;
        deserialize_bytes => visit; deserialize_byte_buf => visit; deserialize_unit => visit;
        deserialize_seq => visit_sequence; deserialize_map => visit_mapping;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.locate(if self.node.resolved() == Resolved::Null {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        self.locate(match &self.node.value {
            NodeValue::Scalar { text, .. } if name == Scalar::NAME => visitor.visit_borrowed_str(text),
            _ => visitor.visit_newtype_struct(self),
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.locate(self.visit_variant(variants, visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }
}

/// The elements of a list.
struct ListAccess<'de, 'p> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
    place: &'p Place<'p>,
    context: &'p Context<'p>,
}

impl<'de> ListAccess<'de, '_> {
    fn next_present(&mut self) -> Option<(usize, &'de Node)> {
        self.items.by_ref().find(|(_, item)| !self.context.dropped.contains(&identity(item)))
    }
}

impl<'de> SeqAccess<'de> for &mut ListAccess<'de, '_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some((index, node)) = self.next_present() else { return Ok(None) };
        let place = Place { above: Some(self.place), segment: Some(Step::Index(index)) };
        let de = NodeDeserializer { node, key_span: None, place: &place, context: self.context };
        de.locate(seed.deserialize(de)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a mapping.
struct EntryAccess<'de, 'p> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
    probes: std::vec::IntoIter<&'p Probe>,
    probing: Option<&'p Probe>,
    place: &'p Place<'p>,
    context: &'p Context<'p>,
}

impl<'de> EntryAccess<'de, '_> {
    fn key<K: DeserializeSeed<'de>>(&self, entry: &'de Entry, seed: K) -> Result<K::Value, Failure> {
        seed.deserialize(KeyDeserializer { key: &entry.key })
            .map_err(|error| error.locate_key(entry.key_span, || self.place.path(), &entry.key))
    }
}

impl<'de> MapAccess<'de> for EntryAccess<'de, '_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let present = |entry: &&Entry| !self.context.dropped.contains(&identity(&entry.value));
        if let Some(entry) = self.entries.by_ref().find(present) {
            self.current = Some(entry);
            return self.key(entry, seed).map(Some);
        }
        self.current = None;
        self.probing = self.probes.next();
        match self.probing {
            Some(probe) => seed.deserialize(StrDeserializer::new(&probe.field)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some(entry) = self.current.take() else {
            return seed.deserialize(Poison::new(self.probing.map_or(0, |probe| probe.guess)));
        };
        let place = Place { above: Some(self.place), segment: Some(Step::Key(&entry.key)) };
        let de = NodeDeserializer {
            node: &entry.value,
            key_span: Some(entry.key_span),
            place: &place,
            context: self.context,
        };
        de.locate(seed.deserialize(de))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A key of a mapping: text, or a number for a map keyed by numbers.
struct KeyDeserializer<'de> {
    key: &'de str,
}

macro_rules! number_keys {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            match self.key.parse::<$type>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => visitor.visit_borrowed_str(self.key),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for KeyDeserializer<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_borrowed_str(self.key)
    }

    number_keys! {
        deserialize_u8 visit_u8 u8; deserialize_u16 visit_u16 u16; deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64; deserialize_i8 visit_i8 i8; deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32; deserialize_i64 visit_i64 i64; deserialize_bool visit_bool bool;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self.key.into_deserializer())
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// The chosen variant of an enum: a word, or the only key of a mapping with its value.
struct VariantName<'de, 'p> {
    name: &'de str,
    payload: Option<&'de Entry>,
    de: NodeDeserializer<'de, 'p>,
}

impl<'de, 'p> VariantName<'de, 'p> {
    /// The value of the variant, if there is one.
    fn with_payload<T>(
        self,
        kind: &str,
        use_it: impl for<'q> FnOnce(NodeDeserializer<'de, 'q>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(entry) = self.payload else {
            let message = format!(
                "`{}` needs {kind}: write `{}: …` on a line of its own, or `{{ {}: … }}`",
                self.name, self.name, self.name
            );
            return Err(de::Error::custom(message));
        };
        let place = Place { above: Some(self.de.place), segment: Some(Step::Key(&entry.key)) };
        let de = NodeDeserializer {
            node: &entry.value,
            key_span: Some(entry.key_span),
            place: &place,
            context: self.de.context,
        };
        de.locate(use_it(de))
    }
}

impl<'de> EnumAccess<'de> for VariantName<'de, '_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Failure> {
        let value =
            seed.deserialize(StrDeserializer::<Failure>::new(self.name)).map_err(|error| match self.payload {
                // The key is what is wrong, but the whole value has to go.
                Some(entry) => {
                    let mut error = error.locate_key(entry.key_span, || self.de.place.path(), &entry.key);
                    if matches!(error.kind, DecodeErrorKind::UnknownVariant { .. }) {
                        error.path = self.de.place.path();
                    }
                    error
                }
                None => error,
            })?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for VariantName<'de, '_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.payload {
            Some(entry) if !entry.value.is_null() => {
                let message = format!("`{}` stands alone here, without a value: write just `{}`", self.name, self.name);
                Err(de::Error::custom(message))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        self.with_payload("a value", |de| seed.deserialize(de))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.with_payload("a list", |de| de::Deserializer::deserialize_seq(de, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.with_payload("a mapping", |de| de::Deserializer::deserialize_map(de, visitor))
    }
}
