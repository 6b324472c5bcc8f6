//! Stand-in values, used only to see what else a mapping lacks besides the one key serde names.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::error::DecodeError;

type Failure = Box<DecodeError>;

/// A key to add to a mapping in a pass whose value is thrown away.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    /// The identity of the mapping.
    pub(super) mapping: usize,
    /// The key.
    pub(super) field: String,
    /// Which of the [`GUESSES`] to answer with where text is wanted.
    pub(super) guess: usize,
}

/// Text that many checked text types take. Which one is taken does not matter: the value is thrown away.
pub(super) const GUESSES: [&str; 4] = ["a", "1", "a/a", "us-east-1"];

/// A value that fits almost every type: 1, a short text, the first variant, an empty list, a mapping with every field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Poison {
    guess: usize,
    /// How many levels further down there may be values; a type that contains itself would otherwise never end.
    levels: usize,
}

impl Poison {
    pub(super) fn new(guess: usize) -> Self {
        Self { guess, levels: 8 }
    }

    fn text(self) -> &'static str {
        GUESSES.get(self.guess).copied().unwrap_or_default()
    }

    fn below(self) -> Result<Self, Failure> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| -> Failure { serde::de::Error::custom("too deep") })?;
        Ok(Self { levels, ..self })
    }
}

macro_rules! ones {
    ($($method:ident $visit:ident $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Poison {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_borrowed_str(self.text())
    }

    ones! {
        deserialize_bool visit_bool true;
        deserialize_u8 visit_u8 1; deserialize_u16 visit_u16 1; deserialize_u32 visit_u32 1; deserialize_u64 visit_u64 1;
        deserialize_i8 visit_i8 1; deserialize_i16 visit_i16 1; deserialize_i32 visit_i32 1; deserialize_i64 visit_i64 1;
        deserialize_u128 visit_u128 1; deserialize_i128 visit_i128 1; deserialize_f32 visit_f32 1.0;
        deserialize_f64 visit_f64 1.0; deserialize_char visit_char 'a';
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Repeat { value: self.below()?, left: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Repeat { value: self.below()?, left: length })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { value: self.below()?, names: &[] })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { value: self.below()?, names })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(First { value: self.below()?, name: variants.first().copied().unwrap_or_default() })
    }

    forward_to_deserialize_any! { str string bytes byte_buf identifier ignored_any }
}

/// The same value several times.
struct Repeat {
    value: Poison,
    left: usize,
}

impl<'de> SeqAccess<'de> for Repeat {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.value).map(Some)
    }
}

/// Every field of a struct.
struct Fields {
    value: Poison,
    names: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some((first, rest)) = self.names.split_first() else { return Ok(None) };
        self.names = rest;
        seed.deserialize(StrDeserializer::new(first)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        seed.deserialize(self.value)
    }
}

/// The first variant of an enum.
struct First {
    value: Poison,
    name: &'static str,
}

impl<'de> EnumAccess<'de> for First {
    type Error = Failure;
    type Variant = Poison;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Poison), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Poison {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, names: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Fields { value: self.below()?, names })
    }
}
