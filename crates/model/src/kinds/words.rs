//! Enumerations whose words may be written in any case, and values that have a short and a full form.

use schemars::{Schema, json_schema};

/// Declares an enumeration: `Variant = "as the file spells it" => "AS_THE_API_DOES" | "another spelling"`.
/// Case, hyphens and underscores make no difference when it is read.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $Name:ident {
        $($(#[$word_meta:meta])* $Word:ident = $text:literal => $api:literal $(| $alias:literal)*,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $Name {
            $($(#[$word_meta])* $Word,)+
        }

        impl $Name {
            /// Every word, as the file spells it.
            pub const WORDS: &'static [&'static str] = &[$($text),+];

            /// As the file spells it.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$Word => $text,)+
                }
            }

            /// As the API spells it.
            pub fn api(self) -> &'static str {
                match self {
                    $(Self::$Word => $api,)+
                }
            }

            /// The meaning of a word, in any of its spellings.
            pub fn read(word: &str) -> Option<Self> {
                $(
                    if [$text, $api $(, $alias)*].iter().any(|known| $crate::kinds::words::same(known, word)) {
                        return Some(Self::$Word);
                    }
                )+
                None
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;
                impl serde::de::Visitor<'_> for Word {
                    type Value = $Name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "one of: {}", $Name::WORDS.join(", "))
                    }

                    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<$Name, E> {
                        $Name::read(word).ok_or_else(|| E::unknown_variant(word, $Name::WORDS))
                    }
                }
                deserializer.deserialize_str(Word)
            }
        }

        impl schemars::JsonSchema for $Name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($Name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::kinds::words::schema(Self::WORDS, &[$($text, $api $(, $alias)*),+])
            }
        }
    };
}

/// Reads a value that may be written short, as a text, a number or a list, or in full, as a mapping.
macro_rules! short_or_full {
    ($Name:ty: $expecting:literal $(, text => $text:expr)? $(, number => $number:expr)? $(, list => $list:expr)?
        $(, nothing => $nothing:expr)? $(, map => $map:expr)?) => {
        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Either;
                impl<'de> serde::de::Visitor<'de> for Either {
                    type Value = $Name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expecting)
                    }

                    $(
                        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$Name, E> {
                            let read: fn(&str) -> Result<$Name, String> = $text;
                            read(text).map_err(E::custom)
                        }
                    )?

                    $(
                        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$Name, E> {
                            let read: fn(u64) -> Result<$Name, String> = $number;
                            read(number).map_err(E::custom)
                        }
                    )?

                    $(
                        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<$Name, A::Error> {
                            let list = serde::Deserialize::deserialize(serde::de::value::SeqAccessDeserializer::new(list))?;
                            Ok($list(list))
                        }
                    )?

                    $(
                        fn visit_unit<E: serde::de::Error>(self) -> Result<$Name, E> {
                            Ok($nothing)
                        }
                    )?

                    $(
                        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$Name, A::Error> {
                            let full = serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                            Ok($map(full))
                        }
                    )?
                }
                deserializer.deserialize_any(Either)
            }
        }
    };
}

/// Whether two spellings are the same word.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let letters = |text: &str| {
        text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    letters(a) == letters(b)
}

/// The schema of a word: editors offer `words`, and accept every spelling.
pub(crate) fn schema(words: &[&str], spellings: &[&str]) -> Schema {
    let mut patterns: Vec<String> = spellings.iter().map(|word| pattern(word)).collect();
    patterns.sort();
    patterns.dedup();
    json_schema!({
        "anyOf": [{ "enum": words }, { "type": "string", "pattern": format!("^({})$", patterns.join("|")) }]
    })
}

fn pattern(word: &str) -> String {
    let mut pattern = String::new();
    for letter in word.chars() {
        match letter {
            '-' | '_' => pattern.push_str("[-_ ]?"),
            letter if letter.is_ascii_alphabetic() => {
                pattern.push('[');
                pattern.push(letter.to_ascii_lowercase());
                pattern.push(letter.to_ascii_uppercase());
                pattern.push(']');
            }
            letter => pattern.push(letter),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::{pattern, same};

    #[test]
    fn spellings_of_one_word() {
        assert!(same("x86_64", "X86-64") && same("ARM64", "arm64") && !same("arm64", "amd64"));
        assert_eq!(pattern("a_6"), "[aA][-_ ]?6");
    }
}
