//! The names of time zones.
//!
//! `zones.txt` holds the names of the IANA time zone database 2025b and their old names (its `Zone` and `Link` lines). AWS takes those that
//! Joda-Time has, which follows the same database. Only the names are needed: AWS does the reckoning.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::check::shorten;
use crate::diag::did_you_mean;

const NAMES: &str = include_str!("zones.txt");

/// A time zone of the IANA database, such as `Asia/Tokyo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zone(&'static str);

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no time zone of the IANA database{hint}")]
pub struct ZoneError {
    name: String,
    hint: String,
}

impl Zone {
    /// What AWS assumes unless told otherwise.
    pub const UTC: Self = Self("UTC");

    /// Its name.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.split_ascii_whitespace()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        if let Some(name) = Self::names().find(|name| *name == text) {
            return Ok(Self(name));
        }
        // Somebody who writes `Tokyo` or `asia/tokyo` means a city.
        let city = |name: &str| name.rsplit('/').next().unwrap_or_default().replace('_', " ");
        let wanted = city(text);
        let same = Self::names().find(|name| name.contains('/') && city(name).eq_ignore_ascii_case(&wanted));
        let hint = match same {
            Some(name) => format!("; did you mean `{name}`?"),
            None => match did_you_mean(text, Self::names()) {
                Some(question) => format!("; {question}"),
                None => "; it is called after a city, such as `Asia/Tokyo`, or `UTC`".to_owned(),
            },
        };
        Err(ZoneError { name: shorten(text), hint })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "TimeZone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::names().collect();
        json_schema!({
            "type": "string",
            "description": "A time zone of the IANA database, such as Asia/Tokyo.",
            "enum": names
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::Zone;

    #[test]
    fn names_are_there_once_and_in_order() {
        let names: Vec<&str> = Zone::names().collect();
        assert!(names.is_sorted() && names.windows(2).all(|two| two.first() != two.last()));
        for known in
            ["Asia/Tokyo", "America/Argentina/Buenos_Aires", "Etc/GMT+9", "Pacific/Tahiti", "UTC", "US/Pacific"]
        {
            assert_eq!(known.parse::<Zone>().unwrap().as_str(), known);
        }
    }

    #[test]
    fn what_was_meant_is_suggested() {
        for (text, part) in [
            ("Tokyo", "did you mean `Asia/Tokyo`?"),
            ("asia/tokyo", "did you mean `Asia/Tokyo`?"),
            ("Asia/Tokio", "did you mean `Asia/Tokyo`?"),
            ("New York", "did you mean `America/New_York`?"),
            ("PST (somewhere)", "called after a city"),
        ] {
            let said = text.parse::<Zone>().unwrap_err().to_string();
            assert!(said.contains(part), "{said}");
        }
    }
}
