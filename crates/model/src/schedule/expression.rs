//! A schedule as Application Auto Scaling takes it. Source: its API reference, `PutScheduledAction`, `Schedule`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::cron::Cron;
use super::day::days_in;
use super::field::number;
use crate::check::shorten;

/// When something happens: `cron(0 9 ? * MON-FRI *)`, `at(2026-12-24T18:00:00)` or `rate(12 hours)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// At certain times of certain days.
    Cron(Cron),
    /// Every so many minutes, from when it was made.
    Rate(Rate),
    /// Once.
    At(At),
}

/// Every so many minutes, hours or days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, from 1.
    pub value: u32,
    /// `minute`, `minutes`, `hour`, `hours`, `day` or `days`.
    pub unit: String,
}

/// A moment, in the time of the schedule's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// `2026-12-24T18:00:00`.
    pub text: String,
}

/// Why a text is no schedule. The message says what one looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Neither of the three.
    #[error(
        "`{0}` is no schedule of AWS; it is written `cron(0 9 ? * MON-FRI *)`, `at(2026-12-24T18:00:00)` or `rate(12 hours)`"
    )]
    Form(String),
    /// The five fields of crontab and GitHub, without `cron(…)` around them.
    #[error(
        "`{0}` is a schedule of crontab; AWS takes `cron(…)` with six fields: minutes, hours, day of the month, month, day of the week, year, as in `cron(0 9 ? * MON-FRI *)`"
    )]
    Crontab(String),
    /// Not six fields.
    #[error(
        "`cron(…)` has six fields (minutes, hours, day of the month, month, day of the week, year), this one {0}; as in `cron(0 9 ? * MON-FRI *)`"
    )]
    Fields(usize),
    /// Both days are `?`.
    #[error("`?` means no choice, but one of the two days must choose; write `*` as the day of the month")]
    NoDay,
    /// Neither day is `?`.
    #[error(
        "the day of the month (`{0}`) and the day of the week (`{1}`) cannot both be given; write `?` for one of them, as in `cron(0 9 ? * MON-FRI *)`"
    )]
    TwoDays(String, String),
    /// One item of a field.
    #[error("`{item}` is no {title}; allowed: {allowed}")]
    Item {
        /// What was written.
        item: String,
        /// The name of the field.
        title: &'static str,
        /// What it may be.
        allowed: String,
    },
    /// A cron expression without any day.
    #[error("`{0}` never happens; no month that it names has such a day")]
    Never(String),
    /// Not a rate.
    #[error("`{0}` is no rate; it is written `rate(30 minutes)`, `rate(12 hours)` or `rate(1 day)`")]
    Rate(String),
    /// Not a moment.
    #[error("`{0}` is no moment; it is written `at(2026-12-24T18:00:00)`, without a zone")]
    At(String),
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let trimmed = text.trim();
        let inner =
            |name: &str| trimmed.strip_prefix(name).and_then(|rest| rest.trim().strip_prefix('(')?.strip_suffix(')'));
        if let Some(inner) = inner("cron") {
            let cron = Cron::read(inner)?;
            return if cron.ever() { Ok(Self::Cron(cron)) } else { Err(ExpressionError::Never(shorten(trimmed))) };
        }
        if let Some(inner) = inner("rate") {
            return rate(inner).map(Self::Rate).ok_or_else(|| ExpressionError::Rate(shorten(trimmed)));
        }
        if let Some(inner) = inner("at") {
            return at(inner.trim()).map(Self::At).ok_or_else(|| ExpressionError::At(shorten(trimmed)));
        }
        let fields = trimmed.split_whitespace().count();
        let bare = (5..=6).contains(&fields) && trimmed.starts_with(|c: char| c.is_ascii_digit() || c == '*');
        Err(if bare { ExpressionError::Crontab(shorten(trimmed)) } else { ExpressionError::Form(shorten(trimmed)) })
    }
}

fn rate(inner: &str) -> Option<Rate> {
    let mut words = inner.split_whitespace();
    let value = words.next().filter(|value| value.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let unit = words.next().filter(|unit| matches!(*unit, "minute" | "minutes" | "hour" | "hours" | "day" | "days"))?;
    (value > 0 && words.next().is_none()).then(|| Rate { value, unit: unit.to_owned() })
}

/// `yyyy-mm-ddThh:mm:ss`
fn at(inner: &str) -> Option<At> {
    let (date, time) = inner.split_once('T')?;
    let numbers = |text: &str, separator, lengths: [usize; 3]| -> Option<[u16; 3]> {
        let parts: Vec<&str> = text.split(separator).collect();
        let [a, b, c] = parts.as_slice() else { return None };
        let fits = [a, b, c].iter().zip(lengths).all(|(part, length)| part.len() == length);
        if fits { Some([number(a)?, number(b)?, number(c)?]) } else { None }
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let last = days_in(year, u8::try_from(month).ok()?);
    let possible = (1..=u16::from(last)).contains(&day) && hour < 24 && minute < 60 && second < 60;
    possible.then(|| At { text: inner.to_owned() })
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => write!(f, "cron({})", cron.text()),
            Self::Rate(Rate { value, unit }) => write!(f, "rate({value} {unit})"),
            Self::At(At { text }) => write!(f, "at({text})"),
        }
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Expression {
    fn schema_name() -> Cow<'static, str> {
        "ScheduleExpression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "When something happens: `cron(0 9 ? * MON-FRI *)` (minutes, hours, day of the month, month, day of the week, year; one of the two days is `?`), `at(2026-12-24T18:00:00)` or `rate(12 hours)`.",
            "pattern": "^\\s*(cron|at|rate)\\s*\\(.+\\)\\s*$",
            "examples": ["cron(0 9 ? * MON-FRI *)"]
        })
    }
}
