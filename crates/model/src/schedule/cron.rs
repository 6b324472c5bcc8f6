//! `cron(…)` as AWS takes it: minutes, hours, day of the month, month, day of the week, year.
//!
//! Source: Application Auto Scaling User Guide, "Schedule recurring scaling actions using cron expressions", which refers to the EventBridge
//! User Guide, "Cron expressions reference".

use super::day::{self, Day};
use super::expression::ExpressionError;
use super::field::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY, YEAR};

/// When something happens again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    /// The six fields, one space between two.
    text: String,
    /// Minutes of the day, in order.
    times: Vec<u16>,
    days: Days,
    months: Vec<u16>,
    /// Nothing for every year.
    years: Option<Vec<u16>>,
}

/// On which days of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    /// Every day.
    All,
    /// These days of the month.
    OfMonth(Vec<u16>),
    /// `L`: the last day of the month.
    LastOfMonth,
    /// `15W`: the working day nearest to a day, in the same month.
    Working(u16),
    /// These days of the week.
    OfWeek(Vec<u16>),
    /// `6L`: the last such day of the week in the month.
    LastOfWeek(u16),
    /// `6#3`: the third such day of the week in the month.
    Numbered(u16, u16),
}

impl Cron {
    /// Reads the six fields.
    ///
    /// # Errors
    ///
    /// Which field is wrong, and what it may be.
    pub(super) fn read(inner: &str) -> Result<Self, ExpressionError> {
        let parts: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = parts.as_slice() else {
            return Err(ExpressionError::Fields(parts.len()));
        };
        let hours = values(&HOUR, hours)?;
        let minutes = values(&MINUTE, minutes)?;
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute)).collect();
        let days = match (*days, *weekdays) {
            ("?", "?") => return Err(ExpressionError::NoDay),
            (days, "?") => of_month(days)?,
            ("?", weekdays) => of_week(weekdays)?,
            (days, weekdays) => return Err(ExpressionError::TwoDays(days.to_owned(), weekdays.to_owned())),
        };
        let months = values(&MONTH, months)?;
        let years = if *years == "*" { None } else { Some(values(&YEAR, years)?) };
        Ok(Self { text: parts.join(" "), times, days, months, years })
    }

    /// The six fields, one space between two.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The minutes of the day at which it happens, from 0 to 1439, in order, on days on which it does.
    pub fn times(&self) -> &[u16] {
        &self.times
    }

    /// Whether it is the same every year.
    pub fn is_yearly(&self) -> bool {
        self.years.is_none()
    }

    /// Whether it is the same every week.
    pub fn is_weekly(&self) -> bool {
        self.is_yearly() && self.months.len() == 12 && matches!(self.days, Days::All | Days::OfWeek(_))
    }

    /// Whether it happens on a day.
    pub fn on(&self, day: Day) -> bool {
        let number = u16::from(day.day);
        let weekday = u16::from(day.weekday);
        let last = u16::from(day.last_of_month());
        self.years.as_ref().is_none_or(|years| years.contains(&day.year))
            && self.months.contains(&u16::from(day.month))
            && match &self.days {
                Days::All => true,
                Days::OfMonth(days) => days.contains(&number),
                Days::LastOfMonth => number == last,
                Days::Working(near) => *near <= last && number == working_day(*near, number, weekday, last),
                Days::OfWeek(days) => days.contains(&weekday),
                Days::LastOfWeek(day) => weekday == *day && number + 7 > last,
                Days::Numbered(day, which) => weekday == *day && number.div_ceil(7) == *which,
            }
    }

    /// Whether there is any day at all on which it happens: not on 31 February.
    pub fn ever(&self) -> bool {
        match &self.years {
            None => day::cycle().any(|day| self.on(day)),
            Some(years) => years.iter().any(|year| day::year(*year).any(|day| self.on(day))),
        }
    }
}

/// The working day nearest to the day `near` of a month with `last` days, in which the day `number` falls on `weekday`.
fn working_day(near: u16, number: u16, weekday: u16, last: u16) -> u16 {
    // The day of the week of `near`, from Sunday = 0; 35 keeps the difference above zero.
    match (weekday + 34 + near - number) % 7 {
        6 if near == 1 => 3,
        6 => near - 1,
        0 if near == last => near - 2,
        0 => near + 1,
        _ => near,
    }
}

fn values(field: &Field, text: &str) -> Result<Vec<u16>, ExpressionError> {
    field.values(text).map_err(|item| wrong(field, item))
}

fn wrong(field: &Field, item: &str) -> ExpressionError {
    ExpressionError::Item { item: crate::check::shorten(item), title: field.title, allowed: field.allowed() }
}

fn of_month(text: &str) -> Result<Days, ExpressionError> {
    if text == "*" {
        return Ok(Days::All);
    }
    if text.eq_ignore_ascii_case("L") {
        return Ok(Days::LastOfMonth);
    }
    match text.strip_suffix(['W', 'w']) {
        Some(day) => DAY.value(day).map(Days::Working).ok_or_else(|| wrong(&DAY, text)),
        None => values(&DAY, text).map(Days::OfMonth),
    }
}

fn of_week(text: &str) -> Result<Days, ExpressionError> {
    if text == "*" {
        return Ok(Days::All);
    }
    if text.eq_ignore_ascii_case("L") {
        return Ok(Days::OfWeek(vec![WEEKDAY.most]));
    }
    if let Some((day, which)) = text.split_once('#') {
        let which = super::field::number(which).filter(|which| (1..=5).contains(which));
        return match (WEEKDAY.value(day), which) {
            (Some(day), Some(which)) => Ok(Days::Numbered(day, which)),
            _ => Err(wrong(&WEEKDAY, text)),
        };
    }
    match text.strip_suffix(['L', 'l']) {
        Some(day) => WEEKDAY.value(day).map(Days::LastOfWeek).ok_or_else(|| wrong(&WEEKDAY, text)),
        None => values(&WEEKDAY, text).map(Days::OfWeek),
    }
}
